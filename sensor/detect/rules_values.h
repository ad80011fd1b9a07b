/* Values of a condition, by the type of their field, into a set. For rules_*.c. */
#ifndef WEIR_DETECT_LOCAL_RULES_VALUES_H
#define WEIR_DETECT_LOCAL_RULES_VALUES_H

#include "rules_local.h"
#include "rules_words.h"

struct rule_parser {
    struct rule_compiler *c;
    struct rule_piece piece;
    const char *what; /* "condition": the key, for messages */
    size_t at;
    struct rule_word word; /* the one that is looked at */
};

/* "FILE:line:column: …" of the word that is looked at, or of an earlier one. Returns -1. */
int rule_parser_refuse(struct rule_parser *p, size_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int rule_parser_next(struct rule_parser *p); /* 0, or −1: no word */
/* A number with its unit, as the field counts; moves on. */
int rule_parser_number(struct rule_parser *p, enum rule_field field, uint64_t *number);
/* One value, or "(value, list, …)", as what `op` asks for; moves on. */
int rule_parser_set(struct rule_parser *p, enum rule_field field, enum rule_op op, bool many,
                    uint32_t *index);

#endif
