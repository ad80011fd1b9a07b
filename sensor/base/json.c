/* The JSON writer: a stack of open containers over jansson, which keeps the order of insertion,
 * escapes, and prints. Text from the wire is made valid UTF-8 first: jansson refuses anything else.
 * Thread: the caller's. */
#include "weir/base/json.h"

#include "weir/base/buffer.h"

#include <assert.h>
#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JSON_DEPTH 32
#define KEY_SIZE   256 /* of one step of a path; no key of ours is as long */

struct json {
    json_t *open[JSON_DEPTH];
    size_t depth;
    json_t *done; /* the closed document */
};

/* jansson says no only for want of memory, once text is UTF-8. */
static void die(void)
{
    fputs("weir: out of memory\n", stderr);
    _Exit(1);
}

struct json *json_new(void)
{
    return xcalloc(1, sizeof(struct json));
}

static void clear(struct json *json)
{
    if (json->depth > 0)
        json_decref(json->open[0]);
    json_decref(json->done);
    *json = (struct json){0};
}

void json_free(struct json *json)
{
    if (json)
        clear(json);
    free(json);
}

/* The length of the valid UTF-8 sequence at `text` (RFC 3629), 0 when there is none. */
static size_t utf8_length(const uint8_t *text, size_t left)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint8_t lead = text[0];
    if (lead < 0x80)
        return 1;
    size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc0 || lead > 0xf4 || length > left)
        return 0;
    uint32_t code = lead & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        code = (code << 6) | (text[i] & 0x3f);
    }
    bool surrogate = code >= 0xd800 && code <= 0xdfff;
    return code < least[length] || code > 0x10ffff || surrogate ? 0 : length;
}

static bool is_clean(const uint8_t *text, size_t size)
{
    for (size_t i = 0; i < size;) {
        size_t length = text[i] == 0 ? 0 : utf8_length(text + i, size - i);
        if (length == 0)
            return false;
        i += length;
    }
    return true;
}

/* Any bytes as UTF-8 without NUL. The result ends with a NUL that is not counted. */
static struct buffer clean(const uint8_t *text, size_t size)
{
    struct buffer out = {0};
    for (size_t i = 0; i < size;) {
        size_t length = text[i] == 0 ? 0 : utf8_length(text + i, size - i);
        if (length > 0)
            buffer_put(&out, text + i, length);
        else
            buffer_text(&out, "\\x%02x", text[i]);
        i += length > 0 ? length : 1;
    }
    buffer_u8(&out, 0);
    out.size--;
    return out;
}

/* Puts a value where the writer stands. The container owns it then. */
static void put(struct json *json, const char *key, json_t *value)
{
    assert(json->depth > 0);
    json_t *top = json->open[json->depth - 1];
    int failed;
    if (json_is_object(top) && key && is_clean((const uint8_t *)key, strlen(key))) {
        failed = json_object_set_new_nocheck(top, key, value);
    } else if (json_is_object(top)) {
        assert(key);
        struct buffer name = clean((const uint8_t *)key, strlen(key));
        failed = json_object_set_new_nocheck(top, (const char *)name.data, value);
        buffer_fini(&name);
    } else {
        failed = json_array_append_new(top, value);
    }
    if (failed)
        die();
}

static void open_container(struct json *json, const char *key, json_t *container)
{
    assert(json->depth < JSON_DEPTH && !json->done);
    if (json->depth > 0)
        put(json, key, container);
    json->open[json->depth++] = container;
}

void json_open(struct json *json, const char *key)
{
    open_container(json, key, json_object());
}

void json_list(struct json *json, const char *key)
{
    open_container(json, key, json_array());
}

void json_close(struct json *json)
{
    assert(json->depth > 0);
    if (--json->depth == 0)
        json->done = json->open[0];
}

void json_bytes(struct json *json, const char *key, const void *text, size_t size)
{
    if (is_clean(text, size)) { /* jansson takes no NULL, however short */
        put(json, key, json_stringn_nocheck(size ? text : "", size));
        return;
    }
    struct buffer value = clean(text, size);
    put(json, key, json_stringn_nocheck((const char *)value.data, value.size));
    buffer_fini(&value);
}

void json_str(struct json *json, const char *key, const char *text)
{
    if (text)
        json_bytes(json, key, text, strlen(text));
    else
        json_none(json, key);
}

void json_time(struct json *json, const char *key, struct ptime time)
{
    char text[40];
    bool known = time.ns != PTIME_MIN.ns && time.ns != PTIME_MAX.ns;
    json_str(json, key, known ? ptime_iso(time, text, sizeof text) : NULL);
}

void json_uint(struct json *json, const char *key, uint64_t value)
{
    put(json, key, json_integer((json_int_t)(value > INT64_MAX ? INT64_MAX : value)));
}

void json_int(struct json *json, const char *key, int64_t value)
{
    put(json, key, json_integer(value));
}

void json_number(struct json *json, const char *key, double value)
{
    put(json, key, isfinite(value) ? json_real(value) : json_null());
}

void json_bool(struct json *json, const char *key, bool value)
{
    put(json, key, json_boolean(value));
}

void json_none(struct json *json, const char *key)
{
    put(json, key, json_null());
}

char *json_take_text(struct json *json, int indent)
{
    assert(json->depth == 0 && json->done);
    size_t flags = JSON_ENCODE_ANY | JSON_REAL_PRECISION(12);
    flags |= indent > 0 ? JSON_INDENT((size_t)indent) : JSON_COMPACT;
    char *text = json_dumps(json->done, flags);
    if (!text)
        die();
    clear(json);
    return text;
}

/* --- reading: jansson's values under our own opaque name ------------------------------------- */

static const json_t *inner(const struct json_value *value)
{
    return (const json_t *)(const void *)value;
}

struct json_value *json_parse(const char *text, size_t size, struct error *error)
{
    json_error_t why;
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &why);
    if (!root)
        error_set(error, ERROR_INPUT, "JSON line %d column %d: %s", why.line, why.column, why.text);
    return (struct json_value *)(void *)root;
}

void json_value_free(struct json_value *root)
{
    json_decref((json_t *)(void *)root);
}

const struct json_value *json_get(const struct json_value *object, const char *key)
{
    return (const struct json_value *)(const void *)json_object_get(inner(object), key);
}

const struct json_value *json_at(const struct json_value *list, size_t index)
{
    return (const struct json_value *)(const void *)json_array_get(inner(list), index);
}

size_t json_length(const struct json_value *list)
{
    return json_array_size(inner(list));
}

bool json_is_record(const struct json_value *value)
{
    return json_is_object(inner(value));
}

const char *json_text(const struct json_value *value)
{
    return json_string_value(inner(value));
}

bool json_whole(const struct json_value *value, int64_t *out)
{
    if (!json_is_integer(inner(value)))
        return false;
    *out = json_integer_value(inner(value));
    return true;
}

bool json_decimal(const struct json_value *value, double *out)
{
    if (!json_is_number(inner(value)))
        return false;
    *out = json_number_value(inner(value));
    return true;
}

bool json_truth(const struct json_value *value, bool *out)
{
    if (!json_is_boolean(inner(value)))
        return false;
    *out = json_is_true(inner(value));
    return true;
}

/* One step: a key of an object, an index of a list. */
static const json_t *step_into(const json_t *value, const char *step)
{
    char *end;
    if (json_is_object(value))
        return json_object_get(value, step);
    if (!json_is_array(value) || *step < '0' || *step > '9')
        return NULL;
    size_t index = strtoul(step, &end, 10);
    return *end ? NULL : json_array_get(value, index);
}

const struct json_value *json_find(const struct json_value *value, const char *path)
{
    const json_t *at = inner(value);
    for (;;) {
        char step[KEY_SIZE];
        size_t size = strcspn(path, ".");
        if (size >= sizeof step)
            return NULL;
        memcpy(step, path, size);
        step[size] = '\0';
        at = step_into(at, step);
        if (!at || !path[size])
            return (const struct json_value *)(const void *)at;
        path += size + 1;
    }
}

/* jansson walks an object, and counts who holds a value, through a pointer that is not const; what
 * the value says does not change. */
static json_t *walked(const struct json_value *value)
{
    union {
        const struct json_value *given;
        json_t *taken;
    } same = {.given = value};
    return same.taken;
}

struct json_walk json_members(const struct json_value *object)
{
    return (struct json_walk){.object = json_is_object(inner(object)) ? object : NULL};
}

bool json_step(struct json_walk *walk)
{
    json_t *object = walked(walk->object);
    if (!object)
        return false;
    walk->at = walk->at ? json_object_iter_next(object, walk->at) : json_object_iter(object);
    if (!walk->at) {
        walk->object = NULL;
        return false;
    }
    walk->key = json_object_iter_key(walk->at);
    walk->value = (const struct json_value *)(const void *)json_object_iter_value(walk->at);
    return true;
}

void json_put(struct json *json, const char *key, const struct json_value *value)
{
    put(json, key, value ? json_incref(walked(value)) : json_null());
}
