"""Three weeks of four people who send work to customers: every other working day each to a customer whose place none of
them had sent to before."""

from . import clock
from .chance import Chance
from .past_parts import AT_ONCE, MONDAY, NOWHERE, inside, outside, visit, workdays
from .tcp import CLIENT, SERVER, Conversation

STAFF = [inside(f"ag{last}", last, False) for last in range(41, 45)]
MAIL = outside("198.19.60.80")
WORK = 2_000_000
READER, FIRST, VISITOR, SECOND = STAFF


def mail(capture, date, hour, person):
    chance = Chance("past", "agency", "mail", date, person.name, hour)
    visit(capture, chance, clock.at_hour(date, hour + chance.uniform(0.0, 0.5)), person, MAIL, 2_000, 6_000)


def day(capture, number, date, places=()):
    """`places`: of whom another place than his own."""
    for who, person in enumerate(STAFF):
        mail(capture, date, 9, person)
        if number % 2 == who % 2:
            chance = Chance("past", "agency", date, person.name)
            visit(capture, chance, clock.at_hour(date, 11 + who + chance.uniform(0.0, 0.5)), person,
                  dict(places).get(person, outside(f"198.18.{4 * number + who}.10")), WORK, 2_000, large=AT_ONCE)
        mail(capture, date, 17, person)


def agency(capture):
    for number, date in enumerate(workdays()):
        day(capture, number, date)


# --- the Monday ----------------------------------------------------------------------------------

def monday(capture, places=()):
    day(capture, len(workdays()), MONDAY, places)


def at_one_place(places):
    """The two whose day it is hand their work over."""
    return lambda capture: monday(capture, places)


def delivered(label, up, down):
    def scene(capture):
        monday(capture)
        visit(capture, Chance("past", label), clock.at_hour(MONDAY, 11), READER, NOWHERE, up, down, large=AT_ONCE)
    return scene


def calls(label, server):
    """Every quarter of an hour, from seven to eight in the evening."""
    def scene(capture):
        chance = Chance("past", label)
        monday(capture)
        for number in range(4 * 13):
            visit(capture, chance, clock.at_hour(MONDAY, 7 + number / 4) + clock.seconds(chance.uniform(0, 2)), VISITOR,
                  server, 240, 180)
    return scene


def held(label, server):
    """One connection from eight to eight, a line and its echo every ten minutes."""
    def scene(capture):
        chance = Chance("past", label)
        monday(capture)
        conversation = Conversation(capture, chance, clock.at_hour(MONDAY, 8), READER, server, 443)
        conversation.open()
        for _ in range(6 * 12):
            conversation.say(CLIENT, chance.noise(80), 600, keep=0)
            conversation.say(SERVER, chance.noise(80), 0.02, keep=0)
        conversation.close(CLIENT, 1)
    return scene


SCENES = {
    "destination.new": (("agency",), delivered("new", 8_000_000, 900), delivered("new twin", 900, 8_000_000),
                        [("destination.new", READER, NOWHERE)]),
    "destination.rare": (("agency",), at_one_place(((FIRST, NOWHERE), (SECOND, NOWHERE))), at_one_place(()),
                         [("destination.rare", person, NOWHERE) for person in (FIRST, SECOND)]),
    "timing.beacon": (("agency",), calls("beacon", NOWHERE), calls("beacon twin", MAIL),
                      [("timing.beacon", VISITOR, NOWHERE)]),
    "timing.long": (("agency",), held("long", NOWHERE), held("long twin", MAIL), [("timing.long", READER, NOWHERE)]),
}
