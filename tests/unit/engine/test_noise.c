/* Silences at work in an engine: an order is in effect with the next alert, is in the file before,
 * and in the journal as what somebody did; an engine that is killed and plays its log again counts
 * what the journal has, once; a damaged file is set aside and nothing is silenced. Skipped (77)
 * where redis-server is not installed. */
#include "rig.h"

#include "weir/engine/noise.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../../sensor/engine/internal.h"

static bool sync_fails;

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): libc's is a reserved name */
int fdatasync(int fd)
{
    if (sync_fails) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

#define SECOND(n) (MONDAY_8 + (n)*NS_PER_S)

static const struct rules *the_rules(void)
{
    static const char text[] =
        "- {rule: any, name: Any upload, severity: 60, condition: out_bytes > 100}\n";
    static struct rules *rules;
    struct rules_file file = {"rules", text, sizeof text - 1};
    if (!rules)
        rules = rules_load(&file, 1, NULL, NULL, NULL);
    return rules;
}

static void start(struct rig *rig)
{
    rig_new_engine(rig);
    assert_int_equal(engine_attach(rig->engine, 0, 0, &rig->ring[0], &rig->error), 0);
    engine_begin(rig->engine, NULL);
}

static int set_up(void **state)
{
    struct rig *rig = rig_open_live(1, 1000, 0);
    engine_free(rig->engine);
    rig->checkpoint = true;
    rig->rules = the_rules();
    start(rig);
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    rig_close(*state);
    return 0;
}

static void die(struct rig *rig)
{
    engine_free(rig->engine);
    rig_close_journal(rig);
    store_free(rig->store);
    rig->engine = NULL;
    rig->ready = false;
}

static void come_back(struct rig *rig)
{
    rig_open_store(rig);
    rig_open_journal(rig);
    start(rig);
    rig_rest(rig);
}

/* One alert: of a host of its own. */
static void push(struct rig *rig, int second, uint64_t bytes)
{
    char host[24];
    snprintf(host, sizeof host, "10.0.0.%d", 1 + second);
    struct flow_key key = make_flow_key(host, 40000, "198.51.100.7", 443);
    rig_push_flow(rig, SECOND(second), &key, bytes, 10);
    rig_push_watermark(rig, 0, SECOND(second) + NS_PER_MS);
    rig_rest(rig);
}

static enum error_code say_only(struct rig *rig, enum noise_verb verb, const char *target,
                                const char *body)
{
    struct error error = {0};
    struct noise_outcome outcome;
    struct noise_order order = {.verb = verb,
                                .target = target,
                                .body = body,
                                .body_size = strlen(body),
                                .peer = "alice",
                                .uid = 1000,
                                .at = {SECOND(0)}};
    if (engine_noise_order(rig->engine, &order, &outcome, &error) == 0)
        noise_outcome_fini(&outcome);
    return error.code;
}

static enum error_code say(struct rig *rig, enum noise_verb verb, const char *target,
                           const char *body)
{
    enum error_code code = say_only(rig, verb, target, body);
    rig_rest(rig); /* its record is synced before the loop sleeps */
    return code;
}

static const struct noise_silence *the_silence(const struct rig *rig)
{
    return noise_get(engine_noise(rig->engine), "sil-1");
}

/* How many lines of the journal hold `text`. */
static size_t journal_has(const struct rig *rig, const char *text)
{
    struct journal_reader *reader = journal_reader_open(rig->folder, 0, NULL);
    const char *line;
    size_t size, count = 0;
    uint64_t sequence;
    while (journal_reader_next(reader, UINT64_MAX, &line, &size, &sequence, NULL) > 0)
        count += memmem(line, size, text, strlen(text)) != NULL;
    journal_reader_close(reader);
    return count;
}

static const char all[] = "{\"reason\":\"r\",\"for_s\":3600,\"scope\":{\"rule\":\"any\"}}";

/* As of an export: it was counted by a journal that went further than the one that is here. */
static void count_elsewhere(const struct rig *rig)
{
    char text[8192], *path = xasprintf("%s/noise.json", rig->folder);
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    char *at = strstr(text, "\"counted\":");
    assert_non_null(at);
    at += strlen("\"counted\":");
    rewind(file);
    fprintf(file, "%.*s9000%s", (int)(at - text), text, at + strspn(at, " 0123456789"));
    fclose(file);
    free(path);
}

static long counted_in_file(const struct rig *rig)
{
    char text[8192], *path = xasprintf("%s/noise.json", rig->folder);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    free(path);
    const char *at = strstr(text, "\"counted\":");
    assert_non_null(at);
    return strtol(at + strlen("\"counted\":"), NULL, 10);
}

static void test_a_book_of_another_journal(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(say(rig, NOISE_ADD, NULL, all), ERROR_NONE);
    die(rig);
    count_elsewhere(rig);
    come_back(rig);
    assert_int_equal(counted_in_file(rig), 1); /* before this one has come as far */
    push(rig, 1, 5000);
    assert_int_equal(the_silence(rig)->alerts, 1);
    die(rig); /* before the book is written again */
    come_back(rig);
    assert_int_equal(the_silence(rig)->alerts, 1);
}

/* The way back of docs/operation.md: the book alone is taken along, and all else begins anew. */
static void test_a_book_taken_along(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(say(rig, NOISE_ADD, NULL, all), ERROR_NONE);
    die(rig);
    count_elsewhere(rig);
    char *command = xasprintf("rm -r '%s'/journal '%s'/checkpoint*", rig->folder, rig->folder);
    assert_int_equal(system(command), 0); // NOLINT(cert-env33-c)
    free(command);
    come_back(rig);
    assert_int_equal(counted_in_file(rig), 0);
    push(rig, 1, 5000);
    assert_int_equal(the_silence(rig)->alerts, 1);
    die(rig);
    come_back(rig);
    assert_int_equal(the_silence(rig)->alerts, 1);
}

static void test_an_order(void **state)
{
    struct rig *rig = *state;
    push(rig, 1, 1000);
    assert_int_equal(say(rig, NOISE_ADD, NULL, all), ERROR_NONE);
    push(rig, 2, 2000);
    push(rig, 3, 3000);
    assert_int_equal(the_silence(rig)->alerts, 2);
    assert_int_equal(the_silence(rig)->out_bytes, 5000);
    assert_int_equal(engine_counts_of(rig->engine)->alerts, 3);
    assert_int_equal(engine_counts_of(rig->engine)->alerts_silenced, 2);
    assert_int_equal(engine_counts_of(rig->engine)->silenced_bytes, 5000);
    assert_int_equal(say(rig, NOISE_REMOVE, "sil-1", ""), ERROR_NONE);
    push(rig, 4, 4000);
    assert_int_equal(journal_has(rig, "\"kind\":\"alert\""), 4);
    assert_int_equal(journal_has(rig, "\"silenced\":{\"id\":\"sil-1\",\"author\":\"alice\""), 2);
    assert_int_equal(journal_has(rig, "\"action\":\"silence.add\""), 1);
    assert_int_equal(journal_has(rig, "\"action\":\"silence.remove\""), 1);
}

/* Its end is the packets', not the clock's. */
static void test_the_end(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(
        say(rig, NOISE_ADD, NULL, "{\"reason\":\"r\",\"for_s\":3,\"scope\":{\"rule\":\"any\"}}"),
        ERROR_NONE);
    push(rig, 2, 2000);
    push(rig, 3, 3000);
    assert_int_equal(the_silence(rig)->alerts, 1);
}

/* What was told before the silence began is told to its end; what began under it is not. */
static void test_close(void **state)
{
    struct rig *rig = *state;
    push(rig, 1, 1000);
    assert_int_equal(say(rig, NOISE_ADD, NULL,
                         "{\"reason\":\"r\",\"for_s\":1728000,\"scope\":{\"rule\":\"any\"}}"),
                     ERROR_NONE);
    push(rig, 2, 2000);
    rig_push_watermark(rig, 0, SECOND(8 * 86400)); /* a story is over after 7 days */
    rig_rest(rig);
    assert_int_equal(journal_has(rig, "\"state\":\"close\""), 2);
    assert_int_equal(journal_has(rig, "\"silenced\":{"), 2); /* open and close of the second */
}

/* A host's story goes on, at `second`. */
static void go_on(struct rig *rig, const char *host, int second)
{
    struct flow_key key = make_flow_key(host, (uint16_t)(40000 + second), "198.51.100.7", 443);
    rig_push_flow(rig, SECOND(second), &key, 1000, 10);
    rig_push_watermark(rig, 0, SECOND(second) + NS_PER_MS);
    rig_rest(rig);
}

/* A story that goes on after its silence is told, once, though it did not grow; an engine that
 * plays its log again with what was said since says nothing of it twice. */
static void test_uncovered(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(
        say(rig, NOISE_ADD, NULL, "{\"reason\":\"r\",\"for_s\":5,\"scope\":{\"rule\":\"any\"}}"),
        ERROR_NONE);
    for (int second = 1; second < 5; second++)
        go_on(rig, "10.0.0.99", second);
    assert_int_equal(journal_has(rig, "\"kind\":\"alert\""), 1);
    assert_int_equal(journal_has(rig, "\"silenced\":{"), 1);
    go_on(rig, "10.0.0.99", 5);
    go_on(rig, "10.0.0.99", 6);
    assert_int_equal(journal_has(rig, "\"kind\":\"alert\""), 2);
    assert_int_equal(journal_has(rig, "\"silenced\":{"), 1);
    assert_int_equal(say(rig, NOISE_ADD, NULL, all), ERROR_NONE);
    die(rig);
    come_back(rig);
    go_on(rig, "10.0.0.99", 7);
    assert_int_equal(journal_has(rig, "\"kind\":\"alert\""), 2);
    go_on(rig, "10.0.0.98", 8);
    assert_int_equal(journal_has(rig, "\"silenced\":{"), 2);
    assert_int_equal(say(rig, NOISE_REMOVE, "sil-2", ""), ERROR_NONE);
    die(rig);
    come_back(rig);
    go_on(rig, "10.0.0.98", 9); /* held back before */
    assert_int_equal(journal_has(rig, "\"kind\":\"alert\""), 4);
    assert_int_equal(journal_has(rig, "\"silenced\":{"), 2);
}

/* Killed before and behind a snapshot: what the journal has is counted once. */
static void test_killed(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(say(rig, NOISE_ADD, NULL, all), ERROR_NONE);
    push(rig, 1, 1000);
    die(rig);
    come_back(rig);
    assert_int_equal(the_silence(rig)->alerts, 1);
    assert_int_equal(the_silence(rig)->out_bytes, 1000);
    push(rig, 2, 2000);
    assert_int_equal(engine_checkpoint(rig->engine, NULL), 0);
    push(rig, 3, 3000);
    die(rig);
    come_back(rig);
    assert_int_equal(the_silence(rig)->alerts, 3);
    assert_int_equal(the_silence(rig)->out_bytes, 6000);
    assert_int_equal(journal_has(rig, "\"kind\":\"alert\""), 3);
    assert_int_equal(journal_has(rig, "\"silenced\":{"), 3);
    assert_int_equal(engine_counts_of(rig->engine)->alerts_silenced, 3);
}

/* Of an incident that the engine knows the record says whose; the verdict outlives the engine. */
static void test_incident(void **state)
{
    struct rig *rig = *state;
    size_t count;
    char id[ALERT_ID_SIZE];
    push(rig, 1, 1000);
    const struct incident **incident = incidents_sorted(engine_incidents(rig->engine), &count);
    assert_int_equal(count, 1);
    memcpy(id, incident[0]->id, sizeof id);
    assert_ptr_equal(incidents_get(engine_incidents(rig->engine), id), incident[0]);
    free(incident);
    assert_int_equal(say(rig, NOISE_CLOSE, id, "{\"verdict\":\"benign\"}"), ERROR_NONE);
    assert_int_equal(journal_has(rig, "(10.0.0.2 → 198.51.100.0/24)"), 1);
    die(rig);
    come_back(rig);
    const struct noise_mark *mark = noise_mark_of(engine_noise(rig->engine), id);
    assert_non_null(mark);
    assert_int_equal(mark->verdict, VERDICT_BENIGN);
    assert_int_equal(mark->closed.packet.ns, SECOND(1) + NS_PER_MS);
    assert_int_equal(say(rig, NOISE_REOPEN, id, ""), ERROR_NONE);
    assert_int_equal(say(rig, NOISE_REOPEN, id, ""), ERROR_INPUT);
}

static void test_what_cannot_be_written(void **state)
{
    struct rig *rig = *state;
    char *path = xasprintf("%s/noise.json.new", rig->folder);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(say(rig, NOISE_ADD, NULL, all), ERROR_RUN);
    assert_int_equal(engine_noise(rig->engine)->silence_count, 0);
    assert_int_equal(journal_has(rig, "silence.add"), 1); /* the record goes before the change */
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(say(rig, NOISE_ADD, NULL, all), ERROR_NONE);
    free(path);
}

/* The publisher holds the record of a silence that was refused: it never takes the next one's
 * number, and is not in effect at the next start. */
static void test_disk_fails(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(say(rig, NOISE_ADD, NULL, all), ERROR_NONE);
    sync_fails = true;
    assert_int_equal(say_only(rig, NOISE_ADD, NULL,
                              "{\"reason\":\"refused\",\"for_s\":60,\"scope\":{\"rule\":\"any\"}}"),
                     ERROR_RUN);
    sync_fails = false;
    assert_int_equal(engine_noise(rig->engine)->silence_count, 1);
    assert_int_equal(say(rig, NOISE_ADD, NULL,
                         "{\"reason\":\"accepted\",\"for_s\":60,\"scope\":{\"rule\":\"any\"}}"),
                     ERROR_NONE);
    die(rig);
    come_back(rig);
    assert_int_equal(journal_has(rig, "\"reason\":\"refused\""), 1);
    assert_int_equal(engine_noise(rig->engine)->silence_count, 2);
    assert_null(noise_get(engine_noise(rig->engine), "sil-2"));
    assert_string_equal(noise_get(engine_noise(rig->engine), "sil-3")->reason, "accepted");
}

/* Likewise a removal, and what is said of an incident: as they were, here and at the next start. */
static void test_disk_fails_again(void **state)
{
    struct rig *rig = *state;
    static const char id[] = "0123456789abcdef0123456789abcdef";
    assert_int_equal(say(rig, NOISE_ADD, NULL, all), ERROR_NONE);
    sync_fails = true;
    assert_int_equal(say_only(rig, NOISE_REMOVE, "sil-1", ""), ERROR_RUN);
    assert_int_equal(say_only(rig, NOISE_ACKNOWLEDGE, id, ""), ERROR_RUN);
    sync_fails = false;
    for (int restarts = 0; restarts < 2; restarts++) {
        assert_string_equal(the_silence(rig)->reason, "r");
        assert_null(noise_mark_of(engine_noise(rig->engine), id));
        die(rig);
        come_back(rig);
    }
    assert_int_equal(journal_has(rig, "\"action\":\"silence.remove\""), 1);
    assert_int_equal(journal_has(rig, "\"action\":\"silence.keep\""), 1);
    assert_int_equal(journal_has(rig, "\"action\":\"incident.keep\""), 1);
}

static void test_damaged(void **state)
{
    struct rig *rig = *state;
    char *path = xasprintf("%s/noise.json", rig->folder), *aside = xasprintf("%s.damaged", path);
    assert_int_equal(say(rig, NOISE_ADD, NULL, all), ERROR_NONE);
    die(rig);
    assert_int_equal(truncate(path, 30), 0);
    come_back(rig);
    assert_int_equal(access(aside, F_OK), 0);
    assert_int_equal(engine_noise(rig->engine)->silence_count, 0);
    push(rig, 1, 1000);
    assert_int_equal(journal_has(rig, "\"silenced\":{"), 0);
    free(path);
    free(aside);
}

/* The file is written once and then by snapshots: an order costs its line in the journal, however
 * much was said before; killed behind it, all of it holds. */
static void test_many(void **state)
{
    struct rig *rig = *state;
    enum { ORDERS = 50 };
    static const char zeros[] = "%032x";
    char id[ALERT_ID_SIZE], *path = xasprintf("%s/noise.json", rig->folder), note[400];
    struct stat before, after;
    struct noise *book = noise_new();
    memset(note, 'n', sizeof note - 1);
    note[sizeof note - 1] = '\0';
    char *body = xasprintf("{\"note\":\"%s\"}", note);
    for (unsigned i = 0; i < NOISE_MARKS; i++) {
        struct noise_outcome outcome;
        snprintf(id, sizeof id, zeros, i);
        struct noise_order order = {.verb = NOISE_ACKNOWLEDGE,
                                    .target = id,
                                    .body = body,
                                    .body_size = strlen(body),
                                    .peer = "alice",
                                    .at = {SECOND(0)},
                                    .packet = {SECOND(0)},
                                    .sensor = "s"};
        assert_int_equal(noise_obey(book, &order, &outcome, NULL), 0);
        noise_outcome_fini(&outcome);
    }
    die(rig);
    assert_int_equal(noise_write(book, path, NULL), 0);
    noise_free(book);
    come_back(rig);
    assert_int_equal(stat(path, &before), 0);
    struct wtime began = wtime_now();
    for (unsigned i = 0; i < ORDERS; i++) {
        snprintf(id, sizeof id, zeros, i);
        assert_int_equal(say_only(rig, NOISE_CLOSE, id, "{\"verdict\":\"benign\"}"), ERROR_NONE);
    }
    print_message("%d orders of %u marks, %lld bytes: %.1f ms each\n", ORDERS, NOISE_MARKS,
                  (long long)before.st_size, (double)(wtime_now().ns - began.ns) / 1e6 / ORDERS);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    die(rig);
    come_back(rig);
    for (unsigned i = 0; i <= ORDERS; i++) {
        snprintf(id, sizeof id, zeros, i);
        assert_int_equal(noise_mark_of(engine_noise(rig->engine), id)->verdict,
                         i < ORDERS ? VERDICT_BENIGN : VERDICT_NONE);
    }
    free(body);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_book_of_another_journal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_book_taken_along, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_close, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_killed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_incident, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_disk_fails, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_disk_fails_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_uncovered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_damaged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many, set_up, tear_down),
    };
    if (system("command -v redis-server >/dev/null") != 0) {
        puts("skipped: redis-server is not installed");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
