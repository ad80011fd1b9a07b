#!/usr/bin/env python3
"""weir baseline beside a running sensor: its private server is used, and the engine takes what was changed
(what it does then is asked in tests/unit/engine/test_changed.c)."""

import json
import os

import weirtest
from livetest import CLIENT, SERVER, Sensor, Space, address, require, until, wire
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

    def keys(self):
        with RedisClient("unix:" + os.path.join(self.sensor.state, "redis", "redis.sock")) as client:
            return client("KEYS", f"weir:{{{CLIENT}}}:open:*")

    def test_what_people_change_the_sensor_takes(self):
        self.assertIn("18 hosts imported", self.ask("import", self.learned))
        self.assertEqual(len(self.ask("list", "--json").splitlines()), 18)
        self.client.run("curl", "-sf", "-o", "/dev/null", "-d", "x" * 5000, f"http://{SERVER}/1000")
        until("open totals of the client", self.keys, 90, 0.5)
        self.ask("freeze", "--all")
        states = {json.loads(line)["state"] for line in self.ask("list", "--json").splitlines()}
        self.assertEqual(states, {"frozen"})
        self.ask("forget", "--yes", CLIENT)
        self.assertEqual(self.keys(), [])
        self.sensor.stop()


if __name__ == "__main__":
    weirtest.main()
