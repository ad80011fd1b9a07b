#!/usr/bin/env python3
"""Writes office10min.pcap and office10min.truth.json (see README.md): the same bytes every time."""

import argparse
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from maker import office10  # noqa: E402
from maker.book import Book  # noqa: E402
from maker.capture import Capture, write_pcap  # noqa: E402


def make(folder):
    book = Book()
    capture = Capture(book)
    office10.record(capture)
    write_pcap(os.path.join(folder, "office10min.pcap"), capture)
    with open(os.path.join(folder, "office10min.truth.json"), "w", encoding="utf-8") as out:
        json.dump(office10.truth(capture, book), out, indent=1)
        out.write("\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default=os.path.dirname(os.path.abspath(__file__)))
    make(parser.parse_args().out)
