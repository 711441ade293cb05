"""Terminals: the line discipline, pseudo-terminals, controlling terminals and job control."""
