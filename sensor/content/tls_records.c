/* TLS in a stream side: the hellos, and records held to where they are due (RFC 8446 5.1).
 *
 *   begins ─┬─> HELLO ───┬─ read ─────────> ENCRYPTED ─┬─ a header not in place ─> UNKNOWN
 *           ├─> SERVER ──┘                             │
 *           └──────────────── no hello ───> RECORDS ───┘
 *
 * Five bytes make a record's header, and anybody can write them in front of a text. So a side is
 * believed to be encrypted behind a hello that parses (not one that only begins like one); other
 * records are held to their places, but inspected as what is UNKNOWN is. Of either, a header that
 * is not where the record before said makes the side clear text: no gap lies between, so it never
 * was TLS, or is no more (FTP's CCC). The service is taken back when no hello was read.
 *
 * Behind missing bytes that were not all of one record, the next header has no place. A flow of
 * which both hellos were read stays TLS; else the side is looked at like a stream whose beginning
 * was not seen.
 *
 * Bounds: a side is held until both are certain (TLS_HELD_RECORDS each, behind their hellos), or
 * its budget is spent (CONTENT_HANDSHAKE_BYTES); streams are let go then, and nothing is held any
 * more. Bodies are skipped by arithmetic; at most a header is gathered. Thread: the capture thread.
 */
#include "flow_content.h"
#include "recognise.h"
#include "tls_wire.h"

#include <string.h>

#define TLS_KNOWN_BYTES 6u /* which message it is, too */

/* As many as the shortest handshake has on either side: hello, ChangeCipherSpec or what stands for
 * it, Finished. */
#define TLS_HELD_RECORDS 3u

#define HELLO_OF_CLIENT 1u
#define HELLO_OF_SERVER 2u
#define HELLO_OF_BOTH   (HELLO_OF_CLIENT | HELLO_OF_SERVER)

/* --- where it begins ---------------------------------------------------------------------------
 */

/* Records come from here on. */
static void begin_records(struct side *side, bool hello)
{
    side_set_stage(side, hello ? STAGE_ENCRYPTED : STAGE_RECORDS);
    side->skip_bytes = 0;
    side->records = 0;
    side->held = true;
}

/* By the first bytes: the client's hello, or five bytes that may become one of either side's. */
void records_begin(struct side *side, const uint8_t *data, size_t size)
{
    if (tls_begins_server_hello(data, size))
        side_set_stage(side, STAGE_SERVER);
    else if (tls_may_be_client(data, size))
        side_set_stage(side, STAGE_HELLO);
    else
        begin_records(side, false);
}

enum parse_result stage_begin_tls(struct side *side, const uint8_t *data, size_t size)
{
    enum parse_result result = tls_begins(data, size);
    if (result == PARSE_OK && size < TLS_KNOWN_BYTES)
        return PARSE_MORE;
    if (result == PARSE_OK)
        records_begin(side, data, size);
    return result;
}

/* --- hellos ------------------------------------------------------------------------------------
 */

/* What there is of a hello; one that lost bytes is as good as one that is whole. */
static enum parse_result take_hello(struct side *side, const uint8_t *data, size_t size, bool lost)
{
    struct tls_hello hello;
    enum parse_result result = tls_parse_hello(data, size, &hello);
    bool read = result == PARSE_OK || (lost && result == PARSE_MORE);
    content_hello(side->owner, &hello);
    side->owner->hellos |= read ? HELLO_OF_CLIENT : 0;
    begin_records(side, read);
    return result;
}

static void take_server_hello(struct side *side, const uint8_t *data, size_t size)
{
    bool read = tls_server_hello_fits(data, size);
    side->owner->hellos |= read ? HELLO_OF_SERVER : 0;
    begin_records(side, read);
}

size_t records_step_hello(struct side *side, const uint8_t *data, size_t size)
{
    if (tls_begins_server_hello(data, size)) {
        side_set_stage(side, STAGE_SERVER);
        return 0;
    }
    if (size < TLS_HELLO_MAX && tls_hello_wants_more(data, size))
        return 0;
    enum parse_result result = take_hello(side, data, size, false);
    side->owner->content->malformed += result == PARSE_MALFORMED || result == PARSE_MORE;
    return 0;
}

size_t records_step_server(struct side *side, const uint8_t *data, size_t size)
{
    struct tls_certificate certificate;
    enum parse_result result = tls_parse_certificate(data, size, &certificate);
    if (result == PARSE_MORE && size < TLS_HELLO_MAX)
        return 0;
    if (result == PARSE_OK)
        content_certificate(side->owner, &certificate);
    side->owner->content->malformed += result == PARSE_MALFORMED || result == PARSE_MORE;
    take_server_hello(side, data, size);
    return 0;
}

void records_cut_hello(struct side *side, uint64_t bytes)
{
    if (side->head_size == 0) /* there was no room for it */
        begin_records(side, false);
    else if (side->stage == STAGE_HELLO)
        take_hello(side, side->head, side->head_size, bytes > 0);
    else
        take_server_hello(side, side->head, side->head_size);
}

/* --- records -----------------------------------------------------------------------------------
 */

/* With a budget of its own: what comes was not looked at yet. */
static void leave_records(struct side *side)
{
    side_set_stage(side, STAGE_UNKNOWN);
    side->skip_bytes = 0;
    side->sample = (struct text_counts){0};
    side->limit_bytes = side->inspected_bytes + CONTENT_PROBE_BYTES;
}

static void refute(struct side *side)
{
    struct content_flow *cf = side->owner;
    cf->content->malformed++;
    if (cf->service == SERVICE_TLS && !cf->hellos)
        cf->service = SERVICE_NONE;
    leave_records(side);
}

static size_t skip(struct side *side, size_t size)
{
    size_t skipped = side->skip_bytes < size ? (size_t)side->skip_bytes : size;
    side->skip_bytes -= skipped;
    return skipped;
}

size_t records_step(struct side *side, const uint8_t *data, size_t size)
{
    size_t whole;
    if (!side->held)
        return size;
    if (side->skip_bytes)
        return skip(side, size);
    switch (tls_record_size(data, size, &whole)) {
    case PARSE_OK:
        side->skip_bytes = whole;
        if (whole > TLS_RECORD_HEADER && side->records < TLS_HELD_RECORDS)
            side->records++; /* an empty one costs nothing, and seals nothing */
        return skip(side, size);
    case PARSE_MORE:
        break;
    default:
        refute(side);
    }
    return 0;
}

void records_cut(struct side *side, uint64_t bytes)
{
    if (!side->held || bytes == 0)
        return;
    if (side->head_size == 0 && bytes <= side->skip_bytes)
        side->skip_bytes -= bytes;
    else if (side->stage == STAGE_ENCRYPTED && side->owner->hellos == HELLO_OF_BOTH)
        side->held = false;
    else
        leave_records(side);
}

bool records_are_certain(const struct side *side)
{
    return side->stage == STAGE_ENCRYPTED && (!side->held || side->records == TLS_HELD_RECORDS);
}
