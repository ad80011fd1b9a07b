/* ratio.upload: in an hour more went to one destination than came back, and so much as
 * is unusual for it (weir/baseline/evidence.h). What is asked for is answered with more than the
 * question; a copy that is sent out is not. */
#include "rows.h"

#include <stdio.h>

static void tell_growth(const struct told_kind *told, struct reason *reason)
{
    char amount[BYTES_TEXT_SIZE], usual[BYTES_TEXT_SIZE];
    bytes_text(told->bytes, amount);
    bytes_text(told->estimate.expected[0], usual);
    reason->code = "ratio.upload.growth";
    snprintf(reason->text, sizeof reason->text,
             "%s more went to %.50s than came back in hours of this day, after days above its "
             "usual %s (of %.0f days)",
             amount, told->pair.destination->name, usual, told->estimate.samples);
}

static void tell_alone(const struct told_kind *told, struct reason *reason)
{
    char amount[BYTES_TEXT_SIZE], usual[BYTES_TEXT_SIZE], days[40] = "";
    bytes_text(told->bytes, amount);
    bytes_text(told->estimate.expected[0], usual);
    if (told->estimate.samples > 0)
        snprintf(days, sizeof days, " (of %.0f days)", told->estimate.samples);
    reason->code = "ratio.upload.alone";
    snprintf(reason->text, sizeof reason->text,
             "%s more went to %.50s in an hour of this day than came back; usual are %s a day%s",
             amount, told->pair.destination->name, usual, days);
}

static void tell(const struct told_kind *told, struct reason *reason)
{
    if (told->kind == EVIDENCE_UPLOAD_GROWTH) {
        tell_growth(told, reason);
        return;
    }
    if (told->kind == EVIDENCE_UPLOAD_ALONE) {
        tell_alone(told, reason);
        return;
    }
    const char *name = told->pair.destination->name;
    double days = told->estimate.samples + 1;
    char amount[BYTES_TEXT_SIZE];
    bytes_text(told->bytes, amount);
    if (told->kind == EVIDENCE_UPLOAD) {
        reason->code = "ratio.upload";
        snprintf(reason->text, sizeof reason->text,
                 "%s went to %.50s in an hour of this day, more than came back from there", amount,
                 name);
        return;
    }
    reason->code = "ratio.upload.again";
    reason->observed = days;
    reason->unit = "day";
    reason->expected[0] = reason->expected[1] = 1;
    snprintf(
        reason->text, sizeof reason->text,
        "%.50s, new to this host, took 64 KiB or more on %.0f days, in an hour of this day more "
        "than came back",
        name, days);
}

const struct detector detector_ratio_upload = {
    .id = "ratio.upload",
    .name = "Much was sent to one destination and little came back",
    .kind = SUBJECT_DESTINATION,
    .tactic = "TA0010",
    .technique = "T1567",
    .needs_history = true,
    .explains =
        "Bytes of an hour (closed, or from 16 MiB on) to a destination from which fewer came back, "
        "by how much "
        "fewer: against the pair's own hours or, where it is new, against other first "
        "hours and by the days on which it was sent to; and what a known one "
        "did not answer in a day, against its own days. An hour whose surplus is rare enough "
        "by itself is told alone (ratio.upload.alone, weight 0). False alarms: large uploads that "
        "are meant, a synchronisation that starts over, "
        "software that reports what it measured.",
    .tell = tell,
};
