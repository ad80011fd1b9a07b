/* The table and the frame: what holds for every row. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "make.h"

static void rows_are_whole(void **state)
{
    static const char *const ids[] = {
        "volume.host",      "volume.destination", "volume.served",    "volume.slow",
        "staging.upload",   "timing.beacon",      "timing.long",      "ratio.shift",
        "ratio.upload",     "destination.new",    "destination.rare", "content.personal",
        "content.settings", "content.flight",     "content.archive",  "content.pattern",
        "tunnel.dns",       "tunnel.icmp",        "tunnel.new",       "protocol.mismatch",
        "served.sweep",     "sensor.blind",       "intel.match",      "zone.conduit",
        "zone.payload"};
    size_t i = 0;
    (void)state;
    for (; detectors[i]; i++) {
        const struct detector *d = detectors[i];
        assert_string_equal(d->id, ids[i]);
        assert_ptr_equal(detector_get(ids[i]), d);
        assert_true(strlen(d->name) > 10 && strlen(d->explains) > 100);
        assert_has(d->explains, "alse alarms");
        if (d->kind == SUBJECT_RULE) /* found by whoever has the lists, not asked */
            assert_true(!d->judge && !d->tell);
        else /* of a host whose past is not there one is asked that is fused otherwise */
            assert_true(d->by_peers ? d->judge && d->tell
                                    : (d->judge != NULL) != (d->tell != NULL));
        if (d->technique)
            assert_true(d->technique[0] == 'T' && strncmp(d->tactic, "TA", 2) == 0);
    }
    assert_int_equal(i, 25);
    assert_true(i <= JUDGE_FINDINGS);
    assert_null(detector_get("volume"));
}

static void scores(void **state)
{
    static const struct {
        double p;
        int score;
    } expected[] = {{1, 15},    {0.1, 32},  {0.01, 50},  {0.003, 59}, {1e-3, 67},
                    {1e-4, 85}, {2e-5, 97}, {1e-6, 100}, {1e-12, 100}};
    const struct detector *host = detector_get("volume.host"),
                          *new = detector_get("destination.new");
    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_int_equal(score_of_p(expected[i].p), expected[i].score);
    assert_int_equal(urgency_of(host, 100), URGENCY_SHIFT); /* does not wake */
    assert_int_equal(urgency_of(new, 84), URGENCY_SHIFT);
    assert_int_equal(urgency_of(new, 85), URGENCY_NOW);
    assert_int_equal(urgency_of(new, 49), URGENCY_DIGEST);
    assert_string_equal(urgency_name[URGENCY_NOW], "now");
    assert_string_equal(urgency_name[URGENCY_DIGEST], "digest");
}

/* The fused rows are not asked one by one. */
static void fused_rows_are_not_asked(void **state)
{
    struct site *site = site_new(1);
    struct civil civil = civil_at(site, 30, 3);
    struct finding finding[JUDGE_FINDINGS];
    struct subject subject = site_subject(site, 0, SUBJECT_HOST, NULL, &civil);
    (void)state;
    set_bytes(&subject, UINT64_C(1) << 40, UINT64_C(1) << 40, UINT64_C(1) << 40);
    assert_int_equal(subject.state, BASELINE_READY);
    assert_int_equal(judge(&subject, finding), 0);
    site_free(site);
}

static void findings_come_in_the_tables_order(void **state)
{
    struct detect_config config = detect_config_default();
    struct destination d = named(ROLE_CLIENT, "x.example");
    struct counted counted = {.of[CONTENT_EMAIL].items = 500, .of[CONTENT_SETTING].items = 50};
    struct subject subject = {
        .kind = SUBJECT_CONTENT, .config = &config, .destination = &d, .counted = &counted};
    struct finding finding[JUDGE_FINDINGS];
    (void)state;
    assert_int_equal(judge(&subject, finding), 2);
    assert_ptr_equal(finding[0].detector, detector_get("content.personal"));
    assert_ptr_equal(finding[1].detector, detector_get("content.settings"));
    assert_false(detector_ask(detector_get("sensor.blind"), &subject, finding)); /* another kind */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_whole),
        cmocka_unit_test(scores),
        cmocka_unit_test(fused_rows_are_not_asked),
        cmocka_unit_test(findings_come_in_the_tables_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
