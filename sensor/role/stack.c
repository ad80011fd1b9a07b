/* See weir/role/stack.h. Thread: the engine's. */
#include "weir/role/stack.h"

#include "weir/base/pages.h"
#include "weir/bus/event_loop.h"

#include <string.h>

static void look_again(struct stack *stack)
{
    stack->loop.ops->stop(stack->loop.loop);
}

int stack_wait(struct stack *stack, const bool *done)
{
    while (!*done && stack->error.code == ERROR_NONE)
        stack->loop.ops->run(stack->loop.loop);
    return stack->error.code == ERROR_NONE ? 0 : -1;
}

static void on_store_ready(void *context)
{
    struct stack *stack = context;
    stack->store_ready = true;
    look_again(stack);
}

static void on_store_failed(void *context, const struct error *error)
{
    struct stack *stack = context;
    if (stack->error.code == ERROR_NONE)
        stack->error = *error;
    if (stack->engine)
        engine_fail(stack->engine, error);
    look_again(stack);
}

static const struct store_events store_events = {on_store_ready, on_store_failed};

/* A replay's own server is slow when the machine is, and nobody waits for either. */
#define OWN_SERVER_NS (60 * NS_PER_S)

static int open_store(struct stack *stack)
{
    const struct stack_config *c = &stack->config;
    stack->reach = (struct store_config){.url = c->redis_url,
                                         .prefix = c->prefix,
                                         .sensor = c->config->sensor_name,
                                         .vantage = c->vantage,
                                         .address = c->redis_address,
                                         .retention_s = c->config->baseline_days * INT64_C(86400)};
    if (c->live) {
        stack->reach.instance = stack->instance;
        return state_instance(c->folder, stack->instance, &stack->error);
    }
    if (strcmp(c->config->redis_url, "embedded") == 0)
        stack->reach.timeout_ns = OWN_SERVER_NS;
    stack->store = store_open(&stack->reach, stack->loop, &store_events, stack, &stack->error);
    return stack->store ? stack_wait(stack, &stack->store_ready) : -1;
}

static void on_settled(void *context)
{
    struct stack *stack = context;
    stack->store_ready = true;
    look_again(stack);
}

static void on_flow(void *context, const struct flow_view *view)
{
    const struct stack *stack = context;
    stack->config.observer.flow(stack->config.observer.context, view);
}

static void on_content(void *context, const struct ip *host, const struct destination *destination,
                       const struct record_content *record)
{
    const struct stack *stack = context;
    stack->config.observer.content(stack->config.observer.context, host, destination, record);
}

static void on_withheld(void *context, const struct story *story, const char *detector,
                        const struct rule_exception *exception)
{
    const struct engine_observer *observer = &((const struct stack *)context)->config.observer;
    observer->withheld(observer->context, story, detector, exception);
}

static void on_closed(void *context, const struct host_total *total)
{
    const struct stack *stack = context;
    stack->config.observer.closed(stack->config.observer.context, total);
}

static void on_alert(void *context, const struct incident *incident, const struct alert *alert)
{
    const struct stack *stack = context;
    stack->config.observer.alert(stack->config.observer.context, incident, alert);
}

static void on_damaged(void *context, uint32_t worker, uint32_t incarnation)
{
    const struct stack *stack = context;
    stack->config.observer.damaged(stack->config.observer.context, worker, incarnation);
}

static void on_drained(void *context, uint32_t worker, uint32_t incarnation)
{
    const struct stack *stack = context;
    stack->config.observer.drained(stack->config.observer.context, worker, incarnation);
}

static void on_done(void *context, const struct error *error)
{
    struct stack *stack = context;
    if (error && stack->error.code == ERROR_NONE)
        stack->error = *error;
    if (stack->config.observer.done)
        stack->config.observer.done(stack->config.observer.context, error);
    look_again(stack);
}

static int open_engine(struct stack *stack)
{
    const struct stack_config *c = &stack->config;
    stack->suffixes = suffixes_new();
    if (!stack->suffixes)
        return error_set(&stack->error, ERROR_RUN, "libpsl has no built-in public suffix list");
    const char *database = c->config->as_database;
    if (*database && !(stack->networks = networks_open(database, &stack->error)))
        return -1;
    struct engine_config engine = {
        .loop = stack->loop,
        .rings = c->rings,
        .ring_count = c->ring_count,
        .workers = c->workers,
        .live = c->live,
        .sensor_starts = c->sensor_starts,
        .heartbeat_ns = c->heartbeat_ns,
        .folder = c->live ? c->folder : NULL,
        .noise_path = c->live ? NULL : c->noise,
        .store = stack->store,
        .reach = c->live ? &stack->reach : NULL,
        .publisher = stack->publisher,
        .calendar = stack->calendar,
        .inside = &c->config->inside,
        .by_device = c->config->by_device,
        .suffixes = stack->suffixes,
        .networks = stack->networks,
        .key = c->key,
        .detect = c->config->detect,
        .zones = c->config->zones,
        .rules = c->config->rules,
        .sensor = c->config->sensor_name,
        .max_hosts = c->config->max_hosts,
        .hindsight = c->hindsight,
        .told = c->told,
        .workers_stay = !c->live && c->config->workers == 0,
        .keep_profiles = c->keep_profiles,
        .whole_until = c->whole_until,
        .judged_ns = c->judged_ns,
        .tape = c->tape,
        .before = c->before,
        .observed = c->observed,
        .cache_bytes = (uint64_t)c->config->cache_mib << 20u,
        .observer = {.flow = c->observer.flow ? on_flow : NULL,
                     .content = c->observer.content ? on_content : NULL,
                     .withheld = c->observer.withheld ? on_withheld : NULL,
                     .alert = c->observer.alert ? on_alert : NULL,
                     .closed = c->observer.closed ? on_closed : NULL,
                     .done = on_done,
                     .damaged = c->observer.damaged ? on_damaged : NULL,
                     .drained = c->observer.drained ? on_drained : NULL,
                     .store = on_settled,
                     .context = stack}};
    pages_heap();
    stack->engine = engine_new(&engine, &stack->error);
    if (!stack->engine)
        return -1;
    return c->live ? stack_wait(stack, &stack->store_ready) : 0;
}

static void wake_bus(void *context)
{
    const struct stack *stack = context;
    if (stack->bus)
        bus_wake(stack->bus);
}

static int open_bus(struct stack *stack)
{
    const struct stack_config *c = &stack->config;
    struct bus_config config = {.folder = c->folder,
                                .sensor = c->config->sensor_name,
                                .sinks = c->sinks,
                                .count = c->sink_count,
                                .pseudonyms = stack->pseudonyms,
                                .again = c->sinks_again};
    stack->bus = bus_new(stack->loop, &config, &stack->error);
    return stack->bus ? 0 : -1;
}

/* Sinks of a courier too. */
static uint64_t told_by_all(void *context)
{
    const struct stack_config *c = &((const struct stack *)context)->config;
    return bus_told(c->folder, c->sinks, c->sink_count);
}

/* A replay's goes with its folder, and is read back whole before: nothing goes earlier. */
static int open_journal(struct stack *stack)
{
    const struct stack_config *c = &stack->config;
    const struct config *config = c->config;
    struct journal_limits limits = {.keep_bytes =
                                        c->live ? (uint64_t)config->journal_mib << 20u : 0,
                                    .keep_ns = c->live ? config->journal_days * NS_PER_DAY : 0,
                                    .told = told_by_all,
                                    .context = stack};
    stack->journal = journal_open(c->folder, NULL, &stack->error);
    if (!stack->journal)
        return -1;
    stack->publisher = c->wake
                           ? publisher_new(stack->loop, stack->journal, c->wake, c->wake_context)
                           : publisher_new(stack->loop, stack->journal, wake_bus, stack);
    publisher_name(stack->publisher, c->config->sensor_name);
    if (!c->wake && open_bus(stack) != 0)
        return -1;
    if (c->hold) { /* their places are saved: they begin where they stand */
        bus_free(stack->bus);
        stack->bus = NULL;
    }
    journal_limit(stack->journal, &limits); /* who is behind is known now */
    return 0;
}

int stack_tell(struct stack *stack)
{
    if (!stack->config.hold || stack->bus)
        return 0;
    return open_bus(stack);
}

/* What is durable is told as far as it can be at once; the rest when it is opened again. */
static void close_bus(struct stack *stack)
{
    if (stack->publisher)
        publisher_flush(stack->publisher, NULL);
    if (stack->bus) {
        bus_flush(stack->bus);
        bus_free(stack->bus);
    }
    publisher_free(stack->publisher);
    journal_close(stack->journal);
}

int stack_open(struct stack *stack, const struct stack_config *config)
{
    *stack = (struct stack){.config = *config};
    stack->calendar = config_calendar(config->config, &stack->error);
    if (!stack->calendar)
        return -1;
    if ((config->live || config->sink_count > 0) &&
        role_pseudonyms_asked(config->config, &stack->pseudonyms, &stack->error) != 0)
        return -1;
    stack->loop = event_loop_new(&stack->error);
    if (!stack->loop.loop || open_store(stack) != 0)
        return -1;
    return open_journal(stack) == 0 ? open_engine(stack) : -1;
}

void stack_close_engine(struct stack *stack)
{
    (stack->ends ? engine_leave : engine_free)(stack->engine);
    stack->engine = NULL;
}

void stack_close(struct stack *stack)
{
    stack_close_engine(stack);
    suffixes_free(stack->suffixes);
    networks_close(stack->networks);
    close_bus(stack);
    pseudonyms_free(stack->pseudonyms);
    if (stack->store)
        store_free(stack->store);
    if (stack->loop.loop)
        event_loop_free(stack->loop);
    calendar_free(stack->calendar);
    *stack = (struct stack){.error = stack->error};
}
