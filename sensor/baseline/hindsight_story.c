/* Which hours of a host are in a story that may be told.
 *
 * What is told of an hour is told with the story that goes on in it, from its beginning. A story
 * ends with six silent hours (engine/stories.h). A record is counted in the hour of its time or,
 * for two minutes, in the one before: between two hours with seven silent ones in between are more
 * than six. So from each hour of which something can be told, back to the first silence of that
 * length; and the hour behind it, for it is told two minutes into that, with what its story has by
 * then.
 *
 * Engine thread. */
#include "hindsight_local.h"

#include "weir/base/buffer.h"

#include <stdlib.h>

#define SILENT_HOURS 7

static bool follows_silence(const struct ledger_hour *hour)
{
    return hour[0].hour - hour[-1].hour > SILENT_HOURS;
}

static void need(struct past *past, size_t i, bool needed)
{
    past->story.hour[i / 64] |= (uint64_t)needed << i % 64;
}

static void find_hours(const struct hindsight *hindsight, struct past *past)
{
    const struct ledger_host *from = past->from;
    bool needed = false;
    free(past->story.hour);
    past->story.hour = xcalloc(from->count / 64 + 1, sizeof *past->story.hour);
    past->story.trim = hindsight->trims;
    for (size_t d = past->days; d-- > 0;) {
        const struct host_day *day = &past->day[d];
        bool may = open_may_tell_on(hindsight, past, day->day);
        for (size_t i = day->to; i-- > day->from;) {
            bool tells = may || from->hour[i].others;
            needed |= tells;
            need(past, i, needed);
            if (tells && i + 1 < from->count && from->hour[i + 1].hour == from->hour[i].hour + 1)
                need(past, i + 1, true);
            needed = needed && i > 0 && !follows_silence(&from->hour[i]);
        }
    }
}

/* Its index; past->from->count: there is none. */
static size_t find_hour(const struct hindsight *hindsight, const struct past *past, int64_t hour)
{
    if (hour < hindsight->first || hour > hindsight->last)
        return past->from->count;
    size_t d = past_day(past, hindsight_civil(hindsight, hour)->day);
    for (size_t i = d < past->days ? past->day[d].from : 0; d < past->days && i < past->day[d].to;
         i++)
        if (past->from->hour[i].hour == hour)
            return i;
    return past->from->count;
}

bool past_needs_story(const struct hindsight *hindsight, struct past *past, int64_t hour)
{
    if (!past->story.hour || past->story.trim != hindsight->trims)
        find_hours(hindsight, past);
    size_t at = find_hour(hindsight, past, hour);
    return at == past->from->count || (past->story.hour[at / 64] >> at % 64 & 1u);
}
