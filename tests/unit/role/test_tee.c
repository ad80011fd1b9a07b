/* A pipe copied for several readers: each gets every byte, one that leaves holds up nobody, and
 * ending it leaves nobody waiting. */
#include "../../../sensor/role/tee.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BYTES (1u << 20)

static uint8_t byte_at(size_t at)
{
    return (uint8_t)(at * 7 + at / 251);
}

static void *write_all(void *context)
{
    int fd = *(int *)context;
    uint8_t piece[777];
    for (size_t at = 0; at < BYTES;) {
        size_t size = BYTES - at < sizeof piece ? BYTES - at : sizeof piece;
        for (size_t i = 0; i < size; i++)
            piece[i] = byte_at(at + i);
        ssize_t wrote = write(fd, piece, size);
        if (wrote <= 0)
            break;
        at += (size_t)wrote;
    }
    close(fd);
    return NULL;
}

/* How many bytes came, all of them right. */
static size_t read_all(int fd)
{
    uint8_t piece[1000];
    size_t at = 0;
    for (ssize_t got; (got = read(fd, piece, sizeof piece)) > 0; at += (size_t)got)
        for (ssize_t i = 0; i < got; i++)
            if (piece[i] != byte_at(at + (size_t)i))
                return SIZE_MAX;
    return at;
}

static void *read_thread(void *context)
{
    int fd = *(int *)context;
    size_t *came = malloc(sizeof *came);
    *came = read_all(fd);
    return came;
}

static void test_every_byte(void **state)
{
    (void)state;
    int from[2], to[3];
    struct error error = {0};
    pthread_t writer, reader[3];
    assert_int_equal(pipe(from), 0);
    struct tee *tee = tee_new(from[0], to, 3, &error);
    assert_non_null(tee);
    pthread_create(&writer, NULL, write_all, &from[1]);
    for (int i = 0; i < 3; i++)
        pthread_create(&reader[i], NULL, read_thread, &to[i]);
    for (int i = 0; i < 3; i++) {
        void *came;
        pthread_join(reader[i], &came);
        assert_int_equal(*(size_t *)came, BYTES);
        free(came);
        close(to[i]);
    }
    pthread_join(writer, NULL);
    tee_free(tee);
}

static void test_one_leaves(void **state)
{
    (void)state;
    int from[2], to[2];
    struct error error = {0};
    pthread_t writer;
    assert_int_equal(pipe(from), 0);
    struct tee *tee = tee_new(from[0], to, 2, &error);
    close(to[0]);
    pthread_create(&writer, NULL, write_all, &from[1]);
    assert_int_equal(read_all(to[1]), BYTES);
    pthread_join(writer, NULL);
    close(to[1]);
    tee_free(tee);
}

/* The source says nothing and stays open; a reader that does not read is full. */
static void test_ended(void **state)
{
    (void)state;
    int from[2], to[2];
    struct error error = {0};
    uint8_t piece[4096] = {0};
    assert_int_equal(pipe(from), 0);
    struct tee *tee = tee_new(from[0], to, 2, &error);
    for (int i = 0; i < 16; i++)
        assert_int_equal(write(from[1], piece, sizeof piece), sizeof piece);
    tee_free(tee);
    read_all(to[0]); /* comes to an end */
    close(to[0]);
    close(to[1]);
    close(from[1]);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_byte),
                                       cmocka_unit_test(test_one_leaves),
                                       cmocka_unit_test(test_ended)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
