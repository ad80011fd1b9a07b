"""When people work: days, holidays, hours of the day."""

import datetime

HOLIDAYS = (datetime.date(2026, 2, 11), datetime.date(2026, 2, 23))
_WEEKDAY = (1.10, 1.0, 1.0, 1.05, 0.85, 0.04, 0.02)


def busy(date):
    """How much of an ordinary workday's work is done on this date."""
    return 0.03 if date in HOLIDAYS else _WEEKDAY[date.weekday()]


def hours(chance, count):
    """Hours of the day (fractions), in order: two humps around lunch, now and then an evening."""
    return sorted(_hour(chance) for _ in range(count))


def _hour(chance):
    if chance.happens(0.04):
        return chance.uniform(18.3, 20.5)
    while True:
        hour = chance.normal(10.2, 1.1) if chance.happens(0.47) else chance.normal(15.2, 1.5)
        lunch = 12.0 <= hour < 13.0
        if 8.4 <= hour <= 18.6 and not (lunch and chance.happens(0.75)):
            return hour


def temper(chance, sigma=0.45):
    """Some days are busier than others: a factor around 1, log-normal."""
    return chance.size(1000, sigma, 150, 5000) / 1000
