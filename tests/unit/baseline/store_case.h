/* What the tests of the store share: a loop, a store, and what its callbacks were told. */
#ifndef TESTS_UNIT_BASELINE_STORE_CASE_H
#define TESTS_UNIT_BASELINE_STORE_CASE_H

#include "poll_loop.h"
#include "weir/baseline/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CASE_PREFIX "weir-test"

struct client {
    struct loop_ref loop;
    struct store *store;
    unsigned ready, failed, answers;
    uint64_t edits;     /* of the fleet's tables that it closes with */
    uint64_t put_edits; /* of the profile that it learned from */
    struct error error; /* the last */
    bool free_when_failed;
};

static inline void client_ready(void *context)
{
    struct client *client = context;
    client->ready++;
    client->loop.ops->stop(client->loop.loop);
}

static inline void client_failed(void *context, const struct error *error)
{
    struct client *client = context;
    client->failed++;
    client->error = *error;
    if (client->free_when_failed) {
        store_free(client->store);
        client->store = NULL;
    }
    client->loop.ops->stop(client->loop.loop);
}

static inline void client_give_up(void *context)
{
    (void)context;
    fail_msg("nothing happened for 20 s");
}

/* Runs until a callback stops the loop. */
static inline void client_run(struct client *client)
{
    struct loop_watch *limit =
        client->loop.ops->timer(client->loop.loop, 20 * NS_PER_S, client_give_up, NULL);
    client->loop.ops->run(client->loop.loop);
    client->loop.ops->drop(limit);
}

static inline void client_open(struct client *client, const struct store_config *config)
{
    struct store_events events = {client_ready, client_failed};
    struct error error = {0};
    if (!client->loop.loop)
        client->loop = poll_loop_new();
    client->store = store_open(config, client->loop, &events, client, &error);
    if (!client->store)
        fail_msg("%s", error.message);
    client_run(client);
}

static inline void client_close(struct client *client)
{
    store_free(client->store);
    free(client->loop.loop);
    *client = (struct client){.ready = 0};
}

static inline struct ip client_ip(const char *text)
{
    struct ip ip;
    assert_int_equal(ip_parse(text, &ip), 0);
    return ip;
}

#endif
