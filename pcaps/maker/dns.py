"""Name look-ups over UDP, with what a client remembers of them."""

import struct

from .clock import seconds
from .packets import udp_frame

A, MX, AAAA = 1, 15, 28


class Resolver:
    """A resolver (its host) and what each client has cached of its answers. With `upstream`
    (another Resolver) it asks that one for what it does not know."""

    def __init__(self, capture, chance, host, upstream=None):
        self._capture, self._chance, self._host = capture, chance, host
        self._upstream = upstream
        self._cached = {}

    def look_up(self, time, client, name, answers, kind=A, lifetime=3600):
        """The moment the client knows the answer. `answers`: packed addresses, or MX names."""
        if self._cached.get((client.address, name, kind), 0) > time:
            return time
        ports = (client.next_port(), 53)
        ident, label = self._chance.below(1 << 16), _name(name)
        question = label + struct.pack("!HH", kind, 1)
        query = struct.pack("!HHHHHH", ident, 0x0100, 1, 0, 0, 0) + question
        rows = b"".join(_row(kind, lifetime, answer) for answer in answers)
        reply = struct.pack("!HHHHHH", ident, 0x8180, 1, len(answers), 0, 0) + question + rows
        self._datagram(time, client, self._host, ports, query)
        time += seconds(2 * self._host.distance * self._chance.uniform(1, 1.6)) + 200_000
        if self._upstream:
            time = self._upstream.look_up(time, self._host, name, answers, kind, lifetime)
        self._datagram(time, self._host, client, ports[::-1], reply)
        self._cached[(client.address, name, kind)] = time + lifetime * 10**9
        return time + seconds(2 * client.distance) + self._chance.between(200, 4000) * 1000

    def _datagram(self, time, source, target, ports, payload):
        ident = self._chance.below(1 << 16)
        self._capture.put(time, udp_frame(source, target, ports, payload, ident))
        if source.inside and not target.inside:
            self._capture.book.left(time, source.address, target.address, "inside", 53,
                                    len(payload))


def _name(text):
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".")) + b"\0"


def _row(kind, lifetime, answer):
    data = struct.pack("!H", 10) + _name(answer) if kind == MX else answer
    return b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, lifetime, len(data)) + data
