/* volume.served: one server and no peers; a public server; a known customer who takes too much. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "make.h"

/* Three customers, up to 150 kB an hour; every second week a new one that takes some 200 kB. */
static void private_hour(struct host_total *total, const struct civil *civil, unsigned host,
                         int day)
{
    static const char *const customer[] = {"198.51.100.0/24", "198.51.101.0/24", "198.51.102.0/24"};
    char name[32];
    if (civil->class != HOUR_WORK_WEEKDAY)
        return;
    for (unsigned i = 0; i < 3; i++)
        add_to(total, ROLE_SERVED, customer[i], 1e5 * moving(day, civil->hour_of_day, host + i));
    snprintf(name, sizeof name, "192.0.%d.0/24", day / 14);
    if (day % 14 == 8 && civil->hour_of_day < 12)
        add_to(total, ROLE_SERVED, name, 5e4 * moving(day, civil->hour_of_day, host));
}

static struct subject network_at(struct site *site, const struct destination *network, int day,
                                 uint64_t bytes)
{
    struct civil civil = civil_at(site, day, 14);
    struct subject subject = site_subject(site, 0, SUBJECT_SERVED, network, &civil);
    set_bytes(&subject, bytes, bytes, bytes);
    return subject;
}

static void a_stranger_at_a_private_server(void **state)
{
    struct site *site = site_new(1);
    struct destination stranger = named(ROLE_SERVED, "203.0.113.0/24");
    struct finding f;
    (void)state;
    site_play(site, 0, 42, private_hour);
    assert_int_equal(site->profile[0]->new_networks, 2); /* of days 8 and 22; day 36's goes on */
    struct subject subject = network_at(site, &stranger, 42, 300000);
    assert_false(tells(&subject, NULL)); /* as the others */
    subject = network_at(site, &stranger, 42, 12000000);
    assert_true(tells(&subject, &f));
    assert_string_equal(f.detector->id, "volume.served");
    assert_has(text_with(&f, "volume.served.new_network"),
               "12 MB served to 203.0.113.0/24 on its first day; the largest "
               "first week of 2 new networks in 26 days took about ");
    assert_true(f.needs > 300000 && f.needs < 12000000);
    subject = network_at(site, &stranger, 42, UINT64_C(4) << 30); /* docs/detection.md, Fusion */
    assert_true(tells(&subject, &f));
    assert_int_equal(f.urgency, URGENCY_NOW);
    site_free(site);
}

/* Right after the warm-up, without one new network ever: what is beyond belief is still told. */
static void nothing_new_was_ever_seen(void **state)
{
    struct site *site = site_new(1);
    struct destination stranger = named(ROLE_SERVED, "203.0.113.0/24");
    struct finding f;
    (void)state;
    site_play(site, 0, 8, private_hour);
    struct subject subject = network_at(site, &stranger, 8, 200000);
    assert_false(tells(&subject, NULL));
    subject = network_at(site, &stranger, 8, UINT64_C(10) << 30);
    assert_true(tells(&subject, &f));
    assert_has(text_with(&f, "volume.served.new_network"),
               "on its first day; nothing to compare it with yet");
    site_free(site);
}

/* A new network takes its time: its whole first week counts. */
static void a_slow_stranger(void **state)
{
    struct site *site = site_new(1);
    struct destination stranger = named(ROLE_SERVED, "203.0.113.0/24");
    struct finding f;
    (void)state;
    site_play(site, 0, 42, private_hour);
    for (int day = 42; day < 46; day++) { /* 3 MB a day */
        struct civil civil = civil_at(site, day, 10);
        struct host_total *total = host_total_new(&site->profile[0]->host, civil.hour);
        add_to(total, ROLE_SERVED, stranger.name, 3e6);
        close_total(site, 0, total, &civil);
    }
    struct civil civil = civil_at(site, 46, 10);
    struct subject subject = site_subject(site, 0, SUBJECT_SERVED, &stranger, &civil);
    assert_int_equal(subject.pair->first_week_bytes, 12000000);
    set_bytes(&subject, 100000, 100000, 12100000);
    assert_true(tells(&subject, &f));
    assert_has(text_with(&f, "volume.served.new_network"),
               "12 MB served to 203.0.113.0/24 in its first 5 days");
    site_free(site);
}

/* New networks every hour, sizes over four octaves: only what is far outside is worth a word. */
static void public_hour(struct host_total *total, const struct civil *civil, unsigned host, int day)
{
    char name[32];
    (void)host;
    for (unsigned i = 0; i < 3; i++) {
        unsigned number = (unsigned)(day * 24 + civil->hour_of_day) * 3 + i;
        snprintf(name, sizeof name, "100.%u.%u.0/24", number / 250, number % 250);
        add_to(total, ROLE_SERVED, name, 5e4 * exp2((double)(number * 37 % 101) / 20));
    }
}

static void strangers_at_a_public_server(void **state)
{
    struct site *site = site_new(1);
    struct destination stranger = named(ROLE_SERVED, "203.0.113.0/24");
    (void)state;
    site_play(site, 0, 42, public_hour);
    assert_true(site->profile[0]->pairs_evicted > 1000);
    for (uint64_t bytes = 50000; bytes < 2000000; bytes += bytes / 3) {
        struct subject subject = network_at(site, &stranger, 42, bytes);
        assert_false(tells(&subject, NULL));
    }
    struct subject subject = network_at(site, &stranger, 42, UINT64_C(4) << 30);
    assert_true(tells(&subject, NULL));
    site_free(site);
}

static void a_known_customer_who_takes_too_much(void **state)
{
    struct site *site = site_new(1);
    struct destination customer = named(ROLE_SERVED, "198.51.100.0/24");
    struct finding f;
    (void)state;
    site_play(site, 0, 42, private_hour);
    struct subject subject = network_at(site, &customer, 42, 900000);
    assert_false(tells(&subject, NULL));
    subject = network_at(site, &customer, 42, 500000000);
    assert_true(tells(&subject, &f));
    assert_has(f.reason[0].text, "500 MB served to 198.51.100.0/24 in this ");
    /* A network that was met in the warm-up and hardly since is neither new nor known. */
    struct pair *pair = profile_pair(site->profile[0], &customer);
    pair->contacts = 2;
    pair->first_hour = civil_at(site, 40, 0).hour;
    pair->first_day = MONDAY + 5;
    assert_false(tells(&subject, NULL));
    /* Met long ago and hardly ever: new again. */
    pair->first_hour = civil_at(site, 5, 0).hour;
    assert_true(tells(&subject, &f));
    assert_has(text_with(&f, "volume.served.new_network"), "met 37 days ago");
    site_free(site);
}

static double bar; /* of every destination */

static double bar_of(void *context, const struct destination *destination)
{
    (void)context;
    (void)destination;
    return bar;
}

/* As the sent side sees it: the server's own day, of which `all` bytes left, `bytes` of them to the
 * stranger. True: it fires; `lead` is where that leads. */
static bool sent_leads(struct site *site, const struct destination *stranger, uint64_t bytes,
                       uint64_t all, const struct destination **lead)
{
    struct civil civil = civil_at(site, 42, 14);
    struct subject subject = site_subject(site, 0, SUBJECT_HOST, stranger, &civil);
    struct looked looked;
    struct weighed_pair pair = {.destination = NULL};
    struct finding finding = {.needs = 0};
    bool fires;
    set_bytes(&subject, bytes, bytes, bytes);
    look_at(&looked, &subject);
    looked.weighing.amounts = (struct amounts){.hour = all, .day = all};
    evidence_add_host(&looked.weighing.evidence, looked.weighing.host, site->fleet, &civil,
                      &looked.weighing.amounts);
    looked.weighing.bar = bar > 1 ? bar_of : looked.weighing.bar;
    fusion_weigh(&looked.weighing, EVIDENCE_SENT, &fires);
    bool explained = fusion_explained(&looked.weighing, EVIDENCE_SENT, &finding, &pair);
    assert_true(!explained || (finding.needs > 0 && finding.needs <= (double)bytes));
    *lead = explained ? pair.destination : NULL;
    return fires;
}

/* A theft makes the server's day as well: that is the stranger's doing, and his story. A day that
 * would be told without him is the host's. */
static void a_day_that_one_network_makes(void **state)
{
    struct site *site = site_new(1);
    struct destination stranger = named(ROLE_SERVED, "203.0.113.0/24");
    const struct destination *lead;
    (void)state;
    site_play(site, 0, 42, private_hour);
    assert_true(sent_leads(site, &stranger, UINT64_C(1) << 32, UINT64_C(1) << 32, &lead));
    assert_non_null(lead);
    assert_string_equal(lead->name, stranger.name);
    assert_true(sent_leads(site, &stranger, 300000, UINT64_C(1) << 32, &lead));
    assert_null(lead);
    bar = 100; /* who is trusted hides no host */
    assert_true(sent_leads(site, &stranger, UINT64_C(1) << 32, UINT64_C(1) << 32, &lead));
    assert_null(lead);
    bar = 0;
    site_free(site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stranger_at_a_private_server),
        cmocka_unit_test(nothing_new_was_ever_seen),
        cmocka_unit_test(a_slow_stranger),
        cmocka_unit_test(strangers_at_a_public_server),
        cmocka_unit_test(a_known_customer_who_takes_too_much),
        cmocka_unit_test(a_day_that_one_network_makes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
