/* Every capture there is, damaged in every way that is small: cut at each snap length from 0 to
 * 200, the file cut at each byte of its first 4 KiB, bits flipped. No process a case: a file goes
 * through capture/source.c on a memfd, packets through struct worker (decode, flow, content,
 * records).
 *
 * Held: no crash, no sanitizer report, no hang (alarm); every record is valid and in its order;
 * what is told of a flow bit by bit is what is told of it in the end; and no count is above the
 * whole's:
 *
 *   always         packets read and their wire bytes never exceed the capture's; over all flows,
 *                  payload <= ip bytes <= wire bytes <= wire bytes read
 *   file cut       what is read is a beginning of the whole: each connection's packets, wire, ip
 * and payload bytes are at most the whole's, and payload + missing (its `high`) at most one more a
 * side: an acknowledged FIN that comes later was no byte snap length    bytes go by IP lengths, so
 * packets and wire bytes read are the whole's, and each TCP connection's payload at most what it
 * carried, with its retransmissions: headers that were cut off may hide that a segment was one
 *   flipped bits   packets and wire bytes read are the whole's, and all payload together at most
 * the whole's, its retransmissions (a flow that is split forgets them) and the packets that were
 * flipped
 *
 * One case in 100, or all with WEIR_TEST_ALL (tests/run --long); without the shared captures only
 * the shipped ones. Every case is made from its number, so a failure names what to look at. */
#include "tally.h"

#include "weir/capture/source.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define SNAPS      201  /* 0 to 200 */
#define FILE_CUTS  4096 /* 0 to 4095 */
#define FLIPS      200
#define FLIP_EVERY 64   /* one packet in so many has a bit flipped */
#define FLIP_MOST  4000 /* packets of a capture that are read for flips */
#define STEP       100
#define PATIENCE_S 120

static char *path_of[1024];
static size_t path_count;
static char label[512]; /* the case in hand, for whoever reads a failure */

struct capture_kept { /* a capture in memory */
    struct buffer file;
    struct packet_raw *packet;
    uint8_t **data; /* the packets' */
    size_t count, room;
};

/* --- captures --------------------------------------------------------------------------------- */

static int note_path(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)where;
    const char *dot = strrchr(path, '.');
    bool text = !dot || strcmp(dot, ".tsv") == 0 || strcmp(dot, ".md") == 0 ||
                strcmp(dot, ".py") == 0 || strcmp(dot, ".json") == 0 || strcmp(dot, ".yaml") == 0;
    if (kind == FTW_F && !text && path_count < sizeof path_of / sizeof *path_of)
        path_of[path_count++] = xstrdup(path);
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void find_captures(void)
{
    char path[4096];
    const char *source = getenv("WEIR_SOURCE"), *shared = getenv("WEIR_TEST_PCAPS");
    snprintf(path, sizeof path, "%s/pcaps", source ? source : ".");
    nftw(path, note_path, 16, 0);
    size_t shipped = path_count;
    snprintf(path, sizeof path, "%s/../shared/pcaps", source ? source : ".");
    nftw(shared && *shared ? shared : path, note_path, 16, 0);
    if (path_count == shipped)
        printf("skipped: the shared captures are not here; %zu shipped ones are\n", shipped);
    qsort(path_of, path_count, sizeof *path_of, by_name);
}

static bool file_load(const char *path, struct buffer *bytes)
{
    uint8_t piece[65536];
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    for (size_t got; (got = fread(piece, 1, sizeof piece, file)) > 0;)
        buffer_put(bytes, piece, got);
    fclose(file);
    return true;
}

static struct source *open_bytes(const uint8_t *bytes, size_t size)
{
    struct error error = {0};
    struct source_options options = {.digest = false};
    int fd = memfd_create("capture", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return source_open("capture", fd, &options, &error);
}

static void keep_packet(struct capture_kept *kept, const struct packet_raw *raw)
{
    if (kept->count == kept->room) {
        kept->room = kept->room ? 2 * kept->room : 256;
        kept->packet = xrealloc(kept->packet, kept->room * sizeof *kept->packet);
        kept->data = xrealloc(kept->data, kept->room * sizeof *kept->data);
    }
    /* Each packet in memory of its own size, so that a sanitizer sees a read beyond it. */
    uint8_t *data = malloc(raw->captured ? raw->captured : 1);
    assert_non_null(data);
    memcpy(data, raw->data, raw->captured);
    kept->packet[kept->count] = *raw;
    kept->packet[kept->count].data = kept->data[kept->count] = data;
    kept->count++;
}

/* False: not a capture (some are damaged on purpose; then there is nothing to be above of). */
static bool capture_load(const char *path, struct capture_kept *kept)
{
    struct error error = {0};
    struct packet_raw raw;
    *kept = (struct capture_kept){0};
    if (!file_load(path, &kept->file))
        return false;
    struct source *source = open_bytes(kept->file.data, kept->file.size);
    if (!source)
        return false;
    while (source_next(source, &raw, &error) == SOURCE_PACKET)
        keep_packet(kept, &raw);
    source_free(source);
    return true;
}

static void capture_drop(struct capture_kept *kept)
{
    for (size_t i = 0; i < kept->count; i++)
        free(kept->data[i]);
    free(kept->data);
    free(kept->packet);
    buffer_fini(&kept->file);
}

/* --- what is held of every reading ------------------------------------------------------------ */

static void expect(bool holds, const char *what, uint64_t is, uint64_t bound)
{
    if (!holds)
        fail_msg("%s: %s: %llu, expected at most %llu", label, what, (unsigned long long)is,
                 (unsigned long long)bound);
}

static void at_most(const char *what, uint64_t is, uint64_t bound)
{
    expect(is <= bound, what, is, bound);
}

static void hold_always(const struct tally *tally, uint64_t packets, uint64_t wire_bytes)
{
    const struct side_counts *all = &tally->all;
    size_t at = 0;
    at_most("packets read", tally->health.packets, packets);
    at_most("wire bytes read", tally->health.wire_bytes, wire_bytes);
    at_most("wire bytes of flows", all->wire_bytes, tally->health.wire_bytes);
    at_most("ip bytes", all->ip_bytes, all->wire_bytes);
    at_most("payload", all->payload_bytes, all->ip_bytes);
    at_most("acknowledged", all->acked_bytes, all->payload_bytes);
    for (const struct map_entry *e; (e = map_next(&tally->ends, &at)) != NULL;) {
        const struct sums *sums = e->value;
        uint64_t payload = sums->side[0].payload_bytes + sums->side[1].payload_bytes;
        uint64_t missing = sums->side[0].missing_bytes + sums->side[1].missing_bytes;
        expect(sums->payload == (int64_t)payload, "payload told in parts", (uint64_t)sums->payload,
               payload);
        expect(sums->missing == (int64_t)missing, "missing told in parts", (uint64_t)sums->missing,
               missing);
    }
}

static const struct sums *same_ends(const struct tally *whole, const struct map_entry *entry)
{
    static const struct sums none;
    const struct sums *sums = map_get(&whole->ends, entry->key, entry->key_size);
    return sums ? sums : &none;
}

static void hold_beginning(const struct tally *part, const struct tally *whole)
{
    size_t at = 0;
    if (part->health.fragments_given_up > whole->health.fragments_given_up)
        return; /* told without the ports that the whole's have */
    for (const struct map_entry *e; (e = map_next(&part->ends, &at)) != NULL;) {
        const struct sums *is = e->value, *bound = same_ends(whole, e);
        for (int side = 0; side < 2; side++) {
            const struct side_counts *a = &is->side[side], *b = &bound->side[side];
            at_most("a connection's packets", a->packets, b->packets);
            at_most("a connection's wire bytes", a->wire_bytes, b->wire_bytes);
            at_most("a connection's ip bytes", a->ip_bytes, b->ip_bytes);
            at_most("a connection's payload", a->payload_bytes, b->payload_bytes);
            at_most("a connection's payload and missing", a->payload_bytes + a->missing_bytes,
                    b->payload_bytes + b->missing_bytes + 1);
        }
    }
}

static void hold_carried(const struct tally *cut, const struct tally *whole)
{
    size_t at = 0;
    for (const struct map_entry *e; (e = map_next(&cut->ends, &at)) != NULL;) {
        const struct ends *ends = (const struct ends *)(const void *)e->key;
        const struct sums *is = e->value, *bound = same_ends(whole, e);
        if (ends->proto != PROTO_TCP || (ends->port[0] | ends->port[1]) == 0)
            continue; /* without ports: fragments, which a cut may keep from being put together */
        for (int side = 0; side < 2; side++)
            at_most("a TCP connection's payload", is->side[side].payload_bytes,
                    bound->side[side].payload_bytes + bound->side[side].retransmitted_bytes);
    }
}

/* --- cases ------------------------------------------------------------------------------------ */

static void read_kept(const struct capture_kept *kept, uint32_t snap, struct tally *tally)
{
    struct bench bench;
    bench_begin(&bench, tally, kept->count);
    for (size_t i = 0; i < kept->count; i++) {
        struct packet_raw raw = kept->packet[i];
        raw.captured = raw.captured < snap ? raw.captured : snap;
        bench_packet(&bench, tally, &raw);
    }
    bench_end(&bench, tally);
}

static void case_snap(const struct capture_kept *kept, const struct tally *whole, unsigned number)
{
    struct tally tally;
    read_kept(kept, number, &tally);
    hold_always(&tally, whole->health.packets, whole->health.wire_bytes);
    assert_int_equal(tally.health.packets, whole->health.packets);
    assert_int_equal(tally.health.wire_bytes, whole->health.wire_bytes);
    hold_carried(&tally, whole);
    tally_end(&tally);
}

static void case_file(const struct capture_kept *kept, const struct tally *whole, unsigned number)
{
    struct error error = {0};
    struct packet_raw raw;
    struct tally tally;
    struct bench bench;
    if (number >= kept->file.size)
        return;
    struct source *source = open_bytes(kept->file.data, number);
    if (!source)
        return;
    bench_begin(&bench, &tally, kept->count < 4096 ? kept->count : 4096);
    while (source_next(source, &raw, &error) == SOURCE_PACKET)
        bench_packet(&bench, &tally, &raw);
    bench_end(&bench, &tally);
    source_free(source);
    hold_always(&tally, whole->health.packets, whole->health.wire_bytes);
    hold_beginning(&tally, whole);
    tally_end(&tally);
}

/* xorshift64*: any seed but 0. */
static uint64_t draw(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

/* Half of the flips hit the first 80 bytes, where the headers are. */
static void flip_bit(uint8_t *data, uint32_t size, uint64_t *seed)
{
    uint64_t reach = draw(seed) & 1 && size > 80 ? 80 : size;
    uint64_t at = draw(seed) % reach;
    data[at] ^= (uint8_t)(1u << (draw(seed) & 7));
}

/* `whole` is of as many packets as are read here. */
static void case_flip(const struct capture_kept *kept, const struct tally *whole, unsigned number)
{
    struct tally tally;
    struct bench bench;
    uint64_t seed = UINT64_C(0x9e3779b97f4a7c15) * (number + 1), flipped = 0;
    unsigned phase = (unsigned)(draw(&seed) % FLIP_EVERY);
    size_t count = kept->count < FLIP_MOST ? kept->count : FLIP_MOST;
    if (count < FLIP_EVERY && count > 0)
        phase = (unsigned)(draw(&seed) % count);
    bench_begin(&bench, &tally, count);
    for (size_t i = 0; i < count; i++) {
        struct packet_raw raw = kept->packet[i];
        uint8_t *copy = NULL;
        if (i % FLIP_EVERY == phase && raw.captured > 0) {
            copy = malloc(raw.captured);
            assert_non_null(copy);
            memcpy(copy, raw.data, raw.captured);
            flip_bit(copy, raw.captured, &seed);
            raw.data = copy;
            flipped += raw.wire_bytes;
        }
        bench_packet(&bench, &tally, &raw);
        free(copy);
    }
    bench_end(&bench, &tally);
    hold_always(&tally, whole->health.packets, whole->health.wire_bytes);
    assert_int_equal(tally.health.packets, whole->health.packets);
    at_most("payload of all flows", tally.all.payload_bytes,
            whole->all.payload_bytes + whole->all.retransmitted_bytes + flipped);
    tally_end(&tally);
}

/* --- all of them ------------------------------------------------------------------------------ */

typedef void run_case(const struct capture_kept *kept, const struct tally *whole, unsigned number);

static void run_cases(const char *kind, const char *path, const struct capture_kept *kept,
                      run_case *run, unsigned cases)
{
    static uint64_t turn; /* over all captures, so that each has other ones skipped */
    static int all = -1;
    struct capture_kept first = *kept;
    struct tally whole;
    if (all < 0)
        all = getenv("WEIR_TEST_ALL") != NULL;
    if (run == case_flip && first.count > FLIP_MOST)
        first.count = FLIP_MOST;
    snprintf(label, sizeof label, "%s, whole", path);
    read_kept(&first, UINT32_MAX, &whole);
    hold_always(&whole, UINT64_MAX, UINT64_MAX);
    for (unsigned number = 0; number < cases; number++) {
        if (turn++ % STEP != 0 && !all)
            continue;
        snprintf(label, sizeof label, "%s, %s %u", path, kind, number);
        alarm(PATIENCE_S);
        run(kept, &whole, number);
    }
    alarm(0);
    tally_end(&whole);
}

static void over_all(const char *kind, run_case *run, unsigned cases)
{
    size_t captures = 0, packets = 0;
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (size_t i = 0; i < path_count; i++) {
        struct capture_kept kept;
        if (capture_load(path_of[i], &kept)) {
            run_cases(kind, path_of[i], &kept, run, cases);
            captures++;
            packets += kept.count;
        }
        capture_drop(&kept);
    }
    clock_gettime(CLOCK_MONOTONIC, &to);
    printf("%s: %zu captures of %zu packets in all, %u cases each, one in %d: %.1f s\n", kind,
           captures, packets, cases, getenv("WEIR_TEST_ALL") ? 1 : STEP,
           (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9);
    assert_true(captures > 0);
}

static void test_snap_lengths(void **state)
{
    (void)state;
    over_all("snap length", case_snap, SNAPS);
}

static void test_file_cuts(void **state)
{
    (void)state;
    over_all("file cut at byte", case_file, FILE_CUTS);
}

static void test_flipped_bits(void **state)
{
    (void)state;
    over_all("flipped bits, seed", case_flip, FLIPS);
}

/* Headers fit: nothing may be lost to the snap length, whatever is missing of the payload. */
static void test_a_cut_packet_counts_whole(void **state)
{
    size_t connections = 0, changed = 0;
    (void)state;
    for (size_t i = 0; i < path_count; i++) {
        struct capture_kept kept;
        struct tally whole, cut;
        size_t at = 0;
        if (capture_load(path_of[i], &kept)) {
            read_kept(&kept, UINT32_MAX, &whole);
            read_kept(&kept, SNAPS - 1, &cut);
            for (const struct map_entry *e; (e = map_next(&whole.ends, &at)) != NULL;) {
                const struct sums *is = same_ends(&cut, e), *was = e->value;
                if (((const struct ends *)(const void *)e->key)->proto != PROTO_TCP)
                    continue;
                connections++;
                changed += is->side[0].payload_bytes != was->side[0].payload_bytes ||
                           is->side[1].payload_bytes != was->side[1].payload_bytes;
            }
            tally_end(&whole);
            tally_end(&cut);
        }
        capture_drop(&kept);
    }
    printf("cut at %d bytes: %zu of %zu TCP connections count otherwise\n", SNAPS - 1, changed,
           connections);
    assert_true(connections > 0 && changed * 200 <= connections);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_cut_packet_counts_whole),
        cmocka_unit_test(test_snap_lengths),
        cmocka_unit_test(test_file_cuts),
        cmocka_unit_test(test_flipped_bits),
    };
    find_captures();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    while (path_count > 0)
        free(path_of[--path_count]);
    return failed;
}
