"""office10min.pcap: ten minutes of an ordinary office, recorded by nobody in particular.

No history, no configuration, connections already open when it starts and still open when it stops.
One host sends 12 MB to a place that only it uses; another only fetches. Neither is a crime.
"""

import datetime
import ipaddress

from . import clock, http, smtp, tls, udp
from .chance import Chance
from .clock import seconds
from .dns import A, AAAA, Resolver
from .packets import Host, arp_frame
from .tcp import CLIENT, Conversation

START = clock.at(datetime.date(2026, 3, 4), 10, 20)
LENGTH = 600
BEFORE = 45  # seconds of traffic before the capture was started, of which only the rest is seen
CALLER, UPLOADER, FETCHER, ATTACHER = 24, 27, 33, 30


def _inside(name, last, **how):
    return Host(name, f"192.168.10.{last}", f"02:00:00:00:20:{last:02x}", True, 0.0001, **how)


def _outside(address, distance, **how):
    return Host("", address, "02:00:00:00:20:01", False, distance, **{"ttl": 55, **how})


class Service:
    def __init__(self, name, address, distance, up, down, share=1):
        self.name, self.host, self.share = name, _outside(address, distance), share
        self.up, self.down = up, down
        self.packed = ipaddress.ip_address(address).packed


ROUTER = _inside("router", 1)
STORE = _inside("store", 5)
STAFF = {last: _inside(f"pc{last}", last, ttl=128, stamps=False, scale=8) for last in range(21, 36)}
STAFF_6 = {last: Host(f"pc{last}", f"fd00:10::{last}", f"02:00:00:00:20:{last:02x}", True, 0.0001,
                      ttl=128, stamps=False, scale=8) for last in (22, 26, 34)}
COMMON = (
    Service("www.example.com", "198.19.101.80", 0.009, (800, 0.5), (26000, 1.0), 6),
    Service("search.example2.jp", "198.19.102.20", 0.005, (700, 0.4), (15000, 0.7), 7),
    Service("news.example.ne.jp", "198.19.103.80", 0.006, (700, 0.4), (48000, 0.9), 4),
    Service("docs.example3.jp", "198.19.104.12", 0.008, (5000, 1.5), (22000, 1.2), 5),
    Service("chat.example.org", "198.19.106.33", 0.011, (1100, 0.7), (4000, 0.9), 5),
    Service("static.example.net", "198.19.107.90", 0.004, (500, 0.3), (70000, 0.9), 5),
)
# what one person happens to need: rare places with ordinary sizes
RARE = tuple(Service(f"www.example{number}.{kind}.jp", f"198.19.{110 + number}.80", 0.007,
                     (800, 0.5), (18000, 1.0))
             for number, kind in enumerate(("co", "or", "ac", "ne", "co", "gr"), 1))
VIDEO_6 = Service("video.example9.jp", "2001:db8:200::80", 0.006, (800, 0.4), (90000, 0.8))
TRANSFER = Service("transfer.example8.jp", "198.19.188.8", 0.014, (0, 0), (0, 0))
DOWNLOAD = Service("download.example7.jp", "198.19.120.7", 0.006, (0, 0), (0, 0))
SUBMISSION = Service("submit.example.ad.jp", "198.19.125.58", 0.006, (0, 0), (0, 0))
CHECK = Service("check.example1.jp", "198.19.126.80", 0.005, (0, 0), (0, 0))
CLOCK = _outside("198.19.123.1", 0.005)
CALL = _outside("198.19.177.10", 0.012)
RESOLVER = _outside("198.19.53.53", 0.0035)


class Office:
    def __init__(self, capture):
        self.capture = capture
        upstream = Resolver(capture, Chance("office10/upstream"), RESOLVER)
        self.resolver = Resolver(capture, Chance("office10/resolver"), ROUTER, upstream)

    def visit(self, chance, time, last, service, rounds, hello=tls.BROWSER):
        host, kind = (STAFF[last], A) if service.host.version == 4 else (STAFF_6[last], AAAA)
        time = self.resolver.look_up(time, STAFF[last], service.name, [service.packed], kind, 300)
        tls.visit(self.capture, chance, time, host, service.host, service.name, hello, rounds)


def record(capture):
    office = Office(capture)
    for last in STAFF:
        if last != FETCHER:
            _browse(office, last)
    _upload(office)
    _fetch(office)
    _mails(office)
    _store(capture)
    _clear(office)
    udp.call(capture, Chance("office10/call"), START + seconds(118.4), STAFF[CALLER], CALL, 215)
    _local(capture)
    capture.confine(START, START + seconds(LENGTH))


def _browse(office, last):
    chance = Chance("office10/browse", last)
    hello = chance.pick((tls.BROWSER, tls.BROWSER, tls.BROWSER_OTHER))
    pool = [service for service in COMMON for _ in range(service.share)]
    for time in _times(chance, chance.between(4, 9)):
        service = chance.pick(RARE) if chance.happens(0.07) else chance.pick(pool)
        if last in STAFF_6 and chance.happens(0.3):
            service = VIDEO_6
        rounds = []
        for number in range(chance.between(1, 6)):
            pause = 0.0 if number == 0 else chance.size(5000, 1.0, 100, 50000) / 1000
            rounds.append((pause, chance.size(*service.up, 200, 400000),
                           chance.size(*service.down, 300, 900000)))
        office.visit(chance, time, last, service, rounds, hello)


def _times(chance, count):
    return sorted(START + seconds(chance.uniform(-BEFORE, LENGTH)) for _ in range(count))


def _upload(office):
    """12 MB in parts of about a megabyte, to a file exchange nobody else here uses."""
    chance = Chance("office10/upload")
    rounds = [(0.0, 700, 2600)]
    left = 12_000_000
    while left > 0:
        part = min(left, chance.between(700_000, 1_300_000))
        rounds.append((chance.uniform(0.3, 9), part, chance.between(180, 320)))
        left -= part
    office.visit(chance, START + seconds(203.7), UPLOADER, TRANSFER, rounds)


def _fetch(office):
    chance = Chance("office10/fetch")
    for offset in (61.2, 150.9, 340.3):
        rounds = [(chance.uniform(0, 3), chance.between(380, 520),
                   chance.between(2_000_000, 4_500_000)) for _ in range(4)]
        office.visit(chance, START + seconds(offset), FETCHER, DOWNLOAD, rounds, tls.AGENT)


def _mails(office):
    chance = Chance("office10/mail")
    for last, offset, size in ((23, 44.0, 6200), (ATTACHER, 287.5, 780_000), (35, 411.8, 18400)):
        time = office.resolver.look_up(START + seconds(offset), STAFF[last], SUBMISSION.name,
                                       [SUBMISSION.packed], A, 300)
        smtp.deliver(office.capture, chance, time, STAFF[last], SUBMISSION.host,
                     (f"[192.168.10.{last}]", SUBMISSION.name), tls.AGENT, size, 587)


def _store(capture):
    """Files to and from the office's own store: internal, however much it is."""
    chance = Chance("office10/store")
    for last in (22, 28, 31, 34):
        rounds = [(chance.uniform(0, 12), chance.size(60000, 1.2, 500, 2_500_000),
                   chance.size(90000, 1.2, 500, 2_500_000)) for _ in range(chance.between(2, 4))]
        tls.visit(capture, chance, START + seconds(chance.uniform(5, 520)), STAFF[last], STORE,
                  "store.office.example.jp", tls.AGENT, rounds)


def _clear(office):
    """The operating system asks in clear text whether there is an Internet."""
    chance = Chance("office10/clear")
    for last in (21, 25, 29, FETCHER):
        time = office.resolver.look_up(START + seconds(chance.uniform(10, 570)), STAFF[last],
                                       CHECK.name, [CHECK.packed], A, 300)
        conversation = Conversation(office.capture, chance, time, STAFF[last], CHECK.host, 80)
        conversation.open()
        asked = http.request("GET", "/online.txt", CHECK.name, "check/1.0")
        http.fetch(conversation, chance, asked, b"online\n", kind="text/plain")
        conversation.close(CLIENT, 0.002)


def _local(capture):
    chance = Chance("office10/local")
    groups = {port: Host("", address, "02:00:00:00:20:01", False, 0)
              for port, address in ((5353, "224.0.0.251"), (1900, "239.255.255.250"))}
    for last, host in STAFF.items():
        if last % 3 == 0:
            udp.ntp(capture, chance, START + seconds(chance.uniform(0, 590)), host, CLOCK)
        for port, payload in ((5353, udp.MDNS_QUESTION), (1900, udp.SSDP_SEARCH)):
            if chance.happens(0.6):
                udp.shout(capture, chance, START + seconds(chance.uniform(0, 599)), host,
                          groups[port], port, payload)
        time = START + seconds(chance.uniform(0, 595))
        capture.put(time, arp_frame(host, ROUTER, False))
        capture.put(time + 110_000, arp_frame(ROUTER, host, True))


def truth(capture, book):
    """What left, by host and by pair, largest first; from the maker's book."""
    pairs, hosts = {}, {}
    for entry in book.entries:
        pairs[entry[1:3]] = pairs.get(entry[1:3], 0) + entry[5]
        hosts[entry[1]] = hosts.get(entry[1], 0) + entry[5]
    packets = capture.packets()
    largest = sorted(pairs.items(), key=lambda item: (-item[1], item[0]))
    return {
        "capture": {"packets": len(packets), "first": clock.iso(packets[0][0]),
                    "last": clock.iso(packets[-1][0])},
        "uploader": {"host": STAFF[UPLOADER].address, "destination": TRANSFER.host.address,
                     "name": TRANSFER.name,
                     "out_bytes": pairs[(STAFF[UPLOADER].address, "198.19.188.0/24")]},
        "fetcher": {"host": STAFF[FETCHER].address, "out_bytes": hosts[STAFF[FETCHER].address]},
        "out_by_host": dict(sorted(hosts.items(), key=lambda item: (-item[1], item[0]))),
        "out_by_pair": [{"host": host, "network": network, "out_bytes": size}
                        for (host, network), size in largest[:12]],
    }
