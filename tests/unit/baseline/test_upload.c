/* Uploads by hand: what is one, what it is measured by, and when it is judged. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "make.h"
#include "weir/baseline/evidence.h"

#include <math.h>
#include <stdlib.h>

#define HOSTS 6
#define NOW   30 /* the day that is looked at, a Wednesday */
#define MB    UINT64_C(1000000)

struct site {
    struct fleet *fleet;
    struct profile *host[HOSTS];
};

static struct destination to(const char *name)
{
    return make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, name);
}

static void close_hour(struct site *site, unsigned host, int day, int hour,
                       const struct destination *destination, uint64_t out, uint64_t in)
{
    struct civil civil = make_civil(MONDAY + day, hour);
    struct host_total *total = host_total_new(&site->host[host]->host, civil.hour);
    totals_add(total, destination, exactly(out), in, 1);
    profile_close_hour(site->host[host], total, &civil, site->fleet);
    host_total_free(total);
    fleet_apply(site->fleet);
}

/* Each host asks a site of his own, and is answered, every morning. */
static struct site *site_of(int days)
{
    struct site *site = calloc(1, sizeof *site);
    char name[32];
    site->fleet = fleet_new();
    for (unsigned i = 0; i < HOSTS; i++) {
        struct ip ip = make_host(i);
        site->host[i] = profile_new(&ip, MONDAY * 24);
    }
    for (int day = 0; day < days; day++)
        for (unsigned i = 0; i < HOSTS; i++) {
            snprintf(name, sizeof name, "own%u.example", i);
            struct destination own = to(name);
            close_hour(site, i, day, 9, &own, 100000, 300000);
        }
    return site;
}

static void site_free(struct site *site)
{
    for (unsigned i = 0; i < HOSTS; i++)
        profile_free(site->host[i]);
    fleet_free(site->fleet);
    free(site);
}

/* What the hour at noon comes to when it is over, before it is learned. */
static struct evidence_mark made_on(const struct site *site, int day, enum evidence_kind kind,
                                    const struct destination *destination, uint64_t out,
                                    uint64_t in)
{
    struct civil civil = make_civil(MONDAY + day, 12);
    struct host_total *total = host_total_new(&site->host[0]->host, civil.hour);
    totals_add(total, destination, exactly(out), in, 1);
    const struct whole_hour whole = {.total = total};
    struct day_evidence evidence = {0};
    evidence_add_whole_hour(&evidence, site->host[0], site->fleet, &civil, &whole);
    host_total_free(total);
    return evidence.mark[kind];
}

static struct evidence_mark made_as(const struct site *site, enum evidence_kind kind,
                                    const struct destination *destination, uint64_t out,
                                    uint64_t in)
{
    return made_on(site, NOW, kind, destination, out, in);
}

static struct evidence_mark made_of(const struct site *site, const struct destination *destination,
                                    uint64_t out, uint64_t in)
{
    return made_as(site, EVIDENCE_UPLOAD, destination, out, in);
}

static double floored(uint64_t bytes)
{
    return (double)histogram_floor(histogram_bin(bytes));
}

static void more_than_came_back(void **state)
{
    struct site *site = site_of(NOW);
    struct destination own = to("own0.example"), new = to("new.example");
    (void)state;
    double all = made_of(site, &own, 30 * MB, 0).l, half = made_of(site, &own, 30 * MB, 10 * MB).l;
    assert_true(all > 3 && half > 1 && half < all);
    assert_near(made_of(site, &own, 30 * MB, 30 * MB).l + 1, 1);
    assert_near(made_of(site, &own, 30 * MB, 300 * MB).l + 1, 1);
    assert_true(made_of(site, &new, 30 * MB, MB).l > 3);
    assert_near(made_of(site, &new, EVIDENCE_FLOOR_BYTES - 1, 0).l + 1, 1);
    struct destination client = make_destination(ROLE_SERVED, DESTINATION_PREFIX, "192.0.2.0/24");
    assert_near(made_of(site, &client, 30 * MB, 0).l + 1, 1); /* an answer, by whoever was asked */
    struct destination other = destination_other(ROLE_CLIENT);
    assert_near(made_of(site, &other, 30 * MB, 0).l + 1, 1);
    site_free(site);
}

/* By the pair's own hours, or by first hours where it is new; and never by more than its size. */
static void rare_and_large(void **state)
{
    struct site *site = site_of(NOW);
    const struct profile *host = site->host[0];
    struct civil civil = make_civil(MONDAY + NOW, 12);
    struct destination own = to("own0.example"), new = to("new.example");
    uint64_t floor = histogram_floor(histogram_bin(30 * MB));
    (void)state;
    double known = survival_pair_hour(host, profile_pair(host, &own), site->fleet, &civil, floor).p;
    double young = survival_young_hour(host, &new, site->fleet, &civil, floor).p;
    struct evidence_mark due = made_of(site, &own, 30 * MB, 10 * MB);
    assert_near(due.l, (double)(float)fmin(.5 * -log(known), log1p(.5 * floored(30 * MB) / 65536)));
    assert_int_equal(due.bytes, floor);
    assert_int_equal(due.pair, evidence_name(&own));
    due = made_of(site, &new, 30 * MB, 0);
    assert_near(due.l, (double)(float)fmin(-log(young), log1p(floored(30 * MB) / 65536)));
    assert_near(
        evidence_estimate(EVIDENCE_UPLOAD, host, NULL, &new, site->fleet, &civil, 30 * MB).p,
        young);
    site_free(site);
}

/* Of who is new himself, only what nobody else uses. */
static void of_a_cold_host(void **state)
{
    struct site *site = site_of(NOW);
    struct ip ip = make_host(77);
    struct civil civil = make_civil(MONDAY + NOW, 12);
    struct profile *cold = profile_new(&ip, civil.hour - 24);
    static const char *const name[] = {"new.example", "own1.example"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct destination d = to(name[i]);
        struct day_evidence evidence = {0};
        struct host_total *total = host_total_new(&ip, civil.hour);
        totals_add(total, &d, exactly(30 * MB), 0, 1);
        const struct whole_hour whole = {.total = total};
        evidence_add_whole_hour(&evidence, cold, site->fleet, &civil, &whole);
        assert_int_equal(evidence.mark[EVIDENCE_UPLOAD].l > 0, i == 0);
        host_total_free(total);
    }
    profile_free(cold);
    site_free(site);
}

/* It is of its own day, whenever the host sends again, and is stored with it. */
static void judged_in_its_own_hour(void **state)
{
    struct site *site = site_of(NOW);
    struct profile *host = site->host[0];
    struct destination own = to("own0.example"), new = to("new.example");
    const struct evidence_mark *mark = &host->evidence.mark[EVIDENCE_UPLOAD];
    struct buffer blob = {0};
    (void)state;
    double expected = made_of(site, &new, 30 * MB, MB).l;
    close_hour(site, 0, NOW, 12, &new, 30 * MB, MB);
    assert_true(host->evidence.known >> EVIDENCE_UPLOAD & 1u);
    assert_near(mark->l, expected);
    assert_int_equal(mark->pair, evidence_name(&new));
    profile_pack(host, &blob);
    struct profile *back = profile_unpack(blob.data, blob.size, NULL);
    assert_non_null(back);
    assert_near(back->evidence.mark[EVIDENCE_UPLOAD].l, mark->l);
    profile_free(back);
    buffer_fini(&blob);
    close_hour(site, 0, NOW, 13, &own, 1000, 3000);
    assert_near(mark->l, expected);
    close_hour(site, 0, NOW + 1, 9, &own, 1000, 3000);
    assert_near(mark->l + 1, 1);
    close_hour(site, 0, NOW + 1, 23, &new, 90 * MB, MB);
    assert_true(mark->l > 0);
    close_hour(site, 0, NOW + 3, 9, &own, 1000, 3000);
    assert_near(mark->l + 1, 1);
    site_free(site);
}

/* Of what others saw more of than came by here, the sum of all is asked: what came back there is
 * not known. Who saw the same takes nothing from it. */
static void what_others_saw_too(void **state)
{
    struct site *site = site_of(NOW);
    struct civil civil = make_civil(MONDAY + NOW, 12);
    struct destination new = to("new.example");
    struct elsewhere same = {.alike = 30 * MB}, more = {.alike = 31 * MB}, across = {.across = 1};
    const struct elsewhere *const of[] = {&same, &more, &across};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct host_total *total = host_total_new(&site->host[0]->host, civil.hour);
        totals_add(total, &new, exactly(30 * MB), 0, 1)->elsewhere = *of[i];
        const struct whole_hour whole = {.total = total};
        struct day_evidence evidence = {0};
        evidence_add_whole_hour(&evidence, site->host[0], site->fleet, &civil, &whole);
        assert_int_equal(evidence.mark[EVIDENCE_UPLOAD].l > 0, i == 0);
        host_total_free(total);
    }
    site_free(site);
}

/* Who meets it in the same hour makes a wave of it; had its bytes not gone there, it is none. */
static void met_by_many_at_once(void **state)
{
    struct site *site = site_of(NOW);
    struct civil civil = make_civil(MONDAY + NOW, 12);
    struct destination new = to("new.example");
    struct totals *totals = totals_new(64);
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct host_total *total = totals_open(totals, &site->host[i]->host, civil.hour);
        totals_add(total, &new, exactly(30 * MB), 0, 1);
        total = totals_get(totals, &site->host[0]->host, civil.hour);
        struct whole_hour whole = {.total = total, .open = totals};
        struct day_evidence evidence = {0}, without = {0};
        evidence_add_whole_hour(&evidence, site->host[0], site->fleet, &civil, &whole);
        assert_int_equal(evidence.mark[EVIDENCE_UPLOAD].l > 0, i < 2);
        whole.name = evidence_name(&new);
        whole.less = 30 * MB;
        evidence_add_whole_hour(&without, site->host[0], site->fleet, &civil, &whole);
        assert_near(without.mark[EVIDENCE_UPLOAD].l + 1, 1);
    }
    totals_free(totals);
    site_free(site);
}

/* Each day of something new counts by how little of it was answered, a hundredth at least, from the
 * second on, or as four returns, whichever is more; an hour in which as much comes back as went is
 * no upload. */
static void sent_to_again(void **state)
{
    struct site *site = site_of(NOW);
    struct profile *host = site->host[0];
    struct destination new = to("new.example");
    (void)state;
    for (int day = NOW; day < NOW + 4; day++) {
        close_hour(site, 0, day, 12, &new, MB, day == NOW + 3 ? MB : 0);
        bool again = day > NOW && day < NOW + 3;
        double expected = again ? log(100) * (day - NOW + 1) : 0;
        assert_near(host->evidence.mark[EVIDENCE_UPLOAD_AGAIN].l + 1, (double)(float)expected + 1);
    }
    site_free(site);
}

/* L of the second day of something new, of whose first `in` of `out` came back; `asked` and
 * answered with three times as much an hour before it is sent to. */
static double second_day(uint64_t out, uint64_t in, uint64_t asked)
{
    struct site *site = site_of(NOW);
    struct destination new = to("new.example");
    close_hour(site, 0, NOW, 12, &new, out, in);
    if (asked)
        close_hour(site, 0, NOW + 1, 11, &new, asked, 3 * asked);
    close_hour(site, 0, NOW + 1, 12, &new, MB, MB / 50);
    double l = site->host[0]->evidence.mark[EVIDENCE_UPLOAD_AGAIN].l;
    site_free(site);
    return l;
}

/* The lesser of today, as far as it has come, and of the days before, in shares or in bytes; where
 * all of one was answered, as a return of which this hour was not. */
static void as_little_as_on_any_day(void **state)
{
    double returned = 4 * log(2) * (1 - 1.0 / 50) / (1 + 1.0 / 50);
    double today = floored(MB - MB / 50);
    (void)state;
    assert_true(fabs(second_day(MB, MB / 50, 0) - 2 * log(50)) < 1e-5);
    assert_true(fabs(second_day(100000, 10000, 0) - 2 * log(10)) < 1e-4);
    assert_true(fabs(second_day(MB, MB / 2, 0) - 2 * log1p(500000 / 65536.0)) < 1e-4);
    assert_true(fabs(second_day(9 * MB, MB, MB) - 2 * log1p(today / 65536)) < 1e-4);
    assert_true(fabs(second_day(MB, 2 * MB, 0) - returned) < 1e-5); /* a question */
    assert_true(fabs(second_day(100000, 80000, 0) - returned) < 1e-5);
    assert_true(second_day(100000, 1000, 0) > returned + 1);
}

/* By how often it is, so a young fleet that has counted nothing new knows it too; of a host in its
 * own first week all is new. */
static void asked_before_something_new_was_counted(void **state)
{
    struct site *site = site_of(10);
    struct destination new = to("new.example"), early = to("early.example");
    const uint32_t bit = 1u << EVIDENCE_UPLOAD_AGAIN;
    (void)state;
    assert_true(survival_exposure_days(site->fleet) < 1);
    close_hour(site, 0, 10, 12, &new, MB, 0);
    assert_true(site->host[0]->evidence.known & bit);
    assert_near(made_on(site, 11, EVIDENCE_UPLOAD_AGAIN, &new, MB, 0).l, (double)(float)log(1e4));
    assert_near(made_on(site, 11, EVIDENCE_UPLOAD, &new, MB, 0).l + 1, 1);
    site_free(site);
    site = site_of(3);
    close_hour(site, 0, 3, 12, &early, MB, 0);
    assert_false(site->host[0]->evidence.known & bit);
    assert_near(made_on(site, 4, EVIDENCE_UPLOAD_AGAIN, &early, MB, 0).l + 1, 1);
    site_free(site);
}

/* In hindsight it is not known how much is usual. */
static void by_shares_alone_in_hindsight(void **state)
{
    struct site *site = site_of(NOW);
    struct destination new = to("new.example");
    (void)state;
    close_hour(site, 0, NOW, 12, &new, 9 * MB, MB);
    double l = made_on(site, NOW + 1, EVIDENCE_UPLOAD_AGAIN, &new, 9 * MB, MB).l;
    assert_true(fabs(l - 2 * log1p(floored(8 * MB) / 65536)) < 1e-4);
    close_hour(site, 0, NOW + 1, 9, &new, 9 * MB, MB); /* now its day before is learned */
    site->host[0]->whole = true;
    l = made_on(site, NOW + 1, EVIDENCE_UPLOAD_AGAIN, &new, 9 * MB, MB).l;
    assert_true(fabs(l - 2 * log(9)) < 1e-4);
    site_free(site);
}

/* The first hour of a host's day is judged before its day before is learned, by what that will be:
 * an hour comes to the same before and after. Of an hour that is not learned that day is not,
 * either.
 */
static void judged_by_the_days_it_is_learned_by(void **state)
{
    static const enum evidence_kind kinds[] = {EVIDENCE_UPLOAD_AGAIN, EVIDENCE_UPLOAD_GROWTH,
                                               EVIDENCE_UPLOAD_ALONE};
    struct site *site = site_of(NOW);
    struct profile *host = site->host[0];
    struct destination own = to("own0.example"), new = to("new.example");
    (void)state;
    for (int day = NOW; day < NOW + 3; day++)
        for (size_t i = 0; i < 3; i++) {
            const struct destination *at = i == 1 ? &own : &new;
            uint64_t out =
                i == 1 ? (uint64_t)(day - NOW + 2) * MB : (uint64_t)(day - NOW) * MB / 2 + MB;
            struct site *other = site_of(NOW);
            for (int before = NOW; before < day; before++)
                close_hour(other, 0, before, 12, at, out, MB / 4);
            double judged = made_on(other, day, kinds[i], at, out, MB / 4).l;
            close_hour(other, 0, day, 12, at, out, MB / 4);
            assert_near(judged + 1, other->host[0]->evidence.mark[kinds[i]].l + 1);
            assert_true(judged > 0 || (i == 0 && day == NOW) || (i == 2 && day > NOW));
            site_free(other);
        }
    close_hour(site, 0, NOW, 12, &new, MB, 0);
    host->frozen = true;
    assert_near(made_on(site, NOW + 1, EVIDENCE_UPLOAD_AGAIN, &new, MB, 0).l + 1, 1);
    site_free(site);
}

/* In hindsight, what lasts from the first week on is no newcomer that returns, however many its
 * days. */
static void what_lasts_does_not_return(void **state)
{
    struct site *site = site_of(NOW);
    struct profile *host = site->host[0];
    struct destination new = to("new.example");
    (void)state;
    close_hour(site, 0, NOW, 12, &new, MB, MB / 50);
    for (uint32_t i = 0; i < host->pair_count; i++)
        host->pair[i]->settled |= strcmp(host->pair[i]->destination.name, new.name) == 0;
    close_hour(site, 0, NOW + 1, 12, &new, MB, MB / 50);
    assert_near(host->evidence.mark[EVIDENCE_UPLOAD_AGAIN].l + 1, 1);
    site_free(site);
}

/* What a known place does not answer is held against its own days, of which a busy one's bytes say
 * nothing. */
static void what_is_not_answered_grows(void **state)
{
    struct site *site = site_of(NOW);
    struct profile *host = site->host[0];
    struct destination own = to("own0.example");
    const struct pair *pair = profile_pair(host, &own);
    (void)state;
    assert_int_equal(pair->surplus.days, NOW - 1); /* today's is not over */
    assert_near(pair->surplus.reference, (double)(float)log2(CUSUM_PAIR_BYTES + 1.0));
    for (int day = NOW; day < NOW + 5; day++) {
        double before = pair->surplus.sum;
        close_hour(site, 0, day, 10, &own, 2 * MB, 3 * MB);
        close_hour(site, 0, day, 11, &own, 2 * MB, MB);
        assert_int_equal(pair->today_surplus, MB);
        struct evidence_mark mark = host->evidence.mark[EVIDENCE_UPLOAD_GROWTH];
        assert_int_equal(mark.bytes, histogram_floor(histogram_bin(MB)));
        assert_true(mark.l > before);
    }
    assert_true(pair->surplus.sum > 7);
    site_free(site);
}

/* By how much the hour's surplus is above the days' mean, and half of how seldom the host is active
 * then, of which near the edge little counts. Of a new place 64 KiB are usual. */
static double alone_by_hand(const struct site *site, double surplus, double usual)
{
    struct civil civil = make_civil(MONDAY + NOW, 12);
    double share = survival_hour_share(site->host[0], site->fleet, &civil);
    double edge = fmin(1, log2(surplus / 65536) / 4);
    return (double)(float)(log(surplus / usual) - edge * log(share) / 2);
}

static void alone_above_what_is_usual(void **state)
{
    struct site *site = site_of(NOW);
    struct destination own = to("own0.example"), new = to("new.example");
    const enum evidence_kind alone = EVIDENCE_UPLOAD_ALONE;
    struct pair *pair = profile_pair(site->host[0], &own);
    (void)state;
    struct evidence_mark mark = made_as(site, alone, &own, 30 * MB, 10 * MB);
    assert_near(mark.l, alone_by_hand(site, floored(20 * MB), exp2(pair->surplus.reference)));
    assert_int_equal(mark.bytes, histogram_floor(histogram_bin(20 * MB)));
    assert_int_equal(mark.pair, evidence_name(&own));
    assert_near(made_as(site, alone, &new, 200000, 0).l,
                alone_by_hand(site, floored(200000), 65536));
    pair->today_bytes = 0; /* as if its last day was learned */
    pair->surplus.reference = log2((double)(4 * MB));
    assert_near(made_as(site, alone, &own, 30 * MB, 10 * MB).l,
                alone_by_hand(site, floored(20 * MB), exp2(pair->surplus.reference)));
    assert_near(made_as(site, alone, &own, 4 * MB, 0).l + 1, 1);
    assert_near(made_as(site, alone, &own, 30 * MB, 29 * MB).l + 1, 1);
    site->host[0]->whole = true; /* in hindsight, what is usual is not known */
    assert_near(made_as(site, alone, &own, 30 * MB, 10 * MB).l + 1, 1);
    site_free(site);
}

/* What an open hour's largest upload so far comes to is what the hour would if it were over. */
static void asked_while_its_hour_is_open(void **state)
{
    struct site *site = site_of(NOW);
    struct destination new = to("new.example"), own = to("own0.example");
    struct civil civil = make_civil(MONDAY + NOW, 12);
    struct profile *host = site->host[0];
    const struct destination *to[] = {&new, &own};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const struct pair *pair = profile_pair(host, to[i]);
        struct amounts amounts = amounts_of_pair(pair, &civil, 9 * MB, 9 * MB, 9 * MB);
        struct day_evidence without = {0}, with = {0}, many = {0};
        amounts.hosts = 1;
        uint64_t step = evidence_step(&amounts);
        evidence_add_pair(&without, host, pair, to[i], site->fleet, &civil, &amounts);
        amounts.upload = (struct upload){9 * MB, MB};
        assert_true(evidence_step(&amounts) != step);
        evidence_add_pair(&with, host, pair, to[i], site->fleet, &civil, &amounts);
        amounts.hosts = HOSTS; /* met by all of them in this hour: new to nobody */
        evidence_add_pair(&many, host, pair, to[i], site->fleet, &civil, &amounts);
        for (int kind = EVIDENCE_UPLOAD; kind < EVIDENCES; kind++) {
            double l = made_as(site, (enum evidence_kind)kind, to[i], 9 * MB, MB).l;
            assert_near(without.mark[kind].l + 1, 1);
            assert_near(with.mark[kind].l + 1, l + 1);
            assert_near(many.mark[kind].l + 1, (i == 0 ? 0 : l) + 1);
        }
        assert_true(with.mark[EVIDENCE_UPLOAD_ALONE].l > 3);
    }
    site_free(site);
}

/* What turns out to be a roll-out afterwards was no discovery. */
static void a_wave_is_nobodys_upload(void **state)
{
    struct site *site = site_of(NOW);
    struct destination own = to("own0.example"), new = to("new.example");
    (void)state;
    for (unsigned host = 0; host < 3; host++)
        close_hour(site, host, NOW, 12, &new, 30 * MB, MB);
    assert_true(site->host[0]->evidence.mark[EVIDENCE_UPLOAD].l > 0);
    close_hour(site, 0, NOW, 13, &own, 1000, 3000);
    assert_near(site->host[0]->evidence.mark[EVIDENCE_UPLOAD].l + 1, 1);
    site_free(site);
}

/* What everybody used from the beginning is no discovery, and an upload there is its host's own. */
static void a_known_place_is_no_wave(void **state)
{
    struct site *site = site_of(0);
    struct destination all = to("all.example"), own = to("own0.example");
    (void)state;
    for (int day = 0; day < NOW; day++)
        for (unsigned host = 0; host < HOSTS; host++)
            close_hour(site, host, day, 9, &all, 100000, 300000);
    assert_true(fleet_is_wave(site->fleet, &all, 0, MONDAY));
    close_hour(site, 0, NOW, 12, &all, 90 * MB, MB);
    double made = site->host[0]->evidence.mark[EVIDENCE_UPLOAD].l;
    assert_true(made > 3);
    close_hour(site, 0, NOW, 13, &own, 1000, 3000);
    assert_near(site->host[0]->evidence.mark[EVIDENCE_UPLOAD].l, made);
    close_hour(site, 0, NOW, 14, &own, 1000, 3000);
    assert_near(site->host[0]->evidence.mark[EVIDENCE_UPLOAD].l, made);
    site_free(site);
}

/* A place in everybody's use that this host came to late is young and known: what is sent there
 * later takes nothing from an upload that its own past made. */
static void a_late_comer_knows_it_too(void **state)
{
    struct site *site = site_of(0);
    struct profile *host = site->host[0];
    struct destination all = to("all.example"), own = to("own0.example");
    (void)state;
    for (int day = 0; day < NOW; day++)
        for (unsigned i = 0; i < HOSTS; i++)
            close_hour(site, i, day, 9, i == 0 && day < NOW - 8 ? &own : &all, 100000, 300000);
    for (unsigned i = 0; i < 8; i++) { /* something is new, so that it is measured */
        char name[32];
        snprintf(name, sizeof name, "new%u.example", i);
        struct destination new = to(name);
        close_hour(site, 1 + i % (HOSTS - 1), NOW - 10, 10, &new, 100000, 300000);
    }
    struct civil civil = make_civil(MONDAY + NOW, 12);
    assert_true(survival_pair_known(profile_pair(host, &all), civil.hour));
    assert_int_equal(fleet_bucket(site->fleet, &all, 0), PREVALENCE_REST);
    close_hour(site, 0, NOW, 12, &all, 90 * MB, MB);
    double made = host->evidence.mark[EVIDENCE_UPLOAD].l;
    assert_true(made > 1);
    close_hour(site, 0, NOW, 13, &all, 100000, 300000);
    assert_near(host->evidence.mark[EVIDENCE_UPLOAD].l, made);
    assert_int_equal(host->evidence.mark[EVIDENCE_UPLOAD].pair, evidence_name(&all));
    site_free(site);
}

/* Fewer bytes make less of it, none nothing; of another destination it says nothing. */
static void fewer_bytes_undo_it(void **state)
{
    struct site *site = site_of(NOW);
    const struct profile *host = site->host[0];
    struct destination new = to("new.example"), own = to("own0.example");
    struct civil civil = make_civil(MONDAY + NOW, 12);
    struct day_evidence day = {0}, less = {0};
    (void)state;
    day.mark[EVIDENCE_UPLOAD] = made_of(site, &new, 30 * MB, MB);
    day.mark[EVIDENCE_UPLOAD_AGAIN] = (struct evidence_mark){5, MB, evidence_name(&new)};
    day.mark[EVIDENCE_UPLOAD_ALONE] = made_as(site, EVIDENCE_UPLOAD_ALONE, &new, 30 * MB, MB);
    const struct asked_pair of = {host, NULL, &new, site->fleet, &civil},
                            other = {host, NULL, &own, site->fleet, &civil};
    evidence_keep_uploads(&less, &day, &of, 90 * MB);
    assert_near(less.mark[EVIDENCE_UPLOAD].l, day.mark[EVIDENCE_UPLOAD].l);
    less = (struct day_evidence){0};
    evidence_keep_uploads(&less, &day, &of, 200000);
    assert_true(less.mark[EVIDENCE_UPLOAD].l > 0);
    assert_true(less.mark[EVIDENCE_UPLOAD].l < day.mark[EVIDENCE_UPLOAD].l);
    assert_near(less.mark[EVIDENCE_UPLOAD_AGAIN].l, 5);
    assert_true(fabs(less.mark[EVIDENCE_UPLOAD_ALONE].l -
                     made_as(site, EVIDENCE_UPLOAD_ALONE, &new, 200000, 0).l) < 1e-5);
    less = (struct day_evidence){0};
    evidence_keep_uploads(&less, &day, &of, 100);
    evidence_keep_uploads(&less, &day, &other, 90 * MB);
    assert_near(less.mark[EVIDENCE_UPLOAD].l + 1, 1);
    assert_near(less.mark[EVIDENCE_UPLOAD_AGAIN].l + 1, 1);
    assert_near(less.mark[EVIDENCE_UPLOAD_ALONE].l + 1, 1);
    evidence_without(&day, evidence_name(&new));
    assert_near(day.mark[EVIDENCE_UPLOAD].l + 1, 1);
    site_free(site);
}

/* Of a return fewer bytes say no more than so many could, had none been answered. */
static void fewer_bytes_of_a_return(void **state)
{
    struct site *site = site_of(NOW);
    struct profile *host = site->host[0];
    struct destination new = to("new.example");
    struct civil civil = make_civil(MONDAY + NOW + 1, 12);
    const uint64_t bytes[] = {8 * MB, 3 * MB, 100000, 65536};
    (void)state;
    close_hour(site, 0, NOW, 12, &new, 9 * MB, MB);
    close_hour(site, 0, NOW + 1, 12, &new, 9 * MB, MB);
    const struct asked_pair of = {host, profile_pair(host, &new), &new, site->fleet, &civil};
    const struct evidence_mark *mark = &host->evidence.mark[EVIDENCE_UPLOAD_AGAIN];
    assert_int_equal(mark->bytes, histogram_floor(histogram_bin(8 * MB)));
    for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++) {
        struct day_evidence less = {0};
        double known = fmax(4 * log(2), 2 * log(9)); /* whatever is left */
        evidence_keep_uploads(&less, &host->evidence, &of, bytes[i]);
        assert_true(fabs(less.mark[EVIDENCE_UPLOAD_AGAIN].l -
                         fmax(known, 2 * log1p(floored(bytes[i]) / 65536))) < 1e-4);
    }
    site_free(site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(more_than_came_back),
        cmocka_unit_test(rare_and_large),
        cmocka_unit_test(of_a_cold_host),
        cmocka_unit_test(judged_in_its_own_hour),
        cmocka_unit_test(what_others_saw_too),
        cmocka_unit_test(met_by_many_at_once),
        cmocka_unit_test(alone_above_what_is_usual),
        cmocka_unit_test(asked_while_its_hour_is_open),
        cmocka_unit_test(sent_to_again),
        cmocka_unit_test(asked_before_something_new_was_counted),
        cmocka_unit_test(by_shares_alone_in_hindsight),
        cmocka_unit_test(judged_by_the_days_it_is_learned_by),
        cmocka_unit_test(what_lasts_does_not_return),
        cmocka_unit_test(as_little_as_on_any_day),
        cmocka_unit_test(what_is_not_answered_grows),
        cmocka_unit_test(a_wave_is_nobodys_upload),
        cmocka_unit_test(a_known_place_is_no_wave),
        cmocka_unit_test(a_late_comer_knows_it_too),
        cmocka_unit_test(fewer_bytes_undo_it),
        cmocka_unit_test(fewer_bytes_of_a_return),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
