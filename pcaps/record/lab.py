"""Where the small captures are recorded: two network namespaces and a wire between them, as the live tests
have them (tests/golden/livetest.py), real programs at both ends, and tcpdump at the near one.

Nothing is sent on and nothing is seen of the machine's own interfaces. What tcpdump writes is kept as it is:
no packet is changed, left out or given another time. Standard library only."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tests", "golden"))

from livetest import Space, require, until, wire # noqa: E402

PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable # Debian's has Debian's modules
TAP = ("tcpdump", "-n", "-U", "-s", "0", "--immediate-mode", "-Z", "root")


class Missing(Exception):
    """A program or a right that a scene needs is not here."""


def can(scene):
    """Raises Missing, with the reason."""
    try:
        require(unittest.TestCase(), "tcpdump", "ethtool", "unshare", *scene.programs)
    except unittest.SkipTest as reason:
        raise Missing(str(reason)) from None
    for name in scene.names: # versions of a package have others
        module, _, of_it = name.rpartition(".")
        if subprocess.run([PYTHON, "-c", f"from {module} import {of_it}"], capture_output=True, check=False).returncode:
            raise Missing(f"{PYTHON} has no {name}")


def remove_if_empty(folder):
    with contextlib.suppress(OSError): # another lab's is in it, or removed it
        os.rmdir(folder)


class End(Space):
    """One end of the wire: a namespace with a host's name of its own, as nothing of the machine's is to be
    in a capture."""

    def __init__(self, lab, host):
        self.host = host
        super().__init__(lab, host)

    def start(self, *words, **given):
        named = ("unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"', self.host)
        return super().start(*named, *words, **given)


class Lab(contextlib.ExitStack):
    """`with Lab(near, far) as lab:` the addresses of both ends. lab.taken is what its tap has left."""

    def __init__(self, near, far):
        super().__init__()
        self.addCleanup = self.callback # what Space asks of a test
        self.home = tempfile.mkdtemp(prefix="weir-record-")
        os.chmod(self.home, 0o755)
        self.callback(shutil.rmtree, self.home, ignore_errors=True)
        self.taken = None
        try:
            self.join(near, far)
        except BaseException: # nobody calls __exit__ of what was never entered
            self.close()
            raise

    def join(self, near, far):
        self.near, self.far = End(self, "inside"), End(self, "outside")
        wire(self.near, "w0", self.far, "w1")
        for space, name, own, others in ((self.near, "w0", near, far), (self.far, "w1", far, near)):
            for one in own:
                space.ip("addr", "add", one + "/32", "dev", name)
            for one in others:
                space.ip("route", "add", one, "dev", name, "src", own[0])

    # --- files ---

    def path(self, *names):
        return os.path.join(self.home, *names)

    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
        return self.path(name)

    def folder(self, name, mode=0o777):
        os.makedirs(self.path(name), exist_ok=True)
        os.chmod(self.path(name), mode)
        return self.path(name)

    # --- programs ---

    def serve(self, space, port, *words, kind="t", **given):
        """A server, once it listens: as the kernel's table says, so that nobody has to call it."""
        with open(self.path("log"), "ab") as log:
            process = space.start(*words, stdout=log, stderr=log, **given)
        listing = ["ss", "-Hln" + kind, f"sport = :{port}"]
        until(f"{words[0]} listens", lambda: process.poll() is not None or space.run(*listing), 20)
        if process.poll() is not None:
            with open(self.path("log"), encoding="utf-8", errors="replace") as log:
                raise AssertionError(f"{words} ended: {process.returncode}\n{log.read()[-2000:]}")
        return process

    def until(self, what, check):
        return until(what, check, 30)

    def resolver(self, space, address):
        """`address` is whom this space's programs ask for names: ip(8) binds such files over /etc."""
        folder = f"/etc/netns/{space.name}"
        if not os.path.isdir(os.path.dirname(folder)):
            self.callback(remove_if_empty, os.path.dirname(folder))
        os.makedirs(folder)
        self.callback(shutil.rmtree, folder)
        with open(os.path.join(folder, "resolv.conf"), "w", encoding="ascii") as file:
            file.write(f"nameserver {address}\n")

    def part(self, space, *words, **given):
        """A part of ours (parts.py) that ends by itself."""
        return space.run(PYTHON, os.path.join(HERE, "parts.py"), *words, **given)

    # --- the tap ---

    @contextlib.contextmanager
    def tap(self, *words):
        """What passes the near end meanwhile; `words` are tcpdump's. All of it: it ends when everything that
        was sent has been written."""
        taken = self.path("taken.pcap")
        tap = self.near.start(*TAP, "-i", "w0", "-w", taken, *words, stderr=subprocess.PIPE)
        if b"listening on" not in tap.stderr.readline():
            raise AssertionError("tcpdump does not listen")
        yield
        self.near.run("sleep", "0.3") # the last segment's acknowledgement
        tap.send_signal(signal.SIGINT)
        _, said = tap.communicate(timeout=20)
        if b"\n0 packets dropped by kernel" not in said:
            raise AssertionError(f"tcpdump lost some: {said}")
        self.taken = taken
