#!/usr/bin/env python3
"""Silences, acknowledgements and verdicts, with no sensor running, and what a replay makes of them: a
silenced alert is told, counted, and says by whom; no byte is missing; what people did is in the journal;
the exception that a verdict of benign proposes is one that the sensor takes."""

import json
import os
import re
import subprocess

import weirtest
from weirtest import SHIPPED, Case, weir

THEFT = 4219959 # bytes, tests/golden/test_incident.py
BOOK = {"weir_noise": 1, "next": 3, "counted": 0, "silences": [
    {"id": "sil-1", "author": "alice", "reason": "half of the night", "created": "2026-03-01T00:00:00.000Z",
     "expires": "2026-03-01T16:30:00.000Z", "scope": {"rule": "content.personal", "host": "10.4.0.0/24"}},
    {"id": "sil-2", "author": "bob", "reason": "others", "created": "2026-03-01T00:00:00.000Z",
     "expires": "2026-04-01T00:00:00.000Z", "scope": {"host": "10.4.0.18"}}], "incidents": []}


class Noise(Case):
    theft = None

    def setUp(self):
        super().setUp()
        self.state = self.path("state")
        os.chmod(self.home, 0o755) # as root it is another user's
        if not Noise.theft: # one replay serves all tests
            run = self.night()
            Noise.theft = (run.alerts(), run.bytes("alerts.ndjson"))

    def night(self, *words):
        return self.replay("--online", "--workers", "0", *words, "-c", os.path.join(SHIPPED, "projectweb.yaml"),
                           os.path.join(SHIPPED, "projectweb.pcapng"))

    def ask(self, *words, status=0):
        run = weir(*words, "--set", "sensor.state_dir=" + self.state, "--set", "site.timezone=Asia/Tokyo")
        self.assertEqual(run.status, status, run)
        return run.out if status == 0 else run.err

    def fill(self):
        """A state directory with a journal that tells of the theft."""
        self.ask("silence", "add", "--reason", "so that there is one", "--for", "1h", "--rule", "none")
        subprocess.run([os.path.join(os.environ["WEIR_BUILD"], "tests", "journal_of"), self.state],
                       input=Noise.theft[1], check=True)
        return Noise.theft[0][0]["weir"]["incident"]

    # --- a replay -----------------------------------------------------------------------------------

    def test_a_silence_ends_by_packet_time_and_hides_nothing(self):
        book = self.write("noise.json", json.dumps(BOOK))
        run = self.night("--noise", book)
        told = {one["event"]["id"]: one for one in run.alerts()}
        held = 0
        for plain in Noise.theft[0]:
            one = told.get(plain["event"]["id"])
            silenced = one["weir"].pop("silenced", None) if one else {}
            expected = plain["rule"]["id"] == "content.personal" and \
                plain["@timestamp"] < "2026-03-01T16:30:00.000Z"
            held += expected
            self.assertEqual(silenced is not None, expected, plain)
            if one:
                self.assertEqual(one, plain, "nothing else of an alert changes")
            if silenced: # by a sink that is told silenced ones
                self.assertEqual((silenced["id"], silenced["author"], silenced["reason"], silenced["until"]),
                                 ("sil-1", "alice", "half of the night", "2026-03-01T16:30:00.000Z"))
        self.assertGreater(held, 3)
        self.assertEqual(run.summary()["noise"]["alerts_silenced"], held)
        incident, = run.summary()["incidents"]
        self.assertEqual(incident["out_bytes"]["value"], THEFT)
        with open(book, encoding="utf-8") as file:
            self.assertEqual(json.load(file), BOOK, "a replay only reads it")

    def test_every_new_byte_is_counted_once(self):
        whole = {**BOOK, "silences": [{**BOOK["silences"][1], "scope": {"host": "10.0.0.0/8"}}]}
        run = self.night("--noise", self.write("noise.json", json.dumps(whole)))
        self.assertEqual(run.summary()["noise"], {"alerts_silenced": len(Noise.theft[0]), "silenced_bytes": THEFT,
                                                  "alerts_quiet": 0})

    def test_a_damaged_or_missing_book_is_no_replay(self):
        for path in (self.write("bad.json", '{"weir_noise":1,"silences":[{}]}'), self.path("none.json")):
            self.assert_fails(3, ["replay", "-q", "--noise", path, os.path.join(SHIPPED, "projectweb.pcapng")],
                              os.path.basename(path))

    # --- silences -----------------------------------------------------------------------------------

    def test_silences_are_kept_and_taken_back(self):
        made = json.loads(self.ask("silence", "add", "--reason", "patch day", "--for", "7d",
                                   "--host", "10.0.0.5", "--service", "tls"))
        self.assertEqual((made["id"], made["scope"]), ("sil-1", {"host": "10.0.0.5", "service": "tls"}))
        self.assertIn("alerts of 10.0.0.5 by tls", self.ask("silence", "list"))
        self.assertEqual(json.loads(self.ask("silence", "show", "--json", "sil-1"))["reason"], "patch day")
        self.ask("silence", "show", "sil-2", status=3)
        self.ask("silence", "remove", "sil-1")
        self.ask("silence", "remove", "sil-1", status=3)
        self.assertEqual(self.ask("silence", "list"), "nothing is silenced\n")
        changes = json.loads(self.ask("digest", "--json", "--since", "1h"))["changes"]
        self.assertEqual([one["action"] for one in changes], ["silence.add", "silence.remove"])

    def test_what_is_wrong_is_said(self):
        for words, says in ((["--for", "1h", "--rule", "a"], "reason"),
                            (["--reason", "r", "--rule", "a"], "--for 7d"),
                            (["--reason", "r", "--for", "1h"], "scope"),
                            (["--reason", "r", "--for", "1h", "--host", "web"], "host"),
                            (["--reason", "r", "--for", "91d", "--rule", "a"], "for_s"),
                            (["--reason", "r", "--until", "2099-01-01T00:00Z", "--rule", "a"], "90 days"),
                            (["--reason", "r", "--until", "2020-01-01", "--rule", "a"], "over"),
                            (["--reason", "r", "--for", "1h", "--severity-below", "x"], "severity"),
                            (["--reason", "r", "--for", "1h", "--incident", "inc-0123ab"], "journal")):
            with self.subTest(words):
                run = weir("silence", "add", *words, "--set", "sensor.state_dir=" + self.state)
                self.assertIn(run.status, (1, 2), run)
                self.assertIn(says, weirtest.complaint(run))
        self.assertFalse(os.path.exists(os.path.join(self.state, "noise.json")))

    def test_a_damaged_book_is_said_and_left(self):
        self.ask("silence", "add", "--reason", "r", "--for", "1h", "--rule", "a")
        path = os.path.join(self.state, "noise.json")
        with open(path, "r+b") as file:
            file.truncate(40)
        self.assertIn("damaged", self.ask("silence", "list", status=3))
        self.assertIn("damaged", self.ask("silence", "add", "--reason", "r", "--for", "1h", "--rule", "a",
                                          status=3))
        self.assertEqual(os.path.getsize(path), 40)

    def test_a_damaged_journal_is_shown_as_far_as_it_goes(self):
        name = "inc-" + self.fill()[:6]
        folder = os.path.join(self.state, "journal")
        segment = sorted(one for one in os.listdir(folder) if one.endswith(".log"))[-1]
        with open(os.path.join(folder, segment), "r+b") as file:
            data = bytearray(file.read())
            data[-5] ^= 1 # the last record of it
            file.seek(0)
            file.write(data)
        for words in (["digest", "--since", "2026-03-01"], ["incident", "list"], ["explain", name]):
            with self.subTest(words):
                run = weir(*words, "--set", "sensor.state_dir=" + self.state)
                self.assertEqual(run.status, 3, run)
                self.assertIn(name[4:], run.out)
        run = weir("incident", "show", name, "--set", "sensor.state_dir=" + self.state)
        self.assertEqual(run.status, 0, run) # 3: there is no such incident
        self.assertIn("damaged", run.err)

    # --- incidents ----------------------------------------------------------------------------------

    def test_an_incident_is_acknowledged_closed_and_reopened(self):
        whole = self.fill()
        name = "inc-" + whole[:6]
        self.assertRegex(self.ask("incident", "list", "--open"), f"^{name}  open .*23 alerts")
        self.ask("incident", "ack", name, "--note", "looking")
        self.assertIn("acknowledged", self.ask("incident", "list", "--open"))
        closed = self.ask("incident", "close", name, "--verdict", "benign", "--ticket", "T-7", "--note",
                          "a 'mirror': \"theirs\"")
        self.assertIn(f"alerts 23, incidents 1, days 1, bytes {THEFT}", closed)
        self.assertEqual(self.ask("incident", "list", "--open"), "no incident\n")
        self.assertIn("ticket T-7", self.ask("incident", "show", name))
        self.ask("incident", "reopen", name)
        self.assertRegex(self.ask("incident", "list"), f"^{name}  open ")
        self.ask("incident", "reopen", name, status=3)
        self.ask("incident", "ack", "inc-ffffff", status=3)
        self.ask("incident", "close", name, "--verdict", "fine", status=2)

    def test_the_exception_is_one(self):
        """Added to the rules, the same night tells nothing that it names."""
        name = "inc-" + self.fill()[:6]
        said = self.ask("incident", "close", name, "--verdict", "benign", "--note", "it's \"ok\"")
        rules = self.write("rules.yaml", said[said.index("#"):])
        run = self.night("--set", f"rules=[{rules}]")
        self.assertEqual(run.alerts(), [])
        self.assertEqual(re.findall(r"reason: (.*)", said), ['"found benign by root: it\'s \\"ok\\""'])

    def test_malicious_proposes_nothing(self):
        name = "inc-" + self.fill()[:6]
        self.assertNotIn("exception", self.ask("incident", "close", name, "--verdict", "malicious"))

    # --- the hand-over ------------------------------------------------------------------------------

    def test_the_digest(self):
        name = "inc-" + self.fill()[:6]
        window = ("--since", "2026-03-02T00:00", "--until", "2026-03-02T08:00")
        text = self.ask("digest", *window)
        self.assertIn("Hand-over 2026-03-02 00:00 – 2026-03-02 08:00 JST, sensor weir", text)
        self.assertIn("Open incidents: 1\n  NOW    100  " + name + "  10.4.0.17 → 203.0.113.0/24", text)
        self.assertIn("told 03-02 01:14 – 03-02 03:58; 4.22 MB left; 23 alerts", text)
        self.assertIn("Budget: 1 incidents of 0.0 nominal", text)
        japanese = self.ask("digest", "--lang", "ja", *window)
        self.assertIn("未対応のインシデント: 1 件\n  緊急     100  " + name, japanese)
        self.assertIn("検知 03-02 01:14 ～ 03-02 03:58、送出量 4.22 MB、アラート 23 件", japanese)
        whole = json.loads(self.ask("digest", "--json", *window))
        self.assertEqual((whole["open"]["total"], whole["alerts"], whole["open"]["list"][0]["out_bytes"]),
                         (1, 23, THEFT))
        page = self.path("digest.html")
        self.assertEqual(self.ask("digest", "-o", page, "--lang", "ja", *window), "")
        with open(page, encoding="utf-8") as file:
            html = file.read()
        self.assertIn("<h2>未対応のインシデント: 1 件</h2>", html)
        self.assertIn("検知 03-02 01:14 ～ 03-02 03:58、送出量 4.22 MB、アラート 23 件", html)
        self.ask("digest", "--json", "-o", page, *window, status=2)
        self.ask("digest", "--lang", "de", status=2)
        self.ask("digest", "--since", "yesterday", status=2)


if __name__ == "__main__":
    weirtest.main()
