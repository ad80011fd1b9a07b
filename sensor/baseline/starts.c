/* A sorted array of at most STARTS_MAX seconds. A second that is later than all of a full one is
 * let go; one that is earlier pushes the latest out. Thread: any (pure). */
#include "weir/baseline/starts.h"

#include <stdlib.h>
#include <string.h>

#define STARTS_FEW 4 /* the first room */

void starts_fini(struct starts *starts)
{
    free(starts->at);
    *starts = (struct starts){0};
}

void starts_clear(struct starts *starts)
{
    if (starts->room > STARTS_FEW)
        starts_fini(starts);
    starts->count = 0;
}

bool starts_cut(const struct starts *starts)
{
    return starts->count == STARTS_MAX;
}

/* Where it is, or where it would go. */
static uint16_t find(const struct starts *starts, uint32_t second)
{
    uint16_t low = 0;
    for (uint16_t high = starts->count; low < high;) {
        uint16_t middle = (uint16_t)((low + high) / 2);
        if (starts->at[middle].second < second)
            low = (uint16_t)(middle + 1);
        else
            high = middle;
    }
    return low;
}

bool starts_has(const struct starts *starts, uint32_t second)
{
    uint16_t at = find(starts, second);
    return at < starts->count && starts->at[at].second == second;
}

/* The entry of a second, made when absent; NULL when later ones than these are not kept. */
static struct start *entry(struct starts *starts, uint32_t second)
{
    uint16_t at = find(starts, second);
    if (at < starts->count && starts->at[at].second == second)
        return &starts->at[at];
    if (at == STARTS_MAX)
        return NULL;
    if (starts->count == starts->room) {
        starts->room = (uint16_t)(starts->room ? 2 * starts->room : STARTS_FEW);
        starts->at = xrealloc(starts->at, starts->room * sizeof *starts->at);
    }
    if (starts->count == STARTS_MAX)
        starts->count--;
    memmove(&starts->at[at + 1], &starts->at[at],
            (size_t)(starts->count - at) * sizeof *starts->at);
    starts->count++;
    starts->at[at] = (struct start){(uint16_t)second, 0};
    return &starts->at[at];
}

void starts_add(struct starts *starts, uint32_t second, uint64_t bytes)
{
    struct start *start = second < STARTS_SECONDS ? entry(starts, second) : NULL;
    if (start)
        start->bytes =
            bytes > UINT32_MAX - start->bytes ? UINT32_MAX : start->bytes + (uint32_t)bytes;
}

void starts_union(struct starts *starts, const struct starts *more)
{
    for (uint16_t i = 0; i < more->count; i++) {
        struct start *start = entry(starts, more->at[i].second);
        if (start && start->bytes < more->at[i].bytes)
            start->bytes = more->at[i].bytes;
    }
}

/* --- text ------------------------------------------------------------------------------------- */

void starts_text(const struct starts *starts, struct buffer *out)
{
    for (uint16_t i = 0; i < starts->count; i++)
        buffer_text(out, ";%u:%u", (unsigned)starts->at[i].second, (unsigned)starts->at[i].bytes);
}

/* A decimal number after `mark`, at most `most`, without leading zeros. */
static bool parse_number(const char **at, const char *end, char mark, uint32_t most,
                         uint32_t *number)
{
    uint64_t value = 0;
    if (*at == end || **at != mark)
        return false;
    const char *begin = ++*at;
    for (; *at < end && **at >= '0' && **at <= '9' && value <= most; ++*at)
        value = 10 * value + (uint64_t)(**at - '0');
    *number = (uint32_t)value;
    return *at > begin && value <= most && (*begin != '0' || *at == begin + 1);
}

bool starts_parse(struct starts *starts, const char *text, size_t size)
{
    const char *at = text, *end = text + size;
    uint32_t second, bytes;
    int64_t last = -1;
    bool good = true;
    *starts = (struct starts){0};
    for (; good && at < end; last = second) {
        good = starts->count < STARTS_MAX &&
               parse_number(&at, end, ';', STARTS_SECONDS - 1, &second) &&
               parse_number(&at, end, ':', UINT32_MAX, &bytes) && second > last;
        if (good)
            starts_add(starts, second, bytes);
        else
            second = 0;
    }
    if (!good)
        starts_fini(starts);
    return good;
}
