"""A capture being made: packets are put in any order and written in the order of time.

Two file formats: pcapng (draft-ietf-opsawg-pcapng) with nanoseconds, and classic pcap with
microseconds. Little-endian; nothing of the machine or the day of making gets into a file.
"""

import os
import struct

MINIMUM_FRAME = 60  # shorter Ethernet frames arrive padded; a reader must go by the IP length


class Capture:
    def __init__(self, book):
        self.book = book
        self._packets = []  # (time, number, captured bytes, original length)

    def put(self, time, frame, keep=None):
        """`keep`: captured bytes; None keeps the whole frame."""
        original = len(frame)
        if original < MINIMUM_FRAME:
            frame = frame.ljust(MINIMUM_FRAME, b"\0")
            original = MINIMUM_FRAME
        if keep is not None and keep < original:
            frame = frame[:keep]
        self._packets.append((time, len(self._packets), frame, original))

    def confine(self, begin, end):
        """The capture ran from `begin` to `end`; the rest was not seen and is not in the book."""
        self._packets = [packet for packet in self._packets if begin <= packet[0] < end]
        self.book.confine(begin, end)

    def packets(self):
        self._packets.sort(key=lambda packet: packet[:2])
        return self._packets


def write_pcapng(path, capture, application, name, comment):
    """One section, one Ethernet interface with nanoseconds; no statistics block, so a reader
    cannot know of drops (as with most captures people are handed)."""
    with _Replaced(path) as out:
        out.write(_block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)
                         + _options((4, application))))
        out.write(_block(1, struct.pack("<HHI", 1, 0, 262144)
                         + _options((1, comment), (2, name), (9, b"\x09"))))
        for time, _, frame, original in capture.packets():
            body = struct.pack("<IIIII", 0, time >> 32, time & 0xFFFFFFFF, len(frame), original)
            out.write(_block(6, body + _padded(frame)))


def write_pcap(path, capture):
    with _Replaced(path) as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        for time, _, frame, original in capture.packets():
            out.write(struct.pack("<IIII", time // 10**9, time % 10**9 // 1000, len(frame),
                                  original) + frame)


def _padded(data):
    return data + b"\0" * (-len(data) % 4)


def _options(*options):
    out = b""
    for code, value in options:
        value = value.encode() if isinstance(value, str) else value
        out += struct.pack("<HH", code, len(value)) + _padded(value)
    return out + struct.pack("<HH", 0, 0)


def _block(kind, body):
    size = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + size + body + size


class _Replaced:
    """The file appears whole or not at all."""

    def __init__(self, path):
        self._path, self._part = path, f"{path}.part"

    def __enter__(self):
        self._file = open(self._part, "wb")
        return self._file

    def __exit__(self, kind, *_):
        self._file.close()
        if kind is None:
            os.replace(self._part, self._path)
        else:
            os.unlink(self._part)
