# with: python3
# threading, queues, concurrent.futures, asyncio.
import asyncio
import concurrent.futures
import queue
import threading
import time

total, lock = 0, threading.Lock()


def add(count):
    global total
    for _ in range(count):
        with lock:
            total += 1


threads = [threading.Thread(target=add, args=(500,)) for _ in range(4)]
[each.start() for each in threads]
[each.join() for each in threads]
print("total", total, threading.active_count())

jobs, results = queue.Queue(maxsize=3), queue.Queue()


def work():
    while (job := jobs.get()) is not None:
        results.put(job * job)


pool = [threading.Thread(target=work) for _ in range(3)]
[each.start() for each in pool]
[jobs.put(job) for job in [*range(12), None, None, None]]
[each.join() for each in pool]
print(sorted(results.queue))

condition, barrier, event = threading.Condition(), threading.Barrier(3), threading.Event()
print(event.wait(0.01), condition.acquire(timeout=1), lock.acquire(timeout=0.5), lock.acquire(timeout=0.01))
lock.release(), condition.release()
order = []
parties = [threading.Thread(target=lambda: order.append(barrier.wait())) for _ in range(3)]
[each.start() for each in parties]
[each.join() for each in parties]
print(sorted(order))
local = threading.local()
timer = threading.Timer(0.02, event.set)
timer.start()
print(event.wait(5), hasattr(local, "x"))
timer.join()

with concurrent.futures.ThreadPoolExecutor(4) as executor:
    print(list(executor.map(pow, range(6), range(6))))
    futures = [executor.submit(divmod, 7, n) for n in (2, 0, 3)]
    done, _ = concurrent.futures.wait(futures)
    print(len(done), [type(each.exception()).__name__ for each in futures])


async def speak(name, delay, log):
    for step in range(3):
        await asyncio.sleep(delay)
        log.append(f"{name}{step}")
    return name


async def client(path, text):
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(text.encode() + b"\n")
    await writer.drain()
    answer = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return answer


async def serve(reader, writer):
    while line := await reader.readline():
        writer.write(line.upper())
        await writer.drain()
    writer.close()


async def main():
    log = []
    print(await asyncio.gather(speak("a", 0.03, log), speak("b", 0.05, log)), log[0], sorted(log))
    server = await asyncio.start_unix_server(serve, "socket")
    async with server:
        print(await asyncio.gather(*(client("socket", f"client {n}") for n in range(4))))
    process = await asyncio.create_subprocess_exec("cat", stdin=-1, stdout=-1)
    print((await process.communicate(b"through cat"))[0], process.returncode)
    try:
        async with asyncio.timeout(0.02):
            await asyncio.sleep(10)
    except TimeoutError:
        print("timeout")
    print(await asyncio.to_thread(sum, range(10)))
    things = asyncio.Queue()
    async with asyncio.TaskGroup() as group:
        group.create_task(things.put(1))
        group.create_task(things.get())


asyncio.run(main())
start = time.monotonic()
time.sleep(0.02)
print(0.02 <= time.monotonic() - start < 5)
