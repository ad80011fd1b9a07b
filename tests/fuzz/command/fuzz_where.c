/* Conditions over records, as somebody types them: the input is one, then a newline, then a record.
 * One that is taken must be answered, and its opposite must be the opposite. */
#include "../../../sensor/command/where.h"

#include "weir/base/buffer.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char example[] =
    "{\"event\":{\"kind\":\"alert\",\"severity\":72,\"category\":[\"a\"]},"
    "\"source\":{\"ip\":\"10.4.0.9\"},\"w\":[{\"x\":0.5},{\"x\":true}]}";

static void ask(const char *text, const struct json_value *record)
{
    struct where *where = where_new(text, NULL);
    if (!where)
        return;
    bool holds = where_holds(where, record);
    char *opposite = xasprintf("not (%s)", text);
    struct where *other = where_new(opposite, NULL); /* NULL: at a bound */
    if (other && where_holds(other, record) == holds)
        abort();
    where_free(other);
    where_free(where);
    free(opposite);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
    size_t length = end ? (size_t)(end - data) : size;
    char *text = xcalloc(1, length + 1);
    memcpy(text, data, length);
    struct json_value *record = json_parse(example, sizeof example - 1, NULL);
    ask(text, record);
    json_value_free(record);
    if (end && (record = json_parse((const char *)end + 1, size - length - 1, NULL)) != NULL)
        ask(text, record);
    if (end)
        json_value_free(record);
    free(text);
    return 0;
}
