"""The fleet that is only computed (tests/bench/fleet.py): its queues against what is known of such queues, and docs/scale.md
against what it prints."""
import importlib.util
import os
import random
import unittest

from weirtest import SOURCE

spec = importlib.util.spec_from_file_location("fleet", os.path.join(SOURCE, "tests", "bench", "fleet.py"))
fleet = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fleet)


class Queues(unittest.TestCase):
    def test_waits_are_those_of_m_d_1(self):
        """Arrivals by chance, service always the same: the mean wait is ρ s / 2 (1 − ρ) (Pollaczek, Khinchine)."""
        service = 0.001
        for load, within in ((0.3, 0.05), (0.5, 0.05), (0.8, 0.05), (0.9, 0.1)):
            jobs = ((at, service) for at in fleet.poisson(load / service, 100, random.Random(7)))
            waits = [lag - service for lag in fleet.lags(fleet.serve(jobs))]
            known = load * service / 2 / (1 - load)
            self.assertLess(abs(sum(waits) / len(waits) / known - 1), within, load)

    def test_by_hand(self):
        jobs = [(0, 2), (1, 2), (10, 1), (10, 1)]
        self.assertEqual(list(fleet.serve(jobs)), [(0, 2), (1, 4), (10, 11), (10, 12)])
        self.assertEqual(list(fleet.serve(jobs, [(3, 20)])), [(0, 2), (1, 22), (10, 23), (10, 24)])
        self.assertEqual(list(fleet.serve([(5, 1)], [(5, 7), (7, 9)])), [(5, 10)])

    def test_percentiles(self):
        ordered = list(range(1, 101))
        self.assertEqual([fleet.percentile(ordered, share) for share in (0.5, 0.99, 1, 0)], [50, 99, 100, 1])
        self.assertEqual(fleet.percentile([], 0.5), 0)

    def test_asking_again(self):
        """Few asks take each their service and no more; of too many the server does one a service, and each waits
        for all others: what is asked in a round is the number of them."""
        asked, others, busy = fleet.ask_round(10, 0.001, 100, [(0.1, 0.001)])
        self.assertAlmostEqual(busy, 10 * 0.001 / (fleet.ASK_AGAIN + 0.001), delta=0.001)
        self.assertAlmostEqual(asked[len(asked) // 2], 0.001)
        self.assertEqual(len(others), 1)
        asked, _, busy = fleet.ask_round(1000, 0.001, 100)
        self.assertAlmostEqual(busy, 1, delta=0.001)
        self.assertAlmostEqual(asked[len(asked) // 2], 1000 * 0.001 - fleet.ASK_AGAIN, delta=0.01)

    def test_what_is_sent_is_what_is_said(self):
        """The sums that docs/scale.md makes by hand."""
        usual = fleet.DEFAULTS
        self.assertAlmostEqual(fleet.puts_a_minute(usual) / 60, 3e6 * 2 * 10 / 3600, delta=1)
        sent = sum(1 for _ in fleet.writes(usual, random.Random(1), 10, fleet.PHASES))
        self.assertAlmostEqual(sent / (10 * fleet.puts_a_minute(usual) / usual.shards), 1, delta=0.01)
        hosts = list(fleet.closed_hosts(usual, 0))
        self.assertAlmostEqual(hosts[-1][0], usual.hosts * usual.closer_us * 1e-6, delta=1)


class Page(unittest.TestCase):
    def test_says_what_comes_out(self):
        with open(os.path.join(SOURCE, "docs", "scale.md"), encoding="utf-8") as file:
            self.assertIn(fleet.table(fleet.DEFAULTS), file.read())


if __name__ == "__main__":
    unittest.main()
