#!/usr/bin/env python3
"""Every estimator of the baselines against numpy.

The program `estimates` learns a made-up site and prints what it was told, hour by hour, and at the end
what each host's baseline is (the JSON of `weir baseline show --json`) with the p's of many sizes, hours
and destinations. Here the same is computed from docs/baselines.md alone: no code is shared with Weir,
and a p is computed from nothing but the printed baseline. They must agree to 1e-9 (relative), counts
and bins exactly.

Environment: WEIR_BUILD (the build folder). Exit status 77: skipped, there is no numpy here.
"""

import collections
import json
import math
import os
import subprocess
import sys
import unittest

try:
    import numpy
except ImportError: # Debian's numpy is for Debian's Python
    if sys.executable != "/usr/bin/python3" and os.path.exists("/usr/bin/python3"):
        os.execv("/usr/bin/python3", ["/usr/bin/python3"] + sys.argv)
    print("skipped: no numpy")
    sys.exit(77)

PROGRAM = os.path.join(os.environ["WEIR_BUILD"], "tests", "estimates")
NEAR = 1e-9

# --- bins and weeks ------------------------------------------------------------------------------

BINS = 177
M0 = 4 / (1.2 * math.log(2))
KEPT = 26


def floor_of(k):
    """The least whole number in bin k or above it: the least v with log2(v + 1) >= k/4, by integers."""
    v = int(2 ** (k / 4)) + 2
    while v > 0 and v ** 4 >= 2 ** k:
        v -= 1
    return v # (v + 1)^4 >= 2^k > v^4


FLOORS = [floor_of(k) for k in range(BINS)]


def bin_of(size):
    return max(k for k in range(BINS) if FLOORS[k] <= size)


def week_of(day):
    return day // 7


def weight_of(age):
    return 1.0 if age <= 0 else 0.0 if age > KEPT else 2.0 ** (-age / 4)


def kept_week(week, newest):
    if week // 8 < newest // 8:
        return week // 8 * 8 + 4
    return week | 1 if week // 2 < newest // 2 else week


def counts_of(cells, week):
    """A histogram's counts by bin, as of a week."""
    counts = numpy.zeros(BINS)
    for k, cell_week, count in cells:
        counts[k] += weight_of(week - cell_week) * count
    return counts


def table_of(pairs):
    counts = numpy.zeros(BINS)
    for k, count in pairs:
        counts[k] += count
    return counts


# --- survival ------------------------------------------------------------------------------------


class Tail:
    def __init__(self, counts, sigma0):
        self.counts, self.total = counts, counts.sum()
        self.sigma = sigma0
        if self.total <= 0:
            return
        reached = numpy.nonzero(numpy.cumsum(counts) >= .97 * self.total * (1 - 1e-15))[0]
        self.start = int(reached[0]) if len(reached) else BINS - 1
        above = counts[self.start + 1:]
        self.above = max(above.sum() / self.total, .5 / (self.total + 1))
        excess = (above * numpy.arange(1, len(above) + 1)).sum()
        self.sigma = (excess + 20 * sigma0) / (above.sum() + 20)

    def survival(self, k):
        if self.total <= 0:
            return 0
        if k > self.start:
            return min(1, self.above) * math.exp(-(k - self.start - 1) / self.sigma)
        return min(1, max(self.above, self.counts[k:].sum() / self.total))


def prior(k, centre, scale):
    away = (k - centre) / scale
    return .5 * math.exp(-away) if away > 0 else 1 - .5 * math.exp(away)


class Peers:
    """The group and the fleet, as the baseline prints them."""

    def __init__(self, profile, week):
        self.tables = (profile["peers"], profile["fleet"])
        self.week = week
        group = profile["peers"]
        others = group["hosts"] - 1 if group else 0
        self.share = others / (others + 4) if others >= 1 else 0

    def weight(self, values):
        return self.share * values / (values + 100)

    def mixed(self, counts, k, belief, sigma0=M0):
        """S of both tables with ten pseudo-counts of belief, and their sigma."""
        survival, sigma = [], []
        for table in counts:
            tail = Tail(table, sigma0)
            survival.append((tail.total * tail.survival(k) + 10 * belief) / (tail.total + 10))
            sigma.append(tail.sigma)
        weight = self.weight(counts[0].sum())
        return (weight * survival[0] + (1 - weight) * survival[1],
                weight * sigma[0] + (1 - weight) * sigma[1])

    def absolute(self, name, size):
        counts = [counts_of(table[name], self.week) if table else numpy.zeros(BINS)
                  for table in self.tables]
        k = bin_of(size)
        return self.mixed(counts, k, prior(k, 80, 8))[0]

    def residual(self, name, size, location):
        k = math.floor(4 * (math.log2(size + 1) - location)) + 88
        k = min(max(k, 0), BINS - 1)
        counts = [table_of(table[name]) if table else numpy.zeros(BINS) for table in self.tables]
        return self.mixed(counts, k, prior(k, 88, M0))

    def active(self, hour):
        weight = self.weight(self.tables[0]["seen"][hour]) if self.share else 0
        return sum(part * self.active_of(table, hour)
                   for part, table in ((weight, self.tables[0]), (1 - weight, self.tables[1])))

    def active_of(self, table, hour):
        if not table:
            return .5
        days = range(5) if hour < 120 else range(5, 7)
        same = [24 * day + hour % 24 for day in days]
        usual = ((1 + sum(table["active"][h] for h in same)) /
                 (2 + sum(table["seen"][h] for h in same)))
        return (table["active"][hour] + 12 * usual) / (table["seen"][hour] + 12)


def survival_of(peers, own, location, m, residual, absolute, size):
    sigma = M0
    if location["count"] >= 5:
        other, sigma = peers.residual(residual, size, location["mean"])
    else:
        other = peers.absolute(absolute, size)
    tail = Tail(counts_of(own, peers.week), sigma)
    return (tail.total * tail.survival(bin_of(size)) + m * other) / (tail.total + m)


def rate_of(happened, sigma0, belief, exposure, size):
    tail = Tail(happened, sigma0)
    return (tail.total * tail.survival(bin_of(size)) + .5 * belief) / (exposure + 1)


def believed(peers, tail, absolute, size):
    return ((tail.total * tail.survival(bin_of(size)) + 6 * peers.absolute(absolute, size)) /
            (tail.total + 6))


# --- p -------------------------------------------------------------------------------------------


def bucket_of(hosts, fleet):
    if hosts <= 1:
        return 0
    if hosts <= 3:
        return 1
    return 2 if hosts <= .02 * fleet else 3 if hosts <= .2 * fleet else 4


class Judge:
    """All p's of one asked size, from the printed baseline."""

    def __init__(self, profile, asked):
        self.profile, self.asked, self.size = profile, asked, asked["bytes"]
        self.week = asked["week"]
        self.peers = Peers(profile, self.week)
        self.pairs = {pair["destination"]: pair for pair in profile["destinations"]}

    def hour_share(self):
        kind = self.asked["class"]
        return ((self.profile["hours_active"][kind] +
                 12 * self.peers.active(self.asked["hour_of_week"])) /
                (self.profile["hours_seen"][kind] + 12))

    def day_share(self):
        other = self.asked["class"] >= 3
        return (self.profile["days_active"][other] + 1) / (self.profile["days_seen"][other] + 2)

    def of_host(self, what, m):
        return survival_of(self.peers, self.profile[what], self.profile[what + "_location"], m,
                           "host_" + what, "absolute_" + what, self.size)

    def host_hour(self):
        return self.hour_share() * self.of_host("hour", 40)

    def host_day(self):
        return self.day_share() * self.of_host("day", 6)

    def absolute_hour(self):
        return self.peers.absolute("absolute_hour", self.size)

    def absolute_day(self):
        return self.peers.absolute("absolute_day", self.size)

    def inside_day(self):
        inside = self.profile["inside"]
        return survival_of(self.peers, inside["day"], inside["location"], 6, "inside_day", "absolute_inside", self.size)

    def of_pair(self, what, m, active):
        """The host's share of active hours, of those in which the pair has as much as makes one active."""
        return min(1, 3 * active / self.pair_size(what, m, 65536)) * self.pair_size(what, m, self.size)

    def pair_size(self, what, m, size):
        pair = self.pairs[self.asked["destination"]]
        served = self.asked["destination"].startswith("served|")
        return survival_of(self.peers, pair[what], pair[what + "_location"], m,
                           ("served_" if served else "pair_") + what, "absolute_" + what, size)

    def pair_hour(self):
        return self.of_pair("hour", 10, self.hour_share())

    def pair_day(self):
        return self.of_pair("day", 5, self.day_share())

    def new(self, what, exposure, hourly=False):
        absolute = "absolute_hour" if hourly else "absolute_day"
        if self.asked["destination"].startswith("served|"):
            return self.new_network(what, absolute, hourly)
        if not self.profile["fleet"]:
            return 1
        more = self.asked["destination"] not in self.pairs
        bucket = bucket_of(self.asked["hosts"] + more, self.profile["fleet"]["hosts"])
        tables = [counts_of(cells, self.week) for cells in self.profile["young"][what]]
        whole = Tail(sum(tables), M0)
        return rate_of(sum(tables[:bucket + 1]), whole.sigma,
                       believed(self.peers, whole, absolute, self.size), exposure, self.size)

    def new_network(self, what, absolute, hourly):
        name = "new_network" if what == "first_week" else "new_network_" + what
        days = counts_of(self.profile["new_network_days"], self.week)
        exposure = days[1:].sum() if what == "span" else days.sum()
        known = sum((counts_of(pair["hour" if hourly else "day"], self.week)
                     for key, pair in self.pairs.items() if key.startswith("served|")),
                    numpy.zeros(BINS))
        usual = Tail(known, M0)
        return rate_of(counts_of(self.profile[name], self.week), usual.sigma,
                       believed(self.peers, usual, absolute, self.size),
                       24 * exposure if hourly else exposure, self.size)

    def exposure(self, name):
        young = self.profile["young"]
        return counts_of(young[name], self.week) if young else numpy.zeros(BINS)

    def new_week(self):
        return self.new("first_week", self.exposure("exposure").sum())

    def new_hour(self):
        return self.new("hour", self.exposure("exposure_hours").sum(), hourly=True)

    def new_span(self):
        return self.new("span", self.exposure("exposure")[1:].sum())

    def novelty(self):
        kind = ("domain", "as", "prefix").index(self.asked["destination"].split("|")[1])
        own, rate, rarity = self.profile["novelty"][kind], .5, 1
        if self.profile["fleet"]:
            fleet = self.profile["fleet"]["contacts"][kind]
            more = self.asked["destination"] not in self.pairs
            bucket = bucket_of(self.asked["hosts"] + more, self.profile["fleet"]["hosts"])
            rate = (sum(fleet["first"]) + 1) / (fleet["all"] + 2)
            rarity = (sum(fleet["first"][:bucket + 1]) + 1) / (sum(fleet["first"]) + 1)
        if self.profile["peers"] and self.profile["peers"]["hosts"] > 1:
            group = self.profile["peers"]["contacts"][kind]
            rate = (sum(group["first"]) + 100 * rate) / (group["all"] + 100)
        return rarity * min(1, (own["met_once"] + 20 * rate) / (own["contacts"] + 20))


# --- learning ------------------------------------------------------------------------------------


def storable(value):
    return float(numpy.float32(value))


class Histogram:
    """Counts by bin and week; the weeks are joined as time goes on."""

    def __init__(self):
        self.cells, self.newest = collections.Counter(), 0

    def add(self, size, day):
        week = week_of(day)
        if week > self.newest:
            self.newest = week
            older, self.cells = self.cells, collections.Counter()
            for (k, old), count in older.items():
                if week - kept_week(old, week) <= KEPT:
                    self.cells[k, kept_week(old, week)] += count
        self.cells[bin_of(size), kept_week(week, self.newest)] += 1

    def list(self):
        return [[k, week, count] for (k, week), count in sorted(self.cells.items())]


class Location:
    def __init__(self, limit, clip):
        self.limit, self.clip, self.mean, self.count = limit, clip, 0.0, 0

    def add(self, size):
        value, self.count = math.log2(size + 1), self.count + 1
        step = max(-self.clip, min(self.clip, value - self.mean)) if self.count > 1 else value
        self.mean = storable(self.mean + step / min(self.count, self.limit))


class Learned:
    """A host or a pair: hours and days."""

    def __init__(self):
        self.hour, self.day = Histogram(), Histogram()
        self.hour_location, self.day_location = Location(200, 4), Location(20, 2)
        self.today, self.today_bytes, self.contacts = None, 0, 0

    def begin(self, day):
        if self.today is not None and self.today < day and self.today_bytes:
            self.day.add(self.today_bytes, self.today)
            self.day_location.add(self.today_bytes)
            self.today_bytes = 0

    def learn(self, size, day):
        self.begin(day)
        self.hour.add(size, day)
        self.hour_location.add(size)
        self.today = day
        self.today_bytes += size
        self.contacts += 1


def quantised(profile, median, share, was):
    """The group of a host, docs/baselines.md, "Peers"."""
    sizes, shares = (48, 64, 80, 96), (.05, .2, .5)

    def band(value, edges):
        return sum(value >= edge for edge in edges)

    def settled(before, low, value, high, edges):
        return before if before is not None and band(low, edges) <= before <= band(high, edges) \
            else band(value, edges)

    before = (int(was[1]), int(was[2])) if was else (None, None)
    return "q%d%d" % (settled(before[0], median - 2, median, median + 2, sizes),
                      settled(before[1], share / 1.25, share, share * 1.25, shares))


def median_of(sizes):
    """Of whole-day totals by bin, straight within the bin, in octaves."""
    counts = numpy.zeros(BINS)
    for size in sizes:
        counts[bin_of(size)] += 1
    return interpolated(counts)


def interpolated(counts):
    half, below = counts.sum() / 2, 0
    for k in range(BINS):
        if below + counts[k] >= half:
            return (k + (half - below) / counts[k]) / 4
        below += counts[k]
    raise AssertionError("no median")


# --- the tests -----------------------------------------------------------------------------------


class Estimators(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        out = subprocess.run([PROGRAM], capture_output=True, check=True, text=True).stdout
        cls.closed, cls.days, cls.baselines = [], [], []
        for line in out.splitlines():
            said = json.loads(line)
            if "closed" in said:
                cls.closed.append(said["closed"])
            elif "days" in said:
                cls.days.append(said["days"])
            else:
                cls.baselines.append(said)
        cls.alone = cls.baselines[-1]["profile"]["host"]

    def near(self, mine, theirs, what):
        self.assertLessEqual(abs(mine - theirs), NEAR * abs(theirs), (what, mine, theirs))

    def test_every_p(self):
        compared = collections.Counter()
        for baseline in self.baselines:
            profile = baseline["profile"]
            for asked in baseline["p"]:
                judge = Judge(profile, asked)
                for name, estimate in asked.items():
                    if not isinstance(estimate, dict):
                        continue
                    p = min(1, max(1e-12, getattr(judge, name)()))
                    self.near(p, estimate["p"], (profile["host"], name, asked))
                    compared[name] += 1
        self.assertEqual(len(compared), 11, compared)
        for name, count in compared.items(): # each was asked often, of groups too
            self.assertGreater(count, 500, name)
        self.assertGreater(sum(1 for b in self.baselines if b["profile"]["peers"]), 10)

    def test_p_never_rises_with_bytes(self):
        for baseline in self.baselines:
            last = {}
            for asked in baseline["p"]:
                for name in ("host_hour", "host_day", "absolute_hour", "absolute_day"):
                    key = (name, asked["hour"])
                    self.assertLessEqual(asked[name]["p"], last.get(key, 1) * (1 + 1e-12))
                    last[key] = asked[name]["p"]

    def test_what_a_host_learns(self):
        """The host that is alone, from its hours: nothing was guarded."""
        host, pairs, seen, active = Learned(), collections.defaultdict(Learned), [0] * 6, [0] * 6
        days = collections.defaultdict(bool)
        for closed in self.closed:
            if closed["host"] != self.alone:
                continue
            if host.today is None or closed["day"] > host.today:
                for learned in (host, *pairs.values()):
                    learned.begin(closed["day"])
            total = sum(closed["bytes"].values())
            seen[closed["class"]] += 1
            active[closed["class"]] += total > 0
            days[closed["day"], closed["class"] >= 3] |= total > 0
            host.today = closed["day"]
            if total:
                host.learn(total, closed["day"])
            for key, size in closed["bytes"].items():
                pairs[key].learn(size, closed["day"])
        profile = self.baselines[-1]["profile"]
        self.assertEqual(profile["guarded"], [])
        self.assertEqual(profile["hours_seen"], seen)
        self.assertEqual(profile["hours_active"], active)
        self.assertEqual(profile["days_seen"],
                         [sum(1 for (_, other) in days if other == which) for which in (0, 1)])
        self.assertEqual(profile["days_active"],
                         [sum(was for (_, other), was in days.items() if other == which)
                          for which in (0, 1)])
        self.assertEqual(len(profile["destinations"]), 4)
        for name, mine, theirs in [("host", host, profile)] + [
                (pair["destination"], pairs[pair["destination"]], pair)
                for pair in profile["destinations"]]:
            self.assertEqual(theirs["hour"], mine.hour.list(), name)
            self.assertEqual(theirs["day"], mine.day.list(), name)
            self.assertEqual(theirs["today_bytes"], mine.today_bytes, name)
            for what in ("hour_location", "day_location"):
                self.assertEqual(theirs[what]["count"], getattr(mine, what).count, name)
                self.near(getattr(mine, what).mean, theirs[what]["mean"], (name, what))
        self.assertTrue(all(pairs[pair["destination"]].contacts == pair["contacts"]
                            for pair in profile["destinations"]))

    def test_groups(self):
        """Each host's group from its own hours. What the guard took is far from any median, so the
        bins as sent will do."""
        for baseline in self.baselines:
            host, group, hour = baseline["profile"]["host"], "", Histogram()
            seen, active, today, known = 0, 0, None, {c["hour"]: c for c in self.closed
                                                     if c["host"] == host}
            first = baseline["profile"]["first_hour"]
            for at in range(first, baseline["profile"]["last_closed_hour"] + 1):
                if at // 24 != today and seen >= 168 and active >= 24:
                    counts = counts_of(hour.list(), week_of(at // 24))
                    median = int(numpy.nonzero(numpy.cumsum(counts) >= counts.sum() / 2)[0][0])
                    group = quantised(baseline["profile"], median, active / seen, group)
                today, seen = at // 24, seen + 1
                total = sum(known[at]["bytes"].values()) if at in known else 0
                if total:
                    active += 1
                    hour.add(total, today)
            self.assertEqual(baseline["profile"]["group"], group, host)

    def test_medians_of_days(self):
        totals = collections.defaultdict(lambda: collections.Counter())
        for closed in self.closed:
            if closed["host"] != self.alone:
                totals[closed["day"]][closed["host"]] += sum(closed["bytes"].values())
        compared = 0
        for said in self.days:
            if said["group"] == "":
                self.near(median_of(totals[said["day"]].values()), said["median"], said)
                compared += 1
        self.assertEqual(compared, 45)
        groups = {said["group"] for said in self.days
                  if said["median"] != next(other["median"] for other in self.days
                                            if other["group"] == "" and other["day"] == said["day"])}
        self.assertGreaterEqual(len(groups), 2) # some had a median of their own

    def test_the_trend_of_a_holiday(self):
        """Everybody sends less, and it is said of the day, not of the hosts."""
        trend = {said["day"]: said["trend"] for said in self.days if said["group"] == ""}
        holiday = 20514 + 30
        ordinary = numpy.median([trend[day] for day in range(20514 + 21, 20514 + 44)
                                 if (day - 20514) % 7 < 5 and day != holiday])
        self.assertLess(trend[holiday], ordinary - .5)


if __name__ == "__main__":
    unittest.main(verbosity=2)
