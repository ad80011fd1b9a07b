/* Zones and conduits (IEC 62443-3-2): parts of the site, and what may pass between them.
 *
 * A zone is a set of prefixes with a level (Purdue's); an address belongs to the zone of its
 * longest prefix. It is observed at first: what passes its border is gathered (engine/zoned.h) and
 * nothing is said of it. Once it is locked, what no conduit allows is told, from its first packet
 * and without any past. A conduit lets a protocol pass from one zone to another: who opens, on
 * which port, whether it may write, who may, and by which functions.
 *
 * Bounds: ZONES_MAX, CONDUITS_MAX; beyond them the configuration is refused. Read-only once made:
 * any thread may ask. */
#ifndef WEIR_DETECT_ZONES_H
#define WEIR_DETECT_ZONES_H

#include "weir/base/address.h"
#include "weir/base/buffer.h"
#include "weir/base/error.h"
#include "weir/record/function.h"
#include "weir/record/record.h"

#define ZONES_MAX       64u
#define ZONE_NAME_SIZE  33u
#define CONDUITS_MAX    2048u
#define CONDUIT_WRITERS 16u

enum zone_state { ZONE_OBSERVE, ZONE_LOCKED, ZONE_STATES };
extern const char *const zone_state_name[ZONE_STATES]; /* "observe", "locked" */

struct zone {
    char name[ZONE_NAME_SIZE];
    uint8_t level; /* Purdue's, in tenths: 35 is 3.5 */
    enum zone_state state;
    struct prefix_set nets;
};

/* Where an end of a flow is: the index of a zone, or one of these. */
enum zone_end {
    ZONE_INSIDE = ZONES_MAX, /* of the site, in no zone */
    ZONE_OUTSIDE,
    ZONE_ANY, /* only conduits say so */
    ZONE_ENDS
};

enum conduit_access { CONDUIT_READ, CONDUIT_WRITE /* reads too */ };

struct conduit {
    uint8_t from, to;               /* ends; `from` opens */
    bool both;                      /* … or `to` does */
    uint8_t proto;                  /* IP protocol; 0: any */
    uint8_t service;                /* enum service; SERVICE_NONE: any */
    uint16_t port_first, port_last; /* of whoever is opened to */
    enum conduit_access access;
    struct ip writer[CONDUIT_WRITERS]; /* who may write; none listed: whoever opens */
    size_t writer_count;
    struct function_set functions; /* that may be asked for; none listed: any */
    bool functions_locked;         /* what else is asked for is a fault, else drift */
    bool signed_off;
    int line;      /* of the file */
    uint16_t next; /* zones.c: of the same ends, + 1 */
};

/* Whether it has a list, and what that does not have is a fault. */
static inline bool conduit_is_list_locked(const struct conduit *conduit)
{
    return conduit->functions.count > 0 && conduit->functions_locked;
}

struct net_table;
struct zones {
    struct zone zone[ZONES_MAX];
    size_t zone_count;
    struct conduit *conduit;
    size_t conduit_count;
    /* for zones*.c */
    struct net_table *table;              /* prefix → zone */
    uint16_t first[ZONE_ENDS][ZONE_ENDS]; /* of a pair's conduits, + 1; 0: none */
};

struct zones *zones_new(void);
void zones_free(struct zones *zones); /* NULL too */
/* The new zone; NULL and an error without a place: no good name, there already, too many. */
struct zone *zones_add(struct zones *zones, const char *name, struct error *error);
/* −1: it is another zone's already; the error names it. */
int zones_add_net(struct zones *zones, struct zone *zone, const struct prefix *prefix,
                  struct error *error);
/* The conduits of a file, in the place of those before. −1 and "FILE:line:column: what is wrong,
 * what was expected". */
int zones_load_conduits(struct zones *zones, const char *name, const char *text, size_t size,
                        struct error *error);

/* `inside`: whether the address is one of the site, for one in no zone. */
unsigned zones_end(const struct zones *zones, const struct ip *ip, bool inside);
const struct zone *zones_get(const struct zones *zones, unsigned end); /* NULL: it is no zone */
const char *zones_end_name(const struct zones *zones, unsigned end);   /* "inside", "any", … */
int zones_find(const struct zones *zones, const char *name); /* an end by its name; −1: none */
char *zone_level_text(uint8_t level, char text[8]);          /* "3.5" */

/* What is asked about: a flow so far. */
struct zone_flow {
    uint8_t from, to; /* where `orig` and `resp` are */
    struct ip orig, resp;
    uint16_t orig_port, resp_port; /* 0: the protocol has none */
    uint8_t proto;
    enum service service;
    uint32_t reads, writes;
    struct function_set functions; /* that were asked for, as far as headers tell */
    uint64_t payload_bytes[SIDES];
    bool certain; /* it is known who opened, not guessed */
    bool ended;   /* it came to an end of its own, and nothing of it is missing */
};
/* Payload by which it is judged: none while it may be a beginning. */
uint64_t zone_flow_said(const struct zone_flow *flow);
/* True while too little was said to know that nothing of a known protocol is. */
bool zone_flow_is_young(const struct zone_flow *flow);
/* The same flow as if the other side had opened it. */
struct zone_flow zone_flow_turned(const struct zone_flow *flow);

enum zone_fault { /* the mildest of what each conduit has against it */
                  ZONE_ALLOWED,
                  ZONE_DRIFT,    /* allowed; a function that is listed only to be observed is new */
                  ZONE_FUNCTION, /* asked for a function that is not listed */
                  ZONE_WRITER,   /* may be written, but not by this host */
                  ZONE_WRITE,    /* may only be read */
                  ZONE_OTHER_PROTOCOL, /* its port, and another protocol on it */
                  ZONE_BACKWARDS,      /* only the other side may open */
                  ZONE_NO_CONDUIT,
                  ZONE_FAULTS
};

struct zone_verdict {
    enum zone_fault fault;
    uint8_t zone; /* whose border it is: of the locked zones, else of the zones, the lower level */
    bool locked;  /* … and it is locked */
    bool named;   /* up to ZONE_DRIFT: by a conduit that names the service */
    int row;      /* of the conduits, that the fault is about; −1: of none */
    /* Up to ZONE_WRITE: how many of the flow's functions the row does not list, and the first
     * (where it is told and the list is locked: of the story's, and the first new one); ZONE_DRIFT
     * or ZONE_FUNCTION and 0: none of those that are kept, and there were more. */
    uint16_t functions, function;
    bool wrote; /* … and something of what it is told for was a write */
};
/* False: no end is in a zone. */
bool zones_judge(const struct zones *zones, const struct zone_flow *flow,
                 struct zone_verdict *verdict);

struct function_seen {
    uint16_t code;
    bool back;      /* only `to` asked for it, of whom `from` is the client */
    uint64_t flows; /* that have ended; which asked for it */
};

/* What was seen to pass, gathered by ends, protocol and port. */
struct conduit_seen {
    uint8_t from, to, proto, service;
    uint16_t port;
    bool more_writers;         /* than are listed */
    bool certain;              /* of one at least it is known that `from` opened */
    uint64_t flows, empty;     /* that have ended; of which nothing was carried */
    int64_t first_ns, last_ns; /* packet time */
    uint64_t reads, writes;    /* of those flows */
    uint64_t bytes[SIDES];     /* payload, of those flows: of `from`, of `to` */
    uint64_t most_said;        /* zone_flow_said of one of its flows */
    size_t writer_count;
    struct ip writer[CONDUIT_WRITERS];
    size_t function_count;
    struct function_seen function[FUNCTIONS_MAX]; /* ascending */
    /* Reports of flows with one that found no room: that `from` asked for; that `to` did, or that
     * gave way to one of `from`'s. */
    uint64_t more_functions, more_functions_back;
};

/* What the rows look at: a flow that no conduit allows, or an OT protocol that crosses. */
struct zoned_flow {
    const struct zones *zones;
    struct zone_flow flow;
    struct zone_verdict verdict;
    uint64_t out_bytes; /* of the story, as the next three */
    bool wrote;
    uint16_t functions; /* that are not listed */
    uint32_t beyond;    /* requests of further ones than are kept */
    uint64_t withheld;  /* stories that the zone's rate limit held back since the last alert */
};

#endif
