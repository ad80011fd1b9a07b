/* What was closed, hour by hour: the totals of every host of a replay, to be gone through again
 * once the whole of it is known (hindsight.h). They lie in a file, packed; what is in memory is
 * where.
 *
 * Bounds: LEDGER_HOURS from the first hour to the last (beyond, ledger_finish says so and nothing
 * more is kept); 16 bytes an hour of a host and each destination's name once in memory, while it is
 * added to LEDGER_PILED_BYTES that wait (up to twice the room), and of the host that is held 40
 * bytes an hour and 16 to 32 an hour of a pair (LEDGER_HELD_PAIRS of them at most); some 8 bytes an
 * hour of a pair, and 6 for each second in which something began, in the file. Engine thread. */
#ifndef WEIR_BASELINE_LEDGER_H
#define WEIR_BASELINE_LEDGER_H

#include "weir/base/calendar.h"
#include "weir/base/cursor.h"
#include "weir/baseline/totals.h"

#define LEDGER_HOURS       (INT64_C(20) * 366 * 24)
#define LEDGER_HELD_PAIRS  (1u << 20)
#define LEDGER_PILED_BYTES ((size_t)16 << 20)

struct ledger_hour {
    int64_t hour;                 /* rising */
    uint64_t at : 63, others : 1; /* where it lies; of its total (totals.h) */
};

struct ledger_host {
    struct ip ip;
    struct ledger_hour *hour;
    size_t count, room;
};

struct ledger_pair {
    uint32_t destination; /* ledger_destination */
    uint64_t out_bytes;
};

struct ledger_sheet { /* one hour of a host; `pair` is borrowed until the next is read or held */
    uint64_t out_bytes, in_bytes, inside_bytes;
    const struct ledger_pair *pair; /* those that took something, by name; not "other" */
    size_t pairs;
};

struct ledger;
/* A new file of this name, which the ledger removes. NULL: it cannot be made. */
struct ledger *ledger_new(const char *path, struct error *error);
void ledger_free(struct ledger *ledger);
/* A closed hour; a host's come in their order. What the disk does not take is said by
 * ledger_finish. */
void ledger_add(struct ledger *ledger, const struct host_total *total);
/* Nothing more is added; from here on it can be read. −1: it is not whole. */
int ledger_finish(struct ledger *ledger, struct error *error);

size_t ledger_hosts(const struct ledger *ledger);
/* In the order in which they were first closed: by hour, then address. */
const struct ledger_host *ledger_host(const struct ledger *ledger, size_t index);
size_t ledger_destinations(const struct ledger *ledger);
const char *ledger_destination(const struct ledger *ledger, size_t index); /* its key */
/* The first and the last hour; first > last: there is none. */
void ledger_span(const struct ledger *ledger, int64_t *first, int64_t *last);
/* Reads all of this host's hours at once, for who goes through them several times; those of the one
 * before are let go. One with too many pairs is not held, and read each time. */
void ledger_hold(struct ledger *ledger, const struct ledger_host *host);
void ledger_hold_none(struct ledger *ledger); /* its room is given back */
struct ledger_sheet ledger_sheet(struct ledger *ledger, const struct ledger_host *host, size_t i);
/* The same pair by pair, with all that there is of each: how many are left is in `pairs`. */
struct ledger_reading {
    struct cursor in;
    uint64_t out_bytes, in_bytes, inside_bytes;
    size_t pairs;
};
struct ledger_part {
    uint32_t destination, flows, longest_s;
    uint64_t out_bytes, in_bytes;
    struct cursor starts; /* packed, as hour_bytes_take_starts has them */
};
struct ledger_reading ledger_read(const struct ledger *ledger, const struct ledger_host *host,
                                  size_t i);
bool ledger_read_part(const struct ledger *ledger, struct ledger_reading *reading,
                      struct ledger_part *part); /* false: that was all */
/* The same as a total of its own, with when things began: the caller's. */
struct host_total *ledger_total(struct ledger *ledger, const struct ledger_host *host, size_t i);

#endif
