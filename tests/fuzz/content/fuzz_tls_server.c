/* A server's flight: bounds, and what a prefix may say of the whole. */
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
    struct tls_certificate whole, half;
    enum parse_result result = tls_parse_certificate(data, size, &whole);
    check(result < PARSE_RESULTS);
    check((result == PARSE_OK) == (whole.size > 0));
    check(whole.size <= CERTIFICATE_MAX);
    enum parse_result before = tls_parse_certificate(data, size / 2, &half);
    if (before != PARSE_MORE) { /* it is decided */
        check(result == before && half.size == whole.size);
        check(memcmp(half.der, whole.der, whole.size) == 0);
    }
    return 0;
}
