/* libcurl's multi interface over base/loop.h: it says which descriptors to watch and when to wake
 * it, and is told what happened.
 *
 * Nothing of the environment counts: no proxy from http_proxy, none left out by no_proxy, no
 * .netrc; redirects are not followed. QUICK_EXIT, so that giving up a transfer does not wait for a
 * resolver's thread. SIGPIPE is ignored by the program (NOSIGNAL leaves it to us). Bounds: one
 * transfer, its time, and at most one connection kept. Thread: the loop's; libcurl's resolver has
 * its own. */
#include "transfer.h"

#include "weir/base/buffer.h"
#include "weir/base/log.h"
#include "weir/base/time.h"

#include <stdlib.h>
#include <string.h>

struct transfer {
    struct loop_ref loop;
    CURLM *multi;
    CURL *easy;
    struct loop_watch *timer;
    bool busy;
    void (*done)(void *context, CURLcode code);
    void *context;
    char why[CURL_ERROR_SIZE];
};

struct watched { /* a descriptor of libcurl's */
    struct transfer *transfer;
    curl_socket_t fd;
    struct loop_watch *watch;
};

/* --- the loop --------------------------------------------------------------------------------- */

static void drop_timer(struct transfer *transfer)
{
    if (transfer->timer)
        transfer->loop.ops->drop(transfer->timer);
    transfer->timer = NULL;
}

/* The last thing done in a callback: the owner may free the transfer. */
static void look_for_end(struct transfer *transfer)
{
    int left;
    const CURLMsg *message;
    while ((message = curl_multi_info_read(transfer->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE || !transfer->busy)
            continue;
        CURLcode code = message->data.result;
        transfer->busy = false;
        curl_multi_remove_handle(transfer->multi, transfer->easy);
        transfer->done(transfer->context, code);
        return;
    }
}

static void on_ready(void *context, unsigned what)
{
    const struct watched *watched = context;
    struct transfer *transfer = watched->transfer;
    int running, happened = ((what & LOOP_READ) ? CURL_CSELECT_IN : 0) |
                            ((what & LOOP_WRITE) ? CURL_CSELECT_OUT : 0);
    curl_multi_socket_action(transfer->multi, watched->fd, happened, &running);
    look_for_end(transfer);
}

static void on_due(void *context)
{
    struct transfer *transfer = context;
    int running;
    drop_timer(transfer);
    curl_multi_socket_action(transfer->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    look_for_end(transfer);
}

static int on_timer(CURLM *multi, long ms, void *context)
{
    struct transfer *transfer = context;
    (void)multi;
    drop_timer(transfer);
    if (ms >= 0)
        transfer->timer =
            transfer->loop.ops->timer(transfer->loop.loop, ms * NS_PER_MS, on_due, transfer);
    return ms >= 0 && !transfer->timer ? -1 : 0;
}

static void forget_socket(struct transfer *transfer, struct watched *watched)
{
    if (!watched)
        return;
    if (watched->watch)
        transfer->loop.ops->drop(watched->watch);
    free(watched);
}

static int on_socket(CURL *easy, curl_socket_t fd, int wanted, void *context, void *own)
{
    struct transfer *transfer = context;
    struct watched *watched = own;
    unsigned what =
        ((wanted & CURL_POLL_IN) ? LOOP_READ : 0u) | ((wanted & CURL_POLL_OUT) ? LOOP_WRITE : 0u);
    (void)easy;
    if (wanted == CURL_POLL_REMOVE) {
        forget_socket(transfer, watched);
        curl_multi_assign(transfer->multi, fd, NULL);
        return 0;
    }
    if (watched) {
        transfer->loop.ops->change(watched->watch, what);
        return 0;
    }
    watched = xcalloc(1, sizeof *watched);
    *watched = (struct watched){transfer, fd, NULL};
    watched->watch = transfer->loop.ops->watch(transfer->loop.loop, fd, what, on_ready, watched);
    if (!watched->watch) {
        free(watched);
        return -1;
    }
    curl_multi_assign(transfer->multi, fd, watched);
    return 0;
}

/* --- opening ---------------------------------------------------------------------------------- */

static void set_tls(CURL *easy, const struct sink_settings *settings)
{
    bool verify = sink_flag(settings, "verify");
    const char *ca_file = sink_text(settings, "ca_file");
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (ca_file)
        curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
    curl_easy_setopt(easy, CURLOPT_SSLCERT, sink_text(settings, "cert_file"));
    curl_easy_setopt(easy, CURLOPT_SSLKEY, sink_text(settings, "key_file"));
}

void transfer_configure(CURL *easy, const struct sink_settings *settings, const char *protocols)
{
    const char *proxy = sink_text(settings, "proxy");
    int64_t request_s = sink_number(settings, "request_s");
    if (request_s > settings->timeout_s) /* we say what was wrong before the bus gives us up */
        request_s = settings->timeout_s;
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, protocols);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PROXY, proxy ? proxy : "");
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)sink_number(settings, "connect_s"));
    curl_easy_setopt(easy, CURLOPT_TIMEOUT, (long)request_s);
    curl_easy_setopt(easy, CURLOPT_SERVER_RESPONSE_TIMEOUT, (long)request_s);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    set_tls(easy, settings);
}

int transfer_check_words(const struct sink_settings *settings, struct error *error)
{
    const char *proxy = sink_text(settings, "proxy");
    if (proxy && strchr(proxy, '@'))
        return error_set(error, ERROR_USAGE, "proxy: holds a login, expected a proxy without one");
    if (sink_text(settings, "key_file") && !sink_text(settings, "cert_file"))
        return error_set(error, ERROR_USAGE, "a key_file without a cert_file");
    return 0;
}

int transfer_check(const struct sink_settings *settings, struct error *error)
{
    static const char *const key[] = {"ca_file", "cert_file", "key_file"};
    if (transfer_check_words(settings, error) != 0)
        return -1;
    for (size_t i = 0; i < sizeof key / sizeof *key; i++) {
        const char *path = sink_text(settings, key[i]);
        FILE *file = path ? fopen(path, "re") : NULL;
        if (path && !file)
            return error_set(error, ERROR_USAGE, "%s: %s: cannot be read", key[i], path);
        if (file)
            fclose(file);
    }
    if (!sink_flag(settings, "verify"))
        log_warn("sink %s: verify is false: whoever answers is told everything", settings->name);
    return 0;
}

struct transfer *transfer_new(struct loop_ref loop, const struct sink_settings *settings,
                              const char *protocols, void (*done)(void *context, CURLcode code),
                              void *context, struct error *error)
{
    struct transfer *transfer = xcalloc(1, sizeof *transfer);
    *transfer = (struct transfer){.loop = loop, .done = done, .context = context};
    if (transfer_check(settings, error) != 0)
        goto failed;
    transfer->multi = curl_multi_init();
    transfer->easy = curl_easy_init();
    if (!transfer->multi || !transfer->easy) {
        error_set(error, ERROR_RUN, "libcurl cannot begin");
        goto failed;
    }
    curl_multi_setopt(transfer->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(transfer->multi, CURLMOPT_SOCKETDATA, transfer);
    curl_multi_setopt(transfer->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(transfer->multi, CURLMOPT_TIMERDATA, transfer);
    curl_multi_setopt(transfer->multi, CURLMOPT_MAXCONNECTS, 1L);
    transfer_configure(transfer->easy, settings, protocols);
    curl_easy_setopt(transfer->easy, CURLOPT_ERRORBUFFER, transfer->why);
    return transfer;
failed:
    transfer_free(transfer);
    return NULL;
}

void transfer_free(struct transfer *transfer)
{
    if (!transfer)
        return;
    if (transfer->easy) {
        transfer_cancel(transfer);
        curl_easy_cleanup(transfer->easy);
    }
    if (transfer->multi) /* the kept connection's descriptor is given back to on_socket */
        curl_multi_cleanup(transfer->multi);
    drop_timer(transfer);
    free(transfer);
}

/* --- one transfer ----------------------------------------------------------------------------- */

CURL *transfer_handle(struct transfer *transfer)
{
    return transfer->easy;
}

int transfer_start(struct transfer *transfer, struct error *error)
{
    *transfer->why = '\0';
    CURLMcode code = curl_multi_add_handle(transfer->multi, transfer->easy);
    if (code != CURLM_OK)
        return error_set(error, ERROR_RUN, "libcurl: %s", curl_multi_strerror(code));
    transfer->busy = true;
    return 0;
}

void transfer_cancel(struct transfer *transfer)
{
    if (transfer->busy)
        curl_multi_remove_handle(transfer->multi, transfer->easy);
    transfer->busy = false;
}

const char *transfer_why(const struct transfer *transfer, CURLcode code)
{
    return *transfer->why ? transfer->why : curl_easy_strerror(code);
}

/* --- addresses -------------------------------------------------------------------------------- */

static bool is_listed(const char *word, const char *list)
{
    size_t size = strlen(word);
    for (const char *at = list; *at; at += strcspn(at, ",") + (at[strcspn(at, ",")] == ','))
        if (strncmp(at, word, size) == 0 && (at[size] == ',' || !at[size]))
            return true;
    return false;
}

bool transfer_has_login(const char *url)
{
    char *user = NULL;
    CURLU *parts = curl_url();
    bool has = parts && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
               curl_url_get(parts, CURLUPART_USER, &user, 0) == CURLUE_OK;
    curl_free(user);
    curl_url_cleanup(parts);
    return has;
}

char *transfer_place(const char *url, const char *protocols)
{
    char *scheme = NULL, *host = NULL, *port = NULL, *place = NULL;
    CURLU *parts = curl_url();
    if (parts && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
        is_listed(scheme, protocols)) {
        curl_url_get(parts, CURLUPART_PORT, &port, 0);
        place = xasprintf("%s://%s%s%s", scheme, host, port ? ":" : "", port ? port : "");
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(parts);
    return place;
}
