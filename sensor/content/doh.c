/* DNS messages that HTTP carries. A body said to be one is gathered beside its way to the inspector
 * and parsed at its end; one that is longer than a message can be, has a gap, or finds no room
 * among the gathered heads (CONTENT_GATHER_BYTES) is not read. A target's message is decoded on the
 * stack. Thread: the capture thread. */
#include "doh.h"

#include "sextets.h"
#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

#define MESSAGE_MAX 65535u
#define TARGET_MAX  2048u /* a question in a target: more than any resolver's */
#define ROOM_FIRST  512u

struct doh {
    struct filter filter;
    struct side *side;
    struct filter *next;
    uint8_t *data;
    uint32_t size, room;
    bool lost;
};

static void tell(struct side *side, const uint8_t *data, size_t size, struct dns_message *message)
{
    content_text(side->owner, TEXT_APPLICATION, "doh");
    content_dns(side->owner, data, size, message);
}

/* --- bodies ------------------------------------------------------------------------------------
 */

static void let_go(struct doh *doh)
{
    doh->side->owner->content->gathered_bytes -= doh->room;
    free(doh->data);
    doh->data = NULL;
    doh->size = doh->room = 0;
    doh->lost = true;
}

static bool grow(struct doh *doh, size_t wanted)
{
    struct content *content = doh->side->owner->content;
    size_t room = doh->room ? doh->room : ROOM_FIRST;
    while (room < wanted)
        room *= 2;
    if (room == doh->room)
        return true;
    if (content->gathered_bytes + room - doh->room > CONTENT_GATHER_BYTES)
        return false;
    content->gathered_bytes += room - doh->room;
    doh->data = xrealloc(doh->data, room);
    doh->room = (uint32_t)room;
    return true;
}

static void put(struct filter *filter, const uint8_t *data, size_t size)
{
    struct doh *doh = (struct doh *)filter;
    filter_put(doh->next, data, size);
    if (doh->lost)
        return;
    if (size > MESSAGE_MAX - doh->size || !grow(doh, doh->size + size)) {
        doh->side->owner->content->malformed++;
        let_go(doh);
        return;
    }
    memcpy(doh->data + doh->size, data, size);
    doh->size += (uint32_t)size;
}

static void gap(struct filter *filter, uint64_t bytes)
{
    struct doh *doh = (struct doh *)filter;
    filter_gap(doh->next, bytes);
    let_go(doh);
}

static void end(struct filter *filter)
{
    struct doh *doh = (struct doh *)filter;
    struct dns_message message;
    enum parse_result result = doh->size ? dns_parse(doh->data, doh->size, &message) : PARSE_NOT;
    doh->side->owner->content->malformed += doh->size && result != PARSE_OK;
    if (result == PARSE_OK || (doh->size && result != PARSE_NOT))
        tell(doh->side, doh->data, doh->size, &message);
    let_go(doh);
    filter_end(doh->next);
    free(doh);
}

struct filter *doh_filter_new(struct side *side, struct filter *next)
{
    static const struct filter_ops ops = {put, gap, end};
    struct doh *doh = xcalloc(1, sizeof *doh);
    doh->filter.ops = &ops;
    doh->side = side;
    doh->next = next;
    content_text(side->owner, TEXT_APPLICATION, "doh");
    return &doh->filter;
}

/* --- targets -----------------------------------------------------------------------------------
 */

void doh_target(struct side *side, struct text_span target)
{
    static const char key[] = "dns=";
    uint8_t bytes[TARGET_MAX];
    struct dns_message message;
    const char *at = target.size ? memchr(target.at, '?', target.size) : NULL;
    if (!at)
        return;
    at = memmem(at, (size_t)(target.at + target.size - at), key, sizeof key - 1);
    if (!at || (at[-1] != '?' && at[-1] != '&'))
        return;
    at += sizeof key - 1;
    struct text_span value = {at, (size_t)(target.at + target.size - at)};
    size_t size = sextets_decode(value, bytes, sizeof bytes);
    if (dns_parse(bytes, size, &message) == PARSE_OK && !message.response && message.qtype != 0)
        tell(side, bytes, size, &message);
}
