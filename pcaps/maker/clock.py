"""Packet time: whole nanoseconds since 1970, spoken of in Japan's time (UTC+9, no summer time)."""

import datetime

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
JST = datetime.timezone(datetime.timedelta(hours=9))
_EPOCH = datetime.date(1970, 1, 1)


def seconds(value):
    return int(value * SECOND)


def midnight(date):
    return (date - _EPOCH).days * DAY - 9 * HOUR


def at(date, hour, minute=0, second=0.0):
    return midnight(date) + hour * HOUR + minute * 60 * SECOND + seconds(second)


def at_hour(date, hour):
    """`hour` is a fraction: 13.5 is half past one."""
    return midnight(date) + int(hour * HOUR)


def date_of(time):
    return _EPOCH + datetime.timedelta(days=(time + 9 * HOUR) // DAY)


def hour_of(time):
    return (time + 9 * HOUR) % DAY // HOUR


def iso(time):
    """2026-03-02T01:14:07.201000000+09:00: all nine digits, which datetime cannot."""
    whole = datetime.datetime.fromtimestamp(time // SECOND, JST)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{time % SECOND:09d}+09:00"


def http_date(time):
    whole = datetime.datetime.fromtimestamp(time // SECOND, datetime.timezone.utc)
    day = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[whole.weekday()]
    month = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov",
             "Dec")[whole.month - 1]
    return f"{day}, {whole.day:02d} {month} {whole:%Y %H:%M:%S} GMT"
