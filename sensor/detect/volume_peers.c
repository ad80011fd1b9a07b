/* volume.host of a host whose own past is not there: the store has it and does not give it, or what
 * it gave is no profile. It is judged by its peers alone, by size, among all hosts' hours and days,
 * apart from the evidence that is fused, which only a past has.
 *
 * That begins when the fleet has counted as many host-days as make one false alarm at the absolute
 * channel's part of the budget: fewer could not tell. What left today in closed hours is not known
 * then, so the day is what is open of it: less than it was. Thread: any (pure). */
#include "rows.h"

#include "weir/baseline/calibration.h"

#include <math.h>
#include <stdio.h>

#define HOURS_A_DAY 24

struct by_peers {
    struct estimate hour, day;
    uint64_t hour_bytes;
    bool by_hour; /* the hour's is the less likely */
    double p;     /* of a host and day: the hours are looked at 24 times, and the two forms */
};

static struct by_peers ask(const struct subject *subject, uint64_t bytes)
{
    struct by_peers peers = {.hour_bytes =
                                 subject->hour.value < bytes ? subject->hour.value : bytes};
    peers.hour = survival_absolute_hour(NULL, subject->fleet, &subject->civil, peers.hour_bytes);
    peers.day = survival_absolute_day(NULL, subject->fleet, &subject->civil, bytes);
    double hour = fmin(1.0, HOURS_A_DAY * peers.hour.p);
    peers.by_hour = hour < peers.day.p;
    peers.p = fmin(1.0, 2 * fmin(hour, peers.day.p));
    return peers;
}

/* The least number of bytes at which it would still have fired. */
static uint64_t least_bytes(const struct subject *subject, uint64_t observed, double threshold)
{
    uint64_t low = 0, high = observed; /* it fires at high; at 0 nothing does */
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        if (ask(subject, middle).p <= threshold)
            high = middle;
        else
            low = middle;
    }
    return high;
}

static void give_reason(const struct by_peers *peers, uint64_t bytes, struct finding *finding)
{
    const struct estimate *estimate = peers->by_hour ? &peers->hour : &peers->day;
    char amount[BYTES_TEXT_SIZE], usual[USUAL_TEXT_SIZE];
    struct reason *reason = &finding->reason[finding->reason_count++];
    *reason =
        (struct reason){.code = "volume.host.peers",
                        .observed = (double)bytes,
                        .expected = {(double)estimate->expected[0], (double)estimate->expected[1]},
                        .unit = "byte",
                        .p = peers->p,
                        .weight = 1,
                        .samples = estimate->samples};
    snprintf(
        reason->text, sizeof reason->text,
        "%s left this host in this %s, which is not yet known by its own past; of all hosts%s",
        bytes_text(bytes, amount), peers->by_hour ? "hour" : "day",
        usual_text(estimate, peers->by_hour ? "active host-hours" : "active host-days", usual));
}

bool volume_peers_judge(const struct subject *subject, struct finding *finding)
{
    uint64_t bytes = subject->day.value;
    if (subject->host || !subject->awaited || bytes == 0 || !subject->fleet)
        return false;
    /* as it was asked for: what trims it was measured of hosts that have a past */
    double threshold =
        fleet_limits(subject->fleet, EVIDENCE_SENT).absolute / fleet_budget_trim(subject->fleet);
    if ((double)survival_peer_days(subject->fleet) * threshold < 1)
        return false;
    struct by_peers peers = ask(subject, bytes);
    if (peers.p > threshold)
        return false;
    finding->p = peers.p;
    finding->evidence = evidence_alone(EVIDENCE_ABSOLUTE_DAY, peers.p);
    finding->score = score_of_p(peers.p);
    finding->needs = (double)least_bytes(subject, bytes, threshold);
    finding->needs_unit = "byte";
    give_reason(&peers, peers.by_hour ? peers.hour_bytes : bytes, finding);
    return true;
}
