#!/usr/bin/env python3
"""Flow counters against an independent counter's.

Runs `weir replay --flows -o DIR FILE` over the captures that have reference counts (refflows.tsv,
made by another program and checked against nDPI, Arkime, Suricata and Zeek) and compares, for every
TCP and UDP flow: packets, wire bytes, IP bytes of each side; UDP payload; TCP payload + missing
against the span of sequence numbers; payload + retransmitted against all TCP payload; and the
Community ID.

Several Weir flows may be one flow of the reference, which knows no time-outs and no reuse of ports,
so both are summed by 5-tuple and VLAN, without regard to who opened. The reference counts outermost
IP packets: Weir's flows in a tunnel are summed by the tunnel's addresses, and so are the
reference's flows that are tunnels (packets and wire bytes; test_tunnels.py compares the inside).
Of a side without a packet in the capture Weir tells what its peer acknowledged, the reference
nothing: that is not compared.

Every difference must be in EXCEPTIONS with its reason, or in a file that is in UNDECIDED; every
exception must still be needed, and there is at most one for 100 flows.

Environment: WEIR_BINARY (the program), WEIR_TEST_PCAPS (the captures; else ../shared/pcaps beside
WEIR_SOURCE). Exit status 77: skipped, there are no captures here.
"""

import json
import os
import sys
from collections import defaultdict

import copies
import weirtest

# Files in which packets were captured twice: the reference counts them so, Weir once.
TWICE = {
    "03_upload_exfil/arkime__http-post-upload.pcap",
    "08_benign/mercury__capture2.pcap",
    "09_benign_bulk/dev_mix_10min.pcap",
    "11_frag_tcp_edge/arkime__wireshark-retrans.pcap",
    "11_frag_tcp_edge/zeek__tcp_ctu-64702-888.pcap",
    "11_frag_tcp_edge/zeek__tcp_ssh-dups.pcap",
    "13_community_id/zeek-community-id__icmp.pcap",
    "14_tls_quic_names/ipfixp__vlan.pcap",
}
PROTO = {"tcp": 6, "udp": 17}
# What the outermost layer with addresses of its own is carried by. IP in IP is 4 or 41.
CARRIER = {"gre": 47, "erspan": 47, "ip": 4, "vxlan": 17, "geneve": 17, "gtpu": 17, "teredo": 17,
           "l2tp": 17}
CARRIERS = (4, 41, 47)
ANY = -1  # port: all of them together
TUNNEL_PORTS = {4789, 4790, 8472, 6081, 2152, 3544, 1701}
COUNTS = ("packets", "wire_bytes", "ip_bytes")

MIX = "09_benign_bulk/dev_mix_10min.pcap"
CAPTURE2 = "08_benign/mercury__capture2.pcap"

# (file, sender, count, its peer) → what Weir counts there, and why that is right all the same.
EXCEPTIONS = {
    (CAPTURE2, "10.10.0.2:443", "span", "10.6.9.137:1758"): (
        2737, "seen on both sides of a firewall that changes sequence numbers, from the middle on: "
        "the first segment of the second numbering (1,357 bytes) is not known for a duplicate yet"),
    (CAPTURE2, "90.84.59.91:80", "span", "192.168.1.101:56593"): (
        2800, "1,400 bytes are in the capture, twice as many were acknowledged: the rest is "
        "missing; the reference counts no acknowledgments"),
    (CAPTURE2, "173.194.66.84:443", "span", "192.168.1.101:56652"): (
        110, "the 65 + 45 bytes of sequence 425922377 to 425922487 are in the capture; the "
        "reference counts none of them"),
    (MIX, "10.0.5.9:443", "span", "10.0.5.10:1758"): (2737, "of capture2, see there"),
    (MIX, "90.84.59.91:80", "span", "10.0.5.44:56593"): (2800, "of capture2, see there"),
    (MIX, "173.194.66.84:443", "span", "10.0.5.44:56652"): (110, "of capture2, see there"),
    ("03_upload_exfil/zeek__ftp_bigtransfer.pcap", "192.168.56.101:37150", "span",
     "192.168.56.1:59764"): (
        1494342974, "acknowledged up to there; data was captured up to 1121699374, and the "
        "reference counts no acknowledgments"),
    ("11_frag_tcp_edge/arkime__tcp-reassembly-synthetic.pcap", "10.180.156.1:40008", "span",
     "10.180.156.2:80"): (
        78, "two connections on the same ports, of 39 bytes each and with the same initial "
        "sequence number: the reference counts the numbers once"),
    ("11_frag_tcp_edge/sv__bug-6244-tcp-rst-with-data_tcp-rst-with-data.pcap", "1.1.1.1:12345",
     "payload", "2.2.2.2:8080"): (0, "13 bytes in a reset: why it was sent, no payload (RFC 9293)"),
    ("12_robustness/tcpdump__tcp_rst_data-trunc.pcap", "199.204.31.89:80", "payload",
     "172.16.133.41:52875"): (0, "58 bytes in a reset"),
    ("11_frag_tcp_edge/zeek__tcp_rst-inject-rae.pcap", "1.2.0.3:6649", "span", "1.2.0.2:2527"): (
        0, "resets with forged sequence numbers; the reference takes their span for data"),
}

# (file, peer, sender) → packets that are probably copies and that Weir counts all the same: without an
# identification, before this tap had proven to show packets twice, or as events that hosts repeat.
CTU, DUPS = "11_frag_tcp_edge/zeek__tcp_ctu-64702-888.pcap", "11_frag_tcp_edge/zeek__tcp_ssh-dups.pcap"
UNSURE = {
    (MIX, "86.128.191.16:3527", "10.0.5.7:135"): 1,
    (MIX, "86.128.116.241:2776", "10.0.5.7:445"): 1,
    (MIX, "86.128.194.14:1845", "10.0.5.7:445"): 1,
    (MIX, "86.128.67.61:2617", "10.0.5.7:445"): 1,
    (MIX, "67.71.69.121:12492", "10.0.5.7:1092"): 1,
    (MIX, "81.184.127.148:29344", "10.0.5.7:1367"): 1,
    (MIX, "10.0.5.8:53", "10.0.5.7:2130"): 1,
    (MIX, "ff02::1:3:5355", "fe80::6d49:f772:ed9b:d16a:60775"): 1,
    (CTU, "192.168.1.108:64702", "185.33.86.224:888"): 1,
    (DUPS, "192.168.0.112:22", "192.168.0.102:53206"): 3,
}

NOT_READ = "the reference does not read this encapsulation; test_tunnels.py compares the inside"
DAMAGED_HEADERS = "headers cut short or contradicting each other, in which counters differ"
FRAGMENTS = "the reference does not put fragments together; test_fragments.py compares with tshark"

# file → why nothing in it is compared.
UNDECIDED = {
    "10_encap/sv__bug-4810_pppoe-session-http.pcap": NOT_READ,
    "10_encap/sv__decode-etag-01_input.pcap": NOT_READ,
    "10_encap/sv__decode-nsh-type1_input.pcap": NOT_READ,
    "11_frag_tcp_edge/pcpp__ipv6_opt_fragments.pcap": FRAGMENTS,
    "11_frag_tcp_edge/sv__bug-6887-defrag-eth-vlan-ipv4-tcp-syn_frag-eth-vlan-ip-tcp-syn.pcap":
        FRAGMENTS,
    "11_frag_tcp_edge/zeek__ipv4_fragmented-2.pcap": FRAGMENTS,
    "11_frag_tcp_edge/zeek__ipv4_fragmented-3.pcap": FRAGMENTS,
    **{f"12_robustness/pcpp__clusterfuzz-testcase-minimized-FuzzTarget-{number}": DAMAGED_HEADERS
       for number in (4672344017862656, 4981601846820864, 5114733584449536, 5204104585674752,
                      5421416466481152, 5487001111429120, 5654053026791424, 6303070823907328)},
    "12_robustness/sv__decode-too-small_test.pcap": DAMAGED_HEADERS,
    "12_robustness/tcpdump__ipv4_invalid_total_length_2.pcap": DAMAGED_HEADERS,
    "12_robustness/zeek__trunc_ipv4-truncated-broken-header.pcap": DAMAGED_HEADERS,
}

# Files in which the reference has put the same 5-tuple of several VLANs together.
VLANS_MERGED = {"14_tls_quic_names/ipfixp__vlan.pcap"}




def pcaps_dir():
    source = os.environ.get("WEIR_SOURCE", os.path.join(os.path.dirname(__file__), "..", ".."))
    return os.environ.get("WEIR_TEST_PCAPS", os.path.join(source, "..", "shared", "pcaps"))


def number(text):
    return 0 if text == "-" else int(text)


def key_of(proto, one, other, vlan):
    return (proto, *sorted((one, other)), vlan)


def tunnel_key(proto, one, other):
    """Of everything that goes through tunnels between two addresses."""
    return (4 if proto == 41 else proto, *sorted(((one, ANY), (other, ANY))), 0)


def new_flow():
    return {"ids": set(), "sides": defaultdict(lambda: defaultdict(int))}


def is_tunnel(proto, ends):
    return proto in CARRIERS or (proto == 17 and TUNNEL_PORTS & {port for _, port in ends})


def fold(flows, tunnels):
    """Tunnels by their addresses alone, of those that are in `tunnels`."""
    folded = defaultdict(new_flow)
    for key, flow in flows.items():
        proto, one, other, _ = key
        to = tunnel_key(proto, one[0], other[0])
        if not is_tunnel(proto, (one, other)) or to not in tunnels:
            if proto in PROTO.values():
                folded[key] = flow
            continue
        for end, counts in flow["sides"].items():
            for name in ("packets", "wire_bytes"):
                folded[to]["sides"][(end[0], ANY)][name] += counts[name]
    return folded


def reference(path):
    """file → key → {ids, sides: endpoint → counts}"""
    files = defaultdict(lambda: defaultdict(new_flow))
    with open(path, encoding="ascii") as rows:
        for row in rows:
            col = row.rstrip("\n").split("\t")
            proto = int(col[1])
            if proto not in PROTO.values() and proto not in CARRIERS:
                continue
            ends = ((col[2], int(col[3])), (col[4], int(col[5])))
            vlan = 0 if col[0] in VLANS_MERGED else number(col[6].split(",")[0])
            flow = files[col[0]][key_of(proto, *ends, vlan)]
            flow["ids"].add(col[19])
            for end, at in zip(ends, (7, 12)):
                side = flow["sides"][end]
                for name, text in zip(COUNTS + ("payload", "span"), col[at : at + 5]):
                    side[name] += number(text)
    return files


def ways_of(record):
    """(side, tunnel it came in: None for none, its end there)"""
    tunnel = record.get("tunnel")
    for side, way in (("orig", tunnel), ("resp", record.get("tunnel_back", tunnel))):
        yield side, way if way and "orig" in way else None


def add_tunnelled(record, flows):
    """What of a flow came in tunnels, to their sums. Returns their keys."""
    keys = set()
    for side, way in ways_of(record):
        if not way or record[side]["packets"] == 0:
            continue
        proto = next(CARRIER[layer["type"]] for layer in way["layers"] if layer["type"] in CARRIER)
        key = tunnel_key(proto, way["orig"]["ip"], way["resp"]["ip"])
        counts = flows[key]["sides"][(way[side]["ip"], ANY)]
        for name in ("packets", "wire_bytes"):
            counts[name] += record[side][name]
        keys.add(key)
    return keys


def told(lines, merged):
    """(key → {ids, sides}, keys of tunnels), from the lines of a flows.ndjson; merged: without
    regard to VLANs"""
    flows, tunnels = defaultdict(new_flow), set()
    for line in lines:
        record = json.loads(line)
        keys = add_tunnelled(record, flows)
        tunnels |= keys
        if keys:
            continue
        if record["proto"] not in PROTO and record["proto"] not in map(str, CARRIERS):
            continue
        proto = PROTO.get(record["proto"]) or int(record["proto"])
        ends = [(record[side]["ip"], record[side]["port"]) for side in ("orig", "resp")]
        flow = flows[key_of(proto, *ends, 0 if merged else record.get("vlan") or 0)]
        flow["ids"].add(record["community_id"])
        for end, name in zip(ends, ("orig", "resp")):
            side, counts = flow["sides"][end], record[name]
            for count in COUNTS:
                side[count] += counts[count]
            side["payload"] += counts["payload_bytes"] + counts["retransmitted_bytes"]
            side["span"] += counts["payload_bytes"] + counts["missing_bytes"]
    return flows, tunnels


def differences(want, have):
    """Yields (key, sender, count, got, wanted) for everything that is not equal."""
    for key in sorted(set(want) | set(have)):
        if key not in have or key not in want:
            yield key, None, "flow", key in have, key in want
            continue
        if want[key]["ids"] != have[key]["ids"]:
            yield key, None, "community_id", have[key]["ids"], want[key]["ids"]
        for end, counts in sorted(want[key]["sides"].items()):
            for name, value in counts.items():
                got = have[key]["sides"][end][name]
                compared = name != "span" or (key[0] == PROTO["tcp"] and counts["packets"] > 0)
                if compared and got != value:
                    yield key, end, name, got, value


def exception_of(name, key, end, count):
    if end is None:
        return None
    peer = key[1] if key[2] == end else key[2]
    return (name, f"{end[0]}:{end[1]}", count, f"{peer[0]}:{peer[1]}")


def is_excepted(where, got, value):
    """By its row, or by a sender whose copies Weir does not take for such."""
    if where in EXCEPTIONS:
        return EXCEPTIONS[where][0] == got
    if where is None or where[0::3] + where[1:2] not in UNSURE:
        return False
    extra = UNSURE[where[0::3] + where[1:2]]
    return got - value == extra if where[2] == "packets" else got > value


def captures(pcaps):
    for folder in sorted(os.listdir(pcaps)):
        if os.path.isdir(os.path.join(pcaps, folder)):
            for base in sorted(os.listdir(os.path.join(pcaps, folder))):
                if not base.endswith(".tsv"):
                    yield f"{folder}/{base}"


def compare(names, pcaps):
    """Number of flows compared, differences not excepted, exceptions not needed."""
    flows, wrong, used = 0, [], set()
    wanted = reference(os.path.join(pcaps, "refflows.tsv"))
    for name in names:
        have, tunnels = told(weirtest.replayed(os.path.join(pcaps, name)) or [], name in VLANS_MERGED)
        want = wanted.get(name, {})
        if name in TWICE:
            copies.take_out(os.path.join(pcaps, name), want, name in VLANS_MERGED)
        have, want = fold(have, tunnels), fold(want, tunnels)
        flows += len(want)
        found = list(differences(want, have))
        if name in UNDECIDED:
            used.update({name} if found else ())
            continue
        for key, end, count, got, value in found:
            where = exception_of(name, key, end, count)
            if is_excepted(where, got, value):
                used.update((where, where[0::3] + where[1:2]))
            else:
                wrong.append(f"{name}: {key}: {end} {count}: {got}, the reference has {value}")
    return flows, wrong, sorted(map(str, (set(EXCEPTIONS) | set(UNSURE) | set(UNDECIDED)) - used))


def main():
    pcaps = pcaps_dir()
    if not os.path.exists(os.path.join(pcaps, "refflows.tsv")):
        print("skipped: no captures at", pcaps)
        return 77
    flows, wrong, unneeded = compare(captures(pcaps), pcaps)
    for text in wrong:
        print(text)
    for where in unneeded:
        print("exception no longer needed:", where)
    exceptions = len(EXCEPTIONS) + len(UNSURE)
    print(f"{flows} flows compared, {len(wrong)} differences, {exceptions} exceptions")
    return 1 if wrong or unneeded or flows < 100 * exceptions else 0


if __name__ == "__main__":
    sys.exit(main())
