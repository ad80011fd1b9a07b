/* Lines into a Redis stream (XADD, Redis 5 and later), in order and each once: an entry's id is
 * EPOCH-SEQUENCE, and Redis takes no id that is not above the stream's last. So a line that comes
 * again after a lost answer is known by its refusal, and nobody else may write to that stream.
 *
 * Or into one that several share: ids are the server's, what comes again is there again, behind
 * what followed it, and is known by its field `id`.
 *
 * Lines go in transactions (MULTI, XADD…, EXEC), one under way at a time, so that a server that
 * fills up, turns read-only or dies in the middle has all of them or none, and in a stream of its
 * own a later line can never be there without an earlier one. Bounds: REDIS_STREAM_LINES and
 * REDIS_STREAM_BYTES (and a line) a transaction. Time-outs are the caller's: it frees the stream.
 * Thread: the loop's. */
#ifndef WEIR_BASELINE_REDIS_STREAM_H
#define WEIR_BASELINE_REDIS_STREAM_H

#include "weir/base/error.h"
#include "weir/base/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REDIS_STREAM_LINES 256u
#define REDIS_STREAM_BYTES ((size_t)1 << 20)

struct redis_stream_config { /* copied */
    const char *url;         /* as store_config has it, without a password */
    const char *password;    /* NULL: none */
    const char *key;
    const char *sensor;   /* beside each line: who wrote it */
    bool shared;          /* others write to it, too */
    uint64_t max_entries; /* about so many are kept (MAXLEN ~) */
    uint64_t epoch_ms;    /* sequence numbers of an older one are others */
    int64_t timeout_ns;   /* of wall time */
    struct loop_ref loop;
};

/* No callback may free the stream. */
struct redis_stream_events {
    void (*ready)(void *context); /* after REDIS_STREAM_FULL */
    /* The stream has every line up to this one. */
    void (*added)(void *context, uint64_t sequence);
    /* What was not added is dropped; the next line connects again. One line, by name. */
    void (*failed)(void *context, const struct error *error);
};

enum redis_stream_result {
    REDIS_STREAM_OK,
    REDIS_STREAM_FULL,  /* connecting, or a transaction is under way: again after `ready` */
    REDIS_STREAM_AGAIN, /* cannot connect: an error says why */
};

struct redis_stream;
/* Does not connect, and looks nothing up. NULL and an error: the URL makes no sense (ERROR_USAGE).
 */
struct redis_stream *redis_stream_new(const struct redis_stream_config *config,
                                      const struct redis_stream_events *events, void *context,
                                      struct error *error);
/* The host that must be looked up before the first line, and again when it cannot be reached: it
 * may have moved. NULL: a unix socket, or an address. */
const char *redis_stream_host(const struct redis_stream *stream);
void redis_stream_found(struct redis_stream *stream, const char *address);
void redis_stream_free(struct redis_stream *stream); /* nobody is called any more */
/* `id`: by which a shared stream's readers know a line that comes again. */
enum redis_stream_result redis_stream_add(struct redis_stream *stream, uint64_t sequence,
                                          const char *id, const char *line, size_t size,
                                          struct error *error);
void redis_stream_commit(struct redis_stream *stream); /* what was added goes out */

#endif
