/* Which flows are whose: every flow of an inside host that ended is noted on the disk (96 bytes),
 * and at the end those of incidents are looked for. Private to the room; engine thread.
 *
 * A flow is of an incident when it is of its host and destination (of an incident of a whole host:
 * when it leaves that host), and lived in the time that the incident speaks of; and when it is one
 * of the flows that its alerts list. */
#ifndef WEIR_SENSOR_INVESTIGATE_EVIDENCE_FLOWS_H
#define WEIR_SENSOR_INVESTIGATE_EVIDENCE_FLOWS_H

#include "weir/alert/incident.h"
#include "weir/base/error.h"
#include "weir/engine/engine.h"
#include "weir/record/picked.h"

struct evidence_flows;
/* The notes are a file in `folder` that has no name. */
struct evidence_flows *evidence_flows_new(const char *folder, struct error *error);
void evidence_flows_add(struct evidence_flows *flows, const struct flow_view *view);
void evidence_flows_free(struct evidence_flows *flows);

#define EVIDENCE_SHARED 8u /* incidents that one flow is given to */

struct selected_flow {
    struct wanted_flow flow;
    struct flow_key key;                /* as it was told: the originator first */
    uint32_t incident[EVIDENCE_SHARED]; /* places in the list that was given */
    uint32_t incidents;
    uint64_t packets, wire_bytes; /* of it so far, for whoever counts */
};

struct selection {
    struct selected_flow *flow; /* in the order of wanted_compare; owned */
    uint32_t count;
    uint64_t beyond; /* flows of incidents left out: WANTED_MAX */
};

/* `incident`: by score, the highest first; where there are too many flows its last ones have none.
 */
int evidence_flows_select(struct evidence_flows *flows, const struct incident *const *incident,
                          uint32_t count, struct selection *selection, struct error *error);

#endif
