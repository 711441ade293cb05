/* poll, select and epoll on both ends, level- and edge-triggered. */
#include "pty.h"
#include <sys/epoll.h>
#include <sys/select.h>

static int ep;
static void report(const char *when) {
    struct epoll_event found[4];
    int n = epoll_wait(ep, found, 4, 30);
    printf("%s:", when);
    for (int wanted = 0; wanted < 2; wanted++)
        for (int i = 0; i < n; i++)
            if (found[i].data.fd == wanted) printf(" %s %x", wanted ? "slave" : "master", found[i].events);
    printf("\n");
}

int main(void) {
    open_pair();
    ep = (int)MUST(epoll_create1(0));
    struct epoll_event m = {EPOLLIN, {.fd = 0}}, s = {EPOLLIN, {.fd = 1}};
    MUST(epoll_ctl(ep, EPOLL_CTL_ADD, master, &m));
    MUST(epoll_ctl(ep, EPOLL_CTL_ADD, slave, &s));
    report("quiet");
    set_flags(slave, 0, ECHO);
    type("half");
    report("half a line");
    type(" a line\n");
    report("a line");
    report("still");
    reads(slave, 100);
    report("read");
    MUST(write(slave, "output", 6));
    report("output");
    shown("master", master);
    s.events = EPOLLIN | EPOLLET;
    MUST(epoll_ctl(ep, EPOLL_CTL_MOD, slave, &s));
    type("one\n");
    report("edge");
    report("no edge");
    type("two\n");
    report("another edge");
    reads(slave, 100);
    reads(slave, 100);
    fd_set readers, writers;
    FD_ZERO(&readers);
    FD_ZERO(&writers);
    FD_SET(master, &readers);
    FD_SET(slave, &readers);
    FD_SET(slave, &writers);
    struct timeval limit = {0, 10000};
    int top = master > slave ? master : slave;
    printf("select %d", select(top + 1, &readers, &writers, NULL, &limit));
    printf(" %d %d %d\n", FD_ISSET(master, &readers), FD_ISSET(slave, &readers), FD_ISSET(slave, &writers));
    close(slave);
    report("the slave is closed");
    DONE();
}
