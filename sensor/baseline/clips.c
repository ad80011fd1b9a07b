/* Entries are in the order of their days, as they were noted. A lifted size is moved only as far as
 * the histogram still remembers it as learned: what faded is not brought back. Thread: any (pure).
 */
#include "clips.h"

#include "varint.h"

#include <stdlib.h>

#define OF_DAY    1u
#define ASKED     2u
#define AGE_LIMIT (INT64_C(1) << 40)

void clips_fini(struct clips *clips)
{
    free(clips->clip);
    *clips = (struct clips){0};
}

static void drop(struct clips *clips, size_t index)
{
    clips->count--;
    memmove(&clips->clip[index], &clips->clip[index + 1],
            (clips->count - index) * sizeof *clips->clip);
    if (clips->count == 0)
        clips_fini(clips);
}

static uint16_t saturating(unsigned a, unsigned b)
{
    return (uint16_t)(a + b < UINT16_MAX ? a + b : UINT16_MAX);
}

/* There is no room for one more: it joins one of its day that was learned likewise, both as of the
 * smaller size. Sizes that vary must not crowd out what was guarded lately: the guard goes by it.
 */
static bool join(struct clips *clips, const struct clip *clip)
{
    for (size_t i = clips->count; i-- > 0;) {
        struct clip *have = &clips->clip[i];
        if (have->of_day != clip->of_day || have->learned != clip->learned ||
            have->day != clip->day)
            continue;
        have->bin = have->bin < clip->bin ? have->bin : clip->bin;
        have->count = saturating(have->count, clip->count);
        return true;
    }
    return false;
}

void clips_note(struct clips *clips, uint8_t most, const struct clip *clip)
{
    for (size_t i = 0; i < clips->count; i++) {
        struct clip *have = &clips->clip[i];
        if (have->day == clip->day && have->bin == clip->bin && have->learned == clip->learned &&
            have->of_day == clip->of_day) {
            if (have->count < UINT16_MAX)
                have->count++;
            return;
        }
    }
    if (clips->count == most && join(clips, clip))
        return;
    if (clips->count == most)
        drop(clips, 0);
    clips->clip = xrealloc(clips->clip, most * sizeof *clips->clip);
    clips->clip[clips->count++] = *clip;
}

uint32_t clips_lift(struct clips *clips, size_t index, struct histogram *hour,
                    struct histogram *day)
{
    const struct clip clip = clips->clip[index];
    struct histogram *h = clip.of_day ? day : hour;
    int64_t week = histogram_week(clip.day);
    uint32_t lifted = histogram_take(h, clip.learned, week, clip.count);
    histogram_add(h, clip.bin, week, lifted);
    drop(clips, index);
    return lifted;
}

void clips_pack(const struct clips *clips, int64_t day, struct buffer *out)
{
    buffer_u8(out, clips->count);
    for (size_t i = 0; i < clips->count; i++) {
        const struct clip *clip = &clips->clip[i];
        put_signed(out, day - clip->day);
        buffer_u8(out, clip->bin);
        buffer_u8(out, clip->learned);
        put_unsigned(out, (uint64_t)clip->count << 2 | (clip->asked ? ASKED : 0) |
                              (clip->of_day ? OF_DAY : 0));
    }
}

static bool unpack_clip(struct clip *clip, int64_t day, struct cursor *in)
{
    int64_t age = take_signed(in);
    clip->bin = cursor_u8(in);
    clip->learned = cursor_u8(in);
    uint64_t rest = take_at_most(in, (uint64_t)UINT16_MAX << 2 | ASKED | OF_DAY);
    if (in->failed || age <= -AGE_LIMIT || age >= AGE_LIMIT || clip->learned >= clip->bin ||
        clip->bin >= HISTOGRAM_BINS || rest >> 2 == 0)
        return false;
    clip->day = day - age;
    clip->count = (uint16_t)(rest >> 2);
    clip->asked = rest & ASKED;
    clip->of_day = rest & OF_DAY;
    return true;
}

bool clips_unpack(struct clips *clips, uint8_t most, int64_t day, struct cursor *in)
{
    uint8_t count = cursor_u8(in);
    *clips = (struct clips){0};
    if (in->failed || count > most)
        return false;
    if (count == 0)
        return true;
    clips->clip = xcalloc(most, sizeof *clips->clip);
    for (; clips->count < count; clips->count++)
        if (!unpack_clip(&clips->clip[clips->count], day, in)) {
            clips_fini(clips);
            return false;
        }
    return true;
}
