#!/usr/bin/env python3
"""weir baseline: what people may see and change of the memory, end to end.

The shipped incident's three weeks are the memory. Each verb is asked of the operator's server and its
effect looked for in what the next one says; the private server of a state directory is asked once."""

import hashlib
import ipaddress
import json
import os

import weirtest
from weirtest import SHIPPED, Case, RedisClient, RedisServer, complaint, weir

CONFIG = ("-c", os.path.join(SHIPPED, "projectweb.yaml"))
CAPTURE = os.path.join(SHIPPED, "projectweb.pcapng")
HOST = "10.4.1.22"
SERVER = "10.4.0.17"


def ip_bytes(text):
    return b"\0" * 10 + b"\xff\xff" + ipaddress.ip_address(text).packed


class Governance(Case):
    @classmethod
    def setUpClass(cls):
        run = None
        cls.redis = RedisServer()
        cls.addClassCleanup(cls.redis.stop)
        path = os.path.join(cls.redis.folder, "learned.base")
        run = weir("replay", "-q", "--workers", "0", *CONFIG, "--save-baseline", path, CAPTURE)
        if run.status != 0:
            raise AssertionError(str(run))
        with open(path, "rb") as file:
            cls.learned = file.read()

    def setUp(self):
        super().setUp()
        self.file = self.write("learned.base", self.learned)
        self.settings = ("--set", f"redis.url={self.redis.url}", "--set", f"sensor.state_dir={self.home}")
        self.write("site.key", b"k" * 32)
        with RedisClient(self.redis.url) as client:
            client("FLUSHALL")

    def ask(self, verb, *words, status=0, settings=None, **more):
        run = weir("baseline", verb, *CONFIG, *(settings or self.settings), *words, **more)
        self.assertEqual(run.status, status, run)
        return run

    def learn(self):
        self.assertEqual(self.ask("import", self.file).out, "18 hosts imported\n")

    def listed(self):
        lines = self.ask("list", "--json").out.splitlines()
        return {host["host"]: host for host in map(json.loads, lines)}

    def test_a_memory_goes_out_and_in_and_is_the_same(self):
        self.learn()
        again = self.path("again.base")
        self.assertEqual(self.ask("export", again).out, "18 hosts exported\n")
        with open(again, "rb") as file:
            self.assertEqual(file.read(), self.learned)
        self.assertEqual(len(self.listed()), 18)

    def test_a_file_is_looked_at_without_a_memory(self):
        nowhere = "--set", "redis.url=redis://127.0.0.1:1"
        self.assertEqual(self.ask("import", "--dry-run", self.file, settings=nowhere).out,
                         "18 hosts could be imported; nothing was\n")
        cut = self.write("cut", self.learned[:-40])
        self.assertIn("damaged", complaint(self.ask("import", "--dry-run", cut, settings=nowhere, status=3)))
        self.assertEqual(self.listed(), {})

    def test_a_memory_that_has_learned_is_not_replaced_by_chance(self):
        self.learn()
        self.assertIn("--replace", complaint(self.ask("import", self.file, status=2)))
        self.ask("reset", "--yes", HOST)
        self.assertNotIn(HOST, self.listed())
        self.ask("import", "--replace", self.file)
        self.assertIn(HOST, self.listed())

    def test_a_damaged_file_changes_nothing(self):
        bad = bytearray(self.learned)
        bad[len(bad) // 2] ^= 1
        self.assertIn("damaged", complaint(self.ask("import", self.write("bad", bytes(bad)), status=3)))
        self.ask("import", self.path("nowhere"), status=3)
        self.assertEqual(self.listed(), {})
        self.assertEqual(self.ask("audit", "--json").out, "")

    def test_show_draws_what_is_normal(self):
        self.learn()
        out = self.ask("show", SERVER, env={"LC_ALL": "C"}).out
        self.assertRegex(out, rf"^{SERVER}  ready")
        for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun"):
            self.assertRegex(out, rf"(?m)^ +{day} [ .+#-]{{24}}\|$")
        self.assertRegex(out, r"an active day +92\.7 kB +1\.25 MB +2\.49 MB +3\.23 MB +of 17")
        self.assertIn("served 198.51.100.0/24", out)
        self.assertTrue(all(len(line) <= 100 for line in out.splitlines()), out)
        self.assertIn("no baseline", complaint(self.ask("show", "10.99.0.1", status=1)))
        self.assertIn("address", complaint(self.ask("show", "example.jp", status=2)))

    def test_review_says_where_to_look_and_who_did(self):
        self.learn()
        out = self.ask("review").out
        self.assertIn("18 hosts: 18 ready", out)
        self.assertIn("signed off: by nobody yet", out)
        self.assertRegex(out, rf"what one host alone uses\n  10\.4\.0\.20 +uses +example5\.co\.jp")
        self.assertRegex(out, rf"hosts that serve the outside\n  {SERVER} +12 networks")
        self.ask("review", "--sign-off", "A. Operator", "--reason", "week 3")
        self.assertRegex(self.ask("review").out, r"signed off: A\. Operator, 20\d\d-")
        self.assertIn("week 3", self.ask("audit").out)

    def test_frozen_until_thawed(self):
        self.learn()
        self.ask("freeze", HOST)
        self.assertEqual(self.listed()[HOST]["state"], "frozen")
        self.assertEqual(self.listed()[SERVER]["state"], "ready")
        self.assertEqual(self.ask("freeze", "--all").out, "17 hosts changed\n")
        self.assertEqual(self.ask("thaw", "--all").out, "18 hosts changed\n")
        self.assertEqual({host["state"] for host in self.listed().values()}, {"ready"})
        self.ask("freeze", status=2)
        self.ask("freeze", "--all", HOST, status=2)

    def test_what_is_held_stays(self):
        self.learn()
        self.ask("hold", HOST, status=2)
        self.ask("hold", HOST, "--reason", "case 7")
        for verb in ("reset", "forget"):
            self.assertIn("under hold: case 7", complaint(self.ask(verb, "--yes", HOST, status=1)))
        self.assertIn(HOST, self.listed())
        self.ask("release", HOST)
        self.ask("reset", "--yes", HOST)
        self.assertNotIn(HOST, self.listed())

    def test_what_is_held_is_not_replaced(self):
        self.learn()
        self.ask("freeze", HOST)
        self.ask("hold", HOST, "--reason", "case 7")
        self.assertEqual(self.ask("import", "--replace", self.file).out, "17 hosts imported, 1 under hold left\n")
        self.assertEqual(self.listed()[HOST]["state"], "frozen")

    def test_a_damaged_profile_stops_nobody(self):
        self.learn()
        with RedisClient(self.redis.url) as client:
            client("HSET", f"weir:{{{HOST}}}:profile", "blob", "no profile")
        self.assertIn("1 profiles are damaged and stay as they are, 17 hosts changed",
                      self.ask("freeze", "--all", status=1).err)
        whole = self.path("whole.base")
        self.assertIn("17 hosts exported, 1 damaged blobs left out", self.ask("export", whole, status=1).err)
        self.assertEqual(self.ask("import", "--replace", whole).out, "17 hosts imported\n")
        self.assertIn(f"{HOST}: ", self.ask("freeze", HOST, status=1).err)

    def test_damaged_tables_are_left_out(self):
        self.learn()
        with RedisClient(self.redis.url) as client:
            client("HSET", "weir:fleet", "blob", "no tables")
        whole = self.path("whole.base")
        self.assertIn("18 hosts exported, 1 damaged blobs left out", self.ask("export", whole, status=1).err)
        with RedisClient(self.redis.url) as client:
            client("FLUSHALL")
        self.assertEqual(self.ask("import", whole).out, "18 hosts imported\n")

    def test_an_hour_that_no_clock_shows(self):
        self.learn()
        for hour in ("9999-01-01T01", "1000-01-01T01"):
            self.assertIn("--at", complaint(self.ask("show", "--bytes", "5", "--at", hour, HOST, status=2)))

    def test_a_profile_under_another_hosts_name(self):
        wrong = self.learned[:-32].replace(ip_bytes(HOST), ip_bytes("10.4.1.23"), 1)
        self.assertNotEqual(wrong, self.learned[:-32])
        wrong += hashlib.sha256(wrong).digest()
        self.assertIn("is that of", complaint(self.ask("import", self.write("wrong", wrong), status=3)))
        self.assertEqual(self.listed(), {})

    def test_what_cannot_be_undone_is_asked_for_twice(self):
        self.learn()
        for verb in ("reset", "forget"):
            self.assertIn("--yes", complaint(self.ask(verb, HOST, status=2, stdin=b"")))
        self.assertIn(HOST, self.listed())

    def test_forgotten_is_gone_from_every_key_and_set(self):
        self.learn()
        with RedisClient(self.redis.url) as client:
            client("HSET", f"weir:{{{HOST}}}:open:492000", "core|span|client|domain|example.jp", "1 1 1 0 1 0")
        out = self.ask("forget", "--yes", "--reason", "his right", HOST).out
        self.assertRegex(out, r"mark in [1-9]\d* sets")
        self.assertNotIn(HOST, self.listed())
        with RedisClient(self.redis.url) as client:
            self.assertEqual(client("KEYS", f"weir:{{{HOST}}}:*"), [])
        self.assertRegex(self.ask("forget", "--yes", HOST).out, r"mark in 0 sets")
        audit = self.ask("audit", "--json").out
        self.assertNotIn(HOST, audit)
        tombs = [json.loads(line) for line in audit.splitlines() if '"forget"' in line]
        self.assertEqual(len({tomb["subject"] for tomb in tombs}), 1) # the same address, provably
        self.assertRegex(tombs[0]["subject"], r"^keyed:[0-9a-f]{16}$")
        self.assertEqual(tombs[0]["reason"], "his right")

    def test_diff_and_merge(self):
        self.learn()
        self.assertIn("0 new, 0 gone, 0 changed", self.ask("diff", self.file).out)
        self.ask("reset", "--yes", HOST)
        out = self.ask("diff", self.file).out
        self.assertRegex(out, rf"(?m)^- {HOST} ")
        self.assertIn("18 hosts before, 17 now: 0 new, 1 gone, 0 changed", out)
        less, both = self.path("less.base"), self.path("both.base")
        self.ask("export", less)
        run = self.ask("merge", less, self.file, "-o", both)
        self.assertIn("18 hosts, 17 of them known to several", run.out)
        change = json.loads(self.ask("diff", "--json", less, both).out)
        self.assertEqual(change, {"host": HOST, "change": "new"})

    def test_the_audit_says_who_did_what_in_order(self):
        self.learn()
        self.ask("freeze", HOST, "--reason", "new role")
        self.ask("thaw", HOST)
        audit = [json.loads(line) for line in self.ask("audit", "--json").out.splitlines()]
        self.assertEqual([line["verb"] for line in audit], ["import", "freeze", "thaw"])
        self.assertEqual(audit[1]["subject"], HOST)
        self.assertEqual(audit[1]["reason"], "new role")
        self.assertRegex(audit[1]["at"], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$")

    def test_a_reason_cannot_make_up_a_line(self):
        self.learn()
        self.ask("hold", HOST, "--reason", "a\x1b[31mb\n2026-01-01T00:00:00Z  root  release c")
        out = self.ask("audit").out
        self.assertEqual(len(out.splitlines()), 2, out)
        self.assertNotIn("\x1b", out)
        self.ask("review", "--sign-off", "me\x1b[2J\nyou")
        self.assertRegex(self.ask("review").out, r"signed off: me\?\[2J\?you, ")
        self.assertEqual(json.loads(self.ask("audit", "--json").out.splitlines()[-1])["verb"], "sign-off")

    def test_a_server_that_takes_no_writes_changes_nothing(self):
        self.learn()
        with RedisClient(self.redis.url) as client:
            client("CONFIG", "SET", "maxmemory", "1")
            self.addCleanup(self.write_again)
        self.assertIn("full", complaint(self.ask("freeze", HOST, status=1)))
        self.assertEqual(self.listed()[HOST]["state"], "ready")

    def write_again(self):
        with RedisClient(self.redis.url) as client:
            client("CONFIG", "SET", "maxmemory", "0")

    def test_the_private_server_of_a_state_directory(self):
        os.chmod(self.home, 0o755) # the private server is another user's
        settings = ("--set", f"sensor.state_dir={self.path('state')}")
        self.assertIn("no sensor", complaint(self.ask("list", status=1, settings=settings)))
        self.ask("import", self.file, settings=settings)
        self.assertIn("18 hosts, 18 ready", self.ask("list", settings=settings).out)

    def test_bad_words(self):
        for words in (("frob",), ("list", "--frob"), ("export",), ("merge", self.file), ()):
            complaint_of = weir("baseline", *words)
            self.assertEqual(complaint_of.status, 2, complaint_of)
            complaint(complaint_of)


if __name__ == "__main__":
    weirtest.main()
