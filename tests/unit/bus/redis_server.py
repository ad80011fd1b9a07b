"""Says what it is told to: redis_server.py SOCKET "COMMAND:ANSWER;COMMAND:ANSWER", "*" for any command.
Others are answered +OK."""
import socketserver
import sys

path, turns = sys.argv[1], [turn.split(":", 1) for turn in sys.argv[2].split(";")]


class Handler(socketserver.StreamRequestHandler):
    def command(self):
        count = int(self.rfile.readline()[1:])
        words = []
        for _ in range(count):
            size = int(self.rfile.readline()[1:])
            words.append(self.rfile.read(size + 2)[:-2])
        return words[0].decode()

    def handle(self):
        try:
            while True:
                word = self.command()
                answer = next((text for name, text in turns if name in ("*", word)), "+OK")
                self.wfile.write(answer.encode() + b"\r\n")
        except (OSError, ValueError):
            pass  # it left


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


Server(path, Handler).serve_forever()
