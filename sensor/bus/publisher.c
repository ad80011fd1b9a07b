/* Publishing:
 *
 *   publish → journal (append) → … the loop's turn … → sync → wake the readers
 *
 * A sync that failed is tried again each second; nobody is woken before it succeeds. Bounds: what
 * is not synced is the journal's to bound. Thread: the engine's, on the loop. */
#include "weir/bus/publisher.h"

#include "weir/base/buffer.h"
#include "weir/base/log.h"
#include "weir/base/time.h"
#include "weir/bus/event_loop.h"

#include <stdbool.h>
#include <stdlib.h>

#define SYNC_AGAIN_NS NS_PER_S

struct publisher {
    struct loop_ref loop;
    struct journal *journal;
    void (*wake)(void *context);
    void *context;
    bool turn_asked;
    struct loop_watch *retry;
};

static void on_retry(void *context)
{
    publisher_flush(context, NULL);
}

static void drop_retry(struct publisher *publisher)
{
    if (publisher->retry)
        publisher->loop.ops->drop(publisher->retry);
    publisher->retry = NULL;
}

int publisher_flush(struct publisher *publisher, struct error *error)
{
    struct error own = {0};
    if (journal_sync(publisher->journal, &own) == 0) {
        if (publisher->retry)
            log_warn("journal: synced again");
        drop_retry(publisher);
        if (publisher->wake)
            publisher->wake(publisher->context);
        return 0;
    }
    if (!publisher->retry) {
        struct loop_ref loop = publisher->loop;
        log_error("%s; no sink is told before it is", own.message);
        publisher->retry = loop.ops->timer(loop.loop, SYNC_AGAIN_NS, on_retry, publisher);
    }
    return error_set(error, own.code, "%s", own.message);
}

static void on_turn(void *context)
{
    struct publisher *publisher = context;
    publisher->turn_asked = false;
    publisher_flush(publisher, NULL);
}

int publisher_publish(struct publisher *publisher, const char *line, size_t size,
                      struct error *error)
{
    if (journal_append(publisher->journal, line, size, error) == 0)
        return -1;
    if (!publisher->turn_asked)
        event_loop_soon(publisher->loop, on_turn, publisher);
    publisher->turn_asked = true;
    return 0;
}

struct publisher *publisher_new(struct loop_ref loop, struct journal *journal,
                                void (*wake)(void *context), void *context)
{
    struct publisher *publisher = xcalloc(1, sizeof *publisher);
    *publisher =
        (struct publisher){.loop = loop, .journal = journal, .wake = wake, .context = context};
    return publisher;
}

void publisher_free(struct publisher *publisher)
{
    if (!publisher)
        return;
    event_loop_cancel(publisher->loop, publisher);
    drop_retry(publisher);
    free(publisher);
}

uint64_t publisher_last(const struct publisher *publisher)
{
    return journal_last(publisher->journal);
}

uint64_t publisher_durable(const struct publisher *publisher)
{
    return journal_durable(publisher->journal);
}

int publisher_each_since(const struct publisher *publisher, uint64_t after,
                         void (*each)(void *context, const char *line, size_t size), void *context,
                         struct error *error)
{
    return journal_each_since(publisher->journal, after, each, context, error);
}
