/* flows.ndjson in (start, key) order.
 *
 * Flows end in another order than they start, so lines go to a temporary file as they come and only
 * an index is kept; at the end the index is sorted and the lines are copied under the final name,
 * which appears whole or not at all. Thread: the engine's. */
#include "weir/investigate/flows.h"

#include "weir/base/buffer.h"
#include "weir/base/digest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct line {
    int64_t start_ns;
    struct flow_key key;
    uint64_t offset;
    uint32_t size;
    uint32_t number; /* of arrival: the last word when start and key are equal */
};

struct flows {
    char *path, *spool_path, *part_path;
    FILE *spool;
    struct json *json;
    struct line *line;
    size_t count, room;
    uint64_t offset;
    const char *const *vantage; /* names, borrowed; NULL: none are told */
    size_t vantages;
    int failed; /* errno of the first failed write */
};

struct flows *flows_open(const char *path, struct error *error)
{
    struct flows *flows = xcalloc(1, sizeof *flows);
    flows->path = xstrdup(path);
    flows->spool_path = xasprintf("%s.spool", path);
    flows->part_path = xasprintf("%s.part", path);
    flows->json = json_new();
    flows->spool = fopen(flows->spool_path, "w+be");
    if (flows->spool)
        return flows;
    error_set(error, ERROR_RUN, "%s: %s", flows->spool_path, strerror(errno));
    flows_free(flows);
    return NULL;
}

/* RFC 3339 with nanoseconds. */
static void put_time(struct json *json, const char *key, int64_t ns)
{
    char date[32], text[64];
    struct tm tm;
    int64_t rest = ns % NS_PER_S;
    time_t seconds = (time_t)(ns / NS_PER_S) - (rest < 0);
    rest += rest < 0 ? NS_PER_S : 0;
    gmtime_r(&seconds, &tm);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text, sizeof text, "%s.%09lldZ", date, (long long)rest);
    json_str(json, key, text);
}

static void put_side(struct json *json, const char *key, const struct ip *ip, uint16_t port,
                     const struct side_counts *counts)
{
    char text[IP_TEXT_SIZE];
    json_open(json, key);
    json_str(json, "ip", ip_text(ip, text));
    json_uint(json, "port", port);
    json_uint(json, "packets", counts->packets);
    json_uint(json, "wire_bytes", counts->wire_bytes);
    json_uint(json, "ip_bytes", counts->ip_bytes);
    json_uint(json, "payload_bytes", counts->payload_bytes);
    json_uint(json, "missing_bytes", counts->missing_bytes);
    json_uint(json, "acked_bytes", counts->acked_bytes);
    json_uint(json, "retransmitted_bytes", counts->retransmitted_bytes);
    json_close(json);
}

static void put_names(struct json *json, const struct flow_view *view)
{
    char text[HEX_SIZE(16)];
    if (view->record->service != SERVICE_NONE)
        json_str(json, "service", service_name[view->record->service]);
    if (*view->server_name)
        json_str(json, "server_name", view->server_name);
    if (view->record->flags & FLOW_HAS_JA3)
        json_str(json, "ja3", hex_text(view->record->ja3, 16, text));
    if (*view->question)
        json_str(json, "dns", view->question);
}

static void put_place(struct json *json, const struct flows *flows, const struct flow_key *key)
{
    if (key->vlan)
        json_uint(json, "vlan", key->vlan);
    if (key->vantage < flows->vantages && *flows->vantage[key->vantage])
        json_str(json, "vantage", flows->vantage[key->vantage]);
}

static char *flow_line(const struct flows *flows, const struct flow_view *view)
{
    struct json *json = flows->json;
    const struct record_flow *record = view->record;
    char text[64], proto[8];
    bool inside = view->scope == SCOPE_OUT || view->scope == SCOPE_INTERNAL;
    json_open(json, NULL);
    put_time(json, "start", record->start_ns);
    put_time(json, "end", record->last_ns);
    json_str(json, "proto", proto_text(record->key.proto, proto));
    put_side(json, "orig", &record->key.orig_ip, record->key.orig_port, &record->total[SIDE_ORIG]);
    put_side(json, "resp", &record->key.resp_ip, record->key.resp_port, &record->total[SIDE_RESP]);
    put_place(json, flows, &record->key);
    json_str(json, "community_id", flow_key_community_id(&record->key, text));
    put_names(json, view);
    json_str(json, "initiator", inside ? "inside" : "outside");
    json_str(json, "scope", scope_name[view->scope]);
    json_str(json, "end_reason", flow_end_name[record->end]);
    json_close(json);
    return json_take_text(json, 0);
}

void flows_name_vantages(struct flows *flows, const char *const *names, size_t count)
{
    flows->vantage = names;
    flows->vantages = count;
}

void flows_add(struct flows *flows, const struct flow_view *view)
{
    const struct record_flow *record = view->record;
    if (record->end == FLOW_OPEN || flows->failed)
        return;
    char *text = flow_line(flows, view);
    size_t size = strlen(text);
    text[size] = '\n';
    if (fwrite(text, 1, size + 1, flows->spool) != size + 1)
        flows->failed = errno ? errno : EIO;
    free(text);
    if (flows->count == flows->room) {
        flows->room = flows->room ? 2 * flows->room : 4096;
        flows->line = xrealloc(flows->line, flows->room * sizeof *flows->line);
    }
    flows->line[flows->count] = (struct line){record->start_ns, record->key, flows->offset,
                                              (uint32_t)size + 1, (uint32_t)flows->count};
    flows->count++;
    flows->offset += size + 1;
}

static int by_start(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    if (x->start_ns != y->start_ns)
        return x->start_ns < y->start_ns ? -1 : 1;
    int keys = memcmp(&x->key, &y->key, sizeof x->key);
    return keys ? keys : x->number < y->number ? -1 : 1;
}

static int copy_line(struct flows *flows, const struct line *line, struct buffer *scratch, FILE *to)
{
    scratch->size = 0;
    if (scratch->room < line->size) {
        scratch->data = xrealloc(scratch->data, line->size);
        scratch->room = line->size;
    }
    if (fseeko(flows->spool, (off_t)line->offset, SEEK_SET) != 0 ||
        fread(scratch->data, 1, line->size, flows->spool) != line->size ||
        fwrite(scratch->data, 1, line->size, to) != line->size)
        return -1;
    return 0;
}

static int copy_sorted(struct flows *flows, FILE *to)
{
    struct buffer scratch = {0};
    int failed = 0;
    if (flows->count > 0) /* else there is no array */
        qsort(flows->line, flows->count, sizeof *flows->line, by_start);
    for (size_t i = 0; i < flows->count && !failed; i++)
        failed = copy_line(flows, &flows->line[i], &scratch, to);
    buffer_fini(&scratch);
    return failed;
}

int flows_finish(struct flows *flows, struct error *error)
{
    if (flows->failed || fflush(flows->spool) != 0)
        return error_set(error, ERROR_RUN, "%s: %s", flows->spool_path,
                         strerror(flows->failed ? flows->failed : errno));
    FILE *to = fopen(flows->part_path, "wbe");
    int failed = !to || copy_sorted(flows, to) != 0;
    if (to && fclose(to) != 0)
        failed = 1;
    if (failed || rename(flows->part_path, flows->path) != 0)
        return error_set(error, ERROR_RUN, "%s: %s", flows->path, strerror(errno));
    return 0;
}

void flows_free(struct flows *flows)
{
    if (!flows)
        return;
    if (flows->spool)
        fclose(flows->spool);
    unlink(flows->spool_path);
    unlink(flows->part_path);
    json_free(flows->json);
    free(flows->line);
    free(flows->path);
    free(flows->spool_path);
    free(flows->part_path);
    free(flows);
}
