"""Three weeks of a very small office, and what happens on the Monday behind them.

What judges by a host's own past says nothing of a capture of minutes. `everyday` is that past, as small as it can
be: four people, five services, three visits a working day each. Each scene is one day more, and is judged beside it;
its twin does what looks alike and has been done before. Payload is noise of no protocol and not captured: only
amounts, times and places count here.
"""

import datetime

from . import clock, tls
from .chance import Chance
from .packets import Host
from .tcp import CLIENT, SERVER, Conversation

BEGIN = datetime.date(2026, 3, 2) # a Monday
DAYS = 21
MONDAY = BEGIN + datetime.timedelta(days=DAYS)
STAFF = [Host(f"pc{last}", f"192.168.20.{last}", f"02:00:00:00:30:{last:02x}", True, 0.0001) for last in range(11, 15)]
SERVICES = [Host("", f"198.19.{20 + n}.80", "02:00:00:00:30:01", False, 0.006, ttl=55) for n in range(5)]
NOWHERE = Host("", "203.0.113.77", "02:00:00:00:30:01", False, 0.009, ttl=52)
WRITER, _, READER, VISITOR = STAFF


def visit(capture, chance, start, client, server, up, down, port=443):
    conversation = Conversation(capture, chance, start, client, server, port)
    conversation.open()
    conversation.say(CLIENT, chance.noise(up), keep=0, merged=True)
    conversation.say(SERVER, chance.noise(down), 0.02, keep=0, merged=True)
    conversation.close(CLIENT, 0.3)


def workdays():
    return [date for date in (BEGIN + datetime.timedelta(days=n) for n in range(DAYS)) if date.weekday() < 5]


def everyday(capture):
    """Each to the services that all use."""
    for date in workdays():
        for person in STAFF:
            chance = Chance("past", date, person.name)
            for hour in (9, 13, 16):
                visit(capture, chance, clock.at_hour(date, hour + chance.uniform(0.0, 0.9)), person,
                      chance.pick(SERVICES), chance.between(600, 4000), chance.between(4000, 12000))


# --- the Monday ----------------------------------------------------------------------------------

def upload(label, hour, client, server, size):
    def scene(capture):
        visit(capture, Chance("past", label), clock.at_hour(MONDAY, hour), client, server, size, 900)
    return scene


def download(label, hour, client, server, size):
    def scene(capture):
        visit(capture, Chance("past", label), clock.at_hour(MONDAY, hour), client, server, 900, size)
    return scene


def of_several(label, people, size):
    """The same place nobody knew, on one day."""
    def scene(capture):
        for number, person in enumerate(people):
            upload(f"{label} {number}", 10.2 + 2 * number, person, NOWHERE, size)(capture)
    return scene


def questions(label, port):
    """TLS to a resolver; on its port it is DNS over TLS."""
    def scene(capture):
        tls.visit(capture, Chance("past", label), clock.at_hour(MONDAY, 11), VISITOR, SERVICES[1], "dns.example",
                  tls.AGENT, [(0.1, 120, 300)] * 3, port)
    return scene


SCENES = {
    # name: (the leak, its twin, what is told: rule, inside host, outside host)
    "tunnel.new": (questions("dot", 853), questions("https", 443), [("tunnel.new", VISITOR, SERVICES[1])]),
    "volume.destination": (upload("destination", 14.2, WRITER, SERVICES[0], 3_000_000),
                           download("destination twin", 14.2, WRITER, SERVICES[0], 3_000_000),
                           [("volume.destination", WRITER, SERVICES[0])]),
    "volume.host": (of_several("several", (WRITER, READER, VISITOR), 900_000),
                    of_several("several twin", (WRITER, READER, VISITOR), 3_000),
                    [("volume.host", person, NOWHERE) for person in (WRITER, READER, VISITOR)]),
}
