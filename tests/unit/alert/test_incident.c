/* Incidents: what is told, when, under which ids. The ids are compared with hashes computed
 * elsewhere (Python's hashlib) from the text that ids.c documents. */
#include "alert_case.h"
#include "weir/alert/incident.h"
#include "weir/base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define GAP (6 * NS_PER_HOUR)

#define STORY_ID  "cdbcce3c885a82c06b71eedcf2895afc"
#define HOST_ID   "f8eb961c103281508a04b788f3796d6b"
#define SENSOR_ID "67d78a2f141deebfc76d18eb5d4cc762"
#define VLAN_ID   "12fcbd1ef321aeff11d9494f82487593"

/* Everything that was told, in order. */
struct told {
    struct alert alert[64];
    size_t count;
};

static void tell(void *context, const struct incident *incident, const struct alert *alert)
{
    struct told *told = context;
    assert_string_equal(incident->id, alert->incident);
    if (told->count < 64)
        told->alert[told->count] = *alert;
    told->count++;
}

struct fixture {
    struct told told;
    struct incidents *incidents;
};

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    f->incidents = incidents_new(GAP, tell, &f->told);
    incidents_set_labels(f->incidents, "span-1", "builtin", "online");
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    incidents_free(f->incidents);
    free(f);
    return 0;
}

static struct ptime after(int64_t ns)
{
    return (struct ptime){CASE_TIME + ns};
}

static void find(struct fixture *f, const struct detector *detector, double evidence, int score,
                 const struct story *story, int64_t after_ns)
{
    struct finding finding = case_finding(detector, evidence, score);
    incidents_find(f->incidents, &finding, story, BASELINE_READY, 504, after(after_ns));
}

static void test_opens_and_raises(void **state)
{
    struct fixture *f = *state;
    struct story story = case_story();
    find(f, &case_volume, 10, 60, &story, 0);
    assert_int_equal(f->told.count, 1);
    const struct alert *alert = &f->told.alert[0];
    assert_int_equal(alert->state, INCIDENT_OPEN);
    assert_int_equal(alert->raise, 0);
    assert_string_equal(alert->incident, STORY_ID);
    assert_string_equal(alert->id, "8456f6ae262400f4f93596ad251595fc");
    assert_int_equal(alert->time.ns, CASE_TIME);
    assert_string_equal(alert->sensor, "span-1");
    assert_int_equal(alert->baseline_hours, 504);

    find(f, &case_volume, 10, 60, &story, 1);
    find(f, &case_volume, 12.99, 62, &story, 2);
    find(f, &case_volume, 2, 20, &story, 3);
    assert_int_equal(f->told.count, 1);
    story.out.value = 9000;
    find(f, &case_volume, 13, 63, &story, 4);
    assert_int_equal(f->told.count, 2);
    alert = &f->told.alert[1];
    assert_int_equal(alert->state, INCIDENT_UPDATE);
    assert_int_equal(alert->raise, 1);
    assert_string_equal(alert->id, "60d280bd80edff761f37e88fd54f8add");
    assert_int_equal(alert->story.out.value, 9000);
    /* From 13 on, 13 × 1.3 is asked for. */
    find(f, &case_volume, 16.8, 64, &story, 5);
    assert_int_equal(f->told.count, 2);
    find(f, &case_volume, 16.95, 64, &story, 6);
    assert_int_equal(f->told.count, 3);
    assert_string_equal(f->told.alert[2].id, "62b2c92b87ba5a47bd7f3eb085e36954");
}

static void test_second_detector(void **state)
{
    struct fixture *f = *state;
    struct story story = case_story();
    find(f, &case_volume, 10, 60, &story, 0);
    story.counted.of[CONTENT_EMAIL].items = 120;
    find(f, &case_content, 5, 85, &story, 1);
    assert_int_equal(f->told.count, 2);
    assert_int_equal(f->told.alert[1].state, INCIDENT_UPDATE);
    assert_int_equal(f->told.alert[1].raise, 0);
    assert_string_equal(f->told.alert[1].incident, STORY_ID);
    assert_string_not_equal(f->told.alert[1].id, f->told.alert[0].id);

    size_t count;
    const struct incident **sorted = incidents_sorted(f->incidents, &count);
    assert_int_equal(count, 1);
    assert_int_equal(sorted[0]->score, 85);
    assert_int_equal(sorted[0]->rank_count, 2);
    assert_int_equal(sorted[0]->alerts, 2);
    assert_int_equal(sorted[0]->story.counted.of[CONTENT_EMAIL].items, 120);
    assert_int_equal(sorted[0]->opened.ns, CASE_TIME);
    assert_int_equal(sorted[0]->rank[1].first.ns, CASE_TIME + 1);
    free(sorted);
}

static void test_zero_evidence_is_told_once(void **state)
{
    struct fixture *f = *state;
    struct story story = case_story();
    for (int i = 0; i < 5; i++)
        find(f, &case_content, 0, 60, &story, i);
    assert_int_equal(f->told.count, 1);
}

static void test_follow_and_close(void **state)
{
    struct fixture *f = *state;
    struct story story = case_story();
    incidents_follow(f->incidents, &story, after(0)); /* nothing is open: nothing happens */
    assert_false(incidents_has(f->incidents, &story.host, &story.destination));
    find(f, &case_volume, 10, 60, &story, 0);
    find(f, &case_content, 5, 85, &story, 1);
    assert_true(incidents_has(f->incidents, &story.host, &story.destination));
    assert_false(incidents_has(f->incidents, &story.host, NULL));

    story.out.value = 77777;
    incidents_follow(f->incidents, &story, after(NS_PER_HOUR));
    assert_int_equal(f->told.count, 2);
    incidents_advance(f->incidents, after(NS_PER_HOUR + GAP - 1));
    assert_int_equal(f->told.count, 2);
    incidents_advance(f->incidents, after(NS_PER_HOUR + GAP));
    assert_int_equal(f->told.count, 3);
    const struct alert *last = &f->told.alert[2];
    assert_int_equal(last->state, INCIDENT_CLOSE);
    assert_int_equal(last->story.out.value, 77777);
    assert_ptr_equal(last->finding.detector, &case_content);
    assert_int_equal(last->finding.score, 85);
    assert_string_not_equal(last->id, f->told.alert[0].id);
    assert_string_not_equal(last->id, f->told.alert[1].id);
    assert_int_equal(last->time.ns, CASE_TIME + NS_PER_HOUR + GAP);
    assert_false(incidents_has(f->incidents, &story.host, &story.destination));
    incidents_advance(f->incidents, PTIME_MAX);
    assert_int_equal(f->told.count, 3);
}

/* A closed incident stays readable, and a story that goes on does not repeat an id. */
static void test_reopens(void **state)
{
    struct fixture *f = *state;
    struct story story = case_story();
    find(f, &case_volume, 10, 60, &story, 0);
    incidents_advance(f->incidents, after(GAP));
    find(f, &case_volume, 11, 60, &story, GAP + 1); /* the same again: not told again */
    assert_int_equal(f->told.count, 2);
    find(f, &case_volume, 20, 70, &story, GAP + 2);
    incidents_advance(f->incidents, after(2 * GAP + 2));
    assert_int_equal(f->told.count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(f->told.alert[i].incident, STORY_ID);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(f->told.alert[i].id, f->told.alert[j].id);
    }
    assert_int_equal(f->told.alert[2].state, INCIDENT_UPDATE);
    assert_int_equal(f->told.alert[3].state, INCIDENT_CLOSE);
    size_t count;
    const struct incident **sorted = incidents_sorted(f->incidents, &count);
    assert_int_equal(count, 1);
    assert_true(sorted[0]->closed);
    free(sorted);
}

/* That it was told unsilenced is of one opening, and outlives a restart. */
static void test_aloud(void **state)
{
    struct fixture *f = *state;
    struct story story = case_story();
    find(f, &case_volume, 10, 60, &story, 0);
    assert_false(f->told.alert[0].aloud);
    incidents_told(f->incidents, &f->told.alert[0], false);
    struct alert other = f->told.alert[0];
    memcpy(other.incident, VLAN_ID, sizeof other.incident);
    incidents_told(f->incidents, &other, false); /* no such: nothing */
    struct buffer bytes = {0};
    incidents_pack(f->incidents, &bytes);
    incidents_free(f->incidents);
    f->incidents = incidents_new(GAP, tell, &f->told);
    struct cursor in = cursor_make(bytes.data, bytes.size);
    assert_true(incidents_unpack(f->incidents, &in));
    buffer_fini(&bytes);
    incidents_advance(f->incidents, after(GAP));
    find(f, &case_volume, 20, 70, &story, GAP + 2);
    incidents_advance(f->incidents, after(2 * GAP + 2));
    assert_int_equal(f->told.count, 4);
    assert_int_equal(f->told.alert[1].state, INCIDENT_CLOSE);
    assert_true(f->told.alert[1].aloud);
    assert_false(f->told.alert[2].aloud);
    assert_false(f->told.alert[3].aloud);
}

/* A silence: until when, below which score. */
static struct {
    int64_t until_ns;
    int below;
} silence;

static bool is_covered(void *context, const struct alert *alert)
{
    (void)context;
    return alert->time.ns < silence.until_ns && alert->finding.score < silence.below;
}

static void find_and_note(struct fixture *f, const struct detector *detector, double evidence,
                          int score, const struct story *story, int64_t after_ns)
{
    size_t before = f->told.count;
    struct finding finding = case_finding(detector, evidence, score);
    bool would = incidents_would_tell(f->incidents, &finding, story, after(after_ns));
    find(f, detector, evidence, score, story, after_ns);
    assert_int_equal(f->told.count, before + would);
    for (size_t i = before; i < f->told.count; i++)
        incidents_told(f->incidents, &f->told.alert[i], is_covered(NULL, &f->told.alert[i]));
}

/* What a silence held back is told with the detector's next finding once it is over, the strongest
 * of it, once; of a detector that was heard nothing more. */
static void test_uncovered(void **state)
{
    struct fixture *f = *state;
    struct story story = case_story();
    silence.until_ns = CASE_TIME + 100;
    silence.below = 80;
    incidents_set_covered(f->incidents, is_covered);
    find_and_note(f, &case_volume, 10, 60, &story, 0);
    find_and_note(f, &case_content, 5, 85, &story, 1); /* heard */
    find_and_note(f, &case_volume, 20, 70, &story, 2);
    find_and_note(f, &case_volume, 20, 70, &story, 99);
    assert_int_equal(f->told.count, 3);
    find_and_note(f, &case_content, 5, 85, &story, 100);
    assert_int_equal(f->told.count, 3);
    find_and_note(f, &case_volume, 8, 55, &story, 101);
    assert_int_equal(f->told.count, 4);
    assert_int_equal(f->told.alert[3].finding.score, 70);
    assert_int_equal(f->told.alert[3].raise, 2);
    assert_int_equal(f->told.alert[3].state, INCIDENT_UPDATE);
    find_and_note(f, &case_volume, 25, 70, &story, 102); /* from 20 on, × 1.3 */
    assert_int_equal(f->told.count, 4);
    find_and_note(f, &case_volume, 26, 70, &story, 103);
    assert_int_equal(f->told.count, 5);
}

static void test_end_of_input(void **state)
{
    struct fixture *f = *state;
    struct story story = case_story(), other = case_story();
    find(f, &case_volume, 10, 60, &story, 0);
    other.host = case_ip("10.0.0.9");
    other.last.ns = CASE_TIME + 5;
    find(f, &case_volume, 10, 60, &other, 1);
    incidents_advance(f->incidents, PTIME_MAX);
    assert_int_equal(f->told.count, 4);
    assert_int_equal(f->told.alert[2].time.ns, CASE_TIME + 60 * NS_PER_S);
    assert_int_equal(f->told.alert[3].time.ns, CASE_TIME + 5);
}

static void test_whole_host_and_sensor(void **state)
{
    struct fixture *f = *state;
    struct story story = case_story(), blind = {.first = {CASE_TIME}, .last = {CASE_TIME + 1}};
    story.has_destination = false;
    find(f, &case_volume, 10, 60, &story, 0);
    assert_string_equal(f->told.alert[0].incident, HOST_ID);
    assert_true(incidents_has(f->incidents, &story.host, NULL));
    assert_false(incidents_has(f->incidents, &story.host, &story.destination));
    find(f, &case_blind, 10, 60, &blind, 0);
    assert_string_equal(f->told.alert[1].incident, SENSOR_ID);
    assert_string_equal(f->told.alert[1].id, "33a756302f9e59bde65ec86f76e1ead4");
    char text[16];
    assert_string_equal(incident_short(f->told.alert[1].incident, text), "inc-67d78a");
}

/* Readers of one stream know doubles by their ids: two sensors that are blind at one time are two,
 * what both would say of a host is one. */
static void test_two_sensors(void **state)
{
    struct story story = case_story(), blind = {.first = {CASE_TIME}};
    static const char *const name[] = {"span-1", "span-2", "", NULL};
    char of_host[4][ALERT_ID_SIZE], of_sensor[4][ALERT_ID_SIZE];
    (void)state;
    for (int i = 0; i < 4; i++) {
        incident_id(&story, name[i], of_host[i]);
        incident_id(&blind, name[i], of_sensor[i]);
        assert_string_equal(of_host[i], STORY_ID);
    }
    assert_string_equal(of_sensor[0], SENSOR_ID);
    assert_string_not_equal(of_sensor[1], SENSOR_ID);
    assert_string_not_equal(of_sensor[2], SENSOR_ID);
    assert_string_equal(of_sensor[3], of_sensor[2]);
}

/* What the sensor does not see: an incident for each, told its end with the last word. */
static void test_sights(void **state)
{
    struct fixture *f = *state;
    struct story vlan = {.first = {CASE_TIME}, .last = {CASE_TIME + 1}, .sight = "vlan 20"};
    struct story tap = {.first = {CASE_TIME}, .last = {CASE_TIME + 1}, .sight = "tap"};
    struct story lost = {.first = {CASE_TIME}, .last = {CASE_TIME + 1}};
    find(f, &case_blind, 1, 65, &vlan, 0);
    find(f, &case_blind, 1, 90, &tap, 1);
    find(f, &case_blind, 1, 40, &lost, 2);
    assert_int_equal(f->told.count, 3);
    assert_string_equal(f->told.alert[0].incident, VLAN_ID);
    assert_string_equal(f->told.alert[0].id, "911b9a1aa331082a586bf9f8c31f887d");
    assert_string_equal(f->told.alert[2].incident, SENSOR_ID);
    assert_int_equal(incidents_counts(f->incidents).open, 3);

    struct finding end = case_finding(&case_blind, 1, 65);
    end.urgency = URGENCY_DIGEST;
    snprintf(end.reason[0].text, sizeof end.reason[0].text, "until now");
    vlan.last.ns = CASE_TIME + 5;
    incidents_end(f->incidents, &end, &vlan, after(6));
    assert_int_equal(f->told.count, 4);
    const struct alert *alert = &f->told.alert[3];
    assert_int_equal(alert->state, INCIDENT_CLOSE);
    assert_string_equal(alert->incident, VLAN_ID);
    assert_string_equal(alert->id, "c36d37452e042fea7f7c817053ec8545");
    assert_string_equal(alert->finding.reason[0].text, "until now");
    assert_int_equal(alert->finding.urgency, URGENCY_DIGEST);
    assert_int_equal(alert->story.last.ns, CASE_TIME + 5);
    assert_int_equal(alert->time.ns, CASE_TIME + 6);
    assert_int_equal(incidents_counts(f->incidents).open, 2);

    incidents_end(f->incidents, &end, &vlan, after(7)); /* nothing is open any more */
    assert_int_equal(f->told.count, 4);
    vlan.first.ns = CASE_TIME + 100; /* another one */
    find(f, &case_blind, 1, 65, &vlan, 130);
    assert_int_equal(f->told.count, 5);
    assert_int_equal(f->told.alert[4].state, INCIDENT_OPEN);
    assert_string_not_equal(f->told.alert[4].incident, VLAN_ID);
}

/* The strongest finding is kept when a later one is weaker (the hour rolled over). */
static void test_strongest_finding_is_kept(void **state)
{
    struct fixture *f = *state;
    struct story story = case_story();
    find(f, &case_volume, 30, 90, &story, 0);
    find(f, &case_volume, 4, 30, &story, 1);
    incidents_advance(f->incidents, PTIME_MAX);
    assert_int_equal(f->told.alert[1].finding.score, 90);
}

/* Judged by its peers, then by its own past: the same bytes are not told twice, what grows on them
 * is; the incident ends with what its own past says. */
static void test_by_peers_and_then_by_its_own_past(void **state)
{
    struct fixture *f = *state;
    struct story story = case_story();
    struct finding finding = case_finding(&case_volume, 10, 60);
    finding.by_peers = true;
    incidents_find(f->incidents, &finding, &story, BASELINE_LEARNING, 0, after(0));
    assert_int_equal(f->told.count, 1);
    find(f, &case_volume, 20, 80, &story, 1);
    assert_int_equal(f->told.count, 1);
    find(f, &case_volume, 25, 82, &story, 2);
    assert_int_equal(f->told.count, 1);
    find(f, &case_volume, 26, 84, &story, 3);
    assert_int_equal(f->told.count, 2);
    assert_int_equal(f->told.alert[1].state, INCIDENT_UPDATE);
    incidents_find(f->incidents, &finding, &story, BASELINE_LEARNING, 0, after(4));
    incidents_advance(f->incidents, PTIME_MAX);
    assert_int_equal(f->told.count, 3);
    assert_false(f->told.alert[2].finding.by_peers);
    assert_int_equal(f->told.alert[2].finding.score, 84);
}

static void test_sorted(void **state)
{
    struct fixture *f = *state;
    const char *host[4] = {"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"};
    const int score[4] = {50, 90, 50, 90};
    const int64_t first[4] = {9, 5, 3, 1};
    for (int i = 0; i < 4; i++) {
        struct story story = case_story();
        story.host = case_ip(host[i]);
        story.first.ns = first[i];
        find(f, &case_volume, 10, score[i], &story, i);
    }
    size_t count;
    const struct incident **sorted = incidents_sorted(f->incidents, &count);
    const char *expected[4] = {"10.0.0.4", "10.0.0.2", "10.0.0.3", "10.0.0.1"};
    assert_int_equal(count, 4);
    for (int i = 0; i < 4; i++) {
        char text[IP_TEXT_SIZE];
        assert_string_equal(ip_text(&sorted[i]->story.host, text), expected[i]);
    }
    free(sorted);
}

static void test_rank_bound(void **state)
{
    struct fixture *f = *state;
    struct detector many[INCIDENT_RANKS + 1];
    struct story story = case_story();
    char id[INCIDENT_RANKS + 1][24];
    for (int i = 0; i <= INCIDENT_RANKS; i++) {
        snprintf(id[i], sizeof id[i], "test.%d", i);
        many[i] = case_volume;
        many[i].id = id[i];
        find(f, &many[i], 10, 60, &story, i);
    }
    assert_int_equal(f->told.count, INCIDENT_RANKS);
    assert_int_equal(incidents_counts(f->incidents).unranked, 1);
    struct finding finding = case_finding(&many[INCIDENT_RANKS], 99, 60);
    assert_false(incidents_would_tell(f->incidents, &finding, &story, after(0)));
}

/* --- an operator's rules: rows that no table has --------------------------------------------- */

static const struct detector rule_before = {.id = "my.rule",
                                            .name = "Before",
                                            .kind = SUBJECT_RULE,
                                            .tactic = "TA0010",
                                            .technique = "T1567"};
static const struct detector rule_after = {.id = "my.rule", .name = "After", .kind = SUBJECT_RULE};

/* An edited rule goes on with the incident of the one before it. */
static void test_an_edited_rule(void **state)
{
    struct fixture *f = *state;
    struct story story = case_story();
    struct finding same = case_finding(&rule_after, 12, 60),
                   more = case_finding(&rule_after, 14, 60);
    assert_true(incidents_would_tell(f->incidents, &same, &story, after(0)));
    find(f, &rule_before, 10, 60, &story, 0);
    assert_false(incidents_would_tell(f->incidents, &same, &story, after(0)));
    find(f, &rule_after, 12, 60, &story, 1);
    assert_int_equal(f->told.count, 1);
    assert_true(incidents_would_tell(f->incidents, &more, &story, after(0)));
    find(f, &rule_after, 14, 60, &story, 2);
    assert_int_equal(f->told.count, 2);
    assert_int_equal(f->told.alert[1].raise, 1);
    assert_string_equal(f->told.alert[1].finding.detector->name, "After");
    incidents_advance(f->incidents, PTIME_MAX);
    assert_int_equal(f->told.count, 3);
}

/* What a restart brings back needs no rule to be there. */
static void test_a_rule_that_is_gone(void **state)
{
    struct fixture *f = *state;
    struct told told = {.count = 0};
    struct story story = case_story();
    struct buffer packed = {0}, again = {0};
    find(f, &rule_before, 10, 60, &story, 0);
    find(f, &case_volume, 10, 50, &story, 1);
    incidents_pack(f->incidents, &packed);
    struct incidents *back = incidents_new(GAP, tell, &told);
    struct cursor in = cursor_make(packed.data, packed.size);
    assert_true(incidents_unpack(back, &in));
    assert_int_equal(cursor_left(&in), 0);
    incidents_pack(back, &again);
    assert_int_equal(again.size, packed.size);
    incidents_advance(back, PTIME_MAX);
    assert_int_equal(told.count, 1);
    const struct detector *row = told.alert[0].finding.detector;
    assert_string_equal(row->id, "my.rule");
    assert_string_equal(row->name, "Before");
    assert_string_equal(row->tactic, "TA0010");
    assert_string_equal(row->technique, "T1567");
    assert_null(row->subtechnique);
    incidents_free(back);
    for (size_t size = 0; size < packed.size; size += 97) { /* cut anywhere */
        back = incidents_new(GAP, tell, &told);
        in = cursor_make(packed.data, size);
        assert_false(incidents_unpack(back, &in));
        incidents_free(back);
    }
    buffer_fini(&packed);
    buffer_fini(&again);
}

static void test_incident_bounds(void **state)
{
    struct fixture *f = *state;
    const uint32_t more = 3;
    for (uint32_t i = 0; i < INCIDENTS_MAX + more; i++) {
        struct story story = case_story();
        memcpy(story.host.byte + 12, &i, sizeof i);
        story.host.byte[0] = 0x20;
        find(f, &case_volume, 10, 60, &story, i);
    }
    /* Three had to go: the three that were silent longest. */
    assert_int_equal(incidents_counts(f->incidents).evicted, more);
    assert_int_equal(f->told.count, INCIDENTS_MAX + 2 * more);
    incidents_advance(f->incidents, PTIME_MAX);
    assert_int_equal(f->told.count, 2 * (INCIDENTS_MAX + more));
    size_t count;
    const struct incident **sorted = incidents_sorted(f->incidents, &count);
    assert_int_equal(count, INCIDENTS_KEPT);
    assert_int_equal(incidents_counts(f->incidents).forgotten,
                     INCIDENTS_MAX + more - INCIDENTS_KEPT);
    free(sorted);
}

/* --- incidents that share a destination ------------------------------------------------------- */

static struct story story_of_host(uint8_t last)
{
    struct story story = case_story();
    story.host.byte[15] = last;
    return story;
}

static void test_hosts_that_share_a_destination(void **state)
{
    struct fixture *f = *state;
    struct story story[12], elsewhere = story_of_host(99), whole = story_of_host(98);
    strcpy(elsewhere.destination.name, "example.org");
    whole.has_destination = false;
    find(f, &case_volume, 10, 60, &elsewhere, 0);
    find(f, &case_volume, 10, 60, &whole, 0);
    for (uint8_t i = 0; i < 12; i++) {
        story[i] = story_of_host(i);
        find(f, &case_volume, 10, 60, &story[i], i);
    }
    /* The first has nobody, the last eleven, of which the eight that opened first are named. */
    const struct alert *told = f->told.alert;
    assert_int_equal(told[0].links_total, 0);
    assert_int_equal(told[1].links_total, 0);
    assert_int_equal(told[2].links_total, 0);
    assert_int_equal(told[2].link_count, 0);
    assert_int_equal(told[4].links_total, 2);
    assert_int_equal(told[4].link_count, 2);
    assert_string_equal(told[4].link[0].incident, told[2].incident);
    assert_string_equal(told[4].link[1].incident, told[3].incident);
    assert_int_equal(told[4].link[1].host.byte[15], 1);
    assert_int_equal(told[13].links_total, 11);
    assert_int_equal(told[13].link_count, ALERT_LINKS);
    assert_string_equal(told[13].link[7].incident, told[9].incident);
    /* Who is closed is not among them; who goes on has come last. */
    struct finding over = case_finding(&case_volume, 10, 60);
    incidents_end(f->incidents, &over, &story[0], after(20));
    assert_int_equal(told[14].state, INCIDENT_CLOSE);
    assert_int_equal(told[14].links_total, 11);
    find(f, &case_volume, 20, 60, &story[1], 21);
    assert_int_equal(told[15].links_total, 10);
    assert_string_equal(told[15].link[0].incident, told[4].incident);
    find(f, &case_volume, 20, 60, &story[0], 22);
    find(f, &case_volume, 40, 60, &story[2], 23);
    assert_int_equal(told[17].links_total, 11);
    assert_string_equal(told[17].link[0].incident, told[3].incident);
}

/* The same after a restart, in the same order. */
static void test_sharing_outlives_a_restart(void **state)
{
    struct fixture *f = *state, after_restart = {.incidents = NULL};
    struct story story[6];
    struct buffer packed = {0};
    for (uint8_t i = 0; i < 6; i++) {
        story[i] = story_of_host(i);
        find(f, detector_get("volume.host"), 10, 60, &story[i], i);
    }
    incidents_follow(f->incidents, &story[0], after(30)); /* the newest that was heard of */
    incidents_pack(f->incidents, &packed);
    struct cursor in = cursor_make(packed.data, packed.size);
    after_restart.incidents = incidents_new(GAP, tell, &after_restart.told);
    assert_true(incidents_unpack(after_restart.incidents, &in));
    struct story next = story_of_host(9);
    find(f, detector_get("volume.host"), 10, 60, &next, 40);
    find(&after_restart, detector_get("volume.host"), 10, 60, &next, 40);
    const struct alert *a = &f->told.alert[6], *b = &after_restart.told.alert[0];
    assert_int_equal(b->links_total, 6);
    assert_int_equal(b->link[0].host.byte[15], 0);
    assert_memory_equal(a->link, b->link, sizeof a->link);
    incidents_free(after_restart.incidents);
    buffer_fini(&packed);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_opens_and_raises),
        T(test_second_detector),
        T(test_zero_evidence_is_told_once),
        T(test_follow_and_close),
        T(test_reopens),
        T(test_aloud),
        T(test_uncovered),
        T(test_end_of_input),
        T(test_whole_host_and_sensor),
        T(test_two_sensors),
        T(test_sights),
        T(test_strongest_finding_is_kept),
        T(test_by_peers_and_then_by_its_own_past),
        T(test_sorted),
        T(test_rank_bound),
        T(test_incident_bounds),
        T(test_hosts_that_share_a_destination),
        T(test_sharing_outlives_a_restart),
        T(test_an_edited_rule),
        T(test_a_rule_that_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
