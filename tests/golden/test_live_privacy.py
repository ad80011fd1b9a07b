#!/usr/bin/env python3
"""Privacy of a running sensor: with privacy.pseudonyms nothing that its courier, its control API and its metrics
tell names the inside host, while its journal does; who asks is in the access log; a pseudonym is revealed
over the API, once that is written down."""

import json
import os
import socket

import weirtest
from livetest import CLIENT, SERVER, Sensor, Space, address, read, require, until, wire
from test_privacy import FORMATS, PSEUDONYM

RULES = """- rule: test.upload
  name: An upload
  condition: service = http and out_bytes_story > 1 kB
  severity: 60
"""


class LivePrivacy(weirtest.Case):
    def setUp(self):
        super().setUp()
        require(self, "ethtool", "curl")
        self.client, self.server = Space(self, "client"), Space(self, "server")
        wire(self.client, "c0", self.server, "s0")
        address(self.client, "c0", CLIENT, SERVER)
        address(self.server, "s0", SERVER, CLIENT)
        self.server.part("web", "80")
        os.makedirs(self.path("sinks"))
        os.chmod(self.path("sinks"), 0o777)
        sinks = [f"{{type: file, name: to-{form}, format: {form}, path: {self.path('sinks', form)}}}"
                 for form in FORMATS]
        sinks.append(f"{{type: unix, path: {self.path('sinks', 'socket')}}}")
        self.write("rules.yaml", RULES)
        os.chmod(self.path("rules.yaml"), 0o644)
        self.words = ("--set", "privacy.pseudonyms=true", "--set", "privacy.access_log=required")
        self.sensor = Sensor(self, self.server, "-i", "s0", "--inside", "10.0.0.0/8", "--set",
                             "alerts.sinks=[" + ", ".join(sinks) + "]", "--set",
                             "rules=[" + self.path("rules.yaml") + "]", *self.words)

    def ask(self, *words, status=0):
        done = self.sensor.ask(*words, *self.words)
        self.assertEqual(done.returncode, status, done)
        return done.stdout if status == 0 else done.stderr

    def call(self, method, path, body=""):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(20)
            client.connect(os.path.join(self.sensor.state, "control.sock"))
            client.sendall(f"{method} {path} HTTP/1.1\r\nHost: weir\r\nContent-Length: {len(body)}\r\n\r\n{body}"
                           .encode())
            with client.makefile("rb") as file:
                head, _, text = file.read().partition(b"\r\n\r\n")
        return int(head.split()[1]), text.decode()

    def subscribed(self):
        """What a subscriber of the unix sink is told of before it came."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(20)
            client.connect(self.path("sinks", "socket"))
            client.sendall(b'{"after": 0}\n')
            with client.makefile("r", encoding="utf-8") as file:
                return next(line for line in file if '"test.upload"' in line)

    def looks(self):
        return [json.loads(line) for line in read(os.path.join(self.sensor.state, "access.ndjson")).splitlines()]

    def test_it_names_nobody(self):
        body = self.write("body", "x" * 4000)
        self.client.run("curl", "-sf", "-o", "/dev/null", "-H", "Expect:", "--data-binary", "@" + body,
                        f"http://{SERVER}/1000")
        told = until("every sink is told", lambda: (texts := {
            form: read(self.path("sinks", form)) for form in FORMATS}) and
            all("pload" in text for text in texts.values()) and texts)
        self.ask("silence", "add", "--reason", f"of {CLIENT}", "--for", "1h", "--host", CLIENT)
        told |= {"unix": self.subscribed(), "silence list": self.ask("silence", "list"),
                 "status": self.ask("status", "--json"), "status, text": self.ask("status"),
                 "incident list": self.ask("incident", "list"), "digest": self.ask("digest", "--json"),
                 "baseline list": self.ask("baseline", "list")}
        told["top"] = self.ask("top", "--once")
        for path in ("/v1/status", "/v1/hosts", "/v1/incidents", "/v1/silences", "/metrics"):
            status, told[path] = self.call("GET", path)
            self.assertEqual(status, 200)
        host = json.loads(told["/v1/hosts"])["hosts"][0]["host"]
        status, told["a host"] = self.call("GET", f"/v1/hosts/{host}")
        self.assertEqual((status, json.loads(told["a host"])["host"]["host"]), (200, host))
        self.assertEqual(self.call("GET", f"/v1/hosts/{CLIENT}")[0], 404) # or it could be undone by trying
        self.assertEqual(json.loads(self.call("GET", f"/v1/hosts?find={CLIENT}")[1])["total"], 0)
        told |= {form: read(self.path("sinks", form)) for form in FORMATS} # the audit's record, too
        names = set()
        for what, text in told.items():
            self.assertNotIn(CLIENT, text, what)
            names |= set(PSEUDONYM.findall(text))
        for what in (*FORMATS, "unix", "silence list", "/v1/incidents", "/v1/silences", "incident list",
                     "top", "/v1/hosts", "a host"):
            self.assertRegex(told[what], PSEUDONYM, what)
        name, = names
        self.assertEqual([look["verb"] for look in self.looks() if look["verb"] == "status"], ["status"] * 2)
        self.assertIn(CLIENT, "".join(self.sensor.journal()))
        self.revealed(name)
        self.asked()
        self.sensor.stop()

    def revealed(self, name):
        self.assertEqual(self.ask("privacy", "reveal", name, "--by", "dpo", "--reason", "case 7"), CLIENT + "\n")
        look = self.looks()[-1]
        self.assertEqual((look["verb"], look["what"], look["by"], look["reason"]),
                         ("privacy reveal", name, "dpo", "case 7"))
        record = until("the journal has it", lambda: [line for line in self.sensor.journal()
                                                     if '"privacy.reveal"' in line])
        self.assertEqual(json.loads(record[0])["weir"]["audit"]["subject"], name)
        until("sinks are told", lambda: "privacy.reveal" in read(self.path("sinks", "ecs")))

    def asked(self):
        """Over the API: by whom the kernel says, whatever is stated; nothing unwritten is shown."""
        self.call("GET", "/v1/incidents?limit=1")
        look = self.looks()[-1]
        self.assertEqual((look["via"], look["verb"], look["what"], look["uid"]),
                         ("api", "GET /v1/incidents", "limit=1", os.getuid()))
        status, text = self.call("POST", "/v1/access", '{"verb":"explain","what":"inc-1","author":"alice"}')
        self.assertEqual((status, json.loads(text)["n"]), (200, look["n"] + 1))
        self.assertEqual((self.looks()[-1]["by"], self.looks()[-1]["uid"]), ("alice", os.getuid()))
        for body in ("", "{}", '{"verb":1}', '{"verb":"a\\nb"}', '{"verb":"a","other":"b"}'):
            self.assertEqual(self.call("POST", "/v1/access", body)[0], 400, body)
        self.assertEqual(self.call("POST", "/v1/reveal", '{"pseudonym":"10.1.0.1","author":"a","reason":"b"}')[0], 400)
        self.assertNotIn("does not hold", self.ask("privacy", "access"))
        log = os.path.join(self.sensor.state, "access.ndjson")
        os.rename(log, log + ".away")
        os.mkdir(log)
        self.assertEqual(self.call("GET", "/v1/incidents")[0], 503)
        self.assertIn("required", self.ask("incident", "list", status=1))
        os.rmdir(log)
        os.rename(log + ".away", log)
        self.assertEqual(self.call("GET", "/v1/incidents")[0], 200)


if __name__ == "__main__":
    weirtest.main()
