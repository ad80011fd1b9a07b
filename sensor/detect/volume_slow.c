/* volume.slow: a host, or what it sends to (or serves) one other side, has grown day after day by
 * less than any single day would show: the long CUSUM (weir/baseline/cusum.h), with today as it is
 * so far. */
#include "rows.h"

#include <math.h>
#include <stdio.h>

static const struct cusum *cusum_of(const struct told_kind *told)
{
    return told->pair.destination ? &told->pair.pair->cusum : &told->weighing->host->cusum;
}

static void tell(const struct told_kind *told, struct reason *reason)
{
    const struct cusum *cusum = cusum_of(told);
    char amount[BYTES_TEXT_SIZE], usual[BYTES_TEXT_SIZE];
    double reference = fmax(0, fmin(62, cusum->reference));
    bytes_text(told->bytes, amount);
    bytes_text((uint64_t)exp2(reference), usual);
    reason->samples = cusum->days;
    reason->code = !told->pair.destination              ? "volume.slow.host"
                   : told->kind == EVIDENCE_PAIR_GROWTH ? "volume.slow.destination"
                                                        : "volume.slow.served";
    snprintf(reason->text, sizeof reason->text,
             "%s %s%.50s in this day, after days above its usual %s (of %u days)", amount,
             !told->pair.destination              ? "left this host"
             : told->kind == EVIDENCE_PAIR_GROWTH ? "went to "
                                                  : "served to ",
             told->pair.destination ? told->pair.destination->name : "", usual,
             (unsigned)cusum->days);
}

const struct detector detector_volume_slow = {
    .id = "volume.slow",
    .name = "What leaves has grown day after day",
    .kind = SUBJECT_HOST,
    .tactic = "TA0010",
    .technique = "T1030",
    .needs_history = true,
    .explains = "Daily bytes of a host, of a host to one known destination or of a server to one "
                "client network, against a slowly moving reference: an excess of a quarter octave "
                "or more that lasts adds up. False alarms: growing use of a service, a new task of "
                "the host, until it is learned (weeks).",
    .tell = tell,
};
