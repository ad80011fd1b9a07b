/* One libcurl transfer at a time on the loop, for sinks. Never waits: names are looked up in
 * libcurl's own threads. One thread: the loop's. */
#ifndef SENSOR_BUS_TRANSFER_H
#define SENSOR_BUS_TRANSFER_H

#include "weir/base/loop.h"
#include "weir/bus/sink.h"

#include <curl/curl.h>

/* Keys that every sink which goes by libcurl has. */
#define TRANSFER_KEYS                                                                              \
    {.name = "connect_s", .kind = SINK_NUMBER, .min = 1, .max = 300, .fallback = "10"},            \
        {.name = "request_s", .kind = SINK_NUMBER, .min = 1, .max = 300, .fallback = "20"},        \
        {.name = "proxy", .kind = SINK_TEXT},                                                      \
        {.name = "verify", .kind = SINK_FLAG, .fallback = "true"},                                 \
        {.name = "ca_file", .kind = SINK_TEXT}, {.name = "cert_file", .kind = SINK_TEXT},          \
    {                                                                                              \
        .name = "key_file", .kind = SINK_TEXT                                                      \
    }

/* A proxy's login would be shown with the configuration: it is refused; so is a key without its
 * certificate. */
int transfer_check_words(const struct sink_settings *settings, struct error *error);
/* That, and whether the files those keys name can be read; says once when nothing is verified. */
int transfer_check(const struct sink_settings *settings, struct error *error);
/* What the keys say, and nothing of the environment: no proxy, no redirect, no .netrc.
 * `protocols`: what libcurl may speak, "http,https". */
void transfer_configure(CURL *easy, const struct sink_settings *settings, const char *protocols);

struct transfer;
/* `done` comes from the loop, once a start, never from inside transfer_start; another may be
 * started in it. */
struct transfer *transfer_new(struct loop_ref loop, const struct sink_settings *settings,
                              const char *protocols, void (*done)(void *context, CURLcode code),
                              void *context, struct error *error);
void transfer_free(struct transfer *transfer); /* what is under way is given up */
CURL *transfer_handle(struct transfer *transfer);
int transfer_start(struct transfer *transfer, struct error *error);
void transfer_cancel(struct transfer *transfer);
/* Why the last one failed, in libcurl's words. */
const char *transfer_why(const struct transfer *transfer, CURLcode code);
/* "https://host:8080" of a URL whose rest may be a secret; NULL: no URL of the protocols. The
 * caller frees. */
char *transfer_place(const char *url, const char *protocols);
bool transfer_has_login(const char *url); /* "https://user:password@host" */

#endif
