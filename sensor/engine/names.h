/* What names the wire gave to addresses and flows: the passive DNS map, the server names of open
 * flows, and the choice of a flow's destination from them. Bounded, generational: when a generation
 * is full the one before it is forgotten, counted. Engine thread. */
#ifndef WEIR_ENGINE_NAMES_H
#define WEIR_ENGINE_NAMES_H

#include "weir/base/buffer.h"
#include "weir/base/cursor.h"
#include "weir/base/map.h"
#include "weir/base/networks.h"
#include "weir/base/suffix.h"
#include "weir/baseline/destination.h"
#include "weir/record/record.h"

#define NAMES_GENERATION 131072
#define NAMES_OF_ADDRESS 8 /* registrable domains remembered of one address, the newest */
/* How long an answer vouches for an address after it was last seen or relied upon. No cache keeps
 * an answer for longer (RFC 8767 caps TTLs at this), and many clients keep one far beyond its TTL,
 * so the TTL itself would only make honest names unverified. Not for ever: addresses change hands,
 * and whoever rents one next must not inherit the name. */
#define NAMES_ADDRESS_LIFE_NS (INT64_C(7) * 24 * 3600 * NS_PER_S)

struct address_names {
    char *domain[NAMES_OF_ADDRESS]; /* newest first */
    int64_t seen_ns[NAMES_OF_ADDRESS];
};

struct generations {
    struct map young, old;
    uint64_t *forgotten;
};

struct names {
    const struct suffixes *suffixes;
    const struct networks *networks; /* NULL: prefixes stand for them */
    struct generations addresses;    /* struct ip → the registrable domains of answers */
    struct generations flows;        /* flow_key_unordered → its first server name */
    struct generations questions;    /* flow_key_unordered + name → it was asked on that flow */
    uint64_t forgotten;
    int64_t now_ns; /* of the newest name record */
};

void names_init(struct names *names, const struct suffixes *suffixes,
                const struct networks *networks);
void names_fini(struct names *names);
void names_learn(struct names *names, const struct record_name *record);
/* A record of DNS is learned soon. Returns the hash of its key among `questions`, for which
 * names_expect fetches what was asked, once the first has come. */
uint64_t names_prefetch(const struct names *names, const struct record_name *record,
                        const char *text);
void names_expect(const struct names *names, uint64_t hash);
void names_flow_ended(struct names *names, const struct flow_key *key);
/* The first server name that was told for a flow, "" when none was. */
const char *names_of_flow(struct names *names, const struct flow_key *key);
/* The destination of a flow that the inside host opened: the registrable domain of `server_name`
 * when a seen answer ties that domain to `remote` and no certificate contradicts it, else the
 * autonomous system where it is known, else the prefix, with *unverified set when a name was given.
 * `certificate`: the names, with commas between, of a server's certificate that does not hold the
 * server name; NULL: none such was seen.
 */
struct destination names_destination(struct names *names, const char *server_name,
                                     const char *certificate, const struct ip *remote,
                                     bool *unverified);
/* What that will probably be, without a change to what is known. False: that is not known without
 * a look into the database of networks, which is dear and done once. */
bool names_guess(const struct names *names, const char *server_name, const struct ip *remote,
                 struct destination *destination);
/* A text as `flows` and `questions` keep it, in one block of the heap: the text, then the key that
 * the map borrows. */
struct kept_text {
    char *text;
    const void *key;
};

struct kept_text names_keep_text(const void *key, size_t key_size, const char *text,
                                 size_t text_size);
/* names_pack.c: all of it, for a restart; into an empty one. False: it is not that. */
void names_pack(const struct names *names, struct buffer *out);
bool names_unpack(struct names *names, struct cursor *in);

#endif
