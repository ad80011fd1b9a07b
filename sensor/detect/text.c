/* Figures as people read them. Rounded by integers, so that the same value is the same text on
 * every machine. Thread: any (pure). */
#include "rows.h"

#include <inttypes.h>
#include <stdio.h>

char *bytes_text(uint64_t bytes, char text[BYTES_TEXT_SIZE])
{
    static const char *const unit[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
    uint64_t scale = 1000;
    size_t i = 0;
    if (bytes < 1000) {
        snprintf(text, BYTES_TEXT_SIZE, "%" PRIu64 " bytes", bytes);
        return text;
    }
    while (i < 5 && bytes / scale >= 1000) {
        scale *= 1000;
        i++;
    }
    unsigned tenths = (unsigned)(bytes / (scale / 10)); /* below 10,000 */
    if (tenths < 100)
        snprintf(text, BYTES_TEXT_SIZE, "%u.%u %s", tenths / 10, tenths % 10, unit[i]);
    else
        snprintf(text, BYTES_TEXT_SIZE, "%u %s", tenths / 10, unit[i]);
    return text;
}

char *count_text(uint64_t count, char text[COUNT_TEXT_SIZE])
{
    char digits[24];
    size_t size = (size_t)snprintf(digits, sizeof digits, "%" PRIu64, count), at = 0;
    for (size_t i = 0; i < size; i++) {
        if (i > 0 && (size - i) % 3 == 0)
            text[at++] = ',';
        text[at++] = digits[i];
    }
    text[at] = '\0';
    return text;
}

struct reason *reason_of(struct finding *finding, const char *code, uint64_t observed,
                         const struct estimate *estimate)
{
    finding->reason_count = 1;
    finding->reason[0] =
        (struct reason){.code = code,
                        .observed = (double)observed,
                        .expected = {(double)estimate->expected[0], (double)estimate->expected[1]},
                        .unit = "byte",
                        .p = estimate->p,
                        .weight = 1,
                        .samples = estimate->samples};
    return &finding->reason[0];
}

char *usual_text(const struct estimate *estimate, const char *things, char text[USUAL_TEXT_SIZE])
{
    char low[BYTES_TEXT_SIZE], high[BYTES_TEXT_SIZE], largest[BYTES_TEXT_SIZE];
    char samples[COUNT_TEXT_SIZE];
    if (estimate->samples < 1) {
        snprintf(text, USUAL_TEXT_SIZE, ", none seen before");
        return text;
    }
    count_text((uint64_t)estimate->samples, samples);
    bytes_text(estimate->expected[0], low);
    bytes_text(estimate->expected[1], high);
    bytes_text(estimate->largest, largest);
    snprintf(text, USUAL_TEXT_SIZE, ", usually %s to %s, the largest of %s %.17s about %s", low,
             high, samples, things, largest);
    return text;
}
