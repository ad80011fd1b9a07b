/* See weir/record/picked.h. Thread: whoever calls. */
#include "weir/record/picked.h"

#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

#define LOOK_BACK 4u  /* flows of one key follow each other; a late packet may make two overlap */
#define PLACES    16u /* in which one conversation may be seen */

_Static_assert(sizeof(struct wanted_flow) == sizeof(struct flow_key) + 16, "no padding");
_Static_assert(offsetof(struct flow_key, vlan) == 36, "addresses and ports come first");
_Static_assert(sizeof(struct picked_part) % 8 == 0, "records are of whole words");

/* --- which flows -------------------------------------------------------------------------------
 */

static int compare_conversation(const struct flow_key *a, const struct flow_key *b)
{
    int order = memcmp(a, b, offsetof(struct flow_key, vlan));
    return order ? order : (int)a->proto - (int)b->proto;
}

static int compare_place(const struct flow_key *a, const struct flow_key *b)
{
    if (a->vlan != b->vlan)
        return a->vlan < b->vlan ? -1 : 1;
    if (a->vantage != b->vantage)
        return a->vantage < b->vantage ? -1 : 1;
    return a->tenant < b->tenant ? -1 : a->tenant > b->tenant;
}

int wanted_compare(const void *a, const void *b)
{
    const struct wanted_flow *left = a, *right = b;
    int order = compare_conversation(&left->key, &right->key);
    if (order == 0)
        order = compare_place(&left->key, &right->key);
    if (order == 0 && left->start_ns != right->start_ns)
        order = left->start_ns < right->start_ns ? -1 : 1;
    if (order == 0 && left->last_ns != right->last_ns)
        order = left->last_ns < right->last_ns ? -1 : 1;
    return order;
}

/* The first that does not come before `probe`. */
static uint32_t lower_bound(const struct wanted_flow *wanted, uint32_t count,
                            const struct wanted_flow *probe)
{
    uint32_t from = 0;
    while (count > 0) {
        uint32_t half = count / 2;
        if (wanted_compare(&wanted[from + half], probe) < 0) {
            from += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    return from;
}

/* In the place that `key` names. */
static uint32_t find_here(const struct wanted_flow *wanted, uint32_t count,
                          const struct flow_key *key, int64_t time_ns, int64_t late_ns)
{
    const struct wanted_flow probe = {*key, time_ns, INT64_MAX};
    uint32_t at = lower_bound(wanted, count, &probe);
    if (at < count && wanted_compare(&wanted[at], &probe) == 0)
        at++;
    for (uint32_t back = 0; back < LOOK_BACK && at > 0; back++) {
        const struct wanted_flow *flow = &wanted[--at];
        if (compare_conversation(&flow->key, key) != 0 || compare_place(&flow->key, key) != 0)
            break;
        if (time_ns >= flow->start_ns && time_ns - late_ns <= flow->last_ns)
            return at;
    }
    return WANTED_NONE;
}

static uint32_t find_anywhere(const struct wanted_flow *wanted, uint32_t count,
                              const struct flow_key *key, int64_t time_ns, int64_t late_ns)
{
    struct wanted_flow probe = {*key, INT64_MIN, INT64_MIN};
    probe.key.vlan = 0;
    probe.key.vantage = 0;
    probe.key.tenant = 0;
    for (uint32_t place = 0; place < PLACES; place++) {
        uint32_t at = lower_bound(wanted, count, &probe);
        if (at == count || compare_conversation(&wanted[at].key, key) != 0)
            break;
        uint32_t found = find_here(wanted, count, &wanted[at].key, time_ns, late_ns);
        if (found != WANTED_NONE)
            return found;
        probe = (struct wanted_flow){wanted[at].key, INT64_MAX, INT64_MAX}; /* the next place */
    }
    return WANTED_NONE;
}

uint32_t wanted_find(const struct wanted_flow *wanted, uint32_t count, const struct flow_key *key,
                     int64_t time_ns, bool copy)
{
    const struct flow_key unordered = flow_key_unordered(key);
    if (!copy)
        return find_here(wanted, count, &unordered, time_ns, 0);
    uint32_t found = find_anywhere(wanted, count, &unordered, time_ns, 0);
    return found != WANTED_NONE ? found
                                : find_anywhere(wanted, count, &unordered, time_ns, WANTED_COPY_NS);
}

/* --- packets -----------------------------------------------------------------------------------
 */

static bool is_first(const struct picked_reader *reader, const struct picked_part *part)
{
    return reader->have == 0 && part->offset == 0 && part->flow < reader->flows &&
           part->input < reader->inputs && part->captured <= PICKED_CAPTURED_MAX;
}

static bool goes_on(const struct picked_reader *reader, const struct picked_part *part)
{
    return reader->have > 0 && part->offset == reader->have && part->flow == reader->packet.flow &&
           part->captured == reader->packet.captured;
}

static enum picked_result read_part(struct picked_reader *reader, const struct picked_part *part,
                                    size_t room)
{
    if (part->size > room || (part->size == 0 && part->captured > 0) ||
        (!is_first(reader, part) && !goes_on(reader, part)) ||
        part->size > part->captured - part->offset)
        return PICKED_INVALID;
    if (part->offset == 0)
        reader->packet = (struct picked_packet){.flow = part->flow,
                                                .input = part->input,
                                                .link = part->link,
                                                .wire_bytes = part->wire_bytes,
                                                .captured = part->captured,
                                                .stamp = {part->header.time_ns}};
    if (reader->room < part->captured) {
        reader->bytes = xrealloc(reader->bytes, part->captured);
        reader->room = part->captured;
    }
    if (part->size > 0)
        memcpy(reader->bytes + part->offset, part->bytes, part->size);
    reader->have = part->offset + part->size;
    if (reader->have < part->captured)
        return PICKED_MORE;
    reader->have = 0;
    reader->packet.data = reader->bytes;
    return PICKED_PACKET;
}

enum picked_result picked_read(struct picked_reader *reader, const void *record, size_t size)
{
    const struct record_header *header = record;
    if (size < sizeof *header || header->size != size || header->version != RECORD_VERSION)
        return PICKED_INVALID;
    if (header->kind == PICKED_PART && size >= sizeof(struct picked_part))
        return read_part(reader, record, size - sizeof(struct picked_part));
    if (header->kind != PICKED_END || size != sizeof(struct picked_end) || reader->have > 0)
        return PICKED_INVALID;
    reader->unheld = ((const struct picked_end *)record)->unheld;
    return PICKED_LAST;
}

void picked_reader_fini(struct picked_reader *reader)
{
    free(reader->bytes);
    reader->bytes = NULL;
}
