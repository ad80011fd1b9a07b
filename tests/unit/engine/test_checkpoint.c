/* An engine that dies at any time and comes back goes on as if nothing had been: the same totals,
 * profiles, incidents and alerts, none lost, none twice. A day's morning of traffic of two workers
 * (hours that close, names, counted content, a worker that is replaced) is played to an engine that
 * is left alone and to engines that are not. Skipped (77) where redis-server is not installed. */
#include "state_text.h"

#include "../../../sensor/engine/snapshot.h"

#include "weir/base/device.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define STEPS   70
#define STEP_NS (3 * NS_PER_MIN)

/* --- the supervisor's part -------------------------------------------------------------------- */

struct owned_ring {
    uint32_t worker, incarnation;
    struct ring_handles handles;
    bool lost;
};

struct play {
    struct rig *rig;
    struct owned_ring ring[8];
    size_t rings;
};

static void attach_all(struct play *play)
{
    struct rig *rig = play->rig;
    for (size_t i = 0; i < play->rings; i++) {
        struct owned_ring *ring = &play->ring[i];
        if (engine_attach(rig->engine, ring->worker, ring->incarnation, &ring->handles,
                          &rig->error) != 0)
            fail_msg("%s", rig->error.message);
    }
    for (size_t i = 0; i < play->rings; i++)
        if (play->ring[i].lost)
            engine_lost(rig->engine, play->ring[i].worker, play->ring[i].incarnation,
                        "died (signal 9)", false);
}

static void own_ring(struct play *play, uint32_t worker)
{
    struct rig *rig = play->rig;
    play->ring[play->rings++] =
        (struct owned_ring){worker, rig->incarnation[worker], rig->ring[worker], false};
}

static void start(struct play *play)
{
    rig_new_engine(play->rig);
    attach_all(play);
    engine_begin(play->rig->engine, NULL);
}

static void kill_it(struct play *play)
{
    struct rig *rig = play->rig;
    engine_free(rig->engine);
    rig_close_journal(rig);
    store_free(rig->store);
    rig->engine = NULL;
    rig->bus = NULL;
    rig->store = NULL;
    rig->ready = false;
}

static void start_again(struct play *play)
{
    rig_open_store(play->rig);
    rig_open_journal(play->rig);
    start(play);
}

/* They match, hold back and are excepted; the engine's ends are none of theirs. */
static const struct rules *the_rules(void)
{
    static const char text[] =
        "- {rule: any, name: Any upload, severity: 40, condition: out_bytes > 100,\n"
        "   rate_limit: 2 per hour}\n"
        "- {rule: counted, name: Addresses, severity: 60, condition: emails > 0,\n"
        "   exceptions: [{name: e, when: hour < 9, reason: early, expires: never}]}\n";
    static struct rules *rules;
    struct rules_file file = {"rules", text, sizeof text - 1};
    if (!rules)
        rules = rules_load(&file, 1, NULL, NULL, NULL);
    return rules;
}

static void open_play(struct play *play)
{
    struct rig *rig = rig_open_live(2, 1000, 5 * NS_PER_MIN);
    *play = (struct play){.rig = rig};
    engine_free(rig->engine);
    rig->checkpoint = rig->by_device = true;
    rig->rules = the_rules();
    own_ring(play, 0);
    own_ring(play, 1);
    start(play);
}

static void close_play(struct play *play)
{
    for (size_t i = 0; i < play->rings; i++) {
        struct owned_ring *ring = &play->ring[i];
        if (ring->handles.producer_fd != play->rig->ring[ring->worker].producer_fd)
            ring_destroy(&ring->handles);
    }
    rig_close(play->rig);
}

static void new_ring(struct play *play, uint32_t worker)
{
    struct rig *rig = play->rig;
    for (size_t i = 0; i < play->rings; i++)
        if (play->ring[i].worker == worker)
            play->ring[i].lost = true;
    ring_producer_free(rig->producer[worker]);
    assert_int_equal(ring_create(&rig->ring[worker], 4u << 20, &rig->error), 0);
    rig->producer[worker] = ring_producer_open(&rig->ring[worker], &rig->error);
    rig->number[worker] = 0;
    rig->incarnation[worker]++;
    own_ring(play, worker);
}

/* The successor is there before its predecessor's loss is told: nobody runs ahead of it. */
static void replace(struct play *play, uint32_t worker)
{
    struct rig *rig = play->rig;
    new_ring(play, worker);
    if (engine_attach(rig->engine, worker, rig->incarnation[worker], &rig->ring[worker],
                      &rig->error) != 0)
        fail_msg("%s", rig->error.message);
    engine_lost(rig->engine, worker, rig->incarnation[worker] - 1, "died (signal 9)", false);
}

/* --- the traffic ------------------------------------------------------------------------------ */

static void push_names(struct rig *rig, int64_t now, int step)
{
    union any_record record;
    char name[64];
    struct ip address = make_ip("198.51.100.1");
    address.byte[15] = (uint8_t)(1 + step % 5);
    snprintf(name, sizeof name, "www.example%d.jp", step % 5);
    make_question(&record, 1, now, name);
    rig_push(rig, 0, &record);
    make_answer(&record, 1, now + 1, name, &address, 1);
    rig_push(rig, 0, &record);
}

/* Addresses that devices hold, move on from and quarrel about. */
static void push_bindings(struct rig *rig, int64_t now, int step)
{
    union any_record record;
    uint8_t mac[MAC_SIZE] = {2, 0, 0, 0, 0, (uint8_t)(1 + step / 15)};
    struct ip address = make_ip("10.0.0.1");
    address.byte[15] = (uint8_t)(1 + step % 3);
    make_binding(&record, 1, now + 1, address, device_of_mac(mac),
                 step % 5 ? BINDING_ARP : BINDING_DHCP4, step % 5 ? 0 : 3600);
    rig_push(rig, (uint32_t)step % 2, &record);
}

static void push_flows(struct rig *rig, int64_t now, int step)
{
    union any_record record;
    for (int i = 0; i < 6; i++) {
        struct flow_key key = make_flow_key("10.0.0.1", 40000, "198.51.100.1", 443);
        char name[64];
        key.orig_ip.byte[15] = (uint8_t)(1 + i + (step > 40 ? 3 : 0));
        key.orig_port = (uint16_t)(40000 + step);
        key.resp_ip.byte[15] = (uint8_t)(1 + (step + i) % 5);
        snprintf(name, sizeof name, "www.example%d.jp", (step + i) % 5);
        make_flow(&record, 1, now + (2 + i) * NS_PER_S, &key, 1000 + (uint64_t)(step * 37 + i),
                  500);
        give_server_name(&record, name);
        if (i == 2) /* goes on; its end is never told by this incarnation */
            record.flow.end = FLOW_OPEN;
        rig_push(rig, (uint32_t)i % 2, &record);
    }
}

/* Somebody's addresses leave, a few more with every step. */
static void push_content(struct rig *rig, int64_t now, int step)
{
    union any_record record;
    struct flow_key key = make_flow_key("10.0.0.1", 50000, "203.0.113.9", 80);
    key.orig_ip.byte[15] = (uint8_t)(1 + step / 20);
    make_items(&record, 1, now + 30 * NS_PER_S, &key, SIDE_ORIG, (uint64_t)step * 40, 45);
    rig_push(rig, 0, &record);
    make_flow(&record, 1, now + 30 * NS_PER_S, &key, 20000, 10);
    rig_push(rig, 0, &record);
}

static void push_health(struct rig *rig, int64_t now, int step)
{
    union any_record record;
    memset(&record, 0, sizeof record);
    record.health.total.packets = 1000 * (uint64_t)(step + 1);
    record.health.total.kernel_drops = step > 30 ? 500 * (uint64_t)(step - 30) : 0;
    finish_record(&record, RECORD_HEALTH, 1, now + 40 * NS_PER_S, sizeof record.health, 0);
    rig_push(rig, 0, &record);
}

static void push_traffic(struct play *play, int step)
{
    struct rig *rig = play->rig;
    int64_t now = MONDAY_8 + step * STEP_NS;
    push_names(rig, now, step);
    push_bindings(rig, now, step);
    push_flows(rig, now, step);
    if (step % 3 == 0)
        push_content(rig, now, step);
    push_health(rig, now, step);
    rig_push_watermark(rig, 0, now + STEP_NS - NS_PER_S);
    rig_push_watermark(rig, 1, now + (step % 4 ? STEP_NS - NS_PER_S : NS_PER_MIN));
}

static void push_step(struct play *play, int step)
{
    if (step == 25)
        replace(play, 1);
    push_traffic(play, step);
}

static void play_to_the_end(struct play *play)
{
    rig_push_watermark(play->rig, 0, INT64_MAX);
    rig_push_watermark(play->rig, 1, INT64_MAX);
    rig_run(play->rig);
    if (play->rig->error.code != ERROR_NONE)
        fail_msg("%s", play->rig->error.message);
}

/* --- comparing ---------------------------------------------------------------------------------
 */

static char *undisturbed(void)
{
    static char *kept;
    struct play play;
    if (kept)
        return kept;
    open_play(&play);
    for (int step = 0; step < STEPS; step++) {
        push_step(&play, step);
        rig_turn(play.rig, 5 * NS_PER_MS);
    }
    play_to_the_end(&play);
    kept = what_came_of_it(play.rig);
    close_play(&play);
    return kept;
}

/* The first line that differs says more than both texts. */
static void expect_text(const char *got, const char *what)
{
    const char *want = undisturbed();
    size_t at = 0;
    if (strcmp(got, want) == 0)
        return;
    while (got[at] == want[at])
        at++;
    while (at > 0 && got[at - 1] != '\n')
        at--;
    fail_msg("%s:\n got  %.400s\n want %.400s", what, got + at, want + at);
}

static void expect_the_same(struct play *play, const char *what)
{
    char *got = what_came_of_it(play->rig);
    expect_text(got, what);
    free(got);
}

/* --- tests ------------------------------------------------------------------------------------ */

static void test_the_undisturbed_one_has_something_to_say(void **state)
{
    (void)state;
    const char *text = undisturbed();
    assert_non_null(strstr(text, "content.personal"));
    assert_non_null(strstr(text, "sensor.blind"));
    assert_non_null(strstr(text, "example3.jp"));
    assert_non_null(strstr(text, "\"host\":{\"id\":\"02:00:00:00:00:"));
    unsigned alerts = 0;
    for (const char *at = text; (at = strstr(at, "\"event\"")) != NULL; at++)
        alerts++;
    assert_true(alerts >= 5);
}

/* Killed behind each step, sooner or later in what it makes of it. */
static void test_killed_anywhere(void **state)
{
    (void)state;
    for (int cut = 0; cut < STEPS; cut += 3) {
        struct play play;
        char what[64];
        snprintf(what, sizeof what, "killed behind step %d", cut);
        open_play(&play);
        for (int step = 0; step < STEPS; step++) {
            push_step(&play, step);
            rig_turn(play.rig, step == cut ? (cut % 7) * 200 * NS_PER_US + 1 : NS_PER_MS);
            if (step != cut)
                continue;
            kill_it(&play);
            start_again(&play);
        }
        play_to_the_end(&play);
        expect_the_same(&play, what);
        close_play(&play);
    }
}

/* Again and again, also while it replays. */
static void test_killed_all_the_time(void **state)
{
    struct play play;
    (void)state;
    open_play(&play);
    for (int step = 0; step < STEPS; step++) {
        push_step(&play, step);
        rig_turn(play.rig, (step * 7919) % 11 * 300 * NS_PER_US + 1);
        kill_it(&play);
        if (play.rig->error.code != ERROR_NONE)
            fail_msg("%s", play.rig->error.message);
        start_again(&play);
        if (play.rig->engine->checkpoint) /* not the log's fault */
            log_set_attempts(&play.rig->engine->checkpoint->log, 0);
    }
    play_to_the_end(&play);
    expect_the_same(&play, "killed all the time");
    close_play(&play);
}

/* A planned stop, and rings that were filled in the meantime. */
static void test_stopped_in_good_order(void **state)
{
    struct play play;
    (void)state;
    open_play(&play);
    for (int step = 0; step < STEPS; step++) {
        push_step(&play, step);
        if (step == 30) {
            rig_settle(play.rig);
            assert_int_equal(engine_checkpoint(play.rig->engine, &play.rig->error), 0);
            rig_turn(play.rig, 20 * NS_PER_MS);
            assert_true(engine_status_of(play.rig->engine).log_bytes < 100);
            kill_it(&play);
        }
        if (step == 40)
            start_again(&play);
        if (play.rig->engine)
            rig_turn(play.rig, NS_PER_MS);
    }
    play_to_the_end(&play);
    expect_the_same(&play, "stopped in good order");
    close_play(&play);
}

/* --- killed for good -------------------------------------------------------------------------- */

/* The engine in a process of its own, on the same rings. */
static pid_t start_process(struct play *play)
{
    struct rig *rig = play->rig;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    rig->loop = event_loop_new(&rig->error);
    rig->ready = false;
    start_again(play);
    rig_run(rig);
    if (rig->error.code != ERROR_NONE) {
        fprintf(stderr, "%s\n", rig->error.message);
        _exit(1);
    }
    char *text = what_came_of_it(rig), *path = xasprintf("%s/result", rig->folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    bool good = fd >= 0 && write(fd, text, strlen(text) + 1) == (ssize_t)strlen(text) + 1;
    _exit(good ? 0 : 1);
}

static void forgive(struct rig *rig) /* it was not the log */
{
    char *path = xasprintf("%s/checkpoint.log", rig->folder);
    struct entry_log log = {.fd = open(path, O_RDWR)};
    struct stat st; /* it may have died while it began the log anew */
    if (log.fd >= 0 && fstat(log.fd, &st) == 0 && st.st_size >= (off_t)LOG_FIRST)
        log_set_attempts(&log, 0);
    log_close(&log);
    free(path);
}

static void kill_process(struct play *play, pid_t pid)
{
    int status;
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status)); /* else it ended by itself, badly */
    forgive(play->rig);
}

static void expect_result(struct play *play)
{
    struct buffer got = {0};
    char *path = xasprintf("%s/result", play->rig->folder);
    assert_int_equal(log_read(path, &got), LOG_OK);
    assert_true(got.size > 0);
    expect_text((const char *)got.data, "killed for good");
    buffer_fini(&got);
    free(path);
}

static void test_sigkill(void **state)
{
    struct play play;
    const char *text = getenv("WEIR_TEST_SEED");
    unsigned seed = text ? (unsigned)atoi(text) : 1;
    int status;
    (void)state;
    undisturbed();
    open_play(&play);
    kill_it(&play);
    pid_t pid = start_process(&play);
    for (int step = 0; step < STEPS; step++) {
        bool now = step % 4 == 0 || step == 25;
        if (now)
            kill_process(&play, pid);
        if (step == 25)
            new_ring(&play, 1);
        if (now)
            pid = start_process(&play);
        push_traffic(&play, step);
        usleep((unsigned)rand_r(&seed) % 60000);
    }
    rig_push_watermark(play.rig, 0, INT64_MAX);
    rig_push_watermark(play.rig, 1, INT64_MAX);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    expect_result(&play);
    close_play(&play);
}

/* --- what cannot be used ---------------------------------------------------------------------- */

/* Plays half of it, then changes a byte of a file (from its end when `at` is negative). */
static void play_half_and_spoil(struct play *play, const char *name, long at)
{
    open_play(play);
    for (int step = 0; step < STEPS / 2; step++)
        push_step(play, step);
    rig_settle(play->rig);
    kill_it(play);
    char *path = xasprintf("%s/%s", play->rig->folder, name);
    FILE *file = fopen(path, "r+e");
    assert_non_null(file);
    fseek(file, at, at < 0 ? SEEK_END : SEEK_SET);
    int byte = fgetc(file);
    fseek(file, at, at < 0 ? SEEK_END : SEEK_SET);
    fputc(byte ^ 3, file);
    fclose(file);
    free(path);
}

static void expect_set_aside(struct play *play, const char *suffix)
{
    struct stat st;
    char *path = xasprintf("%s/checkpoint.snapshot.%s", play->rig->folder, suffix);
    assert_int_equal(stat(path, &st), 0);
    free(path);
    for (int step = STEPS / 2; step < STEPS; step++)
        push_step(play, step);
    play_to_the_end(play);
    assert_true(engine_counts_of(play->rig->engine)->records[RECORD_FLOW] > 100);
    close_play(play);
}

static void test_a_damaged_snapshot_is_set_aside(void **state)
{
    static const long at[] = {0, 9, 40, 60, 500, -1, -5000};
    (void)state;
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        struct play play;
        play_half_and_spoil(&play, "checkpoint.snapshot", at[i]);
        start_again(&play);
        expect_set_aside(&play, "damaged");
    }
}

static void test_a_log_damaged_in_its_middle_is_set_aside(void **state)
{
    struct play play;
    (void)state;
    play_half_and_spoil(&play, "checkpoint.log", LOG_FIRST + 100);
    start_again(&play);
    expect_set_aside(&play, "damaged");
}

/* Three starts that die of it; the fourth does without. */
static void test_poison(void **state)
{
    struct play play;
    (void)state;
    open_play(&play);
    for (int step = 0; step < STEPS / 2; step++)
        push_step(&play, step);
    rig_settle(play.rig);
    for (int i = 0; i < 3; i++) {
        kill_it(&play);
        rig_open_store(play.rig);
        rig_open_journal(play.rig);
        rig_new_engine(play.rig); /* dies before it has said anything */
        assert_true(engine_replaying(play.rig->engine));
    }
    kill_it(&play);
    start_again(&play);
    assert_false(engine_replaying(play.rig->engine));
    expect_set_aside(&play, "poison");
}

/* The store was away, again and again: that is no fault of the log's. */
static void test_ends_of_its_own_are_no_poison(void **state)
{
    struct play play;
    struct error away = {ERROR_RUN, "the store is away"};
    (void)state;
    open_play(&play);
    for (int step = 0; step < STEPS / 2; step++)
        push_step(&play, step);
    rig_settle(play.rig);
    for (int i = 0; i < 4; i++) {
        kill_it(&play);
        rig_open_store(play.rig);
        rig_open_journal(play.rig);
        rig_new_engine(play.rig);
        assert_true(engine_replaying(play.rig->engine));
        engine_fail(play.rig->engine, &away);
        rig_turn(play.rig, NS_PER_MS); /* the observer stops the loop */
    }
    play.rig->error.code = ERROR_NONE;
    kill_it(&play);
    close_play(&play);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_undisturbed_one_has_something_to_say),
        cmocka_unit_test(test_killed_anywhere),
        cmocka_unit_test(test_killed_all_the_time),
        cmocka_unit_test(test_stopped_in_good_order),
        cmocka_unit_test(test_sigkill),
        cmocka_unit_test(test_a_damaged_snapshot_is_set_aside),
        cmocka_unit_test(test_a_log_damaged_in_its_middle_is_set_aside),
        cmocka_unit_test(test_poison),
        cmocka_unit_test(test_ends_of_its_own_are_no_poison),
    };
    if (system("command -v redis-server >/dev/null") != 0) {
        puts("skipped: redis-server is not installed");
        return 77;
    }
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
