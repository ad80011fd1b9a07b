#!/usr/bin/env python3
"""A replay with sinks of every kind that needs nothing but this machine: each is told every alert once
and in the same order, whatever the others do."""

import json
import os

import weirtest
from weirtest import NS, Case, pcap, upload

START = 1_772_000_000 * NS
HOSTS = 40


def capture():
    packets = sorted(packet for n in range(HOSTS)
                     for packet in upload(START + n * 1000, 120, (f"10.1.1.{n}", 40000)))
    return pcap(packets, nanoseconds=True)


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

    def test_a_live_sensors(self):
        """Its stream and its subscribers are left out, which one line says."""
        config = self.configuration([
            f"{{type: redis, name: siem, url: \"unix:{self.path('no.sock')}\"}}",
            f"{{type: unix, path: {self.path('alerts.sock')}}}",
            f"{{type: file, path: {self.path('all.ndjson')}}}"])
        run = self.replay("-c", config, self.capture)
        self.assertEqual(run.err, "weir: replay: left out, because only a live sensor tells them: "
                                  "alerts.sinks siem, unix\n")
        self.assertFalse(os.path.exists(self.path("alerts.sock")))
        with open(self.path("all.ndjson"), "rb") as file:
            self.assertEqual(file.read(), run.bytes("alerts.ndjson"))

    def test_one_that_is_not_there(self):
        """The others have everything; the exit status and one line say which has not."""
        self.needs_sinks("webhook")
        config = self.configuration([
            "{type: webhook, name: siem, url: \"http://127.0.0.1:1\"}",
            f"{{type: file, path: {self.path('all.ndjson')}}}"])
        run = self.replay("-c", config, self.capture, status=1)
        with open(self.path("all.ndjson"), "rb") as file:
            self.assertEqual(file.read(), run.bytes("alerts.ndjson"))
        self.assertEqual(run.err.count("sink siem: http://127.0.0.1:1: "), 1, run.err)

    def test_no_form(self):
        """What a replay cannot keep is said before anything is read."""
        for sink, part in (("{type: file, path: /nonexistent/a.ndjson}", "/nonexistent/a.ndjson"),
                           ("{type: redis, url: \"redis://:secret@127.0.0.1\"}", "password_file")):
            with self.subTest(sink=sink):
                run = self.replay("-c", self.configuration([sink]), self.capture,
                                  status=1 if "file" in sink else 2)
                self.assertIn(part, run.err)
                self.assertNotIn("secret", run.err)


if __name__ == "__main__":
    weirtest.main()
