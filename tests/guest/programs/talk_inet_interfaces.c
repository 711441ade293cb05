/* The loopback interface, as ioctl, getifaddrs and netlink tell it. */
#include "inet.h"
#include <ifaddrs.h>
#include <net/if.h>

int main(void) {
    int fd = (int)MUST(socket(AF_INET, SOCK_DGRAM, 0)), unix_socket = (int)MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    struct ifreq request = {.ifr_name = "lo"}, none = {.ifr_name = "none0"}, many[20];
    struct sockaddr_in *address = (void *)&request.ifr_addr;
    SHOW(ioctl(fd, SIOCGIFADDR, &request));
    printf("%s\n", inet_ntoa(address->sin_addr));
    SHOW(ioctl(unix_socket, SIOCGIFNETMASK, &request));
    printf("%s\n", inet_ntoa(address->sin_addr));
    SHOW(ioctl(fd, SIOCGIFFLAGS, &request));
    printf("%x\n", request.ifr_flags);
    SHOW(ioctl(fd, SIOCGIFMTU, &request));
    printf("%d\n", request.ifr_mtu);
    SHOW(ioctl(fd, SIOCGIFINDEX, &request));
    printf("%d\n", request.ifr_ifindex);
    SHOW(ioctl(fd, SIOCGIFHWADDR, &request));
    printf("%d\n", request.ifr_hwaddr.sa_family);
    SHOW(ioctl(fd, SIOCGIFADDR, &none));
    none.ifr_ifindex = 1;
    SHOW(ioctl(fd, SIOCGIFNAME, &none));
    printf("%s\n", none.ifr_name);
    none.ifr_ifindex = 9999;
    SHOW(ioctl(fd, SIOCGIFNAME, &none));
    SHOW(ioctl(fd, SIOCGIFADDR, (void *)8));
    SHOW(ioctl(fd, TCGETS, &none));
    struct ifconf list = {.ifc_len = sizeof many, .ifc_req = many};
    SHOW(ioctl(fd, SIOCGIFCONF, &list));
    CHECK(list.ifc_len >= (int)sizeof *many && !strcmp(many[0].ifr_name, "lo"));
    list.ifc_len = sizeof *many + 5;
    SHOW(ioctl(fd, SIOCGIFCONF, &list));
    CHECK(list.ifc_len == sizeof *many);
    SHOW(if_nametoindex("lo"));
    char name[IF_NAMESIZE];
    printf("%s\n", if_indextoname(1, name) ? name : "none");
    struct ifaddrs *all = NULL;
    SHOW(getifaddrs(&all));
    for (struct ifaddrs *each = all; each; each = each->ifa_next)
        if (!strcmp(each->ifa_name, "lo") && each->ifa_addr && each->ifa_addr->sa_family == AF_INET) {
            printf("%x %s", each->ifa_flags, inet_ntoa(((struct sockaddr_in *)each->ifa_addr)->sin_addr));
            printf(" %s\n", inet_ntoa(((struct sockaddr_in *)each->ifa_netmask)->sin_addr));
        }
    freeifaddrs(all);
    DONE();
}
