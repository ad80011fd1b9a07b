/* Any text as a destination's key: what parses must be written back as it was. */
#include "weir/baseline/destination.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct destination destination;
    char key[DESTINATION_KEY_SIZE];
    if (!destination_parse((const char *)data, size, &destination))
        return 0;
    destination_key(&destination, key);
    if (strlen(key) != size || memcmp(key, data, size) != 0)
        abort();
    return 0;
}
