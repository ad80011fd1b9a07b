/* Webhooks: lines by HTTP, one or a batch a request, one request at a time so that order is kept.
 *
 *   write → gathering → (full, or flush) → sending: parts of it, one request each → taken
 *
 * What an answer means:
 *
 *   2xx: taken.
 *
 *   408, 425, 429, 5xx, no answer: failed, all that was not taken comes again.
 *
 *   3xx, 401, 403, 404, 405, 407, 410: failed too. It is the address or the key that is wrong, not
 *   the line, and it may be mended while the journal keeps the line.
 *
 *   400 that speaks of TLS before any line was taken: failed likewise. No certificate of ours, or
 *   http to an https port. Later, or in words of the line itself, a receiver repeats what it got.
 *
 *   Other 4xx: refused. Of a batch the half of it is tried, down to one line, then twice as much
 *   again: one bad line does not condemn others, and n bad ones cost about n requests.
 *
 * Retry-After holds the sink back, up to a bound: it takes no line meanwhile. A request that is
 * repeated carries the same X-Weir-Id (one line: its event.id; more: a hash of theirs).
 *
 * Bounds: two batches of `batch` lines and about 1 MiB (a single line may be longer), one request,
 * ANSWER_MAX bytes of an answer; a longer one is cut off, and its status counts. Thread: the
 * loop's. */
#include "sink_webhook_local.h"

#include "record_field.h"
#include "sinks.h"
#include "weir/base/digest.h"
#include "weir/base/time.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum verdict { TAKEN, FAILED, REFUSED };

/* --- batches ---------------------------------------------------------------------------------- */

static void add_line(struct sink *sink, struct batch *batch, const struct sink_line *line)
{
    const char *id = line->record ? record_text(line->record, "event.id") : NULL;
    struct batch_line *own = &batch->line[batch->count++];
    *own = (struct batch_line){.sequence = line->sequence, .at = batch->text.size};
    snprintf(own->id, sizeof own->id, "%s", id ? id : "");
    webhook_body_put(&batch->text, sink->config.body, sink->config.template, line);
    own->size = batch->text.size - own->at;
}

static bool is_full(const struct sink *sink)
{
    return sink->gathering.count >= sink->config.batch || sink->gathering.text.size >= BATCH_BYTES;
}

static bool is_busy(const struct sink *sink)
{
    return sink->sending.count > 0;
}

static void empty(struct batch *batch)
{
    batch->count = 0;
    batch->text.size = 0;
}

static void forget(struct sink *sink)
{
    transfer_cancel(sink->transfer);
    webhook_headers_free(sink->headers);
    sink->headers = NULL;
    empty(&sink->gathering);
    empty(&sink->sending);
    sink->due = sink->asked = false;
}

/* --- a request -------------------------------------------------------------------------------- */

static void make_body(struct sink *sink)
{
    const struct batch *batch = &sink->sending;
    bool list = sink->config.batch > 1 && sink->config.as_list;
    bool lines = sink->config.batch > 1 && !sink->config.as_list;
    sink->body.size = 0;
    for (size_t i = 0; i < sink->part; i++) {
        const struct batch_line *line = &batch->line[sink->from + i];
        if (list)
            buffer_u8(&sink->body, i == 0 ? '[' : ',');
        buffer_put(&sink->body, batch->text.data + line->at, line->size);
        if (lines)
            buffer_u8(&sink->body, '\n');
    }
    if (list)
        buffer_u8(&sink->body, ']');
}

static void add_header(struct sink *sink, const char *name, const char *value)
{
    char *text = xasprintf("%s: %s", name, value);
    sink->headers = curl_slist_append(sink->headers, text);
    free(text);
}

static void make_id(const struct sink *sink, char text[65])
{
    uint8_t sum[SHA256_SIZE];
    const struct batch_line *line = &sink->sending.line[sink->from];
    if (sink->part == 1) {
        for (size_t i = 0; i < sizeof line->id; i++)
            text[i] =
                (char)(line->id[i] && (line->id[i] < '!' || line->id[i] > '~') ? '_' : line->id[i]);
        return;
    }
    struct sha256 *sha = sha256_new();
    for (size_t i = 0; i < sink->part; i++)
        sha256_put(sha, line[i].id, strlen(line[i].id) + 1);
    sha256_take(sha, sum);
    hex_text(sum, 16, text);
}

static void make_headers(struct sink *sink)
{
    char id[65];
    for (const struct curl_slist *own = sink->config.headers; own; own = own->next)
        sink->headers = curl_slist_append(sink->headers, own->data);
    make_id(sink, id);
    if (*id)
        add_header(sink, "X-Weir-Id", id);
    if (!sink->config.secret)
        return;
    char *signature = webhook_signature(sink->config.secret, (int64_t)time(NULL), sink->body.data,
                                        sink->body.size);
    add_header(sink, "X-Weir-Signature", signature);
    free(signature);
}

static size_t on_answer(char *data, size_t one, size_t size, void *context)
{
    struct sink *sink = context;
    size_t room = ANSWER_MAX - sink->answer_size;
    size_t taken = size * one < room ? size * one : room;
    memcpy(sink->answer + sink->answer_size, data, taken);
    sink->answer_size += taken;
    return taken; /* less than there was: the transfer ends here */
}

static int send_part(struct sink *sink, struct error *error)
{
    CURL *easy = transfer_handle(sink->transfer);
    make_body(sink);
    make_headers(sink);
    sink->answer_size = 0;
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, sink->headers);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, sink->body.data ? (char *)sink->body.data : "");
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)sink->body.size);
    return transfer_start(sink->transfer, error);
}

static int begin(struct sink *sink, struct error *error)
{
    struct batch swap = sink->sending;
    sink->sending = sink->gathering;
    sink->gathering = swap;
    sink->from = 0;
    sink->part = sink->sending.count;
    return send_part(sink, error);
}

/* --- answers ---------------------------------------------------------------------------------- */

static enum verdict verdict_of(long status)
{
    static const long again[] = {401, 403, 404, 405, 407, 408, 410, 425, 429};
    if (status >= 200 && status < 300)
        return TAKEN;
    for (size_t i = 0; i < sizeof again / sizeof *again; i++)
        if (status == again[i])
            return FAILED;
    return status >= 400 && status < 500 ? REFUSED : FAILED;
}

/* Servers say 400 of a connection as they do of a request: nginx, Apache, Go. Where a line was
 * taken the connection is right; and a receiver that repeats what it was sent speaks of our line.
 */
static bool speaks_of_the_connection(const struct sink *sink, long status)
{
    static const char *const words[] = {"SSL certificate", "plain HTTP", "HTTPS server"};
    for (size_t i = 0; status == 400 && !sink->reached && i < sizeof words / sizeof *words; i++) {
        size_t size = strlen(words[i]);
        if (memmem(sink->answer, sink->answer_size, words[i], size) &&
            !memmem(sink->body.data, sink->body.size, words[i], size))
            return true;
    }
    return false;
}

/* The first words of an answer, as far as they can be shown. */
static void show_answer(const struct sink *sink, char *text, size_t size)
{
    size_t shown = 0;
    while (shown < sink->answer_size && shown + 1 < size) {
        char c = sink->answer[shown];
        text[shown++] = (char)(c >= ' ' && c <= '~' ? c : ' ');
    }
    text[shown] = '\0';
}

static void say_why(const struct sink *sink, CURLcode code, long status, struct error *error)
{
    char answer[120];
    show_answer(sink, answer, sizeof answer);
    if (status == 0)
        error_set(error, ERROR_RUN, "%s: %s", sink->config.place,
                  transfer_why(sink->transfer, code));
    else if (status >= 300 && status < 400)
        error_set(error, ERROR_RUN, "%s: answered %ld: redirects are not followed",
                  sink->config.place, status);
    else if (code != CURLE_OK && verdict_of(status) == TAKEN)
        error_set(error, ERROR_RUN, "%s: answered %ld, then: %s", sink->config.place, status,
                  transfer_why(sink->transfer, code));
    else
        error_set(error, ERROR_RUN, "%s: answered %ld%s%s", sink->config.place, status,
                  *answer ? ": " : "", answer);
}

static void on_hold_ends(void *context)
{
    struct sink *sink = context;
    sink->host->loop.ops->drop(sink->hold);
    sink->hold = NULL;
    if (!sink->asked)
        return;
    sink->asked = false;
    sink->host->ready(sink->host->context);
}

static void hold_back(struct sink *sink, int64_t seconds)
{
    if (seconds > sink->config.hold_max_s)
        seconds = sink->config.hold_max_s;
    if (seconds > 0 && !sink->hold)
        sink->hold = sink->host->loop.ops->timer(sink->host->loop.loop, seconds * NS_PER_S,
                                                 on_hold_ends, sink);
}

static void on_failed(struct sink *sink, const struct error *error)
{
    curl_off_t seconds = 0;
    curl_easy_getinfo(transfer_handle(sink->transfer), CURLINFO_RETRY_AFTER, &seconds);
    forget(sink);
    hold_back(sink, seconds);
    sink->host->failed(sink->host->context, error);
}

/* The next part of the batch, or the next batch, or nothing for now. */
static void go_on(struct sink *sink)
{
    struct error error = {0};
    int result = 0;
    size_t left = sink->sending.count - sink->from;
    if (left > 0) {
        sink->part = sink->part < left ? sink->part : left;
        result = send_part(sink, &error);
    } else {
        empty(&sink->sending);
        if (sink->gathering.count > 0 && (is_full(sink) || sink->due))
            result = begin(sink, &error);
        if (sink->gathering.count == 0)
            sink->due = false;
    }
    if (result != 0) {
        forget(sink);
        sink->host->failed(sink->host->context, &error);
    } else if (sink->asked && !is_full(sink)) {
        sink->asked = false;
        sink->host->ready(sink->host->context);
    }
}

static void on_refused(struct sink *sink, const struct error *error)
{
    uint64_t sequence = sink->sending.line[sink->from].sequence;
    if (sink->part > 1) {
        sink->part = (sink->part + 1) / 2;
        sink->host->taken(sink->host->context, 0); /* at most 10 times before a line is settled */
        go_on(sink);
        return;
    }
    sink->from++;
    sink->host->refused(sink->host->context, sequence, error->message);
    sink->host->taken(sink->host->context, sequence);
    go_on(sink);
}

/* An answer longer than we read ended the transfer, not the request. */
static bool was_answered(const struct sink *sink, CURLcode code)
{
    return code == CURLE_OK || (code == CURLE_WRITE_ERROR && sink->answer_size == ANSWER_MAX);
}

static void on_done(void *context, CURLcode code)
{
    struct sink *sink = context;
    struct error error = {0};
    long status = 0;
    webhook_headers_free(sink->headers);
    sink->headers = NULL;
    curl_easy_getinfo(transfer_handle(sink->transfer), CURLINFO_RESPONSE_CODE, &status);
    bool counts = was_answered(sink, code) && !speaks_of_the_connection(sink, status);
    enum verdict verdict = counts ? verdict_of(status) : FAILED;
    if (verdict != TAKEN)
        say_why(sink, code, status, &error);
    if (verdict == FAILED) {
        on_failed(sink, &error);
    } else if (verdict == REFUSED) {
        on_refused(sink, &error);
    } else {
        sink->reached = true;
        sink->from += sink->part;
        sink->part *= 2;
        sink->host->taken(sink->host->context, sink->sending.line[sink->from - 1].sequence);
        go_on(sink);
    }
}

/* --- the sink --------------------------------------------------------------------------------- */

static enum sink_result begin_or_forget(struct sink *sink, struct error *error)
{
    if (begin(sink, error) == 0)
        return SINK_OK;
    forget(sink);
    return SINK_AGAIN;
}

static enum sink_result webhook_write(struct sink *sink, const struct sink_line *line,
                                      struct error *error)
{
    if (sink->hold || is_full(sink)) {
        sink->asked = true;
        return SINK_FULL;
    }
    add_line(sink, &sink->gathering, line);
    return is_full(sink) && !is_busy(sink) ? begin_or_forget(sink, error) : SINK_OK;
}

static enum sink_result webhook_flush(struct sink *sink, struct error *error)
{
    if (sink->gathering.count == 0)
        return SINK_OK;
    sink->due = is_busy(sink);
    return sink->due ? SINK_OK : begin_or_forget(sink, error);
}

static void webhook_close(struct sink *sink)
{
    if (sink->transfer)
        forget(sink);
    if (sink->hold)
        sink->host->loop.ops->drop(sink->hold);
    transfer_free(sink->transfer);
    webhook_config_fini(&sink->config);
    buffer_fini(&sink->gathering.text);
    buffer_fini(&sink->sending.text);
    buffer_fini(&sink->body);
    free(sink->gathering.line);
    free(sink->sending.line);
    free(sink);
}

static void set_request(struct sink *sink)
{
    CURL *easy = transfer_handle(sink->transfer);
    curl_easy_setopt(easy, CURLOPT_URL, sink->config.url);
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, sink->config.method);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_answer);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, sink);
}

static struct sink *webhook_open(const struct sink_settings *settings, const struct sink_host *host,
                                 struct error *error)
{
    struct sink *sink = xcalloc(1, sizeof *sink);
    sink->settings = settings;
    sink->host = host;
    sink->gathering.line = xcalloc(BATCH_MAX, sizeof *sink->gathering.line);
    sink->sending.line = xcalloc(BATCH_MAX, sizeof *sink->sending.line);
    if (webhook_config_read(&sink->config, settings, error) == 0)
        sink->transfer = transfer_new(host->loop, settings, "http,https", on_done, sink, error);
    if (sink->transfer) {
        set_request(sink);
        return sink;
    }
    webhook_close(sink);
    return NULL;
}

const struct sink_row sink_webhook = {
    .type = "webhook",
    .keys = webhook_keys,
    .formats = "ecs eve ocsf cef text",
    .tells = true,
    .is_quiet = webhook_is_chat,
    .check = webhook_check,
    .open = webhook_open,
    .write = webhook_write,
    .flush = webhook_flush,
    .close = webhook_close,
};
