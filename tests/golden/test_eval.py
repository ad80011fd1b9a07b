#!/usr/bin/env python3
"""The evaluation's short form: one small fleet of five weeks through `weir replay`, with and without thefts, and
the packets beside it (names, echoes, clear text) without its log. The long one is tests/eval/run; its tables stand
in docs/detection.md. What is asserted here has room to spare: one fleet is no measurement, but a detector that has
gone deaf or mad is seen.

Needs numpy."""

import os
import sys
import unittest

import weirtest
from weirtest import Case

sys.path.insert(0, os.path.join(weirtest.SOURCE, "tests", "eval"))
try:
    import baselines
    import fleet
    import measure
    import packets
    import report
    import rows
    import thefts
    import wire
except ImportError: # numpy: Debian's is for Debian's Python
    if sys.executable != "/usr/bin/python3" and os.path.exists("/usr/bin/python3"):
        os.execv("/usr/bin/python3", ["/usr/bin/python3"] + sys.argv)
    fleet = None

HOSTS, BUDGET = 20, 2.0


@unittest.skipUnless(fleet, "no numpy")
class Evaluation(Case):
    def test_a_small_fleet(self):
        robbed = fleet.Fleet("tuning", 1001, HOSTS, 35, 1, served=False)
        honest = fleet.Fleet("tuning", 1001, HOSTS, 35, 0, served=False)
        loud, _ = measure.replay(weirtest.binary(), robbed, BUDGET)
        quiet, _ = measure.replay(weirtest.binary(), honest, BUDGET)
        nominal = BUDGET / 100 * honest.host_days()
        self.assertLessEqual(len(measure.budgeted(quiet)), 2 * nominal, quiet)
        entry = measure.judged([robbed], [loud], quiet)
        found = {attack["kind"] for attack in entry["attacks"] if attack["days"] is not None}
        self.assertLessEqual({"bulk-new", "beacon-stage"}, found, entry["attacks"])
        self.assertGreaterEqual(len(found & set(fleet.KINDS)), 3, entry["attacks"])
        hits, spans = entry["chance"]
        self.assertLess(hits / spans, len(found) / len(entry["attacks"]))
        for attack in entry["attacks"]:
            if attack["kind"] == "bulk-new":
                self.assertLess(attack["days"], .1)

    def test_what_only_packets_can_say(self):
        """Every theft of the kind is found by a row of its own, and what looks like one is not told."""
        made = fleet.Fleet("tuning", 1001, HOSTS, 35, 0, packets=True)
        frames = wire.Wire(made, True).frames
        name = self.path("packets.pcap")
        packets.write(name, frames)
        run = self.replay(name)
        alarms = measure.read_alarms(os.path.join(run.folder, "alerts.ndjson"))
        missed = [entry["kind"] for entry in measure.outcome(made, alarms) if entry["days"] is None]
        self.assertEqual(missed, [])
        strangers = [alarm for alarm in alarms if not any(measure.is_of(alarm, attack) for attack in made.attacks)]
        self.assertEqual([alarm for alarm in strangers if alarm.rule.startswith(tuple(wire.TWINS))], [])
        self.assertEqual({attack.kind for attack in made.attacks}, set(wire.KINDS))

    def test_seeds_are_kept_apart(self):
        tuning, held = (fleet.Fleet(name, 5, 3, 26, 0, served=False).table["sent"] for name in fleet.SETS)
        again = fleet.Fleet("tuning", 5, 3, 26, 0, served=False).table["sent"]
        self.assertEqual(tuning.tolist(), again.tolist())
        self.assertNotEqual(tuning.tolist(), held.tolist())

    def test_a_theft_changes_nothing_else(self):
        """What is not stolen is the same with and without thefts."""
        honest, robbed = (fleet.Fleet("tuning", 6, 20, 35, attacks, served=False) for attacks in (0, 1))
        stolen = {(attack.host, attack.remote) for attack in robbed.attacks}
        cold = {attack.host for attack in robbed.attacks if attack.kind == "cold-host"}
        def ordinary(made):
            return sorted(row for row in zip(*(made.table[name].tolist() for name in fleet.Rows.NAMES))
                          if (row[1], row[2]) not in stolen and row[1] not in cold)
        self.assertEqual(ordinary(honest), ordinary(robbed))

    def test_thresholds(self):
        """A baseline alarms as often as was asked for, where there are so many levels."""
        honest = fleet.Fleet("tuning", 8, 20, 35, 0, served=False)
        signs = sorted(baselines.ewma(honest.table, honest), key=lambda sign: sign[0])
        for wanted in (2, 5, 10):
            threshold = baselines.threshold_for(signs, wanted)
            self.assertIn(len(baselines.alarms(signs, threshold)), (wanted - 1, wanted))

    def test_what_counts(self):
        """An alarm of the theft's host, about its destination or none, from its beginning to a day after its end."""
        at, host, remote, other = fleet.START + 20 * fleet.DAY, 1, 7, 8
        theft = rows.Attack("bulk-new", host, remote, at, at + 100, 1000, [(at, 100.0, 1000)])
        by_name = rows.Attack(wire.KINDS[0], host, remote, at, at + 100, 1000, [(at, 100.0, 1000)], "exfil.test")
        by_echo = rows.Attack("ICMP, 5 B/s", host, remote, at, at + 100, 1000, [(at, 100.0, 1000)])

        def alarm(time, where=remote, whose=host, domain=None):
            return measure.Alarm(time, whose, where, 50, "story", "volume.host", domain)
        for counts, attack, told in (
                (True, theft, alarm(at)), (True, theft, alarm(at + 50, None)),
                (True, theft, alarm(at + 100 + fleet.DAY)), (False, theft, alarm(at + 101 + fleet.DAY)),
                (False, theft, alarm(at - 1)), (False, theft, alarm(at, other)), (False, theft, alarm(at, whose=2)),
                (True, by_name, alarm(at, domain="exfil.test")), (False, by_name, alarm(at, domain="files.test")),
                (False, by_name, alarm(at)), (True, by_echo, alarm(at)), (False, by_echo, alarm(at, None))):
            self.assertEqual(measure.hit(attack, [told]) is not None, counts, told)
        self.assertEqual(measure.share_to(theft, alarm(at + 25)), .25)
        self.assertEqual(measure.share_to(theft, alarm(at + fleet.DAY)), 1)
        self.assertEqual(measure.days_to(theft, alarm(at + fleet.DAY / 2)), .5)

    def test_goals(self):
        """A goal is missed when it is not reached, and when nothing was there to measure it by."""
        def kept(days, false):
            attacks = [{"kind": kind, "bytes": 3_000_000_000, "days": days, "share": .01}
                       for kind in thefts.KINDS + thefts.MORE_KINDS]
            entry = {"false": false, "false_public": 0, "attacks": attacks, "chance": [0, 5],
                     "precision": {"1": [1, 1]}}
            return {"hosts": 100, "packets": False, "results": [
                {"seed": 1, "host_days": 2100, "days": 21, "methods": {"RITA beacon": {"1.0": entry},
                                                                       "Weir": {"1.0": entry}}}]}

        def missed(made):
            return {what.split(": ")[1] for what, *figures in report.goals_of(made) if report.is_missed(*figures)}
        never = missed(kept(None, 21))
        at_once = missed(kept(.5, 21))
        unmeasured = {"bulk-trusted 200–1000 MB", "median days to find slow-new of 1–3 MB a day"}
        self.assertEqual(at_once, unmeasured | {"mean of 7, times the best baseline's"})
        self.assertLessEqual(unmeasured | {"mean of 7", "served-theft ≥ 2 MB", "median days to find boiling-frog"},
                             never)
        self.assertIn("realised / nominal", missed(kept(.5, 30)))
        self.assertIn("realised / nominal", missed(kept(.5, 14)))
        self.assertNotIn("realised / nominal", at_once)


if __name__ == "__main__":
    weirtest.main()
