#!/usr/bin/env python3
"""The detectors that need no past, over real and made captures.

Real ones (skipped where the shared captures are absent): which alerts they raise and, of those that are
ordinary, that they raise none; what speaks of the sensor's own sight (sensor.blind) is not counted. Made
ones: a DNS tunnel as slow as .7 B/s, an ICMP tunnel beside pings, SSH on the port of HTTPS. Whatever is
told is the same with one reading process and with two.

Environment: WEIR_BINARY, WEIR_TEST_PCAPS."""

import hashlib
import json
import os
import struct
import unittest

import weirtest
from weirtest import NS, SHARED, checksum, conversation, ethernet, ip_packet, pcap, udp

START = 1_772_438_400 * NS # 2026-03-02 08:00 UTC
BLIND = "sensor.blind"
# Ordinary DNS, and a tunnel of 3 kB that stays below what is told.
SILENT = ["01_dns_tunnel/dnscap__dns.pcap", "01_dns_tunnel/dnscap__dnso1tcp.pcap",
          "01_dns_tunnel/pcpp__DnsPackets.pcap", "01_dns_tunnel/sv__bug-1158_input.pcap",
          "01_dns_tunnel/zeek__dns_dns-binds.pcap"]


def told(run):
    """(rule, inside host, destination) of each alert that opened a story."""
    return sorted({(a["rule"]["id"], a["source"]["ip"],
                    a["destination"].get("domain", a["destination"]["ip"]))
                   for a in run.alerts() if a["rule"]["id"] != BLIND})


def dns_question(number, name):
    labels = b"".join(bytes([len(part)]) + part for part in name.encode().split(b"."))
    return struct.pack("!6H", number, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", 16, 1)


def dns_refusal(question):
    return question[:2] + b"\x81\x83" + question[4:]


def echo(src, dst, kind, number, data):
    head = struct.pack("!BBHHH", kind, 0, 0, 77, number)
    head = head[:2] + struct.pack("!H", checksum(head + data)) + head[4:]
    return ethernet(ip_packet(src, dst, 1, head + data))


def dull(number, size):
    """As ping fills it: a time, then bytes that count."""
    return struct.pack("!QQ", number, number * 7919) + bytes(i & 0xFF for i in range(16, size))


def noise(number, size):
    return b"".join(hashlib.sha256(b"%d %d" % (number, i)).digest() for i in range(size // 32 + 1))[:size]


class Real(weirtest.Case):
    def setUp(self):
        super().setUp()
        if not os.path.isdir(SHARED):
            self.skipTest("no captures")

    def shared(self, *names):
        return self.replay(*(os.path.join(SHARED, name) for name in names))

    def test_iodine(self):
        run = self.shared("01_dns_tunnel/ndpi__dns-tunnel-iodine.pcap")
        self.assertEqual(told(run), [("tunnel.dns", "10.0.2.30", "pirate.sea")])
        alert = next(a for a in run.alerts() if a["rule"]["id"] == "tunnel.dns")
        self.assertEqual(alert["destination"]["ip"], "10.0.2.20")
        self.assertEqual(alert["destination"]["port"], 53)
        self.assertEqual(alert["network"]["protocol"], "dns")

    def test_command_channel(self):
        run = self.shared("04_c2_malware/zeek__quic_merlinc2_Zeek_example.pcapng")
        self.assertEqual(told(run), [("protocol.mismatch", "10.0.0.4", "24.199.110.233")])

    def test_ordinary_captures_are_silent(self):
        for name in SILENT:
            with self.subTest(name):
                self.assertEqual(told(self.shared(name)), [])

    def test_benign_together(self):
        folder = os.path.join(SHARED, "08_benign")
        found = [(name, alert["rule"]["id"]) for name in sorted(os.listdir(folder))
                 for alert in self.shared(os.path.join("08_benign", name)).alerts()]
        self.assertLessEqual(len({pair for pair in found if pair[1] != BLIND}), 2, found)

    def test_mix(self):
        run = self.shared("09_benign_bulk/dev_mix_10min.pcap")
        found = told(run)
        self.assertIn(("tunnel.dns", "10.0.13.3", "pirate.sea"), found)
        self.assertIn(("protocol.mismatch", "10.0.17.2", "24.199.110.233"), found)
        self.assertLessEqual(len(found), 4, found)
        first = [host["host"] for host in run.summary()["look_here_first"][:5]]
        self.assertIn("10.0.14.2", first) # the upload by SMTP
        self.assertIn(("10.0.16.3", "203.0.114.21"),
                      [(flow["host"], flow["remote"]) for flow in run.summary()["open_throughout"]])


class Made(weirtest.Case):
    def judged(self, packets, *words):
        name = self.write("made.pcap", pcap(packets))
        run = self.replay(name, *words)
        two = self.replay("--workers", "2", name, *words)
        self.assertEqual(run.bytes("alerts.ndjson"), two.bytes("alerts.ndjson"))
        return run

    def test_slow_dns(self):
        """30 letters, 19.7 B, every 28 s: .70 B/s."""
        packets = []
        for number in range(300):
            question = dns_question(number, f"{noise(number, 15).hex()}.t.example.com")
            now = START + number * 28 * NS
            packets.append((now, udp("10.0.0.9", 20000 + number, "198.51.100.53", 53, question)))
            packets.append((now + 20_000_000, udp("198.51.100.53", 53, "10.0.0.9", 20000 + number,
                                                  dns_refusal(question))))
        run = self.judged(packets)
        self.assertEqual(told(run), [("tunnel.dns", "10.0.0.9", "example.com")])
        first = next(a for a in run.alerts() if a["rule"]["id"] == "tunnel.dns")
        self.assertLessEqual(first["@timestamp"], "2026-03-02T10:00:00")
        self.assertLessEqual(first["weir"]["reasons"][0]["observed"], 5000)

    def test_exceptions(self):
        """An operator's exceptions hold back these rows too, each by its name."""
        packets = []
        for number in range(300):
            question = dns_question(number, f"{noise(number, 15).hex()}.t.example.com")
            packets.append((START + number * NS, udp("10.0.0.9", 20000 + number, "198.51.100.53", 53, question)))
        packets += self.pings(lambda n: noise(n, 1000), 90)
        hello = b"SSH-2.0-OpenSSH_9.2\r\n"
        packets += conversation(START, ("10.0.0.9", 40000), ("198.51.100.8", 443), hello, hello)
        all_rows = ["protocol.mismatch", "tunnel.dns", "tunnel.icmp"]
        self.assertEqual([row for row, _, _ in told(self.judged(sorted(packets)))], all_rows)
        for excepted in all_rows:
            rules = self.write("rules.yaml", f"- exception: test\n  of: [{excepted}]\n  when: host in (10.0.0.0/8)\n"
                                             "  reason: a test\n  expires: never\n")
            run = self.judged(sorted(packets), "--set", f"rules=[{rules}]")
            self.assertEqual([row for row, _, _ in told(run)], [row for row in all_rows if row != excepted])
            self.assertGreater(run.summary()["coverage"]["bounds"]["findings_excepted"], 0)

    def pings(self, data, count, step_ns=NS):
        packets = []
        for number in range(count):
            now, body = START + number * step_ns, data(number)
            packets.append((now, echo("10.0.0.9", "198.51.100.7", 8, number & 0xFFFF, body)))
            packets.append((now + 9_000_000, echo("198.51.100.7", "10.0.0.9", 0, number & 0xFFFF, body)))
        return packets

    def test_icmp_tunnel(self):
        """Large payloads by their bytes, small ones by their number."""
        run = self.judged(self.pings(lambda n: noise(n, 1000), 90))
        self.assertEqual(told(run), [("tunnel.icmp", "10.0.0.9", "198.51.100.7")])
        self.assertIn("tunnel.icmp.bytes", run.bytes("alerts.ndjson").decode())
        run = self.judged(self.pings(lambda n: noise(n, 48), 150))
        self.assertIn("tunnel.icmp.payloads", run.bytes("alerts.ndjson").decode())

    def test_zones_are_named(self):
        """Tunnels too are told with their host's zone, and with the change window that is open in it."""
        packets = self.pings(lambda n: noise(n, 1000), 90)
        for number in range(300):
            question = dns_question(number, f"{noise(number, 15).hex()}.t.example.com")
            packets.append((START + number * NS, udp("10.0.0.9", 20000 + number, "198.51.100.53", 53, question)))
        config = self.write("weir.yaml", "networks: {zones: [{name: control, level: 1, nets: [10.0.0.0/24]}]}\n")
        window = {"id": "chg-1", "author": "a", "reason": "r", "ticket": "T-1", "created": "2020-01-01T00:00:00.000Z",
                  "expires": "2030-01-01T00:00:00.000Z", "scope": {"zone": "control"}}
        book = self.write("noise.json", json.dumps({"weir_noise": 1, "next": 9, "counted": 0, "silences": [window],
                                                    "incidents": []}))
        alerts = self.replay("-c", config, "--noise", book, self.write("made.pcap", pcap(sorted(packets)))).alerts()
        self.assertEqual({alert["rule"]["id"] for alert in alerts}, {"tunnel.dns", "tunnel.icmp"})
        for alert in alerts:
            self.assertEqual(alert["weir"]["zone"], {"name": "control", "level": 1})
            self.assertEqual(alert["weir"]["change"]["id"], "chg-1")

    def test_pings_are_silent(self):
        for size in (56, 32, 1400):
            self.assertEqual(told(self.judged(self.pings(lambda n, s=size: dull(n, s), 600))), [])
        # few, or the same again and again
        self.assertEqual(told(self.judged(self.pings(lambda n: noise(n, 200), 60))), [])
        self.assertEqual(told(self.judged(self.pings(lambda n: noise(1, 1000), 600))), [])

    def test_ssh_on_the_port_of_https(self):
        hello = b"SSH-2.0-OpenSSH_9.2\r\n"
        for port, expected in ((443, ["protocol.mismatch"]), (22, []), (2222, [])):
            packets = conversation(START, ("10.0.0.9", 40000), ("198.51.100.7", port), hello, hello)
            self.assertEqual([rule for rule, _, _ in told(self.judged(packets))], expected)


if __name__ == "__main__":
    weirtest.main()
