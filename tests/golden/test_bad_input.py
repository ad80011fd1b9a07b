#!/usr/bin/env python3
"""Whatever is wrong with what Weir is given: one clear line, the designed exit status, nothing left.

0 done; 1 it could not run; 2 usage or configuration; 3 an input was missing, damaged or unreadable (the
rest was judged); 10 alerts and --exit-alerts. Of several, the first in the order 2, 1, 3, 10.

The cases that need a full or read-only disk need root (a small tmpfs is mounted), those about a running
Redis need redis-server; where these are missing they are skipped by name."""

import contextlib
import hashlib
import os
import shutil
import struct
import subprocess

import weirtest
from weirtest import (NS, Case, RedisServer, complaint, conversation, pcap, pcapng, upload, weir)

weirtest.workers = None

START = 1_772_000_000 * NS
ALERTING = pcap(upload(START, 300)) # 100 addresses are enough
QUIET = pcap(conversation(START, ("10.1.1.2", 40000), ("198.51.100.9", 80), b"x" * 5000))


@contextlib.contextmanager
def mounted(case, folder, options):
    """A tmpfs at `folder` for a while; skips the test where that is not allowed."""
    os.makedirs(folder)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=False,
                          capture_output=True, text=True) if shutil.which("mount") else None
    if not done or done.returncode != 0:
        case.skipTest("a tmpfs cannot be mounted here: " + (done.stderr.strip() if done else "no mount"))
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


class BadCase(Case):
    def setUp(self):
        super().setUp()
        self.quiet = self.write("quiet.pcap", QUIET)

    def assert_refused(self, status, words, *parts, **more):
        """`weir replay words…` into a folder that does not exist: one line, and still no folder."""
        out = self.path("never")
        run = self.assert_fails(status, ("replay", "-o", out, *words), *parts, **more)
        self.assertFalse(os.path.exists(out), f"left behind: {out}: {run}")
        self.assertEqual(run.out, "", run)


class Captures(BadCase):
    def test_missing(self):
        self.assert_refused(3, [self.path("missing.pcap")], "missing.pcap: No such file")

    def test_directory(self):
        folder = self.path("folder")
        os.makedirs(folder)
        self.assert_refused(3, [folder], folder + ": is a directory without captures")

    def test_empty(self):
        self.assert_refused(3, [self.write("empty.pcap", b"")], "empty.pcap: empty, expected a pcap")

    def test_not_a_capture(self):
        for data in (b"hello, this is not a capture at all", b"\0" * 4096, b"\x1f\x8b" + b"z" * 100):
            self.assert_refused(3, [self.write("text.pcap", data)], "text.pcap: not a capture: ")

    def test_standard_input_that_is_empty(self):
        self.assert_refused(3, ["-"], "-: empty", stdin=b"")

    def test_unreadable(self):
        if os.geteuid() == 0:
            self.skipTest("root may read everything")
        os.chmod(self.quiet, 0)
        self.assert_refused(3, [self.quiet], "Permission denied")

    def test_two_inputs_one_missing(self):
        run = self.replay("--flows", self.path("missing.pcap"), self.quiet, status=3)
        self.assertIn("missing.pcap: No such file", complaint(run))
        self.assertEqual(len(run.flows()), 1)
        missing, judged = run.summary()["inputs"]
        self.assertIn("No such file", missing["problem"])
        self.assertIsNone(missing["sha256"])
        self.assertIsNone(judged["problem"])
        self.assertEqual(judged["sha256"], hashlib.sha256(QUIET).hexdigest())
        self.assertIn("missing.pcap  NOT READ", run.out)

    def test_cut_in_a_packet(self):
        """It says how far it could be read, and what was read is judged."""
        packets = upload(START, 300)
        for made in (pcap(packets), pcapng(packets)):
            run = self.replay("--flows", self.write("cut.pcap", made[:-40]), status=3)
            read, = run.summary()["inputs"]
            self.assertEqual(read["packets"], len(packets) - 1)
            self.assertIn(f"cut.pcap: damaged after {read['packets']} packets", complaint(run))
            self.assertIn("READ IN PART", run.out)
            self.assertEqual(run.alerts()[0]["rule"]["id"], "content.personal")
            self.assertEqual(len(run.flows()), 1)

    def cut_everywhere(self, made, begins, empty=()):
        """`made` cut at every position, all cuts in one run. begins: where each packet begins; empty:
        where a capture ends that has none."""
        names = [self.write(f"cut{size:04}.pcap", made[:size]) for size in range(len(made) + 1)]
        run = self.replay("--flows", *names, status=3)
        complaint(run)
        for size, read in enumerate(run.summary()["inputs"]):
            whole = max(sum(at <= size for at in begins) - 1, 0)
            self.assertEqual(read["packets"], whole, f"cut at {size}: {read}")
            if size in begins or size in empty: # between two packets: nothing says that there were more
                self.assertIsNone(read["problem"], f"cut at {size}")
            else:
                self.assertTrue(read["problem"], f"cut at {size}")
            if whole or size in begins:
                self.assertEqual(read["sha256"], hashlib.sha256(made[:size]).hexdigest())
        self.assertEqual(sum(run.summary()["record_faults"].values()), 0)

    def test_pcap_cut_everywhere(self):
        packets = conversation(START, ("10.1.1.2", 40000), ("198.51.100.9", 80))[:4]
        begins = [24 + sum(16 + len(frame) for _, frame in packets[:n]) for n in range(5)]
        self.cut_everywhere(pcap(packets), begins)

    def test_pcapng_cut_everywhere(self):
        packets = conversation(START, ("10.1.1.2", 40000), ("198.51.100.9", 80))[:4]
        made = pcapng(packets)
        begins, at = [], 0
        while at < len(made):
            if struct.unpack_from("<I", made, at) == (6,):
                begins.append(at)
            at += struct.unpack_from("<I", made, at + 4)[0]
        self.cut_everywhere(made, begins + [len(made)], [28]) # a section without interfaces is whole

    def test_lengths_that_lie(self):
        """A packet that says it is larger than any, one that was larger than it was captured, times
        that no clock shows: each is a line or a figure, never a crash."""
        good = pcap(conversation(START, ("10.1.1.2", 40000), ("198.51.100.9", 80)))
        for at, value in ((24 + 8, 0xFFFFFFFF), (24 + 8, 300_000_000), (24 + 8, 0)):
            made = bytearray(good)
            struct.pack_into("<I", made, at, value)
            run = self.replay(self.write("lie.pcap", bytes(made)), status=3)
            self.assertIn("lie.pcap", complaint(run))
        for at, value in ((24 + 12, 0xFFFFFFFF), (24, 0xFFFFFFFF), (24 + 4, 0xFFFFFFFF)):
            made = bytearray(good)
            struct.pack_into("<I", made, at, value)
            run = self.replay("--flows", self.write("lie.pcap", bytes(made)))
            self.assertEqual(sum(run.summary()["record_faults"].values()), 0)
            self.assertEqual(sum(flow["orig"]["packets"] + flow["resp"]["packets"]
                                 for flow in run.flows()), 6)

    def test_times_beyond_any_clock(self):
        made = bytearray(pcapng(conversation(START, ("10.1.1.2", 40000), ("198.51.100.9", 80))))
        at = made.index(struct.pack("<I", 6), 28)
        for high in (0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, 0):
            struct.pack_into("<I", made, at + 12, high)
            run = self.replay("--flows", self.write("time.pcap", bytes(made)))
            self.assertEqual(sum(run.summary()["record_faults"].values()), 0, high)
            self.assertEqual(run.summary()["coverage"]["sensor"]["packets"], 6)
        made = made.replace(struct.pack("<HHB", 9, 1, 9), struct.pack("<HHB", 9, 1, 0)) # in seconds
        run = self.replay("--flows", self.write("time.pcap", bytes(made)))
        self.assertEqual(sum(run.summary()["record_faults"].values()), 0)

    def test_a_clock_that_was_wrong_once(self):
        """One packet from 2099 before a quiet afternoon, and a capture that leaps over a century: as
        quick as any other, and every packet is accounted."""
        future, packets = 4_100_000_000 * NS, []
        for n in range(300):
            packets += conversation(START + n * NS, (f"10.1.1.{n % 50}", 40000 + n),
                                    ("198.51.100.9", 80), b"x" * 3000)
        stray = conversation(future, ("10.1.1.2", 40000), ("198.51.100.9", 80))[:1]
        run = self.replay("--flows", self.write("stray.pcapng", pcapng(stray + packets)), timeout=60)
        sensor = run.summary()["coverage"]["sensor"]
        self.assertEqual((sensor["time_jumps"], sensor["time_backwards"]), (1, 0))
        self.assertEqual(run.summary()["coverage"]["out_bytes"]["value"], 300 * 3000)
        self.assertIn("1 packets an hour or more off the clock", run.out)
        leaps = [packet for at in (0, 86400 * NS, START, future) for packet in
                 conversation(at, ("10.1.1.2", 40000), ("198.51.100.9", 80), b"x" * 3000)]
        run = self.replay("--flows", "--set", "site.timezone=Asia/Tokyo",
                          self.write("leaps.pcapng", pcapng(leaps)), timeout=60)
        self.assertEqual([flow["orig"]["payload_bytes"] for flow in run.flows()], [3000] * 4)
        self.assertEqual(sum(run.summary()["record_faults"].values()), 0)

    def test_no_packets_at_all(self):
        for made in (pcap([]), pcapng([])):
            run = self.replay("--flows", self.write("none.pcap", made))
            self.assertEqual((run.err, run.flows(), run.alerts()), ("", [], []))
            self.assertIn("no packets", run.out)
            self.assertEqual(sum(run.summary()["record_faults"].values()), 0)

    def test_a_filter_that_nothing_passes(self):
        run = self.replay("--flows", "-f", "host 192.0.2.250", self.quiet)
        self.assertEqual(run.flows(), [])


class Configuration(BadCase):
    def assert_config(self, text, *parts):
        path = self.write("bad.yaml", text)
        self.assert_refused(2, ["-c", path, self.quiet], *parts)
        self.assert_fails(2, ("check", "-c", path), *parts)

    def test_unknown_key(self):
        self.assert_config("site:\n  timezon: UTC\n", "bad.yaml:2:3: unknown key \"site.timezon\"",
                           "timezone")
        self.assert_config("\n\nsights: {}\n", "bad.yaml:3:1: unknown key \"sights\"", "site")
        self.assert_config("alerts:\n  sinks:\n    - {type: file, pth: x}\n",
                           "bad.yaml:3:20: ", "\"pth\"")

    def test_wrong_type(self):
        for text, place in (
                ("site: UTC\n", "1:7: site: \"UTC\""),
                ("- a\n", "1:1: "),
                ("site: {timezone: [UTC]}\n", "1:18: site.timezone: is a list"),
                ("detection: {learn_days: many}\n", "1:25: detection.learn_days: \"many\""),
                ("detection: {learn_days: \"7\"}\n", "1:25: detection.learn_days: \"7\""),
                ("detection: {learn_days: 7.5}\n", "1:25: detection.learn_days"),
                ("detection:\n  alerts_per_100_hosts_per_day: 0\n", "2:33: "),
                ("baseline: {max_hosts: -1}\n", "1:23: baseline.max_hosts"),
                ("networks: {inside: 10.0.0.0/8}\n", "1:20: networks.inside"),
                ("networks: {inside: [10.0.0.0/40]}\n", "1:21: networks.inside"),
                ("site: {work_hours: \"18-08\"}\n", "1:20: site.work_hours"),
                ("site: {work_days: monday}\n", "1:19: site.work_days"),
                ("site: {holidays: [tomorrow]}\n", "1:19: site.holidays"),
                ("alerts: {sinks: [{type: pigeon}]}\n", "1:25: alerts.sinks"),
                ("alerts: {sinks: [{type: file}]}\n", "1:18: alerts.sinks")):
            with self.subTest(text=text):
                self.assert_config(text, "bad.yaml:" + place)

    def test_no_database_of_networks(self):
        bad = self.write("bad.mmdb", "no database\n")
        for path in (bad, self.path("no.mmdb"), self.home):
            with self.subTest(path=path):
                self.assert_refused(2, ["--set", f"networks.as_database={path}", self.quiet],
                                    f"networks.as_database: {path}")
                self.assert_fails(2, ("check", "--set", f"networks.as_database={path}"),
                                  f"networks.as_database: {path}")

    def test_bad_yaml(self):
        for text, place in (("site: [1\n", "bad.yaml:2:1"), ("a: b: c\n", "bad.yaml:1:5"),
                            ("\tsite: {}\n", "bad.yaml:1:1"), ("site: &a {}\n", "bad.yaml:1:7"),
                            ("site: {}\nsite: {}\n", "bad.yaml:2:1")):
            with self.subTest(text=text):
                self.assert_config(text, place)

    def test_a_configuration_that_is_not_there(self):
        self.assert_refused(2, ["-c", self.path("no.yaml"), self.quiet], "no.yaml", "No such file")
        self.assert_refused(2, ["-c", self.home, self.quiet], self.home)

    def test_set(self):
        for word, part in (("detection.learn_days", "expected key=value"), ("=1", "expected key=value"),
                           ("detection.learn=1", "detection.learn: unknown key"),
                           ("learn_days=1", "unknown key"),
                           ("detection.learn_days=x", "detection.learn_days: \"x\", expected"),
                           ("networks.inside=[", "--set"), ("site.timezone=", "site.timezone")):
            with self.subTest(word=word):
                self.assert_refused(2, ["--set", word, self.quiet], part)

    def test_inside(self):
        for word in ("10.0.0.0/33", "banana", "10.0.0.0/", "", "10.0.0.1/8x", "fd00::/129"):
            with self.subTest(word=word):
                self.assert_refused(2, ["--inside", word, self.quiet], "--inside", word)

    def test_filter(self):
        self.assert_refused(2, ["-f", "tcp port port", self.quiet], "filter \"tcp port port\"")
        self.assert_refused(2, ["--set", "capture.filter=host", self.quiet], "filter \"host\"")

    def test_time_zone(self):
        for zone in ("Mars/Olympus", "../../etc/passwd", "UTC+25:99:99"):
            self.assert_config(f"site: {{timezone: \"{zone}\"}}\n", "timezone", zone)

    def test_holiday_that_is_no_day(self):
        self.assert_config("site: {holidays: [2026-13-45]}\n", "2026-13-45")

    def test_redis_urls_that_are_not_supported(self):
        for url, part in (("rediss://localhost", "tunnel"), ("redis-cluster://a,,b", "no host"),
                          ("redis-sentinel://a", "NAME"), ("http://localhost", "expected"),
                          ("localhost:6379", "expected"), ("", "expected"),
                          ("redis://host:99999", "port")):
            with self.subTest(url=url):
                self.assert_config(f"redis: {{url: \"{url}\"}}\n", url, part)

    def test_options(self):
        for words, part in ((["--nonsense", self.quiet], "--nonsense: unknown option"),
                            (["-z", self.quiet], "-z: unknown option"),
                            ([self.quiet, "-c"], "-c: needs a value"),
                            (["--workers", "17", self.quiet], "from 0 to 16"),
                            (["--workers", "x" * 99, self.quiet], "from 0 to 16"),
                            ([], "which capture?")):
            with self.subTest(words=words):
                self.assert_refused(2, words, part)
        self.assert_fails(2, ("replay", "--flows", self.quiet), "--flows needs -o")
        self.assert_fails(2, ("check", "--json"), "--json: unknown option")
        self.assert_fails(2, ("rerun",), "rerun: unknown command")
        run = weir()
        self.assertEqual((run.status, run.out), (2, ""))
        self.assertTrue(run.err.startswith("usage: weir"))

    def test_help_is_no_mistake(self):
        for words in (("help",), ("--help",), ("replay", "--help"), ("check", "-h"), ("version",)):
            run = weir(*words)
            self.assertEqual((run.status, run.err), (0, ""), run)
            self.assertTrue(run.out.startswith(("usage: weir", "weir ")))


class Surroundings(BadCase):
    def test_redis_that_is_not_there(self):
        for url in ("unix:" + self.path("no.sock"), "redis://127.0.0.1:1"):
            self.assert_refused(1, ["--set", "redis.url=" + url, self.quiet], url)

    def with_password(self):
        if not shutil.which("redis-server"):
            self.skipTest("redis-server is not installed")
        server = RedisServer("right-word")
        self.addCleanup(server.stop)
        return server.url

    def test_wrong_password(self):
        url = self.with_password().replace("right-word", "wrong-word")
        self.assert_refused(1, ["--set", "redis.url=" + url, self.quiet], "password", "***")
        run = weir("replay", "--set", "redis.url=" + url, self.quiet)
        self.assertNotIn("wrong-word", run.err)

    def test_no_password(self):
        url = self.with_password().replace(":right-word@", "")
        self.assert_refused(1, ["--set", "redis.url=" + url, self.quiet], "wants a password")

    def test_redis_that_is_somebody_elses_protocol(self):
        """A server that answers, but not as Redis does: by time or by nonsense, in one line."""
        import socket
        import threading
        with socket.create_server(("127.0.0.1", 0)) as server:
            def answer():
                with contextlib.suppress(OSError):
                    peer, _ = server.accept()
                    peer.recv(100)
                    peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                    peer.close()
            threading.Thread(target=answer, daemon=True).start()
            url = f"redis://127.0.0.1:{server.getsockname()[1]}"
            self.assert_refused(1, ["--set", "redis.url=" + url, self.quiet], url)

    def test_redis_that_is_full(self):
        if not shutil.which("redis-server"):
            self.skipTest("redis-server is not installed")
        server = RedisServer()
        self.addCleanup(server.stop)
        with weirtest.RedisClient(server.url) as client:
            client("CONFIG", "SET", "maxmemory", "1")
        self.assert_refused(1, ["--set", "redis.url=" + server.url, self.quiet], "is full")

    def test_state_folder_that_cannot_be(self):
        self.assert_refused(1, ["--set", f"sensor.state_dir={self.quiet}", self.quiet], self.quiet)
        self.assert_refused(1, ["--set", f"sensor.state_dir={self.path('a', 'b')}", self.quiet],
                            self.path("a", "b"))

    def test_no_space_in_the_state_folder(self):
        """Full from the start, and full in the middle of it."""
        with mounted(self, self.path("full"), "size=1m") as folder:
            filler = os.path.join(folder, "filler")
            with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
                while file.write(b"\0" * 4096):
                    pass
            alerting = self.write("alerting.pcap", ALERTING)
            where = "--set", "sensor.state_dir=" + folder
            self.assert_refused(1, [*where, alerting], folder)
            self.assertEqual(os.listdir(folder), ["filler"])
            many = self.write("many.pcap", pcap(sorted(
                packet for n in range(250)
                for packet in upload(START + n, 300, (f"10.1.1.{n}", 40000)))))
            os.truncate(filler, 600 << 10)
            out = self.path("out")
            run = weirtest.replay(out, "--online", *where, many) # else nothing is told before all is read
            self.assertEqual(run.status, 1, run)
            self.assertRegex(run.err, r"weir: .*/journal/\d+\.log: .*: No space left on device\n")
            self.assertRegex(run.err, r"weir: journal: \d+ records could not be written and are lost\n\Z")
            self.assertEqual(os.listdir(folder), ["filler"])
            self.assertEqual(os.listdir(out), ["alerts.ndjson"], run)
            self.assertTrue(run.alerts(), "what was told before is whole and stays")

    def test_output_folder_that_cannot_be(self):
        self.assert_fails(1, ("replay", "-o", self.quiet, self.quiet), "quiet.pcap")
        self.assert_fails(1, ("replay", "-o", self.path("a", "b"), self.quiet), self.path("a", "b"))
        with mounted(self, self.path("readonly"), "ro") as folder:
            self.assert_fails(1, ("replay", "-o", folder, self.quiet), folder, "Read-only file system")
            self.assert_fails(1, ("replay", "-o", os.path.join(folder, "new"), self.quiet), folder)

    def test_output_folder_that_fills_up(self):
        with mounted(self, self.path("small"), "size=64k") as folder:
            packets = [packet for n in range(400) for packet in conversation(
                START + n * NS, (f"10.1.1.{n % 250}", 40000 + n), ("198.51.100.9", 80), b"x")]
            run = self.assert_fails(1, ("replay", "-q", "--flows", "-o", folder,
                                        self.write("many.pcap", pcap(packets))),
                                    folder, "No space left on device")
            left = set(os.listdir(folder))
            self.assertLessEqual(left, {"alerts.ndjson", "summary.json", "summary.txt"}, run)

    def test_results_of_an_older_run_do_not_stay(self):
        """A folder never holds the summary of one capture beside the alerts of another."""
        out = self.path("out")
        self.assertEqual(weirtest.replay(out, "--flows", self.write("a.pcap", ALERTING)).status, 0)
        self.assertEqual(len(os.listdir(out)), 6)
        self.assertEqual(weirtest.replay(out, self.path("missing.pcap")).status, 3)
        self.assertEqual(os.listdir(out), [])

    def test_damaged_baselines(self):
        for name, data in (("empty", b""), ("text", b"not a baseline"), ("magic", b"WEIRBASE"),
                           ("newer", b"WEIRBASE" + struct.pack("<I", 99) + bytes(64))):
            path = self.write(name, data)
            self.assert_refused(3, ["--baseline", path, self.quiet], path)
        self.assert_refused(3, ["--baseline", self.path("none"), self.quiet], "No such file")
        self.assert_refused(3, ["--baseline", self.home, self.quiet], self.home)
        self.assert_refused(1, ["--baseline", "unix:" + self.path("no.sock"), self.quiet], "no.sock")


class Statuses(BadCase):
    def setUp(self):
        super().setUp()
        self.alerting = self.write("alerting.pcap", ALERTING)
        self.nowhere = "--set", "redis.url=unix:" + self.path("no.sock")

    def test_alerts(self):
        self.assertEqual(len(self.replay(self.alerting).alerts()), 2) # open, close
        run = self.replay("--exit-alerts", self.alerting, status=10)
        self.assertEqual(run.err, "")
        self.replay("--exit-alerts", self.quiet, status=0)

    def test_2_before_1(self):
        self.assert_refused(2, [*self.nowhere, "-f", "port port", self.quiet], "filter")
        self.assert_refused(2, [*self.nowhere, "--set", "site.timezone=No/Where", self.quiet], "No/Where")

    def test_2_before_3(self):
        missing = self.path("missing.pcap")
        self.assert_refused(2, ["-f", "port port", missing], "filter")
        self.assert_refused(2, ["-f", "port port", self.quiet, missing], "filter")
        self.assert_refused(2, ["--set", "redis.url=rediss://x", missing], "rediss://x")

    def test_1_before_3(self):
        self.assert_refused(1, [*self.nowhere, self.path("missing.pcap")], "no.sock")
        self.assert_refused(1, [*self.nowhere, "--baseline", self.path("none"), self.quiet], "no.sock")

    def test_3_before_10(self):
        run = self.replay("--exit-alerts", self.alerting, self.path("missing.pcap"), status=3)
        self.assertTrue(run.alerts())
        run = self.replay("--exit-alerts", self.write("cut.pcap", ALERTING[:-3]), status=3)
        self.assertTrue(run.alerts())


class StandardOutput(BadCase):
    def setUp(self):
        super().setUp()
        self.alerting = self.write("alerting.pcap", ALERTING)

    def test_json_is_only_alerts(self):
        run = weir("replay", "--json", self.alerting)
        self.assertEqual(run.status, 0, run)
        self.assertEqual(run.out.encode(), self.replay(self.alerting).bytes("alerts.ndjson"))
        self.assertIn("DATA LEFT: 1 incident", run.err)

    def broken(self, *words):
        """With a standard output whose reader went away before anything was said."""
        reading, writing = os.pipe()
        os.close(reading)
        try:
            return weir("replay", *words, stdout=writing)
        finally:
            os.close(writing)

    def test_reader_that_went_away(self):
        """The alerts could not be told: 1. What goes to the folder is whole all the same."""
        out = self.path("out")
        run = self.broken("--json", "-o", out, self.alerting)
        self.assertEqual(run.status, 1, run)
        lines = [line for line in run.err.splitlines() if line.startswith("weir: ")]
        self.assertEqual(len(lines), 1, run)
        self.assertIn("standard output", lines[0])
        run.folder = out
        self.assertEqual(len(run.alerts()), 2)
        self.assertEqual(len(run.summary()["incidents"]), 1)

    def test_reader_that_went_away_from_the_summary(self):
        run = self.broken(self.alerting)
        self.assertEqual(run.status, 1, run)
        self.assertIn("standard output", complaint(run))

    def test_reader_that_went_away_from_nothing(self):
        """No alert: nothing was to be told on standard output."""
        self.assertEqual(self.broken("--json", self.quiet).status, 0)

    def test_full_disk(self):
        with open("/dev/full", "wb") as full:
            run = weir("replay", self.quiet, stdout=full)
            self.assertEqual(run.status, 1, run)
            self.assertIn("No space left on device", complaint(run))
            run = weir("check", stdout=full)
            self.assertEqual(run.status, 1, run)

    def test_closed(self):
        """Not even open: what is opened instead must not get the summary into it."""
        out = self.path("out")
        for words in (("--json",), ()):
            done = subprocess.run(["sh", "-c", 'exec "$0" "$@" >&-', weirtest.binary(), "replay", "-q",
                                   *words, "--flows", "-o", out, self.alerting], check=False,
                                  stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
            run = weirtest.Run(words, done.returncode, "", done.stderr.decode(), out)
            self.assertEqual(run.status, 1, run)
            self.assertIn("standard output", run.err)
            self.assertEqual(len(run.alerts()), 2)
            self.assertEqual(len(run.flows()), 1)
            run.summary()

    def test_slow_reader_gets_everything(self):
        """More alerts than a pipe holds, and a reader that lets them wait."""
        packets = sorted(packet for n in range(250)
                         for packet in upload(START + n * 1000, 120, (f"10.1.1.{n}", 40000)))
        many = self.write("many.pcap", pcap(packets, nanoseconds=True))
        want = self.replay(many).bytes("alerts.ndjson")
        self.assertGreater(len(want), 1 << 18)
        with subprocess.Popen([weirtest.binary(), "replay", "-q", "--json", many],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            import time
            time.sleep(3)
            self.assertEqual(process.stdout.read(), want)
        self.assertEqual(process.returncode, 0)


if __name__ == "__main__":
    weirtest.main()
