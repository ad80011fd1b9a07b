#!/usr/bin/env python3
"""Names against tshark's.

Runs `weir replay --flows -o DIR FILE` over every capture and compares with what tshark wrote down of
them (names.tsv: DNS questions, TLS and QUIC server names, HTTP hosts, JA3). Of every flow that has a
name there: is the first name of each kind the flow's own (`dns`; `server_name`)? At least GOAL of them
must be, and the JA3 of every flow that has one must be tshark's.

Of every flow that Weir gives a name: did tshark see that name on that flow? Where names.tsv does not
have it, tshark is asked again, as it comes and without putting segments together: a head whose end
the capture does not hold has a host all the same, and only the second way shows it. What neither shows
is extra or wrong: at most EXTRA_MOST of all, each listed with its reason (KNOWN), else the test fails.

names.tsv gives frame numbers, and no source ports: which flow a frame belongs to is asked of tshark too
(the innermost addresses and ports: inside tunnels, of put-together fragments, of the packet that an
ICMP error quotes). No code is shared with Weir.

Environment: WEIR_BINARY (the program), WEIR_TEST_PCAPS (the captures; else ../shared/pcaps beside
WEIR_SOURCE). Words: folders to look at, else all. Exit status 77: skipped, there are no captures
or no tshark here.
"""

import ipaddress
import json
import os
import shutil
import subprocess
import sys
from collections import defaultdict

import weirtest

GOAL = 0.98
EXTRA_MOST = 0.005
ASKED_MIN = 700  # fewer, and the test has gone blind
QUIC_IS_READ = True  # False: names and JA3s inside QUIC are counted apart, and not demanded
ENDS = ("frame.number", "frame.protocols", "vlan.id", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst",
        "tcp.srcport", "tcp.dstport", "udp.srcport", "udp.dstport")
# What names.tsv calls them
NAMES = {"dns_qname": "dns.qry.name", "tls_sni": "tls.handshake.extensions_server_name",
         "ja3": "tls.handshake.ja3", "http_host": "http.host"}

# (capture, kind, name) → why Weir and tshark differ.
KNOWN = {
    ("11_frag_tcp_edge/arkime__http-tcp-seq-issue.pcap", "server_name", "xxx.xxxxxxxxxxxx.xxx.xx"):
        "Weir is right: the request's first part was sent again in one segment with the second, which "
        "tshark takes for a retransmission and does not read",
    ("14_tls_quic_names/arkime__https-connect.pcap", "server_name", "ts01-b.cloudsink.net"):
        "Weir is right: a CONNECT without a Host field names its destination in the request line",
    ("14_tls_quic_names/ipfixp__vlan.pcap", "dns", "google.com"):
        "one frame of it, in VLAN 150, is the untagged one mirrored again, and counted once",
}


def pcaps_dir():
    source = os.environ.get("WEIR_SOURCE", os.path.join(os.path.dirname(__file__), "..", ".."))
    return os.environ.get("WEIR_TEST_PCAPS", os.path.join(source, "..", "shared", "pcaps"))


# --- which flow a frame belongs to ---------------------------------------------------------------


def tshark(path, fields, *options):
    """field → text, a frame at a time; several values of one field with "|" between them"""
    words = ["tshark", "-n", "-r", path, "-T", "fields", "-E", "aggregator=|", *options]
    for field in fields:
        words += ["-e", field]
    done = subprocess.run(words, check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True)
    for line in done.stdout.splitlines():
        yield dict(zip(fields, line.split("\t")))


def frame_flow(fields):
    """(proto, {ends}, outermost VLAN) of the innermost packet of a frame; None: neither TCP nor UDP"""
    layers = fields["frame.protocols"].split(":")
    values = {name: fields[name].split("|") for name in ENDS if fields[name]}
    ip = next((layer for layer in reversed(layers) if layer in ("ip", "ipv6")), None)
    proto = next((layer for layer in reversed(layers) if layer in ("tcp", "udp")), None)
    if not ip or not proto:
        return None
    ends = frozenset((str(ipaddress.ip_address(values[f"{ip}.{end}"][-1])),
                      int(values[f"{proto}.{end}port"][-1])) for end in ("src", "dst"))
    return proto, ends, int(values.get("vlan.id", [0])[0])


def frame_flows(path, wanted):
    """frame number → its flow, of the wanted frames"""
    flows = {}
    for fields in tshark(path, ENDS):
        number = int(fields["frame.number"])
        if number in wanted:
            flows[number] = frame_flow(fields)
            assert flows[number], f"{path}: frame {number}: neither TCP nor UDP"
    assert len(flows) == len(wanted), f"{path}: tshark did not reach every frame"
    return flows


# --- what tshark and Weir say --------------------------------------------------------------------


def host_only(text):
    """"example.org:8080" and "[2001:db8::1]:80" as Weir writes them."""
    if text.startswith("["):
        return text[1:].split("]")[0].lower()
    host, colon, port = text.rpartition(":")
    return (host if colon and port.isdigit() else text).lower().removesuffix(".")


def names_of_row(row):
    """[(kind, name)]; of several questions in one message the first"""
    names = []
    if row["dns_qname"]:
        question = row["dns_qname"].split("|")[0].lower()
        names.append(("dns", "" if question == "<root>" else question))
    for host in (row["tls_sni"], row["http_host"]):
        names += [("server_name", host_only(name)) for name in host.split("|") if name]
    if row["ja3"]:
        names.append(("ja3", row["ja3"]))
    return names


def asked_again(path):
    """{(flow, kind, name)} that tshark sees, putting segments together or not"""
    seen = set()
    for options in ((), ("-o", "tcp.desegment_tcp_streams:FALSE")):
        for fields in tshark(path, ENDS + tuple(NAMES.values()), *options):
            row = {ours: fields.get(theirs, "") for ours, theirs in NAMES.items()}
            if any(row.values()):
                seen |= {(frame_flow(fields), kind, name) for kind, name in names_of_row(row)}
    return seen


def tshark_names(path, wanted):
    """flow → kind → its names, the first one first, of one capture"""
    flows, names = frame_flows(path, wanted), defaultdict(lambda: defaultdict(list))
    for number in sorted(wanted):
        for row in wanted[number]:
            for kind, name in names_of_row(row):
                names[flows[number]][kind].append(name)
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


def replay(path):
    lines = weirtest.replayed(path)
    if lines is None:
        sys.exit(f"{path}: nothing was written")
    return told(lines)


def values_of(records, kind):
    """What is told of a flow. The root's question has no text: its service tells it was asked."""
    if kind == "dns":
        return [record.get("dns", "") for record in records if record.get("service") == "dns"]
    return [record[kind] for record in records if record.get(kind)]


def ends_text(flow):
    return f"{flow[0]} " + " ".join(f"{ip}:{port}" for ip, port in sorted(flow[1]))


class Comparison:
    """Of all captures: names asked and found, extra and wrong ones, and what is not listed."""

    def __init__(self):
        self.asked = self.found = self.told = self.quic = self.extra = self.wrong_ja3 = 0
        self.unlisted = []

    def miss(self, name, flow, kind, want, have):
        if flow[0] == "udp" and kind in ("server_name", "ja3") and not QUIC_IS_READ:
            self.quic += kind != "ja3"
            return
        if kind == "ja3":
            self.wrong_ja3 += 1
        print(f"miss: {name}: {ends_text(flow)}: {kind} {want!r}, not {have}: "
              f"{KNOWN.get((name, kind, want), '?')}")

    def differs(self, name, flow, kind, have):
        self.extra += 1
        reason = KNOWN.get((name, kind, have))
        if not reason:
            self.unlisted.append((name, kind, have))
        print(f"extra: {name}: {ends_text(flow)}: {kind} {have!r}: {reason}")

    def compare_wanted(self, name, names, flows):
        found = asked = 0
        for flow, kinds in sorted(names.items(), key=repr):
            for kind, wanted in kinds.items():
                have = values_of(flows.get(flow, ()), kind)
                good = wanted[0] in have
                if kind != "ja3":
                    asked, found = asked + 1, found + good
                if not good:
                    self.miss(name, flow, kind, wanted[0], have)
        self.asked, self.found = self.asked + asked, self.found + found
        if asked:
            print(f"{name}: {found} of {asked}")

    def compare_told(self, name, path, names, flows):
        have = {(flow, kind, value) for flow, records in flows.items()
                for kind in ("dns", "server_name", "ja3") for value in values_of(records, kind)
                if value and value not in names[flow][kind]}
        self.told += sum(bool(value) for records in flows.values()
                         for kind in ("dns", "server_name") for value in values_of(records, kind))
        for flow, kind, value in sorted(have - asked_again(path) if have else (), key=repr):
            self.differs(name, flow, kind, value)

    def holds(self):
        asked = self.asked - self.quic
        share = self.found / asked if asked else 0
        extra = self.extra / self.told if self.told else 1
        print(f"{self.found} of {asked} flows' names found ({share:.2%}; goal {GOAL:.0%}), "
              f"{self.quic} more inside QUIC, {self.wrong_ja3} wrong JA3s, "
              f"{self.extra} of {self.told} names told are extra or wrong "
              f"({extra:.2%}; at most {EXTRA_MOST:.1%})")
        for entry in self.unlisted:
            print("extra or wrong, and not listed:", entry)
        return (share >= GOAL and extra <= EXTRA_MOST and not self.wrong_ja3 and
                not self.unlisted)


def captures(folder):
    """Every capture, as names.tsv calls it"""
    for place, _, files in sorted(os.walk(folder)):
        for file in sorted(files):
            if file.endswith((".pcap", ".pcapng", ".cap")):
                yield os.path.relpath(os.path.join(place, file), folder)


def main():
    pcaps = pcaps_dir()
    if not os.path.exists(os.path.join(pcaps, "names.tsv")) or not shutil.which("tshark"):
        print("skipped: no captures at", pcaps, "or no tshark")
        return 77
    folders = sys.argv[1:]
    rows, comparison = rows_of(os.path.join(pcaps, "names.tsv")), Comparison()
    for name in captures(pcaps):
        if folders and name.split("/")[0] not in folders:
            continue
        path = os.path.join(pcaps, name)
        names = tshark_names(path, rows[name]) if rows[name] else defaultdict(
            lambda: defaultdict(list))
        flows = replay(path)
        comparison.compare_wanted(name, names, flows)
        comparison.compare_told(name, path, names, flows)
    enough = folders or comparison.asked >= ASKED_MIN
    return 0 if comparison.holds() and enough else 1


if __name__ == "__main__":
    sys.exit(main())
