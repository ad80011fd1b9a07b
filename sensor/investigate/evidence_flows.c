/* See evidence_flows.h. The notes are read twice: once to count each incident's, so that it is
 * known whose find room, and once to take those. */
#include "evidence_flows.h"

#include "weir/base/buffer.h"
#include "weir/base/digest.h"
#include "weir/base/map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct note { /* no padding */
    struct wanted_flow flow;
    struct ip host;
    uint64_t destination; /* hash of its key */
    uint64_t turned;      /* 1: flow.key has the responder first */
};
_Static_assert(sizeof(struct note) == sizeof(struct wanted_flow) + sizeof(struct ip) + 16,
               "no padding");

struct evidence_flows {
    FILE *file;
    int failed; /* errno of the first failed write */
};

struct evidence_flows *evidence_flows_new(const char *folder, struct error *error)
{
    char *path = xasprintf("%s/flows.XXXXXX", folder);
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w+b");
    if (!file) {
        error_set(error, ERROR_RUN, "%s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        free(path);
        return NULL;
    }
    free(path);
    struct evidence_flows *flows = xcalloc(1, sizeof *flows);
    flows->file = file;
    return flows;
}

void evidence_flows_free(struct evidence_flows *flows)
{
    if (!flows)
        return;
    fclose(flows->file);
    free(flows);
}

static uint64_t hash_of(const struct destination *destination)
{
    char key[DESTINATION_KEY_SIZE];
    destination_key(destination, key);
    uint64_t hash = hash64(key, strlen(key), 0);
    return hash ? hash : 1; /* 0: the whole host */
}

void evidence_flows_add(struct evidence_flows *flows, const struct flow_view *view)
{
    const struct record_flow *record = view->record;
    if (record->end == FLOW_OPEN || !view->host || !view->destination || flows->failed)
        return;
    const struct flow_key key = flow_key_unordered(&record->key);
    const struct note note = {.flow = {key, record->start_ns, record->last_ns},
                              .host = *view->host,
                              .turned = memcmp(&key, &record->key, sizeof key) != 0,
                              .destination = hash_of(view->destination)};
    if (fwrite(&note, sizeof note, 1, flows->file) != 1)
        flows->failed = errno ? errno : EIO;
}

/* --- which incidents ---------------------------------------------------------------------------
 */

#define NOBODY UINT32_MAX

struct whose { /* of one host and destination */
    struct ip host;
    uint64_t destination;
};

struct listed { /* a flow that an incident's alerts list */
    struct listed *next;
    uint32_t incident;
    int64_t start_ns;
};

struct search {
    const struct incident *const *incident;
    uint32_t count;
    struct map pairs;  /* struct whose → the first incident of it (uint32_t + 1, in `first`) */
    uint32_t *next;    /* … and behind it; NOBODY: no more */
    struct map listed; /* flow_key → struct listed */
    uint64_t *flows;   /* of each incident */
    uint32_t kept;     /* incidents whose flows find room */
    struct selection *selection;
    size_t room;
};

static void search_add(struct search *search, uint32_t i)
{
    const struct story *story = &search->incident[i]->story;
    struct whose whose = {story->host, story->has_destination ? hash_of(&story->destination) : 0};
    uint32_t *first = map_get(&search->pairs, &whose, sizeof whose);
    search->next[i] = first ? *first : NOBODY;
    if (!first) {
        first = xcalloc(1, sizeof *first);
        map_put(&search->pairs, &whose, sizeof whose, first);
    }
    *first = i;
    for (size_t f = 0; f < story->flow_count; f++) {
        struct flow_key key = flow_key_unordered(&story->flow[f].key);
        struct listed *listed = xcalloc(1, sizeof *listed);
        *listed = (struct listed){.incident = i, .start_ns = story->flow[f].start.ns};
        listed->next = map_put(&search->listed, &key, sizeof key, listed);
    }
}

static void free_listed(void *value)
{
    for (struct listed *listed = value, *next; listed; listed = next) {
        next = listed->next;
        free(listed);
    }
}

static void search_init(struct search *search, const struct incident *const *incident,
                        uint32_t count, struct selection *selection)
{
    *search = (struct search){.incident = incident, .count = count, .selection = selection};
    map_init(&search->pairs);
    map_init(&search->listed);
    search->next = xcalloc(count + 1, sizeof *search->next);
    search->flows = xcalloc(count + 1, sizeof *search->flows);
    for (uint32_t i = 0; i < count; i++)
        search_add(search, i);
}

static void search_fini(struct search *search)
{
    map_fini(&search->pairs, free);
    map_fini(&search->listed, free_listed);
    free(search->next);
    free(search->flows);
}

/* --- which of them a note is of ----------------------------------------------------------------
 */

static void give(struct selected_flow *to, uint32_t incident)
{
    for (uint32_t i = 0; i < to->incidents; i++)
        if (to->incident[i] == incident)
            return;
    if (to->incidents < EVIDENCE_SHARED)
        to->incident[to->incidents++] = incident;
}

static void match_pair(const struct search *search, const struct note *note, uint64_t destination,
                       struct selected_flow *to)
{
    const struct whose whose = {note->host, destination};
    const uint32_t *first = map_get(&search->pairs, &whose, sizeof whose);
    for (uint32_t i = first ? *first : NOBODY; i != NOBODY; i = search->next[i]) {
        const struct story *story = &search->incident[i]->story;
        if (note->flow.start_ns <= story->last.ns && note->flow.last_ns >= story->first.ns)
            give(to, i);
    }
}

static void match(const struct search *search, const struct note *note, struct selected_flow *to)
{
    *to = (struct selected_flow){.flow = note->flow,
                                 .key = note->turned ? flow_key_turned(&note->flow.key)
                                                     : note->flow.key};
    const struct listed *listed = map_get(&search->listed, &note->flow.key, sizeof note->flow.key);
    for (; listed; listed = listed->next)
        if (listed->start_ns >= note->flow.start_ns && listed->start_ns <= note->flow.last_ns)
            give(to, listed->incident);
    match_pair(search, note, note->destination, to);
    match_pair(search, note, 0, to);
}

static int each_note(struct evidence_flows *flows, struct search *search,
                     void (*each)(struct search *search, const struct selected_flow *flow),
                     struct error *error)
{
    struct note note;
    struct selected_flow found;
    if (flows->failed || fflush(flows->file) != 0 || fseeko(flows->file, 0, SEEK_SET) != 0)
        return error_set(error, ERROR_RUN, "the notes of flows could not be written: %s",
                         strerror(flows->failed ? flows->failed : errno));
    while (fread(&note, sizeof note, 1, flows->file) == 1) {
        match(search, &note, &found);
        if (found.incidents > 0)
            each(search, &found);
    }
    if (!ferror(flows->file))
        return 0;
    return error_set(error, ERROR_RUN, "the notes of flows could not be read: %s", strerror(errno));
}

static void count_flow(struct search *search, const struct selected_flow *flow)
{
    for (uint32_t i = 0; i < flow->incidents; i++)
        search->flows[flow->incident[i]]++;
}

static void find_room(struct search *search)
{
    uint64_t sum = 0;
    for (search->kept = 0; search->kept < search->count; search->kept++) {
        sum += search->flows[search->kept]; /* a shared one counts twice: a bound, no figure */
        if (sum > WANTED_MAX)
            break;
    }
}

static void take_flow(struct search *search, const struct selected_flow *found)
{
    struct selection *selection = search->selection;
    struct selected_flow flow = *found;
    flow.incidents = 0;
    for (uint32_t i = 0; i < found->incidents; i++)
        if (found->incident[i] < search->kept)
            flow.incident[flow.incidents++] = found->incident[i];
    selection->beyond += flow.incidents == 0;
    if (flow.incidents == 0)
        return;
    if (selection->count == search->room) {
        search->room = search->room ? 2 * search->room : 1024;
        selection->flow = xrealloc(selection->flow, search->room * sizeof *selection->flow);
    }
    selection->flow[selection->count++] = flow;
}

int evidence_flows_select(struct evidence_flows *flows, const struct incident *const *incident,
                          uint32_t count, struct selection *selection, struct error *error)
{
    struct search search;
    *selection = (struct selection){.count = 0};
    search_init(&search, incident, count, selection);
    int failed = each_note(flows, &search, count_flow, error);
    find_room(&search);
    if (!failed)
        failed = each_note(flows, &search, take_flow, error);
    search_fini(&search);
    if (selection->count > 0)
        qsort(selection->flow, selection->count, sizeof *selection->flow, wanted_compare);
    return failed;
}
