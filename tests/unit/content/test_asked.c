/* Names in credentials and targets: by hand, and cut at every byte. */
#include "../../../sensor/content/asked.h"
#include "../../../sensor/content/http2_asked.h"
#include "../../../sensor/content/imap_item.h"
#include "../../../sensor/content/sextets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* An allocation of exactly its size: what reads behind it is seen. */
static struct text_span exact(const char *text, size_t size)
{
    char *copy = malloc(size ? size : 1);
    if (!copy)
        abort();
    memcpy(copy, text, size);
    return (struct text_span){copy, size};
}

static void drop(struct text_span text)
{
    free((char *)(uintptr_t)text.at);
}

static void expect(const struct asked_name *name, const char *wanted)
{
    assert_int_equal(name->size, strlen(wanted));
    assert_memory_equal(name->text, wanted, name->size);
}

static const struct {
    const char *value, *account;
} credentials[] = {
    {"Basic YWxpY2U6c2VjcmV0", "alice"}, /* alice:secret */
    {"basic \t YWxpY2U6c2VjcmV0", "alice"},
    {"Basic YWxpY2U6YTpiOmM=", "alice"}, /* alice:a:b:c */
    {"Basic OnNlY3JldA==", ""},          /* :secret */
    {"Basic YWxpY2U=", ""},              /* no colon: a token, for all anybody knows */
    {"Basic", ""},
    {"Basic !!!!", ""},
    {"Digest username=\"bob\", realm=\"x\", uri=\"/\"", "bob"},
    {"Digest realm=\"a, username=\\\"eve\\\"\", nonce=x,username=\"bob\"", "bob"},
    {"Digest qop=auth , username = bob ,nc=1", "bob"},
    {"DIGEST USERNAME*=UTF-8''b%C3%B6b", "UTF-8''b%C3%B6b"},
    {"Digest username=\"", ""},
    {"Digest realm=\"x\"", ""},
    {"Bearer YWxpY2U6c2VjcmV0", ""},
    {"Negotiate YWxpY2U6c2VjcmV0", ""},
    {"", ""},
};

static void test_credentials(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(credentials); i++) {
        size_t size = strlen(credentials[i].value);
        for (size_t cut = 0; cut <= size; cut++) {
            struct asked_name account;
            struct text_span value = exact(credentials[i].value, cut);
            asked_credentials(value, &account);
            assert_in_range(account.size, 0, strlen(credentials[i].value));
            if (cut == size)
                expect(&account, credentials[i].account);
            drop(value);
        }
    }
}

static void test_long_names(void **state)
{
    (void)state;
    struct asked_name account;
    char value[1200] = "Digest username=\"";
    size_t at = strlen(value);
    memset(value + at, 'n', 1000);
    strcpy(value + at + 1000, "\"");
    asked_credentials((struct text_span){value, strlen(value)}, &account);
    assert_int_equal(account.size, ASKED_NAME_MAX);
    memset(value, 'Q', sizeof value); /* no colon among the first 512 bytes of what it holds */
    memcpy(value, "Basic ", 6);
    asked_credentials((struct text_span){value, sizeof value}, &account);
    assert_int_equal(account.size, 0);
    memcpy(value + 6 + 400, "Ojo6", 4); /* three colons, behind 300 bytes of name */
    asked_credentials((struct text_span){value, sizeof value}, &account);
    assert_int_equal(account.size, ASKED_NAME_MAX);
    memset(value, 'p', sizeof value);
    value[0] = '/';
    asked_project((struct text_span){value, sizeof value}, &account);
    assert_int_equal(account.size, ASKED_NAME_MAX);
}

static void test_sasl(void **state)
{
    (void)state;
    static const struct {
        const char *base64, *account;
    } plain[] = {
        {"AGFsaWNlAHNlY3JldA==", "alice"},     /* NUL alice NUL secret */
        {"YWRtaW4AYWxpY2UAc2VjcmV0", "alice"}, /* admin NUL alice NUL secret */
        {" AGFsaWNlAHNlY3JldA==", "alice"},
        {"AGFsaWNl", ""}, /* its end is missing */
        {"YWxpY2U=", ""}, /* no NUL */
        {"*", ""},
        {"=", ""},
        {"", ""},
    };
    struct asked_name account;
    for (size_t i = 0; i < COUNT(plain); i++) {
        asked_plain((struct text_span){plain[i].base64, strlen(plain[i].base64)}, &account);
        expect(&account, plain[i].account);
    }
    asked_base64((struct text_span){"YWxpY2U=", 8}, &account);
    expect(&account, "alice");
    asked_base64((struct text_span){"*", 1}, &account);
    expect(&account, "");
}

static void test_sextets(void **state)
{
    (void)state;
    uint8_t out[8];
    assert_int_equal(sextets_decode((struct text_span){"+/-_", 4}, out, sizeof out), 3);
    assert_memory_equal(out, "\xfb\xff\xbf", 3); /* 62, 63 in either alphabet */
    assert_int_equal(sextets_decode((struct text_span){"AAAA", 4}, out, 2), 2);
    assert_int_equal(sextets_decode((struct text_span){"QQ==QQ", 6}, out, sizeof out), 1);
    assert_int_equal(out[0], 'A');
}

static const struct {
    const char *target, *project;
} targets[] = {
    {"/projects/alpha/plan.pdf", "/projects/alpha"},
    {"/projects/alpha/sub/deep/", "/projects/alpha"},
    {"/projects/alpha", "/projects/alpha"},
    {"/projects/alpha/", "/projects/alpha"},
    {"/projects/alpha?file=/a/b.c", "/projects/alpha"},
    {"/projects?id=1", "/projects"},
    {"//projects//./alpha/../x", "/projects/x"},
    {"/a/b/../../p1/q1", "/p1/q1"}, /* as a server resolves it */
    {"/a/b/c/../../../p/q/", "/p/q"},
    {"/../a/b/c/..", "/a/b"},
    {"/projects;v=1/alpha;jsessionid=0A.1/list", "/projects/alpha"},
    {"/images/logo.png", "/images"}, /* a file is no project */
    {"/index.html", ""},
    {"/v1.2/users", "/v1.2/users"},
    {"/", ""},
    {"", ""},
    {"*", ""},
    {"http://x.example/projects/alpha/", "/projects/alpha"},
    {"http://x.example", ""},
    {"x.example:443", ""}, /* CONNECT's */
    {"/#/projects/alpha", ""},
};

static void test_projects(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(targets); i++) {
        size_t size = strlen(targets[i].target);
        for (size_t cut = 0; cut <= size; cut++) {
            struct asked_name project;
            struct text_span target = exact(targets[i].target, cut);
            asked_project(target, &project);
            assert_in_range(project.size, 0, size);
            if (cut == size)
                expect(&project, targets[i].project);
            drop(target);
        }
    }
}

static void test_imap_arguments(void **state)
{
    (void)state;
    static const struct {
        const char *line, *argument;
    } row[] = {
        {"a1 LOGIN alice secret", "alice"},
        {"a1 LOGIN \"alice b\" \"secret\"", "alice b"},
        {"a1 LOGIN \"al\\\"ice\" x", "al\\\"ice"},
        {"a1 LOGIN \"alice", "alice"},
        {"  a1   LOGIN   alice", "alice"},
        {"a1 LOGIN", ""},
        {"a1", ""},
        {"", ""},
        {"a1 LOGIN \"", ""},
        {"a1 LOGIN \"\\", "\\"},
    };
    for (size_t i = 0; i < COUNT(row); i++) {
        struct text_span line = exact(row[i].line, strlen(row[i].line));
        struct text_span argument = imap_argument(line);
        assert_int_equal(argument.size, strlen(row[i].argument));
        assert_memory_equal(argument.at, row[i].argument, argument.size);
        drop(line);
    }
}

static void test_http2_asked(void **state)
{
    (void)state;
    struct http2_asked asked = {.count = 0};
    for (uint32_t id = 1; id <= 2 * HTTP2_ASKED_MAX; id += 2)
        assert_true(http2_asked_put(&asked, id, &(struct asked){.account = id}));
    assert_int_equal(http2_asked_take(&asked, 2).account, 0); /* not asked */
    assert_int_equal(http2_asked_take(&asked, 5).account, 5);
    assert_int_equal(http2_asked_take(&asked, 5).account, 0); /* once */
    assert_true(http2_asked_put(&asked, 1001, &(struct asked){.account = 1001}));
    assert_false(http2_asked_put(&asked, 1003, &(struct asked){.account = 1003}));
    assert_int_equal(asked.count, HTTP2_ASKED_MAX);
    assert_int_equal(http2_asked_take(&asked, 1).account, 0); /* the oldest made room */
    assert_int_equal(http2_asked_take(&asked, 3).account, 3);
    assert_int_equal(http2_asked_take(&asked, 1003).account, 1003);
    http2_asked_fini(&asked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_credentials), cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_sasl),        cmocka_unit_test(test_sextets),
        cmocka_unit_test(test_projects),    cmocka_unit_test(test_imap_arguments),
        cmocka_unit_test(test_http2_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
