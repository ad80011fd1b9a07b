#!/usr/bin/env python3
"""A drop that several hosts fill is told at the second of them, with how many and since when; not at a host that
sends as much elsewhere. What went over QUIC and over a WebSocket is named so, and told by the shipped rules."""

import os

import weirtest
from weirtest import SOURCE, Case

FIELDS = ("ts uid id.orig_h id.orig_p id.resp_h id.resp_p proto service duration orig_bytes resp_bytes conn_state "
          "missed_bytes history orig_pkts orig_ip_bytes resp_pkts resp_ip_bytes").split()
MONDAY = 1_769_990_400 # 2026-02-02 00:00 UTC
DAY, HOUR = 86400, 3600
HOSTS, DAYS = 12, 28 # the last day is Sunday, the one after it the thefts'
THEFT = MONDAY + 28 * DAY # Monday, 2026-03-02
UPLOADS = "rules=[" + os.path.join(SOURCE, "rules", "uploads.yaml") + "]"


def row(at, host, remote, sent, got=2000, service="ssl", proto="tcp"):
    return [f"{at:.6f}", "C1", f"10.0.0.{host + 1}", "40000", remote, "443", proto, service, "1.5", str(sent), str(got),
            "SF", "0", "ShADadFf" if proto == "tcp" else "Dd", str(sent // 1400 + 3),
            str(sent + 40 * (sent // 1400 + 3)), str(got // 1400 + 3), str(got + 40 * (got // 1400 + 3))]


def office():
    """Two services in daily use, and now and then some 100 kB to something that only this host meets."""
    for day in range(DAYS + 1):
        for hour in range(9, 17):
            for host in range(HOSTS):
                at = MONDAY + day * DAY + hour * HOUR + 60 * host
                yield row(at, host, "198.51.100.1", 20_000_000 + 300_000 * ((7 * day + 3 * hour + 5 * host) % 97))
                yield row(at + 5, host, "198.51.101.1", 20_000)
                if hour == 9 and (day + host) % 5 == 0:
                    place = 29 * host + day
                    yield row(at + 9, host, f"198.{18 + place // 256}.{place % 256}.1", 100_000 + 7000 * ((day + 3 * host) % 11))


class SharedDrop(Case):
    def told(self, extra, *words):
        rows = sorted([*office(), *extra], key=lambda r: float(r[0]))
        text = "#separator \\x09\n#unset_field\t-\n#path\tconn\n#fields\t" + "\t".join(FIELDS) + "\n"
        run = self.replay("--online", "--flows", *words, self.write("conn.log", text + "".join("\t".join(r) + "\n" for r in rows)))
        return run, [alert for alert in run.alerts() if alert["weir"]["state"] == "open"]

    def test_the_second_host_is_told_why(self):
        drop = [row(THEFT + 10 * HOUR, 3, "203.0.113.7", 9_000_000), row(THEFT + 13 * HOUR, 5, "203.0.113.9", 9_900_000)]
        elsewhere = row(THEFT + 14 * HOUR, 7, "192.0.2.9", 9_900_000)
        _, alerts = self.told([*drop, elsewhere])
        reasons = {alert["source"]["ip"]: {reason["code"]: reason["text"] for reason in alert["weir"]["reasons"]}
                   for alert in alerts if alert["@timestamp"] > "2026-03-02"}
        self.assertEqual(set(reasons), {"10.0.0.4", "10.0.0.6", "10.0.0.8"})
        self.assertRegex(reasons["10.0.0.6"].get("destination.rare", ""),
                         r"^9\.[0-9] MB went to 203\.0\.113\.0/24, which no host had met before 2026-03-02; "
                         r"1 other sent [89]\.[0-9] MB or more to it since$")
        for alone in ("10.0.0.4", "10.0.0.8"):
            self.assertNotIn("destination.rare", reasons[alone])

    def test_quic_and_websockets_are_named(self):
        run, alerts = self.told([row(THEFT + 10 * HOUR, 3, "203.0.113.7", 25_000_000, service="quic", proto="udp"),
                                 row(THEFT + 11 * HOUR, 5, "192.0.2.9", 1_500_000, 300_000, "websocket,http"),
                                 row(THEFT + 12 * HOUR, 7, "198.51.100.1", 25_000_000, service="quic", proto="udp")],
                                "--set", UPLOADS)
        by_rule = {alert["rule"]["id"]: alert for alert in alerts if alert["rule"]["id"].startswith("upload.")}
        self.assertEqual(set(by_rule), {"upload.quic", "upload.websocket"})
        quic, websocket = by_rule["upload.quic"], by_rule["upload.websocket"]
        self.assertEqual((quic["source"]["ip"], quic["network"]["protocol"]), ("10.0.0.4", "quic"))
        self.assertEqual((websocket["source"]["ip"], websocket["network"]["protocol"]), ("10.0.0.6", "websocket"))
        services = [flow["service"] for flow in run.flows() if flow.get("service") in ("quic", "websocket")]
        self.assertEqual(sorted(services), ["quic", "quic", "websocket"])


if __name__ == "__main__":
    weirtest.main()
