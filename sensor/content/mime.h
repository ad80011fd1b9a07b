/* Messages and multiparts, taken apart as they come: each part that holds something goes through
 * its transfer encoding into an inspector of its own. RFC 5322, 2045, 2046; RFC 7578 for HTTP.
 * Thread: the capture thread. */
#ifndef WEIR_SENSOR_CONTENT_MIME_H
#define WEIR_SENSOR_CONTENT_MIME_H

#include "body.h"

#define MIME_DEPTH_MAX 8u /* multiparts and messages within each other */

/* `message`: it begins with a head of its own; else it is a multipart of this boundary. */
struct filter *mime_filter_new(struct side *side, const char *boundary, bool message);

#endif
