/* E-mail: alerts by SMTP (RFC 5321), several of them a message.
 *
 *   write → gathering for GATHER_NS → one message under way → taken, and nothing for `digest_s`
 *
 * The first alert after a quiet time goes out at once with those that came with it; what follows
 * within `digest_s` waits in the journal, not here, and is the next message. So at most one message
 * a `digest_s`, and nothing is held that a restart would lose.
 *
 *   all recipients refused with 5xx, or the message itself   refused: the lines of the message
 *   anything else: 4xx, the sender, the login, TLS, no answer   failed: again later
 *
 * Where some recipients are refused and others not, the others have it, and it is said once.
 * Bounds: one digest (sink_mail_message.h), one transfer, 256 bytes of the server's words. Thread:
 * the loop's. */
#include "record_field.h"
#include "sink_mail_message.h"
#include "sinks_network.h"
#include "transfer.h"
#include "weir/base/log.h"
#include "weir/base/time.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PROTOCOLS "smtp,smtps"
#define GATHER_NS (500 * NS_PER_MS)
#define HEARD_MAX 256

struct sink {
    const struct sink_settings *settings;
    const struct sink_host *host;
    struct transfer *transfer;
    char *url, *place;
    struct mail_head head;
    struct curl_slist *to;
    struct mail_digest *digest;
    struct buffer message;
    size_t sent; /* bytes of it that libcurl read */
    bool busy, asked;
    struct loop_watch *gather, *hold; /* until it is sent; until the next may be */
    int64_t digest_ns;
    char heard[HEARD_MAX], said[HEARD_MAX]; /* the server's last refusal; what was logged */
};

static const char *const tls_choices[] = {"require", "try", "never", NULL};

static const struct sink_key keys[] = {
    {.name = "url", .kind = SINK_TEXT, .required = true},
    {.name = "from", .kind = SINK_TEXT, .required = true},
    {.name = "to", .kind = SINK_TEXTS, .required = true},
    {.name = "subject", .kind = SINK_TEXT, .fallback = "[weir]"},
    {.name = "digest_s", .kind = SINK_NUMBER, .max = 86400, .fallback = "60"},
    {.name = "username", .kind = SINK_TEXT},
    {.name = "password_file", .kind = SINK_SECRET_FILE},
    {.name = "starttls", .kind = SINK_CHOICE, .choice = tls_choices, .fallback = "require"},
    {.name = "helo", .kind = SINK_TEXT},
    TRANSFER_KEYS,
    {.name = NULL},
};

/* --- under way -------------------------------------------------------------------------------- */

static void drop(struct sink *sink, struct loop_watch **watch)
{
    if (*watch)
        sink->host->loop.ops->drop(*watch);
    *watch = NULL;
}

static void forget(struct sink *sink)
{
    drop(sink, &sink->gather);
    transfer_cancel(sink->transfer);
    mail_digest_clear(sink->digest);
    sink->busy = sink->asked = false;
}

static size_t on_read(char *out, size_t one, size_t room, void *context)
{
    struct sink *sink = context;
    size_t left = sink->message.size - sink->sent, size = room * one;
    size = size < left ? size : left;
    memcpy(out, sink->message.data + sink->sent, size);
    sink->sent += size;
    return size;
}

/* Each line of the server's; those that refuse are kept, as far as they can be shown. */
static size_t on_line(char *line, size_t one, size_t size, void *context)
{
    struct sink *sink = context;
    size_t given = one * size, shown = 0;
    if (given > 0 && (line[0] == '4' || line[0] == '5')) {
        for (; shown < given && shown + 1 < HEARD_MAX && line[shown] != '\r'; shown++)
            sink->heard[shown] = line[shown] >= ' ' && line[shown] <= '~' ? line[shown] : ' ';
        sink->heard[shown] = '\0';
    }
    return given;
}

static void send_message(void *context)
{
    struct sink *sink = context;
    struct error error = {0};
    drop(sink, &sink->gather);
    sink->head.time_s = (int64_t)time(NULL);
    mail_digest_put(&sink->message, sink->digest, &sink->head);
    sink->sent = 0;
    *sink->heard = '\0';
    curl_easy_setopt(transfer_handle(sink->transfer), CURLOPT_INFILESIZE_LARGE,
                     (curl_off_t)sink->message.size);
    sink->busy = true;
    if (transfer_start(sink->transfer, &error) == 0)
        return;
    forget(sink);
    sink->host->failed(sink->host->context, &error);
}

/* --- answers ---------------------------------------------------------------------------------- */

static void be_ready(struct sink *sink)
{
    if (!sink->asked || sink->hold || sink->busy)
        return;
    sink->asked = false;
    sink->host->ready(sink->host->context);
}

static void on_hold_ends(void *context)
{
    struct sink *sink = context;
    drop(sink, &sink->hold);
    be_ready(sink);
}

/* A recipient or the message; the sender, the login and the rest may be mended. */
static bool was_refused(const struct sink *sink, CURLcode code)
{
    long status = 0;
    curl_easy_getinfo(transfer_handle(sink->transfer), CURLINFO_RESPONSE_CODE, &status);
    if (status < 500 || status > 599 || status == 530)
        return false;
    if (code == CURLE_SEND_ERROR)
        return strncmp(transfer_why(sink->transfer, code), "MAIL", 4) != 0;
    return code == CURLE_WEIRD_SERVER_REPLY && sink->sent > 0;
}

/* Of the digest: all are the other end's, or all are refused. */
static void settle(struct sink *sink, const char *refused)
{
    size_t count = mail_digest_count(sink->digest);
    uint64_t last = mail_digest_sequence(sink->digest, count - 1);
    for (size_t i = 0; refused && i < count; i++)
        sink->host->refused(sink->host->context, mail_digest_sequence(sink->digest, i), refused);
    mail_digest_clear(sink->digest);
    sink->busy = false;
    if (sink->digest_ns > 0)
        sink->hold =
            sink->host->loop.ops->timer(sink->host->loop.loop, sink->digest_ns, on_hold_ends, sink);
    sink->host->taken(sink->host->context, last);
    be_ready(sink);
}

static void say_partly_refused(struct sink *sink)
{
    if (!*sink->heard || strcmp(sink->heard, sink->said) == 0)
        return;
    log_warn("sink %s: a recipient was refused: %s", sink->settings->name, sink->heard);
    snprintf(sink->said, sizeof sink->said, "%s", sink->heard);
}

static void on_done(void *context, CURLcode code)
{
    struct sink *sink = context;
    struct error error = {0};
    if (code == CURLE_OK) {
        say_partly_refused(sink);
        settle(sink, NULL);
        return;
    }
    error_set(&error, ERROR_RUN, "%s: %s%s%s", sink->place, transfer_why(sink->transfer, code),
              *sink->heard ? ": " : "", sink->heard);
    if (was_refused(sink, code)) {
        settle(sink, error.message);
        return;
    }
    forget(sink);
    sink->host->failed(sink->host->context, &error);
}

/* --- the sink --------------------------------------------------------------------------------- */

static enum sink_result mail_write(struct sink *sink, const struct sink_line *line,
                                   struct error *error)
{
    if (sink->busy || sink->hold || !mail_digest_add(sink->digest, line)) {
        sink->asked = true;
        return SINK_FULL;
    }
    if (!sink->gather)
        sink->gather =
            sink->host->loop.ops->timer(sink->host->loop.loop, GATHER_NS, send_message, sink);
    if (sink->gather)
        return SINK_OK;
    error_set(error, ERROR_RUN, "mail: no timer");
    forget(sink);
    return SINK_AGAIN;
}

static enum sink_result mail_flush(struct sink *sink, struct error *error)
{
    (void)sink; /* what was written goes out within GATHER_NS */
    (void)error;
    return SINK_OK;
}

static void mail_close(struct sink *sink)
{
    drop(sink, &sink->gather);
    drop(sink, &sink->hold);
    transfer_free(sink->transfer);
    curl_slist_free_all(sink->to);
    mail_digest_free(sink->digest);
    buffer_fini(&sink->message);
    free(sink->url);
    free(sink->place);
    free(sink);
}

/* --- opening ---------------------------------------------------------------------------------- */

static int read_addresses(struct sink *sink, struct error *error)
{
    const struct sink_settings *settings = sink->settings;
    sink->head.from = sink_text(settings, "from");
    sink->head.to = sink_texts(settings, "to");
    sink->head.prefix = sink_text(settings, "subject");
    sink->head.sensor = sink->host->sensor ? sink->host->sensor : "weir";
    if (!sink->head.from || !sink->head.to || !*sink->head.to)
        return error_set(error, ERROR_USAGE, "a sink of type mail needs from and to");
    if (!mail_address_ok(sink->head.from))
        return error_set(error, ERROR_USAGE, "from: \"%s\" is not name@domain", sink->head.from);
    for (const char *const *to = sink->head.to; *to; to++) {
        if (!mail_address_ok(*to))
            return error_set(error, ERROR_USAGE, "to: \"%s\" is not name@domain", *to);
        sink->to = curl_slist_append(sink->to, *to);
    }
    return 0;
}

static int read_url(struct sink *sink, struct error *error)
{
    const char *url = sink_text(sink->settings, "url"), *helo = sink_text(sink->settings, "helo");
    sink->place = url ? transfer_place(url, PROTOCOLS) : NULL;
    if (!sink->place)
        return error_set(error, ERROR_USAGE, "url: expected smtp://host:port or smtps://host:port");
    if (helo && strspn(helo, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") !=
                    strlen(helo))
        return error_set(error, ERROR_USAGE, "helo: \"%s\" is not a host's name", helo);
    sink->url = xasprintf("%s/%s", sink->place, helo ? helo : "");
    sink->digest_ns = sink_number(sink->settings, "digest_s") * NS_PER_S;
    return 0;
}

static int set_login(struct sink *sink, struct error *error)
{
    CURL *easy = transfer_handle(sink->transfer);
    const char *username = sink_text(sink->settings, "username");
    bool has_password = sink_text(sink->settings, "password_file") != NULL;
    if (!username != !has_password)
        return error_set(error, ERROR_USAGE, "username and password_file go together");
    if (!username)
        return 0;
    char *password = sink_secret(sink->settings, "password_file", error);
    if (!password)
        return -1;
    curl_easy_setopt(easy, CURLOPT_USERNAME, username);
    curl_easy_setopt(easy, CURLOPT_PASSWORD, password);
    explicit_bzero(password, strlen(password));
    free(password);
    return 0;
}

static void set_message(struct sink *sink)
{
    CURL *easy = transfer_handle(sink->transfer);
    const char *tls = sink_text(sink->settings, "starttls");
    bool required = strcmp(tls, "require") == 0, never = strcmp(tls, "never") == 0;
    if (!required && strncmp(sink->place, "smtps", 5) != 0)
        log_warn("sink %s: starttls is %s: mail may go out in clear", sink->settings->name, tls);
    curl_easy_setopt(easy, CURLOPT_URL, sink->url);
    curl_easy_setopt(easy, CURLOPT_USE_SSL,
                     (long)(required ? CURLUSESSL_ALL
                            : never  ? CURLUSESSL_NONE
                                     : CURLUSESSL_TRY));
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy, CURLOPT_MAIL_FROM, sink->head.from);
    curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, sink->to);
    curl_easy_setopt(easy, CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(easy, CURLOPT_READDATA, sink);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_line);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, sink);
}

static struct sink *mail_open(const struct sink_settings *settings, const struct sink_host *host,
                              struct error *error)
{
    struct sink *sink = xcalloc(1, sizeof *sink);
    sink->settings = settings;
    sink->host = host;
    sink->digest = mail_digest_new();
    if (read_addresses(sink, error) == 0 && read_url(sink, error) == 0)
        sink->transfer = transfer_new(host->loop, settings, PROTOCOLS, on_done, sink, error);
    if (sink->transfer && set_login(sink, error) == 0) {
        set_message(sink);
        return sink;
    }
    mail_close(sink);
    return NULL;
}

const struct sink_row sink_mail = {
    .type = "mail",
    .keys = keys,
    .formats = "text cef ecs eve ocsf",
    .tells = true,
    .quiet = true,
    .open = mail_open,
    .write = mail_write,
    .flush = mail_flush,
    .close = mail_close,
};
