#!/usr/bin/env python3
"""The same packets, however they are handed over, are the same alerts and flows.

One capture is written as pcap of every kind, as pcapng of either byte order and with several link
types, packed by every compression, split into files that are given in any order or as a directory,
sent over a connection, and appended to a file that is followed: alerts.ndjson and flows.ndjson are,
byte for byte, those of the plain one. Then what only some inputs have: comments, drops, gaps,
clocks that jump, and what is wrong with them.

Compressions that this machine has no tool for are left out and named at the end."""

import gzip
import hashlib
import lzma
import os
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time

import weirtest
from weirtest import NS, Case, block, complaint, conversation, pcap, pcapng, upload, weir

weirtest.workers = None

START = 1_772_000_000 * NS
SLL, RAW = 113, 101

PACKETS = upload(START, 300)
for n in range(40):
    PACKETS += conversation(START + (n + 10) * NS, (f"10.1.1.{n + 2}", 40000 + n),
                            ("198.51.100.9", 80), b"x" * 3000, b"y" * 500)
PACKETS.sort(key=lambda packet: packet[0])
PLAIN = pcap(PACKETS, nanoseconds=True)

PACKERS = {
    "gz": gzip.compress,
    "xz": lzma.compress,
    "zst": lambda data: by_tool(["zstd", "-q", "-c"], data),
    "lz4": lambda data: by_tool(["lz4", "-q", "-c"], data),
}


def by_tool(words, data):
    """None: there is no such tool here."""
    if not shutil.which(words[0]):
        return None
    return subprocess.run(words, input=data, check=True, stdout=subprocess.PIPE).stdout


def section(order, options=b""):
    return block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1) + options)


def option(order, code, value):
    return struct.pack(order + "HH", code, len(value)) + value + b"\0" * (-len(value) % 4)


def interface(order, link, resolution=9, offset=None):
    more = option(order, 9, bytes([resolution]))
    if offset is not None:
        more += option(order, 14, struct.pack(order + "q", offset))
    return block(order, 1, struct.pack(order + "HHI", link, 0, 262144) + more + bytes(4))


def packet(order, number, stamp, frame, options=b""):
    return block(order, 6, struct.pack(order + "IIIII", number, stamp >> 32, stamp & 0xFFFFFFFF,
                                       len(frame), len(frame)) + frame + b"\0" * (-len(frame) % 4)
                 + options)


def cooked(frame):
    return struct.pack("!HHH8s", 0, 1, 6, frame[6:12]) + frame[12:]


def mixed(order, packets):
    """Ethernet, cooked and raw interfaces in turn, with clocks of different units and offsets."""
    out = [section(order), interface(order, 1), interface(order, SLL, 9, 1_000_000),
           interface(order, RAW, 0x80 | 30)]
    for n, (at, frame) in enumerate(packets):
        if n % 3 == 0:
            out.append(packet(order, 0, at, frame))
        elif n % 3 == 1:
            out.append(packet(order, 1, at - 1_000_000 * NS, cooked(frame)))
        else: # rounded up, so that the nanosecond below is the one meant
            stamp = -(-(at << 30) // NS)
            out.append(packet(order, 2, stamp, frame[14:]))
        if n % 50 == 0: # what nobody knows is skipped
            out.append(block(order, 0x0BAD0BAD, bytes(n)))
    return b"".join(out)


def leave_out_link(flows):
    return [{side: {**flow[side], "wire_bytes": None} if side in ("orig", "resp") else flow[side]
             for side in flow} for flow in flows]


class Same(Case):
    def setUp(self):
        super().setUp()
        self.plain = self.replay("--flows", self.write("plain.pcap", PLAIN))
        self.assertGreaterEqual(len(self.plain.alerts()), 2)
        self.assertEqual(len(self.plain.flows()), 41)

    def assert_same(self, run, what=None):
        for name in ("alerts.ndjson", "flows.ndjson"):
            self.assertEqual(run.bytes(name), self.plain.bytes(name), f"{what}: {name}: {run}")

    def same(self, *inputs, **more):
        run = self.replay("--flows", *inputs, **more)
        self.assert_same(run, inputs)
        return run

    def test_kinds(self):
        packets = [(at - at % 1000, frame) for at, frame in PACKETS]
        micro = self.replay("--flows", self.write("micro.pcap", pcap(packets)))
        self.plain = self.replay("--flows", self.write("same.pcap", pcap(packets, True)))
        self.assert_same(micro)
        for order in "<>":
            self.same(self.write("a.pcap", pcap(packets, order=order)))
            self.same(self.write("b.pcap", pcap(packets, True, order=order)))
            self.same(self.write("c.pcapng", pcapng(packets, order=order)))
        self.same("--workers", "0", self.write("d.pcapng", pcapng(packets)))
        self.same("--workers", "2", self.write("d.pcapng", pcapng(packets)))

    def test_sections_of_either_order(self):
        third = len(PACKETS) // 3
        made = (pcapng(PACKETS[:third], ">") + pcapng(PACKETS[third:2 * third], "<") +
                pcapng(PACKETS[2 * third:], ">"))
        self.same(self.write("sections.pcapng", made))

    def test_mixed_link_types(self):
        for order in "<>":
            path = self.write("mixed.pcapng", mixed(order, PACKETS))
            for words in ((), ("--workers", "2"), ("-f", "tcp")):
                run = self.replay("--flows", *words, path)
                self.assertEqual(leave_out_link(run.flows()), leave_out_link(self.plain.flows()))
                self.assertEqual(len(run.alerts()), len(self.plain.alerts()))
                self.assertEqual(run.summary()["inputs"][0]["link"], "EN10MB, LINUX_SLL, RAW")
            run = self.replay("--flows", "-f", "host 10.1.1.5", path)
            self.assertEqual(len(run.flows()), 1)
            run = self.replay("--flows", "-f", "ether host 02:00:00:00:00:01", path, status=2)
            self.assertIn("mixed.pcapng: not read after", complaint(run))

    def test_compressions(self):
        for name, pack in PACKERS.items():
            for kind, data in (("pcap", PLAIN), ("pcapng", pcapng(PACKETS))):
                packed = pack(data)
                if packed is None:
                    print("left out: there is no tool for", name)
                    continue
                run = self.same(self.write("packed", packed)) # no name gives it away
                self.assertIn(run.summary()["inputs"][0]["compression"],
                              ("gzip", "xz", "zstd", "lz4"))
                self.assertEqual(run.summary()["inputs"][0]["sha256"],
                                 hashlib.sha256(packed).hexdigest())
                self.same("-", stdin=packed)
                half = len(data) // 2
                self.same(self.write("members", pack(data[:half]) + pack(data[half:])),
                          *(["--workers", "2"] if kind == "pcap" else []))

    def test_compressions_cut(self):
        for name, pack in PACKERS.items():
            packed = pack(PLAIN)
            if packed is None:
                continue
            for size in (len(packed) - 1, len(packed) // 2):
                run = self.replay(self.write("cut", packed[:size]), status=3)
                self.assertRegex(complaint(run), r"cut: (damaged after \d+ packets|not a capture): .* data ends early")
            middle = bytearray(packed)
            for at in range(len(packed) // 2, len(packed) // 2 + 40):
                middle[at] ^= 0xA5
            run = weir("replay", self.write("bits", bytes(middle)))
            self.assertEqual(run.status, 3, (name, run))

    def parts(self, count):
        """Files of the capture's packets in turn: each overlaps all others."""
        folder = self.path("parts")
        os.makedirs(folder, exist_ok=True)
        paths = []
        for part in range(count):
            paths.append(os.path.join(folder, f"part{part}"))
            data = pcap(PACKETS[part::count], True)
            with open(paths[-1], "wb") as file:
                file.write(gzip.compress(data) if part == 1 else data)
        return folder, paths

    def test_split(self):
        size = -(-len(PACKETS) // 5)
        paths = [self.write(f"x.pcap{n}", pcap(PACKETS[n * size:(n + 1) * size], True))
                 for n in range(5)]
        self.same(*paths)
        self.same(paths[3], paths[0], paths[4], paths[2], paths[1])
        self.same("--workers", "0", *reversed(paths))
        folder, overlapping = self.parts(5)
        self.same(*overlapping)
        self.same("--workers", "2", *reversed(overlapping))
        self.same(folder)
        with open(os.path.join(folder, "README"), "w", encoding="utf-8") as file:
            file.write("not a capture")
        run = self.same(folder)
        self.assertIn("README is left out: not a capture", complaint(run))
        self.assertEqual(len(run.summary()["inputs"]), 5)

    def test_named_twice(self):
        """A file is read once, whatever it is called; another file with the same bytes is another."""
        folder = self.path("folder")
        os.makedirs(os.path.join(folder, "deeper"))
        path = os.path.join(folder, "x.pcap")
        with open(path, "wb") as file:
            file.write(PLAIN)
        os.symlink(path, os.path.join(folder, "y.pcap"))
        shutil.copy(path, os.path.join(folder, "deeper", "z.pcap"))
        run = self.same(path, folder)
        self.assertEqual(len(run.summary()["inputs"]), 1)
        self.assertEqual(run.err.splitlines(), [
            f"weir: {path}: named twice, read once", f"weir: {folder}/y.pcap: named twice, read once",
            f"weir: {folder}: 1 folder in it is not looked into (name what is to be read)"])
        run = self.same("-", "-", stdin=PLAIN)
        self.assertEqual(complaint(run), "weir: -: named twice, read once")
        os.symlink("nothing", os.path.join(folder, "lost.pcap"))
        run = self.replay("--flows", folder, status=3)
        self.assertIn(f"{folder}/lost.pcap: No such file or directory", run.err)
        self.assert_same(run)

    def test_many_files(self):
        folder = self.path("many")
        os.makedirs(folder)
        for n, one in enumerate(PACKETS):
            with open(os.path.join(folder, f"{n * 7919 % 10007}.pcap"), "wb") as file:
                file.write(pcap([one], True))
        run = self.same(folder)
        self.assertEqual(len(run.summary()["inputs"]), len(PACKETS))
        self.assertIn("more inputs, read whole", run.out)

    def test_connection(self):
        for words in ((), ("--workers", "2"), ("--workers", "0")):
            for data in (PLAIN, gzip.compress(pcapng(PACKETS))):
                with socket.create_server(("127.0.0.1", 0)) as server:
                    def serve(server=server, data=data):
                        peer, _ = server.accept()
                        for at in range(0, len(data), 5000):
                            peer.sendall(data[at:at + 5000])
                        peer.close()
                    thread = threading.Thread(target=serve)
                    thread.start()
                    self.same(*words, f"tcp://localhost:{server.getsockname()[1]}")
                    thread.join()

    def follow(self, words, stop, data=PLAIN, alerts_before_stop=True):
        """Starts on a file that holds its head only, appends the rest piece by piece."""
        path, out = self.path("grows.pcap"), self.path(f"follow{self.runs}")
        self.runs += 1
        with open(path, "wb") as file:
            file.write(data[:10])
        with open(path, "ab") as file, subprocess.Popen(
                [weirtest.binary(), "replay", "-q", "--follow", *words, "--flows", "-o", out, path],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            for at in range(10, len(data), len(data) // 7):
                time.sleep(0.3)
                file.write(data[at:at + len(data) // 7])
                file.flush()
            alerts = os.path.join(out, "alerts.ndjson")
            for _ in range(200):
                if os.path.exists(alerts) and os.path.getsize(alerts) > 0:
                    break
                time.sleep(0.05)
            else:
                self.assertFalse(alerts_before_stop, "no alert while the file grew")
            time.sleep(0.5)
            self.assertIsNone(process.poll())
            stop(process, path)
            out_text, err_text = process.communicate(timeout=120)
        return weirtest.Run(words, process.returncode, out_text.decode(), err_text.decode(), out)

    def test_follow(self):
        for words in (["--workers", "0"], ["--workers", "2"], []):
            run = self.follow(words, lambda process, _: process.send_signal(signal.SIGTERM))
            self.assertEqual((run.status, run.err), (0, ""), run)
            self.assert_same(run, words)
            self.assertIsNone(run.summary()["inputs"][0]["problem"])

    def test_followed_file_that_is_truncated(self):
        run = self.follow([], lambda _, path: os.truncate(path, 100))
        self.assertEqual(run.status, 3, run)
        self.assertIn("truncated while it was followed", run.err)
        self.assert_same(run)

    def test_followed_file_that_is_rotated(self):
        def rotate(process, path):
            os.rename(path, path + ".1")
            time.sleep(2.5)
            process.send_signal(signal.SIGINT)
        run = self.follow([], rotate)
        self.assertEqual(run.status, 0, run)
        self.assertIn("this name is another file's now", complaint(run))
        self.assert_same(run)


class Notes(Case):
    def test_comments_and_drops(self):
        for order in "<>":
            note = option(order, 1, "taken at the core\nby röd".encode())
            made = section(order, note) + interface(order, 1)
            for n, (at, frame) in enumerate(PACKETS):
                made += packet(order, 0, at, frame, note + bytes(4) if n < 2 else b"")
            made += block(order, 5, struct.pack(order + "III", 0, 0, 0) +
                          option(order, 5, struct.pack(order + "Q", 7)) +
                          option(order, 7, struct.pack(order + "Q", 400)) + bytes(4))
            run = self.replay(self.write("noted.pcapng", made))
            read = run.summary()["inputs"][0]
            self.assertEqual((read["comments"], read["first_comment"]),
                             (3, "taken at the core by röd"))
            coverage = run.summary()["coverage"]
            self.assertTrue(coverage["drops_recorded"])
            self.assertEqual(coverage["sensor"]["kernel_drops"], 400)
            self.assertEqual(coverage["sensor"]["interface_drops"], 7)
            self.assertIn("drops recorded by whoever captured: 400 (system), 7 (interface)", run.out)
            self.assertIn("sensor.blind", [alert["rule"]["id"] for alert in run.alerts()])

    def test_simple_packets(self):
        """They name no time: each is told when the one before was."""
        order, made = "<", section("<") + interface("<", 1)
        for n, (at, frame) in enumerate(PACKETS):
            if n % 2:
                frame += b"\0" * (-len(frame) % 4)
                made += block(order, 3, struct.pack("<I", len(frame)) + frame)
            else:
                made += packet(order, 0, at, frame)
        run = self.replay("--flows", self.write("simple.pcapng", made))
        self.assertEqual(run.summary()["inputs"][0]["packets_without_time"], len(PACKETS) // 2)
        self.assertEqual(run.summary()["coverage"]["sensor"]["time_jumps"], 0)
        self.assertEqual(len(run.flows()), 41)

    def test_gaps(self):
        def at(second, name):
            return self.write(name, pcap(conversation(START + second * NS, ("10.1.1.2", 40000 + second),
                                                      ("198.51.100.9", 80), b"x" * 5000), True))
        run = self.replay(at(400, "c.pcap"), at(0, "a.pcap"), at(59, "b.pcap"))
        gaps = run.summary()["coverage"]["gaps"]
        self.assertEqual([(gap["after_input"], gap["before_input"]) for gap in gaps],
                         [("b.pcap", "c.pcap")])
        self.assertIn("nothing was seen from", run.out)

    def test_a_clock_that_jumps(self):
        """One stamp years ahead or behind changes nothing but its own count."""
        want = self.replay("--flows", self.write("good.pcap", PLAIN))
        middle = len(PACKETS) // 2
        for off in (5 * 366 * 86400 * NS, -5 * 366 * 86400 * NS):
            packets = list(PACKETS)
            packets[middle] = (packets[middle][0] + off, packets[middle][1])
            for words in ((), ("--workers", "2")):
                run = self.replay("--flows", *words,
                                  self.write("jump.pcapng", pcapng(packets)))
                self.assertEqual(run.summary()["coverage"]["sensor"]["time_jumps"], 1)
                self.assertEqual(run.summary()["coverage"]["out_bytes"],
                                 want.summary()["coverage"]["out_bytes"])
                self.assertEqual(run.bytes("alerts.ndjson"), want.bytes("alerts.ndjson"))
                self.assertIn("told at the clock", run.out)
        late = [(at + 5 * 366 * 86400 * NS, frame) for at, frame in PACKETS]
        run = self.replay("--flows", self.write("leap.pcapng", pcapng(PACKETS + late)))
        self.assertEqual(run.summary()["coverage"]["sensor"]["time_jumps"], 0)
        self.assertEqual(len(run.flows()), 82)


class Wrong(Case):
    def test_a_pipe_that_is_no_capture(self):
        """Its readers leave before it is written to its end."""
        for workers in "012":
            self.assert_fails(3, ("replay", "--workers", workers, "-"), "-: not a capture",
                              stdin=b"junk" * 1_000_000)

    def test_a_damaged_stream_that_does_not_end(self):
        for workers in "012":
            with socket.create_server(("127.0.0.1", 0)) as server:
                over = threading.Event()
                def serve(server=server, over=over):
                    peer, _ = server.accept()
                    peer.sendall(PLAIN + b"\xff" * 400)
                    over.wait(60)
                    peer.close()
                thread = threading.Thread(target=serve)
                thread.start()
                url = f"tcp://127.0.0.1:{server.getsockname()[1]}"
                try:
                    run = self.replay("--flows", "--workers", workers, url, status=3, timeout=30)
                finally:
                    over.set()
                    thread.join()
                self.assertIn(f"damaged after {len(PACKETS)} packets", complaint(run))
                self.assertEqual(len(run.flows()), 41)

    def test_connections(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        for url, part in ((f"tcp://127.0.0.1:{port}", "cannot connect: Connection refused"),
                          ("tcp://127.0.0.1", "expected tcp://HOST:PORT"),
                          ("tcp://::1:99", "expected tcp://HOST:PORT"),
                          ("tcp://127.0.0.1:x", "expected tcp://HOST:PORT"),
                          ("tcp://127.0.0.1:0", "expected tcp://HOST:PORT"),
                          (f"tcp://127.0.0.1:{port + 65536}", "expected tcp://HOST:PORT")):
            for workers in "01":
                self.assert_fails(3, ("replay", "--workers", workers, url), url + ": " + part)

    def test_packed_otherwise(self):
        for data, word in ((b"BZh91AY" + bytes(50), "bzip2 data"), (b"PK\3\4" + bytes(50), "zip data"),
                           (gzip.compress(gzip.compress(PLAIN)), "gzip data within")):
            self.assert_fails(3, ("replay", self.write("odd", data)), "odd: not a capture: " + word)

    def test_wrong_version(self):
        made = bytearray(pcapng(PACKETS))
        made[12] = 3
        self.assert_fails(3, ("replay", self.write("v3.pcapng", bytes(made))), "pcapng version")

    def test_directory_without_captures(self):
        folder = self.path("folder")
        os.makedirs(folder)
        self.assert_fails(3, ("replay", folder), folder + ": is a directory without captures")

    def test_blocks_that_lie(self):
        good = section("<") + interface("<", 1) + packet("<", 0, START, PACKETS[0][1])
        for bad, part in ((struct.pack("<II", 6, 7) + bytes(40), "a length that cannot be"),
                          (struct.pack("<II", 6, 1 << 30) + bytes(40), "larger than any"),
                          (packet("<", 9, START, PACKETS[0][1]), "was not described"),
                          (packet("<", 0, START, PACKETS[0][1])[:-4] + bytes(4), "lengths differ"),
                          (packet("<", 0, START, PACKETS[0][1])[:-9], "ends within a block")):
            run = self.replay(self.write("lie.pcapng", good + bad), status=3)
            self.assertIn("damaged after 1 packets", complaint(run))
            self.assertIn(part, complaint(run))

    def test_a_link_type_that_is_not_read(self):
        quiet = self.write("quiet.pcap", PLAIN)
        odd = self.write("usb.pcap", pcap([(START, bytes(64))], link=189))
        made = section("<") + interface("<", 1) + interface("<", 189)
        for at, frame in PACKETS:
            made += packet("<", 1, at, bytes(64)) + packet("<", 0, at, frame)
        mixed_up = self.write("mixed.pcapng", made)
        for words in ((), ("-f", "tcp")): # a filter says nothing of what cannot be read
            run = self.replay("--flows", *words, quiet, odd, status=3)
            self.assertIn("usb.pcap: none of its 1 packets could be read: link type USB",
                          complaint(run))
            self.assertEqual(len(run.flows()), 41)
            run = self.replay("--flows", *words, mixed_up)
            self.assertEqual(len(run.flows()), 41)
            self.assertEqual(run.summary()["coverage"]["unread"],
                             [{"kind": "link_type", "value": 189, "text": "link type 189",
                               "packets": len(PACKETS)}])

    def test_what_is_not_read_within_a_link_type(self):
        frames = [(START + n, b"\xff\x03\xc0\x21" + bytes(20)) for n in range(3)] # PPP: LCP
        frames += [(START + NS + n, b"\xff\x03\x00\x3d" + bytes(30)) for n in range(2)] # multilink
        run = self.replay(self.write("ppp.pcap", pcap(frames, True, link=9)))
        self.assertEqual([(kind["kind"], kind["value"], kind["packets"])
                          for kind in run.summary()["coverage"]["unread"]],
                         [("not_ip_within_link_type", 9, 3), ("within_link_type", 9, 2)])
        self.assertIn("not read: 3 within link type 9, 2 within link type 9 (may carry IP)", run.out)


if __name__ == "__main__":
    weirtest.main()
