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
#include "sink_mail_message.h"
#include "sink_mail_send.h"
#include "sinks.h"
#include "weir/base/log.h"
#include "weir/base/time.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PROTOCOLS "smtp,smtps"
#define GATHER_NS (500 * NS_PER_MS)

struct sink {
    const struct sink_settings *settings;
    const struct sink_host *host;
    struct mail_send *send; /* a message under way */
    char *url, *place, *password;
    struct mail_head head;
    struct mail_digest *digest;
    struct buffer message;
    bool asked;
    struct loop_watch *gather, *hold; /* until it is sent; until the next may be */
    int64_t digest_ns;
    char said[MAIL_HEARD_MAX]; /* the server's last refusal that was logged */
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
    mail_send_free(sink->send);
    sink->send = NULL;
    mail_digest_clear(sink->digest);
    sink->asked = false;
}

/* --- answers ---------------------------------------------------------------------------------- */

static void be_ready(struct sink *sink)
{
    if (!sink->asked || sink->send || sink->hold)
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

static void hold_back(struct sink *sink)
{
    if (sink->digest_ns > 0)
        sink->hold =
            sink->host->loop.ops->timer(sink->host->loop.loop, sink->digest_ns, on_hold_ends, sink);
}

/* A recipient or the message: all of them for ever, libcurl tells the last one's status only. The
 * sender, the login and the rest may be mended. */
static bool was_refused(const struct mail_answer *answer)
{
    if (answer->temporary || answer->status < 500 || answer->status > 599 || answer->status == 530)
        return false;
    if (answer->code == CURLE_SEND_ERROR)
        return strncmp(answer->why, "MAIL", 4) != 0;
    return answer->code == CURLE_WEIRD_SERVER_REPLY && answer->offered;
}

/* Of the digest: all are the other end's, or all are refused. */
static void settle(struct sink *sink, const char *refused)
{
    size_t count = mail_digest_count(sink->digest);
    uint64_t last = mail_digest_sequence(sink->digest, count - 1);
    for (size_t i = 0; refused && i < count; i++)
        sink->host->refused(sink->host->context, mail_digest_sequence(sink->digest, i), refused);
    mail_digest_clear(sink->digest);
    hold_back(sink);
    sink->host->taken(sink->host->context, last);
    be_ready(sink);
}

static void say_partly_refused(struct sink *sink, const struct mail_answer *answer)
{
    if (!*answer->heard || strcmp(answer->heard, sink->said) == 0)
        return;
    log_warn("sink %s: a recipient was refused: %s", sink->settings->name, answer->heard);
    snprintf(sink->said, sizeof sink->said, "%s", answer->heard);
}

static void on_done(void *context, const struct mail_answer *answer)
{
    struct sink *sink = context;
    struct error error = {0};
    bool taken = answer->code == CURLE_OK, refused = was_refused(answer);
    if (taken)
        say_partly_refused(sink, answer);
    else
        error_set(&error, ERROR_RUN, "%s: %s%s%s", sink->place, answer->why,
                  *answer->heard ? ": " : "", answer->heard);
    mail_send_free(sink->send); /* and the answer with it */
    sink->send = NULL;
    if (taken || refused) {
        settle(sink, refused ? error.message : NULL);
        return;
    }
    forget(sink);
    sink->host->failed(sink->host->context, &error);
}

/* --- a message -------------------------------------------------------------------------------- */

static CURL *prepared(const struct sink *sink)
{
    CURL *easy = curl_easy_init();
    const struct sink_settings *settings = sink->settings;
    const char *tls = sink_text(settings, "starttls");
    bool required = strcmp(tls, "require") == 0, never = strcmp(tls, "never") == 0;
    if (!easy)
        return NULL;
    transfer_configure(easy, settings, PROTOCOLS);
    curl_easy_setopt(easy, CURLOPT_URL, sink->url);
    curl_easy_setopt(easy, CURLOPT_USERNAME, sink_text(settings, "username"));
    curl_easy_setopt(easy, CURLOPT_PASSWORD, sink->password);
    curl_easy_setopt(easy, CURLOPT_USE_SSL,
                     (long)(required ? CURLUSESSL_ALL
                            : never  ? CURLUSESSL_NONE
                                     : CURLUSESSL_TRY));
    curl_easy_setopt(easy, CURLOPT_MAIL_FROM, sink->head.from);
    curl_easy_setopt(easy, CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L);
    return easy;
}

static void send_message(void *context)
{
    struct sink *sink = context;
    struct error error = {0};
    CURL *easy = prepared(sink);
    drop(sink, &sink->gather);
    sink->head.time_s = (int64_t)time(NULL);
    mail_digest_put(&sink->message, sink->digest, &sink->head);
    if (easy)
        sink->send = mail_send_new(sink->host->loop, easy, sink->head.to, &sink->message, on_done,
                                   sink, &error);
    if (sink->send)
        return;
    curl_easy_cleanup(easy);
    error_set(&error, ERROR_RUN, "libcurl cannot begin");
    forget(sink);
    sink->host->failed(sink->host->context, &error);
}

/* --- the sink --------------------------------------------------------------------------------- */

static enum sink_result mail_write(struct sink *sink, const struct sink_line *line,
                                   struct error *error)
{
    if (sink->send || sink->hold || !mail_digest_add(sink->digest, line)) {
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
    forget(sink);
    drop(sink, &sink->hold);
    if (sink->password)
        explicit_bzero(sink->password, strlen(sink->password));
    free(sink->password);
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
    for (const char *const *to = sink->head.to; *to; to++)
        if (!mail_address_ok(*to))
            return error_set(error, ERROR_USAGE, "to: \"%s\" is not name@domain", *to);
    return 0;
}

static int read_url(struct sink *sink, struct error *error)
{
    const char *url = sink_text(sink->settings, "url"), *helo = sink_text(sink->settings, "helo");
    sink->place = url ? transfer_place(url, PROTOCOLS) : NULL;
    if (!sink->place)
        return error_set(error, ERROR_USAGE, "url: expected smtp://host:port or smtps://host:port");
    if (transfer_has_login(url))
        return error_set(error, ERROR_USAGE, "url: holds a login: give username and password_file");
    if (helo && strspn(helo, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") !=
                    strlen(helo))
        return error_set(error, ERROR_USAGE, "helo: \"%s\" is not a host's name", helo);
    sink->url = xasprintf("%s/%s", sink->place, helo ? helo : "");
    sink->digest_ns = sink_number(sink->settings, "digest_s") * NS_PER_S;
    return 0;
}

static bool may_go_in_clear(const struct sink_settings *settings)
{
    return strcmp(sink_text(settings, "starttls"), "require") != 0 &&
           strncmp(sink_text(settings, "url"), "smtps", 5) != 0;
}

static int check_login(const struct sink_settings *settings, struct error *error)
{
    const char *username = sink_text(settings, "username");
    if (!username != !sink_text(settings, "password_file"))
        return error_set(error, ERROR_USAGE, "username and password_file go together");
    if (username && may_go_in_clear(settings))
        return error_set(error, ERROR_USAGE,
                         "starttls: %s would show the password to the network, expected require, "
                         "or a url of smtps://",
                         sink_text(settings, "starttls"));
    return 0;
}

static int read_login(struct sink *sink, struct error *error)
{
    if (check_login(sink->settings, error) != 0)
        return -1;
    if (!sink_text(sink->settings, "username"))
        return 0;
    sink->password = sink_secret(sink->settings, "password_file", error);
    return sink->password ? 0 : -1;
}

/* All that needs no file. */
static int mail_check(const struct sink_settings *settings, struct error *error)
{
    static const struct sink_host nobody;
    struct sink sink = {.settings = settings, .host = &nobody};
    int failed = read_addresses(&sink, error) != 0 || read_url(&sink, error) != 0 ||
                 check_login(settings, error) != 0 || transfer_check_words(settings, error) != 0;
    free(sink.url);
    free(sink.place);
    return failed ? -1 : 0;
}

static void say_clear(const struct sink_settings *settings)
{
    if (may_go_in_clear(settings))
        log_warn("sink %s: starttls is %s: mail may go out in clear", settings->name,
                 sink_text(settings, "starttls"));
}

static struct sink *mail_open(const struct sink_settings *settings, const struct sink_host *host,
                              struct error *error)
{
    struct sink *sink = xcalloc(1, sizeof *sink);
    sink->settings = settings;
    sink->host = host;
    sink->digest = mail_digest_new();
    if (read_addresses(sink, error) == 0 && read_url(sink, error) == 0 &&
        read_login(sink, error) == 0 && transfer_check(settings, error) == 0) {
        say_clear(settings);
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
    .check = mail_check,
    .open = mail_open,
    .write = mail_write,
    .flush = mail_flush,
    .close = mail_close,
};
