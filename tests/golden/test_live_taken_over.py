#!/usr/bin/env python3
"""A capture process whose parser was taken over (builds with WEIR_FAULTS: the first one of worker 0 does
what WEIR_FAULT names): the kernel ends it at the first forbidden call, nonsense in the memory it shares
is refused, a process that does not move is ended; each time another takes its place, the engine never
falls, and what was not seen is said."""

import os

import weirtest
from livetest import SERVER, Sensor, Space, address, read, require, until, wire


class TakenOver(weirtest.Case):
    def setUp(self):
        super().setUp()
        require(self, "ethtool", "curl")
        with open(weirtest.binary(), "rb") as file:
            if b"WEIR_FAULT" not in file.read():
                self.skipTest("built without WEIR_FAULTS")
        self.client, self.server = Space(self, "client"), Space(self, "server")
        wire(self.client, "c0", self.server, "s0")
        address(self.client, "c0", "10.1.0.1", SERVER)
        address(self.server, "s0", SERVER, "10.1.0.1")
        self.server.part("web", "80")

    def check(self, fault, death, workers=2):
        sensor = Sensor(self, self.server, "-i", "s0", "--flows", "--inside", "10.0.0.0/8",
                        workers=workers, env={"WEIR_FAULT": fault})
        stream = self.client.part("stream", "10.1.0.1", SERVER, "80", 400_000, 12)

        def replaced():
            status = sensor.is_up(workers)
            return status and status["capture"][0]["restarts"] >= 1 and status
        status = until("a successor", replaced, 30)
        self.assertEqual(status["capture"][0]["restarts"], 1, read(sensor.log))
        self.assertIn(death, status["capture"][0]["last_death"])
        self.assertEqual([one["restarts"] for one in status["capture"][1:]], [0] * (workers - 1))
        self.assertEqual(status["engine"]["restarts"], 0, read(sensor.log))
        self.assertEqual(stream.wait(60), 0)
        sensor.stop()
        told = [alert["weir"]["reasons"][0]["text"] for alert in sensor.alerts("sensor.blind")
                if alert["weir"]["reasons"][0]["code"] == "sensor.blind.absent"]
        self.assertTrue(told and "capture worker 0" in told[0] and death in told[0], told)
        sent = 12 * 400_000
        self.assertLessEqual(sum(flow["orig"]["payload_bytes"] for flow in sensor.flows()
                                 if flow["resp"]["ip"] == SERVER), sent * 1.05)
        return sensor

    def test_forbidden_calls(self):
        for fault in ("open", "socket", "execve", "fork"):
            with self.subTest(fault=fault):
                self.check(fault, "signal 31")

    def test_scribbling_over_all_it_may_write(self):
        sensor = self.check("scribble", "signal 9")
        self.assertIn("wrote nonsense", read(sensor.log))

    def test_hanging(self):
        sensor = self.check("hang", "signal 9", workers=1)
        self.assertIn("has not moved for 5 s", read(sensor.log))
        folder = os.path.join(sensor.state, "crash")
        self.assertTrue(all(name.endswith(".pcap") for name in os.listdir(folder)))

    def test_slow_to_start(self):
        """Who has been told to begin and does not see yet is not said to run: from "running" on, all is seen."""
        sensor = Sensor(self, self.server, "-i", "s0", "--flows", "--inside", "10.0.0.0/8",
                        env={"WEIR_FAULT": "late"})
        self.client.run("curl", "-sf", "-o", "/dev/null", f"http://{SERVER}/40000")
        sensor.stop()
        flows = [flow for flow in sensor.flows() if flow["resp"]["port"] == 80]
        self.assertEqual([(flow["resp"]["missing_bytes"], flow["resp"]["payload_bytes"] > 40000)
                          for flow in flows], [(0, True)])


if __name__ == "__main__":
    weirtest.main()
