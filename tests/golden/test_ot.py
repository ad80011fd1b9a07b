#!/usr/bin/env python3
"""Control systems and surveillance against tshark's.

1. Captures of plants and of an airport's buildings: for every flow, what it is called, how much is
   read and written in it, and which functions are asked for is what tshark's function codes say.
2. Conversations made here from the specifications, of protocols there are no captures of: tshark
   takes them for what they are meant to be, and the counts agree again. On a port that promises
   nothing Weir says the same.
3. No flow of the captures of everyday traffic, of uploads and of names is called any of these, unless
   its ports are theirs (one capture has some of those flows in it).

Which codes read and which write is written down here again, by name of the protocol.

Environment: see weirtest.py. Without captures or tshark what needs them is skipped."""

import glob
import json
import os
import shutil
import subprocess
from collections import defaultdict

import weirtest
from weirtest import ACK, SHARED, SYN, Case, pcap, tcp, udp

OT = {"modbus", "s7", "dnp3", "iec104", "bacnet", "cip", "opcua", "profinet", "asterix"}
OT_PORTS = {502, 20000, 47808, 4840, 102, 2404, 44818}
CAPTURES = ("06_ot_ics", "07_airport_bms")
EVERYDAY = ("08_benign", "09_benign_bulk", "03_upload_exfil", "14_tls_quic_names")

# Dissector → what Weir calls it.
SERVICE = {"modbus": "modbus", "s7comm": "s7", "dnp3": "dnp3", "iec60870_104": "iec104",
           "bacnet": "bacnet", "bvlc": "bacnet", "enip": "cip", "opcua": "opcua",
           "asterix": "asterix"} # PROFINET is DCE/RPC with interfaces of its own
FIELDS = ("frame.protocols", "ip.src", "ipv6.src", "ip.dst", "ipv6.dst", "tcp.srcport",
          "udp.srcport", "tcp.dstport", "udp.dstport",
          "modbus.func_code", "dnp3.al.func", "bacapp.confirmed_service", "bacapp.type",
          "bacapp.unconfirmed_service", "bacapp.sequence_number", "opcua.servicenodeid.numeric",
          "s7comm.header.rosctr", "s7comm.param.func", "s7comm.param.userdata.type",
          "s7comm.param.userdata.funcgroup", "s7comm.param.userdata.subfunc", "iec60870_asdu.typeid", "iec60870_asdu.causetx",
          "cip.sc", "cip.rr", "dcerpc.pkt_type", "dcerpc.opnum", "dcerpc.dg_if_id")

MODBUS = ({1, 2, 3, 4, 7, 11, 12, 17, 20, 23, 24, 43}, {5, 6, 15, 16, 21, 22, 23})
DNP3 = ({1, 28}, {2, *range(4, 23), 24, 27, 31})
CONFIRMED = ({3, 4, 6, 12, 13, 14, 26, 29}, {7, 8, 9, 10, 11, 15, 16, 17, 20, 27})
UNCONFIRMED = (set(), {6, 9, 10})
OPCUA = ({527, 533, 554, 615, 621, 631, 664}, {488, 494, 500, 506, 673, 700, 712})
S7 = ({4, 0x1D, 0x1E, 0x1F}, {5, 0x1A, 0x1B, 0x1C, 0x28, 0x29})
CIP = ({1, 3, 0xE, 0x11, 0x18, 0x4C, 0x55}, {2, 4, 5, 6, 7, 8, 9, 0xD, 0x10, 0x4D, 0x53})
PROFINET = ({2, 5}, {3})
# What OPC UA's other message types and its answers have, and CIP's numbers that are the connection manager's here.
OPCUA_OTHERS = {397, 446, 449, 452, 455}
CIP_MANAGERS = {0x4E, 0x52, 0x54, 0x5B}


# --- what tshark says ----------------------------------------------------------------------------


def numbers(text):
    return [int(word, 0) for word in text.split(",") if word]


def add(counts, codes, lists, noted=lambda code: code):
    for code in codes:
        counts[0] += code in lists[0]
        counts[1] += code in lists[1]
        counts[2].add(noted(code))


def count_bacnet(counts, row):
    if numbers(row["bacapp.sequence_number"])[:1] not in ([], [0]):
        return
    if numbers(row["bacapp.type"]) == [0]:
        add(counts, numbers(row["bacapp.confirmed_service"]), CONFIRMED)
    elif numbers(row["bacapp.type"]) == [1]:
        add(counts, numbers(row["bacapp.unconfirmed_service"]), UNCONFIRMED, lambda code: 256 + code)


def count_s7(counts, row):
    kind = numbers(row["s7comm.header.rosctr"])
    if kind == [1]:
        add(counts, numbers(row["s7comm.param.func"]), S7)
    elif kind == [7] and numbers(row["s7comm.param.userdata.type"]) == [4]:
        groups = numbers(row["s7comm.param.userdata.funcgroup"])
        counts[0] += groups in ([2], [3], [4])
        counts[2] |= {0x7000 + 256 * group + function for group, function
                      in zip(groups, numbers(row["s7comm.param.userdata.subfunc"]))}


def count_iec104(counts, row):
    for kind, cause in zip(numbers(row["iec60870_asdu.typeid"]),
                           numbers(row["iec60870_asdu.causetx"])):
        counts[0] += (kind in (100, 101) and cause == 6) or (kind == 102 and cause == 5)
        counts[1] += cause == 6 and (45 <= kind <= 51 or 58 <= kind <= 64 or kind in (103, 105))
        counts[2] |= {kind} if kind >= 45 and kind != 70 and cause in (5, 6, 8, 13) else set()


def count(counts, row):
    """Adds what the frame asks for to [reads, writes, codes]."""
    if row["tcp.dstport"] == "502":
        add(counts, numbers(row["modbus.func_code"]), MODBUS)
    add(counts, [code for code in numbers(row["dnp3.al.func"]) if 0 < code < 128], DNP3)
    asked = [code for code in numbers(row["opcua.servicenodeid.numeric"]) if code not in OPCUA_OTHERS]
    add(counts, asked, OPCUA)
    asked = [code for code, answer in zip(numbers(row["cip.sc"]), numbers(row["cip.rr"]))
             if not answer]
    add(counts, asked, CIP, lambda code: code + 0x600 * (code in CIP_MANAGERS))
    if row["dcerpc.pkt_type"] == "0":
        add(counts, numbers(row["dcerpc.opnum"]), PROFINET)
    count_bacnet(counts, row)
    count_s7(counts, row)
    count_iec104(counts, row)


def without_answers(codes):
    """OPC UA: an answer's type is its request's and 3 more."""
    asked = set()
    for code in sorted(codes):
        asked |= {code} if code - 3 not in asked else set()
    return asked


def ask_tshark(path, *options):
    """{(protocol, two ends)} → [service, reads, writes, codes] of the flows that are any of these."""
    words = [word for field in FIELDS for word in ("-e", field)]
    out = subprocess.run(["tshark", "-r", path, *options, "-T", "fields", *words], check=True,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    flows = defaultdict(lambda: ["", 0, 0, set()])
    for line in out.splitlines():
        row = dict(zip(FIELDS, line.split("\t")))
        names = [SERVICE[name] for name in row["frame.protocols"].split(":") if name in SERVICE]
        names += ["profinet"] * row["dcerpc.dg_if_id"].startswith("dea0000")
        if not names or not (row["tcp.srcport"] or row["udp.srcport"]):
            continue
        proto = "tcp" if row["tcp.srcport"] else "udp"
        ends = frozenset((row["ip." + way] or row["ipv6." + way], int(row[f"{proto}.{way}port"]))
                         for way in ("src", "dst"))
        flow = flows[proto, ends]
        flow[0] = names[-1]
        counts = [0, 0, flow[3]]
        count(counts, row)
        flow[1] += counts[0]
        flow[2] += counts[1]
    for flow in flows.values():
        if flow[0] == "opcua":
            flow[3] = without_answers(flow[3])
    return dict(flows)


def ask_weir(flows):
    have = {}
    for flow in flows:
        if flow.get("service") not in OT:
            continue
        ends = frozenset((flow[side]["ip"], flow[side]["port"]) for side in ("orig", "resp"))
        operations = flow.get("operations", {"reads": 0, "writes": 0, "functions": []})
        one = have.setdefault((flow["proto"], ends), [flow["service"], 0, 0, set()])
        one[1] += operations["reads"]
        one[2] += operations["writes"]
        one[3] |= set(operations["functions"])
    return have


# --- made here -----------------------------------------------------------------------------------

# name, protocol, port, what the client says, what the server says: as in control_case.h
MADE = (
    ("s7", "tcp", 102,
     ("0300001611e00000000100c1020100c2020102c00109",
      "0300001902f08032010000040000080000f0000001000101e0",
      "0300001f02f080320100000500000e00000401120a10020010000184000000",
      "0300002402f080320100000600000e00050501120a100200010000830000000003000101",
      "0300002102f080320700000700000800080001120411440100ff09000400110001",),
     ("0300001611d00001000200c00109c1020100c2020102",
      "0300001b02f080320300000400000800000000f0000001000100f0",)),
    ("iec104", "tcp", 2404,
     ("680407000000",
      "680e0000000064010600010000000014",
      "680e020002002d010600010001000001",
      "680401000400",),
     ("68040b000000",
      "680e0000020064010700010000000014",
      "680e0200020001011400010001000001",)),
    ("cip", "tcp", 44818,
     ("65000400000000000000000000000000000000000000000001000000",
      "6f0018000100000000000000000000000000000000000000000000000000020000000000b2000800"
      "0e03200124013007",
      "7000260001000000000000000000000000000000000000000000000000000200a100040011223344"
      "b100120001004d03910341424300c400010007000000",
      "6f0026000100000000000000000000000000000000000000000000000000020000000000b2001600"
      "5202200624010a0508004c0291014100010001000100",
      "6f0032000100000000000000000000000000000000000000000000000000020000000000b2002200"
      "0a0220022401020006000e004c029101410001004d0291014200c400010005000000",),
     ("65000400010000000000000000000000000000000000000001000000",
      "6f0016000100000000000000000000000000000000000000000000000000020000000000b2000600"
      "8e0000000700",)),
    ("profinet", "udp", 34964,
     ("04002800100000000000a0de976cd111827100010001002a0100a0de976cd111827100a02442df7d"
      "111111111111111111111111111111110000000001000000000000000000ffffffff040000000000"
      "00000000",
      "04002800100000000000a0de976cd111827100010001002a0100a0de976cd111827100a02442df7d"
      "111111111111111111111111111111110000000001000000000000000200ffffffff040000000000"
      "00000000",
      "04002800100000000000a0de976cd111827100010001002a0100a0de976cd111827100a02442df7d"
      "111111111111111111111111111111110000000001000000000000000300ffffffff040000000000"
      "00000000",),
     ("04022800100000000000a0de976cd111827100010001002a0100a0de976cd111827100a02442df7d"
      "111111111111111111111111111111110000000001000000000000000200ffffffff040000000000"
      "00000000",)),
    ("asterix", "udp", 8600,
     ("300009c0190d356d4d",
      "22000bf0190d02356d4e08300009c0190d356d4d",),
     ()),
)
START = 1_700_000_000 * weirtest.NS
CLIENT, SERVER = "10.1.1.1", "10.2.2.2"


def frames_of(proto, port, asks, answers):
    """One message a segment, or a datagram; the sides take turns."""
    now, frames, seq = START, [], {CLIENT: 1000, SERVER: 5000}

    def send(src, dst, ports, flags, data):
        nonlocal now
        now += 1_000_000
        if proto == "udp":
            frames.append((now, udp(src, ports[0], dst, ports[1], data)))
            return
        frames.append((now, tcp(src, ports[0], dst, ports[1], seq[src],
                                seq[dst] if flags & ACK else 0, flags, data)))
        seq[src] += len(data) + (flags & SYN != 0)

    if proto == "tcp":
        send(CLIENT, SERVER, (40001, port), SYN, b"")
        send(SERVER, CLIENT, (port, 40001), SYN | ACK, b"")
    for turn in range(max(len(asks), len(answers))):
        for data in asks[turn:turn + 1]:
            send(CLIENT, SERVER, (40001, port), ACK, bytes.fromhex(data))
        for data in answers[turn:turn + 1]:
            send(SERVER, CLIENT, (port, 40001), ACK, bytes.fromhex(data))
    return frames


# --- tests ---------------------------------------------------------------------------------------


def captures(*folders):
    return [path for folder in folders for path in sorted(glob.glob(os.path.join(SHARED, folder, "*")))
            if path.endswith((".pcap", ".pcapng", ".cap"))]


def flows_of(path):
    return [json.loads(line) for line in weirtest.replayed(path)]


class Ot(Case):
    def need(self, captures_too):
        if captures_too and not os.path.isdir(SHARED):
            self.skipTest("no captures here")
        if not shutil.which("tshark"):
            self.skipTest("tshark is not installed")

    def test_captures(self):
        self.need(True)
        compared = 0
        for path in captures(*CAPTURES):
            want = ask_tshark(path)
            have = ask_weir(flows_of(path))
            with self.subTest(capture=os.path.basename(path)):
                self.assertEqual(have, want)
            compared += len(want)
        self.assertGreaterEqual(compared, 35)

    def test_made(self):
        self.need(False)
        for name, proto, port, asks, answers in MADE:
            path = self.write("made.pcap", pcap(frames_of(proto, port, asks, answers)))
            want = ask_tshark(path, "-d", "udp.port==8600,asterix")
            have = ask_weir(self.replay("--workers", "0", "--flows", path).flows())
            with self.subTest(made=name):
                self.assertEqual([flow[0] for flow in want.values()], [name])
                self.assertEqual(have, want)
            path = self.write("moved.pcap", pcap(frames_of(proto, 4711, asks, answers)))
            moved = ask_weir(self.replay("--workers", "0", "--flows", path).flows())
            with self.subTest(moved=name):
                self.assertEqual(list(moved.values()), list(want.values()))

    def test_everyday(self):
        if not os.path.isdir(SHARED):
            self.skipTest("no captures here")
        seen = 0
        for path in captures(*EVERYDAY):
            for flow in flows_of(path):
                seen += 1
                ports = {flow["orig"]["port"], flow["resp"]["port"]}
                self.assertFalse(flow.get("service") in OT and not ports & OT_PORTS, (path, flow))
        self.assertGreater(seen, 1000)


if __name__ == "__main__":
    weirtest.main()
