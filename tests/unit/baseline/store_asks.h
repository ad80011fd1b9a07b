/* What a closer asks of the store, each with its answer awaited. */
#ifndef TESTS_UNIT_BASELINE_STORE_ASKS_H
#define TESTS_UNIT_BASELINE_STORE_ASKS_H

#include "store_server.h"

#include "../../../sensor/baseline/store_link.h"

struct said {
    struct client *client;
    struct store_turn turn;
    enum store_put put;
    struct ip host[8];
    size_t count;
    int64_t closed;
    uint64_t edits;
    bool same, called;
    char text[64]; /* the blob; "(none)" */
    uint64_t sum_bytes;
};

static inline void told_so(struct said *said)
{
    assert_false(said->called);
    said->called = true;
    said->client->loop.ops->stop(said->client->loop.loop);
}

static inline void set_text(struct said *said, const void *blob, size_t size)
{
    memset(said->text, 0, sizeof said->text);
    memcpy(said->text, blob ? blob : "(none)", blob ? size : 6);
}

/* --- asking ----------------------------------------------------------------------------------- */

static inline void on_turn(void *context, const struct store_turn *turn)
{
    struct said *said = context;
    told_so(said);
    said->turn = *turn;
}

static inline struct store_turn ask_turn(struct client *client, int64_t complete, bool want)
{
    struct said said = {.client = client};
    store_ask_turn(client->store, complete, want, on_turn, &said);
    client_run(client);
    assert_true(said.called);
    return said.turn;
}

static inline void on_gathered(void *context, const struct store_gathered *gathered)
{
    struct said *said = context;
    told_so(said);
    said->closed = gathered->closed;
    said->edits = gathered->edits;
    said->same = gathered->same;
    set_text(said, gathered->blob, gathered->size);
    if (gathered->sum)
        said->sum_bytes = gathered->sum->out.value;
    host_total_free(gathered->sum);
}

static inline struct said gather_once(struct client *client, int64_t hour, int64_t have,
                                      uint64_t edits)
{
    struct said said = {.client = client};
    struct ip ip = client_ip("10.0.0.1");
    store_gather(client->store, &ip, hour, have, edits, on_gathered, &said);
    client_run(client);
    assert_true(said.called);
    return said;
}

/* Whoever has a copy asks by another way: of one that nobody else has he is told the same. */
static inline struct said gather(struct client *client, int64_t hour, int64_t have, uint64_t edits)
{
    struct said said = gather_once(client, hour, have, edits);
    if (have != STORE_NO_HOUR)
        return said;
    struct said other = gather_once(client, hour, -1000, 77);
    assert_false(said.same || other.same);
    assert_true(said.closed == other.closed && said.edits == other.edits);
    assert_string_equal(said.text, other.text);
    assert_int_equal(said.sum_bytes, other.sum_bytes);
    return said;
}

static inline void on_put(void *context, const struct ip *host, enum store_put put)
{
    struct said *said = context;
    assert_non_null(host);
    told_so(said);
    said->put = put;
}

static inline enum store_put put_learned(struct client *client, int64_t base, int64_t hour,
                                         const char *blob)
{
    struct said said = {.client = client};
    struct store_learned learned = {.host = client_ip("10.0.0.1"),
                                    .base = base,
                                    .edits = client->put_edits,
                                    .hour = hour,
                                    .blob = blob,
                                    .size = strlen(blob)};
    store_put_learned(client->store, &learned, on_put, &said);
    client_run(client);
    assert_true(said.called);
    return said.put;
}

static inline void on_replaced(void *context, const struct ip *host, bool won)
{
    struct said *said = context;
    assert_non_null(host);
    told_so(said);
    said->put = won ? STORE_PUT : STORE_PUT_CHANGED;
}

static inline void on_hour(void *context, enum store_put put)
{
    struct said *said = context;
    told_so(said);
    said->put = put;
}

static inline enum store_put close_it(struct client *client, int64_t before, int64_t hour,
                                      const char *blob)
{
    struct said said = {.client = client};
    store_close_hour(client->store, before, client->edits, hour, blob, strlen(blob), on_hour,
                     &said);
    client_run(client);
    assert_true(said.called);
    return said.put;
}

static inline void on_fleet(void *context, const struct store_fleet *fleet)
{
    struct said *said = context;
    told_so(said);
    said->closed = fleet->closed;
    said->edits = fleet->edits;
    set_text(said, fleet->blob, fleet->size);
}

static inline struct said read_fleet(struct client *client)
{
    struct said said = {.client = client};
    store_read_fleet(client->store, on_fleet, &said);
    client_run(client);
    assert_true(said.called);
    return said;
}

static inline void on_list(void *context, struct ip *hosts, size_t count)
{
    struct said *said = context;
    told_so(said);
    assert_true(count <= 8);
    if (count > 0)
        memcpy(said->host, hosts, count * sizeof *hosts);
    said->count = count;
    free(hosts);
}

static inline struct said list_hour(struct client *client, int64_t hour)
{
    struct said said = {.client = client};
    store_list_hour(client->store, hour, on_list, &said);
    client_run(client);
    assert_true(said.called);
    return said;
}

static inline void open_with(struct client *client, const char *sensor, int64_t silent_ns,
                             int64_t wait_ns, int64_t lease_ns)
{
    struct store_config config = config_of(sensor, NULL);
    config.silent_ns = silent_ns;
    config.wait_ns = wait_ns;
    config.lease_ns = lease_ns;
    *client = (struct client){.ready = 0};
    client_open(client, &config);
    assert_int_equal(client->ready, 1);
}

#endif
