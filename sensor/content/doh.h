/* DNS over HTTP in clear (RFC 8484): messages in bodies and in a request's target. */
#ifndef WEIR_SENSOR_CONTENT_DOH_H
#define WEIR_SENSOR_CONTENT_DOH_H

#include "body.h"
#include "span.h"

/* A body that is a message: kept whole, to DOH_MESSAGE_MAX, and read at its end. */
struct filter *doh_filter_new(struct side *side, struct filter *next);
/* "/dns-query?dns=AAABAAAB…": a question, when that is what it is. */
void doh_target(struct side *side, struct text_span target);

#endif
