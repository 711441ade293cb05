"""The system calls: the table, and one file for each family."""
