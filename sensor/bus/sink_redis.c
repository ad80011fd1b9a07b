/* The Redis sink: lines into a stream, the sensor's own or one of many sensors', by transactions
 * (redis_stream.h). The sink itself only says what that says, in the bus's words. A password is
 * read from a file, never from the URL, which is shown.
 *
 * A name is looked up aside before the first line, and again after each failure: the resolver may
 * hang, and the server may have moved. Thread: the bus's. */
#include "net.h"
#include "record_field.h"
#include "sinks.h"
#include "weir/base/buffer.h"
#include "weir/base/time.h"
#include "weir/baseline/redis_stream.h"
#include "weir/baseline/store.h"

#include <stdlib.h>
#include <string.h>

static const struct sink_key keys[] = {
    {.name = "url", .kind = SINK_TEXT, .required = true},
    {.name = "password_file", .kind = SINK_SECRET_FILE},
    {.name = "key", .kind = SINK_TEXT}, /* else weir:alerts:SENSOR, of a shared one weir:alerts */
    {.name = "shared", .kind = SINK_FLAG, .fallback = "false"},
    {.name = "max_entries",
     .kind = SINK_NUMBER,
     .min = 1,
     .max = INT64_C(1) << 40,
     .fallback = "100000"},
    {.name = NULL}};

struct sink {
    const struct sink_host *host;
    struct redis_stream *stream;
    struct net_lookup *lookup; /* under way */
    bool unknown;              /* where it is: to be looked up before the next line */
};

static void on_ready(void *context)
{
    const struct sink *sink = context;
    sink->host->ready(sink->host->context);
}

static void on_added(void *context, uint64_t sequence)
{
    const struct sink *sink = context;
    sink->host->taken(sink->host->context, sequence);
}

static void on_failed(void *context, const struct error *error)
{
    struct sink *sink = context;
    sink->unknown = redis_stream_host(sink->stream) != NULL;
    sink->host->failed(sink->host->context, error);
}

static const struct redis_stream_events events = {on_ready, on_added, on_failed};

/* --- where it is ------------------------------------------------------------------------------ */

static void on_found(void *context, const struct addrinfo *found, const char *why)
{
    struct sink *sink = context;
    char address[64] = "";
    struct error error = {0};
    for (const struct addrinfo *one = found; one && !*address; one = one->ai_next)
        if (getnameinfo(one->ai_addr, one->ai_addrlen, address, sizeof address, NULL, 0,
                        NI_NUMERICHOST) != 0)
            address[0] = '\0';
    if (!*address)
        error_set(&error, ERROR_RUN, "redis at %s: %s", redis_stream_host(sink->stream),
                  why ? why : "no address");
    net_lookup_free(sink->lookup); /* and what was found */
    sink->lookup = NULL;
    if (*address) {
        redis_stream_found(sink->stream, address);
        sink->unknown = false;
        sink->host->ready(sink->host->context);
    } else {
        sink->host->failed(sink->host->context, &error);
    }
}

static enum sink_result look_up(struct sink *sink, struct error *error)
{
    if (!sink->lookup)
        sink->lookup = net_lookup_new(sink->host->loop, redis_stream_host(sink->stream), NULL,
                                      SOCK_STREAM, on_found, sink, error);
    return sink->lookup ? SINK_FULL : SINK_AGAIN;
}

/* --- from opening to closing ------------------------------------------------------------------ */

/* As user:password@ or :password@ of the URL's host. */
static bool holds_password(const char *url)
{
    const char *host = strstr(url, "://");
    const char *at = host ? strrchr(host, '@') : NULL;
    return at && memchr(host + 3, ':', (size_t)(at - host - 3)) != NULL;
}

static int redis_check(const struct sink_settings *settings, struct error *error)
{
    struct error why = {0};
    const char *url = sink_text(settings, "url");
    if (!url)
        return error_set(error, ERROR_USAGE, "url: a sink of type redis needs one");
    if (holds_password(url))
        return error_set(error, ERROR_USAGE,
                         "url: holds a password, expected it in a file that password_file names");
    if (store_check_url(url, &why) != 0)
        return error_set(error, ERROR_USAGE, "url: %s", why.message);
    return 0;
}

static int open_stream(struct sink *sink, const struct sink_settings *settings, struct error *error)
{
    const char *key = sink_text(settings, "key");
    struct error secret_error = {0};
    struct redis_stream_config config = {.url = sink_text(settings, "url"),
                                         .sensor = sink->host->sensor,
                                         .shared = sink_flag(settings, "shared"),
                                         .max_entries =
                                             (uint64_t)sink_number(settings, "max_entries"),
                                         .epoch_ms = sink->host->epoch_ms,
                                         .timeout_ns = settings->timeout_s * NS_PER_S,
                                         .loop = sink->host->loop};
    if (redis_check(settings, error) != 0)
        return -1;
    char *password = sink_secret(settings, "password_file", &secret_error);
    if (secret_error.code != ERROR_NONE)
        return error_set(error, secret_error.code, "%s", secret_error.message);
    char *own = xasprintf("weir:alerts:%s", sink->host->sensor ? sink->host->sensor : "");
    config.password = password;
    config.key = key ? key : config.shared ? "weir:alerts" : own;
    if (!config.sensor)
        config.sensor = "";
    sink->stream = redis_stream_new(&config, &events, sink, error);
    sink->unknown = sink->stream && redis_stream_host(sink->stream);
    if (password)
        explicit_bzero(password, strlen(password));
    free(password);
    free(own);
    return sink->stream ? 0 : -1;
}

static void redis_close(struct sink *sink)
{
    net_lookup_free(sink->lookup);
    redis_stream_free(sink->stream);
    free(sink);
}

static struct sink *redis_open(const struct sink_settings *settings, const struct sink_host *host,
                               struct error *error)
{
    struct sink *sink = xcalloc(1, sizeof *sink);
    sink->host = host;
    if (open_stream(sink, settings, error) == 0)
        return sink;
    redis_close(sink);
    return NULL;
}

static enum sink_result redis_write(struct sink *sink, const struct sink_line *line,
                                    struct error *error)
{
    static const enum sink_result result[] = {[REDIS_STREAM_OK] = SINK_OK,
                                              [REDIS_STREAM_FULL] = SINK_FULL,
                                              [REDIS_STREAM_AGAIN] = SINK_AGAIN};
    if (sink->unknown)
        return look_up(sink, error);
    const char *id = record_text(line->record, "event.id");
    return result[redis_stream_add(sink->stream, line->sequence, id ? id : "", line->text,
                                   line->size, error)];
}

static enum sink_result redis_flush(struct sink *sink, struct error *error)
{
    (void)error;
    redis_stream_commit(sink->stream);
    return SINK_OK;
}

const struct sink_row sink_redis = {.type = "redis",
                                    .keys = keys,
                                    .formats = "ecs eve ocsf cef text",
                                    .tells = true,
                                    .check = redis_check,
                                    .open = redis_open,
                                    .write = redis_write,
                                    .flush = redis_flush,
                                    .close = redis_close};
