#!/usr/bin/env python3
"""Privacy without a running sensor: with privacy.pseudonyms no inside address in anything that is told,
and the address again by reveal; who looked; forgetting a host while evidence of it is under hold."""

import glob
import hashlib
import json
import os
import re
import subprocess

import weirtest
from weirtest import Case, RedisServer, schema_problems, upload, weir

HOSTS = ["10.1.1.1", "10.1.1.2", "fd00:1::7"] # the first two send to the same destination, so they are linked
REMOTE = "198.51.100.9"
START = 1_770_000_000_000_000_000
RULES = """- rule: test.upload
  name: An upload of addresses by 10.1.1.1 or another
  condition: out_bytes_story > 1 kB
  severity: 90
"""
FORMATS = {"ecs": "json", "eve": "json", "ocsf": "json", "cef": "txt", "text": "txt"}
PSEUDONYM = re.compile(r"\bhost-[0-9a-hjkmnp-tv-z]{10}\b")
JOURNAL_OF = os.path.join(os.environ.get("WEIR_BUILD", ""), "tests", "journal_of")


def packets():
    found = []
    for i, host in enumerate(HOSTS[:2]):
        found += upload(START + i * 10**9, 200, (host, 40000 + i), (REMOTE, 80))
    return found


class Privacy(Case):
    def setUp(self):
        super().setUp()
        self.state = self.path("state")
        os.mkdir(self.state)
        for path in (self.home, self.state): # as root, a sensor's user has it
            os.chmod(path, 0o755)
        self.settings = ("--set", "sensor.state_dir=" + self.state)
        self.write("rules.yaml", RULES)
        os.chmod(self.path("rules.yaml"), 0o644)

    def ask(self, *words, status=0, hidden=True):
        more = ("--set", "privacy.pseudonyms=true") if hidden else ()
        run = weir(*words, *self.settings, *more)
        self.assertEqual(run.status, status, run)
        return run.out if status == 0 else run.err

    def clean(self, what, text):
        """No inside host is named, in any form."""
        for host in HOSTS:
            self.assertIsNone(re.search(rf"(?<![\d.:]){re.escape(host)}(?![\d:])", text),
                              f"{what} names {host}: {text[:3000]}")
        self.assertNotRegex(text, r"\b1:[A-Za-z0-9+/]{27}=", f"{what} has a Community ID")

    def tell(self, hidden):
        """A replay with a sink of each format: what those were told, the folder."""
        sinks = ", ".join(f"{{type: file, name: to-{form}, format: {form}, "
                          f"path: {self.path(f'{form}-{hidden}')}}}" for form in FORMATS)
        run = self.replay("--workers", "0", "--flows", *self.settings, "--set", f"alerts.sinks=[{sinks}]",
                          "--set", "rules=[" + self.path("rules.yaml") + "]",
                          *(("--set", "privacy.pseudonyms=true") if hidden else ()),
                          self.write("up.pcap", weirtest.pcap(packets(), nanoseconds=True)))
        told = {}
        for form in FORMATS:
            with open(self.path(f"{form}-{hidden}"), encoding="utf-8") as file:
                told[form] = file.read()
        return run, told

    # --- pseudonyms ---------------------------------------------------------------------------------

    def test_nothing_that_is_told_names_a_host(self):
        plain, as_they_are = self.tell(False)
        run, told = self.tell(True)
        self.assertEqual(plain.bytes("alerts.ndjson"), run.bytes("alerts.ndjson"), "a folder keeps addresses")
        self.assertEqual(plain.bytes("flows.ndjson"), run.bytes("flows.ndjson"))
        for form, text in told.items():
            self.assertIn(HOSTS[0], as_they_are[form])
            self.clean(form, text)
            self.assertRegex(text, PSEUDONYM, form)
            self.assertEqual(len(text.splitlines()), len(as_they_are[form].splitlines()))
        self.valid(told)
        for name in ("report.html", "report.json"):
            self.assertIn(HOSTS[0].encode(), plain.bytes(name))
            self.clean(name, run.bytes(name).decode())
        run.report() # still what its schema says
        self.clean("the summary", run.out)
        self.assertRegex(run.out, PSEUDONYM)
        streamed = weir("replay", "-q", "--json", "--workers", "0", *self.settings, "--set",
                        "privacy.pseudonyms=true", self.path("up.pcap"))
        self.clean("--json", streamed.out + streamed.err)
        self.masked(run)
        self.shown(run)

    def valid(self, told):
        """It is still what its schema says; no pseudonym stands where readers take an address."""
        for line in told["ecs"].splitlines():
            record = json.loads(line)
            self.assertEqual(schema_problems("ecs-alert.json", record), [])
            self.assertNotIn("ip", record["source"])
            self.assertIn(record["source"]["address"], record["related"]["hosts"])
            self.assertEqual(record["related"]["ip"], [REMOTE])
            self.assertNotIn("community_id", record["network"])
        for form in ("eve", "ocsf"):
            for line in told[form].splitlines():
                self.assertEqual(schema_problems(form + ".json", json.loads(line)), [], line)
        self.assertNotRegex(told["cef"], r" src=")
        self.assertRegex(told["cef"], r" shost=host-")
        self.assertNotIn('"src_ip":"host-', told["eve"])
        self.assertNotRegex(told["ocsf"], r'"(ip|value)":"host-')

    def masked(self, run):
        for name in ("alerts.ndjson", "flows.ndjson", "summary.json", "summary.txt"):
            text = self.ask("privacy", "mask", os.path.join(run.folder, name))
            self.clean("masked " + name, text)
            self.assertRegex(text, PSEUDONYM, name)
            for line in text.splitlines() if name.endswith(".ndjson") else ():
                json.loads(line)

    def shown(self, run):
        """A sensor's journal, by everything that reads it."""
        self.ask("silence", "add", "--reason", "a folder of the sensor's user", "--for", "1h", "--rule", "none")
        subprocess.run([JOURNAL_OF, self.state], input=run.bytes("alerts.ndjson"), check=True)
        incident = run.alerts()[0]["weir"]["incident"]
        verbs = [("alerts", "--all", "--format", form) for form in FORMATS]
        verbs += [("explain", incident), ("explain", "--json", incident), ("incident", "list"),
                  ("incident", "list", "--json"), ("incident", "show", incident),
                  ("digest", "--since", "2026-01-01"), ("digest", "--since", "2026-01-01", "--json"),
                  ("digest", "--since", "2026-01-01", "--lang", "ja"),
                  ("report", incident, "-o", "-"), ("report", "--host", HOSTS[0], "--json", "-")]
        names = set()
        for words in verbs:
            text = self.ask(*words)
            self.clean(" ".join(words), text)
            names |= set(PSEUDONYM.findall(text))
            if words[-1] != "ja" and words[0] != "report":
                self.assertRegex(text, PSEUDONYM, words)
        self.assertEqual(len(names), 2, names)
        self.assertNotIn("host-", self.ask("explain", "--json", incident, hidden=False))
        for i, words in enumerate((("-o", self.path("r.html")), ("--json", self.path("r.json")))):
            self.ask("report", incident, *words)
            with open(words[1], encoding="utf-8") as file:
                self.clean(f"report {i}", file.read())
        self.asked_of_pseudonyms(names)
        self.reported_by_pseudonym(run, names)
        self.revealed(names)

    def asked_of_pseudonyms(self, names):
        """Who does not see an address cannot find it out by a condition."""
        self.assertEqual(self.ask("alerts", "--where", f"source.ip = {HOSTS[0]}"), "")
        name = sorted(names)[0]
        found = self.ask("alerts", "--where", f'source.address = "{name}"').splitlines()
        self.assertTrue(found)
        self.assertEqual({json.loads(line)["source"]["address"] for line in found}, {name})

    def reported_by_pseudonym(self, run, names):
        """What alerts show is asked for as it is shown, of the journal and of a folder; nothing is revealed by it."""
        found = {}
        for case in ((), ("--case", run.folder)):
            for name in sorted(names):
                text = self.ask("report", *case, "--host", name, "--json", "-")
                self.clean(f"report --host {name}", text)
                said = json.loads(text)
                self.assertEqual(schema_problems("report.schema.json", said), [])
                self.assertEqual((said["question"]["host"], said["verdict"]), (name, "left"))
                self.assertEqual({incident["host"] for incident in said["incidents"]}, {name})
                found.setdefault(name, []).append([incident["id"] for incident in said["incidents"]])
                if case: # its flows, too
                    self.assertGreater(said["seen"]["connections"], 0)
                    self.assertEqual({opener["ip"] for opener in said["seen"]["openers"]}, {name})
        for of_journal, of_folder in found.values():
            self.assertEqual(of_journal, of_folder)
        said = json.loads(self.ask("report", "--case", run.folder, "--host", "host-0000000000", "--json", "-"))
        self.assertEqual((said["verdict"], said["incidents"]), ("cannot_say", []))
        looks = [json.loads(line).get("what") for line in self.looks().splitlines()]
        for name in names:
            self.assertIn(name, looks)
            self.assertIn(f"{run.folder}: {name}", looks)
        self.assertIn("weir privacy reveal", self.ask("report", "--host", sorted(names)[0], "--json", "-", status=2,
                                                      hidden=False))

    def revealed(self, names):
        self.ask("privacy", "reveal", sorted(names)[0], status=2)
        self.ask("privacy", "reveal", sorted(names)[0], "--by", "dpo", status=2)
        self.ask("privacy", "reveal", "host-7k3q9x", "--by", "dpo", "--reason", "r", status=2)
        back = {name: self.ask("privacy", "reveal", name, "--by", "dpo", "--reason", "case 7").strip()
                for name in names}
        self.assertEqual(set(back.values()), set(HOSTS[:2]))
        # the other way round; and one that no file names, by trying the inside networks
        one = self.ask("privacy", "reveal", "192.168.7.9", "--by", "dpo", "--reason", "access request").strip()
        self.assertRegex(one, PSEUDONYM)
        run = weir("privacy", "reveal", one, "--by", "dpo", "--reason", "r", *self.settings, "--set",
                   "networks.inside=[192.168.0.0/20]")
        self.assertEqual((run.status, run.out), (0, "192.168.7.9\n"), run)
        run = weir("privacy", "reveal", one, "--by", "dpo", "--reason", "r", *self.settings, "--set",
                   "networks.inside=[10.0.0.0/24]")
        self.assertEqual(run.status, 3, run)
        # both records
        told = [json.loads(line) for line in self.ask("alerts", "--all", "--where",
                                                      'event.action = "privacy.reveal"').splitlines()]
        self.assertEqual(len(told), 4)
        self.assertEqual({record["weir"]["audit"]["subject"] for record in told}, names | {one})
        self.assertIn("dpo", told[0]["user"]["name"])
        self.assertRegex(told[0]["message"], r"revealed: case 7 \(access log, \d+\)$")
        self.assertNotIn(HOSTS[0], json.dumps(told))
        looks = [json.loads(line) for line in self.ask("privacy", "access", "--json", "--by", "dpo").splitlines()]
        self.assertEqual([look["what"] for look in looks].count(one), 2)
        self.assertEqual(looks[0]["reason"], "case 7")

    def test_a_key_makes_the_names(self):
        """The same key: the same names; another: others. Without a readable one nothing is told."""
        def name():
            return self.ask("privacy", "reveal", HOSTS[2], "--by", "a", "--reason", "b")
        first = name()
        key = os.path.join(self.state, "pseudonym.key")
        self.assertEqual((os.stat(key).st_mode & 0o777, os.stat(key).st_size), (0o600, 32))
        self.assertEqual(name(), first)
        os.unlink(key)
        self.assertNotEqual(name(), first)
        with open(key, "wb") as file:
            file.write(b"short")
        self.assertIn("is none, expected 32 bytes", self.ask("explain", "inc-123456", status=1))

    # --- who looked ---------------------------------------------------------------------------------

    def looks(self):
        with open(os.path.join(self.state, "access.ndjson"), encoding="utf-8") as file:
            return file.read()

    def test_looks_are_written_down(self):
        subprocess.run([JOURNAL_OF, self.state], input=b"", check=True)
        self.ask("explain", "inc-123456", status=2, hidden=False)
        self.ask("alerts", "--where", "source.ip = 10.1.1.1", hidden=False)
        self.ask("incident", "list", hidden=False)
        lines = [json.loads(line) for line in self.looks().splitlines()]
        self.assertEqual([(line["n"], line["verb"], line.get("what")) for line in lines],
                         [(1, "explain", "inc-123456"), (2, "alerts", "source.ip = 10.1.1.1"),
                          (3, "incident list", None)])
        before = "0" * 64
        for line in self.looks().splitlines():
            self.assertEqual(json.loads(line)["before"], before)
            before = hashlib.sha256(line.encode()).hexdigest()
        self.assertEqual(lines[0]["uid"], os.getuid())
        self.looked_elsewhere()

    def looked_elsewhere(self):
        """What reads captures writes it down, too, and a status that nobody answers."""
        before = len(self.looks().splitlines())
        capture = self.write("up.pcap", weirtest.pcap(packets(), nanoseconds=True))
        self.ask("backtest", "-q", "--workers", "0", "--rules", self.path("rules.yaml"), capture, hidden=False)
        self.ask("status", status=1, hidden=False)
        after = [json.loads(line) for line in self.looks().splitlines()[before:]]
        self.assertEqual([(line["verb"], line.get("what")) for line in after], [("backtest", capture), ("status", None)])
        path = os.path.join(self.state, "access.ndjson") # the rest is about the three lines before
        with open(path, "r+", encoding="utf-8") as file:
            kept = file.readlines()[:before]
            file.seek(0)
            file.truncate()
            file.writelines(kept)
        shown = self.ask("privacy", "access", hidden=False)
        self.assertIn("alerts  source.ip = 10.1.1.1", shown)
        self.assertRegex(shown, r"line 4 is the last; its SHA-256: [0-9a-f]{64}\n$")
        found = self.ask("privacy", "access", "--host", "10.1.1.1", hidden=False).splitlines()
        self.assertEqual(len(found), 3, "the look, this one, the last line")
        # changed, taken out: seen
        path = os.path.join(self.state, "access.ndjson")
        whole = self.looks()
        first, second, *more = whole.splitlines(True)
        for broken in (whole.replace("10.1.1.1", "10.1.1.2", 1), first + "".join(more)):
            with open(path, "w", encoding="utf-8") as file:
                file.write(broken)
            self.assertIn("does not hold together: 1 lines", self.ask("privacy", "access", status=1, hidden=False))

    def test_what_cannot_be_written_down(self):
        subprocess.run([JOURNAL_OF, self.state], input=b"", check=True)
        os.mkdir(os.path.join(self.state, "access.ndjson")) # for root, too
        run = weir("incident", "list", *self.settings)
        self.assertEqual((run.status, run.out), (0, "no incident\n"), run)
        self.assertIn("not in the access log", run.err)
        required = ("--set", "privacy.access_log=required")
        run = weir("incident", "list", *self.settings, *required)
        self.assertEqual((run.status, run.out), (1, ""), run)
        self.assertIn("privacy.access_log: required", run.err)
        run = weir("incident", "list", *self.settings, "--set", "privacy.access_log=false")
        self.assertEqual((run.status, run.err), (0, ""), run)
        self.assert_fails(2, ("check", "--set", "privacy.access_log=maybe"), "true, false or required")
        self.assert_fails(2, ("check", "--set", "privacy.retention_days={access: 0}"), "privacy.retention_days")
        self.assertIn("retention_days: {access: 7, baselines: 400, evidence: 30, journal: 400}",
                      weir("check", "--set", "privacy.retention_days={access: 7}").out)

    # --- forgetting ---------------------------------------------------------------------------------

    def evidence(self, incident, host, hold=None):
        folder = os.path.join(self.state, "evidence", incident)
        os.makedirs(folder)
        for name, text in (("packets.pcapng", "packets"),
                           ("manifest.json", json.dumps({"incidents": [{"id": incident, "host": host}]})),
                           *([("hold.json", json.dumps(hold))] if hold else [])):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text)
        return folder

    def removed(self):
        """Of which incidents the journal says that their evidence is gone."""
        text = b""
        for path in glob.glob(self.state + "/alerts.journal") + glob.glob(self.state + "/journal/*"):
            with open(path, "rb") as file:
                text += file.read()
        return [subject.decode() for subject in re.findall(
            rb'"evidence\.remove"[^\x00\xff]{0,600}?"subject":"(\w+)"', text)]

    def test_forget_keeps_what_is_under_hold(self):
        host, other = HOSTS[0], "10.1.1.11"
        redis = RedisServer()
        self.addCleanup(redis.stop)
        learned = self.path("learned.base")
        run = weir("replay", "-q", "--workers", "0", "--save-baseline", learned,
                   self.write("up.pcap", weirtest.pcap(packets(), nanoseconds=True)))
        self.assertEqual(run.status, 0, run)
        self.settings += ("--set", "redis.url=" + redis.url)
        self.ask("baseline", "import", learned, hidden=False)
        with open(os.path.join(self.state, "site.key"), "wb") as file:
            file.write(b"k" * 32)
        hold = {"by": "alice", "reason": "court order 12/26", "at": "2026-03-02T01:00:00Z", "hosts": [host]}
        held = self.evidence("a" * 32, host, hold)
        held_of_two = self.evidence("b" * 32, other, {**hold, "by": "bob", "hosts": [other, host]})
        damaged = self.evidence("c" * 32, host)
        with open(os.path.join(damaged, "hold.json"), "w", encoding="utf-8") as file:
            file.write("{")
        free = self.evidence("d" * 32, host)
        of_another = self.evidence("e" * 32, other)
        unclear = self.evidence("f" * 32, host)
        os.unlink(os.path.join(unclear, "manifest.json"))
        self.assertIn("cannot be undone", self.ask("baseline", "forget", host, status=2, hidden=False))
        self.assertTrue(os.path.exists(free))
        out = self.ask("baseline", "forget", "--yes", host, hidden=False)
        self.assertIn("forgotten: its profile", out)
        self.assertIn("evidence: 1 of 1 folders", out)
        self.assertIn(f"kept: evidence of {'a' * 32}, under hold by alice since 2026-03-02T01:00:00Z: "
                      "court order 12/26 (GDPR Art. 17(3)(e)", out)
        self.assertIn("under hold by bob", out)
        self.assertIn("under hold by ?", out)
        self.assertIn("1 folders do not say whose they are", out)
        self.assertEqual([os.path.exists(path) for path in (held, held_of_two, damaged, free, of_another, unclear)],
                         [True, True, True, False, True, True])
        self.assertEqual(sorted(os.listdir(held)), ["hold.json", "manifest.json", "packets.pcapng"])
        self.assertEqual(self.removed(), ["d" * 32]) # the journal says so: it is not missed
        audit = [json.loads(line) for line in self.ask("baseline", "audit", "--json", hidden=False).splitlines()]
        kept = [line for line in audit if line["verb"] == "keep"]
        self.assertEqual(len(kept), 3)
        self.assertRegex(kept[0]["subject"], "^keyed:[0-9a-f]{16}$")
        self.assertNotIn(host, json.dumps([line for line in audit if line["verb"] in ("forget", "keep")]))
        self.assertIn("no baseline of this host",
                      self.ask("baseline", "show", host, status=1, hidden=False))
        # released: the next time it goes
        for path in (held, held_of_two, damaged):
            os.unlink(os.path.join(path, "hold.json"))
        self.assertIn("evidence: 2 of 2 folders", self.ask("baseline", "forget", "--yes", host, hidden=False))
        self.assertEqual(sorted(os.listdir(os.path.join(self.state, "evidence"))),
                         ["b" * 32, "e" * 32, "f" * 32])
        shown = json.loads(self.ask("privacy", "inventory", "--json", hidden=False))
        self.assertEqual({place["name"]: place["files"] for place in shown["places"]}["evidence"], 5)


if __name__ == "__main__":
    if not os.path.exists(JOURNAL_OF):
        raise SystemExit("the program `journal_of` is not built (ninja journal_of)")
    weirtest.main()
