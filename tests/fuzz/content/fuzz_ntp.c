/* NTP by its shape: reads nothing past the end, and what is certain is of a size that can be. */
#include "../../../sensor/content/ntp.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum ntp_likeness likeness = ntp_judge(data, size);
    if (likeness == NTP_CERTAIN && (size < 48 || data[1] > 16 || size % 4 != 0))
        abort();
    if (likeness == NTP_BY_PORT && size < 8)
        abort();
    return 0;
}
