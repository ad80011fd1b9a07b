#!/usr/bin/env python3
"""What zones and destinations usually send in an hour, as GET /v1/now says it: four weeks of a site with two zones are
learned by a replay, put where a sensor keeps them, and its bands are held against a computation from what was sent."""

import calendar
import math
import os
import time

import livetest
import weirtest
from livetest import SERVER, Sensor, client_and_server, require, until
from weirtest import RedisServer, conversation, pcap

NS, HOURS, LEAST = 10**9, 28 * 24, 20
FAR, FAR6 = ("198.51.100.77", 443), ("2001:db8:f::77", 443)
CONFIG = """site: {timezone: UTC, work_hours: "08-18"}
networks:
  inside: [10.0.0.0/8, "fd00::/8"]
  zones:
    - {name: office, level: 4, nets: [10.4.0.0/16, "fd00:4::/32"]}
    - {name: plant, level: 2, nets: [10.2.0.0/16]}
    - {name: visitors, level: 5, nets: [10.1.0.0/16]}
"""
# zone, host, where to, bytes in an hour
HOSTS = (("office", "10.4.0.1", FAR, lambda hour: 3000 + hour % 13 * 400),
         ("office", "fd00:4::9", FAR6, lambda hour: 1000 + hour % 5 * 300),
         ("plant", "10.2.0.1", FAR, lambda hour: 500 + hour % 7 * 100))


def class_of(hour):
    at = time.gmtime(hour * 3600)
    kind = "work" if 8 <= at.tm_hour < 18 else "shoulder" if 6 <= at.tm_hour < 20 else "night"
    return f"{'weekend' if at.tm_wday >= 5 else 'weekday'}_{kind}"


def floor_of(part):
    """The smallest number of bytes in this bin of a quarter octave."""
    return math.ceil(2 ** (part / 4)) - 1


def bin_of(count):
    part = int(4 * math.log2(count + 1))
    return part + 1 if floor_of(part + 1) <= count else part


def band(sums, now_hour):
    """Of hour → bytes: from the bin up to which 5 % lie to the end of that up to which 95 % do. A week's weight halves in
    four; of the weeks before the newest two some are joined, as
    docs/baselines.md says."""
    newest = max(sums) // 168

    def weight(hour):
        week = hour // 168
        if week // 8 < newest // 8:
            week = week // 8 * 8 + 4
        elif week // 2 < newest // 2:
            week |= 1
        return 2 ** (-max(0, now_hour // 168 - week) / 4)

    def quantile(share):
        left = share * sum(map(weight, sums))
        for hour in sorted(sums, key=sums.get):
            left -= weight(hour)
            if left <= 1e-9:
                return bin_of(sums[hour])
        raise AssertionError("no such share")
    return [floor_of(quantile(0.05)), floor_of(quantile(0.95) + 1)]


class Bands(weirtest.Case):
    def setUp(self):
        super().setUp()
        require(self, "ethtool", "curl")
        self.client, self.server = client_and_server(self)
        os.chmod(self.home, 0o755)
        os.chmod(self.write("weir.yaml", CONFIG), 0o644)

    def learn(self):
        """→ what zones and the destination got, by hour."""
        sums, packets = {"office": {}, "plant": {}, "198.51.100.0/24": {}}, []
        end = self.hour = int(time.time()) // 3600
        for hour in range(end - HOURS, end):
            for n, (zone, host, to, count) in enumerate(HOSTS):
                packets += conversation((hour * 3600 + 60 * n) * NS, (host, 20000 + hour % 40000), to, bytes(count(hour)))
                for of in (zone, *(["198.51.100.0/24"] if to is FAR else [])):
                    sums[of][hour] = sums[of].get(hour, 0) + count(hour)
        # An hour is closed by what comes two minutes behind it.
        packets += conversation((end * 3600 + 180) * NS, ("10.1.0.9", 20000), FAR, b"x")
        self.replay("--online", "-c", self.path("weir.yaml"), "--save-baseline", self.path("base"),
                    self.write("weeks.pcap", pcap(packets)))
        return sums

    def now(self, sensor):
        said = sensor.get("/v1/now")
        return said if said and said.get("hour") and said["destinations"] else None

    def is_over(self, said):
        """The hour that was learned for: another one has other bands."""
        return calendar.timegm(time.strptime(said["hour"]["starts"][:19], "%Y-%m-%dT%H:%M:%S")) // 3600 != self.hour

    def assert_bands(self, said, sums):
        hour = self.hour
        self.assertEqual(said["hour_class"], class_of(hour))
        self.assertEqual(said["expected_hours_least"], LEAST)
        rows = {**{row["zone"]: row for row in said["zones"]}, **{row["destination"]: row for row in said["destinations"]}}
        for name, all_of in sums.items():
            of = {at: count for at, count in all_of.items() if class_of(at) == class_of(hour)}
            row = rows[name]
            self.assertEqual(row["expected_hours"], len(of), name)
            self.assertGreaterEqual(len(of), LEAST)
            self.assertEqual([row["expected_low"], row["expected_high"]], band(of, hour), name)
        self.assertIsNone(rows["visitors"]["expected_low"])
        self.assertEqual(rows["visitors"]["expected_hours"], 0)
        self.assertEqual(said["expected_why"], "fewer than 20 whole hours like this one are known")
        self.assertEqual((rows["plant"]["out_bytes_hour"], rows["plant"]["hosts"]), (0, 0))

    def test_against_what_was_sent(self):
        if not self.holds(self.path("first")): # an hour ended meanwhile
            self.assertTrue(self.holds(self.path("second")))

    def holds(self, folder):
        sums = self.learn()
        server = RedisServer()
        self.addCleanup(server.stop)
        for path in (server.folder, server.url.removeprefix("unix:")):
            os.chmod(path, 0o777) # the sensor's processes are another user's
        livetest.load_baseline(server.url, self.path("base"))
        words = ("-c", self.path("weir.yaml"), "-i", "s0", "--set", "redis.url=" + server.url)
        for _ in range(2): # and so after a restart, out of its checkpoint
            sensor = Sensor(self, self.server, *words, folder=folder)
            self.client.run("curl", "-sf", "-o", "/dev/null", "-d", "x" * 5000, f"http://{SERVER}/1000")
            said = until("what leaves now", lambda: self.now(sensor), every=0.5)
            sensor.stop()
            if self.is_over(said):
                return False
            self.assert_bands(said, sums)
        return True


if __name__ == "__main__":
    weirtest.main()
