#!/usr/bin/env python3
"""Three weeks in which a theft begins on the first day: a live sensor learns it as normal, hindsight finds it; what
everybody does is no theft. And what a replay may be asked for: times, hosts, destinations, a day to learn until."""

import glob
import json
import os
import random
import signal
import subprocess
import time

import connlog
import weirtest
from weirtest import NS, Case, complaint, conversation, pcap

DAYS, DAY, START = 21, connlog.DAY, connlog.START
THIEF, DROP = connlog.host(3), "203.0.113.9"


def uploads(host, remote, days=range(DAYS), daily=12e6):
    """So much each working day, in four parts."""
    rng = random.Random(f"{host} {remote}")
    for day in days:
        for hour in (9, 11, 14, 16) if day % 7 < 5 else ():
            yield (START + day * DAY + hour * 3600 + rng.uniform(0, 3000), host, remote, 30,
                   daily / 4 * rng.uniform(.8, 1.2))


def opened(run):
    return [(alert["source"]["ip"], alert["destination"]["ip"]) for alert in run.alerts()
            if alert["weir"]["state"] == "open"]


class Office(Case):
    """conn logs."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        hosts = {connlog.host(n) for n in range(10)}
        cls.ordinary = [row for row in connlog.ordinary_rows(DAYS) if row[1] in hosts]

    def log(self, *rows):
        return self.write("conn.log", connlog.text_of([*self.ordinary, *(row for part in rows for row in part)]))

    def test_a_theft_from_the_first_day_is_found_in_hindsight(self):
        log = self.log(uploads(THIEF, DROP))
        first = self.replay("--workers", "0", log)
        alerts = first.alerts()
        found = [alert for alert in alerts if (alert["source"]["ip"], alert["destination"]["ip"]) == (THIEF, DROP)]
        self.assertLess(found[0]["@timestamp"], "2026-01-10") # of its first week
        self.assertEqual({alert["weir"]["mode"] for alert in alerts}, {"hindsight"})
        self.assertEqual(first.summary()["mode"], "hindsight")
        self.assertIn("Judged   in hindsight: each day held against all the others", first.out)
        again = self.replay("--workers", "2", log)
        self.assertEqual(again.bytes("alerts.ndjson"), first.bytes("alerts.ndjson"))
        online = self.replay("--online", log)
        self.assertNotIn((THIEF, DROP), opened(online))
        self.assertEqual(online.summary()["mode"], "online")
        self.assertTrue(all(alert["weir"]["mode"] == "online" for alert in online.alerts()))

    def test_what_everybody_does_is_no_theft(self):
        """The same bytes on the same days, to a service that all hosts use so."""
        run = self.replay("--workers", "0", self.log(*(uploads(connlog.host(n), DROP) for n in range(10))))
        self.assertEqual(run.summary()["mode"], "hindsight")
        self.assertNotIn(DROP, [remote for _, remote in opened(run)])

    def once_and_twice(self, log, *words):
        """Where the records of the first reading have no room (builds with WEIR_FAULTS), the inputs are read again."""
        once = self.replay(*words, log)
        twice = self.replay(*words, log, env={"WEIR_FAULT": "tape"})
        summaries = [run.summary() for run in (once, twice)]
        self.assertEqual([summary.pop("readings") for summary in summaries], [1, 2])
        for summary in summaries:
            del summary["duration_s"]
        self.assertEqual(*summaries)
        self.assertEqual(*(run.bytes("alerts.ndjson") for run in (once, twice)))
        return once, twice

    def test_read_once_or_twice(self):
        log = self.log(uploads(THIEF, DROP))
        for words in (("--flows",), ("--workers", "0"), ("--workers", "2")):
            once, twice = self.once_and_twice(log, *words)
            self.assertIn((THIEF, DROP), opened(once))
            if words == ("--flows",):
                self.assertEqual(*(run.bytes("flows.ndjson") for run in (once, twice)))

    def test_told_behind_midnight(self):
        """What an evening's last hour shows is told two minutes into the next day: what left by then is in the story."""
        midnight = START + 9 * DAY
        log = self.log([(midnight - 1200, THIEF, DROP, 60, 20_000_000), (midnight + 20, THIEF, DROP, 2, 80_000)])
        once, _ = self.once_and_twice(log, "--workers", "0")
        told = [alert["weir"]["out_bytes"]["value"] for alert in once.alerts()
                if (alert["source"]["ip"], alert["destination"]["ip"]) == (THIEF, DROP)]
        self.assertEqual(told[-1], 20_080_000)

    def test_told_of_a_host_that_never_sleeps(self):
        """Its stories have no silence: one that is told has all from its beginning on, and goes on when nothing more of
        the host can be told."""
        hours = range(DAYS * 24)
        begins = 9 * 24 + 10
        calls = ((START + hour * 3600 + 60, THIEF, "51.0.1.9", 5, 3000) for hour in hours)
        theft = [(START + begins * 3600, THIEF, DROP, 60, 20_000_000)]
        before = [(START + hour * 3600 + 90, THIEF, DROP, 5, 2000) for hour in hours[begins - 40:begins:4]]
        behind = [(START + hour * 3600 + 90, THIEF, DROP, 5, 2000) for hour in hours[begins + 4::4]]
        once, _ = self.once_and_twice(self.log(calls, theft, before, behind), "--workers", "0")
        told = [alert["weir"]["out_bytes"]["value"] for alert in once.alerts()
                if (alert["source"]["ip"], alert["destination"]["ip"]) == (THIEF, DROP)]
        self.assertEqual(told[-1], 20_000_000 + 2000 * len(before + behind))

    def interrupted(self, log, folder, is_time, wait_s=0):
        """An interrupt so long after it is time, by the process and its temporary folder: what was said, the status."""
        temporary = self.path("tmp")
        os.makedirs(temporary, exist_ok=True)
        run = subprocess.Popen([weirtest.binary(), "replay", "--workers", "0", "-o", folder, log], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                               env=weirtest.environment(temporary))
        while run.poll() is None and not is_time(run.pid, temporary):
            pass
        time.sleep(wait_s)
        run.send_signal(signal.SIGINT)
        said = run.communicate(timeout=300)[1]
        return said, run.returncode

    @staticmethod
    def is_made(pid, _):
        """The hours are all there, of which the hindsight is made."""
        with open(f"/proc/{pid}/maps", encoding="utf-8") as file:
            return "/ledger" in file.read()

    @staticmethod
    def is_to_be_judged(_, temporary):
        """… and soon it is judged by that."""
        return bool(glob.glob(os.path.join(temporary, "*", "again")))

    def test_an_interrupt_while_it_is_made(self):
        """It is heard, and what is told is what all of it tells. (One that came late ends the second reading: again.)"""
        log = self.log(uploads(THIEF, DROP))
        whole = self.replay("--workers", "0", log)
        for attempt in range(5):
            said, status = self.interrupted(log, self.path(f"interrupted{attempt}"), self.is_made)
            if "all was read" in said:
                break
        self.assertIn("interrupted: all was read, and is judged (again to leave at once)", said)
        self.assertEqual(status, 0, said)
        with open(self.path(f"interrupted{attempt}", "alerts.ndjson"), "rb") as file:
            self.assertEqual(file.read(), whole.bytes("alerts.ndjson"))

    def test_an_interrupt_while_it_is_judged(self):
        """What is not judged any more is said to be a problem; what was opened by then, all of it opens."""
        log = self.log(uploads(THIEF, DROP))
        whole = self.replay("--workers", "0", log)
        wait_s, step_s = 0, .05
        for attempt in range(40): # one may come before it is judged, or when all is
            said, status = self.interrupted(log, self.path(f"interrupted{attempt}"), self.is_to_be_judged, wait_s)
            if status == 3:
                break
            if "all was read, and is judged" in said:
                wait_s += step_s
            else:
                step_s /= 2
                wait_s = max(0, wait_s - step_s)
        self.assertEqual(status, 3, said)
        self.assertIn("conn.log: all of it was read, and interrupted when it was judged up to ", said)
        with open(self.path(f"interrupted{attempt}", "summary.json"), encoding="utf-8") as file:
            summary = json.load(file)
        self.assertEqual((summary["mode"], summary["readings"]), ("hindsight", 1))
        with open(self.path(f"interrupted{attempt}", "alerts.ndjson"), "rb") as file:
            begun = [line for line in file if b'"state":"open"' in line]
        self.assertLessEqual(set(begun), set(whole.bytes("alerts.ndjson").splitlines(True)))


class Asked(Case):
    """Short ones: two days and less are judged as they always were."""

    def captures(self, days):
        """A folder of captures, one a day: six hosts, three services, and a theft by one from the first day on."""
        folder = self.path("captures")
        os.mkdir(folder)
        for day in range(days):
            packets, rng = [], random.Random(day)
            for n in range(6):
                for at, remote, size in ((9, "198.51.100.1", 30_000), (11, "198.51.101.1", 135_000), (14, "198.51.102.1", 75_000)):
                    begins = (START + day * DAY + at * 3600 + 60 * n) * NS
                    packets += conversation(begins, (f"10.0.0.{n + 1}", 40000 + at), (remote, 443),
                                            bytes(int(size * rng.uniform(.5, 2))), b"x" * 3000, segment=60_000)
            begins = (START + day * DAY + 13 * 3600) * NS
            packets += conversation(begins, ("10.0.0.3", 41000), (DROP, 443), bytes(6_000_000), b"x" * 100, segment=60_000)
            self.write(f"captures/{day:02}.pcap", pcap(sorted(packets), snap=96))
        return folder

    def test_captures_of_three_weeks(self):
        folder = self.captures(DAYS)
        run = self.replay("--workers", "1", "--flows", folder)
        self.assertEqual(set(opened(run)), {("10.0.0.3", DROP)})
        self.assertEqual(run.summary()["mode"], "hindsight")
        self.assertEqual(len(run.flows()), DAYS * 19) # each once, though read twice
        self.assertEqual(opened(self.replay("--online", folder)), [])

    def test_two_days_are_judged_online(self):
        run = self.replay("--json", self.captures(2))
        self.assertEqual(run.summary()["mode"], "online")
        self.assertNotIn("not_in_hindsight", run.summary())

    def test_what_cannot_be_read_twice(self):
        folder = self.captures(4)
        whole = b""
        for name in sorted(os.listdir(folder)):
            with open(os.path.join(folder, name), "rb") as file:
                whole += file.read()[24 if whole else 0:]
        run = self.replay("-", stdin=whole)
        self.assertEqual(run.summary()["not_in_hindsight"], "an input cannot be read twice")
        self.assertIn("not in hindsight: an input cannot be read twice", run.out)

    def test_times(self):
        folder = self.captures(4)
        run = self.replay("--since", "2026-01-06", "--until", "2026-01-07T12:00", "--flows", folder)
        summary = run.summary()
        starts = sorted(flow["start"] for flow in run.flows())
        self.assertEqual((starts[0][:10], starts[-1][:13]), ("2026-01-06", "2026-01-07T11"))
        self.assertGreater(summary["packets_outside"], 0)
        self.assertEqual(summary["packets_outside"], sum(entry["packets_outside"] for entry in summary["inputs"]))
        self.assertIn("packets outside of the times that were asked for", run.out)

    def test_only_what_is_asked_for_is_told(self):
        folder = self.captures(2)
        listed = ("--intel", self.write("bad.txt", b"203.0.113.0/24\n"))
        all_of_it = self.replay(*listed, folder)
        self.assertEqual(set(opened(all_of_it)), {("10.0.0.3", DROP)})
        for words, left in ((("--host", "10.0.0.3"), True), (("--host", "10.0.0.0/31"), False),
                            (("--destination", "203.0.113.0/24"), True), (("--destination", "nobody.example"), False)):
            run = self.replay(*words, *listed, folder)
            self.assertEqual(opened(run), opened(all_of_it) if left else [], words)
            self.assertEqual(run.summary()["told"]["findings_unasked"] > 0, not left, (words, run))

    def test_learning_until(self):
        """A new drop is told only after it: online, as the mode says."""
        folder = self.captures(3)
        listed = self.write("bad.txt", b"203.0.113.0/24\n")
        run = self.replay("--learn-until", "2026-01-06", "--intel", listed, folder)
        self.assertEqual({alert["@timestamp"][:10] for alert in run.alerts()}, {"2026-01-06", "2026-01-07"})
        self.assertEqual({alert["weir"]["mode"] for alert in run.alerts()}, {"online"})
        self.assertEqual({alert["rule"]["id"] for alert in run.alerts()}, {"intel.match"})
        self.assertIn("learned silently before", run.out)

    def test_what_makes_no_sense(self):
        log = self.write("conn.log", connlog.text_of([]))
        for words, line in ((("--since", "yesterday"), "--since yesterday: expected a time"),
                            (("--since", "2026-01-07", "--until", "2026-01-06"), "is not after --since"),
                            (("--learn-until", "2d"), "--learn-until 2d: expected a time"),
                            (("--host", "me"), "--host me: expected an address or a prefix"),
                            (("--destination", "a b"), "--destination a b: expected a name"),
                            (("--intel", self.path("nothing")), "No such file")):
            run = weirtest.weir("replay", *words, log)
            self.assertEqual(run.status, 2, run)
            self.assertIn(line, complaint(run))


if __name__ == "__main__":
    weirtest.main()
