#!/usr/bin/env python3
"""Zones and conduits.

1. Captures of plants and of an airport's buildings: what `weir zones propose` writes of a capture's first
   half, locked, is silent about its second half; functions that only that asks for are drift.
2. A plant made here, its conduits proposed and locked: the same again is silent, and each of some leaks
   in it is told once, from its first packet, with its zone, level, technique and score. Nothing else is.
3. Drift: what is not in the matrix, and what of it fell silent.
4. Mistakes are told with their place.

Environment: see weirtest.py. Without captures or editcap what needs them is skipped."""

import os
import re
import shutil
import subprocess
from datetime import datetime

import weirtest
from weirtest import NS, SHARED, Case, conversation, ethernet, ip_packet, pcap, udp, weir

START = 1_700_000_000 * NS

# Capture → its zones, by hosts of its first half. (The DNP3 one has another site's packets behind it, the
# Modbus example one packet exchange of somebody's laptop: in no zone.)
BMS = (("control", 10, "192.168.0.13/32"), ("supervision", 20, "192.168.0.0/24"))
CAPTURES = {
    "06_ot_ics/icsnpp-modbus__modbus_example.pcap": (("plant", 10, "127.0.0.0/8"),),
    "06_ot_ics/icsnpp-opcua__open62541_client-server_encrypted.pcap": (("plant", 20, "::1/128"),),
    "06_ot_ics/ndpi__opc-ua.pcap": (("plant", 20, "127.0.0.0/8"),),
    "06_ot_ics/zeek__dnp3_dnp3.pcap": (("control", 10, "10.0.0.3/32"), ("supervision", 20, "10.0.0.0/24")),
    "06_ot_ics/zeek__modbus_modbusSmall.pcap": (("plant", 10, "118.189.96.132/32"),),
    "07_airport_bms/arkime__bacnet-stack-services.pcap": BMS,
    "07_airport_bms/icsnpp-bacnet__bacnet_services.pcap":
        (("control", 10, "192.168.0.24/32"), ("supervision", 20, "192.168.0.0/24")),
}

# What only the second half has: the engineer's machine asked its resolver.
NEW = {"06_ot_ics/zeek__modbus_modbusSmall.pcap": "opened dns port 53 of"}

# The drift of captures that walk through their protocol's functions, or end with a farewell: what only the second half
# asks for, as tshark has it. (DNP3's select is the other site's.) It is told where the lists are locked.
NEW_FUNCTIONS = {
    "06_ot_ics/icsnpp-modbus__modbus_example.pcap": [15, 16, 17, 20, 21, 22, 23, 24, 43],
    "06_ot_ics/ndpi__opc-ua.pcap": [473],
    "06_ot_ics/zeek__dnp3_dnp3.pcap": [14, 18],
    "07_airport_bms/arkime__bacnet-stack-services.pcap": [6, 14, 15, 17],
}

# --- a plant -------------------------------------------------------------------------------------

PLANT = (("control", 10, "10.9.1.0/24"), ("supervision", 20, "10.9.2.0/24"), ("operations", 30, "10.9.3.0/24"))
PLC, MASTER, READER, ENGINEER, OUTSIDE = "10.9.1.1", "10.9.2.1", "10.9.2.2", "10.9.3.5", "203.0.113.9"
READ = bytes.fromhex("00010000000601030000000a")
READ_ANSWER = bytes.fromhex("000100000017010314") + bytes(20)
WRITE = bytes.fromhex("000200000006010600010003")
COIL = bytes.fromhex("00030000000601050001ff00")
DIAGNOSTICS = bytes.fromhex("000400000006010800001234")
HELLO = bytes.fromhex("160301002f0100002b0303") + bytes(32) + bytes.fromhex("000004c02bc02f0100")


def modbus(start, client, server, asks, answers, port=40001, to=502):
    return conversation(start, (client, port), (server, to), asks, answers)


def ordinary(start):
    """Minutes of polling, one master that writes, operations that read a historian by HTTP."""
    frames = []
    for minute in range(3):
        now = start + minute * 60 * NS
        frames += modbus(now, MASTER, PLC, READ * 2 + WRITE, READ_ANSWER * 2 + WRITE, 40001 + minute)
        frames += modbus(now + NS, READER, PLC, READ, READ_ANSWER, 41001 + minute)
        frames += conversation(now + 2 * NS, (ENGINEER, 42001 + minute), (MASTER, 80),
                               b"GET / HTTP/1.1\r\nHost: historian\r\n\r\n",
                               b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    return frames


def question(name):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return bytes.fromhex("0a0b01000001000000000000") + labels + b"\0\0\x10\0\x01"


ASTERIX = bytes.fromhex("300009c0190d356d4d"), bytes.fromhex("22000bf0190d02356d4e08300009c0190d356d4d")
AT = START + 100 * NS
# what → frames; what the one alert says: row, its reason, score, technique, zone, level. Each with an outside
# network of its own, so that it is a story of its own.
NETS = [f"198.51.{100 + n}.9" for n in range(9)]
LEAKS = {
    "modbus": (conversation(AT, (PLC, 45000), (NETS[0], 8080), READ * 3, READ_ANSWER * 3),
               "zone.payload", "zone.payload", 100, "T0882", "control", 1),
    "asterix": ([(AT + n, udp(READER, 45000, NETS[1], 8600, data)) for n, data in enumerate(ASTERIX)],
                "zone.payload", "zone.payload", 100, "T0882", "supervision", 2),
    "https": (conversation(AT, (ENGINEER, 45000), (NETS[2], 443), HELLO, b""),
              "zone.conduit", "zone.conduit", 100, "T0869", "operations", 3),
    "dns": ([(AT, udp(ENGINEER, 45000, NETS[3], 53, question(".".join(["a" * 45] * 4) + ".example.net")))],
            "zone.conduit", "zone.conduit", 100, "T0869", "operations", 3),
    "new master": (modbus(AT, "10.9.2.99", PLC, WRITE, WRITE),
                   "zone.conduit", "zone.conduit.writer", 100, "T0855", "control", 1),
    "a write of who only read": (modbus(AT, READER, PLC, READ + WRITE, READ_ANSWER + WRITE),
                                 "zone.conduit", "zone.conduit.writer", 100, "T0855", "control", 1),
    "the outside opens": (conversation(AT, (NETS[4], 45000), (PLC, 22), b"SSH-2.0-x\r\n", b"SSH-2.0-y\r\n"),
                          "zone.conduit", "zone.conduit", 100, "T0883", "control", 1),
    "another protocol": (conversation(AT, (MASTER, 45000), (PLC, 502), b"SSH-2.0-x\r\n", b"SSH-2.0-y\r\n"),
                         "zone.conduit", "zone.conduit.protocol", 100, "T0886", "control", 1),
    "nobody answers": (conversation(AT, (ENGINEER, 45000), (NETS[5], 4444))[:1],
                       "zone.conduit", "zone.conduit", 60, "T0882", "operations", 3),
}
# ATT&CK for ICS: Command and Control, Impact, Impair Process Control, Initial Access, Lateral Movement.
TACTIC = {"T0869": "TA0101", "T0882": "TA0105", "T0855": "TA0106", "T0883": "TA0108", "T0886": "TA0109"}
# What is told of each: from where to where (an alert's source is the inside host, or who opened).
PAIRS = {(PLC, NETS[0]): "modbus", (READER, NETS[1]): "asterix", (ENGINEER, NETS[2]): "https",
         (ENGINEER, NETS[3]): "dns", ("10.9.2.99", PLC): "new master", (READER, PLC): "a write of who only read",
         (PLC, NETS[4]): "the outside opens", (MASTER, PLC): "another protocol",
         (ENGINEER, NETS[5]): "nobody answers"}


class Zones(Case):
    def config(self, zones, state, conduits=None, name="weir.yaml"):
        """A configuration with these zones; the matrix beside it."""
        rows = ", ".join(f"{{name: {zone}, level: {level / 10:g}, state: {state}, nets: [\"{net}\"]}}"
                         for zone, level, net in zones)
        nets = ", ".join(f'"{net}"' for net in ["10.0.0.0/8", "192.168.0.0/16", *(net for _, _, net in zones)])
        text = f"networks:\n  inside: [{nets}]\n  zones: [{rows}]\n"
        if conduits is not None:
            self.write("conduits.yaml", conduits)
            text += "  conduits: conduits.yaml\n"
        return self.write(name, text)

    def propose(self, zones, capture, functions="observe"):
        run = weir("zones", "propose", "-q", "--workers", "0", "--functions", functions, "-c",
                   self.config(zones, "observe"), capture)
        self.assertEqual((run.status, run.err), (0, ""), run)
        return run.out

    def half(self, capture, second):
        count = subprocess.run(["capinfos", "-c", "-M", "-T", "-r", capture], check=True, stdout=subprocess.PIPE,
                               text=True).stdout.split()[-1]
        first = int(count) // 2
        path = self.path("second" if second else "first")
        subprocess.run(["editcap", "-r", capture, path, f"{first + 1}-{count}" if second else f"1-{first}"],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return path

    def new_functions(self, config, capture):
        """By drift: codes of what is said to be new, whoever asked."""
        run = weir("zones", "drift", "-q", "--workers", "0", "-c", config, capture)
        said = [line.split("a new function: ")[1].split("; ")[0] for line in run.out.splitlines()
                if "a new function: " in line]
        return sorted({int(one.split()[0]) for line in said for one in re.split(r", (?=\d)", line)})

    def test_halves(self):
        if not os.path.isdir(SHARED):
            self.skipTest("no captures here")
        if not shutil.which("editcap"):
            self.skipTest("editcap is not installed")
        for name, zones in CAPTURES.items():
            capture = os.path.join(SHARED, name)
            with self.subTest(capture=name):
                first, second = self.half(capture, False), self.half(capture, True)
                conduits = self.propose(zones, first)
                self.assertIn("sign_off", conduits)
                locked = self.config(zones, "locked", conduits)
                run = self.replay("-c", locked, second)
                said = {alert["weir"]["reasons"][0]["text"] for alert in run.alerts()}
                self.assertEqual({text for text in said if NEW.get(name, "nothing new") not in text}, set())
                self.assertEqual(bool(said), name in NEW)
                self.assertEqual(self.new_functions(locked, second), NEW_FUNCTIONS.get(name, []))
                self.assertEqual("asked for functions that their conduit does not list" in run.out, name in NEW_FUNCTIONS)
                # The same with lists that are locked.
                strict = self.config(zones, "locked", self.propose(zones, first, "locked"))
                codes = {alert["weir"]["reasons"][0]["code"] for alert in self.replay("-c", strict, second).alerts()}
                self.assertEqual("zone.conduit.function" in codes, name in NEW_FUNCTIONS)
                self.assertEqual(self.new_functions(strict, second), NEW_FUNCTIONS.get(name, []))
                # … and is not silent because nobody looked.
                if zones == BMS:
                    run = self.replay("-c", self.config(zones, "locked", "[]"), second)
                    self.assertGreater(len(run.alerts()), 0)

    matrix = {} # of the plant, by the state of its lists of functions: one run of each serves all tests

    def locked_plant(self, functions="observe"):
        path = self.write("ordinary.pcap", pcap(sorted(ordinary(START))))
        if functions not in Zones.matrix:
            Zones.matrix[functions] = self.propose(PLANT, path, functions)
        return self.config(PLANT, "locked", Zones.matrix[functions]), Zones.matrix[functions]

    def test_proposal(self):
        _, matrix = self.locked_plant()
        self.assertEqual(matrix.count("- from:"), 2, matrix)
        self.assertIn("- from: supervision\n  to: control\n  protocol: modbus\n  port: 502\n"
                      "  direction: forward\n  access: write\n  writers: [\"10.9.2.1\"]\n"
                      "  functions: [3, 6] # read holding registers, write single register\n"
                      "  functions_state: observe\n"
                      "  seen: {flows: 6, once: false, first: \"2023-11-14T22:13:20.000Z\"", matrix)
        self.assertIn("reads: 9, writes: 3", matrix)
        self.assertIn(", functions: {3: 6, 6: 3}}\n", matrix)
        self.assertIn("- from: operations\n  to: supervision\n  protocol: http\n  port: 80\n", matrix)
        _, strict = self.locked_plant("locked")
        self.assertEqual(strict.replace("functions_state: locked", "functions_state: observe"), matrix)
        self.assertIn("write single register\n  functions_state: locked\n  seen: ", strict)
        self.assert_fails(2, ("zones", "propose", "--functions", "strict"), "expected observe or locked")
        self.assert_fails(2, ("zones", "drift", "--functions", "locked"), "unknown option")

    def test_leaks(self):
        locked, _ = self.locked_plant()
        run = self.replay("-c", locked, self.path("ordinary.pcap"))
        self.assertEqual(run.alerts(), [])
        self.assertIn("Zones: 3 locked, judged by 2 conduits; 0 only observed.", run.out)
        leaks = [frame for leak in LEAKS.values() for frame in leak[0]]
        path = self.write("leaks.pcap", pcap(sorted(ordinary(START) + leaks)))
        run = self.replay("-c", locked, path)
        told = {PAIRS[alert["source"]["ip"], alert["destination"]["ip"]]: alert for alert in run.alerts()}
        self.assertEqual(set(told), set(LEAKS))
        self.assertEqual(len([one for one in run.alerts() if one["weir"]["state"] != "close"]), len(LEAKS))
        for name, (_, rule, code, score, technique, zone, level) in LEAKS.items():
            alert = told[name]
            with self.subTest(leak=name):
                self.assertEqual((alert["rule"]["id"], alert["weir"]["reasons"][0]["code"]), (rule, code))
                self.assertEqual(alert["event"]["severity"], score)
                self.assertEqual(alert["threat"]["technique"]["id"], [technique])
                self.assertEqual(alert["threat"]["tactic"]["id"], [TACTIC[technique]])
                self.assertEqual((alert["weir"]["zone"]["name"], alert["weir"]["zone"]["level"]), (zone, level))
                self.assertEqual(alert["event"]["start"], "2023-11-14T22:15:00.000Z")
                self.assertEqual(alert["weir"]["urgency"], "now" if score >= 85 else "shift")
        again = self.replay("-c", locked, "--workers", "2", path)
        self.assertEqual(run.bytes("alerts.ndjson"), again.bytes("alerts.ndjson"))

    def functions_told(self, config, frames):
        """Of each alert: who, its reason's code and words, its technique."""
        path = self.write("functions.pcap", pcap(sorted(ordinary(START) + frames)))
        return sorted((alert["source"]["ip"], alert["weir"]["reasons"][0]["code"],
                       alert["weir"]["reasons"][0]["text"].split(": ")[-1], alert["threat"]["technique"]["id"][0])
                      for alert in self.opened("-c", config, path))

    def test_a_function_nobody_listed(self):
        """Of hosts that may read and write: a function that was never asked for, where the list is locked. The twin asks
        for what was."""
        locked, matrix = self.locked_plant("locked")
        new = (modbus(AT, MASTER, PLC, READ + WRITE + COIL, READ_ANSWER + WRITE + COIL) +
               modbus(AT + NS, READER, PLC, READ + DIAGNOSTICS, READ_ANSWER + DIAGNOSTICS, 40002))
        twin = (modbus(AT, MASTER, PLC, READ + WRITE * 2, READ_ANSWER + WRITE * 2) +
                modbus(AT + NS, READER, PLC, READ * 2, READ_ANSWER * 2, 40002))
        told = [(MASTER, "zone.conduit.function", "function 5 (write single coil) was never allowed here", "T0855"),
                (READER, "zone.conduit.function", "function 8 (diagnostics) was never allowed here", "T0801")]
        self.assertEqual(self.functions_told(locked, new), told)
        self.assertEqual(self.functions_told(locked, twin), [])
        # A row that lists none is as it ever was.
        any_function = "".join(line for line in matrix.splitlines(True) if not line.startswith("  functions"))
        self.assertEqual(self.functions_told(self.config(PLANT, "locked", any_function), new), [])
        # Only observed, the zone or the list, it is drift.
        _, listed = self.locked_plant()
        for state, conduits in (("observe", matrix), ("locked", listed)):
            observed = self.config(PLANT, state, conduits)
            self.assertEqual(self.functions_told(observed, new), [])
            run = weir("zones", "drift", "-q", "-c", observed, self.path("functions.pcap"))
            self.assertIn("supervision -> control modbus port 502: a new function: 5 (write single coil), 8 (diagnostics); "
                          "8 flows,", run.out)
            run = weir("zones", "propose", "-q", "-c", observed, self.path("functions.pcap"))
            self.assertIn("  functions: [3, 5, 6, 8] #", run.out)

    def test_a_list_that_is_observed_allows_no_more(self):
        """Who writes, and that it is written to, are as ever; the functions of that are named, and raise nothing."""
        locked, matrix = self.locked_plant()
        self.assertEqual(self.told_in_turn(locked, READER, READ + DIAGNOSTICS, READ + COIL, READ + DIAGNOSTICS),
                         [("zone.conduit.writer", "may be written, but this host is no listed writer; function 5 (write "
                           "single coil) was never allowed here")])
        reading = re.sub(r"  writers: .*\n", "", matrix.replace("access: write", "access: read"))
        reading = self.config(PLANT, "locked", reading.replace("functions: [3, 6]", "functions: [3]"))
        self.assertEqual(self.told_in_turn(reading, MASTER, READ + DIAGNOSTICS, READ + WRITE, READ + DIAGNOSTICS),
                         [("zone.conduit.write", "the conduit is for reading, and it wrote; function 6 (write single "
                           "register) was never allowed here")])

    def test_a_row_without_a_list(self):
        """It has nothing to hold functions against: a write is told once, whatever else is asked for."""
        _, matrix = self.locked_plant()
        reading = "".join(line for line in matrix.replace("access: write", "access: read").splitlines(True)
                          if not line.startswith(("  functions", "  writers")))
        self.assertEqual(self.told_in_turn(self.config(PLANT, "locked", reading), MASTER, READ + WRITE,
                                           COIL + WRITE, DIAGNOSTICS + WRITE),
                         [("zone.conduit.write", "the conduit is for reading, and it wrote")])

    def test_each_new_function_is_told(self):
        """… of two hosts, whichever connection asks for it; once."""
        locked, _ = self.locked_plant("locked")
        frames = []
        for at, function in enumerate((8, 43, 8, 17)):
            ask = DIAGNOSTICS.replace(b"\x01\x08", bytes([1, function]), 1)
            frames += modbus(AT + at * 60 * NS, READER, PLC, READ + ask, READ_ANSWER + ask, 40002 + at)
        alerts = self.opened("-c", locked, self.write("each.pcap", pcap(frames)))
        said = [alert["weir"]["reasons"][0]["text"].split(": ")[-1] for alert in alerts]
        self.assertEqual(said, ["function 8 (diagnostics) was never allowed here",
                                "function 43 (encapsulated interface transport) and 1 more were never allowed here",
                                "function 17 (report server id) and 2 more were never allowed here"])

    def test_who_is_asked_fills_no_list(self):
        """A controller that asks its master by 40 functions: what is proposed is what the master asks for, the rest is
        drift, and told where the list is locked."""
        def job(function):
            return bytes.fromhex(f"0300001902f08032010000040000080000{function:02x}000001000101e0")
        opens = [bytes.fromhex(f"0300001611{kind}c1020100c2020102c0010a") for kind in ("e00000000100", "d00001000200")]
        junk = opens[1] + b"".join(job(function) for function in range(0x60, 0x60 + 40))
        def asked(answers):
            return conversation(START, (MASTER, 45000), (PLC, 102), opens[0] + job(0xf0) + job(4), answers)
        path = self.write("junk.pcap", pcap(asked(junk)))
        matrix = self.propose(PLANT, path, "locked")
        self.assertIn("  functions: [0x04, 0xf0] # ", matrix)
        self.assertIn("the side that is opened to asked, too: what only it asks for is not listed", matrix)
        locked = self.config(PLANT, "locked", matrix)
        drift = weir("zones", "drift", "-q", "-c", locked, path)
        self.assertIn(": a new function: 0x60, 0x61,", drift.out)
        self.assertIn("more than the 32 that are kept", drift.out)
        alert, = self.opened("-c", locked, path)
        self.assertIn("function 0x60 and 29 more were never allowed here", alert["weir"]["reasons"][0]["text"])
        quiet = self.write("quiet.pcap", pcap(asked(opens[1])))
        self.assertEqual(self.opened("-c", locked, quiet), [])

    def told_in_turn(self, config, host, *conversations):
        """What is told of connections of one host, one a minute."""
        frames = [frame for at, asks in enumerate(conversations)
                  for frame in modbus(AT + at * 60 * NS, host, PLC, asks, asks, 40002 + at)]
        return [(alert["weir"]["reasons"][0]["code"], alert["weir"]["reasons"][0]["text"].split(": ")[-1])
                for alert in self.opened("-c", config, self.write("turns.pcap", pcap(frames)))]

    def test_a_write_hides_no_function(self):
        """… whichever was first; and a write that is listed is no news beside a function that was told."""
        locked, matrix = self.locked_plant("locked")
        coil, diagnostics = ("function 5 (write single coil) was never allowed here",
                             "function 8 (diagnostics) was never allowed here")
        code = "zone.conduit.function"
        self.assertEqual(self.told_in_turn(locked, MASTER, COIL, DIAGNOSTICS, COIL + DIAGNOSTICS),
                         [(code, coil), (code, diagnostics.replace(" was", " and 1 more were"))])
        self.assertEqual(self.told_in_turn(locked, MASTER, DIAGNOSTICS, DIAGNOSTICS + WRITE, WRITE),
                         [(code, diagnostics)])
        reading = re.sub(r"  writers: .*\n", "", matrix.replace("access: write", "access: read"))
        reading = self.config(PLANT, "locked", reading.replace("functions: [3, 6]", "functions: [3]"))
        wrote = "the conduit is for reading, and it wrote"
        self.assertEqual(self.told_in_turn(reading, MASTER, READ + WRITE, READ + DIAGNOSTICS),
                         [("zone.conduit.write",
                           f"{wrote}; function 6 (write single register) was never allowed here"),
                          (code, diagnostics.replace(" was", " and 1 more were"))])

    def test_a_new_function_in_a_long_connection(self):
        """It is told within 10 s, not when the connection ends."""
        locked, _ = self.locked_plant("locked")
        frames = conversation(AT, (READER, 40002), (PLC, 502), READ * 20 + DIAGNOSTICS + READ * 20, b"", NS, 12)
        asked = next(time for time, frame in frames if DIAGNOSTICS in frame)
        path = self.write("long.pcap", pcap(frames))
        alerts = self.opened("-c", locked, path)
        self.assertEqual({alert["weir"]["reasons"][0]["code"] for alert in alerts}, {"zone.conduit.function"})
        told = datetime.fromisoformat(alerts[0]["@timestamp"].replace("Z", "+00:00")).timestamp()
        self.assertLessEqual(asked / NS, told)
        self.assertLessEqual(told, asked / NS + 11)

    def test_observed_is_silent(self):
        """… but for what never belongs outside, which nobody has to learn."""
        config = self.config(PLANT, "observe")
        leaks = [frame for name in ("https", "new master", "the outside opens", "modbus") for frame in LEAKS[name][0]]
        alerts = self.replay("-c", config, self.write("leaks.pcap", pcap(sorted(leaks)))).alerts()
        self.assertEqual({(alert["rule"]["id"], alert["source"]["ip"]) for alert in alerts},
                         {("zone.payload", PLC)})

    def test_a_sweep_is_bounded(self):
        """A zone tells 200 stories a day; the rest is counted."""
        locked, _ = self.locked_plant()
        frames = [(AT + n * 1000, udp(ENGINEER, 45000, f"198.51.{n // 250}.{n % 250 + 1}", 9, b"x" * 40))
                  for n in range(0, 250 * 250, 200)]
        run = self.replay("-c", locked, self.write("sweep.pcap", pcap(frames)))
        told = [alert for alert in run.alerts() if alert["weir"]["state"] == "open"]
        self.assertEqual(len(told), 200)
        self.assertEqual(run.summary()["coverage"]["bounds"]["zones_withheld"], 250 - 200) # stories: by /24

    def opened(self, *words):
        """What was told first, of each story and row."""
        return [alert for alert in self.replay(*words).alerts() if alert["weir"]["state"] != "close"]

    def test_a_sweep_silences_nothing_graver(self):
        """220 SYNs that nobody answers, then bytes, then Modbus to the outside: each has a budget of its own."""
        locked, _ = self.locked_plant()
        frames = [frame for n in range(220)
                  for frame in conversation(AT + n * 1000, (PLC, 45000), (f"198.51.{n}.9", 4444))[:1]]
        frames += conversation(AT + 2 * NS, (PLC, 45001), ("203.0.113.1", 8080), b"x" * 900, b"y")
        frames += conversation(AT + 3 * NS, (PLC, 45002), ("203.0.114.1", 8080), READ * 3, READ_ANSWER * 3)
        run = self.replay("-c", locked, self.write("sweep.pcap", pcap(frames)))
        told = [(alert["rule"]["id"], alert["event"]["severity"]) for alert in run.alerts()
                if alert["weir"]["state"] == "open"]
        self.assertEqual(told, 200 * [("zone.conduit", 60)] + [("zone.conduit", 100), ("zone.payload", 100)])
        self.assertEqual(run.summary()["coverage"]["bounds"]["zones_withheld"], 20)

    def test_the_next_day_says_how_many(self):
        locked, _ = self.locked_plant()
        frames = [(AT + n * 1000, udp(ENGINEER, 45000, f"198.51.{n}.9", 9, b"x" * 40)) for n in range(220)]
        frames.append((AT + 2 * 86400 * NS, udp(ENGINEER, 45000, "203.0.113.1", 9, b"x" * 40)))
        last = self.opened("-c", locked, self.write("days.pcap", pcap(frames)))[-1]
        self.assertEqual([(reason["code"], reason["observed"]) for reason in last["weir"]["reasons"]][1:],
                         [("zone.rate_limit", 20)])

    def test_short_flows_of_another_protocol(self):
        """Text under a row of Modbus, each flow below what is gathered to recognise: it has ended, and was none."""
        row = "- {from: control, to: outside, protocol: modbus, port: 502}\n"
        locked = self.config(PLANT, "locked", row)
        frames = [frame for n in range(60)
                  for frame in conversation(AT + n * NS, (PLC, 45000 + n), (OUTSIDE, 502), b"secret " * 128, b"")]
        path = self.write("text.pcap", pcap(frames))
        told = self.opened("-c", locked, path)
        self.assertEqual((told[0]["weir"]["reasons"][0]["code"], told[0]["event"]["severity"]),
                         ("zone.conduit.protocol", 100))
        run = weir("zones", "drift", "-q", "-c", locked, path)
        self.assertIn("control -> outside tcp port 502: another protocol on the conduit's port; 60 flows", run.out)
        # In the middle of a flow (beside a SYN), or with holes, it may have been Modbus.
        for cut in (frames[3:10], [frame for frame in conversation(AT, (PLC, 45000), (OUTSIDE, 502), READ, b"", 1, 6)
                                   if frame[1][54:60] != READ[:6]]):
            path = self.write("cut.pcap", pcap(cut))
            self.assertEqual(self.opened("-c", locked, path), [])
            run = weir("zones", "drift", "-q", "-c", locked, path)
            self.assertIn("1 row seen, 0 not in the matrix; 1 conduit, 0 silent.", run.out)

    def test_drift_says_what_was_judged(self):
        """A capture that begins in the middle: who opened is asked of the matrix, as when a flow is judged."""
        plant = PLANT[:1]
        locked = self.config(plant, "locked", "- {from: control, to: inside, protocol: tcp, port: 5000}\n")
        middle = conversation(AT, (PLC, 45000), ("10.7.0.1", 5000), b"x" * 900, b"y" * 2000)
        path = self.write("middle.pcap", pcap([frame for frame in middle[5:-3] if len(frame[1]) > 54]))
        self.assertEqual(self.opened("-c", locked, path), [])
        run = weir("zones", "drift", "-q", "-c", locked, path)
        self.assertEqual(run.out, "1 row seen, 0 not in the matrix; 1 conduit, 0 silent.\n")
        run = weir("zones", "propose", "-q", "-c", locked, path)
        self.assertNotIn("- from:", run.out)
        run = weir("zones", "propose", "-q", "-c", self.config(plant, "locked", "[]"), path)
        self.assertIn("who opened was not seen", run.out)

    def test_protocol_zero_is_no_row(self):
        """It would allow every protocol."""
        config = self.config(PLANT[:1], "observe")
        frames = [(AT, ethernet(ip_packet(PLC, OUTSIDE, 0, b"x" * 40)))]
        run = weir("zones", "propose", "-q", "-c", config, self.write("zero.pcap", pcap(frames)))
        self.assertIn("# control -> outside IP protocol 0: 1 flow; no conduit can name it\n", run.out)
        self.assertNotIn("any", run.out)
        self.assertNotIn("- from:", run.out)
        locked = self.config(PLANT[:1], "locked", run.out)
        run = weir("zones", "drift", "-q", "-c", locked, self.path("zero.pcap"))
        self.assertIn("control -> outside IP protocol 0: no conduit; 1 flow", run.out)

    def test_all_notes_are_written(self):
        config = self.config((PLANT[1],), "observe")
        frames = [frame for n in range(17)
                  for frame in modbus(AT + n * NS, f"10.9.2.{n + 1}", OUTSIDE, WRITE, WRITE)]
        run = weir("zones", "propose", "-q", "-c", config, self.write("writers.pcap", pcap(frames)))
        self.assertIn("  note: \"a control protocol with the outside: does it belong there?; more than 16 hosts write: "
                      "they are not listed\"\n", run.out)

    def test_rows_keep_their_zones(self):
        """A rule and a row about zones speak of one story: each of the zone it is about."""
        rules = self.write("rules.yaml", "- rule: much\n  name: x\n  severity: 50\n"
                                         "  condition: zone = supervision and out_bytes > 5000\n")
        frames = [frame for n, size in enumerate((900, 90, 9000))
                  for frame in conversation(AT + n * NS, (MASTER, 45000 + n), (OUTSIDE, 8080), b"x" * size, b"y")]
        run = self.replay("-c", self.config((PLANT[1],), "locked", "[]"), "--set", f"rules=[{rules}]",
                          self.write("both.pcap", pcap(frames)))
        said = {}
        for alert in run.alerts():
            zone = alert["weir"]["zone"]
            said.setdefault(alert["rule"]["id"], set()).add((zone["name"], zone.get("from"), zone.get("to")))
        self.assertEqual(said, {"much": {("supervision", None, None)},
                                "zone.conduit": {("supervision", "supervision", "outside")}})

    def test_rules_know_the_zone(self):
        rules = self.write("rules.yaml", "- rule: control-speaks\n  name: x\n  severity: 50\n"
                                         "  condition: zone = control and out_bytes > 0\n")
        config = self.config(PLANT, "observe")
        frames = [frame for who in (PLC, ENGINEER)
                  for frame in conversation(AT, (who, 45000), (OUTSIDE, 8080), b"x" * 500, b"y")]
        run = self.replay("-c", config, "--set", f"rules=[{rules}]",
                          self.write("both.pcap", pcap(sorted(frames))))
        told = [alert for alert in run.alerts() if alert["weir"]["state"] == "open"]
        self.assertEqual([(alert["source"]["ip"], alert["weir"]["zone"]["name"]) for alert in told],
                         [(PLC, "control")])

    def test_drift(self):
        locked, matrix = self.locked_plant()
        leaks = [frame for name in ("new master", "https") for frame in LEAKS[name][0]]
        quiet = modbus(START, MASTER, PLC, READ, READ_ANSWER)
        path = self.write("drift.pcap", pcap(sorted(quiet + leaks)))
        run = weir("zones", "drift", "-q", "-c", locked, path)
        self.assertEqual(run.status, 0, run)
        self.assertIn("supervision -> control modbus port 502: a new writer; 2 flows", run.out)
        self.assertIn("operations -> outside tls port 443: no conduit; 1 flow,", run.out)
        line = matrix.split("- from: operations", maxsplit=1)[0].count("\n") + 1
        self.assertIn(f"Silent (allowed, and nothing of it was seen):\n  line {line}: operations -> supervision "
                      "http port 80\n", run.out)
        run = weir("zones", "propose", "-q", "-c", locked, path)
        self.assertIn("that networks.conduits does not allow", run.out)
        self.assertNotIn("protocol: http", run.out)
        run = weir("zones", "list", "-c", locked)
        self.assertIn("control\n  level 1, locked; 10.9.1.0/24\n", run.out)
        self.assertIn("3 zones, 2 conduits, 2 of them not signed off.\n", run.out)

    def test_mistakes(self):
        def fails(text, *parts):
            self.assert_fails(2, ("check", "-c", self.write("bad.yaml", text)), *parts)
        zone = "{name: a, level: 1, nets: [10.0.0.0/8]}"
        fails("networks: {zones: [{name: a, nets: [10.0.0.0/8]}]}", "bad.yaml:1:20: networks.zones")
        fails("networks: {zones: [{name: a, level: 2.7, nets: [10.0.0.0/8]}]}", "bad.yaml:1:37", "from 0 to 5")
        fails(f"networks: {{zones: [{zone}, {zone}]}}", "there is one of this name")
        fails(f"networks: {{zones: [{zone}, {zone.replace('a,', 'b,')}]}}", "10.0.0.0/8 is zone a's already")
        fails(f"networks: {{zones: [{zone[:-1]}, colour: red}}]}}", "unknown key \"colour\"")
        fails(f"networks: {{zones: [{zone[:-1]}, state: locked}}]}}", "a is locked", "networks.conduits")
        fails("networks: {conduits: c.yaml}", "bad.yaml:1:22", "there are no networks.zones")
        fails(f"networks: {{zones: [{zone}], conduits: nowhere.yaml}}", "nowhere.yaml", "No such file")
        self.write("c.yaml", "- {from: a, to: b, protocol: tcp}\n")
        fails(f"networks: {{zones: [{zone}], conduits: c.yaml}}", "c.yaml:1:17: to: \"b\"")
        self.assert_fails(2, ("zones", "propose", self.write("none.pcap", pcap([]))), "no networks.zones")
        self.assert_fails(2, ("zones", "undo"), "unknown verb")

    def test_check_shows_zones(self):
        run = weir("check", "-c", self.config(PLANT, "locked", "[]"))
        self.assertEqual(run.status, 0, run)
        networks = run.out[run.out.index("networks:"):run.out.index("capture:")]
        again = weir("check", "-c", self.write("again.yaml", networks))
        self.assertEqual(again.status, 0, again)
        self.assertEqual([line for line in again.out.splitlines() if "zones" in line or "conduits" in line],
                         [line for line in run.out.splitlines() if "zones" in line or "conduits" in line])


if __name__ == "__main__":
    weirtest.main()
