/* The incidents of a hunt, out of what its units found one by one.
 *
 *   a unit's alert → its story joined to what earlier units had of it → silent within the week? →
 *   the book of incidents (alert/incident.h), as if one engine had found it
 *
 * A unit's story begins with the unit. `before` is what all earlier units had of it, `latest` that
 * and this unit's; when the unit is over `latest` becomes `before`. Invariant: a story's figures
 * count each unit once. Distinct items cannot be added without the items: of each class the most
 * that one unit counted stands, so it is "at least". Thread: the main thread. */
#include "weir/investigate/hunt.h"

#include "weir/baseline/evidence.h"
#include "weir/baseline/profile.h"

#include <stdlib.h>

#define GAP_NS (7 * NS_PER_DAY) /* as the engine's */

struct entry { /* of a host and destination */
    struct story before, latest;
    bool any_before, in_unit, noted; /* noted: it is in `of_unit` */
    struct ptime begins, ends;       /* of what the unit at hand has of it */
};

struct told { /* of a host */
    struct told_lately side[EVIDENCE_SIDES];
};

struct hunt_book {
    struct hunt_book_config config;
    struct incidents *incidents;
    struct map entries, told;
    struct entry **of_unit; /* each once */
    size_t of_unit_count, of_unit_room;
    struct ptime at; /* up to where incidents were closed; PTIME_MIN: nowhere */
    uint64_t silent;
};

struct hunt_book *hunt_book_new(const struct hunt_book_config *config)
{
    struct hunt_book *book = xcalloc(1, sizeof *book);
    book->config = *config;
    book->incidents = incidents_new(GAP_NS, config->alert, config->context);
    incidents_set_labels(book->incidents, config->sensor, config->ruleset, config->mode);
    map_init(&book->entries);
    map_init(&book->told);
    book->at = PTIME_MIN;
    return book;
}

void hunt_book_free(struct hunt_book *book)
{
    if (!book)
        return;
    incidents_free(book->incidents);
    map_fini(&book->entries, free);
    map_fini(&book->told, free);
    free(book->of_unit);
    free(book);
}

/* --- stories ---------------------------------------------------------------------------------- */

static void join_flows(struct story *story, const struct story *more)
{
    for (size_t i = 0; i < more->flow_count; i++) {
        size_t at = story->flow_count;
        if (at == ALERT_FLOWS && story->flow[--at].out_bytes >= more->flow[i].out_bytes)
            return; /* largest first: the others are no larger */
        if (story->flow_count < ALERT_FLOWS)
            story->flow_count++;
        for (; at > 0 && story->flow[at - 1].out_bytes < more->flow[i].out_bytes; at--)
            story->flow[at] = story->flow[at - 1];
        story->flow[at] = more->flow[i];
    }
}

static void join_addresses(struct story *story, const struct story *more)
{
    for (size_t i = 0; i < more->address_count; i++) {
        size_t at = 0;
        while (at < story->address_count && ip_compare(&story->address[at], &more->address[i]) != 0)
            at++;
        if (at < story->address_count)
            continue;
        if (at < ALERT_ADDRESSES)
            story->address[story->address_count++] = more->address[i];
        else
            story->more_addresses = true;
    }
    story->more_addresses |= more->more_addresses;
}

static void join_counted(struct counted *counted, const struct counted *more)
{
    uint64_t ours = 0, theirs = 0;
    for (int class = 0; class < CONTENT_CLASSES; class ++) {
        ours += counted->of[class].items;
        theirs += more->of[class].items;
    }
    struct counted joined = theirs > ours ? *more : *counted; /* and its labels */
    for (int class = 0; class < CONTENT_CLASSES; class ++)
        joined.of[class] = counted->of[class].items >= more->of[class].items ? counted->of[class]
                                                                             : more->of[class];
    *counted = joined;
}

static void join_sums(struct story *story, const struct story *more)
{
    story->first = more->first.ns < story->first.ns ? more->first : story->first;
    story->last = more->last.ns > story->last.ns ? more->last : story->last;
    volume_add(&story->out, more->out);
    story->in_bytes = bytes_add(story->in_bytes, more->in_bytes);
    story->out_packets = bytes_add(story->out_packets, more->out_packets);
    story->in_packets = bytes_add(story->in_packets, more->in_packets);
    for (int i = 0; i < SERVICES; i++)
        volume_add(&story->service_out[i], more->service_out[i]);
    story->flows_inside += more->flows_inside;
    story->flows_outside += more->flows_outside;
    story->flows_total = bytes_add(story->flows_total, more->flows_total);
    story->unverified_out = bytes_add(story->unverified_out, more->unverified_out);
    story->other_certificate_out =
        bytes_add(story->other_certificate_out, more->other_certificate_out);
    if (more->content_gap_bytes > story->content_gap_bytes)
        story->content_gap_bytes = more->content_gap_bytes;
}

static uint64_t largest(const struct story *story)
{
    return story->flow_count ? story->flow[0].out_bytes : 0;
}

/* What is said of the largest flow is the larger one's. */
static struct story join(const struct story *before, const struct story *now)
{
    bool newer = largest(now) > largest(before);
    struct story story = newer ? *now : *before;
    const struct story *other = newer ? before : now;
    join_sums(&story, other);
    join_flows(&story, other);
    join_addresses(&story, other);
    join_counted(&story.counted, &other->counted);
    if (!*story.server_name)
        memcpy(story.server_name, other->server_name, sizeof story.server_name);
    return story;
}

static bool is_sensor(const struct story *story)
{
    static const struct ip none;
    return ip_compare(&story->host, &none) == 0;
}

struct entry_name {
    struct ip host;
    char key[DESTINATION_KEY_SIZE];
};

static struct entry *entry_of(struct hunt_book *book, const struct story *story)
{
    struct entry_name name = {.host = story->host};
    if (story->has_destination)
        destination_key(&story->destination, name.key);
    else
        memcpy(name.key, story->sight, sizeof story->sight);
    size_t size = sizeof name.host + strlen(name.key);
    struct entry *entry = map_get(&book->entries, &name, size);
    if (!entry) {
        entry = xcalloc(1, sizeof *entry);
        map_put(&book->entries, &name, size, entry);
    }
    return entry;
}

/* --- alerts ----------------------------------------------------------------------------------- */

/* As the engine has it within one run (engine/weigh.c): of what is weighed against a past, a side
 * that was told is silent for a week unless there is so much more of it. */
static bool is_silent(struct hunt_book *book, const struct alert *alert)
{
    if (!alert->finding.detector->tell)
        return false;
    struct told *told = map_get(&book->told, &alert->story.host, sizeof alert->story.host);
    if (!told) {
        told = xcalloc(1, sizeof *told);
        map_put(&book->told, &alert->story.host, sizeof alert->story.host, told);
    }
    bool served = alert->finding.detector->kind == SUBJECT_SERVED;
    struct told_lately *lately = &told->side[served ? EVIDENCE_SERVED : EVIDENCE_SENT];
    int64_t day = calendar_at(book->config.calendar, alert->time).day;
    uint32_t place = alert->story.has_destination ? evidence_name(&alert->story.destination) : 0;
    if (alert->finding.evidence < lately_silent_e(lately, day, place, INT64_MIN))
        return true;
    lately_tell(lately, day, alert->finding.evidence, place);
    return false;
}

static bool is_wanted(const struct hunt_book *book, const struct story *story)
{
    return !book->config.wanted || is_sensor(story) ||
           book->config.wanted(book->config.context, &story->host);
}

/* --- time ------------------------------------------------------------------------------------- */

/* A unit tells of a story when it has something to say, and at its end. In between it went on: its
 * incident is not silent. */
static void follow(struct hunt_book *book)
{
    for (size_t i = 0; i < book->of_unit_count; i++) {
        const struct entry *entry = book->of_unit[i];
        if (entry->begins.ns > book->at.ns || (!entry->in_unit && !entry->any_before))
            continue;
        incidents_follow(book->incidents, entry->in_unit ? &entry->latest : &entry->before,
                         entry->ends.ns < book->at.ns ? entry->ends : book->at);
    }
}

/* Day by day, so that what was silent for a week closes within a day of it. */
static void advance(struct hunt_book *book, struct ptime now)
{
    if (book->at.ns == INT64_MIN)
        book->at = now;
    while (now.ns - book->at.ns >= NS_PER_DAY) {
        book->at.ns += NS_PER_DAY;
        follow(book);
        incidents_advance(book->incidents, book->at);
    }
}

/* --- units ------------------------------------------------------------------------------------ */

static void note(struct hunt_book *book, const struct story *story)
{
    struct entry *entry = entry_of(book, story);
    if (entry->noted) {
        if (story->last.ns > entry->ends.ns)
            entry->ends = story->last;
        return;
    }
    if (book->of_unit_count == book->of_unit_room) {
        book->of_unit_room = book->of_unit_room ? 2 * book->of_unit_room : 64;
        book->of_unit = xrealloc(book->of_unit, book->of_unit_room * sizeof *book->of_unit);
    }
    book->of_unit[book->of_unit_count++] = entry;
    entry->noted = true;
    entry->begins = story->first;
    entry->ends = story->last;
}

static void take(struct hunt_book *book, const struct alert *alert)
{
    struct entry *entry = entry_of(book, &alert->story);
    entry->latest = entry->any_before ? join(&entry->before, &alert->story) : alert->story;
    entry->in_unit = true;
    advance(book, alert->time);
    if (alert->state == INCIDENT_CLOSE) /* its unit is over: the book says when it closes */
        incidents_follow(book->incidents, &entry->latest, alert->story.last);
    else if (is_silent(book, alert)) {
        book->silent++;
        incidents_follow(book->incidents, &entry->latest, alert->time);
    } else
        incidents_find(book->incidents, &alert->finding, &entry->latest, alert->baseline,
                       alert->baseline_hours, alert->time);
}

static void end_unit(struct hunt_book *book)
{
    for (size_t i = 0; i < book->of_unit_count; i++) {
        struct entry *entry = book->of_unit[i];
        entry->before = entry->latest;
        entry->any_before = true;
        entry->in_unit = entry->noted = false;
    }
    book->of_unit_count = 0;
}

/* Twice: first how long each story went on. */
int hunt_book_unit(struct hunt_book *book, const void *alerts, size_t size)
{
    for (int pass = 0; pass < 2; pass++)
        for (struct cursor in = cursor_make(alerts, size); cursor_left(&in) > 0;) {
            struct alert alert;
            if (!alert_unpack(book->incidents, &in, &alert))
                return -1;
            if (!is_wanted(book, &alert.story))
                continue;
            if (pass == 0)
                note(book, &alert.story);
            else
                take(book, &alert);
        }
    end_unit(book);
    return 0;
}

void hunt_book_finish(struct hunt_book *book)
{
    incidents_advance(book->incidents, PTIME_MAX);
}

const struct incidents *hunt_book_incidents(const struct hunt_book *book)
{
    return book->incidents;
}

uint64_t hunt_book_silent(const struct hunt_book *book)
{
    return book->silent;
}
