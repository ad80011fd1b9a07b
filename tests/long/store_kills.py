#!/usr/bin/env python3
"""A stage of tests/run --long: sensors and their store, killed at random instants.

    store_kills.py [--kills 200] [--sensors 2] [--hours 30] [--seed N]

Two sensors (engines with checkpoints, tests/unit/engine/store_feed.c) share a redis-server that syncs each
write (appendfsync always). SIGKILL of a sensor, of the server, or of both, as often as asked, spread
over the hours of the traffic; whoever died is started again. Then every profile and the fleet's tables
are, to the byte, those of a run that nothing disturbed."""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.path.join(ROOT, "build", "asan")
PROGRAM = os.path.join(BUILD, "tests", "store_feed")
HOSTS = 12


class Server:
    """A redis-server that may be killed."""

    def __init__(self, folder):
        self.folder, self.url = folder, "unix:" + os.path.join(folder, "redis.sock")
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", self.url[5:], "--dir", self.folder,
             "--save", "", "--appendonly", "yes", "--appendfsync", "always"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while subprocess.run(["redis-cli", "-s", self.url[5:], "ping"], capture_output=True,
                             check=False).stdout != b"PONG\n":
            time.sleep(0.01)

    def kill(self):
        self.process.kill()
        self.process.wait()


class Feed:
    """The sensors, and what is known of them."""

    def __init__(self, url, sensors, hours):
        self.process = subprocess.Popen([PROGRAM, url, str(sensors), str(hours), str(HOSTS)], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=1)
        self.pids, self.lines = {}, []
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        while len(self.pids) < sensors:
            time.sleep(0.01)
        time.sleep(1) # all have said that they are there: the others wait for them from now on

    def read(self):
        for line in self.process.stdout:
            words = line.split()
            if words and words[0] == "sensor":
                self.pids[int(words[1])] = int(words[2])
            elif words:
                self.lines.append(line)

    def say(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def kill(self, number):
        try:
            os.kill(self.pids[number], signal.SIGKILL)
        except ProcessLookupError: # it died with its store just now
            pass

    def end(self):
        self.say("end")
        status = self.process.wait(600)
        self.reader.join(10)
        if status != 0:
            raise SystemExit(f"store_feed ended with {status}")
        return "".join(self.lines)


def play(given, kills):
    """What the store holds in the end, and how often who was killed."""
    told = {"sensor": 0, "server": 0, "both": 0}
    with tempfile.TemporaryDirectory(prefix="weir-kills-") as folder:
        server = Server(folder)
        feed = Feed(server.url, given.sensors, given.hours)
        for hour in range(given.hours):
            feed.say("hour")
            due = kills * (hour + 1) // given.hours
            while sum(told.values()) < due:
                time.sleep(random.random() * random.choice([0.02, 0.1, 0.4]))
                who = random.choice(["sensor"] * 5 + ["server"] * 3 + ["both"] * 2)
                told[who] += 1
                if who != "server":
                    feed.kill(random.randrange(given.sensors))
                if who != "sensor":
                    server.kill()
                    server.start()
        text = feed.end()
        server.kill()
    return text, told


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--sensors", type=int, default=2)
    parser.add_argument("--hours", type=int, default=30)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1000000)
    given = parser.parse_args()
    if subprocess.run(["sh", "-c", "command -v redis-server"], capture_output=True, check=False).returncode:
        print("skipped: redis-server is not installed")
        return 77
    subprocess.run(["cmake", "--build", BUILD, "--target", "store_feed"], check=True,
                   stdout=subprocess.DEVNULL)
    print(f"seed {given.seed}", flush=True)
    random.seed(given.seed)
    want, _ = play(given, 0)
    began = time.time()
    got, told = play(given, given.kills)
    print(f"{sum(told.values())} kills in {time.time() - began:.0f} s: {told}", flush=True)
    if got == want and f"fleet: through {given.hours - 1}" in got:
        print("the same profiles and tables as undisturbed", flush=True)
        return 0
    print(f"undisturbed:\n{want}\nkilled:\n{got}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
