"""Uploads as packets: what a conn log cannot say is how much had left when. The headers of every packet, cut
behind TCP's, as tcpdump -s 54 would keep them; what left is large segments, as hosts hand them to their cards."""

import struct

SEGMENT = 60_000
FIN, SYN, ACK = 1, 2, 16


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def frame(orig, oport, resp, rport, seq, ack, flags, payload):
    head = struct.pack("!BBHHHBBHII", 0x45, 0, 40 + payload, 0, 0x4000, 64, 6, 0, orig, resp)
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return (bytes(12) + b"\x08\x00" + head +
            struct.pack("!HHIIBBHHH", oport, rport, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, 0x50, flags, 65535, 0, 0))


def upload(start, lasts, orig, resp, size, port):
    """(time, frame, bytes on the wire): a handshake, segments evenly over the time, each acknowledged, an end."""
    out = (orig, port, resp, 443)
    back = (resp, 443, orig, port)
    yield start, frame(*out, 0, 0, SYN, 0), 54
    yield start + .001, frame(*back, 0, 1, SYN | ACK, 0), 54
    yield start + .002, frame(*out, 1, 1, ACK, 0), 54
    count = -(-size // SEGMENT)
    for n in range(count):
        payload = min(SEGMENT, size - n * SEGMENT)
        at = start + .01 + max(lasts - .1, .1) * n / count
        yield at, frame(*out, 1 + n * SEGMENT, 1, ACK, payload), 54 + payload
        yield at + 1e-6, frame(*back, 1, 1 + n * SEGMENT + payload, ACK, 0), 54
    yield start + lasts, frame(*out, 1 + size, 1, FIN | ACK, 0), 54
    yield start + lasts + .001, frame(*back, 1, 2 + size, FIN | ACK, 0), 54
    yield start + lasts + .002, frame(*out, 2 + size, 2, ACK, 0), 54


def write(path, uploads):
    """uploads: (start, duration, orig, resp, bytes); a pcap in order of time."""
    packets = []
    for n, (start, lasts, orig, resp, size) in enumerate(uploads):
        packets += upload(start, lasts, orig, resp, int(size), 20000 + n)
    packets.sort(key=lambda packet: packet[0])
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 54, 1))
        for at, data, wire in packets:
            file.write(struct.pack("<IIII", int(at), int(at % 1 * 1e6), len(data), wire) + data)
