"""Processes that run on another processor than the one that keeps them: see docs/spread.md."""
