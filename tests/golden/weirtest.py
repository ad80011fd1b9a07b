"""What the golden tests share: running the program, reading what it left behind, small captures made
of generated packets, a private redis-server and a client for it. Standard library only; with jsonschema, alerts are held against docs/schema.

Every run gets a TMPDIR of its own, and three things are asked of every run whatever a test is about:
no signal ended it, no sanitizer spoke, and nothing is left in the TMPDIR.

Environment: WEIR_BINARY (the program), WEIR_SOURCE (the source root; else two folders up),
WEIR_TEST_PCAPS (the shared captures; else ../shared/pcaps beside the source root), WEIR_TEST_REDIS and
WEIR_TEST_REDIS_TCP (servers to use; else a private one is started).
"""

import fcntl
import functools
import hashlib
import ipaddress
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

try:
    import jsonschema
except ImportError:
    jsonschema = None

SOURCE = os.path.abspath(os.environ.get("WEIR_SOURCE") or
                         os.path.join(os.path.dirname(__file__), "..", ".."))
SHIPPED = os.path.join(SOURCE, "pcaps")
SHARED = os.environ.get("WEIR_TEST_PCAPS") or os.path.join(SOURCE, "..", "shared", "pcaps")
SANITIZERS = ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer", "MemorySanitizer",
              "UndefinedBehaviorSanitizer", "runtime error:")
SKIPPED = 77
NS = 1_000_000_000


def main():
    """Runs the calling file's tests; 77 when every one of them was skipped."""
    program = unittest.main(module="__main__", verbosity=2, exit=False)
    result = program.result
    if not result.wasSuccessful():
        sys.exit(1)
    sys.exit(SKIPPED if result.testsRun and len(result.skipped) == result.testsRun else 0)


# --- running the program -------------------------------------------------------------------------


SCHEMA_OF = {"alert": "ecs-alert.json", "metric": "ecs-heartbeat.json", "event": "ecs-audit.json"}


def schema(name):
    """A schema of docs/schema with what it refers to in its place."""
    def whole(value):
        if isinstance(value, dict) and not value.get("$ref", "#").startswith("#"):
            return {k: v for k, v in schema(value["$ref"]).items() if k not in ("$schema", "$id")}
        if isinstance(value, dict):
            return {key: whole(member) for key, member in value.items()}
        return [whole(member) for member in value] if isinstance(value, list) else value
    with open(os.path.join(SOURCE, "docs", "schema", name), encoding="utf-8") as file:
        return whole(json.load(file))


@functools.lru_cache(None)
def validator(name):
    return jsonschema.Draft202012Validator(schema(name))


def schema_problems(name, record):
    """What a schema has against a record, a line each. Nothing where python3-jsonschema is not installed."""
    if not jsonschema:
        return []
    return [f"{'.'.join(map(str, error.absolute_path))}: {error.message[:300]}"
            for error in validator(name).iter_errors(record)]


def report_of(path):
    """A report.json. Every one that any test looks at is as its schema says."""
    with open(path, encoding="utf-8") as file:
        said = json.load(file)
    problems = schema_problems("report.schema.json", said)
    if problems:
        raise AssertionError(f"{path}: not as its schema says: {problems[:5]}")
    return said


class Run:
    """One finished run: status, out, err (text), and how to read what it left in `folder`."""

    def __init__(self, words, status, out, err, folder=None):
        self.words, self.status, self.out, self.err, self.folder = words, status, out, err, folder

    def __str__(self):
        return f"weir {' '.join(self.words)}: status {self.status}\n{self.err[-3000:]}"

    def bytes(self, name):
        with open(os.path.join(self.folder, name), "rb") as file:
            return file.read()

    def lines(self, name):
        """Every line is one JSON object, and the last one is whole."""
        data = self.bytes(name)
        if data and not data.endswith(b"\n"):
            raise AssertionError(f"{name}: its last line is cut\n{self}")
        return [json.loads(line) for line in data.decode("utf-8").splitlines()]

    def alerts(self):
        """Every alert that any test looks at is as its schema says."""
        found = self.lines("alerts.ndjson")
        for record in found:
            problems = schema_problems(SCHEMA_OF[record["event"]["kind"]], record)
            if problems:
                raise AssertionError(f"not as its schema says: {problems}\n{record}")
        return found

    def flows(self):
        return self.lines("flows.ndjson")

    def summary(self):
        return json.loads(self.bytes("summary.json"))

    def report(self):
        return report_of(os.path.join(self.folder, "report.json"))


def check_run(run, temporary):
    if run.status < 0:
        raise AssertionError(f"ended by {signal.Signals(-run.status).name}: {run}")
    if any(word in run.err for word in SANITIZERS):
        raise AssertionError(f"a sanitizer spoke: {run.words}\n{named(run.err[-6000:])}")
    left = os.listdir(temporary)
    if left:
        raise AssertionError(f"left in TMPDIR: {left}: {run}")


def unnamed_reports():
    """A capture process must read all debug information before its walls close, or its report names no
    functions: 0.2 s each under the sanitizers, half of a small replay. It reports places in files instead,
    and named() asks what they are once there is a report."""
    return {name: ":".join(filter(None, (os.environ.get(name), "symbolize=0")))
            for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS")}


def named(text):
    """A sanitizer's report with its places ("(/path/weir+0x1234)") named as functions and lines."""
    def name_of(place):
        done = subprocess.run(["addr2line", "-f", "-p", "-e", *place.groups()], check=False,
                              capture_output=True, text=True)
        return place.group(0) + " " + done.stdout.strip()
    return re.sub(r"\((/[^()]+)\+(0x[0-9a-f]+)\)", name_of, text) if shutil.which("addr2line") else text


def environment(temporary, env=None):
    return {**os.environ, **unnamed_reports(), "TMPDIR": temporary, **(env or {})}


def binary():
    return os.environ["WEIR_BINARY"]


def weir(*words, stdin=None, env=None, stdout=subprocess.PIPE, timeout=240):
    """Runs `weir words…`, with `stdin` (bytes) as standard input."""
    words = [str(word) for word in words]
    given = {"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}
    with tempfile.TemporaryDirectory(prefix="weir-tmp-") as temporary:
        done = subprocess.run([binary(), *words], check=False, stdout=stdout, timeout=timeout,
                              stderr=subprocess.PIPE, env=environment(temporary, env), **given)
        run = Run(words, done.returncode, (done.stdout or b"").decode("utf-8"),
                  done.stderr.decode("utf-8", "replace"))
        check_run(run, temporary)
    return run


# A test's replays read in their own process, which takes half the time under the sanitizers. That the answer is
# the same is what test_worker_processes asks. None, where who reads is part of what is asked: as everybody's.
workers = 0


def replay(folder, *words, **more):
    """`weir replay -q -o FOLDER words…`"""
    if workers is not None and "--workers" not in words:
        words = ("--workers", str(workers), *words)
    run = weir("replay", "-q", "-o", folder, *words, **more)
    run.folder = folder
    return run


@functools.lru_cache(None)
def own_folder():
    return tempfile.TemporaryDirectory(prefix="weir-test-") # removed when we end


def place_of_replay(capture):
    """The folder in which `kept_replay` keeps an answer: by program and capture, as they are now. A program that
    was built since leaves nothing of the one before."""
    def stamp(path):
        found = os.stat(path)
        words = f"{os.path.abspath(path)} {found.st_size} {found.st_mtime_ns}"
        return hashlib.sha256(words.encode()).hexdigest()
    kept = os.path.join(os.environ.get("WEIR_BUILD") or own_folder().name, "replays")
    mine = stamp(binary())
    os.makedirs(os.path.join(kept, mine), exist_ok=True)
    for name in os.listdir(kept):
        if name != mine:
            shutil.rmtree(os.path.join(kept, name), ignore_errors=True)
    return os.path.join(kept, mine, stamp(capture))


def kept_replay(capture):
    """`weir replay --flows CAPTURE`, as everybody runs it.

    A handful of tests each ask what was told of the same hundreds of captures, so the first one's answer is
    kept beside the build: it is the same every time (test_determinism, test_worker_processes). Who asks while
    another finds out waits for it."""
    kept = place_of_replay(capture)
    with open(f"{kept}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(f"{kept}.json"):
            shutil.rmtree(kept, ignore_errors=True)
            run = weir("replay", "-q", "-o", kept, "--flows", capture)
            run.folder = kept
            with open(f"{kept}.new", "w", encoding="utf-8") as file:
                json.dump([run.words, run.status, run.out, run.err, kept], file)
            os.replace(f"{kept}.new", f"{kept}.json")
    with open(f"{kept}.json", encoding="utf-8") as file:
        return Run(*json.load(file))


def replayed(capture):
    """The lines of flows.ndjson of a kept replay; None: it wrote none."""
    run = kept_replay(capture)
    if run.status not in (0, 3): # 3: damaged, and read as far as it goes
        raise AssertionError(f"replay of a capture: {run}")
    if not os.path.exists(os.path.join(run.folder, "flows.ndjson")):
        return None
    return run.bytes("flows.ndjson").decode("utf-8").splitlines()


def complaint(run):
    """The one line that a run said on standard error."""
    lines = run.err.splitlines()
    if len(lines) != 1 or not run.err.endswith("\n") or not lines[0].startswith("weir: "):
        raise AssertionError(f"expected exactly one line 'weir: …' on standard error: {run}")
    return lines[0]


class Case(unittest.TestCase):
    """A test with a folder of its own (self.path(name) is a file in it)."""

    def setUp(self):
        self.home = tempfile.mkdtemp(prefix="weir-test-")
        self.addCleanup(shutil.rmtree, self.home, ignore_errors=True)
        self.runs = 0

    def needs_sinks(self, *types):
        lacking = sorted(set(types) - sinks())
        if lacking:
            self.skipTest(f"this build has no {', '.join(lacking)} (WEIR_KAFKA, WEIR_CURL)")

    def path(self, *names):
        return os.path.join(self.home, *names)

    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
        return self.path(name)

    def replay(self, *words, status=0, **more):
        """A replay into a new folder, which must end with `status`."""
        self.runs += 1
        run = replay(self.path(f"out{self.runs}"), *words, **more)
        self.assertEqual(run.status, status, run)
        return run

    def assert_fails(self, status, words, *parts, **more):
        """`weir words…` ends with `status` and says one line that holds all `parts`."""
        run = weir(*words, **more)
        self.assertEqual(run.status, status, run)
        line = complaint(run)
        for part in parts:
            self.assertIn(part, line)
        return run


def truth(name):
    with open(os.path.join(SHIPPED, name), encoding="utf-8") as file:
        return json.load(file)


# --- packets -------------------------------------------------------------------------------------

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip_packet(src, dst, proto, payload):
    a, b = ipaddress.ip_address(src), ipaddress.ip_address(dst)
    if a.version == 6:
        return struct.pack("!IHBB", 6 << 28, len(payload), proto, 64) + a.packed + b.packed + payload
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0x4000, 64, proto, 0)
    head += a.packed + b.packed
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def with_checksum(src, dst, proto, segment, at):
    a, b = ipaddress.ip_address(src), ipaddress.ip_address(dst)
    pseudo = a.packed + b.packed + struct.pack("!IBBBB", len(segment), 0, 0, 0, proto)
    return segment[:at] + struct.pack("!H", checksum(pseudo + segment)) + segment[at + 2:]


def ethernet(packet):
    kind = b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\0"
    return bytes.fromhex("020000000002020000000001") + kind + packet


def tcp(src, sport, dst, dport, seq, ack, flags, data=b""):
    segment = struct.pack("!HHIIBBHHH", sport, dport, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, 5 << 4,
                          flags, 65535, 0, 0) + data
    return ethernet(ip_packet(src, dst, 6, with_checksum(src, dst, 6, segment, 16)))


def udp(src, sport, dst, dport, data):
    segment = struct.pack("!HHHH", sport, dport, 8 + len(data), 0) + data
    return ethernet(ip_packet(src, dst, 17, with_checksum(src, dst, 17, segment, 6)))


@functools.cache
def sinks():
    """The types of sinks that this build has: the preset minimal lacks some."""
    said = weir("check", "--set", "alerts.sinks=[{type: none}]").err
    return frozenset(said.rpartition("one of ")[2].replace(",", " ").split())


def conversation(start_ns, client, server, up=b"", down=b"", step_ns=1_000_000, segment=1400):
    """(time, frame) of a whole TCP connection: handshake, `up`, `down`, both FINs. `client` and
    `server` are (address, port). Every segment of one side is acknowledged by the other."""
    now, packets, seq = start_ns, [], [1000, 5000]
    ends = (client, server)

    def send(side, flags, data=b""):
        nonlocal now
        other = 1 - side
        packets.append((now, tcp(*ends[side], *ends[other], seq[side],
                                 seq[other] if flags & ACK else 0, flags, data)))
        seq[side] += len(data) + (1 if flags & (SYN | FIN) else 0)
        now += step_ns

    send(0, SYN)
    send(1, SYN | ACK)
    send(0, ACK)
    for side, data in ((0, up), (1, down)):
        for at in range(0, len(data), segment):
            send(side, PSH | ACK, data[at:at + segment])
            send(1 - side, ACK)
    send(0, FIN | ACK)
    send(1, FIN | ACK)
    send(0, ACK)
    return packets


def upload(start_ns, addresses, client=("10.1.1.1", 40000), server=("198.51.100.9", 80)):
    """A conversation in which `client` sends that many distinct e-mail addresses, in clear text."""
    body = b"".join(b"user%06d@example.co.jp\n" % n for n in range(addresses))
    head = b"POST /people HTTP/1.1\r\nHost: www.example.jp\r\nContent-Length: %d\r\n\r\n" % len(body)
    return conversation(start_ns, client, server, head + body,
                        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


# --- capture files -------------------------------------------------------------------------------


def pcap(packets, nanoseconds=False, order="<", link=1, snap=262144):
    """A pcap file of (time in ns, frame), cut at `snap`."""
    magic = 0xA1B23C4D if nanoseconds else 0xA1B2C3D4
    out = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snap, link)]
    for at, frame in packets:
        part = at % NS if nanoseconds else at % NS // 1000
        kept = frame[:snap]
        out.append(struct.pack(order + "IIII", at // NS, part, len(kept), len(frame)) + kept)
    return b"".join(out)


def block(order, kind, body):
    body += b"\0" * (-len(body) % 4)
    size = struct.pack(order + "I", 12 + len(body))
    return struct.pack(order + "I", kind) + size + body + size


def pcapng(packets, order="<", link=1, snap=262144):
    """A pcapng file with one interface whose time stamps are nanoseconds."""
    out = [block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1)),
           block(order, 1, struct.pack(order + "HHI", link, 0, snap) +
                 struct.pack(order + "HHB3xHH", 9, 1, 9, 0, 0))]
    for at, frame in packets:
        kept = frame[:snap]
        out.append(block(order, 6, struct.pack(order + "IIIII", 0, at >> 32, at & 0xFFFFFFFF,
                                               len(kept), len(frame)) + kept))
    return b"".join(out)


# --- Redis ---------------------------------------------------------------------------------------


class RedisClient:
    """As much of RESP as a test needs. `url`: unix:/path or redis://[:password@]host:port."""

    def __init__(self, url):
        if url.startswith("unix:"):
            self.socket = socket.socket(socket.AF_UNIX)
            try:
                self.socket.connect(url[5:])
            except OSError:
                self.socket.close()
                raise
        else:
            account, _, place = url.removeprefix("redis://").rpartition("@")
            host, _, port = place.partition(":")
            self.socket = socket.create_connection((host, int(port or 6379)))
        self.file = self.socket.makefile("rb")
        if not url.startswith("unix:") and account:
            self("AUTH", account.partition(":")[2])

    def close(self):
        self.file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __call__(self, *words):
        words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        self.socket.sendall(b"*%d\r\n" % len(words) +
                            b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words))
        return self.answer()

    def answer(self):
        line = self.file.readline()
        kind, text = line[:1], line[1:-2]
        if kind == b"-":
            raise AssertionError("redis: " + text.decode())
        if kind == b":":
            return int(text)
        if kind == b"$":
            size = int(text)
            return None if size < 0 else self.file.read(size + 2)[:-2]
        if kind == b"*":
            return [self.answer() for _ in range(int(text))]
        return text


class RedisServer:
    """A private redis-server in a folder of its own, until stop()."""

    def __init__(self, password=None):
        self.folder = tempfile.mkdtemp(prefix="weir-redis-")
        self.process = None
        self.url = "unix:" + os.path.join(self.folder, "redis.sock")
        words = ["--port", "0", "--unixsocket", self.url[5:], "--unixsocketperm", "777"]
        if password:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = probe.getsockname()[1]
            self.url = f"redis://:{password}@127.0.0.1:{port}"
            words = ["--bind", "127.0.0.1", "--port", str(port), "--requirepass", password]
        self.words = ["redis-server", "--save", "", "--appendonly", "no", "--dir", self.folder, *words]
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait_until_up()

    def wait_until_up(self):
        for _ in range(200):
            try:
                with RedisClient(self.url) as client:
                    client("PING")
                return
            except OSError:
                time.sleep(0.05)
        self.stop()
        raise AssertionError("the private redis-server did not come up")

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None
        shutil.rmtree(self.folder, ignore_errors=True)


def redis_urls(test):
    """name → URL of a server by unix socket and one by TCP with a password; skips `test` when there
    are none and none can be started."""
    urls = {"unix": os.environ.get("WEIR_TEST_REDIS"), "tcp": os.environ.get("WEIR_TEST_REDIS_TCP")}
    for name, password in (("unix", None), ("tcp", "weir-test")):
        if urls[name]:
            continue
        if not shutil.which("redis-server"):
            test.skipTest("redis-server is not installed")
        server = RedisServer(password)
        test.addCleanup(server.stop)
        urls[name] = server.url
    return urls
