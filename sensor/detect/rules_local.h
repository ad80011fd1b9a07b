/* How rules come to be, for rules*.c only.
 *
 *   rules_load.c       texts → trees → definitions → a struct rules
 *   rules_define.c     lists, macros, rules by name; later files override
 *   rules_entry.c      what one definition says besides its condition
 *   rules_words.c      the words of a condition
 *   rules_condition.c  the words, compiled
 *   rules_set.c        what stands behind `in`
 *   rules_evaluate.c   the instructions, carried out
 *   rules_field.c, rules_schedule.c, rules_place.c */
#ifndef WEIR_DETECT_LOCAL_RULES_H
#define WEIR_DETECT_LOCAL_RULES_H

#include "net_table.h"
#include "weir/base/buffer.h"
#include "weir/base/map.h"
#include "weir/base/yaml.h"
#include "weir/detect/rules.h"

#define RULE_DEPTH  32u /* parentheses and macros, one in another */
#define RULE_PIECES 16u /* of one condition, by `override: append` */
#define RULE_ID_MAX 63u

/* --- instructions ---------------------------------------------------------------------------- */

/* One truth value; a comparison sets it. Jumps go forward only, so a program ends. */
enum rule_op {
    OP_FLAG,   /* the field is known and not 0 */
    OP_EXISTS, /* it is known */
    OP_LESS,   /* a number, with `number` */
    OP_LESS_EQUAL,
    OP_GREATER,
    OP_GREATER_EQUAL,
    OP_IN, /* with the set `operand` */
    OP_NOT_IN,
    OP_UNDER,
    OP_STARTS,
    OP_ENDS,
    OP_CONTAINS,
    OP_NOT,
    OP_JUMP_FALSE, /* to `operand`, from the program's first */
    OP_JUMP_TRUE
};

struct rule_code {
    uint8_t op, field;
    uint32_t operand;
    uint64_t number;
};

struct rule_set {          /* by the type of the field that is asked */
    struct map names;      /* lower-case text → itself */
    struct net_table nets; /* of addresses */
    const char **text;     /* in order, for starts, ends, contains */
    uint64_t *number;      /* sorted */
    size_t count;
};

void rule_set_init(struct rule_set *set);
void rule_set_fini(struct rule_set *set);
bool rule_set_has(const struct rule_set *set, enum rule_type type, const struct rule_fact *fact);
bool rule_set_under(const struct rule_set *set, const char *name);
bool rule_set_part(const struct rule_set *set, enum rule_op op, const char *text);
/* Into `lower`, of `room`; false: it does not fit. */
bool rule_lower(const char *text, char *lower, size_t room);

/* --- where things stand ---------------------------------------------------------------------- */

struct rule_source { /* one file */
    struct rules_file file;
    struct yaml_node *tree;
};

/* Where the byte at `offset` of a scalar's value stands in the file. */
void rule_place(const struct rule_source *source, const struct yaml_node *node, size_t offset,
                int *line, int *column);
/* "FILE:line:column: …". Returns -1. */
int rule_refuse(const struct rule_source *source, const struct yaml_node *node, struct error *error,
                const char *format, ...) __attribute__((format(printf, 4, 5)));

/* --- definitions ----------------------------------------------------------------------------- */

struct rule_piece { /* a text, and where it was written */
    const struct rule_source *source;
    const struct yaml_node *node;
};

enum define_kind {
    DEFINE_LIST,
    DEFINE_MACRO,
    DEFINE_RULE,
    DEFINE_EXCEPTION,
    DEFINE_TRUST,
    DEFINE_INTEL,
    DEFINE_KINDS
};
extern const char *const define_kind_name[DEFINE_KINDS];

struct rule_definition {
    enum define_kind kind;
    const char *name;
    struct rule_piece
        entry[RULE_PIECES];   /* the mappings, as they were given; later ones override */
    bool append[RULE_PIECES]; /* … or add; the first: false */
    size_t entries;
    struct rule_definition *next; /* of all, in the order of their first mention */
};

struct rule_definitions {
    struct rule_definition *first, **end;
    struct map by_name[DEFINE_KINDS];
    size_t count[DEFINE_KINDS];
};

void rule_definitions_init(struct rule_definitions *all);
void rule_definitions_fini(struct rule_definitions *all);
int rule_define(struct rule_definitions *all, const struct rule_source *source,
                struct error *error);
const struct rule_definition *rule_definition_get(const struct rule_definitions *all,
                                                  enum define_kind kind, const char *name,
                                                  size_t size);
/* The value of a key, of the last entry that has it; NULL: none does. */
bool rule_definition_key(const struct rule_definition *definition, const char *key,
                         struct rule_piece *piece);

/* --- compiling ------------------------------------------------------------------------------- */

struct rule_compiler {
    struct rules *rules;
    const struct rule_definitions *all;
    struct error *error;
    unsigned depth;
    uint32_t first; /* of the program under way */
};

/* The key's texts of all entries of `definition`, put together: 0, or −1 and an error. */
int rule_compile(struct rule_compiler *c, const struct rule_definition *definition, const char *key,
                 struct rule_program *program);
/* One text alone. */
int rule_compile_piece(struct rule_compiler *c, const struct rule_piece *piece,
                       struct rule_program *program);
struct rule_set *rule_compiler_set(struct rule_compiler *c, uint32_t *index);

/* A copy that lives as long as the rules. */
char *rules_own(struct rules *rules, const char *text);
void *rules_own_bytes(struct rules *rules, size_t size); /* zeroed */

/* rules_entry.c */
int rule_read_rule(struct rule_compiler *c, const struct rule_definition *definition);
int rule_read_exception(struct rule_compiler *c, const struct rule_definition *definition);
int rule_read_trust(struct rule_compiler *c, const struct rule_definition *definition);
int rule_read_whole(const char *text, int most, int *value); /* −1: none from 0 to `most` */
/* "" : by the score. −1: it is none. */
int rule_read_urgency(const char *text, int score, enum urgency *urgency);
#define RULE_URGENCY_EXPECTED "now (wake someone), shift or digest"
/* "2026-12-31" or never: its day, RULE_NEVER; −1: it is neither. */
int rule_read_day(const char *text, int64_t *day);
/* rules_schedule.c: −1: it is none. */
int rule_read_schedule(const char *text, struct rule_schedule *schedule);
#define RULE_SCHEDULE_EXPECTED                                                                     \
    "always, work_hours, off_hours or spans such as \"mon-fri 20:00-06:00, sat-sun\""

#endif
