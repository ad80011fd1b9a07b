#!/usr/bin/env python3
"""An unknown ten minutes (pcaps/office10min.pcap): nothing is alleged, what could not be judged is
said, and whoever looks is told where to begin."""

import os

import weirtest
from weirtest import SHIPPED, Case, truth

CAPTURE = os.path.join(SHIPPED, "office10min.pcap")


class Office(Case):
    def test_ten_unknown_minutes(self):
        book = truth("office10min.truth.json")
        run = self.replay("--flows", "--exit-alerts", CAPTURE) # 10 if there were an alert
        summary, text = run.summary(), run.out
        self.assertEqual(run.alerts(), [])
        self.assertEqual(summary["incidents"], [])
        self.assertEqual(run.err, "")
        self.assertIn("No sign that data left, within what could be judged", text)
        self.assertIn("Not judged by history: volumes and destinations of every host", text)
        self.assertIn("Not judged: zones", text)
        self.assertIn("other ways out cannot be excluded", text)
        self.check_ranking(book, summary, text)
        self.check_bytes(book, run)

    def check_ranking(self, book, summary, text):
        ranking = summary["look_here_first"]
        first = ranking[0]
        self.assertEqual(first["host"], book["uploader"]["host"])
        self.assertEqual(first["out_bytes"]["value"], book["out_by_host"][first["host"]])
        self.assertEqual(first["top_destination"], "example8.jp") # its registrable domain
        self.assertEqual(first["top_destination_bytes"], book["uploader"]["out_bytes"])
        self.assertEqual(first["top_destination_hosts"], 1)
        self.assertNotIn(book["fetcher"]["host"], [row["host"] for row in ranking])
        weights = [row["weight"] for row in ranking]
        self.assertEqual(weights, sorted(weights, reverse=True))
        shown = text.split("Look here first (a ranking, not a finding):\n")[1].splitlines()[0]
        self.assertIn(book["uploader"]["host"], shown)

    def check_bytes(self, book, run):
        """What left by host, summed from flows.ndjson, is the maker's; the summary's sums agree."""
        out = {}
        for flow in run.flows():
            host, sent = {"out": ("orig", "orig"), "in": ("resp", "resp")}.get(flow["scope"],
                                                                             (None, None))
            if host:
                ip = flow[host]["ip"]
                out[ip] = out.get(ip, 0) + flow[sent]["payload_bytes"]
        self.assertEqual({ip: sent for ip, sent in out.items() if sent}, book["out_by_host"])
        self.assertEqual(run.summary()["coverage"]["out_bytes"]["value"],
                         sum(book["out_by_host"].values()))
        self.assertEqual(run.summary()["judged"]["judged_out_bytes"], 0)
        self.assertEqual(run.summary()["inputs"][0]["packets"], book["capture"]["packets"])


if __name__ == "__main__":
    weirtest.main()
