#!/usr/bin/env python3
"""Change windows: alerts of a zone carry the ticket and are told all the same, from the window's beginning to
its end; nothing is learned of its hosts meanwhile; what happened is reported. With no sensor running.

Environment: see weirtest.py."""

import json
import os
import subprocess

import weirtest
from weirtest import NS, Case, conversation, pcap, weir

HOUR = 3600 * NS
START = 1_700_000_400 * NS - 1_700_000_400 * NS % HOUR # 22:00 UTC
PLC, LAPTOP, OUTSIDE = "10.9.1.1", "10.9.2.7", "198.51.100.9"
NETWORKS = """networks:
  zones:
    - {name: control, level: 1, nets: [10.9.1.0/24], state: locked}
    - {name: office, level: 4, nets: [10.20.0.0/16]}
  conduits: conduits.yaml
"""


def iso(ns):
    return subprocess.run(["date", "-u", "-d", f"@{ns // NS}", "+%Y-%m-%dT%H:%M:%S.000Z"], check=True,
                          stdout=subprocess.PIPE, text=True).stdout.strip()


def window(number, zone, start, end):
    return {"id": f"chg-{number}", "author": "alice", "reason": "firmware", "ticket": "T-17", "created": iso(start),
            "expires": iso(end), "scope": {"zone": zone}}


class Change(Case):
    def setUp(self):
        super().setUp()
        os.chmod(self.home, 0o755) # as root the state directory is another user's
        self.state = self.path("state")
        self.write("conduits.yaml", "[]\n")
        self.config = self.write("weir.yaml", NETWORKS)

    def ask(self, *words, status=0):
        run = weir(*words, "-c", self.config, "--set", "sensor.state_dir=" + self.state)
        self.assertEqual(run.status, status, run)
        return run.out if status == 0 else run.err

    def book(self, *windows):
        return self.write("noise.json", json.dumps({"weir_noise": 1, "next": 9, "counted": 0,
                                                    "silences": list(windows), "incidents": []}))

    def night(self, *words):
        """An upload by SSH into the control zone each hour, and one from the outside world to nobody's zone."""
        frames = []
        for hour in range(4):
            at = START + hour * HOUR + 600 * NS
            frames += conversation(at, (f"10.9.2.{hour + 1}", 40001), (PLC, 22), b"SSH-2.0-a\r\n", b"SSH-2.0-b\r\n")
            frames += conversation(at + NS, (PLC, 41000 + hour), (OUTSIDE, 8080), b"x" * 900, b"y" * 40)
        return self.replay("--online", "--workers", "0", "-c", self.config, *words,
                           self.write("night.pcap", pcap(sorted(frames))))

    def test_alerts_are_tagged_and_told(self):
        plain = self.night()
        run = self.night("--noise", self.book(window(1, "control", START + HOUR, START + 3 * HOUR),
                                              window(2, "office", START, START + 9 * HOUR)))
        tagged = 0
        self.assertEqual(len(plain.alerts()), len(run.alerts()))
        for before, after in zip(plain.alerts(), run.alerts()):
            change = after["weir"].pop("change", None)
            del before["weir"]["baseline"], after["weir"]["baseline"] # hours learned: see the next test
            self.assertEqual(before, after, "nothing else of an alert changes")
            inside = iso(START + HOUR) <= after["@timestamp"] < iso(START + 3 * HOUR)
            self.assertEqual(change is not None, inside, after["@timestamp"])
            tagged += inside
            if change:
                self.assertEqual((change["id"], change["ticket"], change["zone"]), ("chg-1", "T-17", "control"))
        self.assertGreaterEqual(tagged, 2)
        self.assertEqual(run.summary()["noise"]["alerts_silenced"], 0)

    def learned(self, hours, *windows):
        """An upload in each of these hours, each ten times the one before: how many hours its host had been learned
        of at the last one, and how many were withheld until the end."""
        frames = [frame for n, hour in enumerate(hours)
                  for frame in conversation(START + hour * HOUR + 600 * NS, (PLC, 41000 + n), (OUTSIDE, 8080),
                                            b"x" * (60 * 10**n), b"y")]
        words = ("--noise", self.book(*windows)) if windows else ()
        run = self.replay("--online", "--workers", "0", "-c", self.config, *words,
                          self.write("hours.pcap", pcap(frames)))
        last = [alert for alert in run.alerts() if alert["weir"]["state"] != "close"][-1]
        self.assertEqual(last["@timestamp"][:13], iso(START + hours[-1] * HOUR)[:13])
        return last["weir"]["baseline"]["hours"], run.summary()["coverage"]["bounds"]["hours_withheld"]

    def test_nothing_is_learned(self):
        """… of hours in which the host spoke, and of those in which it was silent."""
        half = window(1, "control", START + HOUR + 1800 * NS, START + 3 * HOUR)
        elsewhere = window(2, "office", START, START + 9 * HOUR)
        self.assertEqual(self.learned((0, 1, 2, 4)), (3, 0))
        self.assertEqual(self.learned((0, 1, 2, 4), elsewhere), (3, 0))
        self.assertEqual(self.learned((0, 1, 2, 4), half), (1, 2))
        self.assertEqual(self.learned((0, 3, 4)), (4, 0))
        self.assertEqual(self.learned((0, 3, 4), half), (2, 2))

    def test_opened_listed_closed(self):
        opened = json.loads(self.ask("change", "open", "--zone", "control", "--ticket", "T-17", "--for", "4h"))
        self.assertEqual((opened["id"], opened["ticket"], opened["scope"]), ("chg-1", "T-17", {"zone": "control"}))
        self.ask("silence", "add", "--reason", "x", "--for", "1h", "--rule", "none")
        self.assertNotIn("T-17", self.ask("silence", "list"))
        listed = self.ask("change", "list")
        self.assertIn("chg-1   zone control, ticket T-17\n        open, ", listed)
        self.assertNotIn("sil-2", listed)
        self.assertIn("0 alerts told in it", self.ask("change", "report", "chg-1"))
        closed = self.ask("change", "close", "chg-1")
        self.assertLess(json.loads(closed.removeprefix("closed: "))["expires"], opened["expires"])
        self.assertIn("over, ", self.ask("change", "list"))
        actions = [json.loads(line)["event"]["action"] for line in self.ask("alerts", "--all").splitlines()
                   if '"weir.audit"' in line]
        self.assertEqual(actions, ["change.open", "silence.add", "change.close"])

    def test_an_id_names_one(self):
        """A window is closed as a window, a silence removed as a silence."""
        self.ask("silence", "add", "--reason", "x", "--for", "1h", "--rule", "none")
        self.ask("change", "open", "--zone", "control", "--ticket", "T-17", "--for", "4h")
        self.assertIn("chg-1: there is no such change window", self.ask("change", "close", "chg-1", status=3))
        self.assertIn("sil-2: there is no such silence", self.ask("silence", "remove", "sil-2", status=3))
        self.assertIn("weir change close", self.ask("silence", "remove", "chg-2", status=2))
        self.assertIn("sil-1", self.ask("silence", "list"))
        self.assertIn("open, ", self.ask("change", "list"))

    def test_report(self):
        run = self.night("--noise", self.book(window(1, "control", START + HOUR, START + 3 * HOUR)))
        self.ask("change", "open", "--zone", "control", "--ticket", "T-17", "--for", "4h")
        name = os.path.join(self.state, "noise.json") # … as it was in the night
        with open(name, encoding="utf-8") as file:
            book = json.load(file)
        book["silences"][0]["created"] = iso(START + HOUR)
        with open(name, "w", encoding="utf-8") as file:
            json.dump(book, file)
        subprocess.run([os.path.join(os.environ["WEIR_BUILD"], "tests", "journal_of"), self.state],
                       input=run.bytes("alerts.ndjson"), check=True)
        told = [alert for alert in run.alerts() if "change" in alert["weir"]]
        text = self.ask("change", "report", "chg-1")
        self.assertIn(f"{len(told)} alerts told in it", text)
        self.assertIn(f"zone.conduit {sum(one['rule']['id'] == 'zone.conduit' for one in told)}", text)
        self.assertEqual(text.count("zone.conduit  10.9."), len(told), text)
        self.assertNotIn(iso(START + 600 * NS)[:16], text)

    def test_mistakes(self):
        def fails(status, words, *parts):
            text = self.ask(*words, status=status)
            for part in parts:
                self.assertIn(part, text)
        given = ("change", "open", "--zone", "control", "--ticket", "T-1")
        fails(2, ("change", "open", "--zone", "control", "--for", "1h"), "expected --zone ZONE and --ticket TICKET")
        fails(2, ("change", "open", "--zone", "tower", "--ticket", "T-1", "--for", "1h"), "no such zone")
        fails(2, ("change", "open", "--zone", "outside", "--ticket", "T-1", "--for", "1h"), "no such zone")
        fails(2, given, "expected --until TIME, or --for 4h")
        fails(2, (*given, "--until", "2020-01-01"), "that is over already")
        fails(2, (*given, "--for", "100d"), "for_s")
        fails(2, ("change", "close", "sil-1"), "expected a window such as chg-3")
        fails(3, ("change", "close", "chg-7"), "there is no such change window")
        fails(3, ("change", "report", "chg-7"), "there is no such window")
        fails(2, ("change", "undo"), "unknown verb")


if __name__ == "__main__":
    weirtest.main()
