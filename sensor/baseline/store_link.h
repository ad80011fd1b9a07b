/* The connection to Redis and the commands under way on it. store.c speaks of hosts and totals,
 * this of requests and answers. The engine's thread. */
#ifndef SENSOR_BASELINE_STORE_LINK_H
#define SENSOR_BASELINE_STORE_LINK_H

#include "store_url.h"
#include "weir/base/time.h"
#include "weir/baseline/store.h"
#include "weir/baseline/store_close.h"

#include <hiredis/async.h>

#define STORE_SCHEMA   2   /* of keys and values here; blobs carry their own */
#define STORE_KEY_SIZE 300 /* with a sensor's name of 200 */

struct store_walk; /* a scan over keys: several requests share one */

struct store_list { /* of an hour's hosts: handed on from one request to the next */
    void (*done)(void *context, struct ip *hosts, size_t count);
    void *context;
    struct ip *host;
    size_t count, room;
};

struct store_part; /* store_learn.c: a profile, until the sum that was asked for behind it comes */

/* One command without an answer yet. `answered` gets a reply that is no error, and says whether it
 * understood it; the request is freed after. */
struct store_request {
    struct store *store; /* NULL: the store is gone, nobody is told */
    struct store_request *older, *newer;
    const char *command; /* for messages */
    struct wtime sent;
    bool (*answered)(struct store_request *request, const redisReply *reply);
    void *context; /* with the caller's callback, below */
    union {
        void (*host)(void *context, const struct ip *host, const void *blob, size_t size);
        void (*blob)(void *context, const void *blob, size_t size);
        void (*total)(void *context, const struct ip *host, int64_t hour, struct host_total *total);
        void (*won)(void *context, const struct ip *host, bool won);
        void (*turn)(void *context, const struct store_turn *turn);
        void (*gathered)(void *context, const struct store_gathered *gathered);
        void (*put)(void *context, const struct ip *host, enum store_put put);
        void (*hour)(void *context, enum store_put put);
        void (*fleet)(void *context, const struct store_fleet *fleet);
        void (*whole)(void *context, bool won);
        void (*forgotten)(void *context, const struct store_forgotten *forgotten);
        void (*plain)(void *context);
        void (*line)(void *context, const char *line, size_t size);
    } done;
    struct ip host;
    int64_t hour; /* or where in the audit */
    struct store_walk *walk;
    struct store_list *list;
    struct store_part *part;
};

struct store {
    struct store_url url;
    char *prefix, *sensor, *vantage;
    char *token;    /* of the lease: the sensor's name and what no other run of it has */
    char *instance; /* "": its name is not claimed */
    bool read_only;
    int64_t timeout_ns, retention_s, silent_ns, wait_ns, lease_ns;
    struct loop_ref loop;
    struct store_events events;
    void *context;
    redisAsyncContext *redis; /* NULL: not connected */
    struct loop_watch *timer;
    struct store_request *oldest, *newest;
    size_t pending;
    char *address; /* instead of url.host; NULL: none */
    bool ready, refuses_writes;
    bool overdue;         /* the time-out had passed at the last tick, too */
    struct wtime waiting; /* since then nothing was answered */
    struct store_waits waits;
    struct error refused; /* found before the loop ran; told from the loop */
    bool named;           /* this run's sign of life is in the store */
    bool namesake;        /* another sensor's was there instead, which was said */
    uint64_t odd_totals;  /* fields of open totals that no Weir wrote */
};

/* Begins to connect; the rest follows on the loop. */
void store_link_open(struct store *store);
/* Drops the connection and everything unanswered; nobody is told. */
void store_link_close(struct store *store);

struct store_request *store_request_new(struct store *store, const char *command,
                                        bool (*answered)(struct store_request *request,
                                                         const redisReply *reply),
                                        void *context);
/* Sends, or drops the request when there is no connection. `argv[0]` is the command. */
void store_send(struct store_request *request, int argc, const char **argv, const size_t *size);

/* Keys, with room for STORE_KEY_SIZE. */
char *store_profile_key(const struct store *store, const struct ip *host, char *key);
char *store_open_key(const struct store *store, const struct ip *host, int64_t hour, char *key);
char *store_hour_key(const struct store *store, int64_t hour, char *key); /* its hosts */
char *store_fleet_key(const struct store *store, char *key);
char *store_closer_key(const struct store *store, char *key);
char *store_name_key(const struct store *store, char *key);
char *store_hold_key(const struct store *store, const struct ip *host, char *key);
char *store_forgotten_key(const struct store *store, char *key); /* store_forget.c */
char *store_taken_key(const struct store *store, char *key);

/* An hour as text; nothing there: STORE_NO_HOUR. False: no clock shows it. */
bool store_take_hour(const redisReply *reply, int64_t *hour);
/* How often something was edited; nothing there: never. */
bool store_take_count(const redisReply *reply, uint64_t *count);

/* store_totals.c: asks for every field of a host's open hour. */
void store_ask_open(struct store_request *request, const struct ip *host, int64_t hour);
/* The fleet's sum out of such a reply; NULL: there is none. */
struct host_total *store_sum_reply(struct store *store, const redisReply *reply,
                                   const struct ip *host, int64_t hour);

/* store_error.c: what an error reply, or a broken connection, means to the operator. True: the
 * server refuses writes only. */
bool store_error_reply(const struct store_url *url, const char *text, struct error *error);
void store_error_link(const struct store_url *url, int code, const char *text, struct error *error);

/* store_loop.c: hiredis on base/loop.h. −1: the descriptor cannot be watched. */
int store_loop_attach(redisAsyncContext *redis, struct loop_ref loop);

/* store_close.c */
void store_list_free(struct store_list *list);

/* store_walk.c. Of a host whose profile is gone: its open totals, its name in the lists of hours.
 */
void store_walk_host(struct store *store, const struct ip *host,
                     void (*done)(void *context, bool removed), void *context);
void store_walk_release(struct store_walk *walk);

#endif
