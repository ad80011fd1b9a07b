#!/usr/bin/env python3
"""The shipped captures are what their makers make, and hold what their truth says.

1. Made again into a temporary folder, every file has the shipped file's SHA-256.
2. A reader of our own (not the maker's code) finds in projectweb.pcapng the packets, bytes and
   distinct addresses that the maker entered in its book.
"""

import hashlib
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import unittest

SOURCE = os.environ.get("WEIR_SOURCE") or os.path.join(os.path.dirname(__file__), "..", "..")
PCAPS = os.path.join(os.path.abspath(SOURCE), "pcaps")
MADE = {"make_projectweb.py": ("projectweb.pcapng", "projectweb.truth.json"),
        "make_office.py": ("office10min.pcap", "office10min.truth.json"),
        "make_past.py": tuple(f"past/{name}" for name in os.listdir(os.path.join(PCAPS, "past")))}
ADDRESS = re.compile(rb"[a-z0-9.-]+@[a-z0-9.-]+\.jp")


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def packets(path):
    """(time, captured, original length) of each enhanced packet block."""
    with open(path, "rb") as file:
        data = file.read()
    at = 0
    while at < len(data):
        kind, size = struct.unpack_from("<II", data, at)
        if kind == 6:
            high, low, kept, original = struct.unpack_from("<IIII", data, at + 12)
            yield high << 32 | low, data[at + 28:at + 28 + kept], original
        at += size


def served(frame):
    """(client, ports, seq, payload size by IP, captured payload) of the server's TCP over IPv4."""
    if frame[12:14] != b"\x08\0" or frame[23] != 6 or frame[26:30] != bytes((10, 4, 0, 17)):
        return None
    ip_size, = struct.unpack_from("!H", frame, 16)
    source, target, seq = struct.unpack_from("!HHI", frame, 34)
    head = 20 + (frame[46] >> 4) * 4
    return frame[30:34], (source, target), seq, ip_size - head, frame[14 + head:14 + ip_size]


class Captures(unittest.TestCase):
    def test_made_again_they_are_the_same(self):
        for maker, names in MADE.items():
            with self.subTest(maker=maker), tempfile.TemporaryDirectory() as folder:
                subprocess.run([sys.executable, os.path.join(PCAPS, maker), "--out", folder],
                               check=True)
                found = [os.path.relpath(os.path.join(path, name), folder)
                         for path, _, files in os.walk(folder) for name in files]
                self.assertEqual(sorted(found), sorted(names))
                for name in names:
                    self.assertEqual(sha256(os.path.join(folder, name)),
                                     sha256(os.path.join(PCAPS, name)), name)

    def test_they_are_small(self):
        self.assertLessEqual(os.path.getsize(os.path.join(PCAPS, "projectweb.pcapng")), 8_000_000)
        self.assertLessEqual(os.path.getsize(os.path.join(PCAPS, "office10min.pcap")), 3_000_000)

    def test_the_incident_holds_what_its_truth_says(self):
        with open(os.path.join(PCAPS, "projectweb.truth.json"), encoding="utf-8") as file:
            truth = json.load(file)
        count, wire, last = 0, 0, 0
        streams = {}  # (client, ports) -> {sequence number: (size, captured)}
        for time, frame, original in packets(os.path.join(PCAPS, "projectweb.pcapng")):
            count, wire = count + 1, wire + original
            self.assertGreaterEqual(time, last)
            last = time
            segment = served(frame)
            if segment and segment[0][:3] == bytes((203, 0, 113)) and segment[3] > 0:
                streams.setdefault(segment[:2], {})[segment[2]] = segment[3:]
        self.assertEqual(count, truth["capture"]["packets"])
        self.assertEqual(wire, truth["capture"]["wire_bytes"])
        for port, kind in ((80, "http"), (443, "tls")):
            mine = [segments for (_, ports), segments in streams.items() if ports[0] == port]
            self.assertEqual(len(mine), truth["theft"]["connections"][kind])
            self.assertEqual(sum(size for segments in mine for size, _ in segments.values()),
                             truth["theft"][f"{kind}_payload_bytes"])
        found, settings = set(), 0
        for (_, ports), segments in streams.items():
            if ports[0] == 80:
                first = min(segments)  # sequence numbers may go round
                order = sorted(segments, key=lambda seq, first=first: (seq - first + 2**31) % 2**32)
                text = b"".join(segments[seq][1] for seq in order)
                found.update(ADDRESS.findall(text))
                settings += text.count(b'"smtp": {')
        self.assertEqual(len(found), truth["theft"]["distinct_addresses"])
        self.assertEqual(settings, truth["theft"]["mail_settings_pages"])


if __name__ == "__main__":
    unittest.main()
