"""What others do, computed on the same rows: an EWMA z-score of a host's day, so many megabytes an hour to one
destination, and RITA's beacon score. Each gives signs, (time, host, remote or None, evidence); a threshold is
what makes a method alarm as often as was asked for on a fleet from which nothing is stolen. Thresholds are
theirs, never ours: each method gets the one that suits this very fleet, without its attacks.

Needs numpy.
"""

import collections

import numpy

from fleet import DAY, HOUR, QUIET_DAYS, START

SILENT = 7 * DAY  # after an alarm a host is silent, unless the evidence has grown …
GROWN = 1.3       # … by this factor


def is_inside(ip):
    return ip.astype(numpy.int64) >> 24 == 10


def out_rows(table):
    """(time, host, remote, bytes out), whoever opened the connection."""
    opened = is_inside(table["orig"])
    return (table["ts"], numpy.where(opened, table["orig"], table["resp"]),
            numpy.where(opened, table["resp"], table["orig"]), numpy.where(opened, table["sent"], table["got"]))


def sums(keys, values):
    """Sums by distinct rows of keys."""
    distinct, place = numpy.unique(keys, axis=0, return_inverse=True)
    return distinct, numpy.bincount(place.ravel(), weights=values)


def ewma(table, _fleet):
    """z of the day so far, each hour, against a mean and a variance that forget a tenth each day."""
    time, host, _, out = out_rows(table)
    hour = ((time - START) // HOUR).astype(int)
    keys, totals = sums(numpy.stack([host, hour], axis=1), out)
    by_host = collections.defaultdict(dict)
    for (ip, at), total in zip(keys.astype(int).tolist(), totals):
        by_host[ip].setdefault(at // 24, []).append((at, total))
    signs = []
    for ip, days in by_host.items():
        mean, variance = 0.0, 0.0
        for seen, day in enumerate(sorted(days)):
            total = 0.0
            for at, size in days[day]:
                total += size
                if seen >= 5:
                    spread = max(variance ** .5, .05 * mean, 1.0)
                    signs.append((START + (at + 1) * HOUR, ip, None, (total - mean) / spread))
            step = 1 / min(seen + 1, 10)
            variance = (1 - step) * (variance + step * (total - mean) ** 2)
            mean += step * (total - mean)
    return signs


def fixed(table, fleet):
    """Bytes an hour to one destination; the backup service is on a list."""
    time, host, remote, out = out_rows(table)
    hour = ((time - START) // HOUR).astype(int)
    keys, totals = sums(numpy.stack([host, remote, hour], axis=1), out)
    return [(START + (at + 1) * HOUR, ip, to, size) for (ip, to, at), size in zip(keys.astype(int).tolist(), totals)
            if to != fleet.backup_remote]


def skew_and_spread(values, floor, empty):
    """((1 − |Bowley|) + (median − MAD)/median)/2, with RITA's exceptions."""
    low, median, high = numpy.percentile(values, [25, 50, 75])
    bowley = 0.0 if high - low < 10 or median in (low, high) else (high + low - 2 * median) / (high - low)
    mad = numpy.median(numpy.abs(values - median))
    spread = empty if median < floor else max(0.0, (median - mad) / median)
    return ((1 - abs(bowley)) + spread) / 2


KNOWN = {}  # what was computed for the same connections of another fleet of this seed


def rita_known(times, sizes):
    key = hash((times.tobytes(), sizes.tobytes()))
    if key not in KNOWN:
        KNOWN[key] = rita_day(times, sizes)
    return KNOWN[key]


def rita_day(times, sizes):
    """The published form of v5, for the connections of one pair and day."""
    distinct = numpy.unique(times.astype(int))
    if len(distinct) < 4:
        return 0.0
    hours = numpy.bincount(((times - START) // HOUR).astype(int) % 24, minlength=24)
    bars = numpy.count_nonzero(hours)
    even = max(0.0, 1 - hours.std() / hours.mean())
    if bars >= 11:
        modes = [count for _, count in collections.Counter(hours[hours > 0].tolist()).most_common(2)]
        even = max(even, min(1.0, (sum(modes) - 1) / max(1, bars - 1)))
    run = longest = 0
    for count in hours:
        run = run + 1 if count else 0
        longest = max(longest, run)
    lasts = min(1.0, max((times.max() - times.min()) / DAY, longest / 12)) if bars >= 6 else 0.0
    return (skew_and_spread(numpy.diff(distinct), 1, 1.0) + skew_and_spread(sizes, 1, 0.0) + even + lasts) / 4


def rita(table, fleet):
    """At a day's end; rarer and newer destinations count for more."""
    time, host, remote, out = out_rows(table)
    day = ((time - START) // DAY).astype(int)
    order = numpy.lexsort((time, day, remote, host))
    time, host, remote, out, day = (column[order] for column in (time, host, remote, out, day))
    keys = numpy.stack([host, remote, day], axis=1)
    begins = numpy.flatnonzero(numpy.any(numpy.diff(keys, axis=0) != 0, axis=1)) + 1
    begins = numpy.concatenate([[0], begins, [len(time)]])
    users, first = collections.defaultdict(set), {}
    for ip, to, at in keys[begins[:-1]].astype(int).tolist():
        users[to].add(ip)
        first[to] = min(at, first.get(to, at))
    signs = []
    for a, b in zip(begins[:-1], begins[1:]):
        if b - a < 4:
            continue
        ip, to, at = (int(column[a]) for column in (host, remote, day))
        score = rita_known(time[a:b], out[a:b])
        share = len(users[to]) / len(fleet.hosts)
        score += .15 if share <= .02 else -.15 if share >= .5 else 0
        score += .15 if at - first[to] <= 7 else -.15 if at - first[to] >= 30 else 0
        signs.append((START + (at + 1) * DAY, ip, to, score))
    return signs


METHODS = {"EWMA z-score": ewma, "fixed MB/h": fixed, "RITA beacon": rita}


def alarms(signs, threshold):
    """In order of time; a host is silent for a week unless the evidence has grown."""
    last, found = {}, []
    for time, host, remote, evidence in signs:
        if evidence < threshold or time < START + QUIET_DAYS * DAY:
            continue
        before = last.get(host)
        if before and time - before[0] < SILENT and evidence < GROWN * before[1]:
            continue
        last[host] = (time, evidence)
        found.append((time, host, remote, evidence))
    return found


def threshold_for(signs, wanted):
    """The lowest that gives no more than `wanted` alarms; `signs` of a fleet without attacks."""
    levels = sorted({evidence for time, _, _, evidence in signs if time >= START + QUIET_DAYS * DAY}, reverse=True)
    low, high = 0, min(len(levels), int(50 * wanted + 200))
    while high - low > 1:
        middle = (low + high) // 2
        if len(alarms(signs, levels[middle])) <= wanted:
            low = middle
        else:
            high = middle
    return levels[low]
