/* What the next bytes of a stream side are.
 *
 *   PROBE ─┬─> PROBE                        behind a PROXY header, whose client is kept
 *          ├─> HELLO, SERVER, RECORDS, ENCRYPTED   TLS (tls_records.c); SSH is ENCRYPTED at once
 *          ├─> DNS                          length, message, length, message …
 *          ├─> PROTOCOL                     whoever has a row (protocol.h)
 *          ├─> CLEAR                        what HTTP was left for, and nobody's
 *          └─> UNKNOWN ──> CLEAR            side.c decides by the share of text
 *
 * A step is given bytes, consumes some and may change the stage; steps go on until all is consumed
 * or the stage wants more, and then the rest is gathered. A step that changes the stage without
 * consuming goes only downwards in the picture; TLS that is none goes to UNKNOWN with bytes that
 * begin no record and so do not lead back: steps end. What PROBE, UNKNOWN, RECORDS and CLEAR are
 * done with is inspected, each byte once. Protocols begin inside streams too: a hello after
 * STARTTLS, AUTH TLS, SOCKS or CONNECT, and a request after a gap, begin a piece (a segment), so
 * pieces of UNKNOWN and CLEAR are looked at where they begin.
 *
 * Bounds: a gathered head is at most TLS_HELLO_MAX (a server's flight: CONTENT_HANDSHAKE_BYTES),
 * SIDE_GATHER_MAX, one DNS message, or RECOGNISE_BYTES_MAX, and a piece. Beyond, and where bytes
 * are missing or there is no room to gather, what is gathered is read as far as it goes. */
#include "flow_content.h"
#include "protocol.h"
#include "recognise.h"

#include <string.h>

#define DNS_PORT           53
#define DNS_LENGTH_SIZE    2u
#define DNS_HEADER_SIZE    12u
#define DNS_FIRST_LOOK_MIN (DNS_LENGTH_SIZE + DNS_HEADER_SIZE)

typedef size_t step_function(struct side *side, const uint8_t *data, size_t size);

bool stage_scans(enum stage stage)
{
    return stage <= STAGE_CLEAR;
}

static bool is_clear_service(uint8_t service)
{
    return service == SERVICE_HTTP || service == SERVICE_WEBSOCKET || service == SERVICE_SMTP ||
           service == SERVICE_FTP;
}

/* --- PROBE -------------------------------------------------------------------------------------
 */

/* A row that is not the other side's: the side is no more than clear text. */
static void begin_protocol(struct side *side, const struct protocol *protocol)
{
    side_set_protocol(side, protocol);
    if (side->stage == STAGE_PROBE)
        side_set_stage(side, STAGE_UNKNOWN);
}

static void begin_service(struct side *side, enum service service, const uint8_t *data, size_t size)
{
    const struct protocol *protocol = protocol_of(service);
    content_set_service(side->owner, service);
    if (protocol && protocol->step)
        begin_protocol(side, protocol);
    else if (service == SERVICE_TLS)
        records_begin(side, data, size);
    else if (service == SERVICE_SSH)
        side_set_stage(side, STAGE_ENCRYPTED);
    else
        side_set_stage(side, STAGE_DNS);
}

/* On port 53 less is asked of a message than elsewhere. */
static bool is_dns_by_port(const struct side *side, const uint8_t *data, size_t size)
{
    if (size < DNS_FIRST_LOOK_MIN || !content_has_port(side->owner, DNS_PORT))
        return false;
    struct dns_message message;
    size_t length = (size_t)data[0] << 8 | data[1], there = size - DNS_LENGTH_SIZE;
    return length >= DNS_HEADER_SIZE &&
           dns_parse(data + DNS_LENGTH_SIZE, there < length ? there : length, &message) !=
               PARSE_NOT;
}

static bool has_row(const struct content_flow *cf)
{
    return cf->protocol && cf->protocol->step;
}

static void begin_unrecognised(struct side *side, const uint8_t *data, size_t size)
{
    struct content_flow *cf = side->owner;
    cf->hints |= service_hint(data, size);
    if (cf->hints == (HINT_GREETING | HINT_USER)) {
        content_set_service(cf, SERVICE_FTP);
        content_set_protocol(cf, protocol_of(SERVICE_FTP));
    }
    if (has_row(cf))
        side_set_protocol(side, cf->protocol);
    else if (is_dns_by_port(side, data, size))
        begin_service(side, SERVICE_DNS, data, size);
    else
        side_set_stage(side, is_clear_service(cf->service) ? STAGE_CLEAR : STAGE_UNKNOWN);
}

/* The PROXY protocol's header: true as long as it is or may be one; *used, how much of it is
 * there. Only the first bytes of all can be. */
static bool take_proxy(struct side *side, const uint8_t *data, size_t size, size_t *used)
{
    struct proxy_head head;
    enum parse_result result = proxy_parse(data, size, &head);
    *used = 0;
    if (result == PARSE_MORE && size < RECOGNISE_BYTES_MAX)
        return true;
    side->begun = true;
    if (result != PARSE_OK) {
        side->owner->content->malformed += result == PARSE_MALFORMED;
        return false;
    }
    content_client(side->owner, &head.client);
    side_set_stage(side, STAGE_PROBE); /* what follows has the whole budget */
    *used = head.size < size ? head.size : size;
    side->skip_bytes = head.size - *used;
    return true;
}

static size_t skip(struct side *side, size_t size)
{
    size_t skipped = side->skip_bytes < size ? (size_t)side->skip_bytes : size;
    side->skip_bytes -= skipped;
    return skipped;
}

static enum parse_result recognise_row(const struct side *side, const uint8_t *data, size_t size,
                                       const struct protocol **protocol)
{
    struct flow_key key = content_key(side->owner);
    const struct side *peer = side->owner->side[1 - side_index(side)];
    bool waits = peer && peer->stage == STAGE_PROBE && peer->head_size;
    struct opening opening = {data,
                              size,
                              side_index(side),
                              key.orig_port,
                              key.resp_port,
                              waits ? peer->head : NULL,
                              waits ? peer->head_size : 0};
    return protocol_recognise(&opening, protocol);
}

static void cut_protocol(struct side *side, uint64_t bytes)
{
    const struct protocol *protocol = side->owner->protocol;
    if (protocol->cut)
        protocol->cut(side, bytes);
}

static size_t step_probe(struct side *side, const uint8_t *data, size_t size)
{
    enum service service;
    size_t used;
    if (side->skip_bytes)
        return skip(side, size);
    if (!side->begun && !side->owner->expected && side_index(side) == SIDE_ORIG &&
        take_proxy(side, data, size, &used))
        return used;
    if (has_row(side->owner)) { /* the other side's words said so */
        side_set_protocol(side, side->owner->protocol);
        return 0;
    }
    enum parse_result result = service_recognise(data, size, &service);
    if (result == PARSE_OK) {
        begin_service(side, service, data, size);
        return 0;
    }
    const struct protocol *protocol;
    enum parse_result row = recognise_row(side, data, size, &protocol);
    if (row == PARSE_OK)
        begin_protocol(side, protocol);
    else if (result != PARSE_MORE && row != PARSE_MORE)
        begin_unrecognised(side, data, size);
    return 0;
}

/* --- PROTOCOL ----------------------------------------------------------------------------------
 */

static size_t step_protocol(struct side *side, const uint8_t *data, size_t size)
{
    const struct protocol *protocol = side->owner->protocol;
    if (!protocol->step)
        return size;
    size_t used = protocol->step(side, data, size);
    if (used > 0 || side->stage != STAGE_PROTOCOL || size < SIDE_GATHER_MAX)
        return used;
    side->owner->content->malformed++;
    cut_protocol(side, 0);
    return size;
}

/* --- UNKNOWN and CLEAR: at a piece's beginning -------------------------------------------------
 */

static size_t step_clear(struct side *side, const uint8_t *data, size_t size)
{
    struct content_flow *cf = side->owner;
    bool unknown = side->stage == STAGE_UNKNOWN;
    bool early = side->inspected_bytes <= CONTENT_PROBE_BYTES;
    if (cf->protocol && cf->protocol->joins && !side->opened) { /* by the other side's words */
        side_set_protocol(side, cf->protocol);
        if (side->stage == STAGE_PROTOCOL)
            return 0;
    }
    if (early && (tls_begins_hello(data, size) || (unknown && tls_looks_like(data, size)))) {
        content_set_service(cf, SERVICE_TLS);
        records_begin(side, data, size);
        return 0;
    }
    if ((cf->service == SERVICE_HTTP || (unknown && early)) &&
        http_begins(data, size) == PARSE_OK) {
        side_set_protocol(side, protocol_of(SERVICE_HTTP));
        return side->stage == STAGE_PROTOCOL ? 0 : size;
    }
    return size;
}

/* --- DNS over TCP: what turns out to be no message, or contradicts itself, is inspected ---------
 */

static size_t dns_length(const uint8_t *data)
{
    return (size_t)data[0] << 8 | data[1];
}

static size_t step_dns(struct side *side, const uint8_t *data, size_t size)
{
    struct dns_message message;
    if (side->skip_bytes)
        return skip(side, size);
    if (side->lost && dns_begins(data, size) != PARSE_OK) {
        side_inspect(side, data, size);
        return size; /* perhaps the next piece */
    }
    side->lost = false;
    if (size < DNS_LENGTH_SIZE)
        return 0;
    size_t length = dns_length(data);
    if (size - DNS_LENGTH_SIZE < length)
        return 0;
    enum parse_result result = dns_parse(data + DNS_LENGTH_SIZE, length, &message);
    if (result != PARSE_NOT)
        content_dns(side->owner, data + DNS_LENGTH_SIZE, length, &message);
    if (result == PARSE_OK) {
        side_inspect_gap(side, DNS_LENGTH_SIZE + length);
    } else {
        side->owner->content->malformed++;
        side_inspect(side, data, DNS_LENGTH_SIZE + length);
    }
    return DNS_LENGTH_SIZE + length;
}

/* --- steps -------------------------------------------------------------------------------------
 */

static step_function *const step[STAGES] = {
    [STAGE_PROBE] = step_probe,         [STAGE_UNKNOWN] = step_clear,
    [STAGE_CLEAR] = step_clear,         [STAGE_DNS] = step_dns,
    [STAGE_HELLO] = records_step_hello, [STAGE_SERVER] = records_step_server,
    [STAGE_PROTOCOL] = step_protocol,   [STAGE_RECORDS] = records_step,
    [STAGE_ENCRYPTED] = records_step,
};

/* How many bytes the stages were done with. */
static size_t run_steps(struct side *side, const uint8_t *data, size_t size)
{
    for (size_t at = 0; at < size;) {
        uint8_t before = side->stage;
        size_t used = step[side->stage](side, data + at, size - at);
        if (used && stage_scans(side->stage))
            side_inspect(side, data + at, used);
        at += used;
        if (used == 0 && side->stage == before)
            return at;
    }
    return size;
}

/* The head with a new piece behind it, which begins at `border`. Where the head turns out to be
 * nobody's, the piece is looked at from its own beginning: short greetings come before many a hello
 * (SOCKS, database servers). */
static size_t run_gathered(struct side *side, size_t border)
{
    size_t from = 0;
    if (side->stage == STAGE_PROBE) {
        from = step_probe(side, side->head, side->head_size);
        if (side->stage == STAGE_UNKNOWN || side->stage == STAGE_CLEAR)
            from = border;
        if (from && stage_scans(side->stage))
            side_inspect(side, side->head, from);
    }
    return from + run_steps(side, side->head + from, side->head_size - from);
}

/* What was gathered while nothing was certain, when the other side has become certain since. */
static void read_late(struct side *side)
{
    const struct protocol *protocol = side->owner->protocol;
    if (side->stage == STAGE_PROBE && side->head_size && protocol && protocol->step) {
        side_set_protocol(side, protocol);
        side_drop_head(side, run_steps(side, side->head, side->head_size));
    }
}

void stage_take(struct side *side, const uint8_t *data, size_t size)
{
    read_late(side);
    size_t used = 0, border = side->head_size;
    if (border == 0)
        used = run_steps(side, data, size);
    if (used < size && !side_gather(side, data + used, size - used)) {
        side->owner->content->malformed++;
        stage_cut(side, size - used);
        if (stage_scans(side->stage))
            side_inspect(side, data + used, size - used);
    } else if (border) {
        side_drop_head(side, run_gathered(side, border));
    }
}

/* --- what will not be continued ----------------------------------------------------------------
 */

/* The message that is cut says what its beginning says. Where the next one begins is known when the
 * missing bytes are all its own; else a piece must look like one (step_dns). */
static void cut_dns(struct side *side, uint64_t bytes)
{
    struct dns_message message;
    if (side->lost || (side->head_size == 0 && bytes == 0))
        return;
    if (side->head_size == 0 && side->skip_bytes > 0 && bytes <= side->skip_bytes) {
        side->skip_bytes -= bytes;
        return;
    }
    side->skip_bytes = 0;
    side->lost = true;
    if (side->head_size < DNS_LENGTH_SIZE)
        return;
    const uint8_t *data = side->head + DNS_LENGTH_SIZE;
    size_t there = side->head_size - DNS_LENGTH_SIZE, length = dns_length(side->head);
    enum parse_result result = dns_parse(data, there, &message);
    if (result != PARSE_NOT)
        content_dns(side->owner, data, there, &message);
    if (result == PARSE_NOT || result == PARSE_MALFORMED) {
        side_inspect(side, side->head, side->head_size);
        return; /* nor is its length to be believed */
    }
    if (bytes > 0 && bytes <= length - there) {
        side->lost = false;
        side->skip_bytes = length - there - bytes;
    }
}

void stage_cut(struct side *side, uint64_t bytes)
{
    read_late(side);
    if (side->stage == STAGE_PROBE && bytes && bytes <= side->skip_bytes) {
        side->skip_bytes -= bytes; /* within a PROXY header: what follows is still the beginning */
        return;
    }
    side->begun |= bytes > 0;
    if (side->stage == STAGE_PROBE)
        side->skip_bytes = 0;
    if (side->stage == STAGE_PROBE && (side->head_size || bytes))
        begin_unrecognised(side, side->head, side->head_size);
    if (side->stage == STAGE_HELLO || side->stage == STAGE_SERVER) {
        records_cut_hello(side, bytes);
        side_drop_head(side, run_steps(side, side->head, side->head_size));
    }
    if (stage_scans(side->stage) && side->head_size)
        side_inspect(side, side->head, side->head_size);
    if (side->stage == STAGE_RECORDS || side->stage == STAGE_ENCRYPTED)
        records_cut(side, bytes);
    else if (side->stage == STAGE_DNS)
        cut_dns(side, bytes);
    else if (side->stage == STAGE_PROTOCOL && (side->head_size || bytes))
        cut_protocol(side, bytes);
    side_drop_head(side, side->head_size);
}
