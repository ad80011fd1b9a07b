/* Private to the webhook sink: sink_webhook.c sends, sink_webhook_open.c reads its settings. */
#ifndef SENSOR_BUS_SINK_WEBHOOK_LOCAL_H
#define SENSOR_BUS_SINK_WEBHOOK_LOCAL_H

#include "sink_webhook_body.h"
#include "transfer.h"

#define BATCH_MAX   1000u
#define BATCH_BYTES ((size_t)1 << 20) /* a batch that has so many bytes is full */
#define ANSWER_MAX  4096u             /* bytes of an answer that are read */

struct batch_line {
    uint64_t sequence;
    size_t at, size; /* in the batch's text */
    char id[65];     /* event.id */
};

struct batch {
    struct buffer text;
    struct batch_line *line; /* BATCH_MAX */
    size_t count;
};

struct webhook_config {
    char *url, *place; /* the URL may be a secret; its place may be shown */
    const char *method, *content_type;
    enum webhook_body body;
    struct webhook_template *template;
    struct curl_slist *headers; /* the operator's, and the ones that never change */
    char *secret;
    size_t batch;
    bool as_list;
    int64_t hold_max_s; /* how long Retry-After may hold us */
};

struct sink {
    const struct sink_settings *settings;
    const struct sink_host *host;
    struct webhook_config config;
    struct transfer *transfer;
    struct batch gathering, sending;
    size_t from, part;       /* of `sending`: what is under way */
    bool due, asked;         /* due: a flush came; asked: the bus waits for `ready` */
    bool reached;            /* a line was taken since it was opened */
    struct loop_watch *hold; /* Retry-After: its end */
    struct buffer body;
    struct curl_slist *headers; /* of the request under way */
    char answer[ANSWER_MAX];
    size_t answer_size;
};

extern const struct sink_key webhook_keys[];
bool webhook_is_chat(const struct sink_settings *settings);
/* All that needs no file. */
int webhook_check(const struct sink_settings *settings, struct error *error);
int webhook_config_read(struct webhook_config *config, const struct sink_settings *settings,
                        struct error *error);
void webhook_config_fini(struct webhook_config *config);
void webhook_headers_free(struct curl_slist *headers); /* they may hold secrets: wiped */

#endif
