"""The console: the terminal, pipes or files that are a program's standard input, output and error."""
