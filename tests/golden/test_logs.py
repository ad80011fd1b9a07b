#!/usr/bin/env python3
"""Logs beside a conn log, and of other makers: names are joined by the log's own name of a connection and verified by
the log's DNS; Suricata's events and nfdump's output are flows with bounded payload; what a log cannot say is in the
summary, and what is wrong with one is one line.

What nfdump prints is made by nfpcapd and nfdump themselves, where they are installed.

Environment: WEIR_BINARY, WEIR_TEST_PCAPS."""

import gzip
import json
import os
import shutil
import subprocess
import unittest

import weirtest
from weirtest import SHARED, Case, complaint

weirtest.workers = None

START = 1_772_438_400
HOST, RESOLVER, SERVER, UPLOAD = "10.0.0.5", "10.0.0.1", "93.184.216.34", "93.184.216.35"
IDS = ("ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p")
CONN = IDS + ("proto", "service", "duration", "orig_bytes", "resp_bytes", "conn_state", "missed_bytes", "history",
              "orig_pkts", "orig_ip_bytes", "resp_pkts", "resp_ip_bytes")
NUMBERS = {"ts", "id.orig_p", "id.resp_p", "duration", "orig_bytes", "resp_bytes", "missed_bytes", "orig_pkts", "trans_id",
           "orig_ip_bytes", "resp_pkts", "resp_ip_bytes", "rtt", "qtype", "rcode", "trans_depth", "request_body_len",
           "response_body_len"}
# path → fields, rows
ZEEK = {
    "conn": (CONN, [
        (START + 1, "CD", HOST, 5353, RESOLVER, 53, "udp", "dns", .01, 30, 60, "SF", 0, "Dd", 1, 58, 1, 88),
        (START + 2, "CS", HOST, 40000, SERVER, 443, "tcp", "ssl", 3.5, 50000, 6000, "SF", 0, "ShADadFf", 50, 52000, 40, 8000),
        (START + 3, "CH", HOST, 40001, UPLOAD, 80, "tcp", "http", 1.5, 5000, 600, "SF", 0, "ShADadFf", 8, 5400, 8, 1000),
        (START + 4, "CQ", HOST, 40002, UPLOAD, 443, "udp", "quic", 1.5, 5000, 600, "SF", 0, "Dd", 8, 5400, 8, 1000)]),
    "dns": (IDS + ("proto", "trans_id", "rtt", "query", "qtype", "rcode", "answers", "TTLs"), [
        (START + 1, "CD", HOST, 5353, RESOLVER, 53, "udp", 7, .01, "WWW.Example.com", 1, 0,
         ("cdn.example.net", SERVER), ("300.0", "60.0"))]),
    "ssl": (IDS + ("version", "server_name", "established", "ja3"), [
        (START + 2.1, "CS", HOST, 40000, SERVER, 443, "TLSv12", "www.example.com", "T",
         "e7d705a3286e19ea42f587b344ee6865")]),
    "http": (IDS + ("trans_depth", "host", "request_body_len", "response_body_len"), [
        (START + 3.1, "CH", HOST, 40001, UPLOAD, 80, 1, "up.example.org:80", 4500, 20),
        (START + 3.2, "CH", HOST, 40001, UPLOAD, 80, 2, "up.example.org:80", 0, 220)]),
    "quic": (IDS + ("version", "client_initial_dcid", "server_name", "client_protocol"), [
        (START + 4.1, "CQ", HOST, 40002, UPLOAD, 443, "1", "ab", "q.example.net", "h3"),
        (START + 9, "CX", HOST, 40009, UPLOAD, 443, "1", "ab", "q.example.net", "h3")]),
    "weird": (("ts", "uid", "name"), [(START, "C", "bad_checksum")]),
}


def tsv(path):
    fields, rows = ZEEK[path]
    head = f"#separator \\x09\n#set_separator\t,\n#unset_field\t-\n#path\t{path}\n#fields\t" + "\t".join(fields) + "\n"
    def text(value):
        return ",".join(value) if isinstance(value, tuple) else str(value)
    return head + "".join("\t".join(text(value) for value in row) + "\n" for row in rows)


def as_json(path):
    fields, rows = ZEEK[path]
    return "".join(json.dumps({name: list(value) if isinstance(value, tuple) else value if name in NUMBERS else str(value)
                               for name, value in zip(fields, row)}) + "\n" for row in rows)


def eve(kind, at, port, server, number, **more):
    event = {"timestamp": f"2026-03-02T09:00:{at:02}.000000+0100", "flow_id": number, "event_type": kind, "src_ip": HOST,
             "src_port": port, "dest_ip": server, "dest_port": 443, "proto": "TCP"}
    return json.dumps(event | more) + "\n"


class Zeek(Case):
    def folder(self, name, made, pack=None):
        os.mkdir(self.path(name))
        for number, path in enumerate(ZEEK):
            text = made(path).encode()
            self.write(os.path.join(name, f"{number}.bin"), pack(text) if pack else text) # no name says what it is
        return self.path(name)

    def test_joined(self):
        run = self.replay("--flows", self.folder("plain", tsv))
        flows = {flow["orig"]["port"]: flow for flow in run.flows()}
        self.assertEqual(len(flows), 4)
        self.assertEqual(flows[5353]["dns"], "www.example.com")
        self.assertEqual(flows[40000]["server_name"], "www.example.com")
        self.assertEqual(flows[40000]["ja3"], "e7d705a3286e19ea42f587b344ee6865")
        self.assertNotIn("name_unverified", flows[40000]) # an answer ties it to the address
        self.assertTrue(flows[40001]["name_unverified"])
        self.assertEqual(flows[40001]["server_name"], "up.example.org")
        self.assertEqual(flows[40001]["resp"]["bodies"]["seen_bytes"], 240)
        self.assertEqual(flows[40002]["alpn"], "h3")
        summary = run.summary()
        self.assertEqual(sum(entry["notes_unjoined"] for entry in summary["inputs"]), 1) # CX
        text = run.bytes("summary.txt").decode()
        self.assertIn("what a Zeek conn log cannot say: no content", text)
        self.assertIn("1 connections are named by a log, and no line tells of them", text)
        for words in (["--workers", "3", self.folder("json", as_json)],
                      ["--workers", "0", self.folder("packed", tsv, gzip.compress)]):
            other = self.replay("--flows", *words)
            self.assertEqual(other.bytes("flows.ndjson"), run.bytes("flows.ndjson"), words)
            self.assertEqual(sum(entry.get("notes_unjoined", 0) for entry in other.summary()["inputs"]), 1)
        self.assertTrue(other.summary()["inputs"][5]["left_out"])

    def test_a_damaged_line(self):
        text = tsv("dns") + "x\ty\n"
        run = self.replay(self.write("dns.log", text), status=3)
        self.assertIn("1 of 7 lines could not be read, first line 7: no ts", complaint(run))


class Suricata(Case):
    def test_events(self):
        flow = {"pkts_toserver": 100, "pkts_toclient": 50, "bytes_toserver": 151400, "bytes_toclient": 3300,
                "start": "2026-03-02T09:00:02.000000+0100", "end": "2026-03-02T09:00:05.000000+0100", "state": "closed"}
        flags = {"tcp_flags_ts": "1b", "tcp_flags_tc": "1b"}
        answers = [{"rrname": "www.example.com", "rrtype": "A", "ttl": 60, "rdata": SERVER}]
        name = {"rrname": "www.example.com", "rrtype": "A"}
        text = (eve("dns", 1, 5353, RESOLVER, 8, proto="UDP", dns={"type": "query", **name}) +
                eve("dns", 1, 5353, RESOLVER, 8, proto="UDP", dns={"type": "answer", "rcode": "NOERROR", "answers": answers,
                                                                   **name}) +
                eve("tls", 3, 40000, SERVER, 7, tls={"sni": "www.example.com"}) + '{"event_type":"stats","stats":{}}\n' +
                eve("flow", 59, 40000, SERVER, 7, app_proto="tls", flow=flow, tcp=flags) + '{"event_type":"flow","x":\n')
        run = self.replay("--flows", self.write("eve.json", text), status=3)
        self.assertIn("1 of 6 lines could not be read, first line 6: no JSON object", complaint(run))
        (flow,) = run.flows()
        self.assertEqual((flow["server_name"], flow["service"]), ("www.example.com", "tls"))
        self.assertEqual(flow["start"], "2026-03-02T08:00:02.000000000Z")
        self.assertNotIn("name_unverified", flow)
        orig = flow["orig"]
        self.assertEqual((orig["ip_bytes"], orig["acked_bytes"], orig["payload_bytes"], orig["missing_bytes"]),
                         (150000, 142000, 144800, 1200))
        self.assertIn("payload is bounded, not known", run.bytes("summary.txt").decode())


@unittest.skipUnless(os.path.isdir(SHARED), "no captures")
@unittest.skipUnless(shutil.which("nfpcapd") and shutil.which("nfdump"), "no nfdump")
class Nfdump(Case):
    def test_as_the_capture(self):
        """Every connection of the capture, opened by whom it was, and the payload seen lies between the bounds."""
        capture = os.path.join(SHARED, "08_benign", "zeek__Traces_wikipedia.pcap")
        os.mkdir(self.path("flows"))
        subprocess.run(["nfpcapd", "-r", capture, "-w", self.path("flows")], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=60)
        seen = self.flows_of(capture)
        for words in ([], ["-b"]):
            csv = subprocess.run(["nfdump", "-R", self.path("flows"), "-o", "csv", *words], check=True, timeout=60,
                                 stdout=subprocess.PIPE, env={**os.environ, "TZ": "UTC"}).stdout
            said = self.flows_of(self.write(f"nfdump{len(words)}.csv", csv))
            self.assertEqual(set(said), set(seen))
            for key, flow in said.items():
                for side in ("orig", "resp"):
                    bounds = flow[side]
                    self.assertLessEqual(bounds["acked_bytes"], seen[key][side]["payload_bytes"], key)
                    self.assertLessEqual(seen[key][side]["payload_bytes"],
                                         bounds["payload_bytes"] + bounds["missing_bytes"], key)

    def flows_of(self, path):
        flows = self.replay("--flows", path).flows()
        return {(flow["proto"], flow["orig"]["ip"], flow["orig"]["port"], flow["resp"]["ip"], flow["resp"]["port"]): flow
                for flow in flows}


if __name__ == "__main__":
    weirtest.main()
