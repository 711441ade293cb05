"""How a machine's components come to life: in this process, or as Ray actors."""
