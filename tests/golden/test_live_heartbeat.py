#!/usr/bin/env python3
"""A heartbeat is told by every sink that is asked to, chats and mail too, as by the sinks of a sensor that
starts with one in its journal. (Kafka's is tests/unit/bus/test_sink_kafka.c's.)"""

import json
import os
import socket
import subprocess
import sys

import weirtest
from livetest import Sensor, Space, read, require, until, wire
from weirtest import Case

JOURNAL_OF = os.path.join(os.environ.get("WEIR_BUILD", ""), "tests", "journal_of")
SCRIPTS = os.path.join(weirtest.SOURCE, "tests", "unit", "bus")
ID = "0123456789abcdef0123456789abcdef"
BEAT = {"@timestamp": "2026-03-02T01:05:00.000Z", "ecs": {"version": "8.11"},
        "event": {"kind": "metric", "category": ["network"], "module": "weir", "dataset": "weir.heartbeat", "id": ID},
        "observer": {"type": "sensor", "product": "weir", "name": "gate", "version": "0.1.0"},
        "weir": {"packets": 12, "wire_bytes": 3456, "drops": 1, "gaps": 0, "hosts": 3, "hosts_ready": 2,
                 "incidents_open": 1, "alerts": 4, "records": 99, "workers": 1}}


class Heartbeat(Case):
    def setUp(self):
        super().setUp()
        require(self, "ethtool", "redis-server", "redis-cli")
        self.sinks = self.path("sinks")
        os.mkdir(self.sinks)
        os.chmod(self.sinks, 0o777) # the sensor's processes are another user's
        self.peer, self.tap = Space(self, "peer"), Space(self, "tap")
        wire(self.peer, "p0", self.tap, "tap0", arp=False)

    def begin(self, sinks, **given):
        text = "".join(f"    - {{{sink}, begin: start, heartbeat: true}}\n" for sink in sinks)
        config = self.write("weir.yaml", "capture: {interfaces: [{name: tap0}], workers: 1}\nalerts:\n  sinks:" +
                            (f"\n{text}" if sinks else " []\n"))
        return Sensor(self, self.tap, "-c", config, folder=self.path("sensor"), output=False, **given)

    def ask(self, *words):
        return self.tap.run("redis-cli", "--raw", "-p", "7000", *words).decode()

    def subscribe(self):
        """From the journal's first line on: all of it up to the heartbeat."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(60)
            client.connect(self.sinks + "/a.sock")
            client.sendall(b'{"after":0}\n')
            with client.makefile("rb") as lines:
                return next(line for line in lines if ID.encode() in line)

    def test_every_sink(self):
        self.needs_sinks("webhook", "mail")
        first = self.begin([])
        first.stop() # its journal is there, and says whose it is
        beat = json.dumps(BEAT, separators=(",", ":"))
        subprocess.run([JOURNAL_OF, first.state], input=beat + "\n", text=True, check=True)
        self.tap.start("redis-server", "--port", "7000", "--bind", "127.0.0.1", "--save", "")
        for port, out in (("7001", "line"), ("7002", "chat")):
            self.tap.start(sys.executable, SCRIPTS + "/webhook_server.py", port, self.path(out))
        self.tap.start(sys.executable, SCRIPTS + "/smtp_server.py", "7003", self.path("mail"), "ok")
        with self.tap:
            syslog = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            syslog.bind(("127.0.0.1", 7004))
        self.addCleanup(syslog.close)
        syslog.settimeout(60)
        with open(self.path("stdout"), "wb") as stdout:
            sensor = self.begin([
                f"type: file, path: {self.sinks}/a.ndjson", "type: stdout",
                f"type: unix, path: {self.sinks}/a.sock, mode: '0666'",
                "type: redis, url: 'redis://127.0.0.1:7000', key: told", "type: syslog, transport: udp, port: 7004",
                "type: webhook, url: 'http://127.0.0.1:7001/ok'",
                "type: webhook, url: 'http://127.0.0.1:7002/ok', body: slack, format: text",
                "type: mail, url: 'smtp://127.0.0.1:7003', starttls: never, from: weir@example.org, "
                "to: [ops@example.org]"], stdout=stdout)
        told = {"file": lambda: ID in read(self.sinks + "/a.ndjson"),
                "stdout": lambda: ID in read(self.path("stdout")),
                "redis": lambda: ID in self.ask("XRANGE", "told", "-", "+"),
                "webhook": lambda: ID in read(self.path("line")),
                "chat": lambda: "HEARTBEAT" in read(self.path("chat")),
                "mail": lambda: ID in read(self.path("mail"))}
        self.assertEqual(json.loads(self.subscribe()), BEAT)
        for name, check in told.items():
            until(lambda n=name: f"a heartbeat: {n}\n{sensor.status()}\n{read(sensor.log)}", check)
        self.assertRegex(syslog.recv(65536).decode(), r"^<134>1 2026-03-02T01:05:00\S* gate weir .*HEARTBEAT")
        sensor.stop()


if __name__ == "__main__":
    weirtest.main()
