/* Sources of a configuration: the order in which they hold, and that another process is handed the
 * same. */
#include "weir/config/source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct config_source example(void)
{
    static const char text[] = "sensor: {name: from-file}\n"
                               "capture: {workers: 3, interfaces: [a, b]}\n"
                               "networks: {inside: [10.0.0.0/8]}\n";
    struct config_source source = {.path = "weir.yaml",
                                   .text = xstrdup(text),
                                   .text_size = strlen(text),
                                   .set = {{"capture.workers=2", "site.timezone=Asia/Tokyo"}, 2},
                                   .inside = {{"192.0.2.0/24"}, 1},
                                   .interface = {{"c"}, 1}};
    return source;
}

static void check_example(struct config_source *source)
{
    struct config config;
    struct error error = {0};
    struct ip in, out;
    assert_int_equal(config_load(&config, source, &error), 0);
    assert_string_equal(config.sensor_name, "from-file");
    assert_int_equal(config.workers, 2);
    assert_string_equal(config.timezone, "Asia/Tokyo");
    assert_int_equal(config.interface_count, 1);
    assert_string_equal(config.interface[0].name, "c");
    ip_parse("192.0.2.7", &in);
    ip_parse("10.0.0.1", &out);
    assert_true(prefix_set_has(&config.inside.everywhere, &in));
    assert_false(prefix_set_has(&config.inside.everywhere, &out));
    config_fini(&config);
}

static void test_order(void **state)
{
    (void)state;
    struct config_source source = example();
    check_example(&source);
    config_source_fini(&source);
}

static void test_crossing(void **state)
{
    (void)state;
    struct config_source source = example(), other;
    struct error error = {0};
    struct buffer b = {0};
    config_source_pack(&source, &b);
    assert_int_equal(config_source_unpack(&other, b.data, b.size, &error), 0);
    check_example(&other);
    config_source_fini(&other);
    for (size_t cut = 0; cut < b.size; cut++) { /* whole or not at all */
        error = (struct error){0};
        assert_int_equal(config_source_unpack(&other, b.data, cut, &error), -1);
        assert_int_equal(error.code, ERROR_RUN);
        config_source_fini(&other);
    }
    buffer_fini(&b);
    config_source_fini(&source);
}

static void test_nothing(void **state)
{
    (void)state;
    struct config_source source = {.path = NULL}, other;
    struct error error = {0};
    struct buffer b = {0};
    config_source_pack(&source, &b);
    assert_int_equal(config_source_unpack(&other, b.data, b.size, &error), 0);
    assert_null(other.path);
    assert_null(other.text);
    buffer_fini(&b);
    config_source_fini(&other);
}

/* A mistake in the file names the file, one on the command line the option. */
static void test_mistakes(void **state)
{
    (void)state;
    struct config config;
    struct error error = {0};
    struct config_source source = example();
    source.text[0] = 'x';
    assert_int_equal(config_load(&config, &source, &error), -1);
    assert_memory_equal(error.message, "weir.yaml:1:1:", 14);
    config_fini(&config);
    source.text[0] = 's';
    source.interface.word[0] = "a/b";
    error = (struct error){0};
    assert_int_equal(config_load(&config, &source, &error), -1);
    assert_non_null(strstr(error.message, "a/b"));
    config_fini(&config);
    config_source_fini(&source);
}

/* --- rule files ------------------------------------------------------------------------------ */

static char folder[] = "/tmp/weir-source-XXXXXX";

static void write_file(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void remove_files(void)
{
    static const char *const name[] = {"rules-1.yaml", "rules-2.yaml", "list.txt"};
    char path[128];
    for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, name[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(folder), 0);
}

static struct config_source with_rules(void)
{
    static char path[64];
    static const char text[] = "rules: [rules-*.yaml]\n";
    snprintf(path, sizeof path, "%s/weir.yaml", folder);
    return (struct config_source){.path = path, .text = xstrdup(text), .text_size = strlen(text)};
}

static void write_examples(void)
{
    write_file("rules-1.yaml", "- {rule: a, name: A, severity: 50, condition: ech}\n"
                               "- {intel: i, file: list.txt, format: lines}\n");
    write_file("rules-2.yaml", "- {rule: a, severity: 70, override: replace}\n");
    write_file("list.txt", "203.0.113.9\n");
}

/* What was read first is what everybody has: another process, and who loads again. */
static void test_rules_are_held(void **state)
{
    struct config config;
    struct error error = {0};
    struct config_source copy, unpacked, source;
    struct buffer b = {0};
    (void)state;
    assert_non_null(mkdtemp(folder));
    write_examples();
    source = with_rules();
    assert_int_equal(config_load(&config, &source, &error), 0);
    assert_int_equal(config.rules->rule_count, 1);
    assert_int_equal(config.rules->rule[0].score, 70);
    uint64_t fingerprint = config.rules->fingerprint;
    config_fini(&config);
    write_file("rules-2.yaml", "- nonsense\n");
    write_file("list.txt", "198.51.100.1\n");
    config_source_copy(&copy, &source);
    config_source_pack(&copy, &b);
    assert_int_equal(config_source_unpack(&unpacked, b.data, b.size, &error), 0);
    assert_int_equal(config_load(&config, &unpacked, &error), 0);
    assert_true(config.rules->fingerprint == fingerprint);
    config_fini(&config);
    for (size_t size = 0; size < b.size; size++) { /* cut anywhere it makes no sense */
        struct config_source cut;
        struct error why = {0};
        assert_int_equal(config_source_unpack(&cut, b.data, size, &why), -1);
        config_source_fini(&cut);
    }
    buffer_fini(&b);
    config_source_fini(&unpacked);
    config_source_fini(&copy);
    config_source_fini(&source);
}

/* Who reads now is told what is wrong now, and may try again. */
static void test_rules_are_read_anew(void **state)
{
    struct config config;
    struct error error = {0};
    (void)state;
    struct config_source source = with_rules();
    assert_int_equal(config_load(&config, &source, &error), -1);
    assert_non_null(strstr(error.message, "rules-2.yaml:1:3: expected an entry"));
    assert_int_equal(source.files.count, 0);
    config_fini(&config);
    write_examples();
    error = (struct error){0};
    assert_int_equal(config_load(&config, &source, &error), 0);
    config_fini(&config);
    config_source_fini(&source);
    remove_files();
}

static void test_rules_that_are_not_there(void **state)
{
    struct config config;
    struct error error = {0};
    struct config_source source = {.set = {{"rules=[/nowhere/*.yaml]"}, 1}};
    (void)state;
    assert_int_equal(config_load(&config, &source, &error), 0); /* a pattern may fit nothing */
    assert_null(config.rules);
    config_fini(&config);
    config_source_fini(&source);
    source = (struct config_source){.set = {{"rules=[/nowhere/a.yaml]"}, 1}};
    assert_int_equal(config_load(&config, &source, &error), -1);
    assert_string_equal(error.message,
                        "--set:1:2: rules: /nowhere/a.yaml: No such file or directory");
    config_fini(&config);
    config_source_fini(&source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_order),
                                       cmocka_unit_test(test_crossing),
                                       cmocka_unit_test(test_nothing),
                                       cmocka_unit_test(test_mistakes),
                                       cmocka_unit_test(test_rules_are_held),
                                       cmocka_unit_test(test_rules_are_read_anew),
                                       cmocka_unit_test(test_rules_that_are_not_there)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
