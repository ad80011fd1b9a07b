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

char *duration_text(uint64_t seconds, char text[DURATION_TEXT_SIZE])
{
    if (seconds < 600)
        snprintf(text, DURATION_TEXT_SIZE, "%" PRIu64 " s", seconds);
    else if (seconds < 7200)
        snprintf(text, DURATION_TEXT_SIZE, "%" PRIu64 " min", seconds / 60);
    else
        snprintf(text, DURATION_TEXT_SIZE, "%" PRIu64 ".%" PRIu64 " h", seconds / 3600,
                 seconds % 3600 / 360);
    return text;
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

static const char *when_of(const struct told_kind *told, bool of_hour)
{
    if (!of_hour)
        return "in this day";
    return told->earlier ? "in an hour of this day" : "in this hour";
}

void sent_text(const struct told_kind *told, bool of_hour, const char *things,
               struct reason *reason)
{
    char amount[BYTES_TEXT_SIZE], usual[USUAL_TEXT_SIZE];
    bytes_text(told->bytes, amount);
    usual_text(&told->estimate, things, usual);
    snprintf(reason->text, sizeof reason->text, "%s left this host %s%s", amount,
             when_of(told, of_hour), usual);
}

uint32_t told_others(const struct told_kind *told)
{
    uint32_t users = fleet_prevalence(told->weighing->fleet, told->pair.destination);
    return told->pair.pair && users > 0 ? users - 1 : users;
}

void pair_text(const struct told_kind *told, bool of_hour, const char *verb, struct reason *reason)
{
    char amount[BYTES_TEXT_SIZE], usual[USUAL_TEXT_SIZE];
    bytes_text(told->bytes, amount);
    usual_text(&told->estimate, of_hour ? "earlier hours" : "earlier days", usual);
    snprintf(reason->text, sizeof reason->text, "%s %.9s %.50s %s%s", amount, verb,
             told->pair.destination->name, when_of(told, of_hour), usual);
}
