/* The ring on one thread: what fits, what is refused, waking, restarting, and an other side that
 * writes whatever it can. */
#include "ring_case.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define SIZE RING_SIZE_MIN
#define PAGE 4096u /* before the data, as ring.h says */

struct ring {
    struct ring_handles handles;
    struct ring_producer *producer;
    struct ring_consumer *consumer;
    struct ring_record in, out;
    uint64_t pushed, popped;
};

static void setup(struct ring *r)
{
    struct error error = {0};
    memset(r, 0, sizeof *r);
    assert_int_equal(ring_create(&r->handles, SIZE, &error), 0);
    r->producer = ring_producer_open(&r->handles, &error);
    r->consumer = ring_consumer_open(&r->handles, &error);
    assert_non_null(r->producer);
    assert_non_null(r->consumer);
}

static void teardown(struct ring *r)
{
    ring_producer_free(r->producer);
    ring_consumer_free(r->consumer);
    ring_destroy(&r->handles);
}

static enum ring_result push(struct ring *r)
{
    size_t size = ring_make_record(&r->in, r->pushed);
    enum ring_result result = ring_push(r->producer, &r->in, size);
    r->pushed += result == RING_OK;
    return result;
}

static enum ring_result pop(struct ring *r)
{
    size_t size = 0;
    enum ring_result result = ring_pop(r->consumer, &r->out, sizeof r->out, &size);
    if (result == RING_OK)
        assert_true(ring_is_record(&r->out, size, r->popped++));
    return result;
}

static void release(struct ring *r)
{
    ring_release(r->consumer, ring_read_position(r->consumer));
}

static void test_sizes(void **state)
{
    static const size_t bad[] = {0, 4096, 65535, 65537, 3 << 16, SIZE_MAX};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct ring_handles handles;
        struct error error = {0};
        assert_int_equal(ring_create(&handles, bad[i], &error), -1);
        assert_int_equal(error.code, ERROR_RUN);
        ring_destroy(&handles); /* nothing to close, and it knows */
    }
}

static void test_sealed(void **state)
{
    struct ring r;
    (void)state;
    setup(&r);
    const int fd[] = {r.handles.producer_fd, r.handles.consumer_fd};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(ftruncate(fd[i], 0), -1);
        assert_int_equal(errno, EPERM);
        assert_int_equal(ftruncate(fd[i], 1 << 20), -1);
        assert_int_equal(fcntl(fd[i], F_GET_SEALS), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    }
    teardown(&r);
}

/* What the other side writes can be mapped for reading, and stays so whatever is tried. */
static void test_read_only_for_the_other(void **state)
{
    (void)state;
    struct ring_handles ring, side;
    struct error error = {0};
    assert_int_equal(ring_create(&ring, RING_SIZE_MIN, &error), 0);
    for (int i = 0; i < 2; i++) {
        int (*open_for)(const struct ring_handles *, struct ring_handles *, struct error *) =
            i ? ring_open_for_producer : ring_open_for_consumer;
        assert_int_equal(open_for(&ring, &side, &error), 0);
        int fd = i ? side.consumer_fd : side.producer_fd;
        void *area = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
        assert_ptr_not_equal(area, MAP_FAILED);
        assert_int_equal(mprotect(area, 4096, PROT_READ | PROT_WRITE), -1);
        assert_ptr_equal(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
        munmap(area, 4096);
        if (i) {
            struct ring_producer *producer = ring_producer_open(&side, &error);
            assert_non_null(producer);
            ring_producer_free(producer);
        } else {
            struct ring_consumer *consumer = ring_consumer_open(&side, &error);
            assert_non_null(consumer);
            ring_consumer_free(consumer);
        }
        ring_close_side(&ring, &side);
    }
    ring_destroy(&ring);
}

static void test_refused_records(void **state)
{
    struct ring r;
    (void)state;
    setup(&r);
    static const size_t bad[] = {0, 8, 16, 23, 25, 28, RECORD_MAX_BYTES + 8, SIZE_MAX - 7};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(ring_push(r.producer, &r.in, bad[i]), RING_INVALID);
        assert_int_equal(ring_push_wait(r.producer, &r.in, bad[i]), RING_INVALID);
    }
    assert_int_equal(pop(&r), RING_EMPTY);
    teardown(&r);
}

/* Full, empty, and round the end many times; every byte is used before it is full. */
static void test_full_and_empty(void **state)
{
    struct ring r;
    (void)state;
    setup(&r);
    for (int round = 0; round < 300; round++) {
        uint64_t from = ring_read_position(r.consumer);
        enum ring_result result;
        while ((result = push(&r)) == RING_OK)
            ;
        assert_int_equal(result, RING_FULL);
        while (pop(&r) == RING_OK)
            ;
        assert_int_equal(r.popped, r.pushed);
        size_t next = ring_make_record(&r.in, r.pushed);
        uint64_t used = ring_read_position(r.consumer) - from;
        assert_true(used <= SIZE && used + next > SIZE);
        assert_int_equal(push(&r), RING_FULL); /* read is not released */
        release(&r);
    }
    /* Filled to the last byte. */
    r.in.header.size = 4096;
    for (int i = 0; i < 16; i++)
        assert_int_equal(ring_push(r.producer, &r.in, 4096), RING_OK);
    assert_int_equal(ring_push(r.producer, &r.in, 24), RING_FULL);
    teardown(&r);
}

static void test_release(void **state)
{
    struct ring r;
    (void)state;
    setup(&r);
    uint64_t middle = 0;
    for (int i = 0; i < 10; i++)
        assert_int_equal(push(&r), RING_OK);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(pop(&r), RING_OK);
        if (i == 4)
            middle = ring_read_position(r.consumer);
    }
    ring_release(r.consumer, middle);
    ring_release(r.consumer, ring_read_position(r.consumer) + 8); /* not read: nothing happens */
    ring_release(r.consumer, 0);                                  /* nor backwards */
    /* A restarted consumer begins at what was released, and is woken for it. */
    ring_clear_event(r.consumer);
    assert_false(ring_is_readable(ring_data_event(r.consumer), 0));
    ring_consumer_free(r.consumer);
    assert_int_equal(push(&r), RING_CLOSED);
    r.consumer = ring_consumer_open(&r.handles, NULL);
    assert_true(ring_is_readable(ring_data_event(r.consumer), 0));
    assert_true(ring_read_position(r.consumer) == middle);
    r.popped = 5;
    assert_int_equal(push(&r), RING_OK);
    for (int i = 5; i < 11; i++)
        assert_int_equal(pop(&r), RING_OK);
    assert_int_equal(pop(&r), RING_EMPTY);
    /* A restarted producer goes on where the last one stood. */
    ring_producer_free(r.producer);
    r.producer = ring_producer_open(&r.handles, NULL);
    assert_int_equal(push(&r), RING_OK);
    assert_int_equal(pop(&r), RING_OK);
    teardown(&r);
}

/* One that kept its own log of what it read goes on from there, or is told that it cannot. */
static void test_opened_at_a_position(void **state)
{
    struct ring r;
    struct error error = {0};
    (void)state;
    setup(&r);
    for (int i = 0; i < 10; i++)
        assert_int_equal(push(&r), RING_OK);
    uint64_t middle = 0;
    for (int i = 0; i < 8; i++) {
        assert_int_equal(pop(&r), RING_OK);
        if (i == 5)
            middle = ring_read_position(r.consumer);
        if (i == 3)
            release(&r);
    }
    uint64_t released = 0, last = ring_read_position(r.consumer);
    ring_consumer_leave(r.consumer);
    assert_int_equal(push(&r), RING_OK); /* it was not closed */
    const uint64_t bad[] = {released, released - 8, last + 65536, UINT64_MAX};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        error = (struct error){0};
        assert_null(ring_consumer_open_at(&r.handles, bad[i], &error));
        assert_int_equal(error.code, ERROR_RUN);
    }
    r.consumer = ring_consumer_open_at(&r.handles, middle, &error);
    assert_non_null(r.consumer);
    assert_true(ring_read_position(r.consumer) == middle);
    r.popped = 6;
    for (int i = 6; i < 11; i++)
        assert_int_equal(pop(&r), RING_OK);
    assert_int_equal(pop(&r), RING_EMPTY);
    teardown(&r);
}

static void test_data_event(void **state)
{
    struct ring r;
    (void)state;
    setup(&r);
    int event = ring_data_event(r.consumer);
    ring_clear_event(r.consumer);
    assert_false(ring_is_readable(event, 0));
    push(&r);
    push(&r);
    assert_true(ring_is_readable(event, 0));
    ring_clear_event(r.consumer);
    assert_true(ring_is_readable(event, 0)); /* there is something */
    assert_int_equal(pop(&r), RING_OK);
    ring_clear_event(r.consumer);
    assert_true(ring_is_readable(event, 0)); /* still: a drain that stops early is woken */
    assert_int_equal(pop(&r), RING_OK);
    ring_clear_event(r.consumer);
    assert_false(ring_is_readable(event, 0));
    push(&r); /* read but not released is as good as empty */
    assert_true(ring_is_readable(event, 0));
    teardown(&r);
}

static enum ring_result push_more(struct ring *r)
{
    size_t size = ring_make_record(&r->in, r->pushed);
    enum ring_result result = ring_push_more(r->producer, &r->in, size);
    r->pushed += result == RING_OK;
    return result;
}

/* What more follows wakes nobody, until it does, or there is much; also where the consumer read
 * some of it before it slept. */
static void test_more_follows(void **state)
{
    struct ring r;
    (void)state;
    setup(&r);
    int event = ring_data_event(r.consumer);
    ring_clear_event(r.consumer);
    for (int turn = 0; turn < 3; turn++) {
        push_more(&r);
        push_more(&r);
        assert_false(ring_is_readable(event, 0));
        if (turn == 1)
            assert_int_equal(pop(&r), RING_OK);
        push(&r);
        assert_true(ring_is_readable(event, 0));
        while (pop(&r) == RING_OK)
            ;
        ring_clear_event(r.consumer);
        assert_false(ring_is_readable(event, 0));
        release(&r);
    }
    uint64_t bytes = 0;
    for (; !ring_is_readable(event, 0); bytes = ring_waiting(r.consumer))
        assert_int_equal(push_more(&r), RING_OK);
    assert_true(bytes >= SIZE / 8 && bytes < SIZE / 8 + 2 * RECORD_MAX_BYTES);
    teardown(&r);
}

static void test_handles_may_go(void **state)
{
    struct ring r;
    (void)state;
    setup(&r);
    ring_destroy(&r.handles);
    ring_destroy(&r.handles);
    assert_int_equal(r.handles.producer_fd, -1);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(push(&r), RING_OK);
        assert_int_equal(pop(&r), RING_OK);
        release(&r);
    }
    teardown(&r);
}

static void test_open_refused(void **state)
{
    const struct ring_handles none = {-1, -1, -1, -1, SIZE};
    struct error error = {0};
    (void)state;
    assert_null(ring_producer_open(&none, &error));
    assert_int_equal(error.code, ERROR_RUN);
    error = (struct error){0};
    assert_null(ring_consumer_open(&none, &error));
    assert_int_equal(error.code, ERROR_RUN);
    ring_producer_free(NULL);
    ring_consumer_free(NULL);
}

/* --- the other side writes what it likes ------------------------------------------------------ */

static uint64_t *map_page(int fd)
{
    void *page = mmap(NULL, PAGE + SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(page != MAP_FAILED);
    return page;
}

static void test_hostile_head(void **state)
{
    static const uint64_t offset[] = {8, 16, SIZE + 8, UINT64_C(1) << 40, UINT64_C(1) << 63};
    (void)state;
    for (size_t i = 0; i < 2 * sizeof offset / sizeof *offset; i++) {
        struct ring r;
        setup(&r);
        uint64_t *page = map_page(r.handles.producer_fd);
        push(&r);
        push(&r);
        pop(&r);
        pop(&r);
        if (i % 4 < 2) /* else what it goes back to is still the producer's to hold */
            release(&r);
        uint64_t head = page[0];
        page[(PAGE + head) / sizeof *page] = sizeof(struct record_header); /* looks like a record */
        page[0] = i % 2 ? head + offset[i / 2] : head - offset[i / 2];
        assert_int_equal(pop(&r), RING_INVALID);
        munmap(page, PAGE + SIZE);
        teardown(&r);
    }
}

static void test_hostile_sizes(void **state)
{
    static const uint32_t size[] = {0, 8, 16, 25, 28, 8200, 65536, UINT32_MAX, UINT32_MAX - 7};
    struct ring r;
    size_t got;
    (void)state;
    setup(&r);
    uint64_t *page = map_page(r.handles.producer_fd);
    uint32_t *first = (uint32_t *)(void *)(page + PAGE / sizeof *page);
    push(&r);
    for (size_t i = 0; i < sizeof size / sizeof *size; i++) {
        *first = size[i];
        assert_int_equal(ring_pop(r.consumer, &r.out, sizeof r.out, &got), RING_INVALID);
    }
    *first = (uint32_t)ring_make_record(&r.in, 0);
    assert_int_equal(ring_pop(r.consumer, &r.out, *first - 8, &got), RING_INVALID); /* no room */
    assert_int_equal(pop(&r), RING_OK);
    munmap(page, PAGE + SIZE);
    teardown(&r);
}

static void test_hostile_consumer(void **state)
{
    enum { READ, RELEASED };
    struct ring r;
    (void)state;
    setup(&r);
    uint64_t *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, r.handles.consumer_fd, 0);
    assert_true(page != MAP_FAILED);
    while (push(&r) == RING_OK)
        ;
    while (pop(&r) == RING_OK)
        ;
    uint64_t head = ring_read_position(r.consumer);
    const struct {
        uint64_t read, released;
    } bad[] = {
        {head, head + 8},             /* more than there is */
        {head + 8, head},             /* read what is not written */
        {0, 8},                       /* released what was not read */
        {head, UINT64_MAX},           /* */
        {UINT64_MAX, UINT64_MAX - 8}, /* */
        {head, head + SIZE},          /* */
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        page[READ] = bad[i].read;
        page[RELEASED] = bad[i].released;
        assert_int_equal(push(&r), RING_INVALID);
    }
    page[READ] = head;
    page[RELEASED] = 4096;
    while (push(&r) == RING_OK)
        ;
    page[RELEASED] = 0; /* takes back what it gave */
    assert_int_equal(push(&r), RING_INVALID);
    munmap(page, PAGE);
    teardown(&r);
}

/* Whatever is in the area and wherever the head is: a result, never a byte outside `room`. */
static void test_hostile_noise(void **state)
{
    struct ring r;
    uint64_t noise = 1, head = 0;
    unsigned seen[RING_RESULTS] = {0};
    (void)state;
    setup(&r);
    uint64_t *page = map_page(r.handles.producer_fd), *data = page + PAGE / sizeof *page;
    for (int round = 0; round < 20000; round++) {
        uint64_t read = ring_read_position(r.consumer);
        noise = ring_mix(noise);
        data[read % SIZE / 8] = noise & (noise >> 60 ? 0x1ff8 : UINT32_MAX);
        data[(noise >> 16) % (SIZE / 8)] = noise >> 32;
        if (head - read < SIZE / 2)
            head += noise >> 40 & 0x3ff8;
        page[0] = noise % 8 ? head : noise;
        size_t size = 0, room = noise >> 24 & 0x3ff8;
        room = room < sizeof r.out ? room : sizeof r.out;
        uint8_t *copy = malloc(room ? room : 1); /* exact: the sanitizer sees one byte more */
        assert_non_null(copy);
        enum ring_result result = ring_pop(r.consumer, copy, room, &size);
        if (result == RING_OK)
            assert_true(size <= room && size >= sizeof(struct record_header) && size % 8 == 0);
        seen[result]++;
        free(copy);
        release(&r);
    }
    assert_true(seen[RING_OK] > 1000 && seen[RING_INVALID] > 1000);
    assert_int_equal(seen[RING_OK] + seen[RING_INVALID] + seen[RING_EMPTY], 20000);
    munmap(page, PAGE + SIZE);
    teardown(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sizes),
                                       cmocka_unit_test(test_sealed),
                                       cmocka_unit_test(test_read_only_for_the_other),
                                       cmocka_unit_test(test_refused_records),
                                       cmocka_unit_test(test_full_and_empty),
                                       cmocka_unit_test(test_release),
                                       cmocka_unit_test(test_opened_at_a_position),
                                       cmocka_unit_test(test_data_event),
                                       cmocka_unit_test(test_more_follows),
                                       cmocka_unit_test(test_handles_may_go),
                                       cmocka_unit_test(test_open_refused),
                                       cmocka_unit_test(test_hostile_head),
                                       cmocka_unit_test(test_hostile_sizes),
                                       cmocka_unit_test(test_hostile_consumer),
                                       cmocka_unit_test(test_hostile_noise)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
