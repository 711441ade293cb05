"""The storage component: the mounts of a vNode, path resolution that cannot leave them, and open files."""
