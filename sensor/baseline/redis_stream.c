/* See weir/baseline/redis_stream.h.
 *
 *   connect → AUTH → SELECT → XINFO STREAM (the last id) → MULTI → ready ⇄ XADD… EXEC MULTI
 *
 * A transaction is begun before there is anything for it: were its MULTI refused behind lines that
 * are under way already, they would be taken one by one. A connection that goes while it has
 * nothing to do is no failure.
 *
 * Whatever goes wrong drops the connection, and with it what is under way: which of it arrived is
 * found out by the last id of the next connection. An entry of a later epoch is another writer's,
 * or an older journal's whose epoch is lost: then nothing of ours could be told from theirs, so it
 * is an error by name until somebody gives this sensor a key of its own. A shared stream is not
 * asked for its last id (no XINFO), and the server makes them: what was under way when a connection
 * went may be there, and comes again.
 *
 * hiredis hands every callback a NULL reply when the connection goes; by then the stream has
 * forgotten it (`redis` is NULL, or another). Thread: the loop's. */
#include "weir/baseline/redis_stream.h"

#include "store_link.h"
#include "weir/base/buffer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum phase { PHASE_AWAY, PHASE_CONNECTING, PHASE_OPEN, PHASE_COMMITTED };

struct redis_stream {
    struct store_url url;
    char address[64]; /* of its host; "": not known */
    char *password, *key, *sensor;
    char max_entries[24];
    bool shared;
    uint64_t epoch_ms;
    int64_t timeout_ns;
    struct loop_ref loop;
    struct loop_watch *patience; /* while it connects */
    struct redis_stream_events events;
    void *context;
    redisAsyncContext *redis; /* NULL: not connected */
    enum phase phase;
    bool full;                             /* somebody waits for `ready` */
    uint64_t last;                         /* in our epoch, when we connected or since */
    uint64_t sequence[REDIS_STREAM_LINES]; /* of the transaction */
    size_t count, bytes;                   /* of it */
    struct error refused;                  /* the first refusal in it */
};

/* --- going ------------------------------------------------------------------------------------ */

static void end_patience(struct redis_stream *stream)
{
    if (stream->patience)
        stream->loop.ops->drop(stream->patience);
    stream->patience = NULL;
}

static void forget(struct redis_stream *stream)
{
    redisAsyncContext *redis = stream->redis;
    end_patience(stream);
    stream->redis = NULL;
    stream->phase = PHASE_AWAY;
    stream->count = stream->bytes = 0;
    stream->full = false;
    stream->refused = (struct error){0};
    if (redis) {
        redis->data = NULL;
        redisAsyncFree(redis);
    }
}

static void fail(struct redis_stream *stream, const struct error *error)
{
    struct error told = *error;
    forget(stream);
    stream->events.failed(stream->context, &told);
}

static void fail_reply(struct redis_stream *stream, const char *text)
{
    struct error error = {0};
    store_error_reply(&stream->url, text, &error);
    fail(stream, &error);
}

static void fail_words(struct redis_stream *stream, const char *words)
{
    struct error error = {0};
    error_set(&error, ERROR_RUN, "redis at %s: stream %s: %s", stream->url.shown, stream->key,
              words);
    fail(stream, &error);
}

static void fail_sense(struct redis_stream *stream, const char *command)
{
    struct error error = {0};
    error_set(&error, ERROR_RUN, "redis at %s: an answer to %s that makes no sense",
              stream->url.shown, command);
    fail(stream, &error);
}

static void on_impatience(void *context)
{
    struct redis_stream *stream = context;
    struct error error = {0};
    error_set(&error, ERROR_RUN, "redis at %s: no answer within %.3g s (time-out)",
              stream->url.shown, (double)stream->timeout_ns / (double)NS_PER_S);
    fail(stream, &error);
}

static void say_ready(struct redis_stream *stream)
{
    if (!stream->full)
        return;
    stream->full = false;
    stream->events.ready(stream->context);
}

/* --- coming ----------------------------------------------------------------------------------- */

static void on_plain(redisAsyncContext *redis, void *data, void *privdata)
{
    const redisReply *reply = data;
    struct redis_stream *stream = redis->data;
    (void)privdata;
    if (stream && reply && reply->type == REDIS_REPLY_ERROR)
        fail_reply(stream, reply->str);
}

/* "last-generated-id" of XINFO STREAM's flat list of names and values. NULL: it is not there. */
static const char *last_id(const redisReply *reply)
{
    for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i + 1 < reply->elements; i += 2) {
        const redisReply *name = reply->element[i], *value = reply->element[i + 1];
        if (name->type == REDIS_REPLY_STRING && strcmp(name->str, "last-generated-id") == 0)
            return value->type == REDIS_REPLY_STRING ? value->str : NULL;
    }
    return NULL;
}

static void on_multi(redisAsyncContext *redis, void *data, void *privdata)
{
    const redisReply *reply = data;
    struct redis_stream *stream = redis->data;
    (void)privdata;
    if (!stream || !reply)
        return;
    if (reply->type == REDIS_REPLY_ERROR) {
        fail_reply(stream, reply->str);
        return;
    }
    end_patience(stream);
    stream->phase = PHASE_OPEN;
    say_ready(stream);
}

static void take_last(struct redis_stream *stream, const char *id)
{
    char *end;
    uint64_t epoch_ms = strtoull(id, &end, 10);
    if (epoch_ms > stream->epoch_ms) {
        fail_words(stream,
                   "holds entries of another writer, or of a place that was lost: give this "
                   "sensor a key of its own");
        return;
    }
    stream->last = epoch_ms == stream->epoch_ms && *end == '-' ? strtoull(end + 1, NULL, 10) : 0;
}

static void on_info(redisAsyncContext *redis, void *data, void *privdata)
{
    const redisReply *reply = data;
    struct redis_stream *stream = redis->data;
    (void)privdata;
    if (!stream || !reply)
        return;
    bool error = reply->type == REDIS_REPLY_ERROR;
    const char *id = error && strstr(reply->str, "no such key") ? "0-0" : last_id(reply);
    if (id)
        take_last(stream, id);
    else if (error)
        fail_reply(stream, reply->str);
    else
        fail_sense(stream, "XINFO");
}

static void send_words(struct redis_stream *stream, redisCallbackFn *answered, int argc,
                       const char **argv)
{
    redisAsyncCommandArgv(stream->redis, answered, NULL, argc, argv, NULL);
}

static void send_multi(struct redis_stream *stream)
{
    static const char *multi = "MULTI";
    send_words(stream, on_multi, 1, &multi);
}

static void introduce(struct redis_stream *stream)
{
    const struct store_url *url = &stream->url;
    if (stream->password) {
        const char *auth[3] = {"AUTH", url->user, stream->password};
        if (!url->has_user)
            auth[1] = stream->password;
        send_words(stream, on_plain, url->has_user ? 3 : 2, auth);
    }
    if (url->database > 0) {
        char number[16];
        snprintf(number, sizeof number, "%u", url->database);
        const char *select[2] = {"SELECT", number};
        send_words(stream, on_plain, 2, select);
    }
    const char *info[3] = {"XINFO", "STREAM", stream->key};
    if (!stream->shared)
        send_words(stream, on_info, 3, info);
    send_multi(stream);
}

static void lose(struct redis_stream *stream, int code, const char *text)
{
    struct error error = {0};
    store_error_link(&stream->url, code, text, &error);
    stream->redis->data = NULL;
    stream->redis = NULL; /* hiredis frees it itself behind its callback */
    if (stream->count > 0 || stream->full)
        fail(stream, &error);
    else
        forget(stream);
}

static void on_connect(const redisAsyncContext *redis, int status)
{
    struct redis_stream *stream = redis->data;
    if (!stream)
        return;
    if (status != REDIS_OK) {
        lose(stream, redis->c.err, redis->c.errstr);
        return;
    }
    if (!stream->url.unix_socket) /* hiredis takes its refusal for a broken link */
        redisEnableKeepAlive(&stream->redis->c);
    introduce(stream);
}

static void on_disconnect(const redisAsyncContext *redis, int status)
{
    struct redis_stream *stream = redis->data;
    (void)status;
    if (stream)
        lose(stream, redis->c.err ? redis->c.err : REDIS_ERR_EOF, redis->c.errstr);
}

static int begin(struct redis_stream *stream, struct error *error)
{
    const struct store_url *url = &stream->url;
    if (!url->unix_socket && !*stream->address)
        return error_set(error, ERROR_RUN, "redis at %s: its name is not known yet", url->shown);
    redisAsyncContext *redis = url->unix_socket ? redisAsyncConnectUnix(url->host)
                                                : redisAsyncConnect(stream->address, url->port);
    if (!redis)
        return error_set(error, ERROR_RUN, "redis at %s: no memory", url->shown);
    if (redis->err)
        store_error_link(url, redis->err, redis->errstr, error);
    else if (store_loop_attach(redis, stream->loop) != 0)
        error_set(error, ERROR_RUN, "redis at %s: cannot be watched", url->shown);
    if (error->code != ERROR_NONE) {
        redisAsyncFree(redis);
        return -1;
    }
    redis->data = stream;
    stream->redis = redis;
    stream->phase = PHASE_CONNECTING;
    stream->patience =
        stream->loop.ops->timer(stream->loop.loop, stream->timeout_ns, on_impatience, stream);
    redisAsyncSetConnectCallback(redis, on_connect);
    redisAsyncSetDisconnectCallback(redis, on_disconnect);
    return 0;
}

/* --- a transaction ---------------------------------------------------------------------------- */

/* In one, a command is only queued; a refusal here refuses all of it. */
static void on_queued(redisAsyncContext *redis, void *data, void *privdata)
{
    const redisReply *reply = data;
    struct redis_stream *stream = redis->data;
    (void)privdata;
    if (stream && reply && reply->type == REDIS_REPLY_ERROR)
        store_error_reply(&stream->url, reply->str, &stream->refused);
}

/* False: it was told as failed. */
static bool take_entry(struct redis_stream *stream, const redisReply *reply, uint64_t sequence)
{
    bool error = reply->type == REDIS_REPLY_ERROR;
    bool again = error && !stream->shared && strstr(reply->str, "equal or smaller") != NULL;
    if (again && sequence > stream->last) {
        fail_words(stream, "somebody else writes to it");
        return false;
    }
    if (error && !again) {
        fail_reply(stream, reply->str);
        return false;
    }
    if (sequence > stream->last)
        stream->last = sequence;
    return true;
}

static void on_exec(redisAsyncContext *redis, void *data, void *privdata)
{
    const redisReply *reply = data;
    struct redis_stream *stream = redis->data;
    (void)privdata;
    if (!stream || !reply)
        return;
    if (stream->refused.code != ERROR_NONE) {
        fail(stream, &stream->refused);
        return;
    }
    if (reply->type == REDIS_REPLY_ERROR) {
        fail_reply(stream, reply->str);
        return;
    }
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != stream->count) {
        fail_sense(stream, "EXEC");
        return;
    }
    uint64_t before = 0, last = stream->sequence[stream->count - 1];
    for (size_t i = 0; i < reply->elements; i++) {
        if (before > 0 && reply->element[i]->type == REDIS_REPLY_ERROR)
            stream->events.added(stream->context, before);
        if (!take_entry(stream, reply->element[i], stream->sequence[i]))
            return;
        before = stream->sequence[i];
    }
    stream->count = stream->bytes = 0;
    stream->events.added(stream->context, last);
}

static void add_entry(struct redis_stream *stream, uint64_t sequence, const char *id,
                      const char *line, size_t size)
{
    char own[48] = "*";
    if (!stream->shared)
        snprintf(own, sizeof own, "%" PRIu64 "-%" PRIu64, stream->epoch_ms, sequence);
    const char *argv[12] = {"XADD", stream->key, "MAXLEN", "~",      stream->max_entries,
                            own,    "line",      line,     "sensor", stream->sensor,
                            "id",   id};
    size_t sizes[12];
    int argc = stream->shared ? 12 : 10;
    for (int i = 0; i < argc; i++)
        sizes[i] = i == 7 ? size : strlen(argv[i]);
    redisAsyncCommandArgv(stream->redis, on_queued, NULL, argc, argv, sizes);
}

enum redis_stream_result redis_stream_add(struct redis_stream *stream, uint64_t sequence,
                                          const char *id, const char *line, size_t size,
                                          struct error *error)
{
    if (stream->phase == PHASE_AWAY && begin(stream, error) != 0)
        return REDIS_STREAM_AGAIN;
    if (stream->phase != PHASE_OPEN) {
        stream->full = true;
        return REDIS_STREAM_FULL;
    }
    add_entry(stream, sequence, id, line, size);
    stream->sequence[stream->count++] = sequence;
    stream->bytes += size;
    if (stream->count == REDIS_STREAM_LINES || stream->bytes >= REDIS_STREAM_BYTES)
        redis_stream_commit(stream);
    return REDIS_STREAM_OK;
}

void redis_stream_commit(struct redis_stream *stream)
{
    static const char *exec = "EXEC";
    if (stream->phase != PHASE_OPEN || stream->count == 0)
        return;
    stream->phase = PHASE_COMMITTED;
    send_words(stream, on_exec, 1, &exec);
    send_multi(stream);
}

/* --- from beginning to end -------------------------------------------------------------------- */

struct redis_stream *redis_stream_new(const struct redis_stream_config *config,
                                      const struct redis_stream_events *events, void *context,
                                      struct error *error)
{
    struct redis_stream *stream = xcalloc(1, sizeof *stream);
    stream->shared = config->shared;
    stream->epoch_ms = config->epoch_ms;
    stream->timeout_ns = config->timeout_ns;
    stream->loop = config->loop;
    stream->events = *events;
    stream->context = context;
    stream->key = xstrdup(config->key);
    stream->sensor = xstrdup(config->sensor);
    stream->password = config->password ? xstrdup(config->password) : NULL;
    snprintf(stream->max_entries, sizeof stream->max_entries, "%" PRIu64, config->max_entries);
    if (store_url_parse(config->url, &stream->url, error) != 0) {
        redis_stream_free(stream);
        return NULL;
    }
    if (store_url_is_address(&stream->url))
        redis_stream_found(stream, stream->url.host);
    return stream;
}

const char *redis_stream_host(const struct redis_stream *stream)
{
    bool named = !stream->url.unix_socket && !store_url_is_address(&stream->url);
    return named ? stream->url.host : NULL;
}

void redis_stream_found(struct redis_stream *stream, const char *address)
{
    snprintf(stream->address, sizeof stream->address, "%s", address);
}

void redis_stream_free(struct redis_stream *stream)
{
    if (!stream)
        return;
    forget(stream);
    if (stream->password)
        explicit_bzero(stream->password, strlen(stream->password));
    free(stream->password);
    free(stream->key);
    free(stream->sensor);
    free(stream);
}
