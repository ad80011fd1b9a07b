#!/usr/bin/env python3
"""The whole program on the wire, in network namespaces: a watched run of real traffic is a replay of
what tcpdump saw."""

import os
import subprocess
import sys

import livetest
import weirtest
from livetest import CLIENT, CLIENT6, SERVER, SERVER6, Sensor, Space, Tcpdump, address, require, wire
from weirtest import Case

CAPTURES = ("08_benign/zeek__Traces_wikipedia", "08_benign/pcpp__example", # what is sent again
            "10_encap/zeek__Traces_vlan-qinqinq", "10_encap/arkime__gre-erspan-vxlan",
            "10_encap/arkime__ipv6-in-ipv4", "14_tls_quic_names/ipfixp__vlan",
            "14_tls_quic_names/ipfixp__mixed", "14_tls_quic_names/sv__quic-frag_input")


class Tap(Case):
    """client ── tap box ── server; a tap interface for each direction."""

    def setUp(self):
        super().setUp()
        require(self, "ethtool", "tcpdump", "curl", "iperf3")
        os.chmod(self.home, 0o755) # a sensor's own user must get to its folder
        self.client, self.box = Space(self, "client"), Space(self, "box")
        self.server, self.tap = Space(self, "server"), Space(self, "tap")
        wire(self.client, "c0", self.box, "b0", )
        wire(self.server, "s0", self.box, "b1")
        wire(self.box, "t0", self.tap, "up0", arp=False)
        wire(self.box, "t1", self.tap, "down0", arp=False)
        address(self.client, "c0", CLIENT, SERVER)
        address(self.server, "s0", SERVER, CLIENT)
        address(self.client, "c0", CLIENT6, SERVER6)
        address(self.server, "s0", SERVER6, CLIENT6)
        self.box.part("tap", "b0", "b1", "t0", "t1")

    def talk(self):
        """Something of everything that goes through a company's uplink."""
        self.server.part("web", "80")
        self.server.part("dns", SERVER)
        self.server.start("iperf3", "-s", "-B", SERVER)
        self.client.run("curl", "-sf", "-o", "/dev/null", f"http://{SERVER}/400000",
                        f"http://{SERVER}/12")
        self.client.run("curl", "-sf", "-o", "/dev/null", f"http://[{SERVER6}]/300000")
        self.write("body", b"weir" * 100_000)
        for n in range(5):
            self.client.run("curl", "-sf", "-T", self.path("body"), "-X", "POST",
                            f"http://{SERVER}/up{n}")
        self.client.run(sys.executable, livetest.PARTS, "ask", SERVER, "20")
        for words in (("-n", "4M"), ("-n", "3M", "-R"), ("-u", "-b", "4M", "-t", "1", "-l", "1200")):
            livetest.until("iperf3", lambda w=words: self.iperf(*w), every=0.3)
        self.ssh()
        self.replayed()

    def iperf(self, *words):
        """A server that is not up yet, or still busy with the last client, is asked again."""
        return self.client.start("iperf3", "-c", SERVER, *words).wait() == 0

    def ssh(self):
        """A shell's bytes, both ways; left out where there is no ssh."""
        if not all(map(weirtest.shutil.which, ("ssh", "sshd", "ssh-keygen"))):
            return
        key, host, config = self.path("key"), self.path("host"), self.path("sshd_config")
        for path in (key, host):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
        self.write("sshd_config", f"ListenAddress {SERVER}\nHostKey {host}\nStrictModes no\nUsePAM no\n"
                   f"AuthorizedKeysFile {key}.pub\nPermitRootLogin yes\nPidFile none\n")
        os.makedirs("/run/sshd", exist_ok=True) # sshd's own, which its package's service would make
        self.server.start(weirtest.shutil.which("sshd"), "-D", "-f", config)
        words = ("ssh", "-i", key, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                 "-o", "BatchMode=yes", f"root@{SERVER}", "head -c 200000 /dev/zero")
        livetest.until("sshd", lambda: self.client.start(*words).wait() == 0, every=0.3)

    def replayed(self):
        """A few captures of others' networks, as fast as a quiet link."""
        if not weirtest.shutil.which("tcpreplay"):
            return
        for name in CAPTURES:
            path = os.path.join(weirtest.SHARED, name + ".pcap")
            if os.path.exists(path): # it leaves out frames that are larger than the wire, and says so
                self.client.start("tcpreplay", "-q", "-i", "c0", "--pps", "1000", "--limit", "1000",
                                  path).wait()

    def judged(self, dump):
        run = self.replay("--flows", "--inside", "10.0.0.0/8", dump)
        return run.flows()

    def test_a_run_is_a_replay_of_what_tcpdump_saw(self):
        """One conversation, four sensors: one and two capture processes, beside the server and at the
        taps; one of them as another user."""
        words = ("--flows", "--inside", "10.0.0.0/8")
        taps = ("-i", "up0", "-i", "down0")
        dump = Tcpdump(self, self.server, "s0")
        sensors = {"one": Sensor(self, self.server, "-i", "s0", *words),
                   "two": Sensor(self, self.server, "-i", "s0", *words, workers=2),
                   "taps": Sensor(self, self.tap, *taps, *words),
                   "two at taps": Sensor(self, self.tap, *taps, *words, "--set", "sensor.user=nobody",
                                         workers=2)}
        self.talk()
        statuses = {name: self.settled(sensor) for name, sensor in sensors.items()}
        for sensor in sensors.values():
            sensor.stop()
        want = self.judged(dump.stop())
        self.assertGreater(len(want), 30)
        for name, sensor in sensors.items():
            with self.subTest(name):
                self.assertEqual(livetest.differences(sensor.flows(), want), "")
                for one in statuses[name]["capture"]:
                    self.assertEqual((one["kernel_drops"], one["restarts"]), (0, 0), one)

    def settled(self, sensor):
        """Its status once no packet has come for a second."""
        def quiet():
            status = sensor.status()
            return status and all(one["packets_per_s"] == 0 for one in status["capture"]) and status
        return livetest.until("quiet", quiet, every=1)


if __name__ == "__main__":
    weirtest.main()
