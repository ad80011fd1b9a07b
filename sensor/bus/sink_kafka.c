/* Apache Kafka, by librdkafka's idempotent producer.
 *
 * The key of a message is its host, so a host's lines are in one partition and in order there, or,
 * where that was asked for, its own id. The producer itself neither loses, repeats nor reorders
 * what it was given (idempotence, acks=all).
 * Reports come out of order across partitions: a line is taken when it and all before it are
 * reported. Any failure ends the producer and all it holds: a new one is given the lines again, so
 * nothing that was given up here turns up later behind its successors.
 *
 * A broker refuses whole batches, so a refusal condemns nobody at first: the same lines go again
 * one a batch ("careful"), and then it stands for its line. Ending a producer waits for its
 * threads, up to a second or so, which a thread of ours does aside.
 *
 * Bounds: KAFKA_QUEUE_MAX lines and 64 MiB under way. librdkafka's threads connect and look names
 * up; it tells the loop by an eventfd. Thread: the loop's, all callbacks from rd_kafka_poll. */
#include "aside.h"
#include "record_field.h"
#include "sink_kafka_config.h"
#include "sinks.h"
#include "weir/alert/line.h"
#include "weir/base/buffer.h"
#include "weir/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum fate { UNDER_WAY, DELIVERED, REFUSED };

struct message {
    uint64_t sequence;
    enum fate fate;
};

struct sink {
    const struct sink_settings *settings;
    const struct sink_host *host;
    rd_kafka_conf_t *config; /* of every producer */
    rd_kafka_t *producer;    /* NULL: ended, the next line makes one */
    const char *topic;
    int event_fd;
    struct loop_watch *watch;
    bool asked, broken;
    struct error why; /* once broken */
    char heard[256];  /* the producer's last complaint */
    char refusal[128];
    bool careful;
    uint64_t careful_until, given; /* sequences */
    struct message message[KAFKA_QUEUE_MAX];
    uint64_t first, last; /* under way or not told yet: [first, last) */
};

/* --- what the producer says ------------------------------------------------------------------- */

static void on_log(const rd_kafka_t *producer, int level, const char *facility, const char *text)
{
    (void)producer;
    (void)level;
    log_debug("kafka: %s: %s", facility, text);
}

static void on_error(rd_kafka_t *producer, int code, const char *reason, void *context)
{
    struct sink *sink = context;
    (void)producer;
    /* That all brokers are down follows from what was heard of each of them: the cause is kept. */
    if (code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || !*sink->heard)
        snprintf(sink->heard, sizeof sink->heard, "%s", reason);
    if (code == RD_KAFKA_RESP_ERR__FATAL && !sink->broken) {
        sink->broken = true;
        error_set(&sink->why, ERROR_RUN, "kafka: %s", reason);
    }
}

static bool speaks_of_the_line(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE || code == RD_KAFKA_RESP_ERR_INVALID_MSG ||
           code == RD_KAFKA_RESP_ERR_INVALID_RECORD;
}

static void break_off(struct sink *sink, rd_kafka_resp_err_t code)
{
    if (sink->broken)
        return;
    sink->broken = true;
    error_set(&sink->why, ERROR_RUN, "kafka: %s%s%s", rd_kafka_err2str(code),
              *sink->heard ? ": " : "", sink->heard);
}

static void refuse(struct sink *sink, struct message *message, rd_kafka_resp_err_t code)
{
    message->fate = REFUSED;
    snprintf(sink->refusal, sizeof sink->refusal, "kafka: %s", rd_kafka_err2str(code));
}

static struct message *at(struct sink *sink, uint64_t index)
{
    return &sink->message[index % KAFKA_QUEUE_MAX];
}

static void on_report(rd_kafka_t *producer, const rd_kafka_message_t *report, void *context)
{
    struct sink *sink = context;
    struct message *message = report->_private;
    (void)producer;
    if (report->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        message->fate = DELIVERED;
    } else if (speaks_of_the_line(report->err) && sink->careful) {
        refuse(sink, message, report->err);
    } else {
        if (speaks_of_the_line(report->err)) {
            sink->careful = true;
            sink->careful_until = sink->given;
        }
        break_off(sink, report->err);
    }
}

/* --- producers -------------------------------------------------------------------------------- */

static void end_producer(void *producer)
{
    rd_kafka_destroy(producer);
}

/* What it holds is dropped, what is on the wire is not waited for; it calls us no more. */
static void end(struct sink *sink)
{
    rd_kafka_t *producer = sink->producer;
    sink->first = sink->last;
    sink->asked = sink->broken = false;
    sink->why = (struct error){0};
    sink->producer = NULL;
    if (!producer)
        return;
    rd_kafka_queue_t *queue = rd_kafka_queue_get_main(producer);
    rd_kafka_queue_io_event_enable(queue, -1, NULL, 0);
    rd_kafka_queue_destroy(queue);
    rd_kafka_purge(producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT |
                                 RD_KAFKA_PURGE_F_NON_BLOCKING);
    if (aside(end_producer, producer) != 0)
        end_producer(producer); /* no thread to be had: then we wait */
}

static int make(struct sink *sink, struct error *error)
{
    char why[256];
    uint64_t one = 1;
    rd_kafka_conf_t *config = rd_kafka_conf_dup(sink->config);
    rd_kafka_conf_set_opaque(config, sink);
    rd_kafka_conf_set_log_cb(config, on_log);
    rd_kafka_conf_set_error_cb(config, on_error);
    rd_kafka_conf_set_dr_msg_cb(config, on_report);
    if (sink->careful)
        rd_kafka_conf_set(config, "batch.num.messages", "1", why, sizeof why);
    sink->producer = rd_kafka_new(RD_KAFKA_PRODUCER, config, why, sizeof why);
    if (!sink->producer) {
        rd_kafka_conf_destroy(config);
        return error_set(error, ERROR_USAGE, "kafka: %s", why);
    }
    *sink->heard = '\0';
    rd_kafka_queue_t *queue = rd_kafka_queue_get_main(sink->producer);
    rd_kafka_queue_io_event_enable(queue, sink->event_fd, &one, sizeof one);
    rd_kafka_queue_destroy(queue);
    /* It tells when the queue stops being empty: what came before it was asked to must be looked
     * for, or it never tells. */
    if (write(sink->event_fd, &one, sizeof one) == sizeof one)
        return 0;
    end(sink);
    return error_set(error, ERROR_RUN, "kafka: eventfd: %s", strerror(errno));
}

/* --- turns ------------------------------------------------------------------------------------ */

static void tell(struct sink *sink)
{
    uint64_t taken = 0;
    for (; sink->first < sink->last && at(sink, sink->first)->fate != UNDER_WAY; sink->first++) {
        const struct message *message = at(sink, sink->first);
        taken = message->sequence;
        if (message->fate == REFUSED)
            sink->host->refused(sink->host->context, message->sequence, sink->refusal);
    }
    if (taken)
        sink->host->taken(sink->host->context, taken);
}

static void on_event(void *context, unsigned what)
{
    struct sink *sink = context;
    uint64_t count;
    (void)what;
    if (read(sink->event_fd, &count, sizeof count) != sizeof count || !sink->producer)
        return;
    rd_kafka_poll(sink->producer, 0);
    tell(sink);
    if (sink->broken) {
        struct error why = sink->why;
        end(sink);
        sink->host->failed(sink->host->context, &why);
    } else if (sink->asked && sink->last - sink->first < KAFKA_QUEUE_MAX) {
        sink->asked = false;
        sink->host->ready(sink->host->context);
    }
}

static void *loose(const void *data) /* the library takes what it only reads without const */
{
    union {
        const void *in;
        void *out;
    } cast = {.in = data};
    return cast.out;
}

static const char *key_of(const struct sink *sink, const struct json_value *record, const char *id)
{
    if (id && strcmp(sink_text(sink->settings, "key"), "id") == 0)
        return id;
    const char *source = line_end(record, "source"), *host = record_text(record, "host.id");
    return host ? host : *source ? source : sink->host->sensor;
}

static rd_kafka_resp_err_t produce(struct sink *sink, const struct sink_line *line)
{
    const char *id = record_text(line->record, "event.id"), *key = key_of(sink, line->record, id);
    rd_kafka_vu_t part[6] = {0};
    size_t count = 5;
    part[0].vtype = RD_KAFKA_VTYPE_TOPIC;
    part[0].u.cstr = sink->topic;
    part[1].vtype = RD_KAFKA_VTYPE_VALUE;
    part[1].u.mem.ptr = loose(line->text);
    part[1].u.mem.size = line->size;
    part[2].vtype = RD_KAFKA_VTYPE_KEY;
    part[2].u.mem.ptr = loose(key);
    part[2].u.mem.size = strlen(key);
    part[3].vtype = RD_KAFKA_VTYPE_OPAQUE;
    part[3].u.ptr = at(sink, sink->last);
    part[4].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
    part[4].u.i = RD_KAFKA_MSG_F_COPY;
    if (id) {
        part[count].vtype = RD_KAFKA_VTYPE_HEADER;
        part[count].u.header.name = "weir-id";
        part[count].u.header.val = id;
        part[count++].u.header.size = (ssize_t)strlen(id);
    }
    rd_kafka_error_t *error = rd_kafka_produceva(sink->producer, part, count);
    rd_kafka_resp_err_t code = error ? rd_kafka_error_code(error) : RD_KAFKA_RESP_ERR_NO_ERROR;
    if (error)
        rd_kafka_error_destroy(error);
    return code;
}

static enum sink_result give(struct sink *sink, const struct sink_line *line, struct error *error)
{
    rd_kafka_resp_err_t code = produce(sink, line);
    if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
        sink->asked = true;
        return SINK_FULL;
    }
    bool refused = speaks_of_the_line(code);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR && !refused) {
        break_off(sink, code);
        error_set(error, ERROR_RUN, "%s", sink->why.message);
        end(sink);
        return SINK_AGAIN;
    }
    struct message *message = at(sink, sink->last++);
    *message = (struct message){line->sequence, UNDER_WAY};
    sink->given = line->sequence;
    if (refused) {
        refuse(sink, message, code);
        tell(sink);
    }
    return SINK_OK;
}

static enum sink_result kafka_write(struct sink *sink, const struct sink_line *line,
                                    struct error *error)
{
    if (sink->last - sink->first >= KAFKA_QUEUE_MAX) {
        sink->asked = true;
        return SINK_FULL;
    }
    if (sink->careful && sink->first == sink->last && line->sequence > sink->careful_until) {
        sink->careful = false;
        end(sink);
    }
    if (!sink->producer && make(sink, error) != 0)
        return SINK_AGAIN;
    return give(sink, line, error);
}

static enum sink_result kafka_flush(struct sink *sink, struct error *error)
{
    (void)sink; /* it goes out by itself, within linger.ms */
    (void)error;
    return SINK_OK;
}

static void kafka_close(struct sink *sink)
{
    end(sink);
    if (sink->watch)
        sink->host->loop.ops->drop(sink->watch);
    if (sink->event_fd >= 0)
        close(sink->event_fd);
    if (sink->config)
        rd_kafka_conf_destroy(sink->config);
    free(sink);
}

static struct sink *kafka_open(const struct sink_settings *settings, const struct sink_host *host,
                               struct error *error)
{
    struct sink *sink = xcalloc(1, sizeof *sink);
    sink->settings = settings;
    sink->host = host;
    sink->topic = sink_text(settings, "topic");
    sink->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (sink->event_fd >= 0)
        sink->watch =
            host->loop.ops->watch(host->loop.loop, sink->event_fd, LOOP_READ, on_event, sink);
    if (!sink->watch)
        error_set(error, ERROR_RUN, "kafka: no eventfd");
    else if ((sink->config = kafka_config_new(settings, error)) != NULL && make(sink, error) == 0)
        return sink;
    kafka_close(sink);
    return NULL;
}

const struct sink_row sink_kafka = {
    .type = "kafka",
    .keys = kafka_keys,
    .formats = "ecs eve ocsf cef text",
    .tells = true,
    .open = kafka_open,
    .write = kafka_write,
    .flush = kafka_flush,
    .close = kafka_close,
};
