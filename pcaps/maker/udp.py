"""Datagrams other than name look-ups: clock, calls, and what devices shout into the local net."""

import struct

from .clock import seconds
from .packets import udp_frame

_MULTICAST_MAC = {"224.0.0.251": "01005e0000fb", "239.255.255.250": "01005e7ffffa"}
_NTP_EPOCH = 2208988800


class Talk:
    """Datagrams between two ends, both ways."""

    def __init__(self, capture, chance, client, server, port, client_port=None):
        self._capture, self._chance = capture, chance
        self._ends = (client, server)
        self._ports = (client_port or client.next_port(), port)

    def say(self, time, side, payload, keep=None):
        """`keep`: captured bytes of the payload."""
        source, target = self._ends[side], self._ends[1 - side]
        ports = self._ports if side == 0 else self._ports[::-1]
        head = 42 if source.version == 4 else 62
        frame = udp_frame(source, target, ports, payload, self._chance.below(1 << 16))
        self._capture.put(time, frame, None if keep is None else head + keep)
        if source.inside and not target.inside:
            opener = "inside" if self._ends[0].inside else "outside"
            self._capture.book.left(time, source.address, target.address, opener, self._ports[1],
                                    len(payload))


def ntp(capture, chance, time, client, server):
    talk = Talk(capture, chance, client, server, 123, 123)
    sent = _ntp_time(time)
    talk.say(time, 0, struct.pack("!BBBb", 0x23, 0, 6, -20) + bytes(36) + sent)
    later = time + seconds(2 * server.distance)
    heard = _ntp_time(time + seconds(server.distance))
    head = struct.pack("!BBBbII4s", 0x24, 2, 6, -22, 0x200, 0x300, bytes((198, 19, 99, 1)))
    talk.say(later, 1, head + _ntp_time(time - seconds(40)) + sent + heard + heard)


def _ntp_time(time):
    return struct.pack("!II", time // 10**9 + _NTP_EPOCH, (time % 10**9 << 32) // 10**9)


def call(capture, chance, start, client, server, length):
    """A video call: STUN first, then SRTP both ways (sound in 60 ms frames, 15 small pictures a
    second). Nobody can read SRTP: the RTP head and a little more is captured."""
    talk = Talk(capture, chance, client, server, 3478)
    ident = chance.noise(12)
    talk.say(start, 0, struct.pack("!HHI", 1, 0, 0x2112A442) + ident)
    mapped = bytes(a ^ b for a, b in zip(client.packed, b"\x21\x12\xa4\x42"))
    talk.say(start + seconds(2 * server.distance), 1,
             struct.pack("!HHI", 0x0101, 12, 0x2112A442) + ident
             + struct.pack("!HHBBH", 0x20, 8, 0, 1, 50000 ^ 0x2112) + mapped)
    for side in (0, 1):
        begin = start + seconds(0.2 + 0.01 * side)
        _stream(chance, talk, begin, side, 111, length, 0.060, (130, 240))
        _stream(chance, talk, begin, side, 96, length, 1 / 15, (900, 1180))


def _stream(chance, talk, start, side, kind, length, step, sizes):
    """`step` seconds between packets; `sizes`: (median, highest)."""
    number, source = chance.below(1 << 15), chance.below(1 << 32)
    for tick in range(int(length / step)):
        time = start + seconds(tick * step + chance.uniform(0, 0.006))
        head = struct.pack("!BBHII", 0x80, kind, number + tick & 0xFFFF, int(tick * step * 48000),
                           source)
        media = chance.noise(chance.size(sizes[0], 0.25, 30, sizes[1]))
        talk.say(time, side, head + media, keep=20)


def shout(capture, chance, time, source, group, port, payload):
    """To a multicast group of the local net; never leaves it."""
    mdns = port == 5353
    ports = (port if mdns else source.next_port(), port)
    capture.put(time, udp_frame(source, group, ports, payload, chance.below(1 << 16),
                                bytes.fromhex(_MULTICAST_MAC[group.address]), 255 if mdns else 1))


MDNS_QUESTION = (struct.pack("!HHHHHH", 0, 0, 1, 0, 0, 0) + b"\x04_ipp\x04_tcp\x05local\0"
                 + struct.pack("!HH", 12, 1))
SSDP_SEARCH = (b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\n"
               b"MX: 1\r\nST: upnp:rootdevice\r\n\r\n")
