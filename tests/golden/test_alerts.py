#!/usr/bin/env python3
"""weir alerts over a journal in many segments: what is chosen, where it begins, following it through
rotation, positions, and what is damaged. The journal is written by tests/golden/journal_feed.c."""

import json
import os
import pty
import select
import signal
import subprocess
import time

from weirtest import Case, binary, main, weir

FEED = os.path.join(os.environ.get("WEIR_BUILD", ""), "tests", "journal_feed")
SMALL = 600 # bytes of a segment: two or three records


def record(number, kind="alert", severity=50, **more):
    """A record of the number-th minute."""
    return {"@timestamp": f"2026-03-02T{number // 60:02}:{number % 60:02}:00.000Z",
            "event": {"kind": kind, "severity": severity, "id": f"id{number}"},
            "source": {"ip": f"10.0.{number % 3}.7"}, "n": number, **more}


class Journal(Case):
    def setUp(self):
        super().setUp()
        self.settings = ("--set", f"sensor.state_dir={self.home}")
        self.segments = self.path("journal")

    def feed(self, records):
        lines = "".join(json.dumps(one, separators=(",", ":"), ensure_ascii=False) + "\n"
                        for one in records)
        done = subprocess.run([FEED, self.home, str(SMALL)], input=lines.replace("\n", "\n.\n").encode(),
                              capture_output=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, b""))

    def alerts(self, *words, status=0, err=""):
        run = weir("alerts", *self.settings, *words)
        self.assertEqual(run.status, status, run)
        if err is not None:
            self.assertEqual(run.err, err)
        return run

    def numbers(self, *words, **more):
        return [json.loads(line)["n"] for line in self.alerts(*words, **more).out.splitlines()]

    def segment(self, index):
        return os.path.join(self.segments, sorted(n for n in os.listdir(self.segments)
                                                  if n.endswith(".log"))[index])


class Choosing(Journal):
    def setUp(self):
        super().setUp()
        self.records = [record(n, kind="metric" if n % 10 == 0 else "event" if n == 55 else "alert",
                               severity=n) for n in range(1, 101)]
        self.feed(self.records)

    def test_all(self):
        self.assertGreater(len(os.listdir(self.segments)), 20)
        run = self.alerts("--all")
        self.assertEqual(run.out, "".join(json.dumps(one, separators=(",", ":")) + "\n"
                                          for one in self.records))
        told = [n for n in range(1, 101) if n % 10 and n != 55]
        self.assertEqual(self.numbers(), told)
        self.assertEqual(self.numbers("--format", "ecs"), told)
        self.assertEqual(self.alerts("--count").out, f"{len(told)}\n")
        self.assertEqual(self.alerts("--all", "--count").out, "100\n")

    def test_times(self):
        self.assertEqual(self.numbers("--all", "--since", "2026-03-02T01:30Z"), list(range(90, 101)))
        self.assertEqual(self.numbers("--all", "--until", "2026-03-02T00:04:00Z"), [1, 2, 3])
        self.assertEqual(self.numbers("--since", "2026-03-02T00:08:30Z", "--until", "2026-03-02T00:12Z"),
                         [9, 11])
        tokyo = ("--set", "site.timezone=Asia/Tokyo")
        self.assertEqual(self.numbers("--all", *tokyo, "--since", "2026-03-02T10:39"), [99, 100])
        self.assertEqual(self.numbers("--since", "1s"), []) # these are long ago

    def test_where(self):
        self.assertEqual(self.numbers("--where", "event.severity >= 95 and source.ip in 10.0.1.0/24"),
                         [97])
        self.assertEqual(self.numbers("--all", "--where", "event.kind = event or n in (1, 3)"), [1, 3, 55])
        self.assertEqual(self.alerts("--where", "weir.silenced exists", "--count").out, "0\n")

    def test_from_sequence(self):
        for first in (1, 2, 50, 99, 100):
            with self.subTest(first=first):
                self.assertEqual(self.numbers("--all", "--from-sequence", first), list(range(first, 101)))
        self.assertEqual(self.numbers("--from-sequence", 101), [])

    def test_position(self):
        place = self.path("place")
        first = self.numbers("--all", "--position", place)
        self.assertEqual(first, list(range(1, 101)))
        self.assertEqual(self.numbers("--all", "--position", place), [])
        self.feed([record(101), record(102)])
        self.assertEqual(self.numbers("--position", place), [101, 102])
        self.assertEqual(os.stat(place).st_mode & 0o777, 0o640)
        self.write("place", "weir-alerts 1 999\n")
        run = self.alerts("--count", "--position", place, err=None)
        self.assertEqual(run.out, "91\n")
        self.assertIn("another journal", run.err)
        for bad in ("", "12\n", "weir-alerts 1 x\n", "weir-alerts 2 1\n"):
            self.write("place", bad)
            self.assertIn("is not a saved position", self.alerts("--position", place, status=1, err=None).err)

    def test_position_of_what_could_not_be_written(self):
        place = self.path("place")
        with open("/dev/full", "wb") as full:
            run = weir("alerts", *self.settings, "--position", place, stdout=full)
        self.assertEqual(run.status, 1, run)
        self.assertIn("standard output: No space left on device", run.err)
        self.assertFalse(os.path.exists(place))

    def test_mistakes(self):
        for words, said in (
                (["--format", "haiku"], "--format haiku: expected one of: ecs"),
                (["--where", "n ="], "--where, column 4: it ends here, expected a value"),
                (["--since", "soon"], "--since soon: expected how long ago"),
                (["--from-sequence", "0"], "--from-sequence 0: expected a number from 1"),
                (["--from-sequence", "-3"], "expected a number from 1"),
                (["--from-sequence", "1", "--position", "x"], "both say where to begin"),
                (["--follow", "--count"], "--follow has no end"),
                (["--follow", "--until", "1h"], "--follow has no end"),
                (["x"], "x: unexpected")):
            with self.subTest(words=words):
                run = self.alerts(*words, status=2, err=None)
                self.assertIn(said, run.err)
                self.assertEqual(run.out, "")


class Damage(Journal):
    def test_no_journal(self):
        self.assertIn("did a sensor ever run there?", self.alerts(status=1, err=None).err)

    def test_damaged_and_missing(self):
        self.feed([record(n) for n in range(1, 31)])
        segments = sorted(name for name in os.listdir(self.segments) if name.endswith(".log"))
        firsts = [int(name[:-4]) for name in segments]
        gone, damaged = firsts[2], firsts[5]
        os.unlink(os.path.join(self.segments, segments[2]))
        path = os.path.join(self.segments, segments[5])
        with open(path, "r+b") as file:
            data = bytearray(file.read())
            data[-5] ^= 1 # the last record of it
            file.seek(0)
            file.write(data)
        run = self.alerts(status=3, err=None)
        lost = set(range(gone, firsts[3])) | {firsts[6] - 1}
        self.assertEqual([json.loads(line)["n"] for line in run.out.splitlines()],
                         [n for n in range(1, 31) if n not in lost])
        said = run.err.splitlines()
        self.assertEqual(len(said), 2, run.err) # each once
        self.assertIn(f"records {gone} to {firsts[3] - 1} are missing", said[0])
        self.assertIn(f"{damaged:020}.log: damaged from byte ", said[1])

    def test_what_is_not_synced_is_not_shown(self):
        self.feed([record(1), record(2)])
        with open(os.path.join(self.segments, "durable"), "rb") as file:
            before = file.read()
        self.feed([record(3)])
        with open(os.path.join(self.segments, "durable"), "wb") as file:
            file.write(before)
        self.assertEqual(self.numbers(), [1, 2])
        os.unlink(os.path.join(self.segments, "durable")) # a copy that does not say
        self.assertEqual(self.numbers(), [1, 2, 3])

    def test_a_record_that_is_none(self):
        done = subprocess.run([FEED, self.home, str(SMALL)], input=b'{"event":\n' + json.dumps(
            record(1)).encode() + b"\n", capture_output=True, check=False)
        self.assertEqual(done.returncode, 0)
        run = self.alerts(status=3, err=None)
        self.assertIn("record 1: ", run.err)
        self.assertEqual(len(run.out.splitlines()), 1)


class Following(Journal):
    def setUp(self):
        super().setUp()
        self.feed([record(1)])
        self.came = b"" # of the one that follows, not looked at yet
        self.writer = subprocess.Popen([FEED, self.home, str(SMALL)], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE)
        self.addCleanup(self.end, self.writer)

    def end(self, process):
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe:
                pipe.close()

    def append(self, *numbers):
        for number in numbers:
            self.writer.stdin.write(json.dumps(record(number)).encode() + b"\n.\n")
        self.writer.stdin.flush()
        for _ in numbers:
            last = self.writer.stdout.readline()
        return int(last)

    def follow(self, *words):
        process = subprocess.Popen([binary(), "alerts", *self.settings, "--follow", *words],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(self.end, process)
        return process

    def next(self, process):
        while b"\n" not in self.came:
            ready, _, _ = select.select([process.stdout], [], [], 30)
            self.assertTrue(ready, "nothing came")
            self.came += os.read(process.stdout.fileno(), 65536)
        line, _, self.came = self.came.partition(b"\n")
        return json.loads(line)["n"]

    def test_through_rotation_until_interrupted(self):
        process = self.follow()
        self.assertEqual(self.next(process), 1)
        for number in range(2, 40):
            self.append(number)
            self.assertEqual(self.next(process), number)
        self.assertGreater(len(os.listdir(self.segments)), 10)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(30), 0)
        self.assertEqual(process.stderr.read(), b"")

    def test_deleted_under_it(self):
        process = self.follow()
        self.assertEqual(self.next(process), 1)
        process.send_signal(signal.SIGSTOP)
        self.append(*range(2, 30))
        for name in sorted(os.listdir(self.segments))[:5]:
            os.unlink(os.path.join(self.segments, name))
        process.send_signal(signal.SIGCONT)
        numbers = [self.next(process)]
        while numbers[-1] != 29:
            numbers.append(self.next(process))
        gap = next(i for i in range(1, len(numbers)) if numbers[i] != numbers[i - 1] + 1)
        self.assertEqual(numbers[gap:], list(range(numbers[gap], 30)))
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(30), 3)
        self.assertIn(f"records {numbers[gap - 1] + 1} to {numbers[gap] - 1} are missing",
                      process.stderr.read().decode())

    def test_its_reader_goes(self):
        process = self.follow()
        self.assertEqual(self.next(process), 1)
        process.stdout.close()
        self.assertEqual(process.wait(30), 0) # though nothing more is written
        self.assertEqual(process.stderr.read(), b"")

    def place_is(self, place, sequence):
        if not os.path.exists(place):
            return False
        with open(place, encoding="ascii") as file:
            return file.read() == f"weir-alerts 1 {sequence}\n"

    def test_position(self):
        place = self.path("place")
        process = self.follow("--position", place)
        self.append(2, 3)
        self.assertEqual([self.next(process) for _ in range(3)], [1, 2, 3])
        end = time.monotonic() + 30
        while not self.place_is(place, 3):
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)
        process.kill()
        self.append(4)
        self.assertEqual(self.numbers("--position", place), [4])


class Terminal(Journal):
    def test_nothing_a_terminal_obeys(self):
        self.feed([record(1, message="a\x7fb\x9bc")])
        leader, follower = pty.openpty()
        process = subprocess.Popen([binary(), "alerts", "--format", "ecs", *self.settings],
                                   stdout=follower)
        os.close(follower)
        shown = b""
        while b"\n" not in shown:
            shown += os.read(leader, 4096)
        self.assertEqual(process.wait(30), 0)
        os.close(leader)
        self.assertNotIn(b"\x7f", shown)
        self.assertNotIn(b"\xc2\x9b", shown)


if __name__ == "__main__":
    main()
