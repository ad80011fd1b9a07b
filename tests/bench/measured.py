"""What a program and all it starts take: processor, memory; a redis-server among them apart."""

import os
import pathlib
import subprocess
import sys
import time

TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
LOOK_S = .05


def children(pid):
    found = []
    try:
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            found += [int(word) for word in (task / "children").read_text("ascii").split()]
    except OSError:
        pass
    return found


def family(pid):
    found = [pid]
    for child in children(pid):
        found += family(child)
    return found


def stat(pid):
    """Its name and the seconds of processor so far."""
    text = pathlib.Path(f"/proc/{pid}/stat").read_text("ascii")
    words = text.rsplit(")", 1)[1].split()
    return text.split("(", 1)[1].rsplit(")", 1)[0], (int(words[11]) + int(words[12])) / TICK


def resident(pid):
    """Bytes of memory that are there: what several processes share is counted once in all of them together, where
    the kernel says so, and the trace itself, mapped or not, is the kernel's."""
    try:
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * PAGE


class Figures:
    """Seconds of wall and processor, bytes at the most; of Redis apart."""

    def __init__(self):
        self.wall = self.cpu = self.redis_cpu = 0.
        self.bytes = self.redis_bytes = 0

    def look(self, pid, redis):
        own = others = 0
        for one in family(pid):
            try:
                name, seconds = stat(one)
                size = resident(one)
            except (OSError, IndexError):
                continue  # it has ended
            if name.startswith("redis"):
                redis[one] = seconds
                others += size
            else:
                own += size
        self.bytes = max(self.bytes, own)
        self.redis_bytes = max(self.redis_bytes, others)


def run(words, env=None, folder=None):
    """Runs it in the folder to its end. What it took while nobody looked (a look every 50 ms) is in the processor time, but
    not in the memory."""
    figures, redis, begin = Figures(), {}, time.monotonic()
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               env=env, cwd=folder)
    with open(process.stderr.fileno(), "rb", closefd=False) as err:
        os.set_blocking(err.fileno(), False)
        said = b""
        while True:
            said = (said + (err.read() or b""))[-2000:]
            pid, status, use = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            figures.look(process.pid, redis)
            time.sleep(LOOK_S)
    figures.wall = time.monotonic() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stderr.close()
    if process.returncode != 0:
        sys.exit(f"{' '.join(map(str, words))}: status {process.returncode}\n{said.decode(errors='replace')}")
    figures.redis_cpu = sum(redis.values())
    figures.cpu = use.ru_utime + use.ru_stime - figures.redis_cpu
    return figures
