"""Frames, for what a conn log cannot say: how much had left when, and what it was. Uploads are headers alone, cut
behind TCP's, as tcpdump -s 54 would keep them, and large segments, as hosts hand them to their cards; all else is
whole. A frame is (time, bytes, bytes on the wire)."""

import struct

SEGMENT = 60_000     # of an upload
MAXIMUM = 1460       # of a segment that is whole
FIN, SYN, PUSH, ACK = 1, 2, 8, 16
ICMP, TCP, UDP = 1, 6, 17


def checksum(data):
    """RFC 1071: a ones' complement sum of 16-bit words is the remainder by 65535, and never 0 where a bit is set."""
    return ~(int.from_bytes(data + bytes(len(data) % 2), "big") % 0xFFFF or 0xFFFF) & 0xFFFF


def ip_head(orig, resp, proto, size):
    head = struct.pack("!BBHHHBBHII", 0x45, 0, 20 + size, 0, 0x4000, 64, proto, 0, orig, resp)
    return bytes(12) + b"\x08\x00" + head[:10] + struct.pack("!H", checksum(head)) + head[12:]


def whole(orig, resp, proto, body):
    return ip_head(orig, resp, proto, len(body)) + body


def udp(orig, oport, resp, rport, data):
    return whole(orig, resp, UDP, struct.pack("!HHHH", oport, rport, 8 + len(data), 0) + data)


def echo(orig, resp, kind, ident, number, data):
    head = struct.pack("!BBHHH", kind, 0, 0, ident & 0xFFFF, number & 0xFFFF)
    return whole(orig, resp, ICMP, head[:2] + struct.pack("!H", checksum(head + data)) + head[4:] + data)


def tcp_head(oport, rport, seq, ack, flags):
    return struct.pack("!HHIIBBHHH", oport, rport, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, 0x50, flags, 65535, 0, 0)


def segment(orig, oport, resp, rport, seq, ack, flags, data=b""):
    body = tcp_head(oport, rport, seq, ack, flags) + data
    proof = checksum(struct.pack("!IIHH", orig, resp, TCP, len(body)) + body)
    return whole(orig, resp, TCP, body[:16] + struct.pack("!H", proof) + body[18:])


def framed(at, data):
    return at, data, len(data)


def exchange(start, lasts, client, cport, server, sport, up, down):
    """A request, evenly over the time where it is the longer one, and its answer."""
    out, back = (client, cport, server, sport), (server, sport, client, cport)
    yield framed(start, segment(*out, 0, 0, SYN))
    yield framed(start + .001, segment(*back, 0, 1, SYN | ACK))
    yield framed(start + .002, segment(*out, 1, 1, ACK))
    step, at = (lasts - .1) / (len(up) + len(down)), start + .01
    for side, data, other in ((out, up, 0), (back, down, len(up))):
        for place in range(0, len(data), MAXIMUM):
            piece = data[place:place + MAXIMUM]
            at += step * len(piece)
            yield framed(at, segment(*side, 1 + place, 1 + other, ACK | PUSH, piece))
            yield framed(at + 1e-5, segment(*side[2:], *side[:2], 1 + other, 1 + place + len(piece), ACK))
    yield framed(start + lasts, segment(*out, 1 + len(up), 1 + len(down), FIN | ACK))
    yield framed(start + lasts + .001, segment(*back, 1 + len(down), 2 + len(up), FIN | ACK))
    yield framed(start + lasts + .002, segment(*out, 2 + len(up), 2 + len(down), ACK))


def cut(orig, oport, resp, rport, seq, ack, flags, payload):
    return ip_head(orig, resp, TCP, 20 + payload) + tcp_head(oport, rport, seq, ack, flags)


def upload(start, lasts, orig, resp, size, port):
    """A handshake, segments evenly over the time, each acknowledged, an end."""
    out = (orig, port, resp, 443)
    back = (resp, 443, orig, port)
    yield start, cut(*out, 0, 0, SYN, 0), 54
    yield start + .001, cut(*back, 0, 1, SYN | ACK, 0), 54
    yield start + .002, cut(*out, 1, 1, ACK, 0), 54
    count = -(-size // SEGMENT)
    for n in range(count):
        payload = min(SEGMENT, size - n * SEGMENT)
        at = start + .01 + max(lasts - .1, .1) * n / count
        yield at, cut(*out, 1 + n * SEGMENT, 1, ACK, payload), 54 + payload
        yield at + 1e-6, cut(*back, 1, 1 + n * SEGMENT + payload, ACK, 0), 54
    yield start + lasts, cut(*out, 1 + size, 1, FIN | ACK, 0), 54
    yield start + lasts + .001, cut(*back, 1, 2 + size, FIN | ACK, 0), 54
    yield start + lasts + .002, cut(*out, 2 + size, 2, ACK, 0), 54


def uploads(wanted):
    """wanted: (start, duration, orig, resp, bytes)."""
    return [frame for n, (start, lasts, orig, resp, size) in enumerate(wanted)
            for frame in upload(start, lasts, orig, resp, int(size), 20000 + n)]


def write(path, frames):
    """A pcap in order of time."""
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for at, data, wire in sorted(frames, key=lambda frame: frame[0]):
            file.write(struct.pack("<IIII", int(at), int(at % 1 * 1e6), len(data), wire) + data)
