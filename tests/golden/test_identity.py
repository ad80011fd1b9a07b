#!/usr/bin/env python3
"""networks.identity: device. An office whose DHCP server gives a laptop another address each week,
and its old one to somebody else: the laptop's past goes with the laptop, in both families."""

import ipaddress
import os
import struct

import weirtest
from weirtest import NS, Case, conversation, ip_packet, pcap, with_checksum

START = 1_767_571_200 * NS # Monday 2026-01-05, 00:00 UTC
HOUR = 3600 * NS
DAY = 24 * HOUR
WEEK = 7 * DAY
LEASE_S = 7 * 86400
LAPTOP, PRINTER, DESK, ROUTER = (bytes.fromhex(f"0200000000{n:02x}") for n in (0xA1, 0xB2, 0xC3, 1))
SERVER4, SERVER6 = "10.1.0.1", "fe80::1"
CLOUD4, CLOUD6 = ("198.51.100.9", 443), ("2001:db8:ffff::9", 443)
# Of the shared captures: messages that tie an address, counted once by tshark's fields (ARP of a
# sender with an address, neighbour discovery with a link-layer option, acknowledged leases).
REAL = {"01_dns_tunnel/dnscap__dns.pcap": 10, "08_benign/mercury__capture2.pcap": 22,
        "08_benign/zeek__Traces_wikipedia.pcap": 6, "09_benign_bulk/dev_mix_10min.pcap": 42,
        "13_community_id/zeek-community-id__arp.pcap": 6,
        "14_tls_quic_names/ipfixp__mixed.pcap": 54}
INSIDE = ("--inside", "10.1.0.0/16", "--inside", "2001:db8:1::/48", "--inside", "fe80::/10")
DEVICE = ("--set", "networks.identity=device")


def text_of(mac):
    return ":".join(f"{byte:02x}" for byte in mac)


def address4(week, offset=10):
    return f"10.1.0.{offset + week}"


def address6(week, offset=0x10):
    return f"2001:db8:1::{offset + week:x}"


# --- frames --------------------------------------------------------------------------------------


def frame(source, destination, packet):
    kind = b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\0"
    return destination + source + kind + packet


def datagram(src, sport, dst, dport, data):
    segment = struct.pack("!HHHH", sport, dport, 8 + len(data), 0) + data
    return ip_packet(src, dst, 17, with_checksum(src, dst, 17, segment, 6))


def arp(mac, address, sender=None):
    """Gratuitous: who has `address` tells everybody. `sender`: of the frame, if another."""
    ip = ipaddress.ip_address(address).packed
    body = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + mac + ip + bytes(6) + ip
    return b"\xff" * 6 + (sender or mac) + b"\x08\x06" + body + bytes(18)


def ack4(mac, address, lease_s=LEASE_S):
    head = struct.pack("!BBBBIHH", 2, 1, 6, 0, 0x1234, 0, 0) + bytes(4)
    head += ipaddress.ip_address(address).packed + bytes(8) + mac + bytes(10 + 64 + 128)
    options = b"\x63\x82\x53\x63\x35\x01\x05\x33\x04" + struct.pack("!I", lease_s) + b"\xff"
    return frame(ROUTER, mac, datagram(SERVER4, 67, address, 68, head + options))


def option6(code, data):
    return struct.pack("!HH", code, len(data)) + data


def reply6(mac, address, lease_s=LEASE_S):
    """To the client's link-local address, its DUID naming no MAC."""
    lease = ipaddress.ip_address(address).packed + struct.pack("!II", lease_s, lease_s)
    body = b"\x07\0\0\1" + option6(1, b"\0\2\0\0\1\2" + mac) + option6(2, b"\0\3\0\1" + ROUTER)
    body += option6(3, struct.pack("!III", 1, 0, 0) + option6(5, lease))
    return frame(ROUTER, mac, datagram(SERVER6, 547, "fe80::a1", 546, body))


def send(at, mac, client, cloud, size, segment=1400):
    """An upload of that many bytes; `client`: its address. Frames through the router."""
    port = 20000 + at // HOUR % 40000
    body = bytes(n * 37 % 251 for n in range(997)) * (size // 997 + 1)
    packets = conversation(at, (client, port), cloud, body[:size], b"ok", segment=segment)
    return [(when, frame(mac, ROUTER, old[14:]) if up else frame(ROUTER, mac, old[14:]))
            for when, old in packets
            for up in [ipaddress.ip_address(client).packed in old[26:34] + old[22:38]]]


# --- the captures --------------------------------------------------------------------------------


def leases(week):
    """Monday, just after midnight: the laptop moves on, the printer gets the address it had."""
    at = START + week * WEEK + 60 * NS
    packets = [(at, ack4(LAPTOP, address4(week))), (at + NS, reply6(LAPTOP, address6(week)))]
    if week > 0:
        packets += [(at + 2 * NS, ack4(PRINTER, address4(week - 1))),
                    (at + 3 * NS, reply6(PRINTER, address6(week - 1)))]
    return packets


def days(weeks):
    """Each day the laptop sends some 20 kB to the cloud, four times, half of it by each family."""
    packets = []
    for week in range(weeks):
        packets += leases(week)
        for hour in (9, 11, 14, 16):
            for day in range(7):
                at = START + week * WEEK + day * DAY + hour * HOUR
                size = 9000 + (day * 4 + hour) * 131 % 3000
                packets += send(at, LAPTOP, address4(week), CLOUD4, size)
                packets += send(at + 60 * NS, LAPTOP, address6(week), CLOUD6, size)
    return packets


def theft(week, mac=LAPTOP, address=None, megabytes=40):
    at = START + week * WEEK + 3 * DAY + 10 * HOUR
    return send(at, mac, address or address4(week), CLOUD4, megabytes * 1_000_000, segment=60000)


def capture(*parts):
    return pcap(sorted(sum(parts, []), key=lambda packet: packet[0]))


class Identity(Case):
    def judge(self, data, *words):
        return self.replay("--online", "--flows", *INSIDE, *words, self.write("office.pcap", data))

    def test_the_past_goes_with_the_device(self):
        """Three weeks at three addresses in both families, then, at a fourth, the theft."""
        data = capture(days(3), leases(3), theft(3))
        run = self.judge(data, *DEVICE)
        alerts = [alert for alert in run.alerts() if alert["weir"]["state"] != "close"]
        self.assertIn("volume.destination", {alert["rule"]["id"] for alert in alerts})
        self.assertIn("volume.host.day", {reason["code"] for alert in alerts
                                          for reason in alert["weir"]["reasons"]})
        for alert in alerts:
            self.check_alert(alert)
        self.assertIn(f"{text_of(LAPTOP)} (10.1.0.13) →", run.out)
        self.assertEqual({row["host"] for row in run.summary()["incidents"]}, {text_of(LAPTOP)})
        self.assertEqual(run.summary()["judged"]["hosts_with_history"], 1)
        # By address each week begins anew: nobody has a past, nothing is found.
        by_address = self.judge(data)
        self.assertEqual(by_address.alerts(), [])
        self.assertEqual(by_address.summary()["judged"]["hosts_ready"], 0)
        self.assertEqual(by_address.summary()["identity"]["bindings"], 0)

    def check_alert(self, alert):
        mac = text_of(LAPTOP).upper().replace(":", "-")
        self.assertEqual(alert["weir"]["baseline"]["state"], "ready")
        self.assertGreater(alert["weir"]["baseline"]["hours"], 400)
        self.assertEqual(alert["source"]["ip"], address4(3))
        self.assertEqual(alert["source"]["mac"], mac)
        self.assertEqual(alert["host"], {"id": text_of(LAPTOP), "mac": [mac],
                                         "ip": [address4(3)]})
        self.assertEqual(alert["related"]["ip"], [address4(3), CLOUD4[0]])
        self.assertEqual(alert["client"]["ip"], address4(3))
        self.assertEqual(alert["destination"]["port"], CLOUD4[1])

    def test_families_add_up(self):
        """One host, whose figures are those of its flows in both families."""
        run = self.judge(capture(days(2)), *DEVICE)
        out = {4: 0, 6: 0}
        for flow in run.flows():
            if flow["scope"] != "out":
                continue
            self.assertEqual(flow["orig"]["device"], text_of(LAPTOP))
            self.assertNotIn("device", flow["resp"])
            out[ipaddress.ip_address(flow["orig"]["ip"]).version] += flow["orig"]["payload_bytes"]
        self.assertGreater(min(out.values()), 500_000)
        ranking = run.summary()["look_here_first"]
        self.assertEqual([row["host"] for row in ranking], [text_of(LAPTOP)])
        self.assertEqual(ranking[0]["out_bytes"]["value"], out[4] + out[6])
        self.assertEqual(run.summary()["judged"]["hosts_with_history"], 1)

    def test_the_next_device_has_its_own_past(self):
        """Two weeks at one address, which then another device is given and sends much from."""
        weeks = [part for part in days(2) if part[0] < START + WEEK]
        second = [(START + WEEK + 60 * NS, ack4(PRINTER, address4(0)))]
        data = capture(weeks, [(START + DAY * n, ack4(LAPTOP, address4(0))) for n in range(1, 7)],
                       second, theft(1, PRINTER, address4(0), 60))
        by_device = self.judge(data, *DEVICE)
        self.assertEqual(by_device.alerts(), [])
        self.assertEqual({row["host"] for row in by_device.summary()["look_here_first"]},
                         {text_of(LAPTOP), text_of(PRINTER)})
        self.assertEqual(by_device.summary()["identity"]["addresses_moved"], 1)
        by_address = self.judge(data) # judged by what the first one used to send
        self.assertTrue({"volume.destination", "ratio.upload"} & {alert["rule"]["id"] for alert in by_address.alerts()})

    def test_any_number_of_workers(self):
        claims = [(START + n * 7 * HOUR, arp(LAPTOP, address4(n * 7 // 168))) for n in range(72)]
        data = capture(days(3), claims, leases(3), theft(3), self.proxy(START + DAY))
        runs = [self.judge(data, *DEVICE, "--workers", n) for n in (0, 1, 2)]
        self.assertTrue(runs[0].alerts())
        for run in runs[1:]:
            for name in ("alerts.ndjson", "flows.ndjson"):
                self.assertEqual(run.bytes(name), runs[0].bytes(name), name)
            for part in ("identity", "coverage", "judged", "look_here_first", "incidents"):
                self.assertEqual(run.summary()[part], runs[0].summary()[part], part)

    def test_a_stolen_address(self):
        """Who says "this address is mine" of one that is leased moves his bytes nowhere; who says
        it in another's name ties nothing; both are counted."""
        at = START + 2 * WEEK + 3 * DAY + 9 * HOUR
        data = capture(days(3), [(at, arp(DESK, address4(2))),
                                 (at + NS, arp(PRINTER, "10.1.0.99", sender=DESK))], theft(2))
        run = self.judge(data, *DEVICE)
        self.assertIn("volume.destination", {alert["rule"]["id"] for alert in run.alerts()})
        self.assertEqual({alert["host"]["id"] for alert in run.alerts()}, {text_of(LAPTOP)})
        bounds = run.summary()["coverage"]["bounds"]
        self.assertEqual(bounds["addresses_contested"], 1)
        self.assertEqual(bounds["bindings_suspect"], 1)
        self.assertIn("claims of addresses that are leased to another device", run.out)

    def test_an_address_taken_from_outside(self):
        """Of a laptop that is known by claims only, the thief's friend says from outside, in a
        lease and by ARP in VXLAN, that its address is the printer's. A mirror inside is believed."""
        at = START + DAY

        def wrapped(source, claim):
            return frame(ROUTER, LAPTOP, datagram(source, 40000, "10.1.0.50", 4789,
                                                  b"\x08\0\0\0\0\0\x07\0" + claim))

        lease = ack4(PRINTER, "10.1.0.50")
        lease = frame(ROUTER, LAPTOP, datagram(CLOUD4[0], 67, "10.1.0.50", 68, lease[42:]))
        data = capture([(at, arp(LAPTOP, "10.1.0.50")), (at + NS, lease),
                        (at + 2 * NS, wrapped(CLOUD4[0], arp(PRINTER, "10.1.0.50"))),
                        (at + 3 * NS, wrapped("10.1.0.60", arp(DESK, "10.1.0.51")))],
                       send(at + HOUR, LAPTOP, "10.1.0.50", CLOUD4, 100_000),
                       send(at + 2 * HOUR, DESK, "10.1.0.51", CLOUD4, 90_000))
        for workers in (0, 2):
            run = self.judge(data, *DEVICE, "--workers", workers)
            self.assertEqual({row["host"] for row in run.summary()["look_here_first"]},
                             {text_of(LAPTOP), text_of(DESK)})
            self.assertEqual(run.summary()["identity"],
                             {"bindings": 4, "addresses_moved": 0, "proxies": 0})
            self.assertEqual(run.summary()["coverage"]["bounds"]["addresses_from_outside"], 2)

    @staticmethod
    def proxy(at):
        return [(at + n * NS, arp(DESK, f"10.1.2.{n}")) for n in range(1, 81)]

    def test_a_proxy_is_nobody(self):
        """80 addresses within an hour are not one device: each stays a host by itself."""
        sent = [packet for n in range(1, 4)
                for packet in send(START + DAY + 2 * HOUR + n * 60 * NS, DESK, f"10.1.2.{n}",
                                   CLOUD4, 70_000)]
        run = self.judge(capture(self.proxy(START + DAY), sent), *DEVICE)
        self.assertEqual({row["host"] for row in run.summary()["look_here_first"]},
                         {"10.1.2.1", "10.1.2.2", "10.1.2.3"})
        self.assertEqual(run.summary()["identity"]["proxies"], 1)
        self.assertEqual(run.summary()["coverage"]["bounds"]["addresses_by_proxy"], 16)

    def test_bytes_before_and_after_a_change(self):
        """A connection's bytes are whose the address was when they left, although they are told
        later; without leases the newest claim counts."""
        at = START + 10 * HOUR
        first = send(at, LAPTOP, "10.1.0.50", CLOUD4, 100_000)
        then = at + 8 * NS # before the first one's record, which comes after ten seconds
        second = send(then + NS, PRINTER, "10.1.0.50", (CLOUD4[0], 444), 200_000)
        first = [packet for packet in first if packet[1][47] & 1 == 0] # it has no end
        data = capture([(at - NS, arp(LAPTOP, "10.1.0.50")), (then, arp(PRINTER, "10.1.0.50"))],
                       first, second)
        run = self.judge(data, *DEVICE)
        self.assertEqual({row["host"]: row["out_bytes"]["value"]
                          for row in run.summary()["look_here_first"]},
                         {text_of(LAPTOP): 100_000, text_of(PRINTER): 200_000})

    def test_a_device_that_was_not_seen_sending(self):
        """Only what came is in the capture: the coverage names the device as people read it."""
        at = START + 10 * HOUR
        cloud = ipaddress.ip_address(CLOUD4[0]).packed
        coming = [packet for packet in send(at, LAPTOP, "10.1.0.50", CLOUD4, 10_000)
                  if packet[1][26:30] == cloud]
        run = self.judge(capture([(at - NS, arp(LAPTOP, "10.1.0.50"))], coming), *DEVICE)
        hidden = run.summary()["coverage"]["one_sided"]["not_seen_sending"]
        self.assertEqual([row["host"] for row in hidden], [text_of(LAPTOP)])
        self.assertIn(f"{text_of(LAPTOP)} was not seen sending", run.out)

    def test_a_saved_baseline(self):
        """Holds devices too; one that was made by address knows none of them."""
        weeks = self.write("weeks.pcap", capture(days(3)))
        night = self.write("night.pcap", capture(leases(3), theft(3)))
        for name, words in (("device", DEVICE), ("address", ())):
            self.replay(*INSIDE, *words, "--save-baseline", self.path(name), weeks)
        given = self.replay(*INSIDE, *DEVICE, "--baseline", self.path("device"), night)
        self.assertIn("volume.destination", {alert["rule"]["id"] for alert in given.alerts()})
        other = self.replay(*INSIDE, *DEVICE, "--baseline", self.path("address"), night)
        self.assertEqual(other.alerts(), [])

    def test_real_captures(self):
        if not os.path.exists(os.path.join(weirtest.SHARED, "INDEX.tsv")):
            self.skipTest(f"no captures at {weirtest.SHARED}")
        for name, bindings in REAL.items():
            run = self.replay(*DEVICE, os.path.join(weirtest.SHARED, name))
            self.assertEqual(run.summary()["identity"]["bindings"], bindings, name)
            self.assertEqual(run.summary()["coverage"]["bounds"]["bindings_malformed"], 0, name)

    def test_the_key(self):
        self.assertIn("identity: address\n", weirtest.weir("check").out)
        self.assertIn("identity: device\n", weirtest.weir("check", *DEVICE).out)
        self.assert_fails(2, ("check", "--set", "networks.identity=mac"), "networks.identity",
                          "expected address or device")


if __name__ == "__main__":
    weirtest.main()
