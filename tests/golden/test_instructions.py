#!/usr/bin/env python3
"""What a packet costs, in instructions, is what tests/bench/instructions.txt says, or less: more than 3 % above it fails,
unless whoever made it dearer writes that down there, too.

Counted is one capture worker from its first packet to its last record (source, decode, flows, content, records), by
callgrind, of bench_steps: optimized and without sanitizers in every preset. Instructions and no seconds: neighbours
change nothing about them. Not counted is what is in libcrypto: valgrind's processor has no instructions for SHA-256,
which would be four in five of all. Nor is the engine in it (tests/bench/packets measures all of `weir replay`).

    tests/golden/test_instructions.py --record      writes the figures of this build

Environment: WEIR_BUILD (the build folder). Exit status 77: skipped, since this is another compiler or kind of
processor than the figures are of (the C library picks its functions by it), or there is no valgrind.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ.get("WEIR_SOURCE") or pathlib.Path(__file__).resolve().parents[2])
RECORD = SOURCE / "tests" / "bench" / "instructions.txt"
sys.path.insert(0, str(SOURCE / "tests" / "bench"))
import callgrind # pylint: disable=wrong-import-position

PROGRAMS = pathlib.Path(os.environ.get("WEIR_BUILD") or SOURCE / "build" / "asan") / "tests"
TRACES = {"bulk": ".005", "small": ".0015"} # 60,000 and 51,000 packets
MORE = 1.03
THREAD = "capture_thread" # what it does and calls is counted


def output(*words, **how):
    ran = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False, **how)
    if ran.returncode != 0:
        raise AssertionError(f"{words}: status {ran.returncode}\n{ran.stderr[-2000:]}")
    return ran.stdout


def machine():
    """What the figures depend on beside the source."""
    cache = (PROGRAMS.parent / "CMakeCache.txt").read_text("utf-8")
    told = output(re.search(r"^CMAKE_C_COMPILER:[A-Z]+=(.*)$", cache, re.M).group(1), "--version").splitlines()[0]
    compiler = "clang" if "clang" in told else "gcc " + told.split()[-1]
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        text = file.read()
    return f"{compiler}, {os.uname().machine}{' avx2' if ' avx2 ' in text else ''}"


def counted(kind, folder):
    """Instructions a packet."""
    trace = os.path.join(folder, kind)
    output(PROGRAMS / "bench_trace", kind, "--scale", TRACES[kind], trace)
    told = os.path.join(folder, "callgrind.out")
    out = output("valgrind", *callgrind.OPTIONS, "--collect-atstart=no", f"--toggle-collect={THREAD}",
                 f"--callgrind-out-file={told}", PROGRAMS / "bench_steps", trace, env={"PATH": "/usr/bin:/bin"})
    packets = int(out.split()[0])
    places = callgrind.by_place(pathlib.Path(told).read_text("utf-8", "replace"))
    instructions = sum(count for (_, library), count in places.items() if "libcrypto" not in library)
    if instructions < packets * 100:
        raise AssertionError(f"nothing was counted; is the thread's function still {THREAD}?")
    return instructions / packets


def recorded():
    """The machine and kind → instructions a packet."""
    lines = [line.split("#")[0].strip() for line in RECORD.read_text("utf-8").splitlines()]
    rows = dict(line.split(": ", 1) for line in lines if line)
    return rows.pop("machine"), {kind: float(row) for kind, row in rows.items()}


def dearer(found, figures):
    return [kind for kind, now in found.items() if now > figures[kind] * MORE]


def record():
    head = [line for line in RECORD.read_text("utf-8").splitlines() if line.startswith("#")]
    with tempfile.TemporaryDirectory() as folder:
        rows = [f"machine: {machine()}"] + [f"{kind}: {counted(kind, folder):.1f}" for kind in TRACES]
    RECORD.write_text("\n".join(head + rows) + "\n", "utf-8")
    print("\n".join(rows))


class Instructions(unittest.TestCase):
    def test_what_is_dearer(self):
        figures = {"bulk": 1000, "small": 1000}
        self.assertEqual(dearer({"bulk": 1031, "small": 900}, figures), ["bulk"])
        self.assertEqual(dearer({"bulk": 1029, "small": 1000}, figures), [])

    def test_a_packet_costs_no_more(self):
        _, figures = recorded()
        self.assertEqual(set(figures), set(TRACES))
        with tempfile.TemporaryDirectory() as folder:
            found = {kind: counted(kind, folder) for kind in TRACES}
        for kind, now in found.items():
            print(f"{kind}: {now:.1f} instructions a packet, recorded {figures[kind]:.1f} ({now / figures[kind] - 1:+.1%})")
        self.assertEqual(dearer(found, figures), [],
                         f"see {RECORD.relative_to(SOURCE)}: what costs more is written down there (--record)")


if __name__ == "__main__":
    if not shutil.which("valgrind"):
        print("skipped: no valgrind")
        sys.exit(77)
    if "--record" in sys.argv[1:]:
        record()
        sys.exit(0)
    if machine() != recorded()[0]:
        print(f"skipped: recorded with {recorded()[0]}, this is {machine()}")
        sys.exit(77)
    unittest.main(verbosity=2)
