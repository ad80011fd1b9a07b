/* What of all that was gathered goes where in the hand-over, the same for text and JSON. Pure.
 * Thread: any. */
#include "handover_local.h"

#include <string.h>

static bool touches(const struct handover *h, struct ptime from, struct ptime until)
{
    return until.ns >= h->config.from.ns && from.ns < h->config.to.ns;
}

bool handover_told_nobody(const struct handover *handover, const struct retold_incident *incident)
{
    const struct handover *h = handover;
    if (incident->alerts == 0 || incident->silenced < incident->alerts)
        return false;
    return incident->until.ns <= h->config.to.ns ||
           (h->config.book && !noise_get(h->config.book, incident->silence));
}

/* It went silent before, and this is the first that anybody hears of it. */
static bool is_uncovered(const struct handover *h, const struct retold_incident *incident)
{
    return handover_told_nobody(h, incident) && touches(h, incident->until, incident->until);
}

enum handover_section handover_section_of(const struct handover *handover,
                                          const struct retold_incident *incident)
{
    const struct handover *h = handover;
    const struct noise_mark *mark =
        h->config.book ? noise_mark_of(h->config.book, incident->id) : NULL;
    bool spoke = touches(h, incident->last, incident->last);
    if (incident->sensor)
        return spoke || touches(h, incident->start, incident->end) ? SECTION_BLIND : SECTION_NONE;
    switch (retold_standing_of(incident, mark)) {
    case RETOLD_ACKNOWLEDGED:
        return incident->active || spoke ? SECTION_ACKNOWLEDGED : SECTION_NONE;
    case RETOLD_CLOSED:
        if (mark && mark->closed.at.ns >= h->config.to.ns)
            break; /* after the time that is looked at: it was open then */
        return mark && touches(h, mark->closed.at, mark->closed.at) ? SECTION_CLOSED : SECTION_NONE;
    case RETOLD_OPEN:
    case RETOLD_AGAIN:
        break;
    }
    if (!incident->active && !spoke && !is_uncovered(h, incident))
        return SECTION_NONE;
    return incident->silenced < incident->alerts || handover_told_nobody(h, incident)
               ? SECTION_OPEN
               : SECTION_SILENCED;
}

struct handover_hidden handover_hidden_of(const struct handover *handover,
                                          const struct noise_silence *silence)
{
    char id[NOISE_ID];
    noise_silence_id(silence, id);
    const struct handover_hidden *hidden = map_get(&handover->hidden, id, strlen(id));
    return hidden ? *hidden : (struct handover_hidden){0, 0};
}

bool handover_lists(const struct handover *handover, const struct noise_silence *silence)
{
    return silence->expires.ns > handover->config.from.ns &&
           silence->created.ns < handover->config.to.ns;
}

bool handover_is_over(const struct handover *handover, const struct noise_silence *silence)
{
    return silence->expires.ns <= handover->config.to.ns;
}

bool handover_ends_soon(const struct handover *handover, const struct noise_silence *silence)
{
    return silence->expires.ns < handover->config.to.ns + HANDOVER_SOON_NS;
}

double handover_nominal(const struct handover *handover)
{
    const struct detect_config *detect = handover->config.detect;
    double days = (double)(handover->config.to.ns - handover->config.from.ns) / (double)NS_PER_DAY;
    if (detect->alerts_per_day > 0)
        return detect->alerts_per_day * days;
    return detect->alerts_per_100_hosts_per_day / 100 * (double)handover->hosts_ready * days;
}

size_t handover_acts_kept(const struct handover *handover)
{
    return handover->acts < HANDOVER_ACTS ? (size_t)handover->acts : HANDOVER_ACTS;
}

const struct handover_act *handover_act_at(const struct handover *handover, size_t index)
{
    size_t first = handover->acts < HANDOVER_ACTS ? 0 : (size_t)(handover->acts % HANDOVER_ACTS);
    return &handover->act[(first + index) % HANDOVER_ACTS];
}
