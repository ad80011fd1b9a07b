"""The console's pages in a browser, of a running sensor: an alert from the wire stands there without reloading, names
that were planted on the wire do not run, and what people said of it is still there after a restart."""
import os
import socket
import subprocess

import weirtest
from livetest import CLIENT, SERVER, Sensor, Space, address, read, require, wire
from test_console_pages import drive_live, install
from test_live_console import ZONES

OUTSIDE = "203.0.113.10"
PWN = '<img/src="x"onerror=pwned=1>' # in a DNS name a space is told by its number
NAME = PWN + ".net"


def dns(answer):
    """A question for NAME, or with its answer: OUTSIDE."""
    name = b"".join(bytes([len(label)]) + label.encode() for label in NAME.split(".")) + b"\0"
    text = b"\x12\x34" + (b"\x81\x80" if answer else b"\x01\x00") + bytes([0, 1, 0, int(answer), 0, 0, 0, 0])
    text += name + b"\0\1\0\1"
    return text + (b"\xc0\x0c\0\1\0\1\0\0\x0e\x10\0\4" + socket.inet_aton(OUTSIDE) if answer else b"")


class Live(weirtest.Case):
    def setUp(self):
        super().setUp()
        require(self, "ethtool", "curl", "openssl")
        self.modules, why = install()
        if why:
            self.skipTest(why)
        self.client, self.server = Space(self, "client"), Space(self, "server")
        wire(self.client, "c0", self.server, "s0")
        address(self.client, "c0", CLIENT, SERVER)
        address(self.server, "s0", SERVER, CLIENT)
        address(self.client, "c0", CLIENT, OUTSIDE)
        self.server.ip("addr", "add", OUTSIDE + "/32", "dev", "s0")
        self.server.part("web", "80")
        self.server.part("web", "443")
        os.chmod(self.home, 0o755)
        for name, text in (("weir.yaml", ZONES), ("conduits.yaml", "[]\n")):
            os.chmod(self.write(name, text), 0o644)

    def begin(self):
        self.sensor = Sensor(self, self.server, "-c", self.path("weir.yaml"), "-i", "s0", "--set", "console.enabled=true",
                             folder=self.path("sensor"))
        return read(self.sensor.log).rpartition("/#/login?token=")[2].split()[0]

    def resolve(self):
        with self.server:
            server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with self.client:
            client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with server, client:
            server.bind((SERVER, 53))
            client.settimeout(30)
            server.settimeout(30)
            client.sendto(dns(False), (SERVER, 53))
            server.sendto(dns(True), server.recvfrom(512)[1])
            client.recv(512)

    def plant(self):
        """In a DNS name, in SNI, and in a Host, a user agent and a file's name; of a place outside, and where an alert is
        told."""
        self.resolve()
        self.client.start("openssl", "s_client", "-connect", f"{OUTSIDE}:443", "-servername", NAME,
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).wait(30)
        for place in (OUTSIDE, SERVER):
            self.client.run("curl", "-sf", "-o", "/dev/null", "-A", PWN, "-H", f"Host: {NAME}", "-F",
                            f"file=@/etc/hostname;filename={PWN.replace(chr(34), '')}", f"http://{place}/1000")

    def act(self, what):
        if what == "restart":
            self.sensor.stop()
            return self.begin()
        self.plant()
        return "done"

    def test_it(self):
        drive_live(self, self.server, self.modules, "live", self.begin(), self.act)
        self.sensor.stop()


if __name__ == "__main__":
    weirtest.main()
