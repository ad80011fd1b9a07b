#!/usr/bin/env python3
"""A sensor's life on the wire: how it starts and does not, how it is reloaded and stopped, that it never
sends, and that it tells of an upload while that still runs."""

import os
import time

import livetest
import weirtest
from livetest import CLIENT, SERVER, Sensor, Space, address, read, require, until, wire
from weirtest import NS, Case, RedisServer, conversation, pcap, udp

INSIDE = ("--inside", "10.0.0.0/8")


class Tapped(Case):
    """A tap that nothing but the test speaks on: peer p0 ── tap0, without ARP and IPv6."""

    def setUp(self):
        super().setUp()
        require(self, "ethtool", "setpriv")
        os.chmod(self.home, 0o755) # the sensor's processes are another user's
        self.peer, self.tap = Space(self, "peer"), Space(self, "tap")
        wire(self.peer, "p0", self.tap, "tap0", arp=False)
        self.line = self.peer.raw("p0")
        self.addCleanup(self.line.close)

    def speak(self, count=20):
        for n in range(count):
            self.line.send(udp(CLIENT, 20000 + n, SERVER, 9999, b"weir"))

    def refused(self, status, *words, say, program=()):
        """`weir run` that ends with `status` and one line that holds `say`."""
        log = self.path("refused.log")
        with open(log, "wb") as file:
            ended = self.tap.start(*program, weirtest.binary(), "run", *words, stderr=file)
        self.assertEqual(ended.wait(60), status, read(log))
        lines = read(log).splitlines()
        self.assertTrue(lines and say in lines[-1], read(log))
        self.assertFalse([line for line in lines if not line.startswith("weir: ")], read(log))


class Starting(Tapped):
    def test_what_cannot_start(self):
        state = ("--set", "sensor.state_dir=" + self.path("state"))
        self.refused(1, "-i", "nosuch0", *state, say="nosuch0")
        self.refused(2, "-i", "tap0", "--workers", "17", *state, say="from 0 to 16")
        self.refused(2, *state, say="which interface?")
        self.refused(2, "-i", "tap0", "-f", "no such filter", *state, say="no such filter")
        self.refused(2, "-i", "tap0", "--set", "sensor.user=nosuchuser", *state, say="nosuchuser")
        os.chmod(self.home, 0o777)
        self.refused(1, "-i", "tap0", "--set", "sensor.state_dir=" + self.path("own"), say="tap0",
                     program=("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"))

    def test_two_on_one_state(self):
        sensor = Sensor(self, self.tap, "-i", "tap0", *INSIDE)
        self.refused(1, "-i", "tap0", "--set", "sensor.state_dir=" + sensor.state,
                     say="another sensor runs there")
        self.assertTrue(sensor.is_up(1), "the first one goes on")
        sensor.stop()
        again = Sensor(self, self.tap, "-i", "tap0", *INSIDE, folder=sensor.home)
        again.stop()

    def test_an_interface_that_is_down(self):
        self.tap.ip("link", "set", "tap0", "down")
        sensor = Sensor(self, self.tap, "-i", "tap0", *INSIDE, "--flows")
        self.assertIn("tap0 is down", read(sensor.log))
        self.assertNotEqual(sensor.status()["interfaces"][0]["state"], "up")
        self.tap.ip("link", "set", "tap0", "up")
        until("up", lambda: sensor.status()["interfaces"][0]["state"] == "up")
        self.speak()
        until("20 packets", lambda: sensor.status()["capture"][0]["packets"] == 20)
        sensor.stop()
        self.assertEqual(len(sensor.flows()), 20)


class Reloading(Tapped):
    def setUp(self):
        super().setUp()
        self.config = self.path("weir.yaml")
        self.settings("detection: {learn_days: 7}")
        self.sensor = Sensor(self, self.tap, "-c", self.config, "--flows")
        self.pids = self.capture_pids()

    def settings(self, more, interface="tap0"):
        self.write("weir.yaml", f"capture: {{interfaces: [{{name: {interface}}}], workers: 1}}\n"
                                f"networks: {{inside: [10.0.0.0/8]}}\n{more}\n")

    def capture_pids(self):
        return [one["pid"] for one in self.sensor.ready()["capture"]]

    def refused(self, say):
        """Asked by `weir reload` and by SIGHUP: refused with the same words, nothing has changed."""
        run = self.sensor.ask("reload")
        self.assertEqual(run.returncode, 2, run)
        self.assertIn(say, run.stderr)
        before = read(self.sensor.log).count("reload refused")
        self.sensor.process.send_signal(livetest.signal.SIGHUP)
        until("a refusal", lambda: read(self.sensor.log).count("reload refused") > before)
        config = until("a status", self.sensor.status)["config"]
        self.assertEqual((config["generation"], config["last_reload"]["ok"]), (1, False))
        self.assertIn(say, config["last_reload"]["text"])
        self.assertEqual(self.capture_pids(), self.pids)

    def test_refused(self):
        self.settings("detection: {learn_dys: 7}")
        self.refused("weir.yaml:3:13: unknown key")
        self.settings("detection: {learn_days: many}")
        self.refused("weir.yaml:3:")
        self.settings("", interface="tap1")
        self.refused("capture.interfaces")
        os.unlink(self.config)
        self.refused("weir.yaml")
        self.speak()
        until("20 packets", lambda: self.sensor.ready()["capture"][0]["packets"] == 20)
        self.sensor.stop()

    def rules(self, condition):
        self.write("rules.yaml", f"- rule: test.talk\n  name: They talk\n  condition: {condition}\n"
                                 "  severity: 60\n  sees: Any.\n  false_alarms: None.\n")

    def talk(self, port):
        """Two-way: what nobody answers makes no host."""
        for n in range(3):
            self.line.send(udp(CLIENT, port, SERVER, 9999, b"weir"))
            self.line.send(udp(SERVER, 9999, CLIENT, port, b"dam"))

    def test_rules(self):
        """Rules come with a reload, as they are now; a mistake in them changes nothing."""
        self.rules("remote_port = 9999 and orig_bytes > 1 parsec")
        self.settings(f"rules: [{self.path('rules.yaml')}]")
        self.refused("rules.yaml:3:")
        self.rules("remote_port = 9999")
        self.assertEqual(self.sensor.ask("reload").stdout, "reloaded: configuration 2\n")
        self.talk(20000)
        self.sensor.stop()
        told = self.sensor.alerts("test.talk")
        self.assertEqual([alert["weir"]["state"] for alert in told], ["open"], told)

    def test_in_effect(self):
        """Detection changes at once and as a whole; capture goes on and loses nothing."""
        self.settings("detection: {learn_days: 3}")
        self.speak(10)
        run = self.sensor.ask("reload")
        self.speak(20)
        self.assertEqual((run.returncode, run.stdout), (0, "reloaded: configuration 2\n"), run)
        self.settings("detection: {learn_days: 4}")
        self.sensor.process.send_signal(livetest.signal.SIGHUP)
        until("generation 3", lambda: (self.sensor.status() or {"config": {"generation": 0}})
              ["config"]["generation"] == 3)
        self.assertEqual(self.capture_pids(), self.pids)
        until("30 packets", lambda: self.sensor.ready()["capture"][0]["packets"] == 30)
        self.sensor.stop()
        packets = sorted(flow["orig"]["packets"] for flow in self.sensor.flows())
        self.assertEqual(packets, [1] * 10 + [2] * 10)


class Stopping(Tapped):
    def test_what_the_kernel_holds_is_read(self):
        """What passed until the stop is in a block that has not been handed over: it counts too."""
        for _ in range(3):
            sensor = Sensor(self, self.tap, "-i", "tap0", "--flows", *INSIDE)
            self.speak()
            sensor.stop()
            self.assertEqual(sum(flow["orig"]["packets"] for flow in sensor.flows()
                                 if flow["resp"]["port"] == 9999), 20)


class Sending(Tapped):
    def test_nothing_is_ever_sent(self):
        """Start, work, death of a capture process, reload, stop: the other end of the tap hears nothing."""
        sensor = Sensor(self, self.tap, "-i", "tap0", *INSIDE, "--flows", workers=2)
        self.speak()
        self.assertEqual(sensor.ask("reload").returncode, 0)
        sensor.kill(sensor.ready(2)["capture"][0]["pid"])
        until("a successor", lambda: sensor.ready(2)["capture"][0]["restarts"] == 1)
        self.speak()
        time.sleep(1)
        sensor.stop()
        self.assertGreater(len(sensor.flows()), 10)
        self.line.setblocking(False)
        with self.assertRaises(BlockingIOError, msg="a frame came from the tap"):
            self.line.recv(65536)


class Upload(Case):
    """What leaves is told while it leaves."""

    def setUp(self):
        super().setUp()
        require(self, "ethtool", "redis-server")
        self.client, self.server = Space(self, "client"), Space(self, "server")
        wire(self.client, "c0", self.server, "s0")
        address(self.client, "c0", CLIENT, SERVER)
        address(self.server, "s0", SERVER, CLIENT)
        self.server.part("web", "80")

    def told_during(self, rule, body, rate, *words):
        """The first alert of `rule` about the client while it posts `body` at `rate` bytes/s."""
        sensor = Sensor(self, self.server, "-i", "s0", *INSIDE, *words)
        self.write("body", body)
        post = self.client.part("post", SERVER, "80", rate, self.path("body"))
        alert = until(lambda: f"{rule}\n{sensor.alerts()}\n{sensor.status()}",
                      lambda: sensor.alerts(rule), len(body) / rate)[0]
        self.assertIsNone(post.poll(), "the upload goes on")
        self.assertEqual(alert["source"]["ip"], CLIENT)
        self.assertEqual(alert["destination"]["ip"], SERVER)
        self.assertLess(alert["weir"]["out_bytes"]["value"], len(body))
        sensor.stop()
        return alert

    def test_addresses_in_clear_text(self):
        body = b"".join(b"user%06d@example.co.jp\n" % n for n in range(40_000))
        alert = self.told_during("content.personal", body, 40_000)
        self.assertEqual(alert["weir"]["baseline"]["state"], "learning")

    def test_volume_by_a_loaded_baseline(self):
        """Eight days of small uploads are learned by a replay, and put where a sensor keeps them."""
        now, packets = int(time.time()), []
        for hour in range(now // 3600 - 8 * 24, now // 3600 + 1):
            packets += conversation(hour * 3600 * NS, (CLIENT, 30000 + hour % 1000), (SERVER, 80),
                                    bytes(20_000 + hour % 7 * 1000), bytes(5000))
        self.replay("--online", "--inside", "10.0.0.0/8", "--save-baseline", self.path("base"),
                    self.write("days.pcap", pcap(packets)))
        server = RedisServer()
        self.addCleanup(server.stop)
        for path in (server.folder, server.url.removeprefix("unix:")):
            os.chmod(path, 0o777) # the sensor's processes are another user's
        livetest.load_baseline(server.url, self.path("base"))
        alert = self.told_during("volume.destination", os.urandom(60_000_000), 2_000_000,
                                 "--set", "redis.url=" + server.url)
        self.assertEqual(alert["weir"]["baseline"]["state"], "ready")


if __name__ == "__main__":
    weirtest.main()
