/* See weir/investigate/retold.h. */
#include "weir/investigate/retold.h"

#include "weir/base/buffer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char stamp[] = "{\"@timestamp\":\"";

/* --- one record ------------------------------------------------------------------------------- */

static const char *text_of(const struct json_value *object, const char *key)
{
    const char *text = json_text(json_get(object, key));
    return text ? text : "";
}

static int64_t whole_of(const struct json_value *object, const char *key)
{
    int64_t value = 0;
    return json_whole(json_get(object, key), &value) && value > 0 ? value : 0;
}

/* As the alert accounts it: domain, autonomous system, else the prefix that destination.c would
 * take. */
static void read_destination(const struct json_value *root, char to[RETOLD_NAME])
{
    const struct json_value *destination = json_get(root, "destination");
    const char *domain = text_of(destination, "domain");
    int64_t number = whole_of(json_get(destination, "as"), "number");
    struct ip ip;
    if (*domain) {
        snprintf(to, RETOLD_NAME, "%s", domain);
    } else if (number > 0) {
        snprintf(to, RETOLD_NAME, "AS%" PRId64, number);
    } else if (ip_parse(text_of(destination, "ip"), &ip) == 0) {
        struct destination prefix = destination_of_prefix(ROLE_CLIENT, &ip);
        snprintf(to, RETOLD_NAME, "%s", prefix.name);
    }
}

static void read_host(const struct json_value *root, char to[RETOLD_HOST])
{
    const char *device = text_of(json_get(root, "host"), "id");
    const char *address = text_of(json_get(root, "source"), "ip");
    snprintf(to, RETOLD_HOST, "%s", *device ? device : address);
}

static enum urgency urgency_named(const char *name)
{
    for (int i = 0; i < URGENCIES; i++)
        if (strcmp(urgency_name[i], name) == 0)
            return (enum urgency)i;
    return URGENCY_NOW; /* better too much */
}

static void read_alert(struct retold_record *r)
{
    const struct json_value *weir = json_get(r->root, "weir");
    const struct json_value *silenced = json_get(weir, "silenced");
    const char *scope = text_of(json_get(weir, "baseline"), "scope");
    if (!ptime_of_iso(text_of(json_get(r->root, "event"), "start"), &r->start))
        r->start = r->time;
    if (!ptime_of_iso(text_of(json_get(r->root, "event"), "end"), &r->end))
        r->end = r->time;
    r->incident = text_of(weir, "incident");
    r->state = text_of(weir, "state");
    r->sight = text_of(weir, "sight");
    r->rule = text_of(json_get(r->root, "rule"), "id");
    r->text = text_of(json_at(json_get(weir, "reasons"), 0), "text");
    r->score = whole_of(weir, "score");
    r->urgency = urgency_named(text_of(weir, "urgency"));
    r->out_bytes = (uint64_t)whole_of(json_get(weir, "out_bytes"), "value");
    r->sensor = !json_get(r->root, "source");
    r->silence = text_of(silenced, "id");
    r->silenced_bytes = (uint64_t)whole_of(silenced, "out_bytes");
    if (!ptime_of_iso(text_of(silenced, "until"), &r->until))
        r->until = PTIME_MAX;
    json_truth(json_get(json_get(weir, "acknowledged"), "quiet"), &r->quiet);
    read_host(r->root, r->host);
    if (strcmp(scope, "host") != 0)
        read_destination(r->root, r->destination);
}

static void read_act(struct retold_record *r)
{
    r->action = text_of(json_get(r->root, "event"), "action");
    r->by = text_of(json_get(r->root, "user"), "name");
    r->message = text_of(r->root, "message");
}

bool retold_record_read(struct retold_record *record, const char *line, size_t size)
{
    *record = (struct retold_record){.incident = "",
                                     .rule = "",
                                     .state = "",
                                     .sight = "",
                                     .text = "",
                                     .action = "",
                                     .by = "",
                                     .message = "",
                                     .silence = "",
                                     .root = json_parse(line, size, NULL)};
    const struct json_value *event = json_get(record->root, "event");
    const char *kind = text_of(event, "kind"), *dataset = text_of(event, "dataset");
    if (!ptime_of_iso(text_of(record->root, "@timestamp"), &record->time))
        return false;
    record->kind = RETOLD_OTHER;
    if (strcmp(kind, "alert") == 0) {
        record->kind = RETOLD_ALERT;
        read_alert(record);
        return strlen(record->incident) == ALERT_ID_SIZE - 1;
    }
    if (strcmp(dataset, "weir.audit") == 0) {
        record->kind = RETOLD_ACT;
        read_act(record);
    } else if (strcmp(dataset, "weir.heartbeat") == 0) {
        record->kind = RETOLD_HEARTBEAT;
        record->hosts_ready = whole_of(json_get(record->root, "weir"), "hosts_ready");
    }
    return true;
}

void retold_record_fini(struct retold_record *record)
{
    json_value_free(record->root);
    record->root = NULL;
}

bool retold_is_since(const char *line, size_t size, const char *from)
{
    size_t skip = sizeof stamp - 1, length = strlen(from);
    if (size < skip + length || memcmp(line, stamp, skip) != 0)
        return true; /* whatever it is, it is looked at */
    return memcmp(line + skip, from, length) >= 0;
}

/* --- incidents -------------------------------------------------------------------------------- */

void retold_init(struct retold *told)
{
    *told = (struct retold){.alerts = 0};
    map_init(&told->incidents);
}

void retold_fini(struct retold *told)
{
    map_fini(&told->incidents, free);
}

static void note_rule(struct retold_incident *incident, const char *rule)
{
    for (size_t i = 0; i < incident->rule_count; i++)
        if (strcmp(incident->rule[i], rule) == 0)
            return;
    if (incident->rule_count < RETOLD_RULES)
        snprintf(incident->rule[incident->rule_count++], sizeof incident->rule[0], "%s", rule);
}

bool retold_is_budgeted(const char *rule)
{
    const struct detector *detector = detector_get(rule);
    return detector && detector->tell;
}

static int compare_last(const void *left, const void *right)
{
    const struct retold_incident *a = *(const struct retold_incident *const *)left;
    const struct retold_incident *b = *(const struct retold_incident *const *)right;
    if (a->last.ns != b->last.ns)
        return a->last.ns < b->last.ns ? -1 : 1;
    return strcmp(a->id, b->id);
}

/* Whoever reads asks for what is new. Half of them in one sweep: a sort for every RETOLD_MAX / 2
 * incidents, however many the journal tells of. */
static void drop_oldest(struct retold *told)
{
    size_t count;
    const struct retold_incident **by_last = retold_sorted(told, &count);
    qsort(by_last, count, sizeof *by_last, compare_last);
    for (size_t i = 0; i < count / 2; i++) {
        told->beyond += by_last[i]->alerts;
        free(map_remove(&told->incidents, by_last[i]->id, ALERT_ID_SIZE - 1));
    }
    free(by_last);
}

static struct retold_incident *make(struct retold *told, const struct retold_record *r)
{
    size_t size = strlen(r->incident);
    struct retold_incident *incident = map_get(&told->incidents, r->incident, size);
    if (incident)
        return incident;
    if (told->incidents.count >= RETOLD_MAX)
        drop_oldest(told);
    incident = xcalloc(1, sizeof *incident);
    snprintf(incident->id, sizeof incident->id, "%s", r->incident);
    incident->first = r->time;
    incident->start = r->start;
    incident->spoke = PTIME_MIN;
    map_put(&told->incidents, r->incident, size, incident);
    return incident;
}

static void add_alert(struct retold_incident *incident, const struct retold_record *r)
{
    memcpy(incident->host, r->host, sizeof incident->host);
    memcpy(incident->destination, r->destination, sizeof incident->destination);
    snprintf(incident->sight, sizeof incident->sight, "%s", r->sight);
    incident->sensor = r->sensor;
    incident->last = r->time;
    incident->end = r->end;
    incident->active = strcmp(r->state, "close") != 0;
    if (incident->active)
        incident->spoke = r->time;
    if (r->score >= incident->score) {
        incident->score = r->score;
        snprintf(incident->text, sizeof incident->text, "%s", r->text);
    }
    if (r->urgency > incident->urgency)
        incident->urgency = r->urgency;
    if (r->out_bytes > incident->out_bytes)
        incident->out_bytes = r->out_bytes;
    incident->budgeted |= retold_is_budgeted(r->rule);
    note_rule(incident, r->rule);
    incident->alerts++;
    if (!*r->silence)
        return;
    incident->silenced++;
    incident->until = r->until;
    snprintf(incident->silence, sizeof incident->silence, "%s", r->silence);
}

void retold_add(struct retold *told, const struct retold_record *record)
{
    if (record->kind != RETOLD_ALERT)
        return;
    told->alerts++;
    add_alert(make(told, record), record);
}

static int compare(const void *left, const void *right)
{
    const struct retold_incident *a = *(const struct retold_incident *const *)left;
    const struct retold_incident *b = *(const struct retold_incident *const *)right;
    if (a->urgency != b->urgency)
        return a->urgency < b->urgency ? 1 : -1;
    if (a->score != b->score)
        return a->score < b->score ? 1 : -1;
    if (a->first.ns != b->first.ns)
        return a->first.ns < b->first.ns ? -1 : 1;
    return strcmp(a->id, b->id);
}

const struct retold_incident **retold_sorted(const struct retold *told, size_t *count)
{
    size_t position = 0;
    const struct retold_incident **sorted = xcalloc(told->incidents.count + 1, sizeof *sorted);
    *count = 0;
    for (const struct map_entry *entry; (entry = map_next(&told->incidents, &position)) != NULL;)
        sorted[(*count)++] = entry->value;
    qsort(sorted, *count, sizeof *sorted, compare);
    return sorted;
}

/* What an id of that name begins with. */
static const char *beginning_of(const char *name)
{
    return strncmp(name, "inc-", 4) == 0 ? name + 4 : name;
}

bool retold_is_named(const char *id, const char *name)
{
    const char *prefix = beginning_of(name);
    return strncmp(id, prefix, strlen(prefix)) == 0;
}

const struct retold_incident *retold_find(const struct retold *told, const char *name,
                                          bool *several)
{
    const struct retold_incident *found = NULL;
    size_t position = 0;
    *several = false;
    if (strlen(beginning_of(name)) < 4)
        return NULL;
    for (const struct map_entry *entry; (entry = map_next(&told->incidents, &position)) != NULL;) {
        const struct retold_incident *incident = entry->value;
        if (!retold_is_named(incident->id, name))
            continue;
        *several = found != NULL;
        if (*several)
            return NULL;
        found = incident;
    }
    return found;
}

void retold_put(struct json *json, const struct retold_incident *incident)
{
    json_str(json, "urgency", urgency_name[incident->urgency]);
    json_int(json, "score", incident->score);
    json_str(json, incident->sensor ? "sight" : "host",
             incident->sensor ? incident->sight : incident->host);
    if (*incident->destination)
        json_str(json, "destination", incident->destination);
    json_list(json, "rules");
    for (size_t i = 0; i < incident->rule_count; i++)
        json_str(json, NULL, incident->rule[i]);
    json_close(json);
}

enum retold_standing retold_standing_of(const struct retold_incident *incident,
                                        const struct noise_mark *mark)
{
    if (!mark)
        return RETOLD_OPEN;
    if (noise_is_acknowledged(mark)) /* after a verdict, too: somebody looks at it once more */
        return RETOLD_ACKNOWLEDGED;
    if (mark->verdict != VERDICT_NONE && incident->spoke.ns <= mark->closed.packet.ns)
        return RETOLD_CLOSED;
    return mark->verdict != VERDICT_NONE ? RETOLD_AGAIN : RETOLD_OPEN;
}
