/* What the files of a worker share: worker.c, packets; worker_clock.c, time that passes;
 * worker_log.c, connections that a log tells of. Private to these. */
#ifndef WEIR_SENSOR_CAPTURE_WORKER_PARTS_H
#define WEIR_SENSOR_CAPTURE_WORKER_PARTS_H

#include "worker.h"

#define WATERMARK_NS     NS_PER_S
#define WATERMARK_LOG_NS NS_PER_MIN /* its window holds back more: nobody waits, or is woken */

/* --- worker_clock.c */
/* Everything due before `time`, then whatever the passing of time asks for. */
void worker_advance(struct worker *worker, struct ptime time, int64_t watermark_ns);
void worker_count_backwards(struct worker *worker, struct ptime time);
void worker_tell_health(struct worker *worker);
void worker_tell_watermark(struct worker *worker, bool wakes);

/* --- worker_log.c */
bool worker_log_is_entry(const struct packet_raw *raw); /* of a log, and no packet */
/* When what it tells of began, and how many packets it stands for. */
int64_t worker_log_since(const struct packet_raw *raw, uint64_t *packets);
void worker_log_entry(struct worker *worker, struct capture_input *input,
                      const struct packet_raw *raw, bool jumped);

/* --- worker.c: is a packet with this result of the worker's share? */
bool worker_owns(const struct worker *worker, enum decode_result result,
                 const struct packet *packet);

#endif
