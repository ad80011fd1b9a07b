/* Which flows are being looked into: CONTENT_FLOWS at most, so that a million open flows cost the
 * content room no more than these do.
 *
 * The active ones lie in an array. When it is full, a hand goes round it (second chance): payload
 * gives a flow three rounds, and whoever has none left makes room. The rounds lie beside the array:
 * the hand passes thousands of flows that nobody touched for long, and fetches none but the one it
 * takes. A flow of which no byte was looked at yet (the first ones are missing, or its end says
 * that some were) just goes: it begins anew with its next payload, and what is missing is told as a
 * gap. Of the others what was found stays, what was counted is told, and nothing more is looked at;
 * that is counted (content_given_up).
 *
 * A datagram stands alone, so UDP can always be looked at again.
 *
 * Invariants: active[cf->place - 1] == cf for every cf with a place, and rounds[cf->place - 1] are
 * its own; a flow that was given up with nothing found has the shared content->nothing, which is
 * never active.
 * Thread: the capture thread, never inside a stream's callbacks. */
#include "application.h"
#include "flow_content.h"

#include "weir/base/buffer.h"

#include <stdlib.h>

#define ROUNDS 3

static bool has_looked(const struct content_flow *cf)
{
    return cf->side[SIDE_ORIG] || cf->side[SIDE_RESP] || cf->stopped[SIDE_ORIG] ||
           cf->stopped[SIDE_RESP] || cf->datagrams_tried;
}

static bool has_found(const struct content_flow *cf)
{
    return cf->service != SERVICE_NONE || cf->facts;
}

void active_leave(struct content_flow *cf)
{
    struct content *content = cf->content;
    if (cf->place == 0)
        return;
    handshake_forget(cf);
    struct content_flow *last = content->active[--content->active_count];
    content->active[cf->place - 1] = last;
    content->rounds[cf->place - 1] = content->rounds[content->active_count];
    last->place = cf->place;
    cf->place = 0;
}

static void give_up(struct content_flow *cf)
{
    struct content *content = cf->content;
    void **slot = flow_content_slot(cf->flow);
    bool looked = has_looked(cf), tcp = cf->stream != NULL;
    for (enum flow_side side = SIDE_ORIG; side < SIDES; side++) {
        side_close(cf->side[side]);
        side_free(cf->side[side]);
        cf->side[side] = NULL;
    }
    stream_free(cf->stream);
    cf->stream = NULL;
    content_close_state(cf);
    active_leave(cf);
    content->given_up += looked;
    application_drop(cf);
    if (has_found(cf))
        return;
    *slot = looked && tcp ? content->nothing : NULL;
    content_flow_free(cf);
}

static void make_room(struct content *content)
{
    for (;;) {
        uint32_t at = content->hand++ % content->active_count;
        if (content->rounds[at] == 0) {
            give_up(content->active[at]);
            return;
        }
        content->rounds[at]--;
    }
}

void active_join(struct content_flow *cf)
{
    struct content *content = cf->content;
    if (content->active_count == CONTENT_FLOWS)
        make_room(content);
    if (content->active_count == content->active_room) {
        uint32_t room = content->active_room ? 2 * content->active_room : 64;
        content->active = xrealloc(content->active, room * sizeof(struct content_flow *));
        content->rounds = xrealloc(content->rounds, room);
        content->active_room = room;
    }
    content->rounds[content->active_count] = 0;
    content->active[content->active_count++] = cf;
    cf->place = content->active_count;
}

void active_touch(struct content_flow *cf, const struct packet *packet)
{
    if (packet->payload_bytes > 0 && cf->place)
        cf->content->rounds[cf->place - 1] = ROUNDS;
}
