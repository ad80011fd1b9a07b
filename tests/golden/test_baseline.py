#!/usr/bin/env python3
"""Baselines that outlive a replay: --save-baseline, --baseline FILE, --baseline URL.

The shipped incident is cut in two: the three weeks, and the night of the theft. The night alone, judged
by the baseline saved from the weeks, must be told as it is when both are replayed at once."""

import datetime
import os
import struct
import tempfile

import weirtest
from weirtest import NS, SHIPPED, Case, RedisClient, RedisServer, block

CONFIG = ("--online", "-c", os.path.join(SHIPPED, "projectweb.yaml"))
CAPTURE = os.path.join(SHIPPED, "projectweb.pcapng")
NIGHT_BEGINS = 1_772_377_200 * NS # 2026-03-02 00:00 in Japan: 74 minutes before the theft


def split(at_ns):
    """The shipped capture as two pcapng files: what came before `at_ns`, and the rest."""
    with open(CAPTURE, "rb") as file:
        data = file.read()
    parts, at = ([], []), 0
    while at < len(data):
        kind, size = struct.unpack_from("<II", data, at)
        one = data[at:at + size]
        if kind == 6:
            high, low = struct.unpack_from("<II", one, 12)
            parts[(high << 32 | low) >= at_ns].append(one)
        else: # sections and interfaces belong to both
            parts[0].append(one)
            parts[1].append(one)
        at += size
    return tuple(b"".join(part) for part in parts)


def judged(run):
    """What was told of the theft, and by which baseline."""
    return [(alert["@timestamp"], alert["rule"]["id"], alert["weir"]["state"],
             alert["weir"]["score"], alert["source"]["ip"], alert["weir"]["out_bytes"]["value"],
             alert["weir"]["baseline"]["state"], alert["weir"]["incident"])
            for alert in run.alerts() if alert["destination"]["ip"].startswith("203.0.113.")]


def text_of(address):
    """The address of a stored host, as text."""
    ip = weirtest.ipaddress.IPv6Address(address)
    return str(ip.ipv4_mapped or ip)


class Baselines(Case):
    @classmethod
    def setUpClass(cls):
        cls.weeks_data, cls.night_data = split(NIGHT_BEGINS)
        with tempfile.TemporaryDirectory(prefix="weir-test-") as home:
            weeks, base = os.path.join(home, "weeks.pcapng"), os.path.join(home, "weeks.base")
            with open(weeks, "wb") as file:
                file.write(cls.weeks_data)
            run = weirtest.weir("replay", "-q", *CONFIG, "--save-baseline", base, weeks)
            if run.status != 0:
                raise AssertionError(str(run))
            with open(base, "rb") as file:
                cls.base_data = file.read()

    def setUp(self):
        super().setUp()
        self.weeks = self.write("weeks.pcapng", self.weeks_data)
        self.night = self.write("night.pcapng", self.night_data)
        self.base = self.write("weeks.base", self.base_data)

    def save(self, path):
        self.replay(*CONFIG, "--save-baseline", path, self.weeks)
        with open(path, "rb") as file:
            return file.read()

    def test_two_replays_save_the_same_bytes(self):
        self.assertTrue(self.base_data.startswith(b"WEIRBASE"))
        self.assertEqual(self.save(self.path("again.base")), self.base_data)
        self.write("weeks.base", b"an older one")
        self.assertEqual(self.save(self.base), self.base_data)
        self.assertEqual(sorted(name for name in os.listdir(self.home) if "base" in name),
                         ["again.base", "weeks.base"], "no temporary file is left")

    def test_the_night_by_the_weeks(self):
        """Alone: no history, so only content speaks. With the baseline: as in one replay."""
        alone = self.replay(*CONFIG, self.night)
        self.assertEqual({alert["rule"]["id"] for alert in alone.alerts()},
                         {"content.personal", "content.settings"})
        self.assertEqual({alert["weir"]["baseline"]["state"] for alert in alone.alerts()}, {"learning"})
        given = self.replay(*CONFIG, "--baseline", self.base, self.night)
        whole = self.replay(*CONFIG, CAPTURE)
        self.assertTrue(judged(whole))
        self.assertEqual(judged(given), judged(whole))
        self.assertEqual({alert["weir"]["baseline"]["state"] for alert in given.alerts()}, {"ready"})
        self.assertGreater(given.summary()["judged"]["hosts_ready"], 0)
        self.assertGreater(given.summary()["judged"]["judged_out_bytes"], 4_000_000)
        with open(self.base, "rb") as file:
            self.assertEqual(file.read(), self.base_data, "the given file is only read")

    def test_a_baseline_goes_on(self):
        """The night learned on top of the weeks is what one replay learns of both, for every host that
        was silent in the hour that was still open when the weeks ended (its bytes were not learned)."""
        weeks = self.replay(*CONFIG, "--flows", self.weeks)
        ended = datetime.datetime.fromisoformat(weeks.summary()["inputs"][0]["last"][:19])
        closed = (ended - datetime.timedelta(minutes=62)).isoformat()
        late = {flow[side]["ip"] for flow in weeks.flows() if flow["end"] >= closed
                for side in ("orig", "resp")}
        after, whole = self.path("after.base"), self.path("whole.base")
        self.replay(*CONFIG, "--baseline", self.base, "--save-baseline", after, self.night)
        self.replay(*CONFIG, "--save-baseline", whole, CAPTURE)
        have, want = self.hosts_of(after), self.hosts_of(whole)
        self.assertEqual(have.keys(), want.keys())
        compared = [host for host in want if text_of(host) not in late]
        self.assertGreater(len(compared), 10)
        for host in compared:
            # The day's evidence, at the end, is measured by the fleet, which lacks those bytes.
            same = os.path.commonprefix([have[host][12:], want[host][12:]])
            self.assertGreaterEqual(len(same), len(want[host]) - 12 - 280, text_of(host))

    def test_two_files_are_one_capture(self):
        """Named in any order: the same alerts, flows and baseline as of the whole."""
        whole = self.replay(*CONFIG, "--flows", "--save-baseline", self.path("whole.base"), CAPTURE)
        with open(self.path("whole.base"), "rb") as file:
            want = file.read()
        for names in ((self.weeks, self.night), (self.night, self.weeks)):
            run = self.replay(*CONFIG, "--flows", "--save-baseline", self.base, *names)
            self.assertEqual(run.bytes("alerts.ndjson"), whole.bytes("alerts.ndjson"))
            self.assertEqual(run.bytes("flows.ndjson"), whole.bytes("flows.ndjson"))
            with open(self.base, "rb") as file:
                self.assertEqual(file.read(), want)

    def hosts_of(self, path):
        with open(path, "rb") as file:
            return self.hosts(file.read())

    @staticmethod
    def hosts(data):
        """address → blob, by the layout that sensor/baseline/file.c describes."""
        size, = struct.unpack_from("<I", data, 12)
        at, hosts = 16 + size, {}
        while at < len(data) - 32:
            size, = struct.unpack_from("<I", data, at + 16)
            hosts[data[at:at + 16]] = data[at + 20:at + 20 + size]
            at += 20 + size
        return hosts

    def test_hosts_that_were_not_met_are_kept(self):
        packets = weirtest.conversation(1_772_500_000 * NS, ("10.4.1.11", 40000), ("192.0.2.1", 80))
        more = self.write("more.pcap", weirtest.pcap(packets))
        self.replay(*CONFIG, "--baseline", self.base, "--save-baseline", self.path("more.base"), more)
        hosts, kept = self.hosts(self.base_data), self.hosts_of(self.path("more.base"))
        self.assertGreater(len(hosts), 10)
        self.assertEqual(hosts.keys(), kept.keys())
        self.assertEqual(hosts, kept, "an hour that is still open teaches nothing")

    def test_a_damaged_byte_is_refused_anywhere(self):
        data = self.base_data
        for at in [*range(0, 24), *range(24, len(data), len(data) // 40), len(data) - 1]:
            made = bytearray(data)
            made[at] ^= 0x40
            path = self.write("damaged.base", bytes(made))
            run = weirtest.weir("replay", *CONFIG, "--baseline", path, self.night)
            self.assertEqual(run.status, 3, f"byte {at}: {run}")
            self.assertIn("damaged.base", weirtest.complaint(run))
        for size in (0, 7, 8, 12, len(data) // 2, len(data) - 1):
            path = self.write("cut.base", data[:size])
            run = weirtest.weir("replay", *CONFIG, "--baseline", path, self.night)
            self.assertEqual(run.status, 3, f"cut at {size}: {run}")
            weirtest.complaint(run)

    def test_from_a_server(self):
        """The keys of a live baseline, as include/weir/baseline/store.h names them."""
        if not weirtest.shutil.which("redis-server"):
            self.skipTest("redis-server is not installed")
        data = self.base_data
        server = RedisServer()
        self.addCleanup(server.stop)
        with RedisClient(server.url) as client:
            size, = struct.unpack_from("<I", data, 12)
            client("SET", "weir:schema", "1")
            client("SET", "weir:fleet", data[16:16 + size])
            for address, blob in self.hosts(data).items():
                client("HSET", f"weir:{{{text_of(address)}}}:profile", "closed", "1", "blob", blob)
            before = client("DBSIZE")
            by_file = self.replay(*CONFIG, "--baseline", self.base, self.night)
            by_url = self.replay(*CONFIG, "--baseline", server.url, self.night)
            self.assertEqual(by_url.bytes("alerts.ndjson"), by_file.bytes("alerts.ndjson"))
            both = self.replay(*CONFIG, "--set", "redis.url=" + server.url, "--baseline", server.url,
                               self.night)
            self.assertEqual(both.bytes("alerts.ndjson"), by_file.bytes("alerts.ndjson"))
            self.assertEqual(client("DBSIZE"), before, "it was only read")

    def test_from_a_server_that_holds_none(self):
        if not weirtest.shutil.which("redis-server"):
            self.skipTest("redis-server is not installed")
        server = RedisServer()
        self.addCleanup(server.stop)
        empty = self.replay(*CONFIG, "--baseline", server.url, self.night)
        alone = self.replay(*CONFIG, self.night)
        self.assertEqual(empty.bytes("alerts.ndjson"), alone.bytes("alerts.ndjson"))


if __name__ == "__main__":
    weirtest.main()
