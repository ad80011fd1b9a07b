/* What an engine holds and has said, as text: two that are to be equal are compared by it. */
#ifndef WEIR_TESTS_ENGINE_STATE_TEXT_H
#define WEIR_TESTS_ENGINE_STATE_TEXT_H

#include "rig.h"

#include "../../../sensor/engine/checkpoint.h"

#include "weir/base/digest.h"

#include <inttypes.h>

static inline void put_line(void *context, const char *line, size_t size)
{
    struct buffer *out = context;
    buffer_put(out, line, size);
    buffer_text(out, "\n");
}

static inline void put_hosts(struct engine *engine, struct buffer *out)
{
    const struct map_entry **host = map_sorted(&engine->hosts);
    for (size_t i = 0; i < engine->hosts.count; i++) {
        const struct host *h = host[i]->value;
        buffer_text(out,
                    "host %d: loaded %d, loading %d, damaged %d, missed %" PRId64
                    ", %u hours, ready %d, stored %" PRId64 ", profile %u %" PRIx64 "\n",
                    h->ip.byte[15], h->loaded, h->loading, h->damaged, h->missed_ns, h->hours,
                    h->ready, h->stored_hour, h->blob_size, hash64(h->blob, h->blob_size, 0));
    }
    free(host);
    buffer_text(out, "by last use:");
    for (const struct host *h = engine->cache.list[LIST_PACKED].oldest; h;
         h = h->newer[LIST_PACKED])
        buffer_text(out, " %d", h->ip.byte[15]);
    buffer_text(out, "\n");
}

static inline void put_totals(struct engine *engine, struct buffer *out)
{
    size_t count;
    struct host_total **total = totals_until(engine->totals, INT64_MAX, &count);
    for (size_t i = 0; i < count; i++) {
        const struct map_entry **pair = map_sorted(&total[i]->pairs);
        for (size_t n = 0; n < total[i]->pairs.count; n++) {
            const struct pair_total *p = pair[n]->value;
            buffer_text(out, "total %d %" PRId64 " %s: %" PRIu64 " %" PRIu64 " %u",
                        total[i]->host.byte[15], total[i]->hour, p->destination.name, p->out.value,
                        p->in_bytes, p->flows);
            starts_text(&p->starts, out);
            buffer_text(out, "\n");
        }
        free(pair);
        if (total[i]->inside_bytes > 0)
            buffer_text(out, "inside %d %" PRId64 ": %" PRIu64 "\n", total[i]->host.byte[15],
                        total[i]->hour, total[i]->inside_bytes);
    }
    free(total);
}

static inline void put_incidents(struct engine *engine, struct buffer *out)
{
    size_t count;
    const struct incident **incident = incidents_sorted(engine->incidents, &count);
    for (size_t i = 0; i < count; i++)
        buffer_text(out, "incident %s: %u alerts, %s, %" PRIu64 " out, %" PRIu64 " emails, %s\n",
                    incident[i]->id, incident[i]->alerts,
                    incident[i]->rank[0].finding.reason[0].code, incident[i]->story.out.value,
                    incident[i]->story.counted.of[CONTENT_EMAIL].items,
                    incident[i]->rank[0].finding.reason[0].text);
    free(incident);
}

/* Packed by themselves: their order in memory may differ, what they hold may not. */
static inline void put_sizes(struct engine *engine, struct buffer *out)
{
    struct buffer fleet = {0}, names = {0}, stories = {0}, identity = {0};
    struct buffer ruled = {0};
    fleet_pack(engine->fleet, &fleet);
    names_pack(&engine->names, &names);
    stories_pack(&engine->stories, &stories);
    identity_pack(&engine->identity, &identity);
    ruled_pack(&engine->ruled, &ruled);
    buffer_text(out, "ruled %zu %" PRIx64 "\n", ruled.size, hash64(ruled.data, ruled.size, 0));
    buffer_fini(&ruled);
    buffer_text(out, "fleet %zu %" PRIx64 ", names %zu, stories %zu, identity %zu %" PRIx64 "\n",
                fleet.size, hash64(fleet.data, fleet.size, 0), names.size, stories.size,
                identity.size, hash64(identity.data, identity.size, 0));
    buffer_fini(&identity);
    buffer_fini(&fleet);
    buffer_fini(&names);
    buffer_fini(&stories);
}

static inline char *what_came_of_it(struct rig *rig)
{
    struct buffer out = {0};
    struct engine *engine = rig->engine;
    assert_int_equal(publisher_flush(rig->publisher, &rig->error), 0); /* only that is read back */
    assert_int_equal(publisher_each_since(rig->publisher, 0, put_line, &out, &rig->error), 0);
    put_hosts(engine, &out);
    put_totals(engine, &out);
    put_incidents(engine, &out);
    put_sizes(engine, &out);
    /* Who died behind an hour's close and before its checkpoint reads what he had learned back from
     * the store: one more profile loaded, and nothing else. */
    struct engine_counts counts = engine->counts;
    counts.profiles_loaded = 0;
    const uint64_t *count = (const uint64_t *)&counts;
    for (size_t i = 0; i < sizeof counts / sizeof *count; i++)
        buffer_text(&out, "count %zu: %" PRIu64 "\n", i, count[i]);
    buffer_text(&out,
                "packets %" PRIu64 ", tick %" PRId64 ", close %" PRId64 ", hour %" PRId64 "\n",
                engine->health_sum.packets, engine->next_tick.ns, engine->next_close.ns,
                engine->closed_hour);
    buffer_u8(&out, 0);
    return (char *)out.data;
}

#endif
