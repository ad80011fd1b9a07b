/* See pseudonym_seek.h. */
#include "pseudonym_seek.h"

#include "access.h"
#include "noise_access.h"

#include <string.h>

#define V4_BITS   96
#define TRIED_MAX (UINT64_C(1) << 26) /* addresses: a few minutes */

struct seeking {
    const struct pseudonyms *pseudonyms;
    const char *pseudonym;
    struct pseudonym_found *found;
    struct ip last; /* most lines name the same host again */
};

static void try_one(void *context, const struct ip *ip)
{
    struct seeking *s = context;
    struct pseudonym_found *found = s->found;
    char text[PSEUDONYM_SIZE];
    if (ip_compare(ip, &s->last) == 0)
        return;
    s->last = *ip;
    if (found->count == PSEUDONYM_SEEK_MAX || !pseudonyms_hide(s->pseudonyms, ip) ||
        strcmp(pseudonym_of(s->pseudonyms, ip, text), s->pseudonym) != 0)
        return;
    for (size_t i = 0; i < found->count; i++)
        if (ip_compare(&found->ip[i], ip) == 0)
            return;
    found->ip[found->count++] = *ip;
}

static void on_line(void *context, const char *line, size_t size)
{
    pseudonyms_each(line, size, try_one, context);
}

static void seek_journal(const struct config *config, struct seeking *s)
{
    struct error ignored = {0};
    uint64_t damaged;
    noise_access_each(config, PTIME_MIN, on_line, s, &damaged, &ignored);
}

struct walking {
    struct seeking *seeking;
    struct access access;
    bool done;
};

static void on_profile(void *context, const struct ip *ip, const void *blob, size_t size)
{
    struct walking *walking = context;
    (void)blob;
    (void)size;
    if (ip) {
        try_one(walking->seeking, ip);
        return;
    }
    walking->done = true;
    access_look_again(&walking->access);
}

/* Only what answers already: no server is started for it. */
static void seek_baseline(const struct config *config, struct seeking *s)
{
    struct walking walking = {.seeking = s};
    if (strcmp(config->redis_url, "embedded") == 0 && !access_runs(config))
        return;
    if (access_open(&walking.access, config, false) == 0) {
        store_each_profile(walking.access.store, on_profile, &walking);
        access_wait(&walking.access, &walking.done);
    }
    access_close(&walking.access);
}

static void seek_net(const struct prefix *net, struct seeking *s, uint64_t *tried)
{
    if (!ip_is_v4(&net->ip) || net->bits < V4_BITS)
        return;
    const uint8_t *b = net->ip.byte + 12;
    uint64_t first = (uint64_t)b[0] << 24u | (uint64_t)b[1] << 16u | (uint64_t)b[2] << 8u | b[3];
    uint64_t count = UINT64_C(1) << (32u - (net->bits - V4_BITS));
    for (uint64_t i = 0; i < count && *tried < TRIED_MAX; i++, ++*tried) {
        uint32_t v4 = (uint32_t)(first + i);
        const uint8_t bytes[4] = {(uint8_t)(v4 >> 24u), (uint8_t)(v4 >> 16u), (uint8_t)(v4 >> 8u),
                                  (uint8_t)v4};
        struct ip ip = ip_from_v4(bytes);
        try_one(s, &ip);
    }
}

static void seek_nets(const struct config *config, struct seeking *s)
{
    const struct inside *inside = &config->inside;
    uint64_t tried = 0;
    for (size_t i = 0; i < inside->everywhere.count; i++)
        seek_net(&inside->everywhere.item[i], s, &tried);
    for (size_t p = 0; p < inside->place_count; p++)
        for (size_t i = 0; i < inside->place[p].nets.count; i++)
            seek_net(&inside->place[p].nets.item[i], s, &tried);
}

void pseudonym_seek(const struct config *config, const struct pseudonyms *pseudonyms,
                    const char *pseudonym, struct pseudonym_found *found)
{
    struct seeking s = {.pseudonyms = pseudonyms, .pseudonym = pseudonym, .found = found};
    *found = (struct pseudonym_found){.count = 0};
    seek_journal(config, &s);
    if (found->count == 0)
        seek_baseline(config, &s);
    // cppcheck-suppress duplicateCondition ; found changes in between
    if (found->count == 0)
        seek_nets(config, &s);
}
