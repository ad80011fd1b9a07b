/* A sensor's own word on an open hour, out of everybody's: for one that starts without knowing what
 * it had counted. Thread: the engine's. */
#include "store_link.h"
#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

/* "VANTAGE|SENSOR|…" */
static bool is_own(const redisReply *field, const char *begin, size_t size)
{
    return field->type == REDIS_REPLY_STRING && field->len > size &&
           memcmp(field->str, begin, size) == 0;
}

/* The reply's fields that are ours, borrowed; read like the fleet's. */
static struct host_total *sum_own(struct store *store, const redisReply *reply,
                                  const struct ip *host, int64_t hour)
{
    char *begin = xasprintf("%s|%s|", store->vantage, store->sensor);
    size_t size = strlen(begin);
    redisReply own = *reply;
    own.elements = 0;
    own.element = xcalloc(reply->elements + 1, sizeof *own.element);
    for (size_t i = 0; i + 1 < reply->elements; i += 2) {
        if (!is_own(reply->element[i], begin, size))
            continue;
        own.element[own.elements++] = reply->element[i];
        own.element[own.elements++] = reply->element[i + 1];
    }
    struct host_total *total = store_sum_reply(store, &own, host, hour);
    free(own.element);
    free(begin);
    return total;
}

static bool on_own(struct store_request *request, const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ARRAY)
        return false;
    struct host_total *total = sum_own(request->store, reply, &request->host, request->hour);
    request->done.total(request->context, &request->host, request->hour, total);
    return true;
}

void store_own_open(struct store *store, const struct ip *host, int64_t hour,
                    void (*done)(void *context, const struct ip *host, int64_t hour,
                                 struct host_total *total),
                    void *context)
{
    struct store_request *request = store_request_new(store, "HGETALL", on_own, context);
    request->done.total = done;
    store_ask_open(request, host, hour);
}
