"""AF_INET: addresses, ports, streams and datagrams between the programs of one vNode, and published ports."""
