/* What libndpi calls flows that nothing here names and that weigh something.
 * Thread: the capture thread. */
#ifndef WEIR_SENSOR_CONTENT_APPLICATION_H
#define WEIR_SENSOR_CONTENT_APPLICATION_H

#include "flow_content.h"

/* From so much payload of one side on, libndpi is asked. */
#define APPLICATION_ASK_BYTES 4096u
/* First payloads that are kept for it: of a side, of each, of all flows together. */
#define APPLICATION_PAYLOADS      4u
#define APPLICATION_PAYLOAD_BYTES 512u
#define APPLICATION_BYTES         (UINT64_C(32) << 20)

struct applications;
struct application_sample; /* of a flow that may be asked about */

/* `later`: libndpi is begun by the first flow that it is asked about. */
struct applications *applications_new(bool later, struct error *error);
void applications_free(struct applications *applications);
void applications_health(const struct applications *applications, struct health *health);

/* The next payload of a side, after everybody else has looked at it. Sets the flow's
 * TEXT_APPLICATION when enough was seen. */
void application_take(struct content_flow *cf, enum flow_side side, const uint8_t *data,
                      size_t size);
void application_fetch(const struct content_flow *cf); /* where the next payload is kept */
void application_swap(struct content_flow *cf);
void application_drop(struct content_flow *cf); /* no more is wanted */

#endif
