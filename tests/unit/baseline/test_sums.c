/* What hosts together usually send, out of a zone and to a destination: bands against a sort of the
 * same values, classes of hours, hours that are not whole, what fades, bounds, and the blob. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "close.h"

#include "weir/base/digest.h"

#include <stdlib.h>
#include <string.h>

#define SEED UINT64_C(0x666c656574) /* as in fleet_pack.c */

static void put_hour(struct fleet *fleet, const char *zone, int64_t day, int hour, uint64_t bytes)
{
    struct civil civil = make_civil(day, hour);
    fleet_note_zone(fleet, zone, &civil, bytes, true);
    fleet_apply(fleet);
}

static struct fleet_band band(const struct fleet *fleet, const char *zone, int64_t day, int hour)
{
    struct civil civil = make_civil(day, hour);
    return fleet_zone_band(fleet, zone, &civil);
}

static struct destination place(unsigned number)
{
    char name[32];
    snprintf(name, sizeof name, "p%05u.example", number);
    return make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, name);
}

static struct fleet_band band_to(const struct fleet *fleet, unsigned number, int64_t day)
{
    struct destination to = place(number);
    struct civil civil = make_civil(day, 9);
    return fleet_place_band(fleet, &to, &civil);
}

static int rising(const void *a, const void *b)
{
    const uint64_t *one = a, *other = b;
    return *one < *other ? -1 : *one > *other;
}

/* The smallest value up to which a share `q` of them lies. */
static uint64_t quantile_of(uint64_t *value, size_t count, double q)
{
    qsort(value, count, sizeof *value, rising);
    return value[(size_t)ceil(q * (double)count - 1e-9) - 1];
}

/* Each of its bin's edges is at most a quarter octave away. */
static void assert_band(struct fleet_band said, uint64_t low, uint64_t high)
{
    assert_true(said.known);
    assert_true(said.expected[0] <= low && (double)low < 1.1893 * (double)(said.expected[0] + 1));
    assert_true(said.expected[1] > high && (double)said.expected[1] <= 1.1893 * (double)(high + 1));
}

static void bands_are_quantiles(void **state)
{
    struct fleet *fleet = fleet_new();
    uint64_t value[50];
    size_t count = 0;
    (void)state;
    for (int day = 0; day < 5; day++)
        for (int hour = 8; hour < 18; hour++) {
            value[count] = sample_bytes((unsigned)count);
            put_hour(fleet, "office", MONDAY + day, hour, value[count++]);
        }
    struct fleet_band said = band(fleet, "office", MONDAY + 4, 9);
    assert_int_equal(said.hours, 50);
    assert_band(said, quantile_of(value, 50, 0.05), quantile_of(value, 50, 0.95));
    assert_false(band(fleet, "plant", MONDAY + 4, 9).known);
    fleet_free(fleet);
}

/* Nights are no working hours; of 19 nothing is said, of 20 it is. */
static void each_class_has_its_own(void **state)
{
    struct fleet *fleet = fleet_new();
    (void)state;
    for (int i = 0; i < FLEET_BAND_HOURS; i++) {
        struct fleet_band before = band(fleet, "office", MONDAY + 1, 23);
        assert_false(before.known);
        assert_int_equal(before.hours, i);
        assert_int_equal(before.expected[1], 0);
        put_hour(fleet, "office", MONDAY + i / 4, 20 + i % 4, 5000);
        put_hour(fleet, "office", MONDAY + i / 4, 8 + i % 4, 9000000);
    }
    assert_band(band(fleet, "office", MONDAY + 7, 23), 5000, 5000);
    assert_band(band(fleet, "office", MONDAY + 7, 9), 9000000, 9000000);
    assert_int_equal(band(fleet, "office", MONDAY + 5, 9).hours, 0); /* Saturday */
    fleet_free(fleet);
}

/* Both families; what is told of an hour's hosts adds up, and is seen when it is applied. */
static void hosts_add_up(void **state)
{
    static const char *const address[] = {"10.0.0.1", "10.0.0.2", "2001:db8::3"};
    struct fleet *fleet = fleet_new();
    struct profile *profile[3];
    struct destination shared = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, "a.example");
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct ip ip;
        assert_int_equal(ip_parse(address[i], &ip), 0);
        profile[i] = profile_new(&ip, MONDAY * 24);
        profile[i]->zone = i == 1 ? "plant" : "office";
    }
    for (int n = 0; n < FLEET_BAND_HOURS; n++) {
        int64_t day = MONDAY + n / 10;
        for (int i = 0; i < 3; i++)
            close_one(profile[i], day, 8 + n % 10, fleet, ROLE_CLIENT, "a.example", 1000);
        assert_int_equal(band(fleet, "office", day, 9).hours, n);
        fleet_apply(fleet);
    }
    struct civil civil = make_civil(MONDAY + 2, 9);
    assert_band(band(fleet, "office", MONDAY + 2, 9), 2000, 2000);
    assert_band(band(fleet, "plant", MONDAY + 2, 9), 1000, 1000);
    assert_band(fleet_place_band(fleet, &shared, &civil), 3000, 3000);
    for (int i = 0; i < 3; i++)
        profile_free(profile[i]);
    fleet_free(fleet);
}

/* One host is frozen, or withheld: the zone's hour is too small to be one, and so is the
 * destination's; others' are whole. When it sent nothing it misses nothing. */
static void an_hour_is_whole_or_not_learned(void **state)
{
    struct fleet *fleet = fleet_new();
    struct ip ip[2] = {make_host(1), make_host(2)};
    struct profile *profile[2];
    (void)state;
    for (int i = 0; i < 2; i++) {
        profile[i] = profile_new(&ip[i], MONDAY * 24);
        profile[i]->zone = "office";
    }
    for (int n = 0; n < 6; n++) {
        profile[1]->frozen = n == 1;
        profile[1]->withheld = n == 2;
        for (int i = 0; i < 2; i++)
            close_one(profile[i], MONDAY, 8 + n, fleet, ROLE_CLIENT, i ? "b.example" : "a.example",
                      i && n == 3 ? 0 : 1000);
        fleet_apply(fleet);
    }
    struct civil civil = make_civil(MONDAY, 14);
    struct destination a = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, "a.example"),
                       b = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, "b.example");
    assert_int_equal(band(fleet, "office", MONDAY, 14).hours, 4);
    assert_int_equal(fleet_place_band(fleet, &a, &civil).hours, 6);
    assert_int_equal(fleet_place_band(fleet, &b, &civil).hours, 3);
    profile_free(profile[0]);
    profile_free(profile[1]);
    fleet_free(fleet);
}

/* What was told of an hour that was never closed is in no other's sum. */
static void a_lost_hour_is_lost(void **state)
{
    struct fleet *fleet = fleet_new();
    struct civil lost = make_civil(MONDAY, 8);
    (void)state;
    fleet_note_zone(fleet, "office", &lost, 1 << 30, true);
    for (int n = 0; n < FLEET_BAND_HOURS; n++)
        put_hour(fleet, "office", MONDAY + 1 + n / 10, 8 + n % 10, 1000);
    assert_band(band(fleet, "office", MONDAY + 4, 9), 1000, 1000);
    fleet_free(fleet);
}

/* A single hour is not usual, whatever it sent; what was usual half a year ago is forgotten. */
static void the_past_fades(void **state)
{
    struct fleet *fleet = fleet_new();
    (void)state;
    for (int n = 0; n < 40; n++)
        put_hour(fleet, "office", MONDAY + n / 10, 8 + n % 10, 1000);
    put_hour(fleet, "office", MONDAY + 4, 8, UINT64_C(1) << 40);
    assert_band(band(fleet, "office", MONDAY + 4, 9), 1000, 1000);
    for (int n = 0; n < 40; n++)
        put_hour(fleet, "office", MONDAY + 70 + n / 10, 8 + n % 10, 100000);
    assert_band(band(fleet, "office", MONDAY + 74, 9), 1000, 100000); /* an 8th against 1 */
    put_hour(fleet, "plant", MONDAY + 70 + 28 * 7, 9, 1);
    assert_int_equal(band(fleet, "office", MONDAY + 70 + 28 * 7, 9).hours, 0);
    assert_int_equal(band(fleet, "plant", MONDAY + 70 + 28 * 7, 9).hours, 1);
    assert_int_equal(fleet_sums_given_way(fleet), 0); /* not for want of room */
    fleet_free(fleet);
}

static void put_places(struct fleet *fleet, int hour, unsigned from, unsigned count, uint64_t bytes,
                       bool backwards)
{
    struct civil civil = make_civil(MONDAY, hour);
    for (unsigned i = 0; i < count; i++) {
        struct destination to = place(from + (backwards ? count - 1 - i : i));
        fleet_note_place(fleet, &to, &civil, bytes, true);
    }
}

/* Where there is no room, who sent least gives way to whoever sent more than that in all, and to
 * nobody who sent less. */
static void the_lightest_gives_way(void **state)
{
    struct fleet *fleet = fleet_new();
    (void)state;
    put_places(fleet, 9, 0, FLEET_PLACES, 1000, false);
    fleet_apply(fleet);
    put_places(fleet, 10, 0, FLEET_PLACES - 2, 1000, false); /* the last two: 1,000 in all */
    put_places(fleet, 10, 5000, 1, 1000, false);             /* as much is not more */
    put_places(fleet, 10, 6000, 1, 3000, false);
    fleet_apply(fleet);
    assert_int_equal(fleet_sums_given_way(fleet), 1);
    assert_int_equal(band_to(fleet, 5000, MONDAY).hours, 0);
    assert_int_equal(band_to(fleet, 6000, MONDAY).hours, 1);
    assert_int_equal(band_to(fleet, FLEET_PLACES - 1, MONDAY).hours, 0);
    assert_int_equal(band_to(fleet, FLEET_PLACES - 2, MONDAY).hours, 1);
    assert_int_equal(band_to(fleet, 0, MONDAY).hours, 2);
    fleet_free(fleet);
}

static void assert_same(const struct fleet *one, const struct fleet *other)
{
    struct buffer blob = {0}, again = {0};
    fleet_pack(one, &blob);
    fleet_pack(other, &again);
    assert_int_equal(blob.size, again.size);
    assert_memory_equal(blob.data, again.data, blob.size);
    buffer_fini(&blob);
    buffer_fini(&again);
}

static struct fleet *crowded(bool backwards)
{
    struct fleet *fleet = fleet_new();
    put_places(fleet, 9, 0, 2 * FLEET_PLACES, 1000, backwards);
    fleet_apply(fleet);
    put_places(fleet, 10, 9000, 100, 5000, backwards);
    fleet_apply(fleet);
    return fleet;
}

/* Who comes first decides nothing: the same hour makes the same tables. */
static void the_order_of_hosts_is_nothing(void **state)
{
    struct fleet *one = crowded(false), *other = crowded(true);
    (void)state;
    assert_int_equal(fleet_sums_given_way(one), 100);
    assert_same(one, other);
    fleet_free(one);
    fleet_free(other);
}

/* Of an hour with more destinations than are summed those that were there are whole. */
static void an_hour_is_bounded(void **state)
{
    struct fleet *fleet = fleet_new();
    (void)state;
    put_places(fleet, 9, 0, FLEET_SUMS_OPEN + 7, 1000, false);
    put_places(fleet, 9, 0, 1, 1000000, false);
    fleet_apply(fleet);
    assert_int_equal(fleet_sums_refused(fleet), 7);
    assert_int_equal(band_to(fleet, 0, MONDAY).hours, 1);
    fleet_free(fleet);
}

/* --- the blob --------------------------------------------------------------------------------- */

static struct fleet *some(void)
{
    struct fleet *fleet = fleet_new();
    for (int n = 0; n < 40; n++) {
        put_hour(fleet, n % 2 ? "office" : "plant", MONDAY + n / 10, 8 + n % 10,
                 1000 + (uint64_t)n);
        put_places(fleet, 9, 7, 2, 12345, false);
    }
    fleet_apply(fleet);
    return fleet;
}

static void it_goes_on_from_a_blob(void **state)
{
    struct fleet *fleet = some();
    struct buffer blob = {0};
    (void)state;
    fleet_pack(fleet, &blob);
    struct fleet *back = fleet_unpack(blob.data, blob.size, NULL);
    assert_non_null(back);
    struct fleet_band one = band(fleet, "office", MONDAY + 7, 9),
                      other = band(back, "office", MONDAY + 7, 9);
    assert_true(one.known && other.known);
    assert_int_equal(one.hours, other.hours);
    assert_int_equal(one.expected[0], other.expected[0]);
    assert_int_equal(one.expected[1], other.expected[1]);
    put_hour(fleet, "office", MONDAY + 8, 9, 70000);
    put_hour(back, "office", MONDAY + 8, 9, 70000);
    assert_same(fleet, back);
    buffer_fini(&blob);
    fleet_free(fleet);
    fleet_free(back);
}

static void seal(struct buffer *blob, uint8_t schema)
{
    blob->data[2] = schema;
    uint64_t hash = hash64(blob->data + 12, blob->size - 12, SEED);
    for (unsigned i = 0; i < 8; i++)
        blob->data[4 + i] = (uint8_t)(hash >> 8 * i);
}

/* Two tables of an upload alone, without a count; behind them what all fuses to, trim, day,
 * expected, told, groups and clips. */
static void cut_upload_alone(struct buffer *blob)
{
    const size_t tail = 2 * EVIDENCE_SIDES + 8 + 1 + 8 + 8 + 3;
    memmove(blob->data + blob->size - tail - 2, blob->data + blob->size - tail, tail);
    blob->size -= 2;
}

/* It ends in front of the two tables, here without a row each. */
static void schema_6_is_taken_over(void **state)
{
    struct fleet *fleet = fleet_new();
    struct ip host = make_host(1);
    struct civil civil = make_civil(MONDAY, 9);
    struct buffer blob = {0};
    (void)state;
    fleet_note_host(fleet, &host, "", &civil, true, 1 << 20, 18.0, false);
    fleet_apply(fleet);
    fleet_pack(fleet, &blob);
    blob.size -= 2;
    seal(&blob, FLEET_SCHEMA);
    assert_null(fleet_unpack(blob.data, blob.size, NULL));
    cut_upload_alone(&blob);
    seal(&blob, 6);
    struct fleet *back = fleet_unpack(blob.data, blob.size, NULL);
    assert_non_null(back);
    assert_int_equal(fleet_hosts(back), 1);
    put_hour(back, "office", MONDAY, 9, 1000);
    assert_int_equal(band(back, "office", MONDAY, 9).hours, 1);
    buffer_fini(&blob);
    fleet_free(fleet);
    fleet_free(back);
}

/* Each byte made another one, under a checksum that fits: refused, or tables that can be used. */
static void any_byte_may_lie(void **state)
{
    struct fleet *fleet = some();
    struct buffer blob = {0};
    unsigned refused = 0;
    (void)state;
    fleet_pack(fleet, &blob);
    for (size_t i = 12; i < blob.size; i++)
        for (unsigned flip = 1; flip < 256; flip *= 128) {
            blob.data[i] ^= (uint8_t)flip;
            seal(&blob, FLEET_SCHEMA);
            struct fleet *back = fleet_unpack(blob.data, blob.size, NULL);
            refused += !back;
            if (back) {
                put_hour(back, "office", MONDAY + 1, 9, 1000);
                band(back, "plant", MONDAY + 1, 9);
            }
            fleet_free(back);
            blob.data[i] ^= (uint8_t)flip;
        }
    assert_true(refused > 100);
    buffer_fini(&blob);
    fleet_free(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bands_are_quantiles),    cmocka_unit_test(each_class_has_its_own),
        cmocka_unit_test(hosts_add_up),           cmocka_unit_test(an_hour_is_whole_or_not_learned),
        cmocka_unit_test(a_lost_hour_is_lost),    cmocka_unit_test(the_past_fades),
        cmocka_unit_test(the_lightest_gives_way), cmocka_unit_test(the_order_of_hosts_is_nothing),
        cmocka_unit_test(an_hour_is_bounded),     cmocka_unit_test(it_goes_on_from_a_blob),
        cmocka_unit_test(schema_6_is_taken_over), cmocka_unit_test(any_byte_may_lie),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
