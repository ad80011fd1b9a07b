#!/usr/bin/env python3
"""Zones beside a running sensor: a matrix is proposed of what it saw, also after its engine was killed; a reload
locks the zone; what no conduit allows is told, and carries the ticket of the change window that is open. So is a function
that nobody listed, of a protocol that may pass."""

import json
import os

import weirtest
from livetest import CLIENT, SERVER, Sensor, Space, address, require, until, wire
from weirtest import conversation

ZONES = "networks:\n  inside: [10.0.0.0/8, 198.51.100.0/24]\n  zones: [{name: plant, level: 2, state: %s, nets: [%s/32]}]\n%s"


MASTER = "10.77.0.9"
READ, DIAGNOSTICS = "0001000000060103006b0003", "000200000006010800001234"


class LiveZones(weirtest.Case):
    def setUp(self):
        super().setUp()
        require(self, "ethtool", "curl")
        self.client, self.server = Space(self, "client"), Space(self, "server")
        wire(self.client, "c0", self.server, "s0")
        address(self.client, "c0", CLIENT, SERVER)
        address(self.server, "s0", SERVER, CLIENT)
        self.server.part("web", "80")
        os.chmod(self.home, 0o755) # as root it is another user's
        self.put("observe", "")
        self.sensor = Sensor(self, self.server, "-c", self.path("weir.yaml"), "-i", "s0")

    def put(self, state, more):
        os.chmod(self.write("weir.yaml", ZONES % (state, SERVER, more)), 0o644)

    def fetch(self):
        self.client.run("curl", "-sf", "-o", "/dev/null", f"http://{SERVER}/1000")

    def modbus(self, ask, port):
        """A master beside the client reads, or whatever it asks; the frames are ours."""
        ask = bytes.fromhex(ask)
        with self.client.raw("c0") as out:
            for _, frame in conversation(0, (MASTER, port), (SERVER, 502), ask * 2, ask * 2):
                out.send(frame)

    def ask(self, *words):
        done = self.sensor.ask(*words, "-c", self.path("weir.yaml"))
        self.assertEqual(done.returncode, 0, done)
        return done.stdout

    def seen(self, flows):
        return until("that many flows", lambda: (text := self.ask("zones", "propose")) and
                     f"flows: {flows}," in text and text, 60, 0.2)

    def test_from_watching_to_locked(self):
        self.fetch()
        self.assertIn("- from: inside\n  to: plant\n  protocol: http\n  port: 80\n", self.seen(1))
        self.modbus(READ, 45000)
        row = until("what was read", lambda: "protocol: modbus" in (text := self.ask("zones", "propose")) and
                    "functions: {3: 1}" in text and text, 60, 0.2)
        self.assertIn("  access: read\n  functions: [3] # read holding registers\n", row)
        self.sensor.kill(self.sensor.status()["engine"]["pid"])
        until("another engine", lambda: (self.sensor.status() or {"engine": {"restarts": 0}})["engine"]["restarts"] == 1)
        self.fetch()
        self.seen(2)
        self.assertIn("functions: {3: 1}", self.ask("zones", "propose"))
        os.chmod(self.write("conduits.yaml", "- {from: inside, to: plant, protocol: modbus, functions: [3], "
                                                 "functions_state: locked}\n"), 0o644)
        self.put("locked", "  conduits: conduits.yaml\n")
        self.ask("reload")
        self.ask("change", "open", "--zone", "plant", "--ticket", "T-17", "--for", "1h")
        self.fetch()
        alert = until("an alert", lambda: self.sensor.alerts("zone.conduit"), 60)[0]
        self.assertEqual(alert["weir"]["zone"], {"name": "plant", "level": 2, "from": "inside", "to": "plant"})
        self.assertEqual(alert["weir"]["change"]["ticket"], "T-17")
        until("it is counted", lambda: "1 incident opened; zone.conduit 1" in self.ask("change", "report", "chg-1"))
        self.modbus(READ, 45001)
        self.modbus(DIAGNOSTICS, 45002)
        until("another function", lambda: any("function 8 (diagnostics) was never allowed here" in reason["text"]
                                              for alert in self.sensor.alerts("zone.conduit")
                                              for reason in alert["weir"]["reasons"]), 60)
        drift = json.loads(self.ask("digest", "--json"))["drift"]
        self.assertIn("inside -> plant modbus port 502: a new function: 8 (diagnostics)", drift["first"])
        self.assertEqual((drift["rows"], drift["silent"]), (len(drift["first"]), 0))
        self.assertEqual(self.sensor.status()["engine"]["zones"]["flows_drifted"], 0) # the list was locked
        os.chmod(self.write("conduits.yaml", "- {from: inside, to: plant, protocol: modbus, functions: [3], "
                                                 "functions_state: observe}\n"), 0o644)
        self.ask("reload")
        self.modbus(DIAGNOSTICS, 45003)
        until("drift", lambda: self.sensor.status()["engine"]["zones"]["flows_drifted"] == 1, 60)
        self.sensor.stop()


if __name__ == "__main__":
    weirtest.main()
