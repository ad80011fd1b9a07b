/* Transfer encodings of RFC 2045 6.7 and 6.8, undone as the bytes come. Each is a filter in front
 * of `next`, which it owns; decoders make no more bytes than they are given. Thread: the capture
 * thread. */
#ifndef WEIR_SENSOR_CONTENT_TRANSFER_H
#define WEIR_SENSOR_CONTENT_TRANSFER_H

#include "filter.h"

struct filter *base64_filter_new(struct filter *next);
struct filter *quoted_filter_new(struct filter *next); /* quoted-printable */

#endif
