"""Three weeks of four machines, each of which on each working day hands in readings, is answered with half as much again,
and later files a copy of the day, which is larger."""

from . import clock
from .chance import Chance
from .past_parts import AT_ONCE, MONDAY, inside, outside, visit, workdays

METERS = [inside(f"me{last}", last, False) for last in range(51, 55)]
READINGS, COPIES = (outside(f"198.19.{80 + n}.80") for n in range(2))
GROWING, _, UNANSWERED, _ = METERS
SENT, FETCHED, COPY = 150_000, 225_000, (900_000, 1_000)


def day(capture, date, meter, sent=SENT, fetched=FETCHED):
    chance = Chance("past", "meters", date, meter.name)
    more = chance.pick((0.84, 1.0, 1.19, 1.41)) # than usual
    for hour, server, sizes in ((9, READINGS, (int(sent * more), int(fetched * more))), (13, COPIES, COPY)):
        visit(capture, chance, clock.at_hour(date, hour + chance.uniform(0.0, 0.2)), meter, server, *sizes,
              large=AT_ONCE)


def meters(capture):
    for date in workdays():
        for meter in METERS:
            day(capture, date, meter)


# --- the days behind them --------------------------------------------------------------------------

def behind(days, whose, sizes):
    """The same goes on; of one of them, `sizes` of the day's number."""
    def scene(capture):
        for number, date in enumerate(workdays(MONDAY, days)):
            for meter in METERS:
                day(capture, date, meter, *(sizes(number) if meter is whose else ()))
    return scene


def grown(size, number):
    """A seventh more each day than the day before."""
    return int(size * (8 / 7) ** (number + 1))


SCENES = {
    "ratio.upload": (("meters",), behind(4, UNANSWERED, lambda _: (SENT, 2_000)),
                     behind(4, UNANSWERED, lambda _: (SENT, FETCHED)), [("ratio.upload", UNANSWERED, READINGS)]),
    "volume.slow": (("meters",), behind(12, GROWING, lambda number: (grown(SENT, number), grown(FETCHED, number))),
                    behind(12, GROWING, lambda number: (SENT, grown(FETCHED, number))),
                    [("volume.slow", GROWING, READINGS)]),
}
