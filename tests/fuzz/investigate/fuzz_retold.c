/* Lines of the journal as any bytes, a newline between: taken apart, put together to incidents, and
 * told as a hand-over in both languages and as JSON, which must be readable. */
#include "weir/investigate/handover.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct handover_config config_of(struct calendar **calendar)
{
    static const struct detect_config detect = {.alerts_per_100_hosts_per_day = 1};
    static const struct calendar_config tokyo = {.timezone = "Asia/Tokyo", .work_end = 18};
    if (!*calendar)
        *calendar = calendar_new(&tokyo, NULL);
    return (struct handover_config){.from = {INT64_C(1772377200000000000)},
                                    .to = {INT64_C(1772406000000000000)},
                                    .calendar = *calendar,
                                    .sensor = "span-1",
                                    .detect = &detect};
}

static void show(const struct handover *handover)
{
    char *json = handover_json(handover);
    struct json_value *root = json_parse(json, strlen(json), NULL);
    if (!root)
        abort();
    json_value_free(root);
    free(json);
    for (int i = 0; i < HANDOVER_LANGUAGES; i++)
        free(handover_text(handover, (enum handover_language)i));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct calendar *calendar; /* one a process */
    struct handover_config config = config_of(&calendar);
    struct handover *handover = handover_new(&config);
    const char *at = (const char *)data, *end = at + size;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t length = newline ? (size_t)(newline - at) : (size_t)(end - at);
        handover_line(handover, at, length);
        at += length + 1;
    }
    handover_end(handover);
    show(handover);
    handover_free(handover);
    return 0;
}
