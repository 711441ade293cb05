# with: python3
# multiprocessing: pools, pipes, queues, shared values, locks between processes, locks on files.
import fcntl
import multiprocessing
import os
import sys
import tempfile


def square(number):
    return number * number


def produce(pipe, queue, counter):
    for number in range(3):
        pipe.send({"n": number})
        queue.put(number * 10)
        with counter.get_lock():
            counter.value += number
    pipe.close()


if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    with context.Pool(3) as pool:
        print(pool.map(square, range(10)), pool.apply(square, (12,)))
    here, there = context.Pipe()
    queue, counter = context.Queue(), context.Value("i", 0)
    worker = context.Process(target=produce, args=(there, queue, counter))
    worker.start()
    print([here.recv() for _ in range(3)], [queue.get() for _ in range(3)])
    worker.join()
    print(worker.exitcode, counter.value)
    array = context.Array("d", [1.5, 2.5])
    failing = context.Process(target=sys.exit, args=(4,))
    failing.start()
    failing.join(10)
    print(failing.exitcode, list(array), not multiprocessing.active_children())
    gate, turns = context.Semaphore(0), context.Value("i", 0)
    waiter = context.Process(target=lambda: sys.exit(0 if gate.acquire(timeout=20) else 1))
    waiter.start()
    gate.release()
    waiter.join()
    print(waiter.exitcode, turns.value)
    with tempfile.TemporaryFile(dir=".") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        if not os.fork():
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                os._exit(error.errno)
        print(os.waitstatus_to_exitcode(os.wait()[1]))
