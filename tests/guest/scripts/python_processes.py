# with: python3
# subprocess, signals, os.fork, pipes, select, mmap.
import mmap
import os
import select
import selectors
import signal
import socket
import subprocess
import sys

sys.stdout.reconfigure(line_buffering=True)
print(subprocess.run(["sort", "-r"], input="a\nc\nb\n", capture_output=True, text=True).stdout.split())
print(subprocess.run("echo out; echo err >&2; exit 3", shell=True, capture_output=True))
print(subprocess.check_output(["env"], env={"ONLY": "this"}))
try:
    subprocess.run(["sleep", "10"], timeout=0.05)
except subprocess.TimeoutExpired as error:
    print("timeout", error.cmd)
try:
    subprocess.run(["nothing-of-this-name"])
except FileNotFoundError as error:
    print(error)
print(subprocess.run(["sh", "-c", "kill -9 $$"]).returncode)
first = subprocess.Popen(["seq", "100"], stdout=subprocess.PIPE)
second = subprocess.Popen(["grep", "-c", "7"], stdin=first.stdout, stdout=subprocess.PIPE)
first.stdout.close()
print(second.communicate(), first.wait())
with subprocess.Popen(["cat"], stdin=-1, stdout=-1, start_new_session=True, bufsize=0) as cat:
    cat.stdin.write(b"one\n")
    print(cat.stdout.readline(), cat.poll())
    cat.terminate()
    print(cat.wait())
got = []
signal.signal(signal.SIGUSR1, lambda number, frame: got.append(signal.Signals(number).name))
os.kill(os.getpid(), signal.SIGUSR1)
signal.setitimer(signal.ITIMER_REAL, 0.01)
signal.signal(signal.SIGALRM, lambda *_: got.append("alarm"))
signal.pause()
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
os.kill(os.getpid(), signal.SIGUSR2)
print(got, signal.sigpending(), signal.sigwait({signal.SIGUSR2}))
shared = mmap.mmap(-1, 4096)
if not os.fork():
    shared[:5] = b"child"
    os._exit(6)
print(os.waitstatus_to_exitcode(os.wait()[1]), shared[:5])
left, right = socket.socketpair()
with selectors.DefaultSelector() as selector:
    selector.register(left, selectors.EVENT_READ, "left")
    print(selector.select(0))
    right.send(b"ping")
    print([key.data for key, _ in selector.select(1)], left.recv(10))
reader, writer = os.pipe()
print(select.select([reader], [writer], [], 0)[0], os.write(writer, b"x"))
print(select.select([reader], [], [], 1)[0] == [reader])
pid = os.posix_spawn("/bin/sh", ["sh", "-c", "exit $X"], {"X": "11"})
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), os.get_inheritable(reader))
os.execvp("echo", ["echo", "the end"])
