#!/usr/bin/env python3
"""A stage of tests/run --long: the private redis-server is stopped (SIGSTOP) for ten minutes under a live
sensor with 5,000 active hosts, while some of them upload what must be told.

    WEIR_AWAY_SECONDS (600)   how long
    WEIR_AWAY_HOSTS   (5000)  active hosts

Then: every upload is one incident, told once, whether the server was there or not; the engine is the same
process, and its memory does not grow with the time away; once the server is back nothing is left of the
spool, and what it holds of every host is what that host sent.

By default the release build's program is used (memory under a sanitizer is the sanitizer's)."""

import collections
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden"))

import weirtest # noqa: E402
from livetest import SERVER, Sensor, Space, address, read, require, until, wire # noqa: E402

os.environ.setdefault("WEIR_BINARY", os.path.join(weirtest.SOURCE, "build", "release", "weir"))
AWAY_S = float(os.environ.get("WEIR_AWAY_SECONDS", "600"))
HOSTS = int(os.environ.get("WEIR_AWAY_HOSTS", "5000"))
PERIOD_S = 10.0 # each host speaks once in it
UP = 300 # bytes, each time (liveparts.py)
REPORT_S = 10 # a flow reports at the latest so long after a packet (flow/table.c)
UPLOADS = 12 # before, while and after
MIB = 1 << 20


class Away(weirtest.Case):
    def begin(self):
        require(self, "ethtool", "redis-server")
        self.client, self.server = Space(self, "client"), Space(self, "server")
        wire(self.client, "c0", self.server, "s0")
        self.uploaders = [f"10.1.0.{n}" for n in range(1, 3 * UPLOADS + 1)]
        for own in self.uploaders:
            address(self.client, "c0", own, SERVER)
            address(self.server, "s0", SERVER, own)
        self.server.part("web", "80")
        self.sensor = Sensor(self, self.server, "-i", "s0", "--inside", "10.0.0.0/8")
        self.began = time.time()
        self.body = b"".join(b"user%06d@example.co.jp\n" % n for n in range(2_000))
        self.write("body", self.body)
        self.crowd = self.client.part("crowd", "c0", HOSTS, PERIOD_S, AWAY_S + 300, self.path("rounds"))
        self.told_late = []

    def upload(self, seconds):
        """UPLOADS further clients, spread over `seconds`; how long the engine took, resident, meanwhile."""
        sizes, end = [], time.monotonic() + seconds
        for n in range(UPLOADS):
            own = self.uploaders.pop(0)
            self.client.start("curl", "-sf", "-o", "/dev/null", "--interface", own, "--data-binary",
                              "@" + self.path("body"), f"http://{SERVER}/up")
            time.sleep(max(0, end - time.monotonic()) / (UPLOADS - n))
            sizes.append(self.engine_kib())
        return sizes

    def engine(self):
        return until("the engine", self.sensor.status)["engine"]["pid"]

    def engine_kib(self):
        text = read(f"/proc/{self.engine()}/status")
        return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("RssAnon"))

    def redis_pid(self):
        words = subprocess.run(["ps", "-o", "pid=,comm=", "--ppid", str(self.sensor.process.pid)],
                               capture_output=True, text=True, check=True).stdout.split()
        return next(int(pid) for pid, name in zip(words[::2], words[1::2]) if name.startswith("redis"))

    def redis(self):
        return until("a status", self.sensor.status)["redis"]

    def test_stopped(self):
        self.begin()
        until("the crowd", lambda: self.sensor.ready()["engine"]["records"] > 2 * HOSTS, 120)
        engine, before = self.engine(), self.upload(40)
        server = self.redis_pid()
        os.kill(server, signal.SIGSTOP)
        stopped = time.time()
        try:
            during = self.upload(AWAY_S)
            away = self.redis()
        finally:
            os.kill(server, signal.SIGCONT)
        continued = time.time()
        self.assertEqual(away["state"], "away", away)
        back = until(lambda: f"redis again\n{self.redis()}\n{read(self.sensor.log)}", lambda:
                     (now := self.redis())["state"] == "ready" and not now["behind"] and now, 60)
        drained = time.time() - continued
        known = self.known_to_redis()
        after = self.upload(20)
        time.sleep(REPORT_S + 2)
        self.assertEqual(self.engine(), engine, read(self.sensor.log))
        print(f"{HOSTS} hosts, redis-server stopped for {continued - stopped:.0f} s: {away['why']}; "
              f"{away['host_hours_open']} host-hours in the spool, drained {drained:.1f} s after its return",
              flush=True)
        self.check_memory(before, during, after)
        self.check_totals(known, continued)
        self.crowd.terminate()
        drops = self.sensor.ready()["capture"][0]["kernel_drops"]
        self.sensor.stop()
        self.check_alerts()
        self.assertLessEqual(back["hours_open"], 2, back)
        self.assertEqual((back["hours_unlearned"], drops), (0, 0))

    def check_memory(self, before, during, after):
        """Of the time away the second half costs what the first did: nothing is kept for each event."""
        half = len(during) // 2
        print(f"engine: {max(before)} KiB before, {max(during[:half])} and {max(during[half:])} while it was "
              f"away, {max(after)} after", flush=True)
        self.assertLessEqual(max(during[half:]), 1.1 * max(during[:half]) + 16 * 1024)

    def known_to_redis(self):
        """host → out bytes of all its open hours, as the server has them."""
        known = collections.Counter()
        with weirtest.RedisClient("unix:" + os.path.join(self.sensor.state, "redis", "redis.sock")) as ask:
            cursor = b"0"
            while True:
                cursor, keys = ask("SCAN", cursor, "MATCH", "weir:{10.2.*}:open:*", "COUNT", "1000")
                for key in keys:
                    host = key.decode().partition("{")[2].partition("}")[0]
                    known[host] += sum(int(numbers.split()[0]) for numbers in ask("HVALS", key))
                if cursor == b"0":
                    return known

    def check_totals(self, known, at):
        """By then the server has all that was reported; a round is reported REPORT_S after it."""
        rounds = [tuple(map(float, line.split())) for line in read(self.path("rounds")).splitlines()]
        if int(self.began - 120) // 3600 != int(time.time() - 120) // 3600:
            print("an hour was closed meanwhile: its totals are learned, and not compared", flush=True)
            return
        least = sum(end < at - REPORT_S - 5 for _, end in rounds) * UP
        most = (sum(begin < time.time() for begin, _ in rounds) + 1) * UP
        self.assertEqual(len(known), HOSTS)
        print(f"{HOSTS} hosts sent {least} to {most} bytes each; the server knows of {min(known.values())} "
              f"to {max(known.values())}", flush=True)
        self.assertGreaterEqual(min(known.values()), least)
        self.assertLessEqual(max(known.values()), most)

    def check_alerts(self):
        told = self.sensor.alerts("content.personal")
        ids = [alert["event"]["id"] for alert in self.sensor.alerts()]
        self.assertEqual(len(ids), len(set(ids)), "alerts that were told twice")
        hosts = {alert["source"]["ip"] for alert in told}
        self.assertEqual(hosts, {f"10.1.0.{n}" for n in range(1, 3 * UPLOADS + 1)})
        print(f"{3 * UPLOADS} uploads, {len(hosts)} told of; {len(ids)} alerts in all, none twice", flush=True)


if __name__ == "__main__":
    weirtest.main()
