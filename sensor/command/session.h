/* One run over captures, from nothing to an answer: a private folder, a store, a loop, the engine
 * and what reads the captures, put up in that order and taken down in the other. `replay` and
 * `check -r` differ only in what they observe and print. Thread: the main thread (the engine's). */
#ifndef WEIR_COMMAND_SESSION_H
#define WEIR_COMMAND_SESSION_H

#include "inputs.h"

#include "weir/baseline/embedded.h"
#include "weir/baseline/hindsight.h"
#include "weir/config/config.h"
#include "weir/investigate/summary.h"
#include "weir/role/feed.h"
#include "weir/role/stack.h"

#define SESSION_RING_BYTES   (8u << 20)
#define SESSION_LOOK_BACK_NS (2 * NS_PER_DAY) /* more than this is judged in hindsight */

struct session_options {
    const struct config *config;
    const char *const *inputs; /* as named: directories too */
    size_t input_count;
    bool follow;
    int64_t live_ns;    /* 0: replay; else the configuration's interfaces are watched for so long */
    const char *filter; /* -f, or NULL: capture.filter */
    struct capture_times times;
    struct engine_told told; /* what of what is found is told */
    const struct sink_settings *sinks;
    size_t sink_count;
    const char *baseline;      /* FILE or URL, or NULL: none; never written to */
    const char *save_baseline; /* FILE or NULL */
    const char *noise;         /* silences that hold: a noise.json, or NULL */
    bool online;               /* as a live sensor would have told it, however long it is */
    struct ptime whole_until;  /* engine.h */
    /* Made before, of more than these inputs: it is judged by, and nothing is learned. Its fleet
     * goes to the engine. It outlives the session. */
    struct hindsight *hindsight;
    struct fleet *fleet;
    bool progress;
    /* Instead of that line, now and then; or NULL. */
    void (*progressed)(void *context, const struct feed_progress *progress);
    /* What was observed so far is void: all is judged again from the beginning. */
    void (*again)(void *context);
    void (*flow)(void *context, const struct flow_view *view);
    void (*content)(void *context, const struct ip *host, const struct destination *destination,
                    const struct record_content *record);
    /* As engine_observer has it, or NULL. */
    void (*withheld)(void *context, const struct story *story, const char *detector,
                     const struct rule_exception *exception);
    void (*closed)(void *context, const struct host_total *total);
    void (*alert)(void *context, const struct incident *incident, const struct alert *alert);
    void *context;
};

struct session {
    struct session_options options;
    struct inputs inputs;
    char *folder;                /* private; removed at the end */
    char *journal_folder;        /* in it; NULL: it itself */
    char *prefix;                /* of the store's keys */
    struct ledger *ledger;       /* look_back.c */
    struct tape *tape;           /* … NULL: the inputs are to be read again, if they can be */
    struct engine_counts before; /* … of the engine that put it */
    bool observed;               /* … which told of all flows: they are told once */
    bool again;                  /* … what was read is judged a second time */
    struct ptime until; /* … and no further: an interrupt ended the first; PTIME_MAX: all */
    struct hindsight *hindsight;
    uint8_t (*digest)[SHA256_SIZE]; /* of the inputs as they were read first */
    const char *why_online; /* … though no baseline is given; NULL: it is not, or was asked for */
    struct error changed;   /* an input, between two readings */
    struct error cut;       /* all was read; an interrupt ended the judging of it */
    struct embedded embedded;
    struct ring_handles ring[CONFIG_WORKERS];
    uint32_t rings;
    struct stack stack;
    struct feed *feed;
    struct fleet *fleet; /* of --baseline, until the engine takes it */
    struct loop_watch *timer, *deadline, *interrupt[2];
    struct error error;
    bool interrupted;
    bool asked_to_end; /* … between two readings: the next interrupt leaves at once */
    bool undelivered;  /* a sink did not take all alerts; it was said */
    struct wtime started;
};

/* 0: judged to the end (inputs may have problems of their own:
 * session_input_problem). −1: session->error. */
int session_run(struct session *session, const struct session_options *options);
/* What was read, as far as it came, also when session_run failed; count 0: nothing. */
const struct capture_input *session_inputs(const struct session *session, size_t *count);
/* How many there were, once directories were read. */
size_t session_input_count(const struct session *session);
/* What the summary needs. `input` has room for session_input_count. */
void session_describe(const struct session *session, struct summary_input *input,
                      struct summary *summary);
/* The first input's problem, or NULL. */
const struct error *session_input_problem(const struct session *session);
void session_free(struct session *session);

/* One reading: what is judged is judged to the end. `hold`: nothing is told yet. */
int session_read(struct session *session, bool hold);
void session_end_reading(struct session *session);
/* Before it, where another reading follows. */
void session_between_readings(struct session *session);

/* look_back.c: whether what is read now may be judged again, in hindsight; whether it is to be (the
 * hindsight is made, if it can be), and then that. */
bool look_back_prepare(struct session *session);
bool look_back_is_due(struct session *session);
int look_back(struct session *session);
void look_back_fini(struct session *session);
void look_back_note(void *context, const struct host_total *total);
void look_back_stop(struct session *session, const struct flow_view *view);
bool look_back_has_tape(const struct session *session); /* its second reading is of a tape */
void look_back_interrupt(struct session *session);      /* … which ends here */
void look_back_progress(const struct session *session, struct feed_progress *progress);

/* baseline_io.c: both drive the loop until they are done. */
int baseline_load(struct session *session, const char *from);
int baseline_save(struct session *session, const char *path);
/* progress.c */
void progress_show(const struct session *session);
void progress_clear(void);

#endif
