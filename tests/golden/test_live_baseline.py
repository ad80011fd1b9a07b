#!/usr/bin/env python3
"""weir baseline beside a running sensor: its private server is used, and the engine takes what was changed
(what it does then is asked in tests/unit/engine/test_changed.c)."""

import json
import os
import socket
import time

import weirtest
from livetest import CLIENT, SERVER, Sensor, Space, address, read, require, until, wire
from weirtest import SHIPPED, RedisClient


class Governed(weirtest.Case):
    def setUp(self):
        super().setUp()
        require(self, "ethtool", "curl")
        self.client, self.server = Space(self, "client"), Space(self, "server")
        wire(self.client, "c0", self.server, "s0")
        address(self.client, "c0", CLIENT, SERVER)
        address(self.server, "s0", SERVER, CLIENT)
        self.server.part("web", "80")
        learned = self.path("learned.base")
        run = weirtest.weir("replay", "-q", "--workers", "0", "-c", os.path.join(SHIPPED, "projectweb.yaml"),
                            "--save-baseline", learned, os.path.join(SHIPPED, "projectweb.pcapng"))
        self.assertEqual(run.status, 0, run)
        self.learned = learned
        self.sensor = Sensor(self, self.server, "-i", "s0", "--inside", "10.0.0.0/8")

    def ask(self, *words):
        done = self.sensor.ask("baseline", *words)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        return done.stdout

    def store(self, *words):
        with RedisClient("unix:" + os.path.join(self.sensor.state, "redis", "redis.sock")) as client:
            return client(*words)

    def keys(self):
        return self.store("KEYS", f"weir:{{{CLIENT}}}:open:*")

    def test_what_people_change_the_sensor_takes(self):
        self.assertIn("18 hosts imported", self.ask("import", self.learned))
        self.assertEqual(len(self.ask("list", "--json").splitlines()), 18)
        self.client.run("curl", "-sf", "-o", "/dev/null", "-d", "x" * 5000, f"http://{SERVER}/1000")
        until("open totals of the client", self.keys, 90, 0.5)
        self.who_shares_the_store()
        self.ask("freeze", "--all")
        states = {json.loads(line)["state"] for line in self.ask("list", "--json").splitlines()}
        self.assertEqual(states, {"frozen"})
        self.over_the_api()
        self.ask("forget", "--yes", CLIENT)
        self.assertEqual(self.keys(), [])
        self.sensor.stop()

    def who_shares_the_store(self):
        """Itself, and another one that a second sensor would have written there ten minutes ago."""
        ago = int(time.time() * 1000) - 600_000
        self.store("HSET", "weir:sensors", "north-2", f"{ago // 3_600_000 - 5} {ago} {ago} north-2 1 2")
        status, said = self.http("GET", "/v1/fleet")
        self.assertEqual(status, 200, said)
        own = self.sensor.status()["sensor"]
        sensors = {row["sensor"]: row for row in said["sensors"]}
        self.assertEqual({name: row["self"] for name, row in sensors.items()}, {own: True, "north-2": False})
        self.assertEqual((sensors["north-2"]["state"], said["more"]), ("silent", 0))
        self.assertGreaterEqual(sensors["north-2"]["silent_ms"], 600_000)
        self.assertGreaterEqual(sensors["north-2"]["hours_behind"], 4)
        self.assertIn(sensors[own]["state"], ("at work", "behind"))
        self.assertLess(sensors[own]["silent_ms"], 180_000)
        self.store("HDEL", "weir:sensors", "north-2")

    def order(self, host, verb, reason=""):
        return self.say(host, verb, json.dumps({"reason": reason}) if reason else "")

    def say(self, host, verb, body):
        return self.http("POST", f"/v1/hosts/{host}/{verb}", body)

    def http(self, method, path, body=""):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(20)
            client.connect(os.path.join(self.sensor.state, "control.sock"))
            client.sendall(f"{method} {path} HTTP/1.1\r\nHost: weir\r\nContent-Length: {len(body.encode())}\r\n\r\n{body}"
                           .encode())
            with client.makefile("rb") as file:
                head, _, text = file.read().partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(text)

    def state(self, host):
        return [line["state"] for line in map(json.loads, self.ask("list", "--json").splitlines()) if line["host"] == host]

    def over_the_api(self):
        host = json.loads(self.ask("list", "--json").splitlines()[0])["host"]
        self.assertEqual(self.order(host, "freeze"), (200, {"changed": False}))
        self.assertEqual(self.order(host, "thaw", "it has moved"), (200, {"changed": True}))
        self.assertNotEqual(self.state(host), ["frozen"])
        self.assertEqual(self.order("192.0.2.200", "thaw"), (404, {"error": {"text": "no baseline of this host"}}))
        for body in ("{", "[]", '{"reason": 7}', '{"reason": "x", "author": "eve"}', '{"why": "x"}',
                     '{"reason": "a\\nb"}', json.dumps({"reason": "\u3042" * 171}, ensure_ascii=False)):
            self.assertEqual(self.say(host, "freeze", body)[0], 400, body)
        self.ask("hold", host, "--reason", "a case")
        self.assertEqual(self.order(host, "reset", "  ")[0], 400) # nobody does it without a reason
        self.assertEqual(self.order(host, "reset")[0], 400)
        self.assertEqual(self.order(host, "reset", "moved")[0], 409)
        self.ask("release", host)
        self.assertEqual(self.order(host, "reset", "moved"), (200, {"changed": True}))
        self.assertEqual(self.state(host), [])
        audit = [json.loads(line) for line in self.ask("audit", "--json").splitlines()]
        self.assertEqual([line["verb"] for line in audit], ["import", "freeze", "thaw", "hold", "release", "reset"])
        self.assertEqual((audit[2]["who"], audit[2]["subject"], audit[2]["reason"]), ("root", host, "it has moved"))
        journal = os.path.join(self.sensor.state, "journal")
        told = "".join(read(os.path.join(journal, name)) for name in os.listdir(journal))
        self.assertIn(f"root thawed the baseline of {host}: it has moved", told)
        self.assertIn(f"root asked to reset the baseline of {host}: moved (refused, it is under hold", told)


if __name__ == "__main__":
    weirtest.main()
