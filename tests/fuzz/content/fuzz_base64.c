/* The decoder of base64 (transfer_fuzz.h). */
#include "transfer_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return transfer_fuzz(base64_filter_new, data, size);
}
