/* Closing an hour once for all sensors of one Redis (docs/redis.md has the keys and every crash
 * point). Callbacks and their order as in store.h.
 *
 * Whoever has the lease closes: it gathers each host of the hour (the profile as it was before the
 * hour, and the fleet's sum), puts what it learned, and at last the fleet's tables with the hour.
 * Only with that is the hour closed; before, whoever comes begins it again, from the profiles
 * before. All writes of a closer are refused once another one has the lease. */
#ifndef WEIR_BASELINE_STORE_CLOSE_H
#define WEIR_BASELINE_STORE_CLOSE_H

#include "weir/baseline/store.h"

#define STORE_NO_HOUR INT64_MIN
#define STORE_HOURS_KEPT                                                                           \
    168                    /* open totals expire after so many: older hours are not looked for     \
                            */
#define STORE_LISTS_KEPT 6 /* the list of a closed hour's hosts is kept for so many hours */
#define STORE_SILENT_NS  (3 * NS_PER_MIN)  /* a sensor without a sign of life is not waited for */
#define STORE_WAIT_NS    (10 * NS_PER_MIN) /* nor is one that lives but does not get on */
#define STORE_LEASE_NS   (15 * NS_PER_S)   /* unless it is renewed */

/* Where the fleet stands, by the server's clock. */
struct store_turn {
    int64_t closed;  /* the last hour that is closed for all; STORE_NO_HOUR: none is */
    int64_t before;  /* what this sensor had said it is complete through, before this call */
    int64_t hour;    /* granted: the hour to close next */
    bool granted;    /* this sensor has the lease */
    uint64_t edits;  /* changes of the fleet's tables by others than closers */
    bool forgets;    /* there is something that this sensor has to forget (store_read_forgotten) */
    uint32_t waited; /* sensors that are not complete and are waited for */
    uint32_t passed; /* … that are not waited for any more */
    uint32_t others; /* sensors besides this one that gave a sign of life lately */
};

/* Says that this sensor's totals through `complete` are written and final (STORE_NO_HOUR: it is
 * there), and asks where the fleet stands. `want`: the lease, when all are complete. */
void store_ask_turn(struct store *store, int64_t complete, bool want,
                    void (*done)(void *context, const struct store_turn *turn), void *context);
/* A sign of life, no answer. */
void store_say_alive(struct store *store, int64_t complete);
/* Further time with the lease, for a closer that has much to do. */
void store_keep_lease(struct store *store);

/* The hosts with totals in an hour, sorted; the array is the callback's (free). */
void store_list_hour(struct store *store, int64_t hour,
                     void (*done)(void *context, struct ip *hosts, size_t count), void *context);

/* A profile to be learned from or to be taken. `blob` is borrowed; NULL with !same: there is none.
 */
struct store_gathered {
    struct ip host;
    int64_t closed; /* the blob's last closed hour; STORE_NO_HOUR: there is none */
    uint64_t edits; /* changes of the blob by others than closers (governance) */
    bool same;      /* as the caller has it: the blob is not sent */
    const void *blob;
    size_t size;
    struct host_total *sum; /* the callback's (host_total_free); NULL: nothing is known */
};
/* The profile as it was before `hour` with the hour's sum; STORE_NO_HOUR: as it is, without a sum.
 * `have`, `edits`: of the copy that the caller has (STORE_NO_HOUR: none). */
void store_gather(struct store *store, const struct ip *host, int64_t hour, int64_t have,
                  uint64_t edits,
                  void (*done)(void *context, const struct store_gathered *gathered),
                  void *context);

enum store_put {
    STORE_PUT,
    STORE_PUT_CHANGED, /* somebody changed it meanwhile: nothing was written */
    STORE_PUT_LOST     /* another sensor has the lease: nothing was written */
};
struct store_learned {
    struct ip host;
    int64_t base; /* gathered.closed */
    uint64_t edits;
    int64_t hour;
    const void *blob;
    size_t size;
};
void store_put_learned(struct store *store, const struct store_learned *learned,
                       void (*done)(void *context, const struct ip *host, enum store_put put),
                       void *context);
/* Closes the hour: the tables are those after it. `before`: the last closed hour; `edits`: of the
 * tables that it grew from (STORE_PUT_CHANGED: people changed them since). An empty blob leaves the
 * tables as they are. */
void store_close_hour(struct store *store, int64_t before, uint64_t edits, int64_t hour,
                      const void *blob, size_t size,
                      void (*done)(void *context, enum store_put put), void *context);
/* The tables, and the hour they are closed through. */
void store_read_fleet(struct store *store,
                      void (*done)(void *context, const struct store_fleet *fleet), void *context);
/* Of a closed hour: what a closer kept of the host in case it died. `done` may be NULL. */
void store_clean_hour(struct store *store, const struct ip *host, int64_t hour,
                      void (*done)(void *context), void *context);

#endif
