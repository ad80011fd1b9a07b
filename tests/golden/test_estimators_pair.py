#!/usr/bin/env python3
"""Growth, rhythm, ratio and novelty against numpy.

The program `estimates_pair` is told values and prints what its modules make of them; here the same is
computed from the formulas in docs/baselines.md alone, to 1e-9 where they are exact. Rhythm is exact in
its hours and its duration; its intervals and sizes are kept in sixteen bins, so they are compared twice:
with the same bins (to 1e-9), and with RITA's score of the values themselves, over simulated clocks and
noise, which is how far the bins are off.

Environment: WEIR_BUILD (the build folder). Exit status 77: skipped, there is no numpy here.
"""

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

PROGRAM = os.path.join(os.environ["WEIR_BUILD"], "tests", "estimates_pair")
NEAR = 1e-9
DAY = 86400


def said_of(kind, cases):
    """What the program makes of each case: a list of numbers, or None."""
    text = "".join("%s %s\n" % (kind, " ".join(case)) for case in cases)
    out = subprocess.run([PROGRAM], input=text, capture_output=True, check=True, text=True).stdout
    lines = out.splitlines()
    assert len(lines) == len(cases)
    return [None if line == "none" else [float(word) for word in line.split()] for line in lines]


def storable(value):
    return float(numpy.float32(value))


# --- growth --------------------------------------------------------------------------------------


def cusum_of(values):
    """(C, reference, deviation, sigma) after each value."""
    told, total, deviation, reference = [], 0.0, storable(.8), storable(values[0])
    for n, value in enumerate(values, 1):
        if n > 1:
            away, sigma = value - reference, max(.5, deviation * math.sqrt(math.pi / 2))
            if n > 7:
                total = storable(min(60, max(0, .97 * total + max(-3, min(3, away / sigma)) - .5)))
            pace = .1 if total > 3 else 1
            reference = storable(reference + pace * max(-1.5, min(1.5, away)) / min(n, 30))
            deviation = storable(deviation + pace * (min(abs(away), 3) - deviation) / min(n + 4, 30))
        told.append((total, reference, deviation, max(.5, deviation * math.sqrt(math.pi / 2))))
    return told


# --- rhythm: RITA's score ------------------------------------------------------------------------


def quartiles(values):
    """Medians of the lower half, of all, of the upper half."""
    half = len(values) // 2
    return (numpy.median(values[:half]), numpy.median(values),
            numpy.median(values[half + len(values) % 2:]))


def regularity(values, unknown, same=lambda low, high: False):
    """`same`: two quartiles are one value though their numbers differ."""
    values = numpy.sort(values)
    first, second, third = quartiles(values)
    skew = 0
    if third - first >= 10 and second not in (first, third) and \
            not same(first, second) and not same(second, third):
        skew = (first + third - 2 * second) / (third - first)
    mad = numpy.median(numpy.abs(values - second))
    steady = max(0, (second - mad) / second) if second >= 1 else unknown
    return ((1 - abs(skew)) + steady) / 2


def hours_and_duration(times):
    counts = numpy.bincount(times // 3600, minlength=24)
    score, used = max(0, 1 - counts.std() / counts.mean()), int((counts > 0).sum())
    if used >= 11:
        width = math.ceil(counts.max() * .05)
        levels = sorted(numpy.unique(counts[counts > 0] // width, return_counts=True)[1])
        score = max(score, min(1, sum(levels[-2:]) / (used - 1)))
    longest = max(len(run) for run in "".join("x" if c else " " for c in list(counts) * 2).split())
    duration = 0 if used < 6 else min(1, max((times[-1] - times[0]) / DAY, min(24, longest) / 12))
    return score, duration


# --- rhythm: the bins ----------------------------------------------------------------------------


def bins_of(values):
    """Each cell's count and its whole numbers' range; halvings."""
    for halvings in range(9):
        width = 2.0 ** halvings / 64
        index = numpy.where(values > 0, 1 + numpy.floor(numpy.log2(numpy.maximum(values, 1)) / width +
                                                        1e-12), 0)
        bins, counts = numpy.unique(index, return_counts=True)
        if len(bins) <= 16:
            break
    edges = [(0, 0) if b == 0 else (math.ceil(2 ** ((b - 1) * width) - 1e-9),
                                    math.ceil(2 ** (b * width) - 1e-9) - 1) for b in bins]
    return counts, edges, halvings


def binned_regularity(values, unknown):
    counts, edges, halvings = bins_of(values)
    spread = numpy.concatenate([low + (high - low) * (numpy.arange(n) + .5) / n
                                for n, (low, high) in zip(counts, edges)])

    def cell(value): # of a median: both of its values are in it
        for low, high in edges:
            if low <= value <= high and (halvings <= 3 or low == high):
                return low
        return None

    def cells(values):
        low, high = values[(len(values) - 1) // 2], values[len(values) // 2]
        return cell(low) if cell(low) == cell(high) else None

    half = len(spread) // 2
    where = [cells(spread[:half]), cells(spread), cells(spread[half + len(spread) % 2:])]
    joined = iter([where[0] is not None and where[0] == where[1],
                   where[1] is not None and where[1] == where[2]])
    return regularity(spread, unknown, lambda low, high: next(joined)), halvings


# --- rhythm: what is simulated -------------------------------------------------------------------


def gaps_of(random, kind, interval, jitter, count):
    if kind == "exact":
        return numpy.full(count, interval)
    if kind == "uniform":
        return interval * (1 + jitter * random.uniform(-1, 1, count))
    if kind == "normal":
        return numpy.abs(interval * (1 + jitter / 2 * random.normal(size=count)))
    if kind == "shortened": # never later than asked for
        return interval * (1 - jitter * random.uniform(0, 1, count))
    if kind == "missed":
        return interval * (1 + jitter * random.uniform(-1, 1, count)) * (1 + (random.random(count) < .1))
    if kind == "poisson":
        return random.exponential(interval, count)
    return numpy.exp(random.normal(math.log(interval), random.uniform(.5, 2.5), count)) # "heavy"


CLOCKS = ("exact", "uniform", "normal", "shortened", "missed")
NOISE = ("poisson", "heavy", "bursts", "few")


def times_of(random, kind):
    begin, end = random.choice([0, 20000]), random.choice([DAY, 60000])
    interval = 10 ** random.uniform(1.2, 3.7)
    jitter = random.choice([0, .01, .05, .2, .5])
    if kind == "few":
        times = random.uniform(begin, end, random.integers(5, 40))
    elif kind == "bursts":
        times = numpy.concatenate([at + numpy.cumsum(random.exponential(random.uniform(.5, 30),
                                                                        random.integers(1, 20)))
                                   for at in random.uniform(begin, end, random.integers(2, 60))])
    else:
        count = int(3 * (end - begin) / interval) + 4
        times = begin + numpy.cumsum(gaps_of(random, kind, interval, jitter, count))
    return numpy.unique(times[times < end].astype(int))


def sizes_of(random, kind, count):
    middle = 10 ** random.uniform(1.5, 6)
    if kind == "one":
        sizes = numpy.full(count, middle)
    elif kind == "near":
        sizes = middle * numpy.exp(.02 * random.normal(size=count))
    elif kind == "three":
        sizes = random.choice([middle, 1.5 * middle, .3 * middle], count, p=[.5, .3, .2])
    elif kind == "orders": # now and then there is something to do
        sizes = middle + (random.random(count) < .1) * middle * random.exponential(3, count)
    else:
        sizes = numpy.exp(random.normal(math.log(middle), random.uniform(.1, 2), count)) * \
            (random.random(count) < .9)
    return sizes.astype(int)


SIZES = ("one", "near", "three", "orders", "any")


def simulated(seed, each):
    random = numpy.random.default_rng(seed)
    for kind in CLOCKS + NOISE:
        made = 0
        while made < each:
            times = times_of(random, kind)
            busiest = numpy.bincount(times // 3600, minlength=24).max() if len(times) else 0
            if len(times) >= 4 and busiest < 256:
                made += 1
                yield kind, times, sizes_of(random, SIZES[made % len(SIZES)], len(times))


# --- the tests -----------------------------------------------------------------------------------


class Estimators(unittest.TestCase):
    def near(self, mine, theirs, what):
        self.assertLessEqual(abs(mine - theirs), NEAR * max(1, abs(theirs)), (what, mine, theirs))

    def test_growth(self):
        random = numpy.random.default_rng(1)
        series = []
        for shift in (0, 0, .5, 1, 3, -2):
            values = random.normal(random.uniform(10, 40), random.uniform(.05, 3), 120)
            values[60:] += shift
            series.append([storable(value) for value in values])
        told = said_of("cusum", [["%.17g" % value for value in values] for values in series])
        for values, numbers in zip(series, told):
            for i, expected in enumerate(cusum_of(values)):
                for mine, theirs in zip(expected, numbers[4 * i:4 * i + 4]):
                    self.near(mine, theirs, i)

    def test_how_long_until_growth_is_seen(self):
        """Pairs whose days spread by half an octave or by one: how often C > 5 when nothing grows, and
        the days until it is when the bytes grow by half, or double, for good from day 60 on."""
        random = numpy.random.default_rng(2)
        for spread, growth, most in ((.5, 1.5, 30), (.5, 2, 10), (1, 2, 30), (1, 4, 10)):
            series = random.normal(20, spread, (400, 120))
            series[200:, 60:] += math.log2(growth)
            told = said_of("cusum", [["%.9g" % value for value in values] for values in series])
            seen = numpy.array([numbers[::4] for numbers in told]) > 5
            idle = seen[:200, 30:].mean()
            days = numpy.median([numpy.argmax(one) + 1 if one.any() else 60 for one in seen[200:, 60:]])
            print("\nspread %.1f octaves: C > 5 on %.4f of days at rest, and %d days after × %.1f" %
                  (spread, idle, days, growth), end="")
            self.assertLess(idle, .02)
            self.assertLessEqual(days, most)

    def test_ratio(self):
        random = numpy.random.default_rng(3)
        hours = [(int(o), int(i)) for o, i in zip(10 ** random.uniform(3, 9, 400),
                                                  10 ** random.uniform(3, 9, 400))]
        hours += [(0, 0), (1 << 20, 0), ((1 << 20) - 1, 0), (0, 1 << 30)]
        told = said_of("ratio", [["%d %d" % hour for hour in hours]])[0]
        learned = []
        for n, (out, into) in enumerate(hours):
            week, expected, k = n // 20, 1, self.ratio_bin(out, into)
            if out >= 1 << 20:
                newest = learned[-1][0] if learned else week
                weights = [self.weight(week, newest, at) for at, _ in learned]
                above = sum(w for w, (_, b) in zip(weights, learned) if b >= k)
                expected = (above + 10 * (41 - k) / 41) / (sum(weights) + 10)
            self.near(expected, told[n], n)
            if out + into >= 65536:
                learned.append((week, k))

    @staticmethod
    def ratio_bin(out, into):
        return (80 * out + out + into) // (2 * (out + into)) if out + into else 0

    @staticmethod
    def weight(week, newest, at):
        """2930 is the week of hour 0; weeks are joined in twos and eights as newer ones come."""
        week, newest, at = week + 2930, newest + 2930, at + 2930
        if at // 8 < newest // 8:
            at = at // 8 * 8 + 4
        elif at // 2 < newest // 2:
            at |= 1
        return 0 if week - at > 26 else 2 ** (-max(0, week - at) / 4)

    def test_novelty(self):
        random = numpy.random.default_rng(4)
        few = ["d%d.example" % i for i in random.zipf(2, 200) if i < 48]
        many = ["d%d.example" % i for i in random.zipf(1.3, 20000)]
        for names, exact in ((few, True), (many, False)):
            met = {}
            for name in names:
                met[name] = met.get(name, 0) + 1
            once = sum(count == 1 for count in met.values())
            contacts, told, level = said_of("novelty", [names])[0]
            self.assertEqual(contacts, len(names))
            if exact:
                self.assertEqual((told, level), (once, 0))
            else: # four standard errors
                self.assertGreater(level, 0)
                self.assertLess(abs(told - once), 4 * math.sqrt(once * 2 ** level))
            shuffled = list(random.permutation(names))
            self.assertEqual(said_of("novelty", [shuffled])[0], [contacts, told, level])

    def test_rhythm(self):
        errors, packed, compared = {}, [], 0
        cases = list(simulated(5, 100))
        told = said_of("rhythm", [["%d:%d" % start for start in zip(times, sizes)]
                                  for _, times, sizes in cases])
        for (kind, times, sizes), numbers in zip(cases, told):
            gaps = numpy.diff(times)
            hours, duration = hours_and_duration(times)
            self.near(hours, numbers[2], (kind, "hours"))
            self.near(duration, numbers[3], (kind, "duration"))
            for values, unknown, at in ((gaps, 1, 0), (sizes, 0, 1)):
                binned, halvings = binned_regularity(values, unknown)
                self.assertEqual(halvings, numbers[6 + at])
                self.near(binned, numbers[at], (kind, at, list(values)))
                compared += 1
            exact = (regularity(gaps, 1) + regularity(sizes, 0) + hours + duration) / 4
            errors.setdefault(kind, []).append(abs(exact - numbers[4]))
            packed.append(numbers[8])
        self.assertEqual(compared, 2 * len(cases))
        print("\nmean error by kind: %s" % ", ".join("%s %.4f" % (kind, numpy.mean(error))
                                                     for kind, error in errors.items()))
        every = numpy.concatenate(list(errors.values()))
        print("mean %.4f, 95 %% %.4f, worst %.4f; packed: mean %.0f, most %d bytes" %
              (every.mean(), numpy.quantile(every, .95), every.max(), numpy.mean(packed), max(packed)))
        self.assertLess(every.mean(), .01)
        for kind in CLOCKS:
            self.assertLess(numpy.mean(errors[kind]), .01, kind)


if __name__ == "__main__":
    unittest.main(verbosity=2)
