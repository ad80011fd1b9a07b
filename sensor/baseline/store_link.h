/* The connections to Redis and the commands under way on them. store.c speaks of hosts and totals,
 * this of requests and answers.
 *
 *   store_link.c      the store as one thing that is there or gone; requests, answers, time-outs
 *   store_node.c      a connection to one server
 *   store_queue.c     which request may go when, and to which server
 *   store_cluster.c   a cluster: its map of slots, redirections
 *   store_sentinel.c  sentinels: where the primary is
 *
 * The engine's thread. */
#ifndef SENSOR_BASELINE_STORE_LINK_H
#define SENSOR_BASELINE_STORE_LINK_H

#include "store_slots.h"
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

/* What a request touches, which decides what it must not overtake (store_queue.c). */
enum store_scope {
    STORE_OF_HOST,
    STORE_OF_ALL,  /* keys that all sensors share */
    STORE_OF_LIST, /* such a key, by a command that may come before and after any other */
    STORE_COPY,    /* that what was written before has a second copy */
    STORE_SCOPES
};

/* A server of the store's. Of one alone, or behind sentinels, there is one. */
struct store_node {
    struct store *store;
    redisAsyncContext *redis; /* NULL: not connected */
    char *address;            /* or a socket's path */
    uint16_t port;
    bool seed;                        /* asked for the way, no more */
    size_t pending;                   /* commands without an answer yet */
    struct wtime waiting;             /* since then nothing was answered */
    bool overdue;                     /* the time-out had passed at the last tick, too */
    bool written;                     /* since it was last asked for a second copy */
    unsigned replicas;                /* that follow it, as was last heard */
    const struct store_node *primary; /* that it follows; NULL: none, or not known */
};

struct store_overview; /* store_overview.h */

/* One command without an answer yet. `answered` gets a reply that is no error, and says whether it
 * understood it; the request is freed after. */
struct store_request {
    struct store *store; /* NULL: the store is gone, nobody is told */
    struct store_request *older, *newer;
    const char *command; /* for messages */
    char *bytes;         /* as it is sent; kept while it may have to be sent again */
    size_t size;
    struct store_node *node; /* NULL: by its slot */
    uint16_t slot;
    enum store_scope scope;
    bool asking;         /* the node takes it only with this word before it */
    bool at_once;        /* waits for nothing that was asked before */
    bool seeks;          /* sent to every seed: one answer is enough */
    bool refreshes;      /* asks for the map of slots again */
    unsigned redirected; /* so many times */
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
        void (*claimed)(void *context, const struct store_claim *claim, enum store_claimed claimed);
        void (*half)(void *context, const struct store_half *half, const char *other);
        void (*overview)(void *context, const struct store_overview *overview);
    } done;
    struct ip host;
    int64_t hour; /* or where in the audit; of a turn the clock that was sent, in ms */
    struct store_walk *walk;
    struct store_list *list;
    struct store_part *part;
    struct store_request *next_part; /* that will want what this one brings */
    bool forget;                     /* store_forget.c */
    struct store_claim claim;        /* store_elsewhere.c */
    struct store_half half;          /* likewise */
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
    struct store_node **node; /* node[0] is the one server where there is but one */
    size_t nodes;
    uint16_t *slot;       /* a cluster's: slot → its node + 1; 0: nobody has it */
    uint16_t slot_of_all; /* of the keys that all share */
    bool found;           /* its servers are known */
    bool refreshing;      /* the map of slots was asked for again */
    struct loop_watch *timer;
    struct store_request *oldest, *newest; /* that were sent */
    struct store_request *held, *held_end; /* that wait for their turn */
    struct store_request *again;           /* that a server asked to be sent again soon */
    struct loop_watch *again_timer;
    size_t under_way[STORE_SCOPES];
    size_t pending; /* all of them */
    bool *gone;     /* set when the store is freed, for who is calling out */
    char *address;  /* instead of url.host; NULL: none */
    bool ready, refuses_writes;
    int64_t copied;  /* the hour that was said to be complete with a second copy of all */
    int64_t fence;   /* a cluster's: the number of the lease that this sensor had last */
    uint32_t others; /* sensors, as was last heard: only then is it asked what they see */
    void (*heard)(void *context, const struct store_elsewhere *elsewhere);
    void *heard_context;
    uint64_t taken; /* a cluster's: what this sensor has dropped of the forgotten */
    struct store_waits waits;
    struct error refused; /* found before the loop ran; told from the loop */
    bool named;           /* this run's sign of life is in the store */
    bool clock_wrong;     /* this sensor's, which was said */
    bool namesake;        /* another sensor's was there instead, which was said */
    uint64_t odd_totals;  /* fields of open totals that no Weir wrote */
};

static inline bool store_is_cluster(const struct store *store)
{
    return store->url.kind == STORE_CLUSTER;
}

/* Begins to connect; the rest follows on the loop. */
void store_link_open(struct store *store);
/* Drops the connections and everything unanswered; nobody is told. */
void store_link_close(struct store *store);
/* The same, and `failed` is called: nothing of the store may be touched afterwards. */
void store_fail(struct store *store, const struct error *error);

struct store_request *store_request_new(struct store *store, const char *command,
                                        bool (*answered)(struct store_request *request,
                                                         const redisReply *reply),
                                        void *context);
void store_request_free(struct store_request *request);
/* Sends, or keeps it for its turn. False: there is no connection, and the request is freed. Of what
 * is kept the connection may still go, as it may for what was sent. `argv[0]` is the command. */
bool store_send(struct store_request *request, int argc, const char **argv, const size_t *size);
/* The same with words that end with a NUL. */
bool store_send_words(struct store_request *request, int argc, const char **argv);
bool store_is_ok(struct store_request *request, const redisReply *reply);

/* store_link.c, of store_node.c: the node is connected; its connection went or never came. */
void store_connected(struct store_node *node);
void store_disconnected(struct store_node *node, int code, const char *text);
void store_introduce(struct store *store); /* its servers are known: the schema is next */
/* Hands over to hiredis; false: it takes nothing more. */
bool store_node_send(struct store_node *node, struct store_request *request);

/* store_node.c */
struct store_node *store_node_add(struct store *store, const char *address, uint16_t port);
/* NULL: there is none of that place. */
struct store_node *store_node_of(const struct store *store, const char *address, uint16_t port);
/* −1: there was no way to begin. What is sent before it is connected is sent then. */
int store_node_connect(struct store_node *node, struct error *error);
void store_node_close(struct store_node *node);

/* store_queue.c. The rules stand there. */
/* Formatted; now or later. False: dropped. */
bool store_queue_take(struct store_request *request);
void store_queue_answered(struct store_request *request); /* it is under way no more */
void store_queue_pump(struct store *store);
bool store_queue_go(struct store_request *request);    /* now: to where it belongs by now */
void store_queue_again(struct store_request *request); /* in a moment */
/* All that is asked from now on goes after all that was written before has a second copy, where
 * servers have replicas; where one has not in time, the store fails. */
void store_copy(struct store *store);
void store_queue_close(struct store *store);

/* store_cluster.c */
int store_find_way(
    struct store *store); /* also to a primary behind sentinels; −1: store->refused */
void store_ask_slots(struct store_node *node);
void store_ask_primary(struct store_node *node); /* store_sentinel.c */
/* An error reply that says where to ask instead was followed: the request goes on. */
bool store_redirect(struct store_node *from, struct store_request *request, const char *text);
/* What an answer gave is the place of a server that may be connected to. */
bool store_may_connect(struct store *store, const struct slots_place *place, struct error *error);
/* A seed is of no use; the store fails when it was the last. */
void store_seed_failed(struct store_node *node, const struct error *error);
void store_drop_seeds(struct store *store); /* but those that turned out to be nodes */

/* "PREFIX:name", of a cluster "{PREFIX}:name": a key that all share. */
char *store_key(const struct store *store, const char *name, char *key);

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
/* A cluster's: the number by which this host was forgotten, beside its other keys. */
char *store_gone_key(const struct store *store, const struct ip *host, char *key);

/* An hour as text; nothing there: STORE_NO_HOUR. False: no clock shows it. */
bool store_take_hour(const redisReply *reply, int64_t *hour);
/* How often something was edited; nothing there: never. */
bool store_take_count(const redisReply *reply, uint64_t *count);

/* store_totals.c: asks for every field of a host's open hour. False: it could not be sent. */
bool store_ask_open(struct store_request *request, const struct ip *host, int64_t hour);
/* store_elsewhere.c: the answer to a put, with what others see. False: it makes no sense. */
bool store_take_elsewhere(struct store_request *request, const redisReply *reply);
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
