/* Open stories in a checkpoint: thinned, and their counted items beside them. */
#include "stories_kept.h"

#include "thin.h"
#include "weir/base/buffer.h"

#include <string.h>

static void put_hours(struct buffer *out, const struct story_hours *hours)
{
    buffer_le64(out, (uint64_t)hours->hour);
    buffer_le64(out, (uint64_t)hours->day);
    buffer_le64(out, hours->out_bytes);
    buffer_le64(out, hours->in_bytes);
    buffer_u8(out, hours->uploaded);
}

static struct story_hours take_hours(struct cursor *in)
{
    struct story_hours hours;
    hours.hour = (int64_t)cursor_le64(in);
    hours.day = (int64_t)cursor_le64(in);
    hours.out_bytes = cursor_le64(in);
    hours.in_bytes = cursor_le64(in);
    hours.uploaded = cursor_u8(in) != 0;
    return hours;
}

/* Without what holds in this process only. */
static void put_story(struct buffer *out, const struct story_entry *entry)
{
    uint8_t thin[THIN_MAX(sizeof(struct open_story))];
    struct open_story scratch, copy = *stories_look(entry, &scratch);
    copy.newer = copy.older = NULL;
    copy.entry = NULL;
    put_hours(out, &entry->hours);
    counter_pack(&copy.counter, out);
    copy.counter = (struct counter){{NULL}};
    size_t size = thin_pack(&copy, sizeof copy, thin);
    buffer_le32(out, (uint32_t)size);
    buffer_put(out, thin, size);
}

void stories_pack(const struct stories *stories, struct buffer *out)
{
    buffer_le64(out, stories->evicted);
    buffer_le64(out, stories->budget.shortened);
    buffer_le64(out, stories->map.count);
    for (const struct story_entry *entry = stories->oldest; entry; entry = entry->newer)
        put_story(out, entry);
}

static bool zone_is_sound(const struct story_zone *zone)
{
    return !zone->name[ZONE_NAME_SIZE - 1] && !zone->from[ZONE_NAME_SIZE - 1] &&
           !zone->to[ZONE_NAME_SIZE - 1];
}

/* What is counted is there, and texts end: nothing behind this looks again. */
static bool is_sound(const struct story *story)
{
    return story->flow_count <= ALERT_FLOWS && story->address_count <= ALERT_ADDRESSES &&
           story->client_count <= STORY_CLIENTS && story->counted.label_count <= COUNTED_LABELS &&
           story->counted.sample_count <= COUNTED_SAMPLES && story->destination.role < ROLES &&
           story->destination.kind < DESTINATION_KINDS &&
           !story->destination.name[DESTINATION_NAME_SIZE - 1] &&
           !story->sight[SILENCE_NAME_SIZE - 1] && !story->server_name[RECORD_NAME_MAX] &&
           !story->ja4[STORY_TEXT_SIZE - 1] && !story->application[STORY_TEXT_SIZE - 1] &&
           zone_is_sound(&story->zone) && zone_is_sound(&story->border);
}

static bool take_thin(struct cursor *in, struct open_story *open)
{
    size_t size = cursor_le32(in);
    const uint8_t *thin = size <= THIN_MAX(sizeof *open) ? cursor_take(in, size) : NULL;
    return thin && thin_unpack(thin, size, open, sizeof *open) && !open->entry && !open->newer &&
           !open->older && open->unlisted.count <= FUNCTIONS_MAX && is_sound(&open->story);
}

static bool take_story(struct stories *stories, struct cursor *in)
{
    struct open_story taken;
    struct story_key key;
    size_t size = 0;
    struct counter counter = {{NULL}};
    const struct story_hours hours = take_hours(in);
    bool sound = counter_unpack(&counter, &stories->budget, in) && take_thin(in, &taken);
    if (sound)
        size = story_make_key(&taken.story.host,
                              taken.story.has_destination ? &taken.story.destination : NULL, &key);
    if (!sound || map_get(&stories->map, &key, size)) {
        counter_fini(&counter);
        return false;
    }
    struct open_story *open = stories_make(stories, &key, size);
    open->entry->hours = hours;
    taken.counter = counter;
    taken.entry = open->entry; /* its places are of this process, all else is as it was */
    taken.newer = open->newer;
    taken.older = open->older;
    *open = taken;
    return true;
}

bool stories_unpack(struct stories *stories, struct cursor *in)
{
    stories->evicted = cursor_le64(in);
    stories->budget.shortened = cursor_le64(in);
    uint64_t count = cursor_le64(in);
    if (count > stories->limit)
        return false;
    for (uint64_t i = 0; i < count; i++)
        if (!take_story(stories, in))
            return false;
    return !in->failed;
}
