#!/usr/bin/env python3
"""The shipped incident, against the account its maker kept (pcaps/projectweb.truth.json).

Three quiet weeks, then one night: the theft is told, early enough, with the right figures, and nothing
else is."""

import datetime
import os

import weirtest
from weirtest import SHIPPED, Case, replay, truth


def when(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def rule(alert):
    return alert["rule"]["id"]


def brief(alert):
    """One alert as a failed test should show it."""
    return " ".join(str(part) for part in (
        alert["@timestamp"], rule(alert), alert["weir"]["state"], alert["weir"]["score"],
        alert.get("source", {}).get("ip"), "→", alert.get("destination", {}).get("ip"),
        alert["weir"].get("out_bytes", {}).get("value"), alert["weir"]["reasons"][0]["text"]))


class Incident(Case):
    shared = None

    def setUp(self):
        super().setUp()
        self.truth = truth("projectweb.truth.json")
        self.theft = self.truth["theft"]
        self.bytes = self.theft["http_payload_bytes"] + self.theft["tls_payload_bytes"]
        if not Incident.shared: # one replay serves all tests
            home = weirtest.tempfile.mkdtemp(prefix="weir-incident-")
            self.addClassCleanup(weirtest.shutil.rmtree, home, ignore_errors=True)
            Incident.shared = replay(os.path.join(home, "out"), "--online", "--flows", "-c",
                                  os.path.join(SHIPPED, "projectweb.yaml"),
                                  os.path.join(SHIPPED, "projectweb.pcapng"))
        self.assertEqual(Incident.shared.status, 0, Incident.shared)
        self.assertEqual(Incident.shared.err, "")
        self.alerts = Incident.shared.alerts()
        self.summary = Incident.shared.summary()

    def of_rule(self, name):
        found = [alert for alert in self.alerts if rule(alert) == name]
        self.assertTrue(found, f"{name} never fired; fired: {[brief(a) for a in self.alerts]}")
        return found

    def test_nothing_is_told_before_the_theft(self):
        began = when(self.theft["first_packet"])
        early = [brief(alert) for alert in self.alerts if when(alert["@timestamp"]) < began]
        self.assertEqual(early, [])

    def test_nothing_is_told_of_anybody_else(self):
        mine = (self.theft["server"], self.theft["clients"])
        others = [brief(alert) for alert in self.alerts
                  if alert.get("source", {}).get("ip") != mine[0] or
                  alert["destination"]["ip"] not in mine[1]]
        self.assertEqual(others, [])

    def test_addresses_are_told_before_5_percent_have_left(self):
        first = self.of_rule("content.personal")[0]
        sent = first["weir"]["services"]["http"]["value"]
        self.assertLess(sent, 0.05 * self.theft["http_payload_bytes"], brief(first))
        self.assertLess(when(first["@timestamp"]), when(self.theft["http_5_percent_left_at"]))
        self.assertGreaterEqual(first["weir"]["content"]["email_addresses"]["value"], 100)
        self.assertEqual(first["weir"]["state"], "open")
        self.assertEqual(first["weir"]["initiator"], "outside")
        self.assertEqual(first["network"]["direction"], "inbound")

    def test_volume_is_told_before_the_end(self):
        first = self.of_rule("volume.served")[0]
        self.assertLess(when(first["@timestamp"]), when(self.theft["last_packet"]), brief(first))
        self.assertLess(first["weir"]["out_bytes"]["value"], self.bytes)
        self.assertEqual(first["weir"]["baseline"]["state"], "ready")

    def test_mail_settings_are_told(self):
        """Two tenants' pages: an SMTP and an IMAP host each, one relay and one password of both."""
        self.assertEqual(self.theft["mail_settings_pages"], 2)
        incident, = self.summary["incidents"]
        settings = incident["content"]["settings"]
        self.assertEqual(settings["labels"], {"mail-host": 5, "credential": 1})
        alert = self.of_rule("content.settings")[0]
        self.assertEqual(alert["weir"]["score"], 55 + 1, brief(alert))

    def test_the_last_word_on_addresses_is_right(self):
        content = self.of_rule("content.personal")[-1]["weir"]["content"]["email_addresses"]
        incident, = self.summary["incidents"]
        for said, error in ((content["value"], content["error"]),
                            (incident["email_addresses"], incident["email_addresses_error"])):
            self.assertAlmostEqual(said, self.theft["distinct_addresses"],
                                   delta=0.01 * self.theft["distinct_addresses"])
            if error == 0: # it says that it is exact
                self.assertEqual(said, self.theft["distinct_addresses"])

    def test_the_summary_holds_one_incident(self):
        incident, = self.summary["incidents"]
        self.assertEqual((incident["host"], incident["destination"], incident["served"]),
                         (self.theft["server"], self.theft["network"], True))
        self.assertEqual(incident["connections_from_outside"], self.theft["connections"]["all"])
        self.assertEqual(incident["connections_from_inside"], 0)
        self.assertEqual(when(incident["first"]), self.millisecond("first_packet"))
        self.assertEqual(when(incident["last"]), self.millisecond("last_packet"))

    def millisecond(self, name):
        at = datetime.datetime.fromisoformat(self.theft[name][:23] + self.theft[name][29:])
        return at.astimezone(datetime.timezone.utc)

    def test_bytes_are_the_makers(self):
        incident, = self.summary["incidents"]
        self.assertEqual(incident["out_bytes"]["value"], self.bytes)
        self.assertEqual(incident["out_bytes"]["high"], self.bytes, "nothing is missing in the file")
        self.assertLessEqual(incident["out_bytes"]["low"], self.bytes)
        self.assertGreater(incident["out_bytes"]["low"], 0.99 * self.bytes)
        self.assertEqual(incident["in_bytes"], self.theft["from_thief_bytes"])
        services = incident["out_bytes_by_service"]
        self.assertEqual(services["http"]["value"], self.theft["http_payload_bytes"])
        self.assertEqual(services["tls"]["value"], self.theft["tls_payload_bytes"])

    def test_every_alert_explains_itself(self):
        incidents = {alert["weir"]["incident"] for alert in self.alerts}
        self.assertEqual(len(incidents), 1)
        self.assertEqual(len({alert["event"]["id"] for alert in self.alerts}), len(self.alerts))
        self.assertEqual(self.alerts[0]["weir"]["state"], "open")
        self.assertEqual(self.alerts[-1]["weir"]["state"], "close")
        times = [when(alert["@timestamp"]) for alert in self.alerts]
        self.assertEqual(times, sorted(times))
        for alert in self.alerts:
            weights = [reason["weight"] for reason in alert["weir"]["reasons"]]
            self.assertAlmostEqual(sum(weights), 1, msg=brief(alert))
            self.assertTrue(all(reason["text"] for reason in alert["weir"]["reasons"]))
            self.assertGreater(alert["weir"]["would_not_fire_below"]["value"], 0)
            out = alert["weir"]["out_bytes"]
            self.assertTrue(out["low"] <= out["value"] <= out["high"], brief(alert))

    def test_flows_add_up_to_what_the_maker_sent(self):
        packets = sent = 0
        for flow in self.shared.flows():
            packets += flow["orig"]["packets"] + flow["resp"]["packets"]
            theft = flow["orig"]["ip"] in self.theft["clients"]
            self.assertFalse(theft and flow["scope"] != "in", flow)
            sent += flow["resp"]["payload_bytes"] if theft else 0
        self.assertEqual(sent, self.bytes)
        sensor = self.summary["coverage"]["sensor"]
        self.assertEqual(sensor["packets"], self.truth["capture"]["packets"])
        self.assertEqual(sensor["wire_bytes"], self.truth["capture"]["wire_bytes"])
        self.assertEqual(packets + sensor["not_ip"], sensor["packets"])
        self.assertEqual(sensor["tcp_missing_bytes"], 0)
        self.assertEqual(sum(self.summary["record_faults"].values()), 0)

    def test_every_day_of_every_host_is_accounted(self):
        told = self.truth["out_by_host_and_day"]
        total = sum(sum(days.values()) for days in told.values())
        self.assertEqual(self.summary["coverage"]["out_bytes"]["value"], total)

    def test_people_can_read_it(self):
        text = self.shared.bytes("summary.txt").decode()
        self.assertEqual(text, self.shared.out)
        for part in ("DATA LEFT: 1 incident", "10.4.0.17", "203.0.113.0/24", "Mon 03-02 01:14:07",
                     "opened all 212 connections", "JST", "distinct e-mail addresses",
                     "content.personal", "volume.served", "Coverage", "Look here first"):
            self.assertIn(part, text)


if __name__ == "__main__":
    weirtest.main()
