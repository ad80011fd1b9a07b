"""What the live tests share: network namespaces of a test's own, wires between them, a tap box, a
running sensor, tcpdump beside it, and real traffic. Standard library and real programs
(deploy/packages-test).

Everything happens in namespaces that the test made: nothing is sent on, and nothing is seen of, the
machine's own interfaces. A test that fails leaves nothing behind: its processes are ended (by their
ids, and whoever else is left in its namespaces), its namespaces are deleted.

The tap box and the servers are processes of their own: liveparts.py.
"""

import collections
import contextlib
import ctypes
import glob
import ipaddress
import itertools
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time

import weirtest

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
ETH_P_ALL = 3
SOL_PACKET, PACKET_IGNORE_OUTGOING = 263, 23
PARTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "liveparts.py")
READY_S = 60 # a sanitized program on a busy machine
numbers = itertools.count()


def require(test, *programs):
    """Skips `test` by name and reason without root, network namespaces or one of the programs."""
    if os.geteuid() != 0:
        test.skipTest("needs root: network namespaces")
    for program in ("ip", *programs):
        if not shutil.which(program):
            test.skipTest(f"{program} is not installed (deploy/packages-test)")
    probe = f"weir-{os.getpid()}-probe"
    done = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        test.skipTest(f"no network namespaces here: {done.stderr.strip()}")
    subprocess.run(["ip", "netns", "del", probe], check=True)


def until(what, check, seconds=READY_S, every=0.05):
    """What `check` returns once that is true; AssertionError after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        found = check()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what() if callable(what) else what}")
        time.sleep(every)


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except (FileNotFoundError, ProcessLookupError):
        return ""


# --- namespaces ----------------------------------------------------------------------------------


def switch_ipv6(key, disabled):
    """/proc/sys/net is that of the thread that looks."""
    with open(f"/proc/sys/net/ipv6/conf/{key}/disable_ipv6", "w", encoding="ascii") as file:
        file.write(disabled)


class Space:
    """A network namespace. `with space:` moves the calling thread there and back."""

    def __init__(self, test, name):
        self.name = f"weir-{os.getpid()}-{next(numbers)}-{name}"
        self.processes, self.home = [], os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        test.addCleanup(self.delete)
        self.file = os.open(f"/run/netns/{self.name}", os.O_RDONLY)
        with self:
            switch_ipv6("all", "1")
            switch_ipv6("default", "1")
        self.ip("link", "set", "lo", "up")

    def move(self, file):
        if LIBC.setns(file, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    def __enter__(self):
        self.move(self.file)
        return self

    def __exit__(self, *_):
        self.move(self.home)

    def ip(self, *words):
        subprocess.run(["ip", "-n", self.name, *words], check=True)

    def start(self, *words, **given):
        """A process in here: through `ip netns exec`, so that /sys shows this namespace's interfaces."""
        given = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL,
                 "stderr": subprocess.DEVNULL, **given}
        process = subprocess.Popen(["ip", "netns", "exec", self.name, *map(str, words)], **given)
        self.processes.append(process)
        return process

    def part(self, *words):
        """A part of the stage (liveparts.py) as a process in here, once it says that it is ready."""
        process = self.start(sys.executable, PARTS, *words, stdout=subprocess.PIPE, stderr=None)
        if process.stdout.readline() != b"ready\n":
            raise AssertionError(f"{words}: did not come up")
        return process

    def run(self, *words, seconds=120):
        """Output of a program that must end well."""
        process = self.start(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = process.communicate(timeout=seconds)
        if process.returncode != 0:
            raise AssertionError(f"{words}: status {process.returncode}\n{err.decode()[-2000:]}")
        return out

    def raw(self, interface):
        """A packet socket: sends whole frames on `interface`, and receives what comes in there."""
        with self:
            made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            made.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
            made.bind((interface, ETH_P_ALL))
        return made

    def delete(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()
        left = subprocess.run(["ip", "netns", "pids", self.name], capture_output=True, text=True,
                              check=False).stdout.split()
        for pid in left: # in a namespace that only this test knows
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        os.close(self.file)
        os.close(self.home)
        subprocess.run(["ip", "netns", "del", self.name], check=True)


def wire(one, name, other, other_name, arp=True):
    """A veth pair between two spaces, up, offloads off: a frame that is sent is a frame on the wire."""
    subprocess.run(["ip", "link", "add", name, "netns", one.name, "type", "veth", "peer", "name",
                    other_name, "netns", other.name], check=True)
    for space, end in ((one, name), (other, other_name)):
        space.run("ethtool", "-K", end, "gro", "off", "gso", "off", "tso", "off", "tx", "off")
        space.ip("link", "set", end, "arp", "on" if arp else "off")
        space.ip("link", "set", end, "up")


CLIENT, SERVER = "10.1.0.1", "198.51.100.9"
CLIENT6, SERVER6 = "fd00:1::1", "2001:db8::9"


def address(space, interface, own, other):
    """`own` on `interface`, `other` reached over it. IPv6 without automatic addresses: no chatter."""
    wide = ":" in own
    if wide:
        space.ip("link", "set", interface, "addrgenmode", "none")
        with space:
            switch_ipv6(interface, "0")
    space.ip("addr", "replace", own + ("/128" if wide else "/32"), "dev", interface,
             *(["nodad"] if wide else []))
    space.ip("route", "replace", other + ("/128" if wide else "/32"), "dev", interface, "src", own)


def client_and_server(test):
    """A client in front of a web server on port 80, a wire between them: c0, s0."""
    client, server = Space(test, "client"), Space(test, "server")
    wire(client, "c0", server, "s0")
    address(client, "c0", CLIENT, SERVER)
    address(server, "s0", SERVER, CLIENT)
    server.part("web", "80")
    return client, server


# --- what watches --------------------------------------------------------------------------------


class Sensor:
    """`weir run` in a space, from "every process runs" to its end by SIGTERM."""

    def __init__(self, test, space, *words, workers=1, folder=None, program=(), env=None,
                 stdout=subprocess.DEVNULL, output=True):
        """`program`: words before weir's own, of a program that becomes it. `output`: -o, a sink too."""
        self.test, self.space = test, space
        self.home = folder or test.path(f"sensor{next(numbers)}")
        os.makedirs(self.home, exist_ok=True)
        for path in (test.home, self.home): # the sensor's processes are another user's
            os.chmod(path, 0o755)
        self.state, self.out = os.path.join(self.home, "state"), os.path.join(self.home, "out")
        self.log = os.path.join(self.home, "log")
        self.words = ["run", "--workers", str(workers), "--set", "sensor.state_dir=" + self.state,
                      *(["-o", self.out] if output else []), *map(str, words)]
        with open(self.log, "ab") as log:
            self.process = space.start(*program, weirtest.binary(), *self.words, stdout=stdout, stderr=log,
                                       env={**os.environ, **weirtest.unnamed_reports(), **(env or {})})
        test.addCleanup(self.end_hard)
        self.ready(workers)

    def is_up(self, workers):
        status = self.status()
        if status is None and self.process.poll() is not None:
            raise AssertionError(f"{self.words} ended: {self.process.returncode}\n{read(self.log)}")
        up = status and [one["state"] for one in status["capture"]] == ["running"] * workers
        return up and status

    def ready(self, workers=1):
        """The status, with every capture process at work; a new engine is told of them within 1 s."""
        return until(lambda: f"a running sensor\n{read(self.log)}", lambda: self.is_up(workers))

    def kill(self, pid, number=signal.SIGKILL):
        if pid <= 1: # "none now": never a group, never everybody
            raise AssertionError(f"no process: {pid}\n{read(self.log)}")
        os.kill(pid, number)

    def ask(self, *words):
        return subprocess.run([weirtest.binary(), *words, "--set", "sensor.state_dir=" + self.state],
                              capture_output=True, text=True, check=False, timeout=READY_S)

    def status(self):
        return self.get("/v1/status")

    def get(self, path):
        """None: nobody answers (the engine is starting)."""
        with contextlib.suppress(OSError, ValueError), socket.socket(socket.AF_UNIX) as client:
            client.settimeout(10)
            client.connect(os.path.join(self.state, "control.sock"))
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: weir\r\n\r\n".encode())
            with client.makefile("rb") as file:
                return json.loads(file.read().partition(b"\r\n\r\n")[2])
        return None

    def lines(self, name):
        """Whole lines of a file that may be being written."""
        text = read(os.path.join(self.out, name))
        return [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines()]

    def alerts(self, rule=None):
        """Without the heartbeats, which have no rule."""
        return [alert for alert in self.lines("alerts.ndjson")
                if "rule" in alert and rule in (None, alert["rule"]["id"])]

    def flows(self):
        return self.lines("flows.ndjson")

    def journal(self):
        """What was raised, in order, as text: the frames of sensor/alert/frame.h in every file of it."""
        files = sorted(glob.glob(self.state + "/alerts.journal") + glob.glob(self.state + "/journal/*"))
        found = {}
        for path in files:
            with open(path, "rb") as file:
                data = file.read()
            for head in re.finditer(rb"\xffWJ\x01(.{4})(.{8}).{8}(?=\{)", data, re.S):
                size, number = struct.unpack("<IQ", head.group(1) + head.group(2))
                found[number] = data[head.end():head.end() + size].decode()
        return [found[number] for number in sorted(found)]

    def stop(self, status=0):
        """SIGTERM: it ends in time, well, and no sanitizer spoke."""
        self.process.terminate()
        self.test.assertEqual(self.process.wait(READY_S), status, read(self.log))
        self.check_log()

    def check_log(self):
        text = read(self.log)
        if any(word in text for word in weirtest.SANITIZERS):
            raise AssertionError(f"a sanitizer spoke: {self.words}\n{weirtest.named(text[-6000:])}")

    def end_hard(self):
        if self.process.poll() is None:
            self.process.kill() # its children go with it, or with their space
            self.process.wait()


class Tcpdump:
    """tcpdump -w beside a sensor, from "listening" to its end; it must not have lost a packet."""

    def __init__(self, test, space, interface):
        self.test, self.path = test, test.path(f"dump{next(numbers)}.pcap")
        self.process = space.start("tcpdump", "-i", interface, "-w", self.path, "-B", "65536", "-s", "0",
                                   "-U", "--immediate-mode", "-Z", "root", stderr=subprocess.PIPE)
        line = self.process.stderr.readline()
        if b"listening on" not in line:
            raise AssertionError(f"tcpdump: {line}")

    def stop(self):
        """What the kernel holds for it when it is told to end, it leaves there: the file has to come to rest first."""
        size = -1
        while size != (size := os.path.getsize(self.path)):
            time.sleep(.3)
        self.process.send_signal(signal.SIGINT)
        with self.process.stderr as pipe:
            words = pipe.read().decode()
        self.process.wait()
        self.test.assertIn("\n0 packets dropped by kernel", words)
        return self.path


def load_baseline(url, path):
    """A saved baseline into a sensor's store: the layouts of sensor/baseline/file.c and store.h."""
    with open(path, "rb") as file:
        data = file.read()
    size, = struct.unpack_from("<I", data, 12)
    with weirtest.RedisClient(url) as client:
        client("SET", "weir:schema", "1")
        client("SET", "weir:fleet", data[16:16 + size])
        at = 16 + size
        while at < len(data) - 32:
            host = ipaddress.IPv6Address(data[at:at + 16])
            size, = struct.unpack_from("<I", data, at + 16)
            client("HSET", f"weir:{{{host.ipv4_mapped or host}}}:profile", "closed", "1", "blob",
                   data[at + 20:at + 20 + size])
            at += 20 + size


# --- flows ---------------------------------------------------------------------------------------

LISTENER_REPORTS = "ff02::16"


def end_of(flow):
    """What is over within 10 s (a SYN alone, a look-up, a ping) ends where a sensor runs on; a capture may be over
    before."""
    packets = flow["orig"]["packets"], flow["resp"]["packets"]
    brief = sum(packets) == 1 if flow["proto"] == "tcp" else max(packets) <= 8
    return "input" if brief and flow["end_reason"] == "idle" else flow["end_reason"]


def counted(flows):
    """Flows as a set that can be compared. Times are left out: each packet socket has the kernel look
    at the clock for itself. So are the kernel's multicast-listener reports: it sends them for a second
    after an interface came up, so that who watches first sees more of them."""
    kept = ("proto", "orig", "resp", "vlan", "tunnel", "service", "server_name", "ja3", "dns",
            "initiator", "scope")
    return collections.Counter(json.dumps({key: flow.get(key) for key in kept} | {"end_reason": end_of(flow)})
                               for flow in flows if flow["resp"]["ip"] != LISTENER_REPORTS)


def differences(have, want):
    """Which flows only one side tells of; "" when they are the same."""
    have, want = counted(have), counted(want)
    return "\n".join(f"{'not told' if n < 0 else 'only told'}: {flow}"
                     for flow, n in sorted((f, have[f] - want[f]) for f in have | want) if n)


K1, K2, MASK = 0x9E3779B1, 0x85EBCA77, 0xFFFFFFFF


def worker_of(one, other, workers):
    """Which capture process the kernel gives this IPv4 pair's packets to: the program of
    capture/fanout.c, while every process has its place."""
    a, b = (int(ipaddress.IPv4Address(ip)) for ip in (one, other))
    value = ((a ^ b) * K1 ^ (a + b) * K2) & MASK
    value = (value ^ value >> 16) * K2 & MASK
    return (value ^ value >> 16) % workers
