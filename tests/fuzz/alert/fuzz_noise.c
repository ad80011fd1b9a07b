/* The file of silences and verdicts as any bytes: refused with a line, or a book that is written
 * and read back the same, within its bounds. */
#include "weir/alert/noise.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error = {0};
    struct noise *noise = noise_parse((const char *)data, size, &error);
    must((noise == NULL) == (error.code == ERROR_INPUT));
    if (!noise)
        return 0;
    must(noise->silence_count <= NOISE_SILENCES && noise->marks.count <= NOISE_MARKS);
    char *text = noise_text(noise);
    struct noise *again = noise_parse(text, strlen(text), NULL);
    must(again != NULL);
    char *second = noise_text(again);
    must(strcmp(text, second) == 0);
    free(text);
    free(second);
    noise_free(again);
    noise_free(noise);
    return 0;
}
