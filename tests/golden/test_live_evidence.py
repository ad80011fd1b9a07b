#!/usr/bin/env python3
"""Evidence of a running sensor: a theft over a real server; what is extracted is what tcpdump wrote beside
it, packet for packet, within the bytes that the policy keeps; what was changed is found against the
journal; it is held; a killed keeper and a restarted sensor go on."""

import json
import os
import shutil
import struct
import subprocess

import weirtest

try:
    import jsonschema
except ImportError:
    jsonschema = None
from livetest import CLIENT, SERVER, Sensor, Space, Tcpdump, address, require, until, wire

OTHER = "203.0.113.10" # a server that no rule speaks of
HANDSHAKE = 4096
RULES = """- rule: test.upload
  name: An upload
  condition: service = http and out_bytes_story > 1 kB
  severity: 60
"""


def evidence(**sizes):
    words = {"enabled": "true", **sizes}
    return [word for key, value in words.items() for word in ("--set", f"evidence.{key}={value}")]


def frames(path):
    """(link bytes, length on the wire) of each packet of a pcap or pcapng."""
    done = subprocess.run(["tshark", "-r", path, "-F", "pcap", "-w", path + ".pcap"], capture_output=True, check=False)
    if done.returncode != 0:
        raise AssertionError(done.stderr.decode())
    with open(path + ".pcap", "rb") as file:
        data = file.read()
    found, at = [], 24
    while at + 16 <= len(data):
        _, _, kept, wire_bytes = struct.unpack_from("<IIII", data, at)
        found.append((data[at + 16:at + 16 + kept], wire_bytes))
        at += 16 + kept
    return found


def between(found, one, other):
    """Those of a pair of IPv4 addresses."""
    ends = {bytes(map(int, ip.split("."))) for ip in (one, other)}
    return [(data, size) for data, size in found if data[12:14] == b"\x08\x00" and {data[26:30], data[30:34]} == ends]


def payload_at(data):
    """Where the TCP payload begins, and its length by the IP header."""
    head = 14 + 4 * (data[14] & 15)
    begin = head + 4 * (data[head + 12] >> 4)
    return begin, 14 + struct.unpack_from("!H", data, 16)[0] - begin


class Kept(weirtest.Case):
    def setUp(self):
        super().setUp()
        require(self, "ethtool", "curl", "tcpdump", "tshark")
        self.client, self.server = Space(self, "client"), Space(self, "server")
        wire(self.client, "c0", self.server, "s0")
        address(self.client, "c0", CLIENT, SERVER)
        address(self.server, "s0", SERVER, CLIENT)
        address(self.client, "c0", CLIENT, OTHER)
        self.server.ip("addr", "add", OTHER + "/32", "dev", "s0")
        self.server.part("web", "80")
        self.words = ("-i", "s0", "--inside", "10.0.0.0/8", "--set", "rules=[" + self.write("rules.yaml", RULES) + "]",
                      *evidence(mib=4, segment_mib=1))
        os.chmod(self.path("rules.yaml"), 0o644)
        self.sensor = Sensor(self, self.server, *self.words)

    def send(self, size):
        body = self.write("body", "x" * size)
        self.client.run("curl", "-sf", "-o", "/dev/null", "-H", "Expect:", "--data-binary", "@" + body,
                        f"http://{SERVER}/1000")

    def fetch_another(self):
        self.client.run("curl", "-sf", "-o", "/dev/null", f"http://{OTHER}/20000")

    def ask(self, *words, status=0):
        done = self.sensor.ask("evidence", *words)
        self.assertEqual(done.returncode, status, done)
        return done.stdout + done.stderr

    def folder(self, incident, *names):
        return os.path.join(self.sensor.state, "evidence", incident, *names)

    def incident(self):
        """Its id, once evidence of it is sealed."""
        def look():
            folder = os.path.join(self.sensor.state, "evidence")
            names = os.listdir(folder) if os.path.isdir(folder) else []
            return [name for name in names if os.path.exists(os.path.join(folder, name, "manifest.json"))]
        name, = until(lambda: f"evidence\n{self.sensor.status()}", look)
        return name

    def sealed(self, incident):
        """Packets in files that the manifest vouches for."""
        with open(self.folder(incident, "manifest.json"), encoding="utf-8") as file:
            return json.load(file)["incidents"][0]["packets"]

    def parts(self):
        return [name for folder, _, names in os.walk(os.path.join(self.sensor.state, "evidence"))
                for name in names if name.endswith(".part")]

    def test_a_theft(self):
        dump = Tcpdump(self, self.server, "s0")
        self.fetch_another()
        self.send(100_000)
        incident = self.incident()
        self.fetch_another()
        self.send(5000)
        seen = frames(dump.stop())
        theirs = between(seen, CLIENT, SERVER)
        self.assertGreater(len(between(seen, CLIENT, OTHER)), 10)
        until(lambda: self.sensor.status()["evidence"], lambda: self.sealed(incident) >= len(theirs))
        self.compared(incident, theirs)
        self.changed(incident)
        self.held(incident)
        self.goes_on(incident)

    def compared(self, incident, theirs):
        out = self.path("extracted")
        self.assertIn(f"{incident}.pcapng", self.ask("extract", "inc-" + incident[:6], "-o", out))
        kept = frames(os.path.join(out, incident + ".pcapng"))
        self.assertEqual(len(kept), len(theirs))
        shown, left = {}, list(theirs)
        for data, size in kept:
            # Two taps of two processors may see an answer on either side of what it answers.
            at = [i for i, (whole, wire) in enumerate(left[:16]) if (size, data) == (wire, whole[:len(data)])]
            self.assertTrue(at, (size, data.hex(), [(wire, whole.hex()) for whole, wire in left[:2]]))
            whole, _ = left.pop(at[0])
            begin, length = payload_at(whole)
            flow = data[26:34] + data[begin - 4 * (data[46] >> 4):][:4]
            sent = shown.get(flow, 0)
            rest = max(0, min(length, HANDSHAKE - sent))
            self.assertEqual(len(data), len(whole) if rest == length else begin + rest)
            shown[flow] = sent + length
        self.assertGreater(max(shown.values()), 90_000)
        self.assertIn("holds: ", self.ask("verify", out))
        with open(os.path.join(out, "evidence", "manifest.json"), encoding="utf-8") as file:
            self.described(json.load(file))
        comments = subprocess.run(["tshark", "-r", os.path.join(out, incident + ".pcapng"), "-Y", "frame.comment", "-T",
                                   "fields", "-e", "frame.comment"], capture_output=True, text=True, check=True).stdout
        self.assertIn("score 60: test.upload; flow 1:", comments)
        self.assert_fails(1, ["evidence", "extract", incident, "-o", out, "--set", "sensor.state_dir=" + self.sensor.state],
                          "name another folder")

    def described(self, said):
        path = os.path.join(weirtest.SOURCE, "docs", "schema", "manifest-live.schema.json")
        with open(path, encoding="utf-8") as file:
            schema = json.load(file)
        if jsonschema:
            jsonschema.Draft202012Validator.check_schema(schema)
            self.assertEqual([], [e.message for e in jsonschema.Draft202012Validator(schema).iter_errors(said)])
        self.assertTrue(said["capture"]["from_the_first"])
        self.assertEqual(said["command_line"][:2], ["weir", "run"])
        self.assertIn("evidence.mib=4", said["command_line"])
        self.assertEqual((said["incidents"][0]["host"], said["inputs"][0]["name"]), (CLIENT, "s0"))

    def changed(self, incident):
        self.assertIn("test.upload", self.ask("list"))
        self.assertIn("as told", self.ask("verify"))
        first, folder = self.folder(incident, "packets-1.pcapng"), self.folder(incident)
        shutil.copytree(folder, self.path("good"))
        with open(first, "r+b") as file:
            file.seek(200)
            byte = file.read(1)[0]
            file.seek(200)
            file.write(bytes([byte ^ 1]))
        self.assertIn("packets-1.pcapng: was changed", self.ask("verify", incident, status=1))
        os.unlink(first)
        self.assertIn("packets-1.pcapng: is gone", self.ask("verify", status=1))
        shutil.copy(self.path("good", "packets-1.pcapng"), first)
        self.assertIn("holds", self.ask("verify", incident))

    def held(self, incident):
        self.ask("hold", incident, "--by", "alice", "--reason", "case 7")
        self.assertIn("HELD", self.ask("list"))
        self.assertIn("is held already", self.ask("hold", incident, "--reason", "again", status=3))
        with open(self.folder(incident, "hold.json"), encoding="utf-8") as file:
            text = file.read()
        self.assertIn('"reason":"case 7"', text)
        self.assertIn(f'"hosts":["{CLIENT}"]', text)
        self.ask("release", incident)
        self.assertIn("is not held", self.ask("release", incident, status=3))
        self.assert_fails(3, ["evidence", "hold", "inc-nothing", "--reason", "x", "--set",
                              "sensor.state_dir=" + self.sensor.state], "inc-nothing")

    def goes_on(self, incident):
        """A killed keeper; a sensor that ends and begins."""
        pid = self.sensor.status()["evidence"]["pid"]
        self.sensor.kill(pid)
        until("another keeper", lambda: self.sensor.status()["evidence"]["pid"] not in (0, pid))
        self.send(3000)
        self.sensor.stop()
        self.assertEqual(self.parts(), [])
        self.assertIn("as told", self.ask("verify"))
        self.ask("hold", incident, "--reason", "nobody runs")
        actions = [line for line in self.sensor.journal() if '"evidence.' in line]
        for action in ("seal", "hold", "release"):
            self.assertTrue(any(f'"evidence.{action}"' in line for line in actions), action)
        old = self.long_ago(incident)
        again = Sensor(self, self.server, *self.words[:-6], folder=self.sensor.home) # evidence is off
        self.assertIsNone(again.status()["evidence"])
        self.assertFalse(os.path.exists(os.path.join(again.state, "evidence-ring")))
        self.assertTrue(os.path.exists(self.folder(incident, "hold.json")))
        until(lambda: again.journal()[-3:], lambda: not os.path.exists(old))
        self.forgotten(again, incident)
        again.stop()

    def long_ago(self, incident):
        """Another's, that nothing was written to for years."""
        other = "f" * 32
        shutil.copytree(self.folder(incident), self.folder(other))
        os.unlink(self.folder(other, "hold.json"))
        with open(self.folder(other, "incident.json"), encoding="utf-8") as file:
            known = json.load(file)
        with open(self.folder(other, "incident.json"), "w", encoding="utf-8") as file:
            json.dump({**known, "id": other, "written_ns": 10 ** 18}, file)
        owner = os.stat(self.folder(incident))
        for path in (self.folder(other), *(self.folder(other, name) for name in os.listdir(self.folder(other)))):
            os.chown(path, owner.st_uid, owner.st_gid)
        return self.folder(other)

    def forgotten(self, sensor, incident):
        """It is gone, and who looks for it reads why."""
        self.ask("release", incident)
        done = sensor.ask("baseline", "forget", "--yes", CLIENT)
        self.assertEqual(done.returncode, 0, done)
        self.assertIn("evidence: 1 of 1 folders", done.stdout)
        self.assertFalse(os.path.exists(self.folder(incident)))
        self.assertIn("no evidence that was sealed", self.ask("verify"))
        self.assertTrue(any('"evidence.remove"' in line for line in sensor.journal()))


    def test_forgetting_empties_what_is_held(self):
        """While the sensor runs, and with none: no byte of the host's packets is left in the files; it is held anew."""
        self.send(3000)
        self.incident()
        self.assertIn(b"x" * 1000, self.held_bytes())
        for again in (False, True):
            if again:
                self.send(3000)
                until("held anew", lambda: b"x" * 1000 in self.held_bytes())
                self.sensor.stop()
            done = self.sensor.ask("baseline", "forget", "--yes", CLIENT, *evidence(mib=4, segment_mib=1))
            self.assertEqual(done.returncode, 0, done)
            if again:
                self.assertRegex(done.stdout, "[1-9][0-9]* packets of it in evidence-ring are overwritten with zeros")
                self.assertNotIn(b"x" * 1000, self.held_bytes())
                continue
            self.assertIn("the sensor was asked to overwrite them", done.stdout)
            self.assertNotIn("overwritten with zeros", done.stdout)
            line, = until("forgotten", lambda: [line for line in self.sensor.journal() if '"evidence.forgotten"' in line])
            self.assertRegex(line, "[1-9][0-9]* packets held for evidence are overwritten with zeros, and 0 segments")
            self.assertNotIn("some may be left", line)
            self.assertNotIn(CLIENT, line)
            self.assertNotIn(b"x" * 1000, self.held_bytes())
        self.assertTrue(any('"evidence.forget"' in line for line in self.sensor.journal()))
        self.assertFalse([line for line in self.sensor.journal() if '"evidence.forget"' in line and CLIENT in line])

    def held_bytes(self):
        folder = os.path.join(self.sensor.state, "evidence-ring")
        found = b""
        for name in os.listdir(folder):
            try:
                with open(os.path.join(folder, name), "rb") as file:
                    found += file.read()
            except FileNotFoundError: # what was being written has its name by now
                pass
        return found


class Refused(weirtest.Case):
    def test_no_room_and_no_workers(self):
        words = ("--set", "capture.interfaces=[lo]", "--set", "sensor.state_dir=" + self.path("state"))
        self.assert_fails(2, ["run", *words, *evidence(mib=4, segment_mib=4)],
                          "evidence: mib is 4, expected at least 8")
        self.assert_fails(2, ["run", "--workers", "0", *words, *evidence()],
                          "evidence: packets are held by capture processes")


if __name__ == "__main__":
    weirtest.main()
