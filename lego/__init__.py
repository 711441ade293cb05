"""Lego: a disaggregated operating system that runs on ordinary machines."""
