/* See hosts_api.h. Lists are bounded: a page of HOSTS_PAGE hosts, PAIRS_PAGE destinations of a
 * host. Figures are as they are now: nothing of it is judged by being asked. Thread: the engine's.
 */
#include "hosts_api.h"

#include "weir/base/buffer.h"
#include "weir/base/device.h"
#include "weir/base/json.h"
#include "weir/engine/present.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOSTS_PAGE 100
#define PAIRS_PAGE 100

/* --- figures ---------------------------------------------------------------------------------- */

static void put_incident(struct json *json, const struct incident *incident)
{
    if (!incident) {
        json_none(json, "incident");
        return;
    }
    json_open(json, "incident");
    json_str(json, "id", incident->id);
    json_int(json, "score", incident->score);
    json_str(json, "urgency", urgency_name[incident->urgency]);
    json_str(json, "rule", incident->rank_count > 0 ? incident->rank[0].detector->id : NULL);
    json_close(json);
}

/* Null: nothing was observed to hold it against. */
static void put_estimate(struct json *json, const struct estimate *estimate)
{
    bool some = estimate->p > 0 && estimate->expected[1] > 0;
    if (estimate->p > 0)
        json_number(json, "p", estimate->p);
    else
        json_none(json, "p");
    if (!some) {
        json_none(json, "expected");
        return;
    }
    json_list(json, "expected");
    json_uint(json, NULL, estimate->expected[0]);
    json_uint(json, NULL, estimate->expected[1]);
    json_close(json);
}

static void put_host(struct json *json, const char *key, const struct present_host *row)
{
    char text[IP_TEXT_SIZE];
    json_open(json, key);
    json_str(json, "host", host_text(&row->host, text));
    json_uint(json, "out_bytes", row->out_bytes);
    json_uint(json, "in_bytes", row->in_bytes);
    json_uint(json, "day_out_bytes", row->day_out_bytes);
    json_uint(json, "destinations", row->destinations);
    if (row->state_known) {
        json_str(json, "baseline", baseline_state_name[row->state]);
        json_uint(json, "hours", row->hours);
    } else {
        json_none(json, "baseline");
        json_none(json, "hours");
    }
    json_bool(json, "past_known", row->past_known);
    put_estimate(json, &row->hour);
    put_incident(json, row->incident);
    json_close(json);
}

void hosts_api_put_pair(struct json *json, const struct present_pair *row)
{
    static const char *const role[ROLES] = {"client", "served"};
    static const char *const kind[DESTINATION_KINDS] = {"domain", "as", "prefix"};
    json_str(json, "name", row->destination.name);
    json_str(json, "role", role[row->destination.role]);
    json_str(json, "kind", kind[row->destination.kind]);
    json_uint(json, "out_bytes", row->out_bytes);
    json_uint(json, "in_bytes", row->in_bytes);
    json_uint(json, "flows", row->flows);
    if (row->met_known)
        json_bool(json, "met", row->met);
    else
        json_none(json, "met");
    json_time(json, "first_seen", row->first);
    if (row->prevalence >= 0)
        json_int(json, "prevalence", row->prevalence);
    else
        json_none(json, "prevalence");
    put_estimate(json, &row->hour);
    put_incident(json, row->incident);
}

static void put_present(struct json *json, const struct present *present)
{
    if (!present->known) {
        json_none(json, "hour");
        return;
    }
    json_open(json, "hour");
    json_time(json, "starts", present->hour.starts);
    json_time(json, "ends", present->hour.ends);
    json_close(json);
}

static struct json *begin(const struct hosts_api *api, const struct present *present)
{
    struct json *json = json_new();
    struct ptime now = engine_status_of(api->engine).complete;
    json_open(json, NULL);
    json_time(json, "now", now);
    put_present(json, present);
    return json;
}

static void end(struct json *json, struct api_reply *reply)
{
    json_close(json);
    reply->body = json_take_text(json, 0);
    json_free(json);
}

static void put_pair(struct json *json, const struct present_pair *row)
{
    json_open(json, NULL);
    hosts_api_put_pair(json, row);
    json_close(json);
}

/* --- the list --------------------------------------------------------------------------------- */

#define FIND_MAX 63

struct find { /* part of what a host is called */
    const struct pseudonyms *pseudonyms;
    char text[FIND_MAX + 1];
};

static bool has_text(const void *context, const struct ip *host)
{
    const struct find *find = context;
    char text[IP_TEXT_SIZE];
    bool hidden = find->pseudonyms && pseudonyms_hide(find->pseudonyms, host);
    const char *name = hidden ? pseudonym_of(find->pseudonyms, host, text) : host_text(host, text);
    return strstr(name, find->text) != NULL;
}

/* As names of hosts are written: nothing is percent-encoded. */
static bool read_find(const char *text, size_t size, struct find *find)
{
    static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyz.:-";
    if (size == 0 || size > FIND_MAX || strspn(text, letters) < size)
        return false;
    memcpy(find->text, text, size);
    find->text[size] = '\0';
    return true;
}

static bool read_number(const char *text, size_t size, size_t *to)
{
    if (size == 0 || size > 9 || strspn(text, "0123456789") < size)
        return false;
    *to = strtoul(text, NULL, 10);
    return true;
}

static bool read_order(const char *text, size_t size, enum present_order *order)
{
    static const char *const name[] = {
        [PRESENT_OUT] = "out", [PRESENT_IN] = "in", [PRESENT_HOST] = "host"};
    for (size_t i = 0; i < sizeof name / sizeof *name; i++)
        if (strlen(name[i]) == size && memcmp(name[i], text, size) == 0) {
            *order = (enum present_order)i;
            return true;
        }
    return false;
}

static bool read_pair(const char *key, size_t key_size, const char *value, size_t size,
                      struct present_asked *asked, struct find *find)
{
    if (key_size == 5 && memcmp(key, "order", 5) == 0)
        return read_order(value, size, &asked->order);
    if (key_size == 6 && memcmp(key, "offset", 6) == 0)
        return read_number(value, size, &asked->offset);
    if (key_size == 5 && memcmp(key, "limit", 5) == 0)
        return read_number(value, size, &asked->room);
    return key_size == 4 && memcmp(key, "find", 4) == 0 && read_find(value, size, find);
}

/* "key=value&…", any of the four, in any order. */
static bool read_asked(const char *query, struct present_asked *asked, struct find *find)
{
    *asked = (struct present_asked){.order = PRESENT_OUT, .room = 50};
    for (; *query; query += *query == '&') {
        size_t size = strcspn(query, "&"), key = strcspn(query, "=&");
        if (key + 1 >= size || !read_pair(query, key, query + key + 1, size - key - 1, asked, find))
            return false;
        query += size;
    }
    if (*find->text)
        asked->filter = (struct present_filter){has_text, find};
    return asked->room >= 1 && asked->room <= HOSTS_PAGE;
}

void hosts_api_list(const struct hosts_api *api, const struct api_request *request,
                    struct api_reply *reply)
{
    struct present_host row[HOSTS_PAGE];
    struct present present;
    struct present_asked asked;
    struct find find = {.pseudonyms = api->pseudonyms};
    if (!read_asked(request->query, &asked, &find)) {
        api_refuse(reply, 400,
                   "expected ?order=out|in|host&find=TEXT&offset=N&limit=N, a limit from 1 to 100");
        return;
    }
    size_t rows = engine_present_hosts(api->engine, &asked, row, &present);
    struct json *json = begin(api, &present);
    json_uint(json, "total", present.total);
    json_uint(json, "offset", asked.offset);
    json_list(json, "hosts");
    for (size_t i = 0; i < rows; i++)
        put_host(json, NULL, &row[i]);
    json_close(json);
    end(json, reply);
}

/* --- one host --------------------------------------------------------------------------------- */

struct found {
    size_t count;
    struct ip ip;
};

static void on_found(void *context, const struct ip *ip)
{
    struct found *found = context;
    found->count++;
    found->ip = *ip;
}

struct behind {
    const struct pseudonyms *pseudonyms;
    const char *text;
};

static bool is_behind(const void *context, const struct ip *ip)
{
    const struct behind *behind = context;
    char text[PSEUDONYM_SIZE];
    return strcmp(pseudonym_of(behind->pseudonyms, ip, text), behind->text) == 0;
}

static bool find_behind(const struct hosts_api *api, const char *text, struct ip *ip)
{
    const struct behind behind = {api->pseudonyms, text};
    const struct present_filter filter = {is_behind, &behind};
    if (strcmp(api->memory->pseudonym, text) != 0) {
        if (!engine_find_host(api->engine, &filter, ip))
            return false;
        snprintf(api->memory->pseudonym, sizeof api->memory->pseudonym, "%.15s", text);
        api->memory->host = *ip;
    }
    *ip = api->memory->host;
    return true;
}

/* An address, or a device as people read it. */
static bool find_named(const char *text, struct ip *ip)
{
    char whole[IP_TEXT_SIZE];
    struct found found = {0};
    if (ip_parse(text, ip) == 0)
        return true;
    pseudonyms_each(text, strlen(text), on_found, &found);
    *ip = found.ip;
    return found.count == 1 && strcmp(host_text(ip, whole), text) == 0;
}

/* A host that has a pseudonym is found by that alone: else it could be undone by trying. */
bool hosts_api_find(const struct hosts_api *api, const char *text, struct ip *ip)
{
    if (api->pseudonyms && pseudonym_is(text))
        return find_behind(api, text, ip);
    return find_named(text, ip) && !(api->pseudonyms && pseudonyms_hide(api->pseudonyms, ip));
}

static void put_week(const struct hosts_api *api, struct json *json, const struct ip *ip)
{
    struct present_week week;
    if (!engine_present_week(api->engine, ip, &week)) {
        json_none(json, "week");
        json_str(json, "week_why", "its past is not in memory, or there is none");
        return;
    }
    json_open(json, "week");
    json_str(json, "zone", api->timezone);
    json_list(json, "share");
    for (size_t i = 0; i < PRESENT_WEEK; i++)
        json_number(json, NULL, week.share[i]);
    json_close(json);
    if (week.day_expected[1] > 0) {
        json_list(json, "day_expected");
        json_uint(json, NULL, week.day_expected[0]);
        json_uint(json, NULL, week.day_expected[1]);
        json_close(json);
    } else {
        json_none(json, "day_expected");
    }
    json_close(json);
}

void hosts_api_show(const struct hosts_api *api, const struct api_request *request,
                    struct api_reply *reply)
{
    char text[IP_TEXT_SIZE];
    struct ip ip;
    struct present present;
    struct present_host host;
    if (!api_path_name("/v1/hosts/*", request->path, text, sizeof text) ||
        !hosts_api_find(api, text, &ip) ||
        !engine_present_host(api->engine, &ip, &host, &present)) {
        api_refuse(reply, 404, "no such host has sent anything");
        return;
    }
    struct present_pair *row = xcalloc(PAIRS_PAGE, sizeof *row);
    size_t rows = engine_present_pairs(api->engine, &ip, row, PAIRS_PAGE, &present);
    struct json *json = begin(api, &present);
    put_host(json, "host", &host);
    put_week(api, json, &ip);
    json_uint(json, "total", present.total);
    json_list(json, "destinations");
    for (size_t i = 0; i < rows; i++)
        put_pair(json, &row[i]);
    json_close(json);
    end(json, reply);
    free(row);
}
