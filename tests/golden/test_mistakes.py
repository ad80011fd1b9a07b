#!/usr/bin/env python3
"""The likeliest mistakes of the first hour. Each meets one line that names the cause and what helps, and each
line is in docs/first-hour.md, where who meets it looks for it."""

import concurrent.futures
import fcntl
import os
import re
import shutil
import socket
import subprocess

import weirtest
from livetest import Sensor, Space, read, require, until, wire
from weirtest import SOURCE, Case, conversation

TAB = "networks:\n\tinside: [10.0.0.0/8]\n"
RULE = "- rule: big\n  name: Big\n  severity: 60\n  condition: bytes_out > 10 MB\n"
SINK = "alerts: {sinks: [{type: %s}]}\n"


class Mistakes(Case):
    def setUp(self):
        super().setUp()
        self.state = "--set", "sensor.state_dir=" + self.path("state")
        with open(os.path.join(SOURCE, "docs", "first-hour.md"), encoding="utf-8") as file:
            self.page = " ".join(re.sub(r"[`|]", " ", file.read()).split())

    def meets(self, status, words, *parts, program=(), env=None):
        """One line on standard error with these parts, in this order; the first is in the page."""
        run = subprocess.run([*program, weirtest.binary(), *words], env=weirtest.environment(self.home, env),
                             capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL)
        said = f"{words}: status {run.returncode}\n{run.stderr}"
        lines = [line for line in run.stderr.splitlines() if line.startswith("weir: ")]
        self.assertEqual((run.returncode, len(lines)), (status, 1), said)
        self.assertRegex(lines[0], ".*".join(map(re.escape, parts)), said)
        self.assertIn(" ".join(parts[0].split()), self.page, "docs/first-hour.md does not have it")

    def checks(self, text, *parts):
        self.meets(2, ("check", "-c", self.write("weir.yaml", text)), *parts)

    def test_a_configuration(self):
        self.checks(TAB, "a tab, expected spaces")
        self.checks("network: {inside: [10.0.0.0/8]}\n", 'unknown key "network", expected one of:', "networks")
        self.checks("networks: {inside: [10.0.0.5/8]}\n", "has host bits set, expected 10.0.0.0/8")
        self.checks("networks: {inside: 10.0.0.0/8}\n", "expected a list of prefixes such as [10.0.0.0/8]")
        self.checks("site: {timezone: CEST}\n", "is not a time zone of this machine", "Europe/Berlin", "tzdata")
        self.checks(SINK % "slack", "expected type: one of", "unix")
        self.checks(RULE, "the file: is a list, expected a mapping of sections", "rules are a file of their own")

    def test_rules(self):
        self.write("big.yaml", RULE)
        self.checks('rules: ["big.yaml"]\n', "unknown field or macro", "bytes_out", "(weir rules fields)")
        self.meets(0, ("check", "-c", self.write("weir.yaml", 'rules: ["rule/*.yaml"]\n')), "there are no rules")

    def test_a_configuration_that_is_not_ours_to_read(self):
        if os.geteuid() != 0 or not shutil.which("setpriv"):
            self.skipTest("needs root and setpriv")
        path = self.write("weir.yaml", "")
        os.chown(path, 65534, 65534)
        os.chmod(path, 0o600)
        self.meets(2, ("check", "-c", path), "only root, its owner and its group may read it",
                   program=("setpriv", "--bounding-set=-dac_override,-dac_read_search"))

    def test_captures(self):
        text = self.write("a.pcap", "no capture\n")
        self.meets(3, ("replay", text), "not a capture", "expected pcap or pcapng")
        self.meets(3, ("baseline", "import", "--dry-run", text), "is not a Weir baseline, expected a file of weir baseline export or")
        self.meets(2, ("replay", "-f", "tcp port http and", text), "expected as pcap-filter(7) has it")
        self.meets(2, ("replay", "-i", "eth0"), "unknown option (weir replay --help)")
        self.meets(2, ("run", text), "run watches interfaces (-i); weir replay judges captures")

    def test_redis(self):
        capture = self.write("a.pcap", weirtest.pcap([]))
        self.meets(1, ("replay", "-q", capture), "redis-server is not installed", "redis.url",
                   env={"PATH": self.path("nowhere")})
        self.meets(1, ("replay", "-q", "--set", "redis.url=redis://127.0.0.1:1", capture), "nothing listens there")
        server = os.environ.get("WEIR_TEST_REDIS_TCP", "").rpartition("@")[2]
        if server: # it wants a password
            self.meets(1, ("replay", "-q", "--set", f"redis.url=redis://{server}", capture), "wants a password (NOAUTH)",
                       "redis://:PASSWORD@host")
            self.meets(1, ("replay", "-q", "--set", f"redis.url=redis://:wrong@{server}", capture),
                       "refuses the user or password")

    def test_interfaces(self):
        self.meets(2, ("run", *self.state), "which interface? -i NAME, or capture.interfaces")
        self.meets(1, ("check", "-i", "nosuch0"), "there is none of this name (there are:", "lo")
        if os.geteuid() == 0 and shutil.which("setpriv"):
            self.meets(1, ("check", "-i", "lo"), "no permission to capture, expected root or CAP_NET_RAW",
                       program=("setpriv", "--bounding-set=-net_raw"))

    def test_what_is_somebody_elses(self):
        os.mkdir(self.path("held"))
        with open(self.path("held", "lock"), "ab") as lock, concurrent.futures.ThreadPoolExecutor() as pool:
            fcntl.flock(lock, fcntl.LOCK_EX)
            held = pool.submit(self.meets, 1, ("run", "-i", "lo", "--set", "sensor.state_dir=" + self.path("held")),
                               "another sensor runs there; give this one its own sensor.state_dir") # asked for 3 s
            self.meets_what_is_taken()
            held.result()

    def meets_what_is_taken(self):
        self.meets(1, ("status", *self.state), "no sensor runs at", "start one with weir run")
        self.meets(1, ("run", "-i", "lo", "--set", "sensor.state_dir=/proc/nowhere"),
                   "sensor.state_dir says where state is kept")
        with socket.create_server(("127.0.0.1", 0)) as taken:
            self.meets(1, ("run", "-i", "lo", *self.state, "--set", f"metrics.listen=127.0.0.1:{taken.getsockname()[1]}"),
                       "cannot be listened on: Address already in use")
        with open(self.path("state", "state.version"), encoding="ascii") as file:
            self.assertEqual(file.read(), "1\n")
        self.write("state/state.version", "2\n")
        before = sorted(os.listdir(self.path("state")))
        self.meets(2, ("run", "-i", "lo", *self.state), "install the one that wrote it, or name another "
                   "sensor.state_dir")
        self.assertEqual(sorted(os.listdir(self.path("state"))), before)

    def test_a_sink_whose_folder_is_not_there(self):
        if os.geteuid() != 0:
            self.skipTest("needs root: an interface")
        os.chmod(self.home, 0o755) # the sensor's processes are another user's
        sink = self.write("weir.yaml", SINK % f"file, path: {self.path('no', 'a.ndjson')}")
        self.meets(1, ("run", "-i", "lo", "-c", sink, *self.state), "its folder is not there (mkdir)")


class FirstMinute(Case):
    """What a sensor that runs says of itself, and that what it sees is nobody's of the site."""

    def test_it(self):
        require(self, "ethtool")
        far, tap = Space(self, "far"), Space(self, "tap")
        wire(far, "f0", tap, "t0", arp=False)
        rule = self.write("rules.yaml", RULE.replace("bytes_out", "out_bytes"))
        os.chmod(rule, 0o644)
        zones = "[{name: plant, level: 1, nets: [10.9.1.0/24]}]"
        sensor = Sensor(self, tap, "-i", "t0", "--inside", "10.0.0.0/8", "--set", f"rules=[{rule}]",
                        "--set", f"networks.zones={zones}", "--set", "detection.learn_days=9",
                        env={"WEIR_LOG": "priority"})
        said = read(sensor.log)
        now = "judged from now on: "
        self.assertRegex(said, f"(?m)^<6>engine: {now}counted content in clear text, tunnels in DNS")
        self.assertRegex(said, f"(?m)^<6>engine: {now}rules: 1$")
        self.assertRegex(said, "(?m)^<6>engine: still learning: volumes, .* 9 days after it is first seen$")
        self.assertRegex(said, "(?m)^<6>weir: capturing$")
        shown = sensor.ask("status").stdout
        self.assertRegex(shown, r"(?m)^judged +counted content in clear text")
        self.assertRegex(shown, r"(?m)^learning +volumes, destinations and hours: no host is known yet")
        self.assertRegex(shown, r"zones: 1 only observed \(weir zones propose\)")
        self.assertIn("to nothing that it knows of", shown)
        bundle = sensor.ask("support-bundle")
        self.assertEqual((bundle.returncode, bundle.stderr), (0, ""))
        self.assertIn('"judged":["counted content', bundle.stdout)
        self.assertRegex(bundle.stdout, r"(?m)^weir_\w+ \d+$")
        with far.raw("f0") as end: # flows that end at once: another begins on their ports
            for client in (("203.0.113.5", 30000 + n) for n in range(101)):
                for _, frame in conversation(0, client, ("198.51.100.9", 443), b"a"):
                    end.send(frame)
                end.send(weirtest.tcp(*client, "198.51.100.9", 443, 9_000_000, 0, weirtest.SYN))
        line = "no flow that was seen has a side in networks.inside"
        until(lambda: f"{line}\n{sensor.status()}", lambda: any(line in one for one in sensor.status()["blind"]))


if __name__ == "__main__":
    weirtest.main()
