"""Parts of the live tests' stage, each a process in a namespace: `liveparts.py PART …` (see PARTS) says
"ready" when it is. Standard library only."""

import http.server
import os
import random
import select
import socket
import struct
import sys
import time

import weirtest

ETH_P_ALL = 3
SOL_PACKET, PACKET_IGNORE_OUTGOING, PACKET_ADD_MEMBERSHIP, PACKET_MR_PROMISC = 263, 23, 1, 1
SO_RCVBUFFORCE, SO_SNDBUFFORCE = 33, 32
SERVER = "198.51.100.9"


def ready():
    print("ready", flush=True)


def packet_socket(interface):
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    made.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    made.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
    made.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, 16 << 20)
    made.bind((interface, ETH_P_ALL))
    made.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP,
                    struct.pack("iHH8s", socket.if_nametoindex(interface), PACKET_MR_PROMISC, 0, b""))
    return made


def tap_box(one, other, tap_one, tap_other):
    """Forwards frames between `one` and `other`, and copies what comes from each to a tap of its own:
    first the copy, so that both taps see causes before effects."""
    sockets = [packet_socket(name) for name in (one, other, tap_one, tap_other)]
    ways = {sockets[0]: (sockets[2], sockets[1]), sockets[1]: (sockets[3], sockets[0])}
    ready()
    while True:
        for source in select.select(list(ways), [], [])[0]:
            frame = source.recv(65536)
            for to in ways[source]:
                to.send(frame)


class Answers(http.server.BaseHTTPRequestHandler):
    """GET /N: N bytes. POST: whatever is sent is taken."""

    def do_GET(self):
        body = b"weir" * (int(self.path[1:]) // 4)
        self.reply(body)

    def do_POST(self):
        left = int(self.headers["Content-Length"])
        while left > 0:
            left -= len(self.rfile.read(min(left, 65536)))
        self.reply(b"")

    def reply(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server6(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6 # and IPv4, mapped
    request_queue_size = 128


def web_server(port):
    server = Server6(("::", int(port)), Answers)
    ready()
    server.serve_forever()


def dns_server(own):
    """Every name has the address 198.51.100.9."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((own, 53))
        ready()
        while True:
            question, client = server.recvfrom(2048)
            answer = struct.pack("!HHHIH", 0xC00C, 1, 1, 300, 4) + socket.inet_aton(SERVER)
            server.sendto(question[:2] + b"\x81\x80" + question[4:6] + question[4:6] +
                          bytes(4) + question[12:] + answer, client)


def dns_questions(server, count):
    """Asks for `count` names, each from a port of its own."""
    for number in range(int(count)):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(5)
            name = b"".join(bytes([len(part)]) + part
                            for part in (b"host%d" % number, b"example", b"com"))
            client.sendto(struct.pack("!HHHHHH", number, 0x100, 1, 0, 0, 0) + name +
                          b"\0\0\1\0\1", (server, 53))
            client.recv(2048)


def slow_post(server, port, rate, body_file):
    """A POST of a file at `rate` bytes a second."""
    with open(body_file, "rb") as file:
        body = file.read()
    with socket.create_connection((server, int(port))) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.sendall(b"POST /up HTTP/1.1\r\nHost: upload.example.com\r\nContent-Length: %d\r\n\r\n"
                       % len(body))
        ready()
        step = max(1, int(rate) // 10)
        for at in range(0, len(body), step):
            client.sendall(body[at:at + step])
            time.sleep(0.1)
        client.recv(1024)


def stream(own, server, port, rate, seconds):
    """Random bytes from `own` at `rate` bytes a second, as one POST."""
    step = int(rate) // 20
    steps, block = int(float(seconds) * 20), os.urandom(step)
    with socket.create_connection((server, int(port)), source_address=(own, 0)) as client:
        client.sendall(b"POST /up HTTP/1.1\r\nHost: upload.example.com\r\nContent-Length: %d\r\n\r\n"
                       % (step * steps))
        ready()
        due = time.monotonic()
        for _ in range(steps):
            client.sendall(block)
            due += 0.05
            time.sleep(max(0, due - time.monotonic()))
        client.recv(1024)


def churn(own, server, port, seconds, log):
    """One short upload after the other, each from a port of its own; `log` gets a line of each: its
    port, payload bytes, begin, end."""
    head, end = b"POST /up HTTP/1.1\r\nHost: upload.example.com\r\nContent-Length: %d\r\n\r\n", time.time()
    ready()
    end += float(seconds)
    ports = iter(range(1024, 65536))
    with open(log, "w", encoding="ascii") as file:
        while time.time() < end:
            body = os.urandom(random.randrange(1000, 200_000))
            began = time.time()
            own_port = next(ports)
            with socket.create_connection((server, int(port)), source_address=(own, own_port)) as client:
                request = head % len(body) + body
                client.sendall(request)
                client.shutdown(socket.SHUT_WR)
                while client.recv(4096):
                    pass
            print(own_port, len(request), began, time.time(), file=file, flush=True)
            time.sleep(random.random() / 5)


def crowd(interface, hosts, period, seconds, log):
    """`hosts` hosts of 10.2.0.0/16 that ask an outside server each `period` seconds, and its answers, as
    frames: UDP, 300 bytes up, 100 down. `log` gets a line a round: when it began, when it was sent."""
    count, period = int(hosts), float(period)
    pairs = [crowd_frames(n) for n in range(count)]
    with packet_socket(interface) as line, open(log, "w", encoding="ascii") as file:
        ready()
        end = time.monotonic() + float(seconds)
        while time.monotonic() < end:
            began, due = time.time(), time.monotonic()
            for n, (up, down) in enumerate(pairs):
                line.send(up)
                line.send(down)
                if n % 50 == 49:
                    time.sleep(max(0, due + n * period / count - time.monotonic()))
            print(began, time.time(), file=file, flush=True)


def crowd_frames(number):
    host, server = f"10.2.{number >> 8}.{number & 255}", f"203.0.{number % 8}.7"
    return (weirtest.udp(host, 5000, server, 6000, bytes(300)),
            weirtest.udp(server, 6000, host, 5000, bytes(100)))


PARTS = {"tap": tap_box, "web": web_server, "dns": dns_server, "ask": dns_questions,
         "post": slow_post, "stream": stream, "churn": churn, "crowd": crowd}

if __name__ == "__main__":
    PARTS[sys.argv[1]](*sys.argv[2:])
