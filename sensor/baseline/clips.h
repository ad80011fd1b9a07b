/* What the guard against poisoning made smaller, remembered small: at most `most` entries of equal
 * day, sizes and kind; then of equal day and kind as far as they were learned alike, else the
 * oldest goes first. Thread: any (pure). */
#ifndef WEIR_BASELINE_LOCAL_CLIPS_H
#define WEIR_BASELINE_LOCAL_CLIPS_H

#include "weir/baseline/profile.h"

void clips_fini(struct clips *clips);
void clips_note(struct clips *clips, uint8_t most, const struct clip *clip);
/* Learned as sent: moved within the histograms, one by one. How many sizes that were. */
uint32_t clips_lift(struct clips *clips, size_t index, struct histogram *hour,
                    struct histogram *day);
void clips_pack(const struct clips *clips, int64_t day, struct buffer *out);
/* Into empty ones. False: not what clips_pack writes (then they are empty again). */
bool clips_unpack(struct clips *clips, uint8_t most, int64_t day, struct cursor *in);

#endif
