/* First bytes, as more and more of them come: results and services agree, what was recognised by
 * its first bytes alone stays so, and waiting ends. */
#include "weir/content/names.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum service last = SERVICE_NONE;
    for (size_t n = 0; n <= size; n = n < 64 || n == size ? n + 1 : size) {
        enum service service;
        enum parse_result result = service_recognise(data, n, &service);
        check(result == PARSE_OK || result == PARSE_MORE || result == PARSE_NOT);
        check((result == PARSE_OK) == (service != SERVICE_NONE));
        check(service < SERVICES);
        check(n < 4096 || result != PARSE_MORE);
        if (last == SERVICE_TLS || last == SERVICE_SSH)
            check(service == last);
        last = service;
    }
    return 0;
}
