"""What can be seen of a machine: counters, the virtual clock, traces."""
