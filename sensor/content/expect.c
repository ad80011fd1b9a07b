/* Expected channels: a map by channel, and a list by age. All live equally long, so the list is in
 * the order in which they end, and what has ended leaves from its old end. Thread: the capture
 * thread. */
#include "expect.h"

#include "protocol.h"
#include "weir/base/buffer.h"
#include "weir/base/map.h"

#include <stdlib.h>

struct expectation {
    struct channel channel;
    struct expected expected;
    int64_t until_ns;
    struct expectation *older, *newer;
};

struct expectations {
    struct map map; /* struct channel → struct expectation */
    struct expectation *oldest, *newest;
    uint64_t forgotten;
};

struct expectations *expectations_new(void)
{
    struct expectations *all = xcalloc(1, sizeof *all);
    map_init(&all->map);
    return all;
}

void expectations_free(struct expectations *all)
{
    if (!all)
        return;
    map_fini(&all->map, free);
    free(all);
}

uint64_t expectations_forgotten(const struct expectations *all)
{
    return all->forgotten;
}

static void take_out(struct expectations *all, struct expectation *one)
{
    *(one->older ? &one->older->newer : &all->oldest) = one->newer;
    *(one->newer ? &one->newer->older : &all->newest) = one->older;
    map_remove(&all->map, &one->channel, sizeof one->channel);
    free(one);
}

static void drop_ended(struct expectations *all, struct ptime now)
{
    while (all->oldest && all->oldest->until_ns < now.ns)
        take_out(all, all->oldest);
}

static struct expectation *find(struct expectations *all, const struct channel *channel,
                                struct ptime now)
{
    if (!all->oldest)
        return NULL; /* nearly always */
    drop_ended(all, now);
    return map_get(&all->map, channel, sizeof *channel);
}

void expect_add(struct expectations *all, const struct channel *channel,
                const struct expected *expected, struct ptime now)
{
    struct expectation *one = find(all, channel, now);
    if (one) {
        take_out(all, one);
    } else if (all->map.count == EXPECT_MAX) {
        take_out(all, all->oldest);
        all->forgotten++;
    }
    one = xcalloc(1, sizeof *one);
    one->channel = *channel;
    one->expected = *expected;
    one->until_ns = now.ns + EXPECT_NS;
    one->older = all->newest;
    *(all->newest ? &all->newest->newer : &all->oldest) = one;
    all->newest = one;
    map_put(&all->map, &one->channel, sizeof one->channel, one);
}

bool expect_look(struct expectations *all, const struct channel *channel, struct ptime now,
                 struct expected *expected)
{
    const struct expectation *one = find(all, channel, now);
    if (one)
        *expected = one->expected;
    return one != NULL;
}

bool expect_take(struct expectations *all, const struct channel *channel, struct ptime now,
                 struct expected *expected)
{
    struct expectation *one = find(all, channel, now);
    if (!one)
        return false;
    *expected = one->expected;
    take_out(all, one);
    return true;
}

struct channel expect_channel(const struct content_flow *cf, enum flow_side listener, uint8_t proto,
                              uint16_t port)
{
    struct flow_key key = content_key(cf);
    bool is_orig = listener == SIDE_ORIG;
    return (struct channel){
        .listener = is_orig ? key.orig_ip : key.resp_ip,
        .connector = is_orig ? key.resp_ip : key.orig_ip,
        .port = port,
        .proto = proto,
        .vantage = key.vantage,
    };
}

/* Who opened the flow may not be known: either may be the one that listens. */
void expect_begin(struct content_flow *cf)
{
    struct content *content = cf->content;
    if (cf->service != SERVICE_NONE || cf->expected)
        return;
    struct flow_key key = content_key(cf);
    struct channel by_resp = expect_channel(cf, SIDE_RESP, key.proto, key.resp_port);
    struct channel by_orig = expect_channel(cf, SIDE_ORIG, key.proto, key.orig_port);
    struct expected expected;
    if (!expect_take(content->expectations, &by_resp, content->now, &expected) &&
        !expect_take(content->expectations, &by_orig, content->now, &expected))
        return;
    cf->expected = xcalloc(1, sizeof *cf->expected);
    *cf->expected = expected;
    if (expected.protocol->step)
        content_set_protocol(cf, expected.protocol);
}
