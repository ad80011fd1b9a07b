#!/usr/bin/env python3
"""Packets that a mirror shows twice are counted once, and retransmissions are not taken for them.

Captures of real and shipped traffic are written again with copies of their packets beside them (as
they are; one hop on; in another VLAN; in both of a tap's directions; up to 500 µs or 5 ms later),
100,000 in all, and judged like the originals: every flow must be told in the same words. Captures
whose packets come once must lose nothing. What needs ../shared/pcaps is skipped without.
"""

import os
import random
import struct

import copies
import weirtest
from weirtest import ACK, SHARED, checksum, conversation, ethernet, ip_packet, tcp, udp

US = 1_000
MS = 1_000_000
ADDED_IN_ALL = 100_000
SIDES = ("orig", "resp")
HOP, VLAN = copies.one_hop_on, copies.in_vlan(20)

# Where the program takes fewer frames for copies than copies.told_twice, whose rules are simpler.
FEWER = {
    "dev_mix_10min.pcap": 8,         # without an identification, before the tap had proven itself
    "sv__eve-flow-vlan_input.pcap": 1,  # an identification of one, which packet makers write into all
    "zeek__ipv4_fragmented-2.pcap": 1,  # a fragment of a size that no host sends: each is told alone
    "zeek__tcp_ctu-64702-888.pcap": 1,  # the RST, 241 µs apart: two
    "zeek__tcp_ssh-dups.pcap": 3,       # ACKs, before the tap had proven itself
}
# Of a link type that is not read.
UNREAD = {"pcpp__microsecs_big_endian.pcap"}


def flows_of(run):
    return sorted(run.bytes("flows.ndjson").splitlines())


def sensor(run):
    return run.summary()["coverage"]["sensor"]


def told_twice(path):
    """How many, by other rules than the program's; of what is no Ethernet none is known."""
    try:
        return sum(1 for _ in copies.told_twice(path))
    except ValueError:
        return 0


def up_to(limit_ns, seed):
    """A delay for each packet, the same in every run."""
    return lambda number: random.Random(seed * 1_000_003 + number).randrange(limit_ns)


def fragment(packet, ident, at, size):
    """A piece of an IPv4 packet without options."""
    data = packet[20 + at:20 + at + size]
    more = 0x2000 if 20 + at + size < len(packet) else 0
    head = packet[:2] + struct.pack("!HHH", 20 + len(data), ident, more | at // 8) + packet[8:10]
    head += b"\0\0" + packet[12:20]
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + data


def retransmitted(run):
    return sum(flow[side]["retransmitted_bytes"] for flow in run.flows() for side in SIDES)


def one_of(*kinds):
    return lambda number: kinds[number % len(kinds)]


class Mirrored(weirtest.Case):
    """The 100,000."""

    def setUp(self):
        super().setUp()
        self.added = 0

    def judged(self, packets):
        return self.replay("--flows", self.write("in.pcap", copies.pcap(packets)))

    def check(self, packets, copy, delay_ns):
        plain = self.judged(packets)
        self.assertEqual(sensor(plain)["duplicates"], 0)
        mirrored, added = copies.with_copies(packets, copy, delay_ns)
        run = self.judged(mirrored)
        self.assertEqual(flows_of(run), flows_of(plain))
        self.assertEqual(sensor(run)["duplicates"], len(added))
        self.assertEqual(sensor(run)["duplicate_bytes"], sum(wire for _, _, wire in added))
        self.assertEqual(sensor(run)["packets"], len(mirrored))
        self.added += len(added)

    def test_shipped(self):
        packets = list(copies.frames(os.path.join(weirtest.SHIPPED, "office10min.pcap")))
        self.check(packets, one_of(copies.exact), up_to(500 * US, 1))
        self.check(packets, one_of(copies.exact), lambda _: 5 * MS)
        self.check(packets, one_of(HOP), up_to(500 * US, 2))
        self.check(packets, one_of(VLAN), lambda _: 5 * MS)
        self.check(packets, one_of(copies.exact, HOP, VLAN, lambda frame: HOP(VLAN(frame))),
                   up_to(5 * MS, 3))
        self.assertGreater(self.added, ADDED_IN_ALL)

    def test_shared(self):
        if not os.path.isdir(SHARED):
            self.skipTest("no captures at " + SHARED)
        for name in ("pcpp__example.pcap", "zeek__tcp_timestamp.pcap"):
            packets = list(copies.frames(copies.find(SHARED, name)))
            self.check(packets, one_of(HOP), up_to(500 * US, 4))
            self.check(packets, one_of(VLAN, HOP), lambda _: 5 * MS)
            self.check_exact(packets)

    def check_exact(self, packets):
        """What has no identification and comes before the tap has proven to show twice is counted
        twice; no byte of TCP is."""
        mirrored, added = copies.with_copies(packets, one_of(copies.exact), up_to(500 * US, 5))
        plain, run = self.judged(packets), self.judged(mirrored)
        self.assertGreater(sensor(run)["duplicates"], 0.99 * len(added))
        for name in ("tcp_payload_bytes", "tcp_missing_bytes"):
            self.assertEqual(sensor(run)[name], sensor(plain)[name])
        self.assertEqual(retransmitted(run), retransmitted(plain))


class Once(weirtest.Case):
    """Captures as they are."""

    def test_shared(self):
        if not os.path.isdir(SHARED):
            self.skipTest("no captures at " + SHARED)
        wrong, shown = [], 0
        for folder, _, names in sorted(os.walk(SHARED)):
            for name in sorted(names):
                if not name.endswith((".pcap", ".cap")):
                    continue
                if folder.endswith("12_robustness"):  # cut and broken ones: test_shared_pcaps.py
                    continue
                run = weirtest.kept_replay(os.path.join(folder, name))
                self.assertEqual(run.status, 3 if name in UNREAD else 0, run)
                have, want = sensor(run)["duplicates"], told_twice(os.path.join(folder, name))
                shown += have
                if have != want - FEWER.get(name, 0):
                    wrong.append(f"{name}: {have}, of {want}")
        self.assertEqual(wrong, [])
        self.assertGreater(shown, 2000)


class Crafted(weirtest.Case):
    """Without an identification: the program's own generated packets have none."""

    def judged(self, packets, *words):
        packets = [(at, frame, len(frame)) for at, frame in sorted(packets, key=lambda p: p[0])]
        name = f"in{self.runs}.pcap"
        return self.replay(*words, "--flows", self.write(name, copies.pcap(packets)))

    def assert_equal_flows(self, packets, mirrored, duplicates):
        plain, run = self.judged(packets), self.judged(mirrored)
        self.assertEqual(flows_of(run), flows_of(plain))
        self.assertEqual(sensor(run)["duplicates"], duplicates)

    def test_ipv6(self):
        """Each packet at once again: handshake and data are known by themselves; then the tap is."""
        packets = conversation(0, ("2001:db8::1", 40000), ("2001:db8::2", 443), b"x" * 200_000)
        again = [(at + 20 * US, frame) for at, frame in packets]
        run = self.judged(packets + again)
        side = run.flows()[0]["orig"]
        self.assertEqual((side["payload_bytes"], side["retransmitted_bytes"]), (200_000, 0))
        self.assertLess(len(packets) - sensor(run)["duplicates"], 16) # bare ACKs, until it has proven
        elsewhere = [(at + 20 * US, copies.one_hop_on(frame)) for at, frame in packets]
        self.assert_equal_flows(packets, packets + elsewhere, len(packets))

    def test_retransmission(self):
        """Equal in every byte, after the peer's word or a timer's time: they stay."""
        packets = conversation(0, ("10.0.0.1", 40000), ("198.51.100.9", 443), b"x" * 2800)
        last = packets[5]  # the second segment
        for delay in (2 * MS, 30 * MS, 250 * MS):
            run = self.judged([*packets, (last[0] + delay, last[1])])
            self.assertEqual(run.flows()[0]["orig"]["retransmitted_bytes"], 1400)
            self.assertEqual(sensor(run)["duplicates"], 0)

    def test_equal_datagrams(self):
        """Two equal datagrams are two, as long as the tap shows everything once."""
        beat = udp("10.0.0.1", 5000, "198.51.100.9", 6000, b"alive")
        run = self.judged([(n * 10 * US, beat) for n in range(50)])
        self.assertEqual(run.flows()[0]["orig"]["packets"], 50)

    def test_duplicate_acks(self):
        ack = tcp("198.51.100.9", 443, "10.0.0.1", 40000, 5001, 1001, ACK)
        packets = conversation(0, ("10.0.0.1", 40000), ("198.51.100.9", 443), b"x" * 1400)
        run = self.judged(packets[:5] + [(packets[4][0] + n * US, ack) for n in range(1, 4)])
        self.assertEqual(run.flows()[0]["resp"]["packets"], 5)  # SYN, one, three

    def test_two_vlans_are_one_flow(self):
        """One direction is first seen in VLAN 10, the other in VLAN 20; each is shown in both."""
        packets = conversation(0, ("10.0.0.1", 40000), ("198.51.100.9", 443), b"x" * 5000, b"y" * 90)
        here, there = copies.in_vlan(10), copies.in_vlan(20)
        mirrored = []
        for at, frame in packets:
            out = frame[26:30] == bytes((10, 0, 0, 1))
            first, second = (here, there) if out else (there, here)
            mirrored += [(at, first(frame)), (at + 30 * US, second(frame))]
        self.assert_equal_flows([(at, here(frame)) for at, frame in packets], mirrored,
                                len(packets))

    def test_fragments(self):
        """A datagram of three, as it is and in another VLAN: put together once."""
        whole = ip_packet("10.0.0.1", "198.51.100.9", 17,
                          struct.pack("!HHHH", 5000, 6000, 2408, 0) + b"z" * 2400)
        pieces = [ethernet(fragment(whole, 77, at, 800)) for at in (0, 800, 1600, 2400)]
        packets = [(n * MS, piece) for n, piece in enumerate(pieces)]
        for copy in (copies.exact, copies.one_hop_on, VLAN):
            again = [(at + 100 * US, copy(piece)) for at, piece in packets]
            self.assert_equal_flows(packets, packets + again, len(packets))
            late = [(at + 7 * MS, copy(piece)) for at, piece in packets]
            self.assert_equal_flows(packets, packets + late, len(packets))

    def test_workers_agree(self):
        packets = []
        for n in range(20):
            packets += conversation(n * 3 * MS, (f"10.0.0.{n + 1}", 40000), ("198.51.100.9", 443),
                                    b"x" * 20_000, step_ns=700 * US)
        again = [(at + 100 * US, frame) for at, frame in packets]
        runs = [self.judged(packets + again, "--workers", n) for n in (0, 1, 2)]
        for run in runs[1:]:
            self.assertEqual(run.bytes("flows.ndjson"), runs[0].bytes("flows.ndjson"))
            self.assertEqual(sensor(run), sensor(runs[0]))
        self.assertGreater(sensor(runs[0])["duplicates"], len(packets) // 2)

    def test_said(self):
        packets = conversation(0, ("10.0.0.1", 40000), ("198.51.100.9", 443), b"x" * 5000)
        mirrored = packets + [(at + 9 * US, copies.one_hop_on(frame)) for at, frame in packets]
        name = self.write("said.pcap", weirtest.pcap(sorted(mirrored, key=lambda p: p[0]), True))
        self.assertIn("mirror copies: 50 % of the frames, counted once",
                      weirtest.weir("replay", name).out)
        self.assertIn("Duplicates  50 % of the frames are mirror copies",
                      weirtest.weir("check", "-r", name).out)


if __name__ == "__main__":
    weirtest.main()
