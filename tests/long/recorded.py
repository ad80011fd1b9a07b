#!/usr/bin/env python3
"""Stage of tests/run --long: every scene of pcaps/record. Each shipped capture by itself tells exactly its
alerts, and its twin none; so do all that are recorded again here.

Environment: WEIR_BINARY (else build/dev/weir)."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden"))

import weirtest # noqa: E402

os.environ.setdefault("WEIR_BINARY", os.path.join(weirtest.SOURCE, "build", "dev", "weir"))

from test_recorded import Recorded as Short # noqa: E402
from test_recorded import lab, record # noqa: E402


class Alone(weirtest.Case):
    judge, leaks, twins = Short.judge, Short.leaks, Short.twins

    def each(self, folder, able):
        for site, scenes in record.SITES.items():
            for scene in filter(able, scenes):
                with self.subTest(scene=scene.name):
                    self.leaks(site, [scene], folder(scene))
                    if scene.twin:
                        self.twins(site, [scene], folder(scene))

    def test_as_shipped(self):
        self.each(lambda scene: record.SHIPPED, lambda scene: True)

    def test_recorded_again(self):
        able = set()
        for scene in record.SCENES.values():
            try:
                lab.can(scene)
                able.add(scene.name)
            except lab.Missing as reason:
                print(f"not recorded: {scene.name}: {reason}")
        if not able:
            self.skipTest("nothing can be recorded here")

        def folder(scene):
            record.record_scene(scene, self.home)
            return self.home
        self.each(folder, lambda scene: scene.name in able)


if __name__ == "__main__":
    weirtest.main()
