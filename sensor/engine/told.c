/* What of what is found is told, where somebody asks about one host or destination, or about what
 * came after a time: see engine_told. Thread: the engine's. */
#include "internal.h"

#include <string.h>
#include <strings.h>

static bool is_below(const char *name, const char *above)
{
    size_t size = strlen(name), tail = strlen(above);
    return size >= tail && strcasecmp(name + size - tail, above) == 0 &&
           (size == tail || name[size - tail - 1] == '.');
}

/* By the largest flow's address, whatever the destination is called. */
static bool leads_there(const struct engine_told *told, const struct story *story)
{
    if (!told->destination && !told->by_prefix)
        return true;
    if (!story->has_destination)
        return false;
    if (told->by_prefix)
        return prefix_has(&told->prefix, &story->remote);
    return is_below(story->destination.name, told->destination) ||
           is_below(story->server_name, told->destination);
}

bool told_is_wanted(struct engine *engine, const struct story *story, struct ptime now)
{
    const struct engine_told *told = &engine->config.told;
    bool wanted = now.ns >= told->from.ns || told->from.ns == 0;
    if (wanted && told->by_host)
        wanted = prefix_has(&told->host, &story->source) || prefix_has(&told->host, &story->host);
    wanted = wanted && leads_there(told, story);
    engine->counts.findings_unasked += !wanted;
    return wanted;
}

int64_t told_since_day(const struct engine *engine)
{
    struct ptime from = engine->config.told.from;
    return from.ns != 0 ? calendar_at(engine->config.calendar, from).day : INT64_MIN;
}
