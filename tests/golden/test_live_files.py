#!/usr/bin/env python3
"""Known contents, carried by real programs: FTP, SMB, TFTP and HTTP between two namespaces, written down
by tcpdump. Each of them sends files with a known number of distinct e-mail addresses out, and fetches
others. What left must be counted exactly below 1,000, within 2.5 % above; what came in, never.

Each capture is replayed as it was, with neighbouring segments of a flow exchanged, and with segments that
were lost before the tap and come again later. The segments are what the programs and the wire's MTU make
of it."""

import os
import random
import struct

import weirtest
from livetest import CLIENT, SERVER, Space, Tcpdump, address, require, until, wire
from weirtest import Case

EXACT_BELOW, ERROR = 1000, 0.025
FIN, SYN, RST = 1, 2, 4
US = 1_000_000


# --- what is sent --------------------------------------------------------------------------------


def addresses(name, count):
    """A text with so many distinct addresses, each twice, and what is none between them."""
    lines = [f"{number};{name}{number % count}@example.com;@ a@b user@localhost\n"
             for number in range(2 * count)]
    return "".join(lines).encode()


# --- captures ------------------------------------------------------------------------------------


class Frame:
    """One of a capture: TCP over IPv4 over Ethernet, else only its bytes."""

    def __init__(self, time_us, data):
        self.time_us, self.data, self.flow, self.payload, self.flags = time_us, data, None, 0, 0
        if data[12:14] != b"\x08\x00" or data[23] != 6:
            return
        head = 14 + 4 * (data[14] & 15)
        size, = struct.unpack_from("!H", data, 16)
        self.flow = data[26:34] + data[head:head + 4]
        self.flags = data[head + 13]
        self.payload = size - (head - 14) - 4 * (data[head + 12] >> 4)

    def answers(self, other):
        mine, its = self.flow, other.flow
        return mine == its[4:8] + its[0:4] + its[10:12] + its[8:10]

    def is_plain_data(self):
        return self.flow and self.payload > 0 and not self.flags & (FIN | SYN | RST)


def read_capture(path):
    with open(path, "rb") as file:
        data = file.read()
    frames, at = [], 24
    while at + 16 <= len(data):
        seconds, micros, kept, _ = struct.unpack_from("<IIII", data, at)
        frames.append(Frame(seconds * US + micros, data[at + 16:at + 16 + kept]))
        at += 16 + kept
    return frames


def write_capture(path, frames):
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        now = 0
        for frame in frames:
            now = max(now, frame.time_us)
            file.write(struct.pack("<IIII", now // US, now % US, len(frame.data), len(frame.data)))
            file.write(frame.data)
    return path


def reordered(frames, chance):
    """Neighbours of one flow and direction, less than 1 ms apart, change places."""
    frames, changes, at = list(frames), 0, 0
    while at + 1 < len(frames):
        one, other = frames[at], frames[at + 1]
        if (one.is_plain_data() and other.is_plain_data() and one.flow == other.flow and
                other.time_us - one.time_us < 1000 and chance.random() < 0.3):
            frames[at], frames[at + 1] = other, one
            changes, at = changes + 1, at + 1
        at += 1
    return frames, changes


def repaired(frames, chance):
    """One segment in a thousand (one at least) was lost before the tap, and comes again behind up to 40
    later ones. Its receiver had acknowledged none of them: such packets are left out."""
    candidates = [at for at, frame in enumerate(frames)
                  if frame.is_plain_data() and at > len(frames) // 4]
    lost = sorted(chance.sample(candidates, max(1, len(candidates) // 1000)), reverse=True) \
        if candidates else []
    frames, moved = list(frames), 0
    for at in lost:
        one, behind, left_out = frames[at], at, []
        for place in range(at + 1, min(len(frames), at + 80)):
            other = frames[place]
            if not other.flow:
                continue
            if other.answers(one):
                if other.payload or other.flags & (FIN | SYN | RST):
                    break
                left_out.append(place)
            elif other.flow == one.flow:
                if not other.is_plain_data():
                    break
                behind = place
        if behind > at:
            frames.insert(behind + 1, one)
            for place in reversed([at] + [place for place in left_out if place <= behind]):
                del frames[place]
            moved += 1
    return frames, moved


# --- the stage -----------------------------------------------------------------------------------


class Content(Case):
    def setUp(self):
        super().setUp()
        require(self, "ethtool", "tcpdump", "curl", "vsftpd", "smbd", "smbclient", "in.tftpd", "tftp")
        os.chmod(self.home, 0o755)
        self.client, self.server = Space(self, "client"), Space(self, "server")
        wire(self.client, "c0", self.server, "s0")
        address(self.client, "c0", CLIENT, SERVER)
        address(self.server, "s0", SERVER, CLIENT)
        self.folder("in", 0o777)
        self.folder("down", 0o755)

    def folder(self, name, mode):
        os.makedirs(self.path(name), exist_ok=True)
        os.chmod(self.path(name), mode)
        return self.path(name)

    def serve(self, port, *words, udp=False):
        """A server in its space, once it listens; it ends with the space."""
        process = self.server.start(*words)
        listing = ["ss", "-Hln" + ("u" if udp else "t"), f"sport = :{port}"]
        until(f"{words[0]} listens", lambda: process.poll() is not None or self.server.run(*listing))
        self.assertIsNone(process.poll(), f"{words} ended")

    def record(self, *transfers):
        """A capture of these, each a program's words."""
        dump = Tcpdump(self, self.client, "c0")
        for words in transfers:
            self.client.run(*words)
        self.client.run("sleep", "0.3")
        return dump.stop()

    def assert_told(self, path, count, services):
        frames, chance = read_capture(path), random.Random(5)
        again, moved = repaired(frames, chance)
        swapped, changes = reordered(frames, chance)
        if "tftp" not in services: # which sends a block at a time
            self.assertGreater(changes + moved, 0)
        ways = {"as it was": path,
                f"{changes} exchanged": write_capture(self.path("swapped.pcap"), swapped),
                f"{moved} lost and sent again": write_capture(self.path("again.pcap"), again)}
        for way, variant in ways.items():
            with self.subTest(way=way):
                run = self.replay("--flows", variant)
                # What a server fetches from a client that listens (active FTP) is an incident of its own.
                incidents = run.summary()["incidents"]
                told = sum(incident["email_addresses"] for incident in incidents)
                self.assertLessEqual({incident["host"] for incident in incidents}, {CLIENT})
                self.assertLessEqual(abs(told - count), ERROR * count if count >= EXACT_BELOW else 0, told)
                self.assertLessEqual(set(services), {flow.get("service") for flow in run.flows()})


class Files(Content):
    def test_ftp(self):
        root = self.folder("ftp", 0o755)
        os.makedirs(os.path.join(root, "in"))
        os.chmod(os.path.join(root, "in"), 0o777)
        with open(os.path.join(root, "down.txt"), "wb") as file:
            file.write(addresses("down", 700))
        config = self.write("vsftpd.conf", f"""
listen=YES
background=NO
anonymous_enable=YES
anon_upload_enable=YES
write_enable=YES
anon_umask=022
anon_root={root}
secure_chroot_dir={self.folder("empty", 0o755)}
seccomp_sandbox=NO
xferlog_enable=NO
connect_from_port_20=YES
""")
        self.serve(21, "vsftpd", config)
        one = self.write("one.txt", addresses("one", 400))
        other = self.write("two.txt", addresses("two", 500))
        url = f"ftp://{SERVER}/"
        path = self.record(["curl", "-sS", "-T", one, url + "in/one.txt"],
                           ["curl", "-sS", "-P", CLIENT, "-T", other, url + "in/two.txt"],
                           ["curl", "-sS", "-o", self.path("got"), url + "down.txt"],
                           ["curl", "-sS", "-P", CLIENT, "-o", self.path("got"), url + "down.txt"])
        self.assert_told(path, 900, ("ftp", "ftp-data"))

    def smbd(self):
        state = self.folder("smb", 0o755)
        places = "".join(f"{name} = {state}\n" for name in (
            "lock directory", "state directory", "cache directory", "pid directory", "private dir",
            "ncalrpc dir"))
        config = self.write("smb.conf", f"""[global]
server role = standalone
map to guest = Bad User
log file = {state}/log
smb ports = 445
disable spoolss = yes
server min protocol = NT1
client min protocol = NT1
{places}[share]
path = {self.path("in")}
read only = no
guest ok = yes
""")
        self.serve(445, "smbd", "-F", "-s", config)
        return config

    def test_smb(self):
        config = self.smbd()
        with open(self.path("in", "down.txt"), "wb") as file:
            file.write(addresses("down", 700))
        os.chmod(self.path("in", "down.txt"), 0o644)
        one = self.write("one.txt", addresses("one", 1500))
        other = self.write("two.txt", addresses("two", 700))
        for protocol, count in (("SMB3_11", 700), ("NT1", 2200)):
            sent = [other] if count == 700 else [one, other]
            words = "; ".join([f"put {path} up{n}" for n, path in enumerate(sent)] +
                              [f"get down.txt {self.path('got')}"])
            path = self.record(["smbclient", f"//{SERVER}/share", "-N", "-m", protocol, "-s", config,
                                "-c", words])
            with self.subTest(protocol=protocol):
                self.assert_told(path, count, ("smb",))

    def test_tftp(self):
        self.serve(69, "in.tftpd", "-L", "-c", "-p", "-s", "-u", "nobody", "-a", f"{SERVER}:69",
                   self.path("in"), udp=True)
        with open(self.path("in", "down.txt"), "wb") as file:
            file.write(addresses("down", 700))
        os.chmod(self.path("in", "down.txt"), 0o644)
        one = self.write("one.txt", addresses("one", 600))
        path = self.record(["tftp", "-m", "binary", SERVER, "-c", "put", one, "up.txt"],
                           ["tftp", "-m", "binary", SERVER, "-c", "get", "down.txt", self.path("got")])
        self.assertEqual(os.path.getsize(self.path("in", "up.txt")), os.path.getsize(one))
        self.assert_told(path, 600, ("tftp",))

    def test_only_fetched(self):
        config = self.smbd()
        with open(self.path("in", "down.txt"), "wb") as file:
            file.write(addresses("down", 2000))
        os.chmod(self.path("in", "down.txt"), 0o644)
        path = self.record(["smbclient", f"//{SERVER}/share", "-N", "-s", config,
                            "-c", f"get down.txt {self.path('got')}"])
        self.assertEqual(os.path.getsize(self.path("got")), len(addresses("down", 2000)))
        self.assert_told(path, 0, ("smb",))


class Web(Content):
    def test_upload(self):
        self.server.part("web", 80)
        one = self.write("one.txt", addresses("one", 950))
        path = self.record(["curl", "-sS", "--data-binary", "@" + one, f"http://{SERVER}/up"],
                           ["curl", "-sS", "-o", self.path("got"), f"http://{SERVER}/200000"])
        self.assert_told(path, 950, ("http",))


if __name__ == "__main__":
    weirtest.main()
