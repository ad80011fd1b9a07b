"""Replays a fleet's log and compares what was told with what was done.

An attack is found when an alarm for its host, and its destination where the alarm names one, is raised between
its beginning and a day after its end. What is raised again counts again. False alarms are counted on the same
fleet without attacks, from day 14 on, of the rows that share the budget; the others (OUTSIDE) are counted apart.
`chance` is the same question asked of hosts that nothing was stolen from, in the same spans of time: what is
found by luck.
"""

import calendar
import collections
import json
import os
import subprocess
import sys
import tempfile
import time as clock

import baselines
import packets
import wire
from fleet import DAY, KINDS, MORE_KINDS, QUIET_DAYS, START, Fleet
from thefts import PUBLIC_SERVER

GRACE = DAY
FIRST = (1, 10, 20)  # alarms, for precision
# the budget: rows that need no past
OUTSIDE = ("tunnel.", "content.", "protocol.", "zone.", "intel.", "sensor.", "served.sweep")

MODE = ["--online"]  # []: in hindsight

Alarm = collections.namedtuple("Alarm", "time host remote score incident rule domain", defaults=("", None))
Job = collections.namedtuple("Job", "binary purpose seed hosts days attacks alone budgets settings others")


def address(text):
    a, b, c, d = (int(part) for part in text.split("."))
    return a << 24 | b << 16 | c << 8 | d


def seconds(text):
    return calendar.timegm(clock.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")) + float("0" + text[19:-1])


def read_alarms(path):
    """What opens an incident or raises it again. What is about a whole host shows its largest flow, which does not
    say where the unusual went: it names no destination."""
    found, raised = [], set()
    with open(path, encoding="utf-8") as file:
        for line in file:
            alert = json.loads(line)
            weir, rule, to = alert["weir"], alert["rule"]["id"], alert.get("destination", {})
            known = (weir["incident"], rule, weir.get("raise", 0)) # each detector counts its own
            if weir["state"] == "close" or "ip" not in alert.get("source", {}) or known in raised:
                continue
            raised.add(known)
            whole = weir["baseline"]["scope"] in ("host", "peers")
            remote = None if whole or "ip" not in to else address(to["ip"]) & ~255 | 7
            found.append(Alarm(seconds(alert["@timestamp"]), address(alert["source"]["ip"]), remote, weir["score"],
                               weir["incident"], rule, to.get("domain")))
    return sorted(found, key=lambda alarm: alarm.time)


def replay(binary, fleet, budget, settings=(), frames=()):
    """Its alarms, and the seconds it took."""
    with tempfile.TemporaryDirectory(prefix="weir-eval-") as folder:
        log, out = os.path.join(folder, "conn.log"), os.path.join(folder, "out")
        fleet.write(log)
        inputs = [log]
        if frames:
            inputs.append(os.path.join(folder, "packets.pcap"))
            packets.write(inputs[1], frames)
        words = [binary, "replay", "-q", *MODE, "-o", out, "--set", f"detection.alerts_per_100_hosts_per_day={budget}"]
        for setting in settings:
            words += ["--set", setting]
        before = clock.monotonic()
        done = subprocess.run(words + inputs, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              env={**os.environ, "TMPDIR": folder}, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(words)}: status {done.returncode}\n{done.stderr[-3000:]}")
        return read_alarms(os.path.join(out, "alerts.ndjson")), clock.monotonic() - before


def told(job, fleet, budget, what, frames=()):
    """replay(), saying that it is done."""
    alarms, took = replay(job.binary, fleet, budget, job.settings, frames)
    print(f"seed {job.seed}, {job.hosts} hosts, {budget:g}, {what}: {len(alarms)} alarms, {took:.0f} s",
          file=sys.stderr, flush=True)
    return alarms, took


def late(alarms):
    return [alarm for alarm in alarms if alarm.time >= START + QUIET_DAYS * DAY]


def budgeted(alarms):
    """What counts against the budget."""
    return [alarm for alarm in late(alarms) if not alarm.rule.startswith(OUTSIDE)]


def is_of(alarm, attack):
    """Is it about this theft: by whom and where to? A row that needs no past says where; of those thefts, what is
    unusual of the whole host says nothing."""
    if alarm.host != attack.host:
        return False
    if attack.name:
        return alarm.domain == attack.name
    return alarm.remote == attack.remote or (alarm.remote is None and attack.kind not in wire.KINDS)


def hit(attack, alarms, host=None):
    """The first alarm that is this attack's; `host` in place of its own: any alarm of that one."""
    for alarm in alarms:
        if attack.start <= alarm.time <= attack.end + GRACE and (
                is_of(alarm, attack) if host is None else alarm.host == host):
            return alarm
    return None


def days_to(attack, alarm):
    return max(0.0, alarm.time - attack.start) / DAY


def share_to(attack, alarm):
    """Of its bytes, what had left."""
    return sum(size * min(1, max(0, (alarm.time - start) / lasts)) for start, lasts, size in attack.rows) / attack.bytes


def chance(fleet, alarms, count=5):
    """How many of as many spans at hosts that nothing was stolen from have an alarm in them."""
    robbed = {attack.host for attack in fleet.attacks}
    honest = [host.ip for host in fleet.hosts if host.ip not in robbed and host.first_day == 0]
    spans = found = 0
    for n, attack in enumerate(attack for attack in fleet.attacks if attack.kind in KINDS):
        first = (n + KINDS.index(attack.kind)) * count
        for m in range(min(count, len(honest))):
            spans += 1
            found += hit(attack, alarms, honest[(first + m) % len(honest)]) is not None
    return found, spans


def precision(fleet, alarms, k):
    """Of the k alarms of the highest score, one an incident, how many are attacks."""
    best = {}
    for alarm in late(alarms):
        known = best.get(alarm.incident)
        if not known or alarm.score > known.score:
            best[alarm.incident] = alarm
    first = sorted(best.values(), key=lambda alarm: (-alarm.score, alarm.time))[:k]
    right = sum(any(hit(attack, [alarm]) for attack in fleet.attacks) for alarm in first)
    return right, len(first)


def outcome(fleet, alarms):
    """Of each attack: kind, bytes, days to and share of bytes at its first alarm, or None."""
    result = []
    for attack in fleet.attacks:
        alarm = hit(attack, alarms)
        result.append({"kind": attack.kind, "bytes": int(attack.bytes),
                       "days": days_to(attack, alarm) if alarm else None,
                       "share": share_to(attack, alarm) if alarm else None})
    return result


def judged(fleets, alarms, quiet):
    """Of fleets with thefts and their alarms; quiet: those of the same one without."""
    pairs = list(zip(fleets, alarms))
    lucky = [chance(*pair) for pair in pairs]
    right = {k: [precision(*pair, k) for pair in pairs] for k in FIRST}
    return {"false": len(budgeted(quiet)), "false_rules": [alarm.rule for alarm in budgeted(quiet)],
            "apart": len(late(quiet)) - len(budgeted(quiet)),
            "attacks": [entry for pair in pairs for entry in outcome(*pair)],
            "chance": [sum(column) for column in zip(*lucky)],
            "precision": {k: [sum(column) for column in zip(*parts)] for k, parts in right.items()}}


def fleets_of(job):
    """One from which nothing is stolen; then one with all thefts, or one for each kind."""
    made = (job.purpose, job.seed, job.hosts, job.days)
    alone = [(kind,) for kind in KINDS + MORE_KINDS] if job.alone else [None]
    return Fleet(*made, 0), [Fleet(*made, job.attacks, kinds=kinds) for kinds in alone]


def by_others(job, honest, robbed):
    baselines.KNOWN.clear()
    result = {}
    for name, signs_of in baselines.METHODS.items():
        quiet, *loud = (sorted(signs_of(fleet.table, fleet), key=lambda sign: sign[0]) for fleet in [honest] + robbed)
        for budget in job.budgets:
            threshold = baselines.threshold_for(quiet, budget * honest.host_days() / 100)
            alarms = [[Alarm(*alarm, n) for n, alarm in enumerate(baselines.alarms(signs, threshold))]
                      for signs in [quiet] + loud]
            result.setdefault(name, {})[budget] = judged(robbed, alarms[1:], alarms[0])
    return result


def measure(job):
    """All of one seed: {method: {budget: {…}}}."""
    honest, robbed = fleets_of(job)
    result = {"seed": job.seed, "host_days": honest.host_days(), "days": job.days - QUIET_DAYS,
              "methods": by_others(job, honest, robbed) if job.others else {}}
    for budget in job.budgets:
        quiet, took = told(job, honest, budget, "nothing stolen")
        loud = [told(job, fleet, budget, "thefts" if len(robbed) == 1 else fleet.attacks[0].kind)[0]
                for fleet in robbed]
        entry = judged(robbed, loud, quiet)
        entry["replay_s"] = took
        entry["false_twins"] = [honest.twin(alarm.host, alarm.remote) for alarm in budgeted(quiet)]
        entry["false_public"] = sum(alarm.host == honest.servers[PUBLIC_SERVER] for alarm in budgeted(quiet))
        result["methods"].setdefault("Weir", {})[budget] = entry
    return result


def false_of_twins(fleet, alarms):
    """Alarms on what looks like a theft that only packets can say, and on agents that call home."""
    result = {rows: sum(alarm.rule.startswith(rows) for alarm in alarms) for rows in (*wire.TWINS, "protocol.")}
    return result | {"agents": sum(fleet.twin(alarm.host, alarm.remote) == "agent" for alarm in alarms)}


def by_packets(job):
    """What only packets can say, beside the log: {budget: outcomes and false alarms of their twins}."""
    made = (job.purpose, job.seed, job.hosts, job.days)
    honest = Fleet(*made, 0, packets=True)
    robbed = Fleet(*made, job.attacks, packets=True, kinds=("bulk-new", "bulk-trusted", "beacon-only"))
    frames = [wire.Wire(honest, False).frames, wire.Wire(robbed, True).frames]
    result = {"seed": job.seed, "agents": list(honest.twins.values()).count("agent"), "budgets": {}}
    for budget in job.budgets:
        quiet, _ = told(job, honest, budget, "packets, nothing stolen", frames[0])
        loud, took = told(job, robbed, budget, "packets, thefts", frames[1])
        result["budgets"][budget] = {"attacks": outcome(robbed, loud), "false": false_of_twins(honest, late(quiet)),
                                     "replay_s": took, "packets": len(frames[1])}
    return result
