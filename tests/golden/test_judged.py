#!/usr/bin/env python3
"""Each alert's figures, from the stored baseline: three weeks of an office are learned and kept, then a night's
first minutes are judged by them. `stored` says how unlikely what left was by the file (its L's are held against
numpy by test_estimators.py); the calibration, the fusion, p, the score, and each reason's p and weight are computed
here from docs/detection.md alone. And what would not have fired does not: one byte less than
would_not_fire_below is silent, that many are told."""

import json
import math
import os
import random
import subprocess

import weirtest
from connlog import DAY, START, host, ordinary_rows, text_of
from weirtest import Case

ODD = 23 # a Wednesday, from midnight on
MIDNIGHT = START + ODD * DAY + 60 # in its first hour
SERVER, NEAR = host(40), 1e-9
CLOSED = 500_000 # bytes that are told when their hour is closed, and not before
FIRST, AGAIN_CLOSED = (600_000, 200_000), 250_000 # to a new place and back, on the day before; and then
BUDGET = ("--set", "detection.alerts_per_day=0.5") # of 17 hosts
PROGRAM = os.path.join(os.environ["WEIR_BUILD"], "tests", "stored")

# --- docs/detection.md: calibration and fusion ----------------------------------------------------

# weight before it is normalised, looks a day; the order is calibration.h's
SENT = [(1.5, 1), (1.2, 24), (1, 4), (1, 10), (.5, 24), (.5, 1), (.8, 100), (.5, 1), (.3, 24), (.3, 1), (.6, 10),
        (1, 1), (2.5, 1), (1, 1), (.5, 24), (1, 1)]
SERVED = [(1.5, 1), (2, 24), (1, 10), (.5, 100), (.5, 10)]
UPLOADS = [(1.5, 10), (2, 10), (1.5, 10), (0, 10)] # of what is sent; the last by a bar of its own
KINDS = SENT + SERVED + UPLOADS
AGAIN = len(KINDS) - 3
OF_SIDE = ((*range(len(SENT)), *range(len(SENT + SERVED), len(KINDS))),
           range(len(SENT), len(SENT + SERVED)))
FUSED = ((1.82, 1.7), (1.5, 1.95)) # of the belief in what is fused, by side: scale, looks
SIGMA_FUSED = (2, 1.7)


def edge(k):
    return math.expm1(k / 20)


def tail(count, sigma0, weight):
    """(host-days that reach each bin, bin, share above, sigma)"""
    reached, total, most = [0] * 96, 0, 0
    for k in reversed(range(96)):
        total += count[k]
        most = max(most, total)
        reached[k] = most
    hosts = reached[0] if total > 0 else 0
    at = next((k for k in range(95) if reached[k + 1] <= .03 * hosts + 1e-12), 95)
    above = reached[at + 1] if at < 95 else 0
    excess = sum((reached[k] - (reached[k + 1] if k < 95 else 0)) * (edge(k + .5) - edge(at + 1))
                 for k in range(at + 1, 96))
    share = min(1, max(above / hosts, .5 / (hosts + 1))) if hosts else 1
    return reached, hosts, at, share, (excess + weight * sigma0) / (above + weight)


def survival(count, belief, l, shape):
    reached, hosts, at, share, sigma = tail(count, *belief)
    k = min(95, int(20 * math.log1p(l)))
    if hosts <= 0:
        return 0, 0
    if k > at:
        beyond = (l - edge(at + 1)) / sigma
        return hosts, share * ((1 + shape * beyond / (1 - shape)) ** (-1 / shape) if shape else math.exp(-beyond))
    return hosts, min(1, max(share, reached[k] / hosts))


def calibrated(said, which, l):
    if l <= 0:
        return 1
    fused = which - len(KINDS)
    belief = (1, 20) if fused < 0 else (SIGMA_FUSED[fused], 100)
    scale, looks = (1, KINDS[which][1]) if fused < 0 else FUSED[fused]
    s = min(1, looks * math.exp(-l / scale))
    for name, pseudo in (("fleet", 10), ("group", 300)):
        if said[name]:
            hosts, seen = survival(said[name][which], belief, l, 0 if fused < 0 else .1)
            s = (hosts * seen + pseudo * s) / (hosts + pseudo)
    return max(1e-12, min(1, s))


def judge(said, side):
    """p, and of each kind (p, weight)."""
    weights = [KINDS[n][0] for n in OF_SIDE[side] if KINDS[n][0]]
    mean = sum(weights) / len(weights)
    single, part = {}, {}
    for n in OF_SIDE[side]:
        if said["kinds"][n]["known"]:
            single[n] = calibrated(said, n, said["kinds"][n]["l"])
            l = -math.log(single[n])
            part[n] = KINDS[n][0] / mean * (l if l <= 10 else 10 + (l - 10) / 4) ** 2.5
    total = sum(part.values())
    p = calibrated(said, len(KINDS) + side, total ** .4)
    return p, {n: (single[n], part[n] / total) for n in single}


# --- the office -----------------------------------------------------------------------------------


def visitors(rng):
    """What a server outside clients come to serves: forty networks, by day."""
    for day in range(ODD):
        for _ in range(60 if day % 7 < 5 else 10):
            at = START + day * DAY + rng.uniform(7, 20) * 3600
            yield at, f"62.{rng.randrange(40)}.1.9", SERVER, 2, 900, round(rng.lognormvariate(10, 1))


def theft(number, source, remote, size):
    """In one connection of the night's first minutes."""
    at = START + ODD * DAY + 60 + 20 * number
    return (at, remote, source, 9, 700, size) if source == SERVER else (at, source, remote, 9, size)


# (who, the other end, its destination's key, bytes, side)
THEFTS = [(host(1), "203.0.113.9", "client|prefix|203.0.113.0/24", 400_000_000, 0),
          (host(3), "51.0.2.9", "client|prefix|51.0.2.0/24", 900_000_000, 0),
          (host(5), "52.5.1.9", "client|prefix|52.5.1.0/24", 6_000_000_000, 0),
          (SERVER, "198.51.100.9", "served|prefix|198.51.100.0/24", 80_000_000, 1)]


class Judged(Case):
    def setUp(self):
        super().setUp()
        rows = ordinary_rows(ODD) + list(visitors(random.Random(5)))
        self.kept = self.path("office.weir")
        self.replay(*BUDGET, "--save-baseline", self.kept, self.write("office.log", text_of(rows)))

    def told(self, rows, *more):
        log = self.write("night.log", text_of(rows))
        alerts = self.replay(*BUDGET, *more, "--baseline", self.kept, log).alerts()
        return {(alert["source"]["ip"], alert["rule"]["id"] == "volume.served"): alert
                for alert in reversed(alerts) if alert["weir"]["state"] != "close"}

    def stored(self, source, at, *pairs):
        """`pairs`: key and size, one behind the other."""
        words = [PROGRAM, self.kept, source, str(at), *map(str, pairs)]
        return json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)

    def check(self, alert, said, side):
        """p of E, and of an upload alone: told by its own bar, it is why, and has no part in E."""
        p, kinds = judge(said, side)
        weir, alone = alert["weir"], kinds.get(len(KINDS) - 1, (1, 0))[0]
        by_itself = weir["reasons"][0]["code"] == "ratio.upload.alone"
        told = alone if by_itself else p
        self.assertEqual(weir["score"], max(0, min(100, math.floor(50 + 17.5 * math.log10(.01 / told) + 1e-9))))
        largest = sorted((weight for _, weight in kinds.values()), reverse=True)[:4] + by_itself * [0]
        for reason in weir["reasons"]:
            near = [n for n, (single, weight) in kinds.items() if math.isclose(single, reason["p"], rel_tol=NEAR)
                    and math.isclose(weight, reason["weight"], rel_tol=NEAR)]
            self.assertEqual(len(near), 1, (reason, kinds))
            self.assertIn(kinds[near[0]][1], largest)
        return p, alone

    def test_what_is_silent_after_a_theft(self):
        """Another night's theft by the same host: to the same place it is quiet where the first was told, and told
        where nobody heard of it; to another place it is told."""
        source, remote, _, size, _ = THEFTS[0]
        day_after = [(START + (ODD + 1) * DAY + hour * 3600, source, "51.0.2.9", 9, 900) for hour in (10, 13)]
        rows = [theft(0, source, remote, size), *day_after]
        log, heard = self.write("first.log", text_of(rows)), self.kept
        for words, told in (((), {"198.18.7.9"}), (("--learn-until", "2030-01-01"), {remote, "198.18.7.9"})):
            self.kept = self.path(f"after-{len(told)}.weir")
            self.replay(*BUDGET, *words, "--baseline", heard, "--save-baseline", self.kept, log)
            for place in (remote, "198.18.7.9"):
                again = [(START + (ODD + 2) * DAY + 60, source, place, 9, size)]
                self.assertEqual((source, False) in self.told(again), place in told, (words, place))

    def test_figures_and_what_would_not_fire(self):
        alerts = self.told([theft(n, *one[:2], one[3]) for n, one in enumerate(THEFTS)])
        for n, (source, remote, key, size, side) in enumerate(THEFTS):
            with self.subTest(source=source):
                which = source, side == 1
                self.check(alerts[which], self.stored(source, MIDNIGHT, key, size), side)
                least = alerts[which]["weir"]["would_not_fire_below"]["value"]
                self.assertLess(least, size)
                self.assertNotIn(which, self.told([theft(n, source, remote, least - 1)]))
                again = self.told([theft(n, source, remote, least)])
                self.assertIn(which, again)
                self.check(again[which], self.stored(source, MIDNIGHT, key, least), side)

    def test_a_theft_at_a_server_is_one_incident(self):
        """It makes the server's own day as well."""
        source, remote, _, size, _ = THEFTS[3]
        log = self.write("night.log", text_of([theft(0, source, remote, 20 * size)]))
        alerts = [alert for alert in self.replay(*BUDGET, "--baseline", self.kept, log).alerts()
                  if alert["weir"]["state"] != "close"]
        self.assertEqual([alert["rule"]["id"] for alert in alerts if alert["destination"]["ip"] == remote],
                         ["volume.served"])
        self.assertEqual(len(alerts), 1, alerts)

    def test_an_upload_when_its_hour_is_closed(self):
        """Too little while its hour is open: what did not come back from there tells it, two minutes after its end."""
        source, remote, key = host(1), "203.0.113.9", "client|prefix|203.0.113.0/24"
        later = START + ODD * DAY + 3900, host(9), "51.0.1.9", 2, 900

        def told(size, *more):
            at = START + ODD * DAY + 60, source, remote, 9, size, 2000
            return self.told([at, later], *more).get((source, False))

        alert = told(CLOSED)
        self.assertEqual(alert["@timestamp"][11:19], "01:02:00")
        self.assertTrue({"ratio.upload", "ratio.upload.alone"} & {reason["code"] for reason in alert["weir"]["reasons"]})
        self.check(alert, self.stored(source, MIDNIGHT, key, f"{CLOSED}/2000"), 0)
        least = alert["weir"]["would_not_fire_below"]["value"]
        self.assertIsNone(told(least - 1))
        again = told(least)
        self.assertEqual(again["@timestamp"][11:19], "01:02:00")
        self.check(again, self.stored(source, MIDNIGHT, key, f"{least}/2000"), 0)

    def test_a_new_place_that_is_sent_to_again(self):
        """By how much of each day was not answered, in a host's first hour of its day: the day before was not learned
        by then, and counts."""
        source, remote, key = host(1), "203.0.113.9", "client|prefix|203.0.113.0/24"
        first = START + (ODD - 1) * DAY + 15 * 3600, source, remote, 9, FIRST[0], FIRST[1]
        later = START + ODD * DAY + 3900, host(9), "51.0.1.9", 2, 900
        rows = [*ordinary_rows(ODD), first]
        self.replay(*BUDGET, "--save-baseline", self.kept, self.write("second.log", text_of(rows)))

        def told(size):
            at = START + ODD * DAY + 60, source, remote, 9, size, 2000
            return self.told([at, later]).get((source, False))

        def check(size, alert):
            said = self.stored(source, MIDNIGHT, key, f"{size}/2000")
            surplus = 2 ** (math.floor(4 * math.log2(size - 1999)) / 4) - 1 # the floor of its bin
            each = 2 * math.log1p(min(surplus, FIRST[0] - FIRST[1]) / 65536)
            returned = 4 * math.log(2) * (size - 2000) / (size + 2000)
            self.assertAlmostEqual(said["kinds"][AGAIN]["l"], max(each, returned), places=4)
            self.assertIn("ratio.upload.again", {reason["code"] for reason in alert["weir"]["reasons"]})
            self.check(alert, said, 0)

        alert = told(AGAIN_CLOSED)
        self.assertEqual(alert["@timestamp"][11:19], "01:02:00")
        check(AGAIN_CLOSED, alert)
        least = alert["weir"]["would_not_fire_below"]["value"] - FIRST[0] # it is of its week
        self.assertLess(least, AGAIN_CLOSED)
        self.assertIsNone(told(least - 1))
        check(least, told(least))

    def test_an_upload_by_its_own_bar(self):
        """A place that is asked for much and answers with more was sent a copy, while as much came from elsewhere as
        ever: the host's day is like any, and so is all that is said of the place but for what did not come back."""
        source, remote, key = host(1), "52.1.7.9", "client|prefix|52.1.7.0/24"
        noon = START + ODD * DAY + 12 * 3600
        other = (noon + 90, source, "51.0.3.9", 9, 1000, 90_000_000), (noon + 3900, host(9), "51.0.1.9", 2, 900)
        rng = random.Random(9)
        busy = [(START + day * DAY + hour * 3600 + rng.uniform(0, 3000), source, remote, 20, rng.lognormvariate(14, 1))
                for day in range(ODD) if day % 7 < 5 for hour in range(8, 18) if rng.random() < .7]
        log = self.write("busy.log", text_of([*ordinary_rows(ODD), *busy]))
        self.replay(*BUDGET, "--save-baseline", self.kept, log)

        def told(size):
            return self.told([(noon + 60, source, remote, 9, size, 2000), *other]).get((source, False))

        def check(size, alert):
            self.assertEqual(alert["weir"]["reasons"][0]["code"], "ratio.upload.alone")
            p, alone = self.check(alert, self.stored(source, noon, key, f"{size}/2000", "client|prefix|51.0.3.0/24",
                                                     "1000/90000000"), 0)
            self.assertGreater(p, 4 * alone) # which would not have told it

        alert = told(6_000_000)
        self.assertEqual((alert["rule"]["id"], alert["destination"]["ip"], alert["@timestamp"][11:19]),
                         ("ratio.upload", remote, "13:02:00"))
        check(6_000_000, alert)
        least = alert["weir"]["would_not_fire_below"]["value"]
        self.assertLess(least, 6_000_000)
        self.assertIsNone(told(least - 1))
        check(least, told(least))

    def test_an_upload_while_its_hour_is_open(self):
        """From 16 MiB on, at once; that more comes back in the same hour takes nothing away."""
        source, remote, key = host(1), "52.1.7.9", "client|prefix|52.1.7.0/24"
        noon = START + ODD * DAY + 12 * 3600
        rng = random.Random(9)
        busy = [(START + day * DAY + hour * 3600 + rng.uniform(0, 3000), source, remote, 20, rng.lognormvariate(14, 1))
                for day in range(ODD) if day % 7 < 5 for hour in range(8, 18) if rng.random() < .7]
        log = self.write("busy.log", text_of([*ordinary_rows(ODD), *busy]))
        self.replay(*BUDGET, "--save-baseline", self.kept, log)
        after = (noon + 900, source, remote, 9, 900, 90_000_000), (noon + 3900, host(9), "51.0.1.9", 2, 900)

        def told(size):
            return self.told([(noon + 60, source, remote, 9, size, 2000), *after]).get((source, False))

        alert = told(60_000_000)
        self.assertEqual((alert["destination"]["ip"], alert["@timestamp"][11:19]), (remote, "12:01:09"))
        self.assertIn("ratio.upload", " ".join(reason["code"] for reason in alert["weir"]["reasons"]))
        self.check(alert, self.stored(source, noon, key, "60000000,2000"), 0)
        least = alert["weir"]["would_not_fire_below"]["value"]
        self.assertLess(least, 60_000_000)
        self.assertIsNone(told(least - 1))
        self.check(told(least), self.stored(source, noon, key, f"{least},2000"), 0)

    def test_what_would_not_fire_of_what_is_trusted(self):
        source, remote, _, size, _ = THEFTS[0]
        rules = self.write("rules.yaml", f"- trust: ours\n  when: host = {source}\n  bar: 5\n"
                                         "  reason: a test\n  expires: never\n")
        trusted, which = ("--set", f"rules=[{rules}]"), (source, False)
        least = {}
        for more in ((), trusted):
            value = self.told([theft(0, source, remote, size)], *more)[which]["weir"]["would_not_fire_below"]["value"]
            self.assertNotIn(which, self.told([theft(0, source, remote, value - 1)], *more))
            self.assertIn(which, self.told([theft(0, source, remote, value)], *more))
            least[more] = value
        self.assertGreater(least[trusted], least[()])


class Uploads(Case):
    """150 kB before each evening of a week, to a place of its own, the last that its host sends that day: told when
    that hour is closed."""

    def test_told_when_its_hour_is_closed(self):
        who, drop, days = host(3), "203.0.113.9", range(14, 19)
        evening = {day: START + day * DAY + 18 * 3600 - 300 for day in days}
        log = self.write("conn.log", text_of([*ordinary_rows(26), *((evening[day], who, drop, 60, 150_000, 2000)
                                                                   for day in days)]))
        for mode in ("--online",), ():
            with self.subTest(mode=mode):
                run = self.replay("--workers", "0", *BUDGET, *mode, log)
                told = [alert for alert in run.alerts() if alert["source"]["ip"] == who and
                        alert["weir"]["state"] != "close"]
                self.assertTrue(told)
                for alert in told:
                    self.assertEqual(alert["destination"]["ip"], drop)
                    self.assertEqual(alert["weir"]["baseline"]["scope"], "host×destination")
                first = told[0]
                self.assertIn("in an hour of this day", "".join(reason["text"] for reason in first["weir"]["reasons"]))
                self.assertEqual(first["event"]["end"][11:16], "17:56")
                self.assertEqual(first["@timestamp"], first["event"]["end"][:11] + "18:02:00.000Z")
                self.assertEqual(first["weir"]["out_bytes"]["value"] % 150_000, 0)
                again = self.replay("--workers", "2", *BUDGET, *mode, log)
                self.assertEqual(again.bytes("alerts.ndjson"), run.bytes("alerts.ndjson"))


class Small(Case):
    """Hosts that send 30 kB a day at most, as in a plant: what is new there is measured all the same."""

    def test_something_new_where_all_send_little(self):
        rng = random.Random(7)
        rows = [(START + day * DAY + hour * 3600 + rng.uniform(0, 3000), host(n), remote, 2, rng.lognormvariate(6, .5))
                for day in range(25) for n in range(16) for hour in range(0, 24, 2)
                for remote in (f"51.0.{n % 4}.9", f"52.{n}.1.9")]
        theft_of = START + 23 * DAY + 11 * 3600, host(3), "203.0.113.9", 60, 1_000_000
        log = self.write("conn.log", text_of([*rows, theft_of]))
        run = self.replay("--online", "--workers", "0", *BUDGET, log)
        self.assertIn(("destination.new", host(3), "203.0.113.9"),
                      {(alert["rule"]["id"], alert["source"]["ip"], alert["destination"]["ip"])
                       for alert in run.alerts()})


if __name__ == "__main__":
    weirtest.main()
