"""Captures as a mirror would have made them that shows packets twice: reading pcap files, finding the
IP header, writing copies of packets beside them. Standard library only."""

import ipaddress
import os
import struct

from weirtest import checksum

ETHERNET = 1
TAGS = (0x8100, 0x88A8)


def frames(path):
    """(time in ns, bytes, bytes on the wire) of each frame of an Ethernet capture."""
    with open(path, "rb") as file:
        data = file.read()
    magic = data[:4]
    if magic == b"\x0a\x0d\x0d\x0a":
        yield from blocks(data)
        return
    order = "<" if magic in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    unit = 1 if struct.unpack(order + "I", magic)[0] == 0xA1B23C4D else 1000
    if struct.unpack(order + "I", data[20:24])[0] & 0xFFFF != ETHERNET:
        raise ValueError(f"{path}: not Ethernet")
    at = 24
    while at + 16 <= len(data):
        seconds, part, kept, wire = struct.unpack(order + "IIII", data[at:at + 16])
        yield seconds * 1_000_000_000 + part * unit, data[at + 16:at + 16 + kept], wire
        at += 16 + kept


def blocks(data):
    """The same of a pcapng file: one interface, in microseconds."""
    order = "<" if data[8:12] == b"\x4d\x3c\x2b\x1a" else ">"
    at = 0
    while at + 12 <= len(data):
        kind, size = struct.unpack(order + "II", data[at:at + 8])
        if kind == 6:
            _, high, low, kept, wire = struct.unpack(order + "5I", data[at + 8:at + 28])
            yield ((high << 32) | low) * 1000, data[at + 28:at + 28 + kept], wire
        at += size


def find(folder, name):
    """The path of the file of that name, in whichever folder of `folder` it is."""
    for path, _, names in os.walk(folder):
        if name in names:
            return os.path.join(path, name)
    raise FileNotFoundError(name)


def pcap(packets):
    """A pcap file, in nanoseconds, of (time in ns, bytes, bytes on the wire)."""
    out = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, ETHERNET)]
    for at, frame, wire in packets:
        out.append(struct.pack("<IIII", at // 1_000_000_000, at % 1_000_000_000, len(frame), wire))
        out.append(frame)
    return b"".join(out)


def ip_at(frame):
    """Where the IP header of an Ethernet frame begins; None: it has none."""
    at, kind = 14, struct.unpack("!H", frame[12:14])[0]
    while kind in TAGS and len(frame) >= at + 4:
        kind = struct.unpack("!H", frame[at + 2:at + 4])[0]
        at += 4
    if kind not in (0x0800, 0x86DD) or len(frame) < at + 20:
        return None
    return at


def exact(frame):
    return frame


def one_hop_on(frame):
    """As the next router sends it: TTL or hop limit one less, other Ethernet addresses."""
    at = ip_at(frame)
    ip = bytearray(frame[at:])
    if ip[0] >> 4 == 6:
        ip[7] -= 1
    else:
        size = (ip[0] & 15) * 4
        ip[8] -= 1
        ip[10:12] = b"\0\0"
        ip[10:12] = struct.pack("!H", checksum(bytes(ip[:size])))
    return bytes.fromhex("020000000a0a020000000b0b") + frame[12:at] + bytes(ip)


def in_vlan(vlan):
    def tagged(frame):
        return frame[:12] + struct.pack("!HH", 0x8100, vlan) + frame[ip_at(frame) - 2:]
    return tagged


def with_copies(packets, copy, delay_ns):
    """Each IP frame comes a second time, changed by copy(number)(frame),
    delay_ns(number) later. Returns all by time, and those that were added."""
    added = []
    for number, (time_ns, frame, wire) in enumerate(packets):
        if ip_at(frame) is not None:
            other = copy(number)(frame)
            added.append((time_ns + delay_ns(number), other, wire + len(other) - len(frame)))
    return sorted([*packets, *added], key=lambda packet: packet[0]), added


# --- copies that are in a capture ------------------------------------------------------------------


def parts(frame):
    """(VLAN, Ethernet addresses, IP packet) of an Ethernet frame with an IP packet; else None."""
    at = ip_at(frame)
    if at is None:
        return None
    vlan = struct.unpack("!H", frame[14:16])[0] & 0xFFF if at > 14 else 0
    return vlan, frame[:12], frame[at:]


def unchanging(ip):
    """What of a packet no router changes: all but DSCP, TTL or hop limit, and IPv4's checksum."""
    if ip[0] >> 4 == 6:
        return ip[4:7] + ip[8:]
    return ip[:1] + ip[2:8] + ip[9:10] + ip[12:]


def told_twice(path):
    """The frames of a pcap file that are copies, by rules simpler than the program's: the same
    packet with an identification, within 100 ms; without one, within 20 ms elsewhere or 1 µs
    here. Yields (its number from 0, VLAN, IP packet, bytes on the wire)."""
    seen = {}
    for number, (now, frame, wire) in enumerate(frames(path)):
        found = parts(frame)
        if not found:
            continue
        vlan, macs, ip = found
        place = (vlan, macs, ip[7 if ip[0] >> 4 == 6 else 8])
        first, first_place = seen.get(unchanging(ip), (None, None))
        if ip[0] >> 4 == 4 and ip[4:6] not in (b"\0\0", b"\0\1"):
            near = 100_000_000
        else:
            near = 1_000 if place == first_place else 20_000_000
        if first is not None and now - first <= near:
            yield number, vlan, ip, wire
        else:
            seen[unchanging(ip)] = (now, place)


def counts(ip, wire):
    """(protocol, sender, receiver, counts) of a TCP or UDP packet without extension headers; else
    None. An end is (address, port)."""
    if ip[0] >> 4 == 6:
        proto, size, whole, addresses = ip[6], 40, 40 + struct.unpack("!H", ip[4:6])[0], ip[8:40]
    else:
        proto, size, whole = ip[9], (ip[0] & 15) * 4, struct.unpack("!H", ip[2:4])[0]
        addresses = ip[12:20]
    if proto not in (6, 17):
        return None
    half = len(addresses) // 2
    ports = struct.unpack("!HH", ip[size:size + 4])
    ends = [(str(ipaddress.ip_address(addresses[at:at + half])), port)
            for at, port in zip((0, half), ports)]
    header = 8 if proto == 17 else (ip[size + 12] >> 4) * 4
    return proto, *ends, {"packets": 1, "wire_bytes": wire, "ip_bytes": whole,
                          "payload": whole - size - header}


def take_out(path, flows, merged=False):
    """Takes the copies that are in a capture out of another program's counts, which has counted
    them: (protocol, end, end, VLAN) → {sides: {end: counts}}; merged: whatever the VLAN."""
    for _, vlan, ip, wire in told_twice(path):
        found = counts(ip, wire)
        if not found:
            continue
        proto, sender, receiver, less = found
        key = (proto, *sorted((sender, receiver)), 0 if merged else vlan)
        for name, value in less.items() if key in flows else ():
            flows[key]["sides"][sender][name] -= value
