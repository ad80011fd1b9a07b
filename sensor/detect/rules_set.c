/* What stands behind `in`, `under`, `startswith`, `endswith`, `contains`. Texts are kept in lower
 * case and asked so. Thread: any, once made. */
#include "rules_local.h"

#include <stdlib.h>
#include <string.h>

void rule_set_init(struct rule_set *set)
{
    *set = (struct rule_set){.count = 0};
    map_init(&set->names);
    net_table_init(&set->nets);
}

void rule_set_fini(struct rule_set *set)
{
    map_fini(&set->names, NULL);
    net_table_fini(&set->nets);
    free(set->text);
    free(set->number);
}

static char lower_letter(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    return c;
}

bool rule_lower(const char *text, char *lower, size_t room)
{
    size_t i = 0;
    for (; text[i] && i + 1 < room; i++)
        lower[i] = lower_letter(text[i]);
    lower[i] = '\0';
    return text[i] == '\0';
}

static bool has_number(const struct rule_set *set, uint64_t number)
{
    size_t low = 0, high = set->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (set->number[middle] == number)
            return true;
        if (set->number[middle] < number)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

bool rule_set_has(const struct rule_set *set, enum rule_type type, const struct rule_fact *fact)
{
    char lower[256];
    switch (type) {
    case RULE_ADDRESS:
        return net_table_get(&set->nets, &fact->ip) != NULL;
    case RULE_NAME:
    case RULE_TEXT:
        return rule_lower(fact->text, lower, sizeof lower) &&
               map_get(&set->names, lower, strlen(lower)) != NULL;
    default:
        return has_number(set, fact->number);
    }
}

/* One probe a label: a name has 127 at most. */
bool rule_set_under(const struct rule_set *set, const char *name)
{
    char lower[256];
    if (!rule_lower(name, lower, sizeof lower))
        return false;
    for (const char *at = lower; at; at = strchr(at, '.')) {
        at += *at == '.';
        if (map_get(&set->names, at, strlen(at)))
            return true;
    }
    return false;
}

static bool is_part(enum rule_op op, const char *text, size_t size, const char *part)
{
    size_t length = strlen(part);
    if (op == OP_CONTAINS)
        return strstr(text, part) != NULL;
    if (length > size)
        return false;
    return memcmp(op == OP_STARTS ? text : text + size - length, part, length) == 0;
}

bool rule_set_part(const struct rule_set *set, enum rule_op op, const char *text)
{
    char lower[256];
    if (!rule_lower(text, lower, sizeof lower))
        return false;
    size_t size = strlen(lower);
    for (size_t i = 0; i < set->count; i++)
        if (is_part(op, lower, size, set->text[i]))
            return true;
    return false;
}
