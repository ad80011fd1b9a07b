#!/usr/bin/env python3
"""The rule packs for offices, plants and airports, with the lists that the example sites fill: every rule that
is not in a recorded capture (test_recorded.py) tells of a conversation made here with so much as it asks for, and
of nothing when it is a little less. Together with the recorded ones that is every rule of the packs."""

import os
import re
import struct
import sys

import weirtest
from weirtest import NS, SHIPPED, SOURCE, Case, conversation, pcap

sys.path.insert(0, os.path.join(SHIPPED, "record"))

import airport # noqa: E402
import record # noqa: E402

START = 1_795_800_000 * NS # 2026-11-27 17:20 UTC
OUT = "198.51.100.9"
HELLO = bytes.fromhex("160301002f0100002b0303") + bytes(32) + bytes.fromhex("000004c02bc02f0100")
SERVER_HELLO = bytes.fromhex("160303002a020000260303") + bytes(32) + bytes.fromhex("00c02b00")


def text(size):
    """Nothing that is counted."""
    return (b"nothing of interest is said in this line, nor in the next one\n" * (size // 62 + 1))[:size]


def nameless(size):
    """TLS of a client that names nobody."""
    record_of_16k = struct.pack("!BHH", 23, 0x303, 16000) + bytes(range(256)) * 62 + bytes(128)
    return HELLO + record_of_16k * (size // len(record_of_16k) + 1)


def plans(count):
    return "".join(airport.flight_plan(number) for number in range(count)).encode()


# rule → site, inside host, outside port, what it says when it is told, when it is not.
MADE = {
    "office.printer": ("office", "10.20.2.20", 443, text(101_000), text(99_000)),
    "office.camera": ("office", "10.20.2.40", 8000, text(1_010_000), text(990_000)),
    "office.phone": ("office", "10.20.2.60", 8000, text(1_010_000), text(990_000)),
    "office.server": ("office", "10.20.0.30", 8000, text(5_010_000), text(4_990_000)),
    "office.nameless": ("office", "10.20.1.90", 443, nameless(5_010_000), nameless(4_900_000)),
    "plant.engineering": ("plant", "10.9.3.5", 8000, text(201_000), text(199_000)),
    "plant.camera": ("plant", "10.9.20.5", 554, text(51_000), text(49_000)),
    "airport.flight": ("airport", "10.50.30.25", 8000, plans(6), plans(4)),
    "airport.checkin": ("airport", "10.50.20.70", 8000, text(21_000), text(19_000)), # of no protocol, too
    "airport.database": ("airport", "10.50.10.10", 8000, text(501_000), text(499_000)),
    "airport.messages": ("airport", "10.50.30.26", 3001, plans(1), text(500)),
}
ENABLED = "- rule: airport.flight\n  override: replace\n  enabled: true\n"
ZONES = {"zone.conduit", "zone.payload"} # of locked zones the matrix speaks first


class Packs(Case):
    def told(self, site, which):
        """Of all the site's conversations at once, each from a host of its own."""
        frames = []
        for host, port, *said in (row[1:] for row in MADE.values() if row[0] == site):
            down = SERVER_HELLO if port == 443 else b"ok\n"
            frames += conversation(START, (host, 40000), (OUT, port), said[which], down, step_ns=20_000)
        example = os.path.join(SOURCE, "rules", "examples", site)
        with open(os.path.join(example, "weir.yaml"), encoding="utf-8") as file:
            config = file.read()
        enabled = self.write("enabled.yaml", ENABLED if site == "airport" else "[]")
        rules = f"[{SOURCE}/rules/*.yaml, {SOURCE}/rules/sites/{site}.yaml, {example}/site.yaml, {enabled}]"
        config = re.sub(r"(?m)^rules: .*$", "rules: " + rules, config).replace("conduits: ", f"conduits: {example}/")
        run = self.replay("-c", self.write("weir.yaml", config), self.write("made.pcap", pcap(sorted(frames))))
        return {(one["rule"]["id"], one["source"]["ip"]) for one in run.alerts()
                if one["rule"]["id"] not in ZONES}

    def test_each_tells(self):
        for site in record.SITES:
            mine = {(rule, row[1]) for rule, row in MADE.items() if row[0] == site}
            with self.subTest(site=site):
                self.assertEqual(self.told(site, 0), mine)
                self.assertEqual(self.told(site, 1), set())

    def test_no_rule_is_left_out(self):
        rules = set()
        for site in record.SITES:
            with open(os.path.join(SOURCE, "rules", "sites", site + ".yaml"), encoding="utf-8") as file:
                rules |= set(re.findall(r"^- rule: (\S+)", file.read(), re.M))
        recorded = {row[0] for scene in record.SCENES.values() for row in scene.told}
        self.assertEqual(rules - recorded - set(MADE), set())
        self.assertEqual(set(MADE) - rules, set())


if __name__ == "__main__":
    weirtest.main()
