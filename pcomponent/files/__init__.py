"""Open files: descriptors, what they refer to, and how each kind of file behaves."""
