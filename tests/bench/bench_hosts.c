/* Many hosts in a store: bench_hosts URL put|close HOSTS PAIRS. tests/bench/hosts runs it.
 *
 *   put    writes HOSTS profiles of PAIRS destinations (two weeks of office hours) and each host's
 *          open totals of the hour behind them; prints the bytes of a profile, packed and unpacked
 *   close  closes that hour for all of them, as the engine of a live sensor that holds none of them
 *          does: lease, then gather, learn, pack, put, 128 under way, the tables, cleaning. That is
 *          the first hour of a day, which ends the day before of every pair; the next two are not,
 *          and are closed likewise. Prints host-hours a second and the processor time of each,
 *          a line an hour */
#include "../unit/baseline/make.h"

#include "weir/base/buffer.h"
#include "weir/baseline/fleet.h"
#include "weir/baseline/store_close.h"
#include "weir/bus/event_loop.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SHAPES 16 /* profiles that are made; every host gets one of them */
#define DAYS   14
#define ACTIVE 12 /* destinations of an hour */
#define WINDOW 128
#define KEEP   1024 /* hosts behind which the lease is renewed */
#define HOURS  3

struct bench {
    struct loop_ref loop;
    struct store *store;
    struct fleet *fleet;
    unsigned hosts, pairs, asked, done, cleaned;
    int64_t closed;
    struct civil civil;
};

static void stop(void *context)
{
    struct bench *bench = context;
    bench->loop.ops->stop(bench->loop.loop);
}

static void give_up(void *context, const struct error *error)
{
    (void)context;
    fprintf(stderr, "%s\n", error->message);
    exit(1);
}

/* The lease was lost (a machine so slow that 15 s pass), or the store is not as `put` left it. */
static _Noreturn void fail(const char *where)
{
    fprintf(stderr, "bench_hosts: refused in %s\n", where);
    exit(1);
}

static uint64_t random_bits(void)
{
    static uint64_t state = 88172645463325252U;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static struct host_total *make_hour(const struct ip *ip, unsigned pairs, int64_t hour)
{
    struct host_total *total = host_total_new(ip, hour);
    for (unsigned i = 0; i < ACTIVE; i++) {
        char name[64];
        snprintf(name, sizeof name, "service%u.example", (unsigned)(random_bits() % pairs));
        struct destination destination = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, name);
        uint64_t bytes = (uint64_t)exp2(8 + (double)(random_bits() % 1400) / 100);
        totals_add(total, &destination, exactly(bytes), 100, 1);
    }
    return total;
}

static struct profile *make_profile(unsigned pairs)
{
    struct ip ip = make_host(1);
    struct profile *profile = profile_new(&ip, MONDAY * 24);
    for (int hour = 0; hour < DAYS * 24; hour++) {
        struct civil civil = make_civil(MONDAY + hour / 24, hour % 24);
        bool works = hour % 24 >= 8 && hour % 24 < 18;
        struct host_total *total =
            works ? make_hour(&ip, pairs, civil.hour) : host_total_new(&ip, civil.hour);
        profile_close_hour(profile, total, &civil, NULL);
        host_total_free(total);
    }
    return profile;
}

static void drain(struct bench *bench, size_t most)
{
    while (store_pending(bench->store) > most) {
        struct loop_watch *timer =
            bench->loop.ops->timer(bench->loop.loop, NS_PER_MS / 4, stop, bench);
        bench->loop.ops->run(bench->loop.loop);
        bench->loop.ops->drop(timer);
    }
}

static void put(struct bench *bench)
{
    struct profile *shape[SHAPES];
    size_t packed = 0, unpacked = 0;
    for (unsigned i = 0; i < SHAPES; i++)
        shape[i] = make_profile(bench->pairs);
    for (unsigned i = 0; i < bench->hosts; i++) {
        struct profile *profile = shape[i % SHAPES];
        struct buffer blob = {0};
        profile->host = make_host(i);
        profile_pack(profile, &blob);
        store_put_profile(bench->store, &profile->host, INT64_MIN, profile->last_closed_hour,
                          blob.data, blob.size, NULL, NULL);
        struct host_total *total = make_hour(&profile->host, bench->pairs, bench->civil.hour);
        if (!getenv("BENCH_NO_TOTALS"))
            store_put_open(bench->store, total);
        host_total_free(total);
        packed += blob.size;
        unpacked += profile_bytes(profile);
        buffer_fini(&blob);
        drain(bench, WINDOW);
    }
    drain(bench, 0);
    printf("%zu packed %zu unpacked\n", packed / bench->hosts, unpacked / bench->hosts);
    for (unsigned i = 0; i < SHAPES; i++)
        profile_free(shape[i]);
}

/* --- closing ---------------------------------------------------------------------------------- */

static void on_cleaned(void *context)
{
    struct bench *bench = context;
    if (++bench->cleaned == bench->hosts)
        stop(bench);
    if (bench->asked == bench->hosts)
        return;
    struct ip ip = make_host(bench->asked++);
    store_clean_hour(bench->store, &ip, bench->civil.hour, on_cleaned, bench);
}

static void on_closed(void *context, enum store_put result)
{
    struct bench *bench = context;
    if (result != STORE_PUT)
        fail(__func__);
    bench->closed = bench->civil.hour;
    for (bench->asked = 0; bench->asked < bench->hosts && bench->asked < WINDOW; bench->asked++) {
        struct ip ip = make_host(bench->asked);
        store_clean_hour(bench->store, &ip, bench->civil.hour, on_cleaned, bench);
    }
}

static void put_tables(struct bench *bench)
{
    struct buffer blob = {0};
    fleet_apply(bench->fleet);
    fleet_pack(bench->fleet, &blob);
    store_close_hour(bench->store, bench->closed, 0, bench->civil.hour, blob.data, blob.size,
                     on_closed, bench);
    buffer_fini(&blob);
}

static void ask(struct bench *bench);

static void on_put(void *context, const struct ip *host, enum store_put result)
{
    struct bench *bench = context;
    (void)host;
    if (result != STORE_PUT)
        fail(__func__);
    if (++bench->done == bench->hosts)
        put_tables(bench);
    else
        ask(bench);
}

static void on_gathered(void *context, const struct store_gathered *gathered)
{
    struct bench *bench = context;
    struct buffer blob = {0};
    struct profile *profile = profile_unpack(gathered->blob, gathered->size, NULL);
    if (!profile || !gathered->sum)
        fail(__func__);
    profile_close_packed(profile, gathered->sum, &bench->civil, bench->fleet, &blob);
    struct store_learned learned = {.host = gathered->host,
                                    .base = gathered->closed,
                                    .edits = gathered->edits,
                                    .hour = bench->civil.hour,
                                    .blob = blob.data,
                                    .size = blob.size};
    store_put_learned(bench->store, &learned, on_put, bench);
    host_total_free(gathered->sum);
    profile_free(profile);
    buffer_fini(&blob);
}

static void ask(struct bench *bench)
{
    for (; bench->asked < bench->hosts && bench->asked - bench->done < WINDOW; bench->asked++) {
        struct ip ip = make_host(bench->asked);
        store_gather(bench->store, &ip, bench->civil.hour, STORE_NO_HOUR, 0, on_gathered, bench);
        if (bench->asked % KEEP == KEEP - 1)
            store_keep_lease(bench->store);
    }
}

static void on_turn(void *context, const struct store_turn *turn)
{
    struct bench *bench = context;
    if (!turn->granted || turn->hour != bench->civil.hour)
        fail(__func__);
    bench->asked = bench->done = bench->cleaned = 0;
    ask(bench);
}

static double seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void put_totals(struct bench *bench)
{
    for (unsigned i = 0; i < bench->hosts; i++) {
        struct ip ip = make_host(i);
        struct host_total *total = make_hour(&ip, bench->pairs, bench->civil.hour);
        store_put_open(bench->store, total);
        host_total_free(total);
        drain(bench, WINDOW);
    }
    drain(bench, 0);
}

static void close_all(struct bench *bench)
{
    bench->fleet = fleet_new();
    bench->closed = STORE_NO_HOUR;
    for (int i = 0; i < HOURS; i++) {
        bench->civil = make_civil(MONDAY + DAYS, 8 + i);
        if (i > 0)
            put_totals(bench);
        double wall = seconds(CLOCK_MONOTONIC), used = seconds(CLOCK_PROCESS_CPUTIME_ID);
        store_ask_turn(bench->store, bench->civil.hour, true, on_turn, bench);
        bench->loop.ops->run(bench->loop.loop);
        wall = seconds(CLOCK_MONOTONIC) - wall;
        used = seconds(CLOCK_PROCESS_CPUTIME_ID) - used;
        printf("%.0f host-hours a second, %.1f us of processor each%s\n", bench->hosts / wall,
               1e6 * used / bench->hosts, i == 0 ? " (a day's first hour)" : "");
        fflush(stdout);
    }
    fleet_free(bench->fleet);
}

int main(int argc, char **argv)
{
    static const struct store_events events = {stop, give_up};
    struct error error = {0};
    if (argc != 5)
        return 2;
    struct bench bench = {.loop = event_loop_new(&error),
                          .hosts = (unsigned)atoi(argv[3]),
                          .pairs = (unsigned)atoi(argv[4]),
                          .civil = make_civil(MONDAY + DAYS, 8)};
    struct store_config config = {.url = argv[1], .prefix = "weir-bench", .sensor = "bench"};
    bench.store = store_open(&config, bench.loop, &events, &bench, &error);
    if (!bench.store)
        give_up(NULL, &error);
    bench.loop.ops->run(bench.loop.loop);
    if (strcmp(argv[2], "put") == 0)
        put(&bench);
    else
        close_all(&bench);
    store_free(bench.store);
    event_loop_free(bench.loop);
    return 0;
}
