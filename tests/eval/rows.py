"""What a fleet is made of: times, addresses, thefts, and the rows of a conn log.

Needs numpy.
"""

import dataclasses
import os

import numpy

DAY, HOUR = 86400, 3600
START = 1_767_571_200  # Monday 2026-01-05 00:00 UTC
# no attack begins before, and nothing is counted before
QUIET_DAYS = int(os.environ.get("WEIR_EVAL_FROM_DAY", "14"))

MB = 1_000_000


def inside(index):
    return (10 << 24) | (1 << 16) | ((index // 200) << 8) | (index % 200 + 10)


def outside(index):
    """One address a /24, so that each index is a destination of its own."""
    return ((50 + (index >> 16)) << 24) | ((index >> 8 & 255) << 16) | ((index & 255) << 8) | 7


@dataclasses.dataclass
class Attack:
    kind: str
    host: int         # address of the inside host
    remote: int       # address outside
    start: float
    end: float
    bytes: int
    rows: list = dataclasses.field(default_factory=list)  # (start, duration, bytes), for bytes to detection
    name: str = ""    # of the domain, where packets say one


class Rows:
    """Columns that grow: one row a connection."""

    NAMES = ("ts", "orig", "resp", "port", "duration", "sent", "got")

    def __init__(self):
        self.parts = []

    def add(self, ts, orig, resp, port, duration, sent, got):
        ts = numpy.atleast_1d(numpy.asarray(ts, dtype=float))
        whole = [numpy.broadcast_to(numpy.asarray(value, dtype=float), ts.shape)
                 for value in (orig, resp, port, duration, sent, got)]
        self.parts.append(numpy.stack([ts] + whole))

    def sorted(self):
        rows = numpy.concatenate(self.parts, axis=1)
        rows = rows[:, numpy.argsort(rows[0] + rows[4], kind="stable")]
        return dict(zip(self.NAMES, rows))


def text_of(ip):
    return ".".join(str(int(ip) >> shift & 255) for shift in (24, 16, 8, 0))


def write(path, table):
    """A conn.log as Zeek writes it: tab-separated, in the order in which connections ended."""
    text = {ip: text_of(ip) for ip in numpy.unique(numpy.concatenate([table["orig"], table["resp"]]))}
    with open(path, "w", encoding="ascii") as file:
        file.write("#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n"
                   "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\t"
                   "orig_bytes\tresp_bytes\tconn_state\tmissed_bytes\thistory\torig_pkts\torig_ip_bytes\t"
                   "resp_pkts\tresp_ip_bytes\n")
        for n, row in enumerate(zip(*(table[name].tolist() for name in Rows.NAMES))):
            ts, orig, resp, port, duration, sent, got = row
            packets, back = int(sent) // 1400 + 3, int(got) // 1400 + 3
            file.write(f"{ts:.6f}\tC{n}\t{text[orig]}\t{40000 + n % 20000}\t{text[resp]}\t{int(port)}\ttcp\tssl\t"
                       f"{duration:.6f}\t{int(sent)}\t{int(got)}\tSF\t0\tShADadFf\t{packets}\t"
                       f"{int(sent) + 40 * packets}\t{back}\t{int(got) + 40 * back}\n")
