/* Any text as a name that was asked for: the first byte says how much of it was cut. What it weighs
 * is bounded by what a name can carry, whatever it looks like. */
#include "../../../sensor/engine/questions.h"

#include "weir/base/suffix.h"

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
    static struct questions questions;
    static struct suffixes *suffixes;
    char text[RECORD_NAME_MAX + 1] = "";
    struct question_name name;
    if (!suffixes) {
        suffixes = suffixes_new();
        questions_init(&questions, NULL);
    }
    if (size < 1 || size - 1 > RECORD_NAME_MAX)
        return 0;
    memcpy(text, data + 1, size - 1);
    question_name_read(&questions, suffixes, text, data[0], &name);
    size_t letters = strlen(text);
    must(name.weight <= 1000 * letters + 1000u * data[0]);
    must(name.weight <= DISTINCT_WEIGHT_MAX && name.address_weight <= 16000);
    must(strcmp(name.domain, ".") == 0 || (name.domain >= text && name.domain <= text + letters &&
                                           (name.domain == text || name.domain[-1] == '.')));
    return 0;
}
