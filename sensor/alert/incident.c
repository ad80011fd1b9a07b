/* Incidents, by story.
 *
 *   finding → the story's open incident → the detector's rank in it → an alert, when the rank is
 * new, its evidence grew × 1.3, or a silence that held back its last one is over
 *
 * Open ones hang in a list by when they were last heard of, so that closing is a walk from its old
 * end; closed ones in a list by when they were closed. Both are found by id, so that a story which
 * goes on finds its incident again: otherwise raise numbers, and with them event ids, would repeat.
 * A closing alert takes the number that its detector's next raise would have had; a re-opened
 * incident steps over it.
 *
 * Invariants: an incident is in the map of open ones if and only if it is not closed; it is in the
 * map of ids until it is forgotten; rank_count ≥ 1 (nothing opens without an alert).
 * Thread: the engine's. */
#include "weir/alert/incident.h"

#include "ids.h"
#include "incident_local.h"
#include "linked.h"
#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

const char *const incident_state_name[] = {"open", "update", "close"};

struct incidents *incidents_new(int64_t gap_ns,
                                void (*alert)(void *context, const struct incident *incident,
                                              const struct alert *alert),
                                void *context)
{
    struct incidents *incidents = xcalloc(1, sizeof *incidents);
    incidents->gap_ns = gap_ns;
    incidents->alert = alert;
    incidents->context = context;
    incidents->mode = "online";
    map_init(&incidents->by_story);
    map_init(&incidents->by_id);
    map_init(&incidents->by_destination);
    map_init(&incidents->texts);
    map_init(&incidents->rows);
    return incidents;
}

void incident_slot_free(void *value)
{
    struct slot *slot = value;
    free(slot->incident.rank);
    free(slot);
}

void incidents_free(struct incidents *incidents)
{
    if (!incidents)
        return;
    linked_fini(incidents);
    map_fini(&incidents->by_story, NULL);
    map_fini(&incidents->by_id, incident_slot_free);
    map_fini(&incidents->texts, free);
    map_fini(&incidents->rows, free);
    free(incidents);
}

void incidents_set_labels(struct incidents *incidents, const char *sensor, const char *ruleset,
                          const char *mode)
{
    incidents->sensor = sensor;
    incidents->ruleset = ruleset;
    incidents->mode = mode;
}

void incidents_set_covered(struct incidents *incidents,
                           bool (*covered)(void *context, const struct alert *alert))
{
    incidents->covered = covered;
}

struct incidents_counts incidents_counts(const struct incidents *incidents)
{
    struct incidents_counts counts = incidents->counts;
    counts.open = incidents->open.count;
    return counts;
}

/* --- lists and look-up ----------------------------------------------------------------------- */

static void list_remove(struct list *list, struct slot *slot)
{
    *(slot->newer ? &slot->newer->older : &list->newest) = slot->older;
    *(slot->older ? &slot->older->newer : &list->oldest) = slot->newer;
    slot->newer = slot->older = NULL;
    list->count--;
}

void incident_list_add(struct list *list, struct slot *slot)
{
    slot->older = list->newest;
    *(list->newest ? &list->newest->newer : &list->oldest) = slot;
    list->newest = slot;
    list->count++;
}

size_t incident_name_story(const struct story *story, struct story_name *name)
{
    name->host = story->host;
    return sizeof name->host + strlen(story_key(story, name->key));
}

static struct slot *find_open(const struct incidents *incidents, const struct story *story)
{
    struct story_name name;
    size_t size = incident_name_story(story, &name);
    return map_get(&incidents->by_story, &name, size);
}

bool incidents_has(const struct incidents *incidents, const struct ip *host,
                   const struct destination *destination)
{
    struct story_name name = {.host = *host};
    if (destination)
        destination_key(destination, name.key);
    return map_get(&incidents->by_story, &name, sizeof name.host + strlen(name.key)) != NULL;
}

/* --- telling ---------------------------------------------------------------------------------- */

static struct alert alert_of(const struct incidents *incidents, const struct incident *incident,
                             uint32_t raise, enum incident_state state,
                             const struct finding *finding, struct ptime time)
{
    uint64_t out = incident->story.out.value;
    struct alert alert = {.raise = raise,
                          .state = state,
                          .time = time,
                          .finding = *finding,
                          .story = incident->story,
                          .baseline = incident->baseline,
                          .baseline_hours = incident->baseline_hours,
                          .new_bytes = out > incident->told_bytes ? out - incident->told_bytes : 0,
                          .aloud = incident->aloud,
                          .mode = incidents->mode,
                          .sensor = incidents->sensor,
                          .ruleset = incidents->ruleset};
    memcpy(alert.incident, incident->id, sizeof alert.incident);
    alert_id(incident->id, finding->detector->id, raise, alert.id);
    return alert;
}

static void tell(struct incidents *incidents, struct slot *slot, uint32_t raise,
                 enum incident_state state, const struct finding *finding, struct ptime time)
{
    struct incident *incident = &slot->incident;
    struct alert alert = alert_of(incidents, incident, raise, state, finding, time);
    linked_fill(incidents, slot, &alert);
    if (incident->story.out.value > incident->told_bytes)
        incident->told_bytes = incident->story.out.value;
    incidents->alert(incidents->context, incident, &alert);
}

/* By score, then evidence; of equals the one that spoke first. */
static size_t strongest(const struct incident *incident)
{
    size_t best = 0;
    for (size_t i = 1; i < incident->rank_count; i++) {
        const struct finding *a = &incident->rank[i].finding, *b = &incident->rank[best].finding;
        if (a->score > b->score || (a->score == b->score && a->evidence > b->evidence))
            best = i;
    }
    return best;
}

static void forget_oldest(struct incidents *incidents)
{
    struct slot *slot = incidents->closed.oldest;
    list_remove(&incidents->closed, slot);
    map_remove(&incidents->by_id, slot->incident.id, ALERT_ID_SIZE - 1);
    incident_slot_free(slot);
    incidents->counts.forgotten++;
}

static void close_incident(struct incidents *incidents, struct slot *slot, struct ptime time)
{
    struct incident *incident = &slot->incident;
    struct story_name name;
    size_t size = incident_name_story(&incident->story, &name);
    map_remove(&incidents->by_story, &name, size);
    linked_remove(incidents, slot);
    list_remove(&incidents->open, slot);
    if (incidents->closed.count >= INCIDENTS_KEPT)
        forget_oldest(incidents);
    incident_list_add(&incidents->closed, slot);
    incident->closed = true;
    slot->closed_by = strongest(incident);
    const struct incident_rank *rank = &incident->rank[slot->closed_by];
    tell(incidents, slot, rank->raises, INCIDENT_CLOSE, &rank->finding, time);
}

void incidents_advance(struct incidents *incidents, struct ptime now)
{
    bool end = now.ns == PTIME_MAX.ns;
    for (struct slot *slot; (slot = incidents->open.oldest) != NULL;) {
        if (!end && now.ns - slot->touched.ns < incidents->gap_ns)
            return;
        close_incident(incidents, slot, end ? slot->incident.story.last : now);
    }
}

/* --- findings --------------------------------------------------------------------------------- */

static void reopen(struct incidents *incidents, struct slot *slot)
{
    list_remove(&incidents->closed, slot);
    slot->incident.closed = slot->incident.aloud = false;
    slot->incident.rank[slot->closed_by].raises++;
}

static struct slot *new_slot(struct incidents *incidents, const struct story *story, const char *id,
                             struct ptime time)
{
    struct slot *slot = xcalloc(1, sizeof *slot);
    memcpy(slot->incident.id, id, sizeof slot->incident.id);
    slot->incident.opened = time;
    slot->incident.opened_out = story->out;
    slot->incident.story = *story;
    map_put(&incidents->by_id, id, ALERT_ID_SIZE - 1, slot);
    return slot;
}

static struct slot *open_slot(struct incidents *incidents, const struct story *story,
                              struct ptime time)
{
    struct slot *slot = find_open(incidents, story);
    if (slot)
        return slot;
    if (incidents->open.count >= INCIDENTS_MAX) {
        close_incident(incidents, incidents->open.oldest, time);
        incidents->counts.evicted++;
    }
    char id[ALERT_ID_SIZE];
    incident_id(story, incidents->sensor, id);
    slot = map_get(&incidents->by_id, id, ALERT_ID_SIZE - 1);
    if (slot)
        reopen(incidents, slot);
    else
        slot = new_slot(incidents, story, id, time);
    struct story_name name;
    size_t size = incident_name_story(story, &name);
    map_put(&incidents->by_story, &name, size, slot);
    incident_list_add(&incidents->open, slot);
    slot->number = ++incidents->numbered;
    linked_add(incidents, slot);
    return slot;
}

static void touch(struct incidents *incidents, struct slot *slot, const struct story *story,
                  struct ptime time)
{
    slot->incident.story = *story;
    slot->touched = time;
    list_remove(&incidents->open, slot);
    incident_list_add(&incidents->open, slot);
}

/* By id: an edited rule is another row with the same one, and goes on with the incident it opened.
 */
static struct incident_rank *find_rank(const struct incident *incident,
                                       const struct detector *detector)
{
    for (size_t i = 0; i < incident->rank_count; i++)
        if (strcmp(incident->rank[i].detector->id, detector->id) == 0)
            return &incident->rank[i];
    return NULL;
}

static struct incident_rank *add_rank(struct incident *incident, const struct finding *finding,
                                      struct ptime time)
{
    if (incident->rank_count == INCIDENT_RANKS)
        return NULL;
    incident->rank = xrealloc(incident->rank, (incident->rank_count + 1) * sizeof *incident->rank);
    struct incident_rank *rank = &incident->rank[incident->rank_count++];
    *rank = (struct incident_rank){.detector = finding->detector,
                                   .first = time,
                                   .first_out = incident->story.out,
                                   .finding = *finding};
    return rank;
}

/* True when the rank has something to say that was not said. */
static bool grown(const struct incident_rank *rank, const struct finding *finding)
{
    return finding->evidence > rank->evidence &&
           finding->evidence >= rank->evidence * INCIDENT_RAISE_FACTOR;
}

/* What a rank tells when a silence is over: the strongest that it held back. */
static const struct finding *stronger(const struct incident_rank *rank,
                                      const struct finding *finding)
{
    return finding->evidence >= rank->finding.evidence ? finding : &rank->finding;
}

/* The last one was held back, and this would not be. */
static bool is_uncovered(const struct incidents *incidents, const struct incident *incident,
                         const struct incident_rank *rank, const struct finding *finding,
                         const struct story *story, struct ptime time)
{
    if (!rank->hidden || !incidents->covered)
        return false;
    struct alert alert =
        alert_of(incidents, incident, rank->raises, INCIDENT_UPDATE, finding, time);
    alert.story = *story;
    return !incidents->covered(incidents->context, &alert);
}

bool incidents_would_tell(const struct incidents *incidents, const struct finding *finding,
                          const struct story *story, struct ptime time)
{
    const struct slot *slot = find_open(incidents, story);
    if (!slot)
        return true;
    const struct incident *incident = &slot->incident;
    const struct incident_rank *rank = find_rank(incident, finding->detector);
    if (!rank)
        return incident->rank_count < INCIDENT_RANKS;
    return grown(rank, finding) ||
           is_uncovered(incidents, incident, rank, stronger(rank, finding), story, time);
}

void incidents_find(struct incidents *incidents, const struct finding *finding,
                    const struct story *story, enum baseline_state baseline,
                    uint32_t baseline_hours, struct ptime time)
{
    struct slot *slot = open_slot(incidents, story, time);
    struct incident *incident = &slot->incident;
    touch(incidents, slot, story, time);
    incident->baseline = baseline;
    incident->baseline_hours = baseline_hours;
    struct incident_rank *rank = find_rank(incident, finding->detector);
    bool known_now = rank && rank->finding.by_peers && !finding->by_peers;
    bool news = !rank || (!known_now && grown(rank, finding));
    if (!rank)
        rank = add_rank(incident, finding, time);
    if (!rank) {
        incidents->counts.unranked++;
        return;
    }
    if (known_now) /* the same once more, by its own past: it was told, and counts from here on */
        rank->evidence = finding->evidence;
    if (known_now || stronger(rank, finding) == finding)
        rank->finding = *finding;
    if (finding->score > incident->score)
        incident->score = finding->score;
    if (finding->urgency > incident->urgency)
        incident->urgency = finding->urgency;
    if (!news) {
        if (!is_uncovered(incidents, incident, rank, &rank->finding, story, time))
            return;
        finding = &rank->finding;
    }
    rank->evidence = finding->evidence;
    enum incident_state state = incident->alerts++ ? INCIDENT_UPDATE : INCIDENT_OPEN;
    tell(incidents, slot, rank->raises++, state, finding, time);
}

void incidents_follow(struct incidents *incidents, const struct story *story, struct ptime time)
{
    struct slot *slot = find_open(incidents, story);
    if (slot)
        touch(incidents, slot, story, time);
}

void incidents_end(struct incidents *incidents, const struct finding *finding,
                   const struct story *story, struct ptime time)
{
    struct slot *slot = find_open(incidents, story);
    if (!slot)
        return;
    touch(incidents, slot, story, time);
    struct incident_rank *rank = find_rank(&slot->incident, finding->detector);
    if (rank)
        rank->finding = *finding;
    close_incident(incidents, slot, time);
}

void incidents_told(struct incidents *incidents, const struct alert *alert, bool is_hidden)
{
    struct slot *slot = map_get(&incidents->by_id, alert->incident, strlen(alert->incident));
    struct incident_rank *rank = slot ? find_rank(&slot->incident, alert->finding.detector) : NULL;
    if (slot && !is_hidden)
        slot->incident.aloud = true;
    if (rank)
        rank->hidden = is_hidden;
}

/* --- reading ---------------------------------------------------------------------------------- */

const struct incident *incidents_get(const struct incidents *incidents, const char *id)
{
    const struct slot *slot = map_get(&incidents->by_id, id, strlen(id));
    return slot ? &slot->incident : NULL;
}

static int compare_incidents(const void *left, const void *right)
{
    const struct incident *a = *(const struct incident *const *)left;
    const struct incident *b = *(const struct incident *const *)right;
    if (a->score != b->score)
        return a->score < b->score ? 1 : -1;
    if (a->story.first.ns != b->story.first.ns)
        return a->story.first.ns < b->story.first.ns ? -1 : 1;
    return strcmp(a->id, b->id);
}

const struct incident **incidents_sorted(const struct incidents *incidents, size_t *count)
{
    size_t position = 0, filled = 0;
    const struct incident **sorted = xcalloc(incidents->by_id.count + 1, sizeof *sorted);
    for (const struct map_entry *entry; (entry = map_next(&incidents->by_id, &position)) != NULL;) {
        const struct slot *slot = entry->value;
        sorted[filled++] = &slot->incident;
    }
    qsort(sorted, filled, sizeof *sorted, compare_incidents);
    *count = filled;
    return sorted;
}
