#!/usr/bin/env python3
"""served.sweep: one outside client that goes through many accounts and projects of an inside server.

Made captures of an HTTP server with Basic credentials; what is told is the same with one reading process
and with two, and in whatever order the clients come. Environment: WEIR_BINARY."""

import base64
import unittest

import weirtest
from weirtest import NS, conversation, pcap

START = 1_772_438_400 * NS # 2026-03-02 08:00 UTC
SERVER = ("10.0.0.80", 80)
THIEF = "203.0.113.66"


def request(account, project):
    name = base64.b64encode(f"{account}:a secret".encode())
    return (b"GET /projects/%s/plan.pdf?v=1 HTTP/1.1\r\nHost: work.example.jp\r\nAuthorization: Basic %s\r\n\r\n"
            % (project.encode(), name))


def answer(status=b"200 OK"):
    return b"HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: 400\r\n\r\n%s" % (status, b"x" * 400)


def visit(at, client, port, asked, status=b"200 OK"):
    """`asked`: (account, project) of each request of one connection."""
    return conversation(at, (client, port), SERVER, b"".join(request(*one) for one in asked),
                        answer(status) * len(asked))


def ordinary(at):
    """Twenty clients, each of a network of its own, as one or two people with their own projects."""
    packets = []
    for n in range(20):
        asked = [(f"user{n}", f"own{n}"), (f"user{n}{'b' * (n % 2)}", f"own{n}x")]
        packets += visit(at + n * 10 * NS, f"198.51.{n}.7", 40000 + n, asked)
    return packets


def sweep(at, status=b"200 OK"):
    """30 projects as 8 accounts, a connection each."""
    packets = []
    for n in range(30):
        packets += visit(at + n * 5 * NS, THIEF, 50000 + n, [(f"victim{n % 8}", f"project{n}")], status)
    return packets


class Sweep(weirtest.Case):
    def judged(self, packets):
        name = self.write("made.pcap", pcap(sorted(packets)))
        runs = [self.replay(name, "--workers", workers) for workers in ("1", "2")]
        for run in runs:
            self.assertEqual(run.status, 0, run.err)
        self.assertEqual(*(run.bytes("alerts.ndjson") for run in runs))
        return runs[0]

    def swept(self, run):
        alerts = [a for a in run.alerts() if a["rule"]["id"] == "served.sweep"]
        self.assertEqual(len({a["weir"]["incident"] for a in alerts}), 1 if alerts else 0)
        return alerts

    def test_sweep(self):
        """Before, behind and among the others: one incident, which names the client's network."""
        for at in (START, START + 300 * NS, START + 40 * NS):
            run = self.judged(ordinary(START + 200 * NS * (at == START)) + sweep(at))
            alerts = self.swept(run)
            self.assertTrue(alerts)
            last = alerts[-1]
            self.assertEqual((last["server"]["ip"], last["client"]["ip"]), (SERVER[0], THIEF))
            reasons = {r["code"]: r for r in last["weir"]["reasons"]}
            self.assertEqual(set(reasons), {"served.sweep.accounts", "served.sweep.projects"})
            self.assertEqual({a["rule"]["id"] for a in run.alerts()} - {"sensor.blind"}, {"served.sweep"})
            self.assertGreaterEqual(last["event"]["severity"], 65)

    def test_counts(self):
        last = self.swept(self.judged(ordinary(START) + sweep(START + 300 * NS)))[-1]
        reasons = {r["code"]: r for r in last["weir"]["reasons"]}
        others = "from 203.0.113.0/24 in a day, at most 2 by any of 20 other client networks"
        self.assertEqual(reasons["served.sweep.accounts"]["text"], f"8 accounts were named and let in {others}")
        self.assertEqual(reasons["served.sweep.projects"]["text"],
                         f"30 projects (first two parts of a path) were read {others}")

    def test_nothing_is_kept_of_names(self):
        run = self.judged(ordinary(START) + sweep(START + 300 * NS))
        for name in ("alerts.ndjson", "summary.json"):
            text = run.bytes(name).decode()
            for secret in ("victim", "secret", "project1", "own1"):
                self.assertNotIn(secret, text)

    def test_without_a_sweep(self):
        self.assertEqual(self.swept(self.judged(ordinary(START))), [])

    def test_what_the_server_refused(self):
        """Guessing is no theft: nobody was let in, and nothing was given out."""
        packets = ordinary(START) + sweep(START + 300 * NS, b"401 Unauthorized")
        self.assertEqual(self.swept(self.judged(packets)), [])

    def test_outward(self):
        """An inside client that goes through an outside server takes nothing from here."""
        packets = []
        for n in range(30):
            packets += conversation(START + n * NS, ("10.0.0.9", 50000 + n), ("198.51.100.80", 80),
                                    request(f"user{n}", f"project{n}"), answer())
        self.assertEqual(self.swept(self.judged(packets)), [])

    def test_without_others(self):
        """Eight accounts of the only client there is say nothing; twenty do."""
        self.assertEqual(self.swept(self.judged(sweep(START))), [])
        packets = []
        for n in range(20):
            packets += visit(START + n * NS, THIEF, 50000 + n, [(f"victim{n}", "one")])
        alerts = self.swept(self.judged(packets))
        self.assertEqual([r["code"] for r in alerts[0]["weir"]["reasons"]], ["served.sweep.accounts"])


if __name__ == "__main__":
    weirtest.main()
