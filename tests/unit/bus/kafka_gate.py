"""TLS and SASL before Kafka brokers that know neither (librdkafka's mock cluster):
kafka_gate.py CERT KEY CLIENT-CA|- MECHANISM|- USER:PASSWORD BROKER-PORT:PORT...

At each PORT it listens for TLS ("-" as CERT: in clear) and passes whole frames on to BROKER-PORT. In what a
broker says of itself its port is replaced by ours, and SaslHandshake and SaslAuthenticate are added to
what it can; those two it answers by itself (PLAIN, SCRAM-SHA-256: RFC 4616, RFC 5802). With CLIENT-CA
a client needs a certificate.
"""
import base64
import hashlib
import hmac
import os
import select
import socket
import ssl
import struct
import sys
import threading

cert, key, client_ca, mechanism, login = sys.argv[1:6]
ports = dict(map(int, pair.split(":")) for pair in sys.argv[6:])
user, password = login.split(":")
HANDSHAKE, AUTHENTICATE, API_VERSIONS = 17, 36, 18
FLEXIBLE = 3  # of ApiVersions
DENIED = 58
MORE = [(HANDSHAKE, 0, 1), (AUTHENTICATE, 0, 0)]


def exactly(link, size):
    data = b""
    while len(data) < size:
        part = link.recv(size - len(data))
        if not part:
            raise OSError("closed")
        data += part
    return data


def frame(link):
    return exactly(link, struct.unpack("!i", exactly(link, 4))[0])


def put(link, data):
    link.sendall(struct.pack("!i", len(data)) + data)


def text(data):
    return struct.pack("!h", len(data)) + data


class Login:
    """One client's; `step` says (error, bytes to answer), and `done`."""

    def __init__(self):
        self.done, self.first = mechanism == "-", b""

    def step(self, token):
        return (self.plain if mechanism == "PLAIN" else self.scram)(token)

    def plain(self, token):
        self.done = token == f"\0{user}\0{password}".encode()
        return (0 if self.done else DENIED), b""

    def scram(self, token):
        if not self.first:
            self.bare = token.split(b",", 2)[2]
            self.nonce = dict(part.split(b"=", 1) for part in self.bare.split(b","))[b"r"] + b"more"
            self.salt = os.urandom(16)
            self.first = b"r=%s,s=%s,i=4096" % (self.nonce, base64.b64encode(self.salt))
            return 0, self.first
        words = dict(part.split(b"=", 1) for part in token.split(b","))
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), self.salt, 4096)

        def mac(secret, what):
            return hmac.new(secret, what, "sha256").digest()
        spoken = b",".join((self.bare, self.first, token.rsplit(b",p=", 1)[0]))
        client_key = mac(salted, b"Client Key")
        want = mac(hashlib.sha256(client_key).digest(), spoken)
        proof = bytes(a ^ b for a, b in zip(client_key, want))
        # librdkafka before 2.8 puts its own nonce before the whole of ours again; Kafka lets it.
        self.done = base64.b64decode(words[b"p"]) == proof and words[b"r"].endswith(self.nonce)
        return (0 if self.done else DENIED), b"v=" + base64.b64encode(mac(mac(salted, b"Server Key"), spoken))


def with_sasl(answer, version):
    """An ApiVersions answer, behind its correlation id: two more rows."""
    if version < FLEXIBLE:
        error, count = struct.unpack_from("!hi", answer)
        rows = b"".join(struct.pack("!hhh", *row) for row in MORE)
        return struct.pack("!hi", error, count + len(MORE)) + answer[6:] + rows
    count = answer[2]  # a varint of one byte: fewer than 127 rows
    rows = b"".join(struct.pack("!hhhB", *row, 0) for row in MORE)
    return answer[:2] + bytes([count + len(MORE)]) + rows + answer[3:]


def renamed(answer):
    for old, new in ports.items():
        answer = answer.replace(b"127.0.0.1" + struct.pack("!i", old), b"127.0.0.1" + struct.pack("!i", new))
    return answer


class Visit:
    """A client's connection and ours to its broker; one thread's, since a TLS connection is no two threads' thing."""

    def __init__(self, client, broker):
        self.client, self.broker, self.login = client, broker, Login()
        self.asked = {}  # correlation id → version of its ApiVersions

    def request(self):
        request = frame(self.client)
        api, version, number = struct.unpack_from("!hhi", request)
        name_size, = struct.unpack_from("!h", request, 8)
        body = request[10 + max(name_size, 0):]
        if api == HANDSHAKE:
            good = body[2:] == mechanism.encode()
            put(self.client, struct.pack("!ihi", number, 0 if good else 33, 1) + text(mechanism.encode()))
        elif api == AUTHENTICATE:
            error, token = self.login.step(body[4:])
            put(self.client, struct.pack("!ih", number, error) + text(b"who are you" if error else b"") +
                struct.pack("!i", len(token)) + token)
        elif api == API_VERSIONS or self.login.done:
            if api == API_VERSIONS:
                self.asked[number] = version
            put(self.broker, request)
        else:
            raise OSError("a request without a login")

    def answer(self):
        data = frame(self.broker)
        number, = struct.unpack_from("!i", data)
        version = self.asked.pop(number, None)
        rest = data[4:]
        if version is not None and mechanism != "-":
            rest = with_sasl(rest, version)
        put(self.client, data[:4] + renamed(rest))

    def go_on(self):
        while True:
            decoded = context and self.client.pending()
            ready = [self.client] if decoded else select.select([self.client, self.broker], [], [])[0]
            if self.client in ready:
                self.request()
            if self.broker in ready:
                self.answer()


def welcome(client, broker_port):
    broker = None
    try:
        if context:
            client = context.wrap_socket(client, server_side=True)
        broker = socket.create_connection(("127.0.0.1", broker_port))
        Visit(client, broker).go_on()
    except OSError:
        pass
    for link in (client, broker):
        if link:
            link.close()


def listen(port, broker_port):
    listener = socket.create_server(("127.0.0.1", port))
    while True:
        client, _ = listener.accept()
        threading.Thread(target=welcome, args=(client, broker_port), daemon=True).start()


context = None
if cert != "-":
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    if client_ca != "-":
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client_ca)
for broker_port, port in ports.items():
    threading.Thread(target=listen, args=(port, broker_port)).start()
