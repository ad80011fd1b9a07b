#!/usr/bin/env python3
"""weir fleet: how the sensors of a store stand, as it is written there by hand: who works, who is waited for,
who is passed over, what is not closed; for people and for programs; and what is no entry of a sensor's."""

import json
import time

import weirtest
from weirtest import Case, RedisClient, RedisServer, complaint, weir

HOUR_MS = 3600 * 1000


class Fleet(Case):
    @classmethod
    def setUpClass(cls):
        cls.redis = RedisServer()
        cls.addClassCleanup(cls.redis.stop)

    def setUp(self):
        super().setUp()
        with RedisClient(self.redis.url) as client:
            client("FLUSHALL")
        # An hour is due two minutes after its end: not just while the test runs.
        while (time.time() - 120) % 3600 > 3540:
            time.sleep(1)
        self.now = int(time.time() * 1000)
        self.due = (self.now - 120 * 1000) // HOUR_MS - 1

    def put(self, *words):
        with RedisClient(self.redis.url) as client:
            client(*map(str, words))

    def put_sensor(self, name, complete, silent_s=1, since_s=60):
        entry = f"{complete} {self.now - silent_s * 1000} {self.now - since_s * 1000} {name} 1 2"
        self.put("HSET", "weir:sensors", name, entry)

    def put_fleet(self):
        self.put_sensor("core-1", self.due)
        self.put_sensor("north-1", self.due - 1)
        self.put_sensor("north-2", self.due - 3, since_s=2 * 3600)
        self.put_sensor("south\n1", "", silent_s=600)
        self.put("HSET", "weir:sensors", "rubbish", "what is this")
        self.put("HSET", "weir:clocks", "core-1", -120, "north-2", 7230500, "south\n1", "noon")
        self.put("HSET", "weir:fleet", "closed", self.due - 2, "edits", 3)
        self.put("SET", "weir:closer", "core-1 77 5")
        for hour, hosts in ((self.due - 2, 9), (self.due - 1, 3), (self.due, 2), (self.due + 1, 1)):
            self.put("SADD", f"weir:hour:{hour}", *(f"10.0.0.{i}" for i in range(hosts)))
        self.put("HSET", "weir:forgotten", "10.0.0.9", "5 1")
        self.put("SET", "weir:forgets", 5)
        self.put("HSET", "weir:taken", "core-1", 5)

    def ask(self, *words, status=0, url=None):
        run = weir("fleet", *words, "--set", f"redis.url={url or self.redis.url}", "--set", "site.timezone=UTC",
                   "--set", f"sensor.state_dir={self.home}")
        self.assertEqual(run.status, status, run)
        return run

    def objects(self, verb):
        return [json.loads(line) for line in self.ask(verb, "--json").out.splitlines()]

    def test_status(self):
        self.put_fleet()
        (status,) = self.objects("status")
        self.assertEqual(status["sensors"], {"at_work": 1, "behind": 1, "stuck": 1, "silent": 1, "more": 0})
        self.assertEqual((status["closed"]["hour"], status["due"]["hour"], status["hours_behind"]),
                         (self.due - 2, self.due, 2))
        self.assertEqual((status["waits_for"], status["without"]), (["north-1", "north-2"], ["south\n1"]))
        self.assertEqual((status["closer"], status["tables_edits"], status["forgotten"]), ("core-1", 3, 1))
        out = self.ask("status").out
        for line in ("sensors    1 at work, 1 behind, 1 stuck, 1 silent", "waits for  north-1, north-2", "without    south?1", "closing    core-1",
                     "tables     changed by hand 3 times", "forgotten  1 host that not all sensors have dropped yet"):
            self.assertIn(line, out.splitlines())
        self.assertRegex(out, r"(?m)^hours      closed through \d\d-\d\d \d\d:00; 2 more are over$")
        self.assertNotIn("south\n1", out) # a name makes no line

    def test_sensors(self):
        self.put_fleet()
        sensors = {one["sensor"]: one for one in self.objects("sensors")}
        self.assertEqual({name: one["state"] for name, one in sensors.items()},
                         {"core-1": "at work", "north-1": "behind", "north-2": "stuck", "south\n1": "silent"})
        self.assertEqual([sensors[name]["hours_behind"] for name in ("core-1", "north-1", "north-2")], [0, 1, 3])
        self.assertIsNone(sensors["south\n1"]["complete"])
        self.assertEqual((sensors["core-1"]["forgets"], sensors["north-1"]["forgets"]), (False, True))
        self.assertGreaterEqual(sensors["south\n1"]["silent_ms"], 600000)
        self.assertEqual([sensors[name]["clock_ahead_ms"] for name in ("core-1", "north-1", "north-2", "south\n1")],
                         [-120, None, 7230500, None])
        lines = self.ask("sensors").out.splitlines()
        self.assertEqual([line.split()[0] for line in lines[:4]], ["SENSOR", "core-1", "north-1", "north-2"])
        self.assertEqual(len(lines), 5)
        self.assertRegex(lines[3], r" \+7230\.5 s  has hosts to forget$")

    def test_lag(self):
        self.put_fleet()
        lag = [(one["hour"] - self.due, one["hosts"], one["due"], one["waits_for"], one["without"])
               for one in self.objects("lag")]
        self.assertEqual(lag, [(-1, 3, True, ["north-2"], ["south\n1"]),
                               (0, 2, True, ["north-1", "north-2"], ["south\n1"]), (1, 1, False, [], [])])
        lines = self.ask("lag").out.splitlines()
        self.assertRegex(lines[1], r" 3  north-2; without south.1$")
        self.assertRegex(lines[2], r" 2  north-1, north-2; without south.1$")
        self.assertRegex(lines[3], r" 1  open$")

    def test_more_than_are_listed(self):
        self.put_fleet()
        entries = [word for n in range(5000) for word in
                   (f"more-{n}", f"{self.due} {self.now - 1000} {self.now - 60000} more-{n} 1 2")]
        self.put("HSET", "weir:sensors", *entries)
        more = 5004 - 4096
        self.assertEqual([one["more"] for one in self.objects("lag")], [more] * 3)
        self.assertEqual(self.ask("lag").out.splitlines()[-1],
                         f"of 4096 sensors; {more} more are not listed, and may be waited for")

    def test_who_waited_long_enough(self):
        self.put_fleet()
        self.put_sensor("core-1", self.due - 1, since_s=11 * 60)
        self.assertEqual([(one["waits_for"], one["without"]) for one in self.objects("lag")],
                         [([], ["north-2", "south\n1"]), (["core-1", "north-1", "north-2"], ["south\n1"]), ([], [])])
        self.assertRegex(self.ask("lag").out, r"(?m) 3  nobody is waited for; without north-2, south.1$")
        self.put_sensor("core-1", self.due, since_s=11 * 60)
        self.assertNotIn("waits for  ", self.ask("status").out)
        self.put_sensor("core-1", self.due + 24, since_s=11 * 60) # its clock is ahead: it closes nothing without them
        self.assertIn("waits for  north-1, north-2\n", self.ask("status").out)
        self.put_sensor("core-1", self.due, since_s=60)
        self.put("HSET", "weir:fleet", "closed", self.due) # there is nothing left to wait for
        (status,) = self.objects("status")
        self.assertEqual((status["waits_for"], status["without"]), ([], ["north-1", "north-2", "south\n1"]))

    def test_a_name_is_no_order_to_a_terminal(self):
        self.put("SET", "weir:closer", "me\x1b[2J\nhours      all 77 5")
        out = self.ask("status").out
        self.assertNotIn("\x1b", out)
        self.assertIn("closing    me?[2J?hours      all", out)

    def test_nobody(self):
        (status,) = self.objects("status")
        self.assertEqual((status["closed"], status["closer"], status["hours_behind"]), (None, None, 0))
        self.assertIn("sensors    none", self.ask("status").out)
        self.assertEqual(self.ask("lag").out.splitlines()[1:], ["nothing waits to be closed"])

    def test_what_makes_no_sense(self):
        self.put("HSET", "weir:fleet", "closed", "a while ago")
        self.assertIn("redis", complaint(self.ask("status", status=1)))
        self.assertIn("expected no argument", complaint(self.ask("status", "north-1", status=2)))
        self.assertIn("unknown verb", complaint(self.ask("dance", status=2)))
        self.ask("status", status=1, url="unix:/nowhere/redis.sock")


if __name__ == "__main__":
    weirtest.main()
