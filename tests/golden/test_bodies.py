#!/usr/bin/env python3
"""HTTP bodies against tshark's.

Runs `weir replay --flows` over captures with HTTP in clear, and asks tshark which messages have a body:
how many say their size and what it is, how many come in chunks. tshark tells of a message either when
its body is whole (`http.desegment_body:TRUE`), or by its head alone, but then it does not see heads that
begin in the middle of a segment (`FALSE`): both are asked, and what either tells is there.

Environment: WEIR_BINARY, WEIR_TEST_PCAPS (else ../shared/pcaps beside WEIR_SOURCE). Exit status 77:
skipped, there are no captures or no tshark here.
"""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter

import weirtest

CAPTURES = (
    "03_upload_exfil/arkime__http-post-upload.pcap",
    "03_upload_exfil/pcpp__4KHttpRequests.pcap",
    "03_upload_exfil/zeek__http_http-post-large.pcap",
    "03_upload_exfil/zeek__http_putty-upload.pcap",
    "05_evasive_tunnel/arkime__socks5-reverse.pcap",
    "08_benign/mercury__capture2.pcap",
    "08_benign/pcpp__example.pcap",
    "08_benign/zeek__http_bro.org.pcap",
)
# Bodies as far as the capture has them; -1: whole.
SEEN = {
    "03_upload_exfil/arkime__http-post-upload.pcap": -1,
    "03_upload_exfil/zeek__http_http-post-large.pcap": -1,
    "03_upload_exfil/pcpp__4KHttpRequests.pcap": 0,  # heads alone
    "08_benign/zeek__http_bro.org.pcap": 411523 + 23812,
}
BODILESS = ("204", "304")


def pcaps_dir():
    source = os.environ.get("WEIR_SOURCE", os.path.join(os.path.dirname(__file__), "..", ".."))
    return os.environ.get("WEIR_TEST_PCAPS", os.path.join(source, "..", "shared", "pcaps"))


def messages(path, whole):
    """(stream, its sender's port, length or None for chunks) of each message with a body, counted."""
    fields = ("tcp.stream", "tcp.srcport", "http.response.code", "http.content_length",
              "http.transfer_encoding")
    command = ["tshark", "-r", path, "-o", f"http.desegment_body:{str(whole).upper()}", "-Y", "http",
               "-T", "fields"]
    for field in fields:
        command += ["-e", field]
    told = Counter()
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    for line in lines:
        stream, port, code, length, transfer = line.split("\t")
        length = int(length.split(",")[0]) if length and not transfer else None
        if code not in BODILESS and (transfer or length):
            told[(stream, port, length)] += 1
    return told


def theirs(path):
    told = messages(path, True) | messages(path, False)
    said = {key: count for key, count in told.items() if key[2]}
    return sum(said.values()), sum(key[2] * count for key, count in said.items()), \
        sum(told.values()) - sum(said.values())


def ours(path):
    flows = [json.loads(line) for line in weirtest.replayed(path)]
    bodies = [flow[side]["bodies"] for flow in flows if flow.get("service") == "http"
              for side in ("orig", "resp") if "bodies" in flow[side]]
    total = {key: sum(one[key] for one in bodies)
             for key in ("count", "undeclared", "declared_bytes", "seen_bytes")}
    return (total["count"] - total["undeclared"], total["declared_bytes"], total["undeclared"]), \
        total["seen_bytes"]


def check(name, path):
    told, seen = ours(path)
    want, faults = theirs(path), []
    if told != want:
        faults.append(f"{name}: {told}; tshark: {want}")
    if name in SEEN and seen != (told[1] if SEEN[name] < 0 else SEEN[name]):
        faults.append(f"{name}: {seen} bytes of bodies were seen")
    return faults


def main():
    folder = pcaps_dir()
    if not os.path.isdir(folder) or not shutil.which("tshark"):
        print("skipped: no captures, or no tshark")
        return 77
    faults = []
    for name in CAPTURES:
        faults += check(name, os.path.join(folder, name))
    for fault in faults:
        print(fault)
    print(f"{len(CAPTURES)} captures, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
