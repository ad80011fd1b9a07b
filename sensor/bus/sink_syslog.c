/* Syslog: RFC 5424 messages over UDP (RFC 5426), TCP with octet counting (RFC 6587), TLS (RFC 5425)
 * or a local socket.
 *
 * None of these acknowledges a message, so "taken" is the best the system can know: a line is taken
 * when the peer's kernel acknowledged all its bytes (TCP, TLS: the send queue is empty up to there;
 * else: it was sent) and the connection has lived `settle_ms` longer. That wait is for the receiver
 * that dies with lines unread in its kernel, which answers with a reset at once, and for UDP's
 * "port unreachable": those lines are sent again. What remains: a receiver that hung for longer and
 * then dies, or that loses what it has read; datagrams that the network loses.
 *
 *   write → frame → kernel → pending (place, sequence) → acknowledged → settled: taken
 *
 * Bounds: one frame (size_max) and PENDING_MAX lines known by number. At either the bus is told
 * SINK_FULL. A connection on which nothing is acknowledged for `timeout_s` is given up. Thread: the
 * loop's. */
#include "net.h"
#include "sink_syslog_frame.h"
#include "sinks.h"
#include "weir/base/log.h"
#include "weir/base/time.h"

#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#define PENDING_MAX 4096u /* a power of two */
#define LOOK_EVERY  (20 * NS_PER_MS)
#define UDP_MAX     65000 /* below what IPv4 and IPv6 both carry */

struct pending {
    uint64_t place, sequence;
    int64_t settles_ns; /* 0: not acknowledged yet */
};

struct sink {
    const struct sink_settings *settings;
    const struct sink_host *host;
    struct net_config config;
    struct syslog_frame shape;
    struct tls_context *tls;
    struct net *net;
    struct loop_watch *look; /* while anything is pending */
    bool up, asked;          /* asked: the bus waits for `ready` */
    bool counted;            /* octet counting, else a newline (local stream) */
    struct buffer message, frame;
    size_t sent;       /* bytes of the frame that are with the kernel; frame.size: all */
    uint64_t sequence; /* of the frame */
    struct pending pending[PENDING_MAX];
    uint64_t first, seen, last; /* [first, seen): acknowledged; [seen, last): not yet */
    int64_t settle_ns, silent_ns, moved_ns;
};

static const char *const transports[] = {"udp", "tcp", "tls", "local", NULL};

static const struct sink_key keys[] = {
    {.name = "transport", .kind = SINK_CHOICE, .choice = transports, .fallback = "tcp"},
    {.name = "host", .kind = SINK_TEXT, .fallback = "127.0.0.1"},
    {.name = "port", .kind = SINK_NUMBER, .min = 1, .max = 65535},
    {.name = "path", .kind = SINK_TEXT, .fallback = "/dev/log"},
    {.name = "facility", .kind = SINK_CHOICE, .choice = syslog_facilities, .fallback = "local0"},
    {.name = "data_id", .kind = SINK_TEXT, .fallback = "weir@32473"},
    {.name = "size_max", .kind = SINK_NUMBER, .min = 480, .max = 1 << 20},
    {.name = "settle_ms", .kind = SINK_NUMBER, .min = 0, .max = 10000, .fallback = "250"},
    {.name = "connect_s", .kind = SINK_NUMBER, .min = 1, .max = 300, .fallback = "10"},
    {.name = "verify", .kind = SINK_FLAG, .fallback = "true"},
    {.name = "ca_file", .kind = SINK_TEXT},
    {.name = "cert_file", .kind = SINK_TEXT},
    {.name = "key_file", .kind = SINK_TEXT},
    {.name = NULL},
};

/* --- what became of it ------------------------------------------------------------------------ */

static void forget(struct sink *sink)
{
    if (sink->look)
        sink->host->loop.ops->drop(sink->look);
    sink->look = NULL;
    net_close(sink->net);
    sink->net = NULL;
    sink->up = false;
    sink->asked = false;
    sink->frame.size = sink->sent = 0;
    sink->first = sink->seen = sink->last = 0;
}

static void fail(struct sink *sink, const struct error *error)
{
    forget(sink);
    sink->host->failed(sink->host->context, error);
}

static struct pending *at(struct sink *sink, uint64_t index)
{
    return &sink->pending[index & (PENDING_MAX - 1)];
}

static void note_acknowledged(struct sink *sink, int64_t now_ns)
{
    uint64_t place = net_acknowledged(sink->net);
    for (; sink->seen < sink->last && at(sink, sink->seen)->place <= place; sink->seen++) {
        at(sink, sink->seen)->settles_ns = now_ns + sink->settle_ns;
        sink->moved_ns = now_ns;
    }
}

static void tell_taken(struct sink *sink, int64_t now_ns)
{
    uint64_t taken = 0;
    for (; sink->first < sink->seen && at(sink, sink->first)->settles_ns <= now_ns; sink->first++)
        taken = at(sink, sink->first)->sequence;
    if (taken)
        sink->host->taken(sink->host->context, taken);
}

static void be_ready(struct sink *sink)
{
    if (!sink->asked || !sink->up || sink->sent < sink->frame.size ||
        sink->last - sink->first >= PENDING_MAX)
        return;
    sink->asked = false;
    sink->host->ready(sink->host->context);
}

static void on_look(void *context)
{
    struct sink *sink = context;
    int64_t now_ns = wtime_now().ns;
    struct error error = {0};
    note_acknowledged(sink, now_ns);
    tell_taken(sink, now_ns);
    bool waits = sink->seen < sink->last || sink->sent < sink->frame.size;
    if (waits && now_ns - sink->moved_ns > sink->silent_ns) {
        error_set(&error, ERROR_RUN, "%s: nothing was acknowledged for %lld s", sink->config.host,
                  (long long)(sink->silent_ns / NS_PER_S));
        fail(sink, &error);
        return;
    }
    if (!waits && sink->first == sink->last) {
        sink->host->loop.ops->drop(sink->look);
        sink->look = NULL;
    }
    be_ready(sink);
}

static void keep_looking(struct sink *sink)
{
    if (sink->look)
        return;
    sink->moved_ns = wtime_now().ns;
    sink->look = sink->host->loop.ops->timer(sink->host->loop.loop, LOOK_EVERY, on_look, sink);
}

/* --- sending ---------------------------------------------------------------------------------- */

static void note_sent(struct sink *sink)
{
    *at(sink, sink->last++) = (struct pending){net_place(sink->net), sink->sequence, 0};
}

/* As much of the frame as goes. SINK_OK: all of it, or the rest when there is room. */
static enum sink_result push(struct sink *sink, struct error *error)
{
    while (sink->sent < sink->frame.size) {
        size_t sent;
        switch (net_send(sink->net, sink->frame.data + sink->sent, sink->frame.size - sink->sent,
                         &sent, error)) {
        case NET_OK:
            sink->sent += sent;
            break;
        case NET_FULL:
            return SINK_OK;
        case NET_TOO_LARGE: /* a local socket's own bound */
            sink->host->refused(sink->host->context, sink->sequence,
                                "longer than a datagram may be");
            sink->sent = sink->frame.size;
            break;
        case NET_FAILED:
            forget(sink);
            return SINK_AGAIN;
        }
    }
    note_sent(sink);
    return SINK_OK;
}

static void on_room(void *context)
{
    struct sink *sink = context;
    struct error error = {0};
    if (sink->sent < sink->frame.size && push(sink, &error) != SINK_OK)
        sink->host->failed(sink->host->context, &error);
    else
        be_ready(sink);
}

static void on_up(void *context)
{
    struct sink *sink = context;
    sink->up = true;
    sink->counted = sink->config.transport == NET_TCP || sink->config.transport == NET_TLS;
    be_ready(sink);
}

static void on_down(void *context, const struct error *error)
{
    struct sink *sink = context;
    struct error why = *error; /* the connection's own, and that goes */
    bool idle =
        sink->up && sink->first == sink->last && sink->sent == sink->frame.size && !sink->asked;
    if (idle) /* an idle connection that ended is no failure: the next line makes another */
        forget(sink);
    else
        fail(sink, &why);
}

static const struct net_events events = {on_up, on_room, on_down};

static void make_frame(struct sink *sink, const struct sink_line *line)
{
    syslog_frame_put(&sink->message, &sink->shape, line);
    sink->frame.size = sink->sent = 0;
    sink->sequence = line->sequence;
    if (sink->counted)
        buffer_text(&sink->frame, "%zu ", sink->message.size);
    buffer_put(&sink->frame, sink->message.data, sink->message.size);
    if (!sink->counted && net_is_stream(sink->net))
        buffer_u8(&sink->frame, '\n');
}

static enum sink_result syslog_write(struct sink *sink, const struct sink_line *line,
                                     struct error *error)
{
    if (!sink->net) {
        sink->net = net_new(sink->host->loop, &sink->config, &events, sink, error);
        if (!sink->net)
            return SINK_AGAIN;
    }
    if (!sink->up || sink->sent < sink->frame.size || sink->last - sink->first >= PENDING_MAX) {
        sink->asked = true;
        return SINK_FULL;
    }
    make_frame(sink, line);
    keep_looking(sink);
    return push(sink, error);
}

static enum sink_result syslog_flush(struct sink *sink, struct error *error)
{
    (void)sink;
    (void)error;
    return SINK_OK;
}

/* --- opening ---------------------------------------------------------------------------------- */

static enum net_transport transport_of(const char *name)
{
    int i = 0;
    while (strcmp(transports[i], name) != 0)
        i++;
    return (enum net_transport)i;
}

static int read_tls(struct sink *sink, struct error *error)
{
    const struct sink_settings *settings = sink->settings;
    struct tls_settings tls = {sink_text(settings, "ca_file"), sink_text(settings, "cert_file"),
                               sink_text(settings, "key_file"), sink_flag(settings, "verify")};
    if (sink->config.transport != NET_TLS)
        return 0;
    if (!tls.verify)
        log_warn("sink %s: verify is false: whoever answers at %s is told everything",
                 settings->name, sink->config.host);
    sink->config.tls = sink->tls = tls_context_new(&tls, error);
    return sink->tls ? 0 : -1;
}

static const char *default_port(enum net_transport transport)
{
    return transport == NET_TLS ? "6514" : transport == NET_TCP ? "601" : "514";
}

static int read_where(struct sink *sink, struct error *error)
{
    const struct sink_settings *settings = sink->settings;
    const char *port = sink_text(settings, "port");
    enum net_transport transport = transport_of(sink_text(settings, "transport"));
    sink->config.transport = transport;
    sink->config.host = sink_text(settings, transport == NET_LOCAL ? "path" : "host");
    sink->config.port = port ? port : default_port(transport);
    sink->config.connect_ns = sink_number(settings, "connect_s") * NS_PER_S;
    sink->silent_ns = sink->config.silent_ns = settings->timeout_s * NS_PER_S;
    sink->settle_ns = sink_number(settings, "settle_ms") * NS_PER_MS;
    struct sockaddr_un address;
    if (transport == NET_LOCAL && strlen(sink->config.host) >= sizeof address.sun_path)
        return error_set(error, ERROR_USAGE, "path: a socket's path is at most %zu bytes",
                         sizeof address.sun_path - 1);
    return 0;
}

static int read_shape(struct sink *sink, struct error *error)
{
    const struct sink_settings *settings = sink->settings;
    bool datagram = sink->config.transport == NET_UDP;
    const char *size_max = sink_text(settings, "size_max");
    sink->shape = (struct syslog_frame){
        .facility = syslog_facility(sink_text(settings, "facility")),
        .hostname = sink->host->sensor,
        .data_id = sink_text(settings, "data_id"),
        .marked = strcmp(settings->format, "text") == 0,
        .size_max = size_max   ? (size_t)sink_number(settings, "size_max")
                    : datagram ? 2048
                               : 65536,
    };
    if (datagram && sink->shape.size_max > UDP_MAX)
        return error_set(error, ERROR_USAGE, "size_max: over UDP at most %d", UDP_MAX);
    if (!syslog_data_id_ok(sink->shape.data_id))
        return error_set(error, ERROR_USAGE, "data_id: \"%s\" is not name@number",
                         sink->shape.data_id);
    return 0;
}

/* All that needs no file. */
static int syslog_check(const struct sink_settings *settings, struct error *error)
{
    static const struct sink_host nobody;
    struct sink *sink = xcalloc(1, sizeof *sink);
    sink->settings = settings;
    sink->host = &nobody;
    int failed = read_where(sink, error) != 0 || read_shape(sink, error) != 0;
    free(sink);
    return failed ? -1 : 0;
}

static void syslog_close(struct sink *sink)
{
    forget(sink);
    tls_context_free(sink->tls);
    buffer_fini(&sink->message);
    buffer_fini(&sink->frame);
    free(sink);
}

static struct sink *syslog_open(const struct sink_settings *settings, const struct sink_host *host,
                                struct error *error)
{
    struct sink *sink = xcalloc(1, sizeof *sink);
    sink->settings = settings;
    sink->host = host;
    if (read_where(sink, error) == 0 && read_shape(sink, error) == 0 && read_tls(sink, error) == 0)
        return sink;
    syslog_close(sink);
    return NULL;
}

const struct sink_row sink_syslog = {
    .type = "syslog",
    .keys = keys,
    .formats = "text cef ecs eve ocsf",
    .tells = true,
    .check = syslog_check,
    .open = syslog_open,
    .write = syslog_write,
    .flush = syslog_flush,
    .close = syslog_close,
};
