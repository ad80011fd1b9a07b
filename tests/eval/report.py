"""Results of tests/eval/run as tables, and the goals that were set beforehand.

Kept results: {"set", "hosts", "first", "days", "attacks", "alone", "packets", "results"}, of JSON: budgets
and the k of precision are text.
"""

import random

from rows import MB
from thefts import KINDS, MORE_KINDS

BANDS = (("bulk-new", 0, 100), ("bulk-new", 100, 1000), ("bulk-new", 1000, None),
         ("bulk-trusted", 0, 200), ("bulk-trusted", 200, 1000), ("bulk-trusted", 1000, None),
         ("slow-new", 0, 42), ("slow-new", 42, None),  # MB; 42 in 14 days: 3 a day
         ("served-theft", 0, 2), ("served-theft", 2, None))
NEVER = float("inf")
RESAMPLES = 1000


def recall(attacks, kind=None, low=0, high=None):
    """low, high: MB."""
    chosen = [a for a in attacks if (kind is None or a["kind"] == kind) and a["bytes"] >= low * MB and
              (high is None or a["bytes"] < high * MB)]
    return sum(a["days"] is not None for a in chosen), len(chosen)


def share(pair):
    return pair[0] / pair[1] if pair[1] else None


def shown(value, digits=2):
    return "–" if value is None else f"{value:.{digits}f}"


def median(values):
    """None, of nothing; what was missed counts as never."""
    values = sorted(NEVER if value is None else value for value in values)
    return values[len(values) // 2] if values else None


def total(pairs):
    return [sum(column) for column in zip(*pairs)]


def pooled(results, method, budget):
    entries = [result["methods"][method][budget] for result in results]
    return {"entries": entries, "attacks": [attack for entry in entries for attack in entry["attacks"]],
            "chance": total(entry["chance"] for entry in entries), "false": sum(entry["false"] for entry in entries),
            "nominal": float(budget) / 100 * sum(result["host_days"] for result in results),
            "precision": {k: total(entry["precision"][k] for entry in entries) for k in entries[0]["precision"]}}


def mean_recall(attacks):
    parts = [share(recall(attacks, kind)) for kind in KINDS]
    return sum(part or 0 for part in parts) / len(KINDS)


def between(results, figure):
    """95 of 100 such sets of fleets: by drawing fleets again, since what one has is not independent."""
    if len(results) < 5:
        return "–"
    rng = random.Random(1)
    drawn = sorted(figure(rng.choices(results, k=len(results))) for _ in range(RESAMPLES))
    return f"{drawn[RESAMPLES // 40]:.2f}–{drawn[-RESAMPLES // 40]:.2f}"


def realised(results, method, budget):
    pool = pooled(results, method, budget)
    return pool["false"] / pool["nominal"]


def public_a_week(results, budget):
    weeks = sum(result["days"] for result in results) / 7
    return sum(result["methods"]["Weir"][budget]["false_public"] for result in results) / weeks


# --- goals --------------------------------------------------------------------------------------------


def best_baseline(results, budget):
    """Its mean, and by kind the best of any."""
    pools = [pooled(results, method, budget)["attacks"] for method in results[0]["methods"] if method != "Weir"]
    kinds = {kind: max(share(recall(attacks, kind)) or 0 for attacks in pools) for kind in KINDS} if pools else {}
    return max((mean_recall(attacks) for attacks in pools), default=None), kinds


def goals_of_detection(results, budget, small):
    """(what, reached, wanted at least or None, wanted at most or None); reached: None: not measured."""
    attacks = pooled(results, "Weir", budget)["attacks"]
    if small:
        return [("mean of 7", mean_recall(attacks), .75, None)] if float(budget) == 1 else []
    if float(budget) != 1:
        return [("mean of 7", mean_recall(attacks), .45, None)] if float(budget) == .1 else []
    took = {kind: [a["days"] for a in attacks if a["kind"] == kind and a["bytes"] < size * MB]
            for kind, size in (("slow-new", 42), ("boiling-frog", NEVER))}
    return [("mean of 7", mean_recall(attacks), .88, None),
            ("bulk-trusted ≥ 1000 MB", share(recall(attacks, "bulk-trusted", 1000)), .98, None),
            ("bulk-trusted 200–1000 MB", share(recall(attacks, "bulk-trusted", 200, 1000)), .85, None),
            ("slow-trusted", share(recall(attacks, "slow-trusted")), .65, None),
            ("served-theft ≥ 2 MB", share(recall(attacks, "served-theft", 2)), .80, None),
            ("median days to find slow-new of 1–3 MB a day", median(took["slow-new"]), None, 1),
            ("median days to find boiling-frog", median(took["boiling-frog"]), None, 7),
            ("false alarms a week at the public server", public_a_week(results, budget), None, 1)]


def goals_against_others(results, budget):
    attacks = pooled(results, "Weir", budget)["attacks"]
    best, kinds = best_baseline(results, budget)
    times = NEVER if best == 0 else None if best is None else mean_recall(attacks) / best
    return [("mean of 7, times the best baseline's", times, 1.8, None)] + [
        (f"{kind}, beside the best baseline", share(recall(attacks, kind)), value - .05, None)
        for kind, value in kinds.items()]


def goals_of_packets(results):
    found = [a for a in of_packets(results, "1.0") if a["kind"].startswith("bulk-") and a["days"] is not None]
    slow = [a for a in of_packets(results, "1.0") if a["kind"] == "DNS, 0.7 B/s"]
    in_time = sum(a["days"] is not None and a["days"] <= 2 / 24 and a["share"] * a["bytes"] <= 5000 for a in slow)
    return [("uploads found, of these before a tenth had left", share((sum(a["share"] <= .1 for a in found),
                                                                      len(found))), .85, None),
            ("DNS at 0.7 B/s within 2 h and 5 kB", share((in_time, len(slow))), .95, None)]


def goals_of(kept):
    """(what, reached, at least, at most) of one file of results."""
    results, small, goals = kept["results"], kept["hosts"] < 50, []
    if kept["packets"]:
        return goals_of_packets(results) if "1.0" in results[0]["budgets"] else []
    for budget in results[0]["methods"]["Weir"]:
        part = goals_of_detection(results, budget, small)
        if not small:
            part += goals_against_others(results, budget)
            part.append(("realised / nominal", realised(results, "Weir", budget), .7, 1.4))
        goals += [(f"{float(budget):g} / 100 hosts / day: {what}", *figures) for what, *figures in part]
    return goals


def is_missed(reached, least, most):
    return reached is None or (least is not None and reached < least) or (most is not None and reached > most)


def goals_table(files):
    """Lines of markdown, and how many goals were missed."""
    lines, missed = ["", "| goal | hosts | wanted | reached | |", "|---" * 5 + "|"], 0
    for kept in files:
        for what, reached, least, most in goals_of(kept):
            wanted = " and ".join(f"{sign} {value:.2f}" for sign, value in (("≥", least), ("≤", most))
                                  if value is not None)
            fails = is_missed(reached, least, most)
            missed += fails
            lines.append(f"| {what} | {kept['hosts']} | {wanted} | "
                         f"{'not measured' if reached is None else 'never' if reached == NEVER else shown(reached)} | "
                         f"{'**missed**' if fails else 'reached'} |")
    return lines, missed


# --- tables ------------------------------------------------------------------------------------------


def said(kept):
    each = "one in each" if kept["alone"] else f"{kept['attacks']} of each kind in each"
    seeds = ", ".join(str(result["seed"]) for result in kept["results"])
    return (f"{kept['hosts']} hosts: {len(kept['results'])} fleets ({kept['set']}, seeds {seeds}), {kept['days']} "
            f"days, thefts: {each}{', with packets' if kept['packets'] else ''}.")


def row(name, cells):
    return f"| {name} | " + " | ".join(cells) + " |"


def methods_table(files, budget):
    """Sizes of fleets beside each other, and methods within."""
    columns = [(kept["results"], kept["hosts"], method) for kept in files for method in kept["results"][0]["methods"]]
    pools = [pooled(results, method, budget) for results, _, method in columns]
    lines = ["", f"**{float(budget):g} alerts / 100 hosts / day**", "",
             row("hosts", [f"{hosts}, {method}" for _, hosts, method in columns]), "|---" * (len(columns) + 1) + "|"]
    lines += [row(kind, [shown(share(recall(pool["attacks"], kind))) for pool in pools]) for kind in KINDS]
    lines.append(row("**mean of 7**", [f"**{mean_recall(pool['attacks']):.2f}**" for pool in pools]))
    lines.append(row("95 % of such fleets", [
        between(results, lambda drawn, m=method: mean_recall(pooled(drawn, m, budget)["attacks"]))
        for results, _, method in columns]))
    lines += [row(kind, [shown(share(recall(pool["attacks"], kind))) for pool in pools]) for kind in MORE_KINDS]
    lines.append(row("chance", [shown(share(pool["chance"])) for pool in pools]))
    lines.append(row("realised / nominal", [shown(pool["false"] / pool["nominal"]) for pool in pools]))
    lines.append(row("95 % of such fleets", [between(results, lambda drawn, m=method: realised(drawn, m, budget))
                                             for results, _, method in columns]))
    lines += [row(f"precision at {k}", [shown(share(pool["precision"][k])) for pool in pools])
              for k in pools[0]["precision"]]
    return lines


def size_cell(attacks, kind, low, high):
    chosen = [a for a in attacks if a["kind"] == kind and a["bytes"] >= low * MB and
              (high is None or a["bytes"] < high * MB)]
    found = [a for a in chosen if a["days"] is not None]
    if not found:
        return f"0 of {len(chosen)}" if chosen else "–"
    return (f"{len(found)} of {len(chosen)}, {median([a['days'] for a in found]):.2f} d, "
            f"{100 * median([a['share'] for a in found]):.0f} %")


def sizes_table(files, budget):
    lines = ["", f"Weir, {float(budget):g} alerts / 100 hosts / day: found; of these the median of days and of the "
             "share of bytes until told.", "", row("theft", [f"{kept['hosts']} hosts" for kept in files]),
             "|---" * (len(files) + 1) + "|"]
    for kind in KINDS + MORE_KINDS:
        for name, low, high in [(kind, 0, None)] + [band for band in BANDS if band[0] == kind]:
            size = "" if (low, high) == (0, None) else f", {low}–{high} MB" if high else f", ≥ {low} MB"
            lines.append(row(name + size, [size_cell(pooled(kept["results"], "Weir", budget)["attacks"], name, low,
                                                     high) for kept in files]))
    return lines


def counted(entries, name):
    """Most frequent first."""
    words = [word for entry in entries for word in entry[name]]
    return ", ".join(f"{word} {words.count(word)}" for word in sorted(set(words), key=lambda w: (-words.count(w), w)))


def false_lines(files, budget):
    lines = [""]
    for kept in files:
        results = kept["results"]
        entries = pooled(results, "Weir", budget)["entries"]
        lines.append(f"- {kept['hosts']} hosts, false alarms by row: {counted(entries, 'false_rules') or 'none'}; by "
                     f"what they are about: {counted(entries, 'false_twins') or 'nothing'}. At the public server "
                     f"{public_a_week(results, budget):.2f} a week. Outside the budget "
                     f"{sum(entry['apart'] for entry in entries)}. A replay took "
                     f"{median([entry['replay_s'] for entry in entries]):.0f} s.")
    return lines


def of_packets(results, budget):
    return [attack for result in results for attack in result["budgets"][budget]["attacks"]]


def span(days):
    return f"{days * 1440:.1f} min" if days < 2 / 24 else f"{days * 24:.1f} h" if days < 2 else f"{days:.1f} d"


def packets_table(kept, budget):
    results = kept["results"]
    attacks = of_packets(results, budget)
    lines = ["", f"**As packets, {kept['hosts']} hosts, {float(budget):g} alerts / 100 hosts / day**; medians of what "
             "was found.", "", "| theft | found | time to | bytes to | share of bytes |", "|---" * 5 + "|"]
    for kind in dict.fromkeys(attack["kind"] for attack in attacks):
        chosen = [attack for attack in attacks if attack["kind"] == kind]
        found = [attack for attack in chosen if attack["days"] is not None]
        cells = ["–"] * 3
        if found:
            left = median([a["share"] * a["bytes"] for a in found]) / 1000
            cells = [span(median([a["days"] for a in found])), f"{left:,.1f} kB",
                     f"{median([a['share'] for a in found]):.3f}"]
        lines.append(row(kind, [f"{len(found)} of {len(chosen)}"] + cells))
    found = [a for a in attacks if a["kind"].startswith("bulk-") and a["days"] is not None]
    early = sum(a["share"] <= .1 for a in found)
    false = total([list(result["budgets"][budget]["false"].values()) for result in results])
    names = list(results[0]["budgets"][budget]["false"])
    lines += ["", f"Of {len(found)} uploads found, {early} before a tenth had left. False alarms on their twins: " +
              ", ".join(f"{name} {count}" for name, count in zip(names, false)) +
              f" (of {sum(result['agents'] for result in results)} agents)."]
    return lines


def tables(files):
    """Markdown."""
    lines = [f"- {said(kept)}" for kept in files]
    logs = [kept for kept in files if not kept["packets"]]
    for budget in dict.fromkeys(budget for kept in logs for budget in kept["results"][0]["methods"]["Weir"]):
        part = [kept for kept in logs if budget in kept["results"][0]["methods"]["Weir"]]
        lines += methods_table(part, budget) + sizes_table(part, budget) + false_lines(part, budget)
    for kept in files:
        for budget in kept["results"][0]["budgets"] if kept["packets"] else ():
            lines += packets_table(kept, budget)
    return "\n".join(lines) + "\n"
