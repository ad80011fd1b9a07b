"""A simulated fleet: what its hosts send in five weeks, and what is stolen from some of them, as rows of a
conn log.

Nothing here knows how anything is detected: no threshold, bin, or share of the detectors is used or hinted at,
and nothing may be changed to make a figure better. Sizes, rhythms and rates are those that published
descriptions of office traffic and shared/detection.md name: bulk uploads with a Pareto-1.2 tail, nightly backup
agents, a service that is rolled out, a holiday, a quarter's end, hosts that join late, new vendors that recur.

Seeds: `Fleet("tuning", n)` and `Fleet("heldout", n)` draw from different streams for every n. Whoever changes a
constant of the detectors looks at the first only; what is published comes from the second.

Needs numpy.
"""

import zlib

import numpy

import rows
from rows import DAY, HOUR, MB, QUIET_DAYS, START, Rows, inside, outside
from thefts import KINDS, MORE_KINDS, Thefts

SETS = ("tuning", "heldout")


class Host:
    """Who works at it, when, and with which services."""

    def __init__(self, rng, index, fleet):
        self.index, self.ip = index, inside(index)
        self.role = rng.choice(["office", "developer", "shift", "server"], p=[.72, .13, .08, .07])
        self.first_day = int(rng.integers(8, 21)) if rng.random() < .05 else 0
        self.level = rng.normal(0, .5)
        self.offset = int(rng.integers(-1, 2))
        self.shift = int(rng.integers(0, 3))
        self.finance = rng.random() < .25
        popular = rng.choice(fleet.services, size=int(3 + rng.poisson(7)), p=fleet.popularity)
        own = [fleet.new_remote() for _ in range(1 + rng.poisson(3))]
        colleagues = rng.choice(fleet.niche, size=int(rng.poisson(2)))
        self.remotes = list(dict.fromkeys([*popular, *own, *colleagues]))
        self.use = rng.beta(1.2, 3, size=len(self.remotes)) * .9 + .03
        self.median = rng.normal(11.0, 1.3, size=len(self.remotes))  # natural log of bytes an hour
        self.median[numpy.isin(self.remotes, fleet.storage)] += 2.5
        self.sigma = rng.uniform(.7, 1.5, size=len(self.remotes))

    def active(self, rng, fleet):
        """By day and hour: is somebody there?"""
        hours = numpy.arange(fleet.days * 24)
        day, hour = hours // 24, hours % 24
        week_end = (day % 7 >= 5) | (day == fleet.holiday)
        at = hour - self.offset
        if self.role == "server":
            chance = numpy.full(hours.shape, .95)
        elif self.role == "shift":
            begins = 8 * ((self.shift + day // 7) % 3)
            chance = numpy.where((hour - begins) % 24 < 8, .85, .01)
        elif self.role == "developer":
            chance = numpy.select([(at >= 9) & (at < 19), (at >= 19) & (at < 24)], [.8, .2], .01)
            chance = numpy.where(week_end, chance * .12, chance)
        else:
            chance = numpy.select([(at == 12), (at >= 8) & (at < 18), (at == 7) | (at == 18)], [.65, .88, .3],
                                  .006)
            chance = numpy.where(week_end, chance * .03, chance)
        away = numpy.repeat(rng.random(fleet.days) < (.0 if self.role == "server" else .06), 24)
        chance = numpy.where(away | (day < self.first_day), 0, chance)
        return (rng.random(hours.shape) < chance).reshape(fleet.days, 24)


class Fleet(Thefts):
    """hosts, days: how large. attacks: of each kind; 0: none, the same fleet otherwise. served: with servers.
    packets: what is stolen at once is not in the log but in self.uploads, for packets.py. kinds: of thefts;
    else all."""

    def __init__(self, purpose, seed, hosts=100, days=35, attacks=3, served=True, packets=False, kinds=None):
        assert purpose in SETS and days >= 26
        root = numpy.random.SeedSequence([zlib.crc32(purpose.encode()), seed, hosts, days])
        benign, evil, agents, *self.wire_seeds = root.spawn(5)
        self.rng, self.evil = numpy.random.default_rng(benign), numpy.random.default_rng(evil)
        self.days, self.remotes, self.rows, self.attacks, self.served = days, 0, Rows(), [], served
        self.packets, self.uploads = packets, []
        self.twins = {}  # (inside, outside): what ordinary thing it is that looks like a theft
        self.services = numpy.array([self.new_remote() for _ in range(60)])
        self.popularity = 1 / numpy.arange(1, 61) ** .8
        self.popularity /= self.popularity.sum()
        self.storage = self.services[[1, 4, 9, 17]]
        self.niche = numpy.array([self.new_remote() for _ in range(max(4, hosts // 8))])
        self.backup_remote = self.new_remote()
        self.holiday = int(self.rng.choice([day for day in range(15, days - 7) if day % 7 < 5]))
        self.hosts = [Host(self.rng, index, self) for index in range(hosts)]
        self.active = [host.active(self.rng, self) for host in self.hosts]
        self.servers = [inside(10_000), inside(10_001)]
        self.make_benign()
        if served:
            self.make_served()
        self.make_agents(numpy.random.default_rng(agents))
        if attacks:
            kinds = kinds or [kind for kind in KINDS + MORE_KINDS if served or kind != "served-theft"]
            self.make_attacks(attacks, kinds)
        self.table = self.rows.sorted()

    def new_remote(self):
        self.remotes += 1
        return outside(self.remotes)

    # --- what is ordinary -------------------------------------------------------------------------

    def make_benign(self):
        rng = self.rng
        day_factor = rng.normal(0, .1, self.days)
        backups = rng.random(len(self.hosts)) < .2
        for host, active, backup in zip(self.hosts, self.active, backups):
            self.make_everyday(host, active, day_factor)
            self.make_bulk(host, active)
            self.make_vendors(host, active)
            self.make_polls(host)
            if backup:
                self.make_backup(host)
        self.make_rollouts()
        self.make_night_reports()

    def times_of(self, rng, hours):
        return START + hours * HOUR + rng.uniform(0, 2900, size=len(hours))

    def send(self, host, times, remote, sent, rng, longest=600.0):
        sent = numpy.maximum(sent, 60)
        self.rows.add(times, host, remote, 443, rng.uniform(.2, longest, size=len(times)), numpy.rint(sent),
                      numpy.rint(sent * rng.lognormal(.8, 1.2, size=len(times)) + 1500))

    def make_everyday(self, host, active, day_factor):
        rng = self.rng
        hours = numpy.flatnonzero(active.ravel())
        day = hours // 24
        factor = host.level + day_factor[day] + rng.normal(0, .3, self.days)[day]
        if host.finance:  # the quarter's end
            factor += numpy.where(day >= self.days - 3, .6, 0)
        for remote, use, median, sigma in zip(host.remotes, host.use, host.median, host.sigma):
            used = rng.random(len(hours)) < use
            sizes = numpy.exp(median + factor[used] + rng.normal(0, sigma, used.sum()))
            for _ in range(2):  # two connections an hour
                self.send(host.ip, self.times_of(rng, hours[used]), remote, sizes / 2, rng)

    def upload(self, rng, host, hour, remote, size):
        """At most an hour and a half, some 20 MB/s at most."""
        duration = min(5000.0, max(size / 20e6, size / rng.uniform(2e5, 5e6)))
        self.rows.add(START + hour * HOUR + rng.uniform(0, 1500), host, remote, 443, duration, round(size),
                      round(size / 50))

    def make_bulk(self, host, active):
        """A Pareto-1.2 tail from 3 MB."""
        rng = self.rng
        for day in range(self.days):
            hours = numpy.flatnonzero(active[day])
            if len(hours) == 0 or rng.random() > .04:
                continue
            size = min(3 * MB * (1 + rng.pareto(1.2)), 30_000 * MB)
            known = rng.random() < .85
            remote = rng.choice(host.remotes + list(self.storage[:2])) if known else self.new_remote()
            self.upload(rng, host.ip, day * 24 + int(rng.choice(hours)), remote, size)
            self.twins.setdefault((host.ip, int(remote)), "bulk upload" if known else "bulk upload to something new")

    def make_vendors(self, host, active):
        """Destinations that are new, and come again for some days or weeks."""
        rng = self.rng
        for day in range(host.first_day, self.days):
            if not active[day].any() or rng.random() > .08:
                continue
            remote = int(rng.choice(self.niche)) if rng.random() < .3 else self.new_remote()
            median, lasts = rng.normal(11, 1.2), 1 + rng.geometric(.12)
            later = [d for d in range(day, min(day + lasts, self.days)) if d == day or rng.random() < .35]
            hours = numpy.array([d * 24 + int(rng.choice(numpy.flatnonzero(active[d]))) for d in later
                                 if active[d].any()])
            if len(hours):
                self.send(host.ip, self.times_of(rng, hours), remote,
                          numpy.exp(median + rng.normal(0, 1.2, len(hours))), rng)
                self.twins.setdefault((host.ip, remote), "new vendor")

    def make_polls(self, host):
        """Software that asks for news by the clock; machines that stay on."""
        rng = self.rng
        if rng.random() > .35:
            return
        period = float(rng.choice([600, 900, 1800, 3600]))
        jitter = rng.uniform(0, .1) * period
        times = numpy.arange(START + host.first_day * DAY + rng.uniform(0, period), START + self.days * DAY - HOUR,
                             period)
        self.send(host.ip, times + rng.uniform(0, jitter + .01, len(times)), rng.choice(self.services),
                  rng.lognormal(6.5, .2, len(times)), rng, 2.0)

    def make_agents(self, rng):
        """The benign twin of a beacon: a vendor's agent that calls home by the clock, to where nobody else or few
        others call; half of them are installed in the course of the five weeks."""
        for host, active in zip(self.hosts, self.active):
            if rng.random() > .12:
                continue
            remote = int(rng.choice(self.niche)) if rng.random() < .5 else self.new_remote()
            first = host.first_day if rng.random() < .5 else int(rng.integers(host.first_day, self.days - 2))
            period = float(rng.choice([300, 600, 900, 3600, 4 * 3600]))
            times = numpy.arange(START + first * DAY + rng.uniform(0, period), START + self.days * DAY - HOUR, period)
            times = times + rng.uniform(0, rng.uniform(0, .1) * period + .01, len(times))
            if rng.random() < .5:  # a machine that is switched off
                times = times[active.ravel()[((times - START) // HOUR).astype(int)]]
            if len(times):
                self.send(host.ip, times, remote, rng.lognormal(rng.uniform(5.5, 7.5), .3, len(times)), rng, 2.0)
                self.twins[host.ip, remote] = "agent"

    def make_backup(self, host):
        rng = self.rng
        hour, median = int(rng.integers(0, 5)), rng.normal(numpy.log(150 * MB), .8)
        for day in range(host.first_day, self.days):
            if rng.random() < .08:
                continue
            size = numpy.exp(median + rng.normal(0, .4)) * (6 if day % 7 == 6 else 1)
            self.upload(rng, host.ip, day * 24 + hour, self.backup_remote, size)
        self.twins[host.ip, self.backup_remote] = "backup"

    def make_rollouts(self):
        """A service that many begin to use, and software that reports home once from everywhere."""
        rng, day = self.rng, int(self.rng.integers(15, 24))
        remote = self.new_remote()
        for host, active in zip(self.hosts, self.active):
            if rng.random() > .4:
                continue
            hours = numpy.flatnonzero(active.ravel())
            hours = hours[hours >= (day + rng.integers(0, 4)) * 24]
            hours = hours[rng.random(len(hours)) < .25]
            sizes = numpy.exp(rng.normal(11.5, 1.2, len(hours)))
            if len(hours):
                sizes[0] += numpy.exp(rng.normal(numpy.log(15 * MB), 1))
                self.send(host.ip, self.times_of(rng, hours), remote, sizes, rng)
                self.twins[host.ip, remote] = "roll-out"
        day, remote = int(self.rng.integers(20, self.days - 4)), self.new_remote()
        for host in self.hosts:
            if host.first_day < day and rng.random() < .8:
                self.upload(rng, host.ip, day * 24 + 22 + int(rng.integers(0, 5)), remote,
                            rng.lognormal(numpy.log(4 * MB), .5))
                self.twins[host.ip, remote] = "software that reports home"

    def make_night_reports(self):
        """Some hosts send a report every night, from some day on."""
        rng = self.rng
        for host in rng.choice(self.hosts, size=max(1, len(self.hosts) // 40), replace=False):
            remote, median = rng.choice(host.remotes), rng.normal(numpy.log(5 * MB), .7)
            for day in range(max(host.first_day, int(rng.integers(0, 24))), self.days):
                self.upload(rng, host.ip, day * 24 + 2, remote, numpy.exp(median + rng.normal(0, .3)))
            self.twins[host.ip, int(remote)] = "night report"

    def serve(self, server, hours, client, sizes, rng):
        """The inside server answers: what leaves is the responder's."""
        times = self.times_of(rng, hours)
        self.rows.add(times, client, server, 443, rng.uniform(.2, 300, len(times)),
                      numpy.rint(rng.lognormal(8, .7, len(times))), numpy.rint(numpy.maximum(sizes, 100)))

    def work_hours(self, rng, count):
        """So many hours of the whole time, by day and mostly on working days."""
        day = rng.integers(0, self.days, count * 2)
        day = day[(day % 7 < 5) | (rng.random(count * 2) < .15)][:count]
        return day * 24 + numpy.clip(rng.normal(13, 3, len(day)), 0, 23).astype(int)

    def make_served(self):
        """A server with 200 known client networks, and a public one that new networks come to every hour;
        the benign twins of a theft: a crawler, a new branch office, a client that roams."""
        rng = self.rng
        public, shared = self.servers
        for _ in range(200):
            count = 4 + rng.poisson(rng.lognormal(3, .7))
            hours = self.work_hours(rng, count)
            sizes = numpy.exp(rng.normal(rng.normal(10.5, .8), 1.1, len(hours)))
            self.serve(shared, hours, self.new_remote(), sizes, rng)
        for _ in range(int(1.2 * self.days)):  # a new customer now and then
            hours = self.work_hours(rng, 2 + rng.poisson(3))
            self.serve(shared, hours, self.new_remote(), numpy.exp(rng.normal(10, 1.2, len(hours))), rng)
        for hour in range(self.days * 24):
            for _ in range(rng.poisson(1.5)):
                self.serve(public, numpy.array([hour]), self.new_remote(), rng.lognormal(10.5, 1.3, 1), rng)
        crawler = self.new_remote()
        for day in range(3, self.days, 7):
            hours = day * 24 + numpy.arange(1, 7)
            self.serve(public, hours, crawler, rng.lognormal(numpy.log(8 * MB), .4, len(hours)), rng)
        self.twins[public, crawler] = "crawler"
        branch, day = self.new_remote(), int(rng.integers(16, 25))
        hours = self.work_hours(rng, 300)
        hours = hours[hours >= day * 24]
        self.serve(shared, hours, branch, numpy.exp(rng.normal(10.5, 1.1, len(hours))), rng)
        self.twins[shared, branch] = "branch office"
        for day in range(self.days):  # the same person, from another network each day
            hours = day * 24 + rng.integers(8, 20, 3)
            network = self.new_remote()
            self.serve(shared, hours, network, numpy.exp(rng.normal(10.3, 1, 3)), rng)
            self.twins[shared, network] = "roaming client"

    def host_days(self):
        """That there are of hosts and servers while alarms are counted."""
        return sum(self.days - max(QUIET_DAYS, host.first_day) for host in self.hosts) + \
            (len(self.servers) if self.served else 0) * (self.days - QUIET_DAYS)

    def twin(self, host, remote):
        """What an alarm on nothing stolen is about."""
        return "whole host" if remote is None else self.twins.get((host, remote), "everyday")

    def write(self, path):
        rows.write(path, self.table)
