"""The x86-64 Linux ABI as data: numbers, structures and flags, each with the header it comes from."""
