"""The console's pages in a browser, of a running sensor: an alert from the wire stands there without reloading, names
that were planted on the wire do not run, and what people said of it is still there after a restart."""
import os
import subprocess

import weirtest
from livetest import CLIENT, SERVER, Sensor, Space, address, read, require, wire
from test_console_pages import BROWSER, PARTS, install
from test_live_console import ZONES

PWN = "<img src=x onerror=window.pwned=1>"


class Live(weirtest.Case):
    def setUp(self):
        super().setUp()
        require(self, "ethtool", "curl")
        self.modules, why = install()
        if why:
            self.skipTest(why)
        self.client, self.server = Space(self, "client"), Space(self, "server")
        wire(self.client, "c0", self.server, "s0")
        address(self.client, "c0", CLIENT, SERVER)
        address(self.server, "s0", SERVER, CLIENT)
        self.server.part("web", "80")
        os.chmod(self.home, 0o755)
        for name, text in (("weir.yaml", ZONES), ("conduits.yaml", "[]\n")):
            os.chmod(self.write(name, text), 0o644)

    def begin(self):
        self.sensor = Sensor(self, self.server, "-c", self.path("weir.yaml"), "-i", "s0", "--set", "console.enabled=true",
                             folder=self.path("sensor"))
        return read(self.sensor.log).rpartition("/#/login?token=")[2].split()[0]

    def act(self, what):
        if what == "restart":
            self.sensor.stop()
            return self.begin()
        self.client.run("curl", "-sf", "-o", "/dev/null", "-A", PWN, "-H", f"Host: {PWN}.example.net", "-F",
                        f"file=@/etc/hostname;filename=\"{PWN.replace('/', '')}\"", f"http://{SERVER}/1000")
        return "done"

    def test_it(self):
        environment = dict(os.environ, NODE_PATH=self.modules, WEIR_TOKEN=self.begin())
        drive = self.server.start("node", os.path.join(PARTS, "pages.mjs"), BROWSER, "http://127.0.0.1:8477", "live",
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=None, env=environment)
        self.addCleanup(drive.stdout.close)
        last = ""
        for line in drive.stdout:
            last = line.decode().strip()
            if last.startswith("do "):
                drive.stdin.write(self.act(last[3:]).encode() + b"\n")
                drive.stdin.flush()
        drive.stdin.close()
        self.assertEqual(drive.wait(60), 0, last)
        self.assertTrue(last.startswith("ok live"), last)
        self.sensor.stop()


if __name__ == "__main__":
    weirtest.main()
