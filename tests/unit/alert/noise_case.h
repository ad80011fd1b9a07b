/* What the tests of silences and verdicts share: an alert, orders, and what became of the last one.
 */
#ifndef TESTS_UNIT_ALERT_NOISE_CASE_H
#define TESTS_UNIT_ALERT_NOISE_CASE_H

#include "alert_case.h"
#include "weir/alert/noise.h"
#include "weir/base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define INCIDENT "0123456789abcdef0123456789abcdef"
#define OTHER    "fedcba9876543210fedcba9876543210"
#define WALL     (CASE_TIME + NS_PER_HOUR)

static inline struct alert case_alert(void)
{
    struct alert alert = {.id = "a1",
                          .incident = INCIDENT,
                          .time = {CASE_TIME},
                          .finding = case_finding(&case_volume, 3, 60),
                          .story = case_story(),
                          .new_bytes = 5000,
                          .mode = "online",
                          .sensor = "span-1",
                          .ruleset = "r"};
    alert.story.flow[0].outbound = true;
    return alert;
}

static inline struct noise_order order(enum noise_verb verb, const char *target, const char *body)
{
    return (struct noise_order){.verb = verb,
                                .target = target,
                                .body = body,
                                .body_size = strlen(body),
                                .peer = "root",
                                .uid = 0,
                                .at = {WALL},
                                .packet = {CASE_TIME},
                                .sensor = "span-1"};
}

/* Returns the error's code; ERROR_NONE: done. The last audit record and reply are kept. */
static struct noise_outcome last;
static char why[512];

static inline enum error_code obey(struct noise *noise, enum noise_verb verb, const char *target,
                                   const char *body)
{
    struct error error = {0};
    struct noise_order asked = order(verb, target, body);
    noise_outcome_fini(&last);
    int failed = noise_obey(noise, &asked, &last, &error);
    assert_int_equal(failed, error.code == ERROR_NONE ? 0 : -1);
    memcpy(why, error.message, sizeof why);
    return error.code;
}

static inline int tear_down(void **state)
{
    (void)state;
    noise_outcome_fini(&last);
    return 0;
}

#endif
