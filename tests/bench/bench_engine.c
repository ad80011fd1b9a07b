/* The engine alone: bench_engine known|new|both RECORDS HOSTS [HOURS]. Flow records out of a ring
 * that was filled while the clock stood still, 4 MiB of them at a time; nobody decodes anything.
 *
 *   known   flows that were answered, of SERVICES named destinations a host, by chance
 *   new     each flow to a network of its own, and no answer: every record makes a pair and a story
 *   both    by turns
 *
 * Before that each host sends to all its services once: in each of HOURS hours, if so many are
 * given, which are learned (so that from LEARN_DAYS of them on hosts are judged by what they did),
 * else in the hour that is measured. All that is measured lies in one hour: no close is in it
 * (bench_hosts has that). It is a replay's engine; its store is a private redis-server, which is
 * asked for each host once, before.
 *
 * Prints records a second of the engine's processor time, of the round in the middle too, what a
 * host with its services and what a pair with its story take of resident memory, and how many
 * alerts there were. */
#include "../unit/engine/rig.h"

#include "../../sensor/engine/internal.h"
#include "../../sensor/engine/stories_kept.h"

#include "weir/base/pages.h"

#include <inttypes.h>
#include <sys/resource.h>
#include <time.h>

#define SERVICES   11u
#define NAMED      0xc6336400u /* 198.51.100.0, and behind it */
#define NAMES      100u
#define HOSTS_MAX  65536u
#define FLOWS_MAX  2000000u          /* networks of their own from 32.0.0.0 on */
#define WITHIN_NS  (50 * NS_PER_MIN) /* that all of an hour's flows begin and end in */
#define MARK       1024u             /* records between watermarks */
#define LEARN_DAYS 1
#define ROUNDS_MAX 4096u

struct bench {
    struct rig *rig;
    uint32_t hosts;
    int64_t hour_ns;       /* that is being pushed */
    uint64_t state;        /* of chance */
    uint64_t pushed;       /* flow records */
    double ns[ROUNDS_MAX]; /* a record, of each round */
    size_t rounds;
    double whole_ns;
};

static uint64_t chance(struct bench *bench)
{
    bench->state ^= bench->state << 13;
    bench->state ^= bench->state >> 7;
    bench->state ^= bench->state << 17;
    return bench->state;
}

static double processor_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* At the most so far: nothing here shrinks. */
static uint64_t resident_bytes(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)usage.ru_maxrss * 1024;
}

/* --- records ---------------------------------------------------------------------------------- */

static struct ip address(uint32_t number)
{
    return ip_from_v4((const uint8_t[4]){(uint8_t)(number >> 24), (uint8_t)(number >> 16),
                                         (uint8_t)(number >> 8), (uint8_t)number});
}

static struct flow_key make_key(const struct bench *bench, uint32_t host, uint32_t remote)
{
    return (struct flow_key){.orig_ip = address(0x0a000001u + host),
                             .resp_ip = address(remote),
                             .orig_port = (uint16_t)(1024 + bench->pushed % 60000),
                             .resp_port = 443,
                             .proto = 6};
}

static void make_known(struct bench *bench, union any_record *record, int64_t now_ns, uint32_t host,
                       uint32_t service)
{
    char text[64];
    uint32_t name = (host * 7 + service) % NAMES;
    struct flow_key key = make_key(bench, host, NAMED + name);
    make_flow(record, 0, now_ns, &key, 200 + chance(bench) % 4000, 1000 + chance(bench) % 60000);
    snprintf(text, sizeof text, "www.service%" PRIu32 ".jp", name);
    give_server_name(record, text);
}

/* A SYN. */
static void make_new(struct bench *bench, union any_record *record, int64_t now_ns, uint32_t host,
                     uint32_t number)
{
    struct flow_key key = make_key(bench, host, 0x20000000u + (number << 8));
    make_flow(record, 0, now_ns, &key, 0, 0);
    set_side(&record->flow, SIDE_ORIG, 0, 1);
    set_side(&record->flow, SIDE_RESP, 0, 0);
    record->flow.end = FLOW_END_IDLE;
    record->flow.flags = FLOW_ORIG_BY_SYN;
}

/* --- feeding ---------------------------------------------------------------------------------- */

static void consume(struct bench *bench)
{
    struct rig *rig = bench->rig;
    double before = processor_ns();
    const struct engine_counts *counts = engine_counts_of(rig->engine);
    uint64_t records = bench->pushed - counts->records[RECORD_FLOW];
    RIG_UNTIL(rig, counts->records[RECORD_FLOW] == bench->pushed);
    double took_ns = processor_ns() - before;
    bench->whole_ns += took_ns;
    if (records > 0 && bench->rounds < ROUNDS_MAX)
        bench->ns[bench->rounds++] = took_ns / (double)records;
}

/* Record and, if need be, watermark have room for sure, or what is there is consumed first. */
static void put(struct bench *bench, union any_record *record, uint64_t place)
{
    struct rig *rig = bench->rig;
    int64_t now_ns = record->header.time_ns;
    struct engine_ring ring = engine_ring_of(rig->engine, 0);
    bool full = ring.used + RECORD_MAX_BYTES > ring.size;
    rig_push(rig, 0, record);
    bench->pushed++;
    if (full || place % MARK == MARK - 1)
        rig_push_watermark(rig, 0, now_ns);
    if (full)
        consume(bench);
}

static void finish(struct bench *bench, int64_t now_ns)
{
    rig_push_watermark(bench->rig, 0, now_ns);
    consume(bench);
}

static int64_t time_of(const struct bench *bench, uint64_t place, uint64_t count)
{
    return bench->hour_ns + NS_PER_MIN +
           (int64_t)((double)WITHIN_NS * (double)place / (double)count);
}

/* Where names lead, then all hosts to all their services. */
static void visit_all(struct bench *bench)
{
    union any_record record;
    uint64_t count = (uint64_t)bench->hosts * SERVICES;
    for (uint32_t i = 0; i < NAMES; i++) {
        char name[64];
        struct ip ip = address(NAMED + i);
        snprintf(name, sizeof name, "www.service%" PRIu32 ".jp", i);
        make_question(&record, 0, bench->hour_ns + 2 * i, name);
        rig_push(bench->rig, 0, &record);
        make_answer(&record, 0, bench->hour_ns + 2 * i + 1, name, &ip, 1);
        rig_push(bench->rig, 0, &record);
    }
    for (uint64_t i = 0; i < count; i++) {
        make_known(bench, &record, time_of(bench, i, 10 * count), (uint32_t)(i % bench->hosts),
                   (uint32_t)(i / bench->hosts));
        put(bench, &record, i);
    }
    finish(bench, time_of(bench, 1, 10));
}

static void measure(struct bench *bench, const char *mix, uint64_t count)
{
    union any_record record;
    bench->hour_ns += 6 * NS_PER_MIN; /* behind the visits */
    bench->rounds = 0;
    bench->whole_ns = 0;
    for (uint64_t i = 0; i < count; i++) {
        bool known = *mix == 'k' || (*mix == 'b' && i % 2);
        uint32_t host = (uint32_t)(chance(bench) % bench->hosts);
        int64_t now_ns = time_of(bench, i, count + count / 8);
        if (known)
            make_known(bench, &record, now_ns, host, (uint32_t)(chance(bench) % SERVICES));
        else
            make_new(bench, &record, now_ns, host, (uint32_t)i);
        put(bench, &record, i);
    }
    finish(bench, time_of(bench, 1, 1));
}

/* --- telling ---------------------------------------------------------------------------------- */

static uint64_t story_bytes(const struct engine *engine)
{
    uint64_t bytes = engine->stories.awake * sizeof(struct open_story);
    size_t position = 0;
    for (const struct map_entry *e; (e = map_next(&engine->stories.map, &position)) != NULL;) {
        const struct story_entry *entry = e->value;
        bytes += sizeof *entry + entry->key_size + (entry->awake ? 0 : entry->thin_bytes);
    }
    return bytes;
}

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void tell(struct bench *bench, uint64_t count, uint64_t first, uint64_t begun,
                 uint64_t pairs)
{
    const struct engine *engine = bench->rig->engine;
    uint64_t more = totals_pairs(engine->totals) - pairs, now = resident_bytes();
    qsort(bench->ns, bench->rounds, sizeof *bench->ns, compare);
    printf("%.0f records a second, %.0f ns each; the median of %zu rounds %.0f ns\n",
           1e9 * (double)count / bench->whole_ns, bench->whole_ns / (double)count, bench->rounds,
           bench->ns[bench->rounds / 2]);
    printf("resident: %" PRIu64 " bytes a host with %u pairs", (begun - first) / bench->hosts,
           SERVICES);
    if (more > 0)
        printf(", %" PRIu64 " a further pair with its story", (now - begun) / more);
    printf("\nstories: %zu, %" PRIu64 " bytes each; pairs: %" PRIu64 "; alerts: %" PRIu64 "\n",
           engine->stories.map.count, story_bytes(engine) / engine->stories.map.count,
           totals_pairs(engine->totals), engine->counts.alerts);
}

static void run(struct bench *bench, const char *mix, uint64_t count, int hours)
{
    struct engine *engine = bench->rig->engine;
    if (hours > 0)
        engine->config.detect.learn_days = LEARN_DAYS;
    engine_begin(engine, NULL);
    uint64_t first = resident_bytes();
    for (int i = 0; i < hours; i++, bench->hour_ns += NS_PER_HOUR)
        visit_all(bench);
    visit_all(bench);
    uint64_t begun = resident_bytes(), pairs = totals_pairs(engine->totals);
    measure(bench, mix, count);
    tell(bench, count, first, begun, pairs);
}

int main(int argc, char **argv)
{
    struct bench bench = {.hour_ns = MONDAY_8, .state = UINT64_C(88172645463325252)};
    uint64_t count = argc > 3 ? strtoull(argv[2], NULL, 10) : 0;
    bench.hosts = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0;
    if (count == 0 || !strchr("knb", *argv[1]) || count > FLOWS_MAX || bench.hosts == 0 ||
        bench.hosts > HOSTS_MAX) {
        fprintf(stderr, "usage: bench_engine known|new|both RECORDS HOSTS [HOURS]\n");
        return 2;
    }
    pages_heap();
    bench.rig = rig_open(1, bench.hosts);
    bench.rig->checkpoint = true; /* its observer looks at nothing */
    run(&bench, argv[1], count, argc > 4 ? atoi(argv[4]) : 0);
    rig_close(bench.rig);
    return 0;
}
