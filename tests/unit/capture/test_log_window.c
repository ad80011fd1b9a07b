/* What is told first does not depend on the order in which it comes, nor on how much is held: the
 * earliest of all that is there, of one time the first line. */
#include "../../../sensor/capture/log_window.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <string.h>

#define LINES 3000

struct model { /* what should be there, by place */
    int64_t until_ns[2 * LINES];
    uint64_t line[2 * LINES];
    bool held[2 * LINES];
    size_t count, most;
};

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void put(struct log_window *window, struct model *model, int64_t until_ns, uint64_t line)
{
    uint32_t place = log_window_put(window, until_ns, line);
    assert_true(place < window->room && place < 2 * LINES && !model->held[place]);
    model->until_ns[place] = until_ns;
    model->line[place] = line;
    model->held[place] = true;
    model->most = ++model->count > model->most ? model->count : model->most;
}

static uint32_t first_of(const struct model *model)
{
    uint32_t first = UINT32_MAX;
    for (uint32_t i = 0; i < 2 * LINES; i++) {
        if (!model->held[i])
            continue;
        if (first == UINT32_MAX || model->until_ns[i] < model->until_ns[first] ||
            (model->until_ns[i] == model->until_ns[first] && model->line[i] < model->line[first]))
            first = i;
    }
    return first;
}

/* The first is taken, or one time in three put off, as a connection that goes on is. */
static void tell(struct log_window *window, struct model *model, uint32_t *seed)
{
    uint32_t first = log_window_first(window);
    assert_int_equal(log_window_count(window), model->count);
    assert_int_equal(first, first_of(model));
    if (next_random(seed) % 3 == 0) {
        model->until_ns[first] += next_random(seed) % 50;
        log_window_put_first_off(window, model->until_ns[first]);
        return;
    }
    log_window_drop_first(window);
    model->held[first] = false;
    model->count--;
}

/* `step` lines a unit of time, each up to `apart` units from its place. */
static void go_through(size_t held, uint32_t step, uint32_t apart)
{
    static struct model model;
    struct log_window window = {.room = 0};
    uint32_t seed = 7;
    memset(&model, 0, sizeof model);
    for (uint64_t line = 1; line <= LINES / 4; line++) {
        put(&window, &model, (int64_t)(line / step + next_random(&seed) % (apart + 1)), line);
        while (model.count > held)
            tell(&window, &model, &seed);
    }
    while (model.count > 0)
        tell(&window, &model, &seed);
    assert_int_equal(log_window_count(&window), 0);
    assert_int_equal(model.most, held + 1);
    log_window_fini(&window);
}

static void test_any_order(void **state)
{
    (void)state;
    static const uint32_t apart[] = {0, 1, 20, 100000};
    for (size_t i = 0; i < sizeof apart / sizeof *apart; i++) {
        go_through(1, 3, apart[i]);
        go_through(63, 1, apart[i]);
        go_through(200, 5, apart[i]);
    }
}

static void test_backwards(void **state)
{
    (void)state;
    struct log_window window = {.room = 0};
    for (int64_t i = 1000; i > 0; i--)
        log_window_put(&window, i, (uint64_t)(1001 - i));
    for (uint32_t i = 1000; i > 0; i--) {
        assert_int_equal(log_window_first(&window), i - 1); /* the last is the earliest */
        log_window_drop_first(&window);
    }
    log_window_fini(&window);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_order),
        cmocka_unit_test(test_backwards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
