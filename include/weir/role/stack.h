/* What the engine stands on, put up in one order and taken down in the other: the store, the
 * journal, the bus (unless a courier has it), the calendar, the suffix list, the networks, then the
 * engine itself. A replay and the engine's process differ in where things are kept, in who fills
 * the rings, and in that a live engine connects to the store itself, again and again, while a
 * replay cannot do without. Thread: the engine's. */
#ifndef WEIR_ROLE_STACK_H
#define WEIR_ROLE_STACK_H

#include "weir/bus/publisher.h"
#include "weir/config/config.h"
#include "weir/engine/engine.h"
#include "weir/role/pseudonyms.h"
#include "weir/role/state.h"

struct stack_config {
    const struct config *config; /* borrowed while the stack stands */
    const char *folder;          /* of the journal and the sinks' places */
    const char *noise;           /* a replay: silences that hold, a file; NULL: none */
    const char *redis_url, *prefix;
    const char *redis_address;         /* live: as store_config has it */
    const char *vantage;               /* NULL: the sensor's own */
    const struct hash_key *key;        /* as engine_config has it */
    const struct sink_settings *sinks; /* of a bus in this process, or of the courier */
    size_t sink_count;
    bool sinks_again; /* they were open before: one that cannot be opened now is tried again */
    /* Given: the sinks are another process's (the courier's), which this wakes; it must not wait.
     */
    void (*wake)(void *context);
    void *wake_context;
    const struct ring_handles *rings;
    size_t ring_count;
    uint32_t workers;            /* whose rings come later (live), or whose records are on a tape */
    bool live;                   /* what was left in `folder` goes on; workers may be replaced */
    bool sensor_starts;          /* live: as engine_config has it */
    int64_t heartbeat_ns;        /* live: of packet time */
    struct hindsight *hindsight; /* a replay's; as engine_config has it */
    struct engine_told told;     /* likewise */
    bool keep_profiles;          /* likewise */
    struct ptime whole_until;    /* likewise */
    int64_t judged_ns;           /* likewise */
    struct tape *tape;           /* likewise */
    const struct engine_counts *before; /* likewise */
    bool observed;                      /* likewise */
    /* A replay: the sinks are opened to see that they can be, and told nothing before stack_tell.
     */
    bool hold;
    struct engine_observer observer; /* `done` is told after the stack knows it */
};

struct stack {
    struct stack_config config;
    struct loop_ref loop;
    struct store_config reach; /* live */
    char instance[STATE_INSTANCE_SIZE];
    struct store *store; /* a replay's */
    struct journal *journal;
    struct pseudonyms *pseudonyms; /* of what is told here; NULL: privacy.pseudonyms is false */
    struct publisher *publisher;
    struct bus *bus; /* NULL: a courier has the sinks */
    struct calendar *calendar;
    struct suffixes *suffixes;
    struct networks *networks; /* NULL: none is configured */
    struct engine *engine;
    struct error error; /* the first */
    bool store_ready;
    bool ends; /* the process, once this is closed: see engine_leave */
};

/* Drives the loop until the store answers, or, live, could not be reached at the first try. 0:
 * everything stands, nothing is consumed yet (engine_begin). −1: stack->error. stack_close either
 * way. */
int stack_open(struct stack *stack, const struct stack_config *config);
/* Runs the loop until `*done` or an error. */
int stack_wait(struct stack *stack, const bool *done);
/* Whoever was held is told all there is. −1: stack->error. */
int stack_tell(struct stack *stack);
void stack_close_engine(struct stack *stack); /* before the store is asked for more */
void stack_close(struct stack *stack);

#endif
