#!/usr/bin/env python3
"""Logs say what the capture says: five captures of the shared ones are judged, and the logs that a converter makes
of them (conn.log out of every packet by this file, dns.log, http.log and ssl.log out of tshark's fields), both after
the same three weeks of quiet history. The same hosts are told for volumes and destinations; where the figures are
not the same, the reason stands in EXPLAINED.

Skipped without the shared captures or tshark. The converter's sums are held against tshark's own first.

Environment: WEIR_BINARY, WEIR_TEST_PCAPS."""

import collections
import ipaddress
import os
import shutil
import subprocess
import unittest

import weirtest
from copies import frames, pcap
from weirtest import NS, SHARED, Case

DAY, HOUR = 86400, 3600
FIELDS = ("ts uid id.orig_h id.orig_p id.resp_h id.resp_p proto service duration orig_bytes resp_bytes conn_state "
          "missed_bytes history orig_pkts orig_ip_bytes resp_pkts resp_ip_bytes").split()
IDS = ["id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p"]

START = 1_772_442_000 # a Monday, 2026-03-02 09:00 UTC: the captures begin there, all behind one history
MAIL = "03_upload_exfil/sv__smtp-data-rejected_10.7.29.101_49898-178.63.41.150_25.pcap"
WEB = "08_benign/pcpp__example.pcap"
REQUESTS = "03_upload_exfil/pcpp__4KHttpRequests.pcap"
QUIC = "14_tls_quic_names/zeek__quic_quic_win11_firefox_google.pcap"
MIX = "09_benign_bulk/dev_mix_10min.pcap"
CAPTURES = (MAIL, WEB, REQUESTS, QUIC, MIX)
INSIDE = ("10.0.0.0/8", "4.3.2.1/32") # the latter serves, in QUIC
# Who sends there 64 KiB and more, and so has a past.
HOSTS = ("10.7.29.101", "10.0.0.6", "10.0.0.1", "4.3.2.1", "10.0.14.2", "10.0.3.2", "10.0.4.2")

# Whose bytes are others in a log, and why. In REQUESTS the log raises alerts that the capture does not.
EXPLAINED = {
    REQUESTS: {None: "only the long requests were captured: Zeek's bytes span what is missing between them, and the log "
                     "does not say whose missed_bytes those are; of the capture they are in 'at most' alone"},
    MIX: {"10.0.5.44": "its frames are there twice, as a mirror shows them: a capture shows that, a log counts both",
          "192.150.187.43": "7,240 bytes of an answer are missing: they are in Zeek's bytes, and not in what was seen"},
}


# --- the converter -------------------------------------------------------------------------------


class Side:
    def __init__(self):
        self.packets = self.ip_bytes = self.raw = 0
        self.spans, self.base, self.flags = [], None, 0

    def add(self, ip_bytes, payload, seq, flags):
        self.packets, self.ip_bytes, self.raw = self.packets + 1, self.ip_bytes + ip_bytes, self.raw + payload
        self.flags |= flags
        if seq is None:
            return
        if self.base is None:
            self.base = seq
        at = (seq - self.base + (1 << 31)) % (1 << 32) - (1 << 31) + (1 if flags & 2 else 0)
        if payload:
            self.spans.append((at, at + payload))

    def sent(self):
        """Bytes as Zeek has them (all between the first and the last), and those of them that are missing."""
        if not self.spans:
            return 0, 0
        self.spans.sort()
        first = end = self.spans[0][0]
        missed = 0
        for begin, stop in self.spans:
            missed += max(0, begin - end)
            end = max(end, stop)
        return end - first, missed


class Connection:
    def __init__(self, key, at):
        self.key, self.first, self.last = key, at, at
        self.sides = (Side(), Side())

    def is_over(self):
        return any(side.flags & 4 for side in self.sides) or all(side.flags & 1 for side in self.sides)


def packet_of(frame):
    """(proto, src, sport, dst, dport, IP bytes, payload, seq, flags) of plain IP over Ethernet, else None."""
    kind, at = int.from_bytes(frame[12:14], "big"), 14
    while kind in (0x8100, 0x88A8):
        kind, at = int.from_bytes(frame[at + 2:at + 4], "big"), at + 4
    if kind == 0x0800 and len(frame) >= at + 20:
        size, head = int.from_bytes(frame[at + 2:at + 4], "big"), (frame[at] & 15) * 4
        proto, src, dst = frame[at + 9], frame[at + 12:at + 16], frame[at + 16:at + 20]
        if int.from_bytes(frame[at + 6:at + 8], "big") & 0x3FFF:
            return None
    elif kind == 0x86DD and len(frame) >= at + 40:
        size, head = int.from_bytes(frame[at + 4:at + 6], "big") + 40, 40
        proto, src, dst = frame[at + 6], frame[at + 8:at + 24], frame[at + 24:at + 40]
    else:
        return None
    segment = frame[at + head:]
    if proto not in (6, 17) or len(segment) < (20 if proto == 6 else 8):
        return None
    ports = int.from_bytes(segment[:2], "big"), int.from_bytes(segment[2:4], "big")
    addresses = str(ipaddress.ip_address(src)), str(ipaddress.ip_address(dst))
    header = (segment[12] >> 4) * 4 if proto == 6 else 8
    seq = int.from_bytes(segment[4:8], "big") if proto == 6 else None
    flags = segment[13] if proto == 6 else 0
    return (proto, addresses[0], ports[0], addresses[1], ports[1], size, max(0, size - head - header), seq, flags)


def connections_of(path):
    """Who is first opened it, unless it is a SYN/ACK or comes from a well-known port."""
    open_ones, done = {}, []
    for at, frame, _ in frames(path):
        packet = packet_of(frame)
        if not packet:
            continue
        proto, src, sport, dst, dport, size, payload, seq, flags = packet
        key, turned = (proto, src, sport, dst, dport), (proto, dst, dport, src, sport)
        known = open_ones.get(key) or open_ones.get(turned)
        if known and proto == 6 and flags & 0x12 == 2 and known.is_over():
            known = None
        if not known:
            answers = flags & 0x12 == 0x12 or (not flags & 2 and sport < 1024 <= dport)
            known = Connection(turned if answers else key, at)
            open_ones.pop(key, None)
            open_ones.pop(turned, None)
            open_ones[known.key] = known
            done.append(known)
        known.last = max(known.last, at)
        known.sides[known.key != key].add(size, payload, seq, flags)
    return done


def seconds(ns):
    return f"{ns // 10**9}.{ns % 10**9 // 1000:06d}"


def row_of(connection, number):
    proto, src, sport, dst, dport = connection.key
    orig, resp = connection.sides
    if proto == 6:
        (up, up_missed), (down, down_missed) = orig.sent(), resp.sent()
        both = up > 0 and down > 0
        syn = bool((orig.flags | resp.flags) & 2)
        state = ("SF" if orig.flags & resp.flags & 1 else "RSTO" if orig.flags & 4 else "RSTR" if resp.flags & 4 else
                 "S1") if syn and orig.packets and resp.packets else "S0" if syn and not resp.packets else "OTH"
        history = ("S" if syn else "") + ("D" if up else "") + ("d" if both else "") or "-"
    else:
        up, down, up_missed, down_missed = orig.raw, resp.raw, 0, 0
        state, history = ("SF" if orig.packets and resp.packets else "S0"), "Dd"
    return [seconds(connection.first), f"C{number}", src, sport, dst, dport, "tcp" if proto == 6 else "udp",
            "dns" if 53 in (sport, dport) else "-", seconds(connection.last - connection.first), up, down, state,
            up_missed + down_missed, history, orig.packets, orig.ip_bytes, resp.packets, resp.ip_bytes]


def log(path, fields, rows):
    head = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\t" + path + "\n"
    text = head + "#fields\t" + "\t".join(fields) + "\n"
    return text + "".join("\t".join(str(value) for value in row) + "\n" for row in rows)


# --- tshark --------------------------------------------------------------------------------------

MORE = ("tcp.len", "udp.length", "tls.handshake.type", "tls.handshake.extensions_server_name", "http.host", "http.request", "dns.id",
        "dns.flags.response", "dns.qry.name", "dns.qry.type", "dns.flags.rcode", "dns.cname", "dns.a", "dns.aaaa")


def tshark(path):
    """The fields of each packet of plain IPv4, as texts."""
    fields = ("frame.time_epoch", "ip.src", "ip.dst", "tcp.srcport", "tcp.dstport", "udp.srcport", "udp.dstport", *MORE)
    words = ["tshark", "-n", "-r", path, "-Y", "ip && !icmp && !mdns", "-T", "fields", "-E", "occurrence=a", "-E",
             "aggregator=,"]
    for field in fields:
        words += ["-e", field]
    out = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, timeout=120).stdout
    rows = (dict(zip(fields, line.split("\t"))) for line in out.decode("utf-8", "replace").splitlines())
    return [row for row in rows if "," not in row["ip.src"]] # not within a tunnel


def ends_of(row):
    """src, sport, dst, dport"""
    return (row["ip.src"], int(row["tcp.srcport"] or row["udp.srcport"] or 0), row["ip.dst"],
            int(row["tcp.dstport"] or row["udp.dstport"] or 0))


class Names:
    """dns.log, http.log and ssl.log, each line with the uid of its connection."""

    def __init__(self, rows, connections):
        self.rows, self.uids = rows, collections.defaultdict(list)
        for number, connection in enumerate(connections):
            self.uids[connection.key[1:]].append((connection, number))

    def ids(self, row):
        """ts, uid and the four of the connection that the packet of its client is in."""
        at = row["frame.time_epoch"]
        ns = int(at.replace(".", "")[:19])
        for connection, number in self.uids.get(ends_of(row), []):
            if connection.first <= ns <= connection.last:
                return [at[:-3], f"C{number}", *ends_of(row)]
        return None

    def said(self, field, wanted, last):
        for row in self.rows:
            ids = self.ids(row) if row[field] and wanted(row) else None
            if ids:
                yield ids + [row[field].split(",")[0], last]

    def ssl(self):
        rows = self.said("tls.handshake.extensions_server_name", lambda row: "1" in row["tls.handshake.type"].split(","),
                         "T")
        return log("ssl", ["ts", "uid", *IDS, "server_name", "established"], rows)

    def http(self):
        rows = self.said("http.host", lambda row: row["http.request"], 1)
        return log("http", ["ts", "uid", *IDS, "host", "trans_depth"], rows)

    def dns(self):
        asked, rows = {}, []
        for row in self.rows:
            src, sport, dst, dport = ends_of(row)
            what = row["dns.id"], row["dns.qry.name"]
            if row["dns.flags.response"] == "0" and what[1] and self.ids(row):
                line = self.ids(row) + ["udp", 1, "-", what[1], row["dns.qry.type"], "-", "-", "-"]
                asked[(src, sport, dst, dport, *what)] = line
                rows.append(line)
            line = asked.pop((dst, dport, src, sport, *what), None)
            if line and row["dns.flags.response"] == "1":
                answers = [part for field in ("dns.cname", "dns.a", "dns.aaaa") if row[field]
                           for part in row[field].split(",")]
                line[8] = f"{max(0.0, float(row['frame.time_epoch']) - float(line[0])):.6f}"
                line[11:] = [row["dns.flags.rcode"], ",".join(answers) or "-", ",".join(["60.0"] * len(answers)) or "-"]
        return log("dns", ["ts", "uid", *IDS, "proto", "trans_id", "rtt", "query", "qtype", "rcode", "answers", "TTLs"],
                   rows)


# --- the comparison ------------------------------------------------------------------------------


def history(days=15):
    """Some 80 kB of each hour to one old acquaintance, of HOSTS and of ten that never tell."""
    rows, first = [], START // DAY * DAY - days * DAY
    everybody = HOSTS + tuple(f"10.99.0.{n}" for n in range(1, 11))
    for hour in range(days * 24):
        for n, host in enumerate(everybody):
            sent = 70_000 + (n * 7919 + hour * 104_729) % 20_000
            rows.append([first + hour * HOUR + 60 + n, f"H{len(rows)}", host, 40000, "198.51.100.77", 443, "tcp", "ssl",
                         "5.0", sent, 9000, "SF", 0, "ShADadFf", 60, sent + 3000, 40, 11000])
    return log("conn", FIELDS, rows)


def told(run):
    """(rule, host, destination) → what it was told for, by its reasons' codes."""
    found = {}
    for alert in run.alerts():
        if alert["rule"]["id"].startswith(("volume.", "destination.")):
            place = alert["destination"].get("domain") or alert["destination"]["ip"]
            reasons = {reason["code"]: reason["observed"] for reason in alert["weir"]["reasons"]}
            found.setdefault((alert["rule"]["id"], alert["source"]["ip"], place), reasons)
    return found


def sent(run):
    """(from, to) → payload bytes, of plain TCP and UDP between the inside and the outside."""
    total = collections.Counter()
    for flow in run.flows():
        if flow["proto"] in ("tcp", "udp") and "tunnel" not in flow and flow["scope"] in ("out", "in"):
            for side, other in (("orig", "resp"), ("resp", "orig")):
                total[flow[side]["ip"], flow[other]["ip"]] += flow[side]["payload_bytes"]
    return {pair: size for pair, size in total.items() if size > 0}


@unittest.skipUnless(os.path.isdir(SHARED), "no captures")
@unittest.skipUnless(shutil.which("tshark"), "no tshark")
class AsTheCapture(Case):
    def shifted(self, name):
        packets = list(frames(os.path.join(SHARED, name)))
        later = START * NS - packets[0][0] // NS * NS
        return self.write(os.path.basename(name), pcap([(at + later, frame, wire) for at, frame, wire in packets]))

    def check_sums(self, name, connections, rows):
        """The converter reads what tshark reads."""
        mine, its = collections.Counter(), collections.Counter()
        for connection in connections:
            src, sport, dst, dport = connection.key[1:]
            mine[src, sport, dst, dport] += connection.sides[0].raw
            mine[dst, dport, src, sport] += connection.sides[1].raw
        for row in rows:
            if row["tcp.len"] or row["udp.length"]:
                its[ends_of(row)] += int(row["tcp.len"] or int(row["udp.length"]) - 8)
        self.assertGreater(sum(its.values()), 100_000)
        for ends, size in its.items():
            self.assertEqual(mine[ends], size, f"{name}: {ends}")

    def logs_of(self, name, path):
        connections, rows = connections_of(path), tshark(path)
        self.check_sums(name, connections, rows)
        names = Names(rows, connections)
        folder = path + ".logs"
        os.mkdir(folder)
        self.write(os.path.join(folder, "conn.log"),
                   log("conn", FIELDS, [row_of(c, n) for n, c in enumerate(connections)]))
        for kind in ("dns", "http", "ssl"):
            self.write(os.path.join(folder, f"{kind}.log"), getattr(names, kind)())
        return folder

    def compare(self, name, capture, logs):
        of_capture, of_logs = told(capture), told(logs)
        self.assertGreaterEqual(len(of_capture), 1, name)
        of_both, explained = (sent(capture), sent(logs)), EXPLAINED.get(name, {})
        others = [pair for pair in sorted(set(of_both[0]) | set(of_both[1])) if of_both[0].get(pair) != of_both[1].get(pair)]
        if None in explained:
            self.assertGreater(len(others), 0, f"{name}: there is nothing to explain")
            # Larger figures are told sooner, and named is who had got most by then: the same hosts, other destinations.
            self.assertLessEqual({key[:2] for key in of_capture}, {key[:2] for key in of_logs}, name)
            return
        self.assertEqual([pair for pair in others if not set(pair) & set(explained)], [], name)
        self.assertLessEqual(set(explained), {ip for pair in others for ip in pair}, f"{name}: there is nothing to explain")
        self.assertEqual(set(of_logs), set(of_capture), name)
        for key, reasons in of_capture.items():
            self.assertEqual(set(of_logs[key]), set(reasons), f"{name}: {key}")
            for code, observed in reasons.items(): # a total that is judged while it grows, in other steps
                self.assertLessEqual(abs(of_logs[key][code] - observed), .3 * observed, f"{name}: {key}: {code}")

    def test_the_same(self):
        words = [word for inside in INSIDE for word in ("--inside", inside)]
        words += ["--set", "detection.alerts_per_100_hosts_per_day=100", "--workers", "0"]
        base = self.path("base")
        self.replay(*words, "--save-baseline", base, self.write("past.log", history()))
        for name in CAPTURES:
            path = self.shifted(name)
            capture = self.replay(*words, "--baseline", base, "--flows", path)
            logs = self.replay(*words, "--baseline", base, "--flows", self.logs_of(name, path))
            with self.subTest(name):
                self.compare(name, capture, logs)


if __name__ == "__main__":
    weirtest.main()
