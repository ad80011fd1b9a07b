/* What is left of a host's days without one, and of the peers without a host, held against what the
 * other days and hosts make by themselves. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "../../../sensor/baseline/fleet_local.h"
#include "../../../sensor/baseline/size.h"
#include "make.h"
#include "weir/baseline/evidence.h"
#include "weir/baseline/hindsight.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOSTS     6
#define DAYS      12
#define NOBODY    HOSTS
#define EVERY_DAY DAYS
#define PRIVATE   3

static uint64_t random_state;

static uint32_t draw(uint32_t below)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(random_state >> 33) % below;
}

static void add_pair(struct host_total *total, enum pair_role role, const char *name,
                     uint64_t bytes)
{
    struct destination destination = make_destination(role, DESTINATION_DOMAIN, name);
    totals_add(total, &destination, exactly(bytes), 3 * bytes, 1);
}

/* The same whatever is left out: each host and hour draws anew. */
static struct host_total *make_total(unsigned host, int day, int hour)
{
    struct ip ip = make_host(host + 1);
    struct host_total *total = host_total_new(&ip, make_civil(MONDAY + day, hour).hour);
    char name[64];
    random_state = (uint64_t)host * 100000 + (uint64_t)day * 100 + (uint64_t)hour;
    for (int warm = 0; warm < 5; warm++)
        draw(2);
    add_pair(total, ROLE_CLIENT, "everybody.example", 1000 + draw(400000));
    for (int n = 0; n < PRIVATE; n++) {
        snprintf(name, sizeof name, "h%u-%d.example", host, (day / 2) * PRIVATE + n);
        if (draw(2))
            add_pair(total, ROLE_CLIENT, name, 5000 + draw(900000));
    }
    snprintf(name, sizeof name, "client%u.example", draw(9));
    if (host == 0)
        add_pair(total, ROLE_SERVED, name, 2000 + draw(90000));
    total->inside_bytes = host == 1 ? draw(5000000) : 0;
    return total;
}

struct made {
    struct ledger *ledger;
    struct calendar *calendar;
    struct hindsight *hindsight;
    struct fleet *fleet;
};

static void make_empty(struct made *made)
{
    static int number;
    struct error error = {0};
    struct calendar_config config = {
        .timezone = "UTC", .work_start = 8, .work_end = 18, .work_days = 31};
    char path[128];
    snprintf(path, sizeof path, "ledger-%d-%d", (int)getpid(), number++);
    made->calendar = calendar_new(&config, &error);
    made->ledger = ledger_new(path, &error);
    assert_non_null(made->ledger);
}

static void make_hindsight(struct made *made)
{
    struct error error = {0};
    assert_int_equal(ledger_finish(made->ledger, &error), 0);
    made->hindsight = hindsight_new(made->ledger, made->calendar, UINT64_MAX);
    made->fleet = hindsight_take_fleet(made->hindsight);
}

static void make(struct made *made, unsigned no_host, int no_day)
{
    make_empty(made);
    for (int day = 0; day < DAYS; day++)
        for (int hour = 8; hour < 12; hour++)
            for (unsigned host = 0; host < HOSTS; host++) {
                if (host == no_host && (no_day == EVERY_DAY || day == no_day))
                    continue;
                struct host_total *total = make_total(host, day, hour);
                ledger_add(made->ledger, total);
                host_total_free(total);
            }
    make_hindsight(made);
}

static void fini(struct made *made)
{
    hindsight_free(made->hindsight);
    fleet_free(made->fleet);
    ledger_free(made->ledger);
    calendar_free(made->calendar);
}

static const struct profile *turn(const struct made *made, unsigned host, int day)
{
    struct ip ip = make_host(host + 1);
    struct civil civil = make_civil(MONDAY + day, 10);
    hindsight_turn(made->hindsight, &ip);
    return hindsight_profile(made->hindsight, &ip, &civil);
}

/* --- comparing -------------------------------------------------------------------------------- */

static void assert_same_sizes(const struct histogram *a, const struct histogram *b)
{
    struct buffer x = {0}, y = {0};
    histogram_pack(a, &x);
    histogram_pack(b, &y);
    assert_int_equal(x.size, y.size);
    assert_memory_equal(x.data, y.data, x.size);
    buffer_fini(&x);
    buffer_fini(&y);
}

static void assert_same_place(const struct location *a, const struct location *b)
{
    assert_int_equal(a->count, b->count);
    assert_true(!(a->mean < b->mean) && !(a->mean > b->mean));
}

static void assert_same_pair(const struct pair *a, const struct pair *b)
{
    if (!b) { /* it was there on the day that is left out, and on no other */
        assert_int_equal(a->contacts, 0);
        assert_int_equal(a->hour.count + a->day.count, 0);
        return;
    }
    assert_int_equal(a->contacts, b->contacts);
    assert_same_sizes(&a->hour, &b->hour);
    assert_same_sizes(&a->day, &b->day);
    assert_same_place(&a->hour_location, &b->hour_location);
    assert_same_place(&a->day_location, &b->day_location);
}

/* `b` has seen the day, though nothing happened on it. */
static void assert_same_profile(const struct profile *a, const struct profile *b, int day)
{
    assert_same_sizes(&a->hour, &b->hour);
    assert_same_sizes(&a->day, &b->day);
    assert_same_sizes(&a->ratio.hours, &b->ratio.hours);
    assert_same_sizes(&a->staged.day, &b->staged.day);
    assert_same_place(&a->hour_location, &b->hour_location);
    assert_same_place(&a->day_location, &b->day_location);
    assert_same_place(&a->staged.location, &b->staged.location);
    assert_memory_equal(a->hours_active, b->hours_active, sizeof a->hours_active);
    assert_memory_equal(a->days_active, b->days_active, sizeof a->days_active);
    bool off = make_civil(MONDAY + day, 8).class >= HOUR_WORK_WEEKEND;
    assert_int_equal(a->days_seen[off] + 1, b->days_seen[off]);
    assert_int_equal(a->days_seen[!off], b->days_seen[!off]);
    assert_int_equal(profile_hours(a) + 24, profile_hours(b));
    for (uint32_t i = 0; i < a->pair_count; i++)
        assert_same_pair(a->pair[i], profile_pair(b, &a->pair[i]->destination));
}

/* --- a day ------------------------------------------------------------------------------------ */

static void a_day_left_out_is_as_if_it_had_not_been(void **state)
{
    struct made all;
    (void)state;
    make(&all, NOBODY, EVERY_DAY);
    for (unsigned host = 0; host < 3; host++)
        for (int day = 2; day < DAYS - 2; day += 3) {
            struct made others;
            make(&others, host, day);
            const struct profile *whole = turn(&others, host, DAYS + 5); /* leaves nothing out */
            assert_same_profile(turn(&all, host, day), whole, day);
            fini(&others);
        }
    fini(&all);
}

static void pack(const struct profile *profile, struct buffer *out)
{
    profile_pack(profile, out);
    for (uint32_t i = 0; i < profile->pair_count; i++) /* in their order, as the blob has them */
        buffer_le32(out, profile->pair[i]->contacts);
}

static void it_does_not_matter_who_is_asked_before(void **state)
{
    struct made made;
    struct buffer first = {0}, again = {0};
    (void)state;
    make(&made, NOBODY, EVERY_DAY);
    pack(turn(&made, 2, 5), &first);
    double hour = histogram_total(&fleet_all(made.fleet)->absolute_hour, WEEK);
    for (int n = 0; n < 200; n++) {
        random_state = (uint64_t)n + 77;
        draw(2);
        turn(&made, draw(HOSTS), (int)draw(DAYS));
    }
    pack(turn(&made, 2, 5), &again);
    assert_int_equal(first.size, again.size);
    assert_memory_equal(first.data, again.data, first.size);
    assert_near(histogram_total(&fleet_all(made.fleet)->absolute_hour, WEEK), hour);
    buffer_fini(&first);
    buffer_fini(&again);
    fini(&made);
}

/* --- a host ----------------------------------------------------------------------------------- */

static void peers_are_without_the_host(void **state)
{
    struct made all, others;
    (void)state;
    make(&all, NOBODY, EVERY_DAY);
    make(&others, 3, EVERY_DAY);
    turn(&all, 3, 4);
    assert_null(turn(&others, 3, 4));
    const struct group *a = fleet_all(all.fleet), *b = fleet_all(others.fleet);
    const struct young *x = fleet_young(all.fleet), *y = fleet_young(others.fleet);
    assert_same_sizes(&a->absolute_hour, &b->absolute_hour);
    assert_same_sizes(&a->absolute_day, &b->absolute_day);
    assert_same_sizes(&x->exposure, &y->exposure);
    assert_same_sizes(&x->exposure_hours, &y->exposure_hours);
    for (int k = 0; k < PREVALENCE_BUCKETS; k++) {
        assert_same_sizes(&x->first_week[k], &y->first_week[k]);
        assert_same_sizes(&x->hour[k], &y->hour[k]);
        assert_same_sizes(&x->span[k], &y->span[k]);
    }
    assert_true(histogram_samples(&x->first_week[PREVALENCE_ONE]) > 0);
    fini(&all);
    fini(&others);
}

/* Half of a host's days a thousandfold: by its peers' days they are as rare as ever. */
static void days_are_measured_by_others(void **state)
{
    struct made made;
    (void)state;
    make(&made, NOBODY, EVERY_DAY);
    const struct profile *profile = turn(&made, 3, 4);
    assert_non_null(profile->measures);
    const struct calibration *own = &profile->measures->fleet->of[EVIDENCES + EVIDENCE_SENT][false];
    const struct calibration *all =
        &fleet_all(made.fleet)->calibrations.of[EVIDENCES + EVIDENCE_SENT][false];
    double days = 0;
    for (int day = 0; day < DAYS; day++)
        days += make_civil(MONDAY + day, 8).class < HOUR_WORK_WEEKEND;
    assert_near(all->total, HOSTS * days);
    assert_near(own->total, (HOSTS - 1) * days);
    fini(&made);
}

/* --- what is kept ------------------------------------------------------------------------------
 */

static void ask_sizes(const struct made *made, unsigned host, int day, uint64_t bytes,
                      double answer[3])
{
    const struct profile *profile = turn(made, host, day);
    struct peers peers = fleet_peers(made->fleet, profile->group);
    struct size_model model[2] = {size_host_hour(profile, &peers, WEEK),
                                  size_host_day(profile, &peers, WEEK)};
    for (int i = 0; i < 2; i++) {
        struct size_asked asked;
        size_asked_of(&asked, &model[i]);
        answer[i] = size_ask(&asked, bytes);
    }
    answer[2] = size_absolute(&peers, false, WEEK, bytes);
}

static void assert_same_answers(const struct made *kept, const struct made *anew, unsigned host,
                                int day, uint64_t bytes)
{
    double a[3], b[3];
    ask_sizes(kept, host, day, bytes, a);
    ask_sizes(anew, host, day, bytes, b);
    assert_memory_equal(a, b, sizeof a);
}

/* What was answered before another day or host was left out is no answer any more. */
static void what_is_kept_is_what_would_be_found(void **state)
{
    struct made kept, anew;
    (void)state;
    make(&kept, NOBODY, EVERY_DAY);
    make(&anew, NOBODY, EVERY_DAY);
    size_memo_free(anew.fleet->memo);
    anew.fleet->memo = NULL;
    for (unsigned host = 0; host < HOSTS; host++)
        for (int day = 0; day < DAYS; day++)
            assert_same_answers(&kept, &anew, host, day, 300000);
    for (uint64_t bytes = 1000; bytes < 10000000; bytes *= 3)
        for (unsigned host = 0; host < HOSTS; host++)
            assert_same_answers(&kept, &anew, host, 4, bytes); /* the same day again and again */
    /* Back and forth, each host asked about the same again, its day left as it is. */
    for (int times = 0; times < 3; times++)
        for (unsigned host = 0; host < HOSTS; host++)
            assert_same_answers(&kept, &anew, HOSTS - 1 - host, 4, 300000);
    fini(&kept);
    fini(&anew);
}

/* --- hours ------------------------------------------------------------------------------------ */

static void hours_lie_in_the_ledger_as_they_were(void **state)
{
    struct made made;
    (void)state;
    make(&made, NOBODY, EVERY_DAY);
    const struct ledger_host *host = ledger_host(made.ledger, 1);
    assert_int_equal(host->count, DAYS * 4);
    struct host_total *expected = make_total(1, 3, 9), *got = ledger_total(made.ledger, host, 13);
    assert_int_equal(got->hour, expected->hour);
    assert_int_equal(got->out.value, expected->out.value);
    assert_int_equal(got->in_bytes, expected->in_bytes);
    assert_int_equal(got->inside_bytes, expected->inside_bytes);
    assert_int_equal(got->pairs.count, expected->pairs.count);
    size_t position = 0;
    for (const struct map_entry *e; (e = map_next(&expected->pairs, &position)) != NULL;) {
        const struct pair_total *pair = map_get(&got->pairs, e->key, e->key_size);
        assert_non_null(pair);
        assert_int_equal(pair->out.value, ((const struct pair_total *)e->value)->out.value);
    }
    host_total_free(expected);
    host_total_free(got);
    fini(&made);
}

static void assert_same_sheet(const struct ledger_sheet *a, const struct ledger_sheet *b)
{
    assert_int_equal(a->out_bytes, b->out_bytes);
    assert_int_equal(a->in_bytes, b->in_bytes);
    assert_int_equal(a->inside_bytes, b->inside_bytes);
    assert_int_equal(a->pairs, b->pairs);
    for (size_t n = 0; n < a->pairs; n++) {
        assert_int_equal(a->pair[n].destination, b->pair[n].destination);
        assert_int_equal(a->pair[n].out_bytes, b->pair[n].out_bytes);
    }
}

static void a_host_is_held_as_it_is_read(void **state)
{
    struct made made;
    (void)state;
    make(&made, NOBODY, EVERY_DAY);
    for (unsigned n = 0; n < HOSTS; n++) {
        const struct ledger_host *host = ledger_host(made.ledger, n);
        const struct ledger_host *other = ledger_host(made.ledger, (n + 1) % HOSTS);
        for (size_t i = 0; i < host->count; i++) {
            struct ledger_pair pair[TOTALS_PAIRS];
            ledger_hold(made.ledger, other);
            struct ledger_sheet read = ledger_sheet(made.ledger, host, i);
            if (read.pairs > 0)
                memcpy(pair, read.pair, read.pairs * sizeof *pair);
            read.pair = pair;
            ledger_hold(made.ledger, host);
            struct ledger_sheet held = ledger_sheet(made.ledger, host, i);
            assert_same_sheet(&held, &read);
        }
    }
    fini(&made);
}

/* --- what may be told ------------------------------------------------------------------------- */

/* As the engine does while the hour is open, at its end, and when it is closed. */
static void weigh(const struct made *made, const struct profile *profile,
                  const struct host_total *total, const struct civil *civil,
                  struct day_evidence *into)
{
    bool same = profile->today == civil->day;
    uint64_t out = total->out.value;
    struct amounts host = {.hour = out,
                           .day = out + (same ? profile->today_bytes : 0),
                           .inside = total->inside_bytes + (same ? profile->staged.days.in[0] : 0)};
    const struct whole_hour whole = {.total = total};
    size_t position = 0;
    for (const struct map_entry *e; (e = map_next(&total->pairs, &position)) != NULL;) {
        const struct pair_total *sum = e->value;
        const struct pair *pair = profile_pair(profile, &sum->destination);
        uint64_t bytes = sum->out.value;
        struct amounts amounts = amounts_of_pair(pair, civil, bytes, bytes, bytes);
        evidence_add_pair(into, profile, pair, &sum->destination, made->fleet, civil, &amounts);
    }
    evidence_add_quiet(into, profile, made->fleet, civil, 0);
    evidence_add_host(into, profile, made->fleet, civil, &host);
    evidence_add_closed(into, profile, made->fleet, civil);
    evidence_add_whole_hour(into, profile, made->fleet, civil, &whole);
}

static bool fires(const struct made *made, const struct profile *profile,
                  const struct day_evidence *evidence, bool off)
{
    bool fires = false;
    for (int side = 0; side < EVIDENCE_SIDES; side++) {
        struct limits limits = fleet_limits(made->fleet, (enum evidence_side)side);
        struct fused fused =
            evidence_fuse(evidence, (enum evidence_side)side, off, profile->measures);
        fires |= fused_fires(&fused, &limits);
    }
    return fires;
}

static void what_cannot_be_told_never_fires(void **state)
{
    struct made made;
    struct day_evidence evidence[HOSTS];
    unsigned fired = 0, silent = 0;
    (void)state;
    make(&made, NOBODY, EVERY_DAY);
    fleet_set_budget(made.fleet, 0.1, 0);
    for (int day = 0; day < DAYS; day++) {
        memset(evidence, 0, sizeof evidence);
        for (int hour = 8; hour < 12; hour++)
            for (unsigned host = 0; host < HOSTS; host++) {
                struct civil civil = make_civil(MONDAY + day, hour);
                struct host_total *total = make_total(host, day, hour);
                const struct profile *profile = turn(&made, host, day);
                weigh(&made, profile, total, &civil, &evidence[host]);
                bool off = civil.class >= HOUR_WORK_WEEKEND;
                bool does = fires(&made, profile, &evidence[host], off);
                bool may = hindsight_may_tell(made.hindsight, &total->host, civil.day);
                assert_true(may || !does);
                fired += does;
                silent += !may;
                hindsight_close(made.hindsight, total, &civil, false);
                host_total_free(total);
            }
    }
    assert_true(fired > 0);
    assert_true(silent > HOSTS * DAYS); /* of four times as many */
    fini(&made);
}

/* Seven hours lie between one and the next but the last of a day, which eight hours follow; and a
 * day later something else may tell of one. */
static const int at_hour[] = {0, 7, 14, 22};
#define AT_HOURS ((int)(sizeof at_hour / sizeof *at_hour))

static bool others_tell(unsigned host, int n)
{
    return n % 13 == (int)host;
}

static int64_t hour_at(int n)
{
    return make_civil(MONDAY + n / AT_HOURS, at_hour[n % AT_HOURS]).hour;
}

static void assert_needs(const struct made *made, const struct ip *ip, int64_t hour,
                         enum hindsight_need need)
{
    assert_int_equal(hindsight_needs(made->hindsight, ip, hour), need);
}

static void stories_go_back_to_a_silence(void **state)
{
    struct made made;
    int needed = 0, only_story = 0;
    (void)state;
    make_empty(&made);
    for (int n = 0; n < AT_HOURS * DAYS; n++)
        for (unsigned host = 0; host < HOSTS; host++) {
            struct host_total *total = make_total(host, n / AT_HOURS, at_hour[n % AT_HOURS]);
            total->others = others_tell(host, n);
            ledger_add(made.ledger, total);
            host_total_free(total);
        }
    make_hindsight(&made);
    fleet_set_budget(made.fleet, 0.01, 0);
    for (unsigned host = 0; host < HOSTS; host++) {
        struct ip ip = make_host(host + 1);
        bool later = false;
        assert_needs(&made, &ip, hour_at(0) + 1, HINDSIGHT_ALL); /* not known */
        for (int n = AT_HOURS * DAYS; n-- > 0;) {
            later = later && hour_at(n + 1) - hour_at(n) < 8;
            bool tells = others_tell(host, n) ||
                         hindsight_may_tell(made.hindsight, &ip, MONDAY + n / AT_HOURS);
            later |= tells;
            assert_needs(&made, &ip, hour_at(n),
                         tells   ? HINDSIGHT_ALL
                         : later ? HINDSIGHT_STORY
                                 : HINDSIGHT_NOTHING);
            only_story += later && !tells;
            needed += later;
        }
    }
    assert_in_range(needed, 1, HOSTS * DAYS * AT_HOURS - 1);
    assert_in_range(only_story, 1, needed - 1);
    fini(&made);
}

/* What a whole hour shows is told two minutes into the next: that one's story is needed, too, and
 * no later one's. */
static void the_hour_behind_is_needed(void **state)
{
    struct made made;
    struct ip teller = make_host(3);
    (void)state;
    make_empty(&made);
    for (int hour = 0; hour < 24 * DAYS; hour++)
        for (unsigned host = 0; host < HOSTS; host++) {
            struct host_total *total = make_total(host, hour / 24, hour % 24);
            total->others = host == 2 && hour == 24 * 9 + 23;
            ledger_add(made.ledger, total);
            host_total_free(total);
        }
    make_hindsight(&made);
    fleet_set_budget(made.fleet, 1e-9, 0);
    assert_false(hindsight_may_tell(made.hindsight, &teller, MONDAY + 10));
    assert_needs(&made, &teller, make_civil(MONDAY + 9, 23).hour, HINDSIGHT_ALL);
    assert_needs(&made, &teller, make_civil(MONDAY + 9, 22).hour, HINDSIGHT_STORY);
    assert_needs(&made, &teller, make_civil(MONDAY + 10, 0).hour, HINDSIGHT_STORY);
    assert_needs(&made, &teller, make_civil(MONDAY + 10, 1).hour, HINDSIGHT_NOTHING);
    fini(&made);
}

/* The day of a host before one that can be told is weighed too, whenever that was; none before it.
 */
static void the_day_before_is_weighed(void **state)
{
    struct made made;
    struct ip thief = make_host(3);
    (void)state;
    make_empty(&made);
    for (int day = 0; day < DAYS; day++)
        for (unsigned host = 0; host < HOSTS; host++) {
            struct host_total *total = make_total(host, day, 9);
            bool sends = host != 2 || day % 3 == 0;
            if (host == 2 && day == 9)
                add_pair(total, ROLE_CLIENT, "drop.example", UINT64_C(50) << 30);
            if (sends)
                ledger_add(made.ledger, total);
            host_total_free(total);
        }
    make_hindsight(&made);
    fleet_set_budget(made.fleet, 0.01, 0);
    assert_true(hindsight_may_tell(made.hindsight, &thief, MONDAY + 9));
    assert_true(hindsight_may_tell(made.hindsight, &thief, MONDAY + 6));
    assert_false(hindsight_may_tell(made.hindsight, &thief, MONDAY + 3));
    assert_needs(&made, &thief, make_civil(MONDAY + 6, 9).hour, HINDSIGHT_ALL);
    assert_needs(&made, &thief, make_civil(MONDAY + 3, 9).hour, HINDSIGHT_NOTHING);
    fini(&made);
}

static void assert_same_bytes(const struct profile *a, const struct profile *b)
{
    struct buffer x = {0}, y = {0};
    profile_pack(a, &x);
    profile_pack(b, &y);
    assert_int_equal(x.size, y.size);
    assert_memory_equal(x.data, y.data, x.size);
    assert_memory_equal(&a->evidence, &b->evidence, sizeof a->evidence);
    assert_int_equal(a->today_bytes, b->today_bytes);
    buffer_fini(&x);
    buffer_fini(&y);
}

/* Of one every hour is closed; of the other those of days that can be told, and the rest of a host
 * is taken from the ledger at the first of those. */
static void hours_that_are_passed_come_from_the_ledger(void **state)
{
    struct made each, passing;
    unsigned told = 0, passed = 0;
    (void)state;
    make(&each, NOBODY, EVERY_DAY);
    make(&passing, NOBODY, EVERY_DAY);
    fleet_set_budget(each.fleet, 0.05, 0);
    fleet_set_budget(passing.fleet, 0.05, 0);
    hindsight_pass(passing.hindsight, INT64_MIN);
    for (int day = 0; day < DAYS; day++)
        for (int hour = 8; hour < 12; hour++) {
            struct civil civil = make_civil(MONDAY + day, hour);
            for (unsigned host = 0; host < HOSTS; host++) {
                struct host_total *total = make_total(host, day, hour);
                bool may = hindsight_may_tell(each.hindsight, &total->host, civil.day);
                assert_int_equal(hindsight_may_tell(passing.hindsight, &total->host, civil.day),
                                 may);
                if (may)
                    assert_same_bytes(turn(&each, host, day), turn(&passing, host, day));
                hindsight_close(each.hindsight, total, &civil, true);
                if (may)
                    hindsight_close(passing.hindsight, total, &civil, false);
                *(may ? &told : &passed) += 1;
                host_total_free(total);
            }
            hindsight_pass(passing.hindsight, civil.hour);
        }
    assert_in_range(told, HOSTS, HOSTS * DAYS * 4);
    assert_in_range(passed, HOSTS * DAYS, HOSTS * DAYS * 4);
    fini(&passing);
    fini(&each);
}

/* Half of what it takes is not enough, and nothing of it is left. */
static void no_more_than_it_may_take(void **state)
{
    struct made made;
    (void)state;
    make(&made, NOBODY, EVERY_DAY);
    for (unsigned host = 0; host < HOSTS; host++)
        assert_non_null(turn(&made, host, 1));
    uint64_t bytes = HOSTS / 2 * profile_bytes(turn(&made, 2, 1));
    assert_null(hindsight_new(made.ledger, made.calendar, bytes));
    struct hindsight *enough = hindsight_new(made.ledger, made.calendar, 8 * bytes);
    assert_non_null(enough);
    hindsight_free(enough);
    fini(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hours_lie_in_the_ledger_as_they_were),
        cmocka_unit_test(a_host_is_held_as_it_is_read),
        cmocka_unit_test(a_day_left_out_is_as_if_it_had_not_been),
        cmocka_unit_test(it_does_not_matter_who_is_asked_before),
        cmocka_unit_test(peers_are_without_the_host),
        cmocka_unit_test(days_are_measured_by_others),
        cmocka_unit_test(what_is_kept_is_what_would_be_found),
        cmocka_unit_test(what_cannot_be_told_never_fires),
        cmocka_unit_test(stories_go_back_to_a_silence),
        cmocka_unit_test(the_hour_behind_is_needed),
        cmocka_unit_test(the_day_before_is_weighed),
        cmocka_unit_test(hours_that_are_passed_come_from_the_ledger),
        cmocka_unit_test(no_more_than_it_may_take),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
