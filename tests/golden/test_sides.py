"""Who opened, which side is ours, and for whom a proxy asks.

Captures made here: connections met in the middle (TLS, HTTP, SSH, SMTP, DNS) whose ports deceive, so
that only what is said tells the server from the client; sides that turn after bytes were told; frames
to group addresses, some of which try to hide what leaves; inside networks of one VLAN only; PROXY
headers, X-Forwarded-For, Forwarded and CONNECT. Every figure expected is counted by the test itself,
and is the same whoever reads.
"""

import struct
import unittest

import weirtest
from weirtest import ACK, NS, PSH, conversation, ethernet, ip_packet, pcap, tcp, udp, weir

START = 1_770_000_000 * NS
SERVER = ("10.9.9.9", 50000)  # ours, on a port that says nothing
CLIENT = ("198.51.100.7", 443)  # not ours, behind a port that says "server"
BALANCER = ("203.0.113.50", 41000)


# --- what is said --------------------------------------------------------------------------------


def record(kind, body):
    return struct.pack("!BHH", kind, 0x0303, len(body)) + body


def handshake(kind, body):
    return record(22, struct.pack("!I", kind << 24 | len(body)) + body)


def client_hello(name):
    entry = b"\0" + struct.pack("!H", len(name)) + name
    names = struct.pack("!H", len(entry)) + entry
    extension = struct.pack("!HH", 0, len(names)) + names
    body = b"\3\3" + bytes(32) + b"\0" + struct.pack("!HH", 2, 0x1301) + b"\1\0"
    return handshake(1, body + struct.pack("!H", len(extension)) + extension)


def server_hello():
    return handshake(2, b"\3\3" + bytes(32) + b"\0" + b"\x13\x01\0" + b"\0\0")


def ssh_packet(message, size=40):
    padding = 4 + (-(size + 2 + 4 + 4)) % 8
    body = bytes([padding, message]) + bytes(size) + bytes(padding)
    return struct.pack("!I", len(body)) + body


def dns(response, name=b"\3www\7example\2jp\0", number=7):
    head = struct.pack("!HHHHHH", number, 0x8180 if response else 0x0100, 1, response, 0, 0)
    answer = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1" if response else b""
    return head + name + b"\0\1\0\1" + answer


def exactly(value):
    return {"value": value, "low": value, "high": value}


def proxy_v1(ip, port, to="10.9.9.9"):
    return b"PROXY TCP4 %s %s %d 50000\r\n" % (ip.encode(), to.encode(), port)


def proxy_v2(ip, port, tail=b""):
    address = bytes(map(int, ip.split("."))) + bytes([10, 9, 9, 9]) + struct.pack("!HH", port, 443)
    return (b"\r\n\r\n\0\r\nQUIT\n" + bytes([0x21, 0x11]) +
            struct.pack("!H", len(address) + len(tail)) + address + tail)


def talk(turns, client=CLIENT, server=SERVER, start=START, seq=(7000, 9000)):
    """Frames of a connection met in its middle: (side, data), 0 for the client."""
    ends, seq, packets = (client, server), list(seq), []
    for side, data in turns:
        for at in range(0, len(data), 1400):
            part = data[at:at + 1400]
            packets.append((start + len(packets) * 1_000_000,
                            tcp(*ends[side], *ends[1 - side], seq[side], seq[1 - side],
                                PSH | ACK, part)))
            seq[side] += len(part)
    return packets


def tagged(frame, vlan):
    return frame[:12] + struct.pack("!HH", 0x8100, vlan) + frame[12:]


def to_group(frame, address="ffffffffffff"):
    return bytes.fromhex(address) + frame[6:]


class Sides(weirtest.Case):
    def capture(self, packets, name="x.pcap"):
        return self.write(name, pcap(sorted(packets, key=lambda one: one[0])))

    def flows_of(self, packets, *words):
        path = self.capture(packets)
        runs = [self.replay("--flows", "--workers", str(n), *words, path) for n in (0, 2)]
        for name in ("flows.ndjson", "alerts.ndjson"):
            for run in runs[1:]:
                self.assertEqual(run.bytes(name), runs[0].bytes(name), name)
        self.run_ = runs[0]
        return runs[0].flows()

    def one_flow(self, packets, *words):
        flows = self.flows_of(packets, *words)
        self.assertEqual(len(flows), 1, flows)
        return flows[0]


class Opened(Sides):
    """Met in the middle, the server's bytes first."""

    def assert_served(self, turns, by="service"):
        flow = self.one_flow(talk(turns))
        sent = [sum(len(data) for side, data in turns if side == which) for which in (0, 1)]
        self.assertEqual((flow["orig"]["ip"], flow["resp"]["ip"]), (CLIENT[0], SERVER[0]), flow)
        self.assertEqual(flow["orig_by"], by)
        self.assertEqual(flow["scope"], "in")
        self.assertEqual(flow["orig"]["payload_bytes"], sent[0])
        self.assertEqual(flow["resp"]["payload_bytes"], sent[1])
        return flow

    def test_tls(self):
        hello = client_hello(b"www.example.jp")
        for first in ([(0, hello), (1, server_hello())], [(1, server_hello())]):
            flow = self.assert_served(first + [(1, record(23, bytes(5000)))])
            self.assertEqual(flow["service"], "tls")

    def test_http(self):
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n" + bytes(9000)
        self.assert_served([(1, answer)])
        flow = self.assert_served([(1, bytes(3000)), (0, b"GET /list HTTP/1.1\r\nHost: a.example\r\n\r\n"),
                                   (1, answer)])
        self.assertEqual(flow["server_name"], "a.example")

    def test_ssh(self):
        banner = b"SSH-2.0-Some\r\n"
        exchange = [(1, banner), (0, banner), (1, ssh_packet(20, 200)), (0, ssh_packet(20, 200)),
                    (0, ssh_packet(30))]
        flow = self.assert_served(exchange + [(1, ssh_packet(31, 300))])
        self.assertEqual(flow["service"], "ssh")
        flow = self.one_flow(talk(exchange[:4]))  # what both say tells nothing
        self.assertEqual(flow["orig_by"], "port")
        self.assertEqual(flow["orig"]["ip"], SERVER[0])

    def test_smtp(self):
        flow = self.assert_served([(1, b"220 mail.example.jp ESMTP ready\r\n"),
                                   (0, b"EHLO there.example\r\n"), (1, b"250 mail.example.jp\r\n")])
        self.assertEqual(flow["service"], "smtp")
        self.assert_served([(1, b"250 2.1.0 Ok\r\n"), (0, b"RCPT TO:<a@example.jp>\r\n")])

    def test_dns(self):
        ends = ("192.0.2.1", 53), ("10.1.1.1", 53)
        packets = [(START, udp(*ends[0], *ends[1], dns(True)))]
        flow = self.one_flow(packets)
        self.assertEqual((flow["orig"]["ip"], flow["orig_by"]), ("10.1.1.1", "service"))
        multicast = udp("10.1.1.1", 5353, "224.0.0.251", 5353, dns(True))
        flow = self.one_flow([(START, multicast)])
        self.assertEqual((flow["orig"]["ip"], flow["orig_by"], flow["scope"]),
                         ("10.1.1.1", "order", "multicast"))

    def test_a_syn_stands_above(self):
        """Whoever connects and then plays the server has opened all the same."""
        flow = self.one_flow(conversation(START, ("10.1.1.1", 40000), ("198.51.100.9", 50001),
                                          b"HTTP/1.1 200 OK\r\n\r\n" + bytes(9000),
                                          b"GET / HTTP/1.1\r\n\r\n"))
        self.assertEqual((flow["orig"]["ip"], flow["orig_by"], flow["scope"]),
                         ("10.1.1.1", "syn", "out"))

    def test_ports_and_order(self):
        words = [(0, bytes(100)), (1, bytes(100))]
        flow = self.one_flow(talk(words, ("10.1.1.1", 40000), ("198.51.100.9", 993)))
        self.assertEqual((flow["orig"]["ip"], flow["orig_by"]), ("10.1.1.1", "port"))
        flow = self.one_flow(talk(words, ("10.1.1.1", 40000), ("198.51.100.9", 50001)))
        self.assertEqual((flow["orig"]["ip"], flow["orig_by"]), ("10.1.1.1", "order"))

    def test_turned_after_it_was_told(self):
        """3 MiB were told as the wrong side's when the next request shows who is who: every byte is
        counted once, and the flow is one flow."""
        body = bytes(3 << 20)
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2097152\r\n\r\n" + bytes(2 << 20)
        request = b"GET /more HTTP/1.1\r\nHost: tool.example\r\n\r\n"
        flow = self.assert_served([(1, b"?"), (0, b"!"), (1, body), (0, request), (1, answer)])
        self.assertEqual(flow["server_name"], "tool.example")
        summary = self.run_.summary()
        sent = 1 + len(body) + len(answer)
        out = summary["coverage"]["out_bytes"]
        self.assertEqual((out["value"], out["high"]), (sent, sent))
        scopes = summary["scopes"]
        self.assertEqual(sum(one["payload_bytes"]["value"] for one in scopes.values()),
                         sent + 1 + len(request))
        self.assertEqual(sum(one["flows"] for one in scopes.values()), 1)
        self.assertGreater(scopes["in"]["payload_bytes"]["value"], len(answer))
        first = summary["look_here_first"][0]
        self.assertEqual((first["host"], first["out_bytes"]["value"]), (SERVER[0], sent))


class Halves(Sides):
    """Two sensors see one direction each of the same connections."""

    def test_each_half_knows_who_opened_and_bytes_are_in_one(self):
        body = bytes(50_000)
        hello = client_hello(b"www.example.jp")
        whole = [packet for packets in (
            conversation(START, ("10.1.1.1", 40000), ("198.51.100.9", 50001), body, b"ok" * 500),
            conversation(START + NS, ("198.51.100.9", 50002), ("10.1.1.2", 50003), b"?" * 500, body),
            talk([(0, hello), (1, server_hello()), (0, body)], ("10.1.1.3", 40000), ("198.51.100.9", 443)),
            [(START + n, udp("10.1.1.4", 40000, "198.51.100.9", 443, bytes(900))) for n in range(50)],
            [(START + n, udp("198.51.100.9", 443, "10.1.1.4", 40000, bytes(90))) for n in range(50)])
                 for packet in packets]
        seen = []
        for part in (whole, [p for p in whole if p[1][26] == 10], [p for p in whole if p[1][26] != 10]):
            flows = {flow["community_id"]: flow for flow in self.flows_of(part)}
            seen.append((flows, self.run_.summary()["coverage"]["out_bytes"]["value"]))
        (all_of, out), (going, out_going), (coming, out_coming) = seen
        self.assertEqual([set(going), set(coming)], [set(all_of)] * 2)
        for name, flow in all_of.items():
            for half in (going[name], coming[name]):
                self.assertEqual((half["orig"]["ip"], half["initiator"]), (flow["orig"]["ip"], flow["initiator"]))
        self.assertEqual((out_going, out_coming), (out, 0))


class Scopes(Sides):
    def test_broadcast_and_multicast_apart(self):
        packets = [(START + 1, udp("10.1.1.1", 5000, "255.255.255.255", 5001, bytes(10))),
                   (START + 2, to_group(udp("10.1.1.1", 5000, "239.1.2.3", 5001, bytes(20)),
                                        "01005e010203")),
                   (START + 3, udp("fe80::1", 5353, "ff02::fb", 5353, bytes(30)))]
        flows = self.flows_of(packets)
        self.assertEqual({flow["resp"]["ip"]: flow["scope"] for flow in flows},
                         {"255.255.255.255": "broadcast", "239.1.2.3": "multicast",
                          "ff02::fb": "multicast"})
        scopes = self.run_.summary()["scopes"]
        self.assertEqual(scopes["broadcast"], {"flows": 1, "payload_bytes": exactly(10)})
        self.assertEqual(scopes["multicast"], {"flows": 2, "payload_bytes": exactly(50)})

    def test_a_subnets_broadcast_is_known_by_its_frame(self):
        question = udp("10.1.1.1", 5000, "10.1.1.255", 5001, bytes(100))
        self.assertEqual(self.one_flow([(START, to_group(question))])["scope"], "broadcast")
        self.assertEqual(self.one_flow([(START, question)])["scope"], "internal")

    def test_a_group_frame_hides_nothing(self):
        """To an outside address, or with an answer, the frame's address changes nothing."""
        theft = [(at, to_group(frame)) for at, frame in
                 conversation(START, ("10.1.1.1", 40000), ("198.51.100.9", 443), bytes(70000))]
        one_way = [(START + NS, to_group(udp("10.1.1.1", 5000, "203.0.113.9", 5001, bytes(900))))]
        flows = self.flows_of(theft + one_way)
        self.assertEqual([flow["scope"] for flow in flows], ["out", "out"])
        self.assertEqual(self.run_.summary()["coverage"]["out_bytes"]["value"], 70900)

    def test_inside_by_vlan(self):
        """The same addresses in two VLANs, ours in one of them; and public ones that are ours there."""
        packets = []
        for vlan in (20, 30):  # not at the same time: the second would be a mirror's copy
            packets += [(at, tagged(frame, vlan)) for at, frame in
                        conversation(START + vlan * NS, ("10.1.1.1", 40000), ("192.0.2.9", 443),
                                     bytes(5000))]
        config = self.write("weir.yaml", "networks:\n  inside:\n    - {vlan: 20}\n"
                            "    - {nets: [192.0.2.0/24], vlan: 30}\n")
        flows = self.flows_of(packets, "-c", config)
        self.assertEqual({flow["vlan"]: flow["scope"] for flow in flows}, {20: "out", 30: "in"})
        self.assertEqual(len(self.run_.summary()["inside_in_places"]), 2)

    def test_check_shows_places_and_refuses_nonsense(self):
        config = self.write("weir.yaml", "networks:\n  inside:\n    - 10.0.0.0/8\n"
                            "    - {nets: [192.0.2.0/24], interface: span1}\n"
                            "capture:\n  interfaces: [span0, {name: span1, vantage: dmz}]\n")
        run = weir("check", "-c", config)
        self.assertEqual(run.status, 0, run)
        self.assertIn('{nets: ["192.0.2.0/24"], interface: "span1"}', run.out)
        again = weir("check", "-c", self.write("again.yaml", run.out))
        self.assertEqual(again.out, run.out)
        for text, *parts in (
                ("- {vlan: 5000}", ":3:14:", "from 0 (untagged) to 4094"),
                ("- {nets: [10.0.0.0/8]}", ":3:7:", "vlan: or interface:"),
                ("- {vlan: 20, port: 5}", ":3:18:", 'unknown key "port"'),
                ("- {vlan: 20, nets: 10.0.0.0/8}", "nets: a list of prefixes"),
                ("- {interface: span9}", ":3:7:", '"span9"', "one of capture.interfaces")):
            bad = self.write("bad.yaml", f"networks:\n  inside:\n    {text}\n")
            self.assert_fails(2, ["check", "-c", bad], "bad.yaml", *parts)


class Clients(Sides):
    """For whom a proxy asks: told, and never believed."""

    def served(self, up, down=b"", client=BALANCER):
        return self.one_flow(conversation(START, client, SERVER, up, down))

    def test_proxy_protocol(self):
        request = b"GET / HTTP/1.1\r\nHost: tool.example\r\n\r\n"
        hello = client_hello(b"tool.example.jp")
        claim = {"ip": "198.51.100.77", "port": 5555, "by": "proxy-protocol"}
        for head in (proxy_v1("198.51.100.77", 5555), proxy_v2("198.51.100.77", 5555),
                     proxy_v2("198.51.100.77", 5555, b"\x20" + bytes(3000))):
            flow = self.served(head + request)
            self.assertEqual((flow.get("client"), flow.get("service"), flow.get("server_name")),
                             (claim, "http", "tool.example"), head[:40])
            self.assertEqual((flow["orig"]["ip"], flow["scope"]), (BALANCER[0], "in"))
            flow = self.served(head + hello)
            self.assertEqual((flow.get("client"), flow.get("service"), flow.get("server_name")),
                             (claim, "tls", "tool.example.jp"))

    def test_no_claim(self):
        for head in (b"PROXY UNKNOWN\r\n", proxy_v2("1.2.3.4", 5).replace(b"\x21\x11", b"\x20\x00", 1),
                     b"PROXY TCP4 nonsense\r\n"):
            self.assertNotIn("client", self.served(head + b"GET / HTTP/1.1\r\n\r\n"))
        # Not at the beginning, and not from the server.
        late = b"hello there, this is something else\r\n" + proxy_v1("1.2.3.4", 5)
        self.assertNotIn("client", self.served(late, proxy_v1("1.2.3.4", 5)))

    def test_forwarded(self):
        rows = (("X-Forwarded-For: 198.51.100.77, 203.0.113.1", "198.51.100.77", None,
                 "x-forwarded-for"),
                ("x-forwarded-for:[2001:db8::7]:4711", "2001:db8::7", 4711, "x-forwarded-for"),
                ('Forwarded: by=10.0.0.1;For="[2001:db8:cafe::17]:4711", for=198.51.100.1',
                 "2001:db8:cafe::17", 4711, "forwarded"),
                ("Forwarded: for=192.0.2.43", "192.0.2.43", None, "forwarded"))
        for field, ip, port, by in rows:
            flow = self.served(f"GET / HTTP/1.1\r\nHost: a.example\r\n{field}\r\n\r\n".encode())
            want = {"ip": ip, "by": by} | ({"port": port} if port else {})
            self.assertEqual(flow.get("client"), want, field)
        for field in ("X-Forwarded-For: unknown", "Forwarded: for=_hidden", "Forwarded: proto=http"):
            flow = self.served(f"GET / HTTP/1.1\r\nHost: a.example\r\n{field}\r\n\r\n".encode())
            self.assertNotIn("client", flow, field)

    def test_the_first_counts(self):
        requests = b"".join(b"GET / HTTP/1.1\r\nHost: a.example\r\nX-Forwarded-For: %s\r\n\r\n" % ip
                            for ip in (b"192.0.2.1", b"192.0.2.1", b"192.0.2.2", b"192.0.2.1"))
        flow = self.served(requests)
        self.assertEqual(flow["client"], {"ip": "192.0.2.1", "by": "x-forwarded-for", "changes": 2})

    def test_connect(self):
        """Through an HTTP proxy: the target is the server's name, and what follows is recognised."""
        ends = ("10.1.1.1", 40000), ("198.51.100.9", 3128)
        up = b"CONNECT files.example.com:443 HTTP/1.1\r\nHost: other.example\r\n\r\n"
        opened = conversation(START, *ends, up)[:5]  # as far as the server's first acknowledgement
        turns = [(1, b"HTTP/1.1 200 Connection established\r\n\r\n"),
                 (0, client_hello(b"inner.example.com")), (1, server_hello()),
                 (0, record(23, bytes(9000)))]
        packets = opened + talk(turns, *ends, START + NS, [1001 + len(up), 5001])
        flow = self.one_flow(packets)
        self.assertEqual(flow["server_name"], "files.example.com")
        self.assertEqual((flow["orig"]["ip"], flow["scope"]), ("10.1.1.1", "out"))
        self.assertIn("ja3", flow)

    def test_alert_names_who_pulled(self):
        """A theft through a load balancer: the alert lists who it says it asked for."""
        people = b"".join(b"user%06d@example.co.jp\n" % n for n in range(20000))
        packets, sent = [], {}
        for number in range(12):
            thief = number == 9
            body = people if thief else people[:2000]
            ip = "198.51.100.200" if thief else f"192.0.2.{number + 1}"
            request = (f"GET /people HTTP/1.1\r\nHost: tool.example\r\nX-Forwarded-For: {ip}\r\n\r\n")
            answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
            sent[ip] = len(answer)
            packets += conversation(START + number * NS, (BALANCER[0], 41000 + number),
                                    ("10.9.9.9", 8080), request.encode(), answer)
        self.flows_of(packets)
        alerts = [alert for alert in self.run_.alerts()
                  if alert["rule"]["id"] == "content.personal"]
        self.assertTrue(alerts, self.run_)
        clients = alerts[-1]["weir"]["clients_claimed"]
        self.assertEqual(len(clients), 8)
        self.assertFalse(alerts[-1]["weir"]["clients_claimed_all"])
        self.assertEqual(clients[0], {"ip": "198.51.100.200", "by": "x-forwarded-for",
                                      "out_bytes": sent["198.51.100.200"], "flows": 1})
        self.assertEqual(alerts[-1]["client"]["ip"], BALANCER[0])  # who opened, as it was seen
        incident = self.run_.summary()["incidents"][0]
        self.assertEqual(incident["clients_claimed"][0]["ip"], "198.51.100.200")


class Exchanges(Sides):
    """What goes to the port of DNS is told once if it is a look-up, and keeps its name for all that follows if not."""

    def exchange(self, asked, answered, *later):
        """Both within a second, and the later ones, from the client, 15 s after."""
        client, server = ("10.1.1.7", 40000), ("198.51.100.53", 53)
        packets = [(START, udp(*client, *server, asked)), (START + NS // 100, udp(*server, *client, answered))]
        packets += [(START + (15 + n) * NS, udp(*client, *server, data)) for n, data in enumerate(later)]
        return self.flows_of(packets + [(START + 600 * NS, udp("10.1.1.8", 9, "198.51.100.9", 9, b"later"))])

    def lengths(self, flows):
        return [(f["orig"]["payload_bytes"], f["resp"]["payload_bytes"], f["orig"]["ip"], f["end_reason"])
                for f in flows if f["resp"]["port"] == 53]

    def test_a_look_up_is_over(self):
        asked, answered = dns(False), dns(True)
        self.assertEqual(self.lengths(self.exchange(asked, answered)),
                         [(len(asked), len(answered), "10.1.1.7", "idle")])

    def test_what_follows_is_one_more_flow_of_who_opened(self):
        asked, answered = dns(False), dns(True)
        flows = self.lengths(self.exchange(asked, answered, asked, asked))
        self.assertEqual(sorted(flows), sorted([(len(asked), len(answered), "10.1.1.7", "idle"),
                                                (2 * len(asked), 0, "10.1.1.7", "idle")]))

    def test_what_is_no_look_up_goes_on(self):
        self.assertEqual(self.lengths(self.exchange(b"\x01hello there", b"\x02hello", bytes(900))),
                         [(12 + 900, 6, "10.1.1.7", "idle")])


if __name__ == "__main__":
    weirtest.main()
