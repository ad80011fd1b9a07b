"""An SMTP receiver with moods: smtp_server.py PORT OUT MOOD [CERT KEY].

Messages it accepts are appended to OUT. MOOD: ok, rcpt550 (every recipient), some550 (bad@ only),
rcpt450 (the first time), busy450 (the first message: bad@ 550, who else 450), data554, mail553,
greeting554, hangs (after DATA), floods (a greeting without an end), plain and login (AUTH of that
mechanism, of "weir" with "trout" alone, and no mail without). With CERT and KEY it knows STARTTLS and
takes no mail without it; AUTH is offered behind it only.
"""
import base64
import socketserver
import ssl
import sys
import time

port, out, mood = int(sys.argv[1]), sys.argv[2], sys.argv[3]
turns = 0
secure = None
if len(sys.argv) > 4:
    secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    secure.load_cert_chain(sys.argv[4], sys.argv[5])


class Handler(socketserver.StreamRequestHandler):
    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def flood(self):
        while True:
            self.wfile.write(b"220-" + b"x" * 1000 + b"\r\n")

    def data(self):
        self.say("354 go on")
        text = b""
        while not text.endswith(b"\r\n.\r\n"):
            text += self.rfile.readline()
        if mood == "hangs":
            time.sleep(60)
        if mood == "data554":
            self.say("554 5.7.1 not such a message")
            return
        with open(out, "ab") as file:
            file.write(text)
        self.say("250 mine")

    def recipient(self, line):
        global turns
        turns += 1
        if mood == "rcpt550" or (mood == "some550" and b"bad@" in line):
            self.say("550 5.1.1 nobody of that name")
        elif mood == "busy450" and turns <= 2:  # the first one busy, the other unknown
            self.say("550 5.1.1 nobody" if b"bad@" in line else "450 4.2.1 come again")
        elif mood == "rcpt450" and turns == 1:
            self.say("450 4.2.1 come again")
        else:
            self.say("250 fine")

    def read_word(self, given):
        """A part of AUTH: what stood in the command, else it is asked for."""
        if not given:
            self.say("334 ")
            given = self.rfile.readline()
        return base64.b64decode(given)

    def authenticate(self, line):
        _, mechanism, *given = line.split()
        given = given[0] if given else b""
        if mechanism.lower() != mood.encode():
            self.say("504 5.5.4 not that one")
        elif mood == "plain":
            self.greet(self.read_word(given) == b"\0weir\0trout")
        else:
            words = [self.read_word(given), self.read_word(b"")]
            self.greet(words == [b"weir", b"trout"])

    def greet(self, known):
        self.known = known
        self.say("235 2.7.0 welcome" if known else "535 5.7.8 who are you")

    def start_tls(self):
        self.say("220 now")
        self.connection = secure.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", 0)

    def handle(self):
        try:
            self.talk()
        except OSError:
            pass

    def talk(self):
        self.known = mood not in ("plain", "login")
        if mood == "floods":
            self.flood()
        self.say("554 go away" if mood == "greeting554" else "220 hello")
        while line := self.rfile.readline():
            word = line[:4].upper()
            plain = secure and not isinstance(self.connection, ssl.SSLSocket)
            if word == b"EHLO" and plain:
                self.say("250-fine\r\n250 STARTTLS")
            elif word == b"EHLO" and not self.known:
                self.say(f"250-fine\r\n250 AUTH {mood.upper()}")
            elif word == b"AUTH":
                self.authenticate(line)
            elif word == b"MAIL" and not plain and not self.known:
                self.say("530 5.7.0 who are you")
            elif word == b"STAR" and plain:
                self.start_tls()
            elif word == b"MAIL" and plain:
                self.say("530 5.7.0 STARTTLS first")
            elif word == b"DATA":
                self.data()
            elif word == b"RCPT":
                self.recipient(line)
            elif word == b"MAIL" and mood == "mail553":
                self.say("553 not from you")
            elif word == b"QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 fine")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


Server(("127.0.0.1", port), Handler).serve_forever()
