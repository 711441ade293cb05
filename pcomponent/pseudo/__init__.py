"""The file systems that a processor component makes up: /proc, /dev and /sys."""
