"""Bounded, whatever comes: memory is measured of each process of a replay.

  - open connections by the hundred thousand, each with a handshake and a byte: none is lost, each is
    told once, and memory stays under its bound;
  - SYNs from invented sources, inside and outside: bounded memory, no profile each, and the one real
    transfer among them is counted to the byte.

CI reads 200,000 of each; with WEIR_TEST_ALL (tests/long/bounds) it is 1,000,000 connections and 10,000,000
SYNs, in at most 512 MiB for any one process of the tree, which a build with sanitizers has not the memory for.
"""

import os
import struct
import subprocess
import tempfile
import threading
import time

import weirtest
from weirtest import ACK, PSH, SYN

ALL = bool(os.environ.get("WEIR_TEST_ALL"))
OPEN = 1_000_000 if ALL else 200_000
SYNS = 10_000_000 if ALL else 200_000
LIMIT_MB = 512 if ALL else 1000  # sanitizers keep shadow and freed memory
LOOKED_INTO = 65_536  # CONTENT_FLOWS: of the others only bytes are counted
START = 1_772_438_400
REAL_BYTES = 1_000_000
CHUNK = 10_000  # packets written at once


def resident_mb(pid):
    """MiB by process, of this one and all it started. What they share (rings, the program) is counted
    in each."""
    found, waiting = {}, [pid]
    while waiting:
        one = waiting.pop()
        try:
            with open(f"/proc/{one}/statm", encoding="ascii") as file:
                found[one] = int(file.read().split()[1]) * 4096 / 2**20
            with open(f"/proc/{one}/cmdline", encoding="ascii") as file:
                if "redis-server" in file.read():
                    del found[one]  # the store: it is bounded by baseline.max_hosts, not by flows
            for task in os.listdir(f"/proc/{one}/task"):
                with open(f"/proc/{one}/task/{task}/children", encoding="ascii") as file:
                    waiting += [int(child) for child in file.read().split()]
        except (OSError, IndexError):
            continue  # it has ended
    return found


class Template:
    """Pcap records of one packet, in which a few fields change."""

    def __init__(self, frame):
        self.record = struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame
        self.size = len(self.record)

    def chunk(self, rows):
        """rows: (second, nanosecond, source, source port, destination, destination port)"""
        out = bytearray(self.record * len(rows))
        for at, (second, part, src, sport, dst, dport) in enumerate(rows):
            struct.pack_into("<II", out, at * self.size, second, part)
            struct.pack_into("!IIHH", out, at * self.size + 16 + 26, src, dst, sport, dport)
        return out


def records(packets):
    return weirtest.pcap(packets, nanoseconds=True)[24:]


class Bounded(weirtest.Case):
    def stream(self, write, *words):
        """A replay of what `write(pipe)` writes: (run, the most memory a process of it had)."""
        folder, peak = self.path(f"out{self.runs}"), {}
        self.runs += 1
        words = ["replay", "-q", "-o", folder, *words, "-"]
        with tempfile.TemporaryDirectory(prefix="weir-tmp-") as temporary:
            begun = time.monotonic()
            with subprocess.Popen([weirtest.binary(), *words], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  env=weirtest.environment(temporary)) as weir:
                def watch():
                    while weir.poll() is None:
                        for pid, now in resident_mb(weir.pid).items():
                            peak[pid] = max(peak.get(pid, 0), now)
                        time.sleep(0.05)

                watcher = threading.Thread(target=watch)
                watcher.start()
                write(weir.stdin)
                out, err = weir.communicate()
                watcher.join()
            run = weirtest.Run(words, weir.returncode, out.decode(), err.decode("utf-8", "replace"),
                               folder)
            weirtest.check_run(run, temporary)
        self.assertEqual(run.status, 0, run)
        print(f"\n{time.monotonic() - begun:.1f} s, MiB by process: " +
              ", ".join(f"{most:.0f}" for most in peak.values()), end=" ")
        return run, max(peak.values())

    def test_open_connections(self):
        """Three packets each, in turns, so that all of them are open at the end."""
        syn = Template(weirtest.tcp("10.0.0.0", 1, "198.51.100.1", 443, 999, 0, SYN))
        syn_ack = Template(weirtest.tcp("198.51.100.1", 443, "10.0.0.0", 1, 4999, 1000, SYN | ACK))
        data = Template(weirtest.tcp("10.0.0.0", 1, "198.51.100.1", 443, 1000, 5000, PSH | ACK, b"."))
        server, port = 0xC6336401, 443

        def write(pipe):
            pipe.write(weirtest.pcap([], nanoseconds=True))
            for first in range(0, OPEN, CHUNK):
                base = START + first // 20_000
                for turn, (template, back) in enumerate(((syn, 0), (syn_ack, 1), (data, 0))):
                    rows = []
                    for number in range(first, first + CHUNK):
                        client, sport = 0x0A000000 + number // 4000, 1024 + number % 4000
                        ends = (server, port, client, sport) if back else (client, sport, server, port)
                        rows.append((base, turn * 100_000_000 + (number - first) * 1000, *ends))
                    pipe.write(template.chunk(rows))

        run, peak = self.stream(write)
        summary = run.summary()
        sensor = summary["coverage"]["sensor"]
        print(f"for {OPEN:,} open connections", end=" ")
        self.assertEqual(sensor["flows"], OPEN)
        self.assertEqual(sensor["flows_evicted"], 0)
        self.assertEqual(sensor["tcp_payload_bytes"], OPEN)
        self.assertGreaterEqual(sensor["content_given_up"], OPEN - LOOKED_INTO)
        self.assertEqual(summary["scopes"]["out"]["flows"], OPEN)
        self.assertEqual(summary["coverage"]["out_bytes"],
                         {"value": OPEN, "low": 0, "high": OPEN})
        self.assertLess(peak, LIMIT_MB)

    def test_invented_sources(self):
        """Half claim to be inside and go out, half come from outside; a real upload among them."""
        out = Template(weirtest.tcp("10.0.0.0", 1, "198.51.100.1", 443, 999, 0, SYN))
        into = Template(weirtest.tcp("203.0.113.1", 1, "10.2.0.1", 443, 999, 0, SYN))
        real = weirtest.conversation(START * weirtest.NS, ("10.9.9.9", 40000),
                                     ("198.51.100.200", 443), b"r" * REAL_BYTES)
        chunks = SYNS // CHUNK
        rate = 100_000  # SYNs a second: all of them are half open for a minute

        def write(pipe):
            pipe.write(weirtest.pcap([], nanoseconds=True))
            for chunk in range(chunks):
                base = START * weirtest.NS + chunk * CHUNK * (weirtest.NS // rate)
                part = real[chunk * len(real) // chunks:(chunk + 1) * len(real) // chunks]
                pipe.write(records([(base + number, frame)
                                    for number, (_, frame) in enumerate(part)]))
                rows = []
                for number in range(CHUNK):
                    second, rest = divmod(base + 1_000_000 + number * 9000, weirtest.NS)
                    seed = ((chunk * CHUNK + number) * 2_654_435_761) & 0xFFFFFFFF
                    if chunk & 1:
                        rows.append((second, rest, 0xCB000000 | seed >> 8, seed & 0x7FFF | 1024,
                                     0x0A020000 | seed & 0xFFFF, 443))
                    else:
                        rows.append((second, rest, 0x0A000000 | seed >> 8, seed & 0x7FFF | 1024,
                                     0xC6336400 | seed & 0xFF, 443))
                pipe.write((into if chunk & 1 else out).chunk(rows))

        run, peak = self.stream(write, "--set", "baseline.max_hosts=1")
        summary = run.summary()
        sensor, ranked = summary["coverage"]["sensor"], summary["look_here_first"]
        print(f"for {SYNS:,} invented SYNs, {sensor['flows_evicted']:,} flows evicted", end=" ")
        self.assertEqual(sensor["packets"], SYNS + len(real))
        self.assertEqual([host["host"] for host in ranked], ["10.9.9.9"])
        self.assertEqual(ranked[0]["out_bytes"],
                         {"value": REAL_BYTES, "low": REAL_BYTES, "high": REAL_BYTES})
        self.assertEqual(summary["judged"]["learning_out_bytes"], REAL_BYTES)
        self.assertEqual(summary["judged"]["hosts_refused"], 0)  # there was room for one
        self.assertEqual(summary["judged"]["unestablished_out_bytes"], 0)
        self.assertEqual(sensor["flows_one_sided"], 0)  # nobody answered: no sign of blindness
        self.assertLess(peak, LIMIT_MB)


if __name__ == "__main__":
    weirtest.main()
