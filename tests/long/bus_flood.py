#!/usr/bin/env python3
"""Stage of tests/run --long: a live sensor that raises as many alerts as it can in a minute, into six sinks.

    bus_flood.py [--pairs 50000] [--rate 1000] [--turns 3]

A file, a subscriber of a unix socket, and a syslog receiver are well; a Redis is killed in the middle and
comes back; a webhook answers half of the requests with 500; a mail server takes connections and says nothing.
Every alert of the journal is at each of the five that live, once and in order (that the Redis has nothing twice,
too, is its entries' ids: docs/alerts.md). Packets are not lost, and memory stays within bounds.

Then the same, smaller traffic in turn without a sink and with the six: what sinks cost the engine, as the time
from an alert's own (packet) time until it is durable in the journal.

By default the release build's program is used."""

import argparse
import datetime
import glob
import os
import re
import statistics
import struct
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "golden"))

import livetest # noqa: E402
import weirtest # noqa: E402
from livetest import Sensor, Space, read, require, until, wire # noqa: E402
from weirtest import Case # noqa: E402

os.environ.setdefault("WEIR_BINARY", os.path.join(weirtest.SOURCE, "build", "release", "weir"))
PARTS = os.path.join(HERE, "busparts.py")
PER_PAIR = 2          # rules that each pair matches
HOSTS = 500
REPORT_S = 10         # flow/table.h: a flow is told of so long after its first packet
LOOK_S = 0.005        # how often the journal's mark is looked at
RATIO_MAX = 3.0       # with sinks, of without: on two shared cores, where the sinks' other ends run too
COURIER_MIB = 256     # six windows of 4 MiB and a line, 1 MiB of a subscriber, libraries, what malloc keeps
RULES = "".join(f"""- rule: test.{name}
  name: They talk
  condition: remote_port = 9999
  severity: 60
  rate_limit: 100000 per day
  sees: Any.
  false_alarms: None.
""" for name in ("a", "b"))
SINKS = """alerts:
  sinks:
    - {{type: file, path: {home}/sinks/a.ndjson}}
    - {{type: unix, path: {home}/sinks/a.sock, mode: "0666"}}
    - {{type: syslog, port: 6010, format: ecs, settle_ms: 100}}
    - {{type: redis, url: "redis://127.0.0.1:7000", key: told, max_entries: 10000000}}
    - {{type: webhook, url: "http://127.0.0.1:8000/", batch: 1000}}
    - {{type: mail, url: "smtp://127.0.0.1:2500", from: a@example.com, to: [b@example.com], starttls: never}}
"""
IDS = re.compile(r'"event":\{[^{}]*"id":"([^"]+)"')
LIVING = ("file", "unix", "syslog", "redis", "webhook")
given = None


def durable(file):
    """The journal's mark: alert/mark.c."""
    mark = os.pread(file, 24, 0)
    return struct.unpack_from("<Q", mark, 8)[0] if len(mark) == 24 else 0


def rss_mib(pid):
    found = re.search(r"VmRSS:\s*(\d+) kB", read(f"/proc/{pid}/status"))
    return int(found.group(1)) / 1024 if found else 0.0


class Watch:
    """While a sensor works: when each sequence number became durable, and how much memory it took."""

    def __init__(self, test, sensor):
        status = sensor.ready(2)
        self.pids = {role: status[role]["pid"] for role in ("engine", "courier")}
        self.marks, self.most_mib, self.over = [], dict.fromkeys(self.pids, 0.0), threading.Event()
        self.file = os.open(os.path.join(sensor.state, "journal", "durable"), os.O_RDONLY)
        self.first = durable(self.file)
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        test.addCleanup(self.stop)

    def run(self):
        last, looked = self.first, 0
        while not self.over.wait(LOOK_S):
            now = durable(self.file)
            if now > last:
                self.marks.append((time.time(), now))
                last = now
            looked += 1
            if looked % 50 == 0:
                for role, pid in self.pids.items():
                    self.most_mib[role] = max(self.most_mib[role], rss_mib(pid))

    def last(self):
        return self.marks[-1][1] if self.marks else self.first

    def stop(self):
        if not self.over.is_set():
            self.over.set()
            self.thread.join()
            os.close(self.file)


class Flooded(Case):
    """A sensor of two workers, and the other ends of its sinks."""

    more = "" # of the configuration

    def setUp(self):
        super().setUp()
        require(self, "ethtool", "redis-server")
        self.began = 0
        os.chmod(self.home, 0o755)
        self.peer, self.tap = Space(self, "peer"), Space(self, "tap")
        wire(self.peer, "p0", self.tap, "tap0", arp=False)
        self.write("rules.yaml", RULES)

    def part(self, space, *words):
        process = space.start(sys.executable, PARTS, *words, stdout=livetest.subprocess.PIPE, stderr=None)
        if process.stdout.readline() != b"ready\n":
            raise AssertionError(f"{words}: did not come up")
        return process

    def log(self, name):
        return os.path.join(self.folder, "sinks", name)

    def ids(self, name):
        return read(self.log(name)).split()

    def begin(self, sinks):
        """A sensor of its own, its folder, and what it tells."""
        self.began += 1
        self.folder = self.path(f"run{self.began}")
        for path in (self.folder, self.log(""), self.log("redis")):
            os.mkdir(path)
            os.chmod(path, 0o777) # the sensor's processes are another user's
        self.config = self.write(f"weir{self.began}.yaml",
                                 "capture: {interfaces: [{name: tap0}], workers: 2}\n"
                                 f"networks: {{inside: [10.0.0.0/8]}}\nrules: [{self.path('rules.yaml')}]\n" +
                                 (SINKS.format(home=self.folder) if sinks else "") + self.more)
        self.ends = []
        if sinks:
            self.ends = [self.part(self.tap, "syslog", 6010, self.log("syslog")),
                         self.part(self.tap, "hook", 8000, self.log("webhook")),
                         self.part(self.tap, "hanging", 2500), self.start_redis()]
        sensor = Sensor(self, self.tap, "-c", self.config, workers=2, folder=os.path.join(self.folder, "sensor"),
                        output=False)
        if sinks:
            self.ends.append(self.part(self.tap, "subscriber", self.log("a.sock"), self.log("unix")))
        return sensor

    def start_redis(self):
        server = self.tap.start("redis-server", "--port", "7000", "--bind", "127.0.0.1", "--save", "",
                                "--appendonly", "yes", "--dir", self.log("redis"))
        with self.tap:
            until("a Redis", lambda: self.redis_answers(), 60)
        return server

    def redis_answers(self):
        try:
            with weirtest.RedisClient("redis://127.0.0.1:7000") as client:
                return client("PING")
        except (OSError, AssertionError):
            return False # it is starting, or reads what it had

    def end(self, sensor):
        began = time.monotonic()
        sensor.process.terminate()
        if sensor.process.wait(60) != 0: # the last snapshot of so much is 600 MB: on a slow disk it is cut short
            self.assertIn("not all processes ended within 30 s", read(sensor.log))
        print(f"stopped, status {sensor.process.returncode}, in {time.monotonic() - began:.1f} s", flush=True)
        self.assertNotIn(" died: ", read(sensor.log))
        for process in self.ends:
            process.kill()
            process.wait()

    def send(self, pairs, rate):
        log = os.path.join(self.folder, "sent")
        self.part(self.peer, "pairs", "p0", HOSTS, pairs, rate, log)
        return log

    def drops(self, sensor):
        status = sensor.ready(2)
        return sum(one["kernel_drops"] + one["interface_drops"] for one in status["capture"])

    def until_told(self, sensor, watch, alerts, seconds):
        """All are durable, and nothing more comes."""
        until(lambda: f"{watch.last()} of {alerts} alerts\n{sensor.ask('status').stdout}\n{read(sensor.log)}",
              lambda: watch.last() - watch.first >= alerts, seconds, 0.2)

    def records(self, sensor):
        """(id, when it was decided by the packets' time) of all of the journal."""
        found = []
        for line in sensor.journal():
            time_of = re.match(r'\{"@timestamp":"([^"]+)Z"', line).group(1)
            stamp = datetime.datetime.fromisoformat(time_of + "+00:00").timestamp()
            found.append((IDS.search(line).group(1), stamp))
        return found


class Flood(Flooded):
    def test_all_at_every_living_sink(self):
        alerts = given.pairs * PER_PAIR
        sensor = self.begin(sinks=True)
        watch = Watch(self, sensor)
        idle = {role: rss_mib(pid) for role, pid in watch.pids.items()}
        sent = self.send(given.pairs, given.rate)
        for share, act in ((0.33, self.kill_redis), (0.66, self.start_redis)):
            self.until_told(sensor, watch, alerts * share, 600)
            act()
        self.until_told(sensor, watch, alerts, 600)
        self.until_delivered(sensor, alerts)
        delivered = time.time()
        watch.stop()
        self.assertEqual(self.drops(sensor), 0)
        status = sensor.ready(2)
        self.redis_ids = self.read_redis()
        self.end(sensor)
        began = watch.marks[0][0]
        told = next(at for at, last in watch.marks if last - watch.first >= alerts)
        print(f"\n{alerts} alerts durable in {told - began:.1f} s ({alerts / (told - began) * 60:.0f} a minute), "
              f"at all living sinks after {delivered - began:.1f} s; traffic (began, ended, late): "
              f"{read(sent).split()}\nresident MiB, idle and most: "
              + ", ".join(f"{role} {idle[role]:.0f}, {watch.most_mib[role]:.0f}" for role in idle), flush=True)
        self.judge(sensor, status, alerts)
        self.assertLess(watch.most_mib["courier"], COURIER_MIB)
        self.later(sensor)

    def kill_redis(self):
        self.ends[3].kill()
        self.ends[3].wait()

    def until_delivered(self, sensor, alerts):
        """The status says what the courier said a while ago: not before it knows that mail has not one of them."""
        def behind():
            sinks = {sink["type"]: sink["behind"] for sink in (sensor.status() or {"sinks": []})["sinks"]}
            return sinks.get("mail", 0) >= alerts and [sinks[name] for name in LIVING]
        until(lambda: f"delivery: {behind()}\n{sensor.ask('status').stdout}\n{read(sensor.log)[-3000:]}",
              lambda: (left := behind()) and not any(left), 600, 0.2)

    def read_redis(self):
        ids, last = [], "-"
        with self.tap, weirtest.RedisClient("redis://127.0.0.1:7000") as client:
            while entries := client("XRANGE", "told", last, "+", "COUNT", "2000"):
                for name, fields in entries:
                    line = dict(zip(fields[::2], fields[1::2]))
                    ids.append(IDS.search(line[b"line"].decode()).group(1))
                last = "(" + entries[-1][0].decode()
        return ids

    def judge(self, sensor, status, alerts):
        told = [one for one, _ in self.records(sensor)]
        self.assertEqual(len(told), len(set(told)))
        self.assertGreaterEqual(len(told), alerts)
        have = {"unix": self.ids("unix"), "syslog": self.ids("syslog"), "webhook": self.ids("webhook"),
                "redis": self.redis_ids,
                "file": IDS.findall(read(self.log("a.ndjson")))}
        for name in LIVING:
            self.assertEqual(len(have[name]), len(told), name)
            self.assertEqual(have[name], told, f"{name}: out of order")
        sink = {one["type"]: one for one in status["sinks"]}
        self.assertEqual(sink["mail"]["delivered"], 0)
        self.assertGreaterEqual(sink["mail"]["behind"], alerts)
        self.assertGreater(sink["redis"]["failures"], 0, "it was away")
        self.assertGreater(sink["webhook"]["failures"], 10, "half of its requests failed")
        print("once and in order at " + ", ".join(LIVING) + "; " +
              ", ".join(f"{name}: {one['failures']} failures" for name, one in sink.items()), flush=True)

    def later(self, sensor):
        """A segment in the middle is damaged, and a new sink is to be told all: it is told the rest."""
        segments = sorted(glob.glob(sensor.state + "/journal/*.log"))
        if len(segments) < 3:
            print("few alerts: no segment is in the middle, so none is damaged", flush=True)
            return
        whole = [one for one, _ in self.records(sensor)]
        hurt = segments[len(segments) // 2]
        with open(hurt, "r+b") as file:
            file.seek(os.path.getsize(hurt) // 2)
            file.write(bytes(100))
        self.write("weir-later.yaml", "capture: {interfaces: [{name: tap0}], workers: 2}\nnetworks: {inside: "
                   "[10.0.0.0/8]}\n" f"alerts: {{sinks: [{{type: file, name: late, begin: start, "
                   f"path: {self.log('late.ndjson')}}}]}}\n")
        sensor = Sensor(self, self.tap, "-c", self.path("weir-later.yaml"), workers=2, folder=sensor.home,
                        output=False)
        until(lambda: f"delivery\n{sensor.status()}\n{read(sensor.log)[-3000:]}", lambda:
              (one := sensor.ready(2)["sinks"][0])["behind"] == 0 and one["delivered"] > 0, 120, 0.5)
        sensor.stop()
        told = IDS.findall(read(self.log("late.ndjson")))
        known, left = set(whole), set(told)
        lost = len(known - left)
        self.assertEqual([one for one in told if one in known], [one for one in whole if one in left])
        self.assertTrue(0 < lost < 4, f"what the damage touched: {lost}")
        said = [line for line in read(sensor.log).splitlines() if hurt in line]
        self.assertEqual(len(said), 1, said)
        run = sensor.ask("alerts", "--all", "--count")
        self.assertEqual((run.returncode, run.stderr.count(hurt)), (3, 1), run)
        print(f"a damaged segment: {lost} of {len(whole)} records lost; {said[0]}", flush=True)


class Cost(Flooded):
    def test_with_and_without(self):
        found = {False: [], True: []}
        for _ in range(given.turns):
            for sinks in (False, True):
                found[sinks].append(self.measure(sinks))
        print("\nfrom an alert's packet time until it is durable, ms, a run each; no packet dropped:", flush=True)
        for place, name in enumerate(("median", "99 of 100")):
            of = {sinks: [one[place] * 1000 for one in found[sinks]] for sinks in found}
            ratio = statistics.median(of[True]) / statistics.median(of[False])
            print(f"  {name}: without sinks {[round(one) for one in of[False]]}, with six "
                  f"{[round(one) for one in of[True]]}: ratio {ratio:.2f}", flush=True)
            self.assertLess(ratio, RATIO_MAX)

    def measure(self, sinks):
        pairs, rate = 5000, 500
        sensor = self.begin(sinks)
        watch = Watch(self, sensor)
        self.send(pairs, rate)
        self.until_told(sensor, watch, pairs * PER_PAIR, 300)
        watch.stop()
        self.assertEqual(self.drops(sensor), 0)
        self.end(sensor)
        records, late, at = self.records(sensor), [], 0
        for seen, last in watch.marks:
            late += [seen - stamp for _, stamp in records[max(at, watch.first):last]]
            at = last
        late.sort()
        return late[len(late) // 2], late[len(late) * 99 // 100]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=50_000)
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--turns", type=int, default=3)
    given, sys.argv[1:] = parser.parse_known_args()
    weirtest.main()
