#!/usr/bin/env python3
"""weir backtest against what two replays tell: every alert gained, lost and changed, day by day, and why."""

import json
import os

import weirtest
from weirtest import SHIPPED, Case, replay, weir

OFFICE = os.path.join(SHIPPED, "office10min.pcap")
NOW = """\
- rule: any.upload
  name: Anything that left
  severity: 40
  condition: out_bytes > 1 kB and protocol in (tcp, udp)
  rate_limit: 500 per hour
- rule: any.dns
  name: DNS that left
  severity: 20
  condition: service = dns and not encrypted
  rate_limit: 500 per hour
- rule: any.tls
  name: TLS that left
  severity: 30
  condition: service = tls
  rate_limit: 500 per hour
"""
PROPOSED = """\
- rule: any.upload
  name: Anything that left
  severity: 60
  condition: out_bytes > 100 kB and protocol in (tcp, udp)
  rate_limit: 500 per hour
- rule: any.tls
  name: TLS that left
  severity: 30
  condition: service = tls
  rate_limit: 500 per hour
- rule: my.http
  name: HTTP that left
  severity: 30
  condition: service = http
  rate_limit: 500 per hour
- exception: known
  of: [any.tls]
  when: host exists
  reason: looked at in March
  expires: 2099-12-31
"""


class Backtest(Case):
    def setUp(self):
        super().setUp()
        self.now = self.write("now.yaml", NOW)
        self.proposed = self.write("proposed.yaml", PROPOSED)

    def told(self, rules, name):
        run = replay(self.path(name), "--set", f"rules=[{rules}]", OFFICE)
        self.assertEqual(run.status, 0, run)
        return {a["event"]["id"]: a for a in run.alerts() if a["weir"]["state"] != "close"}

    def backtest(self, *words):
        run = weir("backtest", "--set", f"rules=[{self.now}]", *words, OFFICE)
        self.assertEqual((run.status, run.err), (0, ""), run)
        return run.out

    def test_it_says_what_two_replays_say(self):
        now, proposed = self.told(self.now, "a"), self.told(self.proposed, "b")
        found = json.loads(self.backtest("--rules", self.proposed, "--json"))
        of = {change: {d["id"] for d in found["differences"] if d["change"] == change}
              for change in ("gained", "lost", "changed")}
        self.assertEqual(of["gained"], proposed.keys() - now.keys())
        self.assertEqual(of["lost"], now.keys() - proposed.keys())
        self.assertEqual(of["changed"], {id for id in now.keys() & proposed.keys()
                                         if now[id]["weir"]["score"] != proposed[id]["weir"]["score"]
                                         or now[id]["@timestamp"] != proposed[id]["@timestamp"]})
        for side, alerts in (("now", now), ("proposed", proposed)):
            self.assertEqual(found[side]["alerts"], len(alerts), side)
            self.assertEqual(found[side]["incidents"], len({a["weir"]["incident"] for a in alerts.values()}), side)
            self.assertEqual(sum(day[side] for day in found["days"]), len(alerts), side)
            for day in found["days"]:
                self.assertEqual(day[side], sum(a["@timestamp"].startswith(day["date"]) for a in alerts.values()))
        for change, ids in of.items():
            self.assertGreater(len(ids), 0, change)
            self.assertEqual(sum(day[change] for day in found["days"]), len(ids), change)

    def test_it_says_why(self):
        found = json.loads(self.backtest("--rules", self.proposed, "--json"))
        why = {}
        for d in found["differences"]:
            why.setdefault((d["change"], d["rule"]), set()).add(d["why"])
        place = f"{self.proposed}:"
        self.assertEqual(why["lost", "any.dns"], {"rule any.dns is only in today's rules"})
        self.assertEqual(why["gained", "my.http"], {"rule my.http is only in the proposed rules"})
        [held] = why["lost", "any.tls"]
        self.assertRegex(held, r"^the proposed exception known \(.*proposed\.yaml:\d+:\d+\) holds it back: looked at")
        self.assertTrue(all("the proposed rule any.upload" in text and "does not match" in text
                            for text in why["lost", "any.upload"]), why)
        self.assertTrue(all("score 60 instead of 40" in text for text in why["changed", "any.upload"]), why)
        self.assertIn(place.split(os.sep)[-1], held)

    def test_a_proposal_that_changes_nothing(self):
        copy = self.write("copy.yaml", NOW)
        text = self.backtest("--rules", copy)
        self.assertIn("gained 0, lost 0, changed 0\n", text)
        self.assertNotIn("why:", text)

    def test_another_configuration(self):
        config = self.write("new.yaml", f"rules: [{self.proposed}]\nnetworks:\n  inside: [192.0.2.0/24]\n")
        run = weir("backtest", "--config", config, "--json", OFFICE)
        self.assertEqual(run.status, 0, run)
        self.assertEqual(json.loads(run.out)["proposed"]["alerts"], 0, "nobody is inside")

    def test_what_is_wrong_is_said(self):
        for words, part in ((["--rules", self.write("bad.yaml", "- rule: x\n"), OFFICE], "bad.yaml:1:"),
                            (["--rules", self.proposed, "-"], "can be read only once"),
                            (["--rules", self.proposed], "which capture or log?"),
                            ([OFFICE], "against what?")):
            run = weir("backtest", *words)
            self.assertEqual((run.status, run.out), (2, ""), run)
            self.assertIn(part, run.err)
        run = weir("backtest", "--rules", self.proposed, "--json", OFFICE, self.path("none.pcap"))
        self.assertEqual(run.status, 3, run)
        self.assertGreater(json.loads(run.out)["proposed"]["alerts"], 0)


if __name__ == "__main__":
    weirtest.main()
