"""A small office's conn.log, for tests of what is judged against weeks of it: sixteen hosts, office hours."""

import random

HOSTS, DAYS, DAY = 16, 29, 86400
START = 1_767_571_200 # Monday 2026-01-05 00:00 UTC
FIELDS = ("ts uid id.orig_h id.orig_p id.resp_h id.resp_p proto service duration orig_bytes resp_bytes conn_state "
          "missed_bytes history orig_pkts orig_ip_bytes resp_pkts resp_ip_bytes").split()
HEAD = "#separator \\x09\n#unset_field\t-\n#path\tconn\n#fields\t" + "\t".join(FIELDS) + "\n"


def host(number):
    return f"10.1.0.{10 + number}"


def ordinary(rng, days):
    """Office hours: services that all use, sites of one's own, and new ones that are visited for a day or two."""
    for day in range(days):
        for n in range(HOSTS):
            if day % 7 >= 5 or rng.random() < .05:
                continue
            fresh = f"61.{n}.{day}.9" if rng.random() < .3 else None
            for hour in range(8, 18):
                remotes = [f"51.0.{service}.9" for service in range(6) if rng.random() < .6]
                remotes += [f"52.{n}.{own}.9" for own in range(3) if rng.random() < .3]
                remotes += [fresh] * rng.randrange(4) if fresh else []
                for remote in remotes:
                    at = START + day * DAY + hour * 3600 + rng.uniform(0, 3000)
                    yield at, host(n), remote, rng.uniform(.2, 60), rng.lognormvariate(9.5, 1.2)


def row_of(number, at, orig, resp, lasts, sent, got=None):
    sent = round(max(sent, 20))
    got = sent * 9 + 400 if got is None else got
    packets, answers = sent // 1400 + 3, got // 1400 + 3
    return (f"{at:.6f}\tC{number}\t{orig}\t{30000 + number % 30000}\t{resp}\t443\ttcp\tssl\t{lasts:.6f}\t{sent}\t{got}"
            f"\tSF\t0\tShADadFf\t{packets}\t{sent + 40 * packets}\t{answers}\t{got + 40 * answers}\n")


def ordinary_rows(days=DAYS):
    return list(ordinary(random.Random(20260105), days))


def text_of(rows):
    rows = sorted(rows, key=lambda row: row[0] + row[3])
    return HEAD + "".join(row_of(n, *row) for n, row in enumerate(rows))
