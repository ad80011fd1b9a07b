/* See closed_hour.h. */
#include "closed_hour.h"

#include "hour_bytes.h"
#include "profile_local.h"

#include <stdlib.h>

void closed_hour_clear(struct closed_hour *hour, size_t pairs)
{
    hour->pairs = 0;
    if (pairs <= hour->room)
        return;
    hour->pair = xrealloc(hour->pair, 2 * pairs * sizeof *hour->pair);
    memset(hour->pair + hour->room, 0, (2 * pairs - hour->room) * sizeof *hour->pair);
    hour->room = 2 * pairs;
}

void closed_hour_fini(struct closed_hour *hour)
{
    for (size_t i = 0; i < hour->room; i++)
        free(hour->pair[i].own);
    free(hour->pair);
    starts_fini(&hour->starts);
    *hour = (struct closed_hour){.hour = 0};
}

static bool is_seen_more(const struct elsewhere *elsewhere, uint64_t bytes)
{
    return elsewhere_with(elsewhere, bytes) > bytes;
}

static void add_pair(struct closed_hour *hour, const struct profile *profile,
                     struct pair_total *total)
{
    struct closed_pair *pair = &hour->pair[hour->pairs++];
    pair->pair = profile_pair_of(profile, total);
    pair->destination = &total->destination;
    pair->name = total->name;
    pair->flows = total->flows;
    pair->longest_s = total->longest_s;
    pair->out_bytes = total->out.value;
    pair->in_bytes = total->in_bytes;
    pair->starts = &total->starts;
    pair->seen_more = is_seen_more(&total->elsewhere, total->out.value);
}

void closed_hour_of(struct closed_hour *hour, const struct profile *profile,
                    const struct host_total *total)
{
    size_t position = 0;
    closed_hour_clear(hour, total->pairs.count);
    hour->hour = total->hour;
    hour->out_bytes = total->out.value;
    hour->in_bytes = total->in_bytes;
    hour->inside_bytes = total->inside_bytes;
    hour->seen_more = is_seen_more(&total->elsewhere, total->out.value);
    for (const struct map_entry *e; (e = map_next(&total->pairs, &position)) != NULL;)
        add_pair(hour, profile, e->value);
}

const struct starts *closed_hour_starts(struct closed_hour *hour, const struct closed_pair *pair)
{
    struct cursor packed = pair->packed;
    if (pair->starts)
        return pair->starts;
    hour->starts.count = 0;
    hour_bytes_take_starts(&packed, &hour->starts);
    return &hour->starts;
}
