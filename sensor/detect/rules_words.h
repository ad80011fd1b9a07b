/* The words of a condition: bare and quoted texts, operators, brackets. For rules_*.c. */
#ifndef WEIR_DETECT_LOCAL_RULES_WORDS_H
#define WEIR_DETECT_LOCAL_RULES_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RULE_WORD_MAX 255u

enum rule_word_kind {
    WORD_END,
    WORD_BARE,
    WORD_QUOTED,
    WORD_OPEN,
    WORD_CLOSE,
    WORD_COMMA,
    WORD_EQUAL,
    WORD_NOT_EQUAL,
    WORD_LESS,
    WORD_LESS_EQUAL,
    WORD_GREATER,
    WORD_GREATER_EQUAL,
    WORD_BAD,  /* a letter that begins no word */
    WORD_LONG, /* more than RULE_WORD_MAX bytes */
    WORD_OPEN_QUOTE
};

struct rule_word {
    enum rule_word_kind kind;
    size_t offset;                /* of its first byte in the text */
    char text[RULE_WORD_MAX + 1]; /* without its quotes */
};

/* The word at or after *at, which moves behind it. */
void rule_word_next(const char *text, size_t *at, struct rule_word *word);
bool rule_word_is(const struct rule_word *word, const char *keyword);

/* A number and its unit: "10 MB" as "10" and "MB", or "10MB" as one. */
enum rule_number { NUMBER_GOOD, NUMBER_NONE, NUMBER_UNIT, NUMBER_LARGE };
/* In bytes; `unit` "" : none was written. */
enum rule_number rule_bytes_of(const char *number, const char *unit, uint64_t *value);
enum rule_number rule_time_of(const char *number, const char *unit, uint64_t *value); /* ns */
enum rule_number rule_count_of(const char *number, uint64_t *value);
bool rule_is_unit(const char *text);

#endif
