/* Whether the engine has its memory, the store: the only place that knows. memory.c: what that
 * means for judging; memory_link.c: connections. The engine's thread.
 *
 *                  lost, silent, nonsense
 *      HERE ──────────────────────────→ AWAY    nothing is asked, nothing is put
 *       ↑ ↑   refuses (full, replica, …)  │ ↑
 *       │ └── all open totals were put ───┤ │
 *       └──────────── READS ←─────────────┘─┘   hosts are loaded, nothing is put: it refuses writes
 *
 * Only a live engine leaves HERE; a replay fails. The state changes judgement (whether hosts are
 * loaded, hours closed, alerts `stale`), so it is in the checkpoint, and each change takes a
 * snapshot at that very point between two records: no log of entries spans one. While a log is
 * replayed the state stays as it was then, whatever becomes of the connection. */
#ifndef WEIR_ENGINE_MEMORY_H
#define WEIR_ENGINE_MEMORY_H

#include "weir/alert/heartbeat.h"
#include "weir/engine/engine.h"

#define STALE_AFTER_NS (5 * NS_PER_MIN) /* packet time away, and judgements say so */
#define SPOOL_HOURS    48 /* over hours that wait to be closed; more: the oldest goes */
#ifndef SPOOL_PAIRS
#define SPOOL_PAIRS (UINT64_C(2) << 20) /* in those hours together: some ½ GiB, without texts */
#endif
#define FILL_UNANSWERED 256 /* commands under way while the spool is put */

struct memory { /* plain figures: in the checkpoint */
    enum engine_store_state state;
    bool fleet_known;        /* the engine's fleet tables are the store's, or it has none */
    bool behind;             /* hours that came due meanwhile are still open */
    bool stale;              /* judgements say so */
    struct ptime since;      /* not HERE, or behind: since then; PTIME_MIN: not known yet */
    int64_t since_wall_ns;   /* of the epoch */
    struct ptime next_bound; /* the spool's bound is looked at once an hour */
    uint64_t absences;
    char why[sizeof((struct error *)NULL)->message];
};

struct memory_link; /* NULL: the store was given, and is there for as long as the engine is */

/* --- questions ------------------------------------------------------------------------------- */

/* The store, for everything; NULL: not now. */
struct store *memory_store(const struct engine *engine);
/* For loading only; NULL: not now. */
struct store *memory_reader(const struct engine *engine);
/* Whether hosts are asked for at all. While a log is replayed: by the state, not by the connection,
 * so that exactly that is asked that was. */
bool memory_asks(const struct engine *engine);
bool memory_is_stale(const struct engine *engine);
struct heartbeat_store memory_beat(const struct engine *engine); /* texts are borrowed */

/* --- what the engine tells it ---------------------------------------------------------------- */

/* Begins to connect, when the engine has a store of its own. −1: its URL makes no sense. */
int memory_open(struct engine *engine, struct error *error);
/* Consumption begins, or the replay of a log has ended: the state becomes what the connection is.
 */
void memory_begin(struct engine *engine);
/* Live, before what is due at a point of the grid. */
void memory_look(struct engine *engine, struct ptime at);
/* What the store answered makes no sense: it is away, for this reason. A replay fails. Not to be
 * used any more by who calls this. */
void memory_distrust(struct engine *engine, const struct error *error);
void memory_fini(struct engine *engine);

/* --- between the two files ------------------------------------------------------------------- */

/* memory.c: the connection came or went; between two records, never inside one. `fleet`: taken in
 * place of the engine's, or NULL. */
void memory_set(struct engine *engine, enum engine_store_state state, struct fleet *fleet,
                const char *why);
/* memory_link.c */
bool memory_link_fills(const struct engine *engine);
uint64_t memory_link_refused(const struct engine *engine);

#endif
