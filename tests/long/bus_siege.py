#!/usr/bin/env python3
"""Stage of tests/run --long: whoever can reach a listener of a live sensor does what they can to it.

    bus_siege.py [--connections 10000]

The listeners: the control API and a unix sink's socket, and /metrics on a TCP port. At each: thousands of
connections that stay, requests that trickle, a head (or a first line) without an end, and clients whose network is
gone in the middle (TCP). Meanwhile others are answered at the next knock for which there is room, packets are
read, alerts reach the file, and memory stays. What was turned away is in the metrics.

By default the release build's program is used."""

import argparse
import os
import re
import resource
import socket
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "golden")]

import weirtest # noqa: E402
from bus_flood import RULES, rss_mib # noqa: E402
from livetest import SERVER, Sensor, Space, address, read, require, until, wire # noqa: E402
from weirtest import Case, udp # noqa: E402

PORT, HERE_IP, THERE_IP = 9477, "10.9.0.1", "10.9.0.2"
GROWTH_MIB = 48       # of a process: 64 connections of 72 KiB, 64 subscribers of 1 MiB at most, malloc's
PATIENCE_S = 15       # 5 s for a request, 5 s for its reply, 1 s of lingering, and a busy machine
GIANT = 64 << 20
given = None


class Siege(Case):
    def setUp(self):
        super().setUp()
        require(self, "ethtool")
        self.peer, self.tap = Space(self, "peer"), Space(self, "tap")
        wire(self.peer, "p0", self.tap, "tap0", arp=False)
        wire(self.peer, "m0", self.tap, "m1")
        for space, end, own in ((self.peer, "m0", THERE_IP), (self.tap, "m1", HERE_IP)):
            space.ip("addr", "add", own + "/24", "dev", end)
        self.line = self.peer.raw("p0")
        self.addCleanup(self.line.close)
        sinks = self.path("sinks")
        os.mkdir(sinks)
        os.chmod(sinks, 0o777) # the sensor's processes are another user's
        self.told = os.path.join(sinks, "a.ndjson")
        config = self.write("weir.yaml", "capture: {interfaces: [{name: tap0}], workers: 1}\n"
                            f"networks: {{inside: [10.0.0.0/8]}}\nrules: [{self.write('rules.yaml', RULES)}]\n"
                            f"metrics: {{listen: '{HERE_IP}:{PORT}'}}\n"
                            f"alerts: {{sinks: [{{type: file, path: {self.told}}}, "
                            f"{{type: unix, path: {sinks}/a.sock, mode: '0666'}}]}}\n")
        self.sensor = Sensor(self, self.tap, "-c", config, output=False)
        self.reach = {"control": lambda: self.unix(self.sensor.state + "/control.sock"),
                      "sink": lambda: self.unix(sinks + "/a.sock"), "metrics": self.tcp}
        status = self.sensor.ready()
        self.pids = {role: status[role]["pid"] for role in ("engine", "courier")}
        self.before = {role: rss_mib(pid) for role, pid in self.pids.items()}
        self.most, self.held, self.over = dict(self.before), [], threading.Event()
        self.threads = [threading.Thread(target=work) for work in (self.talk, self.weigh)]
        self.addCleanup(self.hush)
        for thread in self.threads:
            thread.start()

    def hush(self):
        self.over.set()
        for thread in self.threads:
            thread.join()
        for client in self.held:
            client.close()

    def talk(self):
        """Two alerts, ten times a second."""
        number = 0
        while not self.over.wait(0.1):
            number += 1
            host = f"10.2.{number >> 8}.{number & 255}"
            self.line.send(udp(host, 5000, SERVER, 9999, bytes(300)))
            self.line.send(udp(SERVER, 9999, host, 5000, bytes(100)))

    def weigh(self):
        while not self.over.wait(0.1):
            for role, pid in self.pids.items():
                self.most[role] = max(self.most[role], rss_mib(pid))

    # --- clients

    def connect(self, client, place):
        try:
            client.settimeout(PATIENCE_S)
            client.connect(place)
        except OSError:
            client.close()
            raise
        return client

    def unix(self, path):
        return self.connect(socket.socket(socket.AF_UNIX), path)

    def tcp(self, space=None):
        with space or self.peer:
            client = socket.socket()
        return self.connect(client, (HERE_IP, PORT))

    def served(self, name):
        """An honest client: it asks, and is told all of it."""
        try:
            with self.reach[name]() as client:
                if name == "sink":
                    client.sendall(b'{"after":0}\n')
                    return client.recv(65536).startswith(b'{"@timestamp"')
                client.sendall(b"GET /metrics HTTP/1.1\r\nHost: weir\r\n\r\n")
                with client.makefile("rb") as file:
                    return file.read().startswith(b"HTTP/1.1 200 ")
        except OSError:
            return False

    def until_served(self, *names):
        for name in names:
            began = time.monotonic()
            until(f"{name}: an honest client is served", lambda n=name: self.served(n), PATIENCE_S, 0.2)
            print(f"    {name}: served after {time.monotonic() - began:.1f} s", flush=True)

    def metric(self, name):
        with self.unix(self.sensor.state + "/control.sock") as client:
            client.sendall(b"GET /metrics HTTP/1.1\r\nHost: weir\r\n\r\n")
            with client.makefile("r", encoding="ascii") as file:
                return float(re.search(f"^{re.escape(name)} (.*)$", file.read(), re.M).group(1))

    def check_others(self, what):
        """What does not listen notices nothing: alerts go on."""
        before = read(self.told).count("\n")
        until(f"{what}: alerts go on", lambda: read(self.told).count("\n") > before + 5, 30)
        status = until("a status", self.sensor.status, PATIENCE_S)
        self.assertEqual([status[role]["pid"] for role in self.pids], list(self.pids.values()), read(self.sensor.log))
        self.assertEqual((status["capture"][0]["kernel_drops"], status["sinks"][0]["behind"] < 50), (0, True))
        grew = {role: self.most[role] - self.before[role] for role in self.pids}
        print(f"  {what}: grew by " + ", ".join(f"{role} {grew[role]:.1f} MiB" for role in grew), flush=True)
        for role, mib in grew.items():
            self.assertLess(mib, GROWTH_MIB, f"{what}: {role}")

    # --- what they do

    def test_many(self):
        resource.setrlimit(resource.RLIMIT_NOFILE, (given.connections + 1000,) * 2)
        until("alerts", lambda: read(self.told).count("\n") > 5, 60)
        reached = {}
        for name in ("control", "sink", "metrics"):
            turned, ended = 0, 0
            began = time.monotonic()
            for _ in range(given.connections):
                try:
                    self.held.append(self.reach[name]())
                except OSError: # a connection that was turned away before it was whole
                    turned += 1
            for client in self.held:
                client.setblocking(False)
                try:
                    ended += client.recv(1000) != b""
                except BlockingIOError:
                    pass # one of those that are heard
                except OSError:
                    ended += 1
            print(f"\n  {name}: {given.connections} connections in {time.monotonic() - began:.1f} s, {ended} told to go, "
                  f"{turned} not taken", flush=True)
            self.assertGreater(ended + turned, given.connections * 0.9)
            reached[name] = given.connections - turned # the others the kernel's queue had no room for
            self.check_others(f"{given.connections} connections at {name}")
            for client in self.held:
                client.close()
            self.held.clear()
            self.until_served(name)
        for listener in ("control", "metrics"):
            self.assertGreater(self.metric(f'weir_api_refused_connections_total{{listener="{listener}"}}'),
                               reached[listener] * 0.9)
        self.assertRegex(read(self.sensor.log), r"so far \d+ connections were too many")
        self.sensor.stop()

    def test_slow(self):
        """64 at each listener, a byte a second, without an end."""
        until("alerts", lambda: read(self.told).count("\n") > 5, 60)
        clients = [self.reach[name]() for name in self.reach for _ in range(64)]
        self.held += clients
        began, gone = time.monotonic(), {}
        while len(gone) < len(clients) and time.monotonic() - began < 2 * PATIENCE_S:
            for number, client in enumerate(clients):
                try:
                    if number not in gone:
                        client.send(b"G")
                except OSError:
                    gone[number] = time.monotonic() - began
            time.sleep(1)
        self.assertEqual(len(gone), len(clients), "none may stay")
        print(f"\n  the last of {len(clients)} that trickled was let go after {max(gone.values()):.0f} s", flush=True)
        self.check_others("slow ones")
        self.until_served(*self.reach)
        self.sensor.stop()

    def test_giant(self):
        """A head, or a first line, without an end, as fast as it is taken."""
        until("alerts", lambda: read(self.told).count("\n") > 5, 60)
        answers = {"control": b"HTTP/1.1 431 ", "metrics": b"HTTP/1.1 431 ", "sink": b'{"error":'}
        block = b"X: " + b"y" * 65533
        for name, answer in answers.items():
            took = 0
            with self.reach[name]() as client:
                try:
                    if name != "sink":
                        client.sendall(b"GET / HTTP/1.1\r\n")
                    while took < GIANT:
                        took += client.send(block)
                except OSError:
                    pass # it was closed on us
                try:
                    heard = client.recv(1000)
                except ConnectionResetError:
                    heard = answer # with what was not read yet
            self.assertTrue(heard.startswith(answer), (name, heard))
            self.assertLess(took, GIANT, name)
            print(f"\n  {name}: closed after {took >> 10} KiB", end="", flush=True)
        print()
        self.check_others("giants")
        self.until_served(*self.reach)
        self.sensor.stop()

    def test_half_open(self):
        """Their network goes while they ask, and while they are told: nobody says that they are gone."""
        until("alerts", lambda: read(self.told).count("\n") > 5, 60)
        for number in range(64):
            client = self.tcp()
            client.sendall(b"GET /metrics HTTP/1.1\r\n" + (b"\r\n" if number % 2 else b"X: "))
            self.held.append(client)
        self.peer.ip("link", "set", "m0", "down")
        began = time.monotonic()
        self.reach["metrics"] = lambda: self.tcp(self.tap)
        self.until_served("metrics")
        self.assertLess(time.monotonic() - began, PATIENCE_S)
        self.check_others("half-open connections")
        self.until_served("control", "sink")
        self.sensor.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--connections", type=int, default=10_000)
    given, sys.argv[1:] = parser.parse_known_args()
    weirtest.main()
