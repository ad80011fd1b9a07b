"""What the tests of weir hunt share: three weeks of an office in a folder, a theft in it that begins on the first day,
and a hunt that is killed and begun again."""

import gzip
import os
import random
import subprocess
import time

import connlog
import weirtest
from weirtest import NS, conversation, pcap

DAYS, DAY, START = 21, connlog.DAY, connlog.START
HOSTS = 8
THIEF, TWIN, BRIEF, DROP = connlog.host(3), connlog.host(4), "10.1.0.200", "203.0.113.9"
RESULT = ("alerts.ndjson", "summary.json", "hosts.ndjson", "hunt.json", "report.html", "report.json")


def uploads(host, remote, days=range(DAYS), daily=12e6):
    rng = random.Random(f"{host} {remote}")
    for day in days:
        for hour in (9, 11, 14, 16) if day % 7 < 5 else ():
            yield (START + day * DAY + hour * 3600 + rng.uniform(0, 3000), host, remote, 30,
                   daily / 4 * rng.uniform(.8, 1.2))


def rows():
    hosts = {connlog.host(n) for n in range(HOSTS)}
    kept = [row for row in connlog.ordinary_rows(DAYS) if row[1] in hosts]
    kept += uploads(THIEF, DROP)
    kept += [(START + day * DAY + 36000, BRIEF, "51.0.1.9", 5, 9000) for day in (1, 2)]
    return kept


def office(folder):
    """conn.log, one a day of the days on which anybody works, packed now and then, in a folder a week; and a capture."""
    by_day = {}
    for row in rows():
        by_day.setdefault(int(row[0] - START) // DAY, []).append(row)
    for day, of_day in by_day.items():
        week = os.path.join(folder, f"week{day // 7}")
        os.makedirs(week, exist_ok=True)
        text = connlog.text_of(of_day).encode()
        packed = day % 3 == 0
        with open(os.path.join(week, f"conn-{day:02}.log" + (".gz" if packed else "")), "wb") as file:
            file.write(gzip.compress(text, mtime=0) if packed else text)
    begins = (START + 8 * DAY + 40000) * NS
    packets = conversation(begins, (TWIN, 40009), ("51.0.2.9", 443), bytes(20_000), b"x" * 3000)
    with open(os.path.join(folder, "week1", "a.pcap"), "wb") as file:
        file.write(pcap(packets))
    return folder


def probes(folder, days_of):
    """A probe's folder each, with the rows of its hosts of its days: name → (hosts, days)."""
    for name, (hosts, days) in days_of.items():
        os.makedirs(os.path.join(folder, name))
        kept = [row for row in rows() if row[1] in hosts]
        for day in days:
            of_day = [row for row in kept if int(row[0] - START) // DAY == day]
            if of_day:
                with open(os.path.join(folder, name, f"conn-{day:02}.log"), "w", encoding="utf-8") as file:
                    file.write(connlog.text_of(of_day))
    return folder


def words(folder, case, *more):
    return ("hunt", "-q", "--workers", "0", "--unit-days", "7", "-o", case, *more, folder)


def result(case, out):
    found = {"": out}
    for name in RESULT:
        with open(os.path.join(case, name), "rb") as file:
            found[name] = file.read()
    return found


def killed(folder, case, after_s, temporary, *more):
    """Begun, and killed after so long; None, or its status when it had ended before."""
    started = subprocess.Popen([weirtest.binary(), *words(folder, case, *more)], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               env=weirtest.environment(temporary))
    try:
        return started.wait(after_s)
    except subprocess.TimeoutExpired:
        started.kill()
        started.wait()
        return None


def kill_often(folder, case, times, undisturbed_s, temporary, seed, *more):
    """How many of them met it alive, and the statuses of those that did not."""
    rng = random.Random(seed)
    alive, statuses = 0, []
    for _ in range(times):
        status = killed(folder, case, rng.uniform(0.02, undisturbed_s), temporary, *more)
        alive += status is None
        statuses += [status] if status is not None else []
    return alive, statuses


def timed(run):
    begun = time.monotonic()
    done = run()
    return done, time.monotonic() - begun
