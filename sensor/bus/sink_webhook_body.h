/* What one line is to a webhook's receiver. Pure. */
#ifndef SENSOR_BUS_SINK_WEBHOOK_BODY_H
#define SENSOR_BUS_SINK_WEBHOOK_BODY_H

#include "webhook_template.h"

enum webhook_body { BODY_ALERT, BODY_SLACK, BODY_TEAMS, BODY_MATTERMOST, BODY_TEMPLATE };
extern const char *const webhook_bodies[]; /* their names, NULL-terminated */

/* Appends it. `template` for BODY_TEMPLATE. */
void webhook_body_put(struct buffer *out, enum webhook_body body,
                      const struct webhook_template *template, const struct sink_line *line);
/* "t=1772413447,v1=HEX": HMAC-SHA256 over "1772413447." and the body. Caller frees. */
char *webhook_signature(const char *secret, int64_t time_s, const void *body, size_t size);

#endif
