/* Walking over keys: exporting every profile, clearing a replay's own prefix.
 *
 *   SCAN … SCAN → sort → HGET (a window of them) … → PING → the end is told
 *   SCAN → UNLINK → … SCAN → UNLINK → PING → the end is told
 *   (a host's open totals and claims: SCAN → UNLINK …, then of the lists of hours SCAN → SREM …)
 *
 * A cluster is walked server by server, and what is behind the SCAN goes where its keys are. While
 * slots move from one to another, a walk may miss what moves. A sensor walks only where somebody
 * resets a host through it: open totals that were missed are learned anew with their hour, or
 * expire.
 *
 * The last word is a request of its own. The caller may free the store in any call. A walk lives as
 * long as a request of it does. Thread: the engine's.
 */
#include "store_link.h"
#include "weir/base/buffer.h"
#include "weir/base/log.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW      64   /* HGETs under way */
#define UNLINK_ARGS 1000 /* of a cluster one a command: others are elsewhere */

struct kept {
    bool answered;
    void *blob; /* NULL: it was removed meanwhile */
    size_t size;
};

struct store_walk {
    size_t requests;
    void (*each)(void *context, const struct ip *host, const void *blob, size_t size);
    void (*cleared)(void *context);
    void (*gone)(void *context, bool removed);
    void *context;
    size_t node; /* that is walked */
    char pattern[128];
    struct ip *host;
    size_t count, room, asked, told;
    struct kept kept[WINDOW]; /* by the host's number: answers that came before an earlier one's */
    /* Of a host that is removed: its open totals first, then its name in the lists of hours. */
    char removed[IP_TEXT_SIZE];
    bool lists;
};

void store_walk_release(struct store_walk *walk)
{
    if (--walk->requests > 0)
        return;
    for (size_t i = 0; i < WINDOW; i++)
        free(walk->kept[i].blob);
    free(walk->host);
    free(walk);
}

static struct store_request *
request_of(struct store *store, struct store_walk *walk, const char *command,
           bool (*answered)(struct store_request *request, const redisReply *reply))
{
    struct store_request *request = store_request_new(store, command, answered, walk->context);
    request->walk = walk;
    walk->requests++;
    return request;
}

static bool at_end(struct store_request *request, const redisReply *reply)
{
    struct store_walk *walk = request->walk;
    if (reply->type != REDIS_REPLY_STATUS)
        return false;
    if (walk->each)
        walk->each(walk->context, NULL, NULL, 0);
    else if (walk->gone)
        walk->gone(walk->context, true);
    else if (walk->cleared)
        walk->cleared(walk->context);
    return true;
}

static void send_end(struct store *store, struct store_walk *walk)
{
    const char *argv[1] = {"PING"};
    size_t size[1] = {4};
    if (walk->gone) /* no server that dies brings back what somebody was told to be gone */
        store_copy(store);
    struct store_request *request = request_of(store, walk, "PING", at_end);
    request->scope = STORE_OF_ALL; /* behind everything */
    store_send(request, 1, argv, size);
}

/* --- profiles --------------------------------------------------------------------------------- */

static bool on_profile(struct store_request *request, const redisReply *reply);

static void ask_next(struct store *store, struct store_walk *walk)
{
    char key[160], host[IP_TEXT_SIZE];
    const char *argv[3] = {"HGET", key, "blob"};
    struct store_request *request = request_of(store, walk, "HGET", on_profile);
    request->hour = (int64_t)walk->asked; /* its number */
    request->host = walk->host[walk->asked++];
    snprintf(key, sizeof key, "%s:{%s}:profile", store->prefix, ip_text(&request->host, host));
    size_t size[3] = {4, strlen(key), 4};
    store_send(request, 3, argv, size);
}

static void keep(struct kept *kept, const redisReply *reply)
{
    kept->answered = true;
    if (reply->type != REDIS_REPLY_STRING)
        return;
    kept->blob = xcalloc(1, reply->len + 1);
    kept->size = reply->len;
    memcpy(kept->blob, reply->str, reply->len);
}

/* In the hosts' order: a cluster's servers answer as they like. */
static bool on_profile(struct store_request *request, const redisReply *reply)
{
    struct store_walk *walk = request->walk;
    const bool *gone = request->store->gone;
    if (reply->type != REDIS_REPLY_STRING && reply->type != REDIS_REPLY_NIL)
        return false;
    keep(&walk->kept[request->hour % WINDOW], reply);
    for (struct kept *next; (next = &walk->kept[walk->told % WINDOW])->answered;) {
        const struct ip *host = &walk->host[walk->told++];
        struct kept taken = *next;
        *next = (struct kept){.size = 0};
        if (walk->asked < walk->count)
            ask_next(request->store, walk);
        if (taken.blob)
            walk->each(walk->context, host, taken.blob, taken.size);
        free(taken.blob);
        if (*gone)
            return true;
    }
    if (walk->told == walk->count)
        send_end(request->store, walk);
    return true;
}

static int compare_hosts(const void *a, const void *b)
{
    return ip_compare(a, b);
}

static void sort_hosts(struct store_walk *walk)
{
    size_t kept = 0;
    if (walk->count > 0)
        qsort(walk->host, walk->count, sizeof *walk->host, compare_hosts);
    for (size_t i = 0; i < walk->count; i++) /* SCAN may name a key twice */
        if (kept == 0 || ip_compare(&walk->host[kept - 1], &walk->host[i]) != 0)
            walk->host[kept++] = walk->host[i];
    walk->count = kept;
}

static void keep_host(const struct store *store, struct store_walk *walk, const redisReply *key)
{
    char text[IP_TEXT_SIZE];
    size_t before = strlen(store->prefix) + 2, after = strlen("}:profile");
    if (key->type != REDIS_REPLY_STRING || key->len <= before + after ||
        key->len - before - after >= sizeof text)
        return;
    size_t size = key->len - before - after;
    memcpy(text, key->str + before, size);
    text[size] = '\0';
    if (walk->count == walk->room) {
        walk->room = walk->room ? 2 * walk->room : 256;
        walk->host = xrealloc(walk->host, walk->room * sizeof *walk->host);
    }
    if (ip_parse(text, &walk->host[walk->count]) == 0)
        walk->count++;
}

static void begin_profiles(struct store *store, struct store_walk *walk)
{
    sort_hosts(walk);
    if (walk->count == 0)
        send_end(store, walk);
    for (size_t i = 0; i < WINDOW && walk->asked < walk->count; i++)
        ask_next(store, walk);
}

/* --- scanning --------------------------------------------------------------------------------- */

static bool on_unlinked(struct store_request *request, const redisReply *reply)
{
    (void)request;
    return reply->type == REDIS_REPLY_INTEGER;
}

static void unlink_keys(struct store *store, struct store_walk *walk, const redisReply *keys)
{
    const char *argv[UNLINK_ARGS] = {"UNLINK"};
    size_t size[UNLINK_ARGS] = {6}, at = 0;
    while (at < keys->elements) {
        int argc = 1;
        int most = store_is_cluster(store) ? 2 : UNLINK_ARGS;
        for (; at < keys->elements && argc < most; at++) {
            argv[argc] = keys->element[at]->str;
            size[argc++] = keys->element[at]->len;
        }
        store_send(request_of(store, walk, "UNLINK", on_unlinked), argc, argv, size);
    }
}

/* SREM of each list of an hour's hosts. */
static void unlist(struct store *store, struct store_walk *walk, const redisReply *keys)
{
    for (size_t i = 0; i < keys->elements; i++) {
        const char *argv[3] = {"SREM", keys->element[i]->str, walk->removed};
        size_t size[3] = {4, keys->element[i]->len, strlen(walk->removed)};
        store_send(request_of(store, walk, "SREM", on_unlinked), 3, argv, size);
    }
}

static bool on_scanned(struct store_request *request, const redisReply *reply);

static void send_scan(struct store *store, struct store_walk *walk, const char *cursor,
                      size_t cursor_size)
{
    const char *argv[6] = {"SCAN", cursor, "MATCH", walk->pattern, "COUNT", "1000"};
    size_t size[6] = {4, cursor_size, 5, strlen(walk->pattern), 5, 4};
    struct store_request *request = request_of(store, walk, "SCAN", on_scanned);
    request->node = store->node[walk->node];
    store_send(request, 6, argv, size);
}

/* The first server from `walk->node` on that has slots. */
static bool find_node(const struct store *store, struct store_walk *walk)
{
    if (!store_is_cluster(store))
        return walk->node == 0;
    for (; walk->node < store->nodes; walk->node++)
        for (size_t i = 0; i < SLOTS; i++)
            if (store->slot[i] == walk->node + 1)
                return true;
    return false;
}

static void begin_scan(struct store *store, struct store_walk *walk)
{
    walk->node = 0;
    if (store->nodes > 0 && find_node(store, walk))
        send_scan(store, walk, "0", 1);
    else /* the store goes, which is told of by itself */
        send_end(store, walk);
}

static void begin_lists(struct store *store, struct store_walk *walk)
{
    walk->lists = true;
    char key[STORE_KEY_SIZE];
    snprintf(walk->pattern, sizeof walk->pattern, "%s", store_key(store, "hour:*", key));
    begin_scan(store, walk);
}

/* A cluster's keys that all share begin with their tag. */
static void begin_shared(struct store *store, struct store_walk *walk)
{
    char key[STORE_KEY_SIZE];
    snprintf(walk->pattern, sizeof walk->pattern, "%s", store_key(store, "*", key));
    begin_scan(store, walk);
}

static bool scan_makes_sense(const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
        reply->element[0]->type != REDIS_REPLY_STRING ||
        reply->element[1]->type != REDIS_REPLY_ARRAY)
        return false;
    for (size_t i = 0; i < reply->element[1]->elements; i++)
        if (reply->element[1]->element[i]->type != REDIS_REPLY_STRING)
            return false;
    return true;
}

static bool on_scanned(struct store_request *request, const redisReply *reply)
{
    struct store *store = request->store;
    struct store_walk *walk = request->walk;
    if (!scan_makes_sense(reply))
        return false;
    const redisReply *cursor = reply->element[0], *keys = reply->element[1];
    if (walk->each)
        for (size_t i = 0; i < keys->elements; i++)
            keep_host(store, walk, keys->element[i]);
    else if (walk->lists)
        unlist(store, walk, keys);
    else
        unlink_keys(store, walk, keys);
    if (strcmp(cursor->str, "0") != 0)
        send_scan(store, walk, cursor->str, cursor->len);
    else if (walk->node++, find_node(store, walk))
        send_scan(store, walk, "0", 1);
    else if (walk->each)
        begin_profiles(store, walk);
    else if (*walk->removed && !walk->lists)
        begin_lists(store, walk);
    else if (walk->cleared && store_is_cluster(store) && *walk->pattern != '{')
        begin_shared(store, walk);
    else
        send_end(store, walk);
    return true;
}

void store_each_profile(struct store *store,
                        void (*each)(void *context, const struct ip *host, const void *blob,
                                     size_t size),
                        void *context)
{
    struct store_walk *walk = xcalloc(1, sizeof *walk);
    walk->each = each;
    walk->context = context;
    snprintf(walk->pattern, sizeof walk->pattern, "%s:{*}:profile", store->prefix);
    begin_scan(store, walk);
}

void store_clear(struct store *store, void (*done)(void *context), void *context)
{
    struct store_walk *walk = xcalloc(1, sizeof *walk);
    walk->cleared = done;
    walk->context = context;
    snprintf(walk->pattern, sizeof walk->pattern, "%s:*", store->prefix);
    if (store->read_only || strcmp(store->prefix, "weir") == 0) {
        log_error("redis at %s: refused to clear what lives there", store->url.shown);
        send_end(store, walk);
    } else {
        begin_scan(store, walk);
    }
}

void store_walk_host(struct store *store, const struct ip *host,
                     void (*done)(void *context, bool removed), void *context)
{
    struct store_walk *walk = xcalloc(1, sizeof *walk);
    walk->gone = done;
    walk->context = context;
    assert(!store->read_only);
    snprintf(walk->pattern, sizeof walk->pattern, "%s:{%s}:*:*", store->prefix,
             ip_text(host, walk->removed));
    begin_scan(store, walk);
}
