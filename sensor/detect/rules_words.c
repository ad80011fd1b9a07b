/* Words and numbers. Bare words are what names, addresses, domains and numbers are made of; all
 * else stands in quotes, "…" or '…', with no escapes. Pure. */
#include "rules_words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_bare(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("_./:*@%+-#~", c) != NULL);
}

static void take(const char *from, size_t size, struct rule_word *word)
{
    if (size > RULE_WORD_MAX) {
        word->kind = WORD_LONG;
        size = RULE_WORD_MAX;
    }
    memcpy(word->text, from, size);
    word->text[size] = '\0';
}

static void read_quoted(const char *text, size_t *at, struct rule_word *word)
{
    const char *begin = text + *at + 1, *end = strchr(begin, text[*at]);
    word->kind = end ? WORD_QUOTED : WORD_OPEN_QUOTE;
    take(begin, end ? (size_t)(end - begin) : 0, word);
    *at = end ? (size_t)(end + 1 - text) : *at + 1;
}

static void read_sign(const char *text, size_t *at, struct rule_word *word)
{
    static const struct {
        const char *text;
        enum rule_word_kind kind;
    } row[] = {{"==", WORD_EQUAL},         {"!=", WORD_NOT_EQUAL}, {"<=", WORD_LESS_EQUAL},
               {">=", WORD_GREATER_EQUAL}, {"=", WORD_EQUAL},      {"<", WORD_LESS},
               {">", WORD_GREATER},        {"(", WORD_OPEN},       {")", WORD_CLOSE},
               {",", WORD_COMMA}};
    word->kind = WORD_BAD;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        if (strncmp(text + *at, row[i].text, strlen(row[i].text)) == 0) {
            word->kind = row[i].kind;
            take(row[i].text, strlen(row[i].text), word);
            *at += strlen(row[i].text);
            return;
        }
    take(text + *at, 1, word);
    ++*at;
}

void rule_word_next(const char *text, size_t *at, struct rule_word *word)
{
    *at += strspn(text + *at, " \t\r\n");
    *word = (struct rule_word){.kind = WORD_END, .offset = *at};
    if (!text[*at])
        return;
    if (text[*at] == '"' || text[*at] == '\'') {
        read_quoted(text, at, word);
        return;
    }
    if (!is_bare(text[*at])) {
        read_sign(text, at, word);
        return;
    }
    size_t begin = *at;
    while (is_bare(text[*at]))
        ++*at;
    word->kind = WORD_BARE;
    take(text + begin, *at - begin, word);
}

bool rule_word_is(const struct rule_word *word, const char *keyword)
{
    return word->kind == WORD_BARE && strcmp(word->text, keyword) == 0;
}

/* --- numbers --------------------------------------------------------------------------------- */

struct unit {
    const char *text;
    double scale;
};

static const struct unit byte_unit[] = {{"", 1},
                                        {"B", 1},
                                        {"bytes", 1},
                                        {"kB", 1e3},
                                        {"MB", 1e6},
                                        {"GB", 1e9},
                                        {"TB", 1e12},
                                        {"KiB", 1024},
                                        {"MiB", 1048576},
                                        {"GiB", 1073741824},
                                        {"TiB", 1099511627776.0},
                                        {NULL, 0}};
static const struct unit time_unit[] = {{"ms", 1e6},   {"s", 1e9},     {"min", 60e9},
                                        {"h", 3600e9}, {"d", 86400e9}, {NULL, 0}};

static const struct unit *unit_of(const struct unit *unit, const char *text)
{
    for (; unit->text; unit++)
        if (strcmp(unit->text, text) == 0)
            return unit;
    return NULL;
}

bool rule_is_unit(const char *text)
{
    return unit_of(byte_unit, text) || unit_of(time_unit, text);
}

/* Digits, perhaps a point and digits: nothing else that strtod would take. Returns what follows. */
static const char *read_digits(const char *text, double *value)
{
    size_t whole = strspn(text, "0123456789"), size = whole;
    char digits[32];
    if (whole == 0)
        return NULL;
    if (text[size] == '.')
        size += 1 + strspn(text + size + 1, "0123456789");
    if (size >= sizeof digits || text[size - 1] == '.')
        return NULL;
    memcpy(digits, text, size);
    digits[size] = '\0';
    *value = strtod(digits, NULL);
    return text + size;
}

static enum rule_number scaled(const struct unit *units, const char *number, const char *unit,
                               uint64_t *value)
{
    double figure;
    const char *rest = read_digits(number, &figure);
    if (!rest)
        return NUMBER_NONE;
    if (*rest && *unit)
        return NUMBER_UNIT;
    const struct unit *found = unit_of(units, *rest ? rest : unit);
    if (!found)
        return NUMBER_UNIT;
    figure = floor(figure * found->scale + 0.5);
    if (figure > 9e18)
        return NUMBER_LARGE;
    *value = (uint64_t)figure;
    return NUMBER_GOOD;
}

enum rule_number rule_bytes_of(const char *number, const char *unit, uint64_t *value)
{
    return scaled(byte_unit, number, unit, value);
}

enum rule_number rule_time_of(const char *number, const char *unit, uint64_t *value)
{
    return scaled(time_unit, number, unit, value);
}

enum rule_number rule_count_of(const char *number, uint64_t *value)
{
    double figure;
    const char *rest = read_digits(number, &figure);
    if (!rest || *rest || figure != floor(figure))
        return NUMBER_NONE;
    if (figure > 9e15)
        return NUMBER_LARGE;
    *value = (uint64_t)figure;
    return NUMBER_GOOD;
}
