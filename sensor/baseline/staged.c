/* Days of what came from inside and what left, and what of it may have been staged. Thread: any
 * (pure). */
#include "weir/baseline/staged.h"

#include "varint.h"
#include "weir/baseline/volume.h"

#include <string.h>

void staged_fini(struct staged *staged)
{
    histogram_fini(&staged->day);
}

void staged_days_move(struct staged_days *days, int64_t later)
{
    if (later <= 0)
        return;
    size_t moved = later < STAGED_DAYS ? (size_t)later : STAGED_DAYS;
    for (size_t i = STAGED_DAYS; i-- > 0;) {
        days->in[i] = i >= moved ? days->in[i - moved] : 0;
        days->out[i] = i >= moved ? days->out[i - moved] : 0;
    }
    days->learned = days->learned << moved & ((1u << STAGED_DAYS) - 1);
}

void staged_days_add(struct staged_days *days, uint64_t in_bytes, uint64_t out_bytes)
{
    days->in[0] = bytes_add(days->in[0], in_bytes);
    days->out[0] = bytes_add(days->out[0], out_bytes);
}

uint64_t staged_out(const struct staged_days *days, size_t since)
{
    uint64_t sum = 0;
    for (size_t i = 0; i <= since && i < STAGED_DAYS; i++)
        sum = bytes_add(sum, days->out[i]);
    return sum;
}

uint64_t staged_bytes(const struct staged_days *days, size_t *since)
{
    uint64_t most = 0;
    *since = 0;
    for (size_t i = 0; i < STAGED_DAYS; i++) {
        uint64_t left = staged_out(days, i), twice = bytes_add(left, left);
        uint64_t staged = days->in[i] < twice ? days->in[i] : twice;
        if (staged <= most)
            continue;
        most = staged;
        *since = i;
    }
    return most;
}

void staged_pack(const struct staged *staged, struct buffer *out)
{
    for (size_t i = 0; i < STAGED_DAYS; i++) {
        put_unsigned(out, staged->days.in[i]);
        put_unsigned(out, staged->days.out[i]);
    }
    put_unsigned(out, staged->days.learned);
    put_unsigned(out, staged->learned);
    histogram_pack(&staged->day, out);
    location_pack(&staged->location, out);
}

bool staged_unpack(struct staged *staged, struct cursor *in)
{
    for (size_t i = 0; i < STAGED_DAYS; i++) {
        staged->days.in[i] = take_unsigned(in);
        staged->days.out[i] = take_unsigned(in);
    }
    staged->days.learned = (uint32_t)take_at_most(in, (1u << STAGED_DAYS) - 1);
    staged->learned = (uint32_t)take_at_most(in, UINT32_MAX);
    if (!histogram_unpack(&staged->day, in))
        return false;
    staged->location = location_unpack(in);
    return !in->failed;
}
