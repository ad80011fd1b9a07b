/* A live engine whose store goes, in every way there is, and comes back: it judges on, says that it
 * is stale, keeps what is to be learned, and has learned the same in the end, to the byte, as one
 * that was left alone; no alert is lost or told twice. The server is real; what stands in the way
 * to it is door.h. Skipped (77) where redis-server is not installed. */
#include "rig.h"

#include "../door.h"

#include "../../../sensor/engine/internal.h"

#include "weir/base/digest.h"
#include "weir/base/json.h"
#include "weir/base/log.h"

#include <inttypes.h>
#include <signal.h>

#define STEP_NS (5 * NS_PER_MIN)
#define HOSTS   6
#define STEPS   72 /* six hours */
#define TROUBLE 15 /* the step it begins before … */
#define OVER    41 /* … and ends before */

/* A server that lives answers within PATIENT_NS on the busiest machine, so that only those are
 * given up who are to be; who is asked to say nothing is waited for no longer than BRIEF_NS. */
#define PATIENT_NS (20 * NS_PER_S)
#define BRIEF_NS   (2 * NS_PER_S)

struct play {
    struct rig *rig;
    struct door door;
    char url[128];
    struct store_config reach;
};

/* --- an engine behind a door -------------------------------------------------------------------
 */

static bool hears_nothing(struct rig *rig)
{
    return !engine_store_settled(rig->engine);
}

static void until(struct rig *rig, bool (*goes_on)(struct rig *rig))
{
    struct wtime begin = wtime_now();
    while (goes_on(rig)) {
        if (wtime_now().ns - begin.ns > 60 * NS_PER_S)
            fail_msg("nothing happened for 60 s");
        rig_turn(rig, NS_PER_MS);
    }
}

static void start_engine(struct play *play)
{
    struct rig *rig = play->rig;
    rig_new_engine(rig);
    rig->engine->config.detect.learn_days = 0;
    if (rig->checkpoint)
        assert_int_equal(engine_attach(rig->engine, 0, 0, &rig->ring[0], &rig->error), 0);
    until(rig, hears_nothing);
    engine_begin(rig->engine, NULL);
}

static void open_waiting(struct play *play, bool checkpoint, enum door_mode mode,
                         int64_t timeout_ns)
{
    struct rig *rig = rig_open_live(1, 1000, 0);
    play->rig = rig;
    door_open(&play->door, rig->folder);
    play->door.says = "-LOADING Redis is loading the dataset in memory\r\n";
    play->door.mode = mode;
    snprintf(play->url, sizeof play->url, "unix:%s", play->door.path);
    play->reach = (struct store_config){.url = play->url,
                                        .prefix = "weir-test",
                                        .sensor = "test",
                                        .instance = "here",
                                        .timeout_ns = timeout_ns};
    engine_free(rig->engine);
    rig->reach = &play->reach;
    rig->checkpoint = checkpoint;
    start_engine(play);
}

static void open_play(struct play *play, bool checkpoint, enum door_mode mode)
{
    open_waiting(play, checkpoint, mode, PATIENT_NS);
}

static int64_t wait_for(enum door_mode mode)
{
    return mode == DOOR_SILENT ? BRIEF_NS : PATIENT_NS;
}

static void close_play(struct play *play)
{
    engine_free(play->rig->engine);
    play->rig->engine = NULL;
    door_close(&play->door);
    rig_close(play->rig);
}

static struct engine_store_status status_of(const struct play *play)
{
    return engine_store_of(play->rig->engine);
}

static bool is_here(struct rig *rig)
{
    return engine_store_of(rig->engine).state == ENGINE_STORE_HERE;
}

static bool is_not_here(struct rig *rig)
{
    return !is_here(rig);
}

/* The first loss is often only a connection that ends; the next try says why. */
static const char *awaited;

static bool says_other(struct rig *rig)
{
    return !strstr(engine_store_of(rig->engine).why, awaited);
}

/* Here again, and all hours that came due meanwhile are closed. */
static bool is_behind(struct rig *rig)
{
    return is_not_here(rig) || rig->engine->closing;
}

static bool is_not_read(struct rig *rig)
{
    return engine_store_of(rig->engine).state != ENGINE_STORE_READS;
}

/* --- the traffic -------------------------------------------------------------------------------
 */

static int64_t time_of(int step)
{
    return MONDAY_8 + step * STEP_NS;
}

static int64_t reached_ns;

static bool is_behind_time(struct rig *rig)
{
    return rig->engine->sight.next.ns <= reached_ns && !engine_finished(rig->engine);
}

/* One more host each hour; somebody's addresses leave, a few more with every step. */
static void push_step(struct rig *rig, int step)
{
    union any_record record;
    for (int i = 0; i < HOSTS && i <= step / 12; i++) {
        struct flow_key key = make_flow_key("10.0.0.1", 40000, "198.51.100.1", 443);
        key.orig_ip.byte[15] = (uint8_t)(1 + i);
        key.orig_port = (uint16_t)(40000 + step);
        key.resp_ip.byte[14] = (uint8_t)(100 + (step + i) % 3);
        make_flow(&record, 1, time_of(step) + (2 + i) * NS_PER_S, &key,
                  1000 + (uint64_t)(step * 37 + i * 1000), 500);
        rig_push(rig, 0, &record);
    }
    if (step % 3 == 0) {
        struct flow_key key = make_flow_key("10.0.0.1", 50000, "203.0.113.9", 80);
        key.orig_ip.byte[15] = (uint8_t)(step % 2 ? 1 : 1 + step / 12);
        key.resp_ip.byte[14] = (uint8_t)(100 + step / 6);
        make_items(&record, 1, time_of(step) + 30 * NS_PER_S, &key, SIDE_ORIG, (uint64_t)step * 140,
                   150);
        rig_push(rig, 0, &record);
        make_flow(&record, 1, time_of(step) + 30 * NS_PER_S, &key, 20000, 10);
        rig_push(rig, 0, &record);
    }
    reached_ns = time_of(step + 1) - 6 * NS_PER_S;
    rig_push_watermark(rig, 0, reached_ns + 5 * NS_PER_S);
}

static void play_steps(struct play *play, int from, int until_step)
{
    for (int step = from; step < until_step; step++) {
        push_step(play->rig, step);
        until(play->rig, is_behind_time);
        assert_int_equal(play->rig->error.code, ERROR_NONE);
    }
}

/* Time goes on, no more. */
static void play_quiet(struct play *play)
{
    reached_ns += 30 * NS_PER_S;
    rig_push_watermark(play->rig, 0, reached_ns + 5 * NS_PER_S);
    until(play->rig, is_behind_time);
}

/* --- what came of it ---------------------------------------------------------------------------
 */

static void put_profile(void *context, const struct ip *host, const void *blob, size_t size)
{
    struct play *play = context;
    struct buffer *out = &play->rig->engine->batch; /* any buffer will do: it is idle */
    if (!host)
        play->rig->loop.ops->stop(play->rig->loop.loop);
    else
        buffer_text(out, "host %d: %zu bytes, %" PRIx64 "\n", host->byte[15], size,
                    hash64(blob, size, 0));
}

static void put_fleet(void *context, const void *blob, size_t size)
{
    struct play *play = context;
    buffer_text(&play->rig->engine->batch, "fleet: %zu bytes, %" PRIx64 "\n", size,
                hash64(blob, size, 0));
    play->rig->loop.ops->stop(play->rig->loop.loop);
}

static void put_id(void *context, const char *line, size_t size)
{
    struct buffer *out = context;
    struct json_value *root = json_parse(line, size, NULL);
    const char *id = json_text(json_get(json_get(root, "event"), "id"));
    const char *rule = json_text(json_get(json_get(root, "rule"), "id"));
    buffer_text(out, "alert %s %s\n", id ? id : "?", rule ? rule : "?");
    json_value_free(root);
}

/* What the store has learned, byte for byte, and every alert that was told, by id. */
static char *what_came_of_it(struct play *play, bool fleet)
{
    struct rig *rig = play->rig;
    struct buffer out = {0};
    rig->engine->batch.size = 0;
    store_each_profile(rig->store, put_profile, play);
    rig->loop.ops->run(rig->loop.loop);
    if (fleet) {
        store_load_fleet(rig->store, put_fleet, play);
        rig->loop.ops->run(rig->loop.loop);
    }
    buffer_put(&out, rig->engine->batch.data, rig->engine->batch.size);
    rig->engine->batch.size = 0;
    assert_int_equal(publisher_each_since(rig->publisher, 0, put_id, &out, &rig->error), 0);
    buffer_u8(&out, 0);
    return (char *)out.data;
}

static const char *undisturbed(bool fleet)
{
    static char *kept[2];
    struct play play;
    if (kept[fleet])
        return kept[fleet];
    open_play(&play, false, DOOR_OPEN);
    play_steps(&play, 0, STEPS);
    kept[fleet] = what_came_of_it(&play, fleet);
    close_play(&play);
    return kept[fleet];
}

static void expect_the_same(struct play *play, const char *what, bool fleet)
{
    char *got = what_came_of_it(play, fleet);
    const char *want = undisturbed(fleet);
    size_t at = 0;
    if (strcmp(got, want) != 0) {
        while (got[at] == want[at])
            at++;
        while (at > 0 && got[at - 1] != '\n')
            at--;
        fail_msg("%s:\n got  %.300s\n want %.300s", what, got + at, want + at);
    }
    free(got);
}

static void test_the_undisturbed_one(void **state)
{
    (void)state;
    const char *text = undisturbed(true);
    assert_non_null(strstr(text, "host 1: "));
    assert_non_null(strstr(text, "host 5: "));
    assert_non_null(strstr(text, "fleet: "));
    assert_non_null(strstr(text, "content.personal"));
}

/* --- going and coming --------------------------------------------------------------------------
 */

static const struct trouble {
    const char *name, *why;  /* what status says */
    enum door_mode mode;     /* DOOR_OPEN: the server itself */
    const char *begin, *end; /* to it */
    enum engine_store_state state;
} troubles[] = {
    {"gone", "closed the connection", DOOR_SHUT, NULL, NULL, ENGINE_STORE_AWAY},
    {"silent", "no answer within 2 s", DOOR_SILENT, NULL, NULL, ENGINE_STORE_AWAY},
    {"loading", "still loading", DOOR_SAYS, NULL, NULL, ENGINE_STORE_AWAY},
    {"full", "is full", DOOR_OPEN, "CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0",
     ENGINE_STORE_READS},
    {"a replica", "read-only replica", DOOR_OPEN, "REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE",
     ENGINE_STORE_READS},
    {"a namesake", "another sensor of this name", DOOR_OPEN, "SET weir-test:name:test there",
     "DEL weir-test:name:test", ENGINE_STORE_READS},
};

static void begin_trouble(struct play *play, const struct trouble *trouble)
{
    if (trouble->begin)
        assert_true(door_order(&play->door, trouble->begin));
    play->door.mode = trouble->mode;
}

static void end_trouble(struct play *play, const struct trouble *trouble)
{
    play->door.mode = DOOR_OPEN;
    if (trouble->end)
        assert_true(door_order(&play->door, trouble->end));
    until(play->rig, is_behind);
}

static void expect_trouble(struct play *play, const struct trouble *trouble)
{
    struct engine_store_status status = status_of(play);
    if (status.state != trouble->state || !strstr(status.why, trouble->why))
        fail_msg("%s: state %d, \"%s\"", trouble->name, status.state, status.why);
    assert_in_range(status.since.ns, time_of(TROUBLE - 1), time_of(TROUBLE + 2));
    assert_int_equal(status.absences, 1);
    assert_int_equal(status.hours, 3); /* of 9, 10 and 11 o'clock */
    assert_false(status.behind);
}

/* Judged by what was known, and it says so: after five minutes, until all is learned. */
static void expect_stale(const struct play *play)
{
    unsigned ready = 0, stale = 0;
    for (size_t i = 0; i < play->rig->alerts; i++) {
        const struct alert *alert = &play->rig->alert[i];
        bool away = alert->time.ns > time_of(TROUBLE + 2) && alert->time.ns < time_of(OVER);
        if (*alert->story.sight) /* the sensor's own */
            continue;
        /* Of the others nothing was closed before; whether it was known that they are new depends
         * on what the store still answered. */
        if (away && alert->story.host.byte[15] == 1)
            assert_int_equal(alert->baseline, BASELINE_STALE);
        else if (away)
            assert_int_not_equal(alert->baseline, BASELINE_READY);
        if (alert->time.ns < time_of(TROUBLE) || alert->time.ns > time_of(OVER + 1))
            assert_int_not_equal(alert->baseline, BASELINE_STALE);
        *(away ? &stale : &ready) += 1;
    }
    assert_true(ready > 2);
    assert_true(stale > 2);
}

static void test_every_trouble(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof troubles / sizeof *troubles; i++) {
        struct play play;
        open_waiting(&play, false, DOOR_OPEN, wait_for(troubles[i].mode));
        play_steps(&play, 0, TROUBLE);
        assert_int_equal(status_of(&play).state, ENGINE_STORE_HERE);
        begin_trouble(&play, &troubles[i]);
        play_steps(&play, TROUBLE, TROUBLE + 1);
        until(play.rig, is_here);
        awaited = troubles[i].why;
        until(play.rig, says_other);
        play_steps(&play, TROUBLE + 1, OVER);
        expect_trouble(&play, &troubles[i]);
        end_trouble(&play, &troubles[i]);
        play_steps(&play, OVER, STEPS);
        assert_false(status_of(&play).behind);
        expect_stale(&play);
        expect_the_same(&play, troubles[i].name, true);
        close_play(&play);
    }
}

/* Hosts that were met before are judged by what the store has of them even when it is full. */
static void test_reads_go_on(void **state)
{
    struct play play;
    (void)state;
    open_play(&play, false, DOOR_OPEN);
    play_steps(&play, 0, TROUBLE);
    assert_true(door_order(&play.door, "CONFIG SET maxmemory 1"));
    play_steps(&play, TROUBLE, TROUBLE + 1);
    until(play.rig, is_not_read);
    play_steps(&play, TROUBLE + 1, 26);
    const struct ip third = make_ip("10.0.0.3"); /* met after it was full */
    assert_true(hosts_get(play.rig->engine, &third)->loaded);
    close_play(&play);
}

static void test_not_there_at_the_start(void **state)
{
    (void)state;
    for (enum door_mode mode = DOOR_SHUT; mode <= DOOR_SAYS; mode++) {
        struct play play;
        open_waiting(&play, false, mode, wait_for(mode));
        assert_int_equal(status_of(&play).state, ENGINE_STORE_AWAY);
        play_steps(&play, 0, 20);
        assert_true(play.rig->alerts > 1); /* what needs no history */
        assert_int_equal(status_of(&play).hours, 2);
        play.door.mode = DOOR_OPEN;
        until(play.rig, is_behind);
        play_steps(&play, 20, STEPS);
        expect_the_same(&play, "not there at the start", true);
        close_play(&play);
    }
}

/* A server of another program's, one that is newer, one that makes no sense: it is away, and why.
 */
static void test_what_is_no_store(void **state)
{
    static const char *const says[] = {"HTTP/1.1 400 Bad Request\r\n\r\n", ":7\r\n", "$2\r\n99\r\n",
                                       "-WRONGPASS no\r\n"};
    static const char *const why[] = {"does not speak Redis", "makes no sense", "newer Weir",
                                      "user or password"};
    (void)state;
    for (size_t i = 0; i < sizeof says / sizeof *says; i++) {
        struct play play;
        open_play(&play, false, DOOR_SHUT);
        play.door.says = says[i];
        play.door.mode = DOOR_SAYS;
        play_steps(&play, 0, 3);
        awaited = why[i];
        until(play.rig, says_other);
        assert_int_equal(status_of(&play).state, ENGINE_STORE_AWAY);
        close_play(&play);
    }
}

/* That is no trouble: it is waited for, and what is judged is the same. */
static void test_slow(void **state)
{
    struct play play;
    (void)state;
    open_play(&play, false, DOOR_OPEN);
    play.door.mode = DOOR_SLOW;
    play_steps(&play, 0, STEPS);
    assert_int_equal(status_of(&play).absences, 0);
    expect_the_same(&play, "slow", true);
    close_play(&play);
}

static bool does_not_fill(struct rig *rig)
{
    return !memory_link_fills(rig->engine);
}

/* While what is open is put into a store that came back, nothing of it is taken away. */
static void test_forgetting_waits_for_the_filling(void **state)
{
    struct play play;
    const struct ip first = make_ip("10.0.0.1"), second = make_ip("10.0.0.2");
    (void)state;
    open_play(&play, false, DOOR_OPEN);
    struct engine *engine = play.rig->engine;
    play_steps(&play, 0, TROUBLE);
    play.door.mode = DOOR_SHUT;
    play_steps(&play, TROUBLE, TROUBLE + 1);
    until(play.rig, is_here);
    assert_int_equal(engine_memory_changed(engine, &second, true), ENGINE_CHANGED);
    play.door.mode = DOOR_OPEN;
    until(play.rig, does_not_fill);
    assert_int_equal(engine_memory_changed(engine, &first, true), ENGINE_CHANGE_LATER);
    until(play.rig, is_behind);
    assert_int_equal(engine_memory_changed(engine, &first, true), ENGINE_CHANGED);
    close_play(&play);
}

/* It waits with a finding, and its profile is let go. */
static void hold_without_profile(struct engine *engine, struct host *host)
{
    host->claims = host->claims ? host->claims : xcalloc(1, sizeof *host->claims);
    host->claims->of[0].held_ns = engine->counts.last.ns;
    claims_restore(engine, host);
    cache_drop(engine, host);
    assert_true(host->held && !host->loaded);
}

static bool loads_are_under_way(struct rig *rig)
{
    return rig->engine->loads.under_way > 0;
}

static bool has_not_loaded(struct rig *rig)
{
    const struct ip first = make_ip("10.0.0.1");
    return !hosts_get(rig->engine, &first)->loaded;
}

/* What is judged again when the store comes is asked of the new connection: it is not among what
 * the old one still owed, and others are asked for behind it. */
static void test_loads_go_on_behind_a_held_host(void **state)
{
    struct play play;
    const struct ip first = make_ip("10.0.0.1");
    (void)state;
    open_play(&play, false, DOOR_OPEN);
    struct engine *engine = play.rig->engine;
    play_steps(&play, 0, TROUBLE);
    play.door.mode = DOOR_SHUT;
    play_steps(&play, TROUBLE, TROUBLE + 1);
    until(play.rig, is_here);
    hold_without_profile(engine, hosts_get(engine, &first));
    play.door.mode = DOOR_OPEN;
    until(play.rig, is_behind);
    until(play.rig, loads_are_under_way);
    for (int n = 1; n < 4; n++) {
        uint64_t loaded = engine_counts_of(engine)->profiles_loaded;
        hosts_changed(engine, &first);
        play_steps(&play, TROUBLE + n, TROUBLE + 1 + n);
        until(play.rig, has_not_loaded);
        assert_int_equal(engine_counts_of(engine)->profiles_loaded, loaded + 1);
        assert_int_equal(engine->loads.under_way, 0);
    }
    close_play(&play);
}

/* It is not asked without end. */
static void test_back_off(void **state)
{
    struct play play;
    struct wtime began = wtime_now();
    (void)state;
    open_play(&play, false, DOOR_SHUT);
    RIG_UNTIL(play.rig, play.door.came >= 4); /* at once; 0.2, 0.4, 0.8 s later */
    assert_true(wtime_now().ns - began.ns > 1300 * NS_PER_MS);
    close_play(&play);
}

/* The connection is cut behind any number of the server's bytes, among them every one of its
 * answers to an hour's close. */
static void test_cut_anywhere(void **state)
{
    (void)state;
    for (int64_t cut = 0; cut < 24000; cut += 1201) {
        struct play play;
        char what[64];
        open_play(&play, false, DOOR_OPEN);
        play.door.cut_after = cut;
        play_steps(&play, 0, STEPS);
        until(play.rig, is_behind);
        play_quiet(&play);
        assert_false(status_of(&play).behind);
        assert_int_equal(status_of(&play).hours, 1);
        snprintf(what, sizeof what, "cut behind %" PRId64 " bytes", cut);
        expect_the_same(&play, what, true);
        close_play(&play);
    }
}

/* --- the spool ---------------------------------------------------------------------------------
 */

static void push_hours(struct play *play, int from, int hours, int hosts)
{
    for (int hour = from; hour < from + hours; hour++) {
        for (int i = 0; i < hosts; i++) {
            struct flow_key key = make_flow_key("10.0.0.1", 40000, "198.51.100.1", 443);
            key.orig_ip.byte[15] = (uint8_t)(1 + i);
            rig_push_flow(play->rig, MONDAY_8 + hour * NS_PER_HOUR + (1 + i) * NS_PER_MIN, &key,
                          1000, 10);
        }
        reached_ns = MONDAY_8 + (hour + 1) * NS_PER_HOUR - 6 * NS_PER_S;
        rig_push_watermark(play->rig, 0, reached_ns + 5 * NS_PER_S);
        until(play->rig, is_behind_time);
    }
}

static void test_the_spool_is_bounded(void **state)
{
    struct play play;
    (void)state;
    open_play(&play, false, DOOR_SHUT);
    push_hours(&play, 0, 60, 3);
    const struct engine_counts *counts = engine_counts_of(play.rig->engine);
    const unsigned kept = SPOOL_HOURS + 1; /* and the present one */
    assert_int_equal(status_of(&play).hours, kept);
    assert_int_equal(status_of(&play).host_hours, 3 * kept);
    assert_int_equal(counts->hours_unlearned, 60 - kept);
    assert_int_equal(counts->host_hours_unlearned, 3 * (60 - kept));
    assert_int_equal(counts->unlearned_bytes, 3000 * (60 - kept));
    play.door.mode = DOOR_OPEN;
    until(play.rig, is_behind);
    push_hours(&play, 60, 1, 3);
    assert_int_equal(counts->hours_closed, kept);
    assert_false(status_of(&play).behind);
    assert_int_equal(counts->hours_unlearned, 60 - kept);
    close_play(&play);
}

/* The day so far is judged by all hours that are open. */
static void test_the_day_so_far(void **state)
{
    struct play play;
    (void)state;
    open_play(&play, false, DOOR_OPEN);
    push_hours(&play, 0, 2, 1);
    play.door.mode = DOOR_SHUT;
    push_hours(&play, 2, 4, 1);
    const struct ip ip = make_ip("10.0.0.1");
    const struct host *host = hosts_get(play.rig->engine, &ip);
    struct civil civil =
        calendar_at(play.rig->calendar, (struct ptime){MONDAY_8 + 5 * NS_PER_HOUR});
    assert_int_equal(host->profile->today_bytes, 1000); /* 9 o'clock was not closed by then */
    assert_int_equal(
        account_open(play.rig->engine, host, civil.hour - civil.hour_of_day, civil.hour, NULL)
            .value,
        5000);
    close_play(&play);
}

/* --- restarts ----------------------------------------------------------------------------------
 */

static void restart(struct play *play)
{
    struct rig *rig = play->rig;
    engine_free(rig->engine);
    rig_close_journal(rig);
    rig->engine = NULL;
    rig_open_journal(rig);
    start_engine(play);
}

/* Killed before and while the store is away, while it comes and behind: the same in the end. */
static void test_killed_meanwhile(void **state)
{
    static const int kills[] = {7, 14, 16, 25, 40, 42, 50};
    (void)state;
    for (size_t i = 0; i < sizeof kills / sizeof *kills; i++) {
        struct play play;
        char what[64];
        open_play(&play, true, DOOR_OPEN);
        for (int step = 0; step < STEPS; step++) {
            if (step == TROUBLE)
                play.door.mode = DOOR_SHUT;
            if (step == OVER) {
                play.door.mode = DOOR_OPEN;
                until(play.rig, is_behind);
            }
            if (step == kills[i]) {
                push_step(play.rig, step);
                rig_turn(play.rig, 2 * NS_PER_MS);
                restart(&play);
                until(play.rig, is_behind_time);
                bool away = step >= TROUBLE && step < OVER;
                assert_int_equal(status_of(&play).state,
                                 away ? ENGINE_STORE_AWAY : ENGINE_STORE_HERE);
                continue;
            }
            play_steps(&play, step, step + 1);
        }
        snprintf(what, sizeof what, "killed at step %d", kills[i]);
        expect_the_same(&play, what, true);
        close_play(&play);
    }
}

/* Stopped while the store is away, started again with it: the spool was kept. */
static void test_the_spool_outlives_a_restart(void **state)
{
    struct play play;
    (void)state;
    open_play(&play, true, DOOR_OPEN);
    play_steps(&play, 0, TROUBLE);
    play.door.mode = DOOR_SHUT;
    play_steps(&play, TROUBLE, OVER);
    play.door.mode = DOOR_OPEN;
    restart(&play);
    until(play.rig, is_behind);
    play_steps(&play, OVER, STEPS);
    expect_the_same(&play, "started again", true);
    close_play(&play);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_undisturbed_one),
        cmocka_unit_test(test_every_trouble),
        cmocka_unit_test(test_reads_go_on),
        cmocka_unit_test(test_not_there_at_the_start),
        cmocka_unit_test(test_what_is_no_store),
        cmocka_unit_test(test_slow),
        cmocka_unit_test(test_forgetting_waits_for_the_filling),
        cmocka_unit_test(test_loads_go_on_behind_a_held_host),
        cmocka_unit_test(test_back_off),
        cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_the_spool_is_bounded),
        cmocka_unit_test(test_the_day_so_far),
        cmocka_unit_test(test_killed_meanwhile),
        cmocka_unit_test(test_the_spool_outlives_a_restart),
    };
    if (system("command -v redis-server >/dev/null") != 0) {
        puts("skipped: redis-server is not installed");
        return 77;
    }
    log_set_level(LOG_ERROR_);
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
