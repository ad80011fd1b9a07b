#!/usr/bin/env python3
"""A conn.log of a site's weeks or years, for measuring what a line of it costs: the same bytes for the same words.

    tests/bench/conn_log.py --hosts 500 --days 365 --lines 20000000 conn.log.gz

Three in four hosts keep office hours, the others are on all the time. A connection goes to one of some ten services
of the host's own choice, most of them used by many, a few by none but it; one in 60 goes to where nobody was before,
for a day or two. In the order of their ends, as Zeek writes them. Needs numpy; some 3 µs a line."""

import argparse
import gzip
import io
import os
import sys

try:
    import numpy
except ImportError: # Debian's numpy is for Debian's Python
    if sys.executable == "/usr/bin/python3" or not os.path.exists("/usr/bin/python3"):
        raise
    os.execv("/usr/bin/python3", ["/usr/bin/python3"] + sys.argv)

START, DAY = 1_767_571_200, 86400 # Monday 2026-01-05 00:00 UTC
FIELDS = ("ts uid id.orig_h id.orig_p id.resp_h id.resp_p proto service duration orig_bytes resp_bytes conn_state "
          "local_orig local_resp missed_bytes history orig_pkts orig_ip_bytes resp_pkts resp_ip_bytes tunnel_parents")
TYPES = ("time string addr port addr port enum string interval count count string bool bool count string count count "
         "count count set[string]")
HEAD = "".join(f"#{line}\n" for line in (
    "separator \\x09", "set_separator\t,", "empty_field\t(empty)", "unset_field\t-", "path\tconn",
    "open\t2026-01-05-00-00-00", "fields\t" + FIELDS.replace(" ", "\t"), "types\t" + TYPES.replace(" ", "\t")))
ROW = ("%.6f\tC%x\t10.1.%d.%d\t%d\t%s\t443\ttcp\tssl\t%.6f\t%d\t%d\tSF\tT\tF\t0\tShADadFf\t%d\t%d\t%d\t%d\t-\n")
SHARED, CHOSEN, OWN, NEW = 60, 8, 3, 1 / 60
OFFICE = numpy.array([.1] * 7 + [2, 8, 10, 10, 10, 6, 9, 10, 10, 9, 6, 2] + [.1] * 5)


def outside(number):
    return f"{50 + number // 65536}.{number // 256 % 256}.{number % 256}.9"


class Site:
    def __init__(self, hosts, seed):
        self.rng = rng = numpy.random.default_rng([seed, hosts])
        self.hosts = hosts
        self.always_on = rng.random(hosts) < .25
        popular = 1 / numpy.arange(1, SHARED + 1) ** .8
        shared = [rng.choice(SHARED, CHOSEN, replace=False, p=popular / popular.sum()) for _ in range(hosts)]
        own = SHARED + numpy.arange(hosts * OWN).reshape(hosts, OWN)
        self.remotes = numpy.concatenate([shared, own], axis=1)
        self.median = rng.normal(8.5, 1.3, self.remotes.shape) # natural logarithm of bytes a connection
        self.known = [outside(n) for n in range(SHARED + hosts * OWN)]
        self.fresh = [self.new_remote() for _ in range(hosts)]

    def new_remote(self):
        self.known.append(outside(len(self.known)))
        return len(self.known) - 1

    def hours(self, on, count):
        """Of so many connections."""
        share = numpy.full(24, 1 / 24) if on else OFFICE / OFFICE.sum()
        return self.rng.choice(24, count, p=share)

    def day(self, day, lines):
        """Columns of the connections that begin on that day."""
        rng, weekend = self.rng, day % 7 >= 5
        weight = numpy.where(self.always_on, 1, .02 if weekend else 1)
        host = rng.choice(self.hosts, lines, p=weight / weight.sum())
        on = self.always_on[host]
        hour = numpy.where(on, self.hours(True, lines), self.hours(False, lines))
        start = START + day * DAY + hour * 3600 + rng.uniform(0, 3600, lines)
        lasts = rng.lognormal(1.5, 1.8, lines).clip(.05, 4000)
        which = rng.integers(0, CHOSEN + OWN, lines)
        sent = numpy.exp(self.median[host, which] + rng.normal(0, 1, lines)).clip(60, 5e9).astype(int)
        got = (sent * rng.lognormal(.8, 1.2, lines) + 1500).astype(int)
        remote = self.remotes[host, which]
        for n in numpy.flatnonzero(rng.random(self.hosts) < .6):
            self.fresh[n] = self.new_remote()
        new = rng.random(lines) < NEW
        remote[new] = numpy.array(self.fresh)[host[new]]
        return numpy.array([start, lasts, host, rng.integers(30000, 60000, lines), remote, sent, got])

    def rows(self, days, lines):
        """In the order of their ends; what goes on beyond a day is written with those of the next."""
        working = numpy.array([self.always_on.mean() if day % 7 >= 5 else 1 for day in range(days)])
        share = numpy.diff(numpy.floor(numpy.concatenate([[0], working.cumsum()]) / working.sum() * lines)).astype(int)
        waiting = numpy.empty((7, 0))
        for day in range(days):
            table = numpy.concatenate([waiting, self.day(day, share[day])], axis=1)
            ends = table[0] + table[1]
            table = table[:, numpy.argsort(ends, kind="stable")]
            over = numpy.sum(ends < START + (day + 1) * DAY) if day + 1 < days else len(ends)
            waiting = table[:, over:]
            yield from zip(*(column.tolist() for column in table[:, :over]))


def write(out, rows, known):
    out.write(HEAD)
    for n, (start, lasts, host, port, remote, sent, got) in enumerate(rows):
        packets, answers = sent // 1400 + 3, got // 1400 + 3
        out.write(ROW % (start, n, host // 200, host % 200 + 10, port, known[int(remote)], lasts, sent, got, packets,
                         sent + 40 * packets, answers, got + 40 * answers))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=500)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--lines", type=int, default=20_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("file")
    o = parser.parse_args()
    site = Site(o.hosts, o.seed)
    with open(o.file, "wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed:
        buffered = io.TextIOWrapper(packed, encoding="ascii", newline="\n")
        write(buffered, site.rows(o.days, o.lines), site.known)
        buffered.flush()


if __name__ == "__main__":
    main()
