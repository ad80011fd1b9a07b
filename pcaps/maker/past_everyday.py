"""Three weeks of a very small office: four people, five services, three visits a working day each, and what each
fetches from the store inside. What they send in an hour is little, and to places that all use."""

from . import clock, tls
from .chance import Chance
from .past_parts import AT_ONCE, MONDAY, NOWHERE, all_of, exchange, inside, outside, visit, workdays

STAFF = [inside(f"pc{last}", last) for last in range(11, 15)]
SERVICES = [outside(f"198.19.{20 + n}.80") for n in range(5)]
STORE = inside("store", 5)
WRITER, FETCHER, READER, VISITOR = STAFF


def everyday(capture):
    """Each to the services that all use."""
    for date in workdays():
        for person in STAFF:
            chance = Chance("past", date, person.name)
            for hour in (9, 13, 16):
                visit(capture, chance, clock.at_hour(date, hour + chance.uniform(0.0, 0.9)), person,
                      chance.pick(SERVICES), chance.between(600, 4000), chance.between(4000, 12000))


def store(capture):
    """… and, each morning, what each takes from the store."""
    for date in workdays():
        for person in STAFF:
            chance = Chance("past", "store", date, person.name)
            visit(capture, chance, clock.at_hour(date, 10 + chance.uniform(0.0, 0.9)), person, STORE, 600,
                  chance.between(100_000, 300_000), 445, AT_ONCE)


# --- the Monday ----------------------------------------------------------------------------------

def of_several(label, people, size):
    """The same place nobody knew, on one day."""
    return all_of(*(exchange(f"{label} {number}", 10.2 + 2 * number, person, NOWHERE, size, 900)
                    for number, person in enumerate(people)))


def questions(label, port):
    """TLS to a resolver; on its port it is DNS over TLS."""
    def scene(capture):
        tls.visit(capture, Chance("past", label), clock.at_hour(MONDAY, 11), VISITOR, SERVICES[1], "dns.example",
                  tls.AGENT, [(0.1, 120, 300)] * 3, port)
    return scene


def gathered(label, sent):
    """From the store in the morning; `sent` bytes to each of the services from noon on."""
    return all_of(exchange(f"{label} store", 10.3, FETCHER, STORE, 900, 8_000_000, AT_ONCE),
                  *(exchange(f"{label} {number}", 12.2 + number, FETCHER, service, sent, 4000, AT_ONCE)
                    for number, service in enumerate(SERVICES)))


SCENES = {
    # name: (the files of its past, the leak, its twin, what is told: rule, inside host, outside host)
    "staging.upload": (("everyday", "store"), gathered("staged", 700_000), gathered("staged twin", 3_000),
                       [("staging.upload", FETCHER, SERVICES[0])]),
    "tunnel.new": (("everyday",), questions("dot", 853), questions("https", 443),
                   [("tunnel.new", VISITOR, SERVICES[1])]),
    "volume.destination": (("everyday",), exchange("destination", 14.2, WRITER, SERVICES[0], 3_000_000, 900),
                           exchange("destination twin", 14.2, WRITER, SERVICES[0], 900, 3_000_000),
                           [("volume.destination", WRITER, SERVICES[0])]),
    "volume.host": (("everyday",), of_several("several", (WRITER, READER, VISITOR), 900_000),
                    of_several("several twin", (WRITER, READER, VISITOR), 3_000),
                    [("volume.host", person, NOWHERE) for person in (WRITER, READER, VISITOR)]),
}
