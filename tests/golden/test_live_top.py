#!/usr/bin/env python3
"""weir top and its routes, of a running sensor: hosts and where they send, as JSON, as text and on a
terminal (tmux) that is driven by keys; who looks again and again is written down once; and what a service
manager is told from start to stop."""

import contextlib
import json
import os
import shutil
import socket
import subprocess

import weirtest
from livetest import CLIENT, SERVER, Sensor, Space, address, read, require, until, wire

RULES = """- rule: test.upload
  name: An upload
  condition: service = http and out_bytes_story > 1 kB
  severity: 60
"""


class Terminal:
    """A program on a terminal of tmux's: keys in, what is shown out."""

    def __init__(self, test, width, height, *words):
        self.folder = test.path("tmux")
        os.makedirs(self.folder)
        self.env = {**os.environ, "TMUX_TMPDIR": self.folder, "LC_ALL": "C.UTF-8"}
        self.env.pop("TMUX", None)
        test.addCleanup(self.end)
        self.tmux("new-session", "-d", "-x", str(width), "-y", str(height),
                  "sh", "-c", '"$@"; echo "status $?"; sleep 1000', "sh", *words)

    def tmux(self, *words):
        return subprocess.run(["tmux", "-u", "-f", "/dev/null", *words], env=self.env, capture_output=True,
                              text=True, check=True, timeout=60).stdout

    def keys(self, *keys):
        self.tmux("send-keys", *keys)

    def shown(self):
        return self.tmux("capture-pane", "-p")

    def wait(self, text):
        return until(lambda: f"{text!r} in:\n{self.shown()}", lambda: text in (screen := self.shown()) and screen)

    def end(self):
        with contextlib.suppress(subprocess.SubprocessError):
            self.tmux("kill-server")


class LiveTop(weirtest.Case):
    def setUp(self):
        super().setUp()
        require(self, "ethtool", "curl")
        self.client, self.server = Space(self, "client"), Space(self, "server")
        wire(self.client, "c0", self.server, "s0")
        address(self.client, "c0", CLIENT, SERVER)
        address(self.server, "s0", SERVER, CLIENT)
        self.server.part("web", "80")
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.manager.close)
        self.manager.bind(self.path("notify"))
        self.manager.settimeout(60)
        self.write("rules.yaml", RULES)
        os.chmod(self.path("rules.yaml"), 0o644)
        self.sensor = Sensor(self, self.server, "-i", "s0", "--inside", "10.0.0.0/8", "--set", "sensor.name=東京-1",
                             "--set", "rules=[" + self.path("rules.yaml") + "]",
                             env={"NOTIFY_SOCKET": self.path("notify"), "WATCHDOG_USEC": "2000000"})

    def told(self):
        return self.manager.recv(4096).decode()

    def state_told(self):
        """The next that is no sign of life."""
        while (text := self.told()) == "WATCHDOG=1":
            pass
        return text.split("\n")[0]

    def call(self, path):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(20)
            client.connect(os.path.join(self.sensor.state, "control.sock"))
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: weir\r\n\r\n".encode())
            with client.makefile("rb") as file:
                head, _, text = file.read().partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(text)

    def upload(self, size):
        body = self.write("body", "x" * size)
        self.client.run("curl", "-sf", "-o", "/dev/null", "-H", "Expect:", "--data-binary", "@" + body,
                        f"http://{SERVER}/1000")

    def host(self):
        """The row of the client, once something of it is counted."""
        _, reply = self.call("/v1/hosts")
        return next((row for row in reply["hosts"] if row["host"] == CLIENT and row["incident"]
                     and row["baseline"]), None) # null until the store said that there is none

    def test_top(self):
        self.upload(40000)
        row = until("the upload", self.host)
        self.assertGreaterEqual(row["out_bytes"], 40000)
        self.assertGreaterEqual(row["day_out_bytes"], row["out_bytes"])
        self.assertEqual((row["baseline"], row["expected"], row["p"], row["destinations"]), ("learning", None, None, 1))
        self.assertEqual(row["incident"]["rule"], "test.upload")
        self.routes(row)
        self.looks()
        self.once(row)
        if shutil.which("tmux"):
            self.terminal(row)
        self.service()

    def routes(self, row):
        status, one = self.call(f"/v1/hosts/{CLIENT}")
        self.assertEqual((status, one["total"], one["host"]["host"]), (200, 1, CLIENT))
        there = one["destinations"][0]
        self.assertEqual((there["name"], there["role"], there["kind"], there["met"]),
                         ("198.51.100.0/24", "client", "prefix", False))
        self.assertEqual((there["out_bytes"], there["incident"]["id"]), (row["out_bytes"], row["incident"]["id"]))
        there = self.call("/v1/destinations/198.51.100.0%2F24")[1]
        self.assertEqual((there["first_seen"], there["hosts_total"], "1 of 1" in there["first_seen_why"]), (None, 1, True))
        self.assertEqual(self.call("/v1/hosts?find=10.1.&order=host&limit=1")[1]["total"], 1)
        self.assertEqual(self.call("/v1/hosts?find=10.77")[1]["hosts"], [])
        self.assertEqual(self.call("/v1/hosts?offset=5")[1]["hosts"], [])
        for wrong in ("limit=0", "limit=101", "limit=x", "order=size", "order=", "find=", "find=A", "find=a%20b",
                      "nonsense=1", "limit", "=", "offset=99999999999"):
            self.assertEqual(self.call("/v1/hosts?" + wrong)[0], 400, wrong)
        for wrong in ("10.9.9.9", "nonsense", "10.1.0.1x", "aa:bb:cc:dd:ee:ff", "host-0000000000", "x" * 200):
            self.assertEqual(self.call("/v1/hosts/" + wrong)[0], 404, wrong)

    def looks(self):
        """Two paths that were found, and each that was asked for in vain, once each however often."""
        lines = [json.loads(line) for line in read(os.path.join(self.sensor.state, "access.ndjson")).splitlines()]
        verbs = [line["verb"] for line in lines]
        self.assertEqual(verbs.count("GET /v1/hosts"), 1)
        self.assertEqual(verbs.count(f"GET /v1/hosts/{CLIENT}"), 1)

    def once(self, row):
        done = self.sensor.ask("top", "--once")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("東京-1", done.stdout)
        line = next(line for line in done.stdout.splitlines() if line.startswith(CLIENT))
        self.assertIn(f"inc-{row['incident']['id'][:6]} 60", line)
        self.assertNotIn("\x1b", done.stdout)
        told = json.loads(self.sensor.ask("top", "--json", CLIENT).stdout)
        self.assertEqual(told["host"]["host"], CLIENT)
        for words, status in ((("10.9.9.9", "--once"), 1), ((), 2), (("a b", "--once"), 2), (("--every", "0"), 2),
                              (("--order", "x"), 2), (("--find", "A"), 2), (("1.2.3.4", "5.6.7.8"), 2)):
            done = self.sensor.ask("top", *words)
            self.assertEqual((done.returncode, len(done.stderr.splitlines())), (status, 1), done)

    def terminal(self, row):
        incident = f"inc-{row['incident']['id'][:6]}"
        on = Terminal(self, 120, 20, weirtest.binary(), "top", "--every", "1", "--set",
                      "sensor.state_dir=" + self.sensor.state)
        screen = on.wait(incident)
        self.assertIn(CLIENT, screen)
        self.assertIn("weir 東京-1", screen)
        on.keys("/", "9", "9", "Enter")
        on.wait("0 here")
        on.keys("/", "BSpace", "BSpace", "Enter")
        on.wait(CLIENT)
        on.keys("o")
        on.wait("by rate")
        on.keys("Enter")
        self.assertIn("this hour", on.wait("198.51.100.0/24"))
        on.keys("Enter")
        self.assertIn("test.upload", on.wait(f"weir explain {incident}"))
        on.keys("Left")
        on.wait("DESTINATION")
        on.tmux("resize-window", "-x", "50", "-y", "9")
        until("a small screen", lambda: max(map(len, on.shown().splitlines())) <= 50 and "q quit" not in on.shown())
        on.keys("Left")
        on.wait("HOST")
        on.keys("q")
        on.wait("status 0")
        self.nobody_there()

    def nobody_there(self):
        """Its terminal goes, and no signal says so: it has no controlling one."""
        ours, its = os.openpty()
        top = subprocess.Popen([weirtest.binary(), "top", "--set", "sensor.state_dir=" + self.sensor.state], stdin=its,
                               stdout=its, env=os.environ | {"TERM": "xterm"}, start_new_session=True)
        os.close(its)
        self.assertTrue(os.read(ours, 1))
        os.close(ours)
        self.assertEqual(top.wait(60), 0)

    def service(self):
        self.assertEqual(self.state_told(), "READY=1")
        with contextlib.suppress(BlockingIOError): # a full queue would take no word of the reload
            self.manager.setblocking(False)
            while True:
                self.assertEqual(self.told(), "WATCHDOG=1")
        self.manager.settimeout(60)
        self.assertEqual(self.sensor.ask("reload").returncode, 0)
        self.assertEqual(self.state_told(), "RELOADING=1")
        self.assertEqual(self.state_told(), "READY=1")
        self.sensor.stop()
        self.assertEqual(self.state_told(), "STOPPING=1")


if __name__ == "__main__":
    weirtest.main()
