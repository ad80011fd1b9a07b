/* Packets held for evidence: what was put comes out, in order, once; what was overwritten is
 * counted, also while it is read; a file that somebody scribbled over yields nothing that was not
 * whole. */
#include "../../../sensor/record/evidence_ring.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEGMENT  HELD_SEGMENT_MIN
#define SEGMENTS 4u
#define START    INT64_C(1772438400000000000) /* 2026-03-02 08:00 UTC */
#define MADE     (START - 7)

struct ring_case {
    char folder[64], path[96];
    int fd;
    struct evidence_ring *writer;
    struct evidence_reader *reader;
    struct error error;
};

static int setup(void **state)
{
    struct ring_case *c = calloc(1, sizeof *c);
    assert_non_null(c);
    snprintf(c->folder, sizeof c->folder, "/tmp/weir-held.XXXXXX");
    assert_non_null(mkdtemp(c->folder));
    snprintf(c->path, sizeof c->path, "%s/worker-0", c->folder);
    c->fd = evidence_ring_create(c->path, SEGMENT * SEGMENTS, &c->error);
    assert_true(c->fd >= 0);
    c->writer = evidence_ring_open(c->fd, SEGMENT, (struct ptime){MADE}, &c->error);
    assert_non_null(c->writer);
    c->reader = evidence_reader_open(c->path, SEGMENT, &c->error);
    assert_non_null(c->reader);
    *state = c;
    return 0;
}

static int teardown(void **state)
{
    struct ring_case *c = *state;
    evidence_reader_close(c->reader);
    evidence_ring_close(c->writer);
    close(c->fd);
    unlink(c->path);
    rmdir(c->folder);
    free(c);
    return 0;
}

/* Packet n says n all over. */
static void put(struct evidence_ring *writer, uint32_t n, uint32_t kept)
{
    static uint8_t data[HELD_BYTES_MAX + 8];
    memset(data, (int)n, sizeof data);
    struct held_packet packet = {.time = {START + n},
                                 .wire_bytes = kept + 100,
                                 .kept = kept,
                                 .link = 1,
                                 .interface = 2,
                                 .data = data};
    packet.key.orig_port = (uint16_t)n;
    evidence_ring_put(writer, &packet);
}

struct seen {
    uint64_t count, first, last;
};

static void on_packet(void *context, const struct held_packet *packet)
{
    struct seen *seen = context;
    uint64_t n = (uint64_t)(packet->time.ns - START);
    for (uint32_t i = 0; i < packet->kept; i++)
        assert_int_equal(packet->data[i], n & 0xff);
    assert_int_equal(packet->key.orig_port, n & 0xffff);
    assert_true(seen->count == 0 || n > seen->last);
    if (seen->count == 0)
        seen->first = n;
    seen->last = n;
    seen->count++;
}

static void test_all_comes_out_once(void **state)
{
    struct ring_case *c = *state;
    struct held_place place = {0, 0, 0};
    struct held_loss loss = {0, 0};
    struct seen seen = {0, 0, 0};
    evidence_reader_each(c->reader, &place, NULL, on_packet, &seen, &loss);
    assert_int_equal(seen.count, 0);
    for (uint32_t n = 0; n < 500; n++) {
        put(c->writer, n, n % 300); /* some with none, some of odd sizes */
        if (n % 7 == 0)
            evidence_reader_each(c->reader, &place, NULL, on_packet, &seen, &loss);
    }
    evidence_reader_each(c->reader, &place, NULL, on_packet, &seen, &loss);
    assert_int_equal(seen.count, 500);
    assert_int_equal(loss.overwritten + loss.damaged, 0);
    assert_int_equal(evidence_reader_oldest(c->reader).ns, MADE);
    struct held_place end = evidence_reader_end(c->reader);
    assert_int_equal(end.number, place.number);
    assert_int_equal(evidence_ring_counts(c->writer).packets, 500);
}

static void test_what_was_overwritten_is_counted(void **state)
{
    struct ring_case *c = *state;
    struct held_place place = {0, 0, 0}, behind;
    struct held_loss loss = {0, 0};
    struct seen seen = {0, 0, 0};
    put(c->writer, 0, 100);
    evidence_reader_each(c->reader, &place, NULL, on_packet, &seen, &loss);
    behind = place;
    for (uint32_t n = 1; n < 3000; n++)
        put(c->writer, n, 1000);
    struct held_counts counts = evidence_ring_counts(c->writer);
    assert_true(counts.overwritten_packets > 2000);
    evidence_reader_each(c->reader, &behind, NULL, on_packet, &seen, &loss);
    assert_int_equal(seen.last, 2999);
    assert_int_equal(seen.count + loss.overwritten, 3000);
    assert_int_equal(loss.overwritten + 1, counts.overwritten_packets); /* the first was read */
    assert_int_equal(evidence_reader_oldest(c->reader).ns, counts.oldest_ns);
    assert_true(counts.oldest_ns > START);
}

static void test_until_a_place(void **state)
{
    struct ring_case *c = *state;
    struct held_place begin = {0, 0, 0}, until;
    struct held_loss loss = {0, 0};
    struct seen seen = {0, 0, 0};
    for (uint32_t n = 0; n < 100; n++)
        put(c->writer, n, 1000);
    until = evidence_reader_end(c->reader);
    for (uint32_t n = 100; n < 150; n++)
        put(c->writer, n, 1000);
    evidence_reader_each(c->reader, &begin, &until, on_packet, &seen, &loss);
    assert_int_equal(seen.count, 100);
    assert_int_equal(begin.number, until.number);
    evidence_reader_each(c->reader, &until, NULL, on_packet, &seen, &loss);
    assert_int_equal(seen.count, 150);
}

static void test_a_successor_goes_on(void **state)
{
    struct ring_case *c = *state;
    struct held_place place = {0, 0, 0};
    struct held_loss loss = {0, 0};
    struct seen seen = {0, 0, 0};
    for (uint32_t n = 0; n < 10; n++)
        put(c->writer, n, 50);
    evidence_ring_close(c->writer);
    close(c->fd);
    c->fd = evidence_ring_create(c->path, SEGMENT * SEGMENTS, &c->error);
    c->writer = evidence_ring_open(c->fd, SEGMENT, (struct ptime){START}, &c->error);
    for (uint32_t n = 10; n < 20; n++)
        put(c->writer, n, 50);
    evidence_reader_each(c->reader, &place, NULL, on_packet, &seen, &loss);
    assert_int_equal(seen.count, 20);
    assert_int_equal(loss.overwritten, 0);
    assert_int_equal(evidence_reader_oldest(c->reader).ns, MADE); /* it is the same ring */
}

static void test_sizes(void **state)
{
    struct ring_case *c = *state;
    struct held_place place = {0, 0, 0};
    struct held_loss loss = {0, 0};
    struct seen seen = {0, 0, 0};
    struct stat st;
    put(c->writer, 1, HELD_BYTES_MAX + 1); /* more than a segment: cut to it */
    evidence_reader_each(c->reader, &place, NULL, on_packet, &seen, &loss);
    assert_int_equal(seen.count, 1);
    assert_int_equal(stat(c->path, &st), 0);
    assert_int_equal(st.st_size, SEGMENT * SEGMENTS);
    assert_int_equal(st.st_mode & 07, 0);
    assert_true((uint64_t)st.st_blocks * 512 >= SEGMENT * SEGMENTS); /* its room is there */
    assert_null(evidence_ring_open(c->fd, SEGMENT + 64, (struct ptime){START}, &c->error));
    assert_null(evidence_reader_open("/nowhere", SEGMENT, &c->error));
    assert_int_equal(evidence_ring_create("/proc/none", SEGMENT, &c->error), -1);
}

/* --- forgetting --------------------------------------------------------------------------------
 */

static const uint8_t forgotten_v4[4] = {10, 0, 0, 5}, other_v4[4] = {10, 0, 0, 6};

/* Of every third packet the host sends or receives. */
static void put_of(struct evidence_ring *writer, uint32_t n)
{
    uint8_t data[200];
    memset(data, 0xee, sizeof data);
    struct held_packet packet = {
        .time = {START + n}, .wire_bytes = 200, .kept = sizeof data, .link = 1, .data = data};
    packet.key.orig_ip = ip_from_v4(n % 6 == 0 ? forgotten_v4 : other_v4);
    packet.key.resp_ip = ip_from_v4(n % 6 == 3 ? forgotten_v4 : other_v4);
    evidence_ring_put(writer, &packet);
}

struct whose {
    uint64_t others, nobodys, of_host;
};

static void on_whose(void *context, const struct held_packet *packet)
{
    struct whose *whose = context;
    const struct ip host = ip_from_v4(forgotten_v4), other = ip_from_v4(other_v4);
    if (ip_compare(&packet->key.orig_ip, &host) == 0 ||
        ip_compare(&packet->key.resp_ip, &host) == 0) {
        whose->of_host++;
        return;
    }
    bool is_other = ip_compare(&packet->key.orig_ip, &other) == 0;
    whose->others += is_other;
    whose->nobodys += !is_other;
    assert_int_equal(packet->kept, 200);
    assert_int_equal(packet->wire_bytes, 200);
    for (uint32_t i = 0; i < packet->kept; i++)
        assert_int_equal(packet->data[i], is_other ? 0xee : 0);
}

static struct whose whose_are(const struct ring_case *c)
{
    struct held_place place = {0, 0, 0};
    struct held_loss loss = {0, 0};
    struct whose whose = {0, 0, 0};
    evidence_reader_each(c->reader, &place, NULL, on_whose, &whose, &loss);
    assert_int_equal(loss.damaged, 0);
    return whose;
}

/* While the writer writes, and tends. */
static struct held_forgotten forget(struct ring_case *c)
{
    const struct ip host = ip_from_v4(forgotten_v4);
    struct held_forgotten forgotten = {.packets = 0};
    evidence_ring_forget(c->writer, &host);
    while (!evidence_ring_forget_some(c->writer, &forgotten))
        evidence_ring_tend(c->writer);
    assert_int_equal(forgotten.failed, 0);
    return forgotten;
}

static struct held_forgotten forget_file(struct ring_case *c, uint32_t segment_bytes)
{
    const struct ip host = ip_from_v4(forgotten_v4);
    struct held_forgotten forgotten = {.packets = 0};
    assert_int_equal(
        evidence_ring_forget_file(c->path, segment_bytes, &host, &forgotten, &c->error), 0);
    return forgotten;
}

/* How often this byte is in the file, beside another. */
static size_t bytes_of(const struct ring_case *c, uint8_t byte)
{
    static uint8_t file[SEGMENT * SEGMENTS];
    size_t count = 0;
    assert_int_equal(pread(c->fd, file, sizeof file, 0), sizeof file);
    for (size_t i = 0; i < sizeof file; i++)
        count += file[i] == byte && file[i > 0 ? i - 1 : 1] == byte;
    return count;
}

/* All of one host, full of 0xdd. */
static void put_all_of(struct evidence_ring *writer, const uint8_t v4[4], uint32_t n)
{
    uint8_t data[1000];
    memset(data, 0xdd, sizeof data);
    struct held_packet packet = {
        .time = {START + n}, .wire_bytes = 1000, .kept = sizeof data, .link = 1, .data = data};
    packet.key.orig_ip = ip_from_v4(v4);
    evidence_ring_put(writer, &packet);
}

static void test_a_host_is_forgotten(void **state)
{
    struct ring_case *c = *state;
    for (uint32_t n = 0; n < 600; n++)
        put_of(c->writer, n);
    assert_int_equal(forget(c).packets, 200);
    struct whose whose = whose_are(c);
    assert_int_equal(whose.of_host, 0);
    assert_int_equal(whose.nobodys, 200);
    assert_int_equal(whose.others, 400);
    assert_int_equal(forget(c).packets, 0);
    put_of(c->writer, 600); /* what comes later is held as ever */
    assert_int_equal(whose_are(c).of_host, 1);
}

static void test_a_host_is_forgotten_in_a_file(void **state)
{
    struct ring_case *c = *state;
    struct stat st;
    for (uint32_t n = 0; n < 600; n++)
        put_of(c->writer, n);
    struct held_forgotten forgotten = forget_file(c, SEGMENT);
    assert_int_equal(forgotten.packets, 200);
    assert_int_equal(forgotten.unreadable, 0);
    assert_int_equal(whose_are(c).others, 400);
    /* of another size than its segments: it is not known what is whose. A process that holds it
     * finds as many bytes as there were. */
    assert_int_equal(forget_file(c, SEGMENT / 64 * 60).unreadable, 1);
    assert_int_equal(stat(c->path, &st), 0);
    assert_int_equal(st.st_size, SEGMENT * SEGMENTS);
    assert_int_equal(bytes_of(c, 0), SEGMENT * SEGMENTS);
    const struct ip host = ip_from_v4(forgotten_v4);
    assert_int_equal(evidence_ring_forget_file("/nowhere", SEGMENT, &host, &forgotten, &c->error),
                     -1);
}

/* A segment that began anew, with little in it: what stood behind that goes, by its writer or,
 * without one, by whoever forgets. */
static void test_nothing_stays_behind_the_last_packet(void **state)
{
    struct ring_case *c = *state;
    for (int writing = 1; writing >= 0; writing--) {
        uint32_t n = 0;
        for (; n < 2 * SEGMENTS * SEGMENT / 1000; n++)
            put_all_of(c->writer, forgotten_v4, n);
        uint64_t overwritten = evidence_ring_counts(c->writer).overwritten_packets;
        while (evidence_ring_counts(c->writer).overwritten_packets == overwritten)
            put_of(c->writer, 1); /* of the other */
        assert_true(bytes_of(c, 0xdd) > 100000);
        struct held_forgotten forgotten = writing ? forget(c) : forget_file(c, SEGMENT);
        assert_true(forgotten.packets > 100);
        assert_int_equal(forgotten.unreadable, 0);
        assert_int_equal(bytes_of(c, 0xdd), 0);
        assert_true(bytes_of(c, 0xee) > 0);
    }
}

/* Not before its writer has tended to the one that is written; one that ended meanwhile, without,
 * has nothing behind its last packet either. */
static void test_the_writer_goes_on_meanwhile(void **state)
{
    struct ring_case *c = *state;
    const struct ip host = ip_from_v4(forgotten_v4);
    struct held_forgotten forgotten;
    for (uint32_t n = 0; n < 2 * SEGMENTS * SEGMENT / 1000; n++)
        put_all_of(c->writer, forgotten_v4, n);
    put(c->writer, 1, SEGMENT - 400); /* in one of its own, if not with what is there */
    put(c->writer, 1, SEGMENT - 400);
    put(c->writer, 1, SEGMENT / 2);
    evidence_ring_forget(c->writer, &host);
    for (int slice = 0; slice < 100; slice++)
        assert_false(evidence_ring_forget_some(c->writer, &forgotten));
    put(c->writer, 1, SEGMENT - 400); /* does not fit any more */
    while (!evidence_ring_forget_some(c->writer, &forgotten))
        evidence_ring_tend(c->writer);
    assert_int_equal(bytes_of(c, 0xdd), 0);
}

/* The same file, taken for one with larger segments, or smaller ones, by whoever comes next. */
static void test_segments_of_another_size(void **state)
{
    struct ring_case *c = *state;
    for (uint32_t n = 0; n < SEGMENTS * SEGMENT / 1000; n++)
        put_all_of(c->writer, forgotten_v4, n);
    struct evidence_ring *before = c->writer;
    c->writer = evidence_ring_open(c->fd, 2 * SEGMENT, (struct ptime){START}, &c->error);
    assert_non_null(c->writer);
    evidence_ring_close(before);
    struct held_forgotten forgotten = forget(c);
    assert_true(forgotten.unreadable + forgotten.packets > 0);
    assert_int_equal(bytes_of(c, 0xdd), 0);
}

static struct held_segment *map(const struct ring_case *c, uint8_t **file)
{
    *file = mmap(NULL, SEGMENT * SEGMENTS, PROT_READ | PROT_WRITE, MAP_SHARED, c->fd, 0);
    assert_ptr_not_equal(*file, MAP_FAILED);
    return (void *)(*file + SEGMENT); /* of the first generation */
}

/* One that is being emptied when its writer dies; a head that makes no sense, in the midst. */
static void test_what_cannot_be_read_goes(void **state)
{
    struct ring_case *c = *state;
    uint8_t *file;
    struct held_segment *first = map(c, &file);
    for (uint32_t n = 0; n < 2 * SEGMENT / 1072; n++)
        put_all_of(c->writer, forgotten_v4, n);
    uint32_t nonsense = 3;
    memcpy(file + 2 * SEGMENT + sizeof *first + 10 * 1072, &nonsense, sizeof nonsense);
    atomic_store(&first->generation, 0);
    struct held_forgotten forgotten = forget_file(c, SEGMENT);
    assert_int_equal(forgotten.unreadable, 2);
    assert_int_equal(forgotten.packets, 10);
    assert_int_equal(bytes_of(c, 0xdd), 0);
    munmap(file, SEGMENT * SEGMENTS);
}

/* `used` before the head's end, and a packet that is larger than the file: nothing is written
 * beyond it. */
static void test_a_head_is_not_believed(void **state)
{
    struct ring_case *c = *state;
    uint8_t *file;
    struct held_segment *first = map(c, &file);
    uint64_t used[] = {0, 1, sizeof *first - 1, SEGMENT + 1, UINT64_MAX};
    for (size_t i = 0; i < sizeof used / sizeof *used; i++) {
        struct held_head head = {.size = 0x40000000, .kept = 1000, .link = 1};
        head.key.orig_ip = ip_from_v4(forgotten_v4);
        memset(file, 0xdd, SEGMENT);
        first->magic = HELD_MAGIC;
        atomic_store(&first->generation, 1);
        atomic_store(&first->used, used[i]);
        memcpy((uint8_t *)first + sizeof *first, &head, sizeof head);
        struct held_forgotten forgotten = forget_file(c, SEGMENT);
        assert_int_equal(forgotten.packets, 0);
        assert_int_equal(forgotten.unreadable, 2);
        assert_int_equal(bytes_of(c, 0), SEGMENT * SEGMENTS);
    }
    munmap(file, SEGMENT * SEGMENTS);
}

static void *forget_often(void *context)
{
    struct ring_case *c = context;
    const struct ip host = ip_from_v4(forgotten_v4);
    struct held_forgotten forgotten;
    for (int i = 0; i < 200; i++) {
        evidence_ring_forget(c->writer, &host);
        for (int slice = 0; slice < 20; slice++)
            evidence_ring_forget_some(c->writer, &forgotten);
    }
    return NULL;
}

/* No packet that was not the host's loses a byte, however often segments begin anew meanwhile. */
static void test_forgotten_while_it_is_written(void **state)
{
    struct ring_case *c = *state;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, forget_often, c), 0);
    for (uint32_t n = 0; n < 20000; n++) {
        put_of(c->writer, n);
        evidence_ring_tend(c->writer);
    }
    pthread_join(thread, NULL);
    forget(c);
    struct whose whose = whose_are(c);
    assert_int_equal(whose.of_host, 0);
    assert_true(whose.others > 400);
}

/* --- scribbled over ----------------------------------------------------------------------------
 */

static void count_only(void *context, const struct held_packet *packet)
{
    uint64_t *sum = context;
    for (uint32_t i = 0; i < packet->kept; i++)
        *sum += packet->data[i];
    (*sum)++;
}

static void test_scribbled_over(void **state)
{
    struct ring_case *c = *state;
    for (uint32_t n = 0; n < 400; n++)
        put(c->writer, n, 500);
    uint8_t *file = mmap(NULL, SEGMENT * SEGMENTS, PROT_READ | PROT_WRITE, MAP_SHARED, c->fd, 0);
    assert_ptr_not_equal(file, MAP_FAILED);
    uint64_t sum = 0, random = 1;
    for (int round = 0; round < 2000; round++) {
        struct held_place place = {0, 0, 0};
        struct held_loss loss = {0, 0};
        random = random * 6364136223846793005u + 1442695040888963407u;
        file[(random >> 33) % (round % 2 ? 256 : SEGMENT * SEGMENTS)] = (uint8_t)(random >> 25);
        evidence_reader_each(c->reader, &place, NULL, count_only, &sum, &loss);
        evidence_reader_end(c->reader);
        evidence_reader_oldest(c->reader);
    }
    assert_true(sum > 0);
    munmap(file, SEGMENT * SEGMENTS);
    evidence_ring_close(c->writer); /* and who comes next goes on in whatever is there */
    c->writer = evidence_ring_open(c->fd, SEGMENT, (struct ptime){START}, &c->error);
    assert_non_null(c->writer);
    put(c->writer, 1, 10);
}

/* --- written while it is read ------------------------------------------------------------------
 */

#define MANY 60000u

static void *write_many(void *context)
{
    struct ring_case *c = context;
    for (uint32_t n = 0; n < MANY; n++)
        put(c->writer, n, 700);
    return NULL;
}

/* on_packet looks whether each packet is of one piece. */
static void test_overwritten_while_read(void **state)
{
    struct ring_case *c = *state;
    struct held_place place = {1, 0, 1}; /* from the first packet on, so that all are counted */
    struct held_loss loss = {0, 0};
    struct seen seen = {0, 0, 0};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, write_many, c), 0);
    while (seen.last != MANY - 1)
        evidence_reader_each(c->reader, &place, NULL, on_packet, &seen, &loss);
    pthread_join(thread, NULL);
    assert_int_equal(seen.count + loss.overwritten, MANY);
    assert_int_equal(loss.damaged, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_all_comes_out_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_was_overwritten_is_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_until_a_place, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_successor_goes_on, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sizes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_host_is_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_host_is_forgotten_in_a_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing_stays_behind_the_last_packet, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_writer_goes_on_meanwhile, setup, teardown),
        cmocka_unit_test_setup_teardown(test_segments_of_another_size, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_read_goes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_head_is_not_believed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_forgotten_while_it_is_written, setup, teardown),
        cmocka_unit_test_setup_teardown(test_scribbled_over, setup, teardown),
        cmocka_unit_test_setup_teardown(test_overwritten_while_read, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
