/* The memory in Redis, through hiredis' asynchronous API on the engine's loop. One code path for
 * the private server and the operator's. All answers come as callbacks on the loop's thread, in the
 * order of the calls.
 *
 * Every call is answered once, unless the connection goes or the store is freed: then it is not
 * answered at all, and `failed` says so for all of them.
 *
 * Keys (PREFIX is "weir", or "weir-replay-…" for a replay that was given a server: it never touches
 * what lives there, and removes its own keys at the end). All of a host share a hash tag; HOST is
 * the address as text. docs/redis.md has fields, sizes, times to live and who writes when.
 *
 *   PREFIX:schema            the schema's number; a newer one is refused
 *   PREFIX:{HOST}:open:HOUR  hash: "VANTAGE|SENSOR|DESTINATION KEY" → six numbers as text (out
 *                            value, low, high, in, flows, longest
 *                            connection in s), each applied as a maximum, then the
 *                            starts (starts.h), applied as a union
 *   PREFIX:{HOST}:profile    hash: "blob", the packed profile, and "closed", its last closed hour,
 *                            which the blob is set by (compare-and-set)
 *   PREFIX:{HOST}:hold       why nothing of this host may be removed
 *   PREFIX:{HOST}:claim:DAY:SIDE:DESTINATION, PREFIX:{HOST}:told:…   store_claim
 *   PREFIX:{HOST}:half:FLOW  hash: sensor → which way it sees that flow   store_put_half
 *   PREFIX:hour:HOUR         set: hosts with open totals
 *   PREFIX:sensors           hash: sensor → the hour it is complete through, its last sign of life
 *   PREFIX:fleet             hash: "blob", the packed fleet tables, "closed", their last closed
 *                            hour
 *   PREFIX:name:SENSOR       the installation that has this name
 *   PREFIX:closer            the lease of the sensor that closes an hour
 *   PREFIX:forgets           how many hosts were forgotten
 *   PREFIX:forgotten         hash: host → number, time: what a sensor still has to drop
 *   PREFIX:taken             hash: sensor → the number it has dropped everything through
 *   PREFIX:audit             list: what people changed, a line of JSON each, only ever appended to
 */
#ifndef WEIR_BASELINE_STORE_H
#define WEIR_BASELINE_STORE_H

#include "weir/base/loop.h"
#include "weir/baseline/fleet.h"

struct store_config {
    /* unix:/path | redis://[[user]:password@]host[:port][/db] |
     * redis-cluster://[[user]:password@]host[:port],… | redis-sentinel://…host[:port],…/NAME[/db],
     * each of the last two with ?ports=PORT,… at which further nodes may be */
    const char *url;
    const char *prefix;
    const char *sensor, *vantage; /* no "|" in them; vantage NULL: the sensor's own */
    bool read_only;     /* --baseline URL: loads only; putting anything is the caller's mistake */
    int64_t timeout_ns; /* wall time; 0: 5 s */
    /* Where to connect to instead of the URL's hosts (store_place_of), from behind walls where no
     * name can be looked up. NULL: the URL's hosts; "": none was found, which is told. */
    const char *address;
    /* Profiles that nothing changed for so long expire; 0: 400 days. */
    int64_t retention_s;
    /* Of which installation this sensor is: its name is then its own alone, until it was silent for
     * silent_ns; another one of that name is refused writes, saying so. NULL: nothing is claimed.
     */
    const char *instance;
    int64_t silent_ns, wait_ns, lease_ns; /* store_close.h: STORE_…_NS; 0: those */
};

struct store_events {
    void (*ready)(void *context);
    /* One line, by name. Before ready, and when the connection is lost or the server is silent for
     * timeout_ns: once, then nothing more is called and all that is left to do is store_free. After
     * ready also for each command the server refuses (full, read-only, …), which is then not
     * answered; the connection stays (store_is_lost tells the one from the other). What a refused
     * or lost store_put_open carried counts as written no more: mark the pairs changed again
     * (totals are absolute, so putting them twice changes nothing). */
    void (*failed)(void *context, const struct error *error);
};

#define STORE_PLACE_PORTS 48
struct store_place {         /* where a URL's servers are, for who will not be able to look */
    bool unix_socket, named; /* named: by a name, which may come to mean another address */
    int family;              /* AF_UNIX, AF_INET, AF_INET6; 0: no name was found */
    uint16_t port[STORE_PLACE_PORTS]; /* those that may be connected to */
    size_t ports;
    char address[1024]; /* as text, of several servers parted by commas; "" of a unix socket */
};

struct store;
/* Begins to connect; `ready` or `failed` follows within `timeout_ns` of wall time (default 5 s).
 * NULL and an error when the URL makes no sense (ERROR_USAGE), naming what is supported; rediss://
 * is refused with what to do instead. */
struct store *store_open(const struct store_config *config, struct loop_ref loop,
                         const struct store_events *events, void *context, struct error *error);
/* Whether store_open would take this URL at all; nothing is connected. 0, or -1 and the same error.
 */
int store_check_url(const char *url, struct error *error);
/* Looks the host of a URL up, which may take the resolver's time. −1: the URL makes no sense, or
 * the name is not found (family 0). */
int store_place_of(const char *text, struct store_place *place, struct error *error);
/* In `failed`: the connection is gone, or never came. */
bool store_is_lost(const struct store *store);
/* In `failed`: the server is there, and refuses writes only (full, a replica, no disk, …). */
bool store_refuses_writes(const struct store *store);
void store_free(struct store *store);            /* drops what is unanswered */
size_t store_pending(const struct store *store); /* commands without an answer yet */

/* How long commands waited for their answers, on wall time, since store_open; errors count, what
 * was lost with its connection does not. */
#define STORE_WAITS 6
extern const int64_t store_wait_ns[STORE_WAITS]; /* rising bounds, each inclusive */
struct store_waits {
    uint64_t answers[STORE_WAITS + 1]; /* longer than the bound before; the last: than them all */
    uint64_t sum_ns;
};
const struct store_waits *store_waits_of(const struct store *store);

/* blob NULL: there is none. Borrowed during the call. */
void store_load_profile(struct store *store, const struct ip *host,
                        void (*done)(void *context, const struct ip *host, const void *blob,
                                     size_t size),
                        void *context);
void store_load_fleet(struct store *store,
                      void (*done)(void *context, const void *blob, size_t size), void *context);
/* Writes the changed pairs of an open hour; clears their `changed`. */
void store_put_open(struct store *store, struct host_total *total);
/* What the answer to store_put_open says of other sensors, while there are others (store_ask_turn
 * tells): of the host's hour, and of the destinations that were written and that others saw, too.
 */
struct store_share {
    const char *key; /* of the destination, borrowed */
    size_t size;
    struct elsewhere elsewhere;
    const char *seen_by; /* seen.h's text, borrowed; "": of none */
};
struct store_elsewhere {
    struct ip host;
    int64_t hour;
    struct elsewhere all;
    const char *seen_by; /* … of all destinations */
    const struct store_share *share;
    size_t count;
};
void store_hear_elsewhere(struct store *store,
                          void (*heard)(void *context, const struct store_elsewhere *elsewhere),
                          void *context);
/* Who of several sensors tells what one side of a host's evidence comes to on a site day: the first
 * who asks, for `ttl_ns` (then who asks next), and again whenever that one asks, or who knows so
 * much more that one sensor alone would tell it twice (STORE_CLAIM_FACTOR). That it was told (of
 * several who did, by who knew most) is kept for `ttl_ns` beside the claim, whoever claims more
 * then. `done` may be NULL, and gets what was asked; its `e` is how much was told, where it was. */
#define STORE_CLAIM_FACTOR "1.3" /* SILENT_FACTOR */
struct store_claim {
    struct ip host;
    int64_t day;
    unsigned side;
    uint64_t destination; /* its hash; 0: the host as a whole */
    double e;
    bool told; /* else it is to be told */
};
enum store_claimed { STORE_CLAIM_OTHERS, STORE_CLAIM_MINE, STORE_CLAIM_TOLD /* by another */ };
void store_claim(struct store *store, const struct store_claim *claim, int64_t ttl_ns,
                 void (*done)(void *context, const struct store_claim *claim,
                              enum store_claimed claimed),
                 void *context);
bool store_has_others(const struct store *store); /* sensors, as was last heard */
/* A flow of which this sensor sees one direction: it is said for `ttl_ns`, and who said that it
 * sees the other one is told, "" when nobody has. Asking again changes nothing. Of a flow so many
 * sensors are kept; of further ones nothing is written. */
#define STORE_HALF_SENSORS 16
struct store_half {
    struct ip host; /* the inside address */
    uint64_t flow;  /* a hash of its Community ID */
    bool out;       /* what is seen is what the host sends */
};
void store_put_half(struct store *store, const struct store_half *half, int64_t ttl_ns,
                    void (*done)(void *context, const struct store_half *half, const char *other),
                    void *context);
/* The fleet's sum of a host's hour: maximum inside a vantage, sum across vantages. `total` is the
 * callback's to keep (free with host_total_free) and NULL when the hour is not known. */
void store_sum_open(struct store *store, const struct ip *host, int64_t hour,
                    void (*done)(void *context, const struct ip *host, int64_t hour,
                                 struct host_total *total),
                    void *context);
/* The same of this sensor's own fields only: what it had said before. */
void store_own_open(struct store *store, const struct ip *host, int64_t hour,
                    void (*done)(void *context, const struct ip *host, int64_t hour,
                                 struct host_total *total),
                    void *context);
/* Sets the profile when the stored one's last_closed_hour is `expected` (INT64_MIN: there is none).
 * `done` may be NULL; won is false when another sensor was first. */
void store_put_profile(struct store *store, const struct ip *host, int64_t expected,
                       int64_t last_closed_hour, const void *blob, size_t size,
                       void (*done)(void *context, const struct ip *host, bool won), void *context);
/* Every profile that is stored (SCAN, sorted by address), for export. `done` with host NULL ends.
 */
void store_each_profile(struct store *store,
                        void (*each)(void *context, const struct ip *host, const void *blob,
                                     size_t size),
                        void *context);
/* --- governing (store_govern.c): what people change. The audit's line goes before the change. */
void store_put_audit(struct store *store, const char *line);
/* Oldest first; line NULL ends. The store must not be freed in it before that. */
void store_each_audit(struct store *store,
                      void (*each)(void *context, const char *line, size_t size), void *context);
/* Sets the profile when the stored one is still the one that was `read`, to the byte: neither an
 * hour nor somebody else's change came in between. `read` NULL: whatever is stored, unless it is
 * under hold. `done` may be NULL. Closers see that it was edited. */
void store_replace_profile(struct store *store, const struct ip *host, const void *read,
                           size_t read_size, int64_t last_closed_hour, const void *blob,
                           size_t size,
                           void (*done)(void *context, const struct ip *host, bool won),
                           void *context);
/* The fleet's tables, where they are still as `read` says (NULL: whatever stands there). Closers
 * see that they were edited, and begin from these. `done` may be NULL. Sensors use
 * store_close_hour. */
struct store_fleet {
    int64_t closed; /* the last hour that is in them; INT64_MIN: none is */
    uint64_t edits; /* changes by others than closers */
    const void *blob;
    size_t size;
};
void store_put_fleet(struct store *store, const struct store_fleet *read, const void *blob,
                     size_t size, void (*done)(void *context, bool won), void *context);
/* A hold: nothing of the host may be removed, and why; NULL releases, or says that there is none.
 */
void store_put_hold(struct store *store, const struct ip *host, const char *why);
void store_load_hold(struct store *store, const struct ip *host,
                     void (*done)(void *context, const void *why, size_t size), void *context);
/* A host's profile, its open totals of any hour, its claims, its name in the lists of hours.
 * `forget`: other sensors are told to drop what they have of it, and until they did they write
 * nothing of it. `removed` false: it is under hold, and left as it is. */
void store_remove_host(struct store *store, const struct ip *host, bool forget,
                       void (*done)(void *context, bool removed), void *context);
/* What is to be forgotten and was not taken by this sensor yet. `host` is borrowed. */
struct store_forgotten {
    uint64_t number; /* for store_took_forgotten */
    struct ip *host;
    size_t count;
};
void store_read_forgotten(struct store *store,
                          void (*done)(void *context, const struct store_forgotten *forgotten),
                          void *context);
/* This sensor has nothing left of them, also when it is killed now. */
void store_took_forgotten(struct store *store, uint64_t number);

/* Removes every key under the prefix (only ever called for a replay's own prefix). */
void store_clear(struct store *store, void (*done)(void *context), void *context);

#endif
