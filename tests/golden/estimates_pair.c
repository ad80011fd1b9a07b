/* What the modules of growth, rhythm, ratio and novelty make of what they are told, for
 * tests/golden/test_estimators_pair.py to compute again. One case a line on standard input:
 *
 *   cusum VALUE …               → after each value: C, reference, deviation, sigma
 *   ratio OUT IN …              → p of each hour before it is learned, a week apart each twenty
 *   novelty NAME …              → contacts, destinations met once, level of the sample
 *   rhythm SECOND:BYTES …       → ts, ds, hist, dur, score, median interval, halvings of intervals
 * and of sizes, packed bytes; starts in order, SECOND of the day */
#include "weir/baseline/cusum.h"
#include "weir/baseline/novelty.h"
#include "weir/baseline/ratio.h"
#include "weir/baseline/rhythm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY  INT64_C(20514)
#define WEEK INT64_C(2930)

static void put_cusum(char *at)
{
    struct cusum cusum = {0};
    char *next;
    for (double value; (value = strtod(at, &next), next != at); at = next) {
        cusum_add(&cusum, value);
        printf("%.17g %.17g %.17g %.17g ", cusum.sum, cusum.reference, cusum.deviation,
               cusum_sigma(&cusum));
    }
}

static void put_ratio(char *at)
{
    struct ratio ratio = {{0}};
    char *next;
    for (int64_t hour = 0;; hour++) {
        uint64_t out_bytes = strtoull(at, &next, 10);
        if (next == at)
            break;
        uint64_t in_bytes = strtoull(next, &at, 10);
        int64_t week = WEEK + hour / 20;
        printf("%.17g ", ratio_survival(&ratio, out_bytes, in_bytes, week));
        ratio_add(&ratio, out_bytes, in_bytes, week);
    }
    ratio_fini(&ratio);
}

static void put_novelty(char *at)
{
    struct novelty novelty = {0};
    struct destination destination = {ROLE_CLIENT, DESTINATION_DOMAIN, ""};
    for (char *name = strtok(at, " \n"); name; name = strtok(NULL, " \n")) {
        snprintf(destination.name, sizeof destination.name, "%s", name);
        novelty_meet(&novelty, &destination);
    }
    const struct novelty_kind *kind = &novelty.kind[DESTINATION_DOMAIN];
    printf("%llu %.17g %u", (unsigned long long)kind->contacts, novelty_once(kind), kind->level);
}

static void end_hour(struct rhythm *rhythm, struct starts *starts, int64_t hour, uint32_t flows)
{
    struct civil civil = {
        .hour = DAY * 24 + hour, .day = DAY, .hour_of_day = (int)hour, .class = HOUR_WORK_WEEKDAY};
    rhythm_hour(rhythm, &civil, starts, flows);
    starts_fini(starts);
}

static void put_score(const struct rhythm *rhythm)
{
    struct rhythm_score score;
    struct buffer packed = {0};
    if (!rhythm_score(rhythm, &score)) {
        printf("none");
        return;
    }
    rhythm_pack(rhythm, DAY * 24 + 23, DAY, &packed);
    printf("%.17g %.17g %.17g %.17g %.17g %.17g %u %u %zu", score.ts, score.ds, score.hist,
           score.dur, score.score, rhythm_interval(rhythm), rhythm->today->intervals.halvings,
           rhythm->today->sizes.halvings, packed.size);
    buffer_fini(&packed);
}

static void put_rhythm(char *at)
{
    struct rhythm rhythm = {0};
    struct starts starts = {0};
    int64_t hour = 0;
    uint32_t flows = 0;
    char *next;
    for (;; at = next, flows++) {
        int64_t second = strtoll(at, &next, 10);
        bool end = next == at;
        for (; hour < (end ? 24 : second / STARTS_SECONDS); hour++, flows = 0)
            end_hour(&rhythm, &starts, hour, flows);
        if (end)
            break;
        starts_add(&starts, (uint32_t)(second % STARTS_SECONDS), strtoull(next + 1, &next, 10));
    }
    put_score(&rhythm);
    rhythm_fini(&rhythm);
}

int main(void)
{
    static const struct {
        const char *name;
        void (*put)(char *at);
    } cases[] = {{"cusum", put_cusum},
                 {"ratio", put_ratio},
                 {"novelty", put_novelty},
                 {"rhythm", put_rhythm}};
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, stdin) > 0) {
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
            if (strncmp(line, cases[i].name, strlen(cases[i].name)) == 0)
                cases[i].put(line + strlen(cases[i].name));
        putchar('\n');
    }
    free(line);
    return 0;
}
