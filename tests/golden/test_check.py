#!/usr/bin/env python3
"""weir check: what it prints is a configuration that means the same; -r surveys a capture."""

import os
import struct

import weirtest
from weirtest import NS, SHIPPED, Case, block, conversation, pcap, pcapng, weir

START = 1_772_000_000 * NS
MODBUS = bytes.fromhex("00010000000601030000000a"), bytes.fromhex("000100000017010314") + bytes(20)
EVERY_KEY = """\
sensor: {name: "span \\"1\\" \\\\ é", state_dir: "/tmp"}
site:
  timezone: America/St_Johns
  work_hours: "07-19"
  work_days: "sun-thu"
  holidays: [2026-01-01, 2026-12-25]
networks:
  inside: [10.0.0.0/8, "fd00::/8", 192.0.2.77/32]
capture: {filter: "tcp port 80 or (vlan 5 and host 10.0.0.1)"}
redis: {url: "redis://user:pass:word@127.0.0.1:6379/3"}
baseline: {max_hosts: 1234}
detection: {alerts_per_100_hosts_per_day: 0.123456789, learn_days: 21}
alerts:
  sinks:
    - {type: file, path: "/tmp/a \\"b\\".ndjson", format: ecs}
    - {type: stdout}
"""


class Check(Case):
    def effective(self, *words):
        run = weir("check", *words)
        self.assertEqual((run.status, run.err), (0, ""), run)
        return run.out

    def assert_stable(self, text):
        """`text` is a configuration, and `weir check` prints it as it is."""
        self.assertEqual(self.effective("-c", self.write("again.yaml", text)), text)

    def test_the_defaults_are_a_configuration(self):
        text = self.effective()
        for line in ("  timezone: UTC", "  url: \"embedded\"", "  learn_days: 7",
                     "  work_hours: \"08-18\"", "  work_days: \"mon-fri\""):
            self.assertIn(line + "\n", text)
        self.assert_stable(text)
        here = text.replace('"/etc/weir/bundle"', f'"{self.path("bundle")}"') # beside the file
        self.assertNotEqual(here, text)
        self.assertEqual(self.effective("-c", self.write("empty.yaml", "")), here)

    def test_every_key_survives(self):
        text = self.effective("-c", self.write("every.yaml", EVERY_KEY))
        for part in ('name: "span \\"1\\" \\\\ é"', 'timezone: America/St_Johns', '"07-19"',
                     '"sun-thu"', "2026-12-25", '"fd00::/8"', '"192.0.2.77/32"',
                     "vlan 5 and host 10.0.0.1", "max_hosts: 1234", "0.123456789",
                     "learn_days: 21", 'a \\"b\\".ndjson', "{type: stdout"):
            self.assertIn(part, text)
        self.assert_stable(text)
        self.assertIn("***", text) # a password is never shown
        self.assertIn("@127.0.0.1:6379/3", text)
        self.assertNotIn("word", text)

    def test_the_command_line_wins_over_the_file(self):
        path = self.write("a.yaml", "detection: {learn_days: 21}\nnetworks: {inside: [10.0.0.0/8]}\n")
        text = self.effective("--set", "detection.learn_days=3", "-c", path, "--inside", "192.0.2.0/24",
                              "--inside", "2001:db8::/32")
        self.assertIn("learn_days: 3\n", text)
        self.assertIn('inside: ["192.0.2.0/24", "2001:db8::/32"]\n', text)

    def test_patterns(self):
        rows = ", ".join(f'{{name: p{n}, pattern: "{"x" * 500}{n}"}}' for n in range(64))
        path = self.write("many.yaml", f"content: {{patterns: [{rows}]}}\nprivacy: {{content_samples: true}}\n")
        text = self.effective("-c", path)
        self.assertIn('{name: p63, pattern: "' + "x" * 500 + '63"}]', text)
        self.assertIn("content_samples: true\n", text)
        # all of them reach a capture process: more than one message to it holds
        packets = conversation(START, ("10.7.0.1", 40000), ("198.51.100.9", 443), b"a" * 100)
        run = weir("replay", "-q", "-c", path, "--workers", "2", self.write("p.pcap", pcap(packets)))
        self.assertEqual((run.status, run.err), (0, ""), run)

    def test_a_pattern_that_is_none(self):
        path = self.write("bad.yaml", 'content:\n  patterns:\n    - {name: a, pattern: "x"}\n'
                                      '    - {name: b, pattern: "abc(defg"}\n')
        expected = ("bad.yaml:4:26: content.patterns[1].pattern: missing closing parenthesis at offset 8: "
                    "expected a PCRE2 expression\n")
        for words in (("check",), ("replay", "-q", self.write("p.pcap", pcap([])))):
            run = weir(*words, "-c", path)
            self.assertEqual(run.status, 2, run)
            self.assertTrue(run.err.endswith(expected), run)

    def test_shipped_configuration(self):
        self.assert_stable(self.effective("-c", os.path.join(SHIPPED, "projectweb.yaml")))

    def survey(self, packets, *words):
        return self.survey_of(pcap(packets), *words)

    def survey_of(self, capture, *words):
        """What it says; what it proposes is a configuration."""
        run = weir("check", "-q", "-r", self.write("a.pcap", capture), *words)
        self.assertEqual((run.status, run.err), (0, ""), run)
        if "networks:\n" in run.out:
            self.effective("-c", self.write("proposed.yaml", run.out[run.out.index("networks:\n"):]))
        return run.out

    def test_survey_of_two_networks(self):
        packets = []
        for n in range(20):
            packets += conversation(START + n * NS, (f"10.7.0.{n}", 40000), ("198.51.100.9", 443),
                                    b"a" * 100, b"b" * 2000)
        text = self.survey(packets)
        self.assertRegex(text, r"Packets +240; 0 not IP; 0 cut\n")
        self.assertRegex(text, r"10\.7\.0\.0/16 +20 flows +2\.00 kB sent  inside\n")
        self.assertRegex(text, r"198\.51\.0\.0/16 +20 flows +40\.0 kB sent  outside\n")
        self.assertIn("0.00 % of the TCP flows are one-sided\n", text)
        self.assertNotIn("\nLost ", text)
        self.assertIn("   # this machine's: whose hours count?\n", text)
        proposal = text[text.index("networks:"):]
        self.assertIn("    - 10.7.0.0/16\n", proposal)
        self.assertNotIn("198.51", proposal)

    def test_survey_of_one_direction(self):
        packets = [packet for n in range(20) for packet in
                   conversation(START + n * NS, ("10.7.0.1", 40000 + n), ("198.51.100.9", 443),
                                b"a" * 100)
                   if packet[1][26:30] == bytes((10, 7, 0, 1))]
        self.assertIn("100 % of the TCP flows are one-sided: one direction of the link is probably "
                      "missing", self.survey(packets))

    def test_survey_of_public_addresses(self):
        packets = conversation(START, ("203.0.113.5", 40000), ("198.51.100.9", 443), b"a" * 100)
        text = self.survey(packets)
        self.assertIn("Neither side inside: 100 B\n", text)
        self.assertIn("- 198.51.0.0/16   # a guess", text)
        for client in ("203.0.5.5", "192.0.2.1"):
            packets += conversation(START, (client, 40000), ("198.51.100.9", 443), b"a" * 100)
        text = self.survey(packets, "--inside", "203.0.113.0/24", "--inside", "192.0.2.0/24")
        self.assertRegex(text, r"203\.0\.0\.0/16 .* partly inside\n")
        self.assertRegex(text, r"192\.0\.0\.0/16 .* sent  inside\n")
        self.assertIn("inside:\n    - 192.0.2.0/24\n    - 203.0.113.0/24\nsite:", text)

    def test_survey_of_control_protocols(self):
        packets = []
        for n in range(10): # each its own /16, the last two in fewer flows: beyond what is proposed as inside
            for again in range(3 if n < 8 else 1):
                packets += conversation(START + (10 * n + again) * NS, (f"10.{n}.2.1", 40000 + again),
                                        (f"10.{n}.1.5", 502), *MODBUS)
        text = self.survey(packets)
        self.assertIn("net-10-7-1-0, level: 1", text)
        self.assertNotIn("net-10-8-1-0", text)
        self.assertIn("    # no zones: 4 networks with control protocols that are not within these inside "
                      "networks\n", text)
        text = self.survey(packets, "--inside", "10.1.2.0/30")
        self.assertNotIn("zones:\n", text)
        self.assertIn("# no zones: 1 networks", text)

    def test_survey_of_places(self):
        packets = conversation(START, ("10.7.0.1", 40000), ("198.51.100.9", 443), b"a" * 100)
        path = self.write("places.yaml", "networks: {inside: [{nets: [10.0.0.0/8], interface: span0}, "
                                         "{nets: [192.0.2.0/24], interface: span0}]}\ncapture: {interfaces: [span0]}\n")
        text = self.survey(packets, "-c", path, "--set", "site.timezone=UTC")
        self.assertIn('capture:\n  interfaces: ["span0"]\nsite:\n  timezone: UTC\n', text) # it was set: no question

    def test_survey_of_no_flow(self):
        arp = bytes.fromhex("ffffffffffff020000000001" "0806" "0001080006040001" "020000000001" "0a070001"
                            "000000000000" "0a070002") + bytes(18)
        text = self.survey([(START, arp)] * 5)
        self.assertRegex(text, r"Packets +5; 5 not IP")
        self.assertIn("No configuration is proposed: no flow between two hosts was seen\n", text)

    def test_survey_of_what_was_lost(self):
        packets = conversation(START, ("10.7.0.1", 40000), ("198.51.100.9", 443), b"a" * 100)
        statistics = (struct.pack("<III", 0, 0, 0) + struct.pack("<HHQ", 5, 8, 7) + struct.pack("<HHQ", 7, 8, 12) +
                      bytes(4))
        self.assertIn("\nLost        12 packets by the system, 7 by the interface; 0 records to a full ring: more "
                      "passed than is shown\n", self.survey_of(pcapng(packets) + block("<", 5, statistics)))

    def test_survey_of_nothing(self):
        self.assertRegex(self.survey([]), r"Packets +0;")

    def test_survey_of_what_is_missing(self):
        self.assert_fails(3, ("check", "-q", "-r", self.path("missing.pcap")), "missing.pcap")


if __name__ == "__main__":
    weirtest.main()
