/* The JSON writer byte for byte, and the reader. */
#include "weir/base/json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_text(struct json *j, int indent, const char *expected)
{
    char *text = json_take_text(j, indent);
    assert_string_equal(text, expected);
    free(text);
}

static void test_document(void **state)
{
    struct json *j = json_new();
    (void)state;
    for (int again = 0; again < 2; again++) { /* the writer is empty after each */
        json_open(j, NULL);
        json_str(j, "z", "last letter first");
        json_str(j, "a", NULL);
        json_uint(j, "bytes", 7);
        json_int(j, "change", -7);
        json_bool(j, "yes", true);
        json_bool(j, "no", false);
        json_none(j, "none");
        json_list(j, "ips");
        json_str(j, NULL, "10.0.0.1");
        json_open(j, NULL);
        json_close(j);
        json_close(j);
        json_close(j);
        assert_text(j, 0,
                    "{\"z\":\"last letter first\",\"a\":null,\"bytes\":7,\"change\":-7,"
                    "\"yes\":true,\"no\":false,\"none\":null,\"ips\":[\"10.0.0.1\",{}]}");
    }
    json_free(j);
}

static void test_indented(void **state)
{
    struct json *j = json_new();
    (void)state;
    json_open(j, NULL);
    json_list(j, "list");
    json_uint(j, NULL, 1);
    json_close(j);
    json_close(j);
    assert_text(j, 2, "{\n  \"list\": [\n    1\n  ]\n}");
    json_free(j);
}

static void test_whole_numbers(void **state)
{
    struct json *j = json_new();
    (void)state;
    json_list(j, NULL);
    json_uint(j, NULL, UINT64_C(9007199254740993)); /* not a double */
    json_uint(j, NULL, INT64_MAX);
    json_uint(j, NULL, UINT64_MAX);
    json_int(j, NULL, INT64_MIN);
    json_close(j);
    assert_text(j, 0,
                "[9007199254740993,9223372036854775807,9223372036854775807,-9223372036854775808]");
    json_free(j);
}

static void test_reals(void **state)
{
    struct json *j = json_new();
    (void)state;
    json_list(j, NULL);
    json_number(j, NULL, 0.1);
    json_number(j, NULL, 1.0 / 3);
    json_number(j, NULL, 5);
    json_number(j, NULL, 1e300);
    json_number(j, NULL, 123456789012345.0);
    json_number(j, NULL, NAN);
    json_number(j, NULL, INFINITY);
    json_close(j);
    assert_text(j, 0, "[0.1,0.333333333333,5.0,1e300,1.23456789012e14,null,null]");
    json_free(j);
}

/* What is UTF-8 stays; each byte that is not is shown. Cases of Kuhn's UTF-8 decoder stress test.
 */
static void test_text(void **state)
{
    static const struct {
        const char *in;
        size_t size;
        const char *out;
    } row[] = {
        {"plain", 5, "plain"},
        {NULL, 0, ""},
        {"\"\\/\n\t\x01\x7f", 7, "\\\"\\\\/\\n\\t\\u0001\x7f"},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"a\0b", 3, "a\\\\x00b"},
        {"\x80", 1, "\\\\x80"},
        {"\xff\xfe", 2, "\\\\xff\\\\xfe"},
        {"\xc3", 1, "\\\\xc3"},
        {"\xc3(", 2, "\\\\xc3("},
        {"\xe2\x82", 2, "\\\\xe2\\\\x82"},
        {"\xc0\xaf", 2, "\\\\xc0\\\\xaf"},                       /* overlong */
        {"\xe0\x80\xaf", 3, "\\\\xe0\\\\x80\\\\xaf"},            /* overlong */
        {"\xed\xa0\x80", 3, "\\\\xed\\\\xa0\\\\x80"},            /* surrogate */
        {"\xed\x9f\xbf", 3, "\xed\x9f\xbf"},                     /* just before them */
        {"\xf4\x8f\xbf\xbf", 4, "\xf4\x8f\xbf\xbf"},             /* the last one */
        {"\xf4\x90\x80\x80", 4, "\\\\xf4\\\\x90\\\\x80\\\\x80"}, /* one further */
        {"\xf9\x80\x80\x80", 4, "\\\\xf9\\\\x80\\\\x80\\\\x80"},
        {"\xf8\x88\x80\x80\x80", 5, "\\\\xf8\\\\x88\\\\x80\\\\x80\\\\x80"},
    };
    struct json *j = json_new();
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        char expected[100];
        snprintf(expected, sizeof expected, "[\"%s\"]", row[i].out);
        json_list(j, NULL);
        json_bytes(j, NULL, row[i].in, row[i].size);
        json_close(j);
        assert_text(j, 0, expected);
    }
    json_free(j);
}

static void test_key_of_any_bytes(void **state)
{
    struct json *j = json_new();
    (void)state;
    json_open(j, NULL);
    json_uint(j, "host\xff", 1);
    json_close(j);
    assert_text(j, 0, "{\"host\\\\xff\":1}");
    json_free(j);
}

/* Freed in the middle: the sanitizer sees what is lost. */
static void test_free_unfinished(void **state)
{
    struct json *j = json_new();
    (void)state;
    json_open(j, NULL);
    json_list(j, "deep");
    json_free(j);
    j = json_new();
    json_open(j, NULL);
    json_close(j);
    json_free(j);
    json_free(NULL);
}

static struct json_value *parse(const char *text, struct error *error)
{
    return json_parse(text, strlen(text), error);
}

static void test_reader(void **state)
{
    struct error error = {0};
    struct json_value *root =
        parse("{\"list\":[1,-2,\"x\",1.5],\"text\":\"caf\\u00e9\",\"none\":null}", &error);
    int64_t n = 0;
    (void)state;
    assert_non_null(root);
    const struct json_value *list = json_get(root, "list");
    assert_int_equal(json_length(list), 4);
    assert_true(json_whole(json_at(list, 1), &n));
    assert_int_equal(n, -2);
    assert_false(json_whole(json_at(list, 2), &n));
    assert_false(json_whole(json_at(list, 3), &n));
    assert_string_equal(json_text(json_at(list, 2)), "x");
    assert_string_equal(json_text(json_get(root, "text")), "caf\xc3\xa9");
    /* What is not there, or not of that kind, is nothing; nothing holds nothing. */
    assert_null(json_at(list, 4));
    assert_null(json_get(root, "absent"));
    assert_null(json_get(list, "list"));
    assert_null(json_at(root, 0));
    assert_null(json_text(list));
    assert_null(json_text(json_get(root, "none")));
    assert_null(json_get(NULL, "x"));
    assert_int_equal(json_length(NULL), 0);
    assert_false(json_whole(NULL, &n));
    json_value_free(root);
}

static void test_read_numbers_and_truth(void **state)
{
    struct error error = {0};
    struct json_value *root = parse("[1.5,-2,true,false,\"1\",null]", &error);
    double number = 0;
    bool truth = false;
    (void)state;
    assert_true(json_decimal(json_at(root, 0), &number));
    assert_true(number > 1.49 && number < 1.51);
    assert_true(json_decimal(json_at(root, 1), &number));
    assert_true(number < -1.99 && number > -2.01);
    assert_true(json_truth(json_at(root, 2), &truth));
    assert_true(truth);
    assert_true(json_truth(json_at(root, 3), &truth));
    assert_false(truth);
    truth = true;
    for (size_t i = 2; i < 7; i++) /* the last one is not there */
        assert_false(json_decimal(json_at(root, i), &number));
    for (size_t i = 4; i < 7; i++)
        assert_false(json_truth(json_at(root, i), &truth));
    assert_true(number < -1.99 && truth); /* untouched */
    json_value_free(root);
}

static void test_reader_refuses(void **state)
{
    static const char *const bad[] = {
        "",     "{",       "{\"a\":1,\"a\":2}", "[1] 2",
        "1",    "[1,]",    "{'a':1}",           "[\"\xff\"]",
        "[01]", "[1e999]", "[\"\\u0000\"]",     "[9223372036854775808]"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct error error = {0};
        if (parse(bad[i], &error))
            fail_msg("accepted %s", bad[i]);
        assert_int_equal(error.code, ERROR_INPUT);
        assert_non_null(strstr(error.message, "JSON line 1 column"));
    }
}

static void test_round_trip(void **state)
{
    struct json *j = json_new();
    int64_t n;
    (void)state;
    json_open(j, NULL);
    json_int(j, "least", INT64_MIN);
    json_str(j, "name", "\"quoted\" \\ \n");
    json_close(j);
    char *text = json_take_text(j, 0);
    struct json_value *root = parse(text, NULL);
    assert_true(json_whole(json_get(root, "least"), &n));
    assert_true(n == INT64_MIN);
    assert_string_equal(json_text(json_get(root, "name")), "\"quoted\" \\ \n");
    json_value_free(root);
    free(text);
    json_free(j);
}

static struct json_value *parsed(const char *text)
{
    struct json_value *root = json_parse(text, strlen(text), NULL);
    assert_non_null(root);
    return root;
}

static void test_find(void **state)
{
    struct json_value *root = parsed("{\"source\":{\"ip\":\"10.0.0.1\",\"\":3},"
                                     "\"list\":[{\"text\":\"first\"},[7,8]],\"a.b\":1}");
    int64_t whole = 0;
    (void)state;
    assert_string_equal(json_text(json_find(root, "source.ip")), "10.0.0.1");
    assert_string_equal(json_text(json_find(root, "list.0.text")), "first");
    assert_true(json_whole(json_find(root, "list.1.1"), &whole));
    assert_int_equal(whole, 8);
    assert_true(json_whole(json_find(root, "source."), &whole)); /* the empty key is a key */
    assert_int_equal(whole, 3);
    assert_ptr_equal(json_find(root, "source"), json_get(root, "source"));
    assert_null(json_find(root, "source.port"));
    assert_null(json_find(root, "source.ip.more"));
    assert_null(json_find(root, "list.2"));
    assert_null(json_find(root, "list.-1"));
    assert_null(json_find(root, "list.1x"));
    assert_null(json_find(root, "list.99999999999999999999999"));
    assert_null(json_find(root, "a.b"));
    assert_null(json_find(root, ""));
    assert_null(json_find(NULL, "source"));
    char path[1024];
    memset(path, 'a', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    assert_null(json_find(root, path));
    json_value_free(root);
}

static void test_members(void **state)
{
    struct json_value *root = parsed("{\"z\":1,\"a\":{\"k\":2},\"m\":[3]}");
    char order[8] = "";
    (void)state;
    for (struct json_walk walk = json_members(root); json_step(&walk);) {
        assert_ptr_equal(walk.value, json_get(root, walk.key));
        strcat(order, walk.key);
    }
    assert_string_equal(order, "zam");
    struct json_walk none = json_members(json_get(root, "m"));
    assert_false(json_step(&none));
    assert_false(json_step(&none));
    none = json_members(NULL);
    assert_false(json_step(&none));
    json_value_free(root);
    root = parsed("{}");
    none = json_members(root);
    assert_false(json_step(&none));
    json_value_free(root);
}

static void test_put(void **state)
{
    static const char text[] = "{\"z\":[1,-2,0.25,true,null,{\"k\":\"\\u0001ä\"}],\"a\":1e300}";
    struct json_value *root = parsed(text);
    struct json *j = json_new();
    (void)state;
    json_open(j, NULL);
    json_put(j, "z", json_get(root, "z"));
    json_put(j, "none", json_get(root, "nothing"));
    json_list(j, "list");
    json_put(j, NULL, json_get(root, "a"));
    json_close(j);
    json_close(j);
    json_value_free(root); /* what was written stays */
    assert_text(j, 0,
                "{\"z\":[1,-2,0.25,true,null,{\"k\":\"\\u0001ä\"}],\"none\":null,"
                "\"list\":[1e300]}");
    json_free(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_document),
                                       cmocka_unit_test(test_find),
                                       cmocka_unit_test(test_members),
                                       cmocka_unit_test(test_put),
                                       cmocka_unit_test(test_indented),
                                       cmocka_unit_test(test_whole_numbers),
                                       cmocka_unit_test(test_reals),
                                       cmocka_unit_test(test_text),
                                       cmocka_unit_test(test_key_of_any_bytes),
                                       cmocka_unit_test(test_free_unfinished),
                                       cmocka_unit_test(test_reader),
                                       cmocka_unit_test(test_read_numbers_and_truth),
                                       cmocka_unit_test(test_reader_refuses),
                                       cmocka_unit_test(test_round_trip)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
