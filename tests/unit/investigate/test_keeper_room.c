/* What the keeper lets go: bounds hold and are counted; what is held survives its time; what goes
 * is in the journal first, or goes because it is there. */
#include "keeper_stage.h"

/* --- bounds ------------------------------------------------------------------------------------
 */

static void test_a_ring_too_small_is_said(void **state)
{
    struct scene *s = *state;
    struct flow_key mine = key_of("10.0.0.5", 40000, "198.51.100.9"),
                    other = key_of("10.0.0.6", 40000, "198.51.100.8");
    send_many(s, &mine, 0, 10, 100);
    send_many(s, &other, 10, 2000, 1000); /* some four times what is held */
    send_many(s, &mine, 2010, 10, 100);
    alert(s, INCIDENT, "open", 60, &mine);
    round_after(s, NS_PER_S);
    const struct kept *kept = kept_of(s, INCIDENT);
    assert_int_equal(kept->packets, 10);
    assert_true(kept->held_from.ns > kept->first.ns);
    send_many(s, &other, 2020, 2000, 1000); /* faster than it is looked at */
    send_many(s, &mine, 4020, 10, 100);
    round_after(s, NS_PER_S);
    assert_int_equal(kept->packets, 20);
    assert_true(kept->missed > 1000);
    assert_true(keeper_counts_of(s->keeper).missed > 1000);
    keeper_seal_all(s->keeper);
    char *path = path_in(s, INCIDENT, "manifest.json");
    size_t size;
    char *text = evidence_text(path, &size);
    assert_non_null(strstr(text, "\"from_the_first\": false"));
    free(text);
    free(path);
}

static void test_the_highest_scores_stay(void **state)
{
    struct scene *s = *state;
    struct flow_key low = key_of("10.0.0.5", 40000, "198.51.100.9"),
                    high = key_of("10.0.0.6", 40000, "198.51.100.8");
    keeper_free(s->keeper);
    s->config.kept_bytes = 100000;
    s->config.incident_bytes = 80000;
    begin(s);
    alert(s, INCIDENT, "open", 40, &low);
    send_many(s, &low, 0, 100, 1000);
    round_after(s, NS_PER_S);
    const struct kept *kept = kept_of(s, INCIDENT);
    assert_true(kept->packets > 60 && kept->packets < 100); /* its own bound */
    assert_int_equal(kept->packets + kept->beyond, 100);
    alert(s, OTHER, "open", 90, &high);
    send_many(s, &high, 100, 50, 1000);
    round_after(s, NS_PER_S); /* it is said */
    round_after(s, NS_PER_S); /* read, and gone */
    round_after(s, NS_PER_S);
    assert_null(kept_of(s, INCIDENT));
    assert_false(is_there(s, INCIDENT, "incident.json"));
    assert_int_equal(kept_of(s, OTHER)->packets, 50);
    assert_int_equal(s->removed, 1);
    assert_int_equal(keeper_counts_of(s->keeper).removed_for_room, 1);
}

/* A new one takes the place of the lowest at once, whatever the journal says when; not of a second.
 */
static void test_as_many_as_there_may_be(void **state)
{
    struct scene *s = *state;
    char id[ALERT_ID_SIZE];
    s->deaf = true;
    for (unsigned i = 0; i < KEEPER_KEPT; i++) {
        snprintf(id, sizeof id, "%032x", i);
        struct kept *kept = keeper_make(s->keeper, id, 10 + (i > 0));
        assert_non_null(kept);
        kept->open = false;
    }
    assert_null(keeper_make(s->keeper, OTHER, 5));
    assert_int_equal(keeper_counts_of(s->keeper).beyond_incidents, 1);
    assert_non_null(keeper_make(s->keeper, OTHER, 60));
    assert_int_equal(keeper_counts_of(s->keeper).beyond_incidents, 1);
    assert_int_equal(keeper_counts_of(s->keeper).removed_for_room, 1);
    snprintf(id, sizeof id, "%032x", 0);
    assert_true(kept_of(s, id)->leaving);
}

/* Room is made by what has bytes, as much as is needed; none goes for nothing. */
static void test_only_what_makes_room_goes(void **state)
{
    static const char *const id[] = {"a1", "b2", "c3", "d4", "e5"};
    static const int score[] = {40, 41, 42, 90, 50};
    static const uint32_t many[] = {40, 0, 40, 10, 60}; /* the highest has little; the last comes */
    struct scene *s = *state;
    struct flow_key key[5];
    keeper_free(s->keeper);
    s->config.kept_bytes = 100000;
    begin(s);
    for (unsigned i = 0; i < 5; i++) {
        key[i] = key_of("10.0.0.5", (uint16_t)(40000 + i), "198.51.100.9");
        key[i].resp_ip.byte[15] += (uint8_t)i;
        alert(s, id[i], "open", score[i], &key[i]);
        send_many(s, &key[i], 100 * i, many[i], 1000);
        round_after(s, NS_PER_S);
        assert_true(keeper_counts_of(s->keeper).bytes <= s->config.kept_bytes);
    }
    round_after(s, NS_PER_S);
    round_after(s, NS_PER_S);
    assert_null(kept_of(s, id[0]));
    assert_non_null(kept_of(s, id[1])); /* nothing of it would have been room */
    assert_null(kept_of(s, id[2]));
    assert_int_equal(kept_of(s, id[3])->packets, 10);
    assert_int_equal(kept_of(s, id[4])->packets, 60);
    send_many(s, &key[4], 600, 60,
              1000); /* more than there is, and all else is of a higher score */
    round_after(s, NS_PER_S);
    assert_int_equal(keeper_counts_of(s->keeper).removed_for_room, 2);
    assert_true(kept_of(s, id[4])->beyond > 20);
}

static void test_what_is_held_stays(void **state)
{
    struct scene *s = *state;
    struct flow_key mine = key_of("10.0.0.5", 40000, "198.51.100.9"),
                    other = key_of("10.0.0.6", 40000, "198.51.100.8");
    const struct evidence_hold hold = {"alice", "a case", {START}};
    alert(s, INCIDENT, "open", 60, &mine);
    alert(s, OTHER, "open", 60, &other);
    send_many(s, &mine, 0, 5, 100);
    send_many(s, &other, 10, 5, 100);
    round_after(s, NS_PER_S);
    alert(s, INCIDENT, "close", 60, &mine);
    alert(s, OTHER, "close", 60, &other);
    round_after(s, NS_PER_S);
    assert_int_equal(evidence_hold(s->folder, INCIDENT, &hold, &s->error), 0);
    assert_int_equal(evidence_hold(s->folder, INCIDENT, &hold, &s->error), -1);
    char *path = path_in(s, INCIDENT, "hold.json");
    size_t size;
    char *text = evidence_text(path, &size);
    assert_non_null(strstr(text, "\"by\":\"alice\""));
    assert_non_null(strstr(text, "\"hosts\":[\"10.0.0.5\"]"));
    free(text);
    free(path);
    round_after(s, 29 * NS_PER_DAY);
    assert_int_equal(keeper_counts_of(s->keeper).kept, 2);
    round_after(s, 2 * NS_PER_DAY);
    round_after(s, NS_PER_S);
    round_after(s, NS_PER_S);
    assert_int_equal(keeper_counts_of(s->keeper).kept, 1);
    assert_false(is_there(s, OTHER, "manifest.json"));
    assert_int_equal(verify(s, INCIDENT), 0);
    assert_int_equal(evidence_release(s->folder, INCIDENT, &s->error), 0);
    assert_int_equal(evidence_release(s->folder, INCIDENT, &s->error), -1);
    round_after(s, 2 * NS_PER_DAY);
    round_after(s, NS_PER_S);
    round_after(s, NS_PER_S);
    assert_int_equal(keeper_counts_of(s->keeper).kept, 0);
    assert_int_equal(keeper_counts_of(s->keeper).removed, 2);
    assert_int_equal(s->removed, 2);
}

/* `weir baseline forget` removes a folder behind the keeper's back, and says so. */
static void test_what_was_forgotten_is_let_go(void **state)
{
    struct scene *s = *state;
    struct flow_key mine = key_of("10.0.0.5", 40000, "198.51.100.9");
    open_with_five(s, &mine);
    round_after(s, 5 * NS_PER_S);
    round_after(s, NS_PER_S);
    on_say(s, "evidence.remove", INCIDENT, evidence_forgotten);
    round_after(s, NS_PER_S);
    assert_non_null(kept_of(s, INCIDENT)); /* it is still there */
    send_many(s, &mine, 5, 5, 100);
    round_after(s, NS_PER_S); /* a part is open */
    char *command = xasprintf("rm -r %s/evidence/%s", s->folder, INCIDENT);
    assert_int_equal(system(command), 0);
    free(command);
    on_say(s, "evidence.remove", INCIDENT, evidence_forgotten);
    round_after(s, NS_PER_S);
    assert_null(kept_of(s, INCIDENT));
    assert_int_equal(keeper_counts_of(s->keeper).bytes, 0);
    assert_true(keeper_is_settled(s->keeper));
    uint64_t failures = keeper_counts_of(s->keeper).failures;
    round_after(s, 60 * NS_PER_S);
    assert_int_equal(keeper_counts_of(s->keeper).failures, failures);
    alert(s, INCIDENT, "update", 60, &mine); /* it goes on: kept anew */
    round_after(s, NS_PER_S);
    assert_int_equal(kept_of(s, INCIDENT)->packets, 10);
}

/* Evidence is turned off: what was kept is closed, goes in its time, and nothing else comes. */
static void test_off_retires_and_follows_nothing(void **state)
{
    struct scene *s = *state;
    struct flow_key mine = key_of("10.0.0.5", 40000, "198.51.100.9");
    open_with_five(s, &mine);
    keeper_seal_all(s->keeper);
    keeper_free(s->keeper);
    s->config.workers = 0;
    begin(s);
    alert(s, INCIDENT, "update", 60, &mine);
    alert(s, OTHER, "open", 60, &mine);
    round_after(s, NS_PER_S);
    round_after(s, NS_PER_S);
    assert_null(kept_of(s, OTHER));
    assert_false(kept_of(s, INCIDENT)->open);
    assert_int_equal(kept_of(s, INCIDENT)->packets, 5);
    assert_int_equal(verify(s, INCIDENT), 0);
    round_after(s, 31 * NS_PER_DAY);
    round_after(s, NS_PER_S);
    assert_null(kept_of(s, INCIDENT));
    assert_int_equal(s->removed, 1);
    assert_false(is_there(s, INCIDENT, ""));
}

/* A keeper that died while it removed an incident: the next goes on with it. */
static void test_a_removal_is_finished(void **state)
{
    struct scene *s = *state;
    keeper_free(s->keeper);
    char *folder = path_in(s, ".going-" INCIDENT, ""),
         *left = path_in(s, ".going-" INCIDENT, "packets-1.pcapng");
    assert_int_equal(mkdir(folder, 0750), 0);
    int fd = open(left, O_WRONLY | O_CREAT, 0640);
    assert_true(fd >= 0);
    close(fd);
    begin(s);
    assert_false(is_there(s, ".going-" INCIDENT, ""));
    assert_int_equal(keeper_counts_of(s->keeper).kept, 0);
    free(folder);
    free(left);
}

/* What the journal has is not said to it again by each keeper that begins. */
static void test_what_was_told_stays_told(void **state)
{
    struct scene *s = *state;
    struct flow_key mine = key_of("10.0.0.5", 40000, "198.51.100.9");
    open_with_five(s, &mine);
    alert(s, INCIDENT, "close", 60, &mine);
    round_after(s, NS_PER_S);
    round_after(s, NS_PER_S);
    keeper_seal_all(s->keeper);
    assert_true(keeper_is_settled(s->keeper));
    unsigned sealed = s->sealed;
    assert_true(sealed > 0);
    keeper_free(s->keeper);
    begin(s);
    round_after(s, 10 * NS_PER_S);
    assert_true(keeper_is_settled(s->keeper));
    assert_int_equal(s->sealed, sealed);
}

static void test_nothing_goes_unsaid(void **state)
{
    struct scene *s = *state;
    struct flow_key mine = key_of("10.0.0.5", 40000, "198.51.100.9");
    alert(s, INCIDENT, "open", 60, &mine);
    send_many(s, &mine, 0, 5, 100);
    s->deaf = true; /* the engine is away */
    round_after(s, NS_PER_S);
    round_after(s, 4 * NS_PER_S);
    assert_false(keeper_is_settled(s->keeper));
    alert(s, INCIDENT, "close", 60, &mine);
    round_after(s, NS_PER_S);
    round_after(s, 40 * NS_PER_DAY);
    round_after(s, NS_PER_S);
    assert_true(is_there(s, INCIDENT, "manifest.json"));
    s->deaf = false;
    round_after(s, 6 * NS_PER_S);
    round_after(s, NS_PER_S);
    assert_int_equal(s->removed, 1);
    assert_false(is_there(s, INCIDENT, "manifest.json"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_ring_too_small_is_said, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_highest_scores_stay, setup, teardown),
        cmocka_unit_test_setup_teardown(test_as_many_as_there_may_be, setup, teardown),
        cmocka_unit_test_setup_teardown(test_only_what_makes_room_goes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_held_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_was_forgotten_is_let_go, setup, teardown),
        cmocka_unit_test_setup_teardown(test_off_retires_and_follows_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_removal_is_finished, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_was_told_stays_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing_goes_unsaid, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
