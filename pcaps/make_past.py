#!/usr/bin/env python3
"""Writes past/ (see README.md): the same bytes every time."""

import argparse
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from maker import past  # noqa: E402
from maker.book import Book  # noqa: E402
from maker.capture import Capture, write_pcap  # noqa: E402


def record(folder, name, scene):
    capture = Capture(Book())
    scene(capture)
    write_pcap(os.path.join(folder, f"{name}.pcap"), capture)


def make(folder):
    os.makedirs(os.path.join(folder, "past"), exist_ok=True)
    for name, days in past.PASTS.items():
        record(folder, f"past/{name}", days)
    for name, (_, leak, twin, _) in past.SCENES.items():
        record(folder, f"past/{name}", leak)
        record(folder, f"past/{name}.twin", twin)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default=os.path.dirname(os.path.abspath(__file__)))
    make(parser.parse_args().out)
