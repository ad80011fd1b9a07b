/* Where an alert leads: an upload of an hour that is over, beside what is stronger, only where the
 * host would not be told without it. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "make.h"

#define DAY 30
#define NOW 14

static void ordinary_hour(struct host_total *total, const struct civil *civil, unsigned host,
                          int day)
{
    if (civil->class == HOUR_WORK_WEEKDAY)
        add_to(total, ROLE_CLIENT, "service.example", 3e5 * moving(day, civil->hour_of_day, host));
}

/* A host whose day is that large, and that sent old.example something yesterday. */
struct rig {
    struct destination old;
    struct weighing weighing;
};

static bool find_old(void *context, uint32_t name, struct weighed_pair *pair)
{
    struct rig *rig = context;
    *pair = (struct weighed_pair){.destination = &rig->old};
    return name == evidence_name(&rig->old);
}

static void nothing_else(void *context, uint32_t name, struct day_evidence *evidence)
{
    (void)context;
    (void)name;
    *evidence = (struct day_evidence){0};
}

static void set_day(struct rig *rig, struct site *site, uint64_t bytes)
{
    struct weighing *w = &rig->weighing;
    rig->old = named(ROLE_CLIENT, "old.example");
    *w = (struct weighing){.civil = civil_at(site, DAY, NOW),
                           .host = site->profile[0],
                           .fleet = site->fleet,
                           .amounts = {.hour = bytes, .day = bytes},
                           .context = rig,
                           .find = find_old,
                           .without = nothing_else};
    evidence_add_host(&w->evidence, w->host, w->fleet, &w->civil, &w->amounts);
}

/* Not as strong as the strongest of the host's own, and strong enough to be heard. */
static bool add_upload(struct rig *rig, struct fused *fused, bool *fires)
{
    struct weighing *w = &rig->weighing;
    double most = 0;
    for (double l = 1; l < 12; l += .0625) {
        w->evidence.mark[EVIDENCE_UPLOAD] =
            (struct evidence_mark){l, 300000, evidence_name(&rig->old)};
        *fused = fusion_weigh(w, EVIDENCE_SENT, fires);
        most = 0;
        for (int kind = 0; kind < EVIDENCE_UPLOAD; kind++)
            most = fmax(most, fused->share[kind]);
        if (fused->share[EVIDENCE_UPLOAD] > .15)
            return fused->share[EVIDENCE_UPLOAD] < most;
    }
    return false;
}

static void it_leads_where_it_is_needed(void **state)
{
    struct site *site = site_new(SITE_HOSTS);
    unsigned needed = 0, beside = 0;
    (void)state;
    site_play(site, 0, DAY, ordinary_hour);
    for (uint64_t bytes = 1 << 17; bytes < UINT64_C(1) << 34; bytes += bytes / 64) {
        struct rig rig;
        struct finding finding;
        struct weighed_pair lead = {.destination = NULL};
        struct fused fused;
        bool fires, without;
        set_day(&rig, site, bytes);
        fusion_weigh(&rig.weighing, EVIDENCE_SENT, &without);
        if (!add_upload(&rig, &fused, &fires) || !fires)
            continue;
        fusion_tell(&rig.weighing, EVIDENCE_SENT, &fused, &finding, &lead);
        if (without)
            assert_null(lead.destination);
        else
            assert_ptr_equal(lead.destination, &rig.old);
        assert_string_equal(finding.detector->id, without ? "volume.host" : "ratio.upload");
        needed += !without;
        beside += without;
    }
    assert_true(needed > 0 && beside > 0);
    site_free(site);
}

static double trusted(void *context, const struct destination *destination)
{
    const struct rig *rig = context;
    return destination == &rig->old ? 2 : 1;
}

/* A day like any, and an upload whose own S is below its own bar: that is why it is told, and where
 * it leads, and it has no part in what is fused. */
static void alone_by_its_own_bar(void **state)
{
    struct site *site = site_new(SITE_HOSTS);
    struct rig rig;
    struct finding finding;
    struct weighed_pair lead = {.destination = NULL};
    bool fires;
    (void)state;
    site_play(site, 0, DAY, ordinary_hour);
    set_day(&rig, site, 1 << 18);
    struct fused before = fusion_weigh(&rig.weighing, EVIDENCE_SENT, &fires);
    assert_false(fires);
    struct fused fused = before;
    for (double l = 1; l < 20 && !fires; l += .25) {
        rig.weighing.evidence.mark[EVIDENCE_UPLOAD_ALONE] =
            (struct evidence_mark){l, 300000, evidence_name(&rig.old)};
        fused = fusion_weigh(&rig.weighing, EVIDENCE_SENT, &fires);
    }
    assert_true(fires);
    assert_true(fused.e >= before.e && fused.e <= before.e);
    fusion_tell(&rig.weighing, EVIDENCE_SENT, &fused, &finding, &lead);
    assert_ptr_equal(lead.destination, &rig.old);
    assert_string_equal(finding.detector->id, "ratio.upload");
    assert_string_equal(finding.reason[0].code, "ratio.upload.alone");
    assert_true(fabs(finding.p / fused.p_upload - 1) < 1e-9);
    assert_true(fabs(finding.reason[0].p / fused.p_upload - 1) < 1e-9);
    assert_false(finding.reason[0].weight > 0);
    assert_true(finding.reason_count > 1);
    assert_true(fusion_is_told(&rig.weighing, EVIDENCE_SENT, &fused, &rig.old));
    rig.weighing.bar = trusted;
    assert_false(fusion_is_told(&rig.weighing, EVIDENCE_SENT, &fused, &rig.old));
    site_free(site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(it_leads_where_it_is_needed),
                                       cmocka_unit_test(alone_by_its_own_bar)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
