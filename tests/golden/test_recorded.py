#!/usr/bin/env python3
"""The small captures of pcaps/recorded, which real programs made (pcaps/record): judged by the example site
that each belongs to, the leaks give exactly their alerts and their twins none.

1. The example sites are sound. As shipped: a site's leaks together, its twins together. Every built-in detector
   is among them or among the captures of pcaps/past, or README says by what it is triggered.
2. Recorded again here, as far as the programs are installed: the same holds.

Each capture by itself, and all of them recorded again: tests/long/recorded.py."""

import collections
import concurrent.futures
import os
import re
import sys

import weirtest
from weirtest import SHIPPED, SOURCE, Case, weir

sys.path.insert(0, os.path.join(SHIPPED, "record"))

sys.path.insert(0, SHIPPED)

import lab # noqa: E402
import record # noqa: E402

from maker import past # noqa: E402

EXAMPLES = os.path.join(SOURCE, "rules", "examples")
ALONE = "sensor.blind" # of the sensor, not of a host: beside other captures its share of all flows is small
EVERYDAY = ("content.settings", "tunnel.dns.dns2tcp", "tunnel.icmp", "protocol.mismatch", "zone.conduit.write",
            "zone.payload.asterix") # recorded again here: of each kind one, and quick


def whom(alert):
    other = alert.get("destination", {})
    return alert.get("source", {}).get("ip"), other.get("domain", other.get("ip"))


def told(run):
    """What alerts say of whom, whether they open a story or join it."""
    return {(alert["rule"]["id"], alert["weir"]["reasons"][0]["code"], *whom(alert)) for alert in run.alerts()}


def opened(run):
    """How often a story of whom was opened."""
    return collections.Counter(whom(alert) for alert in run.alerts() if alert["weir"]["state"] == "open")


def promised():
    """What the README's tables say: scene → [(rule, its technique or "")]."""
    with open(os.path.join(SHIPPED, "README.md"), encoding="utf-8") as file:
        rows = re.findall(r"^\| `([a-z0-9.]+)` \|.*\| (.*) \|$", file.read().split("## Recorded")[1], re.M)
    return {name: re.findall(r"`([a-z_.]+)`(?: \((T[0-9]+)\))?", last) for name, last in rows}


def techniques(run):
    """Of each rule, source and destination."""
    return {(one["rule"]["id"], one["source"]["ip"], one["destination"]["ip"]): one["threat"]["technique"]["id"][0]
            for one in run.alerts() if "threat" in one}


class Recorded(Case):
    def judge(self, site, names, folder):
        return self.replay("-c", os.path.join(EXAMPLES, site, "weir.yaml"), "--workers", "0",
                           *(os.path.join(folder, name) for name in names))

    def leaks(self, site, scenes, folder):
        run = self.judge(site, [scene.name + ".pcap" for scene in scenes], folder)
        rows = {row for scene in scenes for row in scene.told}
        self.assertEqual(told(run), rows, run)
        self.assertEqual(opened(run), collections.Counter({row[2:] for row in rows}), run)
        found = techniques(run)
        for scene in scenes:
            for (rule, _, source, other), (_, technique) in zip(scene.told, promised()[scene.name]):
                if technique:
                    self.assertEqual(found[rule, source, other], technique, scene.name)

    def twins(self, site, scenes, folder):
        run = self.judge(site, [scene.name + ".twin.pcap" for scene in scenes if scene.twin], folder)
        self.assertEqual(told(run), set(), run)

    def hold(self, site, scenes, folder):
        for group in ([one for one in scenes if one.name != ALONE], [one for one in scenes if one.name == ALONE]):
            if group:
                self.leaks(site, group, folder)
                self.twins(site, group, folder)

    def test_as_shipped(self):
        for site, scenes in record.SITES.items():
            with self.subTest(site=site):
                self.hold(site, scenes, record.SHIPPED)

    def test_what_is_shipped(self):
        """Nothing is missing, nothing is too much, all of it is small; the README has a row of each."""
        wanted = {os.path.basename(path) for scene in record.SCENES.values()
                  for _, path in record.files(scene, record.SHIPPED)}
        self.assertEqual(set(os.listdir(record.SHIPPED)), wanted)
        sizes = [os.path.getsize(os.path.join(record.SHIPPED, name)) for name in wanted]
        self.assertLessEqual(max(sizes), 200_000)
        self.assertLessEqual(sum(sizes), 3_000_000)
        self.assertEqual([(name, [rule for rule, _ in rows]) for name, rows in promised().items()],
                         [(scene.name, [row[0] for row in scene.told]) for scene in record.SCENES.values()])

    def test_the_sites(self):
        """The examples are sound, their matrices signed, and each pack has one that names its lists."""
        for site in record.SITES:
            with self.subTest(site=site):
                config = os.path.join(EXAMPLES, site, "weir.yaml")
                for words in (("check",), ("zones", "list")):
                    run = weir(*words, "-c", config)
                    self.assertEqual((run.status, run.err), (0, ""), run)
                self.assertNotIn("not signed", run.out)
                with open(os.path.join(SOURCE, "rules", "sites", site + ".yaml"), encoding="utf-8") as file:
                    empty = set(re.findall(r"^- list: (\w+).*\n  items: \[\]", file.read(), re.M))
                with open(os.path.join(EXAMPLES, site, "site.yaml"), encoding="utf-8") as file:
                    filled = set(re.findall(r"^- list: (\w+)", file.read(), re.M))
                self.assertGreater(len(empty), 0)
                self.assertEqual(filled, empty)

    def test_every_detector(self):
        """Is triggered by one of them or of pcaps/past (test_past.py), or the README names what it is triggered by."""
        builtin = set(re.findall(r"^(\S+) \(built in\)", weir("rules", "list").out, re.M))
        recorded = {row[0] for scene in record.SCENES.values() for row in scene.told}
        made = {row[0] for *_, rows in past.SCENES.values() for row in rows}
        with open(os.path.join(SHIPPED, "README.md"), encoding="utf-8") as file:
            reasons = file.read().split("### What no short capture triggers")[1]
        excused = {name for line in re.findall(r"^- (.*?):", reasons, re.M) for name in re.findall(r"`([^`]+)`", line)}
        self.assertGreater(len(builtin), 20)
        self.assertEqual(builtin - recorded - made, excused)

    def test_recorded_again(self):
        able, missing = [], []
        for name in EVERYDAY:
            try:
                lab.can(record.SCENES[name])
                able.append(name)
            except lab.Missing as reason:
                missing.append(f"{name}: {reason}")
        for reason in missing:
            print("not recorded:", reason)
        if not able:
            self.skipTest("; ".join(missing))
        with concurrent.futures.ThreadPoolExecutor(4) as pool: # they mostly wait
            for done in [pool.submit(record.record_scene, record.SCENES[name], self.home) for name in able]:
                done.result()
        for site, scenes in record.SITES.items():
            self.hold(site, [scene for scene in scenes if scene.name in able], self.home)


if __name__ == "__main__":
    weirtest.main()
