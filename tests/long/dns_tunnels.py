#!/usr/bin/env python3
"""Stage of tests/run --long: tunnels made with the real iodine and dns2tcp, in network namespaces.

Each carries some 20 kB out in question types that resolvers let through. What passed is captured beside
the client and judged by `weir replay`: one story, tunnel.dns, of the client and the tunnel's domain, first
told while the names held no more than 5 kB.

Environment: WEIR_BINARY (else build/dev/weir)."""

import os
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden"))

import weirtest # noqa: E402
from livetest import CLIENT, SERVER, Space, address, require, until, wire # noqa: E402

os.environ.setdefault("WEIR_BINARY", os.path.join(weirtest.SOURCE, "build", "dev", "weir"))
DOMAIN = "t.example.org" # RFC 2606; its registrable domain is example.org
OUT_BYTES = 20_000


class Tunnels(weirtest.Case):
    def setUp(self):
        super().setUp()
        require(self, "ethtool", "tcpdump", "iodine", "iodined", "dns2tcpc", "dns2tcpd")
        self.client, self.server = Space(self, "client"), Space(self, "server")
        wire(self.client, "c0", self.server, "s0")
        address(self.client, "c0", CLIENT, SERVER)
        address(self.server, "s0", SERVER, CLIENT)
        self.capture = self.path("seen.pcap")
        # its own user could not write into this test's folder
        self.tcpdump = self.client.start("tcpdump", "-Z", "root", "-U", "-i", "c0", "-w", self.capture)
        until("tcpdump", lambda: os.path.exists(self.capture) and os.path.getsize(self.capture) >= 24)

    def judged(self):
        time.sleep(1)
        self.tcpdump.terminate()
        self.tcpdump.wait(20)
        run = self.replay(self.capture, "--inside", "10.0.0.0/8")
        alerts = [a for a in run.alerts() if a["rule"]["id"] != "sensor.blind"]
        self.assertEqual({(a["rule"]["id"], a["source"]["ip"], a["destination"]["domain"]) for a in alerts},
                         {("tunnel.dns", CLIENT, "example.org")}, run)
        first = alerts[0]["weir"]["reasons"][0]
        self.assertLessEqual(first["observed"], 5000)
        print(first["text"])

    def iodine(self, kind):
        secret = {**os.environ, "IODINED_PASS": "weir", "IODINE_PASS": "weir"}
        self.server.start("iodined", "-f", "-c", "-d", "dns7", "172.31.7.1/28", DOMAIN, env=secret)
        self.client.start("iodine", "-f", "-r", "-T", kind, "-m", "200", "-d", "dns8", SERVER, DOMAIN,
                          env=secret)

        def is_up():
            with self.client, open("/proc/thread-self/net/fib_trie", encoding="ascii") as routes:
                return "172.31.7." in routes.read()
        until("the tunnel", is_up, 60)
        with self.client, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            for _ in range(OUT_BYTES // 500):
                out.sendto(os.urandom(500), ("172.31.7.1", 9))
                time.sleep(0.1)
        self.judged()

    def test_iodine_null(self):
        self.iodine("NULL")

    def test_iodine_txt(self):
        self.iodine("TXT")

    def test_iodine_cname(self):
        self.iodine("CNAME")

    def test_dns2tcp(self):
        with self.server:
            door = socket.create_server(("127.0.0.1", 7000))
        self.addCleanup(door.close)
        arrived = bytearray()

        def drain():
            peer, _ = door.accept()
            with peer:
                while data := peer.recv(65536):
                    arrived.extend(data)
        threading.Thread(target=drain, daemon=True).start()
        settings = self.write("dns2tcpd", f"listen = {SERVER}\nport = 53\nuser = nobody\nchroot = /tmp\n"
                              f"domain = {DOMAIN}\nresources = drop:127.0.0.1:7000\n")
        self.server.start("dns2tcpd", "-F", "-f", settings)
        time.sleep(1)
        self.client.start("dns2tcpc", "-c", "-z", DOMAIN, "-r", "drop", "-l", "7001", SERVER)

        def connected():
            with self.client:
                try:
                    return socket.create_connection(("127.0.0.1", 7001))
                except OSError:
                    return None
        with until("dns2tcpc", connected, 30) as out:
            out.sendall(os.urandom(OUT_BYTES))
            until("what was sent", lambda: len(arrived) == OUT_BYTES, 120)
        self.judged()


if __name__ == "__main__":
    weirtest.main()
