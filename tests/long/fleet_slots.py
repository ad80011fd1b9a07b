#!/usr/bin/env python3
"""A stage of tests/run --long: four sensors learn on a cluster of three primaries and three replicas, while
slots move.

    fleet_slots.py [--sensors 4] [--hours 12] [--moves 100] [--seed N]

The same traffic, split over the sensors (tests/unit/engine/store_feed.c), on one server that nothing disturbs,
and on a cluster: there a slot that has keys goes from one primary to another, keys one after the other, again
and again, while hours are written and closed. Then every profile and the fleet's tables are the same to the
byte, and no sensor lost its store meanwhile."""

import argparse
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden"))

from store_kills import BUILD, Feed, Server # noqa: E402
from weirtest import RedisClient # noqa: E402

NODES, PRIMARIES, SLOTS = 6, 3, 16384


def free_port():
    """A cluster's bus is 10000 above."""
    while True:
        port = random.randrange(10240, 22000)
        try:
            for one in (port, port + 10000):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", one))
            return port
        except OSError:
            continue


def until(what, check, seconds=60):
    end = time.monotonic() + seconds
    while not check():
        if time.monotonic() > end:
            raise SystemExit(f"not within {seconds} s: {what}")
        time.sleep(0.05)


class Node:
    def __init__(self, folder, nodes):
        """It is one of `nodes` as soon as its process runs: they are ended whatever comes."""
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        os.mkdir(os.path.join(folder, str(self.port)))
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir",
             os.path.join(folder, str(self.port)), "--save", "", "--appendonly", "no", "--cluster-enabled", "yes",
             "--cluster-node-timeout", "5000", "--repl-diskless-sync-delay", "0"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        nodes.append(self)
        until(f"a server at port {self.port}", self.is_up)
        self.id = self("CLUSTER", "MYID").decode()

    def is_up(self):
        try:
            return self("PING") is not None
        except OSError:
            return False

    def __call__(self, *words):
        with RedisClient(self.url) as client:
            return client(*words)

    def says(self, *words):
        return self(*words).decode()


class Cluster:
    def __init__(self, folder):
        self.node, self.moves = [], 0
        try:
            self.begin(folder)
        except BaseException: # until() gives up by SystemExit
            self.stop()
            raise

    def begin(self, folder):
        for _ in range(NODES):
            Node(folder, self.node)
        self.primary = self.node[:PRIMARIES]
        for i, node in enumerate(self.primary):
            node("CLUSTER", "ADDSLOTSRANGE", i * SLOTS // PRIMARIES, (i + 1) * SLOTS // PRIMARIES - 1)
        for node in self.node[1:]:
            node("CLUSTER", "MEET", "127.0.0.1", self.node[0].port)
        for i, node in enumerate(self.node[PRIMARIES:]):
            of = self.primary[i].id
            until("all know each other", lambda node=node, of=of: of in node.says("CLUSTER", "NODES"))
            until("a replica", lambda node=node, of=of: self.follows(node, of))
        for node in self.node:
            until("the cluster's state is ok", lambda node=node: "cluster_state:ok" in node.says("CLUSTER", "INFO"))
        for node in self.node[PRIMARIES:]:
            until("replicas have all", lambda node=node: "master_link_status:up" in node.says("INFO", "replication"))
        self.url = "redis-cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.node)

    def follows(self, node, of):
        try:
            return node("CLUSTER", "REPLICATE", of) is not None
        except AssertionError: # it does not know it as a primary yet
            return False

    def move(self):
        """A slot that has keys, from the primary that has it to another one."""
        start = random.choice(self.primary)
        key = start("RANDOMKEY")
        if not key:
            return
        slot, to = start("CLUSTER", "KEYSLOT", key), random.choice([one for one in self.primary if one is not start])
        to("CLUSTER", "SETSLOT", slot, "IMPORTING", start.id)
        start("CLUSTER", "SETSLOT", slot, "MIGRATING", to.id)
        while keys := start("CLUSTER", "GETKEYSINSLOT", slot, 3):
            for one in keys:
                start("MIGRATE", "127.0.0.1", to.port, one, 0, 5000)
        for one in (to, start, *(one for one in self.primary if one not in (to, start))):
            one("CLUSTER", "SETSLOT", slot, "NODE", to.id)
        self.moves += 1

    def stop(self):
        for node in self.node:
            node.process.kill()
            node.process.wait()


class Counted(Feed):
    """… which also counts the sensors that were begun again: none, as long as the store stays."""

    def read(self):
        self.begun = 0
        for line in self.process.stdout:
            words = line.split()
            if words and words[0] == "sensor":
                self.begun += 1
                self.pids[int(words[1])] = int(words[2])
            elif words:
                self.lines.append(line)


def play(url, given, between=lambda hour: None):
    feed = Counted(url, given.sensors, given.hours)
    for hour in range(given.hours):
        feed.say("hour")
        between(hour)
    return feed.end(), feed.begun


def play_moving(given):
    with tempfile.TemporaryDirectory(prefix="weir-slots-") as folder:
        cluster = Cluster(folder)
        over = threading.Event()

        def keep_moving():
            while not over.is_set():
                cluster.move()
                over.wait(random.random() * 0.1)

        def wait_for_moves(hour):
            until("slots move", lambda: cluster.moves >= given.moves * (hour + 1) // given.hours, 600)

        mover = threading.Thread(target=keep_moving, daemon=True)
        mover.start()
        try:
            text, begun = play(cluster.url, given, wait_for_moves)
        finally:
            over.set()
            mover.join(60)
            cluster.stop()
    return text, begun, cluster.moves


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sensors", type=int, default=4)
    parser.add_argument("--hours", type=int, default=12)
    parser.add_argument("--moves", type=int, default=100)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1000000)
    given = parser.parse_args()
    if subprocess.run(["sh", "-c", "command -v redis-server"], capture_output=True, check=False).returncode:
        print("skipped: redis-server is not installed")
        return 77
    subprocess.run(["cmake", "--build", BUILD, "--target", "store_feed"], check=True, stdout=subprocess.DEVNULL)
    print(f"seed {given.seed}", flush=True)
    random.seed(given.seed)
    with tempfile.TemporaryDirectory(prefix="weir-slots-") as folder:
        server = Server(folder)
        want, _ = play(server.url, given)
        server.kill()
    began = time.time()
    got, begun, moves = play_moving(given)
    print(f"{moves} slots moved in {time.time() - began:.0f} s under {given.sensors} sensors; "
          f"{begun - given.sensors} times one lost its store", flush=True)
    if got == want and begun == given.sensors and f"fleet: through {given.hours - 1}" in got:
        print("the same profiles and tables as on one server", flush=True)
        return 0
    print(f"on one server:\n{want}\non the cluster:\n{got}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
