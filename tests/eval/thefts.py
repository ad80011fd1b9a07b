"""What is stolen from a fleet, as rows of its log. Packets of thefts that a log cannot say: wire.py.

Needs numpy.
"""

import numpy

from rows import DAY, HOUR, MB, QUIET_DAYS, START, Attack, inside

KINDS = ("bulk-new", "bulk-trusted", "off-hours", "slow-new", "slow-trusted", "boiling-frog", "beacon-stage")
MORE_KINDS = ("cold-host", "served-theft", "beacon-only")
PUBLIC_SERVER, SHARED_SERVER = 0, 1  # of a fleet's servers: hourly new client networks; 200 known ones


class Thefts:
    """A part of Fleet."""

    def make_attacks(self, count, kinds):
        """Each victim is robbed once; who it is does not depend on which kinds there are."""
        hosts = [host for host in self.hosts if host.first_day == 0]
        victims = [hosts[place] for place in self.evil.permutation(len(hosts))]
        for kind in kinds:
            make = getattr(self, "attack_" + kind.replace("-", "_"))
            for n in range(count):
                if kind in ("cold-host", "served-theft"):
                    make(n)
                else:
                    make(victims[((KINDS + MORE_KINDS).index(kind) * count + n) % len(victims)])

    def steal(self, kind, host, remote, rows):
        """rows: (start, duration, bytes)."""
        attack = Attack(kind, host, remote, rows[0][0], max(start + lasts for start, lasts, _ in rows),
                        sum(size for _, _, size in rows), rows)
        self.attacks.append(attack)
        if self.packets and kind in ("bulk-new", "bulk-trusted"):
            self.uploads += [(begin, lasts, host, int(remote), size) for begin, lasts, size in rows]
            return
        start, lasts, sizes = (numpy.array(column, dtype=float) for column in zip(*rows))
        self.rows.add(start, host, remote, 443, lasts, numpy.rint(sizes), numpy.rint(sizes / 40 + 2000))

    def trusted(self, host):
        """One of the three that it uses most."""
        order = numpy.argsort(-host.use)
        return host.remotes[int(self.evil.choice(order[:3]))]

    def work_time(self, host, first, last):
        """An hour in which somebody is there, of a day in [first, last)."""
        hours = numpy.flatnonzero(self.active[host.index].ravel())
        hours = hours[(hours >= first * 24) & (hours < last * 24)]
        hour = int(self.evil.choice(hours)) if len(hours) else first * 24 + 10
        return START + hour * HOUR + self.evil.uniform(0, 1800)

    def log_size(self, low, high):
        return float(numpy.exp(self.evil.uniform(numpy.log(low), numpy.log(high))))

    def bulk_rows(self, start, size):
        return [(start, max(20.0, min(5400.0, size / self.evil.uniform(1e6, 1e7))), size)]

    def attack_bulk_new(self, host):
        start = self.work_time(host, QUIET_DAYS, self.days - 2)
        self.steal("bulk-new", host.ip, self.new_remote(), self.bulk_rows(start, self.log_size(20 * MB, 5000 * MB)))

    def attack_bulk_trusted(self, host):
        start = self.work_time(host, QUIET_DAYS, self.days - 2)
        self.steal("bulk-trusted", host.ip, self.trusted(host),
                   self.bulk_rows(start, self.log_size(50 * MB, 10_000 * MB)))

    def attack_off_hours(self, host):
        day = int(self.evil.integers(QUIET_DAYS, self.days - 3))
        quiet = numpy.flatnonzero(~self.active[host.index][day])
        hour = int(self.evil.choice(quiet[quiet < 6] if (quiet < 6).any() else numpy.arange(6)))
        remote = self.trusted(host) if self.evil.random() < .5 else self.new_remote()
        self.steal("off-hours", host.ip, remote,
                   self.bulk_rows(START + day * DAY + hour * HOUR, self.log_size(2 * MB, 500 * MB)))

    def slow_rows(self, host, first, sizes):
        """Each day's part in one to three connections while somebody is there."""
        rows = []
        for day, size in enumerate(sizes, first):
            parts = int(self.evil.integers(1, 4))
            for _ in range(parts):
                rows.append((self.work_time(host, day, day + 1), float(self.evil.uniform(5, 600)), size / parts))
        return sorted(rows)

    def attack_slow_new(self, host):
        first, daily = int(self.evil.integers(QUIET_DAYS, self.days - 14)), self.log_size(1 * MB, 20 * MB)
        sizes = daily * numpy.exp(self.evil.normal(0, .2, 14))
        self.steal("slow-new", host.ip, self.new_remote(), self.slow_rows(host, first, sizes))

    def attack_slow_trusted(self, host):
        first, daily = int(self.evil.integers(QUIET_DAYS, self.days - 14)), self.log_size(5 * MB, 100 * MB)
        sizes = daily * numpy.exp(self.evil.normal(0, .2, 14))
        self.steal("slow-trusted", host.ip, self.trusted(host), self.slow_rows(host, first, sizes))

    def attack_boiling_frog(self, host):
        """Some 30 % more a day, from 200 kB on."""
        first = int(self.evil.integers(QUIET_DAYS, self.days - 20))
        sizes = 200_000 * self.evil.uniform(1.2, 1.4) ** numpy.arange(20) * numpy.exp(
            self.evil.normal(0, .15, 20))
        remote = self.trusted(host) if self.evil.random() < .5 else self.new_remote()
        self.steal("boiling-frog", host.ip, remote, self.slow_rows(host, first, sizes))

    def attack_beacon_stage(self, host):
        """A week of regular calls, then what was gathered."""
        first, period = int(self.evil.integers(QUIET_DAYS, self.days - 9)), self.evil.uniform(300, 1200)
        times = numpy.arange(START + first * DAY + self.evil.uniform(0, DAY), START + (first + 7) * DAY, period)
        times = times + self.evil.uniform(0, .1 * period, len(times))
        rows = [(float(time), 1.0, float(self.evil.lognormal(6.5, .1))) for time in times]
        rows += self.bulk_rows(self.work_time(host, first + 7, first + 8), self.log_size(10 * MB, 500 * MB))
        self.steal("beacon-stage", host.ip, self.new_remote(), rows)

    def attack_beacon_only(self, host):
        """A week of regular calls of a few hundred bytes, of a machine that stays on or one that does not."""
        first, period = int(self.evil.integers(QUIET_DAYS, self.days - 9)), self.log_size(60, 3600)
        times = numpy.arange(START + first * DAY + self.evil.uniform(0, DAY), START + (first + 7) * DAY, period)
        times = times + self.evil.uniform(0, self.evil.uniform(0, .25) * period + .01, len(times))
        if self.evil.random() < .5:
            there = self.active[host.index].ravel()[((times - START) // HOUR).astype(int)]
            times = times[there] if there.sum() > 10 else times
        sizes = self.evil.lognormal(self.evil.uniform(5.5, 7.5), self.evil.uniform(.05, .5), len(times))
        self.steal("beacon-only", host.ip, self.new_remote(),
                   [(float(time), 1.0, float(size)) for time, size in zip(times, sizes)])

    def attack_cold_host(self, n):
        """A machine that nobody has seen before, in its first three days."""
        first = int(self.evil.integers(QUIET_DAYS, self.days - 4))
        ip = inside(5000 + n)
        hours = first * 24 + numpy.concatenate([day * 24 + numpy.arange(9, 17) for day in range(3)])
        for remote in self.evil.choice(self.services, 4):
            self.send(ip, self.times_of(self.evil, hours), remote,
                      self.evil.lognormal(11, 1, len(hours)), self.evil)
        start = START + (first + 1) * DAY + int(self.evil.integers(9, 30)) * HOUR
        self.steal("cold-host", ip, self.new_remote(), self.bulk_rows(start, self.log_size(20 * MB, 2000 * MB)))

    def attack_served_theft(self, _n):
        """An account that somebody else has: a new network takes 1 to 8 MB of the shared server."""
        day = int(self.evil.integers(QUIET_DAYS, self.days - 3))
        size, client = self.log_size(1 * MB, 8 * MB), self.new_remote()
        start = START + day * DAY + self.evil.uniform(8, 18) * HOUR
        lasts = float(self.evil.uniform(60, 1800))
        self.rows.add(start, client, self.servers[SHARED_SERVER], 443, lasts, 20_000, round(size))
        self.attacks.append(Attack("served-theft", self.servers[SHARED_SERVER], client, start, start + lasts,
                                   round(size), [(start, lasts, size)]))
