/* The table of fields, and which of them a mistyped one was most likely meant to be.
 * Thread: any (pure). */
#include "weir/detect/rule_field.h"

#include "weir/record/record.h"

#include <string.h>

#define NEAREST_MAX 48 /* letters of names that are compared */

static const char *const directions[] = {"outbound", "inbound"};
static const char *const destination_kinds[] = {"domain", "as", "prefix"};
static const char *const baselines[] = {"learning", "ready", "frozen", "stale"};
static const char *const weekdays[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

#define WORDS(words) (words), sizeof(words) / sizeof *(words)

const struct rule_field_row rule_field_row[RULE_FIELD_COUNT] = {
#define FIELD_ROW(id, name, type, what) [FIELD_##id] = {name, RULE_##type, what},
    RULE_FIELDS(FIELD_ROW)
#undef FIELD_ROW
};

static const struct {
    enum rule_field field;
    const char *const *words;
    size_t count;
} closed[] = {
    {FIELD_DIRECTION, WORDS(directions)},
    {FIELD_DESTINATION_KIND, WORDS(destination_kinds)},
    {FIELD_BASELINE, WORDS(baselines)},
    {FIELD_WEEKDAY, WORDS(weekdays)},
    {FIELD_SERVICE, service_name + 1, SERVICES - 1},
};

const char *const *rule_field_words(enum rule_field field, size_t *count)
{
    for (size_t i = 0; i < sizeof closed / sizeof *closed; i++)
        if (closed[i].field == field) {
            *count = closed[i].count;
            return closed[i].words;
        }
    *count = 0;
    return NULL;
}

int rule_field_find(const char *name, size_t size)
{
    for (int i = 0; i < RULE_FIELD_COUNT; i++)
        if (strlen(rule_field_row[i].name) == size &&
            memcmp(rule_field_row[i].name, name, size) == 0)
            return i;
    return -1;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Levenshtein's, over names of at most NEAREST_MAX letters. */
static size_t distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
    size_t row[NEAREST_MAX + 1];
    for (size_t j = 0; j <= b_size; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_size; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = least(change, least(row[j], row[j - 1]) + 1);
        }
    }
    return row[b_size];
}

const char *rule_nearest(const char *text, size_t size, const char *const *names, size_t count)
{
    const char *best = NULL;
    size_t nearest = size / 3 + 2; /* farther away it is no slip of the pen */
    if (size > NEAREST_MAX)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(names[i]);
        size_t far = length > NEAREST_MAX ? nearest : distance(text, size, names[i], length);
        if (far < nearest) {
            nearest = far;
            best = names[i];
        }
    }
    return best;
}

const char *rule_field_nearest(const char *text, size_t size)
{
    const char *names[RULE_FIELD_COUNT];
    for (size_t i = 0; i < RULE_FIELD_COUNT; i++)
        names[i] = rule_field_row[i].name;
    return rule_nearest(text, size, names, RULE_FIELD_COUNT);
}

/* --- facts ----------------------------------------------------------------------------------- */

void rule_facts_text(struct rule_facts *facts, enum rule_field field, const char *text)
{
    facts->fact[field] = (struct rule_fact){.known = text && *text, .text = text};
}

void rule_facts_number(struct rule_facts *facts, enum rule_field field, uint64_t number)
{
    facts->fact[field] = (struct rule_fact){.known = true, .number = number};
}

void rule_facts_address(struct rule_facts *facts, enum rule_field field, const struct ip *ip)
{
    facts->fact[field] = (struct rule_fact){.known = true, .ip = *ip};
}

void rule_facts_doubt(struct rule_facts *facts)
{
    static const enum rule_field claimed[] = {FIELD_JA3, FIELD_JA4, FIELD_ALPN};
    const struct rule_fact *verified = &facts->fact[FIELD_NAME_VERIFIED];
    for (size_t i = 0; i < sizeof claimed / sizeof *claimed; i++)
        facts->fact[claimed[i]].known = false;
    if (verified->known && verified->number)
        return;
    facts->fact[FIELD_SERVER_NAME].known = false;
    facts->fact[FIELD_REGISTRABLE_DOMAIN].known = false;
}
