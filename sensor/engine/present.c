/* See present.h. A profile is looked at as it lies: the unpacked one where there is one, else a
 * copy that is unpacked for this look. Thread: the engine's. */
#include "weir/engine/present.h"

#include "internal.h"

#include <stdlib.h>
#include <string.h>

struct look {
    struct engine *engine;
    const struct host *host;
    struct profile *profile; /* NULL: it has none, or not in memory */
    struct profile *copy;    /* … to be freed */
};

/* What is complete belongs to this hour; before the first watermark the last record says it. */
static bool find_hour(struct engine *engine, struct present *present)
{
    struct ptime now = engine->order.complete;
    *present = (struct present){.known = false};
    if (now.ns <= 0 || now.ns == PTIME_MAX.ns)
        now = engine->counts.last;
    if (now.ns <= 0 || now.ns == PTIME_MAX.ns)
        return false;
    present->known = true;
    present->hour = account_hour(engine, now);
    return true;
}

static struct look look_at(struct engine *engine, const struct host *host)
{
    struct error damaged = {0};
    struct look look = {.engine = engine, .host = host, .profile = host->profile};
    if (!look.profile && host->blob)
        look.profile = look.copy =
            profile_unpack_of(&host->ip, host->blob, host->blob_size, &damaged);
    return look;
}

/* --- hosts ------------------------------------------------------------------------------------ */

static uint64_t day_of(const struct look *look, const struct civil *civil)
{
    struct host host = *look->host; /* as if it were unpacked */
    host.profile = look->profile;
    uint64_t bytes = account_open(look->engine, &host, account_first_of_day(look->engine, civil),
                                  civil->hour, NULL)
                         .value;
    if (look->profile && look->profile->today == civil->day)
        bytes = bytes_add(bytes, look->profile->today_bytes);
    return bytes;
}

static void describe(const struct look *look, const struct civil *civil, struct present_host *row)
{
    const struct engine *engine = look->engine;
    const struct host *host = look->host;
    const struct host_total *total = totals_get(engine->totals, &host->ip, civil->hour);
    *row = (struct present_host){.host = host->ip,
                                 .day_out_bytes = day_of(look, civil),
                                 .state = host->ready ? BASELINE_READY : BASELINE_LEARNING,
                                 .hours = host->hours,
                                 .past_known = look->profile != NULL};
    if (total) {
        row->out_bytes = total->out.value;
        row->in_bytes = total->in_bytes;
        row->destinations = (uint32_t)total->pairs.count;
    }
    if (!look->profile)
        return;
    row->state = hosts_state(engine, look->profile, civil->hour);
    row->hours = profile_hours(look->profile);
    row->hour = survival_host_hour(look->profile, engine->fleet, civil, row->out_bytes);
}

static int by_host(const void *a, const void *b)
{
    const struct host_total *const *one = a, *const *other = b;
    return ip_compare(&(*one)->host, &(*other)->host);
}

static int falling(uint64_t one, uint64_t other, const void *a, const void *b)
{
    return one != other ? (one > other ? -1 : 1) : by_host(a, b);
}

static int by_out(const void *a, const void *b)
{
    const struct host_total *const *one = a, *const *other = b;
    return falling((*one)->out.value, (*other)->out.value, a, b);
}

static int by_in(const void *a, const void *b)
{
    const struct host_total *const *one = a, *const *other = b;
    return falling((*one)->in_bytes, (*other)->in_bytes, a, b);
}

static bool fits(const struct present_filter *filter, const struct host *host)
{
    return !filter->fits || filter->fits(filter->context, &host->ip);
}

/* Those that sent or received over the border in the hour, in order. Caller frees. */
static const struct host_total **active(const struct engine *engine,
                                        const struct present_asked *asked,
                                        const struct civil *civil, size_t *count)
{
    static int (*const compare[])(const void *, const void *) = {
        [PRESENT_OUT] = by_out, [PRESENT_IN] = by_in, [PRESENT_HOST] = by_host};
    const struct host_total **all = xcalloc(engine->hosts.count + 1, sizeof *all);
    size_t position = 0;
    *count = 0;
    for (const struct map_entry *e; (e = map_next(&engine->hosts, &position)) != NULL;) {
        const struct host *host = e->value;
        const struct host_total *total = totals_get(engine->totals, &host->ip, civil->hour);
        if (total && (total->out.high > 0 || total->in_bytes > 0) && fits(&asked->filter, host))
            all[(*count)++] = total;
    }
    qsort(all, *count, sizeof *all, compare[asked->order]);
    return all;
}

/* The gravest comes first. */
static void add_incidents(const struct engine *engine, struct present_host *row, size_t rows)
{
    size_t count;
    const struct incident **all = incidents_sorted(engine->incidents, &count);
    for (size_t i = 0; i < count; i++)
        for (size_t r = 0; r < rows && !all[i]->closed; r++)
            if (!row[r].incident && ip_compare(&all[i]->story.host, &row[r].host) == 0)
                row[r].incident = all[i];
    free(all);
}

size_t engine_present_hosts(struct engine *engine, const struct present_asked *asked,
                            struct present_host *row, struct present *present)
{
    size_t rows = 0;
    if (!find_hour(engine, present))
        return 0;
    const struct host_total **all = active(engine, asked, &present->hour, &present->total);
    for (size_t i = asked->offset; i < present->total && rows < asked->room; i++) {
        struct look look = look_at(engine, hosts_get(engine, &all[i]->host));
        describe(&look, &present->hour, &row[rows++]);
        profile_free(look.copy);
    }
    free(all);
    add_incidents(engine, row, rows);
    return rows;
}

bool engine_present_host(struct engine *engine, const struct ip *ip, struct present_host *row,
                         struct present *present)
{
    const struct host *host = hosts_get(engine, ip);
    if (!find_hour(engine, present) || !host)
        return false;
    struct look look = look_at(engine, host);
    describe(&look, &present->hour, row);
    profile_free(look.copy);
    add_incidents(engine, row, 1);
    present->total = 1;
    return true;
}

bool engine_find_host(const struct engine *engine, const struct present_filter *filter,
                      struct ip *found)
{
    size_t position = 0;
    for (const struct map_entry *e; (e = map_next(&engine->hosts, &position)) != NULL;) {
        const struct host *host = e->value;
        if (fits(filter, host)) {
            *found = host->ip;
            return true;
        }
    }
    return false;
}

/* --- destinations ----------------------------------------------------------------------------- */

static int by_pair_out(const void *a, const void *b)
{
    const struct pair_total *one = *(const struct pair_total *const *)a,
                            *other = *(const struct pair_total *const *)b;
    char key[2][DESTINATION_KEY_SIZE];
    if (one->out.value != other->out.value)
        return one->out.value > other->out.value ? -1 : 1;
    return strcmp(destination_key(&one->destination, key[0]),
                  destination_key(&other->destination, key[1]));
}

static void describe_pair(const struct look *look, const struct civil *civil,
                          const struct pair_total *total, struct present_pair *row)
{
    const struct pair *pair =
        look->profile ? profile_pair(look->profile, &total->destination) : NULL;
    *row = (struct present_pair){.destination = total->destination,
                                 .out_bytes = total->out.value,
                                 .in_bytes = total->in_bytes,
                                 .flows = total->flows,
                                 .met = pair != NULL};
    if (pair && survival_pair_known(pair, civil->hour))
        row->hour =
            survival_pair_hour(look->profile, pair, look->engine->fleet, civil, total->out.value);
}

static bool leads_to(const struct incident *incident, const struct ip *host,
                     const struct destination *destination)
{
    const struct story *story = &incident->story;
    return !incident->closed && story->has_destination && ip_compare(&story->host, host) == 0 &&
           story->destination.role == destination->role &&
           strcmp(story->destination.name, destination->name) == 0;
}

static void add_pair_incidents(const struct engine *engine, const struct ip *host,
                               struct present_pair *row, size_t rows)
{
    size_t count;
    const struct incident **all = incidents_sorted(engine->incidents, &count);
    for (size_t i = 0; i < count; i++)
        for (size_t r = 0; r < rows && !all[i]->closed; r++)
            if (!row[r].incident && leads_to(all[i], host, &row[r].destination))
                row[r].incident = all[i];
    free(all);
}

size_t engine_present_pairs(struct engine *engine, const struct ip *ip, struct present_pair *row,
                            size_t room, struct present *present)
{
    const struct host *host = hosts_get(engine, ip);
    if (!find_hour(engine, present) || !host)
        return 0;
    const struct host_total *total = totals_get(engine->totals, ip, present->hour.hour);
    const struct pair_total **all = xcalloc(total ? total->pairs.count + 1 : 1, sizeof *all);
    size_t position = 0, rows = 0;
    for (const struct map_entry *e; total && (e = map_next(&total->pairs, &position)) != NULL;)
        all[present->total++] = e->value;
    qsort(all, present->total, sizeof *all, by_pair_out);
    struct look look = look_at(engine, host);
    for (; rows < present->total && rows < room; rows++)
        describe_pair(&look, &present->hour, all[rows], &row[rows]);
    profile_free(look.copy);
    free(all);
    add_pair_incidents(engine, ip, row, rows);
    return rows;
}
