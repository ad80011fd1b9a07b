#!/usr/bin/env python3
"""Noise control beside a running sensor: orders over its control API are in effect at once, survive a killed
engine and a restart, and leave an audit record; silenced and quiet alerts are told as such."""

import glob
import json
import os
import socket

import weirtest
from livetest import CLIENT, SERVER, Sensor, Space, address, require, until, wire

RULES = """- rule: test.upload
  name: An upload
  condition: service = http and out_bytes_story > 1 kB
  severity: 60
"""


class Noisy(weirtest.Case):
    def setUp(self):
        super().setUp()
        require(self, "ethtool", "curl")
        self.client, self.server = Space(self, "client"), Space(self, "server")
        wire(self.client, "c0", self.server, "s0")
        address(self.client, "c0", CLIENT, SERVER)
        address(self.server, "s0", SERVER, CLIENT)
        self.server.part("web", "80")
        self.words = ("-i", "s0", "--inside", "10.0.0.0/8", "--set",
                      "rules=[" + self.write("rules.yaml", RULES) + "]")
        os.chmod(self.path("rules.yaml"), 0o644)
        self.sensor = Sensor(self, self.server, *self.words)

    def told(self):
        """How many alerts the journal tells of."""
        found = self.ask("incident", "list", "--json").splitlines()
        return sum(json.loads(line)["alerts"] for line in found), found

    def upload(self, size):
        """What the journal tells of the incident once so many bytes led to a further alert."""
        known, _ = self.told()
        body = self.write("body", "x" * size)
        self.client.run("curl", "-sf", "-o", "/dev/null", "-H", "Expect:", "--data-binary", "@" + body,
                        f"http://{SERVER}/1000")
        line, = until("a further alert", lambda: self.told()[0] > known and self.told()[1], 60, 0.2)
        shown = self.ask("incident", "show", json.loads(line)["incident"]).splitlines()
        return json.loads(line)["incident"], shown[-1]

    def ask(self, *words, status=0):
        done = self.sensor.ask(*words)
        self.assertEqual(done.returncode, status, done)
        return done.stdout if status == 0 else done.stderr

    def call(self, method, path, body=""):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(10)
            client.connect(os.path.join(self.sensor.state, "control.sock"))
            client.sendall(f"{method} {path} HTTP/1.1\r\nHost: weir\r\nContent-Length: {len(body)}\r\n\r\n{body}"
                           .encode())
            with client.makefile("rb") as file:
                head, _, text = file.read().partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(text)

    def audits(self):
        return [line["event"]["action"] for line in self.sensor.lines("alerts.ndjson")
                if line["event"]["kind"] == "event"]

    def test_orders_hold(self):
        incident, first = self.upload(2000)
        name = "inc-" + incident[:6]
        self.assertNotIn("silenced", first)
        # a silence
        self.ask("silence", "add", "--reason", "test", "--for", "1h", "--rule", "test.upload", "--host", CLIENT)
        _, second = self.upload(20_000)
        self.assertIn("silenced by sil-1", second)
        # a killed engine goes on with it, and has counted
        self.sensor.kill(self.sensor.status()["engine"]["pid"])
        until("another engine", lambda: (self.sensor.status() or {"engine": {"restarts": 0}})["engine"]["restarts"] == 1)
        status, silences = self.call("GET", "/v1/silences")
        one, = silences["silences"]
        self.assertEqual((status, one["alerts"]), (200, 1))
        self.assertGreater(one["out_bytes"], 20_000)
        self.assertRegex(one["author"], r"^\w+")
        # it is taken away, the incident acknowledged
        self.ask("silence", "remove", "sil-1")
        self.ask("incident", "ack", name, "--note", "looking")
        _, third = self.upload(200_000)
        self.assertNotIn("silenced", third)
        self.assertIn("  quiet  ", third)
        # closed, and told again
        status, mark = self.call("POST", f"/v1/incidents/{incident}/close",
                                 '{"verdict":"unknown","ticket":"T-1","author":"alice"}')
        self.assertEqual((status, mark["closed"]["verdict"]), (200, "unknown"))
        self.assertRegex(mark["closed"]["by"], r"^alice \(\w+\)$")
        self.assertEqual(self.ask("incident", "list", "--open"), "no incident\n")
        _, fourth = self.upload(2_000_000)
        self.assertNotIn("quiet", fourth)
        told = self.sensor.alerts("test.upload")
        self.assertEqual(told[-1]["weir"]["judged"]["ticket"], "T-1")
        self.assertEqual([alert["weir"]["raise"] for alert in told], [0, 2, 3], "the sink leaves out the silenced one")
        self.assertIn("open again", self.ask("incident", "list", "--open"))
        self.inventoried()
        self.refused(incident)
        self.after_a_restart(incident, name)

    def inventoried(self):
        """`weir privacy inventory` knows every file that a sensor leaves in its state directory."""
        shown = json.loads(self.ask("privacy", "inventory", "--json"))
        known = {"lock", "redis.log"} # nothing about anybody
        for place in shown["places"]:
            stem, _, ends = (place["pattern"] or "none").partition("{")
            for end in ends.rstrip("}").split(","):
                known |= {os.path.relpath(path, self.sensor.state)
                          for path in glob.glob(os.path.join(self.sensor.state, stem + end))}
        left = {os.path.relpath(os.path.join(folder, name), self.sensor.state)
                for folder, _, names in os.walk(self.sensor.state) for name in names
                if not name.endswith(".sock")}
        self.assertEqual(left - known, set())
        by_name = {place["name"]: place for place in shown["places"]}
        for name in ("journal", "baseline", "checkpoint", "people", "key of this site"):
            self.assertGreater(by_name[name]["bytes"], 0, name)
        self.assertEqual(by_name["journal"]["kept"][:8], "400 days")

    def refused(self, incident):
        for method, path, body, status, says in (
                ("POST", "/v1/silences", "", 400, "reason"),
                ("POST", "/v1/silences", '{"reason":"r","for_s":1,"scope":{"all":1}}', 400, "unknown key"),
                ("POST", "/v1/silences", "{", 400, "body"),
                ("DELETE", "/v1/silences/sil-9", "", 404, "no such silence"),
                ("GET", "/v1/silences/sil-1", "", 405, "method"),
                ("POST", "/v1/incidents/inc-12/ack", "", 400, "whole id"),
                ("POST", "/v1/incidents//ack", "", 404, "nothing"),
                ("POST", "/v1/incidents/" + "0" * 32 + "/reopen", "", 404, "nobody"),
                ("POST", f"/v1/incidents/{incident}/close", '{"verdict":"fine"}', 400, "verdict"),
                ("GET", "/v1/incidents?limit=0", "", 400, "limit")):
            with self.subTest(path + body):
                answer = self.call(method, path, body)
                self.assertEqual(answer[0], status, answer)
                self.assertIn(says, answer[1]["error"]["text"])

    def after_a_restart(self, incident, name):
        status, page = self.call("GET", "/v1/incidents?offset=0&limit=1")
        self.assertEqual((status, page["incidents"][0]["id"], page["incidents"][0]["mark"]["closed"]["ticket"]),
                         (200, incident, "T-1"))
        self.sensor.stop()
        self.assertIn("open again", self.ask("incident", "list"))
        self.ask("incident", "reopen", name)
        self.sensor = Sensor(self, self.server, *self.words, folder=self.sensor.home)
        self.assertNotIn("mark", self.call("GET", "/v1/incidents")[1]["incidents"][0])
        self.assertEqual(self.audits(), ["silence.add", "silence.remove", "incident.ack", "incident.close",
                                         "incident.reopen"])
        digest = json.loads(self.ask("digest", "--json", "--since", "1h"))
        self.assertEqual((digest["running"], digest["alerts_silenced"], digest["open"]["total"]), (True, 1, 1))
        self.assertEqual(digest["silenced_bytes"] > 20_000, True)
        self.sensor.stop()


if __name__ == "__main__":
    weirtest.main()
