/* What an operator says of their own network: rules, exceptions, trust, lists of indicators
 * (weir-rules(5)). Loaded from texts as a whole or not at all, compiled to flat programs of a few
 * instructions, evaluated without allocation. Bounds: RULES_MAX of each kind, RULE_CODE_MAX
 * instructions a condition, RULES_CODE_MAX and RULES_ITEMS_MAX in all, INTEL_MAX indicators; beyond
 * them a file is refused. Read-only once loaded: any thread may ask. */
#ifndef WEIR_DETECT_RULES_H
#define WEIR_DETECT_RULES_H

#include "weir/base/error.h"
#include "weir/detect/detector.h"
#include "weir/detect/intel.h"
#include "weir/detect/rule_field.h"

#define RULES_MAX       512u    /* rules; exceptions; trust */
#define RULE_CODE_MAX   4096u   /* instructions of one condition, macros written out */
#define RULES_CODE_MAX  131072u /* … of all */
#define RULES_ITEMS_MAX 500000u /* of lists, once for each condition that uses one */
#define RULE_SPANS      8u      /* of a schedule */
#define RULE_NEVER      INT64_MAX

struct rules_file {
    const char *name, *text;
    size_t size;
};

struct rule_program { /* of rules->code */
    uint32_t first, count;
};

struct rule_span {
    uint8_t days;                      /* bit 0 = Monday: of the day it begins in */
    uint16_t start_minute, end_minute; /* of the day; an end at or before the start is tomorrow's */
};

enum rule_when { RULE_ALWAYS, RULE_WORK_HOURS, RULE_OFF_HOURS, RULE_SPANNED };

struct rule_schedule {
    enum rule_when when;
    size_t span_count;
    struct rule_span span[RULE_SPANS];
};

struct rule {
    struct detector detector; /* id, name, technique; what it sees and its known false alarms */
    struct rule_program condition;
    struct rule_schedule schedule;
    int score;
    enum urgency urgency;
    bool enabled;
    uint32_t limit; /* alerts in limit_ns of packet time */
    int64_t limit_ns;
    const char *place; /* "FILE:line:column" */
};

struct rule_exception {
    const char *name, *reason;
    const char *const *of; /* ids of detectors and rules */
    size_t of_count;
    struct rule_program when;
    int64_t last_day; /* of the site, the last on which it holds; RULE_NEVER: it does not end */
    char expires[11]; /* "2026-12-31", "never" */
    const char *place;
};

struct rule_trust {
    const char *name, *reason;
    struct rule_program when;
    double bar; /* statistical rows need a p smaller by this factor */
    int64_t last_day;
    char expires[11];
    const char *place;
};

struct rules {
    struct rule *rule; /* in the order of their first mention */
    size_t rule_count;
    struct rule_exception *exception;
    size_t exception_count;
    struct rule_trust *trust;
    size_t trust_count;
    struct intel *intel;         /* NULL: no lists */
    bool uses[RULE_FIELD_COUNT]; /* a condition speaks of the field */
    uint64_t fingerprint;        /* of all texts: whether they are the same as before a restart */
    /* for rules*.c */
    struct rule_code *code;
    size_t code_count;
    struct rule_set *set;
    size_t set_count, item_count;
    struct rules_owned *owned;
};

/* A further file that a rule file names, by path: 0 and a text that lives until rules_load comes
 * back; −1 and an error. */
typedef int rules_fetch(void *context, const char *path, struct rules_file *file,
                        struct error *error);

/* NULL and "FILE:line:column: what is wrong, what was expected" when anything in them is wrong.
 * `fetch` may be NULL: lists of indicators are then refused. */
struct rules *rules_load(const struct rules_file *files, size_t count, rules_fetch *fetch,
                         void *context, struct error *error);
void rules_free(struct rules *rules);

/* `steps`: grows by the instructions it took; or NULL. */
bool rule_program_holds(const struct rules *rules, struct rule_program program,
                        const struct rule_facts *facts, uint64_t *steps);
bool rule_schedule_holds(const struct rule_schedule *schedule, const struct rule_facts *facts);
/* Enabled, in its schedule, and its condition holds. Exceptions are not asked. */
bool rule_matches(const struct rules *rules, const struct rule *rule,
                  const struct rule_facts *facts, uint64_t *steps);
/* The first exception of this detector or rule that holds; `expired`: the first that would have,
 * had it not run out; NULL: none. `facts`: doubted (rule_facts_doubt). */
const struct rule_exception *rules_exception(const struct rules *rules, const char *detector,
                                             const struct rule_facts *facts,
                                             const struct rule_exception **expired);
/* By how much smaller a p must be: the largest bar of all trust that holds, at least 1. */
double rules_bar(const struct rules *rules, const struct rule_facts *facts);
/* NULL: there is none of this id. */
const struct rule *rules_get(const struct rules *rules, const char *id);
/* What `rule` says of the facts; needs: the least that all byte fields could be cut to and it would
 * still match. */
void rule_finding(const struct rules *rules, const struct rule *rule,
                  const struct rule_facts *facts, struct finding *finding);

#endif
