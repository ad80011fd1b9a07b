#!/usr/bin/env python3
"""staging.upload, by a conn.log of five weeks of twelve hosts: who gathers 2 GB from inside and sends 1.2 GB out over
two days, to where it sends every day, is told. Who gathers and sends nothing is not, nor is a gateway that does both
every day; the same upload without what came before is at most much, and not staged.

Every office hour each host sends some 20 MB to a service and gets some 3 MB from a file server inside, by a fixed
pattern of ± two octaves an hour and one a day."""

import weirtest
from weirtest import Case

FIELDS = ("ts uid id.orig_h id.orig_p id.resp_h id.resp_p proto service duration orig_bytes resp_bytes conn_state "
          "missed_bytes history orig_pkts orig_ip_bytes resp_pkts resp_ip_bytes")
HEAD = "#separator \\x09\n#unset_field\t-\n#path\tconn\n#fields\t" + FIELDS.replace(" ", "\t") + "\n"
MONDAY = 1_772_409_600 # 2026-03-02 00:00 UTC
HOSTS, DAYS, HOURS = 12, 33, range(8, 18)
SERVICE, FILES, THIEF, GATEWAY = "198.51.100.9", "10.0.0.250", "10.0.0.3", "10.0.0.5"
THEFT = 31 # a Thursday
MB = 1_000_000


def row(at, orig, resp, sent, got):
    packets = [sent // 1400 + 3, got // 1400 + 3]
    return [f"{at:.6f}", "C1", orig, "40000", resp, "443", "tcp", "-", "60.5", str(sent), str(got), "SF", "0", "ShADadFf",
            str(packets[0]), str(sent + 40 * packets[0]), str(packets[1]), str(got + 40 * packets[1])]


def moving(day, hour, host):
    return 2 ** ((day * 7 + hour * 3 + host * 5) % 11 / 2.5 - 2) * 2 ** ((day * 5 + host * 3) % 7 / 3 - 1)


def office_hour(day, hour):
    at = MONDAY + day * 86400 + hour * 3600
    for host in range(1, HOSTS + 1):
        ip, factor = f"10.0.0.{host}", moving(day, hour, host)
        yield row(at + host, ip, SERVICE, int(20 * MB * factor), 20_000)
        yield row(at + 100 + host, ip, FILES, 5_000, int(3 * MB * factor))
        if ip == GATEWAY: # some 2 GB a day in, 1.2 GB out
            steady = 2 ** ((day * 7 + hour * 3) % 11 / 10 - 0.5)
            yield row(at + 200, FILES, ip, int(200 * MB * steady), 5_000)
            yield row(at + 300, ip, "198.51.100.77", int(120 * MB * steady), 5_000)


def gathered():
    """400 MB from each of five hosts, in ten minutes."""
    at = MONDAY + THEFT * 86400 + 9 * 3600
    return [row(at + 120 * n, THIEF, f"10.0.0.{8 + n}", 5_000, 400 * MB) for n in range(5)]


def sent():
    """600 MB a day, of a day that has some 300 MB."""
    at = MONDAY + THEFT * 86400 + 9 * 3600 + 1800
    return [row(at + 86400 * day + 3600 * hour, THIEF, SERVICE, 75 * MB, 5_000) for day in (0, 1) for hour in range(8)]


class Staging(Case):
    @classmethod
    def setUpClass(cls):
        cls.rows = [one for day in range(DAYS) if day % 7 < 5 for hour in HOURS for one in office_hour(day, hour)]

    def told(self, more, *words):
        """All alerts about staging, and about the thief since the theft began."""
        rows = sorted(self.rows + more, key=lambda one: float(one[0]))
        log = self.write("conn.log", (HEAD + "".join("\t".join(one) + "\n" for one in rows)).encode())
        alerts = self.replay("--online", *words, log).alerts()
        return ([alert for alert in alerts if "staging.upload" in str(alert["weir"]["reasons"])],
                [alert for alert in alerts if alert["source"]["ip"] == THIEF and alert["@timestamp"] >= "2026-04-02"])

    def test_who_gathers_and_sends(self):
        told, of_thief = self.told(gathered() + sent())
        self.assertEqual({(alert["rule"]["id"], alert["source"]["ip"]) for alert in told}, {("staging.upload", THIEF)})
        first = told[0]
        self.assertEqual(first["@timestamp"][:10], "2026-04-02", "before the second day")
        self.assertEqual(first["destination"]["ip"], SERVICE)
        self.assertEqual(first["threat"]["technique"],
                         {"id": ["T1074"], "subtechnique": {"id": ["T1074.002"]}})
        reason = first["weir"]["reasons"][0]
        self.assertEqual(reason["code"], "staging.upload")
        self.assertRegex(reason["text"], r"^2\.0 GB came from inside in this day, usually \d+ MB to \d+ MB, the largest of "
                                         r"\d+ days about \d+ MB; \d+ MB left from then on$")
        self.assertEqual(self.told(gathered() + sent(), "--workers", "3"), (told, of_thief))

    def test_either_alone(self):
        self.assertEqual(self.told(sent())[0], [])
        self.assertEqual(self.told(gathered()), ([], []))


if __name__ == "__main__":
    weirtest.main()
