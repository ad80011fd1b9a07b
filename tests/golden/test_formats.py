#!/usr/bin/env python3
"""Every alert that the shipped and shared captures give, a heartbeat and an audit record, in every format:
JSON against docs/schema, ECS against the fields of ECS 8.11, CEF and text read back."""

import glob
import json
import os
import re
import subprocess
import unicodedata
import unittest

import weirtest
from weirtest import (SCHEMA_OF, SHARED, SHIPPED, Case, jsonschema, replay, schema, schema_problems)

RENDER = os.path.join(os.environ.get("WEIR_BUILD", ""), "tests", "render")
# Captures that raise something, by what they raise: enough for every shape that an alert has.
CAPTURES = ("01_dns_tunnel", "03_upload_exfil", "05_evasive_tunnel", "06_ot_ics", "10_encap")

# Of the field reference of ECS 8.11, what we write.
ECS_FIELDS = set("""
@timestamp message ecs.version
event.kind event.category event.type event.module event.dataset event.id event.severity event.risk_score
event.start event.end event.action event.outcome
rule.id rule.name rule.ruleset
threat.framework threat.tactic.id threat.technique.id threat.technique.subtechnique.id
source.ip source.mac source.bytes source.packets
destination.ip destination.port destination.domain destination.as.number
client.ip client.port server.ip server.port host.id host.mac host.ip related.ip
network.transport network.protocol network.application network.community_id network.direction
url.domain tls.client.server_name tls.client.ja3
observer.type observer.product observer.name observer.version user.id user.name
""".split())

OBSERVER = {"type": "sensor", "product": "weir", "name": "gate", "version": "0.1.0"}
SAID = { # what people may have said of an alert
    "silenced": {"id": "s1", "author": "kim", "reason": "backup", "until": "2026-04-01T00:00:00.000Z",
                 "out_bytes": 7},
    "acknowledged": {"by": "kim", "at": "2026-03-02T01:00:00.000Z", "quiet": True, "out_bytes": 7},
    "judged": {"verdict": "benign", "by": "kim", "at": "2026-03-02T01:00:00.000Z", "ticket": "T-1"}}
SEEN_BY = { # what several sensors saw
    "sensors": [{"name": "gate", "vantage": "core", "out_bytes": 9},
                {"name": "branch", "vantage": "branch", "out_bytes": 7}],
    "sensors_total": 4, "sensors_rest_bytes": 3}
HEARTBEAT = {
    "@timestamp": "2026-03-02T01:05:00.000Z", "ecs": {"version": "8.11"},
    "event": {"kind": "metric", "category": ["network"], "module": "weir", "dataset": "weir.heartbeat",
              "id": "0123456789abcdef0123456789abcdef"},
    "observer": OBSERVER,
    "weir": {"packets": 12, "wire_bytes": 3456, "drops": 1, "gaps": 0, "hosts": 3, "hosts_ready": 2,
             "incidents_open": 1, "alerts": 4, "records": 99, "workers": 1,
             "store": {"state": "away", "since": "2026-03-02T01:00:00.000Z", "why": "refused",
                       "hours_open": 1, "hours_unlearned": 0}, "blind": ["vlan 20"]}}
AUDIT = {
    "@timestamp": "2026-03-02T01:06:00.000Z", "ecs": {"version": "8.11"},
    "event": {"kind": "event", "category": ["configuration"], "type": ["change"], "module": "weir",
              "dataset": "weir.audit", "action": "silence.add", "outcome": "success",
              "id": "0123456789abcdef0123456789abcde0"},
    "user": {"name": "kim", "id": "1000"}, "message": "silenced 10.0.0.1 until the backup is moved",
    "observer": OBSERVER, "weir": {"audit": {"id": "s1"}}}


def render(form, records):
    text = "".join(json.dumps(record) + "\n" for record in records)
    done = subprocess.run([RENDER, form], input=text.encode(), stdout=subprocess.PIPE, check=True)
    lines = done.stdout.decode("utf-8").split("\n")
    assert lines.pop() == "" and len(lines) == len(records), f"{form}: {len(lines)} of {len(records)}"
    return lines


def fields(value, name=""):
    if isinstance(value, dict):
        for key, member in value.items():
            yield from fields(member, f"{name}.{key}" if name else key)
    else:
        yield name


def parse_cef(line):
    """The seven fields of the header, and the extension as a dictionary."""
    parts = re.split(r"(?<!\\)(?:\\\\)*\|", line, maxsplit=7)
    head = [re.sub(r"\\([|\\])", r"\1", part) for part in parts[:7]]
    keys = [(match.group(1), match.start(1), match.end())
            for match in re.finditer(r"(?:^| )([A-Za-z0-9]+)(?<!\\)=", parts[7])]
    found = {}
    for at, (key, _, begins) in enumerate(keys):
        ends = keys[at + 1][1] - 1 if at + 1 < len(keys) else len(parts[7])
        value = parts[7][begins:ends]
        assert key not in found, f"{key} twice: {line}"
        assert not re.search(r"(?<!\\)(?:\\\\)*=", value), f"{key}: a bare '=': {line}"
        found[key] = re.sub(r"\\([=\\nr])", lambda m: {"n": "\n", "r": "\r"}.get(m[1], m[1]), value)
    return head, found


def number_of_time(text):
    whole = subprocess.run(["date", "-u", "-d", text, "+%s"], stdout=subprocess.PIPE, check=True)
    return int(whole.stdout) * 1000 + int(text[20:23])


class Formats(Case):
    records = None

    def setUp(self):
        super().setUp()
        if Formats.records is None:
            found = self.alerts()
            said = json.loads(json.dumps(found[1]))
            said["weir"].update(SAID)
            said["weir"].update(SEEN_BY)
            Formats.records = [*found, said, HEARTBEAT, AUDIT]

    def alerts(self):
        """The incident's; and those of captures that raise something by themselves."""
        found = replay(self.path("incident"), "--workers", "0", "-c",
                       os.path.join(SHIPPED, "projectweb.yaml"),
                       os.path.join(SHIPPED, "projectweb.pcapng")).alerts()
        self.assertGreater(len(found), 3)
        for folder in CAPTURES:
            for path in sorted(glob.glob(os.path.join(SHARED, folder, "*.pcap"))):
                run = replay(self.path("out"), "--workers", "0", path)
                if os.path.exists(os.path.join(run.folder, "alerts.ndjson")):
                    found += run.alerts()
        return found

    def kinds(self, kind):
        return [record for record in self.records if record["event"]["kind"] == kind]

    def validate(self, name, lines):
        if not jsonschema:
            self.skipTest("python3-jsonschema is not installed")
        jsonschema.Draft202012Validator.check_schema(schema(name))
        for line in lines:
            self.assertEqual(schema_problems(name, json.loads(line)), [], line[:400])

    def test_ecs_is_as_its_schemas_say(self):
        for kind, name in SCHEMA_OF.items():
            records = self.kinds(kind)
            self.assertTrue(records)
            self.validate(name, render("ecs", records))

    def test_ecs_has_fields_of_ecs(self):
        for record in self.records:
            used = {name for name in fields({k: v for k, v in record.items() if k != "weir"})}
            self.assertEqual(used - ECS_FIELDS, set())

    def test_a_schema_refuses_what_it_does_not_know(self):
        if not jsonschema:
            self.skipTest("python3-jsonschema is not installed")
        alert = json.loads(json.dumps(self.kinds("alert")[0]))
        alert["weir"]["new_field"] = 1
        self.assertIn("new_field", schema_problems("ecs-alert.json", alert)[0])
        alert = json.loads(render("eve", [self.kinds("alert")[0]])[0])
        alert["alert"]["severity"] = 0
        self.assertTrue(schema_problems("eve.json", alert))

    def test_eve_is_as_its_schema_says(self):
        self.validate("eve.json", render("eve", self.records))

    def test_ocsf_is_as_its_schema_says(self):
        lines = render("ocsf", self.records)
        self.validate("ocsf.json", lines)
        for line in lines:
            event = json.loads(line)
            self.assertEqual(event["type_uid"], event["class_uid"] * 100 + event["activity_id"])

    def test_the_same_record_is_the_same_bytes(self):
        for form in ("ecs", "eve", "ocsf", "cef", "text"):
            self.assertEqual(render(form, self.records), render(form, self.records))

    def test_cef_reads_back(self):
        for record, line in zip(self.records, render("cef", self.records)):
            head, found = parse_cef(line)
            self.assertEqual(head[:4], ["CEF:0", "Weir", "weir", record["observer"]["version"]])
            self.assertEqual(found["externalId"], record["event"]["id"])
            self.assertEqual(int(found["rt"]), number_of_time(record["@timestamp"]))
            if record["event"]["kind"] != "alert":
                continue
            self.assertEqual(head[4:6], [record["rule"]["id"], record["rule"]["name"]])
            self.assertEqual(int(head[6]), (record["weir"]["score"] + 5) // 10)
            self.assertEqual(found["msg"], record["weir"]["reasons"][0]["text"])
            self.assertEqual(found["cs1"], record["weir"]["incident"])
            if "source" in record:
                self.assertEqual(found.get("src", found.get("c6a2")), record["source"]["ip"])
                self.assertEqual(found.get("dst", found.get("c6a3")), record["destination"]["ip"])
                self.assertEqual(int(found["out"]), record["source"]["bytes"])
                self.assertEqual(found["cs5"], record["network"]["community_id"])

    def test_text_is_one_printable_line(self):
        for record, line in zip(self.records, render("text", self.records)):
            self.assertEqual([c for c in line if unicodedata.category(c)[0] == "C"], [], line)
            self.assertTrue(line.startswith(record["@timestamp"][:19] + "Z "), line)
            if record["event"]["kind"] == "alert":
                self.assertIn(f"inc-{record['weir']['incident'][:6]}", line)
                self.assertIn(record["weir"]["reasons"][0]["text"], line)

    def test_hostile_names_stay_in_their_place(self):
        name = "a|b=c\\d\n\r\x1b]0;x\x07\u202egpj\u2028.exe\u0085"
        alert = json.loads(json.dumps(self.kinds("alert")[0]))
        alert.setdefault("destination", {})["domain"] = name
        alert["rule"]["name"] = name
        alert["weir"]["reasons"][0]["text"] = name
        cef, = render("cef", [alert])
        head, found = parse_cef(cef)
        self.assertEqual(len(cef.splitlines()), 1)
        self.assertEqual(found["dhost"], "a|b=c\\d\n\r?]0;x????gpj???.exe??")
        self.assertEqual(head[5], "a|b=c\\d  ?]0;x????gpj???.exe??")
        text, = render("text", [alert])
        self.assertEqual([c for c in text if unicodedata.category(c)[0] == "C"], [])


if __name__ == "__main__":
    if not os.path.exists(RENDER):
        raise SystemExit("the program `render` is not built (ninja render)")
    weirtest.main()
