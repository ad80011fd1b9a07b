/* See zones_live.h. The reply is held against the same bounds as what a capture holds. Thread: the
 * main thread. */
#include "zones_live.h"

#include "api_client.h"

#include "weir/base/buffer.h"
#include "weir/base/json.h"
#include "weir/base/time.h"

#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS 10000

static bool take_end(const struct zones *zones, const struct json_value *row, const char *key,
                     uint8_t *end)
{
    const char *name = json_text(json_get(row, key));
    int found = name ? zones_find(zones, name) : -1;
    *end = (uint8_t)found;
    return found >= 0 && found != ZONE_ANY;
}

static bool take_whole(const struct json_value *row, const char *key, int64_t most, int64_t *to)
{
    return json_whole(json_get(row, key), to) && *to >= 0 && *to <= most;
}

static bool take_time(const struct json_value *row, const char *key, int64_t *ns)
{
    struct ptime time;
    const char *text = json_text(json_get(row, key));
    bool good = text && ptime_of_iso(text, &time);
    *ns = good ? time.ns : 0;
    return good;
}

static uint8_t service_of(const struct json_value *row)
{
    const char *name = json_text(json_get(row, "service"));
    for (int i = SERVICE_NONE + 1; name && i < SERVICES; i++)
        if (strcmp(service_name[i], name) == 0)
            return (uint8_t)i;
    return SERVICE_NONE;
}

static uint64_t count_at(const struct json_value *root, const char *key)
{
    int64_t count = 0;
    return json_whole(json_get(root, key), &count) && count > 0 ? (uint64_t)count : 0;
}

/* Where the sensor tells pseudonyms, writers are not known. */
static void take_writers(const struct json_value *row, struct conduit_seen *seen)
{
    const struct json_value *list = json_get(row, "writers");
    size_t count = json_length(list);
    json_truth(json_get(row, "more_writers"), &seen->more_writers);
    for (size_t i = 0; i < count && seen->writer_count < CONDUIT_WRITERS; i++) {
        const char *text = json_text(json_at(list, i));
        if (text && ip_parse(text, &seen->writer[seen->writer_count]) == 0)
            seen->writer_count++;
        else
            seen->more_writers = true;
    }
}

/* An older sensor tells none. */
static void take_functions(const struct json_value *row, struct conduit_seen *seen)
{
    const struct json_value *list = json_get(row, "functions");
    size_t count = json_length(list);
    seen->more_functions = count_at(row, "more_functions");
    seen->more_functions_back = count_at(row, "more_functions_back");
    for (size_t i = 0; i < count && seen->function_count < FUNCTIONS_MAX; i++) {
        const struct json_value *one = json_at(list, i);
        int64_t code;
        bool back = false;
        json_truth(json_get(one, "back"), &back);
        if (take_whole(one, "code", UINT16_MAX, &code))
            seen->function[seen->function_count++] = (struct function_seen){
                .code = (uint16_t)code, .back = back, .flows = count_at(one, "flows")};
        else
            seen->more_functions++;
    }
}

static bool take_row(const struct zones *zones, const struct json_value *row,
                     struct conduit_seen *seen)
{
    int64_t proto, port, flows, empty, reads, writes, bytes, back, most;
    *seen = (struct conduit_seen){.service = service_of(row)};
    if (!take_end(zones, row, "from", &seen->from) || !take_end(zones, row, "to", &seen->to) ||
        !take_whole(row, "proto", UINT8_MAX, &proto) ||
        !take_whole(row, "port", UINT16_MAX, &port) ||
        !take_whole(row, "flows", INT64_MAX, &flows) ||
        !take_whole(row, "empty", INT64_MAX, &empty) ||
        !take_whole(row, "reads", INT64_MAX, &reads) ||
        !take_whole(row, "writes", INT64_MAX, &writes) ||
        !take_whole(row, "bytes", INT64_MAX, &bytes) ||
        !take_whole(row, "bytes_back", INT64_MAX, &back) ||
        !take_whole(row, "most_said", INT64_MAX, &most) ||
        !json_truth(json_get(row, "certain"), &seen->certain) ||
        !take_time(row, "first", &seen->first_ns) || !take_time(row, "last", &seen->last_ns))
        return false;
    seen->proto = (uint8_t)proto;
    seen->port = (uint16_t)port;
    seen->flows = (uint64_t)flows;
    seen->empty = (uint64_t)empty;
    seen->reads = (uint64_t)reads;
    seen->writes = (uint64_t)writes;
    seen->bytes[SIDE_ORIG] = (uint64_t)bytes;
    seen->bytes[SIDE_RESP] = (uint64_t)back;
    seen->most_said = (uint64_t)most;
    take_writers(row, seen);
    take_functions(row, seen);
    return true;
}

static void take_all(const struct zones *zones, const struct json_value *root,
                     struct zones_seen *seen)
{
    const struct json_value *list = json_get(root, "conduits");
    size_t count = json_length(list);
    seen->unkept = count_at(root, "unkept");
    seen->given_way = count_at(root, "given_way");
    seen->row = xcalloc(count + 1, sizeof *seen->row);
    for (size_t i = 0; i < count; i++)
        seen->count += take_row(zones, json_at(list, i), &seen->row[seen->count]);
}

int zones_live(const struct config *config, struct zones_seen *seen, struct error *error)
{
    char *path = api_socket_path(config->state_dir), *body = NULL, why[400];
    int status, failed = api_call(path, "GET", "/v1/conduits", TIMEOUT_MS, &status, &body, error);
    *seen = (struct zones_seen){.row = NULL};
    struct json_value *root =
        !failed && status == 200 ? json_parse(body, strlen(body), error) : NULL;
    if (!failed && status != 200) {
        api_error_text(body, why, sizeof why);
        failed = error_set(error, ERROR_RUN, "%s: %s", path, why);
    }
    if (root)
        take_all(config->zones, root, seen);
    json_value_free(root);
    free(body);
    free(path);
    return failed || !root ? -1 : 0;
}
