#!/usr/bin/env python3
"""weir check -i: what passes an interface becomes a configuration that the sensor then takes."""

import os

import weirtest
from livetest import Space, read, require, until, wire
from weirtest import Case, conversation, weir

MODBUS = bytes.fromhex("00010000000601030000000a"), bytes.fromhex("000100000017010314") + bytes(20)


def identified(frames):
    """Each with an identification of its own in its IP header, as a host sends them."""
    for n, frame in enumerate(frames, 2):
        head = frame[14:18] + n.to_bytes(2, "big") + frame[20:24] + b"\0\0" + frame[26:34]
        yield frame[:14] + head[:10] + weirtest.checksum(head).to_bytes(2, "big") + head[12:] + frame[34:]


def roles_users(pid):
    """Whom the processes are that it has made of itself."""
    users = set()
    for child in read(f"/proc/{pid}/task/{pid}/children").split():
        status = read(f"/proc/{child}/status")
        if status.startswith("Name:\texe"): # /proc/self/exe: not its redis-server
            users.add(int(status.partition("\nUid:")[2].split()[0]))
    return users


class Survey:
    """`weir check -i` under way; `frames`, each so many `times`, are sent again and again while it looks."""

    def __init__(self, case, far, tap, name, *words, frames, times=1):
        self.case, self.out, self.frames, self.times, self.at, self.users = case, case.path(name), frames, times, 0, set()
        with open(self.out, "wb") as file, open(self.out + ".err", "wb") as err:
            self.process = tap.start(weirtest.binary(), "check", "-q", "--for", "2s", *words, stdout=file, stderr=err,
                                     env={**os.environ, "TMPDIR": case.home, **weirtest.unnamed_reports()})
        self.end = far.raw(name)
        case.addCleanup(self.end.close)

    def over(self):
        self.users |= roles_users(self.process.pid)
        for _ in range(self.times):
            self.end.send(self.frames[self.at])
        self.at = (self.at + 1) % len(self.frames)
        return self.process.poll() is not None

    def said(self):
        text = read(self.out)
        self.case.assertEqual((self.process.returncode, read(self.out + ".err")), (0, ""), text)
        return text


class CheckLive(Case):
    def proposal(self, text):
        """The proposed configuration, as `weir check` prints what it means."""
        run = weir("check", "-c", self.write("proposed.yaml", text[text.index("networks:"):]))
        self.assertEqual((run.status, run.err), (0, ""), run)
        return run.out

    def test_a_site_and_a_mirror_that_copies(self):
        require(self, "ethtool")
        far, tap = Space(self, "far"), Space(self, "tap")
        for n in range(3):
            wire(far, f"f{n}", tap, f"t{n}", arp=False)
        surveys = self.site(far, tap), self.mirror(far, tap) # side by side: each looks for 2 s
        until("the surveys' end", lambda: all([survey.over() for survey in surveys]), every=0.002)
        self.becomes_a_configuration(surveys[0])
        text = surveys[1].said()
        self.assertIn("one direction of the link is probably missing", text)
        self.assertRegex(text, r"Duplicates  \d\d.*: the mirror takes ports in both directions")
        self.assertEqual([name for name in os.listdir(self.home) if name.startswith("weir-")], [])

    def mirror(self, *spaces):
        """One direction, each frame twice."""
        both = [data for _, data in conversation(0, ("10.7.0.1", 40000), ("198.51.100.9", 443), b"a" * 300_000)]
        one = [frame for frame in both if frame[26:30] == bytes((10, 7, 0, 1))]
        return Survey(self, *spaces, "f2", "-i", "t2", frames=list(identified(one)), times=2)

    def site(self, *spaces):
        frames = []
        for n in range(8):
            frames += [data for _, data in conversation(0, (f"10.7.0.{n + 1}", 40000 + n), ("198.51.100.9", 443),
                                                        b"a" * 200, b"b" * 2000)]
            frames += [data for _, data in conversation(0, (f"10.9.2.{n + 1}", 41000 + n), ("10.9.1.5", 502), *MODBUS)]
        return Survey(self, *spaces, "f0", "-i", "t0", "-i", "t1", frames=frames)

    def becomes_a_configuration(self, survey):
        text = survey.said()
        self.assertRegex(text, r"10\.7\.0\.0/16 .* inside\n")
        self.assertRegex(text, r"198\.51\.0\.0/16 .* outside\n")
        self.assertRegex(text, r"\nt1 +nothing was seen: is it up, and does the mirror send to it\?\n")
        self.assertNotIn("\nt0 ", text)
        self.assertTrue(survey.users - {0}, "who captures stays root")
        said = self.proposal(text)
        self.assertIn('inside: ["10.7.0.0/16", "10.9.0.0/16"]\n', said.replace(
            '["10.9.0.0/16", "10.7.0.0/16"]', '["10.7.0.0/16", "10.9.0.0/16"]'))
        self.assertRegex(text, r"net-10-9-1-0, level: 1, .*# modbus is answered here\n")
        self.assertRegex(text, r"net-10-9-2-0, level: 2, .*# modbus is asked from here\n")
        self.assertRegex(said, r"interfaces: \[.*t0.*t1.*\]")
        zone = os.path.realpath("/etc/localtime").partition("/zoneinfo/")[2]
        self.assertIn(f"timezone: {zone or 'UTC'}   # this machine's", text)

    def test_what_cannot_be_done(self):
        self.assert_fails(2, ("check", "--for", "60s"), "--for needs -i INTERFACE")
        self.assert_fails(2, ("check", "-i", "lo", "--for", "soon"), "--for soon: expected a time as 90s")
        self.assert_fails(2, ("check", "-i", "lo", "x.pcap"), "x.pcap: expected -i or captures, not both")
        self.assert_fails(1, ("check", "-i", "nosuch0"), "nosuch0")


if __name__ == "__main__":
    weirtest.main()
