"""System V IPC: shared memory segments, semaphore sets and message queues of a vNode."""
