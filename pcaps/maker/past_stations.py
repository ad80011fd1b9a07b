"""Three weeks of five machines that do the same each working day: they report to a service and are answered with more,
and hand in a batch and get one back. All but one also use a depot."""

from . import clock
from .chance import Chance
from .past_parts import AT_ONCE, MONDAY, inside, outside, visit, workdays

STATIONS = [inside(f"st{last}", last, False) for last in range(31, 36)]
REPORTS, BATCHES, DEPOT = (outside(f"198.19.{40 + n}.80") for n in range(3))
PRODUCER = STATIONS[-1] # has no use for the depot
REPORT, BATCH, ASKED = (40_000, 60_000), (1_100_000, 1_300_000), (3_000, 9_000)


def hand(capture, date, hour, station, server, sizes):
    chance = Chance("past", "stations", date, station.name, hour)
    visit(capture, chance, clock.at_hour(date, hour + chance.uniform(0.0, 0.1)), station, server, *sizes,
          large=AT_ONCE)


def day(capture, date, batches=()):
    """`batches`: of whom another place and other sizes than ever."""
    for station in STATIONS:
        hand(capture, date, 9, station, REPORTS, REPORT)
        hand(capture, date, 13, station, *dict(batches).get(station, (BATCHES, BATCH)))
        if station is not PRODUCER:
            hand(capture, date, 15, station, DEPOT, ASKED)
        hand(capture, date, 17, station, REPORTS, REPORT)


def stations(capture):
    for date in workdays():
        day(capture, date)


# --- the Monday ----------------------------------------------------------------------------------

def into_depot(answered):
    """One's batch goes to the depot that the others use."""
    def scene(capture):
        day(capture, MONDAY, [(PRODUCER, (DEPOT, (BATCH[0], answered)))])
    return scene


SCENES = {
    "ratio.shift": (("stations",), into_depot(4_000), into_depot(BATCH[1]), [("ratio.shift", PRODUCER, DEPOT)]),
}
