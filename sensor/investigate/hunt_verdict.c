/* Days and verdicts of a hunt. What "cannot say" means is written down in docs/hunt.md and nowhere
 * decided by anything else than what stands in struct hunt_basis. Pure. */
#include "weir/investigate/hunt.h"

#include "weir/base/buffer.h"

#include <stdlib.h>

/* As the report has them (docs/report.md): from here on silence proves nothing. */
#define GRAVE_DROPS     0.001
#define GRAVE_MISSING   0.01
#define GRAVE_ONE_SIDED 0.5

const char *const hunt_sight_name[HUNT_SIGHTS] = {
    "covered",      "one_sided",     "hosts_refused", "payload_missing",
    "packets_lost", "input_damaged", "probe_absent",  "no_input"};
const char *const hunt_verdict_code[HUNT_VERDICTS] = {"left", "cannot_say", "no_sign"};
const char *const hunt_verdict_words[HUNT_VERDICTS][REPORT_LANGUAGES] = {
    [HUNT_LEFT] = {"left", "送出あり"},
    [HUNT_CANNOT_SAY] = {"cannot say", "判断できません"},
    [HUNT_NO_SIGN] = {"no sign within the stated coverage", "記載の監視範囲では兆候なし"}};
const char *const hunt_why_code[HUNT_WHYS] = {NULL,         "not_seen",    "hosts_refused",
                                              "too_short",  "not_covered", "few_days",
                                              "poor_sight", "probe_absent"};

/* --- days ------------------------------------------------------------------------------------- */

void hunt_days_init(struct hunt_days *days, int64_t first, size_t count)
{
    *days = (struct hunt_days){.first = first, .count = count};
    days->sight = xcalloc(count + 1, sizeof *days->sight);
    memset(days->sight, HUNT_GAP, count);
}

void hunt_days_fini(struct hunt_days *days)
{
    free(days->sight);
    *days = (struct hunt_days){.count = 0};
}

/* What of it these days reach; false: nothing. */
static bool clip(const struct hunt_days *days, int64_t *from, int64_t *to)
{
    int64_t last = days->first + (int64_t)days->count - 1;
    *from = *from > days->first ? *from : days->first;
    *to = *to < last ? *to : last;
    return *from <= *to;
}

void hunt_days_cover(struct hunt_days *days, int64_t from, int64_t to)
{
    if (!clip(days, &from, &to))
        return;
    for (int64_t day = from; day <= to; day++)
        if (days->sight[day - days->first] == HUNT_GAP)
            days->sight[day - days->first] = HUNT_COVERED;
}

void hunt_days_mark(struct hunt_days *days, int64_t from, int64_t to, enum hunt_sight sight)
{
    if (!clip(days, &from, &to))
        return;
    for (int64_t day = from; day <= to; day++)
        if (days->sight[day - days->first] < sight)
            days->sight[day - days->first] = (uint8_t)sight;
}

size_t hunt_days_of(const struct hunt_days *days, enum hunt_sight sight)
{
    size_t count = 0;
    for (size_t i = 0; i < days->count; i++)
        count += days->sight[i] == sight;
    return count;
}

static double counted(const struct json_value *summary, const char *path)
{
    double value = 0;
    return json_decimal(json_find(summary, path), &value) ? value : 0;
}

enum hunt_sight hunt_sight_of(const struct json_value *summary)
{
    double drops = counted(summary, "coverage.sensor.kernel_drops") +
                   counted(summary, "coverage.sensor.interface_drops");
    double missing = counted(summary, "coverage.sensor.tcp_missing_bytes");
    double packets = counted(summary, "coverage.sensor.packets") + drops;
    double payload = counted(summary, "coverage.sensor.tcp_payload_bytes") + missing;
    if (drops > 0 && drops >= GRAVE_DROPS * packets)
        return HUNT_LOST;
    if (missing > 0 && missing >= GRAVE_MISSING * payload)
        return HUNT_MISSING;
    if (counted(summary, "judged.hosts_refused") > 0)
        return HUNT_CROWDED;
    return counted(summary, "coverage.one_sided.share") >= GRAVE_ONE_SIDED ? HUNT_ONE_SIDED
                                                                           : HUNT_COVERED;
}

/* --- verdicts --------------------------------------------------------------------------------- */

static enum hunt_sight worst_of(const struct hunt_basis *basis)
{
    enum hunt_sight most = HUNT_ONE_SIDED;
    for (enum hunt_sight sight = HUNT_ONE_SIDED; sight < HUNT_SIGHTS; sight++)
        if (basis->seen[sight] > basis->seen[most])
            most = sight;
    return most;
}

static enum hunt_why why_not(const struct hunt_basis *basis)
{
    size_t seen = 0;
    for (int sight = 0; sight < HUNT_SIGHTS; sight++)
        seen += basis->seen[sight];
    if (seen == 0)
        return basis->crowded > 0 ? HUNT_WHY_CROWDED : HUNT_WHY_NOT_SEEN;
    if (!basis->hindsight)
        return HUNT_WHY_SHORT;
    if (2 * basis->covered < basis->days)
        return HUNT_WHY_UNCOVERED;
    if (basis->seen[HUNT_COVERED] < basis->least)
        return seen < basis->least ? HUNT_WHY_FEW_DAYS : HUNT_WHY_SIGHT;
    return 2 * basis->own < basis->days ? HUNT_WHY_ABSENT : HUNT_WHY_NOTHING;
}

struct hunt_judgement hunt_judge(const struct hunt_basis *basis)
{
    if (basis->incidents > 0)
        return (struct hunt_judgement){.verdict = HUNT_LEFT};
    enum hunt_why why = why_not(basis);
    if (why == HUNT_WHY_NOTHING)
        return (struct hunt_judgement){.verdict = HUNT_NO_SIGN};
    return (struct hunt_judgement){.verdict = HUNT_CANNOT_SAY,
                                   .why = why,
                                   .sight = why == HUNT_WHY_SIGHT ? worst_of(basis) : HUNT_COVERED};
}
