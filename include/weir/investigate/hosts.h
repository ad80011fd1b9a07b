/* What each inside host sent in this run, for the ranking "look here first" and for what was not
 * judged. Fed by the engine's flow views. Bounds: HOSTS_MAX hosts, HOSTS_DESTINATIONS destinations
 * a host, PREFIXES_MAX prefixes of traffic with neither side inside; what does not fit is summed
 * and counted; and 16 bytes for each host that the engine numbers (baseline.max_hosts). Engine
 * thread. */
#ifndef WEIR_INVESTIGATE_HOSTS_H
#define WEIR_INVESTIGATE_HOSTS_H

#include "weir/base/map.h"
#include "weir/engine/engine.h"

#define HOSTS_MAX          65536
#define HOSTS_DESTINATIONS 1024
#define PREFIXES_MAX       16384
#define HOSTS_ITEMS_BYTES  (UINT64_C(256) << 20) /* of sets of counted items, see union.h */

struct host_sum {
    struct ip host;
    struct volume out;
    uint64_t in_bytes, flows;
    struct volume service_out[SERVICES];
    struct map destinations; /* that anything was sent to: destination key → destination_sum */
};

struct destination_sum {
    struct volume out;
    char key[]; /* "client|domain|example.jp": the map's */
};
const char *destination_sum_name(const struct destination_sum *sum); /* the key's last part */

struct host_content {
    struct counter counter;
    struct counted counted; /* what left it in clear */
    bool gaps;              /* at least: some of what it sent beside was not seen */
};

#define LASTING_KEPT 16

struct lasting_flow { /* that ended, with an inside host */
    struct flow_key key;
    struct ip host, remote;
    uint16_t remote_port; /* 0: has none */
    int64_t start_ns, last_ns;
    uint64_t out_bytes;
};

#define HOSTS_FOUND 32768 /* 768 KiB, once the first pair is numbered */

struct pair_sums { /* of the pair of host and destination that an engine numbered so */
    uint64_t pair; /* 0: none */
    struct host_sum *host;
    struct destination_sum *destination; /* NULL: nothing was sent there yet */
};

struct hosts {          /* of the flows of one engine */
    struct map map;     /* struct ip → struct host_sum */
    struct map hidden;  /* struct ip → uint64_t bytes: see hosts_hidden */
    struct map outside; /* struct prefix → uint64_t bytes: neither side inside */
    struct map content; /* struct ip → struct host_content */
    struct pair_sums
        *found; /* HOSTS_FOUND of them, by their number; the later one takes the place */
    struct host_sum **numbered; /* by the engine's number of the host; NULL: not met yet */
    size_t numbered_room;
    struct union_budget budget;
    struct lasting_flow lasting[LASTING_KEPT]; /* the longest, longest first */
    size_t lasting_count;
    uint64_t overflow; /* additions that found no room */
    struct volume out; /* of all hosts */
    struct volume service_out[SERVICES];
};

struct hosts *hosts_new(void);
void hosts_free(struct hosts *hosts);
void hosts_add_content(struct hosts *hosts, const struct ip *host,
                       const struct record_content *record);
/* What was counted of a host; NULL: nothing. */
const struct host_content *hosts_content_of(const struct hosts *hosts, const struct ip *host);
void hosts_add_flow(struct hosts *hosts, const struct flow_view *view);

/* A ranking, not a finding: bytes sent, each destination's divided by the number of hosts that use
 * it, times (1 + PCR)/2, where PCR = (out − in)/(out + in). */
struct ranked {
    const struct host_sum *host;
    double weight, pcr;
    const struct destination_sum *top; /* the destination that weighs most */
    uint32_t top_hosts;                /* that use it */
};
/* The first `room` hosts with at least 64 KiB out; heaviest first. */
size_t hosts_rank(const struct hosts *hosts, struct ranked *ranked, size_t room);

/* Inside addresses that were never worth a profile, because nothing of theirs was seen, while their
 * peers acknowledged bytes of them: an asymmetric capture, or somebody's invention. Most first. */
struct hidden {
    struct ip host;
    uint64_t high; /* bytes at most; none of them was seen */
};
size_t hosts_hidden(const struct hosts *hosts, struct hidden *hidden, size_t room);

/* lasting.c: of a record that ends a flow. */
void hosts_add_lasting(struct hosts *hosts, const struct flow_view *view);
/* How many of `hosts->lasting` were open for nine tenths of this span, and for five minutes. */
size_t hosts_lasting(const struct hosts *hosts, struct ptime first, struct ptime last);

/* Largest prefixes (/16, /32) with neither side inside. */
struct prefix_sum {
    struct prefix prefix;
    uint64_t bytes;
};
size_t hosts_outside(const struct hosts *hosts, struct prefix_sum *sum, size_t room);

#endif
