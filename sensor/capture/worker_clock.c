/* The passing of time: what is due is told, and once a second of packet time (of a log: once a
 * minute; or every WATERMARK_RECORDS records) a watermark says up to when everything has been. The
 * clock is the largest time stamp seen: older packets are counted, and counted as time_backwards,
 * but told at the clock, never in the past. Thread: the capture thread. */
#include "worker_parts.h"

#define WATERMARK_RECORDS 4096
#define HEALTH_REPLAY_NS  NS_PER_MIN
#define HEALTH_LIVE_NS    NS_PER_S /* the engine judges the sensor by them */

void worker_tell_health(struct worker *w)
{
    struct health total = w->health;
    flow_table_health(w->table, &total);
    total.tcp_far_segments += flow_table_far_segments(w->table);
    content_health(w->content, &total);
    if (w->live || w->index == 0) { /* replaying, every worker forgets the same */
        duplicates_health(w->duplicates, &total);
        places_health(w->places, &total);
    }
    emit_health(&w->emitter, w->clock, &total);
}

void worker_tell_watermark(struct worker *w, bool wakes)
{
    emit_watermark(&w->emitter, (struct ptime){w->clock.ns - 1}, wakes);
    w->watermark = w->clock;
    w->watermark_number = w->emitter.number;
}

/* The first packet's time is told at once, as a report that nothing was counted yet: what the
 * sensor's sight is judged over begins there, also when no packet could be read. A live worker says
 * too from when on it sees: should it die soon, its blindness begins there. */
void worker_advance(struct worker *w, struct ptime time, int64_t watermark_ns)
{
    int64_t health_ns = w->live ? HEALTH_LIVE_NS : HEALTH_REPLAY_NS;
    bool first = w->clock.ns == INT64_MIN;
    if (first) {
        w->watermark = time;
        w->next_health.ns = time.ns + health_ns;
    }
    flow_table_advance(w->table, time);
    w->clock = time;
    emit_not_before(&w->emitter, time);
    if (first || time.ns >= w->next_health.ns) {
        worker_tell_health(w);
        w->next_health.ns = time.ns + health_ns;
    }
    if ((first && w->live) || time.ns - w->watermark.ns >= watermark_ns ||
        w->emitter.number - w->watermark_number >= WATERMARK_RECORDS)
        worker_tell_watermark(w, w->follows || watermark_ns != WATERMARK_LOG_NS);
}

void worker_count_backwards(struct worker *w, struct ptime time)
{
    if (time.ns >= w->clock.ns)
        return;
    uint64_t back_ns = (uint64_t)w->clock.ns - (uint64_t)time.ns; /* both may be far from 0 */
    w->health.time_backwards++;
    if (back_ns > w->health.largest_step_back_ns)
        w->health.largest_step_back_ns = back_ns;
}
