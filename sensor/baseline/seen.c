/* See weir/baseline/seen.h. */
#include "weir/baseline/seen.h"

#include <string.h>

struct text {
    const char *at, *end;
};

/* Up to the next "|", which is stepped over; false: there is none. */
static bool take_word(struct text *in, const char **word, size_t *size)
{
    const char *bar = memchr(in->at, '|', (size_t)(in->end - in->at));
    if (!bar)
        return false;
    *word = in->at;
    *size = (size_t)(bar - in->at);
    in->at = bar + 1;
    return true;
}

static bool take_number(struct text *in, uint64_t *number)
{
    const char *word;
    size_t size;
    *number = 0;
    if (!take_word(in, &word, &size) || size == 0)
        return false;
    for (size_t i = 0; i < size; i++)
        if (word[i] < '0' || word[i] > '9' || __builtin_mul_overflow(*number, 10, number) ||
            __builtin_add_overflow(*number, (uint64_t)(word[i] - '0'), number))
            return false;
    return true;
}

/* Whole characters: what follows one begins with two bits that say so. */
static void set_name(char name[SEEN_NAME_SIZE], const char *text, size_t size)
{
    if (size >= SEEN_NAME_SIZE)
        for (size = SEEN_NAME_SIZE - 1; size > 0 && ((unsigned char)text[size] & 0xc0) == 0x80;)
            size--;
    memcpy(name, text, size);
    memset(name + size, 0, SEEN_NAME_SIZE - size);
}

static bool take_share(struct text *in, struct seen_share *share)
{
    const char *vantage, *sensor;
    size_t vantage_size, sensor_size;
    if (!take_number(in, &share->bytes) || !take_word(in, &vantage, &vantage_size) ||
        !take_word(in, &sensor, &sensor_size) || sensor_size == 0)
        return false;
    set_name(share->vantage, vantage, vantage_size);
    set_name(share->sensor, sensor, sensor_size);
    return true;
}

static bool comes_before(const struct seen_share *share, const struct seen_share *other)
{
    if (share->bytes != other->bytes)
        return share->bytes > other->bytes;
    return strcmp(share->sensor, other->sensor) < 0;
}

static void put(struct seen_by *seen, const struct seen_share *share)
{
    uint32_t at = seen->count++;
    for (; at > 0 && comes_before(share, &seen->share[at - 1]); at--)
        seen->share[at] = seen->share[at - 1];
    seen->share[at] = *share;
}

static bool parse(struct text *in, struct seen_by *seen)
{
    if (!take_number(in, &seen->sensors) || !take_number(in, &seen->rest_bytes))
        return false;
    while (in->at < in->end) {
        struct seen_share share;
        if (seen->count == SEEN_OTHERS || !take_share(in, &share))
            return false;
        put(seen, &share);
        seen->rest_bytes = seen->rest_bytes > share.bytes ? seen->rest_bytes - share.bytes : 0;
    }
    return seen->sensors >= seen->count;
}

bool seen_parse(const char *text, size_t size, struct seen_by *seen)
{
    struct text in = {text, text + size};
    *seen = (struct seen_by){.count = 0};
    if (size <= SEEN_TEXT_MAX && parse(&in, seen))
        return true;
    *seen = (struct seen_by){.count = 0};
    return false;
}

void seen_add(struct seen_by *seen, const char *sensor, const char *vantage, uint64_t bytes)
{
    struct seen_share share = {.bytes = bytes};
    set_name(share.sensor, sensor, strlen(sensor));
    set_name(share.vantage, vantage, strlen(vantage));
    put(seen, &share);
    seen->sensors++;
}

bool seen_holds(const struct seen_by *seen)
{
    if (seen->count > SEEN_SENSORS || seen->sensors < seen->count)
        return false;
    for (uint32_t i = 0; i < seen->count; i++)
        if (seen->share[i].sensor[SEEN_NAME_SIZE - 1] || seen->share[i].vantage[SEEN_NAME_SIZE - 1])
            return false;
    return true;
}
