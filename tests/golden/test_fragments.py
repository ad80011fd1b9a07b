#!/usr/bin/env python3
"""IP fragments put together, by the whole program.

The captures that hold fragments against tshark: for every flow in which tshark put a datagram
together, the same packets, and as payload what the datagrams' own headers say. Then captures made
here: a name in fragments is read; what is never whole is counted once, with its ports where the
first fragment was seen; contradictions, copies and datagrams given up are said; and any number of
workers leaves the same bytes.

Environment: see weirtest.py. Without captures or tshark that part is skipped."""

import os
import shutil
import struct
import subprocess
from collections import defaultdict

import weirtest
from weirtest import NS, SHARED, Case, ethernet, ip_packet, pcap

START = 1_772_000_000 * NS
HOST, SERVER = "10.1.1.7", "198.51.100.53"
HOST6, SERVER6 = "fd00::7", "2001:db8::53"
CAPTURES = (
    "11_frag_tcp_edge/pcpp__ipv6_opt_fragments.pcap",
    "11_frag_tcp_edge/sv__bug-6887-defrag-eth-vlan-ipv4-tcp-syn_frag-eth-vlan-ip-tcp-syn.pcap",
    "11_frag_tcp_edge/zeek__Traces_ipv6-http-atomic-frag.pcap",
    "11_frag_tcp_edge/zeek__ipv4_fragmented-2.pcap",
    "11_frag_tcp_edge/zeek__ipv4_fragmented-3.pcap",
    "12_robustness/sv__ipv6-malformed-fragments-16_frag-16.pcap",
    "10_encap/zeek__gtp_gtp_ext_header.pcap",
)
FIELDS = ("ip.reassembled.length", "ipv6.reassembled.length", "ip.fragment.count",
          "ipv6.fragment.count", "ip.src", "ipv6.src", "ip.dst", "ipv6.dst", "udp.srcport",
          "tcp.srcport", "udp.dstport", "tcp.dstport", "udp.length", "tcp.len")


# --- against tshark ------------------------------------------------------------------------------


def put_together(path):
    """(protocol, source, port, destination, port) → [frames, payload bytes] of the datagrams that
    tshark puts together; everything of the innermost headers."""
    words = [word for field in FIELDS for word in ("-e", field)]
    out = subprocess.run(["tshark", "-r", path, "-T", "fields", *words], check=False,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    flows = defaultdict(lambda: [0, 0])
    for line in out.splitlines():
        row = dict(zip(FIELDS, line.split("\t")))

        def last(*names, row=row):
            return "".join(row[name] for name in names).split(",")[-1]

        if not last("ip.reassembled.length", "ipv6.reassembled.length"):
            continue
        if not row["tcp.len"] and not row["udp.length"]:
            continue # ICMP has no length of its own
        proto = "udp" if row["udp.length"] and not row["tcp.len"] else "tcp"
        flow = flows[proto, last("ip.src", "ipv6.src"), last(f"{proto}.srcport"),
                     last("ip.dst", "ipv6.dst"), last(f"{proto}.dstport")]
        flow[0] += int(last("ip.fragment.count", "ipv6.fragment.count"))
        flow[1] += int(row["tcp.len"] or int(last("udp.length")) - 8)
    return dict(flows)


class Captures(Case):
    def test_against_tshark(self):
        if not os.path.isdir(SHARED):
            self.skipTest("no captures here")
        if not shutil.which("tshark"):
            self.skipTest("tshark is not installed")
        compared = 0
        for name in CAPTURES:
            run = self.replay("--flows", os.path.join(SHARED, name))
            sensor = run.summary()["coverage"]["sensor"]
            have = {}
            for flow in run.flows():
                for side, peer in (("orig", "resp"), ("resp", "orig")):
                    one, other = flow[side], flow[peer]
                    have[flow["proto"], one["ip"], str(one["port"]), other["ip"],
                         str(other["port"])] = [one["packets"], one["payload_bytes"]]
            for key, want in put_together(os.path.join(SHARED, name)).items():
                with self.subTest(capture=name, flow=key):
                    self.assertEqual(have.get(key), want)
                    compared += 1
            self.assertEqual(sum(flow[side]["wire_bytes"] for flow in run.flows()
                                 for side in ("orig", "resp")), sensor["wire_bytes"], name)
        self.assertGreaterEqual(compared, 3)


# --- made here -----------------------------------------------------------------------------------


def fragments(src, dst, proto, datagram, size, number):
    """The frames of one datagram, `size` bytes of it each."""
    frames = []
    for at in range(0, len(datagram), size):
        part, more = datagram[at:at + size], at + size < len(datagram)
        if ":" in src:
            head = struct.pack("!BBHI", proto, 0, at | more, number)
            frames.append(ethernet(ip_packet(src, dst, 44, head + part)))
        else:
            packet = bytearray(ip_packet(src, dst, proto, part))
            packet[4:8] = struct.pack("!HH", number, more << 13 | at // 8)
            frames.append(ethernet(bytes(packet)))
    return frames


def udp_datagram(sport, dport, data):
    return struct.pack("!HHHH", sport, dport, 8 + len(data), 0) + data


def dns(name, answers):
    """A response with that many addresses; without any, the query."""
    question = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"
    head = struct.pack("!HHHHHH", 77, 0x8180 if answers else 0x0100, 1, answers, 0, 0)
    record = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 300, 4)
    return head + question + b"\0\1\0\1" + b"".join(record + bytes([198, 51, 100, n + 1])
                                                    for n in range(answers))


def spaced(frames, start_ns=START, step_ns=1_000_000):
    return [(start_ns + i * step_ns, frame) for i, frame in enumerate(frames)]


def mixture():
    """A name, a large transfer, lost parts of it, others on the same place, copies, both families."""
    frames = []
    for host, server in ((HOST, SERVER), (HOST6, SERVER6)):
        query = udp_datagram(40000, 53, dns("backup.example.jp", 0))
        answer = udp_datagram(53, 40000, dns("backup.example.jp", 40))
        frames += fragments(host, server, 17, query, 8, 1)
        frames += fragments(server, host, 17, answer, 512, 1)[::-1]
        for number in range(40):
            large = udp_datagram(5000, 6000, bytes(i * number & 0xFF for i in range(8000)))
            parts = fragments(host, server, 17, large, 1480, 100 + number)
            if number % 10 == 1:
                del parts[3]
            if number % 10 == 2:
                del parts[0]
            if number % 10 == 3:
                parts[2:2] = fragments(host, server, 17, b"x" * 5000, 2000, 100 + number)[1:2]
            frames += parts
    return frames


class Made(Case):
    def run_of(self, packets, *words):
        capture = self.write("fragments.pcap", pcap(packets, nanoseconds=True))
        return self.replay("--flows", *words, capture)

    def test_a_name_in_fragments_is_read(self):
        for host, server in ((HOST, SERVER), (HOST6, SERVER6)):
            query = udp_datagram(40000, 53, dns("backup.example.jp", 0))
            answer = udp_datagram(53, 40000, dns("backup.example.jp", 40))
            frames = (fragments(host, server, 17, query, 8, 1) +
                      fragments(server, host, 17, answer, 512, 1)[::-1])
            [flow] = self.run_of(spaced(frames)).flows()
            self.assertEqual(flow["service"], "dns")
            self.assertEqual(flow["dns"], "backup.example.jp")
            self.assertEqual(flow["orig"]["port"], 40000)
            self.assertEqual(flow["orig"]["payload_bytes"], len(query) - 8)
            self.assertEqual(flow["resp"]["payload_bytes"], len(answer) - 8)
            self.assertEqual(flow["orig"]["packets"] + flow["resp"]["packets"], len(frames))

    def test_what_is_never_whole_is_counted_once(self):
        """… and told 30 s after its first fragment, though the flow's times are the fragments'."""
        large = udp_datagram(5000, 6000, bytes(8000))
        first = fragments(HOST, SERVER, 17, large, 1480, 1)
        second = fragments(HOST, SERVER, 17, large, 1480, 2)
        del first[2], second[0]
        frames = spaced(first + second)
        frames.append((START + 100 * NS, ethernet(ip_packet(HOST, SERVER, 1, b"\x08" + bytes(7)))))
        run = self.run_of(frames)
        flows = {flow["orig"]["port"]: flow for flow in run.flows() if flow["proto"] == "udp"}
        self.assertEqual(sorted(flows), [0, 5000])
        self.assertEqual(flows[5000]["orig"]["packets"], len(first))
        self.assertEqual(flows[5000]["orig"]["payload_bytes"], 8000 - 1480)
        self.assertEqual(flows[0]["orig"]["payload_bytes"], 8008 - 1480)
        self.assertEqual(flows[5000]["start"], "2026-02-25T06:13:20.000000000Z")
        self.assertEqual(flows[5000]["end"], "2026-02-25T06:13:20.004000000Z")
        bounds = run.summary()["coverage"]["bounds"]
        self.assertEqual(bounds["fragments_given_up"], 2)
        self.assertEqual(bounds["fragments_evicted"], 0)

    def test_contradictions_and_copies_are_said(self):
        large = udp_datagram(5000, 6000, bytes(4000))
        parts = fragments(HOST, SERVER, 17, large, 1480, 1)
        forged = fragments(HOST, SERVER, 17, b"x" * 1480, 740 // 8 * 8, 1)[1]
        run = self.run_of(spaced([parts[0], forged, *parts[1:]]))
        [flow] = run.flows()
        self.assertEqual(flow["orig"]["payload_bytes"], 4000)
        self.assertEqual(run.summary()["coverage"]["bounds"]["fragment_conflicts"], 1)

        doubled = [frame for frame in parts for _ in range(2)]
        run = self.run_of(spaced(doubled, step_ns=20_000))
        [flow] = run.flows()
        sensor = run.summary()["coverage"]["sensor"]
        self.assertEqual(flow["orig"]["payload_bytes"], 4000)
        self.assertEqual(flow["orig"]["packets"], len(parts))
        self.assertEqual(sensor["duplicates"], len(parts))
        self.assertEqual(sensor["duplicate_bytes"], sum(map(len, parts)))
        self.assertEqual(sensor["packets"], 2 * len(parts))

    def test_any_number_of_workers(self):
        packets = spaced(mixture(), step_ns=70_000_000)
        first = None
        for workers in (0, 1, 2, 3):
            run = self.run_of(packets, "--workers", str(workers))
            summary = run.summary()
            sensor = summary["coverage"]["sensor"]
            left = (run.bytes("flows.ndjson"), run.bytes("alerts.ndjson"), sensor,
                    summary["coverage"]["bounds"])
            first = first or left
            self.assertEqual(left, first, workers)
            self.assertEqual(sum(flow[side]["wire_bytes"] for flow in run.flows()
                                 for side in ("orig", "resp")), sensor["wire_bytes"])
            self.assertEqual(sensor["packets"], len(packets))
        self.assertGreater(first[2]["fragments_whole"], 60)
        self.assertEqual(first[2]["fragments_given_up"], 2 * 8)
        self.assertEqual(first[2]["fragment_conflicts"], 2 * 4)


if __name__ == "__main__":
    weirtest.main()
