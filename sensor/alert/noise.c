/* The book of silences and marks: what is in it, its bounds, and what it says of an alert.
 *
 * Silences are few and asked one after the other, in the order in which they were made: the first
 * that holds is the alert's. Marks are found by incident. Pure. Thread: whoever owns it. */
#include "noise_local.h"

#include "weir/base/buffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char noise_file[] = "noise.json";
const char *const noise_verdict_name[VERDICTS] = {NULL, "benign", "malicious", "unknown"};

/* --- the book --------------------------------------------------------------------------------- */

struct noise *noise_new(void)
{
    struct noise *noise = xcalloc(1, sizeof *noise);
    noise->next = 1;
    map_init(&noise->marks);
    return noise;
}

void noise_free(struct noise *noise)
{
    if (!noise)
        return;
    map_fini(&noise->marks, free);
    free(noise->silence);
    free(noise);
}

struct noise *noise_copy(const struct noise *noise)
{
    struct noise *copy = noise_new();
    size_t position = 0;
    for (size_t i = 0; i < noise->silence_count; i++)
        noise_put_in(copy, &noise->silence[i]);
    copy->next = noise->next;
    copy->counted = noise->counted;
    copy->given_way = noise->given_way;
    copy->filed = noise->filed;
    for (const struct map_entry *entry; (entry = map_next(&noise->marks, &position)) != NULL;) {
        struct noise_mark *mark = xcalloc(1, sizeof *mark);
        *mark = *(const struct noise_mark *)entry->value;
        map_put(&copy->marks, entry->key, entry->key_size, mark);
    }
    return copy;
}

/* --- silences --------------------------------------------------------------------------------- */

char *noise_silence_id(const struct noise_silence *silence, char text[NOISE_ID])
{
    snprintf(text, NOISE_ID, "%s-%u", *silence->ticket ? "chg" : "sil", silence->number);
    return text;
}

struct noise_silence *noise_get(const struct noise *noise, const char *id)
{
    char text[NOISE_ID];
    for (size_t i = 0; i < noise->silence_count; i++)
        if (strcmp(noise_silence_id(&noise->silence[i], text), id) == 0)
            return &noise->silence[i];
    return NULL;
}

struct noise_silence *noise_put_in(struct noise *noise, const struct noise_silence *silence)
{
    if (noise->silence_count == noise->silence_room) {
        noise->silence_room = noise->silence_room ? 2 * noise->silence_room : 8;
        noise->silence = xrealloc(noise->silence, noise->silence_room * sizeof *noise->silence);
    }
    size_t at = noise->silence_count++;
    for (; at > 0 && noise->silence[at - 1].number > silence->number; at--)
        noise->silence[at] = noise->silence[at - 1];
    noise->silence[at] = *silence;
    return &noise->silence[at];
}

void noise_drop(struct noise *noise, struct noise_silence *silence)
{
    size_t at = (size_t)(silence - noise->silence);
    memmove(silence, silence + 1, (noise->silence_count - at - 1) * sizeof *silence);
    noise->silence_count--;
}

/* Over by both clocks: a sensor that is far behind, or whose packets come from another year, still
 * needs what it has not come to. When there is no room, what is over at all goes. */
void noise_sweep(struct noise *noise, struct ptime at, struct ptime packet)
{
    int64_t clock = packet.ns < at.ns ? packet.ns : at.ns;
    int64_t kept = noise->silence_count < NOISE_SILENCES ? NOISE_KEPT_NS : 0;
    for (size_t i = noise->silence_count; i-- > 0;)
        if (clock > kept && noise->silence[i].expires.ns <= clock - kept)
            noise_drop(noise, &noise->silence[i]);
}

/* --- marks ------------------------------------------------------------------------------------ */

bool noise_is_incident(const char *text)
{
    return strlen(text) == ALERT_ID_SIZE - 1 && strspn(text, HEX_DIGITS) == ALERT_ID_SIZE - 1;
}

struct noise_mark *noise_mark_of(const struct noise *noise, const char *incident)
{
    return map_get(&noise->marks, incident, strlen(incident));
}

void noise_unmark(struct noise *noise, const char *incident)
{
    free(map_remove(&noise->marks, incident, strlen(incident)));
}

/* Of those that nobody looks at; NULL: none. Of equals the smaller id, so that it does not depend
 * on the map. */
static const struct noise_mark *closed_first(const struct noise *noise)
{
    const struct noise_mark *first = NULL;
    size_t position = 0;
    for (const struct map_entry *entry; (entry = map_next(&noise->marks, &position)) != NULL;) {
        const struct noise_mark *mark = entry->value;
        if (mark->verdict == VERDICT_NONE || noise_is_acknowledged(mark))
            continue; /* somebody looks at it, once more */
        if (!first || mark->closed.at.ns < first->closed.at.ns ||
            (mark->closed.at.ns == first->closed.at.ns &&
             strcmp(mark->incident, first->incident) < 0))
            first = mark;
    }
    return first;
}

struct noise_mark *noise_mark_make(struct noise *noise, const char *incident, struct error *error)
{
    struct noise_mark *mark = noise_mark_of(noise, incident);
    if (mark)
        return mark;
    if (noise->marks.count >= NOISE_MARKS) {
        const struct noise_mark *oldest = closed_first(noise);
        if (!oldest) {
            error_set(error, ERROR_RUN, "%u incidents are acknowledged and nobody is done with one",
                      NOISE_MARKS);
            return NULL;
        }
        char id[ALERT_ID_SIZE];
        memcpy(id, oldest->incident, sizeof id);
        noise_unmark(noise, id);
        noise->given_way++;
    }
    mark = xcalloc(1, sizeof *mark);
    snprintf(mark->incident, sizeof mark->incident, "%s", incident);
    map_put(&noise->marks, incident, strlen(incident), mark);
    return mark;
}

bool noise_is_acknowledged(const struct noise_mark *mark)
{
    return *mark->acknowledged.by &&
           (mark->verdict == VERDICT_NONE || mark->acknowledged.at.ns > mark->closed.at.ns);
}

/* --- of an alert ------------------------------------------------------------------------------ */

bool noise_of_alert(const struct noise *noise, const struct alert *alert, struct alert_noise *found)
{
    *found = (struct alert_noise){.silence = NULL};
    bool ends = alert->state == INCIDENT_CLOSE && alert->aloud; /* of what was told */
    for (size_t i = 0; i < noise->silence_count; i++) {
        const struct noise_silence *silence = &noise->silence[i];
        const struct noise_silence **to = *silence->ticket ? &found->change : &found->silence;
        bool early = *silence->ticket && alert->time.ns < silence->created.ns;
        if (*to || early || (ends && to == &found->silence))
            continue;
        if (alert->time.ns < silence->expires.ns && noise_scope_holds(&silence->scope, alert))
            *to = silence;
    }
    const struct noise_mark *mark = noise_mark_of(noise, alert->incident);
    if (mark && noise_is_acknowledged(mark))
        found->acknowledged = mark;
    if (mark && mark->verdict != VERDICT_NONE)
        found->judged = mark;
    found->quiet = found->acknowledged && alert->finding.urgency != URGENCY_NOW;
    return found->silence || found->change || mark;
}

bool noise_in_change(const struct noise *noise, const char *zone, struct ptime from,
                     struct ptime until)
{
    for (size_t i = 0; i < noise->silence_count; i++) {
        const struct noise_silence *change = &noise->silence[i];
        if (*change->ticket && strcmp(change->scope.zone, zone) == 0 &&
            change->created.ns < until.ns && change->expires.ns > from.ns)
            return true;
    }
    return false;
}

/* `of`: one of the book's, to be changed; or NULL. */
static void count_of(struct noise *noise, const struct noise_silence *of, const struct alert *alert)
{
    if (!of)
        return;
    struct noise_silence *silence = &noise->silence[of - noise->silence];
    silence->alerts++;
    silence->out_bytes += alert->new_bytes;
    silence->last = alert->time;
}

void noise_count(struct noise *noise, const struct alert *alert, const struct alert_noise *found)
{
    count_of(noise, found->silence, alert);
    count_of(noise, found->change, alert);
    if (found->quiet) {
        struct noise_mark *mark = noise_mark_of(noise, alert->incident);
        mark->quiet_alerts++;
        mark->quiet_bytes += alert->new_bytes;
    }
}
