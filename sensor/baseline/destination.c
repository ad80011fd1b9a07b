/* Destinations as text and back. The text is the identity: equal keys, equal destinations.
 * Thread: any (pure). */
#include "weir/baseline/destination.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const role_name[ROLES] = {"client", "served"};
static const char *const kind_name[DESTINATION_KINDS] = {"domain", "as", "prefix"};

#define OTHER "other"

/* As role_name and kind_name have it: each record asks for some keys. */
static const struct {
    char text[16];
    size_t size;
} begins[ROLES][DESTINATION_KINDS] = {
    {{"client|domain|", 14}, {"client|as|", 10}, {"client|prefix|", 14}},
    {{"served|domain|", 14}, {"served|as|", 10}, {"served|prefix|", 14}}};

void destination_copy(const struct destination *from, struct destination *to)
{
    size_t size = strnlen(from->name, DESTINATION_NAME_SIZE - 1);
    *to = (struct destination){from->role, from->kind, ""};
    memcpy(to->name, from->name, size);
}

size_t destination_put_key(const struct destination *destination, char key[DESTINATION_KEY_SIZE])
{
    size_t size = strnlen(destination->name, DESTINATION_NAME_SIZE - 1);
    size_t begin = begins[destination->role][destination->kind].size;
    memcpy(key, begins[destination->role][destination->kind].text, sizeof begins[0][0].text);
    memcpy(key + begin, destination->name, size);
    key[begin + size] = '\0';
    return begin + size;
}

char *destination_key(const struct destination *destination, char key[DESTINATION_KEY_SIZE])
{
    destination_put_key(destination, key);
    return key;
}

/* Steps over "NAME|" when it is one of `names`; its index, or −1. */
static int parse_word(const char **at, size_t *left, const char *const *names, int count)
{
    for (int i = 0; i < count; i++) {
        size_t size = strlen(names[i]);
        if (*left > size && memcmp(*at, names[i], size) == 0 && (*at)[size] == '|') {
            *at += size + 1;
            *left -= size + 1;
            return i;
        }
    }
    return -1;
}

bool destination_parse(const char *key, size_t size, struct destination *destination)
{
    const char *at = key;
    size_t left = size;
    int role = parse_word(&at, &left, role_name, ROLES);
    int kind = role < 0 ? -1 : parse_word(&at, &left, kind_name, DESTINATION_KINDS);
    if (kind < 0 || left == 0 || left >= DESTINATION_NAME_SIZE || memchr(at, '\0', left))
        return false;
    *destination = (struct destination){(enum pair_role)role, (enum destination_kind)kind, ""};
    memcpy(destination->name, at, left);
    return true;
}

struct destination destination_of_as(enum pair_role role, uint32_t number)
{
    struct destination destination = {role, DESTINATION_AS, ""};
    snprintf(destination.name, sizeof destination.name, "AS%" PRIu32, number);
    return destination;
}

struct destination destination_of_prefix(enum pair_role role, const struct ip *remote)
{
    struct destination destination = {role, DESTINATION_PREFIX, ""};
    struct prefix prefix = prefix_of(remote, 24, 48);
    char text[PREFIX_TEXT_SIZE];
    prefix_text(&prefix, text);
    memcpy(destination.name, text, strlen(text) + 1);
    return destination;
}

struct destination destination_other(enum pair_role role)
{
    return (struct destination){role, DESTINATION_PREFIX, OTHER};
}

bool destination_is_other(const struct destination *destination)
{
    return destination->kind == DESTINATION_PREFIX && *destination->name == *OTHER &&
           strcmp(destination->name, OTHER) == 0;
}
