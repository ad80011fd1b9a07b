/* One entity (RFC 2045 2.4): a head and a body, or the body of a multipart alone.
 *
 *   HEAD ──> BODY                    one part: decoder, then an inspector or the entity within
 *      └───> OUTSIDE ──> HEAD ──> BODY ──> HEAD …   a multipart: what is outside of its parts is
 * text
 *
 * A multipart or message within a part is a filter of this kind again, so that a delimiter of the
 * outer one ends it wherever it is. Heads and what is outside of parts are one text, each part is
 * another: no item is put together across them. Delimiters are held back until they are whole, all
 * else goes on as it comes, in spans as long as they are.
 *
 * Missing bytes: a delimiter may follow them directly. One that is among them joins two parts: the
 * second is decoded as the first was, until the next delimiter. Where a message's own head is not
 * whole, or missing (a gap before the first byte says so), it may be a multipart all the same: a
 * line that looks like a delimiter, and behind it one that begins with "Content-", say so. The same
 * is asked of a multipart whose boundary cannot be read.
 *
 * Bounds: mime_head.h's, MIME_DEPTH_MAX, PARTS_MAX; what is nested deeper, or comes later, is text.
 * All are counted (mail_beyond). An entity holds a delimiter's line and, while in a head, one
 * field. Thread: the capture thread. */
#include "mime.h"

#include "mime_head.h"
#include "transfer.h"
#include "weir/base/buffer.h"

#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define TAIL_MAX  32u    /* white space behind a delimiter: what RFC 2046 calls padding */
#define PARTS_MAX 10000u /* of an entity: some bytes of a part cost as much as many of a text */
#define HELD_MAX  (2u + BODY_BOUNDARY_MAX + TAIL_MAX)

enum place { PLACE_HEAD, PLACE_OUTSIDE, PLACE_BODY };

struct mime {
    struct filter filter;
    struct side *side;
    struct filter *text;    /* heads, and what is outside of parts; NULL: nothing yet */
    struct filter *part;    /* PLACE_BODY */
    struct mime_head *head; /* PLACE_HEAD */
    uint8_t place;          /* enum place */
    uint8_t depth;
    uint16_t parts;
    bool own_head; /* the head is the entity's, not a part's */
    bool digest;
    bool seeking; /* is it a multipart? `boundary` is what it may be, of candidate_size */
    uint8_t candidate_size;
    bool line_begins; /* the next byte is a line's first, or may be: bytes before it are missing */
    uint8_t boundary_size, held_size;
    char boundary[BODY_BOUNDARY_MAX + 1];
    uint8_t held[HELD_MAX]; /* of a line that may be a delimiter */
};

static struct filter *mime_new(struct side *side, const char *boundary, bool message,
                               unsigned depth);

static void text_put(struct mime *m, const uint8_t *data, size_t size)
{
    if (!m->text && size)
        m->text = side_inspector(m->side);
    if (size)
        filter_put(m->text, data, size);
}

/* --- heads -------------------------------------------------------------------------------------
 */

static void begin_head(struct mime *m, bool own)
{
    m->place = PLACE_HEAD;
    m->own_head = own;
    m->head = xrealloc(NULL, sizeof *m->head);
    memset(m->head, 0, offsetof(struct mime_head, field));
    if (m->digest)
        m->head->said.kind = MIME_MESSAGE;
}

static void count_beyond(struct mime *m)
{
    m->side->owner->content->mail_beyond++;
}

/* What a part is, once its encoding is undone. */
static struct filter *content_of(struct mime *m, const struct mime_said *said)
{
    if (said->kind == MIME_LEAF)
        return side_inspector(m->side);
    if (m->depth + 1u < MIME_DEPTH_MAX)
        return mime_new(m->side, said->boundary, said->kind == MIME_MESSAGE, m->depth + 1u);
    count_beyond(m);
    return side_inspector(m->side);
}

static void set_boundary(struct mime *m, const char *boundary)
{
    m->boundary_size = (uint8_t)strlen(boundary);
    memcpy(m->boundary, boundary, m->boundary_size + 1u);
    m->seeking = m->boundary_size == 0;
}

static void begin_body(struct mime *m, const struct mime_said *said, bool cut)
{
    bool multipart = said->kind == MIME_MULTIPART || said->kind == MIME_DIGEST;
    m->line_begins = true;
    if (m->own_head && multipart && said->coding == CODING_NONE) {
        m->place = PLACE_OUTSIDE;
        m->digest = said->kind == MIME_DIGEST;
        set_boundary(m, said->boundary);
        return;
    }
    if (m->own_head && cut && said->kind == MIME_LEAF && said->coding == CODING_NONE) {
        m->place = PLACE_OUTSIDE;
        m->seeking = true;
        return;
    }
    m->place = PLACE_BODY;
    m->part = content_of(m, said);
    if (said->coding == CODING_BASE64)
        m->part = base64_filter_new(m->part);
    else if (said->coding == CODING_QUOTED)
        m->part = quoted_filter_new(m->part);
}

static size_t take_body(struct mime *m, const uint8_t *data, size_t size);

/* Bytes that a head had taken and that are the body's. */
static void put_back(struct mime *m, const uint8_t *data, size_t size)
{
    for (size_t at = 0; at < size && m->place != PLACE_HEAD;)
        at += take_body(m, data + at, size - at);
}

static size_t take_head(struct mime *m, const uint8_t *data, size_t size)
{
    size_t used;
    enum mime_head_result result = mime_head_take(m->head, data, size, &used);
    text_put(m, data, used);
    if (result == MIME_HEAD_MORE)
        return used;
    struct mime_head *head = m->head;
    m->head = NULL;
    begin_body(m, &head->said, head->cut);
    if (result == MIME_HEAD_BEYOND)
        count_beyond(m);
    if (result != MIME_HEAD_END) {
        filter_gap(m->text, 0); /* which had these bytes too */
        put_back(m, head->field, head->size);
    }
    free(head);
    return used;
}

/* --- bodies ------------------------------------------------------------------------------------
 */

static void content_put(struct mime *m, const uint8_t *data, size_t size)
{
    if (m->place == PLACE_BODY)
        filter_put(m->part, data, size);
    else
        text_put(m, data, size);
}

/* It is no delimiter. */
static void let_go(struct mime *m)
{
    content_put(m, m->held, m->held_size);
    m->held_size = 0;
    m->line_begins = false;
}

static void end_part(struct mime *m)
{
    filter_end(m->part);
    m->part = NULL;
    m->place = PLACE_OUTSIDE;
}

/* A line "--boundary" or "--boundary--" is whole. Parts behind the last delimiter are read too. */
static void on_delimiter(struct mime *m)
{
    bool last = m->held[2u + m->boundary_size] == '-';
    m->held_size = 0;
    m->line_begins = true;
    end_part(m);
    text_put(m, (const uint8_t *)"\n", 1);
    if (!last && m->parts++ < PARTS_MAX) {
        begin_head(m, false);
    } else if (!last) {
        count_beyond(m);
        m->boundary_size = 0; /* all that follows is text */
    }
}

/* May the line still become a delimiter with this byte behind what is held of it? */
static bool may_delimit(const struct mime *m, uint8_t byte)
{
    size_t at = m->held_size, tail = 2u + m->boundary_size;
    if (at < 2)
        return byte == '-';
    if (at < tail)
        return byte == (uint8_t)m->boundary[at - 2];
    if (at == tail + 1 && m->held[tail] == '-')
        return byte == '-';
    return at + 1 < HELD_MAX && (byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n' ||
                                 (byte == '-' && at == tail));
}

static size_t take_held(struct mime *m, const uint8_t *data, size_t size)
{
    for (size_t at = 0; at < size; at++) {
        if (!may_delimit(m, data[at])) {
            let_go(m);
            return at;
        }
        m->held[m->held_size++] = data[at];
        if (data[at] == '\n') {
            on_delimiter(m);
            return at + 1;
        }
    }
    return size;
}

/* Up to a line that may be a delimiter. */
static size_t take_lines(struct mime *m, const uint8_t *data, size_t size)
{
    size_t at = 0;
    while (at < size && !(m->line_begins && data[at] == '-')) {
        const uint8_t *end = memchr(data + at, '\n', size - at);
        m->line_begins = end != NULL;
        at = end ? (size_t)(end - data) + 1 : size;
    }
    content_put(m, data, at);
    return at;
}

/* --- a multipart whose head is missing ---------------------------------------------------------
 */

/* A line that begins with "--" is whole: what is behind that may be a boundary. */
static void propose(struct mime *m)
{
    size_t end = m->held_size;
    while (end > 2 && (m->held[end - 1] <= ' '))
        end--;
    m->candidate_size = (uint8_t)(end - 2 <= BODY_BOUNDARY_MAX ? end - 2 : 0);
    memcpy(m->boundary, m->held + 2, m->candidate_size);
    m->boundary[m->candidate_size] = '\0';
    let_go(m);
    m->line_begins = true;
}

static size_t seek_delimiter(struct mime *m, const uint8_t *data, size_t size)
{
    for (size_t at = 0; at < size; at++) {
        uint8_t byte = data[at];
        bool fits = m->held_size < 2 ? byte == '-' : m->held_size < HELD_MAX - 1;
        if (!fits) {
            let_go(m);
            return at;
        }
        m->held[m->held_size++] = byte;
        if (byte == '\n') {
            propose(m);
            return at + 1;
        }
    }
    return size;
}

/* The line behind what may be a delimiter. */
static size_t seek_field(struct mime *m, const uint8_t *data, size_t size)
{
    static const char name[] = "content-";
    for (size_t at = 0; at < size; at++) {
        if (tolower(data[at]) != name[m->held_size]) {
            m->candidate_size = 0;
            if (m->held_size)
                let_go(m);
            return at;
        }
        m->held[m->held_size++] = data[at];
        if (m->held_size == sizeof name - 1) {
            m->seeking = false;
            m->boundary_size = m->candidate_size;
            m->held_size = 0;
            begin_head(m, false);
            size_t used; /* eight letters end no head */
            mime_head_take(m->head, (const uint8_t *)name, sizeof name - 1, &used);
            text_put(m, (const uint8_t *)name, used);
            return at + 1;
        }
    }
    return size;
}

static size_t seek(struct mime *m, const uint8_t *data, size_t size)
{
    if (m->candidate_size)
        return seek_field(m, data, size);
    if (m->held_size || (m->line_begins && *data == '-'))
        return seek_delimiter(m, data, size);
    return take_lines(m, data, size);
}

/* How many of the bytes; 0 only when the next ones are taken otherwise. */
static size_t take_body(struct mime *m, const uint8_t *data, size_t size)
{
    if (m->seeking)
        return seek(m, data, size);
    if (m->boundary_size == 0) {
        content_put(m, data, size);
        return size;
    }
    if (m->held_size || (m->line_begins && *data == '-'))
        return take_held(m, data, size);
    return take_lines(m, data, size);
}

/* --- the filter --------------------------------------------------------------------------------
 */

static void put(struct filter *filter, const uint8_t *data, size_t size)
{
    struct mime *m = (struct mime *)filter;
    for (size_t at = 0; at < size;)
        at += m->place == PLACE_HEAD ? take_head(m, data + at, size - at)
                                     : take_body(m, data + at, size - at);
}

static void gap(struct filter *filter, uint64_t bytes)
{
    struct mime *m = (struct mime *)filter;
    if (m->held_size)
        let_go(m);
    m->line_begins = true;
    m->candidate_size = 0;
    if (m->place == PLACE_HEAD)
        mime_head_gap(m->head);
    if (m->part)
        filter_gap(m->part, bytes);
    else if (m->text)
        filter_gap(m->text, bytes);
}

static void end(struct filter *filter)
{
    struct mime *m = (struct mime *)filter;
    content_put(m, m->held, m->held_size);
    filter_end(m->part);
    filter_end(m->text);
    free(m->head);
    free(m);
}

static struct filter *mime_new(struct side *side, const char *boundary, bool message,
                               unsigned depth)
{
    static const struct filter_ops ops = {put, gap, end};
    struct mime *m = xcalloc(1, sizeof *m);
    m->filter.ops = &ops;
    m->side = side;
    m->depth = (uint8_t)depth;
    m->line_begins = true;
    if (message) {
        begin_head(m, true);
        return &m->filter;
    }
    m->place = PLACE_OUTSIDE;
    set_boundary(m, boundary);
    return &m->filter;
}

struct filter *mime_filter_new(struct side *side, const char *boundary, bool message)
{
    return mime_new(side, boundary, message, 0);
}
