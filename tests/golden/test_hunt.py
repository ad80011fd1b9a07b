#!/usr/bin/env python3
"""weir hunt: three weeks in many files, a verdict for each host, and the same bytes however many processes did it and
however often they were killed. tests/long/hunt_kills.py kills it more often."""

import json
import os
import shutil
import tempfile

import connlog
import hunts
import weirtest
from hunts import BRIEF, DROP, THIEF, TWIN
from weirtest import Case

BUDGET = "--set", "detection.alerts_per_day=0.5"


class Hunt(Case):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shared = tempfile.mkdtemp(prefix="weir-test-")
        cls.addClassCleanup(shutil.rmtree, cls.shared, ignore_errors=True)
        cls.folder = hunts.office(os.path.join(cls.shared, "office"))
        cls.case = os.path.join(cls.shared, "case")
        cls.first, cls.took_s = hunts.timed(lambda: weirtest.weir(*hunts.words(cls.folder, cls.case, "--jobs", "2")))
        cls.first.folder = cls.case

    def hosts(self, run):
        return {line["host"]: line for line in run.lines("hosts.ndjson")}

    def hunt(self, folder, *more, case="case", status=0):
        run = weirtest.weir(*hunts.words(folder, self.path(case), *more))
        run.folder = self.path(case)
        self.assertEqual(run.status, status, run)
        return run

    def copy(self):
        """The office's files, to be changed."""
        return shutil.copytree(self.folder, self.path("office"))

    def test_three_verdicts(self):
        self.assertEqual(self.first.status, 0, self.first)
        hosts = self.hosts(self.first)
        thief, twin, brief = hosts[THIEF], hosts[TWIN], hosts[BRIEF]
        self.assertEqual(thief["verdict"], "left", thief)
        self.assertEqual(thief["incident"]["destination"], "203.0.113.0/24")
        self.assertLess(thief["incident"]["first"], "2026-01-10")
        self.assertLessEqual(thief["incident"]["out_bytes"]["low"], thief["incident"]["out_bytes"]["value"])
        self.assertEqual((twin["verdict"], twin["why"]), ("no_sign", None))
        self.assertEqual((brief["verdict"], brief["why"]), ("cannot_say", "few_days"))
        self.assertEqual(brief["days_seen"], {"covered": 2})
        self.assertEqual(self.first.lines("hosts.ndjson")[0]["host"], THIEF) # by evidence
        table = {line.split()[0]: line for line in self.first.out.splitlines() if line.startswith("10.1.")}
        self.assertIn("no sign within the stated coverage", table[TWIN])
        self.assertIn("cannot say", table[BRIEF])
        self.assertIn("seen on 2 days, 7 are needed", table[BRIEF])
        self.assertIn("to 203.0.113.0/24", table[THIEF])

    def test_what_it_leaves(self):
        alerts = self.first.alerts() # held against the schema
        self.assertEqual({alert["weir"]["mode"] for alert in alerts}, {"hindsight"})
        states = [alert["weir"]["state"] for alert in alerts if alert["destination"]["ip"] == DROP]
        self.assertEqual((states[0], states[-1], states.count("open")), ("open", "close", 1))
        summary = self.first.summary()
        incident = next(entry for entry in summary["incidents"] if entry["host"] == THIEF)
        self.assertEqual(incident["out_bytes"], self.hosts(self.first)[THIEF]["incident"]["out_bytes"])
        self.assertEqual(sum(entry["connections"] for entry in summary["inputs"] if "connections" in entry),
                         len(hunts.rows()))
        self.assertEqual(summary["scopes"]["out"]["flows"] >= len(hunts.rows()), True)
        hunt = json.loads(self.first.bytes("hunt.json"))
        self.assertEqual(hunt["days"]["count"], 19) # from a Monday to a Friday
        self.assertEqual(hunt["days"]["covered"] + hunt["days"]["no_input"], 19)
        self.assertEqual(self.first.report()["verdict"], "left")

    def test_as_one_replay_tells_it(self):
        names = [os.path.join(path, name) for path, _, files in os.walk(self.folder) for name in files]
        replay = self.replay("--workers", "0", *names)
        def told(run):
            return [(entry["id"], entry["score"], entry["out_bytes"], entry["first"], entry["last"]) for entry in run.summary()["incidents"]]
        self.assertEqual(told(self.first), told(replay))

    def test_the_last_hour_before_midnight(self):
        """It is over when its unit ends, and judged so: what only a whole hour shows is told, two minutes later."""
        folder = self.path("days")
        os.mkdir(folder)
        hosts = {connlog.host(n) for n in range(hunts.HOSTS)}
        evenings = [(connlog.START + day * connlog.DAY - 300, THIEF, DROP, 60, 150_000, 2000) for day in range(15, 20)]
        by_day = {}
        for row in [*(row for row in connlog.ordinary_rows(hunts.DAYS) if row[1] in hosts), *evenings]:
            by_day.setdefault(int(row[0] - connlog.START) // connlog.DAY, []).append(row)
        for day, rows in by_day.items():
            with open(os.path.join(folder, f"conn-{day:02}.log"), "w", encoding="utf-8") as file:
                file.write(connlog.text_of(rows))
        run = weirtest.weir("hunt", "-q", "--workers", "0", "--unit-days", "1", "-o", self.path("case"), *BUDGET, folder)
        run.folder = self.path("case")
        for one in self.replay("--workers", "0", *BUDGET, folder), run:
            self.assertTrue([alert for alert in one.alerts() if alert["destination"]["ip"] == DROP and
                             alert["weir"]["state"] != "close" and alert["@timestamp"][11:] == "00:02:00.000Z"], one)

    def test_any_number_of_processes_and_killed_ten_times(self):
        alone = self.hunt(self.folder, "--jobs", "1", case="alone")
        whole = hunts.result(self.case, self.first.out)
        self.assertEqual(hunts.result(self.path("alone"), alone.out), whole)
        temporary = self.path("tmp")
        os.mkdir(temporary)
        alive, statuses = hunts.kill_often(self.folder, self.path("case"), 10, self.took_s / 2, temporary, 1, "--jobs", "2")
        self.assertGreater(alive, 2)
        self.assertEqual(set(statuses), {0} if statuses else set())
        after = self.hunt(self.folder, "--jobs", "2")
        self.assertEqual(hunts.result(self.path("case"), after.out), whole)

    def test_another_question(self):
        case = shutil.copytree(self.case, self.path("case"))
        run = weirtest.weir(*hunts.words(self.folder, case, "--since", "2026-01-06"))
        self.assertEqual(run.status, 2, run)
        self.assertIn("is of another hunt", weirtest.complaint(run))
        self.assertIn("2026-01-06", weirtest.complaint(run))
        listed = self.write("hosts.txt", f"{TWIN} # a colleague\n10.9.9.9\n")
        run = self.hunt(self.folder, "--hosts-from", listed) # asked of the same units
        hosts = self.hosts(run)
        self.assertEqual(set(hosts), {TWIN, "10.9.9.9"})
        self.assertEqual((hosts["10.9.9.9"]["verdict"], hosts["10.9.9.9"]["why"]), ("cannot_say", "not_seen"))
        self.assertEqual(run.bytes("alerts.ndjson"), b"")

    def test_a_damaged_input(self):
        folder = self.copy()
        name = os.path.join(folder, "week1", "conn-09.log.gz")
        with open(name, "rb+") as file:
            file.truncate(os.path.getsize(name) // 2)
        with open(os.path.join(folder, "week1", "conn-10.log"), "ab") as file:
            file.write(b"no line of it\n")
        run = self.hunt(folder, "--since", "2026-01-12", status=3)
        hunt = json.loads(run.bytes("hunt.json"))
        self.assertEqual(len(hunt["problems"]), 2, hunt)
        self.assertEqual([entry for entry in hunt["days"]["not_covered"] if entry["why"] == "input_damaged"],
                         [{"day": "2026-01-14", "why": "input_damaged"}, {"day": "2026-01-15", "why": "input_damaged"}])
        self.assertIn("conn-09.log.gz", run.out)
        hosts = self.hosts(run)
        self.assertEqual(hosts[TWIN]["days_seen"].get("input_damaged"), 2, hosts[TWIN])

    def test_inputs_that_cannot_be_read_at_all(self):
        """Of the last one of a folder nobody knows how far it went; that another folder's reaches further is no sign."""
        folder = self.copy()
        last = sorted(os.listdir(os.path.join(folder, "week1")))[-1]
        with open(os.path.join(folder, "week1", last), "wb") as file:
            file.write(b"\xd4\xc3\xb2\xa1" + bytes(40))
        shutil.rmtree(os.path.join(folder, "week0"))
        run = self.hunt(folder, "--destination", DROP, status=3)
        hunt = json.loads(run.bytes("hunt.json"))
        wrong = [entry["day"] for entry in hunt["days"]["not_covered"] if entry["why"] == "input_damaged"]
        self.assertEqual((wrong[0], wrong[-1]), ("2026-01-19", "2026-01-23"), hunt["days"])
        self.assertEqual(hunt["only_destination"], DROP)
        self.assertIn("nothing is said of the rest", run.out)

    def test_a_probe_that_was_absent(self):
        """What no other probe sees of a host is not covered while its own is away: said of each probe and host."""
        third = connlog.host(5)
        folder = hunts.probes(self.path("office"), {"hq": ({connlog.host(n) for n in (0, 1, 2, 6, 7)}, range(hunts.DAYS)),
                                                    "branch": ({TWIN}, range(12)), "depot": ({third}, range(9))})
        run = self.hunt(folder)
        hosts, hunt = self.hosts(run), json.loads(run.bytes("hunt.json"))
        branch, depot, hq = sorted(hunt["probes"], key=lambda probe: probe["name"])
        self.assertEqual([probe["folders"][0]["path"] for probe in (hq, branch, depot)],
                         [os.path.join(folder, name) for name in ("hq", "branch", "depot")])
        self.assertEqual([(probe["days_covered"], probe["days_absent"]) for probe in (hq, branch, depot)],
                         [(15, 0), (10, 5), (7, 8)])
        self.assertEqual((branch["absent"][0]["from"], depot["absent"][0]["from"]), ("2026-01-19", "2026-01-14"))
        self.assertEqual(hunt["days"]["covered"], 15)
        first, twin = hosts[connlog.host(1)], hosts[TWIN]
        self.assertEqual((first["verdict"], first["days_covered"], first["probes_absent"]), ("no_sign", 15, []))
        self.assertEqual((twin["verdict"], twin["days_covered"], twin["probes_absent"]),
                         ("no_sign", 10, [os.path.join(folder, "branch")]))
        self.assertEqual((hosts[third]["verdict"], hosts[third]["why"], hosts[third]["days_covered"]),
                         ("cannot_say", "probe_absent", 7))
        self.assertEqual(hosts[third]["days_seen"], {"covered": 7}) # enough, were it not for the rest
        self.assertIn(f"10 of 19 days are covered for it: {folder}/branch is absent on others", run.out)
        self.assertIn(f"{folder}/depot: 7 days, absent on 8, from 2026-01-14 on", run.out)
        self.told_in_japanese(folder, run)

    def told_in_japanese(self, folder, english):
        """The same case again: nothing is read again, and what programs read is the same."""
        kept = {name: english.bytes(name) for name in hunts.RESULT if name != "report.html"}
        run = self.hunt(folder, "--language", "ja")
        self.assertEqual({name: run.bytes(name) for name in kept}, kept)
        for part in ("記載の監視範囲では兆候なし", "判断できません", "プローブ", "日中 10 日"):
            self.assertIn(part, run.out)
        self.assertNotRegex(run.out, r"no sign|cannot say|covered|absent")
        self.assertIn('lang="ja"', run.bytes("report.html").decode())

    def test_more_hosts_than_there_is_room_for(self):
        listed = self.write("hosts.txt", "10.9.9.9\n")
        run = self.hunt(os.path.join(self.folder, "week1"), "--hosts-from", listed, "--set", "baseline.max_hosts=4")
        hosts = self.hosts(run)
        self.assertEqual(hosts["10.9.9.9"]["why"], "hosts_refused")

    def test_a_replays_folder_is_spared(self):
        replay = self.replay(os.path.join(self.folder, "week1", "a.pcap"))
        before = replay.bytes("summary.json")
        self.assert_fails(2, hunts.words(self.folder, replay.folder), "is of another run; --again writes over it")
        self.assertEqual(replay.bytes("summary.json"), before)

    def test_who_hunts_is_written_down_and_sees_no_address(self):
        state = self.path("state")
        os.mkdir(state)
        run = self.hunt(os.path.join(self.folder, "week1", "a.pcap"), "--set", f"sensor.state_dir={state}",
                        "--set", "privacy.pseudonyms=true")
        with open(os.path.join(state, "access.ndjson"), encoding="utf-8") as file:
            self.assertEqual([json.loads(line)["verb"] for line in file], ["hunt"])
        self.assertNotIn(TWIN, run.out)
        self.assertIn("host-", run.out)
        self.assertNotIn(TWIN.encode(), run.bytes("report.html"))

    def test_what_makes_no_sense(self):
        for more, line in ((("--jobs", "0"), "--jobs 0: expected a number from 1 to 64"),
                           (("--unit-days", "32"), "expected a number from 1 to 31"),
                           (("--language", "fr"), "--language fr: expected en or ja"),
                           (("--host", "me"), "expected an address or a prefix"),
                           (("--hosts-from", self.write("empty", "# nobody\n")), "names no host"),
                           (("--hosts-from", self.write("bad", "10.0.0.1\nme\n")), 'bad:2: "me": expected an address')):
            self.assert_fails(2, ("hunt", "-o", self.path("x"), *more, self.folder), line)
        self.assert_fails(2, ("hunt", self.folder), "needs -o CASE")
        self.assert_fails(2, ("hunt", "-o", self.path("x")), "which folder?")
        self.assert_fails(3, ("hunt", "-o", self.path("x"), self.path("nowhere")), "No such file")
        os.mkdir(self.path("nothing"))
        self.assert_fails(3, ("hunt", "-o", self.path("x"), self.path("nothing")), "holds no capture and no log")
        self.assertFalse(os.path.exists(self.path("x")))


if __name__ == "__main__":
    weirtest.main()
