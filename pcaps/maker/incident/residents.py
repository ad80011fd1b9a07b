"""The inside hosts' own traffic out: office, the server itself, backup, mail; and strays."""

import datetime
import ipaddress

from .. import clock, habits, smtp, tls
from ..chance import Chance
from ..dns import A, AAAA, MX
from ..packets import arp_frame
from ..tcp import probe
from . import site

SURVEY_FROM = datetime.date(2026, 2, 24)  # the office starts to use something new
SURVEY_USERS = (1, 2, 4, 5, 7, 8, 10, 12)
VISITS = 3.2  # of an office client on an ordinary workday
_PEAKS = {(3, datetime.date(2026, 2, 19)): 3.0, (9, datetime.date(2026, 2, 25)): 3.0}


def day(capture, resolver, date):
    for number, host in enumerate(site.OFFICE, 1):
        _office(capture, resolver, date, number, host)
    _updates(capture, resolver, date)
    _backup(capture, resolver, date)
    _mail(capture, resolver, date)
    _strays(capture, date)


def _exchanges(chance, service):
    rounds = []
    for number in range(1 + chance.count(service.rounds - 1)):
        up = chance.size(service.up[0], service.up[1], 300, service.up[2])
        down = chance.size(service.down[0], service.down[1], 400, service.down[2])
        rounds.append((0.0 if number == 0 else chance.size(4000, 1.0, 100, 50000) / 1000, up, down))
    return rounds


def _visit(capture, resolver, chance, time, host, service, hello):
    time = resolver.look_up(time, host, service.name, [service.packed], A, 1800)
    return tls.visit(capture, chance, time, host, service.host, service.name, hello,
                     _exchanges(chance, service))


def _office(capture, resolver, date, number, host):
    chance = Chance("office", number, date)
    own = Chance("office", number)
    hello = own.pick((tls.BROWSER, tls.BROWSER, tls.BROWSER_OTHER))
    weights = [service.share * own.between(3, 18) for service in site.SERVICES]
    factor = habits.busy(date) * own.uniform(0.6, 1.5) * habits.temper(chance, 0.4)
    factor *= _PEAKS.get((number, date), 1)
    for hour in habits.hours(chance, chance.count(VISITS * factor)):
        time = clock.at_hour(date, hour)
        if number in site.OFFICE_6 and chance.happens(0.16):
            _visit_6(capture, resolver, chance, time, number, hello)
            continue
        service = chance.weighted(site.SERVICES, weights)
        if date >= SURVEY_FROM and number in SURVEY_USERS and chance.happens(0.12):
            service = site.SURVEY
        _visit(capture, resolver, chance, time, host, service, hello)


def _visit_6(capture, resolver, chance, time, number, hello):
    """The look-up goes over IPv4, as it does where the router hands out only that resolver."""
    service = site.SERVICE_6
    time = resolver.look_up(time, site.OFFICE[number - 1], service.name, [service.packed], AAAA,
                            1800)
    tls.visit(capture, chance, time, site.OFFICE_6[number], service.host, service.name, hello,
              _exchanges(chance, service))


def _updates(capture, resolver, date):
    """The servers ask for updates once a day, the office clients some mornings."""
    chance = Chance("updates", date)
    for host, hour, minute in ((site.SERVER, 6, 10), (site.BACKUP, 4, 31), (site.MAIL, 4, 47)):
        _visit(capture, resolver, chance, clock.at(date, hour, minute, chance.uniform(0, 50)), host,
               site.UPDATES, tls.TOOL)
    for host in site.OFFICE:
        if chance.happens(0.25 * min(habits.busy(date), 1)):
            _visit(capture, resolver, chance, clock.at_hour(date, chance.uniform(8.5, 9.5)), host,
                   site.UPDATES, tls.AGENT)


def _backup(capture, resolver, date):
    """Half past one every night: the same few megabytes to the same vault."""
    chance = Chance("backup", date)
    time = resolver.look_up(clock.at(date, 1, 30, chance.uniform(1, 20)), site.BACKUP,
                            site.VAULT.name, [site.VAULT.packed])
    rounds = [(0.0, chance.between(700, 900), chance.between(900, 1300))]
    for _ in range(4):
        rounds.append((chance.uniform(0.2, 2), int(chance.normal(600000, 32000)),
                       chance.between(200, 300)))
    tls.visit(capture, chance, time, site.BACKUP, site.VAULT.host, site.VAULT.name, tls.TOOL,
              rounds)


def _mail(capture, resolver, date):
    chance = Chance("mail", date)
    factor = max(habits.busy(date), 0.25) * habits.temper(chance, 0.3)
    for hour in habits.hours(chance, chance.count(4.0 * factor)):
        name, host = chance.pick(site.MAILERS)
        time = resolver.look_up(clock.at_hour(date, hour), site.MAIL, name[len("mx."):], [name], MX,
                                86400)
        time = resolver.look_up(time, site.MAIL, name, [host.packed], A, 7200)
        smtp.deliver(capture, chance, time, site.MAIL, host, ("mail.example.jp", name), tls.TOOL,
                     chance.size(14000, 1.2, 1500, 900000))
    for _ in range(chance.count(4.0 * factor)):
        hour = chance.uniform(0, 24) if chance.happens(0.3) else habits.hours(chance, 1)[0]
        name, host = chance.pick(site.MAILERS)
        smtp.deliver(capture, chance, clock.at_hour(date, hour), host, site.MAIL,
                     (name, "mail.example.jp"), tls.TOOL, chance.size(17000, 1.3, 1500, 900000))


def _strays(capture, date):
    """The Internet's background: closed doors tried, and the router's ARP."""
    chance = Chance("strays", date)
    for _ in range(chance.count(2)):
        address = str(ipaddress.ip_address("198.19.200.0") + chance.below(1 << 13))
        client = site.outside("stray", address, chance.uniform(0.02, 0.1), ttl=240, stamps=False)
        probe(capture, chance, clock.at_hour(date, chance.uniform(0, 24)), client, site.SERVER,
              chance.pick((22, 23, 445, 3389, 5900, 8080)))
    for hour in (0, 6, 12, 18):
        time = clock.at_hour(date, hour + chance.uniform(0, 0.02))
        capture.put(time, arp_frame(site.ROUTER, site.SERVER, False))
        capture.put(time + 90_000, arp_frame(site.SERVER, site.ROUTER, True))
