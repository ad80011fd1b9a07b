#!/usr/bin/env python3
"""A replay with sinks that go over the network, each to a receiver of the tests' own: each is told
every alert once and in the same order; one that is not there holds up nobody."""

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time

import weirtest
from weirtest import NS, Case, pcap, upload

START = 1_772_000_000 * NS
HOSTS = 40


def capture():
    packets = sorted(packet for n in range(HOSTS)
                     for packet in upload(START + n * 1000, 120, (f"10.1.1.{n}", 40000)))
    return pcap(packets, nanoseconds=True)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Syslog(threading.Thread):
    """Hears one connection to its end."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.heard = b""
        self.start()

    def run(self):
        client, _ = self.listener.accept()
        with self.listener, client:
            while part := client.recv(65536):
                self.heard += part

    def messages(self):
        """Octet counting (RFC 6587)."""
        at, messages = 0, []
        while at < len(self.heard):
            size = re.match(rb"\d+ ", self.heard[at:]).group()
            at += len(size)
            messages.append(self.heard[at:at + int(size)])
            at += int(size)
        return messages


class NetworkSinks(Case):
    def setUp(self):
        super().setUp()
        self.needs_sinks("webhook", "kafka", "mail")
        self.capture = self.write("many.pcap", capture())

    def configuration(self, sinks):
        return self.write("weir.yaml",
                          "alerts:\n  sinks:\n" + "".join(f"    - {sink}\n" for sink in sinks))

    def receiver(self, script, *arguments):
        port = free_port()
        path = os.path.join(weirtest.SOURCE, "tests/unit/bus", script)
        process = subprocess.Popen([sys.executable, path, str(port), *arguments])
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        for _ in range(500):
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", port)) == 0:
                    return port
            time.sleep(0.02)
        return self.fail(f"{script} does not listen")

    def test_each_is_told_all(self):
        syslog = Syslog()
        hooks = self.receiver("webhook_server.py", self.path("hooks"))
        smtp = self.receiver("smtp_server.py", self.path("mails"), "ok")
        config = self.configuration([
            f"{{type: syslog, port: {syslog.port}, format: ecs}}",
            f"{{type: webhook, url: \"http://127.0.0.1:{hooks}/ok\", batch: 7}}",
            f"{{type: mail, url: \"smtp://127.0.0.1:{smtp}\", from: weir@example.org, "
            "to: [ops@example.org], starttls: never, format: ecs, digest_s: 1}"])
        run = self.replay("-c", config, self.capture)
        want = [alert["event"]["id"] for alert in run.alerts()]
        self.assertGreaterEqual(len(want), HOSTS)
        syslog.join(10)
        told = [json.loads(message.split(b"] ", 1)[1])["event"]["id"]
                for message in syslog.messages()]
        self.assertEqual(told, want)
        with open(self.path("hooks"), encoding="utf-8") as file:
            self.assertEqual([json.loads(line)["event"]["id"] for line in file], want)
        with open(self.path("mails"), encoding="utf-8") as file:
            ids = re.findall(r"^    id +([0-9a-f]+)$", file.read(), re.M)
        self.assertEqual(ids, want)

    def test_none_is_there(self):
        """Each says so, once; the file has everything."""
        port = free_port()
        config = self.configuration([
            f"{{type: syslog, port: {port}, format: ecs}}",
            f"{{type: webhook, url: \"http://127.0.0.1:{port}/secret\"}}",
            f"{{type: mail, url: \"smtp://127.0.0.1:{port}\", from: weir@example.org, "
            "to: [ops@example.org], format: ecs}",
            f"{{type: file, path: {self.path('all.ndjson')}}}"])
        run = self.replay("-c", config, self.capture, status=1)
        with open(self.path("all.ndjson"), "rb") as file:
            self.assertEqual(file.read(), run.bytes("alerts.ndjson"))
        for name in ("syslog", "webhook", "mail"):
            self.assertIn(f"sink {name}: ", run.err)
        self.assertNotIn("/secret", run.err)

    def test_mistakes(self):
        for sink, part in (
                ("{type: syslog, data_id: weir}", "data_id"),
                ("{type: webhook}", "needs a url"),
                ("{type: kafka, brokers: \"a:1\", topic: t, options: [\"acks=0\"]}", "acks"),
                ("{type: kafka, topic: t}", "brokers"),
                ("{type: mail, url: \"smtp://a\", from: weir, to: [\"a@b\"], format: ecs}", "from")):
            with self.subTest(sink=sink):
                sink = sink if "format" in sink else sink.replace("}", ", format: ecs}")
                run = self.replay("-c", self.configuration([sink]), self.capture, status=2)
                self.assertIn(part, run.err)


if __name__ == "__main__":
    weirtest.main()
