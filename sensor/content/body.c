/* A body's counts, and the filters in front of its inspector. */
#include "body.h"

#include "mime.h"
#include "transfer.h"
#include "weir/base/buffer.h"

#include <stdlib.h>

struct body {
    struct side *side;
    struct filter *first;
};

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
    body->first = said->message || said->boundary[0]
                      ? mime_filter_new(side, said->boundary, said->message)
                      : side_inspector(side);
    for (size_t i = BODY_CODINGS_MAX; i-- > 0;) {
        if (said->coding[i] == CODING_BASE64)
            body->first = base64_filter_new(body->first);
        else if (said->coding[i] == CODING_QUOTED)
            body->first = quoted_filter_new(body->first);
    }
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
    filter_end(body->first);
    free(body);
}
