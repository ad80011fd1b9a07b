#!/usr/bin/env python3
"""Stage of tests/run --long: the shipped incident on the wire, a hundred times as fast, before a running sensor that
knows the three weeks before it, and its console in a browser.

    console_incident.py [--speed 100] [--shots FOLDER]

All times of the capture are moved so that the theft begins now: what comes before is replayed and learned, and
brought in by `weir baseline import`; the theft is sent over a wire of this test's own, a packet that was cut with
zeros in the place of what is missing. The alert stands on the page without reloading, the incident is found by the
filters, acknowledged and judged by keyboard, and is so after a restart; every page is shown, and the browser has
nothing to complain of. By default the release build's program is used."""

import argparse
import datetime
import json
import os
import struct
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
os.environ.setdefault("WEIR_SOURCE", os.path.dirname(os.path.dirname(HERE)))
os.environ.setdefault("WEIR_BUILD", os.path.join(os.environ["WEIR_SOURCE"], "build", "release"))
os.environ.setdefault("WEIR_BINARY", os.path.join(os.environ["WEIR_BUILD"], "weir"))
sys.path.insert(0, os.path.join(HERE, "..", "golden"))

import weirtest # noqa: E402
from livetest import Sensor, Space, require, until, wire # noqa: E402
from test_console_pages import drive_live, install # noqa: E402

SITE = os.path.join(weirtest.SHIPPED, "projectweb.yaml")
NS = 1_000_000_000
AHEAD_S = 30 # to learn in, and for the sensor and the browser to come up
MTU = 65535 # segments of up to 16 KiB
given = None


def ns(text):
    return int(datetime.datetime.fromisoformat(text).timestamp() * NS)


def packets(path):
    """(time in ns, bytes, length on the wire) of a pcap with nanoseconds."""
    with open(path, "rb") as file:
        data = file.read()
    magic, = struct.unpack_from("<I", data)
    assert magic == 0xa1b23c4d, hex(magic)
    at = 24
    while at < len(data):
        seconds, nanoseconds, kept, size = struct.unpack_from("<IIII", data, at)
        yield seconds * NS + nanoseconds, data[at + 16:at + 16 + kept], size
        at += 16 + kept


class Incident(weirtest.Case):
    def setUp(self):
        super().setUp()
        require(self, "ethtool", "editcap")
        self.modules, why = install()
        if why:
            self.skipTest(why)
        with open(os.path.join(weirtest.SHIPPED, "projectweb.truth.json"), encoding="utf-8") as file:
            self.theft = json.load(file)["theft"]
        self.wire, self.tap = Space(self, "wire"), Space(self, "tap")
        wire(self.wire, "w0", self.tap, "t0", arp=False)
        for space, end in ((self.wire, "w0"), (self.tap, "t0")):
            space.ip("link", "set", end, "mtu", str(MTU))

    def split(self):
        """What comes before the theft, as a capture of just before now; and the theft. → seconds from now."""
        whole, before = self.path("whole.pcap"), self.path("before.pcap")
        subprocess.run(["editcap", "-F", "nsecpcap", os.path.join(weirtest.SHIPPED, "projectweb.pcapng"), whole],
                       check=True)
        first, self.night = ns(self.theft["first_packet"]), []
        move = (int(time.time()) + AHEAD_S) * NS - int(first)
        with open(whole, "rb") as file, open(before, "wb") as out:
            out.write(file.read(24))
            for at, data, size in packets(whole):
                if at >= first - NS:
                    self.night.append((at, data, size))
                else:
                    out.write(struct.pack("<IIII", (at + move) // NS, (at + move) % NS, len(data), size) + data)
        self.begins_s = (self.night[0][0] + move) / NS
        return before

    def learn(self, before):
        learned = self.path("learned.base")
        run = weirtest.weir("replay", "-q", "-c", SITE, "--save-baseline", learned, before)
        self.assertEqual(run.status, 0, run)
        return learned

    def begin(self):
        self.sensor = Sensor(self, self.tap, "-c", SITE, "-i", "t0", "--set", "console.enabled=true",
                             folder=self.path("sensor"))
        with open(self.sensor.log, encoding="utf-8") as file:
            return file.read().rpartition("/#/login?token=")[2].split()[0]

    def send(self, frames):
        """The theft and what else there was that night, `speed` times as fast."""
        until("the moment of the theft", lambda: time.time() >= self.begins_s, 2 * AHEAD_S)
        self.begun.set()
        begun, first, last = time.monotonic(), self.night[0][0], ns(self.theft["last_packet"])
        for at, data, size in self.night:
            if at > last + NS:
                break
            wait = (at - first) / NS / given.speed - (time.monotonic() - begun)
            if wait > 0:
                time.sleep(wait)
            frames.send(data + bytes(size - len(data)))
        frames.close()

    def act(self, what):
        if what == "restart":
            self.sensor.stop()
            return self.begin()
        if what == "theft":
            self.begun = threading.Event()
            self.goes_on = threading.Thread(target=self.send, args=(self.wire.raw("w0"),))
            self.goes_on.start()
            self.begun.wait()
        else:
            self.goes_on.join()
        return "done"

    def test_it(self):
        learned = self.learn(self.split())
        token = self.begin()
        done = self.sensor.ask("baseline", "import", learned)
        self.assertIn("hosts imported", done.stdout, done)
        shots = os.path.abspath(given.shots) if given.shots else ""
        print(drive_live(self, self.tap, self.modules, "incident", token, self.act, shots))
        self.sensor.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--speed", type=float, default=100)
    parser.add_argument("--shots", default="")
    given, sys.argv[1:] = parser.parse_known_args()
    weirtest.main()
