/* The decoder of quoted-printable (transfer_fuzz.h). */
#include "transfer_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return transfer_fuzz(quoted_filter_new, data, size);
}
