"""Calls on sockets. Source: section 2 of the manual pages, include/linux/syscalls.h, socket(7), tcp(7), ip(7)."""

CALLS = """
socket              domain:#af type:|socktype protocol:int = fd
socketpair          domain:#af type:|socktype protocol:int sv:>fds[2]
bind                sockfd:fd addr:<sockaddr[addrlen] addrlen:int
connect             sockfd:fd addr:<sockaddr[addrlen] addrlen:int
listen              sockfd:fd backlog:int
accept              sockfd:fd addr:>sockaddr[*addrlen] addrlen:<>socklen = fd
accept4             sockfd:fd addr:>sockaddr[*addrlen] addrlen:<>socklen flags:|socktype = fd
getsockname         sockfd:fd addr:>sockaddr[*addrlen] addrlen:<>socklen
getpeername         sockfd:fd addr:>sockaddr[*addrlen] addrlen:<>socklen
shutdown            sockfd:fd how:#shutdown
sendto              sockfd:fd buf:<char[len] len:size flags:|msg dest_addr:<sockaddr[addrlen] addrlen:int
recvfrom            sockfd:fd buf:>char[len] len:size flags:|msg src_addr:>sockaddr[*addrlen] addrlen:<>socklen
sendmsg             sockfd:fd msg:<msghdr flags:|msg
recvmsg             sockfd:fd msg:<>msghdr_out flags:|msg
sendmmsg            sockfd:fd msgvec:<>mmsghdr[vlen] vlen:uint flags:|msg
recvmmsg            sockfd:fd msgvec:<>mmsghdr_out[vlen] vlen:uint flags:|msg timeout:<>timespec
setsockopt          sockfd:fd level:#sol optname:int optval:<char[optlen] optlen:int
setsockopt/SOL_SOCKET   sockfd:fd level:#sol optname:#so optval:<sockopt[optlen] optlen:int
setsockopt/SOL_TCP  sockfd:fd level:#sol optname:#tcp optval:<sockopt[optlen] optlen:int
setsockopt/SOL_IP   sockfd:fd level:#sol optname:#ip optval:<sockopt[optlen] optlen:int
setsockopt/SOL_IPV6 sockfd:fd level:#sol optname:#ipv6 optval:<sockopt[optlen] optlen:int
getsockopt          sockfd:fd level:#sol optname:int optval:>char[*optlen] optlen:<>socklen
getsockopt/SOL_SOCKET   sockfd:fd level:#sol optname:#so optval:>sockopt[*optlen] optlen:<>socklen
getsockopt/SOL_TCP  sockfd:fd level:#sol optname:#tcp optval:>sockopt[*optlen] optlen:<>socklen
getsockopt/SOL_IP   sockfd:fd level:#sol optname:#ip optval:>sockopt[*optlen] optlen:<>socklen
getsockopt/SOL_IPV6 sockfd:fd level:#sol optname:#ipv6 optval:>sockopt[*optlen] optlen:<>socklen
"""
