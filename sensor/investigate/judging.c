/* See judging.h. */
#include "weir/investigate/judging.h"

#include "weir/base/buffer.h"

#include <inttypes.h>
#include <stdlib.h>

static void add(struct judging *judging, char *line)
{
    judging->line[judging->count++] = line;
}

static void add_rules(struct judging *judging, const struct rules *rules)
{
    size_t enabled = 0, lists = rules->intel ? intel_lists(rules->intel) : 0;
    uint64_t indicators = 0;
    for (size_t i = 0; i < rules->rule_count; i++)
        enabled += rules->rule[i].enabled;
    for (size_t i = 0; i < lists; i++)
        indicators += intel_list(rules->intel, i)->indicators;
    if (enabled > 0)
        add(judging, xasprintf("rules: %zu", enabled));
    if (lists > 0)
        add(judging,
            xasprintf("lists of indicators: %zu with %" PRIu64 " entries", lists, indicators));
}

static void add_now(struct judging *judging, const struct engine *engine, size_t locked)
{
    struct engine_history history = engine_history_of(engine);
    add(judging,
        xstrdup("counted content in clear text, tunnels in DNS and ICMP, protocols against "
                "their ports, the sensor's own sight"));
    if (engine_rules(engine))
        add_rules(judging, engine_rules(engine));
    if (locked > 0)
        add(judging, xasprintf("zones: %zu locked, by %zu conduits", locked,
                               engine_zones(engine)->conduit_count));
    if (history.ready > 0)
        add(judging, xasprintf("volumes, destinations and hours of %" PRIu32 " of %" PRIu32
                               " hosts, by their own past",
                               history.ready, history.hosts));
    judging->now = judging->count;
}

static void add_learning(struct judging *judging, const struct engine *engine, int learn_days)
{
    struct engine_history history = engine_history_of(engine);
    uint32_t need = (uint32_t)learn_days * 24;
    uint32_t left = history.longest_hours < need ? need - history.longest_hours : 1;
    if (history.hosts == 0)
        add(judging, xasprintf("volumes, destinations and hours: no host is known yet; each is "
                               "judged by its own past %d days after it is first seen",
                               learn_days));
    else if (history.ready == 0)
        add(judging,
            xasprintf("volumes, destinations and hours of %" PRIu32
                      " hosts: the first is judged by its own past in %" PRIu32 " d %" PRIu32 " h",
                      history.hosts, left / 24, left % 24));
    else if (history.ready < history.hosts)
        add(judging, xasprintf("volumes, destinations and hours of %" PRIu32
                               " hosts: each until %d days after it was first seen",
                               history.hosts - history.ready, learn_days));
}

void judging_of(struct judging *judging, const struct engine *engine, int learn_days)
{
    const struct zones *zones = engine_zones(engine);
    size_t locked = 0, all = zones ? zones->zone_count : 0;
    for (size_t i = 0; i < all; i++)
        locked += zones->zone[i].state == ZONE_LOCKED;
    *judging = (struct judging){.count = 0};
    add_now(judging, engine, locked);
    add_learning(judging, engine, learn_days);
    if (all > locked)
        add(judging, xasprintf("zones: %zu only observed (weir zones propose)", all - locked));
}

void judging_fini(struct judging *judging)
{
    for (size_t i = 0; i < judging->count; i++)
        free(judging->line[i]);
    *judging = (struct judging){.count = 0};
}
