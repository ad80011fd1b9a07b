#!/usr/bin/env python3
"""What is in tunnels, against tshark.

Runs `weir replay --flows -o DIR FILE` over the captures with tunnels (10_encap, and those of other
folders that have some) and compares each innermost TCP and UDP flow with what tshark's fields say:
packets and wire bytes of each side, and its payload with retransmissions. tshark lists the headers
of a frame outermost first; the innermost is the last before ICMP, which quotes packets and carries
none. What Weir leaves to the packet around it (an inside that it cannot read) differs, and is in
EXCEPTIONS with its reason; every exception must still be needed, and there is at most one for 100
flows. The outside is compared by test_refflows.py.

Also that a tunnel is told with its flow: its layers, and the address pairs around what each side
sent, which must be those of a frame of that side.

Environment: as test_refflows.py. Exit status 77: skipped, there are no captures or no tshark here.
"""

import json
import os
import shutil
import subprocess
import sys
from collections import defaultdict

import copies
import test_refflows
import weirtest

FOLDER = "10_encap"
OTHERS = ("08_benign/mercury__capture2.pcap", "09_benign_bulk/dev_mix_10min.pcap",
          "11_frag_tcp_edge/pcpp__one_http_stream_rst.pcap",
          "11_frag_tcp_edge/sv__eve-flow-vlan_input.pcap",
          "11_frag_tcp_edge/sv__flow-pkt-recursion_middleware-pkt-flows.pcap",
          "11_frag_tcp_edge/sv__flow-pkt-recursion_tunnel-pkt-flows.pcap")
FIELDS = ("frame.protocols", "frame.len", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst",
          "tcp.srcport", "tcp.dstport", "tcp.len", "udp.srcport", "udp.dstport", "udp.length")
UDP_HEADER = 8
COUNTS = ("packets", "wire_bytes", "payload")

# (file, key) → why Weir tells another flow, or another figure.
GTP = "10_encap/zeek__gtp_gtp_ext_header.pcap"
FRAGMENTS = "the tunnel's packet is in two fragments, which tshark is told not to put together here"
EXCEPTIONS = {
    (GTP, ("tcp", ("10.155.182.202", 41511), ("10.155.186.57", 6005))): FRAGMENTS,
}

# file → the layers of one of its flows, as told.
LAYERS = {
    "10_encap/arkime__gre-erspan-vxlan.pcap": ["erspan", "vxlan"],
    "10_encap/arkime__ipv6-in-ipv4.pcap": ["ip"],
    "10_encap/sv__bug-4810_pppoe-session-http.pcap": ["pppoe"],
    "10_encap/zeek__Traces_vlan-qinqinq.pcap": ["vlan", "vlan"],
    "10_encap/zeek__tunnels_geneve-tagged-udp-packet.pcap": ["geneve"],
    "10_encap/zeek__tunnels_gre-aruba.pcap": ["gre"],
    "11_frag_tcp_edge/sv__flow-pkt-recursion_tunnel-pkt-flows.pcap": ["ip"],
    "08_benign/mercury__capture2.pcap": ["teredo"],
}


def frames(path):
    """The fields of each frame, as lists of what they were in all its headers."""
    words = ["tshark", "-n", "-r", path, "-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE",
             "-o", "tcp.desegment_tcp_streams:FALSE", "-T", "fields", "-E", "separator=|",
             "-E", "occurrence=a", "-E", "aggregator=,"]
    for field in FIELDS:
        words += ["-e", field]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    for line in done.stdout.splitlines():
        yield dict(zip(FIELDS, (text.split(",") if text else [] for text in line.split("|"))))


def pair_of(frame, version, at):
    return tuple(frame[f"{version}.{end}"][at] for end in ("src", "dst"))


def innermost(frame):
    """(protocol, source, destination, payload bytes, address pairs around it) of the innermost
    TCP or UDP, or None."""
    seen = defaultdict(int)
    address = transport = None
    around = []
    for layer in frame["frame.protocols"][0].split(":"):
        if layer in ("icmp", "icmpv6"):
            return None
        if layer in ("ip", "ipv6"):
            address, transport = (layer, seen[layer]), None
            around.append(address)
        elif layer in ("tcp", "udp"):
            transport = (layer, seen[layer])
        seen[layer] += 1
    if not address or not transport:
        return None
    (version, at), (proto, nth) = address, transport
    try:
        source, to = pair_of(frame, version, at)
        pairs = tuple(pair_of(frame, *where) for where in around[:-1])
        ports = [int(frame[f"{proto}.{end}port"][nth]) for end in ("src", "dst")]
        size = int(frame["tcp.len" if proto == "tcp" else "udp.length"][nth])
    except IndexError:  # the header is cut
        return None
    size -= UDP_HEADER if proto == "udp" else 0
    return proto, (source, ports[0]), (to, ports[1]), size, pairs


def by_tshark(path, copied):
    """(protocol, end, end) → end → counts; (protocol, source, destination) → what was around.
    copied: the numbers of frames that are copies."""
    flows = defaultdict(lambda: defaultdict(lambda: defaultdict(int)))
    ways = defaultdict(set)
    for number, frame in enumerate(frames(path)):
        found = innermost(frame)
        if found and number not in copied:
            proto, source, to, size, pairs = found
            ways[(proto, source, to)].add(pairs)
            side = flows[(proto, *sorted((source, to)))][source]
            side["packets"] += 1
            side["wire_bytes"] += int(frame["frame.len"][0])
            side["payload"] += size
    return flows, ways


def by_weir(lines):
    flows = defaultdict(lambda: defaultdict(lambda: defaultdict(int)))
    for record in map(json.loads, lines):
        if record["proto"] not in ("tcp", "udp"):
            continue
        ends = [(record[side]["ip"], record[side]["port"]) for side in ("orig", "resp")]
        for end, name in zip(ends, ("orig", "resp")):
            side, counts = flows[(record["proto"], *sorted(ends))][end], record[name]
            side["packets"] += counts["packets"]
            side["wire_bytes"] += counts["wire_bytes"]
            side["payload"] += counts["payload_bytes"] + counts["retransmitted_bytes"]
    return flows


def differences(want, have):
    """Yields (key, what) for everything that is not equal."""
    for key in sorted(set(want) | set(have)):
        if key not in have or key not in want:
            yield key, "not told" if key in want else "tshark has none"
            continue
        for end in key[1:]:
            for name in COUNTS:
                got, value = have[key][end][name], want[key][end][name]
                if got != value:
                    yield key, f"{end} {name}: {got}, tshark has {value}"


def ways_told(lines):
    """(protocol, source, destination), pairs around what it sent, outermost first"""
    for record in map(json.loads, lines):
        back = record.get("tunnel_back", record.get("tunnel"))
        for side, other, tunnel in (("orig", "resp", record.get("tunnel")), ("resp", "orig", back)):
            if record["proto"] not in ("tcp", "udp") or record[side]["packets"] == 0:
                continue
            ends = [(record[end]["ip"], record[end]["port"]) for end in (side, other)]
            pairs = [tunnel] + tunnel.get("hops", []) if tunnel and "orig" in tunnel else []
            yield ((record["proto"], *ends),
                   tuple((pair[side]["ip"], pair[other]["ip"]) for pair in pairs))


def layers_told(lines):
    for record in map(json.loads, lines):
        if record.get("tunnel"):
            yield [layer["type"] for layer in record["tunnel"]["layers"]]


def is_unsure(name, key):
    """A copy that Weir does not take for one: test_refflows.py says which and how many."""
    one, other = (f"{end[0]}:{end[1]}" for end in key[1:])
    return not {(name, one, other), (name, other, one)}.isdisjoint(test_refflows.UNSURE)


def compare(names, pcaps):
    flows, wrong, used = 0, [], set()
    for name in names:
        path = os.path.join(pcaps, name)
        lines = weirtest.replayed(path)
        copied = {copy[0] for copy in copies.told_twice(path)} if name in test_refflows.TWICE else ()
        want, ways = by_tshark(path, copied)
        flows += len(want)
        for key, what in differences(want, by_weir(lines)):
            if is_unsure(name, key):
                continue
            if (name, key) in EXCEPTIONS:
                used.add((name, key))
            else:
                wrong.append(f"{name}: {key}: {what}")
        for key, pairs in ways_told(lines):
            if key in ways and pairs not in ways[key]:
                wrong.append(f"{name}: {key}: around it {pairs}, tshark has {ways[key]}")
        if name in LAYERS and LAYERS[name] not in layers_told(lines):
            wrong.append(f"{name}: no flow with the layers {LAYERS[name]}")
    return flows, wrong, sorted(map(str, set(EXCEPTIONS) - used))


def captures(pcaps):
    for base in sorted(os.listdir(os.path.join(pcaps, FOLDER))):
        yield f"{FOLDER}/{base}"
    yield from OTHERS


def main():
    pcaps = test_refflows.pcaps_dir()
    if not os.path.exists(os.path.join(pcaps, FOLDER)) or not shutil.which("tshark"):
        print("skipped: no captures at", pcaps, "or no tshark")
        return 77
    flows, wrong, unneeded = compare(captures(pcaps), pcaps)
    for text in wrong:
        print(text)
    for where in unneeded:
        print("exception no longer needed:", where)
    print(f"{flows} flows compared, {len(wrong)} differences, {len(EXCEPTIONS)} exceptions")
    return 1 if wrong or unneeded or flows < 100 * len(EXCEPTIONS) else 0


if __name__ == "__main__":
    sys.exit(main())
