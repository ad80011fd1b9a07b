#!/usr/bin/env python3
"""weir support-bundle: what helps is in it, and whose site it is from is not."""

import os
import stat

import weirtest
from weirtest import Case, weir

SECRET = ("192.0.2.3", "2001:db8:77::", "10.77.0.0", "open-sesame", "siem.example.org", "hooks.example.org",
          "duty@example.org", "X-RAY", "203.0.113.8",
          "proxy.example.org", "helpdesk", "alerts-of-ours", "scada.example.org", "broker-1", "console.example.org")
CONFIG = """\
networks: {inside: [10.77.0.0/16, "2001:db8:77::/48", 192.0.2.3/32]}
capture: {filter: "not host 203.0.113.8 and not host scada.example.org"}
console: {names: [console.example.org]}
redis: {url: "redis://user:open-sesame@192.0.2.3:6379/3"}
content: {patterns: [{name: project, pattern: "X-RAY"}]}
alerts:
  sinks:
    - {type: syslog, transport: udp, host: siem.example.org, port: 514}
    - {type: webhook, url: "https://hooks.example.org/xyz", proxy: "http://proxy.example.org:3128"}
    - {type: kafka, brokers: "broker-1:9092", topic: alerts-of-ours}
    - {type: mail, url: "smtp://192.0.2.3:25", from: weir@example.org, to: [duty@example.org], subject: helpdesk}
"""


class Support(Case):
    def setUp(self):
        super().setUp()
        self.needs_sinks("webhook", "kafka", "mail")

    def bundle(self, *words):
        run = weir("support-bundle", "-c", self.write("weir.yaml", CONFIG), "--set",
                   "sensor.state_dir=" + self.path("state"), *words)
        self.assertEqual((run.status, run.err), (0, ""), run)
        return run.out

    def test_what_helps_is_there_and_nobody_is_named(self):
        os.makedirs(self.path("state", "journal"))
        with open(self.path("state", "journal", "1.log"), "wb") as file:
            file.write(b"what was told of 10.77.1.9")
        text = self.bundle()
        for part in ("\nweir 0.1.0\n", "\nMemTotal:", "\n  learn_days: 7\n", "state/journal/1.log\n", " 26 ",
                     "no sensor runs at", 'filter: "not host ip-', "port: 514"):
            self.assertIn(part, text)
        for part in (*SECRET, "10.77.1.9", "what was told"):
            self.assertNotIn(part, text)
        self.assertRegex(text, r'inside: \["ip-1/32", "ip-2/16", "ip-3/48"\]')

    def test_to_a_file(self):
        path = self.path("bundle.txt")
        self.assertEqual(self.bundle("-o", path), "")
        self.assertFalse(stat.S_IMODE(os.stat(path).st_mode) & 0o007)
        with open(path, encoding="utf-8") as file:
            self.assertIn("===== configuration\n", file.read())
        self.assert_fails(1, ("support-bundle", "-o", self.path("no", "where")), self.path("no", "where"))
        self.assert_fails(2, ("support-bundle", "x"), "x: unexpected")


if __name__ == "__main__":
    weirtest.main()
