/* ClientHellos: bounds, and what a prefix may say of the whole. */
#include "weir/content/names.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
    if (!holds)
        abort();
}

static void check_text(const char *name)
{
    check(memchr(name, '\0', RECORD_NAME_MAX + 1) != NULL);
    for (; *name; name++)
        check(*name > ' ' && *name < 0x7f && (*name < 'A' || *name > 'Z'));
}

static void check_alpn(const char *alpn)
{
    check(memchr(alpn, '\0', RECORD_NAME_MAX + 1) != NULL);
    for (; *alpn; alpn++)
        check(*alpn > ' ' && *alpn < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t none[16];
    struct tls_hello hello, half;
    enum parse_result result = tls_parse_hello(data, size, &hello);
    check(result < PARSE_RESULTS);
    check_text(hello.server_name);
    check_alpn(hello.alpn);
    check(result == PARSE_OK || memcmp(hello.ja3, none, sizeof none) == 0);
    check(result == PARSE_OK || hello.ja4[0] == '\0');
    check(hello.ja4[0] == '\0' || strlen(hello.ja4) == JA4_SIZE - 1);
    if (tls_hello_wants_more(data, size))
        check(result == PARSE_MORE);
    if (result == PARSE_OK)
        check(tls_looks_like(data, size));
    enum parse_result before = tls_parse_hello(data, size / 2, &half);
    check_text(half.server_name);
    if (before == PARSE_MORE && half.server_name[0])
        check(strcmp(half.server_name, hello.server_name) == 0); /* once whole, it stays */
    if (before == PARSE_OK)
        check(result == PARSE_OK && strcmp(half.server_name, hello.server_name) == 0 &&
              memcmp(half.ja3, hello.ja3, sizeof half.ja3) == 0 &&
              strcmp(half.ja4, hello.ja4) == 0 && half.flags == hello.flags);
    if (before == PARSE_NOT)
        check(result == PARSE_NOT);
    return 0;
}
