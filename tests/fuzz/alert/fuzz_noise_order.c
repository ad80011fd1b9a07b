/* What comes over the control API as a body: the first byte chooses the order, the rest is its
 * body. Refused, nothing has changed; done, the book can be written and read back, the record of
 * the audit is one line of JSON, and so is the reply. */
#include "weir/alert/noise.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char start[] =
    "{\"weir_noise\":1,\"next\":2,\"silences\":[{\"id\":\"sil-1\",\"author\":\"a\",\"reason\":"
    "\"r\",\"created\":\"2026-03-02T01:00Z\",\"expires\":\"2026-03-03T01:00Z\",\"scope\":"
    "{\"rule\":\"a\"}}],\"incidents\":[{\"incident\":\"0123456789abcdef0123456789abcdef\","
    "\"acknowledged\":{\"by\":\"a\",\"at\":\"2026-03-02T01:00Z\",\"packet_time\":"
    "\"2026-03-02T01:00Z\"}}]}";

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void must_be_json(const char *text)
{
    struct json_value *root = json_parse(text, strlen(text), NULL);
    must(root && !strchr(text, '\n'));
    json_value_free(root);
}

static void done(const struct noise *noise, const struct noise_outcome *outcome)
{
    must_be_json(outcome->audit);
    must_be_json(outcome->reply);
    char *text = noise_text(noise);
    struct error error = {0};
    struct noise *again = noise_parse(text, strlen(text), &error);
    must(again != NULL);
    noise_free(again);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 65536)
        return 0;
    struct noise *noise = noise_parse(start, sizeof start - 1, NULL);
    char *before = noise_text(noise);
    enum noise_verb verb = (enum noise_verb)(data[0] % 5u);
    struct error error = {0};
    struct noise_outcome outcome;
    struct noise_order order = {.verb = verb,
                                .target = verb == NOISE_REMOVE ? "sil-1"
                                                               : "0123456789abcdef0123456789abcdef",
                                .body = (const char *)data + 1,
                                .body_size = size - 1,
                                .peer = "root",
                                .at = {INT64_C(1772413447201000000)},
                                .packet = {INT64_C(1772413447201000000)},
                                .sensor = "span-1"};
    if (noise_obey(noise, &order, &outcome, &error) == 0) {
        done(noise, &outcome);
    } else {
        char *after = noise_text(noise);
        must(*error.message && !outcome.audit && strcmp(before, after) == 0);
        free(after);
    }
    noise_outcome_fini(&outcome);
    free(before);
    noise_free(noise);
    return 0;
}
