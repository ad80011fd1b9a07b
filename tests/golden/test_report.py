#!/usr/bin/env python3
"""weir report: the shipped incident's report against its maker's truth, in both languages; gaps that were
planted, in the coverage; the three verdicts; deadlines; whether given addresses left; names from the wire that
are markup; a sensor's journal; and, where a browser is installed, that the page opens without a complaint and
prints."""

import datetime
import html.parser
import json
import os
import re
import shutil
import struct
import subprocess

import connlog
import weirtest
from weirtest import (NS, SHIPPED, SOURCE, Case, jsonschema, replay, report_of, schema, schema_problems, truth,
                      weir)

JOURNAL_OF = os.path.join(os.environ.get("WEIR_BUILD", ""), "tests", "journal_of")
CAPTURE = os.path.join(SHIPPED, "projectweb.pcapng")
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
CLOCKS = [os.path.join(SOURCE, "deploy", "clocks", name) for name in ("gdpr.yaml", "nis2.yaml", "appi.yaml")]
VOID = {"meta", "br"}


class Page(html.parser.HTMLParser):
    """What a page holds: its elements, its text, the words of its titles and table heads; it is well formed."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.attributes, self.text, self.heads = [], set(), [], [], []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (self.open, tag)
        self.open.pop()

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs

    def handle_data(self, data):
        if "style" in self.open:
            return
        self.text.append(data)
        if self.open and self.open[-1] in ("h1", "h2", "h3", "h4", "th") and data.strip():
            self.heads.append(data.strip())

    def words(self):
        return " ".join(" ".join(self.text).split())


def text_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


class Reporting(Case):
    def report(self, *words, status=0):
        """`weir report words…` → its page and its JSON."""
        run = weir("report", *words, "-o", self.path("r.html"), "--json", self.path("r.json"))
        self.assertEqual((run.status, run.out), (status, ""), run)
        return Page(text_of(self.path("r.html"))), report_of(self.path("r.json"))

    @staticmethod
    def covered(said):
        return {fact["code"]: fact for fact in said["coverage"]}


class Incident(Reporting):
    """One replay of three weeks for all of them."""

    folder = None

    @classmethod
    def setUpClass(cls):
        cls.home_of_all = weirtest.tempfile.mkdtemp(prefix="weir-test-")
        cls.addClassCleanup(shutil.rmtree, cls.home_of_all, ignore_errors=True)
        cls.folder = os.path.join(cls.home_of_all, "case")
        cls.run_of_all = replay(cls.folder, "--online", "--workers", "0", "--flows", "--items", "-c",
                                os.path.join(SHIPPED, "projectweb.yaml"), CAPTURE)
        assert cls.run_of_all.status == 0, cls.run_of_all

    def ask(self, *words, status=0):
        return self.report("--case", self.folder, *words, status=status)

    def test_its_figures_are_the_makers(self):
        theft = truth("projectweb.truth.json")["theft"]
        out = theft["http_payload_bytes"] + theft["tls_payload_bytes"]
        said = report_of(os.path.join(self.folder, "report.json"))
        self.assertEqual(said["verdict"], "left")
        self.assertEqual(len(said["incidents"]), 1)
        incident = said["incidents"][0]
        self.assertEqual((incident["host"], incident["destination"]), (theft["server"], theft["network"]))
        for volume in (incident["out_bytes"], incident["flows"]["out_bytes"]):
            self.assertEqual(volume, {"value": out, "low": out, "high": out})
        self.assertEqual(incident["out_bytes_by_service"]["http"]["value"], theft["http_payload_bytes"])
        self.assertEqual(incident["out_bytes_by_service"]["tls"]["value"], theft["tls_payload_bytes"])
        self.assertEqual(incident["in_bytes"], theft["from_thief_bytes"])
        self.assertEqual(incident["content"]["email_addresses"]["value"], theft["distinct_addresses"])
        self.assertEqual(incident["connections_from_outside"], theft["connections"]["all"])
        self.assertEqual(incident["connections_from_inside"], 0)
        self.assertEqual({opener["ip"] for opener in incident["flows"]["openers"]}, set(theft["clients"]))
        self.assertEqual(sum(incident["timeline"]["out_bytes"]), out)
        for key, when in (("first", theft["first_packet"]), ("last", theft["last_packet"])):
            told = datetime.datetime.fromisoformat(incident[key].replace("Z", "+00:00"))
            made = datetime.datetime.fromisoformat(when[:26] + when[29:])
            self.assertLess(abs((told - made).total_seconds()), 0.001)
        self.assertEqual([mark["id"] for mark in incident["alerts"]],
                         [alert["event"]["id"] for alert in self.run_of_all.alerts()])

    def test_its_page_says_the_same(self):
        text = text_of(os.path.join(self.folder, "report.html"))
        page, words = Page(text), Page(text).words()
        for part in ("4.22 MB (at least 4,219,959 bytes, at most 4,219,959 bytes) left the inside host 10.4.0.17 "
                     "for 203.0.113.0/24, between 2026-03-02 01:14:07 and 2026-03-02 03:58:48",
                     "76,112", "opened by the outside: 212; by the inside: 0", "T1048.003",
                     "It would not have been told below 100 addresses", "project.example.jp",
                     "flows.ndjson has all of it: 4.22 MB (4,219,959) in 212 connections",
                     "Nobody has entered the moment of awareness", "One link was seen"):
            self.assertIn(part, words)
        self.assertIn("No gap in TCP payload was seen", words)
        self.assertEqual(report_of(os.path.join(self.folder, "report.json"))["mode"], "online")
        self.assertIn("What was judged against what Judged online: with what was known at each time.", words)
        self.assertIn("svg", page.tags)
        self.assertFalse(page.tags & {"script", "link", "img", "iframe", "object", "a", "base"})
        self.assertFalse([a for a in page.attributes if a[0] in ("src", "href", "onload", "onclick")])
        self.assertNotRegex(text, r"url\(|@import|https?:")
        self.assertIn("default-src 'none'", text)
        self.assertIn("@media print", text)

    def test_it_is_the_same_every_time(self):
        self.ask()
        self.assertEqual(text_of(self.path("r.html")), text_of(os.path.join(self.folder, "report.html")))
        self.assertEqual(text_of(self.path("r.json")), text_of(os.path.join(self.folder, "report.json")))

    def test_its_schema_refuses_what_it_does_not_know(self):
        if not jsonschema:
            self.skipTest("python3-jsonschema is not installed")
        jsonschema.Draft202012Validator.check_schema(schema("report.schema.json"))
        said = report_of(os.path.join(self.folder, "report.json"))
        for change, part in ((lambda: said.update(new_field=1), "new_field"),
                             (lambda: said["incidents"][0].pop("out_bytes"), "out_bytes"),
                             (lambda: said["coverage"][0].update(grave=None), "None"),
                             (lambda: said.update(verdict="maybe"), "maybe")):
            change()
            self.assertIn(part, "\n".join(schema_problems("report.schema.json", said)))

    def test_japanese(self):
        english, _ = self.ask()
        japanese, _ = self.ask("--language", "ja", *(word for clock in CLOCKS for word in ("--clock", clock)))
        same = {"MITRE ATT&CK", "SHA-256", "GDPR", "NIS2", "APPI", "inc-8123ca"}
        same |= {rule for rule in english.heads if re.fullmatch(r"[a-z.]+", rule)} # a detector's id
        self.assertEqual([head for head in japanese.heads if head in english.heads and head not in same], [])
        words = japanese.words()
        for part in ("内部ホスト 10.4.0.17 から 203.0.113.0/24 へ 4.22 MB（最小 4,219,959 バイト、最大 4,219,959 バイト）",
                     "メールアドレス", "送出あり", "第 33 条第 1 項", "判断できないこと"):
            self.assertIn(part, words)

    def test_deadlines(self):
        words = [word for clock in CLOCKS for word in ("--clock", clock)]
        page, said = self.ask("inc-8123ca", *words, "--aware", "2026-03-02T09:00 by Sato <CISO>")
        self.assertEqual((said["clocks"]["aware"], said["clocks"]["aware_by"]),
                         ("2026-03-02T00:00:00.000Z", "Sato <CISO>")) # the folder's zone is Tokyo's
        due = {(policy["name"], duty["what"].split(",")[0]): (duty["due_from"], duty["due"])
               for policy in said["clocks"]["policies"] for duty in policy["duties"]}
        at = lambda text: f"2026-{text}.000Z"
        self.assertEqual(due["GDPR", "notification of the breach to the supervisory authority"][1],
                         at("03-05T00:00:00"))
        self.assertEqual(due["NIS2", "early warning"][1], at("03-03T00:00:00"))
        self.assertEqual(due["NIS2", "incident notification"][1], at("03-05T00:00:00"))
        self.assertEqual(due["NIS2", "final report"][1], at("04-05T00:00:00"))
        self.assertEqual(due["APPI", "preliminary report"], (at("03-04T14:59:59"), at("03-06T14:59:59")))
        self.assertEqual(said["clocks"]["policies"][2]["duties"][1]["due"], at("03-31T14:59:59"))
        self.assertEqual(due["APPI", "final report"][1], at("04-30T14:59:59"))
        for part in ("2026-03-05 09:00:00", "Sato <CISO>", "not legal advice", "Art. 33(1)", "Art. 23(4)(a)",
                     "Enforcement Rules, Art. 8(1)", "72 hours from awareness"):
            self.assertIn(part, page.words())

    def test_mistakes(self):
        clock = self.write("c.yaml", "name: X\nsource: s\nauthority: a\nduties:\n  - what: w\n"
                                     "    article: x\n    within: soon\n")
        case = ("report", "--case", self.folder)
        html = ("-o", self.path("x.html"))
        for status, words, part in (
                (2, (*case, *html, "--clock", clock), f"{clock}:7:13: within: \"soon\", expected N h"),
                (2, (*case, *html, "--aware", "2026-03-02T09:00"), "expected when and who"),
                (2, (*case, *html, "--aware", "now by me"), "expected a time"),
                (2, (*case, *html, "inc-000000"), "there is no such incident"),
                (2, (*case, *html, "inc-8123ca", "--host", "10.4.0.17"), "one INCIDENT, or"),
                (2, (*case, *html, "--since", "2026-03-03", "--until", "2026-03-02"), "is after --until"),
                (2, case, "where to?"),
                (1, ("report", "--case", self.path("none"), *html), "alerts.ndjson"),
                (1, (*case, "-o", self.path("no", "folder.html")), "No such file")):
            self.assert_fails(status, words, part)
        self.assertFalse(os.path.exists(self.path("x.html")))

    def test_the_three_verdicts(self):
        for words, verdict, code in (
                (("--destination", "203.0.113.44"), "left", None),
                (("--host", "10.4.0.0/24", "--since", "2026-03-02", "--until", "2026-03-02T06:00"), "left", None),
                (("--destination", "203.0.113.0/24", "--host", "10.4.1.12"), "no_sign", None),
                (("--host", "10.4.9.9"), "cannot_say", "host_unseen"),
                (("--host", "10.4.1.12", "--until", "2026-03-09"), "cannot_say", "outside_span")):
            _, said = self.ask(*words)
            self.assertEqual(said["verdict"], verdict, words)
            grave = [fact["code"] for fact in said["coverage"] if fact["grave"]]
            self.assertEqual(grave, [code] if code else [], words)
            self.assertEqual(len(said["incidents"]), int(verdict == "left"), words)

    def test_what_left_without_an_alert(self):
        book = truth("projectweb.truth.json")["served_by_network_and_day"]["198.18.133.0/24"]
        page, said = self.ask("--destination", "198.18.133.0/24")
        self.assertEqual((said["verdict"], said["incidents"]), ("left", []))
        self.assertEqual(said["seen"]["out_bytes"]["value"], sum(book.values()))
        self.assertIn("which nothing judged to be unusual", page.words())

    def test_were_these_among_what_left(self):
        with open(CAPTURE, "rb") as file:
            found = re.findall(rb"\"([a-z0-9][a-z0-9._-]*@example[0-9]*\.(?:co\.|or\.)?jp)\"", file.read())
        left = sorted({address.decode() for address in found})[:2000]
        self.assertEqual(len(left), 2000)
        other = [f"nobody-{n}@example.jp" for n in range(2000)]
        asked = self.write("list", "# asked by the DPO\n\n" + "\r\n".join(left[:1999] + [left[1999].upper()] +
                                                                     other + ["no address", "<b>@x"]) + "\n")
        page, said = self.ask("--contains", asked)
        answers = [item["answer"] for item in said["contains"]["items"]]
        self.assertEqual(answers[:2000], ["seen"] * 2000)
        self.assertLess(said["contains"]["false_positive_rate"], 0.01)
        self.assertLess(answers[2000:4000].count("seen"), 4) # half a one is expected
        self.assertEqual(answers[4000:], ["cannot_say"] * 2)
        self.assertIn("are among those seen leaving. An item that never left is called so by mistake", page.words())
        self.assertIn("3,002 further items are counted, not listed", page.words())
        _, said = self.ask("inc-8123ca", "--contains", asked)
        self.assertLess(said["contains"]["false_positive_rate"], 0.0002)
        self.assertEqual(said["contains"]["filters"], 1)

    def test_a_damaged_filter_says_nothing(self):
        folder, never = self.path("case"), self.write("never", "nobody-at-all@example.co.jp\n")
        os.mkdir(folder)
        for name in ("alerts.ndjson", "items.ndjson"):
            shutil.copy(os.path.join(self.folder, name), folder)
        path = os.path.join(folder, "items.ndjson")
        lines = text_of(path).splitlines(keepends=True)
        for kept, answer in ((lines, "not_seen"), (lines[:-1], "cannot_say"), (lines[1:], "cannot_say"),
                             (["{]\n"] + lines[1:], "cannot_say")):
            with open(path, "w", encoding="utf-8") as file:
                file.writelines(kept)
            _, said = self.report("--case", folder, "--contains", never)
            self.assertEqual(said["contains"]["items"][0]["answer"], answer)

    def test_what_is_absent_is_said(self):
        bare = self.path("bare")
        os.mkdir(bare)
        shutil.copy(os.path.join(self.folder, "alerts.ndjson"), bare)
        page, said = self.report("--case", bare, "--contains", self.write("l", "a@example.jp\n"))
        codes = self.covered(said)
        for code in ("no_summary", "no_flows", "no_evidence"):
            self.assertIn(code, codes)
        self.assertTrue(codes["no_summary"]["grave"])
        self.assertEqual(said["contains"]["items"][0]["answer"], "cannot_say")
        self.assertEqual(said["incidents"][0]["timeline"]["from"], "alerts")
        self.assertEqual(sum(said["incidents"][0]["timeline"]["out_bytes"]),
                         said["incidents"][0]["out_bytes"]["value"])
        self.assertIn("no flows were kept", page.words())
        _, said = self.report("--case", bare, "--host", "10.9.9.9")
        self.assertEqual(said["verdict"], "cannot_say")
        with open(os.path.join(bare, "summary.json"), "w", encoding="utf-8") as file:
            file.write("{\"inputs\": [")
        self.assert_fails(3, ("report", "--case", bare, "-o", self.path("x.html")), "summary.json")

    def test_evidence_beside_it_is_listed(self):
        kept = self.path("kept")
        os.makedirs(os.path.join(kept, "evidence"))
        for name in ("alerts.ndjson", "summary.json"):
            shutil.copy(os.path.join(self.folder, name), kept)
        entries = [{"kind": kind, "name": name, "bytes": 1234567, "sha256": sha * 64, "link": "0" * 64}
                   for kind, name, sha in (("input", "projectweb.pcapng", "a"), ("evidence", "x.pcapng", "b"))]
        self.write("kept/evidence/manifest.json", json.dumps(
            {"version": 1, "kind": "weir.evidence", "chain": {"algorithm": "sha256", "entries": entries},
             "signature": {"algorithm": "ed25519", "key_id": "c" * 64, "key": "once"}}))
        page, said = self.report("--case", kept)
        self.assertNotIn("no_evidence", self.covered(said))
        for part in ("a" * 64, "x.pcapng", "1,234,567", "has not verified it", "a key of that run alone"):
            self.assertIn(part, page.words())
        self.assertEqual(said["evidence"]["chain"]["entries"], entries)

    def test_a_large_manifest(self):
        """One beyond 64 MiB is listed like any other; one that the verifier would not read either is said."""
        kept = self.path("large")
        os.makedirs(os.path.join(kept, "evidence"))
        for name in ("alerts.ndjson", "summary.json"):
            shutil.copy(os.path.join(self.folder, name), kept)
        line = b" " * (8 << 20) + b"\n"
        path = os.path.join(kept, "evidence", "manifest.json")
        with open(path, "wb") as file:
            file.write(b'{"kind": "weir.evidence"\n' + line * 9 + b"}\n")
        _, said = self.report("--case", kept)
        self.assertFalse({"no_evidence", "evidence_large"} & set(self.covered(said)))
        self.assertEqual(said["evidence"], {"kind": "weir.evidence"})
        with open(path, "wb") as file:
            for _ in range(33):
                file.write(line)
        page, said = self.report("--case", kept)
        self.assertIn("evidence_large", self.covered(said))
        self.assertNotIn("no_evidence", self.covered(said))
        self.assertIn("too large for a report", page.words())

    def test_names_from_the_wire_stay_text(self):
        record = json.loads(json.dumps(self.run_of_all.alerts()[-1]))
        evil = "<script>alert(1)</script>\u202egnp.exe\x1b[2J\"'><img src=x onerror=alert(2)>"
        record["destination"]["domain"] = evil
        record["tls"]["client"]["server_name"] = evil
        record["rule"].update(id="my.<rule>", name=evil)
        record["weir"]["reasons"][0].update(text=evil, code=evil, unit=evil)
        record["weir"]["content"]["email_addresses"]["labels"] = {evil: 3, "עברית": 1}
        record["observer"]["name"] = evil
        os.mkdir(self.path("evil"))
        self.write("evil/alerts.ndjson", json.dumps(record) + "\n{\"@timestamp\": 3}\nno JSON\n")
        page, said = self.report("--case", self.path("evil"))
        self.assertFalse(page.tags & {"script", "img"})
        self.assertFalse([a for a in page.attributes if a[0].startswith("on") or a[0] == "src"])
        text = text_of(self.path("r.html"))
        self.assertNotIn("\u202e", text)
        self.assertNotIn("\x1b", text)
        self.assertIn("⟨U+202E⟩gnp.exe⟨U+001B⟩[2J", page.words())
        self.assertIn("<bdi>עברית</bdi>", text)
        self.assertEqual(self.covered(said)["lines_unread"]["figures"], ["2"])
        self.assertEqual(said["incidents"][0]["destination"], evil[:259])

    def test_a_sensors_journal(self):
        state = self.path("state")
        os.mkdir(state)
        lines = "".join(json.dumps(record, separators=(",", ":")) + "\n" for record in self.run_of_all.alerts())
        subprocess.run([JOURNAL_OF, state], input=lines.encode(), check=True)
        before = sorted(os.listdir(os.path.join(state, "journal")))
        page, said = self.report("--set", f"sensor.state_dir={state}", "--set", "site.timezone=Asia/Tokyo",
                                 "inc-8123ca")
        self.assertEqual((said["verdict"], len(said["incidents"])), ("left", 1))
        self.assertEqual(said["incidents"][0]["out_bytes"]["value"], 4219959)
        self.assertTrue(self.covered(said)["no_heartbeats"]["grave"])
        self.assertIn("2026-03-02 01:14:07", page.words())
        self.assertEqual(sorted(os.listdir(os.path.join(state, "journal"))), before)
        _, said = self.report("--set", f"sensor.state_dir={state}", "--host", "10.9.9.9")
        self.assertEqual(said["verdict"], "cannot_say")

    @weirtest.unittest.skipUnless(BROWSER, "no chromium is installed")
    def test_a_browser_opens_and_prints_it(self):
        for language in ("en", "ja"):
            self.ask("inc-8123ca", "--language", language, "--clock", CLOCKS[0])
            done = subprocess.run(
                [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0",
                 f"--user-data-dir={self.path('browser')}", f"--print-to-pdf={self.path('r.pdf')}",
                 "file://" + self.path("r.html")], check=True, capture_output=True, timeout=120)
            said = done.stderr.decode("utf-8", "replace")
            self.assertNotIn("CONSOLE", said)
            self.assertNotIn("Refused to", said)
            with open(self.path("r.pdf"), "rb") as file:
                pdf = file.read()
            self.assertTrue(pdf.startswith(b"%PDF-"))
            self.assertGreaterEqual(len(re.findall(rb"/Type\s*/Page\b", pdf)), 3)


def records_of(path):
    """(time in ns, frame, length) of a pcap in microseconds."""
    with open(path, "rb") as file:
        data = file.read()
    at = 24
    while at < len(data):
        seconds, part, kept, size = struct.unpack_from("<IIII", data, at)
        yield seconds * NS + part * 1000, data[at + 16:at + 16 + kept], size
        at += 16 + kept


class Planted(Reporting):
    """Ten ordinary minutes of which three are missing, and packets of the rest."""

    def test_what_is_missing_is_in_the_coverage(self):
        begins = 1772587200 * NS
        hole = (begins + 180 * NS, begins + 360 * NS)
        parts, dropped = ([], []), 0
        for number, (at, frame, _) in enumerate(records_of(os.path.join(SHIPPED, "office10min.pcap"))):
            if hole[0] <= at < hole[1]:
                continue
            if number % 9 == 0 and len(frame) > 90: # behind the switch's port, before the sensor
                dropped += 1
                continue
            parts[at >= hole[1]].append((at, frame))
        self.assertGreater(dropped, 100)
        self.assertTrue(parts[0] and parts[1])
        inputs = [self.write(f"{n}.pcap", weirtest.pcap(part)) for n, part in enumerate(parts)]
        run = self.replay(*inputs, "--flows")
        page, said = self.report("--case", run.folder)
        codes = self.covered(said)
        self.assertEqual(said["verdict"], "cannot_say")
        second = lambda ns: datetime.datetime.utcfromtimestamp(ns // NS).strftime("%Y-%m-%d %H:%M:%S")
        self.assertEqual(codes["gap"]["figures"], [second(parts[0][-1][0]), second(parts[1][0][0])])
        self.assertTrue(codes["gap"]["grave"])
        missing = run.summary()["coverage"]["sensor"]["tcp_missing_bytes"]
        self.assertGreater(missing, 10000)
        self.assertIn("missing", codes)
        self.assertNotIn("nothing_missing", codes)
        for code in ("not_ready", "drops_unknown", "encrypted", "inside_guessed", "one_link"):
            self.assertIn(code, codes)
        words = page.words()
        self.assertIn("Cannot say", words)
        self.assertIn(f"Between {codes['gap']['figures'][0]} and", words)

    def test_what_was_not_to_be_told_and_what_is_damaged(self):
        """Behind more logs than are listed a capture that ends too early; and only one host was asked about."""
        row = "1772587200.5\tC1\t10.1.0.4\t30000\t203.0.113.9\t443\ttcp\tssl\t1.0\t500\t500\tSF\t0\tShADadFf\t5\t700\t5\t700\n"
        logs = [self.write(f"{n}.log", connlog.HEAD + row.replace("C1", f"C{n}")) for n in range(10)]
        with open(os.path.join(SHIPPED, "office10min.pcap"), "rb") as file:
            cut = self.write("cut.pcap", file.read()[:20000])
        run = self.replay(*logs, cut, "--host", "10.9.9.9", status=3)
        page, said = self.report("--case", run.folder)
        facts = self.covered(said)
        self.assertEqual(facts["input_damaged"]["figures"][0], "cut.pcap")
        self.assertEqual(facts["input_logs"]["figures"], ["2"])
        self.assertEqual(facts["only_about"]["figures"][0], "10.9.9.9/32")
        self.assertTrue(facts["only_about"]["grave"] and facts["input_damaged"]["grave"])
        self.assertEqual(said["verdict"], "cannot_say")


if __name__ == "__main__":
    weirtest.main()
