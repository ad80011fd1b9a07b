/* The hosts of a hunt: whose days were seen, and what stands against them. Thread: the main thread.
 */
#include "weir/investigate/hunt.h"

#include "weir/base/buffer.h"

#include <stdlib.h>

struct hunt_hosts {
    const struct hunt_probes *probes;
    const struct hunt_days *days;
    struct map map;
    struct hunt_host **sorted;
};

struct hunt_hosts *hunt_hosts_new(const struct hunt_probes *probes)
{
    struct hunt_hosts *hosts = xcalloc(1, sizeof *hosts);
    hosts->probes = probes;
    hosts->days = probes->days;
    map_init(&hosts->map);
    return hosts;
}

static void free_host(void *value)
{
    struct hunt_host *host = value;
    free(host->seen);
    free(host);
}

void hunt_hosts_free(struct hunt_hosts *hosts)
{
    if (!hosts)
        return;
    map_fini(&hosts->map, free_host);
    free(hosts->sorted);
    free(hosts);
}

struct hunt_host *hunt_hosts_get(struct hunt_hosts *hosts, const struct ip *ip)
{
    struct hunt_host *host = map_get(&hosts->map, ip, sizeof *ip);
    if (host)
        return host;
    host = xcalloc(1, sizeof *host);
    host->ip = *ip;
    host->seen = xcalloc(hunt_days_bytes(hosts->days), 1);
    map_put(&hosts->map, ip, sizeof *ip, host);
    return host;
}

void hunt_host_seen(struct hunt_hosts *hosts, struct hunt_host *host, int64_t day)
{
    int64_t at = day - hosts->days->first;
    if (at >= 0 && at < (int64_t)hosts->days->count)
        host->seen[at / 8] |= (uint8_t)(1u << (at % 8));
}

/* --- judging ---------------------------------------------------------------------------------- */

static double evidence_of(const struct incident *incident)
{
    double most = 0;
    for (size_t i = 0; i < incident->rank_count; i++)
        if (incident->rank[i].finding.score == incident->score &&
            incident->rank[i].finding.evidence > most)
            most = incident->rank[i].finding.evidence;
    return most;
}

/* Sorted by score, so the first is the one; what never let anything out is no leaving. */
static void note_incidents(struct hunt_hosts *hosts, const struct incidents *incidents)
{
    static const struct ip none;
    size_t count;
    const struct incident **all = incidents_sorted(incidents, &count);
    for (size_t i = 0; i < count; i++) {
        const struct story *story = &all[i]->story;
        if (ip_compare(&story->host, &none) == 0 || story->out.high == 0)
            continue;
        struct hunt_host *host = hunt_hosts_get(hosts, &story->host);
        if (host->incidents++ == 0)
            host->incident = all[i];
    }
    free(all);
}

static void judge(struct hunt_hosts *hosts, struct hunt_host *host, size_t least, bool hindsight)
{
    const struct hunt_days *days = hosts->days;
    host->basis = (struct hunt_basis){.incidents = host->incidents,
                                      .days = days->count,
                                      .covered = hunt_days_of(days, HUNT_COVERED),
                                      .crowded = hunt_days_of(days, HUNT_CROWDED),
                                      .least = least,
                                      .hindsight = hindsight};
    host->probes = hunt_probes_of(hosts->probes, host->seen);
    for (size_t day = 0; day < days->count; day++) {
        enum hunt_sight sight = hunt_probes_sight(hosts->probes, host->probes, day);
        host->basis.own += sight == HUNT_COVERED;
        if (host->seen[day / 8] & (1u << (day % 8)))
            host->basis.seen[sight]++;
    }
    host->judgement = hunt_judge(&host->basis);
}

static int by_evidence(const void *left, const void *right)
{
    const struct hunt_host *a = *(struct hunt_host *const *)left;
    const struct hunt_host *b = *(struct hunt_host *const *)right;
    if (a->judgement.verdict != b->judgement.verdict)
        return a->judgement.verdict < b->judgement.verdict ? -1 : 1;
    if (a->incident && a->incident->score != b->incident->score)
        return a->incident->score > b->incident->score ? -1 : 1;
    if (a->incident) {
        double x = evidence_of(a->incident), y = evidence_of(b->incident);
        if (x > y || x < y)
            return x > y ? -1 : 1;
    }
    uint64_t x = a->incident ? a->incident->story.out.value : a->out.value;
    uint64_t y = b->incident ? b->incident->story.out.value : b->out.value;
    if (x != y)
        return x > y ? -1 : 1;
    return ip_compare(&a->ip, &b->ip);
}

struct hunt_host *const *hunt_hosts_judge(struct hunt_hosts *hosts,
                                          const struct incidents *incidents, size_t least,
                                          bool hindsight, size_t *count)
{
    size_t position = 0;
    *count = 0;
    note_incidents(hosts, incidents);
    free(hosts->sorted);
    hosts->sorted = xcalloc(hosts->map.count + 1, sizeof(struct hunt_host *));
    for (const struct map_entry *e; (e = map_next(&hosts->map, &position)) != NULL;) {
        judge(hosts, e->value, least, hindsight);
        hosts->sorted[(*count)++] = e->value;
    }
    qsort(hosts->sorted, *count, sizeof(struct hunt_host *), by_evidence);
    return hosts->sorted;
}
