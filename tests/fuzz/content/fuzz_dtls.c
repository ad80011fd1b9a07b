/* Datagrams of DTLS: bounds, and that no prefix of a hello has a fingerprint. */
#include "weir/content/names.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t none[16];
    struct tls_hello hello;
    enum parse_result result = dtls_parse(data, size, &hello);
    check(result < PARSE_RESULTS);
    check(memchr(hello.server_name, '\0', sizeof hello.server_name) != NULL);
    check(memchr(hello.alpn, '\0', sizeof hello.alpn) != NULL);
    for (int carrier = HELLO_TLS; carrier < HELLO_CARRIERS; carrier++) {
        enum parse_result parsed =
            tls_parse_hello_message(data, size, (enum hello_carrier)carrier, &hello);
        check(parsed == PARSE_OK || memcmp(hello.ja3, none, sizeof none) == 0);
        check(parsed == PARSE_OK || hello.ja4[0] == '\0');
        check(hello.ja4[0] == '\0' || strlen(hello.ja4) == JA4_SIZE - 1);
    }
    return 0;
}
