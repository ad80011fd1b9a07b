"""What the sensor says of its own sight: packets that were not read, headers that were cut or cannot
be, protocols it counts without reading, clocks, and captures of one direction only. In summary.json,
in the summary, and, where it is much, as sensor.blind with its interval; the same for any number of
workers."""

import struct

import weirtest
from weirtest import NS, conversation, ethernet, ip_packet, pcap, tcp

START = 1_772_438_400 * NS
HOST, REMOTE = ("10.1.1.1", 40000), ("198.51.100.9", 443)


def frame(ethertype, size=60):
    return bytes.fromhex("020000000002020000000001") + struct.pack("!H", ethertype) + b"\0" * size


def real(up=20_000):
    return conversation(START, HOST, REMOTE, b"r" * up)


class Coverage(weirtest.Case):
    def judge(self, packets, *words, snap=262144):
        """(coverage of summary.json, reasons of sensor.blind by code, the run); every number of
        workers says the same."""
        packets = sorted(packets, key=lambda packet: packet[0])
        path = self.write(f"sight{self.runs}.pcap", pcap(packets, nanoseconds=True, snap=snap))
        return self.judge_file(path, *words)

    def judge_file(self, path, *words, status=0):
        said = []
        for workers in (0, 1, 2):
            run = self.replay("--workers", workers, *words, path, status=status)
            reasons = {reason["code"]: reason for alert in run.alerts()
                       if alert["rule"]["id"] == "sensor.blind"
                       for reason in alert["weir"]["reasons"]}
            coverage = run.summary()["coverage"]
            said.append((coverage, reasons))
            self.assertEqual(said[0], said[-1])
        return *said[0], run

    def test_a_tap_of_sealed_frames(self):
        sealed = [(START + number * NS // 10, frame(0x88E5)) for number in range(600)]
        arp = [(START + number * NS, frame(0x0806, 28)) for number in range(10)]
        coverage, blind, run = self.judge(real() + sealed + arp)
        self.assertEqual([(kind["kind"], kind["value"], kind["packets"])
                          for kind in coverage["unread"]],
                         [("ethertype", 0x88E5, 600), ("not_ip", 0x0806, 10)])
        self.assertIn("EtherType 0x88e5 (MACsec) 600", blind["sensor.blind.unread"]["text"])
        self.assertIn("600 EtherType 0x88e5 (MACsec) (may carry IP)", run.out)
        self.assertIn("2026-03-02T08:00:00.000Z to 2026-03-02T08:0", blind["sensor.blind.unread"]["text"])

    def test_kinds_beyond_the_table(self):
        kinds = [(START + number * 1000, frame(0x7000 + number)) for number in range(100)]
        coverage, blind, _ = self.judge(kinds)
        self.assertEqual(len(coverage["unread"]), 16)
        self.assertEqual(sum(kind["packets"] for kind in coverage["unread"]) +
                         coverage["sensor"]["kinds_more"], 100)
        self.assertEqual(blind, {})  # nothing that could carry another host's packets

    def test_link_types(self):
        path = self.write("link.pcap", pcap([(START, b"\0" * 60)] * 30, link=195))
        coverage, blind, _ = self.judge_file(path, status=3)
        self.assertEqual(coverage["unread"], [{"kind": "link_type", "value": 195, "packets": 30,
                                               "text": "link type 195"}])
        self.assertIn("30 of 30 packets", blind["sensor.blind.unread"]["text"])

    def test_headers_that_were_cut(self):
        for snap, name in ((10, "link"), (30, "ipv4"), (50, "transport")):
            coverage, blind, _ = self.judge(real(200_000), snap=snap)
            sensor = coverage["sensor"]
            self.assertEqual(sensor[f"truncated_{name}"], sensor["packets"])
            self.assertEqual(sensor["truncated"], sensor["packets"])
            self.assertIn("sensor.blind.undecoded", blind)

    def test_headers_that_cannot_be(self):
        good = tcp(*HOST, *REMOTE, 1, 0, weirtest.SYN)
        bad = {"ipv4": good[:14] + b"\x41" + good[15:],
               "tcp": good[:46] + b"\x10" + good[47:],
               "udp": ethernet(ip_packet(HOST[0], REMOTE[0], 17, b"\0" * 5)),
               "icmp": ethernet(ip_packet(HOST[0], REMOTE[0], 1, b"\0" * 3)),
               "sctp": ethernet(ip_packet(HOST[0], REMOTE[0], 132, b"\0" * 7)),
               "ipv6": bytes(12) + b"\x86\xdd" + b"\x40" + bytes(60)}
        packets = [(START + at, data) for at, data in enumerate(bad.values())]
        sensor = self.judge(packets)[0]["sensor"]
        for name in bad:
            self.assertEqual(sensor[f"malformed_{name}"], 1, name)
        self.assertEqual(sensor["malformed"], len(bad))

    def test_protocols_without_ports(self):
        sealed = [(START + number, ethernet(ip_packet(HOST[0], REMOTE[0], 50, bytes([number]) * 100)))
                  for number in range(7)]
        coverage, _, run = self.judge(real() + sealed)
        self.assertEqual(coverage["protocols"][-1], {"number": 50, "name": "50", "read": False,
                                                     "packets": 7, "payload_bytes": 700})
        self.assertIn("IP protocol 50 7 packets, 700 B", run.out)

    def test_time_stamps_out_of_order(self):
        packets = real()
        packets[10] = (packets[10][0] - 2_500_000, packets[10][1])
        path = self.write("order.pcap", pcap(packets, nanoseconds=True))
        coverage, _, run = self.judge_file(path)
        self.assertEqual(coverage["sensor"]["time_backwards"], 1)
        self.assertAlmostEqual(coverage["largest_step_back_s"], 0.0015, 9)
        self.assertIn("1 packets out of time order, the largest step back 0.001500 s", run.out)

    def test_one_direction_only(self):
        """Only what the remote sides sent: not one byte of the hosts was seen, and yet it is said how
        much they can have sent."""
        packets = []
        for number in range(30):
            packets += conversation(START + number * NS, (f"10.1.1.{number}", 40000), REMOTE,
                                    b"r" * 10_000)
        coming = [packet for packet in packets if packet[1][26:30] == bytes([198, 51, 100, 9])]
        coverage, blind, run = self.judge(coming)
        self.assertEqual(coverage["one_sided"]["share"], 1)
        self.assertEqual(coverage["out_bytes"]["value"], 0)
        self.assertLessEqual(abs(coverage["out_bytes"]["high"] - 300_000), 30)
        self.assertEqual(len(coverage["one_sided"]["not_seen_sending"]), 20)
        for host in coverage["one_sided"]["not_seen_sending"]:
            self.assertLessEqual(abs(host["high"] - 10_000), 1)
        self.assertIn("100 % of TCP connections one-sided: only one direction was captured", run.out)
        self.assertIn("was not seen sending; by acknowledgements alone at most 10.0 kB", run.out)
        self.assertIn("sensor.blind.one_sided", blind)
        self.assertIn("(300 kB at most) of one-way traffic", run.out)

    def test_the_other_direction_only(self):
        packets = []
        for number in range(30):
            packets += conversation(START + number * NS, (f"10.1.1.{number}", 40000), REMOTE,
                                    b"r" * 10_000)
        going = [packet for packet in packets if packet[1][26:28] == bytes([10, 1])]
        coverage, blind, run = self.judge(going)
        self.assertEqual(coverage["out_bytes"], {"value": 300_000, "low": 0, "high": 300_000})
        self.assertEqual(coverage["one_sided"]["share"], 1)
        self.assertEqual(coverage["one_sided"]["not_seen_sending"], [])
        self.assertIn("sensor.blind.one_sided", blind)


if __name__ == "__main__":
    weirtest.main()
