/* builds: dynamic
 * Names and services as the C library finds them. */
#include "inet.h"
#include <netdb.h>

static void look(const char *host, const char *service, int flags, int kind) {
    struct addrinfo hints = {.ai_flags = flags, .ai_family = AF_INET, .ai_socktype = kind}, *found = NULL;
    int error = getaddrinfo(host, service, &hints, &found);
    printf("%s %s: %s\n", host ? host : "-", service ? service : "-", error ? gai_strerror(error) : "found");
    for (struct addrinfo *each = found; each; each = each->ai_next) {
        char text[64], port[16];
        getnameinfo(each->ai_addr, each->ai_addrlen, text, sizeof text, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
        printf("  %s %s %d %d\n", text, port, each->ai_socktype, each->ai_protocol);
    }
    if (found) freeaddrinfo(found);
}

int main(void) {
    look("localhost", "80", 0, SOCK_STREAM);
    look("127.0.0.1", NULL, AI_NUMERICHOST, SOCK_DGRAM);
    look(NULL, "7", AI_PASSIVE, SOCK_STREAM);
    look("not an address", NULL, AI_NUMERICHOST, SOCK_STREAM);
    look("localhost", "no-such-service", 0, SOCK_STREAM);
    look("localhost", NULL, AI_ADDRCONFIG, SOCK_STREAM);
    DONE();
}
