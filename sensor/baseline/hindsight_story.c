/* Which hours of a host are in a story that may be told.
 *
 * What is told of an hour is told with the story that goes on in it, from its beginning. A story
 * ends with six silent hours (engine/stories.h). A record is counted in the hour of its time or,
 * for two minutes, in the one before: between two hours with seven silent ones in between are more
 * than six. So from each hour of which something can be told, back to the first silence of that
 * length; and the hour behind it, for it is told two minutes into that, with what its story has by
 * then. Of those hours themselves nothing is told: their stories need them, nobody judges them.
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

static void need(struct past *past, size_t i, enum hindsight_need what)
{
    if (past->story.need[i] < what)
        past->story.need[i] = (uint8_t)what;
}

static void find_hours(const struct hindsight *hindsight, struct past *past)
{
    const struct ledger_host *from = past->from;
    bool needed = false;
    free(past->story.need);
    past->story.need = xcalloc(from->count, sizeof *past->story.need);
    past->story.trim = hindsight->trims;
    for (size_t d = past->days; d-- > 0;) {
        const struct host_day *day = &past->day[d];
        bool may = open_may_tell_on(hindsight, past, day->day);
        for (size_t i = day->to; i-- > day->from;) {
            bool tells = may || from->hour[i].others;
            needed |= tells;
            need(past, i, tells ? HINDSIGHT_ALL : needed ? HINDSIGHT_STORY : HINDSIGHT_NOTHING);
            if (tells && i + 1 < from->count && from->hour[i + 1].hour == from->hour[i].hour + 1)
                need(past, i + 1, HINDSIGHT_STORY);
            needed = needed && i > 0 && !follows_silence(&from->hour[i]);
        }
    }
}

static bool is_hour(const struct ledger_host *from, size_t i, int64_t hour)
{
    return i < from->count && from->hour[i].hour == hour;
}

/* Its index; past->from->count: there is none. They come in order, but for two that are open. */
static size_t find_hour(struct past *past, int64_t hour)
{
    const struct ledger_host *from = past->from;
    size_t low = past->story.at, high = from->count;
    for (size_t i = low > 0 ? low - 1 : 0; i <= low + 1; i++)
        if (is_hour(from, i, hour))
            return past->story.at = i;
    for (low = 0; low < high;) {
        size_t middle = (low + high) / 2;
        if (from->hour[middle].hour < hour)
            low = middle + 1;
        else
            high = middle;
    }
    return is_hour(from, low, hour) ? past->story.at = low : from->count;
}

enum hindsight_need past_needs(const struct hindsight *hindsight, struct past *past, int64_t hour)
{
    if (!past->story.need || past->story.trim != hindsight->trims)
        find_hours(hindsight, past);
    size_t at = find_hour(past, hour);
    return at < past->from->count ? (enum hindsight_need)past->story.need[at] : HINDSIGHT_ALL;
}
