#!/usr/bin/env python3
"""A sensor whose disk is full or read-only. Full: what leaves is judged and told all the same, the full disk too, and
nothing is missing when there is room again. The state directory is a small file system of its own."""

import json
import os
import subprocess

from livetest import CLIENT, SERVER, Sensor, Space, address, read, require, until, wire
from weirtest import Case, RedisServer, main, weir

INSIDE = ("--inside", "10.0.0.0/8")
BODY = b"".join(b"user%06d@example.co.jp\n" % n for n in range(40_000))


class FullDisk(Case):
    def setUp(self):
        super().setUp()
        require(self, "ethtool", "redis-server", "mount")
        self.client, self.server = Space(self, "client"), Space(self, "server")
        wire(self.client, "c0", self.server, "s0")
        address(self.client, "c0", CLIENT, SERVER)
        address(self.server, "s0", SERVER, CLIENT)
        self.server.part("web", "80")
        self.state = self.path("sensor", "state")
        os.makedirs(self.state)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", self.state],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            self.skipTest(f"no file system can be mounted here: {done.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "-l", self.state], check=True)
        self.filler = os.path.join(self.state, "filler")
        self.redis = RedisServer()
        self.addCleanup(self.redis.stop)
        for path in (self.redis.folder, self.redis.url.removeprefix("unix:")):
            os.chmod(path, 0o777) # the sensor's processes are another user's

    def fill(self):
        with open(self.filler, "wb", buffering=0) as file:
            size = 1 << 20
            while size:
                try:
                    file.write(bytes(size))
                except OSError:
                    size //= 2

    def journal(self):
        run = weir("alerts", "--all", "--set", "sensor.state_dir=" + self.state)
        self.assertEqual(run.status, 0, run)
        return [json.loads(line) for line in run.out.splitlines()]

    def test_full_and_then_not(self):
        sensor = Sensor(self, self.server, "-i", "s0", *INSIDE, "--set", "redis.url=" + self.redis.url,
                        folder=self.path("sensor"))
        pid = sensor.status()["engine"]["pid"]
        self.write("body", BODY)
        self.client.part("post", SERVER, "80", 40_000, self.path("body"))
        until(lambda: f"an alert\n{read(sensor.log)}", lambda: sensor.alerts("content.personal"), 60)
        self.fill()
        self.client.part("post", SERVER, "80", 40_000, self.path("body"))

        def told(state):
            return [alert for alert in sensor.alerts("sensor.blind")
                    if alert["weir"].get("sight") == "journal" and alert["weir"]["state"] == state]

        until(lambda: f"the full disk is told\n{read(sensor.log)}", lambda: told("open"), 90)
        self.assertIn("the disk is full", read(sensor.log))
        self.assertTrue(sensor.status()["journal"]["trouble"])
        os.unlink(self.filler)
        until(lambda: f"there is room again\n{read(sensor.log)}", lambda: told("close"), 60)
        status = sensor.status()
        self.assertFalse(status["journal"]["trouble"])
        self.assertEqual(status["engine"]["pid"], pid, read(sensor.log)) # it lived through it
        sensor.stop()
        lines, journal = sensor.lines("alerts.ndjson"), self.journal()
        self.assertEqual([line["event"]["id"] for line in lines],
                         [line["event"]["id"] for line in journal])
        self.assertEqual(len({line["event"]["id"] for line in lines}), len(lines))


class ReadOnly(Case):
    def test_start(self):
        """One line, and nothing was begun."""
        require(self, "mount")
        state = self.path("state")
        os.mkdir(state)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,ro", "tmpfs", state],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            self.skipTest(f"no file system can be mounted here: {done.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "-l", state], check=True)
        for workers in ("0", "1"):
            run = weir("run", "-i", "lo", *INSIDE, "--workers", workers, "--set", "sensor.state_dir=" + state)
            self.assertEqual((run.status, run.out), (1, ""), run)
            self.assertRegex(run.err, f"^weir: {state}[^\n]*: Read-only file system\n$")
        self.assertEqual(os.listdir(state), [])


if __name__ == "__main__":
    main()
