"""Counts that crafted packets cannot fool.

Each capture holds a connection that somebody tampers with (packets forged into it, or made by a host
that wants to look as if it sent more, or less, than it did) and beside it a plain transfer. Held of
every one:

  - `payload_bytes` (an alert's `value`) of the tampered connection is what really left, to less than
    one segment; `acked_bytes` (`low`) is not above it;
  - the plain transfer is counted to the byte;
  - what was refused or not seen is said: a counter in summary.json, or sensor.blind;
  - `high` grows by what the forged packets could claim at most: 16 MiB each, and no byte when what
    they claim is farther off.
"""

import struct
import unittest

import weirtest
from weirtest import ACK, FIN, PSH, RST, SYN

START = 1_772_438_400 * weirtest.NS
CLIENT, SERVER = ("10.1.1.1", 40000), ("198.51.100.9", 443)
PLAIN_CLIENT, PLAIN_SERVER = ("10.1.1.2", 41000), ("198.51.100.10", 443)
PLAIN_BYTES = 250_000
SEGMENT = 1400
NEAR = 1 << 24  # what a sequence or acknowledgment number is believed ahead of its stream
URG = 32


class Talk:
    """A TCP connection written packet by packet. `side` 0 is the client's."""

    def __init__(self, seq=(1000, 5000), ends=(CLIENT, SERVER), start=START):
        self.ends, self.seq, self.now, self.packets, self.sent = ends, list(seq), start, [], [0, 0]

    def raw(self, side, flags, data=b"", seq=None, ack=None):
        """A packet that moves nothing of what is known here."""
        self.now += 200_000
        self.packets.append((self.now, weirtest.tcp(
            *self.ends[side], *self.ends[1 - side], self.seq[side] if seq is None else seq,
            (self.seq[1 - side] if ack is None else ack) if flags & ACK else 0, flags, data)))

    def send(self, side, flags, data=b""):
        self.raw(side, flags, data)
        self.seq[side] += len(data) + (1 if flags & (SYN | FIN) else 0)
        self.sent[side] += len(data)

    def open(self):
        self.send(0, SYN)
        self.send(1, SYN | ACK)
        self.send(0, ACK)
        return self

    def upload(self, segments, answered=True):
        for number in range(segments):
            self.send(0, PSH | ACK, bytes([number & 0xFF]) * SEGMENT)
            if answered:
                self.raw(1, ACK)
        return self

    def close(self):
        self.send(0, FIN | ACK)
        self.send(1, FIN | ACK)
        self.raw(0, ACK)
        return self


def giant(talk, version, size, kept=96):
    """A frame of the client's with `size` bytes of payload as offload makes them, cut at `kept`."""
    frame = weirtest.tcp(*talk.ends[0], *talk.ends[1], talk.seq[0], talk.seq[1], ACK | PSH)
    if version == 4:  # a total length of 0 (BIG TCP over IPv4)
        frame = frame[:16] + b"\0\0" + frame[18:]
    elif version == 6:  # hop-by-hop with a jumbo payload length (RFC 2675)
        option = struct.pack("!BBBBI", 6, 0, 0xC2, 4, 8 + 20 + size)
        frame = frame[:18] + b"\0\0\0" + frame[21:54] + option + frame[54:]
    talk.now += 200_000
    talk.packets.append((talk.now, frame[:kept], len(frame) + size))
    talk.seq[0] += size
    talk.sent[0] += size
    talk.raw(1, ACK)


def pcap(packets, snap=262144):
    """As weirtest.pcap, but a frame may have been longer on the wire than it is here."""
    out = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, snap, 1)]
    for at, frame, *wire in sorted(packets, key=lambda packet: packet[0]):
        kept, size = frame[:snap], wire[0] if wire else len(frame)
        out.append(struct.pack("<IIII", at // weirtest.NS, at % weirtest.NS, len(kept), size) + kept)
    return b"".join(out)


class Inflation(weirtest.Case):
    def judge(self, packets, snap=262144):
        """(sums of the client's side of the tampered connection, sensor counters, run)"""
        plain = weirtest.conversation(START + 77, PLAIN_CLIENT, PLAIN_SERVER, b"p" * PLAIN_BYTES)
        path = self.write(f"crafted{self.runs}.pcap", pcap(packets + plain, snap))
        run = self.replay("--flows", path)
        sums, beside = {}, 0
        for flow in run.flows():
            ends = {flow["orig"]["ip"]: flow["orig"], flow["resp"]["ip"]: flow["resp"]}
            if PLAIN_CLIENT[0] in ends:
                self.assertEqual(ends[PLAIN_CLIENT[0]]["acked_bytes"],
                                 ends[PLAIN_CLIENT[0]]["payload_bytes"])
                self.assertEqual(ends[PLAIN_CLIENT[0]]["missing_bytes"], 0)
                beside += ends[PLAIN_CLIENT[0]]["payload_bytes"]
            else:
                mine = next(end for ip, end in ends.items() if ip in (CLIENT[0], "fd00::1"))
                for name, value in mine.items():
                    if name.endswith("_bytes") or name == "packets":
                        sums[name] = sums.get(name, 0) + value
        self.assertEqual(beside, PLAIN_BYTES)
        self.assertLessEqual(sums["acked_bytes"], sums["payload_bytes"])
        return sums, run.summary()["coverage"]["sensor"], run

    def assert_value(self, sums, left):
        self.assertLess(abs(sums["payload_bytes"] - left), SEGMENT, sums)

    def blind(self, run):
        return {reason["code"] for alert in run.alerts() for reason in alert["weir"]["reasons"]
                if alert["rule"]["id"] == "sensor.blind"}

    # --- sequence numbers

    def test_jumps_of_gigabytes(self):
        talk = Talk().open().upload(50)
        for jump in (1 << 31, (1 << 32) - 2 * NEAR, 1 << 30, 3 << 30, NEAR + (1 << 20)):
            talk.raw(0, PSH | ACK, b"!", seq=talk.seq[0] + jump)
            talk.sent[0] += 1  # the byte did leave
        talk.upload(50).close()
        sums, counts, _ = self.judge(talk.packets)
        self.assert_value(sums, talk.sent[0])
        self.assertEqual(sums["missing_bytes"], 0)
        self.assertEqual(counts["tcp_far_segments"], 5)

    def test_jumps_that_follow_each_other(self):
        """A walk of 4 GB in steps that are each believed: the bytes are not there, and that is said."""
        talk, steps = Talk().open().upload(50), 300
        seq = talk.seq[0]
        for _ in range(steps):
            seq += NEAR - 1000
            talk.raw(0, PSH | ACK, b"!", seq=seq)
        talk.sent[0] += steps
        talk.upload(50).close()
        sums, counts, run = self.judge(talk.packets)
        self.assert_value(sums, talk.sent[0])
        self.assertLessEqual(sums["missing_bytes"], (steps + 1) * NEAR)
        self.assertGreater(counts["tcp_missing_bytes"], 1 << 30)
        self.assertIn("sensor.blind.gaps", self.blind(run))

    def test_jumps_back(self):
        talk = Talk(seq=(3_000_000_000, 5000)).open().upload(50)
        for back in range(1, 201):
            talk.raw(0, PSH | ACK, b"b" * 100, seq=talk.seq[0] - back * 20_000_000)
        talk.upload(50).close()
        sums, counts, _ = self.judge(talk.packets)
        self.assertLessEqual(sums["payload_bytes"], talk.sent[0] + 200 * 100)
        self.assertGreaterEqual(sums["payload_bytes"], talk.sent[0] - SEGMENT)
        self.assertGreater(counts["tcp_far_segments"], 100)

    def test_wrap_around(self):
        """5 GiB through four billion numbers, offloaded and cut as captures of such transfers are."""
        talk, pieces = Talk(seq=(0xFFFFFF00, 0xFFFFFFF0)).open(), 5 * 16384
        size, frames = 65536 - 256, []
        head = weirtest.tcp(*CLIENT, *SERVER, 0, talk.seq[1], ACK | PSH)
        head = head[:16] + struct.pack("!H", 40 + size) + head[18:]
        answer = weirtest.tcp(*SERVER, *CLIENT, talk.seq[1], 0, ACK)
        for number in range(pieces):
            seq = (talk.seq[0] + number * size) & 0xFFFFFFFF
            talk.now += 50_000
            frames.append((talk.now, head[:38] + struct.pack("!I", seq) + head[42:], 54 + size))
            if number % 8 == 7:
                ack = struct.pack("!I", (seq + size) & 0xFFFFFFFF)
                frames.append((talk.now + 1, answer[:42] + ack + answer[46:]))
        talk.packets += frames
        talk.sent[0] += pieces * size
        talk.seq[0] += pieces * size
        talk.close()
        sums, counts, _ = self.judge(talk.packets)
        self.assertGreater(talk.sent[0], 1 << 32)
        self.assertEqual(sums["payload_bytes"], talk.sent[0])
        self.assertEqual(sums["acked_bytes"], talk.sent[0])
        self.assertEqual(sums["missing_bytes"], 0)
        self.assertEqual(counts["tcp_far_segments"], 0)

    # --- acknowledgments

    def test_acknowledgments_of_what_was_never_sent(self):
        talk = Talk().open().upload(50)
        for beyond in (NEAR + 1, 1 << 28, 1 << 30, (1 << 31) - 1):
            talk.raw(1, ACK, ack=talk.seq[0] + beyond)
        talk.upload(50).close()
        sums, counts, _ = self.judge(talk.packets)
        self.assertEqual(sums["payload_bytes"], talk.sent[0])
        self.assertEqual(sums["missing_bytes"], 0)
        self.assertEqual(counts["tcp_far_acks"], 4)

    def test_acknowledgments_that_walk_ahead(self):
        talk, steps = Talk().open().upload(50), 300
        for step in range(1, steps + 1):
            talk.raw(1, ACK, ack=talk.seq[0] + step * (NEAR - 1000))
        talk.upload(50).close()
        sums, counts, run = self.judge(talk.packets)
        self.assert_value(sums, talk.sent[0])
        self.assertLessEqual(sums["missing_bytes"], steps * NEAR)
        self.assertGreater(counts["tcp_missing_bytes"], 1 << 24)
        self.assertIn("sensor.blind.gaps", self.blind(run))

    def test_keep_alives_and_duplicate_acknowledgments(self):
        talk = Talk().open().upload(20)
        for _ in range(500):
            talk.raw(0, ACK, b"\0", seq=talk.seq[0] - 1)
            talk.raw(1, ACK)
        talk.upload(20).close()
        sums, counts, _ = self.judge(talk.packets)
        self.assertEqual(sums["payload_bytes"], talk.sent[0])
        self.assertEqual(sums["retransmitted_bytes"], 500)
        self.assertEqual(counts["tcp_retransmitted_bytes"], 500)

    def test_zero_window_probes(self):
        talk = Talk().open().upload(20)
        for _ in range(200):
            talk.raw(0, ACK, b"z")  # refused: the acknowledgment does not move
            talk.raw(1, ACK)
        talk.upload(20).close()
        sums, _, _ = self.judge(talk.packets)
        self.assertEqual(sums["payload_bytes"], talk.sent[0])
        self.assertEqual(sums["missing_bytes"], 0)

    # --- resets

    def test_a_storm_of_resets(self):
        talk = Talk().open().upload(50)
        for number in range(1000):
            talk.raw(number & 1, RST, b"r" * (number % 3), seq=(number * 2_654_435_761 + 99) % 2**32)
        talk.upload(50).close()
        sums, counts, _ = self.judge(talk.packets)
        self.assertEqual(sums["payload_bytes"], talk.sent[0])
        self.assertGreater(counts["tcp_resets_refused"], 950)
        self.assertEqual(counts["tcp_reset_bytes"], sum(number % 3 for number in range(1000)))

    def test_a_reset_that_fits_and_a_transfer_that_goes_on(self):
        talk = Talk().open().upload(50)
        talk.raw(1, RST | ACK)
        talk.upload(50)
        talk.now += 60 * weirtest.NS  # longer than a closed flow is kept
        talk.upload(50).close()
        sums, _, _ = self.judge(talk.packets)
        self.assertEqual(sums["payload_bytes"], talk.sent[0])

    # --- the same numbers, other bytes

    def test_overlaps_with_other_bytes(self):
        talk = Talk().open().upload(50)
        begin = talk.seq[0] - 50 * SEGMENT
        for number in range(50):
            talk.raw(0, PSH | ACK, b"X" * SEGMENT, seq=begin + number * SEGMENT)
        for number in range(20):  # across the edges of what was sent
            talk.raw(0, PSH | ACK, b"Y" * SEGMENT, seq=begin + number * SEGMENT + 700)
        talk.upload(50).close()
        sums, counts, _ = self.judge(talk.packets)
        self.assertEqual(sums["payload_bytes"], talk.sent[0])
        self.assertEqual(sums["retransmitted_bytes"], 70 * SEGMENT)
        self.assertEqual(counts["tcp_retransmitted_bytes"], 70 * SEGMENT)

    # --- bytes where none are looked for

    def test_data_with_syn_and_fin(self):
        talk = Talk()
        talk.send(0, SYN, b"s" * 900)  # TCP Fast Open
        talk.send(1, SYN | ACK)
        talk.send(0, ACK)
        talk.upload(20)
        talk.send(0, FIN | ACK | PSH, b"f" * 900)
        talk.send(1, FIN | ACK)
        talk.raw(0, ACK)
        sums, _, _ = self.judge(talk.packets)
        self.assertEqual(sums["payload_bytes"], talk.sent[0])
        self.assertEqual(sums["missing_bytes"], 0)

    def test_fast_open_that_was_refused(self):
        talk = Talk()
        talk.raw(0, SYN, b"s" * 900)
        talk.seq[0] += 1
        talk.send(1, SYN | ACK)
        talk.send(0, ACK | PSH, b"s" * 900)  # once more, since it was not taken
        talk.upload(20).close()
        sums, _, _ = self.judge(talk.packets)
        self.assertEqual(sums["payload_bytes"], talk.sent[0])
        self.assertEqual(sums["retransmitted_bytes"], 900)

    def test_urgent_data(self):
        talk = Talk().open()
        for _ in range(50):
            talk.send(0, ACK | PSH | URG, b"u" * 1000)
            talk.raw(1, ACK)
        talk.close()
        sums, _, _ = self.judge(talk.packets)
        self.assertEqual(sums["payload_bytes"], talk.sent[0])

    # --- what capture and offload make of packets

    def test_giants(self):
        for version in (0, 4):
            talk = Talk().open()
            for _ in range(20):
                giant(talk, version or 4, 150_000) if version else talk.upload(1)
            talk.close()
            sums, _, _ = self.judge(talk.packets)
            self.assertEqual(sums["payload_bytes"], talk.sent[0])
            self.assertEqual(sums["missing_bytes"], 0)

    def test_jumbograms(self):
        talk = Talk(ends=(("fd00::1", 40000), ("2001:db8::9", 443))).open()
        for _ in range(20):
            giant(talk, 6, 150_000)
        talk.close()
        sums, _, _ = self.judge(talk.packets)
        self.assertEqual(sums["payload_bytes"], talk.sent[0])
        self.assertEqual(sums["missing_bytes"], 0)

    def test_snap_lengths(self):
        talk = Talk().open().upload(50).close()
        for snap in (54, 64, 96, 128, 1000):
            sums, counts, _ = self.judge(talk.packets, snap)
            self.assertEqual(sums["payload_bytes"], talk.sent[0])
            self.assertGreater(counts["cut_packets"], 50)

    # --- half of it

    def test_a_missing_handshake(self):
        talk = Talk().upload(100).close()
        sums, _, _ = self.judge(talk.packets)
        self.assertEqual(sums["payload_bytes"], talk.sent[0])
        self.assertEqual(sums["missing_bytes"], 0)

    def test_only_the_sender_was_captured(self):
        talk = Talk().open().upload(100).close()
        mine = [packet for packet in talk.packets if packet[1][26:30] == bytes([10, 1, 1, 1])]
        sums, counts, run = self.judge(mine)
        self.assertEqual(sums["payload_bytes"], talk.sent[0])
        self.assertEqual(sums["acked_bytes"], 0)
        self.assertEqual(counts["flows_one_sided"], 1)

    def test_only_the_receiver_was_captured(self):
        """Its acknowledgments bound what left, although not one packet of the host was seen."""
        talk = Talk().open().upload(100).close()
        other = [packet for packet in talk.packets if packet[1][26:30] != bytes([10, 1, 1, 1])]
        sums, counts, run = self.judge(other)
        self.assertEqual(sums["payload_bytes"], 0)
        self.assertLessEqual(abs(sums["missing_bytes"] - talk.sent[0]), 1)
        self.assertEqual(counts["flows_one_sided"], 1)
        hidden = run.summary()["coverage"]["out_bytes"]
        self.assertGreaterEqual(hidden["high"] + 1, PLAIN_BYTES + talk.sent[0])
        self.assertEqual(hidden["value"], PLAIN_BYTES)


if __name__ == "__main__":
    weirtest.main()
