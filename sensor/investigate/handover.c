/* See weir/investigate/handover.h: what the lines of the journal come to. They are read in their
 * order, which is that of packet time but for what people did. Thread: any. */
#include "weir/investigate/handover.h"

#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

struct handover *handover_new(const struct handover_config *config)
{
    struct handover *h = xcalloc(1, sizeof *h);
    struct ptime back = {config->from.ns - HANDOVER_BACK_NS};
    h->config = *config;
    h->beat = PTIME_MIN;
    retold_init(&h->told);
    map_init(&h->hidden);
    ptime_iso(back, h->back, sizeof h->back);
    return h;
}

static void act_fini(struct handover_act *act)
{
    free(act->by);
    free(act->action);
    free(act->message);
}

void handover_free(struct handover *handover)
{
    if (!handover)
        return;
    for (size_t i = 0; i < HANDOVER_ACTS; i++)
        act_fini(&handover->act[i]);
    map_fini(&handover->hidden, free);
    retold_fini(&handover->told);
    free(handover);
}

static bool is_inside(const struct handover *h, struct ptime time)
{
    return time.ns >= h->config.from.ns && time.ns < h->config.to.ns;
}

/* --- alerts ----------------------------------------------------------------------------------- */

static void note_hidden(struct handover *h, const struct retold_record *r)
{
    size_t size = strlen(r->silence);
    struct handover_hidden *hidden = map_get(&h->hidden, r->silence, size);
    if (!hidden) {
        if (h->hidden.count >= (size_t)2 * NOISE_SILENCES) /* a forged journal would fill it */
            return;
        hidden = xcalloc(1, sizeof *hidden);
        map_put(&h->hidden, r->silence, size, hidden);
    }
    hidden->alerts++;
    hidden->out_bytes += r->silenced_bytes;
}

/* The budget's: an incident's first alert by one of its detectors. */
static bool is_budgeted(const struct handover *h, const char *incident)
{
    const struct retold_incident *known = map_get(&h->told.incidents, incident, strlen(incident));
    return known && known->budgeted;
}

static void take_alert(struct handover *h, const struct retold_record *r)
{
    bool spent = is_budgeted(h, r->incident);
    retold_add(&h->told, r);
    if (is_inside(h, r->time)) {
        h->alerts++;
        h->quiet += r->quiet;
        h->spent += !spent && is_budgeted(h, r->incident);
        if (*r->silence) {
            h->silenced++;
            h->silenced_bytes += r->silenced_bytes;
            note_hidden(h, r);
        }
    }
}

/* --- heartbeats ------------------------------------------------------------------------------- */

/* The part of a silence that lies in the time that is looked at. */
static void note_gap(struct handover *h, struct ptime from, struct ptime until)
{
    if (until.ns - from.ns <= 2 * HANDOVER_BEAT_NS + HANDOVER_BEAT_NS / 5)
        return;
    if (from.ns < h->config.from.ns)
        from = h->config.from;
    if (until.ns > h->config.to.ns)
        until = h->config.to;
    if (from.ns >= until.ns)
        return;
    if (h->gap_count < HANDOVER_GAPS)
        h->gap[h->gap_count++] = (struct handover_gap){from, until};
    else
        h->gaps_more++;
}

static void take_beat(struct handover *h, const struct retold_record *r)
{
    if (r->time.ns >= h->config.to.ns)
        return;
    if (h->beat.ns != INT64_MIN)
        note_gap(h, h->beat, r->time);
    h->beat = r->time;
    h->hosts_ready = r->hosts_ready;
}

void handover_end(struct handover *handover)
{
    struct handover *h = handover;
    if (h->beat.ns != INT64_MIN)
        note_gap(h, h->beat, h->config.to);
}

/* --- what people did -------------------------------------------------------------------------- */

/* That the sensor sealed evidence is nothing that anybody did. */
static void take_act(struct handover *h, const struct retold_record *r)
{
    if (!is_inside(h, r->time) || strcmp(r->action, "evidence.seal") == 0)
        return;
    struct handover_act *act = &h->act[h->acts++ % HANDOVER_ACTS];
    act_fini(act);
    *act = (struct handover_act){r->time, xstrdup(r->by), xstrdup(r->action), xstrdup(r->message)};
}

void handover_line(struct handover *handover, const char *line, size_t size)
{
    struct retold_record record;
    if (!retold_is_since(line, size, handover->back))
        return;
    if (!retold_record_read(&record, line, size))
        handover->unread++;
    else if (record.time.ns >= handover->config.to.ns)
        ; /* later than what is asked for */
    else if (record.kind == RETOLD_ALERT)
        take_alert(handover, &record);
    else if (record.kind == RETOLD_HEARTBEAT)
        take_beat(handover, &record);
    else if (record.kind == RETOLD_ACT)
        take_act(handover, &record);
    retold_record_fini(&record);
}
