/* See hour_bytes.h. */
#include "hour_bytes.h"

#include "varint.h"

#include <stdlib.h>
#include <string.h>

static bool is_kept(const struct pair_total *pair)
{
    return pair->out.value > 0 && !destination_is_other(&pair->destination);
}

static void put_pair(struct buffer *out, const struct pair_total *pair)
{
    uint32_t last = 0;
    put_unsigned(out, pair->out.value);
    put_unsigned(out, pair->in_bytes);
    put_unsigned(out, pair->flows);
    put_unsigned(out, pair->longest_s);
    put_unsigned(out, pair->starts.count);
    for (uint16_t i = 0; i < pair->starts.count; i++) {
        put_unsigned(out, pair->starts.at[i].second - last);
        put_unsigned(out, pair->starts.at[i].bytes);
        last = pair->starts.at[i].second;
    }
}

void hour_bytes_put(struct buffer *out, const struct host_total *total,
                    const struct hour_names *names)
{
    const struct map_entry **entry = map_sorted(&total->pairs);
    size_t kept = 0;
    for (size_t i = 0; i < total->pairs.count; i++)
        kept += is_kept(entry[i]->value);
    put_unsigned(out, total->out.value);
    put_unsigned(out, total->in_bytes);
    put_unsigned(out, total->inside_bytes);
    put_unsigned(out, kept);
    for (size_t i = 0; i < total->pairs.count; i++) {
        const struct pair_total *pair = entry[i]->value;
        if (!is_kept(pair))
            continue;
        names->put(names->context, out, entry[i]);
        put_pair(out, pair);
    }
    free(entry);
}

void hour_bytes_take_starts(struct cursor *in, struct starts *starts)
{
    uint64_t second = 0;
    for (uint64_t left = take_at_most(in, STARTS_MAX); left > 0 && !in->failed; left--) {
        second += take_at_most(in, STARTS_SECONDS);
        uint64_t bytes = take_unsigned(in);
        if (!in->failed && second < STARTS_SECONDS)
            starts_add(starts, (uint32_t)second, bytes);
    }
}

static bool take_pair(struct cursor *in, struct host_total *total, const struct hour_names *names)
{
    struct destination destination;
    const char *key = names->take(names->context, in);
    if (!key || !destination_parse(key, strlen(key), &destination))
        return false;
    struct pair_total *pair = pair_total_new(&destination);
    pair->out.value = pair->out.low = pair->out.high = take_unsigned(in);
    pair->in_bytes = take_unsigned(in);
    pair->flows = (uint32_t)take_at_most(in, UINT32_MAX);
    pair->longest_s = (uint32_t)take_at_most(in, UINT32_MAX);
    hour_bytes_take_starts(in, &pair->starts);
    if (!in->failed && totals_take_pair(total, pair))
        return true;
    pair_total_free(pair);
    return false;
}

bool hour_bytes_take(struct cursor *in, struct host_total *total, const struct hour_names *names)
{
    uint64_t out = take_unsigned(in);
    bool good = true;
    total->in_bytes = take_unsigned(in);
    total->inside_bytes = take_unsigned(in);
    for (uint64_t left = take_at_most(in, TOTALS_PAIRS); left > 0 && good && !in->failed; left--)
        good = take_pair(in, total, names);
    total->out = (struct volume){out, out, out}; /* with "other" */
    return good && !in->failed;
}
