/* Evidence of who is the client: bounds; and that nothing is evidence which a longer look at the
 * same bytes would take for the other side's. */
#include "weir/content/client.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum evidence dns = evidence_of_dns(data, size);
    check(dns <= EVIDENCE_SERVER && (dns == EVIDENCE_NONE || size >= 12));
    for (int service = SERVICE_NONE; service < SERVICES; service++) {
        enum evidence all = evidence_of_segment(data, size, (enum service)service);
        for (size_t n = 0; n < size && n < 64; n++) {
            enum evidence part = evidence_of_segment(data, n, (enum service)service);
            check(part == EVIDENCE_NONE || all == EVIDENCE_NONE || part == all);
        }
        check(all == EVIDENCE_NONE || size >= 6);
    }
    return 0;
}
