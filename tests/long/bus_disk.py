#!/usr/bin/env python3
"""Stage of tests/run --long: the disk under a live sensor's state directory fills while alerts flow, and
becomes read-only while they do. Packets are judged all the same, the sensor says so in its log and status,
what cannot be kept is counted, and what is in the journal is at the sink, once and in order.

By default the release build's program is used."""

import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "golden")]

import weirtest # noqa: E402
from bus_flood import IDS, Flooded, PER_PAIR # noqa: E402
from livetest import Sensor, read, require, until # noqa: E402
from weirtest import RedisServer # noqa: E402

PAIRS, RATE = 15_000, 1000


class Disk(Flooded):
    """The journal's own disk; the sink's file and the store are elsewhere."""

    def setUp(self):
        super().setUp()
        require(self, "mount", "mkfs.ext4")
        self.redis = RedisServer()
        self.addCleanup(self.redis.stop)
        for path in (self.redis.folder, self.redis.url.removeprefix("unix:")):
            os.chmod(path, 0o777) # the sensor's processes are another user's
        self.folder, self.told = self.path(""), self.path("told/alerts.ndjson")
        os.mkdir(self.path("told"))
        os.chmod(self.path("told"), 0o777)
        self.state = self.path("sensor/state")
        os.makedirs(self.state)
        self.config = self.write("weir.yaml", "capture: {interfaces: [{name: tap0}], workers: 2}\n"
                                 f"networks: {{inside: [10.0.0.0/8]}}\nrules: [{self.path('rules.yaml')}]\n"
                                 f"redis: {{url: '{self.redis.url}'}}\n"
                                 f"alerts: {{sinks: [{{type: file, path: {self.told}}}]}}\n")

    def mount(self, *words):
        done = subprocess.run(["mount", *words, self.state], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            self.skipTest(f"no such file system can be mounted here: {done.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "-l", self.state], check=False, capture_output=True)

    def start(self):
        return Sensor(self, self.tap, "-c", self.config, workers=2, folder=self.path("sensor"), output=False)

    def until_judged(self, sensor, alerts):
        return until(lambda: f"{alerts} alerts\n{sensor.status()}\n{read(sensor.log)}", lambda:
                     (status := sensor.status()) and status["engine"]["alerts"] >= alerts and status, 120, 0.2)

    def check_untouched(self, sensor):
        """Nobody died, and no packet was lost."""
        status = sensor.ready(2)
        self.assertEqual([one["restarts"] for one in (status["engine"], status["courier"], *status["capture"])],
                         [0] * 4, read(sensor.log))
        self.assertEqual(self.drops(sensor), 0)
        return status

    def rules_of(self, lines):
        return sum('"rule":{"id":"test.' in line for line in lines)

    def delivered(self):
        return IDS.findall(read(self.told))

    def said(self, sensor, *words):
        return [line for line in read(sensor.log).splitlines() if all(word in line for word in words)]


class Full(Disk):
    def test_fills_and_is_given_room(self):
        self.mount("-t", "tmpfs", "-o", "size=40m", "tmpfs")
        sensor = self.start()
        self.send(PAIRS, RATE)
        status = self.until_judged(sensor, PAIRS * PER_PAIR)
        self.assertTrue(status["journal"]["trouble"], "the disk was to be full: make it smaller")
        self.assertGreater(status["journal"]["held"], 0)
        self.assertEqual(len(self.said(sensor, "the disk is full")), 1, read(sensor.log))
        told = [line for line in read(self.told).splitlines() if '"sight":"journal"' in line]
        self.assertEqual(len(told), 1, "the sink heard of it while there was room")
        subprocess.run(["mount", "-o", "remount,size=1g", self.state], check=True)
        until(lambda: f"room\n{sensor.status()}\n{read(sensor.log)}",
              lambda: not sensor.ready(2)["journal"]["trouble"], 60)
        until(lambda: f"delivery\n{sensor.status()}", lambda: sensor.ready(2)["sinks"][0]["behind"] == 0, 60)
        status = self.check_untouched(sensor)
        sensor.stop()
        journal = sensor.journal()
        self.assertEqual(self.delivered(), [IDS.search(line).group(1) for line in journal])
        self.assertEqual(self.rules_of(journal) + status["journal"]["given_up"], PAIRS * PER_PAIR)
        print(f"\na full disk: {len(journal)} records told, {status['journal']['given_up']} given up, no other missing; "
              + self.said(sensor, "the disk is full")[0], flush=True)


class ReadOnly(Disk):
    """As ext4 does on an error of the disk (errors=remount-ro): what is open cannot be written either."""

    def test_becomes_read_only(self):
        image = self.path("image")
        with open(image, "wb") as file:
            file.truncate(512 << 20)
        subprocess.run(["mkfs.ext4", "-q", image], check=True)
        self.mount("-o", "loop,errors=remount-ro", image)
        sensor = self.start()
        self.send(500, RATE)
        before = self.until_judged(sensor, 500 * PER_PAIR)
        subprocess.run(["mount", "-o", "remount,abort", self.state], check=True)
        self.send(PAIRS // 3, RATE) # the first of them were told
        status = self.until_judged(sensor, PAIRS // 3 * PER_PAIR)
        self.assertTrue(status["journal"]["trouble"])
        self.assertGreater(status["journal"]["held"], 0)
        self.assertGreaterEqual(status["journal"]["durable"], before["journal"]["durable"])
        self.check_untouched(sensor)
        until("what is durable, told", lambda: len(self.delivered()) == sensor.ready(2)["journal"]["durable"], 30)
        self.assertEqual(self.end_of(sensor), 1, read(sensor.log))
        self.assertNotIn(" died: ", read(sensor.log))
        lines = self.said(sensor, "Read-only file system")
        self.assertEqual(len(self.said(sensor, "up to 16 MiB wait in memory")), 1, lines)
        self.assertEqual(len(self.said(sensor, "could not be written and are lost")), 1, lines)
        print("\na disk that became read-only:", *lines, sep="\n  ", flush=True)
        subprocess.run(["umount", self.state], check=True)
        mended = self.path("mended") # whoever still looks at the old one (another test's namespace) keeps it as it is
        subprocess.run(["cp", "--sparse=always", image, mended], check=True)
        subprocess.run(["fsck.ext4", "-p", mended], check=False, capture_output=True)
        self.mount("-o", "loop", mended)
        sensor = self.start()
        self.send(200, RATE)
        until(lambda: f"alerts again\n{sensor.status()}\n{read(sensor.log)}", lambda:
              (status := sensor.ready(2))["sinks"][0]["behind"] == 0 and status["sinks"][0]["delivered"] >= 400, 60)
        sensor.stop()
        told = self.delivered()
        self.assertEqual(list(dict.fromkeys(told)), [IDS.search(line).group(1) for line in sensor.journal()])
        print(f"and again well: {len(told)} told, {len(told) - len(set(told))} of them twice", flush=True)
        subprocess.run(["umount", self.state], check=True)

    def end_of(self, sensor):
        sensor.process.terminate()
        sensor.process.wait(60)
        return sensor.process.returncode


if __name__ == "__main__":
    weirtest.main()
