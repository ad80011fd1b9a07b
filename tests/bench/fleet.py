#!/usr/bin/env python3
"""A fleet that nobody here has: what waits for what, by the service times that were measured (docs/scale.md).

    tests/bench/fleet.py [--sensors 1000] [--hosts 3000000] [--shards 17] [--put-us 211] … [--seed 1]

Each server takes one command after the other, in the order of their arrival, and each command as long as it was
measured to take: a queue of one server and no chance but in who comes when. One ordinary primary is gone through and
the one with the shared keys, since the others are like the first. The network costs nothing, and sensors make
commands as fast as servers take them: what is printed is how long at least.

It prints a table of lags, in seconds: half of all, 99 of 100, and the longest. No test: tests/golden/test_scale.py
holds its arithmetic against what is known of such queues."""
import argparse
import collections
import heapq
import random

MINUTE, HOUR = 60.0, 3600.0
ASK_AGAIN = 0.2  # while somebody is not complete
PHASES = 12  # of a minute, at one of which a sensor writes: by its name (sensor/engine/engine.c, phase_of)
US = 1e-6

Fleet = collections.namedtuple("Fleet", "sensors hosts views minutes shards put_us close_us closer_us take_us "
                                        "ask_us ask_each_us table_mb link_mbit away_s seed")
DEFAULTS = Fleet(
    sensors=1000, hosts=3_000_000,  # that send in an hour
    views=2,      # sensors that see a host
    minutes=10,   # of an hour, in which a host sends
    shards=17,
    put_us=211,   # twelve destinations of a host that another sensor sees, too
    close_us=70,  # a host-hour, of its primary
    closer_us=256,  # … of the one that closes: 3,910 a second
    take_us=18,   # a profile of 12.7 kB that a sensor reads again
    ask_us=20, ask_each_us=1.16,  # "is the hour closed?": and for each sensor that there is
    table_mb=9.6, link_mbit=10_000,
    away_s=30,    # a primary that died, until its replica answers
    seed=1)


# --- queues -----------------------------------------------------------------------------------------

def serve(jobs, pauses=()):
    """Jobs (arrival, seconds of service), by arrival, at one server that does nothing in the pauses (from, to):
    what is being served then begins anew. Yields (arrival, end)."""
    free = 0.0
    for arrival, service in jobs:
        begin = max(arrival, free)
        for start, stop in pauses:
            if begin < stop and begin + service > start:
                begin = stop
        free = begin + service
        yield arrival, free


def lags(served):
    return sorted(end - arrival for arrival, end in served)


def percentile(ordered, share):
    """Of so large a share none is larger; 0 of none."""
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)] if ordered else 0.0


def poisson(rate, seconds, rng):
    at = rng.expovariate(rate)
    while at < seconds:
        yield at
        at += rng.expovariate(rate)


def ask_round(asking, service, seconds, others=()):
    """So many that ask again ASK_AGAIN behind each answer, at one server, among other jobs (arrival, service). The
    lags of what was asked, those of the others, and the server's share that was busy."""
    waiting = [(i * ASK_AGAIN / max(asking, 1), 0, service) for i in range(asking)]
    waiting += [(arrival, 1, work) for arrival, work in others]
    heapq.heapify(waiting)
    free = busy = 0.0
    lag = ([], [])
    while waiting and waiting[0][0] < seconds:
        arrival, kind, work = heapq.heappop(waiting)
        free = max(arrival, free) + work
        busy += work
        lag[kind].append(free - arrival)
        if kind == 0:
            heapq.heappush(waiting, (free + ASK_AGAIN, 0, service))
    return sorted(lag[0]), sorted(lag[1]), busy / max(seconds, free)


# --- a fleet's work ---------------------------------------------------------------------------------

def puts_a_minute(fleet):
    """Commands of all sensors."""
    return fleet.hosts * fleet.views * fleet.minutes / (HOUR / MINUTE)


def writes(fleet, rng, minutes, phases, first=0):
    """What one primary is sent of each minute's totals, at so many moments of it, by which sensors are parted evenly (1:
    all at the minute); 0: each at a moment of its own. By arrival."""
    share = puts_a_minute(fleet) / fleet.shards
    for minute in range(first, first + minutes):
        count = round(rng.gauss(share, share ** 0.5))
        if phases:
            at = sorted(i % phases * MINUTE / phases for i in range(count))
        else:
            at = sorted(rng.uniform(0, MINUTE) for _ in range(count))
        for second in at:
            yield minute * MINUTE + second, fleet.put_us * US


def write_lags(fleet, phases):
    return lags(serve(writes(fleet, random.Random(fleet.seed), 15, phases)))


def closed_hosts(fleet, begins):
    """One primary's part of what the closer goes through, a host after the other."""
    rng = random.Random(fleet.seed + 1)
    of_primary = fleet.closer_us * US * fleet.shards
    at = begins + rng.uniform(0, of_primary)
    for _ in range(fleet.hosts // fleet.shards):
        yield at, fleet.close_us * US
        at += of_primary


def close_lags(fleet):
    """Seconds behind the moment at which an hour is due: until a host's hour is learned, until the tables are there
    for all, and until a sensor that saw it has its profile."""
    last_totals = max(end for _, end in serve(writes(fleet, random.Random(fleet.seed), 1, 1)))  # when it is due
    minutes = int((last_totals + fleet.hosts * fleet.closer_us * US) // MINUTE)
    later = writes(fleet, random.Random(fleet.seed + 2), minutes, PHASES, first=1)
    jobs = heapq.merge(((at, service, False) for at, service in later),
                       ((at, service, True) for at, service in closed_hosts(fleet, last_totals)))
    kinds = []
    served = serve((kinds.append(learns) or (at, service)) for at, service, learns in jobs)
    learned = sorted(end for (_, end), learns in zip(served, kinds) if learns)
    table = fleet.table_mb * 8 / fleet.link_mbit
    tables = [learned[-1] + (i + 1) * table for i in range(fleet.sensors)]
    count = fleet.hosts * fleet.views // fleet.shards
    asked = ((tables[i * fleet.sensors // count], fleet.take_us * US) for i in range(count))
    return learned, tables, sorted(end for _, end in serve(asked))


def outage_lags(fleet):
    """A primary goes in the second minute: the store is away for all, and when it is there again each sensor puts
    its open hour again, whole. What was to be written is there so much later."""
    rng = random.Random(fleet.seed)
    gone, back = MINUTE + 1, MINUTE + 1 + fleet.away_s
    share = fleet.hosts * fleet.views // fleet.shards
    again = ((back, fleet.put_us * US) for _ in range(share))
    usual = (job for job in writes(fleet, rng, 8, PHASES) if not gone <= job[0] < back)
    served = list(serve(heapq.merge(usual, again), [(gone, back)]))
    return lags(one for one in served if one[0] >= back), max(end for arrival, end in served if arrival == back) - back


def wait_lags(fleet, sensors):
    """Everybody asks for the one that is not complete, on the primary with the shared keys, which has its part of
    what is written, too."""
    rng = random.Random(fleet.seed)
    others = writes(fleet._replace(hosts=fleet.hosts * sensors // fleet.sensors), rng, 2, 0)
    return ask_round(sensors - 1, (fleet.ask_us + fleet.ask_each_us * sensors) * US, 2 * MINUTE, others)


# --- the table --------------------------------------------------------------------------------------

def figure(seconds):
    if seconds < 0.0995:
        return f"{1000 * seconds:.2g} ms" if seconds < 0.00995 else f"{1000 * seconds:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 99.95 else f"{seconds / 60:.1f} min"


def row(what, ordered):
    half, most, longest = (figure(percentile(ordered, share)) for share in (0.5, 0.99, 1))
    return f"| {what} | {half} | {most} | {longest} |"


def table(fleet):
    learned, tables, taken = close_lags(fleet)
    again, whole = outage_lags(fleet)
    rows = ["| | half | 99 % | longest |", "|---|---|---|---|",
            row(f"a minute's totals, each sensor at one of {PHASES} moments of it", write_lags(fleet, PHASES)),
            row("the same, all sensors at the minute", write_lags(fleet, 1)),
            row("the same, each sensor at a moment of its own", write_lags(fleet, 0)),
            row("an hour is due → a host's hour is learned", learned),
            row("… → a sensor has the tables", tables),
            row("… → a sensor has a host's new profile", taken),
            row(f"a primary away for {fleet.away_s} s: totals written after it", again),
            row("… all open totals are there again", [whole])]
    for sensors in (100, 300, 1000):
        asked, others, busy = wait_lags(fleet, sensors)
        rows.append(row(f"{sensors:,} sensors wait for one: their asking ({100 * busy:.0f} % of its server)", asked))
        rows.append(row("… totals written there meanwhile", others))
    return "\n".join(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, value in DEFAULTS._asdict().items():
        parser.add_argument("--" + name.replace("_", "-"), type=type(value), default=value)
    print(table(Fleet(**vars(parser.parse_args()))))


if __name__ == "__main__":
    main()
