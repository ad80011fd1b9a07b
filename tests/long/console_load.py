#!/usr/bin/env python3
"""Stage of tests/run --long: what the console costs the engine, with 200 browsers that are told everything and wrk
asking as fast as it is answered.

    console_load.py [--pairs 1000] [--rate 20] [--turns 3] [--streams 200]

The same traffic and alerts in turn without the console, and with it under that load: the time from an alert's own
(packet) time until it is durable in the journal, and packets dropped. Every stream hears of every alert, and what
was refused or waited is what the sensor counted.

By default the release build's program is used."""

import argparse
import json
import os
import re
import select
import socket
import statistics
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "golden")]

import livetest # noqa: E402
import weirtest # noqa: E402
from bus_flood import PER_PAIR, Flooded, Watch # noqa: E402
from livetest import read, require, until # noqa: E402

PORT = 8477
HEAD = f"Host: 127.0.0.1:{PORT}\r\n"
RATIO_MAX = 3.0 # on two shared cores, where wrk and the browsers run too
given = None


def streams(count, cookie, path):
    """A process: so many streams, and every second into `path` how many alerts each was told."""
    line = f"GET /v1/events HTTP/1.1\r\n{HEAD}Cookie: {cookie}\r\n\r\n".encode()
    poll, told, rest = select.epoll(), {}, {}
    made = {}
    for _ in range(count):
        client = socket.create_connection(("127.0.0.1", PORT))
        client.sendall(line)
        made[client.fileno()], told[client.fileno()], rest[client.fileno()] = client, 0, b""
        poll.register(client, select.EPOLLIN)
    print("ready", flush=True)
    ended, mark, due = 0, b"event: alert\n", 0
    while True:
        for fd, _ in poll.poll(0.5):
            got = made[fd].recv(1 << 18)
            if not got:
                poll.unregister(fd)
                ended += 1
            told[fd] += (rest[fd] + got).count(mark)
            rest[fd] = got[-len(mark) + 1:]
        if time.monotonic() > due:
            due = time.monotonic() + 0.5
            with open(path + ".new", "w", encoding="ascii") as file:
                json.dump({"ended": ended, "least": min(told.values()), "most": max(told.values())}, file)
            os.replace(path + ".new", path)


class Load(Flooded):
    def setUp(self):
        super().setUp()
        require(self, "wrk")

    def test_with_and_without(self):
        found = {False: [], True: []}
        for _ in range(given.turns):
            for loaded in (False, True):
                found[loaded].append(self.measure(loaded))
        print("\nfrom an alert's packet time until it is durable, ms, a run each; no packet dropped:", flush=True)
        for place, name in enumerate(("median", "99 of 100")):
            of = {loaded: [one[place] * 1000 for one in found[loaded]] for loaded in found}
            ratio = statistics.median(of[True]) / statistics.median(of[False])
            print(f"  {name}: without the console {[round(one) for one in of[False]]}, with {given.streams} streams and wrk "
                  f"{[round(one) for one in of[True]]}: ratio {ratio:.2f}", flush=True)
            self.assertLess(ratio, RATIO_MAX)

    def begin_loaded(self, loaded):
        self.more = "console: {enabled: true}\n" if loaded else ""
        sensor = self.begin(sinks=False)
        if not loaded:
            return sensor
        token = read(sensor.log).partition("/#/login?token=")[2].split()[0]
        with self.tap, socket.create_connection(("127.0.0.1", PORT)) as client:
            body = json.dumps({"token": token})
            client.sendall(f"POST /v1/session HTTP/1.1\r\n{HEAD}Content-Type: application/json\r\nContent-Length: "
                           f"{len(body)}\r\n\r\n{body}".encode())
            reply = b"".join(iter(lambda: client.recv(65536), b"")).decode()
        cookie = re.search(r"weir_session_\d+=[0-9a-f]+", reply).group(0)
        self.told = self.path(f"told{self.began}")
        part = self.tap.start(sys.executable, os.path.abspath(__file__), "streams", given.streams, cookie, self.told,
                              stdout=livetest.subprocess.PIPE, stderr=None)
        if part.stdout.readline() != b"ready\n":
            raise AssertionError("streams: did not come up")
        self.wrk = self.tap.start("wrk", "-t", 1, "-c", 32, "-d", "600s", "-H", f"Cookie: {cookie}",
                                  f"http://127.0.0.1:{PORT}/v1/incidents?limit=50")
        self.ends += [part, self.wrk]
        until("all streams", lambda: self.console(sensor)["streams"] == given.streams)
        return sensor

    def console(self, sensor):
        return [one for one in sensor.ready(2)["api"] if one["listener"] == "console"][0]

    def measure(self, loaded):
        sensor = self.begin_loaded(loaded)
        watch = Watch(self, sensor)
        alerts = given.pairs * PER_PAIR
        self.send(given.pairs, given.rate)
        self.until_told(sensor, watch, alerts, 300)
        watch.stop()
        self.assertEqual(self.drops(sensor), 0)
        if loaded:
            until(lambda: f"every stream: {read(self.told)} {self.console(sensor)}",
                  lambda: json.loads(read(self.told))["least"] >= alerts, 60, 0.5)
            counts = self.console(sensor)
            print(f"\nconsole: {counts}; streams: {read(self.told)}", flush=True)
            self.assertEqual((counts["streams"], counts["slow"]), (given.streams, 0))
        self.end(sensor)
        records, late, at = self.records(sensor), [], 0
        for seen, last in watch.marks:
            late += [seen - stamp for _, stamp in records[max(at, watch.first):last]]
            at = last
        late.sort()
        return late[len(late) // 2], late[len(late) * 99 // 100]


if __name__ == "__main__":
    if sys.argv[1:2] == ["streams"]:
        streams(int(sys.argv[2]), sys.argv[3], sys.argv[4])
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=1000)
    parser.add_argument("--rate", type=int, default=20)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--streams", type=int, default=200)
    given, sys.argv[1:] = parser.parse_known_args()
    weirtest.main()
