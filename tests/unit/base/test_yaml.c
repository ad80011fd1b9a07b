/* The YAML tree: values, order, places; and everything that is refused, by name and place. */
#include "weir/base/yaml.h"

#include "weir/base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct yaml_node *parse(const char *text)
{
    struct error error = {0};
    struct yaml_node *tree = yaml_parse("weir.yaml", text, strlen(text), &error);
    if (!tree)
        fail_msg("%s: %s", text, error.message);
    return tree;
}

static void test_tree(void **state)
{
    struct yaml_node *tree = parse("# the site\n"
                                   "site:\n"
                                   "  timezone: Europe/Berlin\n"
                                   "  hours: \"8-18\"\n"
                                   "rules: [ a.yaml, 'b.yaml' ]\n"
                                   "note: |\n"
                                   "  two\n"
                                   "  lines\n"
                                   "empty:\n");
    (void)state;
    assert_int_equal(tree->kind, YAML_MAP);
    assert_null(tree->next);
    const struct yaml_node *site = yaml_get(tree, "site"), *zone = yaml_get(site, "timezone");
    assert_ptr_equal(tree->child, site);
    assert_int_equal(site->key_line, 2);
    assert_int_equal(site->key_column, 1);
    assert_int_equal(zone->kind, YAML_SCALAR);
    assert_string_equal(zone->text, "Europe/Berlin");
    assert_string_equal(zone->key, "timezone");
    assert_false(zone->quoted);
    assert_int_equal(zone->key_line, 3);
    assert_int_equal(zone->key_column, 3);
    assert_int_equal(zone->line, 3);
    assert_int_equal(zone->column, 13);
    assert_true(yaml_get(site, "hours")->quoted);
    const struct yaml_node *rules = yaml_get(tree, "rules");
    assert_ptr_equal(site->next, rules);
    assert_int_equal(rules->kind, YAML_LIST);
    assert_string_equal(rules->child->text, "a.yaml");
    assert_null(rules->child->key);
    assert_string_equal(rules->child->next->text, "b.yaml");
    assert_true(rules->child->next->quoted);
    assert_int_equal(rules->child->next->column, 18);
    assert_null(rules->child->next->next);
    assert_string_equal(yaml_get(tree, "note")->text, "two\nlines\n");
    assert_true(yaml_get(tree, "note")->quoted);
    assert_string_equal(yaml_get(tree, "empty")->text, "");
    assert_null(yaml_get(tree, "absent"));
    assert_null(yaml_get(NULL, "absent"));
    assert_null(yaml_get(zone, "absent"));
    yaml_node_free(tree);
}

static void test_empty_documents(void **state)
{
    static const char *const empty[] = {"", "\n\n", "# nothing\n", "---\n",
                                        "---\n# nothing\n...\n"};
    (void)state;
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++) {
        struct yaml_node *tree = parse(empty[i]);
        assert_int_equal(tree->kind, YAML_MAP);
        assert_null(tree->child);
        yaml_node_free(tree);
    }
}

static void test_roots_of_any_kind(void **state)
{
    struct yaml_node *tree = parse("- 1\n- 2\n");
    (void)state;
    assert_int_equal(tree->kind, YAML_LIST);
    yaml_node_free(tree);
    tree = parse("\"\"");
    assert_int_equal(tree->kind, YAML_SCALAR);
    assert_string_equal(tree->text, "");
    yaml_node_free(tree);
}

static void test_refused(void **state)
{
    static const char *const row[][2] = {
        {"a: 1\na: 2\n", "weir.yaml:2:1: \"a\" is given twice"},
        {"x:\n  a: 1\n  'a': 2\n", "weir.yaml:3:3: \"a\" is given twice"},
        {"a: &x 1\nb: *x\n", "weir.yaml:1:4: anchors are not supported"},
        {"a: &x [1]\n", "weir.yaml:1:4: anchors are not supported"},
        {"? &x a\n: 1\n", "weir.yaml:1:3: anchors are not supported"},
        {"a: *x\n", "weir.yaml:1:4: aliases are not supported"},
        {"a: !!int 3\n", "weir.yaml:1:4: tags are not supported"},
        {"a: !mine {}\n", "weir.yaml:1:4: tags are not supported"},
        {"a: 1\n---\nb: 2\n", "weir.yaml:2:1: a second document"},
        {"? [1, 2]\n: 3\n", "weir.yaml:1:3: a key must be plain text"},
        {"a: \"x\\0y\"\n", "weir.yaml:1:4: a NUL inside text"},
        {"a: [1\n", "weir.yaml:2:1: "},
        {"a:\n\tb: 1\n", "weir.yaml:2:1: "},
        {"a: 1\n b: 2\n", "weir.yaml:2:3: "},
        {"a: 'open\n", "weir.yaml:2:1: "},
        {"a: 1\nb: \xff\n", "weir.yaml:2:4: invalid leading UTF-8 octet"},
        {"%YAML 9.9\n---\na: 1\n", "weir.yaml:1:1: found incompatible YAML document"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct error error = {0};
        if (yaml_parse("weir.yaml", row[i][0], strlen(row[i][0]), &error))
            fail_msg("accepted %s", row[i][0]);
        assert_int_equal(error.code, ERROR_USAGE);
        if (!strstr(error.message, row[i][1]))
            fail_msg("\"%s\" does not say \"%s\"", error.message, row[i][1]);
    }
}

/* A document of `count` times `piece`. */
static bool parses(const char *head, const char *piece, size_t count, const char *tail,
                   struct error *error)
{
    struct buffer b = {0};
    buffer_put(&b, head, strlen(head));
    for (size_t i = 0; i < count; i++)
        buffer_put(&b, piece, strlen(piece));
    buffer_put(&b, tail, strlen(tail));
    *error = (struct error){0};
    struct yaml_node *tree = yaml_parse("f", (const char *)b.data, b.size, error);
    buffer_fini(&b);
    yaml_node_free(tree);
    return tree != NULL;
}

static void test_bounds(void **state)
{
    struct error error;
    (void)state;
    assert_true(parses("", "- ", 64, "x", &error));
    assert_false(parses("", "- ", 65, "x", &error));
    assert_string_equal(error.message, "f:1:129: nested too deeply (at most 64 levels)");
    assert_false(parses("", "[", 100000, "", &error)); /* no recursion before the bound */
    assert_non_null(strstr(error.message, "nested too deeply"));
    assert_true(parses("", "- 1\n", 99999, "", &error));
    assert_false(parses("", "- 1\n", 100000, "", &error));
    assert_string_equal(error.message, "f:100000:3: too large (at most 100,000 values)");
    assert_true(parses("#", "x", (1 << 20) - 1, "", &error));
    assert_false(parses("#", "x", 1 << 20, "", &error));
    assert_string_equal(error.message, "f: larger than 1 MiB");
}

/* Fifty thousand keys are looked at once each, not once each for every other. */
static void test_many_keys(void **state)
{
    struct buffer b = {0};
    struct error error = {0};
    (void)state;
    for (int i = 0; i < 49998; i++)
        buffer_text(&b, "k%d: 1\n", i);
    struct yaml_node *tree = yaml_parse("f", (const char *)b.data, b.size, &error);
    assert_non_null(tree);
    assert_string_equal(yaml_get(tree, "k49997")->text, "1");
    yaml_node_free(tree);
    buffer_text(&b, "k0: 1\n");
    assert_null(yaml_parse("f", (const char *)b.data, b.size, &error));
    assert_string_equal(error.message, "f:49999:1: \"k0\" is given twice");
    buffer_fini(&b);
}

static void test_files(void **state)
{
    char path[] = "/tmp/weir-test-yaml-XXXXXX";
    struct error error = {0};
    int fd = mkstemp(path);
    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "a: 1\na: 2\n", 10), 10);
    size_t size;
    char *text = yaml_read_file(path, &size, &error);
    assert_int_equal(size, 10);
    assert_memory_equal(text, "a: 1\na: 2\n", 10);
    free(text);
    close(fd);
    unlink(path);
    assert_null(yaml_read_file(path, &size, &error));
    assert_int_equal(error.code, ERROR_USAGE);
    assert_non_null(strstr(error.message, "No such file"));
    error = (struct error){0};
    assert_null(yaml_read_file("/tmp", &size, &error));
    assert_non_null(strstr(error.message, "directory"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_tree),
                                       cmocka_unit_test(test_empty_documents),
                                       cmocka_unit_test(test_roots_of_any_kind),
                                       cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_bounds),
                                       cmocka_unit_test(test_many_keys),
                                       cmocka_unit_test(test_files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
