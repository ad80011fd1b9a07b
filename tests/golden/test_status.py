#!/usr/bin/env python3
"""weir status and weir reload against a made-up sensor: what is shown, and that whatever answers (or
does not) ends in the designed exit status with one clear line and in bounded time."""

import json
import os
import socket
import threading
import time

import weirtest
from weirtest import Case, complaint, weir

STATUS = {
    "sensor": "span-1", "version": "0.1.0", "state": "running",
    "started": "2026-03-02T01:04:07.201Z", "now": "2026-03-02T01:05:07.201Z",
    "config": {"generation": 1, "last_reload": None},
    "capture": [
        {"worker": 0, "pid": 71, "state": "running", "restarts": 0, "packets": 1000,
         "packets_per_s": 12345, "bytes_per_s": 98_200_000, "kernel_drops": 0, "interface_drops": 0,
         "ring": {"bytes": 8388608, "used_bytes": 2097152, "seconds": 21.4}, "parked": 0,
         "last_death": None},
        {"worker": 1, "pid": 72, "state": "running", "restarts": 1, "packets": 9000,
         "packets_per_s": 999, "bytes_per_s": 1_000_000, "kernel_drops": 1204, "interface_drops": 3,
         "ring": {"bytes": 8388608, "used_bytes": 0, "seconds": None}, "parked": 0,
         "last_death": "killed by SIGSEGV"}],
    "interfaces": [{"name": "span0", "vantage": "core", "state": "up"}],
    "engine": {"pid": 70, "restarts": 0, "records": 20, "records_late": 0, "alerts": 3, "alerts_silenced": 2,
               "silenced_bytes": 4500, "alerts_quiet": 1, "hosts": 412,
               "hosts_ready": 300, "hosts_learning": 112, "incidents_open": 1, "open_flows": 99,
               "waiting_records": 12, "checkpoint": {"age_s": 0.75, "bytes": 1000, "snapshots": 5}},
    "redis": {"url": "redis://:***@10.0.0.1:6379", "state": "ready", "pending": 0},
    "sinks": [{"type": "file", "path": "/var/log/alerts.ndjson", "delivered": 3, "behind": 0,
               "failures": 0, "state": "ok", "last_error": None}],
    "coverage": {"packets": 10000, "tcp_payload_bytes": 9000, "tcp_missing_bytes": 1000},
    "api": [{"listener": "control", "requests": 9, "refused": 0, "bad": 0},
            {"listener": "metrics", "requests": 9, "refused": 7, "bad": 1}],
    "blind": ["worker 1 drops packets"],
}


def reply(status, body, length=None):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    length = len(body) if length is None else length
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (status, length) + body


class Sensor:
    """Answers on a unix socket with what `answer(method, path)` returns: bytes, or None: hangs."""

    def __init__(self, path, answer):
        self.answer, self.asked, self.held = answer, [], []
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(path)
        self.socket.listen(16)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            request = b""
            while b"\r\n\r\n" not in request and (more := client.recv(65536)):
                request += more
            words = request.decode().split()
            self.asked.append(" ".join(words[:2]))
            answer = self.answer(*words[:2])
            if answer is None:
                self.held.append(client)
                continue
            try:
                client.sendall(answer)
            except OSError:
                pass # the client has heard enough
            client.close()

    def stop(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()
        for client in self.held:
            client.close()


class StatusCase(Case):
    def setUp(self):
        super().setUp()
        self.config = self.write("weir.yaml", f'sensor: {{state_dir: "{self.home}"}}\n')
        self.socket = self.path("control.sock")

    def sensor(self, answer):
        made = Sensor(self.socket, answer if callable(answer) else lambda method, path: answer)
        self.addCleanup(made.stop)
        return made


class Status(StatusCase):
    def test_screen(self):
        sensor = self.sensor(reply(200, STATUS))
        run = weir("status", "-c", self.config)
        self.assertEqual((run.status, run.err), (0, ""), run)
        self.assertEqual(sensor.asked, ["GET /v1/status"])
        self.assertEqual(run.out.splitlines(), [
            "sensor      span-1: running since 2026-03-02T01:04:07.201Z, weir 0.1.0",
            "traffic     judged up to 2026-03-02T01:05:07.201Z",
            "config      1, not reloaded since",
            "capture     state      packets/s   bytes/s   ring in use, lasts",
            "  0         running       12.3 K    98.2 M    25.0 % of 8.39 MB, 21 s",
            "  1         running          999    1.00 M     0.0 % of 8.39 MB, -",
            "            worker 1 LOST PACKETS: 1204 dropped by the kernel, 3 by the",
            "            interface (11.8 %)",
            "            worker 1 RESTARTED: 1 so far, the last: killed by SIGSEGV",
            "interfaces  span0 (core): up",
            "engine      412 hosts: 300 ready, 112 still learning",
            "            alerts: 3; incidents open: 1; flows open: 99",
            "            of these alerts 2 silenced (4.50 KB left), 1 quiet",
            "            20 records, 12 waiting; checkpoint of 1.00 KB, age 0.8 s",
            "redis       ready, 0 commands pending, redis://:***@10.0.0.1:6379",
            "sinks       file /var/log/alerts.ndjson: ok, 3 delivered, 0 behind",
            "api         metrics: 7 connections REFUSED, 1 bad requests",
            "coverage    10.0 K packets; TCP payload 9.00 KB, 1.00 KB more not seen (10.0 %)",
            "BLIND NOW   worker 1 drops packets"])

    def test_json_is_the_reply(self):
        self.sensor(reply(200, STATUS))
        run = weir("status", "--set", f"sensor.state_dir={self.home}", "--json")
        self.assertEqual((run.status, run.err), (0, ""), run)
        self.assertEqual(json.loads(run.out), STATUS)
        self.assertTrue(run.out.endswith("}\n"))

    def test_nobody(self):
        for words in (["status"], ["status", "--json"], ["reload"]):
            self.assert_fails(1, [*words, "-c", self.config], "no sensor runs at " + self.socket,
                              "weir run")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.socket)
        listener.close() # what a crash leaves
        self.assert_fails(1, ["status", "-c", self.config], "no sensor runs at " + self.socket)

    def test_no_sensor(self):
        for answer, words in ((b"", "without a reply"), (b"SSH-2.0-x\r\n\r\n", "no HTTP"),
                              (b"\0" * 70000, "no HTTP"), (reply(200, b"<html>"), "no status"),
                              (reply(200, b"{}"), "no status"), (reply(200, b"[1]"), "no status"),
                              (reply(200, b"{}", 9), "cut short"),
                              (reply(404, b"<html>"), "HTTP status 404"),
                              (reply(503, {"error": {"text": "too many"}}), "too many")):
            sensor = Sensor(self.socket, lambda *_, answer=answer: answer)
            for more in ([], ["--json"]):
                self.assert_fails(1, ["status", *more, "-c", self.config], self.socket, words)
            sensor.stop()
            os.unlink(self.socket)

    def test_hang(self):
        self.sensor(lambda method, path: None)
        for command in ("status", "reload"):
            began = time.monotonic()
            self.assert_fails(1, [command, "-c", self.config], self.socket, "no answer within 5 s")
            self.assertLess(time.monotonic() - began, 9)

    def test_control_characters(self):
        self.sensor(reply(200, {**STATUS, "sensor": "a\x1b[2J\nb"}))
        run = weir("status", "-c", self.config)
        self.assertIn("a?[2J?b: running", run.out)
        self.assertNotIn("\x1b", run.out)

    def test_usage(self):
        for command in ("status", "reload"):
            self.assert_fails(2, [command, "x"], f"weir {command} --help")
            self.assert_fails(2, [command, "-o", "x"], f"weir {command} --help")
            run = weir(command, "--help")
            self.assertEqual((run.status, run.err), (0, ""), run)
            self.assertIn("control.sock", run.out)
        self.assert_fails(2, ["reload", "--json"], "--json")
        bad = self.write("bad.yaml", "sensor: {stat_dir: x}\n")
        self.assert_fails(2, ["status", "-c", bad], bad, "stat_dir")


class Reload(StatusCase):
    def serve(self, post, configs):
        """`post`: the answers to POST /v1/reload, `configs`: what each status says under "config"; the last of each
        from then on. None: the connection is closed without a reply."""
        posts, configs = list(post) if isinstance(post, list) else [post], list(configs)

        def answer(method, path):
            if (method, path) == ("POST", "/v1/reload"):
                return posts.pop(0) if len(posts) > 1 else posts[0]
            config = configs.pop(0) if len(configs) > 1 else configs[0]
            return reply(200, {**STATUS, "config": config}) if config else b""
        return self.sensor(answer)

    def test_reloaded(self):
        old, new = {"generation": 1, "last_reload": None}, {
            "generation": 2, "last_reload": {"ok": True, "text": "", "at": "2026-03-02T01:00:00.000Z"}}
        sensor = self.serve(reply(202, {"generation": 2}), [old, old, None, old, new])
        run = weir("reload", "-c", self.config)
        self.assertEqual((run.status, run.out, run.err), (0, "reloaded: configuration 2\n", ""), run)
        self.assertEqual(sensor.asked, ["GET /v1/status", "POST /v1/reload"] + ["GET /v1/status"] * 4)

    def test_another_one_is_under_way(self):
        """That is no refusal; and what the other one came to is not what this one does."""
        busy = reply(409, {"error": {"text": "a reload is under way"}})
        old, other = {"generation": 1, "last_reload": None}, {
            "generation": 1, "last_reload": {"ok": False, "text": "the other's", "at": "A"}}
        new = {"generation": 2, "last_reload": {"ok": True, "text": "", "at": "B"}}
        sensor = self.serve([busy, busy, reply(202, {"generation": 2})], [old, old, other, other, new])
        run = weir("reload", "-c", self.config)
        self.assertEqual((run.status, run.out, run.err), (0, "reloaded: configuration 2\n", ""), run)
        self.assertEqual(sensor.asked.count("POST /v1/reload"), 3)

    def test_refused_later(self):
        """A refusal that was there before is not this one's."""
        before = {"generation": 1, "last_reload": {"ok": False, "text": "old", "at": "A"}}
        after = {"generation": 1, "last_reload": {"ok": False, "text": "new", "at": "B"}}
        sensor = self.serve(reply(202, {"generation": 2}), [before, before, before, after])
        run = weir("reload", "-c", self.config)
        self.assertEqual((run.status, run.out), (2, ""), run)
        self.assertEqual(complaint(run), "weir: configuration refused: new")
        self.assertEqual(len(sensor.asked), 5)

    def test_never_in_effect(self):
        self.serve(reply(202, {"generation": 2}), [STATUS["config"]])
        began = time.monotonic()
        self.assert_fails(1, ["reload", "-c", self.config], "not in effect after 10 s", self.socket)
        self.assertGreater(time.monotonic() - began, 9)

    def test_nonsense(self):
        for post in (reply(202, b""), reply(202, {"generation": "2"}), reply(202, {"generation": 0}),
                     reply(404, {"error": {"text": "there is nothing at this path"}})):
            sensor = Sensor(self.socket, lambda method, path, post=post:
                            post if method == "POST" else reply(200, STATUS))
            self.assert_fails(1, ["reload", "-c", self.config], "no answer to a reload", self.socket)
            sensor.stop()
            os.unlink(self.socket)


if __name__ == "__main__":
    weirtest.main()
