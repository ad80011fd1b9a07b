#!/usr/bin/env python3
"""Evidence: the packets of incidents are those of the input, to the byte, and nothing of a folder can be
changed without `weir evidence verify` saying so.

What is extracted is compared with tshark's display filter of the input, by time, lengths and MD5 of the
frame. A rule that matches every flow makes an incident of each host and destination. The shared captures
are left out where they are not; without tshark nothing is compared.
"""

import hashlib
import json
import os
import shutil
import struct
import subprocess
import tempfile

import weirtest
from weirtest import NS, SHARED, SHIPPED, SOURCE, Case, jsonschema, weir

START = 1_772_438_400 * NS
EVERY = """- rule: every.flow
  name: Every flow
  condition: out_bytes_story >= 0 B
  severity: 50
  rate_limit: 100000 per day
"""
# file → who is inside, and whether tshark may be asked by ports (it has those of a datagram in fragments
# only in its last one).
CAPTURES = {
    "03_upload_exfil/arkime__http-post-upload.pcap": ("192.168.8.97/32", True), # a mirror's copies
    "10_encap/arkime__ipv6-in-ipv4.pcap": (None, False),
    "10_encap/sv__bug-4810_pppoe-session-http.pcap": ("default", True),
    "15_format/zeek__Traces_pcapng-multi-interface.pcapng": ("default", True),
}


def frames(path, condition=None):
    """(time, length, captured length, MD5) of each packet, sorted."""
    words = ["tshark", "-r", path, "-o", "frame.generate_md5_hash:TRUE", "-T", "fields"]
    for field in ("frame.time_epoch", "frame.len", "frame.cap_len", "frame.md5_hash"):
        words += ["-e", field]
    words += ["-Y", condition] if condition else []
    out = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
    return sorted(out.decode().splitlines())


def address(end):
    return f"{'ipv6' if ':' in end['ip'] else 'ip'}.addr=={end['ip']}"


def filter_of(flow, ports):
    text = f"{address(flow['orig'])} && {address(flow['resp'])}"
    if ports and flow["proto"] in ("tcp", "udp"):
        text += "".join(f" && {flow['proto']}.port=={flow[end]['port']}" for end in ("orig", "resp"))
    return f"({text})"


def manifest(run):
    return json.loads(run.bytes("evidence/manifest.json"))


def fragments(src, dst, ident, data, sport=5000, dport=6000, size=1000):
    """A UDP datagram in IPv4 fragments."""
    whole = weirtest.udp(src, sport, dst, dport, data)[14:]
    head, body = whole[:20], whole[20:]
    for at in range(0, len(body), size):
        part = body[at:at + size]
        more = 0x2000 if at + size < len(body) else 0
        new = head[:2] + struct.pack("!HHH", 20 + len(part), ident, more | at // 8) + head[8:10] + b"\0\0" + head[12:]
        new = new[:10] + struct.pack("!H", weirtest.checksum(new)) + new[12:]
        yield weirtest.ethernet(new + part)


class Extracted(Case):
    def every(self, capture, *words, **more):
        self.write("every.yaml", EVERY)
        config = self.write("weir.yaml", f"rules: [{self.path('every.yaml')}]\n")
        return self.replay("-c", config, "--flows", "--evidence", *words, capture, **more)

    def compare(self, run, capture, ports):
        """How many packets were the same."""
        if not shutil.which("tshark"):
            self.skipTest("tshark is not installed")
        flows, count = {}, 0
        for flow in run.flows():
            flows.setdefault(flow["community_id"], []).append(flow)
        for incident in manifest(run)["incidents"]:
            if incident["file"] is None:
                continue
            ids = {flow["community_id"] for flow in incident["flows"]}
            asked = " || ".join(sorted({filter_of(flow, ports) for one in ids for flow in flows[one]}))
            got = frames(os.path.join(run.folder, "evidence", incident["file"]))
            self.assertEqual(got, frames(capture, asked), incident["short"])
            self.assertEqual(len(got), incident["packets"])
            self.assertEqual(incident["flows_missing"], 0)
            count += len(got)
        return count

    def test_the_shipped_incident(self):
        capture = os.path.join(SHIPPED, "projectweb.pcapng")
        run = self.replay("--online", "-c", os.path.join(SHIPPED, "projectweb.yaml"), "--flows", "--evidence", "--workers", "1",
                          capture)
        said = manifest(run)
        if jsonschema:
            with open(os.path.join(SOURCE, "docs", "schema", "manifest.schema.json"), encoding="utf-8") as file:
                schema = json.load(file)
            jsonschema.Draft202012Validator.check_schema(schema)
            self.assertEqual([], [e.message for e in jsonschema.Draft202012Validator(schema).iter_errors(said)])
        self.assertEqual(said["mode"], "online")
        self.assertEqual([i["short"] for i in said["incidents"]], ["inc-8123ca"])
        self.assertEqual(said["incidents"][0]["packets"], 5713)
        evidence = run.summary()["evidence"]
        self.assertEqual((evidence["captures"], evidence["packets"], evidence["inputs_not_read_again"]), (1, 5713, 0))
        self.assertIn(evidence["head"], run.out)
        self.assertEqual(self.compare(run, capture, True), 5713)

    def test_shared_captures(self):
        if not os.path.isdir(SHARED):
            self.skipTest("the shared captures are not here")
        for name, (inside, ports) in CAPTURES.items():
            capture = os.path.join(SHARED, name)
            if inside is None:
                flow = json.loads(weirtest.replayed(capture)[0])
                inside = flow["orig"]["ip"] + ("/128" if ":" in flow["orig"]["ip"] else "/32")
            words = [] if inside == "default" else ["--inside", inside]
            run = self.every(capture, *words)
            self.assertGreater(self.compare(run, capture, ports), 0, name)

    def test_fragments_copies_and_who_is_not_meant(self):
        host, remote, other = "10.1.1.1", "198.51.100.9", "203.0.113.7"
        packets, now = [], START
        for number in range(6):
            theirs = list(fragments("10.1.1.2", "10.1.1.3", number + 1, bytes(2500)))
            frames_out = list(fragments(host, remote, number + 1, bytes([number]) * 2500))
            for one, two in zip(frames_out, theirs): # two datagrams of one identification, between each other
                packets += [(now, one), (now + 1000, two)]
                now += 10_000
                if number == 3:
                    packets.append((now, one)) # a mirror's copy
                    now += 1000
            packets.append((now, frames_out[-1])) # a copy that comes when all is whole
            now += NS // 10
            packets.append((now, weirtest.udp(remote, 6000, host, 5000, b"answer %d" % number)))
            packets.append((now + 5, weirtest.udp(remote, 6000, host, 5000, b"answer %d" % number)))
            now += NS
        packets += list(fragments_lost(now, host, remote))
        capture = self.write("fragments.pcap", weirtest.pcap(packets, nanoseconds=True))
        run = self.every(capture, "--workers", "2", "--inside", "10.1.1.1/32")
        self.assertEqual(manifest(run)["not_extracted"], {"incidents": 0, "flows": 0, "fragments_unheld": 0})
        self.assertEqual(self.compare(run, capture, False),
                         sum(other not in (host, remote) and (b"\x0a\x01\x01\x01" in frame[26:34]) for _, frame in packets))

    def test_a_time_stamp_is_the_inputs(self):
        """One that is not believed too: it is told at the clock, and kept as it was."""
        packets = weirtest.upload(START, 50)
        packets[4] = (packets[4][0] + 40 * 86400 * NS, packets[4][1])
        capture = self.write("jump.pcap", weirtest.pcap(packets, nanoseconds=True))
        run = self.every(capture)
        file = manifest(run)["incidents"][0]["file"]
        if not shutil.which("tshark"):
            self.skipTest("tshark is not installed")
        self.assertEqual(frames(os.path.join(run.folder, "evidence", file)), frames(capture))

    def test_the_time_that_was_judged(self):
        """What --until leaves out is left out the second time too: a fragment would go with a later datagram."""
        host, remote, turn = "10.1.1.1", "198.51.100.9", START + 10 * NS
        first, *rest = fragments(host, remote, 7, bytes(2500))
        packets = [(START, weirtest.udp(host, 5000, remote, 6000, b"hello")),
                   (START + 1000, weirtest.udp(remote, 6000, host, 5000, b"answer")), (turn - 1000, first)]
        packets += [(turn + n * 1000, frame) for n, frame in enumerate(rest)]
        capture = self.write("turn.pcap", weirtest.pcap(packets, nanoseconds=True))
        run = self.every(capture, "--until", "2026-03-02T08:00:10Z")
        self.assertEqual([i["packets"] for i in manifest(run)["incidents"]], [3])

    def test_what_it_was_judged_by(self):
        """Baseline and noise are in the chain as they were; more than two days are said to be judged in hindsight."""
        packets = weirtest.upload(START, 5) + weirtest.upload(START + 3 * 86400 * NS, 5, ("10.1.1.1", 40001))
        capture = self.write("days.pcap", weirtest.pcap(packets, nanoseconds=True))
        base, nobody = self.path("base.weir"), {"weir_noise": 1, "next": 1, "counted": 0, "silences": [], "incidents": []}
        noise = self.write("noise.json", json.dumps(nobody))
        run = self.replay("--save-baseline", base, "--evidence", "--noise", noise, capture)
        self.assertEqual(manifest(run)["mode"], "hindsight")
        run = self.replay("--baseline", base, "--evidence", "--noise", noise, capture)
        said = manifest(run)
        self.assertEqual(said["mode"], "online")
        chained = {e["kind"]: (e["name"], e["bytes"], e["sha256"]) for e in said["chain"]["entries"]}
        for kind, path in (("baseline", base), ("noise", noise)):
            with open(path, "rb") as file:
                data = file.read()
            self.assertEqual(chained[kind], (os.path.basename(path), len(data), hashlib.sha256(data).hexdigest()))
        self.assertEqual(weir("evidence", "verify", run.folder).status, 0)

    def test_what_yields_none_says_so(self):
        data = weirtest.pcap(weirtest.upload(START, 200))
        self.write("every.yaml", EVERY)
        config = self.write("weir.yaml", f"rules: [{self.path('every.yaml')}]\n")
        run = self.replay("-c", config, "--evidence", "-", stdin=data)
        said = manifest(run)
        self.assertEqual((said["inputs"][0]["extracted"], said["inputs"][0]["why_not"]),
                         (False, "standard input cannot be read a second time"))
        self.assertEqual(said["incidents"][0]["why_not"], "none of its packets could be read a second time")
        self.assertEqual(run.summary()["evidence"]["inputs_not_read_again"], 1)
        self.assertIn("1 inputs yield none", run.out)
        self.assertEqual(weir("evidence", "verify", run.folder).status, 0)

    def test_usage(self):
        capture = self.write("some.pcap", weirtest.pcap(weirtest.upload(START, 5)))
        self.assert_fails(2, ["replay", "-q", "--evidence", capture], "--evidence needs -o DIR")
        self.assert_fails(2, ["replay", "-q", "-o", self.path("o"), "--key", "k", capture], "--key needs --evidence")
        self.assert_fails(2, ["evidence"], "expected list, verify, extract, hold or release")
        self.assert_fails(2, ["evidence", "hold", "inc-012345"], "expected --reason TEXT")
        self.assert_fails(2, ["evidence", "extract", "inc-012345"], "needs -o DIR")
        self.assert_fails(2, ["evidence", "list", "--by", "me"], "--by and --reason are for hold and release")
        self.assert_fails(1, ["evidence", "verify", self.home], "expected a folder of evidence")
        wrong = self.write("wrong.key", "no key\n")
        self.assert_fails(2, ["replay", "-q", "-o", self.path("o"), "--evidence", "--key", wrong, capture],
                          "wrong.key", "Ed25519")
        run = self.replay("--evidence", capture)
        self.assert_fails(2, ["replay", "-q", "-o", run.folder, capture], "an older run's")


def fragments_lost(now, host, remote):
    """Datagrams of which the last fragment never comes; then a word, by which they are given up."""
    for number in range(3):
        for one in list(fragments(host, remote, 1000 + number, bytes(2500)))[:2]:
            yield (now, one)
            now += 1000
    yield (now + 60 * NS, weirtest.udp(remote, 6000, host, 5000, b"the end"))


def open_and_write(path, data):
    with open(path, "r+b") as file:
        file.write(data)


class Verified(Case):
    """One folder of evidence, spoilt in every way there is; unit/investigate/test_evidence_verify spoils each byte."""

    @classmethod
    def setUpClass(cls):
        cls.made = tempfile.mkdtemp(prefix="weir-test-")
        cls.addClassCleanup(shutil.rmtree, cls.made, ignore_errors=True)
        cls.capture, cls.key = os.path.join(cls.made, "in.pcap"), os.path.join(cls.made, "evidence.key")
        parts = [weirtest.upload(START + n * NS, 20, ("10.1.1.1", 40000 + n), (f"198.51.{n}.9", 80)) for n in range(3)]
        with open(cls.capture, "wb") as file:
            file.write(weirtest.pcap(sorted(sum(parts, []))))
        with open(os.path.join(cls.made, "every.yaml"), "w", encoding="utf-8") as file:
            file.write(EVERY)
        with open(os.path.join(cls.made, "weir.yaml"), "w", encoding="utf-8") as file:
            file.write(f"rules: [{file.name[:-9]}every.yaml]\n")
        cls.run0 = weirtest.replay(os.path.join(cls.made, "out"), "-c", file.name, "--flows", "--evidence", "--key",
                                   cls.key, cls.capture)
        assert cls.run0.status == 0, cls.run0

    def setUp(self):
        super().setUp()
        shutil.copytree(self.run0.folder, self.path("out"))
        self.folder = self.path("out", "evidence")
        self.names = sorted(os.listdir(self.folder))

    def verify(self, *words):
        return weir("evidence", "verify", self.path("out"), *words)

    def broken(self, *parts):
        run = self.verify()
        self.assertEqual(run.status, 1, run)
        for part in parts:
            self.assertIn(part, run.out)
        self.assertIn("DOES NOT HOLD", run.out)

    def spoil(self, name, change, *parts, folder=None):
        path = os.path.join(folder or self.folder, name)
        with open(path, "rb") as file:
            kept = file.read()
        with open(path, "wb") as file:
            file.write(change(kept))
        self.broken(*parts)
        with open(path, "wb") as file:
            file.write(kept)

    def test_it_holds(self):
        run = self.verify("--key", self.key, "--inputs")
        self.assertEqual(run.status, 0, run)
        self.assertIn("holds: 5 files and the inputs", run.out)
        self.assertEqual(self.verify("--head", self.run0.summary()["evidence"]["head"]).status, 0)
        self.assertEqual(self.verify("--head", "0" * 64).status, 1)
        self.assertEqual(oct(os.stat(self.key).st_mode & 0o777), "0o600")
        for name in ("manifest.json", "manifest.sig", "../report.html", "../summary.json"):
            self.assertFalse(os.stat(os.path.join(self.run0.folder, "evidence", name)).st_mode & 0o137, name)
        listed = weir("evidence", "list", self.path("out"))
        self.assertEqual(len(listed.out.splitlines()), 3)
        if shutil.which("openssl"):
            other = self.path("other.key")
            subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", other], check=True)
            run = self.verify("--key", other)
            self.assertEqual(run.status, 1)
            self.assertIn("another key", run.out)
        with open(self.capture, "r+b") as file:
            file.write(b"x")
        self.addCleanup(open_and_write, self.capture, b"\xd4")
        self.assertIn("in.pcap: the input is another now", self.verify("--inputs").out)

    def test_a_bit(self):
        for name in self.names:
            self.spoil(name, lambda data: data[:40] + bytes([data[40] ^ 4]) + data[41:])
        for name in ("alerts.ndjson", "flows.ndjson"):
            self.spoil(name, lambda data: data[:100] + bytes([data[100] ^ 1]) + data[101:], name, "was changed",
                       folder=self.path("out"))

    def test_a_file(self):
        name = next(name for name in self.names if name.endswith(".pcapng"))
        self.spoil(name, lambda data: data[:-4], name, "bytes, the manifest says")
        self.spoil(name, lambda data: data + b"\0", name, "bytes, the manifest says")
        path = os.path.join(self.folder, name)
        os.rename(path, self.path("kept"))
        self.broken(name + ": is gone")
        os.rename(self.path("kept"), path)
        shutil.copy(path, os.path.join(self.folder, "more.pcapng"))
        self.broken("more.pcapng: the manifest does not know it")
        os.unlink(os.path.join(self.folder, "more.pcapng"))
        os.rename(os.path.join(self.folder, "manifest.sig"), self.path("kept"))
        self.broken("manifest.sig")

    def forge(self, change):
        """A manifest that was changed by who has the key: signed again, with `change` made to it."""
        path = os.path.join(self.folder, "manifest.json")
        with open(path, encoding="utf-8") as file:
            said = json.load(file)
        change(said)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(said, file)
        subprocess.run(["openssl", "pkeyutl", "-sign", "-inkey", self.key, "-rawin", "-in", path, "-out",
                        os.path.join(self.folder, "manifest.sig")], check=True)

    def test_results_that_are_gone(self):
        """Whichever folder is named, and when nothing is beside it but a head was noted."""
        os.remove(self.path("out", "alerts.ndjson"))
        for folder in (self.path("out"), self.folder):
            run = weir("evidence", "verify", folder)
            self.assertEqual(run.status, 1, run)
            self.assertIn("alerts.ndjson", run.out)
        alone = self.path("alone")
        os.rename(self.folder, alone)
        run = weir("evidence", "verify", alone)
        self.assertEqual(run.status, 1, run)
        self.assertIn("not there to be compared", run.out)
        head = self.run0.summary()["evidence"]["head"]
        run = weir("evidence", "verify", alone, "--head", head)
        self.assertEqual(run.status, 0, run)
        for part in ("alerts.ndjson: NOT COMPARED", "flows.ndjson: NOT COMPARED", "holds: 3 files (results NOT COMPARED)"):
            self.assertIn(part, run.out)

    def test_order_and_tail(self):
        """By somebody who has the key."""
        if not shutil.which("openssl"):
            self.skipTest("openssl is not installed")

        def swap(said):
            entries = said["chain"]["entries"]
            entries[-1], entries[-2] = entries[-2], entries[-1]

        def leave_out(said):
            del said["chain"]["entries"][-2]

        def cut(said):
            gone = said["chain"]["entries"].pop()
            said["incidents"] = [i for i in said["incidents"] if i["file"] != gone["name"]]
            os.unlink(os.path.join(self.folder, gone["name"]))

        kept = self.path("kept")
        shutil.copytree(self.folder, kept)
        for change, words in ((swap, "does not follow"), (leave_out, "does not follow"),
                              (cut, "it is not the one that was made")):
            self.forge(change)
            self.broken(words)
            shutil.rmtree(self.folder)
            shutil.copytree(kept, self.folder)
        self.assertEqual(self.verify().status, 0)


if __name__ == "__main__":
    weirtest.main()
