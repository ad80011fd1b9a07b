"""Thefts that only packets can say, beside what is ordinary and looks like them: names asked for, echoes, clear
text. They lie in the twelve days of FIRST to LAST, in front of a fleet whose log holds all else.

As in fleet.py nothing here knows how anything is detected. .7 B/s is the slowest DNS exfiltration that others
publish figures of, 76,000 addresses what one known incident took, and sizes and rhythms of tunnels those of the
tools that make them: 64 or 1,024 bytes an echo, 20 to 35 bytes a name in base32.

Needs numpy.
"""

import base64
import struct

import numpy

import packets
from rows import DAY, HOUR, START, Attack, outside, text_of
from thefts import PUBLIC_SERVER, SHARED_SERVER

FIRST, LAST = 18, 30
REMOTES = 1_000_000  # from here on: the same ones, whatever is stolen
DNS_RATES = ((.1, 24), (.7, 4), (10, 2), (200, .5))              # payload bytes a second, hours
ECHO_RATES = ((5, 64, 12), (50, 64, 4), (2000, 1024, 1 / 6))     # and bytes an echo
SENT_ADDRESSES, SERVED_ADDRESSES = (200, 2_000, 76_000), (2_000, 76_000)
KINDS = tuple([f"DNS, {rate:g} B/s" for rate, _ in DNS_RATES] + [f"ICMP, {rate} B/s" for rate, _, _ in ECHO_RATES] +
              [f"{count:,} addresses sent" for count in SENT_ADDRESSES] +
              [f"{count:,} addresses served" for count in SERVED_ADDRESSES])
TWINS = {"tunnel.dns": "look-ups of names, of files' hashes (anti-virus), of senders (a mail server)",
         "tunnel.icmp": "monitoring by ping",
         "content.": "web forms, tables without addresses, a page with forty"}
WORDS = "sales stock order invoice depot tender budget survey branch supply ledger repair".split()


def name(text):
    return b"".join(bytes([len(label)]) + label.encode("ascii") for label in text.split(".")) + b"\0"


def question(number, asked, kind):
    return struct.pack("!6H", number & 0xFFFF, 0x0100, 1, 0, 0, 0) + name(asked) + struct.pack("!2H", kind, 1)


def answer(asked, kind, data):
    """data: None: there is no such name."""
    head = asked[:2] + (b"\x81\x83" if data is None else b"\x81\x80") + struct.pack("!4H", 1, data is not None, 0, 0)
    return head + asked[12:] + (b"" if data is None else struct.pack("!HHHIH", 0xC00C, kind, 1, 300, len(data)) + data)


class Wire:
    """Frames of one fleet; thefts: also those, and they are added to fleet.attacks."""

    A, TXT = 1, 16

    def __init__(self, fleet, thefts):
        self.fleet, self.frames, self.lookups = fleet, packets.uploads(fleet.uploads), 0
        self.rng, self.evil = (numpy.random.default_rng(seed) for seed in fleet.wire_seeds)
        self.remotes = REMOTES
        self.resolver, self.partner = self.new_remote(), self.new_remote()
        self.hash_lookups()
        self.sender_lookups()
        self.monitoring()
        self.forms()
        self.tables()
        self.staff_page()
        self.ordinary_lookups()
        if thefts:
            self.thefts()

    def new_remote(self):
        self.remotes += 1
        return outside(self.remotes)

    # --- what is ordinary ---------------------------------------------------------------------

    def lookup(self, at, host, asked, kind, data):
        self.lookups += 1
        port, words = 1024 + self.lookups * 7 % 60000, question(self.lookups, asked, kind)
        self.frames.append(packets.framed(at, packets.udp(host, port, self.resolver, 53, words)))
        self.frames.append(packets.framed(at + .02, packets.udp(self.resolver, 53, host, port,
                                                                answer(words, kind, data))))

    def ordinary_lookups(self):
        """Before a connection, where none was asked for within the hour; some services have names of chance."""
        table, asked = self.fleet.table, {}
        hosts = {host.ip for host in self.fleet.hosts}
        chosen = (table["ts"] > START + FIRST * DAY) & (table["ts"] < START + LAST * DAY)
        rows = sorted(zip(*(table[column][chosen].tolist() for column in ("ts", "orig", "resp"))))
        for ts, orig, resp in rows:
            orig, resp = int(orig), int(resp)
            if orig not in hosts or ts - asked.get((orig, resp), 0) < HOUR:
                continue
            asked[orig, resp] = ts
            label = f"d{self.rng.integers(0, 1 << 40):010x}" if resp >> 8 & 7 == 0 else "www"
            self.lookup(ts - .05, orig, f"{label}.site{resp >> 8 & 65535}.test", self.A, struct.pack("!I", resp))

    def times(self, host, a_day):
        """Of so many a day on average, while somebody is there."""
        hours = numpy.flatnonzero(self.fleet.active[host.index].ravel())
        hours = hours[(hours >= FIRST * 24) & (hours < LAST * 24)]
        count = int(a_day * (LAST - FIRST)) if len(hours) else 0
        return START + self.rng.choice(hours, count) * HOUR + self.rng.uniform(0, HOUR, count) if count else []

    def hash_lookups(self):
        """Anti-virus software of three hosts in five asks for each new file."""
        for host in self.fleet.hosts:
            if self.rng.random() < .6:
                for at in self.times(host, 40):
                    asked = f"{self.rng.bytes(16).hex()}.files.reputation.test"
                    self.lookup(float(at), host.ip, asked, self.A, b"\x7f\0\0\2" if self.rng.random() < .1 else None)

    def sender_lookups(self):
        """A mail server asks for the address of who sends to it."""
        for at in START + self.rng.uniform(FIRST, LAST, 400 * (LAST - FIRST)) * DAY:
            sender = ".".join(str(part) for part in self.rng.integers(1, 255, 4))
            self.lookup(float(at), self.fleet.servers[PUBLIC_SERVER], f"{sender}.senders.test", self.A,
                        b"\x7f\0\0\2" if self.rng.random() < .15 else None)

    def monitoring(self):
        """Three hosts look whether something answers, as Linux asks, once a minute, and Windows and a router."""
        ways = ((60, lambda at: struct.pack("!QQ", int(at), int(at * 1e6) % 1_000_000) + bytes(range(16, 56))),
                (300, lambda at: b"abcdefghijklmnopqrstuvwabcdefghi"), (300, lambda at: bytes(1400)))
        for n, (host, (period, body)) in enumerate(zip(self.fleet.hosts[::-1], ways)):
            remote, begin = self.new_remote(), START + FIRST * DAY + 7 * n
            for number, at in enumerate(numpy.arange(begin, START + LAST * DAY, period).tolist()):
                for late, pair, kind in ((0, (host.ip, remote), 8), (.009, (remote, host.ip), 0)):
                    self.frames.append(packets.framed(at + late, packets.echo(*pair, kind, n, number, body(at))))

    def spoken(self, start, lasts, client, server, up, down):
        self.frames += packets.exchange(start, lasts, client, int(self.rng.integers(1024, 60000)), server, 80, up, down)

    def send(self, start, lasts, host, remote, kind, body):
        head = (f"POST /records HTTP/1.1\r\nHost: {text_of(remote)}\r\nContent-Type: {kind}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n").encode("ascii")
        self.spoken(start, lasts, host, remote, head + body, b"HTTP/1.1 204 No Content\r\n\r\n")

    def serve(self, start, lasts, client, server, kind, body):
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode("ascii")
        self.spoken(start, lasts, client, server, b"GET /records HTTP/1.1\r\nHost: files.test\r\n\r\n", head + body)

    def forms(self):
        """One host in twenty enters what concerns its customers into a partner's forms, in clear text."""
        for host in self.fleet.hosts[::20]:
            contacts = max(3, int(self.rng.lognormal(3.7, .8)))
            for at in self.times(host, 10):
                who = self.rng.integers(0, contacts, self.rng.integers(1, 4))
                named = "&".join(f"to=c{n}.{host.index}%40customer{n % 9}.example.com" for n in who)
                self.send(float(at), 2.0, host.ip, self.partner, "application/x-www-form-urlencoded",
                          f"{named}&text={'x' * 200}".encode("ascii"))

    def table_of(self, rng, count, mail):
        """A CSV; with addresses, or as long without."""
        words, number = rng.integers(0, len(WORDS), (count, 2)), rng.integers(0, 10**9)
        column = (lambda n, a, b: f"{WORDS[a]}.{WORDS[b]}.{number + n}@{WORDS[b]}{n % 37}.example.com") if mail else \
            (lambda n, a, b: f"{WORDS[a]} {WORDS[b]} {number + n} @ 4.{n % 37:02d} a piece")
        return "".join(f"{n},{column(n, a, b)},2026-01-{n % 28 + 1:02d}\n"
                       for n, (a, b) in enumerate(words.tolist())).encode("ascii")

    def tables(self):
        """A nightly list of what is in stock, to the partner."""
        for day in range(FIRST, LAST):
            self.send(START + day * DAY + 2.5 * HOUR, 60.0, self.fleet.hosts[-1].ip, self.partner, "text/csv",
                      self.table_of(self.rng, 10_000, False))

    def staff_page(self):
        """Who is to be asked, of the shared server, read from thirty networks a day."""
        page = self.table_of(self.rng, 40, True)
        for at in START + self.rng.uniform(FIRST, LAST, 30 * (LAST - FIRST)) * DAY:
            self.serve(float(at), 1.0, self.new_remote(), self.fleet.servers[SHARED_SERVER], "text/csv", page)

    # --- what is stolen -----------------------------------------------------------------------

    def thefts(self):
        robbed = {attack.host for attack in self.fleet.attacks}
        hosts = [host for host in self.fleet.hosts if host.first_day == 0 and host.ip not in robbed]
        victims = iter([hosts[place] for place in self.evil.permutation(len(hosts))])
        for rate, hours in DNS_RATES:
            self.by_names(next(victims), rate, hours)
        for rate, size, hours in ECHO_RATES:
            self.by_echoes(next(victims), rate, size, hours)
        for count in SENT_ADDRESSES:
            self.by_form(next(victims), count)
        for count in SERVED_ADDRESSES:
            self.by_server(count)

    def begins(self, host):
        return self.fleet.work_time(host, FIRST + 2, LAST - 2)

    def steal(self, kind, host, remote, start, lasts, size, domain=""):
        self.fleet.attacks.append(Attack(kind, host, remote, start, start + lasts, size, [(start, lasts, size)],
                                         domain))

    def by_names(self, host, rate, hours):
        start, at, size, domain = self.begins(host), 0.0, 0, f"exfil{round(rate * 10)}.test"
        while at < hours * HOUR:
            part = self.evil.bytes(int(self.evil.integers(20, 36)))
            text = base64.b32encode(part).decode("ascii").rstrip("=").lower()
            self.lookup(start + at, host.ip, f"{text}.t.{domain}", self.TXT, b"\2ok")
            size += len(part)
            at += len(part) / rate * self.evil.uniform(.8, 1.2)
        self.steal(f"DNS, {rate:g} B/s", host.ip, self.resolver, start, at, size, domain)

    def by_echoes(self, host, rate, size, hours):
        start, remote, count = self.begins(host), self.new_remote(), int(rate * hours * HOUR / size)
        for n in range(count):
            at = start + (n + self.evil.uniform(0, .3)) * size / rate
            self.frames.append(packets.framed(at, packets.echo(host.ip, remote, 8, 99, n, self.evil.bytes(size))))
            self.frames.append(packets.framed(at + .02, packets.echo(remote, host.ip, 0, 99, n, self.evil.bytes(size))))
        self.steal(f"ICMP, {rate} B/s", host.ip, remote, start, count * size / rate, count * size)

    def by_form(self, host, count):
        start, remote, body = self.begins(host), self.new_remote(), self.table_of(self.evil, count, True)
        lasts = max(2.0, len(body) / self.evil.uniform(5e4, 5e5))
        self.send(start, lasts, host.ip, remote, "text/csv", body)
        self.steal(f"{count:,} addresses sent", host.ip, remote, start, lasts, len(body))

    def by_server(self, count):
        """Somebody's account, from a network that was never here."""
        server, client = self.fleet.servers[SHARED_SERVER], self.new_remote()
        start, body = START + self.evil.uniform(FIRST + 2, LAST - 2) * DAY, self.table_of(self.evil, count, True)
        lasts = max(2.0, len(body) / self.evil.uniform(5e4, 5e5))
        self.serve(start, lasts, client, server, "text/csv", body)
        self.steal(f"{count:,} addresses served", server, client, start, lasts, len(body))
