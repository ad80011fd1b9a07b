/* Hours of a host as the ledger has them, with its pairs: by the numbers of destinations, so that
 * no name is looked at but of what the profile has no pair for. Engine thread. */
#include "hindsight_local.h"

#include "weir/base/buffer.h"

static void name_pair(const struct hindsight *hindsight, struct closed_pair *pair)
{
    const char *key = ledger_destination(hindsight->ledger, pair->number);
    if (!pair->own)
        pair->own = xcalloc(1, sizeof *pair->own);
    destination_parse(key, strlen(key), pair->own);
    pair->destination = pair->own;
    pair->name = evidence_name(pair->own);
}

static void add_pair(struct hindsight *hindsight, const struct past *past, struct closed_hour *hour,
                     const struct ledger_part *part)
{
    struct closed_pair *pair = &hour->pair[hour->pairs++];
    pair->pair = past_pair(hindsight, past, part->destination);
    pair->number = part->destination;
    pair->flows = part->flows;
    pair->longest_s = part->longest_s;
    pair->out_bytes = part->out_bytes;
    pair->in_bytes = part->in_bytes;
    pair->starts = NULL;
    pair->seen_more = false; /* the ledger has the sum of all */
    pair->packed = part->starts;
    if (!pair->pair) {
        name_pair(hindsight, pair);
        return;
    }
    pair->destination = &pair->pair->destination;
    pair->name = pair->pair->name;
}

void past_read(struct hindsight *hindsight, const struct past *past, size_t i,
               struct closed_hour *hour)
{
    struct ledger_part part;
    struct ledger_reading reading = ledger_read(hindsight->ledger, past->from, i);
    closed_hour_clear(hour, reading.pairs);
    hour->hour = past->from->hour[i].hour;
    hour->out_bytes = reading.out_bytes;
    hour->in_bytes = reading.in_bytes;
    hour->inside_bytes = reading.inside_bytes;
    hour->seen_more = false;
    while (ledger_read_part(hindsight->ledger, &reading, &part))
        add_pair(hindsight, past, hour, &part);
}
