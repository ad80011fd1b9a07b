"""Replays a fleet's log and compares what was told with what was done.

An attack is found when an alarm for its host, and its destination where the alarm names one, is raised between
its beginning and a day after its end. What is raised again counts again. False alarms are counted on the same
fleet without attacks, from day 14 on. `chance` is the same question asked of hosts that nothing was stolen
from, in the same spans of time: what is found by luck.
"""

import calendar
import json
import os
import subprocess
import tempfile
import time as clock

import baselines
import packets
from fleet import DAY, KINDS, MB, MORE_KINDS, QUIET_DAYS, START, Fleet

GRACE = DAY
BANDS = (("bulk-trusted", 0, 200 * MB), ("bulk-trusted", 200 * MB, 1000 * MB), ("bulk-trusted", 1000 * MB, None),
         ("slow-new", 0, 42 * MB), ("slow-new", 42 * MB, None))  # 42 MB in 14 days: 3 MB a day


def address(text):
    a, b, c, d = (int(part) for part in text.split("."))
    return a << 24 | b << 16 | c << 8 | d


def seconds(text):
    return calendar.timegm(clock.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")) + float("0" + text[19:-1])


def read_alarms(path):
    """(time, host, remote or None, score, incident, rule): what opens an incident or raises it again."""
    found, raised = [], set()
    with open(path, encoding="utf-8") as file:
        for line in file:
            alert = json.loads(line)
            weir = alert["weir"]
            known = (weir["incident"], weir.get("raise", 0))
            if weir["state"] == "close" or "ip" not in alert.get("source", {}) or known in raised:
                continue
            raised.add(known)
            whole = "host×destination" not in weir["baseline"]["scope"] and alert["rule"]["id"] == "volume.host"
            remote = alert.get("destination", {}).get("ip")
            found.append((seconds(alert["@timestamp"]), address(alert["source"]["ip"]),
                          None if whole or not remote else address(remote) & ~255 | 7, weir["score"],
                          weir["incident"], alert["rule"]["id"]))
    return sorted(found, key=lambda alarm: alarm[0])


def replay(binary, fleet, budget, settings=()):
    """Its alarms, and the seconds it took."""
    with tempfile.TemporaryDirectory(prefix="weir-eval-") as folder:
        log, out = os.path.join(folder, "conn.log"), os.path.join(folder, "out")
        fleet.write(log)
        inputs = [log]
        if fleet.uploads:
            inputs.append(os.path.join(folder, "uploads.pcap"))
            packets.write(inputs[1], fleet.uploads)
        words = [binary, "replay", "-q", "-o", out, "--set", f"detection.alerts_per_100_hosts_per_day={budget}"]
        for setting in settings:
            words += ["--set", setting]
        before = clock.monotonic()
        done = subprocess.run(words + inputs, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              env={**os.environ, "TMPDIR": folder}, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(words)}: status {done.returncode}\n{done.stderr[-3000:]}")
        return read_alarms(os.path.join(out, "alerts.ndjson")), clock.monotonic() - before


def late(alarms):
    return [alarm for alarm in alarms if alarm[0] >= START + QUIET_DAYS * DAY]


def hit(attack, alarms, host=None):
    """The first alarm that is this attack's; `host` in place of its own: any alarm of that one."""
    for alarm in alarms:
        if not attack.start <= alarm[0] <= attack.end + GRACE:
            continue
        if host is not None and alarm[1] == host:
            return alarm
        if host is None and alarm[1] == attack.host and alarm[2] in (None, attack.remote):
            return alarm
    return None


def days_to(attack, alarm):
    return max(0.0, alarm[0] - attack.start) / DAY


def share_to(attack, alarm):
    """Of its bytes, what had left."""
    return sum(size * min(1, max(0, (alarm[0] - start) / lasts)) for start, lasts, size in attack.rows) / attack.bytes


def chance(fleet, alarms, count=5):
    """How many of as many spans at hosts that nothing was stolen from have an alarm in them."""
    robbed = {attack.host for attack in fleet.attacks}
    honest = [host.ip for host in fleet.hosts if host.ip not in robbed and host.first_day == 0]
    spans = found = 0
    for n, attack in enumerate(attack for attack in fleet.attacks if attack.kind in KINDS):
        for m in range(min(count, len(honest))):
            spans += 1
            found += hit(attack, alarms, honest[(n * count + m) % len(honest)]) is not None
    return found, spans


def precision(fleet, alarms, k):
    """Of the k alarms of the highest score, one an incident, how many are attacks."""
    best = {}
    for alarm in late(alarms):
        known = best.get(alarm[4])
        if not known or alarm[3] > known[3]:
            best[alarm[4]] = alarm
    first = sorted(best.values(), key=lambda alarm: (-alarm[3], alarm[0]))[:k]
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


def measure(binary, purpose, seed, hosts, days, attacks, budgets, settings=(), others=True):
    """All of one seed: {method: {budget: {…}}}."""
    honest = Fleet(purpose, seed, hosts, days, 0)
    robbed = Fleet(purpose, seed, hosts, days, attacks)
    host_days = hosts * (days - QUIET_DAYS)
    result = {"seed": seed, "host_days": host_days, "methods": {}}
    for name, signs_of in baselines.METHODS.items() if others else ():
        quiet, loud = (sorted(signs_of(fleet.table, fleet), key=lambda sign: sign[0]) for fleet in (honest, robbed))
        for budget in budgets:
            threshold = baselines.threshold_for(quiet, budget * host_days / 100)
            alarms = baselines.alarms(loud, threshold)
            alarms = [(*alarm, n) for n, alarm in enumerate(alarms)]
            result["methods"].setdefault(name, {})[budget] = judged(
                robbed, alarms, len(baselines.alarms(quiet, threshold)))
    for budget in budgets:
        quiet, took = replay(binary, honest, budget, settings)
        loud, _ = replay(binary, robbed, budget, settings)
        entry = judged(robbed, loud, len(late(quiet)))
        entry["replay_s"] = took
        entry["false_rules"] = [alarm[5] for alarm in late(quiet)]
        result["methods"].setdefault("Weir", {})[budget] = entry
    return result


def by_packets(binary, purpose, seed, hosts, days, attacks, budgets, settings=()):
    """What was stolen at once, as packets beside the log: {budget: outcomes}."""
    made = Fleet(purpose, seed, hosts, days, attacks, packets=True)
    return {budget: [entry for entry in outcome(made, replay(binary, made, budget, settings)[0])
                     if entry["kind"] in ("bulk-new", "bulk-trusted")] for budget in budgets}


def packets_table(results):
    """Of what was found, how much when a tenth had left."""
    lines = ["", "| budget | uploads | found | of these, before a tenth had left | median share | median bytes |",
             "|---" * 6 + "|"]
    for budget in results[0]:
        attacks = [attack for result in results for attack in result[budget]]
        found = [attack for attack in attacks if attack["days"] is not None]
        early = sum(attack["share"] <= .1 for attack in found)
        sizes = [attack["share"] * attack["bytes"] / MB for attack in found]
        lines.append(f"| {budget:g} | {len(attacks)} | {ratio((len(found), len(attacks)))} | "
                     f"{ratio((early, len(found)))} | " + (f"{median([a['share'] for a in found]):.3f} | "
                                                           f"{median(sizes):.1f} MB |" if found else "– | – |"))
    return "\n".join(lines) + "\n"


def judged(fleet, alarms, false_alarms):
    return {"false": false_alarms, "attacks": outcome(fleet, alarms), "chance": chance(fleet, alarms),
            "precision": {k: precision(fleet, alarms, k) for k in (10, 20)}}


# --- tables ------------------------------------------------------------------------------------------


def recall(attacks, kind=None, low=0, high=None):
    chosen = [a for a in attacks if (kind is None or a["kind"] == kind) and a["bytes"] >= low and
              (high is None or a["bytes"] < high)]
    return sum(a["days"] is not None for a in chosen), len(chosen)


def ratio(pair):
    return f"{pair[0] / pair[1]:.2f}" if pair[1] else "–"


def median(values):
    values = sorted(values)
    return values[len(values) // 2] if values else None


def pooled(results, method, budget):
    entries = [result["methods"][method][budget] for result in results]
    attacks = [attack for entry in entries for attack in entry["attacks"]]
    found, spans = (sum(entry["chance"][i] for entry in entries) for i in (0, 1))
    return {"entries": entries, "attacks": attacks, "chance": (found, spans),
            "false": sum(entry["false"] for entry in entries),
            "host_days": sum(result["host_days"] for result in results),
            "precision": {k: tuple(sum(entry["precision"][k][i] for entry in entries) for i in (0, 1))
                          for k in (10, 20)}}


def mean_recall(attacks):
    parts = [recall(attacks, kind) for kind in KINDS]
    return sum(found / total for found, total in parts if total) / len(KINDS)


GOALS = {1.0: {"mean": .88, "bulk-trusted ≥ 1000 MB": .98, "bulk-trusted 200–1000 MB": .85, "slow-trusted": .65,
               "served-theft": .80}, .1: {"mean": .45}}


def best_baseline(results, budget):
    """Its mean, and by kind the best of any."""
    pools = [pooled(results, method, budget)["attacks"] for method in results[0]["methods"] if method != "Weir"]
    kinds = {kind: max(found / total for found, total in (recall(attacks, kind) for attacks in pools))
             for kind in KINDS}
    return max(mean_recall(attacks) for attacks in pools), kinds


def goals_of(results, budget):
    """(what, reached, wanted at least) and (what, reached, wanted at most)."""
    pool = pooled(results, "Weir", budget)
    attacks = pool["attacks"]
    wanted = GOALS.get(budget, {})
    values = {"mean": mean_recall(attacks)}
    for name, band in (("bulk-trusted ≥ 1000 MB", ("bulk-trusted", 1000 * MB)),
                       ("bulk-trusted 200–1000 MB", ("bulk-trusted", 200 * MB, 1000 * MB)),
                       ("slow-trusted", ("slow-trusted",)), ("served-theft", ("served-theft",))):
        found, total = recall(attacks, *band)
        values[name] = found / total if total else 0.0
    at_least = [(name, values[name], value) for name, value in wanted.items()]
    best, kinds = best_baseline(results, budget)
    at_least.append(("mean against the best baseline", values["mean"] / best if best else float("inf"), 1.8))
    for kind, value in kinds.items():
        found, total = recall(attacks, kind)
        at_least.append((f"{kind} against the best baseline", found / total, value - .05))
    realised = pool["false"] / (budget * pool["host_days"] / 100)
    at_least.append(("realised / nominal", realised, .7))
    at_most = [("realised / nominal", realised, 1.4)]
    for kind, days in (("slow-new", 1), ("boiling-frog", 7)) if budget == 1 else ():
        took = median([a["days"] if a["days"] is not None else float("inf") for a in attacks if a["kind"] == kind])
        at_most.append((f"median days to find {kind}", took, days))
    return at_least, at_most


def missed_goals(results):
    """Lines, one a goal that was not reached."""
    lines = []
    for budget in results[0]["methods"]["Weir"]:
        at_least, at_most = goals_of(results, budget)
        lines += [f"{budget:g}: {what}: {value:.2f}, wanted ≥ {goal:.2f}" for what, value, goal in at_least
                  if value < goal]
        lines += [f"{budget:g}: {what}: {value:.2f}, wanted ≤ {goal:.2f}" for what, value, goal in at_most
                  if value > goal]
    return lines


def tables(results):
    """Markdown."""
    methods = list(results[0]["methods"])
    lines = []
    for budget in results[0]["methods"]["Weir"]:
        lines += ["", f"**{budget:g} alerts / 100 hosts / day**", "",
                  "| method | " + " | ".join(KINDS) + " | mean of 7 | " + " | ".join(MORE_KINDS) +
                  " | chance | realised / nominal | precision at 10, 20 |", "|---" * (len(KINDS) + 6) + "|"]
        for method in methods:
            pool = pooled(results, method, budget)
            cells = [ratio(recall(pool["attacks"], kind)) for kind in KINDS]
            cells += [f"**{mean_recall(pool['attacks']):.2f}**"]
            cells += [ratio(recall(pool["attacks"], kind)) for kind in MORE_KINDS]
            cells += [ratio(pool["chance"]), f"{pool['false'] / (budget * pool['host_days'] / 100):.2f}",
                      ", ".join(ratio(pool["precision"][k]) for k in (10, 20))]
            lines.append(f"| {method} | " + " | ".join(cells) + " |")
        attacks = pooled(results, "Weir", budget)["attacks"]
        lines += ["", "| Weir, by size | attacks | recall | median days to | share of bytes at detection, median |",
                  "|---|---|---|---|---|"]
        for kind, low, high in [(kind, 0, None) for kind in KINDS + MORE_KINDS] + list(BANDS):
            found = [a for a in attacks if a["kind"] == kind and a["days"] is not None and a["bytes"] >= low and
                     (high is None or a["bytes"] < high)]
            size = "" if (low, high) == (0, None) else \
                f" {low // MB}–{high // MB} MB" if high else f" ≥ {low // MB} MB"
            days, share = median([a["days"] for a in found]), median([a["share"] for a in found])
            count = recall(attacks, kind, low, high)
            lines.append(f"| {kind}{size} | {count[1]} | {ratio(count)} | " +
                         ("– | – |" if days is None else f"{days:.2f} | {share:.2f} |"))
        rules = {}
        for entry in pooled(results, "Weir", budget)["entries"]:
            for rule in entry["false_rules"]:
                rules[rule] = rules.get(rule, 0) + 1
        lines += ["", "False alarms by row: " + (", ".join(f"{rule} {count}" for rule, count in sorted(
            rules.items(), key=lambda item: -item[1])) or "none") + "."]
    return "\n".join(lines) + "\n"
