#!/usr/bin/env python3
"""A stage of tests/run --long: a hunt is killed 50 times at random instants, with one, two and four processes, and begun again each time: what it
says in the end is, byte for byte, what the undisturbed one said."""

import os
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
os.environ.setdefault("WEIR_BINARY", os.path.join(os.environ.get("WEIR_BUILD") or os.path.join(ROOT, "build", "asan"), "weir"))
sys.path.insert(0, os.path.join(ROOT, "tests", "golden"))

import hunts # pylint: disable=wrong-import-position
import weirtest # pylint: disable=wrong-import-position
from weirtest import Case # pylint: disable=wrong-import-position

KILLS = int(os.environ.get("WEIR_HUNT_KILLS", "50"))


class Kills(Case):

    def test_kills(self):
        folder, temporary = hunts.office(self.path("office")), self.path("tmp")
        os.mkdir(temporary)
        first, took_s = hunts.timed(lambda: weirtest.weir(*hunts.words(folder, self.path("whole"), "--jobs", "2")))
        self.assertEqual(first.status, 0, first)
        whole = hunts.result(self.path("whole"), first.out)
        met = 0
        for number, jobs in enumerate((1, 2, 4) * ((KILLS + 14) // 15)): # five kills a hunt
            case = self.path(f"case{number}")
            alive, statuses = hunts.kill_often(folder, case, 5, took_s / 3, temporary, number, "--jobs", str(jobs))
            met += alive
            self.assertLessEqual(set(statuses), {0})
            last = weirtest.weir(*hunts.words(folder, case, "--jobs", str(jobs)))
            self.assertEqual(last.status, 0, last)
            self.assertEqual(hunts.result(case, last.out), whole, f"{jobs} processes, seed {number}")
            if met >= KILLS:
                break
        print(f"killed {met} times while it was at work", file=sys.stderr)
        self.assertGreaterEqual(met, KILLS * 3 // 4)


if __name__ == "__main__":
    weirtest.main()
