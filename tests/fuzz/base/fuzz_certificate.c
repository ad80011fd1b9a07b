/* Any bytes as a certificate: names are well-formed, bounded, and hold what they are. */
#include "weir/base/certificate.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_name(const char *name, size_t size)
{
    char one[CERTIFICATE_NAME_MAX + 1];
    must(size > 0 && size <= CERTIFICATE_NAME_MAX);
    memcpy(one, name, size);
    one[size] = '\0';
    for (size_t i = 0; i < size; i++)
        must(one[i] > ' ' && one[i] < 0x7f && (one[i] < 'A' || one[i] > 'Z'));
    must(certificate_holds(one, one) || one[0] == '*');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer names = {NULL, 0, 0};
    bool sound = certificate_names(data, size, &names);
    must(sound || names.size == 0);
    buffer_u8(&names, 0);
    const char *text = (const char *)names.data;
    must(strlen(text) + 1 == names.size);
    unsigned count = 0;
    while (*text) {
        size_t length = strcspn(text, ",");
        check_name(text, length);
        count++;
        text += length + (text[length] == ',');
    }
    must(count <= CERTIFICATE_NAMES);
    buffer_fini(&names);
    return 0;
}
