#!/usr/bin/env python3
"""A stage of tests/run --long: three VLANs of steady traffic on a tap; one of them is taken away, then one
direction, then everything. Each must be told by `sensor.blind` within 60 s (wall), and nothing else; what
comes back ends it. Four minutes. Environment: as tests/golden/weirtest.py; WEIR_BINARY is by default the
sanitized build's."""

import os
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden"))

import weirtest # noqa: E402
from livetest import Sensor, Space, require, until, wire # noqa: E402

os.environ.setdefault("WEIR_BINARY", os.path.join(weirtest.SOURCE, "build", "asan", "weir"))
VLANS = (10, 20, 30)
USUAL_S = 75 # a subject is usual after six slots of 10 s (engine/sight.h), and the last one must be over
TOLD_S = 60
OUT, IN = 0, 1


class Talk(threading.Thread):
    """A packet of each direction of each VLAN that is left, four times a second."""

    def __init__(self, line):
        super().__init__(daemon=True)
        self.line, self.over = line, threading.Event()
        self.left = {(vlan, way) for vlan in VLANS for way in (OUT, IN)}

    def run(self):
        while not self.over.wait(0.25):
            for vlan, way in sorted(self.left):
                ends = ((f"10.1.{vlan}.1", 5000), (f"198.51.100.{vlan}", 6000))
                frame = weirtest.udp(*ends[way], *ends[1 - way], b"weir")
                self.line.send(frame[:12] + struct.pack("!HH", 0x8100, vlan) + frame[12:])


class Blind(weirtest.Case):
    def setUp(self):
        super().setUp()
        require(self, "ethtool")
        peer, tap = Space(self, "peer"), Space(self, "tap")
        wire(peer, "p0", tap, "tap0", arp=False)
        line = peer.raw("p0")
        self.addCleanup(line.close)
        self.sensor = Sensor(self, tap, "-i", "tap0", "--inside", "10.0.0.0/8", workers=2)
        self.talk = Talk(line)
        self.talk.start()
        self.addCleanup(self.talk.join)
        self.addCleanup(self.talk.over.set)

    def sights(self, state):
        return [alert["weir"]["sight"] for alert in self.sensor.alerts("sensor.blind")
                if alert["weir"]["state"] == state]

    def take(self, sight, *gone):
        """Takes `gone` away: `sight` is told, once, in time."""
        before = self.sights("open")
        self.talk.left -= set(gone)
        began = time.monotonic()
        until(lambda: f"{sight}: {self.sensor.alerts()}\n{self.sensor.status()}",
              lambda: self.sights("open") != before, TOLD_S)
        print(f"{sight}: told after {time.monotonic() - began:.1f} s", flush=True)
        self.assertEqual(self.sights("open"), [*before, sight])
        self.assertTrue(self.sensor.status()["blind"])

    def test_one_vlan_one_direction_everything(self):
        time.sleep(USUAL_S)
        self.assertEqual(self.sensor.alerts(), [])
        self.assertEqual(self.sensor.status()["blind"], [])
        self.take("vlan 20", (20, OUT), (20, IN))
        self.take("direction in", (10, IN), (30, IN))
        self.take("tap", (10, OUT), (30, OUT))
        self.talk.left |= {(vlan, way) for vlan in VLANS for way in (OUT, IN)}
        until(lambda: self.sensor.alerts(), lambda: {"vlan 20", "direction in", "tap"} <=
              set(self.sights("close")), TOLD_S)
        self.assertEqual(self.sensor.status()["blind"], [])
        self.sensor.stop()


if __name__ == "__main__":
    weirtest.main()
