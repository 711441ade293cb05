"""The global manager: pids, placement, load figures and membership."""
