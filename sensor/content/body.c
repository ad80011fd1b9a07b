/* A body's counts, and the filters in front of its inspector: what undoes its codings, the one to
 * be undone first first, then who reads what it is. An unknown coding ends that: what lies under it
 * is inspected as it is. An identity body's pieces go to the inspector as they came. */
#include "body.h"

#include "coding.h"
#include "doh.h"
#include "mime.h"
#include "transfer.h"
#include "weir/base/buffer.h"

#include <stdlib.h>

struct body {
    struct side *side;
    struct filter *first;
    struct coding_fate fate;
};

static bool can_be_undone(enum body_coding coding)
{
    return coding == CODING_BASE64 || coding == CODING_QUOTED || coding_inflates(coding);
}

/* How many of its codings, from the first on, can be undone. */
static size_t count_codings(struct body *body, const struct body_said *said)
{
    size_t count = 0;
    while (count < BODY_CODINGS_MAX && can_be_undone(said->coding[count]))
        count++;
    body->fate.unread = count < BODY_CODINGS_MAX && said->coding[count] == CODING_UNKNOWN;
    return count;
}

static struct filter *undo(struct body *body, enum body_coding coding, struct filter *next)
{
    if (coding == CODING_BASE64)
        return base64_filter_new(next);
    if (coding == CODING_QUOTED)
        return quoted_filter_new(next);
    return coding_filter_new(&body->fate, coding, next);
}

static void open_filters(struct body *body, const struct body_said *said)
{
    size_t count = count_codings(body, said);
    bool mime = (said->message || said->boundary[0]) && !body->fate.unread;
    body->first = mime ? mime_filter_new(body->side, said->boundary, said->message)
                       : side_inspector(body->side);
    if (said->dns && !body->fate.unread)
        body->first = doh_filter_new(body->side, body->first);
    while (count > 0)
        body->first = undo(body, said->coding[--count], body->first);
}

/* Anything can be declared: a sum that no record may hold would lose the record. */
static uint64_t at_most(uint64_t bytes)
{
    return bytes < RECORD_BYTES_MAX ? bytes : RECORD_BYTES_MAX;
}

struct body *body_begin(struct side *side, const struct body_said *said)
{
    struct body *body = xcalloc(1, sizeof *body);
    struct body_counts *counts = &content_facts_of(side->owner)->body[side_index(side)];
    body->side = side;
    body->fate.side = side;
    open_filters(body, said);
    counts->bodies += counts->bodies < UINT32_MAX;
    if (said->declared_bytes < 0)
        counts->undeclared += counts->undeclared < UINT32_MAX;
    else
        counts->declared_bytes = at_most(counts->declared_bytes + (uint64_t)said->declared_bytes);
    return body;
}

void body_put(struct body *body, const uint8_t *data, size_t size)
{
    struct side *side = body->side;
    content_facts_of(side->owner)->body[side_index(side)].seen_bytes += size;
    filter_put(body->first, data, size);
}

void body_gap(struct body *body, uint64_t bytes)
{
    filter_gap(body->first, bytes);
}

void body_end(struct body *body)
{
    if (!body)
        return;
    struct content *content = body->side->owner->content;
    filter_end(body->first);
    content->bodies_damaged += body->fate.damaged;
    content->bodies_bombs += body->fate.bomb;
    content->bodies_unread += body->fate.unread;
    free(body);
}
