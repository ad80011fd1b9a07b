/* A template: read or refused with its place; what is read is filled within its bound, and its
 * fields stay inside the JSON strings they stand in. */
#include "../../../sensor/bus/webhook_template.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char record[] =
    "{\"event\":{\"id\":\"a\\\"\\\\\\n\\u0000b\",\"severity\":7,\"share\":0.5},\"host\":{\"ip\":"
    "\"10.0.0.1\"},\"list\":[1,\"x\\\"\",[],{}],\"a\":true,\"n\":null}";

static void fill(const struct webhook_template *template, size_t size)
{
    static const char text[] = "a \"line\"\n";
    struct json_value *value = json_parse(record, sizeof record - 1, NULL);
    struct sink_line line = {1, text, sizeof text - 1, value};
    struct buffer out = {0};
    webhook_template_put(&out, template, &line);
    if (out.size > size * 8 + 64)
        abort();
    buffer_fini(&out);
    json_value_free(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error = {0};
    struct webhook_template *template = webhook_template_new((const char *)data, size, &error);
    if (!template) {
        if (error.code != ERROR_USAGE || !*error.message)
            abort();
        return 0;
    }
    fill(template, size);
    struct error why = {0};
    if (!webhook_template_is_json(template, &why) && !*why.message)
        abort();
    webhook_template_free(template);
    return 0;
}
