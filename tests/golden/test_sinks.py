#!/usr/bin/env python3
"""A replay with sinks of every kind that needs nothing but this machine: each is told every alert once
and in the same order, whatever the others do."""

import json
import os
import socket
import subprocess
import threading
import time

import weirtest
from weirtest import NS, Case, RedisClient, RedisServer, pcap, upload

START = 1_772_000_000 * NS
HOSTS = 40


def capture():
    packets = sorted(packet for n in range(HOSTS)
                     for packet in upload(START + n * 1000, 120, (f"10.1.1.{n}", 40000)))
    return pcap(packets, nanoseconds=True)


class Subscriber(threading.Thread):
    """Connects as soon as there is a socket, says where to begin, and hears until the end."""

    def __init__(self, path, say):
        super().__init__(daemon=True)
        self.path, self.say, self.heard = path, say, b""
        self.connected = threading.Event()

    def run(self):
        for _ in range(600):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
                try:
                    client.connect(self.path)
                except OSError:
                    time.sleep(0.05)
                    continue
                client.sendall(self.say)
                self.connected.set()
                while part := client.recv(65536):
                    self.heard += part
                return


class Sinks(Case):
    def setUp(self):
        super().setUp()
        self.capture = self.write("many.pcap", capture())

    def configuration(self, sinks):
        lines = "".join(f"    - {sink}\n" for sink in sinks)
        return self.write("weir.yaml", "alerts:\n  sinks:\n" + lines)

    def test_files(self):
        config = self.configuration([
            f"{{type: file, path: {self.path('all.ndjson')}, mode: 0600}}",
            f"{{type: file, name: severe, path: {self.path('severe.ndjson')}, severity_min: 100}}",
            f"{{type: file, name: other, path: {self.path('other.ndjson')}}}"])
        run = self.replay("-c", config, self.capture)
        want = run.bytes("alerts.ndjson")
        self.assertGreaterEqual(want.count(b"\n"), HOSTS)
        for name in ("all", "other"):
            with open(self.path(name + ".ndjson"), "rb") as file:
                self.assertEqual(file.read(), want)
        self.assertEqual(os.stat(self.path("all.ndjson")).st_mode & 0o777, 0o600)
        with open(self.path("severe.ndjson"), "rb") as file:
            severe = [json.loads(line) for line in file.read().splitlines()]
        self.assertEqual(severe, [a for a in run.alerts() if a["event"]["severity"] >= 100])
        ids = [alert["event"]["id"] for alert in run.alerts()]
        self.assertEqual(len(ids), len(set(ids)))

    def test_redis(self):
        weirtest.redis_urls(self) # skips without one
        server = RedisServer()
        self.addCleanup(server.stop)
        config = self.configuration([f"{{type: redis, url: \"{server.url}\", key: \"a stream\"}}"])
        run = self.replay("-c", config, self.capture)
        with RedisClient(server.url) as client:
            entries = client("XRANGE", "a stream", "-", "+")
        lines = [entry[1][1] for entry in entries]
        self.assertEqual(b"".join(line + b"\n" for line in lines), run.bytes("alerts.ndjson"))
        sequences = [int(entry[0].split(b"-")[1]) for entry in entries]
        self.assertEqual(sequences, list(range(1, len(lines) + 1)))

    def test_unix(self):
        path = self.path("alerts.sock")
        config = self.configuration([f"{{type: unix, path: {path}}}"])
        everything, newest = Subscriber(path, b'{"after":0}\n'), Subscriber(path, b"")
        command = [weirtest.binary(), "replay", "-q", "-c", config, "-o", self.path("out"), "-"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE) as process:
            everything.start()
            newest.start()
            self.assertTrue(everything.connected.wait(30) and newest.connected.wait(30))
            with open(self.capture, "rb") as file:
                _, err = process.communicate(file.read(), timeout=120)
        self.assertEqual((process.returncode, err), (0, b""))
        everything.join(10)
        newest.join(10)
        with open(self.path("out", "alerts.ndjson"), "rb") as file:
            want = file.read()
        self.assertEqual(everything.heard, want)
        self.assertTrue(want.endswith(newest.heard))
        self.assertFalse(os.path.exists(path))

    def test_one_that_is_not_there(self):
        """The others have everything; the exit status and one line say which has not."""
        config = self.configuration([
            f"{{type: redis, name: siem, url: \"unix:{self.path('no.sock')}\"}}",
            f"{{type: file, path: {self.path('all.ndjson')}}}"])
        run = self.replay("-c", config, self.capture, status=1)
        with open(self.path("all.ndjson"), "rb") as file:
            self.assertEqual(file.read(), run.bytes("alerts.ndjson"))
        self.assertEqual(run.err.count("sink siem: redis at unix:"), 1, run.err)
        self.assertIn("no such socket", run.err)

    def test_no_form(self):
        """What a replay cannot keep is said before anything is read."""
        for sink, part in (("{type: unix, path: /nonexistent/a.sock}", "/nonexistent/a.sock"),
                           ("{type: redis, url: \"redis://:secret@127.0.0.1\"}", "password_file")):
            with self.subTest(sink=sink):
                run = self.replay("-c", self.configuration([sink]), self.capture,
                                  status=1 if "unix" in sink else 2)
                self.assertIn(part, run.err)
                self.assertNotIn("secret", run.err)


if __name__ == "__main__":
    weirtest.main()
