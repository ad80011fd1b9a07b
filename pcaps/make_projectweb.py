#!/usr/bin/env python3
"""Writes projectweb.pcapng and projectweb.truth.json (see README.md): the same bytes every time."""

import argparse
import datetime
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from maker import clock  # noqa: E402
from maker.book import Book  # noqa: E402
from maker.capture import Capture, write_pcapng  # noqa: E402
from maker.chance import Chance  # noqa: E402
from maker.dns import Resolver  # noqa: E402
from maker.incident import partners, residents, site, theft, truth  # noqa: E402

FIRST = datetime.date(2026, 2, 9)
STOP = clock.at(theft.NIGHT, 6, 12, 30)


def make(folder):
    book = Book()
    capture = Capture(book)
    resolver = Resolver(capture, Chance("resolver"), site.RESOLVER)
    for number in range((theft.NIGHT - FIRST).days + 1):
        date = FIRST + datetime.timedelta(days=number)
        residents.day(capture, resolver, date)
        partners.day(capture, date)
    done = theft.commit(capture)
    capture.confine(clock.midnight(FIRST), STOP)
    path = os.path.join(folder, "projectweb.pcapng")
    write_pcapng(path, capture, "Weir's capture maker", "uplink",
                 "Uplink of a collaboration server's site (made, not recorded). Receive offload: "
                 "segments of up to 16 KiB. Packets nobody can read are cut to 96 bytes.")
    with open(os.path.join(folder, "projectweb.truth.json"), "w", encoding="utf-8") as out:
        json.dump(truth.of(capture, book, done), out, indent=1)
        out.write("\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default=os.path.dirname(os.path.abspath(__file__)))
    make(parser.parse_args().out)
