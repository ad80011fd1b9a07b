#!/usr/bin/env python3
"""Every capture of the shared folder through the whole program.

Of each: no crash and no sanitizer report; exit status 0, or 3 with one line that says why (NOT_WHOLE
lists which); alerts and flows are JSON lines; the packets counted are those of INDEX.tsv; and no
alert where INDEX.tsv expects none. All violations are listed, not just the first.

Environment: WEIR_JOBS (how many at a time, 2), WEIR_TEST_PCAPS. 77: there are no captures here."""

import concurrent.futures
import csv
import os
import sys

import weirtest
from weirtest import SHARED, SKIPPED, complaint, kept_replay

# Files that cannot be read, or not to their end → words of the reason that is given.
FUZZ = "12_robustness/pcpp__clusterfuzz-testcase-"
NOT_WHOLE = {
    FUZZ + "FuzzTarget-6207688043397120": "damaged after 1 packets: truncated dump file",
    FUZZ + "minimized-FuzzTarget-5204104585674752": "damaged after 1 packets: invalid packet capture length",
    FUZZ + "minimized-FuzzTarget-5643903448645632": "damaged after 1 packets: truncated dump file",
    FUZZ + "minimized-FuzzTarget-5752969003008000": "damaged after 1 packets: truncated dump file",
    "12_robustness/pcpp__crash-eec28dafde1f1ac2299674a75a914ae16d4046fa":
        "damaged after 1 packets: invalid packet capture length",
    "12_robustness/pcpp__crash-exception-cast-constructed-record":
        "damaged after 2 packets: invalid packet capture length",
    "12_robustness/pcpp__crash-invalid-asn-record-len": "damaged after 1 packets: truncated dump file",
    "12_robustness/pcpp__radiuslayer": "damaged after 5 packets: invalid packet capture length",
    FUZZ + "minimized-FuzzTarget-5631583764873216": "none of its 1 packets could be read: link type 2105376",
    "12_robustness/tcpdump__pktap-heap-overflow.pcap":
        "none of its 2 packets could be read: link type 149",
    "12_robustness/tcpdump__unsupported-link-type-dbus.pcap":
        "none of its 2 packets could be read: link type DBUS",
    "15_format/pcpp__microsecs_big_endian.pcap":
        "none of its 13 packets could be read: link type NETLINK",
}

# (file, rule) → why an alert is right where INDEX.tsv expects none. Its labels are about what left;
# these speak of the sensor's own sight, and say what is so.
ALERTS = {
    ("03_upload_exfil/pcpp__4KHttpRequests.pcap", "sensor.blind"): "only requests were captured",
    ("03_upload_exfil/zeek__ftp_bigtransfer.pcap", "sensor.blind"): "83 packets of a 1.4 GB transfer",
    ("03_upload_exfil/zeek__ssh_ssh.client-side-half-duplex.pcap", "sensor.blind"): "one direction only",
    ("08_benign/mercury__capture2.pcap", "sensor.blind"): "all 22 TCP flows are one-sided",
    ("10_encap/zeek__tunnels_gre-aruba.pcap", "sensor.blind"):
        "a download of 30 MB, of which the tunnel's other direction was not captured",
    ("10_encap/tcpdump__erspan-type-iii-ft-7.pcap", "sensor.blind"):
        "the mirror names a kind of frame (7) that no document describes: none of it is read",
}
NEEDED = set() # of ALERTS


def index():
    with open(os.path.join(SHARED, "INDEX.tsv"), encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def check_status(row, run):
    name = row["path"]
    if name in NOT_WHOLE:
        if run.status != 3 or NOT_WHOLE[name] not in complaint(run):
            yield f"expected status 3 and \"{NOT_WHOLE[name]}\", got {run.status}: {run.err.strip()}"
    elif run.status != 0:
        yield f"status {run.status}: {run.err.strip()}"
    elif run.err:
        yield f"said on standard error: {run.err.strip()}"


def check_left(row, run):
    """What was left of a run that read something."""
    for flow in run.flows():
        for side in ("orig", "resp"):
            if flow[side]["acked_bytes"] > flow[side]["payload_bytes"]:
                yield f"acknowledged more than was sent: {flow}"
    summary = run.summary()
    packets = summary["coverage"]["sensor"]["packets"]
    if run.status == 0 and row["packets"].isdigit() and packets != int(row["packets"]):
        yield f"{packets} packets, INDEX.tsv says {row['packets']}"
    if any(summary["record_faults"].values()):
        yield f"records refused: {summary['record_faults']}"
    for alert in run.alerts():
        rule = alert["rule"]["id"]
        if (row["path"], rule) in ALERTS:
            NEEDED.add((row["path"], rule))
        elif "NO " in row["expected"]:
            yield (f"alert where none is expected ({row['expected']}): {alert['@timestamp']} {rule} "
                   f"{alert['weir']['score']}: {alert['weir']['reasons'][0]['text']}")


def check_file(row):
    try:
        run = kept_replay(os.path.join(SHARED, row["path"]))
        found = list(check_status(row, run))
        if os.path.exists(os.path.join(run.folder, "summary.json")):
            found += check_left(row, run)
        return found
    except (AssertionError, ValueError, OSError) as error:
        return [f"{type(error).__name__}: {error}"]


def main():
    if not os.path.exists(os.path.join(SHARED, "INDEX.tsv")):
        print("skipped: no captures at", SHARED)
        return SKIPPED
    rows = [row for row in index() if len(sys.argv) < 2 or sys.argv[1] in row["path"]]
    rows.sort(key=lambda row: -int(row["size_bytes"])) # the long ones begin first
    failed = 0
    jobs = int(os.environ.get("WEIR_JOBS", "2"))
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for row, found in zip(rows, pool.map(check_file, rows)):
            failed += bool(found)
            for words in found:
                print(f"{row['path']}: {words}")
    if len(rows) > 1 and ALERTS.keys() - NEEDED:
        failed += 1
        print("exceptions that are no longer needed:", sorted(ALERTS.keys() - NEEDED))
    print(f"{len(rows)} captures replayed, {len(NOT_WHOLE)} not whole, {failed} failed")
    return 1 if failed or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
