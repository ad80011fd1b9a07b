/* What may be asked of the engine over the control socket, the console and the metrics' port, and
 * who of its rooms answers it. docs/api.md is the contract. Thread: the engine's. */
#include "engine_role.h"

#include "evidence_api.h"
#include "govern_api.h"
#include "hosts_api.h"
#include "noise_api.h"
#include "privacy_api.h"
#include "rules_api.h"
#include "zones_api.h"

#include "weir/base/json.h"
#include "weir/bus/metrics.h"
#include "weir/role/role.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- routes ---------------------------------------------------------------------------------- */

static char *as_json(void *context, const struct status *status)
{
    (void)context;
    struct json *json = json_new();
    char *text = status_json(json, status);
    json_free(json);
    return text;
}

static char *as_metrics(void *context, const struct status *status)
{
    (void)context;
    return metrics_text(status);
}

static void on_status(void *context, const struct api_request *request, struct api_reply *reply)
{
    (void)request;
    engine_role_status(context, as_json, reply);
}

static void on_metrics(void *context, const struct api_request *request, struct api_reply *reply)
{
    (void)request;
    reply->type = METRICS_TYPE;
    engine_role_status(context, as_metrics, reply);
}

static void note(const struct engine_role *role, const struct api_request *request,
                 const char *action, const char *subject, const char *did)
{
    noise_api_act(&(struct noise_api){role->stack.engine, &role->people, role->stack.pseudonyms},
                  request, action, subject, did);
}

#define NOISE_ROUTE(name)                                                                          \
    static void on_##name(void *context, const struct api_request *request,                        \
                          struct api_reply *reply)                                                 \
    {                                                                                              \
        const struct engine_role *role = context;                                                  \
        noise_api_##name(                                                                          \
            &(struct noise_api){role->stack.engine, &role->people, role->stack.pseudonyms},        \
            request, reply);                                                                       \
        engine_role_hide(role, reply);                                                             \
    }
NOISE_ROUTE(silences)
NOISE_ROUTE(incidents)
NOISE_ROUTE(add)
NOISE_ROUTE(remove)
NOISE_ROUTE(acknowledge)
NOISE_ROUTE(close)
NOISE_ROUTE(reopen)
#undef NOISE_ROUTE

static struct evidence_api evidence_of(const struct engine_role *role)
{
    return (struct evidence_api){{role->stack.engine, &role->people, role->stack.pseudonyms},
                                 config_state_dir(&role->config)};
}

void engine_role_evidence_said(const struct engine_role *role, const struct keeper_says *says)
{
    const struct evidence_api api = evidence_of(role);
    evidence_api_said(&api, says);
}

void engine_role_forgotten(const struct engine_role *role, const struct forgotten_news *news)
{
    const struct evidence_api api = evidence_of(role);
    evidence_api_forgot(&api, news);
}

static void on_hold(void *context, const struct api_request *request, struct api_reply *reply)
{
    const struct evidence_api api = evidence_of(context);
    evidence_api_hold(&api, request, reply);
}

static void on_release(void *context, const struct api_request *request, struct api_reply *reply)
{
    const struct evidence_api api = evidence_of(context);
    evidence_api_release(&api, request, reply);
}

static void on_forgotten(void *context, const struct api_request *request, struct api_reply *reply)
{
    const struct evidence_api api = evidence_of(context);
    evidence_api_forgotten(&api, request, reply);
}

/* Capture does it; what came of it is in the journal (engine_role_forgotten). */
static void on_forget(void *context, const struct api_request *request, struct api_reply *reply)
{
    const struct evidence_api api = evidence_of(context);
    struct forget_orders orders;
    memset(&orders, 0, sizeof orders);
    if (!evidence_api_forget(&api, request, &orders, reply))
        return;
    if (control_send(ROLE_CONTROL_FD, CONTROL_FORGET, &orders, sizeof orders, NULL, 0) !=
        CONTROL_OK) {
        api_refuse(reply, 503, "the supervisor does not listen: say it again");
        return;
    }
    reply->status = 202;
    reply->body = xstrdup("{\"asked\":true}");
}

static struct privacy_api privacy_of(const struct engine_role *role)
{
    return (struct privacy_api){&role->config, role->stack.engine, &role->people};
}

/* What names hosts is not shown before it is written down who asked; of a screen, when it begins to
 * ask. */
static bool may_see(struct engine_role *role, const struct api_request *request,
                    struct api_reply *reply)
{
    const struct privacy_api privacy = privacy_of(role);
    return request->user ? engine_role_may_look(role, request, reply)
                         : privacy_api_look(&privacy, request, reply) == 0;
}

/* Each one is in the access log; and what is not sent is nowhere said to be taken. */
static void on_take(void *context, const struct api_request *request, struct api_reply *reply)
{
    struct engine_role *role = context;
    const struct privacy_api privacy = privacy_of(role);
    const struct evidence_api api = evidence_of(role);
    char name[EVIDENCE_FILE];
    const char *what = evidence_api_file(request, name) ? name : NULL;
    if (api_may_send_file(console_server(role->console), reply) &&
        privacy_api_look_at(&privacy, request, what, reply) == 0)
        evidence_api_take(&api, request, reply);
}

static void on_listed_silences(void *context, const struct api_request *request,
                               struct api_reply *reply)
{
    if (may_see(context, request, reply))
        on_silences(context, request, reply);
}

static void on_listed_incidents(void *context, const struct api_request *request,
                                struct api_reply *reply)
{
    if (may_see(context, request, reply))
        on_incidents(context, request, reply);
}

/* Screens ask again and again. */
bool engine_role_may_look(struct engine_role *role, const struct api_request *request,
                          struct api_reply *reply)
{
    const struct privacy_api privacy = privacy_of(role);
    return privacy_api_look_on(&privacy, &role->looks, request, reply) == 0;
}

static struct hosts_api hosts_of(struct engine_role *role)
{
    return (struct hosts_api){role->stack.engine, role->stack.pseudonyms, &role->hosts,
                              role->config.timezone};
}

static void on_hosts(void *context, const struct api_request *request, struct api_reply *reply)
{
    struct engine_role *role = context;
    const struct hosts_api hosts = hosts_of(role);
    if (engine_role_may_look(role, request, reply))
        hosts_api_list(&hosts, request, reply);
    engine_role_hide(role, reply);
}

static void on_host(void *context, const struct api_request *request, struct api_reply *reply)
{
    struct engine_role *role = context;
    const struct hosts_api hosts = hosts_of(role);
    if (engine_role_may_look(role, request, reply))
        hosts_api_show(&hosts, request, reply);
    engine_role_hide(role, reply);
}

#define GOVERN_ROUTE(name, verb)                                                                   \
    static void on_##name(void *context, const struct api_request *request,                        \
                          struct api_reply *reply)                                                 \
    {                                                                                              \
        struct engine_role *role = context;                                                        \
        const struct govern_api api = {hosts_of(role), &role->people, &role->govern,               \
                                       request->user ? console_server(role->console) : role->api}; \
        govern_api_order(&api, verb, request, reply);                                              \
    }
GOVERN_ROUTE(freeze, GOVERN_FREEZE)
GOVERN_ROUTE(thaw, GOVERN_THAW)
GOVERN_ROUTE(reset, GOVERN_RESET)
#undef GOVERN_ROUTE

static void on_fleet(void *context, const struct api_request *request, struct api_reply *reply)
{
    struct engine_role *role = context;
    role->fleet.calendar = role->stack.calendar;
    role->fleet.sensor = role->config.sensor_name;
    fleet_api_list(&role->fleet, role->stack.engine,
                   request->user ? console_server(role->console) : role->api, request, reply);
}

static void on_rules(void *context, const struct api_request *request, struct api_reply *reply)
{
    const struct engine_role *role = context;
    rules_api_note(&(struct noise_api){role->stack.engine, &role->people, role->stack.pseudonyms},
                   request, reply);
}

static void on_access(void *context, const struct api_request *request, struct api_reply *reply)
{
    const struct privacy_api privacy = privacy_of(context);
    privacy_api_access(&privacy, request, reply);
}

static void on_reveal(void *context, const struct api_request *request, struct api_reply *reply)
{
    const struct privacy_api privacy = privacy_of(context);
    privacy_api_reveal(&privacy, request, reply);
}

/* The supervisor checks it; what came of it is the status's `last_reload` and `generation`. */
static void on_reload(void *context, const struct api_request *request, struct api_reply *reply)
{
    struct engine_role *role = context;
    if (role->reload_asked) {
        api_refuse(reply, 409, "a reload is under way");
        return;
    }
    role->reload_asked = true;
    note(role, request, "reload.ask", NULL, "asked for a reload");
    role->orders.reload = (struct reload_news){.any = false};
    control_send(ROLE_CONTROL_FD, CONTROL_RELOAD, NULL, 0, NULL, 0);
    reply->status = 202;
    reply->body = xasprintf("{\"generation\":%u}", role->orders.generation + 1);
}

void engine_role_reloaded(struct engine_role *role, const struct reload_news *news)
{
    role->orders.reload = *news;
    role->reload_asked = false;
}

/* "host=ADDRESS" or "host=" (all), and perhaps "&forget". */
static bool read_change(const char *query, struct ip *host, bool *one, bool *forget)
{
    char text[IP_TEXT_SIZE] = "";
    const char *end = query + strcspn(query, "&");
    if (strncmp(query, "host=", 5) != 0 || (size_t)(end - query) - 5 >= sizeof text)
        return false;
    memcpy(text, query + 5, (size_t)(end - query) - 5);
    *one = *text != '\0';
    *forget = strcmp(end, "&forget") == 0;
    return (*end == '\0' || *forget) && (!*one || ip_parse(text, host) == 0);
}

static void on_baseline(void *context, const struct api_request *request, struct api_reply *reply)
{
    const struct engine_role *role = context;
    struct ip host;
    bool one, forget;
    if (!read_change(request->query, &host, &one, &forget)) {
        api_refuse(reply, 400, "expected ?host=ADDRESS, perhaps &forget");
        return;
    }
    if (engine_memory_changed(role->stack.engine, one ? &host : NULL, forget) != ENGINE_CHANGED) {
        api_refuse(reply, 409, "an hour is being closed, or the store is being filled");
        return;
    }
    char text[IP_TEXT_SIZE]; /* what is to be forgotten is not named once more */
    note(role, request, forget ? "baseline.forget" : "baseline.change",
         forget ? NULL
         : one  ? ip_text(&host, text)
                : "all hosts",
         forget ? "had a host forgotten" : "changed what is kept of");
    reply->body = xstrdup("{\"ok\":true}");
}

static void on_health(void *context, const struct api_request *request, struct api_reply *reply)
{
    const struct engine_role *role = context;
    (void)request;
    if (engine_finished(role->stack.engine))
        api_refuse(reply, 503, "the engine has ended");
    else
        reply->body = xstrdup("{\"ok\":true}");
}

/* Addresses of writers are shown: as silences are. */
static void on_conduits(void *context, const struct api_request *request, struct api_reply *reply)
{
    struct engine_role *role = context;
    if (!may_see(role, request, reply))
        return;
    zones_api_conduits(role->stack.engine, reply);
    engine_role_hide(role, reply);
}

static const struct api_route routes[] = {{"GET", "/metrics", on_metrics},
                                          {"GET", "/v1/status", on_status},
                                          {"POST", "/v1/reload", on_reload},
                                          {"POST", "/v1/baseline", on_baseline},
                                          {"GET", "/v1/health", on_health},
                                          {"GET", "/v1/hosts", on_hosts},
                                          {"GET", "/v1/hosts/*", on_host},
                                          {"POST", "/v1/hosts/*/freeze", on_freeze},
                                          {"POST", "/v1/hosts/*/thaw", on_thaw},
                                          {"POST", "/v1/hosts/*/reset", on_reset},
                                          {"GET", "/v1/now", engine_console_now},
                                          {"GET", "/v1/destinations/*", engine_console_destination},
                                          {"GET", "/v1/map", engine_console_map},
                                          {"GET", "/v1/fleet", on_fleet},
                                          {"GET", "/v1/conduits", on_conduits},
                                          {"GET", "/v1/silences", on_listed_silences},
                                          {"POST", "/v1/silences", on_add},
                                          {"DELETE", "/v1/silences/*", on_remove},
                                          {"POST", "/v1/evidence/*/hold", on_hold},
                                          {"POST", "/v1/evidence/*/release", on_release},
                                          {"POST", "/v1/evidence/*/forgotten", on_forgotten},
                                          {"POST", "/v1/evidence-ring/forget", on_forget},
                                          {"POST", "/v1/rules", on_rules},
                                          {"POST", "/v1/access", on_access},
                                          {"POST", "/v1/reveal", on_reveal},
                                          {"GET", "/v1/incidents", on_listed_incidents},
                                          {"GET", "/v1/incidents/*", engine_console_incident},
                                          {"POST", "/v1/incidents/*/ack", on_acknowledge},
                                          {"POST", "/v1/incidents/*/close", on_close},
                                          {"POST", "/v1/incidents/*/reopen", on_reopen},
                                          {NULL, NULL, NULL}};

/* What people with a browser may ask; console.h says who of them. Orders that a command gives for
 * somebody else, and what starts anew, are the control socket's alone. */
static const struct api_route console_routes[] = {
    {"GET", "/v1/health", on_health},
    {"GET", "/v1/status", on_status},
    {"GET", "/v1/now", engine_console_now},
    {"GET", "/v1/events", engine_console_events},
    {"GET", "/v1/incidents", on_listed_incidents},
    {"GET", "/v1/incidents/*", engine_console_incident},
    {"GET", "/v1/incidents/*/report", engine_console_report},
    {"POST", "/v1/incidents/*/ack", on_acknowledge},
    {"POST", "/v1/incidents/*/close", on_close},
    {"POST", "/v1/incidents/*/reopen", on_reopen},
    {"GET", "/v1/hosts", on_hosts},
    {"GET", "/v1/hosts/*", on_host},
    {"POST", "/v1/hosts/*/freeze", on_freeze},
    {"POST", "/v1/hosts/*/thaw", on_thaw},
    {"POST", "/v1/hosts/*/reset", on_reset},
    {"GET", "/v1/destinations/*", engine_console_destination},
    {"GET", "/v1/map", engine_console_map},
    {"GET", "/v1/fleet", on_fleet},
    {"GET", "/v1/conduits", on_conduits},
    {"GET", "/v1/silences", on_listed_silences},
    {"POST", "/v1/silences", on_add},
    {"DELETE", "/v1/silences/*", on_remove},
    {"POST", "/v1/evidence/*/hold", on_hold},
    {"POST", "/v1/evidence/*/release", on_release},
    {"POST", "/v1/evidence/*/take", on_take},
    {NULL, NULL, NULL}};

/* Whoever reaches a port may ask for figures, and nothing else. */
static const struct api_route metrics_routes[] = {{"GET", "/metrics", on_metrics},
                                                  {NULL, NULL, NULL}};

int engine_role_serve(struct engine_role *role)
{
    struct loop_ref loop = role->stack.loop;
    role->measured = wtime_now();
    role->api = api_new(loop, role->listener, routes, role, &role->error);
    if (role->api && role->metrics_listener >= 0)
        role->metrics = api_new(loop, role->metrics_listener, metrics_routes, role, &role->error);
    if (role->error.code == ERROR_NONE)
        engine_role_console_serve(role, console_routes);
    return role->error.code == ERROR_NONE ? 0 : -1;
}
