"""A sensor's console without a sensor: the pages of sensor/console/web and, behind them, the API (docs/api.md) with
answers that were recorded (recorded.json) or made in their shape. For pages.mjs beside it.

    stub.py [--port N] [--incidents N] [--hostile] [--no-zones]

Prints its address, then serves until its input ends. Who signs in is alice (password "secret", analyst), bob ("secret",
viewer), or has the token "stub-token". POST /stub/alert tells an alert to all who listen.
With --hostile every name that could come from the wire is one that would run, or would turn the page around.
"""
import argparse
import copy
import http.server
import json
import os
import queue
import random
import re
import sys
import threading
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
WEB = os.path.join(HERE, "..", "..", "..", "sensor", "console", "web")
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
          "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'")
HOSTILE = ["<img src=x onerror=window.pwned=1>", "\"><script>window.pwned=1</script>", "javascript:window.pwned=1",
           "a\u202egnp.exe", "</title><svg onload=window.pwned=1>", "{{constructor.constructor('window.pwned=1')()}}",
           "' autofocus onfocus='window.pwned=1", "\u0000\u001b[2J", "x" * 3000, "constructor", "__proto__"]
RULES = ["volume.host", "volume.served", "content.personal", "destination.new", "timing.beacon", "tunnel.dns"]


class Site:
    """What the sensor knows, and who listens."""

    def __init__(self, words):
        self.words = words
        with open(os.path.join(HERE, "recorded.json"), encoding="utf-8") as file:
            self.recorded = json.load(file)
        self.draw = random.Random(12)
        self.lock = threading.Lock()
        self.listeners, self.sessions, self.marks, self.silences, self.ordered = [], {}, {}, [], []
        self.frozen = set()
        self.told = 0
        self.rows = [row_of(whole) for whole in self.recorded["incidents"]]
        self.rows += [self.made(n) for n in range(words.incidents)]
        if words.hostile:
            for n, row in enumerate(self.rows):
                row["destination"] = HOSTILE[n % len(HOSTILE)]
                row["rules"] = [HOSTILE[(n + 1) % len(HOSTILE)]]
        self.rows.sort(key=lambda row: -row["score"])

    def made(self, number):
        score = self.draw.randrange(20, 100)
        day, hour = 1 + number % 27, number % 24
        return {"id": f"{number + 1:032x}", "score": score,
                "urgency": "now" if score > 90 else "shift" if score > 50 else "digest", "active": number % 3 != 0,
                "alerts": 1 + number % 7, "host": f"10.4.{number % 16}.{1 + number % 250}",
                "destination": f"files{number % 90}.example.net", "first": f"2026-02-{day:02}T{hour:02}:10:00.000Z",
                "last": f"2026-02-{day:02}T{hour:02}:40:12.345Z", "out_bytes": self.draw.randrange(10 ** 4, 10 ** 10),
                "rules": [RULES[number % len(RULES)]]}

    def row(self, wanted):
        found = next((row for row in self.rows if row["id"] == wanted), None)
        return found and dict(found, **({"mark": self.marks[wanted]} if wanted in self.marks else {}))

    def whole(self, wanted):
        row = self.row(wanted)
        if not row:
            return None
        known = next((i for i in self.recorded["incidents"] if row_of(i)["id"] == wanted), self.recorded["incidents"][0])
        whole = copy.deepcopy(known)
        whole.update(incident=row, report=f"/v1/incidents/{wanted}/report", evidence=[
            {"name": "packets-1.pcapng", "bytes": 4821991, "held": False},
            {"name": "manifest.json", "bytes": 4711, "held": False}])
        if wanted == self.rows[1]["id"]:
            whole["evidence"] = [] # none is sealed yet
        if self.words.hostile:
            spoil(whole)
        return whole

    def alert(self):
        with self.lock:
            self.told += 1
            record = copy.deepcopy(self.recorded["incidents"][-1]["alerts"][0]["record"])
            record["event"]["id"] = f"{self.told:032x}"
            record["@timestamp"] = f"2026-03-02T06:{self.told % 60:02}:00.000Z"
            if self.words.hostile:
                spoil(record)
        self.tell("alert", record)

    def tell(self, kind, data):
        with self.lock:
            for listener in self.listeners:
                listener.put((kind, data))

    @staticmethod
    def band(known, low, high):
        return {"expected_low": low if known else None, "expected_high": high if known else None,
                "expected_hours": 84 if known else 7}

    def now(self):
        dice = random.Random(time.monotonic_ns())
        names = HOSTILE if self.words.hostile else ["example5.co.jp", "cdn.example.net", "203.0.113.0/24", "mail.example.org",
                                                    "backup.example.com", "update.example.net", "198.51.100.0/24"]
        destinations = [{"destination": name, "out_bytes_hour": int(52.9e6 / (n + 1) ** 2), "hosts": 1 + 3 * n,
                         "trusted": n in (1, 4), **self.band(n < 6, int(20e6 / (n + 1) ** 2), int(40e6 / (n + 1)))}
                        for n, name in enumerate(names)]
        zones = [("office", 31.2e6, 8e6, 41e6), ("servers", 58.1e6, 20e6, 36e6), ("dmz", 4.1e6, 1e6, 9e6), ("control", 0, 0, 0)]
        return {"at": "2026-03-02T06:12:41.000Z", "packets_s": 1840 + dice.randrange(600),
                "bytes_s": 1.9e6 + dice.randrange(900000), "drops": 0, "budget": {"spent": 1.2, "of": 3.0},
                "incidents_open": sum(1 for row in self.rows if row["active"]), "out_bytes_hour": 93412345,
                "hour": {"starts": "2026-03-02T06:00:00.000Z", "ends": "2026-03-02T07:00:00.000Z"}, "blind": [],
                "zones": [{"zone": name, "out_bytes_hour": out, **self.band(True, low, high)} for name, out, low, high in zones],
                "destinations": destinations, "hour_class": "weekday_shoulder", "expected_hours_least": 20,
                "expected_why": "fewer than 20 whole hours like this one are known",
                "alerts": [alert["record"] for i in self.recorded["incidents"] for alert in i["alerts"]]}

    def host(self, name):
        names = HOSTILE if self.words.hostile else ["example5.co.jp", "cdn.example.net", "203.0.113.0/24", "mail.example.org"]
        away = name == "10.4.0.18" # its past is not in memory
        week = [None if h % 24 == 3 and h > 120 else (0.04 if h > 120 else 0.9 if 8 <= h % 24 <= 18 else 0.2 + h % 5 / 20)
                for h in range(168)]
        return {"now": "2026-03-02T06:12:41.000Z", "hour": {"starts": "2026-03-02T06:00:00.000Z", "ends": "2026-03-02T07:00:00.000Z"},
                "host": {"host": name, "out_bytes": 52876417, "in_bytes": 812345, "day_out_bytes": 61234567, "destinations": 4,
                         "baseline": None if away else "frozen" if name in self.frozen else "ready", "hours": None if away else 504, "past_known": not away, "p": 0.0004, "expected": [1200000, 8100000],
                         "incident": {"id": self.rows[0]["id"], "score": self.rows[0]["score"], "urgency": self.rows[0]["urgency"],
                                      "rule": "volume.host"}},
                "week": {"zone": "Asia/Tokyo", "share": week, "day_expected": [9000000, 70000000]}, "total": len(names),
                "destinations": [{"name": text, "role": "served" if n == 2 else "client", "kind": "domain",
                                  "out_bytes": int(5e7 / (n + 1) ** 3), "in_bytes": 1000 * n, "flows": 3 + n, "met": None if away else n != 2,
                                  "p": 0.0004 * 10 ** n, "expected": [int(4e5 / (n + 1)), int(3e6 / (n + 1))] if n < 3 else None,
                                  "first_seen": f"2026-02-{9 + n:02}T08:00:00.000Z", "prevalence": 1 + 4 * n,
                                  "incident": None} for n, text in enumerate(names)]}

    def destination(self, name):
        rows = [{"host": f"10.4.1.{11 + n}", "role": "client", "out_bytes": int(5e7 / (n + 1) ** 2), "in_bytes": 20000 * n,
                 "flows": 9 - n, "expected": [int(2e5 / (n + 1)), int(6e6)], "p": 0.002 * (n + 1), "incident": None} for n in range(6)]
        return {"now": "2026-03-02T06:12:41.000Z", "name": name, "kind": "domain", "trusted": False,
                "first_seen": "2026-02-24T08:12:00.000Z", "prevalence": 6, "hosts_total": 6, "hosts": rows}

    def map(self):
        zones = [("enterprise", 4, "observe"), ("dmz", 3.5, "observe"), ("supervision", 2, "locked"), ("control", 1, "locked"), ("safety", 1, "locked")]
        rows = [("enterprise", "outside", "tls", 443, 8e9, True), ("enterprise", "dmz", "tls", 443, 2e8, True), ("supervision", "control", "modbus", 502, 4e7, True),
                ("supervision", "safety", "modbus", 502, 9e6, True), ("dmz", "supervision", "opcua", 4840, 3e7, True), ("control", "outside", "tls", 443, 5e5, False),
                ("supervision", "dmz", "syslog", 514, 2e6, None), ("inside", "enterprise", "http", 80, 3e6, True)]
        return {"now": "2026-03-02T06:12:41.000Z", "zones": [{"name": n, "level": level, "state": state, "hosts": 12, "out_bytes": None} for n, level, state in zones],
                "conduits": [{"from": a, "to": b, "service": HOSTILE[0] if self.words.hostile else s, "proto": 6, "port": p, "flows": 40 + i, "empty": 0,
                              "first": "2026-02-09T00:10:00.000Z", "last": "2026-03-02T06:10:00.000Z", "reads": 0 if s != "modbus" else 4000, "writes": 0 if s != "modbus" else 12,
                              "bytes": int(size), "bytes_back": int(size / 9), "writers": [], "more_writers": False, "allowed": ok,
                              "functions": [{"code": 3, "flows": 40, "new": False}, {"code": 8, "flows": 1, "new": True}] if p == 502 else []} for i, (a, b, s, p, size, ok) in enumerate(rows)]}

    def fleet(self):
        """Three sensors: this one, one that is cut off, and one with a name that no terminal should see."""
        names = [self.recorded["status"]["sensor"], "north-2", HOSTILE[0] if self.words.hostile else "south-1"]
        rows = [{"sensor": one, "state": state, "silent_ms": silent, "hours_behind": behind, "since_ms": 60000,
                 "clock_ahead_ms": ahead, "forgets": False, "self": i == 0}
                for i, (one, state, silent, behind, ahead) in enumerate(zip(
                    names, ("at work", "silent", "behind"), (1200, 900000, 2500), (0, 3, 1), (-120, None, 7230500)))]
        return {"now": "2026-03-02T01:05:07.201Z", "hours_behind": 0, "closer": None, "sensors": rows, "more": 0}

    def status(self):
        said = copy.deepcopy(self.recorded["status"])
        said["sensor"] = "projectweb-uplink"
        said["capture"] = [dict(said["capture"][0], worker=n, state="running", packets=9123456 + n, packets_per_s=920 + n, bytes_per_s=960000,
                                ring={"bytes": 8388608, "used_bytes": 300000 * (1 + n), "seconds": 41.2}) for n in range(2)]
        said["interfaces"] = [{"name": "tap0", "vantage": "uplink", "state": "up"}, {"name": "tap1", "vantage": "uplink", "state": "up"}]
        said["courier"]["state"] = "running"
        why = HOSTILE[0] if self.words.hostile else "connect to siem.example.net:6514: timed out"
        said["sinks"] = [{"name": "file", "type": "file", "delivered": 18231, "behind": 0, "lag_s": 0, "refused": 0, "retries": 0, "failures": 0, "state": "ok", "last_error": None},
                         {"name": "siem", "type": "syslog", "delivered": 18102, "behind": 129, "lag_s": 84, "refused": 0, "retries": 4, "failures": 4, "state": "waiting", "last_error": why}]
        said["engine"].update(records=912345, hosts=214, hosts_ready=190, hosts_learning=24, incidents_open=3, open_flows=1812)
        said["journal"].update(last=18231, durable=18231, bytes=41234567, segments=3)
        said["budget"].update(day_alerts=2.1, day_spent=1.2)
        said["alerts"] = [{"detector": rule, "now": n, "shift": 2 * n, "digest": 5} for n, rule in enumerate(RULES)]
        said["coverage"].update(packets=18246912, wire_bytes=9123456789, not_ip=172, tcp_payload_bytes=8123456789, tcp_missing_bytes=1234, flows=91234, flows_one_sided=12)
        said["blind"] = [HOSTILE[1]] if self.words.hostile else []
        return said


def row_of(whole):
    """The list's row of a recorded incident."""
    last = whole["alerts"][0]["record"]
    weir = last["weir"]
    return {"id": weir["incident"], "score": weir["score"], "urgency": weir["urgency"], "active": True, "alerts": len(whole["history"]),
            "host": last["source"]["ip"], "destination": last["destination"].get("domain", last["destination"]["ip"]),
            "first": last["event"]["start"], "last": last["event"]["end"], "out_bytes": weir["out_bytes"]["value"],
            "rules": [alert["record"]["rule"]["id"] for alert in whole["alerts"]]}


def spoil(node, at=0):
    """Every text that could be somebody else's becomes a hostile one; times, ids and what is counted stay."""
    kept = re.compile(r"^\d{4}-\d\d-\d\dT|^[0-9a-f]{32}$|^(now|shift|digest|open|update|close|ready|/v1/.*)$")
    for key, value in list(node.items()) if isinstance(node, dict) else list(enumerate(node)):
        if isinstance(value, (dict, list)):
            spoil(value, at + len(str(key)))
        elif isinstance(value, str) and not kept.match(value):
            node[key] = HOSTILE[(at + len(value)) % len(HOSTILE)]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site = None

    def log_message(self, *_):
        pass

    def answer(self, status, body, kind="application/json", **headers):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def refuse(self, status, text):
        self.answer(status, {"error": {"text": text}})

    def who(self):
        found = re.search(r"weir_session=(\w+)", self.headers.get("Cookie", ""))
        return self.site.sessions.get(found.group(1)) if found else None

    def body(self):
        return json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")

    def static(self, path):
        name = "index.html" if path == "/" else path[1:]
        if not re.fullmatch(r"[\w.-]+", name) or not os.path.isfile(os.path.join(WEB, name)):
            return self.refuse(404, "there is nothing at this path")
        with open(os.path.join(WEB, name), "rb") as file:
            return self.answer(200, file.read(), TYPES[os.path.splitext(name)[1]] + "; charset=utf-8")

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        if not url.path.startswith("/v1/"):
            return self.static(url.path)
        who = self.who()
        if not who:
            return self.refuse(401, "sign in first")
        parts = [urllib.parse.unquote(part) for part in url.path.split("/")[2:]]
        if parts == ["session"]:
            return self.answer(200, who)
        if parts == ["events"]:
            return self.events()
        return self.look(parts, dict(urllib.parse.parse_qsl(url.query)))

    def look(self, parts, query):
        site = self.site
        if parts == ["incidents"]:
            first, size = int(query.get("offset", 0)), int(query.get("limit", 200))
            rows = [site.row(row["id"]) for row in site.rows[first:first + size]]
            return self.answer(200, {"total": len(site.rows), "offset": first, "incidents": rows})
        if parts[0] == "incidents" and len(parts) == 2:
            whole = site.whole(parts[1])
            return self.answer(200, whole) if whole else self.refuse(404, "there is no such incident")
        if parts[0] == "incidents":
            return self.answer(200, b"<!doctype html>report", "text/html")
        if parts == ["map"] and site.words.no_zones:
            return self.answer(200, {"zones": None, "zones_why": "this sensor has no networks.zones"})
        one = {"now": site.now, "status": site.status, "map": site.map, "fleet": site.fleet}
        of = {"hosts": site.host, "destinations": site.destination}
        if len(parts) == 1 and parts[0] in one:
            return self.answer(200, one[parts[0]]())
        if len(parts) == 2 and parts[0] in of:
            return self.answer(200, of[parts[0]](parts[1]))
        return self.refuse(404, "there is nothing at this path")

    def events(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        mine = queue.Queue()
        with self.site.lock:
            self.site.listeners.append(mine)
        try:
            while True:
                try:
                    kind, data = mine.get(timeout=1)
                except queue.Empty:
                    kind, data = "now", self.site.now()
                self.wfile.write(f"event: {kind}\ndata: {json.dumps(data)}\n\n".encode())
                self.wfile.flush()
        except OSError:
            with self.site.lock:
                self.site.listeners.remove(mine)
            self.close_connection = True

    def do_POST(self):
        body = self.body()
        if self.path == "/stub/alert":
            self.site.alert()
            return self.answer(200, {"told": self.site.told})
        if self.path == "/v1/session":
            return self.sign_in(body)
        who = self.who()
        if not who or self.headers.get("X-Weir-CSRF") != who["csrf"]:
            return self.refuse(403 if who else 401, "no CSRF token" if who else "sign in first")
        if who["role"] == "viewer":
            return self.refuse(403, "needs the role analyst")
        return self.order(self.path.split("/")[2:], body, who)

    def sign_in(self, body):
        user = "console" if body.get("token") == "stub-token" else body.get("user") if body.get("password") == "secret" else None
        if not user:
            return self.refuse(401, "no such user, or another password")
        key = f"{random.getrandbits(128):032x}"
        self.site.sessions[key] = {"user": user, "role": "viewer" if user == "bob" else "analyst", "csrf": f"{random.getrandbits(64):x}",
                                   "sensor": "projectweb-uplink"}
        return self.answer(200, self.site.sessions[key], Set_Cookie=f"weir_session={key}; HttpOnly; SameSite=Strict; Path=/")

    def order(self, parts, body, who):
        site, act = self.site, parts[-1]
        site.ordered.append([self.path, body])
        by = {"by": who["user"], "at": "2026-03-02T06:13:00.000Z", "packet_time": "2026-03-02T06:12:59.000Z", **body}
        if act in ("ack", "close", "reopen"):
            mark = site.marks.setdefault(parts[1], {"incident": parts[1]})
            if act == "reopen":
                mark.clear()
            else:
                mark["acknowledged" if act == "ack" else "closed"] = by
            site.tell("state", {"incident": parts[1]})
            return self.answer(200, mark)
        if act in ("freeze", "thaw", "reset"):
            before = parts[1] in site.frozen
            (site.frozen.add if act == "freeze" else site.frozen.discard)(parts[1])
            return self.answer(200, {"changed": act == "reset" or before != (act == "freeze")})
        if act == "take":
            return self.answer(200, b"of " + body["file"].encode(), "application/octet-stream")
        if act == "silences":
            return self.answer(200, dict(body, id=f"sil-{len(site.ordered)}"))
        return self.refuse(404, "there is nothing at this path")

    def do_DELETE(self):
        found = re.search(r"weir_session=(\w+)", self.headers.get("Cookie", ""))
        self.site.sessions.pop(found.group(1) if found else "", None)
        self.answer(200, {"ok": True})


def main():
    asked = argparse.ArgumentParser()
    asked.add_argument("--port", type=int, default=0)
    asked.add_argument("--incidents", type=int, default=40)
    asked.add_argument("--hostile", action="store_true")
    asked.add_argument("--no-zones", action="store_true")
    Handler.site = Site(asked.parse_args())
    http.server.ThreadingHTTPServer.request_queue_size = 256 # a burst of alerts is a connection each
    server = http.server.ThreadingHTTPServer(("127.0.0.1", Handler.site.words.port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
