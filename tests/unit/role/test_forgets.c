/* Orders to forget what is held of a host: not to one that is starting, again to the one that comes
 * after a dead one, kept until all have answered, and told then. */
#include "../../../sensor/role/supervisor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORKERS 2u

struct scene {
    struct supervisor s;
    int capture[WORKERS], engine; /* their ends */
    struct error error;
};

static void connect_to(int *ours, int *theirs, struct error *error)
{
    int fd[2];
    assert_int_equal(control_pair(fd, error), 0);
    *ours = fd[0];
    *theirs = fd[1];
}

static int setup(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    assert_non_null(scene);
    scene->s.posts = WORKERS;
    for (uint32_t i = 0; i < WORKERS; i++) {
        struct post *post = &scene->s.post[i];
        post->supervisor = &scene->s;
        post->held_fd = 1000; /* only looked at */
        post->worker.state = WORKER_RUNNING;
        connect_to(&post->worker.control, &scene->capture[i], &scene->error);
    }
    scene->s.engine.state = ENGINE_RUNNING;
    connect_to(&scene->s.engine.control, &scene->engine, &scene->error);
    *state = scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *scene = *state;
    for (uint32_t i = 0; i < WORKERS; i++) {
        close(scene->capture[i]);
        close(scene->s.post[i].worker.control);
    }
    close(scene->engine);
    close(scene->s.engine.control);
    free(scene);
    return 0;
}

static void ask(struct scene *scene, int64_t asked_ns)
{
    struct forget_orders orders;
    memset(&orders, 0, sizeof orders);
    orders.asked_ns = asked_ns;
    forgets_take(&scene->s, &orders);
}

/* The number of the order that this process gets now; 0: none. */
static uint64_t gets(const struct scene *scene, uint32_t worker)
{
    static struct control_message message;
    if (control_receive(scene->capture[worker], &message) != CONTROL_OK)
        return 0;
    assert_int_equal(message.kind, CONTROL_FORGET);
    const struct forget_orders *orders = control_body(&message, sizeof *orders);
    assert_non_null(orders);
    return orders->number;
}

static void answer(struct scene *scene, uint32_t worker, uint64_t number, int failed)
{
    struct forgotten_answer answer;
    memset(&answer, 0, sizeof answer);
    answer.number = number;
    answer.came.packets = 3;
    answer.came.unreadable = 1;
    answer.came.failed = failed;
    forgets_answer(&scene->s, &scene->s.post[worker], &answer);
}

/* False: the engine is told nothing. */
static bool is_told(const struct scene *scene, struct forgotten_news *news)
{
    static struct control_message message;
    if (control_receive(scene->engine, &message) != CONTROL_OK)
        return false;
    assert_int_equal(message.kind, CONTROL_FORGOTTEN);
    const void *body = control_body(&message, sizeof *news);
    assert_non_null(body);
    memcpy(news, body, sizeof *news);
    return true;
}

static void test_told_when_all_have_answered(void **state)
{
    struct scene *scene = *state;
    struct forgotten_news news;
    ask(scene, 7);
    uint64_t number = gets(scene, 0);
    assert_true(number > 0);
    assert_int_equal(gets(scene, 1), number);
    answer(scene, 0, number, 0);
    answer(scene, 0, number, 0); /* once more: counts for nothing */
    assert_false(is_told(scene, &news));
    answer(scene, 1, number + 1, 0); /* was not asked for that */
    assert_false(is_told(scene, &news));
    answer(scene, 1, number, EIO);
    assert_true(is_told(scene, &news));
    assert_int_equal(news.asked_ns, 7);
    assert_int_equal(news.packets, 6);
    assert_int_equal(news.unreadable, 2);
    assert_string_equal(news.why, strerror(EIO));
    assert_int_equal(scene->s.forgets, 0);
}

static void test_not_while_it_starts(void **state)
{
    struct scene *scene = *state;
    struct post *post = &scene->s.post[0];
    const enum worker_state before[] = {WORKER_NONE, WORKER_STARTING, WORKER_READY};
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        post->worker.state = before[i];
        ask(scene, 1);
        forgets_tick(&scene->s);
        assert_int_equal(gets(scene, 0), 0);
    }
    post->worker.state = WORKER_RUNNING;
    forgets_tick(&scene->s);
    assert_int_equal(gets(scene, 0), 1);
    assert_int_equal(gets(scene, 0), 0); /* the next one when this one is done */
    answer(scene, 0, 1, 0);
    assert_int_equal(gets(scene, 0), 2);
}

static void test_a_successor_gets_it_again(void **state)
{
    struct scene *scene = *state;
    struct forgotten_news news;
    ask(scene, 1);
    uint64_t number = gets(scene, 0);
    answer(scene, 1, number, 0);
    scene->s.post[0].forgetting = 0; /* as when it is gone */
    forgets_tick(&scene->s);
    assert_false(is_told(scene, &news));
    assert_int_equal(gets(scene, 0), number);
    scene->s.engine.state = ENGINE_STARTING; /* nor is it lost on an engine that is not there */
    answer(scene, 0, number, 0);
    assert_false(is_told(scene, &news));
    scene->s.engine.state = ENGINE_RUNNING;
    forgets_tick(&scene->s);
    assert_true(is_told(scene, &news));
    assert_string_equal(news.why, "");
}

static void test_too_many_are_refused(void **state)
{
    struct scene *scene = *state;
    struct forgotten_news news;
    for (int64_t i = 0; i < FORGETS_MAX; i++)
        ask(scene, i);
    assert_false(is_told(scene, &news));
    ask(scene, 1000);
    assert_true(is_told(scene, &news));
    assert_int_equal(news.asked_ns, 1000);
    assert_true(*news.why);
    assert_int_equal(scene->s.forgets, FORGETS_MAX);
}

/* An engine that makes room for another reads no more. */
static void test_told_to_the_next_engine(void **state)
{
    struct scene *scene = *state;
    struct forgotten_news news;
    ask(scene, 1);
    scene->s.courier_agreed = true;
    assert_int_equal(gets(scene, 1), 1);
    answer(scene, 1, 1, 0);
    assert_int_equal(gets(scene, 0), 1);
    answer(scene, 0, 1, 0);
    assert_false(is_told(scene, &news));
    scene->s.courier_agreed = false;
    forgets_tick(&scene->s);
    assert_true(is_told(scene, &news));
}

/* No process is left, and no file is there: that is said. */
static void test_what_is_left_at_the_end(void **state)
{
    struct scene *scene = *state;
    struct forgotten_news news;
    char folder[] = "/nowhere";
    scene->s.state.folder = folder;
    ask(scene, 1);
    assert_int_equal(gets(scene, 1), 1);
    answer(scene, 1, 1, 0);
    assert_false(forgets_last(&scene->s)); /* a file at a call */
    assert_true(forgets_last(&scene->s));
    assert_true(is_told(scene, &news));
    assert_int_equal(news.packets, 3);
    assert_non_null(strstr(news.why, "/nowhere/evidence-ring/worker-0"));
    assert_int_equal(scene->s.forgets, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_told_when_all_have_answered, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_while_it_starts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_successor_gets_it_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_too_many_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_told_to_the_next_engine, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_left_at_the_end, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
