/* The table of rows and the frame around them: what every statistical row has in common is here, so
 * that a row is only a question ("how unlikely is this much?") and a sentence. Thread: any (pure).
 */
#include "rows.h"

#include <math.h>
#include <string.h>

const char *const urgency_name[URGENCIES] = {"digest", "shift", "now"};

const struct detector *const detectors[] = {
    &detector_volume_host,       &detector_volume_destination,
    &detector_volume_served,     &detector_destination_new,
    &detector_content_personal,  &detector_content_settings,
    &detector_content_flight,    &detector_content_archive,
    &detector_content_pattern,   &detector_tunnel_dns,
    &detector_tunnel_icmp,       &detector_tunnel_new,
    &detector_protocol_mismatch, &detector_sensor_blind,
    &detector_intel_match,       NULL,
};

struct detect_config detect_config_default(void)
{
    return (struct detect_config){.alerts_per_100_hosts_per_day = 1, .learn_days = 7};
}

const struct detector *detector_get(const char *id)
{
    for (size_t i = 0; detectors[i]; i++)
        if (strcmp(detectors[i]->id, id) == 0)
            return detectors[i];
    return NULL;
}

double detector_threshold(const struct detector *detector, const struct detect_config *config)
{
    return config->alerts_per_100_hosts_per_day / 100 * detector->share;
}

int score_of_p(double p)
{
    double score = 50 + 15 * log10(0.01 / p);
    return (int)fmax(0.0, fmin(100.0, floor(score + 1e-9)));
}

enum urgency urgency_of(const struct detector *detector, int score)
{
    if (score >= URGENT_SCORE && detector->wakes)
        return URGENCY_NOW;
    return score >= SHIFT_SCORE ? URGENCY_SHIFT : URGENCY_DIGEST;
}

/* The least number of bytes at which the row would still have fired. */
static uint64_t least_bytes(const struct detector *detector, const struct subject *subject,
                            uint64_t observed, double threshold)
{
    uint64_t low = 0, high = observed; /* it fires at high; at 0 nothing does */
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        struct estimate estimate;
        if (detector->estimate(subject, middle, &estimate) && estimate.p <= threshold)
            high = middle;
        else
            low = middle;
    }
    return high;
}

static bool ask_statistical(const struct detector *detector, const struct subject *subject,
                            struct finding *finding)
{
    double threshold = detector_threshold(detector, subject->config);
    uint64_t observed = detector->observed(subject);
    struct estimate estimate;
    if (observed == 0 || !detector->estimate(subject, observed, &estimate) ||
        estimate.p > threshold)
        return false;
    finding->p = estimate.p;
    finding->evidence = -log(estimate.p);
    finding->score = score_of_p(estimate.p);
    finding->needs = (double)least_bytes(detector, subject, observed, threshold);
    finding->needs_unit = "byte";
    detector->describe(subject, &estimate, finding);
    return true;
}

bool detector_ask(const struct detector *detector, const struct subject *subject,
                  struct finding *finding)
{
    if (detector->kind != subject->kind)
        return false;
    bool by_peers = detector->by_peers && subject->awaited && !subject->host;
    bool unknown = !subject->host || subject->state == BASELINE_LEARNING;
    if (detector->needs_history && unknown && !by_peers)
        return false;
    memset(finding, 0, sizeof *finding);
    bool found = detector->judge ? detector->judge(subject, finding)
                                 : ask_statistical(detector, subject, finding);
    if (!found)
        return false;
    finding->detector = detector;
    finding->by_peers = by_peers;
    finding->urgency = urgency_of(detector, finding->score);
    return true;
}
