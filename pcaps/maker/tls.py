"""TLS 1.3 as a bystander sees it: a true ClientHello and ServerHello, then records of noise.

What the handshake shows in clear is captured whole with 96 bytes more; after that every packet is
cut to tcp.CUT bytes. The noise is there when the checksum is taken; only the capture is cut.
"""

import struct

from .tcp import CLIENT, CUT, SERVER, Conversation

RECORD = 16384
CHANGE_CIPHER = b"\x14\x03\x03\x00\x01\x01"


class Hello:
    """A client program's fingerprint: what it offers, in its order."""

    def __init__(self, ciphers, extensions, groups, signatures, alpn, grease):
        self.ciphers, self.extensions, self.groups = ciphers, extensions, groups
        self.signatures, self.alpn, self.grease = signatures, alpn, grease


_MODERN = (0x1301, 0x1302, 0x1303, 0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8, 0xC013,
           0xC014, 0x009C, 0x009D, 0x002F, 0x0035)
_OPENSSL = (0x1302, 0x1303, 0x1301, 0xC02C, 0xC030, 0x009F, 0xCCA9, 0xCCA8, 0xC02B, 0xC02F,
            0xC024, 0xC028, 0xC023, 0xC027, 0x009D, 0x009C, 0x00FF)
_SIGNATURES = (0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501)
BROWSER = Hello(_MODERN, (0, 23, 65281, 10, 11, 35, 16, 5, 13, 18, 51, 45, 43), (29, 23, 24),
                (0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601),
                (b"h2", b"http/1.1"), True)
BROWSER_OTHER = Hello((0x1301, 0x1303, 0x1302) + _MODERN[3:],
                      (0, 23, 65281, 10, 11, 35, 16, 5, 51, 43, 13, 45, 28),
                      (29, 23, 24, 25, 256),
                      (0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601),
                      (b"h2", b"http/1.1"), False)
TOOL = Hello(_OPENSSL, (0, 11, 10, 35, 22, 23, 13, 43, 45, 51), (29, 23, 30, 25, 24), _SIGNATURES,
             (), False)
SCRIPT = Hello(_OPENSSL, (0, 11, 10, 16, 22, 23, 49, 13, 43, 45, 51), (29, 23, 30, 25, 24),
               _SIGNATURES, (b"http/1.1",), False)
AGENT = Hello((0x1302, 0x1301, 0x1303, 0xC02C, 0xC02B, 0xC030, 0xC02F),
              (0, 5, 10, 13, 16, 23, 43, 45, 51), (29, 23, 24),
              (0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501), (b"http/1.1",), False)


class Session:
    """TLS over a conversation that is open (or has just agreed to STARTTLS)."""

    def __init__(self, conversation, chance, name, hello):
        self._conversation, self._chance = conversation, chance
        self._name, self._hello = name, hello
        self._finished = False  # the client's Finished rides with its first request
        self._tickets = False  # and the server's tickets with its first answer

    def handshake(self):
        sid = self._chance.noise(32)
        self._conversation.say(CLIENT, _client_hello(self._chance, self._name, self._hello, sid),
                               think=self._chance.uniform(0.0002, 0.002))
        seen = _server_hello(self._chance, sid) + CHANGE_CIPHER
        flight = seen + _records(self._chance, self._chance.between(2100, 3900))
        self._conversation.say(SERVER, flight, think=self._chance.uniform(0.0008, 0.003),
                               keep=len(seen) + CUT, merged=True)

    def ask(self, size, pause=0.0):
        """The client sends `size` bytes of records after `pause` seconds."""
        data = b"" if self._finished else CHANGE_CIPHER + _records(self._chance, 58)
        self._finished = True
        self._unreadable(CLIENT, data + _records(self._chance, size), pause)

    def answer(self, size):
        data = b"" if self._tickets else _records(self._chance, 2 * 255)
        self._tickets = True
        self._unreadable(SERVER, data + _records(self._chance, size),
                         self._chance.uniform(0.004, 0.09))

    def bye(self, side=CLIENT, think=0.0):
        self._unreadable(side, _records(self._chance, 24), think)
        self._conversation.close(side)

    def _unreadable(self, side, data, think):
        conversation = self._conversation
        lost = conversation.ends[side].inside and self._chance.happens(0.004)
        conversation.say(side, data, think, conversation.unreadable(), merged=True, lost=lost)


def _records(chance, size):
    """Application data records, `size` bytes with their heads."""
    out = []
    while size > 0:
        body = max(min(size - 5, RECORD + 17), 19)
        out.append(struct.pack("!BHH", 23, 0x0303, body) + chance.noise(body))
        size -= body + 5
    return b"".join(out)


def _handshake(kind, body):
    message = struct.pack("!I", kind << 24 | len(body)) + body
    return struct.pack("!BHH", 22, 0x0301 if kind == 1 else 0x0303, len(message)) + message


def _vector(data, width=2):
    return len(data).to_bytes(width, "big") + data


def _words(values):
    return b"".join(struct.pack("!H", value) for value in values)


def _client_hello(chance, name, hello, sid):
    odd = tuple(0x0A0A + 0x1010 * chance.below(16) for _ in range(3)) if hello.grease else ()
    key = struct.pack("!H", 29) + _vector(chance.noise(32))
    bodies = {
        0: _vector(b"\0" + _vector(name.encode())), 5: b"\x01\0\0\0\0",
        10: _vector(_words(odd[1:2] + hello.groups)), 11: b"\x01\0",
        13: _vector(_words(hello.signatures)),
        16: _vector(b"".join(_vector(item, 1) for item in hello.alpn)),
        28: b"\x40\x01", 43: _vector(_words(odd[2:] + (0x0304, 0x0303)), 1), 45: b"\x01\x01",
        51: _vector((_words(odd[1:2]) + b"\0\x01\0" if odd else b"") + key), 65281: b"\0",
    }
    extensions = b"".join(struct.pack("!H", kind) + _vector(bodies.get(kind, b""))
                          for kind in hello.extensions)
    if odd:
        extensions = _words(odd[:1]) + b"\0\0" + extensions
    return _handshake(1, b"\x03\x03" + chance.noise(32) + _vector(sid, 1)
                      + _vector(_words(odd[:1] + hello.ciphers)) + b"\x01\0" + _vector(extensions))


def _server_hello(chance, sid):
    key = b"\0\x1d" + _vector(chance.noise(32))
    extensions = b"\0\x2b\0\x02\x03\x04" + b"\0\x33" + _vector(key)
    return _handshake(2, b"\x03\x03" + chance.noise(32) + _vector(sid, 1) + b"\x13\x01\0"
                      + _vector(extensions))


def visit(capture, chance, start, client, server, name, hello, exchanges, port=443):
    """A whole connection: `exchanges` is a list of (pause, bytes up, bytes down)."""
    conversation = Conversation(capture, chance, start, client, server, port)
    conversation.open()
    session = Session(conversation, chance, name, hello)
    session.handshake()
    for pause, up, down in exchanges:
        session.ask(up, pause)
        session.answer(down)
    if chance.happens(0.04):
        conversation.abort(CLIENT, chance.uniform(0.5, 20))
    else:
        session.bye(CLIENT if chance.happens(0.8) else SERVER, chance.uniform(0.2, 30))
    return conversation
