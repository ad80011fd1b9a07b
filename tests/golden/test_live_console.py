#!/usr/bin/env python3
"""The console of a running sensor: who may ask, what is refused and counted, and 200 streams that hear of an alert."""

import json
import os
import select
import shutil
import socket
import ssl
import subprocess
import time

import weirtest
from livetest import SERVER, Sensor, client_and_server, read, require, until

PORT, STREAMS = 8477, 200
HOST = f"127.0.0.1:{PORT}"
ZONES = f"networks:\n  inside: [10.0.0.0/8, {SERVER}/32]\n  zones: [{{name: plant, level: 2, state: locked, nets: [{SERVER}/32]}}]\n" \
        "  conduits: conduits.yaml\n"


class Console(weirtest.Case):
    def setUp(self):
        super().setUp()
        require(self, "ethtool", "curl")
        self.client, self.server = client_and_server(self)
        os.chmod(self.home, 0o755)
        for name, text in (("weir.yaml", ZONES), ("conduits.yaml", "[]\n")):
            os.chmod(self.write(name, text), 0o644)

    def begin(self, *words):
        self.sensor = Sensor(self, self.server, "-c", self.path("weir.yaml"), "-i", "s0", "--set",
                             "console.enabled=true", *words)

    def connect(self):
        with self.server:
            made = socket.socket()
        made.settimeout(30)
        made.connect(("127.0.0.1", PORT))
        return self.tls.wrap_socket(made, server_hostname="127.0.0.1") if self.tls else made

    def raw(self, text):
        """What comes back for these bytes: status, head, body."""
        with self.connect() as line:
            line.sendall(text if isinstance(text, bytes) else text.encode())
            reply = b"".join(iter(lambda: line.recv(65536), b""))
        head, _, body = reply.partition(b"\r\n\r\n")
        return int(head.split()[1]), head.decode(), body

    def ask(self, method, path, body=None, host=HOST, **headers):
        lines = [f"{method} {path} HTTP/1.1", *([f"Host: {host}"] if host else [])]
        if self.cookie and "Cookie" not in headers:
            lines.append(f"Cookie: {self.cookie}")
        data = json.dumps(body).encode() if body is not None else b""
        if body is not None:
            lines += ["Content-Type: application/json", f"Content-Length: {len(data)}"]
        lines += [f"{key.replace('_', '-')}: {value}" for key, value in headers.items() if value]
        return self.raw("\r\n".join(lines).encode() + b"\r\n\r\n" + data)

    cookie = csrf = tls = None

    def log_in(self, body, **headers):
        status, head, reply = self.ask("POST", "/v1/session", body, **headers)
        if status != 200:
            return status, json.loads(reply)
        line = [one for one in head.split("\r\n") if one.startswith("Set-Cookie: ")][0]
        self.cookie, said = line[12:].split(";")[0], json.loads(reply)
        self.assertTrue(line.endswith("; Path=/; HttpOnly; SameSite=Strict" + ("; Secure" if self.tls else "")), line)
        self.csrf = said["csrf"]
        return status, said

    def token(self):
        return read(self.sensor.log).partition("/#/login?token=")[2].split()[0]

    def counts(self):
        status = self.sensor.status()
        return {**[one for one in status["api"] if one["listener"] == "console"][0], **status["console"]}

    # --- who may ask ---

    def test_by_token(self):
        self.begin("--set", "privacy.access_log=required")
        status, head, body = self.ask("GET", "/")
        self.assertEqual((status, body[:15].lower()), (200, b"<!doctype html>"))
        for line in ("Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; ",
                     "X-Content-Type-Options: nosniff", "X-Frame-Options: DENY", "Cache-Control: no-cache"):
            self.assertIn(line, head)
        self.assertEqual(self.ask("GET", "/", If_None_Match=head.partition("ETag: ")[2].split()[0])[0], 304)
        self.assertEqual(self.ask("GET", "/v1/now")[0], 401)
        self.refused_by_token()
        self.assertEqual(self.log_in({"token": self.token()}), (200, {"user": "token", "role": "analyst",
                                                                      "csrf": self.csrf}))
        self.looked_at()
        self.forged()
        self.malformed()
        self.streams()
        self.sensor.stop()

    def refused_by_token(self):
        chosen = f"weir_session_{PORT}=" + "a" * 64 # fixation: what a client brings is never taken over
        self.assertEqual(self.log_in({"token": "x" * 64})[0], 401)
        self.log_in({"token": self.token()}, Cookie=chosen)
        self.assertNotEqual(self.cookie, chosen)
        self.assertEqual(self.ask("GET", "/v1/session", Cookie=chosen)[0], 401)
        first = self.cookie
        self.log_in({"token": self.token()}) # a new one each time; the other ends when it says so
        self.assertNotEqual(self.cookie, first)
        self.assertEqual(self.ask("DELETE", "/v1/session", X_Weir_CSRF=self.csrf)[0], 200)
        self.assertEqual(self.ask("GET", "/v1/session")[0], 401)

    def looked_at(self):
        now = json.loads(self.ask("GET", "/v1/now")[2])
        self.assertEqual([zone["zone"] for zone in now["zones"]][:1], ["plant"])
        self.assertEqual(now["alerts"], [])
        for path, status in (("/v1/status", 200), ("/v1/map", 200), ("/v1/incidents?state=open&order=last", 200),
                             ("/v1/hosts", 200), ("/v1/destinations/nobody.example", 404), ("/v1/incidents/" + "0" * 32, 404),
                             ("/v1/incidents?state=odd", 400), ("/metrics", 404), ("/v1/reload", 404)):
            self.assertEqual(self.ask("GET", path)[0], status, path)
        self.assertEqual(self.ask("POST", "/v1/hosts/10.0.0.1/freeze", {})[0], 403)
        self.assertEqual(self.ask("POST", "/v1/hosts/10.0.0.1/freeze", {}, X_Weir_CSRF=self.csrf)[0], 404)
        self.assertEqual(self.ask("POST", "/v1/reload", X_Weir_CSRF=self.csrf)[0], 404) # the control socket's alone
        text = read(os.path.join(self.sensor.state, "access.ndjson"))
        self.assertIn('"by":"token"', text)
        self.assertIn('"via":"console"', text)

    def forged(self):
        order = {"reason": "r", "for_s": 60, "scope": {"rule": "volume.host"}}
        self.assertEqual(self.ask("POST", "/v1/silences", order)[0], 403)
        self.assertEqual(self.ask("POST", "/v1/silences", order, X_Weir_CSRF="0" * 64)[0], 403)
        self.assertEqual(self.ask("POST", "/v1/silences", order, X_Weir_CSRF=self.csrf, Origin="http://evil.example")[0],
                         403)
        self.assertEqual(self.ask("GET", "/v1/now", host="evil.example:8477")[0], 421)
        self.assertEqual(self.ask("GET", "/v1/now", host=None)[0], 421)
        self.assertEqual(self.ask("GET", "/", host="127.0.0.1.evil.example")[0], 421)
        form = f"POST /v1/session HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{{}}"
        self.assertEqual(self.raw(form)[0], 415)
        made = self.ask("POST", "/v1/silences", order, X_Weir_CSRF=self.csrf, Origin=f"http://{HOST}")
        self.assertEqual((made[0], json.loads(made[2])["author"]), (200, "token"))

    def malformed(self):
        before = self.counts()
        for path in ("/../weir.yaml", "/..%2f..%2fetc/passwd", "/%2e%2e/app.js", "//app.js", "/app.js/", "/./app.js",
                     "/app.js%00.html", "/v1/../app.js", "/\\..\\app.js"):
            self.assertIn(self.ask("GET", path)[0], (400, 404), path)
        self.assertEqual(self.raw(f"GET /{'x' * 9000} HTTP/1.1\r\n\r\n")[0], 431)
        self.assertEqual(self.raw(f"POST /v1/session HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 70000\r\n\r\n")[0], 413)
        self.assertEqual(self.raw(f"GET / HTTP/1.1\r\nHost: {HOST}\r\nHost: evil\r\n\r\n")[0], 400)
        self.assertEqual(self.raw(b"\x16\x03\x01\x02\x00\x01\x00\x01")[0], 400)
        slow = self.connect()
        self.addCleanup(slow.close)
        slow.sendall(b"GET / HTTP/1.1\r\nX: ") # 408 after 5 s, however its bytes trickle
        self.slow = slow
        after = self.counts()
        self.assertGreaterEqual(after["bad"] - before["bad"], 4)
        self.assertGreaterEqual(after["strangers"], 4)
        self.assertEqual(after["forged"], 3)
        self.assertGreaterEqual(after["denied"], 8)

    def streams(self):
        held = []
        for _ in range(STREAMS):
            held.append(line := self.connect())
            self.addCleanup(line.close)
            line.sendall(f"GET /v1/events HTTP/1.1\r\nHost: {HOST}\r\nCookie: {self.cookie}\r\n\r\n".encode())
        until("all streams", lambda: self.counts()["streams"] == STREAMS)
        self.client.run("curl", "-sf", "-o", "/dev/null", f"http://{SERVER}/3000000") # of a MiB it is told at once
        heard, waits = {line: b"" for line in held}, set(held)
        end = time.monotonic() + 60
        while waits and time.monotonic() < end:
            for line in select.select(waits, [], [], 1)[0]:
                heard[line] += line.recv(1 << 20)
                if b"event: alert\nid: " in heard[line]:
                    waits.discard(line)
        self.assertEqual(len(waits), 0, "streams that heard of no alert")
        event = heard[held[0]].partition(b"event: alert\nid: ")[2]
        number, _, rest = event.partition(b"\ndata: ")
        alert = json.loads(rest.partition(b"\n\n")[0])
        self.assertEqual(alert["rule"]["id"], "zone.conduit")
        self.assertIn(b"event: now\ndata: ", heard[held[0]])
        again = self.connect() # who was away is told what it missed
        self.addCleanup(again.close)
        again.sendall(f"GET /v1/events HTTP/1.1\r\nHost: {HOST}\r\nCookie: {self.cookie}\r\n"
                      f"Last-Event-ID: {int(number) - 1}\r\n\r\n".encode())
        until("what it missed", lambda: b"event: alert" in again.recv(1 << 20))
        self.explained(alert)
        self.ask("DELETE", "/v1/session", X_Weir_CSRF=self.csrf) # and nobody hears of anything any more
        until("no stream", lambda: self.counts()["streams"] == 0)
        self.assertTrue(self.slow.recv(100).startswith(b"HTTP/1.1 408 "))

    def explained(self, alert):
        of = "/v1/incidents/" + alert["weir"]["incident"]
        said = json.loads(self.ask("GET", of)[2])
        self.assertEqual(said["incident"]["rules"], ["zone.conduit"])
        self.assertTrue(said["complete"] and said["sentences"], said)
        status, head, report = self.ask("GET", said["report"])
        self.assertEqual((status, said["report"]), (200, of + "/report"))
        self.assertIn("Content-Disposition: attachment; filename=\"weir-" + alert["weir"]["incident"][:12], head)
        self.assertIn(alert["destination"]["ip"].encode(), report)
        self.assertIn(b"Made by the running sensor", report) # and heartbeats are not said to be missing
        self.assertEqual(self.ask("GET", f"/v1/incidents/{'0' * 32}/report")[0], 404)
        self.taken(alert["weir"]["incident"])
        self.assertEqual(self.ask("POST", of + "/ack", {"note": "seen"}, X_Weir_CSRF=self.csrf)[0], 200)
        page = json.loads(self.ask("GET", "/v1/incidents?state=acknowledged")[2])
        self.assertEqual([one["id"] for one in page["incidents"]], [alert["weir"]["incident"]])

    def taken(self, incident):
        """Files of evidence, as a keeper would have left them: those that are sealed, and nothing else."""
        packets = os.urandom(3 << 20)
        os.makedirs(folder := os.path.join(self.sensor.state, "evidence", incident))
        for name, data in (("packets-1.pcapng", packets), ("manifest.json", b"{}"), ("incident.json", b"{}")):
            with open(os.path.join(folder, name), "wb") as file:
                file.write(data)
        os.symlink("/etc/passwd", os.path.join(folder, "packets-2.pcapng"))
        listed = json.loads(self.ask("GET", "/v1/incidents/" + incident)[2])["evidence"]
        self.assertEqual(listed, [{"name": "packets-1.pcapng", "bytes": len(packets), "held": False},
                                  {"name": "manifest.json", "bytes": 2, "held": False}])
        of = f"/v1/evidence/{incident}/take"
        self.assertEqual(self.ask("POST", of, {"file": "packets-1.pcapng"})[0], 403) # nobody is led to it
        for name, status in (("packets-1.pcapng", 200), ("packets-2.pcapng", 404), ("packets-3.pcapng", 404),
                             ("incident.json", 400), ("../../key", 400), ("packets-01.pcapng", 400), ("", 400)):
            reply = self.ask("POST", of, {"file": name}, X_Weir_CSRF=self.csrf)
            self.assertEqual(reply[0], status, name)
            if status == 200:
                self.assertEqual(reply[2], packets)
        self.assertEqual(self.ask("POST", "/v1/evidence/..%2f..%2fx/take", {"file": "key"}, X_Weir_CSRF=self.csrf)[0], 404)
        self.assertEqual(self.said_taken("packets-1.pcapng", incident), 1)
        self.not_taken(of, incident, folder)

    def said_taken(self, name, incident):
        journal = os.path.join(self.sensor.state, "journal")
        return "".join(read(os.path.join(journal, one)) for one in os.listdir(journal)).count(
            f'"token took {name} of the evidence of {incident}')

    def not_taken(self, of, incident, folder):
        """What is not handed out is not said to be taken; and nothing is that is not in the access log."""
        log = os.path.join(self.sensor.state, "access.ndjson")
        self.assertIn(f'"verb":"POST {of}","what":"packets-1.pcapng"', read(log))
        os.rename(log, log + ".away")
        os.mkdir(log)
        self.assertEqual(self.ask("POST", of, {"file": "manifest.json"}, X_Weir_CSRF=self.csrf)[0], 503)
        self.assertEqual(self.said_taken("manifest.json", incident), 0)
        os.rmdir(log)
        os.rename(log + ".away", log)
        with open(os.path.join(folder, "packets-3.pcapng"), "wb") as file:
            file.truncate(256 << 20)
        body = json.dumps({"file": "packets-3.pcapng"})
        request = f"POST {of} HTTP/1.1\r\nHost: {HOST}\r\nCookie: {self.cookie}\r\nX-Weir-CSRF: {self.csrf}\r\n" \
                  f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        held = [self.connect() for _ in range(4)]
        for line in held:
            self.addCleanup(line.close)
            line.sendall(request.encode())
            self.assertEqual(line.recv(12, socket.MSG_WAITALL), b"HTTP/1.1 200")
        self.assertEqual(self.ask("POST", of, {"file": "packets-3.pcapng"}, X_Weir_CSRF=self.csrf)[0], 503)
        self.assertEqual(self.said_taken("packets-3.pcapng", incident), 4)

    # --- users, and TLS ---

    def test_users(self):
        self.write("users", "")
        for name, role in (("vera", "viewer"), ("anna", "analyst")):
            done = weirtest.weir("console", "user", "add", name, "--role", role, "--set",
                                 f"console.users={self.path('users')}", stdin=b"correct horse\n")
            self.assertEqual(done.status, 0, done)
        self.begin("--set", f"console.users={self.path('users')}", *self.certificate())
        self.assertNotIn("token=", read(self.sensor.log))
        self.assertEqual(self.log_in({"user": "vera", "password": "correct horse"})[1]["role"], "viewer")
        order = {"reason": "r", "for_s": 60, "scope": {"rule": "volume.host"}}
        self.assertEqual(self.ask("POST", "/v1/silences", order, X_Weir_CSRF=self.csrf)[0], 403)
        self.assertEqual(self.log_in({"user": "anna", "password": "correct horse"})[1]["role"], "analyst")
        self.assertEqual(self.ask("POST", "/v1/silences", {**order, "author": "vera"}, X_Weir_CSRF=self.csrf)[0], 400)
        made = self.ask("POST", "/v1/silences", order, X_Weir_CSRF=self.csrf)
        self.assertEqual(json.loads(made[2])["author"], "anna")
        for name in ("mallory", "vera"): # who there is and who is not: refused and locked in the same way
            for _ in range(5):
                self.assertEqual(self.log_in({"user": name, "password": "guess"})[0], 401)
            self.assertEqual(self.log_in({"user": name, "password": "guess"})[0], 429)
        for _ in range(6): # there is no token: it locks nobody, and takes no row
            self.assertEqual(self.log_in({"token": "x" * 64})[0], 401)
        self.assertEqual(self.log_in({"user": "eve", "password": "guess"})[0], 401)
        self.assertEqual(self.log_in({"user": "anna", "password": "correct horse"})[0], 200) # not locked with them
        self.assertEqual(self.counts()["locked"], 2)
        self.assertEqual(self.cookie.partition("=")[0], ("__Host-" if self.tls else "") + f"weir_session_{PORT}")
        self.without_its_files()
        self.assertEqual("Strict-Transport-Security: " in self.ask("GET", "/")[1], self.tls is not None)
        if self.tls: # whoever speaks none has no answer
            self.tls = None
            with self.assertRaises((ConnectionResetError, IndexError)):
                self.ask("GET", "/")
        self.sensor.stop()

    def without_its_files(self):
        """The engine dies while the console's files cannot be read: the next one goes on without a console, and says so;
        a reload brings it back. Nobody empties the file by the command."""
        path = self.path("users")
        done = weirtest.weir("console", "user", "remove", "anna", "--set", f"console.users={path}")
        self.assertEqual(done.status, 0, done)
        done = weirtest.weir("console", "user", "remove", "vera", "--set", f"console.users={path}")
        self.assertEqual(done.status, 2, done)
        self.assertIn("is the last user", done.err)
        os.rename(path, path + ".away")
        self.sensor.kill(self.sensor.status()["engine"]["pid"])
        until("an engine without a console", lambda: self.is_off() is True)
        self.assertIn(f"console: {path}: No such file", read(self.sensor.log))
        os.rename(path + ".away", path)
        self.assertEqual(self.sensor.ask("reload").returncode, 0)
        until("the console", lambda: self.is_off() is False)
        self.cookie = None
        self.assertEqual(self.ask("GET", "/")[0], 200)

    def is_off(self):
        status = self.sensor.status()
        return status["console"]["off"] if status else None

    def certificate(self):
        """Settings of one of its own, or none: then it goes without TLS."""
        if not shutil.which("openssl"):
            return ()
        path = self.path("cert.pem") # only root reads it: the engine does before it is another user
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-subj", "/CN=weir", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2", "-keyout", path,
                        "-out", path + ".crt"], check=True, capture_output=True)
        self.tls = ssl.create_default_context(cafile=path + ".crt")
        return "--set", f"console.cert={path}.crt", "--set", f"console.key={path}"


class Refused(weirtest.Case):
    def test_beyond_the_loopback(self):
        for more, said in (((), "is beyond the loopback: expected console.cert (TLS) and console.users"),
                           (("--set", "console.users=/nowhere/users"), "/nowhere/users: No such file")):
            done = weirtest.weir("run", "-i", "lo", "--set", "console.enabled=true", "--set",
                                 "console.listen=192.0.2.1:8477", *more)
            self.assertEqual(done.status, 2, done)
            self.assertIn(said, done.err)


if __name__ == "__main__":
    weirtest.main()
