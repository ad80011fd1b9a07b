/* What the engine says of its sensor: its own figures, and what the supervisor tells it of the
 * capture processes and the courier each second. docs/api.md is the contract. Thread: the
 * engine's. */
#include "engine_role.h"

#include "evidence_api.h"
#include "sink_news.h"
#include "worker.h"

#include "weir/bus/metrics.h"
#include "weir/engine/bounds.h"
#include "weir/investigate/judging.h"
#include "weir/role/role.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLIND_MAX     64
#define AWAY_TEXT     64
#define FOREIGN_FLOWS 100 /* none of so many is the site's */
#define RATE_S        3.0 /* what is told each second comes unevenly: rates are of a little longer */

/* --- rates ----------------------------------------------------------------------------------- */

void engine_role_measure(struct engine_role *role)
{
    struct wtime now = wtime_now();
    double seconds = (double)(now.ns - role->measured.ns) / 1e9;
    if (seconds < RATE_S)
        return;
    role->measured = now;
    for (uint32_t i = 0; i < role->orders.workers; i++) {
        struct worker_rate *rate = &role->rate[i];
        const struct capture_status *status = &role->news.worker[i].status;
        uint64_t position = engine_ring_of(role->stack.engine, i).position;
        bool grew = status->packets >= rate->packets && position >= rate->ring_position;
        rate->packets_per_s =
            grew ? (uint64_t)((double)(status->packets - rate->packets) / seconds) : 0;
        rate->bytes_per_s =
            grew ? (uint64_t)((double)(status->wire_bytes - rate->bytes) / seconds) : 0;
        rate->ring_bytes_per_s =
            grew ? (uint64_t)((double)(position - rate->ring_position) / seconds) : 0;
        rate->packets = status->packets;
        rate->bytes = status->wire_bytes;
        rate->ring_position = position;
    }
}

/* --- the status ------------------------------------------------------------------------------ */

static enum status_worker_state state_of(const struct worker_news *news)
{
    switch ((enum worker_state)news->state) {
    case WORKER_STARTING:
    case WORKER_READY:
        return STATUS_WORKER_STARTING;
    case WORKER_RUNNING:
        return STATUS_WORKER_RUNNING;
    case WORKER_NONE:
        return STATUS_WORKER_WAITING;
    case WORKER_ENDED:
    case WORKER_LOST:
    case WORKER_STATES:
        break;
    }
    return STATUS_WORKER_STOPPED;
}

static struct status_worker worker_status(const struct engine_role *role, uint32_t i)
{
    const struct worker_news *news = &role->news.worker[i];
    const struct worker_rate *rate = &role->rate[i];
    struct engine_ring ring = engine_ring_of(role->stack.engine, i);
    uint64_t per_s = rate->ring_bytes_per_s;
    return (struct status_worker){
        .worker = i,
        .pid = news->pid,
        .state = state_of(news),
        .restarts = news->restarts,
        .packets = news->status.packets,
        .packets_per_s = rate->packets_per_s,
        .bytes_per_s = rate->bytes_per_s,
        .kernel_drops = news->status.kernel_drops,
        .interface_drops = news->status.interface_drops,
        .ring_bytes = ring.size,
        .ring_used_bytes = ring.used,
        .ring_seconds = per_s > 0 ? (double)ring.size / (double)per_s : NAN,
        .parked = news->status.parked,
        .last_death = *news->death ? news->death : NULL,
    };
}

static struct status_interface interface_status(const struct engine_role *role, size_t i)
{
    const struct config_interface *interface = &role->config.interface[i];
    uint32_t bit = 1u << i;
    enum status_interface_state state = STATUS_INTERFACE_DOWN;
    if (role->news.interfaces_gone & bit)
        state = STATUS_INTERFACE_GONE;
    else if (role->news.interfaces_up & bit)
        state = STATUS_INTERFACE_UP;
    return (struct status_interface){interface->name, interface->vantage, state};
}

static struct status_engine engine_status(const struct engine_role *role)
{
    const struct engine *engine = role->stack.engine;
    const struct engine_counts *counts = engine_counts_of(engine);
    struct engine_history history = engine_history_of(engine);
    struct engine_status status = engine_status_of(engine);
    struct status_engine shown = {.pid = getpid(),
                                  .restarts = role->orders.restarts,
                                  .records_late = counts->late,
                                  .alerts = counts->alerts,
                                  .alerts_silenced = counts->alerts_silenced,
                                  .silenced_bytes = counts->silenced_bytes,
                                  .alerts_quiet = counts->alerts_quiet,
                                  .hosts = history.hosts,
                                  .hosts_ready = history.ready,
                                  .hosts_learning = history.hosts - history.ready,
                                  .incidents_open = incidents_counts(engine_incidents(engine)).open,
                                  .open_flows = status.open_flows,
                                  .waiting_records = status.waiting_records,
                                  .checkpoint_age_s = (double)status.snapshot_age_ns / 1e9,
                                  .checkpoint_bytes = status.snapshot_bytes + status.log_bytes,
                                  .snapshots = status.snapshots,
                                  .closing_hours = status.closing_hours,
                                  .closing_waited = status.closing_waited,
                                  .totals_late = counts->totals_late,
                                  .halves_joined = counts->halves_joined,
                                  .flows_rejoined = counts->flows_rejoined,
                                  .flows_drifted = counts->flows_drifted};
    for (int i = 0; i <= RECORD_WATERMARK; i++)
        shown.records += counts->records[i];
    return shown;
}

static struct status_waits waits_status(const struct store_waits *waits)
{
    if (!waits)
        return (struct status_waits){.bound_count = 0};
    return (struct status_waits){store_wait_ns, STORE_WAITS, waits->answers, waits->sum_ns};
}

static struct status_redis redis_status(const struct engine_role *role)
{
    const struct engine *engine = role->stack.engine;
    const struct engine_counts *counts = engine_counts_of(engine);
    struct engine_store_status store = engine_store_of(engine);
    return (struct status_redis){.url = role->config.redis_url,
                                 .state = engine_store_state_name[store.state],
                                 .behind = store.behind,
                                 .away = store.state != ENGINE_STORE_HERE,
                                 .since = {store.since_wall_ns},
                                 .why = store.why,
                                 .pending = store.pending,
                                 .refused = store.refused,
                                 .absences = store.absences,
                                 .hours_open = store.hours,
                                 .host_hours_open = store.host_hours,
                                 .hours_unlearned = counts->hours_unlearned,
                                 .unlearned_bytes = counts->unlearned_bytes,
                                 .profiles_damaged = counts->profiles_damaged,
                                 .waits = waits_status(store.waits)};
}

static struct status_journal journal_status(const struct engine_role *role)
{
    const struct stack *stack = &role->stack;
    struct publisher_status published = publisher_status_of(stack->publisher);
    struct journal_counts counts = journal_counts_of(stack->journal);
    return (struct status_journal){.last = publisher_last(stack->publisher),
                                   .durable = publisher_durable(stack->publisher),
                                   .segments = counts.segments,
                                   .bytes = counts.bytes,
                                   .deleted = counts.deleted,
                                   .deleted_untold = counts.deleted_untold,
                                   .failures = published.failures,
                                   .held = published.held,
                                   .held_bytes = published.held_bytes,
                                   .given_up = published.given_up_metrics +
                                               published.given_up_alerts +
                                               published.given_up_events,
                                   .trouble = published.trouble};
}

static struct status_budget budget_status(const struct engine_role *role)
{
    const struct fleet *fleet = engine_fleet(role->stack.engine);
    struct status_budget budget = {.per_host_day = NAN};
    if (!fleet)
        return budget;
    budget.per_host_day = fleet_budget(fleet);
    budget.trim = fleet_budget_trim(fleet);
    fleet_budget_day(fleet, &budget.expected, &budget.told);
    return budget;
}

static size_t alerts_status(const struct engine_role *role, struct status_alerts *alerts)
{
    static_assert((int)URGENCIES == STATUS_URGENCIES, "a count an urgency");
    size_t count;
    const struct engine_tally *tally = engine_tallies(role->stack.engine, &count);
    for (size_t i = 0; i < count; i++) {
        alerts[i].detector = tally[i].detector;
        memcpy(alerts[i].alerts, tally[i].alerts, sizeof alerts[i].alerts);
        memcpy(alerts[i].severity, tally[i].severity, sizeof alerts[i].severity);
    }
    return count;
}

static size_t apis_status(const struct engine_role *role, struct status_api api[STATUS_APIS])
{
    size_t count = 0;
    api[count++] = (struct status_api){"control", api_counts_of(role->api)};
    if (role->metrics)
        api[count++] = (struct status_api){"metrics", api_counts_of(role->metrics)};
    if (role->console)
        api[count++] = (struct status_api){"console", api_counts_of(console_server(role->console))};
    return count;
}

static struct status_courier courier_status(const struct engine_role *role)
{
    const struct sinks_news *news = &role->sinks;
    return (struct status_courier){.pid = news->pid,
                                   .state = news->state == COURIER_RUNNING ? STATUS_WORKER_RUNNING
                                            : news->state == COURIER_STARTING
                                                ? STATUS_WORKER_STARTING
                                                : STATUS_WORKER_WAITING,
                                   .restarts = news->restarts,
                                   .last_death = *news->death ? news->death : NULL};
}

size_t engine_role_sinks(const struct engine_role *role, struct bus_status *status, size_t room)
{
    const struct sinks_news *news = &role->sinks;
    uint64_t durable = publisher_durable(role->stack.publisher), unseen = 0;
    size_t count = news->count < room ? news->count : room;
    if (news->state != COURIER_RUNNING && durable > news->durable)
        unseen = durable - news->durable;
    for (size_t i = 0; i < count; i++) {
        sink_news_unpack(&news->sink[i], &status[i]);
        status[i].behind += unseen;
    }
    return count;
}

static bool none_is_inside(const struct engine *engine)
{
    const uint64_t *flows = engine_counts_of(engine)->flows;
    return flows[SCOPE_TRANSIT] >= FOREIGN_FLOWS &&
           flows[SCOPE_OUT] + flows[SCOPE_IN] + flows[SCOPE_INTERNAL] == 0;
}

/* What the open incidents of the sensor itself say, in people's words. */
static size_t list_blind(const struct engine_role *role, char away[CONFIG_WORKERS][AWAY_TEXT],
                         const char *line[BLIND_MAX])
{
    const struct engine *engine = role->stack.engine;
    size_t count, listed = 0;
    for (uint32_t i = 0; i < role->orders.workers; i++)
        if (role->news.worker[i].state != WORKER_RUNNING) {
            snprintf(away[i], AWAY_TEXT, "capture worker %u is not at work: its share is not seen",
                     i);
            line[listed++] = away[i];
        }
    if (none_is_inside(engine))
        line[listed++] = "no flow that was seen has a side in networks.inside: is it set right? "
                         "(weir check -i IF)";
    const struct incident **all = incidents_sorted(engine_incidents(engine), &count);
    for (size_t i = 0; i < count && listed < BLIND_MAX; i++)
        if (!all[i]->closed && *all[i]->story.sight && all[i]->rank[0].finding.reason_count > 0)
            line[listed++] = all[i]->rank[0].finding.reason[0].text;
    free(all);
    return listed;
}

/* Figures and lists for people: no inside address is in them. */
void engine_role_hide(const struct engine_role *role, struct api_reply *reply)
{
    const struct pseudonyms *pseudonyms = role->stack.pseudonyms;
    if (!pseudonyms || !reply->body)
        return;
    char *hidden = pseudonyms_text(pseudonyms, reply->body, strlen(reply->body));
    free(reply->body);
    reply->body = hidden;
}

/* What a status borrows: its lists. */
struct lists {
    struct status_alerts alerts[ENGINE_TALLIES];
    struct status_api api[STATUS_APIS];
    struct status_worker worker[CONFIG_WORKERS];
    struct status_interface interface[CONFIG_INTERFACES];
    struct bus_status sink[CONFIG_SINKS];
    char away[CONFIG_WORKERS][AWAY_TEXT];
    const char *blind[BLIND_MAX];
    struct console_counts console;
    struct judging judging;
    struct bound_count bound[ENGINE_BOUNDS];
};

static void list_capture(const struct engine_role *role, struct lists *lists, struct status *status)
{
    for (uint32_t i = 0; i < role->orders.workers; i++)
        lists->worker[i] = worker_status(role, i);
    for (size_t i = 0; i < role->config.interface_count; i++)
        lists->interface[i] = interface_status(role, i);
    status->worker = lists->worker;
    status->worker_count = role->orders.workers;
    status->interface = lists->interface;
    status->interface_count = role->config.interface_count;
}

/* What is seen and judged, and what is not. */
static void list_sight(const struct engine_role *role, struct lists *lists, struct status *status)
{
    struct judging *judging = &lists->judging;
    judging_of(judging, role->stack.engine, role->config.detect.learn_days);
    status->coverage = engine_health(role->stack.engine);
    status->bound_count = engine_bounds(role->stack.engine, lists->bound);
    status->bound = lists->bound;
    status->judged = (const char *const *)judging->line;
    status->judged_count = judging->now;
    status->learning = (const char *const *)judging->line + judging->now;
    status->learning_count = judging->count - judging->now;
    status->blind_count = list_blind(role, lists->away, lists->blind);
    status->blind = lists->blind;
}

/* To whom it tells what, and who asks. */
static void list_outlets(const struct engine_role *role, struct lists *lists, struct status *status)
{
    status->courier = courier_status(role);
    status->sink_count = engine_role_sinks(role, lists->sink, CONFIG_SINKS);
    status->sink = lists->sink;
    status->alert_count = alerts_status(role, lists->alerts);
    status->alerts = lists->alerts;
    status->api_count = apis_status(role, lists->api);
    status->api = lists->api;
    lists->console = (struct console_counts){.off = engine_role_console_is_off(role)};
    if (role->console)
        lists->console = console_counts_of(role->console);
    if (role->console || lists->console.off)
        status->console = &lists->console;
}

static struct status plain_status(const struct engine_role *role)
{
    const struct reload_news *reload = &role->orders.reload;
    return (struct status){
        .sensor = role->config.sensor_name,
        .version = WEIR_VERSION,
        .state = STATUS_RUNNING,
        .started = {role->orders.started_s * NS_PER_S},
        .now = engine_status_of(role->stack.engine).complete,
        .generation = role->orders.generation,
        .last_reload = {.known = reload->any,
                        .ok = reload->ok,
                        .text = reload->text,
                        .at = {reload->at_ns}},
        .engine = engine_status(role),
        .redis = redis_status(role),
        .journal = journal_status(role),
        .evidence = evidence_api_status(&role->config, &role->keeper, &role->news),
        .budget = budget_status(role),
    };
}

void engine_role_status(struct engine_role *role,
                        char *(*say)(void *context, const struct status *status),
                        struct api_reply *reply)
{
    struct lists lists;
    struct status status = plain_status(role);
    list_capture(role, &lists, &status);
    list_sight(role, &lists, &status);
    list_outlets(role, &lists, &status);
    reply->body = say(role, &status);
    judging_fini(&lists.judging);
    engine_role_hide(role, reply);
}
