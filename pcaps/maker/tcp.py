"""TCP conversations as a sensor between the two ends sees them.

The sensor stands some distance from each end, so what an end says in answer to a packet passes
the sensor twice that distance later. Data goes in flights (ten segments first, doubling to 64 KiB);
acknowledgements come one for two segments, or one for four where the capturing host merged
segments (receive offload: up to 16 KiB a packet); the last one waits 40 ms for data to ride on.
What is lost is lost beyond the sensor, which therefore sees both copies. Nothing is reordered and
nothing is missing.
"""

import struct

from .clock import seconds
from .packets import ACK, FIN, PSH, RST, SYN, tcp_frame

CLIENT, SERVER = 0, 1
CUT = 96  # captured bytes of a packet whose payload nobody can read
MERGED = 16384
FLIGHT = 65536
DELAYED_ACK = 0.040
LINE_RATE = 12_500_000  # bytes a second between packets of one flight


class Conversation:
    def __init__(self, capture, chance, start, client, server, port):
        self.capture, self.chance, self.start = capture, chance, start
        self.ends = (client, server)
        self.ports = (client.next_port(), port)
        self.sent = [0, 0]  # payload bytes, each once
        self.last = [start, start]  # when the sensor last saw each end
        self.first_packet = self.last_packet = start
        self._next = [chance.below(1 << 32), chance.below(1 << 32)]
        self._ident = [chance.below(1 << 16), chance.below(1 << 16)]
        self._stamps = client.stamps and server.stamps
        self._stamp_base = (chance.below(1 << 31), chance.below(1 << 31))
        self._stamp_seen = [0, 0]  # the newest time stamp of each end that passed the sensor
        self._flight = [10 * client.mss, 10 * server.mss]
        self._owed = [None, None]  # the acknowledgement an end holds back: (due, number, echo)
        self._mss = min(client.mss, server.mss) - (12 if self._stamps else 0)
        self.headers = 14 + (20 if client.version == 4 else 40) + 20 + (12 if self._stamps else 0)
        capture.book.connections.append(self)

    def open(self):
        self._emit(CLIENT, self.start, SYN, 0, options=self._hello_options(CLIENT, self.start))
        self._next[CLIENT] += 1
        time = self._ready(SERVER, 0)
        self._emit(SERVER, time, SYN | ACK, self._next[CLIENT],
                   options=self._hello_options(SERVER, time))
        self._next[SERVER] += 1
        self._emit(CLIENT, self._ready(CLIENT, 0), ACK, self._next[SERVER])

    def say(self, side, data, think=0.0, keep=None, merged=False, lost=False, large=0):
        """`side` sends `data`, `think` seconds after it could. `keep`: payload bytes captured of
        each packet (None: all). `lost`: the last segment is lost beyond the sensor, once. `large`:
        merged up to so many bytes, and four such packets to a flight."""
        time = self._ready(side, think)
        self._settle(time)
        self._owed[side] = None
        chunk = self._mss * ((large or MERGED) // self._mss) if merged or large else self._mss
        offset = 0
        while offset < len(data):
            flight = data[offset:offset + (4 * chunk if large else max(self._flight[side], chunk))]
            offset += len(flight)
            more = offset < len(data)
            time = self._send_flight(side, time, flight, chunk, keep, more, lost and not more)
            self._flight[side] = min(2 * self._flight[side], FLIGHT)

    def close(self, side, think=0.0):
        other = 1 - side
        time = self._ready(side, think)
        self._settle(time)
        for end in (side, other):
            self._emit(end, time, FIN | ACK, self._next[1 - end])
            self._next[end] += 1
            time = self._ready(1 - end, 0)
        self._emit(side, time, ACK, self._next[other])

    def abort(self, side, think=0.0):
        time = self._ready(side, think)
        self._settle(time)
        self._emit(side, time, RST | ACK, self._next[1 - side])

    def unreadable(self):
        """Payload bytes to keep of a packet that is cut to CUT bytes."""
        return CUT - self.headers

    def _send_flight(self, side, time, flight, chunk, keep, more, lost):
        other, acks, every = 1 - side, [], 4 if chunk > self._mss else 2
        reach = self._reach(other)
        pieces = [flight[at:at + chunk] for at in range(0, len(flight), chunk)]
        for number, piece in enumerate(pieces, 1):
            final = number == len(pieces)
            seq = self._next[side]
            self._next[side] += len(piece)
            self._enter(side, time, len(piece))
            self._data(side, time, seq, piece, keep, final)
            if (final and more) or (not final and number % every == 0):
                acks.append((time + reach, self._next[side], self._stamp_seen[side]))
            passed, time = time, time + seconds(len(piece) / LINE_RATE * self._wobble())
        for when, number, echo in acks:
            self._emit(other, max(when, self.last[other] + 1000), ACK, number, echo=echo)
        if more:
            return self._ready(side, 0)
        if lost:
            passed = max(passed, self.last[other]) + seconds(0.2) + 2 * self._reach(other)
            self._data(side, passed, seq, piece, keep, True)
        self._owed[other] = (passed + reach + seconds(DELAYED_ACK), self._next[side],
                             self._stamp_seen[side])
        return passed

    def _data(self, side, time, seq, piece, keep, push):
        self._emit(side, time, ACK | (PSH if push else 0), self._next[1 - side], seq, piece, keep)

    def _enter(self, side, time, size):
        self.sent[side] += size
        end, remote = self.ends[side], self.ends[1 - side]
        if end.inside and not remote.inside:
            opener = "inside" if self.ends[CLIENT].inside else "outside"
            self.capture.book.left(time, end.address, remote.address, opener, self.ports[SERVER],
                                   size)

    def _settle(self, time):
        """Held-back acknowledgements that fall due before `time` are sent."""
        for side in (CLIENT, SERVER):
            if self._owed[side] and self._owed[side][0] < time:
                due, number, echo = self._owed[side]
                self._emit(side, due, ACK, number, echo=echo)
                self._owed[side] = None

    def _ready(self, side, think):
        heard = self.last[1 - side] + self._reach(side)
        turn = self.chance.between(40, 400) * 1000
        return max(heard, self.last[side] + 1000) + seconds(think) + turn

    def _reach(self, side):
        return seconds(2 * self.ends[side].distance * self._wobble())

    def _wobble(self):
        return self.chance.uniform(0.97, 1.06)

    def _stamp(self, side, time):
        return (self._stamp_base[side] + time // 1_000_000) & 0xFFFFFFFF

    def _hello_options(self, side, time):
        end = self.ends[side]
        stamps = b"\x08\x0a" + struct.pack("!II", self._stamp(side, time),
                                           self._stamp_seen[1 - side])
        return (struct.pack("!BBH", 2, 4, end.mss) + b"\x04\x02"
                + (stamps if (end.stamps if side == CLIENT else self._stamps) else b"\x01\x01")
                + b"\x01\x03\x03" + bytes([end.scale]))

    def _emit(self, side, time, flags, ack, seq=None, payload=b"", keep=None, options=None,
              echo=None):
        source, target = self.ends[side], self.ends[1 - side]
        if options is None:
            options = b""
            if self._stamps:
                echo = self._stamp_seen[1 - side] if echo is None else echo
                options = b"\x01\x01\x08\x0a" + struct.pack("!II", self._stamp(side, time), echo)
        window = 64240 if flags & SYN else (262144 >> source.scale) + self.chance.below(8)
        self._stamp_seen[side] = self._stamp(side, time)
        self._ident[side] = (self._ident[side] + 1) & 0xFFFF
        self.last[side] = max(self.last[side], time)
        self.last_packet = max(self.last_packet, time)
        frame = tcp_frame(source, target, self.ports if side == CLIENT else self.ports[::-1],
                          self._next[side] if seq is None else seq, ack, flags, window, options,
                          payload, self._ident[side])
        self.capture.put(time, frame, None if keep is None else self.headers + max(keep, 0))


def probe(capture, chance, time, client, server, port):
    """Somebody tries a door: one SYN, refused or not answered at all. No connection, no payload."""
    ports = (client.next_port(), port)
    seq = chance.below(1 << 32)
    capture.put(time, tcp_frame(client, server, ports, seq, 0, SYN, 1024,
                                struct.pack("!BBH", 2, 4, client.mss), b"", chance.below(1 << 16)))
    if chance.happens(0.6):
        capture.put(time + seconds(2 * server.distance) + 50_000,
                    tcp_frame(server, client, ports[::-1], 0, seq + 1, RST | ACK, 0, b"", b"", 0))
