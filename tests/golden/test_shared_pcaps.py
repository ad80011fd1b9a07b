#!/usr/bin/env python3
"""Every capture of the shared folder through the whole program.

Of each: no crash and no sanitizer report; exit status 0, or 3 with one line that says why (the list
DAMAGED holds which); alerts and flows are JSON lines; the packets counted are those of INDEX.tsv; and no
alert where INDEX.tsv expects none. All violations are listed, not just the first.

Environment: WEIR_JOBS (how many at a time, 2), WEIR_TEST_PCAPS. 77: there are no captures here."""

import concurrent.futures
import csv
import os
import shutil
import sys
import tempfile

import weirtest
from weirtest import SHARED, SKIPPED, complaint, replay

# Files that cannot be read, or not to their end → words of the reason that is given.
DAMAGED = {}

# (file, rule) → why an alert is right where INDEX.tsv expects none.
ALERTS = {}


def index():
    with open(os.path.join(SHARED, "INDEX.tsv"), encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def check_status(row, run):
    name = row["path"]
    if name in DAMAGED:
        if run.status != 3 or DAMAGED[name] not in complaint(run):
            yield f"expected status 3 and \"{DAMAGED[name]}\", got {run.status}: {run.err.strip()}"
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
        if row["expected"].find("NO ") >= 0 and (row["path"], rule) not in ALERTS:
            yield (f"alert where none is expected ({row['expected']}): {alert['@timestamp']} {rule} "
                   f"{alert['weir']['score']}: {alert['weir']['reasons'][0]['text']}")


def check_file(row):
    folder = tempfile.mkdtemp(prefix="weir-test-")
    try:
        run = replay(os.path.join(folder, "out"), "--flows", os.path.join(SHARED, row["path"]))
        found = list(check_status(row, run))
        if os.path.exists(os.path.join(run.folder, "summary.json")):
            found += check_left(row, run)
        return found
    except (AssertionError, ValueError, OSError) as error:
        return [f"{type(error).__name__}: {error}"]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


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
    print(f"{len(rows)} captures replayed, {len(DAMAGED)} known to be damaged, {failed} failed")
    return 1 if failed or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
