"""The server's clients: partner firms with their habits, a night job, people on the road."""

import datetime
import json

from .. import clock, habits, http, people, tls
from ..chance import Chance
from ..tcp import CLIENT, Conversation
from . import site


class Partner:
    """`visits`: connections on an ordinary workday. `clear`: uses the old API on port 80 too."""

    def __init__(self, name, addresses, distance, visits, hello, page, clear=None, since=None,
                 stamps=True, attends=1.0, triple=None):
        self.name, self.visits, self.hello, self.page = name, visits, hello, page
        self.clear, self.attends, self.triple = clear, attends, triple
        self.since = datetime.date(2026, 2, since or 9)
        self.clients = [site.outside(name, address, distance, ttl=118 if not stamps else 52,
                                     stamps=stamps) for address in addresses]
        self.server = site.SERVER_6 if self.clients[0].version == 6 else site.SERVER


PARTNERS = (
    Partner("builder", ("198.51.100.14", "198.51.100.15", "198.51.100.77"), 0.006, 8, tls.BROWSER,
            (15000, 1.0), stamps=False, triple=datetime.date(2026, 2, 20)),
    Partner("operator", ("192.0.2.8", "192.0.2.9"), 0.009, 5, tls.BROWSER, (12000, 0.9),
            stamps=False),
    Partner("surveyor", ("198.18.7.31",), 0.008, 3, tls.BROWSER_OTHER, (10000, 1.0), clear="poll",
            triple=datetime.date(2026, 2, 26)),
    Partner("designer", ("198.18.21.5", "198.18.21.6"), 0.013, 3, tls.BROWSER_OTHER, (22000, 1.1),
            attends=0.6),
    Partner("supplier", ("198.18.40.200",), 0.011, 2, tls.BROWSER, (9000, 0.8), clear="people",
            stamps=False),
    Partner("carrier", ("2001:db8:100:7::21", "2001:db8:100:7::35"), 0.010, 2, tls.BROWSER,
            (11000, 0.9), stamps=False),
    Partner("inspector", ("198.18.66.10",), 0.007, 3, tls.BROWSER, (13000, 1.0), since=12,
            stamps=False),
)
# (date in February, hour, address, connections): each from a network never seen before
ROAMERS = ((10, 19.6, "198.18.133.24", 2), (13, 12.4, "198.18.150.9", 1),
           (14, 10.3, "198.18.171.118", 2), (17, 8.2, "198.18.190.77", 1),
           (18, 20.7, "198.18.214.3", 2))


def day(capture, date):
    """Everything partners do on `date`."""
    for partner in PARTNERS:
        if date >= partner.since:
            _visits(capture, partner, date)
            if partner.clear:
                _old_api(capture, partner, date)
    _night_job(capture, date)
    for number, (dom, hour, address, count) in enumerate(ROAMERS):
        if date == datetime.date(2026, 2, dom):
            _roamer(capture, date, hour, address, count, number)


def _visits(capture, partner, date):
    chance = Chance("partner", partner.name, date)
    if not chance.happens(partner.attends):
        return
    factor = habits.busy(date) * habits.temper(chance, 0.35)
    heavy = 3.0 if partner.triple == date else 1.0
    for hour in habits.hours(chance, chance.count(partner.visits * factor * (heavy ** 0.5))):
        tls.visit(capture, chance, clock.at_hour(date, hour), chance.pick(partner.clients),
                  partner.server, site.SERVER_NAME, partner.hello,
                  _exchanges(chance, partner.page, heavy ** 0.5))


def _exchanges(chance, page, heavy):
    """Pages one after another, sometimes a document down, sometimes one up."""
    rounds = [(0.0, chance.between(420, 900), chance.size(page[0], page[1], 600, 400000))]
    while len(rounds) < 9 and chance.happens(0.55):
        pause, kind = chance.size(9000, 0.9, 300, 55000) / 1000, chance.uniform()
        asked = chance.between(420, 700)
        if kind < 0.14:
            document = int(heavy * chance.size(150000, 0.9, 5000, 2500000))
            rounds.append((pause, asked, document))
        elif kind < 0.22:
            rounds.append((pause, chance.size(110000, 1.0, 4000, 2000000), asked))
        else:
            rounds.append((pause, asked, chance.size(page[0], page[1], 600, 400000)))
    return rounds


def _old_api(capture, partner, date):
    """JSON in clear on port 80: what a small team's tool asks through the day."""
    chance = Chance("old-api", partner.name, date)
    team = people.team(Chance("team", partner.name), 30, site.PEOPLE_DOMAINS)
    if partner.clear == "poll":
        runs = (9, 13, 17) if habits.busy(date) > 0.5 else ()
        hours = [hour + chance.uniform(0.01, 0.05) for hour in runs]
    else:
        hours = habits.hours(chance, chance.count(2.2 * habits.busy(date)))
    for hour in hours:
        conversation = Conversation(capture, chance, clock.at_hour(date, hour),
                                    chance.pick(partner.clients), site.SERVER, 80)
        conversation.open()
        for number in range(chance.between(1, 3)):
            body = _team_page(chance, team)
            path = f"/api/v1/projects/{chance.between(3, 19)}/overview"
            http.fetch(conversation, chance, http.request(
                "GET", path, site.SERVER_NAME, "team-tool/2.4",
                ("Authorization: Bearer EXAMPLE-TOKEN-NOT-REAL-" + partner.name.upper(),)),
                body, pause=0.0 if number == 0 else chance.uniform(0.4, 20))
        conversation.close(CLIENT, chance.uniform(0.01, 4))


def _team_page(chance, team):
    lead = team[:8] if chance.happens(0.7) else team
    members = [{"role": chance.pick(("lead", "design", "site", "review")), "mail": mail}
               for mail in chance.some(lead, chance.between(2, 5))]
    tasks = [{"id": chance.between(1000, 9999), "state": chance.pick(("open", "done", "late")),
              "due": f"2026-0{chance.between(2, 6)}-{chance.between(1, 28):02d}"}
             for _ in range(chance.between(3, 14))]
    return json.dumps({"members": members, "tasks": tasks}).encode()


def _night_job(capture, date):
    """One partner's machine fetches what changed, every night at about ten past two."""
    chance = Chance("night-job", date)
    yesterday = habits.busy(date - datetime.timedelta(days=1))
    size = chance.between(4000, 22000)
    if yesterday > 0.5:
        size = chance.size(110000, 0.6, 20000, 300000)
    rounds = [(0.0, 520, chance.between(1800, 2600))]
    while size > 0:
        part = min(size, chance.between(20000, 60000))
        rounds.append((chance.uniform(0.05, 0.6), chance.between(380, 460), max(part, 600)))
        size -= part
    tls.visit(capture, chance, clock.at(date, 2, 10, chance.uniform(2, 95)),
              PARTNERS[1].clients[0], site.SERVER, site.SERVER_NAME, tls.AGENT, rounds)


def _roamer(capture, date, hour, address, count, number):
    chance = Chance("roamer", number)
    client = site.outside("roamer", address, chance.uniform(0.011, 0.02), ttl=115, stamps=False)
    total, time = chance.size(95000, 0.7, 30000, 290000) // count, clock.at_hour(date, hour)
    time += clock.seconds(chance.uniform(0, 300))
    for _ in range(count):
        pages, left = [], total
        while left > 3000:
            part = min(left, chance.size(16000, 0.8, 2000, 120000))
            pages.append((chance.uniform(2, 40) if pages else 0.0, chance.between(420, 900), part))
            left -= part
        visit = tls.visit(capture, chance, time, client, site.SERVER, site.SERVER_NAME, tls.BROWSER,
                          pages)
        time = visit.last_packet + clock.seconds(chance.uniform(60, 900))
