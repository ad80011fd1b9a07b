/* Silences and marks written down: in an alert's record, in the journal's figures, in the file,
 * whole and damaged. */
#include "noise_case.h"

#include "weir/alert/journal.h"

#include <unistd.h>

/* What an alert's record says of it; nothing else in it changes. */
static void test_in_the_record(void **state)
{
    (void)state;
    struct noise *noise = noise_new();
    struct json *json = json_new();
    struct alert alert = case_alert();
    struct alert_noise found;
    char *plain = alert_line(json, &alert);
    obey(noise, NOISE_ADD, NULL,
         "{\"reason\":\"r\",\"for_s\":60,\"scope\":{\"rule\":"
         "\"volume.destination\"}}");
    obey(noise, NOISE_CLOSE, INCIDENT, "{\"verdict\":\"benign\",\"ticket\":\"T-1\"}");
    obey(noise, NOISE_ACKNOWLEDGE, INCIDENT, "");
    assert_true(noise_of_alert(noise, &alert, &found));
    assert_false(found.quiet); /* closed in the same moment: nobody looks any more */
    noise_mark_of(noise, INCIDENT)->acknowledged.at.ns++;
    assert_true(noise_of_alert(noise, &alert, &found));
    assert_true(found.quiet);
    alert.noise = &found;
    char *line = alert_line(json, &alert);
    size_t same = strlen(plain) - 2; /* "}}" */
    assert_memory_equal(line, plain, same);
    assert_string_equal(line + same,
                        ",\"silenced\":{\"id\":\"sil-1\",\"author\":\"root\",\"reason\":\"r\","
                        "\"until\":\"2026-03-02T02:05:07.201Z\",\"out_bytes\":5000},"
                        "\"acknowledged\":{\"by\":\"root\",\"at\":\"2026-03-02T02:04:07.201Z\","
                        "\"quiet\":true,\"out_bytes\":5000},"
                        "\"judged\":{\"verdict\":\"benign\",\"by\":\"root\","
                        "\"at\":\"2026-03-02T02:04:07.201Z\",\"ticket\":\"T-1\"}}}");
    alert.finding.urgency = URGENCY_NOW;
    noise_of_alert(noise, &alert, &found);
    assert_false(found.quiet);
    free(plain);
    free(line);
    json_free(json);
    noise_free(noise);
}

/* Counted as it is told, or read back from what was told: the same. */
static void test_figures(void **state)
{
    (void)state;
    struct noise *noise = noise_new();
    struct json *json = json_new();
    struct alert alert = case_alert();
    struct alert_noise found;
    obey(noise, NOISE_ADD, NULL,
         "{\"reason\":\"r\",\"for_s\":60,\"scope\":{\"rule\":"
         "\"volume.destination\"}}");
    obey(noise, NOISE_ACKNOWLEDGE, INCIDENT, "");
    struct noise *again = noise_copy(noise);
    for (int i = 0; i < 3; i++) {
        noise_of_alert(noise, &alert, &found);
        alert.noise = &found;
        char *line = alert_line(json, &alert);
        noise_count(noise, &alert, &found);
        noise_again(again, line, strlen(line));
        free(line);
        alert.new_bytes = 70;
    }
    assert_int_equal(noise->silence[0].alerts, 3);
    assert_int_equal(noise->silence[0].out_bytes, 5140);
    assert_int_equal(noise_mark_of(noise, INCIDENT)->quiet_alerts, 3);
    assert_int_equal(noise_mark_of(noise, INCIDENT)->quiet_bytes, 5140);
    noise->silence[0].last.ns = again->silence[0].last.ns; /* the record says milliseconds */
    char *one = noise_text(noise), *two = noise_text(again);
    assert_string_equal(one, two);
    free(one);
    free(two);
    noise_again(again, "{\"weir\":{\"silenced\":{", 22); /* cut: counts nothing */
    assert_int_equal(again->silence[0].alerts, 3);
    json_free(json);
    noise_free(noise);
    noise_free(again);
}

static struct noise *filled(void)
{
    struct noise *noise = noise_new();
    obey(noise, NOISE_ADD, NULL,
         "{\"reason\":\"é \\\"q\\\"\",\"for_s\":60,\"scope\":{\"rule\":\"a\",\"host\":\"10.0.0.5\","
         "\"destination\":\"192.0.2.0/24\",\"service\":\"dns\",\"incident\":\"" INCIDENT
         "\",\"severity_below\":40}}");
    obey(noise, NOISE_ADD, NULL,
         "{\"reason\":\"r\",\"for_s\":60,\"scope\":{\"host\":"
         "\"aa:bb:cc:dd:ee:ff\",\"destination\":\"example.jp\"}}");
    noise->silence[1].alerts = 4;
    noise->silence[1].out_bytes = 12345678901;
    noise->silence[1].last.ns = CASE_TIME;
    noise->counted = 77;
    obey(noise, NOISE_ACKNOWLEDGE, INCIDENT, "{\"note\":\"n\"}");
    obey(noise, NOISE_CLOSE, OTHER, "{\"verdict\":\"malicious\",\"ticket\":\"T\"}");
    return noise;
}

static void test_file(void **state)
{
    (void)state;
    char folder[] = "/tmp/weir-test-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/%s", folder, noise_file);
    struct noise *none = noise_read(path, NULL);
    assert_non_null(none);
    assert_int_equal(none->silence_count, 0);
    noise_free(none);
    struct noise *noise = filled();
    char *before = noise_text(noise);
    assert_int_equal(noise_write(noise, path, NULL), 0);
    struct noise *again = noise_read(path, NULL);
    assert_non_null(again);
    char *after = noise_text(again);
    assert_string_equal(before, after);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0); /* no temporary file is left */
    struct error error = {0};
    assert_int_equal(noise_write(noise, path, &error), -1); /* no such folder */
    assert_int_equal(error.code, ERROR_RUN);
    free(before);
    free(after);
    noise_free(noise);
    noise_free(again);
}

/* Cut at every byte it is damaged, and every byte that is changed leaves damage or a book. */
static void test_damaged_files(void **state)
{
    (void)state;
    struct noise *noise = filled();
    char *text = noise_text(noise);
    size_t size = strlen(text);
    for (size_t cut = 0; cut < size; cut++) {
        struct error error = {0};
        assert_null(noise_parse(text, cut, &error));
        assert_int_equal(error.code, ERROR_INPUT);
    }
    for (size_t at = 0; at < size; at++) {
        char was = text[at];
        text[at] = was == '1' ? '9' : '1';
        noise_free(noise_parse(text, size, NULL));
        text[at] = was;
    }
    static const char *const bad[] = {
        "{}",
        "[]",
        "{\"weir_noise\":2}",
        "{\"weir_noise\":1,\"next\":0}",
        "{\"weir_noise\":1,\"more\":1}",
        "{\"weir_noise\":1,\"counted\":-1}",
        "{\"weir_noise\":1,\"next\":2,\"silences\":[{}]}",
        "{\"weir_noise\":1,\"next\":2,\"silences\":[{\"id\":\"sil-2\",\"author\":\"a\",\"reason\":"
        "\"r\",\"created\":\"2026-03-02T03:00Z\",\"expires\":\"2026-03-02T03:00Z\",\"scope\":"
        "{\"rule\":\"a\"}}]}",
        "{\"weir_noise\":1,\"incidents\":[{\"incident\":\"" INCIDENT "\"},{\"incident\":\"" INCIDENT
        "\"}]}",
        "{\"weir_noise\":1,\"incidents\":[{\"incident\":\"x\"}]}",
        "{\"weir_noise\":1,\"incidents\":[{\"incident\":\"" INCIDENT
        "\",\"closed\":{\"by\":\"a\",\"at\":\"2026-03-02T03:00Z\",\"packet_time\":"
        "\"2026-03-02T03:00Z\"}}]}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct noise *read = noise_parse(bad[i], strlen(bad[i]), NULL);
        if (read)
            fail_msg("%s", bad[i]);
    }
    noise_free(noise_parse("{\"weir_noise\":1}", 16, NULL));
    free(text);
    noise_free(noise);
}

/* Only what the book has not counted yet. */
static void test_catch_up(void **state)
{
    (void)state;
    char folder[] = "/tmp/weir-test-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct noise *noise = noise_new();
    noise_catch_up(noise, folder); /* no journal yet */
    obey(noise, NOISE_ADD, NULL, "{\"reason\":\"r\",\"for_s\":60,\"scope\":{\"rule\":\"a\"}}");
    static const char line[] = "{\"@timestamp\":\"2026-03-02T01:04:07.201Z\",\"weir\":{"
                               "\"silenced\":{\"id\":\"sil-1\",\"out_bytes\":10}}}";
    struct journal *journal = journal_open(folder, NULL, NULL);
    for (int i = 0; i < 5; i++)
        assert_int_not_equal(journal_append(journal, line, sizeof line - 1, NULL), 0);
    assert_int_equal(journal_sync(journal, NULL), 0);
    noise->counted = 2;
    noise_catch_up(noise, folder);
    assert_int_equal(noise->silence[0].alerts, 3);
    assert_int_equal(noise->silence[0].out_bytes, 30);
    assert_int_equal(noise->silence[0].last.ns, CASE_TIME);
    assert_int_equal(noise->counted, 5);
    noise_catch_up(noise, folder);
    assert_int_equal(noise->silence[0].alerts, 3);
    journal_close(journal);
    noise_free(noise);
    char *remove = xasprintf("rm -r %s", folder);
    assert_int_equal(system(remove), 0); /* NOLINT(cert-env33-c): a folder of ours */
    free(remove);
}

static void expect_same(const struct noise *one, const struct noise *other)
{
    char *a = noise_text(one), *b = noise_text(other);
    assert_string_equal(a, b);
    free(a);
    free(b);
}

/* One act of somebody's, chosen by `turn`; some are refused. */
static bool act(struct noise *noise, unsigned turn)
{
    char id[ALERT_ID_SIZE], silence[NOISE_ID];
    snprintf(id, sizeof id, "%032x", turn % 9 == 0 ? turn / 2 : turn);
    snprintf(silence, sizeof silence, "sil-%u", 1 + turn / 11);
    switch (turn % 9) {
    case 0:
        return obey(noise, turn % 2 ? NOISE_REOPEN : NOISE_ACKNOWLEDGE, id, "") == ERROR_NONE;
    case 1:
        return obey(noise, NOISE_ADD, NULL,
                    "{\"reason\":\"r\",\"for_s\":60,\"scope\":{\"rule\":\"a\"}}") == ERROR_NONE;
    case 2:
        return obey(noise, NOISE_REMOVE, silence, "") == ERROR_NONE;
    case 3:
        return obey(noise, NOISE_ACKNOWLEDGE, id, "{\"note\":\"n\"}") == ERROR_NONE;
    default:
        return obey(noise, NOISE_CLOSE, id, "{\"verdict\":\"benign\",\"ticket\":\"T\"}") ==
               ERROR_NONE;
    }
}

/* Whatever people did, beyond the bound of marks too: read back from the audit it is the same book,
 * from whichever record on, and a record that it has changes nothing. */
static void test_orders_again(void **state)
{
    (void)state;
    enum { ACTS = 13000, FILED = 4000 };
    struct noise *noise = noise_new(), *all = noise_new(), *filed = NULL;
    unsigned done = 0;
    for (unsigned turn = 0; turn < ACTS; turn++) {
        if (turn == FILED)
            filed = noise_copy(noise);
        if (!act(noise, turn))
            continue;
        done++;
        for (int twice = 0; twice < 2; twice++)
            noise_again(all, last.audit, strlen(last.audit));
        if (turn >= FILED - 10 && filed) /* its last ones come again */
            noise_again(filed, last.audit, strlen(last.audit));
    }
    assert_true(done > ACTS / 2);
    assert_true(noise->given_way > 0);
    all->given_way = filed->given_way = noise->given_way;
    expect_same(noise, all);
    expect_same(noise, filed);
    noise_free(noise);
    noise_free(all);
    noise_free(filed);
}

/* Every order, refused when its record was written already: read back with the one that takes it
 * back the book is what it was, but that a silence's number is used up. */
static void test_refused_again(void **state)
{
    (void)state;
    static const struct {
        enum noise_verb verb;
        const char *target, *body;
    } row[] = {
        {NOISE_ADD, NULL, "{\"reason\":\"r\",\"for_s\":60,\"scope\":{\"rule\":\"a\"}}"},
        {NOISE_REMOVE, "sil-1", ""},
        {NOISE_ACKNOWLEDGE, "00000000000000000000000000000001", ""}, /* of which nothing is said */
        {NOISE_ACKNOWLEDGE, OTHER, "{\"note\":\"n\"}"},
        {NOISE_CLOSE, INCIDENT, "{\"verdict\":\"benign\"}"},
        {NOISE_REOPEN, INCIDENT, ""},
        {NOISE_REOPEN, OTHER, ""},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct noise *noise = filled(), *taken = noise_copy(noise), *again = noise_copy(noise);
        struct noise_order asked = order(row[i].verb, row[i].target, row[i].body);
        assert_int_equal(obey(taken, row[i].verb, row[i].target, row[i].body), ERROR_NONE);
        noise->next = taken->next;
        char *refused = noise_refused(noise, &asked);
        assert_non_null(strstr(refused, "\"message\":\"Refused"));
        for (int twice = 0; twice < 2; twice++) {
            noise_again(again, last.audit, strlen(last.audit));
            noise_again(again, refused, strlen(refused));
            expect_same(noise, again);
        }
        free(refused);
        noise_free(noise);
        noise_free(taken);
        noise_free(again);
    }
}

/* Of others' audits, and of what is no order any more, nothing. */
static void test_other_audits(void **state)
{
    (void)state;
    static const char *const line[] = {
        "{\"event\":{\"dataset\":\"weir.audit\",\"action\":\"reload.ask\"}}",
        "{\"event\":{\"dataset\":\"weir.audit\",\"action\":\"silence.add\"},\"weir\":{\"audit\":{"
        "\"subject\":\"sil-1\",\"after\":{\"id\":\"sil-1\"}}}}",
        "{\"event\":{\"dataset\":\"weir.audit\",\"action\":\"incident.close\"},\"weir\":{\"audit\":"
        "{"
        "\"subject\":\"x\",\"after\":{\"incident\":\"x\"}}}}",
        "{\"event\":{\"dataset\":\"weir.audit\",\"action\":\"silence.remove\"},\"weir\":{\"audit\":"
        "{"
        "\"subject\":\"sil-9\"}}}",
        "{\"event\":{\"dataset\":\"weir.audit\",",
    };
    struct noise *noise = filled(), *same = noise_copy(noise);
    for (size_t i = 0; i < sizeof line / sizeof *line; i++)
        noise_again(noise, line[i], strlen(line[i]));
    expect_same(noise, same);
    noise_free(noise);
    noise_free(same);
}

/* Whatever a user is called: what is written can be read again. */
static void test_names_of_users(void **state)
{
    (void)state;
    static const char *const peer[] = {
        "", "a\nb", "\xff\xfe\xfd", "\xc3\xa9t\xc3\xa9",
        "a name of a user that is much longer than any should ever be"};
    for (size_t i = 0; i < sizeof peer / sizeof *peer; i++) {
        struct noise *noise = noise_new();
        struct noise_outcome outcome;
        struct noise_order asked = order(NOISE_ACKNOWLEDGE, INCIDENT, "");
        asked.peer = peer[i];
        assert_int_equal(noise_obey(noise, &asked, &outcome, NULL), 0);
        char *text = noise_text(noise);
        struct noise *again = noise_parse(text, strlen(text), NULL);
        assert_non_null(again);
        noise_free(again);
        free(text);
        noise_outcome_fini(&outcome);
        noise_free(noise);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_the_record), cmocka_unit_test(test_figures),
        cmocka_unit_test(test_file),          cmocka_unit_test(test_damaged_files),
        cmocka_unit_test(test_catch_up),      cmocka_unit_test(test_names_of_users),
        cmocka_unit_test(test_orders_again),  cmocka_unit_test(test_other_audits),
        cmocka_unit_test(test_refused_again),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
