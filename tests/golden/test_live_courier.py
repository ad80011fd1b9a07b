#!/usr/bin/env python3
"""The courier, in which the sinks live: whoever dies, hangs or is replaced, what is in the journal is at
every living sink, in order, repeated only as the same line; and nobody who captures or judges notices."""

import contextlib
import json
import os
import random
import socket
import ssl
import subprocess
import sys
import threading
import time

import livetest
import weirtest
from livetest import SERVER, Sensor, Space, read, require, until, wire
from weirtest import Case, udp

KILLS = 10 if os.environ.get("WEIR_TEST_ALL") else 4
REPORT_S = 20 # the first flows are reported 10 s after they began (flow/table.c)
RULE = """- rule: test.talk
  name: They talk
  condition: remote_port = 9999
  severity: 60
  rate_limit: 100000 per day
  sees: Any.
  false_alarms: None.
"""


OTHERS = {"stdout": "{type: stdout}",
          "redis": "{type: redis, url: 'redis://localhost:7000', key: told}"}


class Couriers(Case):
    """Hosts that nobody met before talk, one after the other: each is an alert."""

    def setUp(self):
        super().setUp()
        require(self, "ethtool")
        os.chmod(self.home, 0o755)
        os.mkdir(self.path("sinks"))
        os.chmod(self.path("sinks"), 0o777) # the sensor's processes are another user's
        self.peer, self.tap = Space(self, "peer"), Space(self, "tap")
        wire(self.peer, "p0", self.tap, "tap0", arp=False)
        self.line = self.peer.raw("p0")
        self.addCleanup(self.line.close)
        self.write("rules.yaml", RULE)
        self.config = self.path("weir.yaml")
        self.quiet, self.talker = threading.Event(), None
        self.addCleanup(self.hush)

    def begin(self, *sinks, **given):
        self.settings(*sinks)
        self.sensor = Sensor(self, self.tap, "-c", self.config, **given)
        self.talker = threading.Thread(target=self.talk)
        self.talker.start()

    def settings(self, *sinks):
        words = ", ".join(name if name[0] == "{" else
                          OTHERS.get(name, f"{{type: file, path: {self.file(name)}}}") for name in sinks)
        self.write("weir.yaml", "capture: {interfaces: [{name: tap0}], workers: 1}\n"
                   f"networks: {{inside: [10.0.0.0/8]}}\nrules: [{self.path('rules.yaml')}]\n"
                   f"alerts: {{sinks: [{words}]}}\n")

    def file(self, name):
        return os.path.join(self.path("sinks"), name + ".ndjson")

    def talk(self):
        number = 0
        while not self.quiet.wait(0.02):
            number += 1
            host = f"10.2.{number >> 8}.{number & 255}"
            self.line.send(udp(host, 5000, SERVER, 9999, bytes(300)))
            self.line.send(udp(SERVER, 9999, host, 5000, bytes(100)))

    def hush(self):
        self.quiet.set()
        if self.talker:
            self.talker.join()

    def told(self, path):
        text = read(path)
        return text[:text.rfind("\n") + 1].splitlines()

    def until_alerts_flow(self):
        path = os.path.join(self.sensor.out, "alerts.ndjson")
        until(lambda: f"alerts\n{self.sensor.status()}\n{read(self.sensor.log)}",
              lambda: any("test.talk" in line for line in self.told(path)), REPORT_S)

    def until_delivered(self):
        """Everything durable, to every sink that is not dead."""
        until(lambda: f"delivery\n{self.sensor.status()}\n{read(self.sensor.log)}", lambda:
              (status := self.sensor.status()) and status["courier"]["state"] == "running" and
              all(sink["behind"] == 0 for sink in status["sinks"] if sink["state"] != "dead"), 20)

    def kill_courier(self, number=livetest.signal.SIGKILL):
        """The one that is at work now; another takes its place."""
        at_work = until(lambda: read(self.sensor.log), lambda: (status := self.sensor.status()) and
                        status["courier"]["state"] == "running" and status["courier"]["pid"], 20)
        self.sensor.kill(at_work, number)
        until(lambda: f"another courier\n{self.sensor.status()}\n{read(self.sensor.log)}", lambda:
              (status := self.sensor.status()) and status["courier"]["state"] == "running" and
              status["courier"]["pid"] not in (0, at_work), 20)

    def check(self, path, since=0):
        """All of the journal from a line on, in its order; lines that come again are the same lines."""
        raised, told = self.sensor.journal()[since:], self.told(path)
        ids = [json.loads(line)["event"]["id"] for line in raised]
        self.assertEqual(len(ids), len(set(ids)), "an alert with two lines")
        self.assertEqual(list(dict.fromkeys(told)), raised, path)
        return len(told) - len(raised)

    def check_others(self, engines=0):
        """Nobody else was touched."""
        status = self.sensor.ready()
        self.assertEqual(status["engine"]["restarts"], engines, read(self.sensor.log))
        self.assertEqual(status["capture"][0]["restarts"], 0)
        self.assertEqual(status["capture"][0]["kernel_drops"], 0)
        return status


class Killed(Couriers):
    def test_the_courier(self):
        """At random instants."""
        chance = random.Random(8)
        self.begin("a", "b")
        self.until_alerts_flow()
        for _ in range(KILLS):
            time.sleep(chance.random())
            self.kill_courier()
        self.hush()
        status = self.check_others()
        self.assertEqual(status["courier"]["restarts"], KILLS)
        self.assertIn("signal 9", status["courier"]["last_death"])
        self.assertIn(f"RESTARTED: {KILLS} so far", self.sensor.ask("status").stdout)
        self.until_delivered()
        self.sensor.stop()
        self.assertGreater(len(self.sensor.journal()), 20 * KILLS)
        again = [self.check(self.file(name)) for name in ("a", "b")]
        again.append(self.check(os.path.join(self.sensor.out, "alerts.ndjson")))
        print(f"{len(self.sensor.journal())} alerts, of which came again: {again}", flush=True)

    def test_the_engine(self):
        """The courier stays, and tells what the next engine appends."""
        chance = random.Random(9)
        self.begin("a")
        self.until_alerts_flow()
        courier = self.sensor.ready()["courier"]["pid"]
        for died in range(1, 4):
            time.sleep(2 + chance.random())
            self.sensor.kill(self.sensor.ready()["engine"]["pid"])
            until(lambda: read(self.sensor.log), lambda n=died: (status := self.sensor.is_up(1)) and
                  status["engine"]["restarts"] == n, 20)
        self.hush()
        status = self.check_others(engines=3)
        self.assertEqual((status["courier"]["pid"], status["courier"]["restarts"]), (courier, 0))
        self.until_delivered()
        self.sensor.stop()
        self.assertEqual(self.check(self.file("a")), 0, "nothing came again")

    def test_the_sensor(self):
        """All at once: the next sensor tells the rest."""
        self.begin("a")
        self.until_alerts_flow()
        pids = [self.sensor.ready()[role]["pid"] for role in ("courier", "engine")]
        self.sensor.process.kill() # its shell, `ip netns exec`, became it
        self.sensor.process.wait()
        for pid in pids:
            until("the end of all", lambda p=pid: not read(f"/proc/{p}/status"), 20)
        self.sensor = Sensor(self, self.tap, "-c", self.config, folder=self.sensor.home)
        time.sleep(1)
        self.hush()
        self.until_delivered()
        self.sensor.stop()
        self.check(self.file("a"))


class Hanging(Couriers):
    def test_a_sink(self):
        """Nobody reads standard output: what goes there waits, and nothing else does."""
        reading, writing = os.pipe()
        self.addCleanup(os.close, reading)
        self.begin("stdout", "a", stdout=writing)
        os.close(writing)
        stuck = until(lambda: f"a full pipe\n{self.sensor.status()}", lambda:
                      (status := self.sensor.status()) and status["sinks"][0]["behind"] > 20 and status)
        self.assertEqual(stuck["sinks"][0]["type"], "stdout")
        self.assertIn("stdout: BEHIND", self.sensor.ask("status").stdout)
        self.goes_on(stuck)
        self.hush()
        until(lambda: f"all at the file\n{self.sensor.status()}",
              lambda: self.sensor.ready()["sinks"][1]["behind"] == 0, 20)
        began = time.monotonic()
        self.sensor.stop()
        self.assertLess(time.monotonic() - began, 15, "the end does not wait for it")
        self.check(self.file("a"))

    def goes_on(self, before):
        """Packets, records, alerts, and the file."""
        def grew():
            now = self.sensor.ready()
            return (now["capture"][0]["packets"] > before["capture"][0]["packets"] + 50 and
                    now["engine"]["records"] > before["engine"]["records"] + 50 and
                    now["engine"]["alerts"] > before["engine"]["alerts"] + 20)
        until(lambda: f"growth\n{before}\n{self.sensor.status()}", grew, 20)
        self.check_others()

    def test_the_courier(self):
        """A sink's library holds up its whole process: it shows, and costs the engine nothing."""
        self.begin("a")
        self.until_alerts_flow()
        status = self.sensor.ready()
        self.sensor.kill(status["courier"]["pid"], livetest.signal.SIGSTOP)
        self.goes_on(status)
        self.sensor.kill(status["courier"]["pid"], livetest.signal.SIGCONT)
        self.hush()
        self.until_delivered()
        self.assertEqual(self.check_others()["courier"]["restarts"], 0)
        self.sensor.stop()
        self.assertEqual(self.check(self.file("a")), 0)


class Secure(threading.Thread):
    """A receiver of syslog over TLS in a space; connection after connection, each to its end."""

    def __init__(self, space, certificate, key):
        super().__init__(daemon=True)
        self.messages = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        with space:
            plain = socket.create_server(("127.0.0.1", 7514))
        self.listener = context.wrap_socket(plain, server_side=True)
        self.start()

    def run(self):
        while True:
            with contextlib.suppress(OSError):
                client, _ = self.listener.accept()
                with client, client.makefile("rb") as stream:
                    self.hear(stream)

    def hear(self, stream):
        """Octet counting (RFC 6587)."""
        size = b""
        while (byte := stream.read(1)):
            size += byte
            if byte == b" ":
                self.messages.append(stream.read(int(size)).split(b"] ", 1)[1].decode())
                size = b""


class Network(Couriers):
    """Behind the courier's walls: names looked up, TLS by libcurl and by us with a certificate from a file,
    Redis; again after each loss, and by the next courier."""

    def certificate(self):
        """For localhost; readable for the courier, who is another user."""
        paths = self.path("localhost.pem"), self.path("localhost.key")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-out", paths[0], "-keyout",
                        paths[1], "-days", "2", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=DNS:localhost"], check=True, capture_output=True)
        os.chmod(paths[0], 0o644)
        return paths

    def test_sinks(self):
        require(self, "redis-server", "redis-cli", "openssl")
        self.needs_sinks("webhook")
        own, key = self.certificate()
        syslog = Secure(self.tap, own, key)
        self.tap.start(sys.executable, os.path.join(weirtest.SOURCE, "tests/unit/bus/webhook_server.py"), "7443",
                       self.path("hooks"), own, key)
        self.tap.start("redis-server", "--port", "7000", "--bind", "127.0.0.1", "--save", "")
        self.begin("a", "redis", f"{{type: webhook, url: 'https://localhost:7443/ok', ca_file: {own}, batch: 10}}",
                   f"{{type: syslog, transport: tls, host: localhost, port: 7514, ca_file: {own}, format: ecs}}")
        self.until_alerts_flow()
        until(lambda: f"both by TLS\n{self.sensor.status()}\n{read(self.sensor.log)}",
              lambda: syslog.messages and read(self.path("hooks")), REPORT_S)
        self.ask("CLIENT", "KILL", "TYPE", "normal")
        time.sleep(1)
        self.kill_courier()
        time.sleep(1)
        self.ask("CLIENT", "KILL", "TYPE", "normal")
        time.sleep(1)
        self.hush()
        self.until_delivered()
        status = self.check_others()
        self.assertEqual(status["courier"]["restarts"], 1, read(self.sensor.log))
        self.assertEqual([sink["name"] for sink in status["sinks"]],
                         ["file", "redis", "webhook", "syslog", "+output"])
        self.sensor.stop()
        told = [line for line in self.ask("XRANGE", "told", "-", "+").decode().splitlines()
                if line.startswith("{")]
        self.assertEqual(told, self.sensor.journal())
        self.check(self.file("a"))
        self.check(self.path("hooks"))
        self.assertEqual(list(dict.fromkeys(syslog.messages)), self.sensor.journal())

    def ask(self, *words):
        return self.tap.run("redis-cli", "--raw", "-p", "7000", *words)


class Trouble(Couriers):
    def test_a_sink_that_cannot_open(self):
        """At the start it ends the start; of a courier that is started again, only itself."""
        self.settings("nowhere/x")
        log = self.path("refused.log")
        with open(log, "wb") as file:
            ended = self.tap.start(weirtest.binary(), "run", "-c", self.config, "--set",
                                   "sensor.state_dir=" + self.path("state"), stderr=file)
        self.assertEqual(ended.wait(60), 1, read(log))
        self.assertIn("nowhere/x.ndjson", read(log).splitlines()[-1])
        os.mkdir(self.path("sinks/gone"))
        os.chmod(self.path("sinks/gone"), 0o777)
        self.begin("gone/x", "a")
        self.until_alerts_flow()
        os.unlink(self.file("gone/x"))
        os.rmdir(self.path("sinks/gone"))
        self.kill_courier()
        sinks = until(lambda: f"a sink that waits\n{self.sensor.status()}", lambda:
                      (sinks := self.sensor.ready()["sinks"])[0]["behind"] > 5 and
                      sinks[1]["behind"] < 5 and sinks, 20)
        self.assertIn("gone/x.ndjson", sinks[0]["last_error"])
        self.assertEqual(self.check_others()["courier"]["restarts"], 1, "once, by us")
        before = len(self.told(self.file("a")))
        os.mkdir(self.path("sinks/gone")) # another folder, which its walls do not know
        os.chmod(self.path("sinks/gone"), 0o777)
        until(lambda: f"it again\n{self.sensor.status()}\n{read(self.sensor.log)}",
              lambda: len(self.told(self.file("gone/x"))) > 10, 20)
        self.assertEqual(self.check_others()["courier"]["restarts"], 1)
        self.hush()
        self.until_delivered()
        self.sensor.stop()
        self.check(self.file("a"))
        again = self.told(self.file("gone/x"))
        self.assertEqual(again, self.sensor.journal()[-len(again):], "from where it was")
        self.assertGreaterEqual(len(self.sensor.journal()), before)


class Reloads(Couriers):
    def reload(self, *sinks):
        self.settings(*sinks)
        return self.sensor.ask("reload")

    def test_swaps(self):
        """One more begins at the journal's end, the others go on where they were; one that goes is told
        nothing more."""
        self.begin("a")
        self.until_alerts_flow()
        self.assertEqual(self.reload("a", "b").stdout, "reloaded: configuration 2\n")
        time.sleep(2)
        run = self.reload("b")
        self.assertEqual(run.stdout, "reloaded: configuration 3\n", run)
        last = len(self.told(self.file("a")))
        time.sleep(2)
        self.hush()
        self.until_delivered()
        status = self.check_others()
        self.assertEqual(status["courier"]["restarts"], 0, "replaced, not lost")
        self.assertEqual([sink["path"] for sink in status["sinks"]][0], self.file("b"))
        self.sensor.stop()
        self.assertEqual(len(self.told(self.file("a"))), last)
        raised = self.sensor.journal()
        self.assertEqual(list(dict.fromkeys(self.told(self.file("a")))), raised[:last])
        self.check(os.path.join(self.sensor.out, "alerts.ndjson"))
        first = raised.index(self.told(self.file("b"))[0])
        self.assertGreater(first, 0)
        self.check(self.file("b"), since=first)

    def test_refused(self):
        """A sink that does not open: the one line, and everything as it was."""
        self.begin("a")
        self.until_alerts_flow()
        run = self.reload("a", "nowhere/x")
        self.assertEqual(run.returncode, 2, run)
        self.assertIn("nowhere/x.ndjson", run.stderr)
        self.hush()
        self.until_delivered()
        status = self.check_others()
        self.assertEqual(status["config"]["generation"], 1)
        self.assertEqual(status["courier"]["restarts"], 0)
        self.assertEqual(len(status["sinks"]), 2, "a, and -o")
        self.sensor.stop()
        self.check(self.file("a"))

    def engines(self):
        """Numbers of this sensor's engine processes."""
        words = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(self.sensor.process.pid)],
                               capture_output=True, text=True, check=False).stdout.splitlines()
        return {int(line.split()[0]) for line in words if line.endswith("--role engine")}

    def test_refused_by_the_engine(self):
        """The courier stood on it already, the next engine does not come up: both go back."""
        self.begin("a")
        self.until_alerts_flow()
        before, killed = self.engines(), []

        def kill_the_next():
            killed.extend(until("another engine", lambda: self.engines() - before, 30, 0.001))
            os.kill(killed[0], livetest.signal.SIGKILL)
        killer = threading.Thread(target=kill_the_next)
        killer.start()
        run = self.reload("a", "b")
        killer.join()
        self.assertEqual((run.returncode, len(killed)), (2, 1), run)
        until("the configuration that holds", lambda: len(self.sensor.ready()["sinks"]) == 2)
        self.hush()
        self.until_delivered()
        status = self.check_others()
        self.assertEqual(status["config"]["generation"], 1)
        self.assertEqual(status["courier"]["restarts"], 0, "replaced twice, not lost")
        self.sensor.stop()
        self.check(self.file("a"))


if __name__ == "__main__":
    weirtest.main()
