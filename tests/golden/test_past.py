#!/usr/bin/env python3
"""The captures of pcaps/past: beside three weeks of everyday each leak gives exactly its alerts, and its twin, as the
everyday by itself, none."""

import os
import sys

import weirtest
from weirtest import SHIPPED, Case

sys.path.insert(0, SHIPPED)

from maker import past # noqa: E402

FOLDER = os.path.join(SHIPPED, "past")


class Past(Case):
    def told(self, *names):
        run = self.replay("-c", os.path.join(SHIPPED, "past.yaml"), "--workers", "0",
                          *(os.path.join(FOLDER, f"{name}.pcap") for name in ("everyday", *names)))
        return {(alert["rule"]["id"], alert["source"]["ip"], alert["destination"]["ip"]) for alert in run.alerts()}

    def test_the_everyday(self):
        self.assertEqual(self.told(), set())

    def test_each(self):
        for name, (_, _, rows) in past.SCENES.items():
            with self.subTest(scene=name):
                self.assertEqual(self.told(name), {(rule, host.address, other.address) for rule, host, other in rows})
                self.assertEqual(self.told(f"{name}.twin"), set())

    def test_they_are_small(self):
        for name in os.listdir(FOLDER):
            self.assertLess(os.path.getsize(os.path.join(FOLDER, name)), 200_000, name)


if __name__ == "__main__":
    weirtest.main()
