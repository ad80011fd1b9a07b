#!/usr/bin/env python3
"""Rules carried by hand to where no network is: packed and signed here, installed there, told of in a replay and in
the journal; refused for every reason there is, and then nothing has changed; ended at any moment, the old ones hold
or the new ones; a running sensor goes by them at once, or says no and all is as it was."""

import fcntl
import http.server
import json
import os
import shutil
import signal
import socketserver
import subprocess
import threading
import time

import weirtest
from livetest import Sensor, Space, require, wire
from weirtest import SHIPPED, Case, complaint, weir

OFFICE = os.path.join(SHIPPED, "office10min.pcap")
RULE = """\
- rule: any.upload
  name: Anything that left, {version}
  severity: 40
  condition: out_bytes > {bytes} and protocol in (tcp, udp)
"""
LISTED = """\
- intel: carried
  file: lists/bad.txt
  format: lines
"""


class Carried(Case):
    def setUp(self):
        super().setUp()
        if not shutil.which("openssl"):
            self.skipTest("openssl is not installed")
        os.chmod(self.home, 0o755)
        os.mkdir(self.path("keys"), 0o755)
        self.key = self.make_key("maker")
        shutil.copy(self.key + ".pub", self.path("keys", "maker.pem"))
        self.state = self.path("state")
        self.config = self.write("weir.yaml", f"sensor: {{state_dir: {self.state}}}\n"
                                              "rules: [bundle/current/*.yaml, mine/*.yaml]\n"
                                              "bundle: {keys: keys, folder: bundle}\n")

    def make_key(self, name):
        path = self.path(name)
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", path], check=True)
        subprocess.run(["openssl", "pkey", "-in", path, "-pubout", "-out", path + ".pub"], check=True)
        return path

    def pack(self, version, files=None, name="acme", key=None):
        """The bundle's path; `files` beside one rule that names its version."""
        folder = self.path(f"from-{name}-{version}")
        for path, text in {"a.yaml": RULE.format(version=version, bytes=1000), **(files or {})}.items():
            os.makedirs(os.path.dirname(os.path.join(folder, path)), exist_ok=True)
            with open(os.path.join(folder, path), "w", encoding="utf-8") as file:
                file.write(text)
        run = weir("rules", "pack", folder, "--name", name, "--version", version, "--key", key or self.key, "-o",
                   self.path(f"{name}-{version}"))
        self.assertEqual((run.status, run.err), (0, ""), run)
        return self.path(f"{name}-{version}")

    def rules(self, verb, *words):
        return weir("rules", verb, "-c", self.config, *words)

    def done(self, verb, *words):
        run = self.rules(verb, *words)
        self.assertEqual((run.status, run.err), (0, ""), run)
        return run.out

    def no(self, status, verb, *words):
        """What it said; and nothing has changed."""
        before = self.snapshot()
        run = self.rules(verb, *words)
        self.assertEqual(run.status, status, run)
        self.assertEqual(self.snapshot(), before)
        return complaint(run)

    def snapshot(self):
        """Which bundle holds, and every byte that is read through it."""
        current = self.path("bundle", "current")
        found = {"": os.readlink(current) if os.path.islink(current) else None}
        for folder, _, names in os.walk(current):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    found[os.path.relpath(os.path.join(folder, name), current)] = file.read()
        return found

    def holds(self):
        """The version that a reader finds, whole; None: none."""
        found = self.snapshot()
        if "a.yaml" not in found:
            return None
        version = int(json.loads(found["MANIFEST"].split(b"\n")[1])["version"])
        self.assertEqual(found["a.yaml"].decode(), RULE.format(version=version, bytes=1000))
        return version

    def journal(self):
        run = weir("alerts", "-c", self.config, "--all", "--format", "ecs")
        self.assertEqual(run.status, 0, run)
        records = map(json.loads, run.out.splitlines())
        return [record for record in records if record["event"].get("action", "").startswith("rules.")]


class Bundles(Carried):
    def test_from_the_maker_to_an_alert(self):
        seven = self.pack(7, {"b.yaml": LISTED, "lists/bad.txt": "192.0.2.7\n"})
        said = self.done("verify", seven)
        self.assertIn("rules acme 7", said)
        self.assertIn("lists/bad.txt", said)
        before = self.snapshot()
        self.assertIn("nothing was changed", self.done("install", seven, "--dry-run"))
        self.assertEqual(self.snapshot(), before)
        self.assertFalse(os.path.exists(self.path("bundle")))
        self.assertIn("rules acme 7 hold in", self.done("install", seven))
        run = self.replay("-c", self.config, "--set", "sensor.state_dir=", OFFICE)
        told = [alert for alert in run.alerts() if alert["rule"]["id"] == "any.upload"]
        self.assertEqual({alert["rule"]["name"] for alert in told}, {"Anything that left, 7"})
        self.assertIn("carried", weir("rules", "list", "-c", self.config).out)

        # Another, back, and forth again: older ones only when that is asked for.
        eight = self.pack(8)
        self.done("install", eight)
        self.assertEqual(self.holds(), 8)
        self.assertIn("rules acme 7, and 8 holds already: this one is older", self.no(2, "install", seven))
        self.assertIn("rules acme 8 hold in", self.done("install", eight)) # says so; nothing is to do
        self.done("install", seven, "--allow-older")
        self.assertEqual(self.holds(), 7)
        self.assertIn("rules acme 8 hold", self.done("rollback"))
        self.assertEqual(self.holds(), 8)

        journal = self.journal()
        self.assertEqual([record["event"]["action"] for record in journal],
                         ["rules.install", "rules.install", "rules.install", "rules.rollback"])
        for record, words in zip(journal, ("acme 7,", "acme 8 in the place of 7,", "acme 7 in the place of 8,",
                                           "back to rules acme 8 in the place of 7,")):
            self.assertIn(words, record["message"])
            self.assertRegex(record["message"], r"signed by MC[\w+/=]{58}, SHA-256 [0-9a-f]{64}$")
            self.assertTrue(record["user"]["name"])

    def test_the_form_is_what_is_written(self):
        """Whoever has no Weir can look into one, and see who signed it."""
        path = self.pack(1)
        with open(path, "rb") as file:
            data = file.read()
        first, manifest, third, files = data.split(b"\n", 3)
        self.assertEqual(first, b"weir-rules-bundle 1")
        self.assertEqual(files.decode(), RULE.format(version=1, bytes=1000))
        self.assertEqual([one["path"] for one in json.loads(manifest)["files"]], ["a.yaml"])
        signed = self.write("signed", first + b"\n" + manifest + b"\n")
        signature = self.write("signature", bytes.fromhex(third.split()[1].decode()))
        done = subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", self.key + ".pub", "-rawin", "-in",
                               signed, "-sigfile", signature], capture_output=True, text=True, check=False)
        self.assertIn("Signature Verified Successfully", done.stdout, done)
        with open(self.key + ".pub", encoding="ascii") as file:
            self.assertEqual(third.split()[0].decode(), file.read().split("\n")[1])

    def test_what_is_refused(self):
        self.done("install", self.pack(5))
        other = self.make_key("other")
        self.assertIn("signed by a key that is not trusted here: MC", self.no(2, "install",
                                                                              self.pack(6, name="strange", key=other)))
        six = self.pack(6)
        with open(six, "rb") as file:
            data = file.read()
        for what, at, status, words in (("its form", 3, 3, "no bundle of rules"),
                                        ("manifest", data.index(b"acme"), 3, "its signature does not hold"),
                                        ("file", len(data) - 5, 3, "the SHA-256 of a.yaml is not the one")):
            changed = bytearray(data)
            changed[at] ^= 1
            self.assertIn(words, self.no(status, "install", self.write("changed", bytes(changed))), what)
        self.assertIn("bytes behind its last file", self.no(3, "install", self.write("longer", data + b"\n")))
        self.assertIn("cut within a.yaml", self.no(3, "install", self.write("shorter", data[:-1])))
        self.assertIn("is no regular file", self.no(3, "install", self.home))
        self.assertIn("--into a folder of their own", self.no(2, "install", self.pack(9, name="others")))
        self.assertIn("another 5 holds", self.no(2, "install", self.pack(5, {"b.yaml": "- list: x\n  items: [a]\n"})))
        self.assertIn("--into: unknown option", self.no(2, "verify", six, "--into", self.home))
        run = self.rules("install", six, "--into", self.path("elsewhere"), "--set", "rules=[]")
        self.assertEqual(run.status, 0, run)
        self.assertIn("the configuration reads none of it", complaint(run))
        self.assertIn("no key is trusted", self.no(2, "install", six, "--key", self.path("nowhere")))
        # Its rules are what is wrong, here: they stand behind others that have their names.
        mine = self.path("mine")
        os.mkdir(mine)
        bad = self.pack(6, name="bad")
        self.write("mine/site.yaml", "- rule: any.upload\n  name: twice\n")
        self.assertRegex(self.no(2, "install", six), r"acme-6: .*mine/site.yaml:1:")
        self.assertRegex(self.no(2, "install", six, "--dry-run"), r"acme-6: .*mine/site.yaml:1:")
        os.remove(self.path("mine", "site.yaml"))
        # … and what the maker cannot pack either.
        folder = os.path.join(self.path("from-bad-6"), "b.yaml")
        with open(folder, "w", encoding="utf-8") as file:
            file.write("- rule: x\n  nonsense: 1\n")
        run = weir("rules", "pack", os.path.dirname(folder), "--name", "bad", "--version", 7, "--key", self.key, "-o",
                   bad)
        self.assertEqual(run.status, 2, run)
        self.assertRegex(complaint(run), r"from-bad-6: .*b.yaml:2:")
        self.assertEqual(self.holds(), 5)
        self.assertIn("there is no former bundle", self.no(2, "rollback"))
        self.assertEqual(len(self.journal()), 2) # of all this only what was done

    def test_every_byte_counts(self):
        """A bit of each in turn, by the program that would take it (of every bit: unit/config/test_bundle)."""
        with open(self.pack(1), "rb") as file:
            data = file.read()
        for at in range(0, len(data), 199):
            changed = bytearray(data)
            changed[at] ^= 1 << at % 8
            run = self.rules("verify", self.write("changed", bytes(changed)))
            self.assertIn(run.status, (2, 3), (at, run))
            complaint(run)

    def test_whenever_it_is_ended(self):
        """(At each of its steps: unit/config/test_bundle_folder.)"""
        self.done("install", self.pack(1))
        new = self.pack(2)
        began = time.monotonic()
        self.done("install", new)
        took = time.monotonic() - began
        for part in range(1, 4):
            self.done("install", self.path("acme-1"), "--allow-older")
            with subprocess.Popen([weirtest.binary(), "rules", "install", "-c", self.config, new],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
                time.sleep(took * part / 4)
                process.send_signal(signal.SIGKILL)
            self.assertIn(self.holds(), (1, 2), part)
            self.done("install", new)
            self.assertEqual(self.holds(), 2)


class Spelled(Carried):
    """The folder and the rules in it may be written in as many ways as any path."""

    def assert_read(self, config, *words, cwd=None, folder="bundle"):
        for version in (1, 2): # of none, and of one that is read
            bundle = self.path(f"acme-{version}")
            for more in (("--dry-run",), ()) if version == 1 else ((),):
                run = subprocess.run([weirtest.binary(), "rules", "install", "-c", config, bundle, *words, *more],
                                     capture_output=True, text=True, cwd=cwd, check=False)
                self.assertEqual((run.returncode, run.stderr), (0, ""), (config, words, more))
            self.assertTrue(os.readlink(self.path(folder, "current")).startswith(f"{version}-"))
        run = subprocess.run([weirtest.binary(), "rules", "list", "-c", config], capture_output=True, text=True, cwd=cwd,
                             check=True)
        self.assertIn("any.upload", run.stdout)
        shutil.rmtree(self.path(folder))

    def test_however_it_is_written(self):
        self.pack(1)
        self.pack(2)
        os.symlink(self.home, self.path("above"))
        os.mkdir(self.path("a[1]"))
        os.symlink("a[1]", self.path("signs"))
        head = f"sensor: {{state_dir: {self.state}}}\n"
        for name, rules, folder in (("slash", "bundle/current/*.yaml", "bundle/"),
                                    ("none", "bundle/current/*.yaml", None),
                                    ("dots", "./bundle//current/./*.yaml", self.path(".", "bundle")),
                                    ("link", "above/bundle/current/a.yaml", "bundle"),
                                    ("other", "bundle/current/*.yaml", "above/bundle")):
            config = self.write(f"{name}.yaml", f"{head}rules: ['{rules}']\nbundle: {{keys: keys"
                                                f"{', folder: ' + folder if folder else ''}}}\n")
            self.assert_read(config)
        self.assert_read("./none.yaml", "--into", ".//bundle/", cwd=self.home)
        config = self.write("signs.yaml", f"{head}rules: [signs/b/current/*.yaml]\nbundle: {{keys: keys, folder: 'a[1]/b'}}\n")
        self.assert_read(config, folder="a[1]/b")

    def test_what_may_not_be_read_is_not_nothing(self):
        if os.geteuid() != 0:
            self.skipTest("needs root, to be somebody else")
        self.done("install", self.pack(1))
        check = [weirtest.binary(), "check", "-c", self.config]
        self.assertEqual(subprocess.run(check, user=65534, capture_output=True, check=False).returncode, 0)
        os.chmod(self.path("bundle"), 0o700)
        run = subprocess.run(check, user=65534, capture_output=True, text=True, check=False)
        self.assertEqual(run.returncode, 2, run)
        self.assertRegex(run.stderr, r"weir.yaml:2:9: rules: .*/bundle/current/\*.yaml: Permission denied, expected a folder")


class OnDisk(Carried):
    """What lies there is what was signed, or does not hold."""

    def change(self, version, name="a.yaml", text="#\n"):
        folder, = [one for one in os.listdir(self.path("bundle")) if one.startswith(f"{version}-")]
        with open(self.path("bundle", folder, name), "a", encoding="utf-8") as file:
            file.write(text)
        return self.path("bundle", folder, name)

    def test_it_is_put_in_again(self):
        self.done("install", self.pack(7))
        self.done("install", self.pack(8))
        for name in ("a.yaml", "stranger.yaml"):
            changed = self.change(8, name)
            self.assertIn(f"{changed}: ", complaint(self.rules("install", self.path("acme-8"), "--dry-run")))
            run = self.rules("install", self.path("acme-8"))
            self.assertEqual(run.status, 0, run)
            self.assertRegex(complaint(run), f"{changed}: (is not what|was not).* signed: it is put in again")
            self.assertEqual(self.holds(), 8)
            self.assertFalse(os.path.exists(self.path("bundle", "current", "stranger.yaml")))
        self.assertIn("hold in", self.done("install", self.path("acme-8")))
        # One whose head cannot be read either.
        with open(self.path("bundle", "current", "MANIFEST"), "wb"):
            pass
        self.assertIn("is no bundle that can be read: --allow-older", self.no(2, "install", self.path("acme-8")))
        self.done("install", self.path("acme-8"), "--allow-older")
        self.assertEqual(self.holds(), 8)
        self.done("rollback") # … to the one before, still
        self.assertEqual(self.holds(), 7)

    def test_no_way_back_to_what_was_changed(self):
        self.done("install", self.pack(7))
        self.done("install", self.pack(8))
        changed = self.change(7)
        self.assertIn(f"{changed}: is not what was signed", self.no(3, "rollback"))
        self.assertIn(f"{changed}: is not what was signed", self.no(3, "rollback", "--dry-run"))
        self.assertEqual(self.holds(), 8)

    def listed(self):
        run = weir("rules", "list", "-c", self.config)
        self.assertEqual((run.status, run.err), (0, ""), run)
        return run.out.partition("any.upload")[0]

    def test_no_way_back_to_a_key_that_was_taken_away(self):
        self.assertNotIn("bundle", weir("rules", "list", "-c", self.config).out.partition("volume.")[0])
        self.done("install", self.pack(7))
        other = self.make_key("other")
        shutil.copy(other + ".pub", self.path("keys", "other.pem"))
        self.done("install", self.pack(8, key=other))
        said = self.listed()
        self.assertRegex(said, r"^bundle acme 8, of 20\S+Z, holds in \S+/bundle\n    key MC[\w+/=]{58}\n"
                               r"    signed by \S+/keys/other.pem\n"
                               r"    before it acme 7, of 20\S+Z \(weir rules rollback\)\n$")
        os.remove(self.path("keys", "maker.pem"))
        for more in ((), ("--dry-run",)):
            self.assertRegex(self.no(2, "rollback", *more),
                             r"/bundle/7-[0-9a-f]{16}/MANIFEST: signed by a key that is not trusted here: MC")
        self.assertEqual(len(self.journal()), 2)
        self.assertIn("no key is trusted", self.no(2, "rollback", "--key", self.path("nowhere")))
        self.done("rollback", "--key", self.key + ".pub") # for this once
        self.assertEqual(self.holds(), 7)
        self.assertIn("    not trusted: ", self.listed())
        broken = self.write("keys/broken.pem", "no key\n")
        self.assertRegex(self.listed(), r"    not known whether it is trusted, the keys cannot be read: \S+/broken.pem: ")
        os.remove(broken)
        self.change(7)
        self.assertRegex(self.listed(), r"    changed: \S+/a.yaml: is not what was signed\n")
        with open(self.path("bundle", "current", "MANIFEST"), "wb"):
            pass
        self.assertRegex(weir("rules", "list", "-c", self.config).out, r"^bundle: \S+/current is none that can be read\n")

    def test_no_way_back_to_a_signature_that_does_not_hold(self):
        self.done("install", self.pack(7))
        self.done("install", self.pack(8))
        folder, = [one for one in os.listdir(self.path("bundle")) if one.startswith("7-")]
        path = self.path("bundle", folder, "MANIFEST")
        with open(path, "rb") as file:
            data = bytearray(file.read())
        data[-5] = ord("1") if data[-5] != ord("1") else ord("2") # of the signature
        with open(path, "wb") as file:
            file.write(data)
        self.assertIn("its signature does not hold", self.no(3, "rollback"))
        self.assertEqual(self.holds(), 8)


class Answers(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_): # pylint: disable=arguments-differ
        pass

    def say(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        self.say(200, {"config": self.server.config})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.say(*self.server.posted(self.path, json.loads(body or b"null")))


class MadeUp(socketserver.UnixStreamServer):
    """A sensor in name: it has the lock and the socket of its state directory, and answers as it is told."""

    def __init__(self, case):
        os.mkdir(case.state)
        self.config = {"generation": 1, "last_reload": None}
        self.verbs, self.busy, self.refuses, self.on = [], 0, None, {}
        self.lock = open(os.path.join(case.state, "lock"), "w", encoding="ascii") # pylint: disable=consider-using-with
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        super().__init__(os.path.join(case.state, "control.sock"), Answers)
        thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        for end in (self.lock.close, self.server_close, thread.join, self.shutdown): # from the last one on
            case.addCleanup(end)

    def posted(self, path, body):
        verb = body["verb"] if path == "/v1/rules" else "reload"
        self.on.pop(verb, lambda: None)()
        if verb != "reload":
            self.verbs.append(verb)
            return 200, {"ok": True}
        if self.busy > 0:
            self.busy -= 1
            return 409, {"error": {"text": "a reload is under way"}}
        asked = self.config["generation"] + 1
        if self.refuses:
            self.config = {**self.config, "last_reload": {"ok": False, "text": self.refuses, "at": f"at {asked}"}}
        else:
            self.config = {"generation": asked, "last_reload": None}
        return 202, {"generation": asked}


class Told(Carried):
    def setUp(self):
        super().setUp()
        self.sensor = MadeUp(self)

    def bar(self):
        """No link can be made from now on."""
        os.makedirs(self.path("bundle", "current.new", "barred"))

    def test_another_reload_is_under_way(self):
        self.sensor.busy = 2
        self.assertIn("reloaded: configuration 2", self.done("install", self.pack(1)))
        self.assertEqual((self.holds(), self.sensor.verbs, self.sensor.busy), (1, ["install"], 0))

    def test_the_disk_says_no_behind_the_journal(self):
        self.done("install", self.pack(1))
        self.sensor.on["install"] = self.bar
        self.assertIn("bundle/current: ", self.no(1, "install", self.pack(2)))
        self.assertEqual((self.holds(), self.sensor.verbs), (1, ["install", "install", "refused"]))

    def test_what_held_cannot_hold_again(self):
        self.done("install", self.pack(1))
        self.sensor.on["reload"] = self.bar
        self.sensor.refuses = "not these"
        run = self.rules("install", self.pack(2))
        self.assertEqual((run.status, run.out), (1, ""), run)
        self.assertRegex(complaint(run), "rules acme 2 hold in .* for whoever starts next, the sensor goes by those before: "
                                         ".*not these; what held cannot hold again: .*bundle/current: ")
        self.assertEqual((self.holds(), self.sensor.verbs), (2, ["install", "install"]))


class Live(Carried):
    def test_a_running_sensor_goes_by_them(self):
        require(self, "ethtool")
        peer, tap = Space(self, "peer"), Space(self, "tap")
        wire(peer, "p0", tap, "tap0", arp=False)
        sensor = Sensor(self, tap, "-c", self.config, "-i", "tap0", "--inside", "10.0.0.0/8",
                        folder=self.path("sensor"))
        state = ("--set", f"sensor.state_dir={sensor.state}")
        self.assertIn("reloaded: configuration 2\n", self.done("install", *state, self.pack(1)))
        self.assertIn("reloaded: configuration 3\n", self.done("install", *state, self.pack(2)))
        # The sensor says no, for reasons of its own: all is as it was, and that is written down.
        with open(self.config, "a", encoding="utf-8") as file:
            file.write("capture: {snaplen: 1000}\n")
        self.assertRegex(self.no(2, "install", *state, self.pack(3)), "all is as it was: .*capture.snaplen")
        self.assertEqual(self.holds(), 2)
        told = [json.loads(line) for line in sensor.journal()]
        told = [one for one in told if one["event"].get("action", "").startswith("rules.")]
        self.assertEqual([one["event"]["action"] for one in told],
                         ["rules.install", "rules.install", "rules.install", "rules.refused"])
        for record in told:
            self.assertEqual(weirtest.schema_problems("ecs-audit.json", record), [])


if __name__ == "__main__":
    weirtest.main()
