/* Incidents as bytes, for a restart: both lists from their old end, so that what is closed or
 * forgotten next stays the same. Structs are written as they are (the same build reads them), but
 * for what points: detectors by their id, the static texts of reasons as text, which after a
 * restart are owned here. Thread: the engine's. */
#include "incident_local.h"
#include "linked.h"
#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 255u
#define NO_TEXT  UINT8_MAX /* stands for NULL */

/* --- writing --------------------------------------------------------------------------------- */

static void put_text(struct buffer *out, const char *text)
{
    size_t size = text ? strnlen(text, TEXT_MAX - 1) : NO_TEXT;
    buffer_u8(out, (uint8_t)size);
    if (text)
        buffer_put(out, text, size);
}

/* What alerts say of a rule; of a built-in row the table knows it. */
static void put_row(struct buffer *out, const struct detector *row)
{
    put_text(out, row->id);
    if (detector_get(row->id))
        return;
    put_text(out, row->name);
    put_text(out, row->tactic);
    put_text(out, row->technique);
    put_text(out, row->subtechnique);
}

static void put_rank(struct buffer *out, const struct incident_rank *rank)
{
    struct incident_rank copy = *rank;
    put_row(out, rank->detector);
    put_text(out, rank->finding.needs_unit);
    for (size_t i = 0; i < FINDING_REASONS; i++) {
        put_text(out, rank->finding.reason[i].code);
        put_text(out, rank->finding.reason[i].unit);
        copy.finding.reason[i].code = copy.finding.reason[i].unit = NULL;
    }
    copy.detector = copy.finding.detector = NULL;
    copy.finding.needs_unit = NULL;
    buffer_put(out, &copy, sizeof copy);
}

static void put_list(struct buffer *out, const struct list *list)
{
    buffer_le64(out, list->count);
    for (const struct slot *slot = list->oldest; slot; slot = slot->newer) {
        struct slot copy = *slot;
        copy.newer = copy.older = copy.linked_before = copy.linked_after = NULL;
        copy.incident.rank = NULL;
        buffer_put(out, &copy, sizeof copy);
        for (size_t i = 0; i < slot->incident.rank_count; i++)
            put_rank(out, &slot->incident.rank[i]);
    }
}

void incidents_pack(const struct incidents *incidents, struct buffer *out)
{
    buffer_put(out, &incidents->counts, sizeof incidents->counts);
    put_list(out, &incidents->open);
    put_list(out, &incidents->closed);
}

void alert_pack(const struct alert *alert, struct buffer *out)
{
    struct incident_rank rank = {.detector = alert->finding.detector, .finding = alert->finding};
    put_rank(out, &rank);
    buffer_put(out, &alert->story, sizeof alert->story);
    buffer_le64(out, (uint64_t)alert->time.ns);
    buffer_u8(out, (uint8_t)alert->state);
    buffer_u8(out, (uint8_t)alert->baseline);
    buffer_le32(out, alert->baseline_hours);
}

/* --- reading --------------------------------------------------------------------------------- */

static bool take_raw(struct cursor *in, void *to, size_t size)
{
    const uint8_t *bytes = cursor_take(in, size);
    if (bytes)
        memcpy(to, bytes, size);
    return bytes != NULL;
}

/* Owned by the incidents; NULL for none. */
static const char *take_text(struct incidents *incidents, struct cursor *in)
{
    char text[TEXT_MAX + 1] = "";
    size_t size = cursor_u8(in);
    if (size == NO_TEXT || !take_raw(in, text, size))
        return NULL;
    char *known = map_get(&incidents->texts, text, size);
    if (!known) {
        known = xstrdup(text);
        map_put(&incidents->texts, text, size, known);
    }
    return known;
}

/* NULL: there is no id. All ranks of one rule share a row: that of the first. */
static const struct detector *take_row(struct incidents *incidents, struct cursor *in)
{
    const char *id = take_text(incidents, in);
    if (!id)
        return NULL;
    const struct detector *known = detector_get(id);
    if (known)
        return known;
    struct detector row = {.id = id, .kind = SUBJECT_RULE};
    row.name = take_text(incidents, in);
    row.tactic = take_text(incidents, in);
    row.technique = take_text(incidents, in);
    row.subtechnique = take_text(incidents, in);
    known = map_get(&incidents->rows, id, strlen(id));
    if (known || !row.name)
        return known;
    struct detector *own = xcalloc(1, sizeof *own);
    *own = row;
    map_put(&incidents->rows, id, strlen(id), own);
    return own;
}

static bool take_rank(struct incidents *incidents, struct cursor *in, struct incident_rank *rank)
{
    const char *code[FINDING_REASONS], *unit[FINDING_REASONS];
    const struct detector *row = take_row(incidents, in);
    const char *needs_unit = take_text(incidents, in);
    for (size_t i = 0; i < FINDING_REASONS; i++) {
        code[i] = take_text(incidents, in);
        unit[i] = take_text(incidents, in);
    }
    if (!row || !take_raw(in, rank, sizeof *rank))
        return false;
    rank->detector = rank->finding.detector = row;
    rank->finding.needs_unit = needs_unit;
    for (size_t i = 0; i < FINDING_REASONS; i++) {
        rank->finding.reason[i].code = code[i];
        rank->finding.reason[i].unit = unit[i];
    }
    return true;
}

static struct slot *take_slot(struct incidents *incidents, struct cursor *in)
{
    struct slot *slot = xcalloc(1, sizeof *slot);
    bool good = take_raw(in, slot, sizeof *slot) && slot->incident.rank_count > 0 &&
                slot->incident.rank_count <= INCIDENT_RANKS &&
                slot->closed_by < slot->incident.rank_count;
    slot->newer = slot->older = slot->linked_before = slot->linked_after = NULL;
    slot->incident.rank = NULL;
    if (good)
        slot->incident.rank = xcalloc(slot->incident.rank_count, sizeof *slot->incident.rank);
    for (size_t i = 0; good && i < slot->incident.rank_count; i++)
        good = take_rank(incidents, in, &slot->incident.rank[i]);
    if (good)
        return slot;
    incident_slot_free(slot);
    return NULL;
}

static bool take_list(struct incidents *incidents, struct cursor *in, struct list *list)
{
    uint64_t count = cursor_le64(in);
    for (uint64_t i = 0; i < count; i++) {
        struct slot *slot = take_slot(incidents, in);
        if (!slot)
            return false;
        if (map_get(&incidents->by_id, slot->incident.id, ALERT_ID_SIZE - 1)) {
            incident_slot_free(slot);
            return false;
        }
        struct story_name name;
        size_t size = incident_name_story(&slot->incident.story, &name);
        map_put(&incidents->by_id, slot->incident.id, ALERT_ID_SIZE - 1, slot);
        if (!slot->incident.closed)
            map_put(&incidents->by_story, &name, size, slot);
        incident_list_add(list, slot);
    }
    return !in->failed;
}

bool incidents_unpack(struct incidents *incidents, struct cursor *in)
{
    bool good = take_raw(in, &incidents->counts, sizeof incidents->counts) &&
                take_list(incidents, in, &incidents->open) &&
                take_list(incidents, in, &incidents->closed);
    if (good)
        linked_restore(incidents);
    return good;
}

static bool zone_is_sound(const struct story_zone *zone)
{
    return !zone->name[ZONE_NAME_SIZE - 1] && !zone->from[ZONE_NAME_SIZE - 1] &&
           !zone->to[ZONE_NAME_SIZE - 1];
}

/* What is counted is there, and texts end: nothing behind this looks again. */
static bool is_sound(const struct alert *alert)
{
    const struct story *story = &alert->story;
    return story->flow_count <= ALERT_FLOWS && story->address_count <= ALERT_ADDRESSES &&
           story->client_count <= STORY_CLIENTS && tunnel_holds(&story->tunnel) &&
           story->counted.label_count <= COUNTED_LABELS &&
           story->counted.sample_count <= COUNTED_SAMPLES && story->destination.role < ROLES &&
           story->destination.kind < DESTINATION_KINDS &&
           !story->destination.name[DESTINATION_NAME_SIZE - 1] &&
           !story->sight[SILENCE_NAME_SIZE - 1] && !story->server_name[RECORD_NAME_MAX] &&
           zone_is_sound(&story->zone) && zone_is_sound(&story->border) &&
           !story->ja4[STORY_TEXT_SIZE - 1] && !story->application[STORY_TEXT_SIZE - 1] &&
           alert->finding.reason_count <= FINDING_REASONS && seen_holds(&alert->finding.seen) &&
           alert->finding.urgency < URGENCIES && alert->state <= INCIDENT_CLOSE;
}

bool alert_unpack(struct incidents *incidents, struct cursor *in, struct alert *alert)
{
    struct incident_rank rank;
    *alert = (struct alert){.raise = 0};
    if (!take_rank(incidents, in, &rank) || !take_raw(in, &alert->story, sizeof alert->story))
        return false;
    alert->finding = rank.finding;
    alert->time.ns = (int64_t)cursor_le64(in);
    alert->state = cursor_u8(in);
    alert->baseline = cursor_u8(in);
    alert->baseline_hours = cursor_le32(in);
    return !in->failed && is_sound(alert);
}
