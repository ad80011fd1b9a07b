#!/usr/bin/env python3
"""Stage of tests/run --long: SIGKILL at random instants, of any process of a sensor, while alerts flow.

    bus_kills.py [--kills 100]

The courier, the engine, a capture process, or the supervisor and so all of them. What was seen in the
journal at any time is there at the end, once; every sink (files, a subscriber, syslog, a webhook, Redis) has all
of it, in order, and what came again is the same line; no host's first alert was told twice under two ids.

An engine is spared for a while after a death (a log that ended three starts is set aside: checkpoint.h).
By default the release build's program is used."""

import argparse
import collections
import json
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden"))

import weirtest # noqa: E402
from livetest import Sensor, read, until # noqa: E402
from test_live_courier import Couriers # noqa: E402

os.environ.setdefault("WEIR_BINARY", os.path.join(weirtest.SOURCE, "build", "release", "weir"))
ENGINE_HEALTHY_S = 7.0 # engine/checkpoint.h: CHECKPOINT_HEALTHY_NS, and a start
CALM_S = {"engine": ENGINE_HEALTHY_S, "all": 25, "courier": 0,
          "capture": 25} # what it had not reported is lost, so that nothing would be told
PARTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "busparts.py")
KINDS = ("courier",) * 10 + ("capture",) * 2 + ("engine",) * 4 + ("all",)
given = None


class Kills(Couriers):
    def test_kills(self):
        self.chance, self.died = random.Random(given.seed), dict.fromkeys(KINDS, time.monotonic())
        self.killed, self.seen = collections.Counter(), {}
        self.begin("a", "b", *self.others())
        self.others_begin()
        self.until_alerts_flow()
        while self.killed.total() < given.kills:
            time.sleep(self.chance.random())
            self.one_more()
            self.look()
        self.hush()
        self.sensor.ready()
        self.until_delivered()
        self.look()
        until("the subscriber has all", lambda: len(set(read(self.heard).split())) >= len(self.seen), 60)
        self.sensor.stop() # what was told meanwhile is delivered: 2 s
        self.judge(self.check_others_too(self.sensor.journal()))

    def others(self):
        """The other ends are never killed."""
        self.hooks, self.messages, self.heard = self.path("hooks"), self.path("messages"), self.path("heard")
        self.tap.start("redis-server", "--port", "7000", "--bind", "127.0.0.1", "--save", "")
        self.tap.start(sys.executable, os.path.join(weirtest.SOURCE, "tests/unit/bus/webhook_server.py"), "7001",
                       self.hooks)
        self.tap.start(sys.executable, PARTS, "syslog", "7002", self.messages)
        return ("redis", "{type: webhook, url: 'http://127.0.0.1:7001/ok', batch: 10}",
                "{type: syslog, port: 7002, format: ecs}", f"{{type: unix, path: {self.path('sinks')}/u.sock, mode: '0666'}}")

    def others_begin(self):
        self.tap.start(sys.executable, PARTS, "subscriber", self.path("sinks") + "/u.sock", self.heard, "60")

    def check_others_too(self, raised):
        ids = [json.loads(line)["event"]["id"] for line in raised]
        told = self.tap.run("redis-cli", "--raw", "-p", "7000", "XRANGE", "told", "-", "+").decode().splitlines()
        self.assertEqual([line for line in told if line.startswith("{")], raised, "redis: exactly once")
        messages, heard = read(self.messages).split(), read(self.heard).split()
        self.assertEqual(list(dict.fromkeys(messages)), ids, "syslog")
        once = list(dict.fromkeys(heard)) # the sensor's end may come before its last lines: it would ask again
        self.assertEqual(once, ids[:len(once)], "a subscriber")
        self.assertGreaterEqual(set(once), set(self.seen))
        return [self.check(self.hooks), len(messages) - len(ids), len(heard) - len(once)]

    def one_more(self):
        kind = self.chance.choice(KINDS)
        status = self.sensor.status()
        if status is None or time.monotonic() - self.died[kind] < CALM_S[kind]:
            return
        pid = status["capture"][0]["pid"] if kind == "capture" else \
            self.sensor.process.pid if kind == "all" else status[kind]["pid"]
        if not pid or not os.path.exists(f"/proc/{pid}"):
            return # it died a moment ago
        if kind == "all":
            self.begin_anew([status[role]["pid"] for role in ("engine", "courier")])
        else:
            self.sensor.kill(pid)
        for one in KINDS if kind == "all" else (kind,):
            self.died[one] = time.monotonic()
        self.killed[kind] += 1

    def begin_anew(self, pids):
        self.sensor.process.kill()
        self.sensor.process.wait()
        for pid in pids: # the engine leaves a checkpoint
            until("the end of all", lambda p=pid: "--role" not in read(f"/proc/{p}/cmdline"), 20)
        self.sensor = Sensor(self, self.tap, "-c", self.config, folder=self.sensor.home)

    def look(self):
        """What is in the journal now, by id."""
        for line in self.sensor.journal():
            self.seen.setdefault(json.loads(line)["event"]["id"], line)

    def judge(self, others):
        raised = self.sensor.journal()
        self.assertEqual(set(self.seen.values()) - set(raised), set(), "gone from the journal")
        again = [self.check(self.file(name)) for name in ("a", "b")]
        again.append(self.check(os.path.join(self.sensor.out, "alerts.ndjson")))
        first = collections.Counter()
        for alert in map(json.loads, raised):
            if alert.get("rule", {}).get("id") == "test.talk" and alert["weir"]["state"] == "open":
                first[alert["source"]["ip"], alert["destination"]["ip"]] += 1
        twice = {pair: count for pair, count in first.items() if count > 1}
        self.assertEqual(twice, {}, "one alert, two ids")
        print(f"{dict(self.killed)} killed; {len(raised)} lines in the journal, {len(first)} hosts; "
              f"came again: files {again}, webhook, syslog, subscriber {others}, redis 0", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=8)
    given, sys.argv[1:] = parser.parse_known_args()
    weirtest.main()
