/* A server's flight: bounds, and what a prefix may say of the whole. */
#include "../../../sensor/content/recognise.h"
#include "../../../sensor/content/tls_wire.h"

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
    if (tls_server_hello_fits(data, size / 2))
        check(tls_server_hello_fits(data, size)); /* what follows does not change it */
    size_t record;
    if (tls_begins(data, size) == PARSE_OK)
        check(tls_record_size(data, size, &record) == PARSE_OK && record > TLS_RECORD_HEADER);
    return 0;
}
