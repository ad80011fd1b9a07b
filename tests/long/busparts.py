"""The other ends of the sinks in the long tests of the bus, each a process in a namespace, and the traffic:
`busparts.py PART …` (see PARTS) says "ready" when it is. A receiver appends the `event.id` of each line that
it took to its LOG, in the order in which they came. Standard library only."""

import contextlib
import http.server
import json
import os
import re
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden"))

from liveparts import packet_socket, ready # noqa: E402
import weirtest # noqa: E402

HEARD = bytes(100)
LOADED = bytes(300)


def id_of(line):
    return json.loads(line)["event"]["id"]


def listener(port, backlog=16):
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("127.0.0.1", int(port)))
    made.listen(backlog)
    return made


def subscriber(path, log, patience_s=0):
    """Of a unix sink, from its journal's first line on. One that was too slow is let go, and connects again to say
    where it stood: without a filter, its lines are the journal's, so their number is that place."""
    with open(log, "w", encoding="ascii", buffering=1) as file:
        count, heard = 0, time.monotonic()
        while True:
            with socket.socket(socket.AF_UNIX) as client:
                try:
                    client.connect(path)
                    heard = time.monotonic()
                except OSError:
                    if time.monotonic() - heard >= float(patience_s):
                        return # the sensor ended
                    time.sleep(0.1)
                    continue
                with contextlib.suppress(ConnectionError): # who told them was killed
                    client.sendall(b'{"after":%d}\n' % count)
                if count == 0:
                    ready()
                count += take_lines(client, file)


def take_lines(client, file):
    count = 0
    with contextlib.suppress(ConnectionError), client.makefile("rb") as lines:
        for line in lines:
            if not line.endswith(b"\n") or line.startswith(b'{"error":'):
                break
            print(id_of(line), file=file)
            count += 1
    return count


def syslog_server(port, log):
    """RFC 6587, octet counting: LENGTH, a blank, the message."""
    with listener(port) as server, open(log, "w", encoding="ascii", buffering=1) as file:
        ready()
        while True:
            client, _ = server.accept()
            with client, client.makefile("rb") as stream:
                while size := read_length(stream):
                    print(re.search(rb' id="([^"]+)"', stream.read(size)).group(1).decode(), file=file)


def read_length(stream):
    digits = b""
    while (one := stream.read(1)) not in (b"", b" "):
        digits += one
    return int(digits or b"0")


def web_hook(port, log):
    """HTTP/1.1, one connection after the other; each second request is answered with 500."""
    file = open(log, "w", encoding="ascii", buffering=1)

    class Answers(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        asked = 0

        def do_POST(self):
            length = int(self.headers["Content-Length"])
            body = self.rfile.read(length)
            if len(body) < length:  # its sender died amid it: not a request (RFC 9112, 8)
                self.close_connection = True
                return
            Answers.asked += 1
            if Answers.asked % 2 == 0:
                for line in body.splitlines():
                    print(id_of(line), file=file)
            self.send_response(500 if Answers.asked % 2 else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", int(port)), Answers)
    ready()
    server.serve_forever()


def hanging(port):
    """Takes every connection, reads nothing, says nothing."""
    held = []
    with listener(port) as server:
        ready()
        while True:
            held.append(server.accept()[0])


def pairs(interface, hosts, count, rate, log):
    """`count` pairs of a host and a destination that speak once each, `rate` a second: UDP, 300 bytes up, 100
    down. `log` gets one line: when it began, when it ended, how far it ever was behind its rate, in seconds."""
    hosts, count, rate = int(hosts), int(count), float(rate)
    behind = 0.0
    with packet_socket(interface) as line:
        ready()
        began, due = time.time(), time.monotonic()
        for n in range(count):
            host, server = pair_of(n, hosts)
            line.send(weirtest.udp(host, 5000, server, 9999, LOADED))
            line.send(weirtest.udp(server, 9999, host, 5000, HEARD))
            if n % 50 == 49:
                wait = due + n / rate - time.monotonic()
                behind = max(behind, -wait)
                time.sleep(max(0, wait))
    with open(log, "w", encoding="ascii") as file:
        print(began, time.time(), behind, file=file)


def pair_of(number, hosts):
    host, place = number % hosts, number // hosts
    return f"10.2.{host >> 8}.{host & 255}", f"45.{10 + (place >> 8)}.{place & 255}.7"


PARTS = {"subscriber": subscriber, "syslog": syslog_server, "hook": web_hook, "hanging": hanging,
         "pairs": pairs}

if __name__ == "__main__":
    PARTS[sys.argv[1]](*sys.argv[2:])
