#!/usr/bin/env python3
"""Stages of tests/run --long: a sensor whose processes are killed all the time, and one that works at full
rate for long.

    live_kills.py [--kills 1000] [--engine-kills 50] [--minutes 30]

Kills: SIGKILL of random capture processes, each as soon as it has been healthy for a second (so that the
supervisor's back-off begins anew), and of the engine in between, while clients upload. Then: every
connection that no blindness of its own capture process touched, until it was reported, is told once, with
exactly its bytes (each process in turn is spared for a while, or nothing could be: a connection is
reported 10 s after its end, and what its process had not reported dies with it); of no connection are
more bytes told than it had; every death is told as a blind interval that holds it and
is not longer than it by more than a heartbeat at either end; no alert is told twice.

Rate: iperf3 as fast as it goes, and connections without end beside it; resident memory and descriptors
of each process of the sensor are flat.

By default the release build's program is used (memory under a sanitizer is the sanitizer's)."""

import argparse
import collections
import datetime
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden"))

import weirtest # noqa: E402
from livetest import SERVER, Sensor, Space, address, read, require # noqa: E402
from livetest import until, wire, worker_of # noqa: E402

os.environ.setdefault("WEIR_BINARY", os.path.join(weirtest.SOURCE, "build", "release", "weir"))
CLIENTS = [f"10.1.0.{n}" for n in range(1, 13)]
WORKERS = 4
ENGINE_HEALTHY_S = 7.0 # engine/checkpoint.h: CHECKPOINT_HEALTHY_NS (else its log is suspected), and a start
HEALTHY_S = 1.1 # supervisor.h: HEALTHY_NS, and a little
BEAT_S = 1.0 # a live worker says so often how far it is
SLACK_S = 0.5 # two cores for all of this
REPORT_S = 10 # after its end, a connection is reported (flow/table.c)
SPARED_S = 30 # a capture process is, in turn
given = None


def born(pid):
    """Wall time at which a process was made (10 ms); None: it is gone."""
    words = read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    if len(words) < 20:
        return None
    ticks = int(words[19])
    return time.time() - float(read("/proc/uptime").split()[0]) + ticks / os.sysconf("SC_CLK_TCK")


def seconds_of(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class Stage(weirtest.Case):
    def begin(self, *words):
        require(self, "ethtool", "iperf3")
        self.client, self.server = Space(self, "client"), Space(self, "server")
        wire(self.client, "c0", self.server, "s0")
        for own in CLIENTS:
            address(self.client, "c0", own, SERVER)
            address(self.server, "s0", SERVER, own)
        self.server.part("web", "80")
        self.sensor = Sensor(self, self.server, "-i", "s0", "--inside", "10.0.0.0/8", *words,
                             workers=WORKERS)

    def churn(self, seconds):
        return [self.client.part("churn", own, SERVER, "80", seconds, self.path("log" + own))
                for own in CLIENTS]

    def connections(self):
        """(client, port) → (bytes, begin, end) of each."""
        found = {}
        for own in CLIENTS:
            for line in read(self.path("log" + own)).splitlines():
                port, size, began, ended = line.split()
                found[own, int(port)] = (int(size), float(began), float(ended))
        return found


class Kills(Stage):
    def test_kills(self):
        self.begin("--flows")
        clients = self.churn(100_000)
        self.deaths, self.engine_deaths, self.engine_died = [], 0, 0.0 # deaths: [worker, died, its successor born]
        self.began = time.time()
        while len(self.deaths) < given.kills or self.engine_deaths < given.engine_kills:
            self.one_more()
        took = time.time() - self.began
        until(lambda: f"a successor of each\n{self.sensor.status()}\n{[d for d in self.deaths if not d[2]]}\n"
              f"{read(self.sensor.log)[-3000:]}",
              lambda: self.see(self.sensor.status()) and all(death[2] for death in self.deaths))
        for client in clients:
            client.terminate()
        time.sleep(3)
        self.sensor.stop()
        print(f"{len(self.deaths)} capture processes and {self.engine_deaths} engines killed in {took:.0f} s",
              flush=True)
        self.check_intervals()
        self.check_connections()
        ids = [alert["event"]["id"] for alert in self.sensor.alerts()]
        self.assertEqual(len(ids), len(set(ids)), "alerts that were told twice")

    def see(self, status):
        """Who lives, and since when; a successor ends its predecessor's entry in `deaths`."""
        living = {}
        for number, one in enumerate(status["capture"] if status else []):
            since = born(one["pid"]) if one["pid"] else None
            if since is None or any(death[0] == number and death[3] == one["pid"] and since <= death[1]
                                    for death in self.deaths):
                continue # news from before its death (numbers of processes come again)
            living[number] = (one["pid"], since)
            for death in self.deaths:
                if death[0] == number and death[2] is None:
                    death[2] = living[number][1]
        return living

    def one_more(self):
        status = self.sensor.status()
        spared = (time.time() - self.began) // SPARED_S % WORKERS
        due = self.engine_deaths * given.kills <= len(self.deaths) * given.engine_kills
        calm = time.time() - self.engine_died > ENGINE_HEALTHY_S
        if status and due and calm and self.engine_deaths < given.engine_kills and self.deaths:
            self.engine_died = time.time()
            self.sensor.kill(status["engine"]["pid"])
            self.engine_deaths += 1
            return
        old = [(number, pid) for number, (pid, since) in self.see(status).items()
               if time.time() - since > HEALTHY_S and number != spared]
        if not old or len(self.deaths) >= given.kills:
            time.sleep(0.02)
            return
        number, pid = random.choice(old)
        self.deaths.append([number, time.time(), None, pid])
        self.sensor.kill(pid)

    def blindness(self):
        """worker → its told intervals, in order."""
        told = collections.defaultdict(list)
        for alert in self.sensor.alerts("sensor.blind"):
            words = alert["weir"]["sight"].split()
            if words[0] == "worker" and alert["weir"]["state"] == "open":
                told[int(words[1])].append((seconds_of(alert["event"]["start"]),
                                            seconds_of(alert["event"]["end"])))
        return told

    def check_intervals(self):
        """Deaths in quick succession may be one interval; each is in one, and each end has its cause."""
        told, worst = self.blindness(), [0.0, 0.0]
        for number, died, back, _ in self.deaths:
            holding = [one for one in told[number] if one[0] <= died <= one[1]]
            self.assertEqual(len(holding), 1, self.story(number, died))
            self.assertGreaterEqual(holding[0][1], back - 0.02, (number, died, back))
        for number, intervals in told.items():
            for start, end in intervals:
                mine = [death for death in self.deaths if death[0] == number and start <= death[1] <= end]
                self.assertTrue(mine, (number, start, end))
                worst[0] = max(worst[0], mine[0][1] - start)
                worst[1] = max(worst[1], end - mine[-1][2])
        print(f"{sum(map(len, told.values()))} blind intervals; at most {worst[0]:.2f} s before a death, "
              f"{worst[1]:.2f} s after a successor was made", flush=True)
        self.assertLess(max(worst), BEAT_S + SLACK_S)

    def story(self, number, at):
        """What happened to a worker around a time, in words, for who reads a failure."""
        lines = [(died, f"{died:.3f} killed, successor {pid} made at {back}")
                 for worker, died, back, pid in self.deaths if worker == number]
        for alert in self.sensor.alerts("sensor.blind"):
            start, text = seconds_of(alert["event"]["start"]), alert["weir"]["reasons"][0]["text"]
            if f"worker {number} " in text and alert["weir"]["state"] == "open":
                lines.append((start, f"{start:.3f} to {seconds_of(alert['event']['end']):.3f}: {text}"))
        return "\n" + "\n".join(text for when, text in sorted(lines) if abs(when - at) < 6)

    def check_connections(self):
        told, times = collections.Counter(), collections.Counter()
        for flow in self.sensor.flows():
            way = ("orig", "resp") if flow["orig"]["ip"] in CLIENTS else ("resp", "orig")
            key = (flow[way[0]]["ip"], flow[way[0]]["port"])
            told[key] += flow[way[0]]["payload_bytes"]
            times[key] += 1
        blind, whole, all_bytes = self.blindness(), 0, 0
        for key, (size, began, ended) in self.connections().items():
            self.assertLessEqual(told[key], size, (key, "bytes told twice"))
            all_bytes += size
            if all(end < began - SLACK_S or ended + REPORT_S + SLACK_S < start
                   for start, end in blind[worker_of(key[0], SERVER, WORKERS)]):
                self.assertEqual((told[key], times[key]), (size, 1), (key, size, began, ended))
                whole += 1
        print(f"{len(self.connections())} connections, {whole} that no blindness touched: told exactly; "
              f"{sum(told.values())} of {all_bytes} bytes told", flush=True)
        if given.kills > 100: # long enough
            self.assertGreater(whole, 0)


class Rate(Stage):
    def test_rate(self):
        self.begin()
        seconds = given.minutes * 60
        server = self.server.start("iperf3", "-s", "-B", SERVER)
        self.churn(seconds)
        time.sleep(1)
        load = self.client.start("iperf3", "-c", SERVER, "-t", int(seconds))
        samples, began, packets = [], time.time(), 0
        while time.time() - began < seconds:
            time.sleep(min(5, seconds / 60))
            samples.append(self.sizes())
        status = self.sensor.ready(WORKERS)
        packets = sum(one["packets"] for one in status["capture"])
        drops = sum(one["kernel_drops"] for one in status["capture"])
        load.wait(60)
        self.assertEqual([one["restarts"] for one in status["capture"]], [0] * WORKERS)
        self.assertIsNone(server.poll())
        self.sensor.stop()
        print(f"{packets} packets in {seconds:.0f} s, {drops} more dropped by the kernel")
        self.check_flat(samples)

    def sizes(self):
        """process → (resident KiB of its own, descriptors)."""
        main = self.sensor.process.pid
        found = {}
        for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
            stat = read(f"/proc/{pid}/stat").rpartition(")")[2].split()
            if not stat or (pid != main and int(stat[1]) != main):
                continue
            words = read(f"/proc/{pid}/cmdline").split("\0")
            resident = [line.split()[1] for line in read(f"/proc/{pid}/status").splitlines()
                        if line.startswith("RssAnon")] # rings are of fixed size and fill once
            name = words[2] if words[1:2] == ["--role"] else os.path.basename(words[0].split()[0])
            found[f"{name} {pid}"] = (int(resident[0]), len(os.listdir(f"/proc/{pid}/fd")))
        return found

    def check_flat(self, samples):
        """The last quarter's largest are those of the second quarter (the first one warms up; so does more
        of a short run)."""
        quarter = len(samples) // 4
        for name in samples[-1]:
            early = [one[name] for one in samples[quarter:2 * quarter] if name in one]
            late = [one[name] for one in samples[3 * quarter:]]
            for what, at, grace in (("KiB resident", 0, 4096 if given.minutes >= 10 else 16384),
                                    ("descriptors", 1, 2)):
                before, after = (max(one[at] for one in some) for some in (early, late))
                print(f"{name}: {what} {before}, then {after}", flush=True)
                self.assertLessEqual(after, 1.05 * before + grace, name)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--engine-kills", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=30)
    given, sys.argv[1:] = parser.parse_known_args()
    weirtest.main()
