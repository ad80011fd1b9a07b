#!/usr/bin/env python3
"""Processes of a sensor die under traffic: it goes on, says what it did not see, and counts no byte
twice. tcpdump beside it knows the truth."""

import contextlib
import datetime
import os
import socket
import struct
import subprocess
import threading
import time

import livetest
import weirtest
from livetest import SERVER, Sensor, Space, Tcpdump, address, read, require, until, wire, worker_of
from weirtest import Case, RedisServer

NEWCOMER = "10.1.0.9"
CLIENTS = ("10.1.0.1", "10.1.0.2", "10.1.0.3", "10.1.0.4") # enough for both workers to have some
PAIRS = [(f"10.1.0.{n}", f"198.51.100.{n}") for n in range(60)]
RATE = 600_000 # bytes a second of each: it reports every 1.7 s
MIB = 1 << 20
REPORT_S = 10 # a flow reports at the latest so long after a packet (flow/table.c) …
BEAT_S = 1.5 # … and a live worker says each second how far it is; half a second for a busy machine


def packets(path):
    """(time in s, payload bytes of TCP, from a client?) of a pcap file of tcpdump's."""
    with open(path, "rb") as file:
        data = file.read()
    at = 24
    while at < len(data):
        seconds, micro, size, _ = struct.unpack_from("<IIII", data, at)
        frame = data[at + 16:at + 16 + size]
        at += 16 + size
        if frame[12:14] == b"\x08\0" and frame[23] == 6:
            total, = struct.unpack_from("!H", frame, 16)
            head = 20 + (frame[46] >> 4) * 4
            yield seconds + micro / 1e6, total - head, frame[26] == 10


def seconds_of(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class Faults(Case):
    maxDiff = None

    def setUp(self):
        super().setUp()
        require(self, "ethtool", "tcpdump")
        self.client, self.server = Space(self, "client"), Space(self, "server")
        wire(self.client, "c0", self.server, "s0")
        for own in CLIENTS:
            address(self.client, "c0", own, SERVER)
            address(self.server, "s0", SERVER, own)
        self.server.part("web", "80")

    def begin(self, seconds, *words, workers=2):
        self.sensor = Sensor(self, self.server, "-i", "s0", "--flows", "--inside", "10.0.0.0/8", *words,
                             workers=workers)
        self.workers = workers
        self.dump = Tcpdump(self, self.server, "s0")
        self.streams = [self.client.part("stream", own, SERVER, "80", RATE, seconds)
                        for own in CLIENTS]
        self.began = time.time()

    def until_all_is_sent(self):
        for stream in self.streams:
            self.assertEqual(stream.wait(120), 0)
        time.sleep(1)
        self.sensor.stop()
        self.truth = list(packets(self.dump.stop()))

    def sent(self, since=0.0, until=float("inf")):
        """Payload that clients sent in an interval, by tcpdump."""
        return sum(size for at, size, up in self.truth if up and since <= at <= until)

    def told(self):
        return sum(flow["orig"]["payload_bytes"] if flow["orig"]["ip"] in CLIENTS
                   else flow["resp"]["payload_bytes"] for flow in self.sensor.flows())

    def absences(self):
        return [alert for alert in self.sensor.alerts("sensor.blind")
                if alert["weir"]["reasons"][0]["code"] == "sensor.blind.absent" and
                alert["weir"]["state"] == "open"] # each is closed at once

    def assert_ids_are_unique(self):
        ids = [alert["event"]["id"] for alert in self.sensor.alerts()]
        self.assertEqual(len(set(ids)), len(ids))

    def kill_worker(self, number, signal=livetest.signal.SIGKILL, within=10):
        """(killed at, the successor began at)"""
        before = self.sensor.ready(self.workers)["capture"][number]
        at = time.time()
        self.sensor.kill(before["pid"], signal)

        def successor():
            status = self.sensor.is_up(self.workers)
            now = status and status["capture"][number]
            return now and now["pid"] not in (0, before["pid"]) and now
        now = until("a successor", successor, within)
        self.assertEqual(now["restarts"], before["restarts"] + 1, read(self.sensor.log))
        self.assertIn("signal 9", now["last_death"])
        return at, time.time()


class Capture(Faults):
    def test_killed_twice(self):
        self.begin(14)
        time.sleep(3)
        true = [self.kill_worker(0)]
        time.sleep(3)
        true.append(self.kill_worker(1))
        self.until_all_is_sent()
        self.check_intervals(true)
        self.check_bytes(true)
        self.check_crash_files(2)
        self.assert_ids_are_unique()
        lost = [flow for flow in self.sensor.flows() if flow["end_reason"] == "lost"]
        self.assertTrue(lost)

    def check_intervals(self, true):
        """What it says it did not see holds what it did not see, and not much more."""
        told = self.absences()
        self.assertEqual(len(told), len(true), told)
        for alert, (died, back) in zip(told, true):
            start, end = (seconds_of(alert["event"][key]) for key in ("start", "end"))
            self.assertLessEqual(start, died, alert)
            self.assertGreaterEqual(start, died - BEAT_S, alert)
            self.assertLess(start, end, alert)
            self.assertLessEqual(end, back + BEAT_S, alert)

    def check_bytes(self, true):
        """Never more than was sent. Less by what passed while it was blind, and by what the dead one
        had seen and not told yet: of each flow at most 1 MiB, or 10 s of it."""
        told, sent = self.told(), self.sent()
        blind = sum(self.sent(seconds_of(alert["event"]["start"]), seconds_of(alert["event"]["end"]))
                    for alert in self.absences())
        untold = len(true) * len(CLIENTS) * min(MIB, REPORT_S * RATE)
        self.assertLessEqual(told, sent)
        self.assertGreaterEqual(told, sent - blind - untold)
        self.assertGreater(told, sent // 3)

    def check_crash_files(self, count):
        folder = os.path.join(self.sensor.state, "crash")
        files = sorted(os.listdir(folder))
        self.assertEqual(len(files), count, (files, read(self.sensor.log)))
        for name in files:
            done = subprocess.run(["tcpdump", "-nr", os.path.join(folder, name)], capture_output=True,
                                  text=True, check=True)
            self.assertIn(SERVER + ".80", done.stdout)

    def test_hung(self):
        """A process that is stopped says nothing: it is ended, and another takes its place."""
        self.begin(8, workers=1)
        self.kill_worker(0, livetest.signal.SIGSTOP)
        self.until_all_is_sent()
        self.assertIn("has not moved for", read(self.sensor.log))
        self.assertEqual(len(self.absences()), 1)
        self.assertLessEqual(self.told(), self.sent())


class Together(Case):
    """Capture processes that die at once come back to their own places in every interface's fanout: both
    directions of a pair, on a tap interface each, still meet."""

    def setUp(self):
        super().setUp()
        require(self, "ethtool")
        self.peer, self.tap = Space(self, "peer"), Space(self, "tap")
        self.lines = []
        for way in range(2):
            wire(self.peer, f"p{way}", self.tap, f"tap{way}", arp=False)
            self.lines.append(self.peer.raw(f"p{way}"))
            self.addCleanup(self.lines[way].close)

    def speak(self, port):
        for client, server in PAIRS:
            ends = ((client, port), (server, 6000))
            for way in range(2):
                self.lines[way].send(weirtest.udp(*ends[way], *ends[1 - way], b"weir"))

    def test_both_killed(self):
        sensor = Sensor(self, self.tap, "-i", "tap0", "-i", "tap1", "--flows", "--inside", "10.0.0.0/8",
                        workers=2)
        for died in range(1, 5):
            for one in sensor.ready(2)["capture"]:
                sensor.kill(one["pid"])
            until("successors", lambda n=died: all(one["restarts"] == n for one in
                                                   sensor.ready(2)["capture"]))
        time.sleep(1) # "running" is told to begin: it looks a moment later
        self.speak(5000)
        shares = [0, 0]
        for pair in PAIRS:
            shares[worker_of(*pair, 2)] += 2
        until(lambda: (shares, sensor.status()),
              lambda: [one["packets"] for one in sensor.ready(2)["capture"]] == shares, 10)
        sensor.stop()
        seen = sorted((flow["orig"]["port"], flow["orig"]["packets"], flow["resp"]["packets"])
                      for flow in sensor.flows())
        self.assertEqual(seen, [(5000, 1, 1)] * 60)


class Engine(Faults):
    """Capture goes on into the rings; the next engine goes on where the last checkpoint and its log end."""

    def kill_engine(self, number=livetest.signal.SIGKILL):
        before = self.sensor.ready(self.workers)["engine"]
        self.sensor.kill(before["pid"], number)

        def successor():
            status = self.sensor.is_up(self.workers)
            return status and status["engine"]["pid"] != before["pid"] and status
        status = until(lambda: read(self.sensor.log), successor, 20)
        self.assertEqual(status["engine"]["restarts"], before["restarts"] + 1)
        return status

    def test_killed_twice(self):
        """No byte is lost, none is counted twice, no alert is told twice or not at all."""
        self.begin(12)
        for _ in range(2):
            time.sleep(3)
            pids = [one["pid"] for one in self.kill_engine()["capture"]]
            self.assertEqual(pids, [one["pid"] for one in self.sensor.ready(2)["capture"]])
        self.until_all_is_sent()
        self.assert_ids_are_unique()
        self.assert_flows_are_those_of_a_replay()

    def assert_flows_are_those_of_a_replay(self):
        run = self.replay("--flows", "--inside", "10.0.0.0/8", self.dump.path)
        self.assertEqual(livetest.differences(self.sensor.flows(), run.flows()), "",
                         self.sensor.alerts("sensor.blind")) # if it said so, there is the reason

    def test_redis_killed(self):
        """The private server dies: it comes again with all it had, and the sensor, its engine too, goes
        on."""
        self.begin(10)
        time.sleep(3)
        server, engine = self.redis_pid(), self.sensor.ready(2)["engine"]["pid"]
        self.sensor.kill(server)
        until("another redis-server", lambda: self.redis_pid() not in (0, server), 20)
        status = until("redis again", lambda: (now := self.sensor.is_up(2)) and
                       now["redis"]["absences"] == 1 and now["redis"]["state"] == "ready" and now, 20)
        self.assertEqual((status["engine"]["pid"], status["engine"]["restarts"]), (engine, 0))
        self.until_all_is_sent()
        self.assert_ids_are_unique()
        self.assert_flows_are_those_of_a_replay()

    def redis_pid(self):
        """Of the redis-server that is a child of this sensor's supervisor."""
        words = subprocess.run(["ps", "-o", "pid=,comm=", "--ppid", str(self.sensor.process.pid)],
                               capture_output=True, text=True, check=False).stdout.split()
        return next((int(pid) for pid, name in zip(words[::2], words[1::2])
                     if name.startswith("redis")), 0)


class Store(Faults):
    """The operator's own redis-server in every trouble: the sensor goes on, says what is wrong, and has
    the server again once it is right."""

    def setUp(self):
        super().setUp()
        require(self, "ethtool", "tcpdump", "redis-server")
        self.redis = RedisServer()
        self.addCleanup(self.redis.stop)
        os.chmod(self.redis.folder, 0o777) # the sensor's processes are another user's
        self.path_of_redis = self.redis.url.removeprefix("unix:")

    def order(self, *words):
        with weirtest.RedisClient(self.redis.url) as client:
            client(*words)

    def lose_clients(self):
        with contextlib.suppress(ConnectionError), weirtest.RedisClient(self.redis.url) as client:
            client("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    def until_redis(self, state, why=None):
        def reached():
            redis = (self.sensor.status() or {}).get("redis")
            return redis and redis["state"] == state and (why or "") in (redis["why"] or "") and redis
        return until(lambda: f"redis {state}, {why}\n{self.sensor.status()}\n{read(self.sensor.log)}",
                     reached, 20)

    def test_every_trouble(self):
        self.begin(25, "--set", "redis.url=" + self.redis.url)
        engine = self.sensor.ready(2)["engine"]["pid"]
        self.until_redis("ready")
        for trouble in (self.full, self.replica, self.stopped, self.killed, self.nonsense):
            trouble()
            self.until_redis("ready")
        self.until_all_is_sent()
        self.assertEqual(self.sensor_says("judging goes on"), 5)
        self.assertEqual(self.sensor_says("redis is there again"), 5)
        self.assert_ids_are_unique()
        self.assertFalse(self.sensor.alerts("sensor.blind"), "it saw everything")
        self.assertNotIn("the engine ended", read(self.sensor.log))
        self.assertTrue(engine)
        run = self.replay("--flows", "--inside", "10.0.0.0/8", self.dump.path)
        self.assertEqual(livetest.differences(self.sensor.flows(), run.flows()), "")

    def sensor_says(self, words):
        return read(self.sensor.log).count(words)

    def full(self):
        self.order("CONFIG", "SET", "maxmemory", "1")
        self.lose_clients()
        self.until_redis("reads only", "is full")
        self.order("CONFIG", "SET", "maxmemory", "0")

    def replica(self):
        self.order("REPLICAOF", "127.0.0.1", "1")
        self.lose_clients()
        self.until_redis("reads only", "read-only replica")
        self.order("REPLICAOF", "NO", "ONE")

    def stopped(self):
        """Somebody who was not met before is asked about, and there is no answer."""
        self.redis.process.send_signal(livetest.signal.SIGSTOP)
        address(self.client, "c0", NEWCOMER, SERVER)
        address(self.server, "s0", SERVER, NEWCOMER)
        self.streams.append(self.client.part("stream", NEWCOMER, SERVER, "80", RATE, 2))
        self.until_redis("away", "no answer within")
        self.redis.process.send_signal(livetest.signal.SIGCONT)

    def killed(self):
        self.redis.process.kill()
        self.redis.process.wait()
        self.until_redis("away", "its server is not")
        self.redis.start()

    def nonsense(self):
        self.redis.process.kill()
        self.redis.process.wait()
        os.unlink(self.path_of_redis)
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(self.path_of_redis)
            os.chmod(self.path_of_redis, 0o777)
            other.listen(8)
            thread = threading.Thread(target=self.speak_http, args=(other,))
            thread.start()
            self.until_redis("away", "does not speak Redis")
            other.shutdown(socket.SHUT_RDWR)
            thread.join()
        os.unlink(self.path_of_redis)
        self.redis.start()

    def speak_http(self, other):
        with contextlib.suppress(OSError):
            while True:
                client, _ = other.accept()
                with client:
                    client.recv(4096)
                    client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    def test_not_there_at_the_start(self):
        """What needs no baseline is judged; it is said; and all goes on as usual once it is there."""
        self.redis.process.kill()
        self.redis.process.wait()
        self.sensor = Sensor(self, self.server, "-i", "s0", "--inside", "10.0.0.0/8",
                             "--set", "redis.url=" + self.redis.url)
        self.until_redis("away", "its server is not")
        self.assertIn("AWAY since", self.sensor.ask("status").stdout)
        body = b"".join(b"user%06d@example.co.jp\n" % n for n in range(4_000))
        self.client.part("post", SERVER, "80", len(body), self.write("body", body))
        until(lambda: f"an alert\n{self.sensor.status()}\n{read(self.sensor.log)}",
              lambda: self.sensor.alerts("content.personal"), 30)
        self.redis.start()
        self.until_redis("ready")
        self.assertNotIn("AWAY", self.sensor.ask("status").stdout)
        self.sensor.stop()
        with weirtest.RedisClient(self.redis.url) as client:
            self.assertTrue(client("GET", "weir:schema"))


if __name__ == "__main__":
    weirtest.main()
