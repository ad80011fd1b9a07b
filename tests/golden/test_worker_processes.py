#!/usr/bin/env python3
"""Who reads a capture must not be seen in what comes out: a thread (--workers 0), one sandboxed process
or several give the same bytes. And what becomes of a replay when such a process is taken over or dies
(builds with WEIR_FAULTS: the first process of worker 0 does what WEIR_FAULT names, after 1.5 s).

Of the shared captures every eighth is compared; all with WEIR_TEST_ALL=1 (tests/run --long).
"""

import json
import os
import signal
import subprocess
import tempfile
import time
import unittest

import weirtest
from weirtest import NS, SHARED, SHIPPED

START = 1_772_000_000 * NS


def outputs(run):
    """Everything a run told that may not depend on who read: its words too."""
    summary = run.summary()
    summary.pop("duration_s")
    return {"status": run.status, "said": run.err, "alerts": run.bytes("alerts.ndjson"),
            "flows": run.bytes("flows.ndjson"), "summary": json.dumps(summary)}


def shared_captures():
    found = []
    for folder, _, names in os.walk(SHARED):
        found += [os.path.join(folder, name) for name in names if ".pcap" in name]
    found.sort()
    return found if os.environ.get("WEIR_TEST_ALL") else found[::8]


def conversations(count):
    """Overlapping ones of many host pairs, some time stamps out of order."""
    packets = []
    for n in range(count):
        packets += weirtest.conversation(START + n * 50_000_000, (f"10.1.{n % 7}.{n % 11 + 1}", 40000 + n),
                                         (f"198.51.100.{n % 5 + 1}", 80), b"u" * (300 * n),
                                         b"d" * (900 * n % 5000))
    packets.sort()
    for i in range(50, len(packets) - 1, 97):
        packets[i], packets[i + 1] = packets[i + 1], packets[i]
    return packets


class Same(weirtest.Case):
    def compare(self, *words, workers=(0, 1, 2), status=0, **more):
        told = {}
        for count in workers:
            self.runs += 1
            run = weirtest.replay(self.path(f"out{self.runs}"), "--workers", count, "--flows", *words, **more)
            if status is not None:
                self.assertEqual(run.status, status, run)
            try:
                told[count] = outputs(run)
            except FileNotFoundError: # refused: then by all, with the same words
                told[count] = {"status": run.status, "said": run.err}
            for name, what in told[count].items():
                self.assertEqual(what, told[workers[0]].get(name), f"{name}, --workers {count}: {words}")
        return told[workers[0]]

    def test_shipped(self):
        self.compare("-c", os.path.join(SHIPPED, "projectweb.yaml"),
                     os.path.join(SHIPPED, "projectweb.pcapng"))
        self.compare(os.path.join(SHIPPED, "office10min.pcap"), workers=(0, 1, 2, 5))

    def test_shared(self):
        if not os.path.isdir(SHARED):
            self.skipTest("no shared captures")
        for capture in shared_captures():
            with self.subTest(capture=capture):
                self.compare(capture, status=None)

    def test_many_pairs_out_of_order(self):
        path = self.write("many.pcap", weirtest.pcap(conversations(120)))
        told = self.compare(path, workers=(0, 1, 2, 3, 16))
        self.assertEqual(len(told["flows"].splitlines()), 120)

    def test_several_inputs_one_missing_one_damaged(self):
        packets = conversations(30)
        first = self.write("a.pcap", weirtest.pcap(packets[:len(packets) // 2]))
        second = self.write("b.pcap", weirtest.pcap(packets[len(packets) // 2:])[:-20])
        text = self.write("c.pcap", b"no capture")
        self.compare(second, first, self.path("missing.pcap"), text, status=3)

    def test_a_filter_by_the_name_of_a_port(self):
        """/etc/services cannot be read behind the walls: the filter was compiled before."""
        path = self.write("many.pcap", weirtest.pcap(conversations(20)))
        told = self.compare("-f", "tcp port http", path)
        self.assertEqual(len(told["flows"].splitlines()), 20)

    def test_a_pipe_is_copied(self):
        data = weirtest.pcap(conversations(60))
        self.compare("-", stdin=data, workers=(0, 1, 2, 3))

    def test_a_budget_of_rings(self):
        """More records than a ring holds, one worker with next to nothing to do."""
        packets = []
        for n in range(6000):
            packets += [(START + n * 1_000_000, weirtest.udp("10.1.1.1", 1000 + n, "198.51.100.1", 53, b"x" * 20))]
        self.compare(self.write("udp.pcap", weirtest.pcap(packets)), workers=(0, 2))


class Trouble(weirtest.Case):
    def start(self, *words, fault=None):
        self.temporary = tempfile.mkdtemp(prefix="weir-tmp-", dir=self.home)
        env = weirtest.environment(self.temporary, {"WEIR_FAULT": fault} if fault else None)
        process = subprocess.Popen([weirtest.binary(), "replay", "-q", "-o", self.path("out"), "--flows", *words],
                                   stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=env)
        self.addCleanup(process.kill)
        return process

    def require_faults(self):
        with open(weirtest.binary(), "rb") as file:
            if b"WEIR_FAULT" not in file.read():
                self.skipTest("built without WEIR_FAULTS")

    def wait_for_all(self, process, workers):
        """The capture processes, once all are there: on a busy machine that takes its time."""
        end = time.monotonic() + 60
        while len(children := capture_children(process.pid)) < workers:
            self.assertLess(time.monotonic(), end, "capture processes")
            time.sleep(0.05)
        return children

    def finish(self, process):
        _, said = process.communicate(timeout=120)
        self.assertEqual(os.listdir(self.temporary), [], said)
        run = weirtest.Run([], process.returncode, "", said.decode("utf-8", "replace"), self.path("out"))
        return run

    def wait_for_deaths(self, process, left):
        end = time.monotonic() + 60
        while len(capture_children(process.pid)) > left:
            self.assertLess(time.monotonic(), end, "deaths")
            time.sleep(0.1)
        time.sleep(0.3)

    def test_faults(self):
        """Half of a capture comes, then the parser does what it must not. What it had told is judged."""
        self.require_faults()
        data = weirtest.pcap(conversations(40))
        for fault, death in (("open", "signal 31"), ("socket", "signal 31"), ("execve", "signal 31"),
                             ("fork", "signal 31")):
            with self.subTest(fault=fault):
                process = self.start("--workers", "2", "-", fault=fault)
                process.stdin.write(data[:len(data) // 2])
                process.stdin.flush()
                self.wait_for_all(process, 2)
                self.wait_for_deaths(process, 1)
                run = self.finish(process)
                self.assertEqual(run.status, 3, run)
                self.assertIn("its reader (capture worker 0) died", run.err)
                self.assertIn(death, run.err)
                ends = {flow["end_reason"] for flow in run.flows()}
                self.assertTrue(ends <= {"lost", "closed", "input"}, ends)

    def test_scribbling(self):
        """Everything it may write is filled with noise: its ring is given up, the rest is judged."""
        self.require_faults()
        data = weirtest.pcap(conversations(40))
        process = self.start("--workers", "2", "-", fault="scribble")
        process.stdin.write(data[:len(data) // 2])
        process.stdin.flush()
        self.wait_for_all(process, 2)
        self.wait_for_deaths(process, 1)
        process.stdin.close()
        process.stdin = None
        run = self.finish(process)
        self.assertNotEqual(run.status, 0, run)
        for word in weirtest.SANITIZERS:
            self.assertNotIn(word, run.err)

    def test_killed(self):
        """SIGKILL from outside, with one worker and with two: the other one's half is judged."""
        data = weirtest.pcap(conversations(40))
        for workers in (1, 2):
            with self.subTest(workers=workers):
                process = self.start("--workers", str(workers), "-")
                process.stdin.write(data[:len(data) // 2])
                process.stdin.flush()
                children = self.wait_for_all(process, workers)
                time.sleep(1.5)
                os.kill(children[0], signal.SIGKILL)
                self.wait_for_deaths(process, workers - 1)
                run = self.finish(process)
                self.assertEqual(run.status, 3, run)
                self.assertIn("signal 9", run.err)
                self.assertEqual(run.summary()["inputs"][0].get("problem") is not None, True)

    def test_interrupted(self):
        """All workers stop at the same packet: what is judged is a prefix, and says how long."""
        packets = conversations(60)
        half = packets[:len(packets) // 2]
        data = weirtest.pcap(packets)
        sent = weirtest.pcap(half)
        counts = {}
        for workers in (1, 3):
            process = self.start("--workers", str(workers), "-")
            process.stdin.write(data[:len(sent)])
            process.stdin.flush()
            self.wait_for_all(process, workers)
            time.sleep(2)
            process.send_signal(signal.SIGINT)
            process.wait(60)
            run = self.finish(process)
            self.assertEqual(run.status, 3, run)
            self.assertIn("interrupted", run.err)
            counts[workers] = run.bytes("flows.ndjson")
            self.assertEqual(run.summary()["inputs"][0]["packets"], len(half))
        self.assertEqual(counts[1], counts[3])


def capture_children(pid):
    """The capture processes of a replay, oldest first."""
    out = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(pid)], capture_output=True,
                         check=False) # 1: it has none
    rows = [line.split(None, 1) for line in out.stdout.decode().splitlines()]
    return [int(row[0]) for row in rows if "--role capture" in row[1]]


if __name__ == "__main__":
    weirtest.main()
