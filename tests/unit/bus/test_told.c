/* What the journal may forget, by the sinks' saved places. */
#include "weir/bus/bus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static void save(const char *folder, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/sink-%s.position", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void test_told(void **state)
{
    char folder[] = "/tmp/weir-told-XXXXXX", path[128];
    const struct sink_settings sink[] = {{.name = "a"}, {.name = "b"}, {.name = "c"}};
    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_true(bus_told(folder, sink, 0) == UINT64_MAX);
    assert_true(bus_told(folder, sink, 3) == UINT64_MAX); /* they begin at the end */
    save(folder, "a", "weir-position 2 70 1\n");
    save(folder, "b", "weir-position 2 9 1\n");
    assert_int_equal(bus_told(folder, sink, 1), 70);
    assert_int_equal(bus_told(folder, sink, 3), 9);
    save(folder, "d", "weir-position 2 1 1\n"); /* of no sink any more */
    assert_int_equal(bus_told(folder, sink, 3), 9);
    save(folder, "c", "somewhere\n");
    assert_int_equal(bus_told(folder, sink, 3), 0);
    for (const char *name = "abcd"; *name; name++) {
        snprintf(path, sizeof path, "%s/sink-%c.position", folder, *name);
        unlink(path);
    }
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_told)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
