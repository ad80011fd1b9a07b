/* The heartbeat as an ECS line. event.id is the SHA-256 of "heartbeat", the sensor's name and the
 * packet time in ns, a newline after each, cut to 128 bits: the same beat told twice is one. Pure
 * but for the writer it is handed. */
#include "weir/alert/heartbeat.h"

#include "ecs.h"
#include "ids.h"

#include <stdlib.h>
#include <string.h>

static void put_event(struct json *json, const struct heartbeat *beat)
{
    char id[ALERT_ID_SIZE];
    heartbeat_id(beat->sensor, beat->time, id);
    json_open(json, "event");
    json_str(json, "kind", "metric");
    json_list(json, "category");
    json_str(json, NULL, "network");
    json_close(json);
    json_str(json, "module", "weir");
    json_str(json, "dataset", "weir.heartbeat");
    json_str(json, "id", id);
    json_close(json);
}

static int by_name(const void *a, const void *b)
{
    const struct incident *x = *(const struct incident *const *)a;
    const struct incident *y = *(const struct incident *const *)b;
    return strcmp(x->story.sight, y->story.sight);
}

static void put_blind(struct json *json, const struct incidents *incidents)
{
    size_t count, lasting = 0;
    const struct incident **all = incidents_sorted(incidents, &count);
    for (size_t i = 0; i < count; i++)
        if (!all[i]->closed && *all[i]->story.sight)
            all[lasting++] = all[i];
    qsort(all, lasting, sizeof *all, by_name);
    json_list(json, "blind");
    for (size_t i = 0; i < lasting; i++)
        json_str(json, NULL, all[i]->story.sight);
    json_close(json);
    free(all);
}

static void put_store(struct json *json, const struct heartbeat_store *store)
{
    json_open(json, "store");
    json_str(json, "state", store->state);
    if (!store->learning && store->since.ns != INT64_MIN)
        json_time(json, "since", store->since);
    if (*store->why)
        json_str(json, "why", store->why);
    json_uint(json, "hours_open", store->hours);
    json_uint(json, "hours_unlearned", store->unlearned);
    json_close(json);
}

static void put_weir(struct json *json, const struct heartbeat *beat,
                     const struct incidents *incidents)
{
    json_open(json, "weir");
    json_uint(json, "packets", beat->packets);
    json_uint(json, "wire_bytes", beat->wire_bytes);
    json_uint(json, "drops", beat->drops);
    json_uint(json, "gaps", beat->gap_bytes);
    json_uint(json, "hosts", beat->hosts);
    json_uint(json, "hosts_ready", beat->hosts_ready);
    json_uint(json, "incidents_open", beat->incidents_open);
    json_uint(json, "alerts", beat->alerts);
    json_uint(json, "records", beat->records);
    json_uint(json, "workers", beat->workers);
    put_store(json, &beat->store);
    put_blind(json, incidents);
    json_close(json);
}

char *heartbeat_line(struct json *json, const struct heartbeat *beat,
                     const struct incidents *incidents)
{
    ecs_open(json, beat->time);
    put_event(json, beat);
    ecs_observer(json, beat->sensor);
    put_weir(json, beat, incidents);
    json_close(json);
    return json_take_text(json, 0);
}
