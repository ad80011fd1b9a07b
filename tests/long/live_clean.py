#!/usr/bin/env python3
"""Stage of tests/run --long: `weir run --workers 0` (all in one process, without walls) under the thread
sanitizer and under valgrind, through start, traffic, a reload and stop: nothing said, nothing lost.

    live_clean.py         builds build/tsan and build/dev when they are not there
"""

import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden"))

import weirtest # noqa: E402
from livetest import SERVER, Space, address, read, require, until, wire # noqa: E402

os.environ.setdefault("WEIR_BINARY", os.path.join(weirtest.SOURCE, "build", "dev", "weir"))
SUPPRESSIONS = os.path.join(weirtest.SOURCE, "tests", "lint", "valgrind.supp")


def built(preset):
    for words in (["cmake", "--preset", preset], ["cmake", "--build", f"build/{preset}", "--target", "weir"]):
        subprocess.run(words, cwd=weirtest.SOURCE, check=True, stdout=subprocess.DEVNULL)
    return os.path.join(weirtest.SOURCE, "build", preset, "weir")


class Clean(weirtest.Case):
    def watch(self, *program, slow=1, env=None):
        require(self, "ethtool")
        client, server = Space(self, "client"), Space(self, "server")
        wire(client, "c0", server, "s0")
        address(client, "c0", "10.1.0.1", SERVER)
        address(server, "s0", SERVER, "10.1.0.1")
        server.part("web", "80")
        state, log = self.path("state"), self.path("log")
        settings = self.write("weir.yaml", "detection: {learn_days: 7}\n")
        with open(log, "wb") as file:
            process = server.start(*program, "run", "-c", settings, "-i", "s0", "--workers", "0", "--set",
                                   f"sensor.state_dir={state}", "--inside", "10.0.0.0/8", stderr=file,
                                   env={**os.environ, **(env or {})})
        until(lambda: f"a checkpoint\n{read(log)}",
              lambda: os.path.exists(os.path.join(state, "checkpoint.snapshot")), 60)
        time.sleep(3 * slow)
        stream = client.part("stream", "10.1.0.1", SERVER, "80", 200_000, 12 * slow)
        time.sleep(2 * slow)
        self.write("weir.yaml", "detection: {learn_days: 9}\n")
        process.send_signal(signal.SIGHUP)
        until(lambda: f"the reload\n{read(log)}", lambda: "reloaded" in read(log), 60)
        self.assertEqual(stream.wait(120), 0)
        time.sleep(2 * slow)
        process.send_signal(signal.SIGTERM)
        status, said = process.wait(60), read(log)
        self.assertEqual(status, 0, said)
        self.assertEqual([line for line in said.splitlines() if "reloaded" not in line], [], said)

    def test_threads(self):
        self.watch(built("tsan"), env={"TSAN_OPTIONS": "exitcode=66"})

    def test_memory(self):
        require(self, "valgrind")
        self.watch("valgrind", "-q", "--error-exitcode=9", "--leak-check=full", "--errors-for-leak-kinds=definite",
                   f"--suppressions={SUPPRESSIONS}", built("dev"), slow=2)


if __name__ == "__main__":
    weirtest.main()
