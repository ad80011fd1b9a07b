/* An operator's rules at work: each flow record is asked about by every rule and list of
 * indicators; findings of the built-in detectors are asked about by exceptions and trust.
 *
 * Findings of rules stand outside the alert budget, each rule within its own rate limit: so many
 * alerts in a window that begins with its first one. What the limit holds back is counted by story,
 * each once in a window (RULED_HELD of them are known apart), and the rule's next alert says how
 * many. intel.match has INTEL_LIMIT a day for all lists together.
 *
 * When the rules are other ones than before a restart (a reload is one), open incidents are looked
 * through at the next minute: one in which nothing is left that speaks (excepted, or its rule gone)
 * is closed and says why. Engine thread. */
#ifndef WEIR_ENGINE_RULED_H
#define WEIR_ENGINE_RULED_H

#include "stories.h"
#include "weir/base/map.h"
#include "weir/detect/rules.h"
#include "weir/engine/engine.h"

#define RULED_HELD  1024u /* of one rule and window */
#define INTEL_LIMIT 1000u

struct host;

struct ruled_rule { /* by id, so that it survives an edit */
    struct rule_tally tally;
    struct ptime since;         /* its window; PTIME_MIN: none has begun */
    uint64_t told;              /* in it */
    uint64_t held, held_before; /* stories held back in it, and since the last alert before it */
    struct map stories;         /* hashes of those, RULED_HELD at most */
};

struct ruled {
    const struct rules *rules; /* or NULL */
    struct map rule;           /* id → struct ruled_rule: of each rule, and of intel.match */
    struct ruled_rule **of;    /* the same, by the rules' order; then intel.match */
    uint64_t fingerprint;      /* of the rules that open incidents were told by */
    bool review;               /* these are others: look through open incidents */
};

struct ruled_flow { /* one accepted flow record, and what it belongs to */
    const struct flow_view *view;
    const struct host *host;
    const struct civil *civil; /* the hour its bytes are counted in */
    const struct host_total *total;
    const struct pair_total *pair;
    struct open_story *open; /* NULL: nothing was carried, and it has none yet … */
    struct open_story *(*make)(struct engine *engine, const struct ruled_flow *flow); /* … then */
    enum baseline_state state;
    int64_t first_hour; /* of the civil day */
    struct ptime now;
};

/* Facts, and the texts that they borrow. */
struct ruled_facts {
    struct rule_facts facts;
    char device[IP_TEXT_SIZE], protocol[8], ja3[33];
    struct network_facts network;
};

void ruled_init(struct ruled *ruled, const struct rules *rules);
void ruled_fini(struct ruled *ruled);
/* What speaks of a flow without a story makes it one: flow->open. */
void ruled_flow(struct engine *engine, struct ruled_flow *flow);
/* A rule counts a story's flows: each must have one. */
bool ruled_counts_flows(const struct ruled *ruled);
/* By how much trust lowers the budget where a host's evidence leads to this story; 1: not at all.
 */
double ruled_bar(struct engine *engine, const struct story *story, struct ptime now);
/* Without what exceptions hold back; returns how many are left. Call it with what judge() found
 * before it becomes an incident. */
size_t ruled_keep(struct engine *engine, const struct story *story, struct finding *finding,
                  size_t count, struct ptime now);
void ruled_tick(struct engine *engine, struct ptime now);
/* For a restart of the same build. */
void ruled_pack(const struct ruled *ruled, struct buffer *out);
bool ruled_unpack(struct ruled *ruled, struct cursor *in);

/* ruled_facts.c */
void ruled_facts_of_flow(struct engine *engine, const struct ruled_flow *flow,
                         struct ruled_facts *facts);
/* Of a story alone; doubted, for exceptions and trust. */
void ruled_facts_of_story(struct engine *engine, const struct story *story, struct ptime now,
                          struct ruled_facts *facts);

/* ruled_limit.c: may this rule tell of the story now? Counts either way. */
bool ruled_may_tell(struct ruled_rule *rule, uint32_t limit, int64_t limit_ns, uint64_t story,
                    struct ptime now);

#endif
