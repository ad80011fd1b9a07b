/* The book, brought up to the journal. An order is its record there: once that is synced it is in
 * effect, and the file is written when there is time. So the file says up to which record it has
 * come (`counted`), and what the journal tells behind that is done and counted once more, in its
 * order: the same book, however the sensor ended.
 *
 * What an order led to is in its record whole (`after`), so nothing is decided again but who gives
 * way at a bound; a record that the book has already changes nothing. Damage in the journal is
 * stepped over and said. Thread: whoever owns the book. */
#include "noise_local.h"

#include "weir/alert/journal.h"
#include "weir/base/log.h"

#include <string.h>

/* --- alerts ----------------------------------------------------------------------------------- */

static uint64_t bytes_of(const struct json_value *object)
{
    int64_t bytes = 0;
    return json_whole(json_get(object, "out_bytes"), &bytes) && bytes > 0 ? (uint64_t)bytes : 0;
}

static void count_silence(struct noise *noise, const struct json_value *said, const char *time)
{
    const char *id = json_text(json_get(said, "id"));
    struct noise_silence *silence = id ? noise_get(noise, id) : NULL;
    if (!silence)
        return;
    silence->alerts++;
    silence->out_bytes += bytes_of(said);
    if (time)
        ptime_of_iso(time, &silence->last);
}

static void count_record(struct noise *noise, const struct json_value *record)
{
    const struct json_value *weir = json_get(record, "weir");
    const struct json_value *acknowledged = json_get(weir, "acknowledged");
    const char *incident = json_text(json_get(weir, "incident"));
    const char *time = json_text(json_get(record, "@timestamp"));
    struct noise_mark *mark = incident ? noise_mark_of(noise, incident) : NULL;
    bool quiet = false;
    count_silence(noise, json_get(weir, "silenced"), time);
    count_silence(noise, json_get(weir, "change"), time);
    if (mark && json_truth(json_get(acknowledged, "quiet"), &quiet) && quiet) {
        mark->quiet_alerts++;
        mark->quiet_bytes += bytes_of(acknowledged);
    }
}

/* --- orders ----------------------------------------------------------------------------------- */

/* At the bound one gives way that was over when the order was taken: one that ended first was. */
static void make_room(struct noise *noise)
{
    struct noise_silence *first = noise->silence;
    if (noise->silence_count < NOISE_SILENCES)
        return;
    for (size_t i = 1; i < noise->silence_count; i++)
        if (noise->silence[i].expires.ns < first->expires.ns)
            first = &noise->silence[i];
    noise_drop(noise, first);
}

static void add_again(struct noise *noise, const struct json_value *after)
{
    struct noise_silence silence;
    if (noise_take_silence(after, &silence, NULL) != 0 || silence.number < noise->next)
        return; /* it is there, or was */
    make_room(noise);
    noise_put_in(noise, &silence);
    noise->next = silence.number + 1;
}

/* By number: what takes back an addition calls it "sil-17", whichever of both it was to be. */
static struct noise_silence *numbered(const struct noise *noise, const char *id)
{
    char text[NOISE_ID];
    for (size_t i = 0; strncmp(id, "sil-", 4) == 0 && i < noise->silence_count; i++)
        if (strcmp(noise_silence_id(&noise->silence[i], text) + 4, id + 4) == 0)
            return &noise->silence[i];
    return NULL;
}

static void remove_again(struct noise *noise, const char *id)
{
    struct noise_silence *silence = numbered(noise, id);
    if (silence)
        noise_drop(noise, silence);
}

/* A change window ended early. */
static void end_again(struct noise *noise, const struct json_value *after)
{
    struct noise_silence silence, *change;
    char id[NOISE_ID];
    if (noise_take_silence(after, &silence, NULL) == 0 &&
        (change = noise_get(noise, noise_silence_id(&silence, id))) != NULL)
        change->expires = silence.expires;
}

/* Its removal was refused, or its early end. */
static void keep_again(struct noise *noise, const struct json_value *after)
{
    struct noise_silence silence;
    char id[NOISE_ID];
    if (noise_take_silence(after, &silence, NULL) == 0 && silence.number < noise->next &&
        !noise_get(noise, noise_silence_id(&silence, id)) && noise->silence_count < NOISE_SILENCES)
        noise_put_in(noise, &silence);
    end_again(noise, after);
}

static void mark_again(struct noise *noise, const struct json_value *after)
{
    struct noise_mark mark, *own;
    if (noise_take_mark(after, &mark, NULL) != 0)
        return;
    if (mark.verdict == VERDICT_NONE && !*mark.acknowledged.by) { /* nothing is said of it */
        noise_unmark(noise, mark.incident);
        return;
    }
    own = noise_mark_make(noise, mark.incident, NULL);
    if (own)
        *own = mark;
}

static void obey_again(struct noise *noise, const struct json_value *record)
{
    const struct json_value *audit = json_get(json_get(record, "weir"), "audit");
    const struct json_value *after = json_get(audit, "after");
    const char *action = json_text(json_get(json_get(record, "event"), "action"));
    const char *subject = json_text(json_get(audit, "subject"));
    if (!action || !subject)
        return;
    if (strcmp(action, "silence.add") == 0 || strcmp(action, "change.open") == 0)
        add_again(noise, after);
    else if (strcmp(action, "change.close") == 0)
        end_again(noise, after);
    else if (strcmp(action, "silence.remove") == 0)
        remove_again(noise, subject);
    else if (strcmp(action, "silence.keep") == 0)
        keep_again(noise, after);
    else if (strncmp(action, "incident.", 9) == 0)
        mark_again(noise, after);
}

/* --- lines ------------------------------------------------------------------------------------ */

#define HOLDS(line, size, words) (memmem(line, size, words, sizeof(words) - 1) != NULL)

/* Few lines say any of it; the others are not taken apart. */
void noise_again(struct noise *noise, const char *line, size_t size)
{
    bool order = HOLDS(line, size, "\"dataset\":\"weir.audit\"");
    if (!order && !HOLDS(line, size, "\"silenced\":{") && !HOLDS(line, size, "\"change\":{") &&
        !HOLDS(line, size, "\"acknowledged\":{"))
        return;
    struct json_value *record = json_parse(line, size, NULL);
    if (order)
        obey_again(noise, record);
    else
        count_record(noise, record);
    json_value_free(record);
}

void noise_catch_up(struct noise *noise, const char *folder)
{
    struct error error = {0};
    const char *line;
    size_t size;
    uint64_t sequence;
    int result;
    struct journal_reader *reader = journal_reader_open(folder, noise->counted, &error);
    if (!reader)
        return;
    while ((result = journal_reader_next(reader, UINT64_MAX, &line, &size, &sequence, &error)) !=
           0) {
        if (result < 0) {
            log_warn("what people said, and what silences held back, may be more: %s",
                     error.message);
            error = (struct error){0};
            continue;
        }
        noise_again(noise, line, size);
        noise->counted = sequence;
    }
    journal_reader_close(reader);
}
