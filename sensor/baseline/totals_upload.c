/* The largest upload of an open hour: by one moment of it, in steps, so that it is judged anew a
 * few times and not with each record. Engine thread. */
#include "weir/baseline/histogram.h"
#include "weir/baseline/totals.h"

void totals_note_upload(struct pair_total *pair)
{
    uint64_t most = pair->most.out_bytes - pair->most.in_bytes;
    if (pair->out.value <= pair->in_bytes)
        return;
    uint64_t surplus = pair->out.value - pair->in_bytes;
    if (surplus >= UPLOAD_LEAST && surplus > most && histogram_bin(surplus) > histogram_bin(most))
        pair->most = (struct upload){pair->out.value, pair->in_bytes};
}
