#!/usr/bin/env python3
"""Manner, not amount: in a small fleet of four weeks one host calls a rare destination by the clock, one holds a
connection open, and each has a twin that does as much in a human way. 20 kB a day each: no row of bytes can say
anything. Told are the clock and the session, nothing of the twins; a second replay says the same."""

import random

import weirtest
from connlog import DAY, START, host, ordinary_rows, text_of
from weirtest import Case

ODD = 23              # the day it happens, a Wednesday
CLOCK, CLOCK_TWIN, HELD, HELD_TWIN = "203.0.113.9", "198.51.100.9", "192.0.2.9", "100.100.7.9"


def by_the_clock(rng):
    """Every five minutes, a tenth of jitter, some 80 bytes, for four days."""
    for n in range(4 * 288):
        yield (START + ODD * DAY + n * 300 + rng.uniform(0, 30), host(2), CLOCK, .4, rng.randrange(70, 90))


def by_hand(rng):
    """As many of as many bytes, in bursts, by day."""
    for day in range(ODD, ODD + 4):
        for _ in range(36):
            at = START + day * DAY + rng.uniform(8, 17.5) * 3600
            for _ in range(8):
                at += rng.expovariate(1 / 25)
                yield at, host(3), CLOCK_TWIN, .4, rng.lognormvariate(4, .9)


def held(rng):
    """A connection of thirty hours; its twin begins anew every half an hour or so, by day."""
    yield START + ODD * DAY + 32400.5, host(4), HELD, 30 * 3600.0, 20000
    for hour in range(8, 18):
        for _ in range(2):
            yield (START + ODD * DAY + (hour + rng.uniform(0, .5)) * 3600, host(5), HELD_TWIN,
                   rng.uniform(300, 1700), 1000)


BUDGET = ("--set", "detection.alerts_per_day=0.5") # of 16 hosts
ROOM = ("--set", "detection.alerts_per_day=0.7") # the clock alone is enough: at the edge any byte may be the last


def opened(run):
    return [alert for alert in run.alerts() if alert["weir"]["state"] != "close"]


class Manner(Case):
    def log(self, *odd):
        rows = ordinary_rows()
        for part in odd:
            rows += part(random.Random(7))
        return self.write("conn.log", text_of(rows))

    def test_a_clock_and_a_session_are_told(self):
        log = self.log(by_the_clock, by_hand, held)
        run = self.replay("--online", *ROOM, log)
        told = {(alert["source"]["ip"], alert["rule"]["id"], alert.get("destination", {}).get("ip"))
                for alert in opened(run)}
        self.assertIn((host(2), "timing.beacon", CLOCK), told)
        self.assertIn((host(4), "timing.long", HELD), told)
        self.assertFalse({remote for _, _, remote in told} & {CLOCK_TWIN, HELD_TWIN}, told)
        self.assertEqual({(source, rule) for source, rule, _ in told if rule.startswith("timing.")},
                         {(host(2), "timing.beacon"), (host(4), "timing.long")})
        beacon = next(alert for alert in opened(run) if alert["rule"]["id"] == "timing.beacon")
        reason = beacon["weir"]["reasons"][0]
        self.assertEqual((reason["code"], reason["unit"]), ("timing.beacon", "connection"))
        self.assertIn("called by the clock", reason["text"])
        self.assertNotIn("would_not_fire_below", beacon["weir"], "however few bytes")
        self.assertLess(beacon["weir"]["out_bytes"]["value"], 65536)
        again = self.replay("--online", "--workers", "3", *ROOM, log)
        self.assertEqual(again.bytes("alerts.ndjson"), run.bytes("alerts.ndjson"))

    def test_the_ordinary_is_quiet(self):
        """Half an alert a day, from the third week on; none is of manner."""
        rules = [alert["rule"]["id"] for alert in opened(self.replay("--online", *BUDGET, self.log()))]
        self.assertLessEqual(len(rules), 14, rules)
        self.assertFalse([rule for rule in rules if rule.startswith("timing.")])


if __name__ == "__main__":
    weirtest.main()
