"""How components reach each other: endpoints, transports, the network's cost, and what can go wrong."""
