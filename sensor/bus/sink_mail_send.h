/* One message by SMTP, in a thread of its own. */
#ifndef SENSOR_BUS_SINK_MAIL_SEND_H
#define SENSOR_BUS_SINK_MAIL_SEND_H

#include "transfer.h"
#include "weir/base/buffer.h"

#define MAIL_HEARD_MAX 256

struct mail_answer {
    CURLcode code;
    long status;                                      /* the server's last reply code */
    bool offered;                                     /* it was sent some of the message */
    bool temporary;                                   /* a reply was 4xx, whatever came later */
    char why[CURL_ERROR_SIZE], heard[MAIL_HEARD_MAX]; /* its last refusal, as can be shown */
};

struct mail_send;
/* Takes `easy`, set up for all but recipients and message, and what `message` holds. `to` is
 * NULL-terminated and copied. `done` comes once, from
 * the loop; then the answer and the send are still there until mail_send_free. NULL: neither is
 * taken. */
struct mail_send *mail_send_new(struct loop_ref loop, CURL *easy, const char *const *to,
                                struct buffer *message,
                                void (*done)(void *context, const struct mail_answer *answer),
                                void *context, struct error *error);
void mail_send_free(struct mail_send *send); /* under way: it is given up, and `done` never comes */

#endif
