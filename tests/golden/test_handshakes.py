#!/usr/bin/env python3
"""JA4, ALPN, ECH and certificates against an oracle of their own.

Of every capture in which tshark saw a ClientHello (names.tsv has its JA3), tshark is asked for the hello's
numbers, and JA4 is put together of them here, after FoxIO's description and not after Weir's code; so are
the names of the certificates that it saw in clear. `weir replay --flows` has to say the same of each flow.

A flow's first hello counts. A hello that tshark could not put together of its segments has no numbers
there, and is not asked.

Environment: WEIR_BINARY (the program), WEIR_TEST_PCAPS (the captures; else ../shared/pcaps beside
WEIR_SOURCE). Exit status 77: skipped, there are no captures or no tshark here.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys

import weirtest

ASKED_MIN = 100  # fewer, and the test has gone blind
FIELDS = ("frame.protocols", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.srcport", "tcp.dstport",
          "udp.srcport", "udp.dstport", "tls.handshake.type", "tls.handshake.version",
          "tls.handshake.ciphersuite",
          "tls.handshake.extension.type", "tls.handshake.extensions.supported_version",
          "tls.handshake.sig_hash_alg", "tls.handshake.sig_hash_alg_len",
          "tls.handshake.extensions_alpn_str", "x509ce.dNSName")
WANTED = "tls.handshake.type == 1 || (tls.handshake.type == 11 && x509ce.dNSName)"
VERSIONS = {0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10", 0x0300: "s3"}


def pcaps_dir():
    source = os.environ.get("WEIR_SOURCE", os.path.join(os.path.dirname(__file__), "..", ".."))
    return os.environ.get("WEIR_TEST_PCAPS", os.path.join(source, "..", "shared", "pcaps"))


def captures(folder):
    """Those in which tshark saw a hello, as names.tsv calls them."""
    with open(os.path.join(folder, "names.tsv"), encoding="utf-8", errors="replace") as lines:
        head = next(lines).lstrip("#").rstrip("\n").split("\t")
        rows = [dict(zip(head, line.rstrip("\n").split("\t"))) for line in lines]
    return sorted({row["file"] for row in rows if row["ja3"]})


# --- tshark's side -------------------------------------------------------------------------------


def handshakes(path):
    """The fields of every frame with a hello, or with names in a certificate"""
    command = ["tshark", "-r", path, "-Y", WANTED, "-T", "fields", "-E", "separator=/t", "-E", "aggregator=,"]
    for name in FIELDS:
        command += ["-e", name]
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    for line in done.stdout.splitlines():
        yield dict(zip(FIELDS, line.split("\t")))


def ends_of(row):
    """The innermost addresses and ports, whichever side sent it."""
    proto = "tcp" if row["tcp.srcport"] else "udp"
    inner = "ipv6" if row["frame.protocols"].rfind("ipv6") > row["frame.protocols"].rfind("ip:") else "ip"
    last = [row[f"{inner}.{side}"].split(",")[-1] for side in ("src", "dst")]
    ports = [row[f"{proto}.{side}port"].split(",")[-1] for side in ("src", "dst")]
    return proto, frozenset((ip, int(port)) for ip, port in zip(last, ports))


def numbers(text):
    values = [int(value, 0) for value in text.split(",") if value]
    return [value for value in values if not (value & 0x0F0F == 0x0A0A and value >> 8 == value & 0xFF)]


def hash12(text):
    return hashlib.sha256(text.encode()).hexdigest()[:12] if text else "0" * 12


def alpn_text(value):
    if not value:
        return "00"
    first, last = value[0], value[-1]
    if all(c.isascii() and c.isalnum() for c in (first, last)):
        return first + last
    digits = value.encode().hex()
    return digits[0] + digits[-1]


def signatures_of(row, extensions):
    """Of signature_algorithms: delegated_credentials and signature_algorithms_cert have such lists too."""
    values = [int(value, 0) for value in row["tls.handshake.sig_hash_alg"].split(",") if value]
    sizes = [int(value) // 2 for value in row["tls.handshake.sig_hash_alg_len"].split(",") if value]
    at = 0
    for kind, size in zip([kind for kind in extensions if kind in (13, 34, 50)], sizes):
        if kind == 13:
            return numbers(",".join(map(str, values[at:at + size])))
        at += size
    return []


def ja4(row, proto):
    ciphers = numbers(row["tls.handshake.ciphersuite"])
    extensions = numbers(row["tls.handshake.extension.type"])
    signatures = signatures_of(row, extensions)
    version = max(numbers(row["tls.handshake.extensions.supported_version"]) or
                  numbers(row["tls.handshake.version"])[:1])
    alpn = row["tls.handshake.extensions_alpn_str"].split(",")[0]
    head = (f"{'q' if proto == 'udp' else 't'}{VERSIONS.get(version, '00')}{'d' if 0 in extensions else 'i'}"
            f"{min(len(ciphers), 99):02}{min(len(extensions), 99):02}{alpn_text(alpn)}")
    listed = ",".join(f"{value:04x}" for value in sorted(extensions) if value not in (0, 16))
    if listed and signatures:
        listed += "_" + ",".join(f"{value:04x}" for value in signatures)
    return f"{head}_{hash12(','.join(f'{value:04x}' for value in sorted(ciphers)))}_{hash12(listed)}"


def hellos(rows):
    """flow → what its first hello says"""
    said = {}
    for row in rows:
        if row["tls.handshake.type"] != "1" or not row["tls.handshake.ciphersuite"]:
            continue
        flow = ends_of(row)
        alpn = row["tls.handshake.extensions_alpn_str"].split(",")[0]
        said.setdefault(flow, {"ja4": ja4(row, flow[0]), "alpn": alpn or None,
                               "ech": 0xFE0D in numbers(row["tls.handshake.extension.type"]) or None})
    return said


def certificates(rows):
    """flow → the DNS names of every certificate in its first Certificate message"""
    names = {}
    for row in rows:
        if "11" in row["tls.handshake.type"].split(",") and row["x509ce.dNSName"]:
            names.setdefault(ends_of(row), {name.lower() for name in row["x509ce.dNSName"].split(",")})
    return names


# --- Weir's side ---------------------------------------------------------------------------------


def replay(path):
    """flow → its records"""
    flows = {}
    for record in map(json.loads, weirtest.replayed(path)):
        ends = frozenset((record[side]["ip"], record[side]["port"]) for side in ("orig", "resp"))
        flows.setdefault((record["proto"], ends), []).append(record)
    return flows


def names_of(record):
    names = record.get("certificate") or []
    return set(names.split(",") if isinstance(names, str) else names)


def compare(name, path, flows):
    """(asked, wrong) of one capture"""
    asked = wrong = 0
    rows = list(handshakes(path))
    for flow, said in hellos(rows).items():
        records = flows.get(flow, [])
        for key in ("ja4", "alpn", "ech"):
            asked += 1
            if not any(record.get(key) == said[key] for record in records):
                wrong += 1
                print(f"{name}: {flow}: {key} {said[key]!r}, not {[record.get(key) for record in records]}")
    for flow, wanted in certificates(rows).items():
        asked += 1
        told = set().union(*map(names_of, flows.get(flow, [])))
        if not told or not told <= wanted:
            wrong += 1
            print(f"{name}: {flow}: certificate {sorted(told)} of {sorted(wanted)}")
    return asked, wrong


def main():
    folder = pcaps_dir()
    if not os.path.exists(os.path.join(folder, "names.tsv")) or not shutil.which("tshark"):
        print("skipped: no captures at", folder, "or no tshark")
        return 77
    asked = wrong = 0
    for name in captures(folder):
        path = os.path.join(folder, name)
        counts = compare(name, path, replay(path))
        asked, wrong = asked + counts[0], wrong + counts[1]
    print(f"{asked} asked, {wrong} wrong")
    return 1 if wrong or asked < ASKED_MIN else 0


if __name__ == "__main__":
    sys.exit(main())
