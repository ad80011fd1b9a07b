#!/usr/bin/env python3
"""An operator's rules: what is shipped is sound, quiet where it must be and told where it should; what
is wrong is told by place, with exit status 2; workers change nothing; the man page knows every field."""

import glob
import os
import re

import weirtest
from weirtest import SHARED, SHIPPED, SOURCE, Case, replay, weir

FILES = [os.path.join(SOURCE, "rules", *names) for names in (("*.yaml",), ("sites", "*.yaml"))]
SHIPPED_RULES = "rules=[" + ", ".join(FILES) + "]"
OFFICE = os.path.join(SHIPPED, "office10min.pcap")
MINE = """\
- list: mine
  items: [10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16]
- rule: any.upload
  name: Anything that left
  severity: 40
  condition: host in (mine) and out_bytes > 1 kB and protocol in (tcp, udp)
  rate_limit: 5 per hour
- rule: any.dns
  name: DNS that left
  severity: 20
  condition: service = dns and dns_question exists and not encrypted
- exception: none-at-all
  of: [any.dns]
  when: host in (mine)
  reason: "it is {not} a \\"sign\\""
  expires: 2099-12-31
"""


SUFFIXES = "/usr/share/publicsuffix/public_suffix_list.dat"


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


class Rules(Case):
    def rules(self, text):
        return "rules=[" + self.write("mine.yaml", text) + "]"

    def test_what_is_shipped_is_sound(self):
        run = weir("rules", "list", "--set", SHIPPED_RULES)
        self.assertEqual((run.status, run.err), (0, ""), run)
        rules = re.findall(r"^([a-z_.]+)(?: \(disabled\))?\n    (.*)\n    score", run.out, re.M)
        self.assertGreater(len(rules), 40)
        text = "".join(read(name) for files in FILES for name in glob.glob(files))
        for name, _ in rules:
            entry = text[text.index(f"- rule: {name}\n"):].split("\n- ", 1)[0]
            for key in ("sees:", "false_alarms:", "technique:"):
                self.assertIn("\n  " + key, entry, name)

    def test_lists_of_services_name_services(self):
        """Sorted, none twice or below another of its list, and none so wide that it holds other people's
        domains: a public suffix of ICANN's part of the list is no service."""
        lists = {}
        for name in sorted(name for files in FILES for name in glob.glob(files)):
            for key, items in re.findall(r"^- list: (\w+).*\n  items: \[([^]]*)\]", read(name), re.M):
                lists[key] = re.split(r",\s+", items) if items else []
        services = {key: items for key, items in lists.items() if any("." in item for item in items)}
        self.assertEqual(sorted(services), [
            "assistants", "cloud_storage", "code_hosting", "collaboration", "collectors", "file_drops",
            "file_sharing", "paste_services", "remote_support", "reverse_tunnels", "webmail"])
        icann = set()
        if os.path.exists(SUFFIXES):
            icann = set(read(SUFFIXES).split("// ===BEGIN PRIVATE DOMAINS===")[0].split("\n"))
            self.assertLess({"com", "co.jp"}, icann)
        for key, items in services.items():
            self.assertEqual(items, sorted(set(items)), key)
            for item in items:
                self.assertRegex(item, r"^([a-z0-9-]+\.)+[a-z]+$", key)
                self.assertNotIn(item, icann, key)
                self.assertFalse(icann and item.rsplit(".", 1)[1] not in icann, item)
                above = {item.split(".", n)[-1] for n in range(1, item.count(".") + 1)}
                self.assertFalse(above & set(items), f"{key}: {item}")

    def test_what_a_hosts_evidence_leads_to(self):
        """Trust and exceptions hold back what is judged by history, and say that they did; nothing else."""
        told = {}
        for name, rules in (("none", ""),
                            ("trust", "- trust: ours\n  when: host = 10.4.0.17\n  bar: 1000000\n"
                                      "  reason: a test\n  expires: never\n"),
                            ("excepted", "- exception: known\n  of: [volume.served]\n"
                                         "  when: host = 10.4.0.17\n  reason: a test\n  expires: never\n")):
            run = replay(self.path(name), "--online", "-c", os.path.join(SHIPPED, "projectweb.yaml"),
                         *(("--set", self.rules(rules)) if rules else ()),
                         os.path.join(SHIPPED, "projectweb.pcapng"))
            self.assertEqual(run.status, 0, run)
            bounds = run.summary()["coverage"]["bounds"]
            told[name] = ({alert["rule"]["id"] for alert in run.alerts()},
                          bounds["findings_trusted"] > 0, bounds["findings_excepted"] > 0)
        self.assertIn("volume.served", told["none"][0])
        rest = told["none"][0] - {"volume.served"}
        self.assertIn("content.personal", rest)
        self.assertEqual(told["none"][1:], (False, False))
        self.assertEqual(told["trust"], (rest, True, False))
        self.assertEqual(told["excepted"], (rest, False, True))

    def test_what_is_shipped_is_quiet_on_benign_captures(self):
        if not os.path.isdir(SHARED):
            self.skipTest("the shared captures are not here")
        for name in sorted(glob.glob(os.path.join(SHARED, "08_benign", "*"))):
            for inside in ((), ("--inside", "0.0.0.0/1"), ("--inside", "128.0.0.0/1")):
                run = weir("rules", "test", "-q", "--set", SHIPPED_RULES, *inside, name)
                self.assertEqual(run.status, 0, run)
                self.assertNotRegex(run.out, r"(?m)^\S+ +[1-9][0-9]* alerts", name)

    def test_workers_change_nothing(self):
        rules = self.rules(MINE)
        runs = [self.replay("--set", rules, "--workers", workers, OFFICE) for workers in "0123"]
        self.assertIn("any.upload", {alert["rule"]["id"] for alert in runs[0].alerts()})
        for run in runs[1:]:
            self.assertEqual(run.bytes("alerts.ndjson"), runs[0].bytes("alerts.ndjson"), run)

    def test_what_is_told(self):
        run = self.replay("--set", self.rules(MINE), OFFICE)
        alerts = [a for a in run.alerts() if a["rule"]["id"].startswith("any.")]
        self.assertEqual({a["rule"]["id"] for a in alerts}, {"any.upload"}) # DNS is excepted
        opened = [a for a in alerts if a["weir"]["state"] == "open"]
        self.assertEqual(len(opened), 5) # its limit
        self.assertEqual(len({a["event"]["id"] for a in alerts}), len(alerts))
        for alert in opened:
            self.assertEqual(alert["rule"]["name"], "Anything that left")
            self.assertEqual(alert["event"]["severity"], 40)
            self.assertEqual(alert["weir"]["urgency"], "digest")
            reason = alert["weir"]["reasons"][0]
            self.assertEqual(reason["code"], "any.upload")
            self.assertEqual(reason["observed"], alert["weir"]["out_bytes"]["value"])
            self.assertEqual(alert["weir"]["would_not_fire_below"], {"value": 1001, "unit": "byte"})
        bounds = run.summary()["coverage"]["bounds"]
        self.assertGreater(bounds["rules_withheld"], 0)
        self.assertGreater(bounds["findings_excepted"], 0)
        self.assertIn("the operator's rules", run.out)

    def test_what_would_not_fire(self):
        """The counterfactual: with a threshold above what left, the rule says nothing."""
        every = MINE.replace("5 per hour", "9999 per hour")
        run = self.replay("--set", self.rules(every), OFFICE)
        most = max(a["weir"]["out_bytes"]["value"] for a in run.alerts())
        again = self.replay("--set", self.rules(every.replace("> 1 kB", f"> {most}")), OFFICE)
        self.assertNotIn("any.upload", {a["rule"]["id"] for a in again.alerts()})

    def test_tallies(self):
        run = weir("rules", "test", "-q", "--set", self.rules(MINE), OFFICE)
        self.assertEqual(run.status, 0, run)
        self.assertRegex(run.out, r"(?m)^any\.upload +5 alerts; [1-9][0-9]* records matched, 0 excepted")
        self.assertRegex(run.out, r"(?m)^any\.dns +0 alerts; ([1-9][0-9]*) records matched, \1 excepted")
        self.assertRegex(run.out, r"(?m)^    Anything that left: .* left for ")

    def test_mistakes(self):
        rules = self.rules("- {rule: a, name: A, severity: 5,\n   condition: out_byte > 10 MB}\n")
        for words in (("check",), ("rules", "list"), ("replay", OFFICE), ("rules", "test", OFFICE)):
            run = weir(*words, "--set", rules)
            self.assertEqual(run.status, 2, run)
            self.assertRegex(run.err, r'mine\.yaml:2:15: condition: unknown field or macro "out_byte", '
                                      r'did you mean "out_bytes"\?\n$')
        for words in (("rules",), ("rules", "edit"), ("rules", "test"), ("rules", "list", OFFICE)):
            self.assertEqual(weir(*words).status, 2)
        run = weir("check", "--set", "rules=[/nowhere/a.yaml]")
        self.assertEqual(run.status, 2)
        self.assertIn("/nowhere/a.yaml: No such file", run.err)

    def test_check_says_what_holds(self):
        self.write("feed.txt", "203.0.113.9\nno such thing\n")
        text = MINE + ("- {exception: old, of: [volume.host], when: hour = 3, reason: x, "
                       "expires: 2020-01-01}\n- {intel: feed, file: feed.txt, format: lines}\n")
        run = weir("check", "--set", self.rules(text))
        self.assertEqual(run.status, 0, run)
        self.assertIn("# 2 rules (2 enabled), 2 exceptions, 0 trusts\n", run.out)
        self.assertIn("# list feed: 1 indicators (0 known already), 1 lines not understood, the first "
                      "is line 2\n", run.out)
        self.assertRegex(run.out, r"mine\.yaml:17:3: exception old ended with 2020-01-01")
        again = weir("check", "-c", self.write("again.yaml", run.out))
        self.assertEqual(again.out, run.out)

    def test_the_man_page_knows_every_field(self):
        page = read(os.path.join(SOURCE, "deploy", "man", "weir-rules.5"))
        run = weir("rules", "fields")
        fields = [line.split()[:2] for line in run.out.splitlines()]
        self.assertGreater(len(fields), 40)
        for name, kind in fields:
            self.assertIn(f'.BR {name} " ({kind})"\n', page)


if __name__ == "__main__":
    weirtest.main()
