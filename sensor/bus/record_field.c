/* Dotted names into an ECS record. A list is looked into only as a whole. Pure. */
#include "record_field.h"

#include <string.h>

#define LIST_MAX 64 /* members of a list that are shown */

const struct json_value *record_at(const struct json_value *record, const char *name)
{
    char part[FIELD_NAME_MAX];
    while (record && *name) {
        size_t size = strcspn(name, ".");
        if (size >= sizeof part)
            return NULL;
        memcpy(part, name, size);
        part[size] = '\0';
        record = json_get(record, part);
        name += size + (name[size] == '.');
    }
    return record;
}

const char *record_text(const struct json_value *record, const char *name)
{
    const struct json_value *value = record_at(record, name);
    return value ? json_text(value) : NULL;
}

int64_t record_whole(const struct json_value *record, const char *name, int64_t otherwise)
{
    const struct json_value *value = record_at(record, name);
    int64_t whole;
    return value && json_whole(value, &whole) ? whole : otherwise;
}

static bool put_one(struct buffer *out, const struct json_value *value)
{
    const char *text = json_text(value);
    int64_t whole;
    double decimal;
    bool truth;
    if (text)
        buffer_put(out, text, strlen(text));
    else if (json_whole(value, &whole))
        buffer_text(out, "%lld", (long long)whole);
    else if (json_decimal(value, &decimal))
        buffer_text(out, "%.12g", decimal);
    else if (json_truth(value, &truth))
        buffer_text(out, "%s", truth ? "true" : "false");
    else
        return false;
    return true;
}

bool record_put(struct buffer *out, const struct json_value *record, const char *name)
{
    const struct json_value *value = record_at(record, name), *member;
    if (!value)
        return false;
    if (put_one(out, value))
        return true;
    bool any = false;
    for (size_t i = 0; i < LIST_MAX && (member = json_at(value, i)) != NULL; i++) {
        size_t before = out->size;
        if (any)
            buffer_put(out, ", ", 2);
        if (put_one(out, member))
            any = true;
        else
            out->size = before;
    }
    return any;
}
