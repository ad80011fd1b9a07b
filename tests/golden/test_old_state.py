#!/usr/bin/env python3
"""The state directory that an older Weir left (state/README.md), in the hands of this one: what was learned and told
is kept, what cannot be read is set aside with words, and nothing is told that was told before, or of hosts that go
on as they did."""

import glob
import json
import os
import shutil
import tarfile

import weirtest
from livetest import CLIENT, SERVER, Sensor, Space, read, require, until, wire
from weirtest import SOURCE, conversation

OLD = os.path.join(SOURCE, "tests", "golden", "state")
KNOWN, FROZEN = 18, "10.4.1.11"
RULE = "- rule: first.upload\n  name: A first alert\n  severity: 60\n  condition: out_bytes_story > 1 MB\n"


class OldState(weirtest.Case):
    def setUp(self):
        super().setUp()
        require(self, "ethtool")
        self.far, self.tap = Space(self, "far"), Space(self, "tap")
        wire(self.far, "f0", self.tap, "t0", arp=False)
        rule = self.write("rules.yaml", RULE)
        os.chmod(rule, 0o644)
        self.words = ("-i", "t0", "--inside", "10.0.0.0/8", "--set", f"rules=[{rule}]", "--set", "sensor.name=sensor-a")

    def unpack(self, archive):
        """As it is when it is moved: of the user whose it was."""
        home = self.path(os.path.basename(archive).partition(".tar")[0])
        state = os.path.join(home, "state")
        with tarfile.open(archive) as packed:
            packed.extractall(state)
        for folder, folders, names in os.walk(state):
            for name in (".", *folders, *names):
                shutil.chown(os.path.join(folder, name), "nobody", "nogroup")
        return home, state

    def ask(self, sensor, *words):
        done = sensor.ask(*words)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        return done.stdout

    def goes_on(self, sensor):
        """Every known host, and the one that was told of, send a little to where they sent before."""
        hosts = [json.loads(line)["host"] for line in self.ask(sensor, "baseline", "list", "--json").splitlines()]
        sent = 0
        with self.far.raw("f0") as end:
            for host in (one for one in (CLIENT, *hosts) if ":" not in one):
                for _, frame in conversation(0, (host, 30000), (SERVER, 80), b"a" * 1000):
                    end.send(frame)
                sent += 1
        until("what hosts sent", lambda: sensor.status()["engine"]["records"] >= sent)

    def takes_over(self, archive):
        home, state = self.unpack(archive)
        old = weirtest.weir("alerts", "--set", "sensor.state_dir=" + state).out # nobody runs: of the journal
        self.assertEqual([json.loads(line)["rule"]["id"] for line in old.splitlines()], ["first.upload"])
        sensor = Sensor(self, self.tap, *self.words, folder=home)
        self.assertRegex(read(sensor.log), r"checkpoint: the snapshot is another build's: set aside as \S+/checkpoint\.snapshot\.old")
        self.assertTrue(glob.glob(state + "/checkpoint.*.old"))
        self.assertEqual(read(state + "/state.version"), "1\n")
        hosts = {line["host"]: line["state"] for line in map(json.loads, self.ask(sensor, "baseline", "list", "--json").splitlines())}
        self.assertEqual((len(hosts), hosts[FROZEN]), (KNOWN, "frozen"))
        self.assertEqual(set(hosts.values()), {"ready", "frozen"})
        self.goes_on(sensor)
        self.assertEqual(self.ask(sensor, "alerts"), old)
        self.assertEqual(sensor.alerts(), []) # its sink goes on behind what it had
        line, = self.ask(sensor, "incident", "list").splitlines()
        self.assertRegex(line, r"10\.1\.0\.1 . 198\.51\.100\.0/24 +first\.upload")
        sensor.stop() # behind which every record was judged
        self.assertEqual(sensor.alerts(), [])
        self.assertEqual(weirtest.weir("alerts", "--set", "sensor.state_dir=" + state).out, old)
        self.again(sensor, home)

    def again(self, sensor, home):
        """What it wrote is its own: nothing more is set aside."""
        before = read(sensor.log)
        sensor = Sensor(self, self.tap, *self.words, folder=home)
        self.assertNotIn("set aside", read(sensor.log)[len(before):])
        sensor.stop()

    def test_it(self):
        archives = glob.glob(OLD + "/*.tar.xz")
        self.assertTrue(archives)
        for archive in archives:
            with self.subTest(archive):
                self.takes_over(archive)


if __name__ == "__main__":
    weirtest.main()
