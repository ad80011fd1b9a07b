/* What is asked for in DNS, for tunnel.dns: of each client and registrable domain, and of each
 * domain by all clients, how much information the names of the last 12 to 24 hours hold (two halves
 * of a day of packet time). Which names explain themselves is remembered apart. Bounds:
 * QUESTIONS_MAX entries, the one silent longest goes; QUESTIONS_ITEMS names in all sketches
 * together, beyond which they estimate with fewer; generations of RECENT_NAMES. All counted. No
 * name is kept but the registrable domain: keyed hashes are. Engine thread. */
#ifndef WEIR_ENGINE_QUESTIONS_H
#define WEIR_ENGINE_QUESTIONS_H

#include "recent_keys.h"
#include "weir/base/digest.h"
#include "weir/base/map.h"
#include "weir/detect/distinct.h"
#include "weir/detect/tunnel.h"
#include "weir/record/record.h"

#define QUESTIONS_MAX     65536u
#define QUESTIONS_ITEMS   1048576u
#define QUESTIONS_HALF_NS (12 * NS_PER_HOUR)
#define RECENT_NAMES      65536u
#define ANSWER_NAMES      4
/* A flow is told 11 s after its first packet at most, so who connects in 1 s was seen by then. */
#define ANSWER_AWAITED_NS (12 * NS_PER_S)

struct asked_half {          /* of 12 hours */
    struct distinct names;   /* weight: thousandths of a byte; note: of a reversed address, or 0 */
    struct distinct clients; /* of an entry of all clients */
    uint64_t most;           /* thousandths of a byte: it cannot be more */
    uint64_t questions, changes, own_server; /* changes: not the name asked just before */
    uint64_t odd_answers, answer_bytes;
    int64_t first_ns, last_ns;
};

struct asked_entry {
    struct asked_entry *newer, *older; /* by the last question */
    struct ip first_client;            /* who asked first since it is there */
    struct flow_key flow;              /* of the last question */
    int64_t flow_start_ns;             /* … its first question */
    int64_t half_number;
    struct asked_half half[2]; /* this half, the one before */
    uint64_t last_name;
    uint64_t judged_at;                    /* `most` of both when it was last judged */
    uint64_t untold_bytes, untold_packets; /* since its story was last told of them */
    uint32_t untold_flows;                 /* … turns from one flow to another */
    int64_t held_ns; /* since then it waits for names to explain themselves; 0: it does not */
    bool told;
    /* Its key in the map, which borrows it: */
    struct ip client; /* ::, all */
    char domain[];    /* and a zero */
};

struct answer_names { /* of one address: whose answers it was in, newest first */
    struct {
        uint64_t name, domain, client;
        int64_t asked_ns;
    } of[ANSWER_NAMES];
};

struct questions {
    struct hash_key key;
    struct map entries; /* client + domain → struct asked_entry */
    struct asked_entry *newest, *oldest;
    struct distinct_budget budget;
    struct distinct clients[2]; /* that asked anything, of this half and the one before */
    int64_t half_number;
    uint64_t evicted;
    size_t held;                  /* entries that wait */
    struct recent_keys forwarded; /* (server, name): asked of it, so that it may ask on */
    struct recent_keys answers;   /* address → struct answer_names */
    struct recent_keys answered;  /* names → ns, when an address was first their answer */
    struct recent_keys used;      /* names whose answer somebody spoke to */
    struct recent_keys met;       /* 32-bit hashes of outside addresses that were spoken to */
    struct recent_keys servers;   /* outside server → its client's hash; 0: it has several */
};

/* key: the site's, or NULL. */
void questions_init(struct questions *questions, const struct hash_key *key);
void questions_fini(struct questions *questions);
/* Time goes on: halves are turned, entries without any left are forgotten. */
void questions_turn(struct questions *questions, int64_t time_ns);
struct asked_entry *questions_find(struct questions *questions, const struct ip *client,
                                   const char *domain); /* NULL: not there */
/* It is asked for soon. Returns the hash of its key among `entries`. */
uint64_t questions_prefetch(const struct questions *questions, const struct ip *client,
                            const char *domain);
/* What waits and questions_open would forget for room, to be judged before; NULL: nothing. */
struct asked_entry *questions_gives_way(struct questions *questions, const struct ip *client,
                                        const char *domain);
/* Made when there is none; it becomes the newest. */
struct asked_entry *questions_open(struct questions *questions, const struct ip *client,
                                   const char *domain, const struct ip *asker);
/* What one entry amounts to, without the names whose answer somebody may speak to yet (INT64_MAX:
 * nobody will). */
struct asked_names questions_sum(struct questions *questions, const struct asked_entry *entry,
                                 int64_t now_ns);
/* Whether what began then still waits; no longer after a clock that was set back. */
bool questions_wait(int64_t since_ns, int64_t now_ns);
void questions_hold(struct questions *questions, struct asked_entry *entry, int64_t since_ns);
void questions_let_go(struct questions *questions, struct asked_entry *entry);

/* questions_name.c: a name apart. */
struct question_name {
    const char
        *domain;     /* into the text: the registrable domain, else the last two labels, else "." */
    uint64_t hash;   /* of the whole name */
    uint32_t weight; /* of what is before the domain, and before it no reversed address */
    uint32_t address; /* 32-bit hash of a reversed address at its beginning; 0: none */
    uint32_t address_weight;
    struct ip reversed;
};
struct suffixes;
void question_name_read(const struct questions *questions, const struct suffixes *suffixes,
                        const char *text, uint8_t cut, struct question_name *name);
const char *question_domain(const struct suffixes *suffixes, const char *text); /* that domain */
uint32_t question_address_hash(const struct questions *questions, const struct ip *ip);

/* questions_pack.c: all of it, for a restart; into an empty one. False: it is not that. */
void questions_pack(const struct questions *questions, struct buffer *out);
bool questions_unpack(struct questions *questions, struct cursor *in);
/* For questions_pack.c: makes the entry, as the newest; NULL: it is there. */
struct asked_entry *questions_add(struct questions *questions, const struct ip *client,
                                  const char *domain);

#endif
