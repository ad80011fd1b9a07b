/* A streaming-looking JSON writer over jansson: field order is the order of the calls, text that is
 * not UTF-8 is shown as \xNN escapes inside the string, numbers are exact integers or reals of 12
 * significant digits (null when not finite), so the same values give the same bytes. One thread a
 * writer.
 *
 *     struct json *j = json_new();
 *     json_open(j, NULL);  json_str(j, "kind", "alert");  json_uint(j, "bytes", 7);
 *     json_list(j, "ips"); json_str(j, NULL, "10.0.0.1"); json_close(j);
 *     json_close(j);
 *     char *line = json_take_text(j);  …  free(line);  json_free(j);
 *
 * (No name here is one of jansson's: both are linked into one program.)
 * Inside an object every call names its key; inside a list the key is NULL. */
#ifndef WEIR_BASE_JSON_H
#define WEIR_BASE_JSON_H

#include "weir/base/error.h"
#include "weir/base/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json;

struct json *json_new(void);
void json_free(struct json *json);
void json_open(struct json *json, const char *key);                  /* { */
void json_list(struct json *json, const char *key);                  /* [ */
void json_close(struct json *json);                                  /* } or ] */
void json_str(struct json *json, const char *key, const char *text); /* NULL text: null */
/* In ISO form, as ptime_iso; null for PTIME_MIN and PTIME_MAX. */
void json_time(struct json *json, const char *key, struct ptime time);
void json_bytes(struct json *json, const char *key, const void *text, size_t size);
void json_uint(struct json *json, const char *key, uint64_t value); /* ≤ INT64_MAX, clamped */
void json_int(struct json *json, const char *key, int64_t value);
void json_number(struct json *json, const char *key, double value);
void json_bool(struct json *json, const char *key, bool value);
void json_none(struct json *json, const char *key);
/* The finished document on one line (`indent` 0) or indented; the writer is empty again after.
 * Caller frees. The document must be closed. */
char *json_take_text(struct json *json, int indent);

/* Reading: a validated look into a document, for what Weir reads back (never for packets). */
struct json_value; /* borrowed from its root */
struct json_value *json_parse(const char *text, size_t size, struct error *error); /* root: owned */
void json_value_free(struct json_value *root);
const struct json_value *json_get(const struct json_value *object, const char *key);
/* By a dotted path of keys and, in lists, of indexes from 0: "source.ip", "weir.reasons.0.text".
 * NULL: there is none. A key that holds a dot itself is not found this way. */
const struct json_value *json_find(const struct json_value *value, const char *path);
const struct json_value *json_at(const struct json_value *list, size_t index);
size_t json_length(const struct json_value *list);
const char *json_text(const struct json_value *value);          /* NULL when not a string */
bool json_whole(const struct json_value *value, int64_t *out);  /* false when not one */
bool json_decimal(const struct json_value *value, double *out); /* whole numbers too */
bool json_truth(const struct json_value *value, bool *out);
bool json_is_record(const struct json_value *value); /* an object */

/* The members of an object in the order in which they stand; of anything else there are none:
 *
 *     for (struct json_walk walk = json_members(object); json_step(&walk);)
 *         … walk.key, walk.value … */
struct json_walk {
    const char *key; /* valid after a json_step that was true, until the next */
    const struct json_value *value;
    const struct json_value *object; /* this and the next: json_step's own */
    void *at;
};
struct json_walk json_members(const struct json_value *object);
bool json_step(struct json_walk *walk);

/* Writes a value that was read, as it is and with all that is in it: not copied but held, its root
 * may go. NULL: null. */
void json_put(struct json *json, const char *key, const struct json_value *value);

#endif
