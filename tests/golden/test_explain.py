#!/usr/bin/env python3
"""weir explain: the shipped incident out of a journal, in words and as JSON; ids that are none, and
journals that are not there or damaged, each with its exit status and one clear line."""

import json
import os
import subprocess

import weirtest
from weirtest import SHIPPED, Case, complaint, replay, weir

JOURNAL_OF = os.path.join(os.environ.get("WEIR_BUILD", ""), "tests", "journal_of")


class Explain(Case):
    records = None

    def setUp(self):
        super().setUp()
        if Explain.records is None:
            run = replay(self.path("out"), "--online", "--workers", "0", "-c",
                         os.path.join(SHIPPED, "projectweb.yaml"),
                         os.path.join(SHIPPED, "projectweb.pcapng"))
            Explain.records = run.alerts()
        self.state = self.path("state")
        os.mkdir(self.state)
        text = "".join(json.dumps(record, separators=(",", ":")) + "\n" for record in self.records)
        subprocess.run([JOURNAL_OF, self.state], input=text.encode(), check=True)
        self.incident = self.records[0]["weir"]["incident"]

    def explain(self, *words):
        return weir("explain", "--set", f"sensor.state_dir={self.state}", *words)

    def test_the_incident_in_words(self):
        run = self.explain(f"inc-{self.incident[:6]}")
        self.assertEqual((run.status, run.err), (0, ""))
        last = [r for r in self.records if r["rule"]["id"] == "content.personal"][-1]
        text = " ".join(run.out.split())
        self.assertIn(last["weir"]["reasons"][0]["text"], text)
        for part in ("left the inside host 10.4.0.17", "The outside opened the largest flow",
                     "It would not have been told below 100 addresses",
                     "Part of it was encrypted", "Known false alarms: mail servers",
                     "T1048.003 Exfiltration Over Unencrypted Non-C2 Protocol",
                     "volume.served: More was served to a network outside than usual"):
            self.assertIn(part, text)
        history = run.out.split("The incident so far\n")[1].splitlines()
        self.assertEqual(len(history), len(self.records))
        self.assertEqual([line.split()[1] for line in history],
                         [record["weir"]["state"] for record in self.records])
        self.assertLessEqual(max(len(line) for line in run.out.splitlines()), 88)

    def test_one_alert_as_json(self):
        record = self.records[1]
        run = self.explain("--json", record["event"]["id"])
        self.assertEqual((run.status, run.err), (0, ""))
        said = json.loads(run.out)
        self.assertEqual([alert["record"] for alert in said["alerts"]], [record])
        self.assertEqual([raise_["id"] for raise_ in said["history"]],
                         [r["event"]["id"] for r in self.records])

    def test_an_operators_rule_is_known_by_its_file(self):
        rules = self.write("my.yaml", b"- rule: my.rule\n  name: Mine\n  condition: out_bytes > 1 MB\n"
                                      b"  severity: 60\n  sees: What I wrote it for.\n")
        record = json.loads(json.dumps(self.records[0]))
        record["rule"] = {"id": "my.rule", "name": "Mine"}
        record["event"]["id"] = "f" * 32
        os.mkdir(self.path("other"))
        subprocess.run([JOURNAL_OF, self.path("other")], check=True,
                       input=(json.dumps(record, separators=(",", ":")) + "\n").encode())
        run = weir("explain", "--set", f"sensor.state_dir={self.path('other')}", "--set",
                   f"rules=[{rules}]", "f" * 32)
        self.assertEqual((run.status, run.err), (0, ""))
        self.assertIn("What I wrote it for.", run.out)

    def test_ids_that_are_none(self):
        for words, line in ((("inc-000000",), "inc-000000: the journal has no such alert or incident"),
                            (("0" * 32,), "the journal has no such alert or incident"),
                            (("inc-12",), "inc-12: is no id"), (("\x1b[2J",), "is no id"),
                            ((), "which alert or incident?"), (("a", "b"), "which alert or incident?")):
            run = self.explain(*words)
            self.assertEqual((run.status, run.out), (2, ""), run)
            self.assertIn(line, complaint(run))

    def test_no_journal(self):
        run = weir("explain", "--set", f"sensor.state_dir={self.path('nothing')}", "inc-000000")
        self.assertEqual((run.status, run.out), (1, ""), run)
        complaint(run)


if __name__ == "__main__":
    if not os.path.exists(JOURNAL_OF):
        raise SystemExit("the program `journal_of` is not built (ninja journal_of)")
    weirtest.main()
