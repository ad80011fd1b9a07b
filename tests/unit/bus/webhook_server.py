"""A receiver of webhooks: webhook_server.py PORT OUT [CERT KEY].

What it accepts is appended to OUT, bodies as they are; each request's head to OUT.heads. The first
part of the path says how it behaves:
  /ok        200
  /fails/N   503 to the first N requests, then 200
  /refuses   400 to a body with a line whose number ends in 7, else 200
  /later/S   429 with Retry-After: S to the first request, then 200
  /hangs     no answer
  /moved     302 to /ok
  /floods    200 and a body without an end
  /denies    401
"""
import http.server
import re
import ssl
import sys
import threading

port, out = int(sys.argv[1]), sys.argv[2]
lock = threading.Lock()
count = 0


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two writes

    def log_message(self, *arguments):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def accept(self, body):
        with lock, open(out, "ab") as file:
            file.write(body)
        self.answer(200, b"ok")

    def flood(self):
        self.send_response(200)
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"x" * 1000)
        except OSError:
            self.close_connection = True

    def do_POST(self):
        global count
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if len(body) < length:  # its sender died amid it: not a request (RFC 9112, 8)
            self.close_connection = True
            return
        with lock, open(out + ".heads", "a", encoding="utf-8") as file:
            count += 1
            turn = count
            file.write(f"{self.command} {self.path}\n{self.headers}")
        _, kind, *rest = self.path.split("/")
        if kind == "fails" and turn <= int(rest[0]):
            self.answer(503, b"busy \x01here")
        elif kind == "refuses" and re.search(rb"line-\d*7\.", body):
            self.answer(400, b"a seven")
        elif kind == "echoes" and re.search(rb"line-\d*7\.", body):
            self.answer(400, b"a seven of plain HTTP, with an SSL certificate")
        elif kind == "repeats" and b"refuse me" in body:
            self.answer(400, b"not well-formed: " + body)
        elif kind == "later" and turn == 1:
            self.answer(429, Retry_After=rest[0])
        elif kind == "hangs":
            threading.Event().wait(60)
        elif kind == "moved":
            self.answer(302, Location="/ok")
        elif kind == "floods":
            with lock, open(out, "ab") as file:
                file.write(body)
            self.flood()
        elif kind == "denies":
            self.answer(401, b"who are you")
        else:
            self.accept(body)

    do_PUT = do_POST


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True


server = Server(("127.0.0.1", port), Handler)
if len(sys.argv) > 3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[3], sys.argv[4])
    server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
