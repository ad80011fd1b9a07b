#!/usr/bin/env python3
"""The same capture, configuration and baseline give the same bytes: three times, with the store
embedded, by unix socket and by TCP, whatever the process's own zone is, and with `--workers 0` said.
Only duration_s may differ. On an operator's server a replay leaves no key behind, also when it
failed, and touches none that was there."""

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time

import weirtest
from weirtest import NS, SHIPPED, Case, RedisClient, RedisServer, conversation, redis_urls

weirtest.workers = None

INCIDENT = ("-c", os.path.join(SHIPPED, "projectweb.yaml"),
            os.path.join(SHIPPED, "projectweb.pcapng"))
OFFICE = (os.path.join(SHIPPED, "office10min.pcap"),)
START = 1_772_000_000 * NS


def traces(run):
    """What must be the same: names of the files left, and their bytes but for durations."""
    summary = run.summary()
    del summary["duration_s"]
    return {"files": sorted(os.listdir(run.folder)), "alerts": run.bytes("alerts.ndjson"),
            "flows": run.bytes("flows.ndjson"),
            "summary": json.dumps(summary)} # dumps keeps the order of the fields: it counts


class Determinism(Case):
    def assert_same(self, first, words, env=None):
        found = traces(self.replay("--flows", *words, env=env))
        for name, want in first.items():
            self.assertEqual(found[name], want, f"{name} differ: {words} {env}")

    def check(self, words, urls):
        first = traces(self.replay("--flows", *words))
        self.assertTrue(first["flows"])
        self.assert_same(first, words)
        self.assert_same(first, words, {"TZ": "America/St_Johns", "LC_ALL": "C"})
        self.assert_same(first, ("--workers", "0", *words))
        for url in urls.values():
            self.assert_same(first, ("--set", "redis.url=" + url, *words))
            self.assert_no_key_of_a_replay(url)
        return first

    def assert_no_key_of_a_replay(self, url):
        """Other tests may use the same server meanwhile: theirs go too, in the end."""
        with RedisClient(url) as client:
            for _ in range(600):
                keys = client("KEYS", "weir-replay-*")
                if not keys:
                    return
                time.sleep(0.1)
        self.fail(f"left behind: {keys}")

    def test_an_incident(self):
        first = self.check(INCIDENT, redis_urls(self))
        self.assertTrue(first["alerts"], "an incident without alerts compares nothing")

    def test_an_office(self):
        self.check(OFFICE, redis_urls(self))

    def test_standard_input_is_a_file(self):
        """But for its name."""
        with open(OFFICE[0], "rb") as file:
            piped = traces(self.replay("--flows", "-", stdin=file.read()))
        first = traces(self.replay("--flows", *OFFICE))
        self.assertEqual(piped["flows"], first["flows"])
        self.assertEqual(piped["summary"].replace('"name": "-"', '"name": "office10min.pcap"'),
                         first["summary"])


class OthersServer(Case):
    """A server that is somebody else's: it holds keys, and after each replay the same ones."""

    def setUp(self):
        super().setUp()
        if not shutil.which("redis-server"):
            self.skipTest("redis-server is not installed")
        server = RedisServer()
        self.addCleanup(server.stop)
        self.set = ("--set", "redis.url=" + server.url)
        self.client = RedisClient(server.url)
        self.addCleanup(self.client.close)
        self.client("SET", "theirs", "kept")
        self.client("SET", "weir:{10.0.0.1}:profile", "kept too")
        packets = conversation(START, ("10.1.1.1", 40000), ("198.51.100.9", 80), b"x" * 5000)
        self.small = weirtest.pcap(packets)

    def assert_untouched(self):
        keys = sorted(self.client("KEYS", "*"))
        self.assertEqual(keys, [b"theirs", b"weir:{10.0.0.1}:profile"])
        self.assertEqual(self.client("GET", "weir:{10.0.0.1}:profile"), b"kept too")

    def test_after_success(self):
        self.replay(*self.set, *INCIDENT)
        self.assert_untouched()

    def test_after_a_cut_capture(self):
        self.replay(*self.set, self.write("cut.pcap", self.small[:-3]), status=3)
        self.assert_untouched()

    def test_after_a_missing_capture(self):
        self.replay(*self.set, self.path("missing.pcap"), status=3)
        self.assert_untouched()

    def test_after_a_filter_that_does_not_compile(self):
        self.replay(*self.set, "-f", "tcp port port", self.write("a.pcap", self.small), status=2)
        self.assert_untouched()

    def test_after_a_damaged_baseline(self):
        self.replay(*self.set, "--baseline", self.write("base", b"WEIRBASE nothing"),
                    self.write("a.pcap", self.small), status=3)
        self.assert_untouched()

    def test_after_a_baseline_that_cannot_be_saved(self):
        self.replay(*self.set, "--save-baseline", self.path("no", "such", "folder"), *INCIDENT,
                    status=1)
        self.assert_untouched()

    def test_after_an_output_that_cannot_be_written(self):
        out = self.path("out")
        os.mkdir(out)
        os.mkdir(os.path.join(out, "summary.json"))
        run = weirtest.weir("replay", "-q", "-o", out, *self.set, *INCIDENT)
        self.assertEqual(run.status, 1, run)
        self.assert_untouched()

    def interrupted(self):
        """Interrupts a replay from a pipe, in the middle, once it has stored something."""
        packets = []
        for n in range(400): # 100 hosts, an exchange each hour
            packets += conversation(START + n * 900 * NS, (f"10.1.1.{n % 100}", 40000 + n),
                                    ("198.51.100.9", 80), random.Random(n).randbytes(3000))
        with tempfile.TemporaryDirectory(prefix="weir-tmp-") as temporary:
            process = subprocess.Popen(
                [weirtest.binary(), "replay", "-q", *self.set, "-o", self.path("out"), "-"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                env=weirtest.environment(temporary))
            data = weirtest.pcap(packets)
            process.stdin.write(data[:-10_000])
            process.stdin.flush()
            for _ in range(400):
                if self.client("DBSIZE") > 2:
                    break
                time.sleep(0.05)
            process.send_signal(signal.SIGTERM)
            said = process.stderr.readline() # the signal has arrived
            time.sleep(0.1)
            with contextlib.suppress(BrokenPipeError): # the reading thread waits for a packet
                process.stdin.write(data[-10_000:])
                process.stdin.close()
            out, err = process.stdout.read(), (said + process.stderr.read()).decode()
            process.stdout.close()
            process.stderr.close()
            run = weirtest.Run(["replay", "-"], process.wait(60), out.decode(), err)
            weirtest.check_run(run, temporary)
        return run

    def test_after_an_interrupt(self):
        """The first one ends the input early: what was read is judged and told."""
        run = self.interrupted()
        self.assertEqual(run.status, 3, run)  # read in part, and it says how far
        self.assertRegex(run.err, r"interrupted after \d+ packets")
        self.assertIn("interrupted: judging what was read so far", run.err)
        self.assertIn("Look here first", run.out)
        self.assert_untouched()


if __name__ == "__main__":
    weirtest.main()
