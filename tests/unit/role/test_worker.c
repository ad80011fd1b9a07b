/* The parent's side of a capture process, against processes of every kind: this test is started
 * again as the "capture" role (role_spawn runs /proc/self/exe) and then behaves as its number says.
 * What a hostile one says moves nothing but its own fate. */
#include "../../../sensor/role/worker.h"

#include "weir/base/buffer.h"
#include "weir/bus/event_loop.h"
#include "weir/role/role.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum manner { GOOD, FAILS, DIES, DIES_LATE, TALKS_NONSENSE, NEVER_READY };

/* --- the process ------------------------------------------------------------------------------ */

static void next(struct control_message *message)
{
    struct pollfd wait = {.fd = ROLE_CONTROL_FD, .events = POLLIN};
    while (control_receive(ROLE_CONTROL_FD, message) == CONTROL_AGAIN)
        poll(&wait, 1, -1);
}

static void say_with(enum control_kind kind, const void *body, size_t size, const int *fd,
                     size_t count)
{
    struct pollfd wait = {.fd = ROLE_CONTROL_FD, .events = POLLOUT};
    while (control_send(ROLE_CONTROL_FD, kind, body, size, fd, count) == CONTROL_AGAIN)
        poll(&wait, 1, 100);
}

static void say(enum control_kind kind, const void *body, size_t size)
{
    say_with(kind, body, size, NULL, 0);
}

static void talk_nonsense(void)
{
    static uint8_t noise[CONTROL_BODY];
    struct input_answer answer;
    struct failure failure;
    memset(noise, 0xff, sizeof noise);
    memset(&answer, 0xff, sizeof answer); /* no text ends, no enum is one */
    memset(&failure, 0xff, sizeof failure);
    for (int kind = 1; kind < CONTROL_KINDS; kind++)
        if (kind != CONTROL_ENDED && kind != CONTROL_FAILED)
            for (size_t size = 0; size <= 3000; size += 37)
                say((enum control_kind)kind, noise, size);
    int self[8] = {0, 1, 2, 0, 1, 2, 0, 1};
    say_with(CONTROL_READY, noise, sizeof(struct ready_answer), self, 8);
    say_with(CONTROL_BEAT, noise, sizeof(struct beat), self, 8);
    say(CONTROL_INPUT_DONE, &answer, sizeof answer);
    say(CONTROL_FAILED, &failure, sizeof failure);
}

static int be_capture(void)
{
    static struct control_message message;
    struct ready_answer ready = {1, 0};
    struct beat beat;
    memset(&beat, 0, sizeof beat);
    next(&message);
    const struct capture_orders *orders = control_body(&message, sizeof *orders);
    enum manner manner = orders ? (enum manner)orders->snaplen : DIES;
    if (manner == FAILS) {
        struct failure failure = {{ERROR_USAGE, "it does not like it"}};
        say(CONTROL_FAILED, &failure, sizeof failure);
        return 1;
    }
    if (manner == DIES)
        raise(SIGKILL);
    if (manner == TALKS_NONSENSE)
        talk_nonsense();
    if (manner == NEVER_READY)
        pause();
    say(CONTROL_READY, &ready, sizeof ready);
    do
        next(&message);
    while (message.kind != CONTROL_START);
    beat.status.turns = 1;
    beat.status.packets = 42;
    say(CONTROL_BEAT, &beat, sizeof beat);
    if (manner == DIES_LATE)
        raise(SIGKILL);
    next(&message); /* stop */
    struct input_answer answer;
    memset(&answer, 0, sizeof answer);
    answer.packets = 7;
    say(CONTROL_INPUT_DONE, &answer, sizeof answer);
    say(CONTROL_ENDED, NULL, 0);
    return 0;
}

/* --- the parent ------------------------------------------------------------------------------- */

struct scene {
    struct loop_ref loop;
    struct ring_handles ring;
    struct config config;
    struct worker worker;
    struct hash_key key;
    unsigned ready, begun, held, inputs, gone;
    struct input_answer input;
    struct error error;
};

static void look(struct scene *scene)
{
    scene->loop.ops->stop(scene->loop.loop);
}

static void on_ready(void *context, struct worker *worker)
{
    struct scene *scene = context;
    (void)worker;
    scene->ready++;
    look(scene);
}

static void on_begun(void *context, struct worker *worker)
{
    struct scene *scene = context;
    (void)worker;
    scene->begun++;
    look(scene);
}

static void on_held(void *context, struct worker *worker, uint64_t packets)
{
    struct scene *scene = context;
    (void)worker;
    (void)packets;
    scene->held++;
}

static void on_input(void *context, struct worker *worker, uint32_t index,
                     const struct input_answer *answer)
{
    struct scene *scene = context;
    (void)worker;
    assert_int_equal(index, scene->inputs);
    scene->inputs++;
    scene->input = *answer;
}

static void on_gone(void *context, struct worker *worker)
{
    struct scene *scene = context;
    (void)worker;
    scene->gone++;
    look(scene);
}

static const struct worker_events events = {on_ready, on_begun, on_held, on_input, on_gone, NULL};

static void start(struct scene *scene, enum manner manner)
{
    memset(scene, 0, sizeof *scene);
    scene->loop = event_loop_new(&scene->error);
    config_init(&scene->config);
    scene->config.snaplen = (uint32_t)manner;
    assert_int_equal(config_add_interface(&scene->config, "none0", true, &scene->error), 0);
    assert_int_equal(ring_create(&scene->ring, RING_SIZE_MIN, &scene->error), 0);
    hash_key_init(&scene->key, "test", 4);
    struct worker_config config = {.number = 3,
                                   .workers = 4,
                                   .config = &scene->config,
                                   .ring = &scene->ring,
                                   .recent_fd = STDERR_FILENO,
                                   .cpu = -1,
                                   .key = &scene->key,
                                   .loop = scene->loop,
                                   .events = &events,
                                   .context = scene};
    assert_int_equal(worker_start(&scene->worker, &config, &scene->error), 0);
}

static void run_until(struct scene *scene, const unsigned *what)
{
    while (*what == 0)
        scene->loop.ops->run(scene->loop.loop);
}

static void end(struct scene *scene)
{
    worker_fini(&scene->worker);
    ring_destroy(&scene->ring);
    config_fini(&scene->config);
    event_loop_free(scene->loop);
}

static void test_a_good_life(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene, GOOD);
    run_until(&scene, &scene.ready);
    assert_int_equal(scene.worker.state, WORKER_READY);
    worker_begin(&scene.worker);
    run_until(&scene, &scene.begun);
    assert_int_equal(scene.worker.state, WORKER_RUNNING);
    assert_int_equal(scene.worker.status.packets, 42);
    worker_stop(&scene.worker);
    run_until(&scene, &scene.gone);
    assert_int_equal(scene.worker.state, WORKER_ENDED);
    assert_int_equal(scene.inputs, 1); /* said before it ended, heard before it is gone */
    assert_int_equal(scene.input.packets, 7);
    assert_int_equal(scene.worker.failure.code, ERROR_NONE);
    end(&scene);
}

static void test_it_cannot(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene, FAILS);
    run_until(&scene, &scene.gone);
    assert_int_equal(scene.worker.state, WORKER_ENDED);
    assert_int_equal(scene.worker.failure.code, ERROR_USAGE);
    assert_string_equal(scene.worker.failure.message, "it does not like it");
    end(&scene);
}

static void test_deaths(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene, DIES);
    run_until(&scene, &scene.gone);
    assert_int_equal(scene.worker.state, WORKER_LOST);
    assert_memory_equal(scene.worker.death, "signal 9", 8);
    end(&scene);
    start(&scene, DIES_LATE);
    run_until(&scene, &scene.ready);
    worker_begin(&scene.worker);
    run_until(&scene, &scene.gone);
    assert_int_equal(scene.worker.state, WORKER_LOST);
    assert_int_equal(scene.begun, 1);
    end(&scene);
    start(&scene, NEVER_READY);
    worker_kill(&scene.worker);
    run_until(&scene, &scene.gone);
    assert_int_equal(scene.worker.state, WORKER_LOST);
    end(&scene);
}

static int open_descriptors(void)
{
    int count = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

/* Texts end, codes are known ones, descriptors do not pile up, no further event happens. */
static void test_nonsense(void **state)
{
    (void)state;
    struct scene scene;
    int before = open_descriptors();
    start(&scene, TALKS_NONSENSE);
    run_until(&scene, &scene.ready);
    worker_begin(&scene.worker);
    worker_stop(&scene.worker);
    run_until(&scene, &scene.gone);
    assert_int_equal(scene.worker.state, WORKER_ENDED);
    assert_int_equal(scene.ready, 1);
    assert_true(scene.worker.sockets <= CONFIG_INTERFACES);
    assert_int_equal(scene.worker.failure.code, ERROR_RUN);
    assert_true(strlen(scene.worker.failure.message) < sizeof scene.worker.failure.message);
    assert_true(strlen(scene.input.link) < sizeof scene.input.link);
    end(&scene);
    assert_int_equal(open_descriptors(), before);
}

static void test_given_up(void **state)
{
    (void)state;
    struct scene scene;
    int before = open_descriptors();
    start(&scene, NEVER_READY);
    end(&scene);
    assert_int_equal(scene.gone, 0);
    assert_int_equal(open_descriptors(), before);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--role") == 0)
        _exit(be_capture());
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_good_life), cmocka_unit_test(test_it_cannot),
        cmocka_unit_test(test_deaths), cmocka_unit_test(test_nonsense),
        cmocka_unit_test(test_given_up)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
