"""What the pasts of past/ are made of: days, addresses, visits. Payload is noise of no protocol and not captured: only
amounts, times and places count there."""

import datetime

from . import clock
from .chance import Chance
from .packets import Host
from .tcp import CLIENT, SERVER, Conversation

BEGIN = datetime.date(2026, 3, 2) # a Monday
DAYS = 21
MONDAY = BEGIN + datetime.timedelta(days=DAYS) # behind them
AT_ONCE = 60_000 # bytes of one captured packet, where the amount is all that counts


def inside(name, last, stamps=True):
    return Host(name, f"192.168.20.{last}", f"02:00:00:00:30:{last:02x}", True, 0.0001, stamps=stamps)


def outside(address, ttl=55):
    return Host("", address, "02:00:00:00:30:01", False, 0.006, ttl=ttl)


NOWHERE = Host("", "203.0.113.77", "02:00:00:00:30:01", False, 0.009, ttl=52)


def workdays(begin=BEGIN, days=DAYS):
    return [date for date in (begin + datetime.timedelta(days=n) for n in range(days)) if date.weekday() < 5]


def visit(capture, chance, start, client, server, up, down, port=443, large=0):
    """`large`: as in Conversation.say."""
    conversation = Conversation(capture, chance, start, client, server, port)
    conversation.open()
    conversation.say(CLIENT, chance.noise(up), keep=0, merged=True, large=large)
    conversation.say(SERVER, chance.noise(down), 0.02, keep=0, merged=True, large=large)
    conversation.close(CLIENT, 0.3)


def exchange(label, hour, client, server, up, down, large=0):
    """A scene: one visit on the Monday."""
    def scene(capture):
        visit(capture, Chance("past", label), clock.at_hour(MONDAY, hour), client, server, up, down, large=large)
    return scene


def all_of(*scenes):
    def scene(capture):
        for part in scenes:
            part(capture)
    return scene
