"""Frames: Ethernet, ARP, IPv4, IPv6, UDP, TCP, with true checksums."""

import ipaddress
import struct

TCP, UDP = 6, 17
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


class Host:
    """An address on the wire. `distance`: seconds between the sensor and the host, one way."""

    def __init__(self, name, address, mac, inside, distance, ttl=64, stamps=True, scale=7):
        self.name, self.address, self.inside, self.distance = name, address, inside, distance
        self.mac = bytes.fromhex(mac.replace(":", ""))
        self.ttl, self.stamps, self.scale = ttl, stamps, scale
        parsed = ipaddress.ip_address(address)
        self.packed, self.version = parsed.packed, parsed.version
        self.mss = 1460 if parsed.version == 4 else 1440
        self._port = 49152 + int.from_bytes(self.packed[-2:], "big") * 7 % 16000

    def next_port(self):
        """Ephemeral ports in a row, so a (client, server, port) returns only after a full round."""
        self._port = 49152 + (self._port - 49152 + 1) % 16384
        return self._port


def checksum(data):
    """RFC 1071. A sum of 16-bit words with end-around carry is the number modulo 65535."""
    if len(data) % 2:
        data += b"\0"
    rest = int.from_bytes(data, "big") % 0xFFFF
    return 0xFFFF - rest if rest else 0


def _ip(source, target, protocol, ident, body, ttl):
    if source.version == 6:
        head = struct.pack("!IHBB", 0x60000000, len(body), protocol, ttl)
        return head + source.packed + target.packed + body
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), ident, 0x4000, ttl, protocol, 0)
    addresses = source.packed + target.packed
    total = checksum(head + addresses)
    return head[:10] + struct.pack("!H", total) + addresses + body


def _pseudo(source, target, protocol, size):
    if source.version == 6:
        return source.packed + target.packed + struct.pack("!II", size, protocol)
    return source.packed + target.packed + struct.pack("!BBH", 0, protocol, size)


def _ethernet(source, target, ip_packet, target_mac=None):
    kind = b"\x86\xdd" if source.version == 6 else b"\x08\x00"
    return (target_mac or target.mac) + source.mac + kind + ip_packet


def tcp_frame(source, target, ports, seq, ack, flags, window, options, payload, ident):
    size = 20 + len(options) + len(payload)
    head = struct.pack("!HHIIBBHHH", ports[0], ports[1], seq & 0xFFFFFFFF, ack & 0xFFFFFFFF,
                       (20 + len(options)) << 2, flags, window, 0, 0)
    total = checksum(_pseudo(source, target, TCP, size) + head + options + payload)
    segment = head[:16] + struct.pack("!H", total) + head[18:] + options + payload
    return _ethernet(source, target, _ip(source, target, TCP, ident, segment, source.ttl))


def udp_frame(source, target, ports, payload, ident, target_mac=None, ttl=None):
    head = struct.pack("!HHHH", ports[0], ports[1], 8 + len(payload), 0)
    total = checksum(_pseudo(source, target, UDP, 8 + len(payload)) + head + payload) or 0xFFFF
    datagram = head[:6] + struct.pack("!H", total) + payload
    packet = _ip(source, target, UDP, ident, datagram, source.ttl if ttl is None else ttl)
    return _ethernet(source, target, packet, target_mac)


def arp_frame(source, target, answer):
    """`source` asks who has `target`, or answers `target`."""
    head = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 2 if answer else 1)
    body = source.mac + source.packed + (target.mac if answer else bytes(6)) + target.packed
    return (target.mac if answer else b"\xff" * 6) + source.mac + b"\x08\x06" + head + body
