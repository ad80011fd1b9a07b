#!/usr/bin/env python3
"""A stage of tests/run --long: two sensors, each in a network namespace of its own, share a redis-server in
a third one. The way back from the server to one of them is cut for minutes, without a word, while the same
hosts upload past both.

    WEIR_CUT_SECONDS (240)   how long; more than the 3 minutes after which nobody waits for it

The one that is cut off says so, tells by itself what it sees, and is silent for `weir fleet`; the other one
goes on. Healed, the server has of each sensor and host to the byte what went past it: nothing is lost, and
nothing counted twice. Every upload is told by each sensor that saw it, once, and no two alerts have one id.

By default the release build's program is used."""

import collections
import json
import os
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden"))

import weirtest # noqa: E402
from livetest import SERVER, Sensor, Space, address, read, require, until, wire # noqa: E402

os.environ.setdefault("WEIR_BINARY", os.path.join(weirtest.SOURCE, "build", "release", "weir"))
CUT_S = float(os.environ.get("WEIR_CUT_SECONDS", "240"))
SILENT_S = 180 # a sensor without a sign of life for so long is silent (docs/redis.md)
UPLOADS = 6 # before, while and after
HUB = "10.9.0.1"
SIDES = ("north", "south")


class Side:
    """A link of its own: clients, a server, and a sensor beside the server that reaches the store at HUB."""

    def __init__(self, test, name, hosts):
        self.name, self.sent = name, collections.Counter()
        self.client, self.box = Space(test, f"{name}-client"), Space(test, name)
        wire(self.client, "c0", self.box, "s0")
        for own in hosts:
            address(self.client, "c0", own, SERVER)
            address(self.box, "s0", SERVER, own)
        self.box.part("web", "80")
        wire(test.hub, f"to-{name}", self.box, "r0")
        self.own = f"10.9.0.{2 + SIDES.index(name)}"
        address(self.box, "r0", self.own, HUB)
        self.join(test.hub)
        self.sensor = Sensor(test, self.box, "-i", "s0", "--inside", "10.0.0.0/8", "--set", f"sensor.name={name}",
                             "--set", f"redis.url=redis://{HUB}:6379")

    def cut(self, hub):
        """Nothing comes back, and nobody says so: what is under way is taken, and not answered."""
        hub.ip("route", "replace", "blackhole", self.own + "/32")

    def join(self, hub):
        address(hub, f"to-{self.name}", HUB, self.own)

    def upload(self, own, body):
        with self.client:
            link = socket.create_connection((SERVER, 80), source_address=(own, 0), timeout=60)
        request = (f"POST /up HTTP/1.1\r\nHost: drop.example\r\nConnection: close\r\n"
                   f"Content-Length: {len(body)}\r\n\r\n").encode() + body
        with link:
            link.sendall(request)
            while link.recv(65536):
                pass
        self.sent[own] += len(request)

    def redis(self):
        return until("a status", self.sensor.status)["redis"]


class Cut(weirtest.Case):
    def setUp(self):
        super().setUp()
        require(self, "ethtool", "redis-server")
        self.hub = Space(self, "hub")
        self.hub.start("redis-server", "--bind", "0.0.0.0", "--protected-mode", "no", "--save", "", "--dir",
                       self.home)
        self.hosts = [f"10.1.0.{n}" for n in range(1, 3 * UPLOADS + 1)]
        self.side = {name: Side(self, name, self.hosts) for name in SIDES}
        self.left = iter(self.hosts)
        self.body = b"".join(b"user%06d@example.co.jp\n" % n for n in range(2_000))

    def ask_redis(self, *words):
        with self.hub:
            client = weirtest.RedisClient(f"redis://{HUB}:6379")
        with client:
            return client(*words)

    def fleet(self):
        out = self.hub.run(weirtest.binary(), "fleet", "sensors", "--json", "--set", f"redis.url=redis://{HUB}:6379",
                           "--set", "sensor.state_dir=" + self.home)
        return {one["sensor"]: one["state"] for one in map(json.loads, out.splitlines())}

    def upload(self, seconds):
        """The next hosts, each past both sensors, spread over `seconds`."""
        end = time.monotonic() + seconds
        for n in range(UPLOADS):
            own = next(self.left)
            for side in self.side.values():
                side.upload(own, self.body)
            time.sleep(max(0, end - time.monotonic()) / (UPLOADS - n))

    def known(self):
        """sensor → host → out bytes of its open hours, as the server has them."""
        known = {name: collections.Counter() for name in SIDES}
        for key in self.ask_redis("KEYS", "weir:{10.1.*}:open:*"):
            host = key.decode().partition("{")[2].partition("}")[0]
            pairs = self.ask_redis("HGETALL", key)
            for field, numbers in zip(pairs[::2], pairs[1::2]):
                _, sensor, what = field.decode().split("|")[:3]
                if what != "inside":
                    known[sensor][host] += int(numbers.split()[0])
        return known

    def test_cut_off(self):
        began, north = time.time(), self.side["north"]
        self.upload(30)
        until("both at work", lambda: self.fleet() == {"north": "at work", "south": "at work"}, 150)
        north.cut(self.hub)
        cut = time.time()
        self.upload(CUT_S)
        away, states = north.redis(), self.fleet()
        self.assertEqual((away["state"], self.side["south"].redis()["state"]), ("away", "ready"), away)
        self.assertEqual(states, {"north": "silent" if CUT_S > SILENT_S + 65 else states["north"], "south": "at work"})
        north.join(self.hub)
        healed = time.time()
        until(lambda: f"north is back\n{north.redis()}\n{read(north.sensor.log)}", lambda:
              (now := north.redis())["state"] == "ready" and not now["behind"], 120)
        print(f"cut off for {healed - cut:.0f} s: {away['why']}; caught up after {time.time() - healed:.1f} s", flush=True)
        self.upload(20)
        self.check_totals(began)
        until("both at work again", lambda: self.fleet() == {"north": "at work", "south": "at work"}, 150)
        self.check_alerts()

    def check_totals(self, began):
        if int(began - 120) // 3600 != int(time.time()) // 3600:
            print("an hour was or is being closed meanwhile: its totals are learned, and not compared", flush=True)
            return
        expected = {name: side.sent for name, side in self.side.items()}
        until(lambda: f"what was sent\n{expected}\ninstead of\n{self.known()}", lambda: self.known() == expected, 180)
        print(f"{len(self.hosts)} hosts, {sum(expected['north'].values())} bytes past each sensor: the server has "
              "them to the byte", flush=True)

    def check_alerts(self):
        ids = []
        for name, side in self.side.items():
            side.sensor.stop()
            told = collections.Counter(alert["source"]["ip"] for alert in side.sensor.alerts("content.personal"))
            self.assertEqual(told, collections.Counter(self.hosts), name)
            ids += [alert["event"]["id"] for alert in side.sensor.alerts()]
        self.assertEqual(len(ids), len(set(ids)), "alerts with one id")
        print(f"{len(ids)} alerts, none twice", flush=True)


if __name__ == "__main__":
    weirtest.main()
