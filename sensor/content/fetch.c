/* What hangs on a flow, asked for before its next packet or record: with many flows open it lies in
 * a dozen blocks that nobody touched for seconds, each found by the one before, and a packet would
 * wait for all of them in turn.
 *
 * Each step reads what the one before asked for, and begins at the flow again: what was freed in
 * between is not looked at. Changes nothing. Thread: the capture thread. */
#include "application.h"
#include "flow_content.h"

#include "weir/base/fetch.h"

#define SPREAD_FLOWS 8192u /* some 25 MB */

bool content_is_spread(const struct content *content)
{
    return content->active_count >= SPREAD_FLOWS;
}

static void fetch_sides(const struct content_flow *cf)
{
    for (enum flow_side side = SIDE_ORIG; side < SIDES; side++)
        fetch(cf->side[side], sizeof *cf->side[side]);
    fetch(cf->facts, sizeof *cf->facts);
}

static void fetch_side(const struct content_flow *cf, const struct side *side)
{
    fetch(cf->stream, FETCH_LINE);
    fetch(side, sizeof *side);
    fetch(cf->sample, FETCH_LINE);
}

static void fetch_text(const struct content_flow *cf, const struct side *side)
{
    inspector_fetch(side->inspector);
    fetch(side->entropy, sizeof *side->entropy);
    application_fetch(cf);
}

void content_fetch(struct flow *flow, enum flow_side which, enum content_fetch step)
{
    const struct content_flow *cf = *flow_content_slot(flow);
    if (!cf)
        return;
    if (step == CONTENT_FETCH_FLOW) {
        fetch(cf, sizeof *cf);
        return;
    }
    const struct side *side = cf->side[which];
    if (step == CONTENT_FETCH_TOLD)
        fetch_sides(cf);
    else if (step == CONTENT_FETCH_SIDE)
        fetch_side(cf, side);
    else if (side && step == CONTENT_FETCH_TEXT)
        fetch_text(cf, side);
    else if (side)
        inspector_fetch_parts(side->inspector);
}
