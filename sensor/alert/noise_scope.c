/* The scope of a silence: read, matched, written. What is given must hold of all that the alert
 * speaks of: a silence of one service holds back no story in which another left too, one of a
 * network none in which a single flow went elsewhere. Where that cannot be known (more flows than
 * an alert lists), it does not hold: the alert is told. Pure. Thread: any. */
#include "noise_local.h"

#include "ids.h"
#include "weir/base/device.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define FULL_BITS 128u
#define V4_BITS   32u

/* --- matching --------------------------------------------------------------------------------- */

static bool holds_host(const struct noise_scope *scope, const struct story *story)
{
    char text[IP_TEXT_SIZE];
    switch (scope->host_kind) {
    case NOISE_ANY_HOST:
        return true;
    case NOISE_DEVICE:
        return ip_is_device(&story->host) &&
               strcasecmp(host_text(&story->host, text), scope->device) == 0;
    case NOISE_NETWORK:
        break;
    }
    if (!ip_is_device(&story->host))
        return prefix_has(&scope->host_prefix, &story->host);
    for (uint32_t i = 0; i < story->address_count; i++)
        if (!prefix_has(&scope->host_prefix, &story->address[i]))
            return false;
    return story->address_count > 0 && !story->more_addresses;
}

/* Every flow's outside address is in it. */
static bool holds_remotes(const struct prefix *prefix, const struct story *story)
{
    struct prefix of;
    if (story->destination.kind == DESTINATION_PREFIX &&
        prefix_parse(story->destination.name, &of, NULL) == 0 && of.bits >= prefix->bits &&
        prefix_has(prefix, &of.ip))
        return true;
    if (story->by_tunnel || story->flow_count == 0 || story->flows_total > story->flow_count)
        return false;
    for (size_t i = 0; i < story->flow_count; i++) {
        const struct alert_flow *flow = &story->flow[i];
        if (!prefix_has(prefix, flow->outbound ? &flow->key.resp_ip : &flow->key.orig_ip))
            return false;
    }
    return true;
}

static bool holds_destination(const struct noise_scope *scope, const struct story *story)
{
    if (!*scope->destination)
        return true;
    if (!story->has_destination)
        return false;
    if (scope->has_destination_prefix)
        return holds_remotes(&scope->destination_prefix, story);
    return strcasecmp(story->destination.name, scope->destination) == 0;
}

static bool holds_service(const struct noise_scope *scope, const struct story *story)
{
    bool any = false;
    if (!*scope->service)
        return true;
    for (size_t i = 0; i < SERVICES; i++) {
        if (story->service_out[i].high == 0)
            continue;
        if (!service_name[i] || strcmp(service_name[i], scope->service) != 0)
            return false;
        any = true;
    }
    return any;
}

/* Of a zone it is enough that one end is in it. */
static bool holds_zone(const struct noise_scope *scope, const struct story_zone *zone)
{
    return !*scope->zone || strcmp(scope->zone, zone->name) == 0 ||
           strcmp(scope->zone, zone->from) == 0 || strcmp(scope->zone, zone->to) == 0;
}

bool noise_scope_holds(const struct noise_scope *scope, const struct alert *alert)
{
    const char *id = alert->finding.detector->id;
    if (*scope->rule && strcmp(scope->rule, id) != 0)
        return false;
    if (*scope->incident && strcmp(scope->incident, alert->incident) != 0)
        return false;
    if (scope->severity_below > 0 && alert->finding.score >= scope->severity_below)
        return false;
    if (story_is_sensor(&alert->story)) /* a blind sensor is silenced by name, or not at all */
        return *scope->rule && scope->host_kind == NOISE_ANY_HOST && !*scope->destination &&
               !*scope->service && !*scope->zone;
    return holds_zone(scope, alert_zone(alert)) && holds_host(scope, &alert->story) &&
           holds_destination(scope, &alert->story) && holds_service(scope, &alert->story);
}

/* --- reading ---------------------------------------------------------------------------------- */

static int take_host(struct noise_scope *scope, const char *text, struct error *error)
{
    struct ip ip;
    if (!*text)
        return 0;
    scope->host_kind = NOISE_NETWORK;
    if (ip_parse(text, &ip) == 0) {
        scope->host_prefix = (struct prefix){ip, FULL_BITS};
        return 0;
    }
    if (strchr(text, '/') && prefix_parse(text, &scope->host_prefix, NULL) == 0)
        return 0;
    bool mac =
        strlen(text) == 3 * MAC_SIZE - 1 && strspn(text, HEX_DIGITS "ABCDEF:") == strlen(text);
    if (!mac && strncmp(text, "duid:", 5) != 0)
        return error_set(error, ERROR_USAGE,
                         "host: expected an address, a network or a device "
                         "(aa:bb:cc:dd:ee:ff, duid:…), not \"%.60s\"",
                         text);
    scope->host_kind = NOISE_DEVICE;
    snprintf(scope->device, sizeof scope->device, "%s", text);
    return 0;
}

static int take_destination(struct noise_scope *scope, struct error *error)
{
    const char *text = scope->destination;
    struct ip ip;
    if (!*text)
        return 0;
    scope->has_destination_prefix = true;
    if (ip_parse(text, &ip) == 0) {
        scope->destination_prefix = (struct prefix){ip, FULL_BITS};
        return 0;
    }
    if (strchr(text, '/'))
        return prefix_parse(text, &scope->destination_prefix, NULL) == 0
                   ? 0
                   : error_set(error, ERROR_USAGE, "destination: \"%.60s\" is no network", text);
    scope->has_destination_prefix = false;
    return 0;
}

static int check_service(const struct noise_scope *scope, struct error *error)
{
    if (!*scope->service)
        return 0;
    for (size_t i = 0; i < SERVICES; i++)
        if (service_name[i] && strcmp(service_name[i], scope->service) == 0)
            return 0;
    return error_set(error, ERROR_USAGE, "service: \"%s\" is none that Weir knows", scope->service);
}

/* "0.0.0.0/0" and "::/0" choose nothing. */
static bool is_narrow(const struct prefix *prefix)
{
    return prefix->bits > FULL_BITS - V4_BITS ||
           (prefix->bits > 0 && (prefix->bits < FULL_BITS - V4_BITS || !ip_is_v4(&prefix->ip)));
}

/* A severity alone does not count: it would hold back whatever comes. */
static bool is_blanket(const struct noise_scope *scope)
{
    bool host = scope->host_kind == NOISE_DEVICE ||
                (scope->host_kind == NOISE_NETWORK && is_narrow(&scope->host_prefix));
    bool destination = *scope->destination &&
                       (!scope->has_destination_prefix || is_narrow(&scope->destination_prefix));
    return !*scope->rule && !host && !destination && !*scope->service && !*scope->incident &&
           !*scope->zone;
}

static int check(const struct noise_scope *scope, struct error *error)
{
    if (*scope->incident && !noise_is_incident(scope->incident))
        return error_set(error, ERROR_USAGE, "incident: expected its whole id, %d hex digits",
                         ALERT_ID_SIZE - 1);
    if (is_blanket(scope))
        return error_set(error, ERROR_USAGE,
                         "scope: expected at least one of rule, host, destination, service, "
                         "incident, zone that does not choose everything");
    return check_service(scope, error);
}

int noise_take_scope(const struct json_value *object, struct noise_scope *scope,
                     struct error *error)
{
    static const char *const keys[] = {"rule",     "host",           "destination", "service",
                                       "incident", "severity_below", "zone",        NULL};
    char host[PREFIX_TEXT_SIZE] = "";
    int64_t below = 0;
    *scope = (struct noise_scope){.severity_below = 0};
    if (noise_take_object(object, "scope", keys, error) != 0 ||
        noise_take_text(object, "rule", scope->rule, sizeof scope->rule, false, error) != 0 ||
        noise_take_text(object, "host", host, sizeof host, false, error) != 0 ||
        noise_take_text(object, "destination", scope->destination, sizeof scope->destination, false,
                        error) != 0 ||
        noise_take_text(object, "zone", scope->zone, sizeof scope->zone, false, error) != 0 ||
        noise_take_text(object, "service", scope->service, sizeof scope->service, false, error) !=
            0 ||
        noise_take_text(object, "incident", scope->incident, sizeof scope->incident, false,
                        error) != 0 ||
        noise_take_whole(object, "severity_below", 1, 100, &below, error) != 0)
        return -1;
    scope->severity_below = (int)below;
    if (take_host(scope, host, error) != 0 || take_destination(scope, error) != 0)
        return -1;
    return check(scope, error);
}

/* --- writing ---------------------------------------------------------------------------------- */

static const char *host_of(const struct noise_scope *scope, char text[PREFIX_TEXT_SIZE])
{
    if (scope->host_kind == NOISE_DEVICE)
        return scope->device;
    if (scope->host_prefix.bits == FULL_BITS)
        return ip_text(&scope->host_prefix.ip, text);
    return prefix_text(&scope->host_prefix, text);
}

static void put_given(struct json *json, const char *key, const char *text)
{
    if (*text)
        json_str(json, key, text);
}

void noise_put_scope(struct json *json, const char *key, const struct noise_scope *scope)
{
    char text[PREFIX_TEXT_SIZE];
    json_open(json, key);
    put_given(json, "rule", scope->rule);
    if (scope->host_kind != NOISE_ANY_HOST)
        json_str(json, "host", host_of(scope, text));
    put_given(json, "destination", scope->destination);
    put_given(json, "service", scope->service);
    put_given(json, "incident", scope->incident);
    put_given(json, "zone", scope->zone);
    if (scope->severity_below > 0)
        json_int(json, "severity_below", scope->severity_below);
    json_close(json);
}

char *noise_scope_text(const struct noise_scope *scope, char *text, size_t room)
{
    char host[PREFIX_TEXT_SIZE], name[16], below[32];
    bool with_host = scope->host_kind != NOISE_ANY_HOST;
    snprintf(below, sizeof below, " below severity %d", scope->severity_below);
    snprintf(text, room, "%s%s%s%s%s%s%s%s%s%s%s%s", *scope->rule ? scope->rule : "alerts",
             with_host ? " of " : "", with_host ? host_of(scope, host) : "",
             *scope->destination ? " to " : "", scope->destination, *scope->service ? " by " : "",
             scope->service, *scope->zone ? " of zone " : "", scope->zone,
             *scope->incident ? " in " : "",
             *scope->incident ? incident_short(scope->incident, name) : "",
             scope->severity_below > 0 ? below : "");
    return text;
}
