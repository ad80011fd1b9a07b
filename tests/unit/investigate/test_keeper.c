/* The keeper: what alerts name is kept, once, whoever died; nothing else is; what was sealed
 * verifies against the head that the journal has. */
#include "keeper_stage.h"

/* --- what is kept ------------------------------------------------------------------------------
 */

static void test_an_incident(void **state)
{
    struct scene *s = *state;
    struct flow_key mine = key_of("10.0.0.5", 40000, "198.51.100.9"), later = mine,
                    other = key_of("10.0.0.6", 40000, "198.51.100.9"),
                    back = flow_key_turned(&mine);
    later.orig_port = 40001;
    send_many(s, &other, 0, 5, 100);
    send_many(s, &mine, 10, 5, 100);
    send_many(s, &back, 20, 5, 60);
    round_after(s, NS_PER_S);
    assert_int_equal(keeper_counts_of(s->keeper).kept, 0);
    alert(s, INCIDENT, "open", 60, &mine);
    round_after(s, NS_PER_S); /* what was held */
    send_many(s, &mine, 30, 3, 100);
    send_many(s, &other, 40, 3, 100);
    send_many(s, &later, 50, 2, 100); /* another flow of the pair */
    round_after(s, NS_PER_S);
    assert_int_equal(kept_of(s, INCIDENT)->packets, 15);
    alert(s, INCIDENT, "close", 60, &mine);
    round_after(s, NS_PER_S);
    round_after(s, NS_PER_S);        /* the receipt */
    send_many(s, &mine, 60, 3, 100); /* it is over */
    round_after(s, NS_PER_S);
    const struct kept *kept = kept_of(s, INCIDENT);
    assert_int_equal(kept->packets, 15);
    assert_false(kept->open);
    assert_int_equal(kept->flows, 2);
    assert_true(keeper_is_settled(s->keeper));
    assert_int_equal(packets_in_files(s, INCIDENT), 15);
    assert_int_equal(verify(s, INCIDENT), 0);
    assert_false(is_there(s, OTHER, "manifest.json"));
}

static void test_what_was_changed_is_found(void **state)
{
    struct scene *s = *state;
    struct flow_key mine = key_of("10.0.0.5", 40000, "198.51.100.9");
    send_many(s, &mine, 0, 5, 100);
    alert(s, INCIDENT, "open", 60, &mine);
    round_after(s, NS_PER_S);
    round_after(s, 5 * NS_PER_S);
    round_after(s, NS_PER_S);
    assert_int_equal(verify(s, INCIDENT), 0);
    char *manifest = path_in(s, INCIDENT, "manifest.json"),
         *signature = path_in(s, INCIDENT, "manifest.sig"),
         *first = path_in(s, INCIDENT, "packets-1.pcapng");
    size_t size, sig_size;
    char *old = evidence_text(manifest, &size), *old_sig = evidence_text(signature, &sig_size);
    send_many(s, &mine, 10, 5, 100);
    round_after(s, NS_PER_S);
    round_after(s, 60 * NS_PER_S);
    round_after(s, NS_PER_S);
    assert_int_equal(kept_of(s, INCIDENT)->files, 2);
    assert_int_equal(verify(s, INCIDENT), 0);
    /* a bit of a file */
    int fd = open(first, O_RDWR);
    char byte;
    assert_int_equal(pread(fd, &byte, 1, 90), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, 90), 1);
    assert_true(verify(s, INCIDENT) > 0);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, 90), 1);
    close(fd);
    assert_int_equal(verify(s, INCIDENT), 0);
    /* the tail is cut: what was sealed before is put back, whole and signed */
    char *second = path_in(s, INCIDENT, "packets-2.pcapng");
    assert_int_equal(unlink(second), 0);
    assert_true(verify(s, INCIDENT) > 0);
    char *folder = path_in(s, INCIDENT, "");
    assert_int_equal(evidence_write_whole(folder, "manifest.json", old, size, &s->error), 0);
    assert_int_equal(evidence_write_whole(folder, "manifest.sig", old_sig, sig_size, &s->error), 0);
    assert_int_equal(verify(s, INCIDENT), 1); /* by its head alone */
    free(folder);
    free(second);
    free(first);
    free(signature);
    free(manifest);
    free(old);
    free(old_sig);
}

static void test_a_dead_keeper_loses_and_doubles_nothing(void **state)
{
    struct scene *s = *state;
    struct flow_key mine = key_of("10.0.0.5", 40000, "198.51.100.9");
    uint32_t sent = 0;
    send_many(s, &mine, sent, 3, 100);
    sent += 3;
    alert(s, INCIDENT, "open", 60, &mine);
    for (int death = 0; death < 6; death++) {
        round_after(s, death % 2 ? 3 * NS_PER_S : NS_PER_MS); /* saved, or not */
        send_many(s, &mine, sent, 4, 100);
        sent += 4;
        round_after(s, NS_PER_MS);
        keeper_free(s->keeper); /* without a word */
        begin(s);
    }
    round_after(s, NS_PER_S);
    keeper_seal_all(s->keeper);
    round_after(s, NS_PER_S);
    const struct kept *kept = kept_of(s, INCIDENT);
    assert_int_equal(kept->packets, sent);
    assert_int_equal(packets_in_files(s, INCIDENT), sent);
    assert_int_equal(verify(s, INCIDENT), 0);
}

/* More than a file takes comes in one scan, and the keeper dies right behind it: what was sealed is
 * not taken again. */
static void test_a_scan_of_more_than_a_file(void **state)
{
    struct scene *s = *state;
    struct flow_key mine = key_of("10.0.0.5", 40000, "198.51.100.9");
    enum { PACKETS = 1150, KEPT = 60000 }; /* 69 MB */
    char *path = keeper_held_path(s->folder, 0);
    keeper_free(s->keeper);
    evidence_ring_close(s->writer);
    close(s->fd);
    s->fd = evidence_ring_create(path, (uint64_t)SEGMENT * (PACKETS + 8), &s->error);
    s->writer = evidence_ring_open(s->fd, SEGMENT, (struct ptime){START}, &s->error);
    assert_non_null(s->writer);
    free(path);
    s->config.incident_bytes = s->config.kept_bytes = (uint64_t)256 << 20;
    begin(s);
    send_many(s, &mine, 0, PACKETS, KEPT);
    alert(s, INCIDENT, "open", 60, &mine);
    round_after(s, NS_PER_S); /* within what is saved anyway */
    assert_int_equal(kept_of(s, INCIDENT)->packets, PACKETS);
    assert_int_equal(kept_of(s, INCIDENT)->files, 1);
    keeper_free(s->keeper); /* dead: nothing is saved by it */
    begin(s);
    round_after(s, NS_PER_S);
    assert_int_equal(kept_of(s, INCIDENT)->packets, PACKETS);
    assert_int_equal(kept_of(s, INCIDENT)->missed, 0);
    alert(s, INCIDENT, "close", 60, &mine);
    round_after(s, NS_PER_S);
    round_after(s, NS_PER_S);
    assert_int_equal(packets_in_files(s, INCIDENT), PACKETS);
    assert_int_equal(verify(s, INCIDENT), 0);
}

/* While incident.json cannot be written nothing is sealed: a keeper that dies then leaves no file
 * that a manifest names and its successor does not know. */
static void test_nothing_is_sealed_that_is_not_known(void **state)
{
    struct scene *s = *state;
    struct flow_key mine = key_of("10.0.0.5", 40000, "198.51.100.9");
    open_with_five(s, &mine);
    round_after(s, 5 * NS_PER_S);
    round_after(s, NS_PER_S);
    assert_int_equal(verify(s, INCIDENT), 0);
    char *aside = path_in(s, INCIDENT, "incident.json.part");
    assert_int_equal(mkdir(aside, 0700), 0);
    uint64_t failures = keeper_counts_of(s->keeper).failures;
    send_many(s, &mine, 5, 5, 100);
    round_after(s, NS_PER_S);
    round_after(s, 60 * NS_PER_S);
    round_after(s, NS_PER_S);
    assert_true(keeper_counts_of(s->keeper).failures > failures);
    assert_true(is_there(s, INCIDENT, "packets-2.pcapng"));
    char *manifest = path_in(s, INCIDENT, "manifest.json");
    size_t size;
    char *text = evidence_text(manifest, &size);
    assert_non_null(strstr(text, "packets-1.pcapng"));
    assert_null(strstr(text, "packets-2.pcapng"));
    free(text);
    free(manifest);
    keeper_free(s->keeper);
    assert_int_equal(rmdir(aside), 0);
    begin(s);
    round_after(s, NS_PER_S);
    assert_int_equal(verify(s, INCIDENT), 0);
    assert_int_equal(kept_of(s, INCIDENT)->packets, 10);
    keeper_seal_all(s->keeper);
    round_after(s, NS_PER_S);
    assert_int_equal(verify(s, INCIDENT), 0);
    assert_int_equal(packets_in_files(s, INCIDENT), 10);
    /* … and once it can be written again, the same keeper seals what waited */
    assert_int_equal(mkdir(aside, 0700), 0);
    send_many(s, &mine, 10, 5, 100);
    keeper_seal_all(s->keeper);
    assert_int_equal(rmdir(aside), 0);
    round_after(s, 60 * NS_PER_S);
    round_after(s, NS_PER_S);
    assert_int_equal(verify(s, INCIDENT), 0);
    assert_int_equal(packets_in_files(s, INCIDENT), 15);
    free(aside);
}

/* An alert that no keeper heard names another pair of an incident that is known: all of it that is
 * held is taken, once. */
static void test_a_pair_that_was_named_meanwhile(void **state)
{
    struct scene *s = *state;
    struct flow_key mine = key_of("10.0.0.5", 40000, "198.51.100.9"),
                    more = key_of("10.0.0.5", 40001, "198.51.100.8");
    send_many(s, &mine, 0, 3, 100);
    send_many(s, &more, 3, 4, 100);
    alert(s, INCIDENT, "open", 60, &mine);
    round_after(s, NS_PER_S);
    assert_int_equal(kept_of(s, INCIDENT)->packets, 3);
    keeper_seal_all(s->keeper);
    keeper_free(s->keeper);
    send_many(s, &more, 7, 2, 100);
    send_many(s, &mine, 9, 2, 100);
    alert(s, INCIDENT, "update", 60, &more);
    begin(s);
    assert_int_equal(kept_of(s, INCIDENT)->packets, 11);
    send_many(s, &more, 11, 1, 100);
    round_after(s, NS_PER_S);
    assert_int_equal(kept_of(s, INCIDENT)->packets, 12);
    keeper_seal_all(s->keeper);
    assert_int_equal(packets_in_files(s, INCIDENT), 12);
}

/* A ring that was made after the incident began does not have its first packets. */
static void test_a_young_ring_is_said(void **state)
{
    struct scene *s = *state;
    struct flow_key mine = key_of("10.0.0.5", 40000, "198.51.100.9");
    evidence_ring_close(s->writer);
    assert_int_equal(ftruncate(s->fd, 0), 0);
    assert_int_equal(ftruncate(s->fd, (off_t)SEGMENT * SEGMENTS), 0);
    s->writer = evidence_ring_open(s->fd, SEGMENT, (struct ptime){START + 1}, &s->error);
    send_many(s, &mine, 1, 5, 100);
    alert(s, INCIDENT, "open", 60, &mine);
    round_after(s, NS_PER_S);
    assert_int_equal(kept_of(s, INCIDENT)->packets, 5);
    assert_int_equal(kept_of(s, INCIDENT)->held_from.ns, START + 1);
    assert_true(kept_of(s, INCIDENT)->held_from.ns > kept_of(s, INCIDENT)->first.ns);
}

/* An incident that was closed because nothing came, and goes on: what came meanwhile is still held.
 */
static void test_one_that_reopens(void **state)
{
    struct scene *s = *state;
    struct flow_key mine = key_of("10.0.0.5", 40000, "198.51.100.9"),
                    other = key_of("10.0.0.6", 40000, "198.51.100.8");
    open_with_five(s, &mine);
    round_after(s, 2 * NS_PER_DAY);
    assert_false(kept_of(s, INCIDENT)->open);
    send_many(s, &mine, 5, 5, 100);
    round_after(s, NS_PER_S);
    assert_int_equal(kept_of(s, INCIDENT)->packets, 5);
    alert(s, INCIDENT, "update", 60, &mine);
    round_after(s, NS_PER_S);
    assert_int_equal(kept_of(s, INCIDENT)->packets, 10);
    send_many(s, &mine, 10, 5, 100);
    round_after(s, NS_PER_S);
    assert_int_equal(kept_of(s, INCIDENT)->packets, 15);
    assert_int_equal(kept_of(s, INCIDENT)->missed, 0);
    /* … and again, when they are not */
    round_after(s, 2 * NS_PER_DAY);
    send_many(s, &mine, 15, 5, 100);
    send_many(s, &other, 20, 2000, 1000);
    round_after(s, NS_PER_S);
    alert(s, INCIDENT, "update", 60, &mine);
    round_after(s, NS_PER_S);
    assert_int_equal(kept_of(s, INCIDENT)->packets, 15);
    assert_true(kept_of(s, INCIDENT)->missed > 1000);
    keeper_seal_all(s->keeper);
    assert_int_equal(packets_in_files(s, INCIDENT), 15);
}

static void test_nonsense_in_the_journal(void **state)
{
    struct scene *s = *state;
    static const char *const line[] = {
        "",
        "{}",
        "[1]",
        "{\"event\":{\"kind\":\"alert\"},\"weir\":{\"incident\":\"../../"
        "x\"},\"related\":{\"ip\":[]}}",
        "{\"event\":{\"kind\":\"alert\"},\"weir\":{\"incident\":7,\"flows\":[3]},\"related\":1}",
        "{\"event\":{\"kind\":\"alert\"},\"weir\":{\"incident\":\"ab\",\"state\":\"open\","
        "\"flows\":{},"
        "\"score\":\"x\"},\"related\":{\"ip\":[1,\"no\",\"10.0.0.1\"]}}"};
    for (size_t i = 0; i < sizeof line / sizeof *line; i++)
        keeper_journal_line(s->keeper, line[i], strlen(line[i]));
    assert_int_equal(keeper_counts_of(s->keeper).kept, 1);
    round_after(s, NS_PER_S);
    static const char *const file[] = {"", "{}", "{\"version\":1}",
                                       "{\"version\":1,\"id\":\"../x\"}",
                                       "{\"version\":1,\"id\":\"a\",\"files\":7,\"pairs\":[1,2],"
                                       "\"next\":[-1,\"x\"],\"flows\":[{}]}"};
    for (size_t i = 0; i < sizeof file / sizeof *file; i++) {
        struct kept *kept = kept_load(file[i], strlen(file[i]));
        assert_int_equal(kept != NULL, i == 4);
        if (kept)
            kept_free(kept);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_an_incident, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_was_changed_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_dead_keeper_loses_and_doubles_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_scan_of_more_than_a_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing_is_sealed_that_is_not_known, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_pair_that_was_named_meanwhile, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_young_ring_is_said, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_that_reopens, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nonsense_in_the_journal, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
