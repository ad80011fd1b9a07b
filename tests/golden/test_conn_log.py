#!/usr/bin/env python3
"""A Zeek conn.log as input: the same connections are the same alerts and flows, byte for byte, as TSV, as JSON
lines, packed, in any order, cut into files, and for any number of workers; a log says what left as the capture
does that it was made of; and what is wrong with one is said.

Needs numpy, for the fleet (tests/eval)."""

import gzip
import json
import os
import random
import sys

import weirtest
from weirtest import NS, Case, complaint, conversation, pcap

sys.path.insert(0, os.path.join(weirtest.SOURCE, "tests", "eval"))
try:
    import fleet
except ImportError: # numpy
    fleet = None

FIELDS = ("ts uid id.orig_h id.orig_p id.resp_h id.resp_p proto service duration orig_bytes resp_bytes conn_state "
          "missed_bytes history orig_pkts orig_ip_bytes resp_pkts resp_ip_bytes").split()
NUMBERS = {"ts", "duration", "orig_bytes", "resp_bytes", "id.orig_p", "id.resp_p", "missed_bytes", "orig_pkts",
           "orig_ip_bytes", "resp_pkts", "resp_ip_bytes"}
HEAD = "#separator \\x09\n#unset_field\t-\n#path\tconn\n#fields\t" + "\t".join(FIELDS) + "\n"
START = 1_772_000_000


def tsv(rows):
    return HEAD + "".join("\t".join(row) + "\n" for row in rows)


def as_json(rows):
    lines = []
    for row in rows:
        fields = [f'"{name}":{value}' if name in NUMBERS else f'"{name}":{json.dumps(value)}'
                  for name, value in zip(FIELDS, row) if value != "-"]
        lines.append("{" + ",".join(fields) + "}\n")
    return "".join(lines)


def row_of(at, orig, resp, sent, got, lasts="1.5", state="SF"):
    return [f"{at:.6f}", "C1", orig, "40000", resp, "443", "tcp", "ssl", lasts, str(sent), str(got), state, "0",
            "ShADadFf", str(sent // 1400 + 3), str(sent + 40 * (sent // 1400 + 3)), str(got // 1400 + 3),
            str(got + 40 * (got // 1400 + 3))]


@weirtest.unittest.skipUnless(fleet, "no numpy")
class Same(Case):
    def setUp(self):
        super().setUp()
        made = fleet.Fleet("tuning", 7, hosts=4, days=26, attacks=0, served=False)
        path = self.path("whole.log")
        made.write(path)
        with open(path, encoding="ascii") as file:
            self.rows = [line.rstrip("\n").split("\t") for line in file if not line.startswith("#")]
        # Ends in time for an upload that nobody has seen the like of.
        at = float(max(row[0] for row in self.rows)) - 7200
        self.rows.append(row_of(at, self.rows[0][2], "203.0.113.9", 900_000_000, 20_000, "3000.25"))
        self.plain = self.replay("--flows", self.write("conn.log", tsv(self.rows).encode()))
        self.assertGreaterEqual(len(self.plain.alerts()), 1)
        self.assertEqual(len(self.plain.flows()), len(self.rows))

    def same(self, *inputs):
        run = self.replay("--flows", *inputs)
        for name in ("alerts.ndjson", "flows.ndjson"):
            self.assertEqual(run.bytes(name), self.plain.bytes(name), f"{inputs}: {name}: {run}")

    def folder_of(self, text):
        """Three parts that overlap, named against their order, and a log that is none of connections."""
        os.mkdir(self.path("logs"))
        third = len(text) // 3
        for n, part in enumerate((text[:third], text[third:2 * third], text[2 * third:])):
            self.write(os.path.join("logs", f"conn.{2 - n}.log"), tsv(part).encode())
        weird = b"#separator \\x09\n#path\tweird\n#fields\tts\n1\n"
        self.write(os.path.join("logs", "weird.log"), weird)
        self.write(os.path.join("logs", "weird.log.gz"), gzip.compress(weird)) # known only when it is read
        return self.path("logs")

    def test_the_same(self):
        text = tsv(self.rows).encode()
        self.same("--workers", "3", self.write("json.log", as_json(self.rows).encode()))
        self.same("--workers", "0", self.write("conn.log.gz", gzip.compress(text, 1)))
        self.same(self.folder_of(self.rows))
        # Of equal times the first line goes first: they are told apart by when they end.
        rows = list(self.rows)
        random.Random(1).shuffle(rows)
        self.same("--workers", "2", self.write("shuffled.log", tsv(rows).encode()))


class Log(Case):
    def test_as_the_capture(self):
        packets, rows = [], []
        for n in range(20):
            host, up, down = f"10.1.1.{n + 2}", 5000 * (n + 1), 300 * (n + 1)
            packets += conversation((START + 10 * n) * NS, (host, 40000), ("198.51.100.9", 443), b"x" * up, b"y" * down)
            rows.append(row_of(START + 10 * n, host, "198.51.100.9", up, down))
        packets.sort(key=lambda packet: packet[0])
        of_packets = self.replay("--flows", self.write("a.pcap", pcap(packets, nanoseconds=True)))
        of_log = self.replay("--flows", self.write("conn.log", tsv(rows).encode()))
        def said(run):
            return sorted((flow["orig"]["ip"], flow["orig"]["payload_bytes"], flow["resp"]["payload_bytes"],
                           flow["community_id"], flow["scope"], flow["end_reason"], flow["orig_by"])
                          for flow in run.flows())
        self.assertEqual(said(of_log), said(of_packets))
        self.assertEqual(of_log.summary()["scopes"], of_packets.summary()["scopes"])

    def test_long_connections(self):
        """A day of 86,400 bytes a second apart: every hour has its own."""
        row = row_of(START, "10.1.1.1", "198.51.100.9", 8_640_000, 0, "86400")
        run = self.replay("--flows", self.write("conn.log", tsv([row]).encode()))
        self.assertEqual(len(run.flows()), 1)
        self.assertEqual(run.flows()[0]["orig"]["payload_bytes"], 8_640_000)
        self.assertEqual(run.summary()["inputs"][0]["connections"], 1)
        self.assertIn("no content", run.bytes("summary.txt").decode())

    def test_bad_lines(self):
        rows = [row_of(START + n, f"10.1.1.{n + 1}", "198.51.100.9", 1000, 1000) for n in range(5)]
        rows[2][2] = "10.1.1.x"
        rows[4][9] = "many"
        run = self.replay("--flows", self.write("conn.log", tsv(rows).encode()), status=3)
        self.assertEqual(len(run.flows()), 3)
        self.assertIn("2 of 9 lines could not be read, first line 7: no address", complaint(run))
        self.assertEqual(run.summary()["inputs"][0]["lines_unread"], 2)

    def test_what_is_no_conn_log(self):
        weird = self.write("weird.log", b"#separator \\x09\n#path\tweird\n#fields\tts\n1\n")
        self.assert_fails(3, ["replay", weird], "a log that is not read", "expected Zeek's conn")
        self.assert_fails(3, ["replay", self.write("x.log", b'{"ts":1,"uid":"C","query":"a.example"}\n')], "not read")
        self.assert_fails(3, ["replay", self.write("y.log", b'{"uid":"C","query":"a.example"}\n')], "line 1")
        row = row_of(START, "10.1.1.1", "198.51.100.9", 1000, 1000)
        self.assert_fails(2, ["replay", "-f", "tcp", self.write("conn.log", tsv([row]).encode())], "no packets to filter")

    def test_empty_hours(self):
        """Zeek rotates a log of an hour without a connection, too."""
        run = self.replay(self.write("conn.log", (HEAD + "#close\t2020-06-05-15-00-00\n").encode()))
        self.assertEqual(run.alerts(), [])


if __name__ == "__main__":
    weirtest.main()
