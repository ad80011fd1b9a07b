/* One run over captures, from nothing to an answer: a private folder, a store, a loop, the engine
 * and what reads the captures, put up in that order and taken down in the other. `replay` and
 * `check -r` differ only in what they observe and print. Thread: the main thread (the engine's). */
#ifndef WEIR_COMMAND_SESSION_H
#define WEIR_COMMAND_SESSION_H

#include "inputs.h"

#include "weir/baseline/embedded.h"
#include "weir/config/config.h"
#include "weir/investigate/summary.h"
#include "weir/role/feed.h"
#include "weir/role/stack.h"

#define SESSION_RING_BYTES (8u << 20)

struct session_options {
    const struct config *config;
    const char *const *inputs; /* as named: directories too */
    size_t input_count;
    bool follow;
    const char *filter; /* -f, or NULL: capture.filter */
    const struct sink_settings *sinks;
    size_t sink_count;
    const char *baseline;      /* FILE or URL, or NULL: none; never written to */
    const char *save_baseline; /* FILE or NULL */
    const char *noise;         /* silences that hold: a noise.json, or NULL */
    bool progress;
    void (*flow)(void *context, const struct flow_view *view);
    void (*content)(void *context, const struct ip *host, const struct destination *destination,
                    const struct record_content *record);
    void *context;
};

struct session {
    struct session_options options;
    struct inputs inputs;
    char *folder; /* private; removed at the end */
    char *prefix; /* of the store's keys */
    struct embedded embedded;
    struct ring_handles ring[CONFIG_WORKERS];
    uint32_t rings;
    struct stack stack;
    struct feed *feed;
    struct fleet *fleet; /* of --baseline, until the engine takes it */
    struct loop_watch *timer, *interrupt[2];
    struct error error;
    bool interrupted;
    bool undelivered; /* a sink did not take all alerts; it was said */
    struct wtime started;
};

/* 0: judged to the end (inputs may have problems of their own:
 * session_input_problem). −1: session->error. */
int session_run(struct session *session, const struct session_options *options);
/* How many there were, once directories were read. */
size_t session_input_count(const struct session *session);
/* What the summary needs. `input` has room for session_input_count. */
void session_describe(const struct session *session, struct summary_input *input,
                      struct summary *summary);
/* The first input's problem, or NULL. */
const struct error *session_input_problem(const struct session *session);
void session_free(struct session *session);

/* baseline_io.c: both drive the loop until they are done. */
int baseline_load(struct session *session, const char *from);
int baseline_save(struct session *session, const char *path);
/* progress.c */
void progress_show(const struct session *session);
void progress_clear(void);

#endif
