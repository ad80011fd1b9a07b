/* The table of rows and the frame around the absolute ones; the fused ones are judged in fusion.c.
 * Thread: any (pure). */
#include "rows.h"

#include <math.h>
#include <string.h>

const char *const urgency_name[URGENCIES] = {"digest", "shift", "now"};

const struct detector *const detectors[] = {
    &detector_volume_host,      &detector_volume_destination,
    &detector_volume_served,    &detector_volume_slow,
    &detector_staging_upload,   &detector_timing_beacon,
    &detector_timing_long,      &detector_ratio_shift,
    &detector_ratio_upload,     &detector_destination_new,
    &detector_destination_rare, &detector_content_personal,
    &detector_content_settings, &detector_content_flight,
    &detector_content_archive,  &detector_content_pattern,
    &detector_tunnel_dns,       &detector_tunnel_icmp,
    &detector_tunnel_new,       &detector_protocol_mismatch,
    &detector_served_sweep,     &detector_sensor_blind,
    &detector_intel_match,      &detector_zone_conduit,
    &detector_zone_payload,     NULL,
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

int score_of_p(double p)
{
    double score = 50 + 17.5 * log10(0.01 / p);
    return (int)fmax(0.0, fmin(100.0, floor(score + 1e-9)));
}

enum urgency urgency_of(const struct detector *detector, int score)
{
    if (score >= URGENT_SCORE && detector->wakes)
        return URGENCY_NOW;
    return score >= SHIFT_SCORE ? URGENCY_SHIFT : URGENCY_DIGEST;
}

struct technique finding_technique(const struct finding *finding)
{
    static const struct technique as[FINDING_AS] = {
        [AS_COMMAND] = {"TA0106", "T0855", NULL},     [AS_MONITORING] = {"TA0100", "T0801", NULL},
        [AS_APPLICATION] = {"TA0101", "T0869", NULL}, [AS_EXPOSED] = {"TA0108", "T0883", NULL},
        [AS_REMOTE] = {"TA0109", "T0886", NULL},
    };
    const struct detector *row = finding->detector;
    if (finding->as == AS_ROW || finding->as >= FINDING_AS)
        return (struct technique){row->tactic, row->technique, row->subtechnique};
    return as[finding->as];
}

bool detector_ask(const struct detector *detector, const struct subject *subject,
                  struct finding *finding)
{
    if (!detector->judge || detector->kind != subject->kind)
        return false;
    bool by_peers = detector->by_peers && subject->awaited && !subject->host;
    bool unknown = !subject->host || subject->state == BASELINE_LEARNING;
    if (detector->needs_history && unknown && !by_peers)
        return false;
    if (detector->may && !detector->may(subject))
        return false;
    memset(finding, 0, sizeof *finding);
    if (!detector->judge(subject, finding))
        return false;
    finding->detector = detector;
    finding->by_peers = by_peers;
    finding->urgency = urgency_of(detector, finding->score);
    return true;
}
