#!/usr/bin/env python3
"""A stage of tests/run --long: a writer of the journal, killed at random instants.

    journal_kills.py [--kills 100] [--seed N]

tests/golden/journal_feed.c writes numbered records and says after each sync how far it is; it gets
SIGKILL, and the next one goes on where it left. Beside it `weir alerts --follow` reads all the while.
No record that was said to be synced is missing, none has two numbers, none is told twice with
another content; the one that followed was told the same, once, in order."""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.environ.get("WEIR_BUILD") or os.path.join(ROOT, "build", "asan")
FEED, WEIR = os.path.join(BUILD, "tests", "journal_feed"), os.path.join(BUILD, "weir")
SEGMENT = 20000 # bytes: many segments


def records(text):
    """Number → line, of what was told; a number that is told twice ends the test."""
    told = {}
    for line in text.splitlines():
        number = json.loads(line)["n"]
        if number in told:
            sys.exit(f"record {number} was told twice:\n{told[number]}\n{line}")
        told[number] = line
    return told


def alerts(folder):
    done = subprocess.run([WEIR, "alerts", "--set", f"sensor.state_dir={folder}"], capture_output=True,
                          text=True, check=False)
    if done.returncode != 0 or done.stderr:
        sys.exit(f"weir alerts: status {done.returncode}\n{done.stderr[-2000:]}")
    return records(done.stdout)


class Follower:
    def __init__(self, folder):
        self.process = subprocess.Popen([WEIR, "alerts", "--follow", "--set",
                                         f"sensor.state_dir={folder}"], text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.lines = []
        self.thread = threading.Thread(target=lambda: self.lines.extend(self.process.stdout))
        self.thread.start()

    def end(self):
        time.sleep(1) # it looks each 100 ms
        self.process.terminate()
        self.thread.join()
        said = self.process.stderr.read()
        if self.process.wait() != 0 or said:
            sys.exit(f"weir alerts --follow: status {self.process.returncode}\n{said[-2000:]}")
        return records("".join(self.lines))


def write_and_kill(folder):
    """The last number that was said to be synced."""
    process = subprocess.Popen([FEED, folder, str(SEGMENT), "numbers"], text=True, stdout=subprocess.PIPE)
    synced = int(process.stdout.readline())
    end = time.monotonic() + random.random() * 0.2
    while time.monotonic() < end:
        synced = int(process.stdout.readline())
    process.kill()
    for line in process.stdout: # what it had said before it died
        if line.endswith("\n"):
            synced = int(line)
    process.wait()
    process.stdout.close()
    return synced


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=8)
    options = parser.parse_args()
    random.seed(options.seed)
    with tempfile.TemporaryDirectory(prefix="weir-kills-") as folder:
        os.mkdir(os.path.join(folder, "journal"))
        follower, before = Follower(folder), {}
        for kill in range(options.kills):
            synced = write_and_kill(folder)
            now = alerts(folder)
            if set(now) != set(range(1, max(now) + 1)) or max(now) < synced:
                sys.exit(f"kill {kill}: {synced} were synced, {max(now)} are there, {len(now)} in all")
            if any(now[number] != line for number, line in before.items()):
                sys.exit(f"kill {kill}: a record is not what it was")
            before = now
        followed = follower.end()
        segments = len(os.listdir(os.path.join(folder, "journal"))) - 1
    if followed != before:
        sys.exit(f"the one that followed was told {len(followed)} of {len(before)} records")
    print(f"{options.kills} kills, {len(before)} records in {segments} segments: none missing, none twice")


if __name__ == "__main__":
    main()
