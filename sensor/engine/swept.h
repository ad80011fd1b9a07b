/* What outside client networks asked of inside servers, for the row about sweeps (detect/sweep.h).
 * Engine thread.
 *
 * Three tables by keyed hashes, each of two generations (recent_keys.h): items of a day, pairs of
 * server and client network, servers. Nothing of a name is here but its hash, and nothing of an
 * item but that it was met. */
#ifndef WEIR_ENGINE_SWEPT_H
#define WEIR_ENGINE_SWEPT_H

#include "recent_keys.h"
#include "weir/base/address.h"
#include "weir/detect/sweep.h"
#include "weir/record/record.h"

struct engine;
struct flow_view;

#define SWEPT_ITEMS     131072u /* distinct ones of all pairs and the day: 32 to 64 bytes each */
#define SWEPT_PAIRS     32768u
#define SWEPT_SERVERS   1024u
#define SWEPT_MOST      4096u /* of a kind that are counted, of a pair and day */
#define SWEPT_LARGEST   8u    /* networks of a server whose counts are kept */
#define SWEPT_KEPT_DAYS 90

enum swept_kind { SWEPT_ACCOUNTS, SWEPT_PROJECTS, SWEPT_REFUSED, SWEPT_KINDS };
#define SWEPT_COMPARED SWEPT_REFUSED /* the kinds before it are held against others */

struct swept_pair { /* an inside server and an outside client network */
    int64_t day;    /* of `today`, a site day */
    uint32_t today[SWEPT_KINDS];
    uint32_t own_most[SWEPT_COMPARED]; /* of days before */
    bool met[SWEPT_COMPARED];          /* it is in the server's count of networks */
    bool changed;                      /* since it was judged */
    bool told;                         /* it swept: it is no measure for others */
};

struct swept_large {
    struct ip network; /* its first address */
    int64_t day;       /* when it did so last */
    uint32_t count;    /* 0: a free place */
    uint32_t spare;
};

struct swept_server {
    struct swept_large large[SWEPT_COMPARED][SWEPT_LARGEST]; /* the largest first */
    uint32_t networks[SWEPT_COMPARED];                       /* that were met with one at least */
};

struct swept {
    struct recent_keys items, pairs, servers;
};

void swept_init(struct swept *swept);
void swept_fini(struct swept *swept);
/* Items of a valid record that `host` gave out to `remote`; its class is behind CONTENT_CLASSES. */
void swept_add(struct engine *engine, const struct ip *host, const struct ip *remote,
               const struct record_content *record);
/* The flow record that follows, after it was accounted: judges. */
void swept_flow(struct engine *engine, const struct flow_view *view);
uint64_t swept_forgotten(const struct swept *swept); /* for want of room */
/* For a restart; into an empty one. False: it is not that. */
void swept_pack(const struct swept *swept, struct buffer *out);
bool swept_unpack(struct swept *swept, struct cursor *in);

#endif
