#!/usr/bin/env python3
"""Metrics of a running sensor: the same on the control socket and on a TCP port, which answers nothing else,
holds against clients that never finish, and outlives the engine."""

import json
import os
import re
import socket

import weirtest
from livetest import Sensor, Space, require, until, wire
from weirtest import Case, udp

PORT = 9477
HEAD = "# TYPE weir_packets_total counter\n"


class Metrics(Case):
    def setUp(self):
        super().setUp()
        require(self, "ethtool")
        self.peer, self.tap = Space(self, "peer"), Space(self, "tap")
        wire(self.peer, "p0", self.tap, "tap0", arp=False)
        self.begin()

    def begin(self, *words):
        self.sensor = Sensor(self, self.tap, "-i", "tap0", "--inside", "10.0.0.0/8", "--set",
                             f"metrics.listen=127.0.0.1:{PORT}", *words)

    def connect(self):
        with self.tap:
            client = socket.socket()
        client.settimeout(20)
        client.connect(("127.0.0.1", PORT))
        return client

    def ask(self, client, path="/metrics", method="GET"):
        with client, client.makefile("rb") as file:
            client.sendall(f"{method} {path} HTTP/1.1\r\nHost: weir\r\n\r\n".encode())
            head, _, body = file.read().partition(b"\r\n\r\n")
        return head.decode(), body.decode()

    def answers(self):
        try:
            return self.ask(self.connect())[0].startswith("HTTP/1.1 200 ")
        except OSError:
            return False

    def value(self, name):
        _, body = self.ask(self.connect())
        return float(re.search(f"^{re.escape(name)} (.*)$", body, re.M).group(1))

    def test_metrics(self):
        head, body = self.ask(self.connect())
        self.assertTrue(head.startswith("HTTP/1.1 200 OK\r\n"), head)
        self.assertIn("Content-Type: text/plain; version=0.0.4", head)
        self.assertIn(HEAD, body)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(os.path.join(self.sensor.state, "control.sock"))
            self.assertIn(HEAD, self.ask(client)[1])
        with self.peer.raw("p0") as line:
            for i in range(50):
                line.send(udp("10.0.0.1", 1000 + i, "192.0.2.1", 9, b"x" * 100))
        until("fifty packets", lambda: self.value('weir_worker_packets_total{worker="0"}') >= 50)
        self.assertEqual(self.value('weir_worker_up{worker="0"}'), 1)

    def test_every_bound_of_the_engine_is_in_status_and_metrics(self):
        status = json.loads(self.sensor.ask("status", "--json").stdout)
        bounds = {name: int(value) for name, value in
                  re.findall(r"^weir_bound_(\w+)_total (\d+)$", self.ask(self.connect())[1], re.M)}
        self.assertEqual(status["bounds"], bounds)
        self.assertLessEqual({"findings_told_elsewhere", "findings_untold", "hours_withheld", "hosts_refused",
                              "stories_evicted", "zones_withheld", "fleet_forgotten"}, set(bounds))

    def test_dashboard_and_alerts_speak_of_what_there_is(self):
        self.sensor.stop()
        self.begin("--set", "console.enabled=true", "--set", "evidence.enabled=true") # which have metrics of their own
        self.assertEqual(self.sensor.ask("reload").returncode, 0) # whose outcome is one of them
        until("the reload's outcome", lambda: "weir_config_last_reload_successful 1" in self.ask(self.connect())[1])
        until("what the sinks say", lambda: "weir_sink_up{" in self.ask(self.connect())[1]) # they began anew
        said = dict(re.findall(r"^# TYPE (weir_\w+) (\w+)", self.ask(self.connect())[1], re.M))
        for name in ("weir.json", "alerts.yaml"):
            with open(os.path.join(weirtest.SOURCE, "deploy", "grafana", name), encoding="utf-8") as file:
                text = file.read()
            asked = set(re.findall(r"\bweir_\w+", text))
            self.assertGreater(len(asked), 15, name)
            self.assertEqual(asked - set(said), set(), f"{name}: a running sensor has no such metric")
            rated = set(re.findall(r"\b(?:rate|irate|increase)\((weir_\w+)", text))
            self.assertEqual({one for one in rated if said[one] != "counter"}, set(), f"{name}: no counters")
        self.assertIn("weir_console_off", said) # of `asked`, the rules' now: what can be down has one
        self.assertEqual({one for one in said if re.search("_(up|off)$", one)} - asked, set())
        with open(os.path.join(weirtest.SOURCE, "deploy", "grafana", "weir.json"), encoding="utf-8") as file:
            panels = json.load(file)["panels"]
        self.assertEqual(len({panel["id"] for panel in panels}), len(panels))

    def test_nothing_else_is_answered(self):
        for path, method in (("/v1/status", "GET"), ("/v1/reload", "POST"), ("/", "GET")):
            head, _ = self.ask(self.connect(), path, method)
            self.assertTrue(head.startswith("HTTP/1.1 404 "), head)
        self.assertTrue(self.ask(self.connect(), method="POST")[0].startswith("HTTP/1.1 405 "))

    def test_clients_that_never_finish_hold_up_nobody(self):
        held = [self.connect() for _ in range(64)]
        for client in held:
            self.addCleanup(client.close)
        for client in held:
            client.sendall(b"GET /metrics HTTP/1.1\r\nX: ")
        with self.connect() as client: # one that had asked would be reset
            self.assertTrue(client.recv(100).startswith(b"HTTP/1.1 503 "))
        self.assertEqual(self.sensor.status()["state"], "running") # the control socket has its own room
        for client in held:
            client.close()
        until("room again", self.answers)
        refused = 'weir_api_refused_connections_total{listener="%s"}'
        self.assertGreaterEqual(self.value(refused % "metrics"), 1)
        self.assertEqual(self.value(refused % "control"), 0)
        self.assertEqual(self.value('weir_api_bad_requests_total{listener="metrics"}'), 64)

    def test_it_outlives_the_engine(self):
        before = self.sensor.status()["engine"]
        self.sensor.kill(before["pid"])
        until("another engine", lambda: self.sensor.ready()["engine"]["pid"] != before["pid"])
        self.assertEqual(self.value("weir_engine_restarts_total"), 1)


if __name__ == "__main__":
    weirtest.main()
