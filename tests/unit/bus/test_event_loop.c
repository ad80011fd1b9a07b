/* The loop over libevent: readiness, changing, timers, dropping inside a callback, order and
 * fairness of "soon", signals. */
#include "weir/base/buffer.h"
#include "weir/base/time.h"
#include "weir/bus/event_loop.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    struct loop_ref loop;
    struct loop_watch *watch, *other;
    int pipe[2];
    int calls, limit;
    unsigned what;
    char order[64];
    bool signalled;
};

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    struct error error = {0};
    f->loop = event_loop_new(&error);
    assert_non_null(f->loop.loop);
    assert_int_equal(pipe(f->pipe), 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    if (f->watch)
        f->loop.ops->drop(f->watch);
    if (f->other)
        f->loop.ops->drop(f->other);
    event_loop_free(f->loop);
    close(f->pipe[0]);
    close(f->pipe[1]);
    free(f);
    return 0;
}

static void run(struct fixture *f)
{
    f->loop.ops->run(f->loop.loop);
}

static void stop(struct fixture *f)
{
    f->loop.ops->stop(f->loop.loop);
}

static void on_readable(void *context, unsigned what)
{
    struct fixture *f = context;
    char byte;
    f->what |= what;
    assert_int_equal(read(f->pipe[0], &byte, 1), 1);
    if (++f->calls == 2)
        stop(f);
}

static void test_read(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(write(f->pipe[1], "ab", 2), 2);
    f->watch = f->loop.ops->watch(f->loop.loop, f->pipe[0], LOOP_READ, on_readable, f);
    assert_non_null(f->watch);
    run(f);
    assert_int_equal(f->calls, 2);
    assert_int_equal(f->what, LOOP_READ);
}

static void count_and_stop(void *context)
{
    struct fixture *f = context;
    f->calls++;
    if (f->calls >= f->limit)
        stop(f);
}

static void must_not_be_called(void *context, unsigned what)
{
    (void)context;
    (void)what;
    fail_msg("a paused watch was called");
}

/* Paused from the start, and by change: not called although there is something to read. */
static void test_paused(void **state)
{
    struct fixture *f = *state;
    f->limit = 3;
    assert_int_equal(write(f->pipe[1], "a", 1), 1);
    f->watch = f->loop.ops->watch(f->loop.loop, f->pipe[0], 0, must_not_be_called, f);
    f->other = f->loop.ops->timer(f->loop.loop, NS_PER_MS, count_and_stop, f);
    run(f);
    f->loop.ops->change(f->watch, LOOP_READ);
    f->loop.ops->change(f->watch, 0);
    f->calls = 0;
    run(f);
    assert_int_equal(f->calls, 3);
}

static void on_writable(void *context, unsigned what)
{
    struct fixture *f = context;
    f->what = what;
    f->loop.ops->drop(f->watch); /* inside its own callback */
    f->watch = NULL;
    stop(f);
}

static void test_change_and_drop_inside(void **state)
{
    struct fixture *f = *state;
    f->watch = f->loop.ops->watch(f->loop.loop, f->pipe[1], 0, on_writable, f);
    f->loop.ops->change(f->watch, LOOP_WRITE);
    run(f);
    assert_int_equal(f->what, LOOP_WRITE);
    assert_null(f->watch);
}

static void drop_both(void *context, unsigned what)
{
    struct fixture *f = context;
    (void)what;
    f->calls++;
    f->loop.ops->drop(f->watch);
    f->loop.ops->drop(f->other);
    f->watch = f->other = NULL;
    stop(f);
}

/* Both are ready in the same turn; the one called first drops both. */
static void test_drop_another_that_is_ready(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(write(f->pipe[1], "a", 1), 1);
    f->watch = f->loop.ops->watch(f->loop.loop, f->pipe[0], LOOP_READ, drop_both, f);
    f->other = f->loop.ops->watch(f->loop.loop, f->pipe[1], LOOP_WRITE, drop_both, f);
    run(f);
    assert_int_equal(f->calls, 1);
}

static void test_timer_repeats(void **state)
{
    struct fixture *f = *state;
    f->limit = 5;
    struct wtime before = wtime_now();
    f->watch = f->loop.ops->timer(f->loop.loop, 4 * NS_PER_MS, count_and_stop, f);
    run(f);
    assert_int_equal(f->calls, 5);
    assert_true(wtime_now().ns - before.ns >= 5 * 3 * NS_PER_MS);
}

struct letter {
    struct fixture *f;
    char letter;
};

static void add_letter(void *context)
{
    struct letter *letter = context;
    size_t at = strlen(letter->f->order);
    letter->f->order[at] = letter->letter;
    if (letter->letter == 'c')
        stop(letter->f);
}

static void add_letter_later(void *context)
{
    struct letter *letter = context;
    add_letter(letter);
    letter->letter = 'c';
    event_loop_soon(letter->f->loop, add_letter, letter);
}

static void test_soon_in_order(void **state)
{
    struct fixture *f = *state;
    struct letter a = {f, 'a'}, b = {f, 'b'};
    event_loop_soon(f->loop, add_letter_later, &a);
    event_loop_soon(f->loop, add_letter, &b);
    run(f);
    assert_string_equal(f->order, "abc");
}

static void stop_now(void *context)
{
    struct fixture *f = context;
    f->calls++;
    stop(f);
}

/* Stopping inside one leaves the others for the next run. */
static void test_soon_and_stop(void **state)
{
    struct fixture *f = *state;
    event_loop_soon(f->loop, stop_now, f);
    event_loop_soon(f->loop, stop_now, f);
    run(f);
    assert_int_equal(f->calls, 1);
    run(f);
    assert_int_equal(f->calls, 2);
    event_loop_soon(f->loop, stop_now, f); /* never called: freed with the loop */
}

static void again(void *context)
{
    struct fixture *f = context;
    f->calls++;
    event_loop_soon(f->loop, again, f);
}

/* One that asks again for ever does not keep a descriptor from being heard. */
static void test_soon_is_fair(void **state)
{
    struct fixture *f = *state;
    event_loop_soon(f->loop, again, f);
    f->watch = f->loop.ops->watch(f->loop.loop, f->pipe[1], LOOP_WRITE, on_writable, f);
    run(f);
    assert_null(f->watch);
}

static void test_stop_before_run(void **state)
{
    struct fixture *f = *state;
    stop(f);
    run(f); /* would hang */
    f->limit = 1;
    f->watch = f->loop.ops->timer(f->loop.loop, 1, count_and_stop, f);
    run(f);
    assert_int_equal(f->calls, 1);
}

static void on_signal(void *context)
{
    struct fixture *f = context;
    f->signalled = true;
    stop(f);
}

static void test_signal(void **state)
{
    struct fixture *f = *state;
    f->watch = event_loop_signal(f->loop, SIGTERM, on_signal, f);
    assert_non_null(f->watch);
    kill(getpid(), SIGTERM);
    run(f);
    assert_true(f->signalled);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_read),
        T(test_paused),
        T(test_change_and_drop_inside),
        T(test_drop_another_that_is_ready),
        T(test_timer_repeats),
        T(test_soon_in_order),
        T(test_soon_and_stop),
        T(test_soon_is_fair),
        T(test_stop_before_run),
        T(test_signal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
