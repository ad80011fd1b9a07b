/* Any bytes as JSON: read to the last leaf or refused; and as text and key of what is written,
 * which must always be readable again. */
#include "weir/base/json.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static size_t walk(const struct json_value *value)
{
    size_t leaves = 0;
    int64_t n;
    for (size_t i = 0; i < json_length(value); i++)
        leaves += walk(json_at(value, i));
    for (struct json_walk member = json_members(value); json_step(&member);) {
        must(json_get(value, member.key) == member.value);
        must(strchr(member.key, '.') || strlen(member.key) > 255 ||
             json_find(value, member.key) == member.value);
        leaves += walk(member.value);
    }
    return leaves + (json_text(value) != NULL) + json_whole(value, &n);
}

static void read_it(const uint8_t *data, size_t size)
{
    struct error error = {0};
    struct json_value *root = json_parse((const char *)data, size, &error);
    must((root == NULL) == (error.code != ERROR_NONE));
    if (root)
        walk(root);
    json_value_free(root);
}

static void write_it(const uint8_t *data, size_t size)
{
    struct json *j = json_new();
    char *key = strndup((const char *)data, size);
    double real = 0;
    must(key != NULL);
    memcpy(&real, data, size < sizeof real ? size : sizeof real);
    json_open(j, NULL);
    json_bytes(j, "a", data, size);
    json_str(j, key, key);
    json_number(j, "real", real);
    json_close(j);
    char *text = json_take_text(j, 0);
    must(strpbrk(text, "\n\r") == NULL);
    struct json_value *root = json_parse(text, strlen(text), NULL);
    must(root && json_text(json_get(root, strcmp(key, "a") ? "a" : key)));
    json_value_free(root);
    free(text);
    free(key);
    json_free(j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 16384)
        return 0;
    read_it(data, size);
    if (size > 0)
        write_it(data, size);
    return 0;
}
