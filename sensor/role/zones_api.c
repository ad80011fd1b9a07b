/* See zones_api.h. Bounded as the engine's rows are. Thread: the engine's. */
#include "zones_api.h"

#include "weir/base/json.h"

#include <stdlib.h>

static enum zone_fault fault_of(const struct zones *zones, const struct zone_flow *flow)
{
    struct zone_verdict verdict;
    return zones_judge(zones, flow, &verdict) ? verdict.fault : ZONE_NO_CONDUIT;
}

static struct zone_flow flow_of(const struct conduit_seen *row)
{
    return (struct zone_flow){.from = row->from,
                              .to = row->to,
                              .resp_port = row->port,
                              .proto = row->proto,
                              .service = (enum service)row->service,
                              .reads = row->reads > 0,
                              .writes = row->writes > 0,
                              .payload_bytes = {row->bytes[SIDE_ORIG], row->bytes[SIDE_RESP]},
                              .certain = true};
}

/* Asked for alone, of those that write the one it is allowed to most: which of them did is not
 * known. */
static enum zone_fault function_fault(const struct zones *zones, const struct conduit_seen *row,
                                      uint16_t code)
{
    struct zone_flow flow = flow_of(row);
    enum zone_fault mildest = ZONE_FAULTS;
    bool written = row->writes > 0 || row->writer_count > 0 || row->more_writers;
    flow.writes = written && function_writes(flow.service, code);
    flow.functions = (struct function_set){.code = {code}, .count = 1};
    for (size_t i = 0; mildest > ZONE_ALLOWED && (i == 0 || i < row->writer_count); i++) {
        if (row->writer_count > 0)
            flow.orig = row->writer[i];
        enum zone_fault fault = fault_of(zones, &flow);
        mildest = fault < mildest ? fault : mildest;
    }
    return mildest;
}

/* Each that is known. */
static bool all_functions_may(const struct zones *zones, const struct conduit_seen *row)
{
    bool allowed = true;
    for (size_t i = 0; allowed && i < row->function_count; i++)
        allowed = function_fault(zones, row, row->function[i].code) <= ZONE_DRIFT;
    return allowed;
}

/* Whether each writer that is known may, and each function. */
static bool all_may(const struct zones *zones, const struct conduit_seen *row)
{
    struct zone_flow flow = flow_of(row);
    bool allowed = true;
    for (size_t i = 0; allowed && (i == 0 || i < row->writer_count); i++) {
        if (row->writer_count > 0)
            flow.orig = row->writer[i];
        allowed = fault_of(zones, &flow) <= ZONE_DRIFT;
    }
    return allowed && all_functions_may(zones, row);
}

enum allowed { ALLOWED_NO, ALLOWED_YES, ALLOWED_UNKNOWN };

/* By the conduits as they are now, whatever they were when it passed. Of writers and functions that
 * there was no room for nobody knows. */
static enum allowed is_allowed(const struct zones *zones, const struct conduit_seen *row)
{
    if (!all_may(zones, row))
        return ALLOWED_NO;
    return row->more_writers || row->more_functions || row->more_functions_back ? ALLOWED_UNKNOWN
                                                                                : ALLOWED_YES;
}

static void put_allowed(struct json *json, enum allowed allowed)
{
    if (allowed == ALLOWED_UNKNOWN)
        json_none(json, "allowed");
    else
        json_bool(json, "allowed", allowed == ALLOWED_YES);
}

static void put_functions(struct json *json, const struct zones *zones,
                          const struct conduit_seen *row)
{
    json_list(json, "functions");
    for (size_t i = 0; i < row->function_count; i++) {
        json_open(json, NULL);
        json_uint(json, "code", row->function[i].code);
        json_uint(json, "flows", row->function[i].flows);
        json_bool(json, "back", row->function[i].back);
        enum zone_fault fault = function_fault(zones, row, row->function[i].code);
        json_bool(json, "new", fault == ZONE_DRIFT || fault == ZONE_FUNCTION);
        json_close(json);
    }
    json_close(json);
    json_uint(json, "more_functions", row->more_functions);
    json_uint(json, "more_functions_back", row->more_functions_back);
}

static void put_row(struct json *json, const struct zones *zones, const struct conduit_seen *row)
{
    char text[IP_TEXT_SIZE];
    json_open(json, NULL);
    json_str(json, "from", zones_end_name(zones, row->from));
    json_str(json, "to", zones_end_name(zones, row->to));
    if (service_name[row->service])
        json_str(json, "service", service_name[row->service]);
    json_uint(json, "proto", row->proto);
    json_uint(json, "port", row->port);
    json_uint(json, "flows", row->flows);
    json_uint(json, "empty", row->empty);
    json_time(json, "first", (struct ptime){row->first_ns});
    json_time(json, "last", (struct ptime){row->last_ns});
    json_uint(json, "reads", row->reads);
    json_uint(json, "writes", row->writes);
    json_uint(json, "bytes", row->bytes[SIDE_ORIG]);
    json_uint(json, "bytes_back", row->bytes[SIDE_RESP]);
    json_uint(json, "most_said", row->most_said);
    json_bool(json, "certain", row->certain);
    json_list(json, "writers");
    for (size_t i = 0; i < row->writer_count; i++)
        json_str(json, NULL, ip_text(&row->writer[i], text));
    json_close(json);
    json_bool(json, "more_writers", row->more_writers);
    put_functions(json, zones, row);
    put_allowed(json, is_allowed(zones, row));
    json_close(json);
}

void zones_api_put_conduits(struct json *json, const struct engine *engine)
{
    size_t count;
    const struct conduit_seen **seen = engine_conduits(engine, &count);
    json_uint(json, "unkept", engine_counts_of(engine)->conduits_unkept);
    json_uint(json, "given_way", engine_counts_of(engine)->conduits_given_way);
    json_list(json, "conduits");
    for (size_t i = 0; i < count; i++)
        put_row(json, engine_zones(engine), seen[i]);
    json_close(json);
    free(seen);
}

void zones_api_conduits(const struct engine *engine, struct api_reply *reply)
{
    if (!engine_zones(engine)) {
        api_refuse(reply, 404, "this sensor has no networks.zones");
        return;
    }
    struct json *json = json_new();
    json_open(json, NULL);
    zones_api_put_conduits(json, engine);
    json_close(json);
    reply->body = json_take_text(json, 0);
    json_free(json);
}
