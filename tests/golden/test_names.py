#!/usr/bin/env python3
"""Names against tshark's.

Runs `weir replay --flows -o DIR FILE` over the captures whose names tshark wrote down (names.tsv: DNS
questions, TLS and QUIC server names, HTTP hosts, JA3) and asks of every flow that has a name: is the
first name of each kind in names.tsv the flow's own (`dns`; `server_name`)? At least GOAL of them must
be, QUIC's counted in the total though Weir does not read QUIC yet; and the JA3 of every TCP flow that
has one must be tshark's.

names.tsv gives frame numbers, and no source ports: which flow a frame belongs to is read from the
capture itself, by a small reader here (pcap and pcapng, Ethernet, VLAN tags, IPv4, IPv6, TCP, UDP, and
the datagram that an ICMP error quotes). It shares no code with Weir.

Environment: WEIR_BINARY (the program), WEIR_TEST_PCAPS (the captures; else ../shared/pcaps beside
WEIR_SOURCE). Exit status 77: skipped, there are no captures here.
"""

import ipaddress
import json
import os
import struct
import subprocess
import sys
import tempfile
from collections import defaultdict

FOLDERS = ("08_benign", "13_community_id", "14_tls_quic_names")
GOAL = 0.95
ASKED_MIN = 300  # fewer, and the reader below has gone blind
PROTO = {6: "tcp", 17: "udp"}
VLAN_TAGS = (0x8100, 0x88A8, 0x9100)


def pcaps_dir():
    source = os.environ.get("WEIR_SOURCE", os.path.join(os.path.dirname(__file__), "..", ".."))
    return os.environ.get("WEIR_TEST_PCAPS", os.path.join(source, "..", "shared", "pcaps"))


# --- which flow a frame belongs to ---------------------------------------------------------------


def pcap_frames(data):
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    at = 24
    while at + 16 <= len(data):
        kept, = struct.unpack_from(order + "I", data, at + 8)
        yield data[at + 16:at + 16 + kept]
        at += 16 + kept


def pcapng_frames(data):
    order, at = "<", 0
    while at + 12 <= len(data):
        if data[at:at + 4] == b"\x0a\x0d\x0d\x0a":
            order = "<" if data[at + 8:at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
        kind, size = struct.unpack_from(order + "II", data, at)
        if kind == 6:  # enhanced packet
            kept, = struct.unpack_from(order + "I", data, at + 20)
            yield data[at + 28:at + 28 + kept]
        elif kind == 3:  # simple packet
            yield data[at + 12:at + size - 4]
        at += size


def frames(path):
    with open(path, "rb") as file:
        data = file.read()
    return pcapng_frames(data) if data[:4] == b"\x0a\x0d\x0d\x0a" else pcap_frames(data)


def ip_flow(data):
    """(proto, {ends}) of an IP packet; of an ICMP error, those of the packet it quotes."""
    if not data or data[0] >> 4 not in (4, 6):
        return None
    if data[0] >> 4 == 4:
        head, proto = (data[0] & 15) * 4, data[9]
        ends = [ipaddress.ip_address(data[at:at + 4]) for at in (12, 16)]
    else:
        head, proto = 40, data[6]
        ends = [ipaddress.ip_address(data[at:at + 16]) for at in (8, 24)]
    if proto == 1 and data[head] in (3, 11):
        return ip_flow(data[head + 8:])
    if proto not in PROTO:
        return None
    ports = struct.unpack_from("!HH", data, head)
    return PROTO[proto], frozenset((str(ip), port) for ip, port in zip(ends, ports))


def ethernet_flow(frame):
    at, vlan = 12, 0
    kind, = struct.unpack_from("!H", frame, at)
    while kind in VLAN_TAGS:
        tag, kind = struct.unpack_from("!HH", frame, at + 2)
        at, vlan = at + 4, vlan or tag & 0xFFF
    flow = ip_flow(frame[at + 2:])
    return flow and (*flow, vlan)


# --- what tshark and Weir say --------------------------------------------------------------------


def host_only(text):
    """"example.org:8080" and "[2001:db8::1]:80" as Weir writes them."""
    if text.startswith("["):
        return text[1:].split("]")[0].lower()
    host, colon, port = text.rpartition(":")
    return (host if colon and port.isdigit() else text).lower().removesuffix(".")


def first_names(path, wanted):
    """(flow, kind) → the first such name, of one capture."""
    names = {}
    for number, frame in enumerate(frames(path), 1):
        for row in wanted.get(number, ()):
            flow = ethernet_flow(frame)
            assert flow, f"{path}: frame {number}: neither TCP nor UDP"
            if row["dns_qname"]:
                root = row["dns_qname"] == "<Root>"
                names.setdefault((flow, "dns"), "" if root else row["dns_qname"].lower())
            name = row["tls_sni"] or row["http_host"]
            if name:
                names.setdefault((flow, "server_name"), host_only(name))
            if row["ja3"]:
                names.setdefault((flow, "ja3"), row["ja3"])
    return names


def rows_of(path):
    """file → frame → rows"""
    files = defaultdict(lambda: defaultdict(list))
    with open(path, encoding="utf-8", errors="replace") as lines:
        head = next(lines).lstrip("#").rstrip("\n").split("\t")
        for line in lines:
            row = dict(zip(head, line.rstrip("\n").split("\t")))
            files[row["file"]][int(row["frame"])].append(row)
    return files


def told(lines):
    """flow → the records of flows.ndjson, in their order"""
    flows = defaultdict(list)
    for line in lines:
        record = json.loads(line)
        ends = frozenset((record[side]["ip"], record[side]["port"]) for side in ("orig", "resp"))
        flows[(record["proto"], ends, record.get("vlan") or 0)].append(record)
    return flows


def replay(binary, path):
    with tempfile.TemporaryDirectory() as out:
        done = subprocess.run([binary, "replay", "--flows", "-o", out, path], check=False,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            sys.exit(f"{path}: exit status {done.returncode}: {done.stderr}")
        with open(os.path.join(out, "flows.ndjson"), encoding="utf-8") as lines:
            return told(lines)


def value_of(record, kind):
    """None: nothing is known. The root's question has no text: its service tells it was asked."""
    if kind == "dns" and record.get("service") == "dns":
        return record.get("dns", "")
    return record.get(kind)


def is_quic(flow):
    proto, ends, _ = flow
    return proto == "udp" and any(port == 443 for _, port in ends)


def compare_file(name, names, flows, verbose):
    """(found, asked, wrong JA3s) of one capture."""
    found = asked = wrong = 0
    for (flow, kind), want in sorted(names.items(), key=repr):
        have = [value_of(record, kind) for record in flows.get(flow, ())]
        have = [value for value in have if value is not None]
        good = want in have
        if kind == "ja3":
            bad = not good and not is_quic(flow)
            wrong += bad
        else:
            asked, found, bad = asked + 1, found + good, not good
        if bad or (verbose and not good):
            ends = " ".join(f"{ip}:{port}" for ip, port in sorted(flow[1]))
            said = "QUIC" if is_quic(flow) else f"have {have}"
            print(f"{name}: {flow[0]} {ends}: {kind} {want!r}: {said}")
    return found, asked, wrong


def main():
    pcaps = pcaps_dir()
    if not os.path.exists(os.path.join(pcaps, "names.tsv")):
        print("skipped: no captures at", pcaps)
        return 77
    binary, verbose = os.environ["WEIR_BINARY"], "-v" in sys.argv
    folders = [word for word in sys.argv[1:] if word != "-v"] or FOLDERS
    found = asked = wrong = 0
    for name, wanted in sorted(rows_of(os.path.join(pcaps, "names.tsv")).items()):
        if name.split("/")[0] not in folders:
            continue
        path = os.path.join(pcaps, name)
        counts = compare_file(name, first_names(path, wanted), replay(binary, path), verbose)
        print(f"{name}: {counts[0]} of {counts[1]}")
        found, asked, wrong = (a + b for a, b in zip((found, asked, wrong), counts))
    share = found / asked if asked else 0
    print(f"{found} of {asked} flows' names found ({share:.1%}; goal {GOAL:.0%}), {wrong} wrong JA3s")
    return 1 if share < GOAL or wrong or asked < ASKED_MIN else 0


if __name__ == "__main__":
    sys.exit(main())
