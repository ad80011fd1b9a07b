#!/usr/bin/env python3
"""Content truth: real programs send known numbers of addresses, cards and accounts through real
servers, in network namespaces; tcpdump keeps what was on the wire; Weir must count every item that
left exactly, and none that came in. Once with the client inside (uploads leave), once with the servers
inside (what they serve leaves): one capture, both directions.

Then the same capture as a worse wire would have shown it: neighbouring segments in the wrong order, and
one data segment in a thousand lost before the tap and sent again behind its successors.

nginx and curl (plain, gzip, multipart), OpenSMTPD (attachments in base64), vsftpd (passive, active),
Samba and smbclient, tftpd-hpa and tftp-hpa."""

import base64
import contextlib
import email.message
import gzip
import os
import random
import shutil
import smtplib
import socket
import struct

import livetest
import weirtest
from livetest import CLIENT, SERVER, Space, Tcpdump, address, require, until, wire
from weirtest import Case

UP = ("post", "gzippost", "multipart", "mail", "passive", "active", "share", "trivial")
DOWN = ("get", "gzipget", "passiveget", "activeget", "shareget", "trivialget")
ADDRESSES, CARDS, ACCOUNTS = 300, 12, 7  # of each way


def luhn(number):
    """`number` with its check digit."""
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return number + str(-total % 10)


def iban(country, account):
    letters = "".join(str(int(c, 36)) for c in account + country + "00")
    return f"{country}{98 - int(letters) % 97:02d}{account}"


def text_of(way):
    """What is sent by this way: items of its own, among lines that hold none."""
    chance, seed = random.Random(way), (UP + DOWN).index(way)
    lines = [f"user{n:04d}@example-{way}.jp" for n in range(ADDRESSES)]
    lines += [luhn(f"4{seed:05d}{n:09d}") for n in range(CARDS)]
    lines += [iban("DE", f"{seed:08d}{n:010d}") for n in range(ACCOUNTS)]
    chance.shuffle(lines)
    out = []
    for number, line in enumerate(lines):
        out.append(f"record {number}; owner {line}; note {'lorem ipsum ' * chance.randrange(12)}")
    return ("\r\n".join(out) + "\r\n").encode()


# --- a worse wire --------------------------------------------------------------------------------


class Packets:
    """A capture as a list of [time in microseconds, frame]."""

    def __init__(self, path):
        with open(path, "rb") as file:
            data = file.read()
        self.head, self.list, at = data[:24], [], 24
        while at + 16 <= len(data):
            second, micro, kept, size = struct.unpack_from("<IIII", data, at)
            assert kept == size, "tcpdump -s 0"
            self.list.append([second * 1_000_000 + micro, data[at + 16:at + 16 + kept]])
            at += 16 + kept

    def write(self, path):
        with open(path, "wb") as file:
            file.write(self.head)
            for time, frame in self.list:
                file.write(struct.pack("<IIII", time // 1_000_000, time % 1_000_000, len(frame),
                                       len(frame)) + frame)


def segment(frame):
    """(addresses and ports, sequence number, payload size, offset of the TCP header); None: no TCP."""
    if frame[12:14] != b"\x08\x00" or frame[23] != 6:
        return None
    ip, tcp = 14, 14 + (frame[14] & 15) * 4
    size = struct.unpack_from("!H", frame, ip + 2)[0] - (tcp - ip) - (frame[tcp + 12] >> 4) * 4
    seq, = struct.unpack_from("!I", frame, tcp + 4)
    return (frame[26:34], frame[tcp:tcp + 4]), seq, size, tcp


def turned(key):
    addresses, ports = key
    return addresses[4:] + addresses[:4], ports[2:] + ports[:2]


def reordered(packets):
    """Neighbours of one direction change places, one pair in twenty; times stay where they were."""
    chance, place, swapped = random.Random(1), 0, 0
    while place + 1 < len(packets.list):
        one, two = (segment(packets.list[place + i][1]) for i in (0, 1))
        if one and two and one[0] == two[0] and one[2] and two[2] and chance.random() < 0.05:
            first, second = packets.list[place], packets.list[place + 1]
            first[1], second[1] = second[1], first[1]
            swapped += 1
            place += 1
        place += 1
    return swapped


def repaired(packets, share):
    """Data segments that were lost before the tap: each comes again behind up to sixty successors of
    its stream, and until then its receiver acknowledges nothing behind the hole."""
    chance, lost = random.Random(2), 0
    place = 0
    while place < len(packets.list):
        mine = segment(packets.list[place][1])
        if mine and mine[2] > 100 and chance.random() < share:
            lost += delay(packets.list, place, mine, chance.randrange(1, 60))
        place += 1
    return lost


def delay(packets, place, mine, behind):
    """Moves the packet behind so many of its stream's; 0: its stream has no others."""
    key, seq = mine[:2]
    passed, at = 0, place + 1
    while at < len(packets) and passed < behind:
        other = segment(packets[at][1])
        if other and other[0] == key:
            if packets[at][1][other[3] + 13] & 0x05: # FIN, RST: not past the end
                break
            passed += other[2] > 0
        at += 1
    if passed == 0:
        return 0
    for n in range(place + 1, at):
        clamp(packets, n, turned(key), seq)
    time = packets[at - 1][0]
    packets.insert(at, [time, packets[place][1]])
    del packets[place]
    return 1


def clamp(packets, place, key, seq):
    """An acknowledgement of what has not come yet says `seq` instead."""
    other = segment(packets[place][1])
    if not other or other[0] != key:
        return
    at = other[3] + 8
    ack, = struct.unpack_from("!I", packets[place][1], at)
    if (ack - seq) % 2**32 < 2**31:
        frame = bytearray(packets[place][1])
        struct.pack_into("!I", frame, at, seq)
        packets[place][1] = bytes(frame)


# --- servers and clients -------------------------------------------------------------------------


class Content(Case):
    def setUp(self):
        super().setUp()
        require(self, "ethtool", "tcpdump", "curl", "nginx", "smtpd", "vsftpd", "smbd", "smbclient",
                "in.tftpd", "tftp")
        os.chmod(self.home, 0o755)
        self.client, self.server = Space(self, "client"), Space(self, "server")
        wire(self.client, "c0", self.server, "s0")
        address(self.client, "c0", CLIENT, SERVER)
        address(self.server, "s0", SERVER, CLIENT)
        for way in UP + DOWN:
            self.write(f"{way}.txt", text_of(way))
        self.served = self.folder("served")
        for way in DOWN:
            shutil.copy(self.path(f"{way}.txt"), os.path.join(self.served, f"{way}.txt"))

    def folder(self, name):
        path = self.path(name)
        os.makedirs(path, exist_ok=True)
        os.chmod(path, 0o777)
        return path

    def listens(self, port):
        def check():
            with contextlib.suppress(OSError), self.client, socket.socket() as probe:
                probe.settimeout(1)
                probe.connect((SERVER, port))
                return True
            return False
        until(f"somebody at port {port}", check)

    def nginx(self):
        self.write("nginx.conf", f"""
daemon off; pid {self.path('nginx.pid')}; error_log /dev/null; user root;
events {{ worker_connections 64; }}
http {{
  access_log off; client_max_body_size 64m;
  client_body_temp_path {self.folder('body')}; proxy_temp_path {self.folder('proxy')};
  fastcgi_temp_path {self.folder('fast')}; uwsgi_temp_path {self.folder('uwsgi')};
  scgi_temp_path {self.folder('scgi')};
  server {{
    listen {SERVER}:80;
    location / {{ root {self.served}; default_type text/plain; }}
    location /packed/ {{ alias {self.served}/; default_type text/plain;
      gzip on; gzip_types text/plain; gzip_min_length 1; }}
    location /up/ {{ proxy_pass http://{SERVER}:8080; }}
  }}
  server {{ listen {SERVER}:8080; location / {{ return 204; }} }}
}}""".encode())
        self.server.start("nginx", "-c", self.path("nginx.conf"), "-p", self.home)
        self.listens(80)

    def vsftpd(self):
        root = self.folder("ftp")
        os.chmod(root, 0o755) # it refuses a writable root
        self.folder("ftp/up")
        for way in ("passiveget", "activeget"):
            shutil.copy(self.path(f"{way}.txt"), os.path.join(root, f"{way}.txt"))
        self.write("vsftpd.conf", f"""listen=YES
listen_address={SERVER}
background=NO
anonymous_enable=YES
local_enable=NO
write_enable=YES
anon_upload_enable=YES
anon_root={root}
no_anon_password=YES
seccomp_sandbox=NO
secure_chroot_dir={self.folder('empty')}
""".encode())
        os.chmod(self.path("empty"), 0o555)
        self.server.start("vsftpd", self.path("vsftpd.conf"))
        self.listens(21)

    def smbd(self):
        share = self.folder("share")
        shutil.copy(self.path("shareget.txt"), os.path.join(share, "shareget.txt"))
        folder = self.folder("samba")
        os.chmod(folder, 0o755)
        lines = "\n".join(f"{key} = {folder}" for key in (
            "lock directory", "state directory", "cache directory", "pid directory", "private dir",
            "ncalrpc dir"))
        self.write("smb.conf", f"""[global]
{lines}
interfaces = {SERVER}
bind interfaces only = yes
smb ports = 445
map to guest = Bad User
guest account = nobody
server min protocol = SMB2
server smb encrypt = off
disable spoolss = yes
load printers = no
[share]
path = {share}
read only = no
guest ok = yes
""".encode())
        self.server.start("smbd", "-F", "--no-process-group", "-s", self.path("smb.conf"), "-l", folder)
        self.listens(445)

    def smtpd(self):
        self.write("smtpd.conf", f"""listen on {SERVER} port 25 hostname mail.example.jp
action "take" mda "cat >/dev/null" virtual {{ "@" = nobody }}
match from any for domain "example.jp" action "take"
""".encode())
        self.server.start("smtpd", "-d", "-f", self.path("smtpd.conf"))
        self.listens(25)

    def tftpd(self):
        folder = self.folder("trivial")
        shutil.copy(self.path("trivialget.txt"), os.path.join(folder, "trivialget.txt"))
        self.server.start("in.tftpd", "-L", "-s", "-c", "-p", "--address", f"{SERVER}:69", folder)

    def curl(self, *words):
        self.client.run("curl", "-sSf", "--max-time", "30", "-o", "/dev/null", *words)

    def web_talk(self):
        self.curl("--data-binary", f"@{self.path('post.txt')}", f"http://{SERVER}/up/a")
        self.write("packed", gzip.compress(text_of("gzippost")))
        self.curl("--data-binary", f"@{self.path('packed')}", "-H", "Content-Encoding: gzip",
                  f"http://{SERVER}/up/b")
        self.curl("-F", f"file=@{self.path('multipart.txt')}", f"http://{SERVER}/up/c")
        self.curl(f"http://{SERVER}/get.txt")
        self.curl("--compressed", f"http://{SERVER}/packed/gzipget.txt")

    def mail_talk(self):
        message = email.message.EmailMessage()
        message["Subject"], message["From"], message["To"] = "list", "one@example.jp", "two@example.jp"
        message.set_content("attached")
        message.add_attachment(text_of("mail"), maintype="application", subtype="octet-stream",
                               filename="list.bin")
        assert base64.b64encode(text_of("mail"))[:60] in message.as_bytes()
        with self.client, smtplib.SMTP(SERVER, 25, timeout=30) as server:
            server.send_message(message)

    def file_talk(self):
        self.curl("-T", self.path("passive.txt"), f"ftp://{SERVER}/up/passive.txt")
        self.curl("-P", "-", "-T", self.path("active.txt"), f"ftp://{SERVER}/up/active.txt")
        self.curl(f"ftp://{SERVER}/passiveget.txt")
        self.curl("-P", "-", f"ftp://{SERVER}/activeget.txt")
        self.client.run("smbclient", f"//{SERVER}/share", "-N", "-c",
                        f"put {self.path('share.txt')} share.txt; get shareget.txt {self.path('got')}")
        for words in (("put", self.path("trivial.txt"), "trivial.txt"),
                      ("get", "trivialget.txt", self.path("got2"))):
            self.client.run("tftp", SERVER, "-m", "binary", "-c", *words)

    # --- what Weir makes of it ------------------------------------------------------------------

    def record(self):
        for start in (self.nginx, self.vsftpd, self.smbd, self.smtpd, self.tftpd):
            start()
        dump = Tcpdump(self, self.client, "c0")
        self.web_talk()
        self.mail_talk()
        self.file_talk()
        return dump.stop()

    def content(self, capture, inside, host, out):
        run = weirtest.replay(self.path(out), "--inside", inside, "--flows", capture)
        self.assertEqual(run.status, 0, run)
        hosts = run.summary()["content_by_host"]
        self.assertEqual([one["host"] for one in hosts], [host])
        return hosts[0]["content"]

    def check(self, capture, name):
        for ways, inside, host in ((UP, "10.1.0.0/16", CLIENT), (DOWN, "198.51.100.0/24", SERVER)):
            found = self.content(capture, inside, host, f"{name}-{host}")
            labels = found["email_addresses"]["labels"]
            want = {f"example-{way}.jp": ADDRESSES for way in ways}
            self.assertEqual({key: labels.get(key) for key in want}, want, (name, host))
            self.assertEqual(found["payment_cards"]["value"], CARDS * len(ways), (name, host))
            self.assertEqual(found["bank_accounts"]["value"], ACCOUNTS * len(ways), (name, host))
            others = [key for key in labels if key.startswith("example-") and key not in want]
            self.assertEqual(others, [], "the other direction")

    def test_every_item_that_left_is_counted_once(self):
        capture = self.record()
        self.check(capture, "whole")
        packets = Packets(capture)
        self.assertGreater(reordered(packets), 5)
        packets.write(self.path("reordered.pcap"))
        self.check(self.path("reordered.pcap"), "reordered")
        packets = Packets(capture)
        self.assertGreater(repaired(packets, 0.06), 3) # a short capture: more than one in a thousand
        packets.write(self.path("repaired.pcap"))
        self.check(self.path("repaired.pcap"), "repaired")


if __name__ == "__main__":
    weirtest.main()
