"""Machines that stay up: what `lego up` leaves running, how it is found again, and how it ends."""
