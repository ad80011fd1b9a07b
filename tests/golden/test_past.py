#!/usr/bin/env python3
"""The captures of pcaps/past: beside its past each leak gives exactly its alerts, and its twin, as the past by itself,
none; with capture processes as without."""

import collections
import os
import re
import sys

import weirtest
from weirtest import SHIPPED, Case

sys.path.insert(0, SHIPPED)

from maker import past # noqa: E402

FOLDER = os.path.join(SHIPPED, "past")
ALONE = ("--workers", "0")


class Past(Case):
    def told(self, names, *words):
        """What is told of whom, and how many stories were opened about that; by what rules one was told again."""
        config = past.CONFIG.get(names[0], "past.yaml")
        run = self.replay("-c", os.path.join(SHIPPED, config), *words,
                          *(os.path.join(FOLDER, f"{name}.pcap") for name in names))
        told, again = collections.Counter(), set()
        for alert in run.alerts():
            whom = alert["rule"]["id"], alert["source"]["ip"], alert.get("destination", {}).get("ip")
            told[whom] += alert["weir"]["state"] == "open"
            if alert["weir"]["state"] == "update":
                again.add(whom[0])
        return dict(told), again

    def test_pasts(self):
        for names in sorted({scene[0] for scene in past.SCENES.values()}):
            with self.subTest(past=names):
                self.assertEqual(self.told(names, *ALONE), ({}, set()))

    def test_each(self):
        with open(os.path.join(SHIPPED, "README.md"), encoding="utf-8") as file:
            grows = re.findall(r"^\| `([a-z.]+)` \|.*, again ", file.read(), re.M)
        self.assertEqual(len(grows), 4)
        for name, (before, _, _, rows) in past.SCENES.items():
            expected = {(rule, host.address, other.address): 1 for rule, host, other in rows}
            for words in (ALONE, ()):
                with self.subTest(scene=name, words=words):
                    told, again = self.told((*before, name), *words)
                    self.assertEqual(told, expected)
                    self.assertEqual(self.told((*before, f"{name}.twin"), *words), ({}, set()))
                    if name in grows:
                        self.assertIn(name, again)

    def test_what_is_shipped(self):
        """Nothing is missing, nothing is too much, all of it is small; the README has a row of each scene."""
        names = {*past.PASTS, *past.SCENES, *(f"{name}.twin" for name in past.SCENES)}
        self.assertEqual(set(os.listdir(FOLDER)), {f"{name}.pcap" for name in names})
        sizes = {name: os.path.getsize(os.path.join(FOLDER, f"{name}.pcap")) for name in names}
        self.assertLess(sum(sizes.values()), 2_000_000)
        self.assertLess(max(size for name, size in sizes.items() if name not in past.PASTS), 150_000)
        with open(os.path.join(SHIPPED, "README.md"), encoding="utf-8") as file:
            part = file.read().split("## past/")[1].split("\n## ")[0]
        rows = re.findall(r"^\| `([a-z.]+)` \| `([^|]+)` \|.*\| `([a-z.]+)`[^|]* \|$", part, re.M)
        self.assertEqual([(name, tuple(before.split("`, `")), rule) for name, before, rule in rows],
                         [(name, scene[0], scene[3][0][0]) for name, scene in sorted(past.SCENES.items())])


if __name__ == "__main__":
    weirtest.main()
