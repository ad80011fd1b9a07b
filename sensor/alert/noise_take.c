/* Values out of what people wrote, strictly: see noise_local.h. Thread: any. */
#include "noise_local.h"

#include "weir/base/terminal.h"

#include <string.h>

int noise_take_object(const struct json_value *object, const char *what, const char *const *known,
                      struct error *error)
{
    if (!object || !json_is_record(object))
        return error_set(error, ERROR_USAGE, "%s: expected an object", what);
    for (struct json_walk walk = json_members(object); json_step(&walk);) {
        const char *const *at = known;
        while (*at && strcmp(*at, walk.key) != 0)
            at++;
        if (!*at)
            return error_set(error, ERROR_USAGE, "%s: unknown key \"%.60s\"", what, walk.key);
    }
    return 0;
}

int noise_take_text(const struct json_value *object, const char *key, char *to, size_t room,
                    bool needed, struct error *error)
{
    const struct json_value *value = json_get(object, key);
    const char *text = json_text(value);
    if (!value && !needed)
        return 0;
    if (!text || (needed && text[strspn(text, " ")] == '\0'))
        return error_set(error, ERROR_USAGE, "%s: expected a text", key);
    size_t size = strlen(text);
    if (size >= room)
        return error_set(error, ERROR_USAGE, "%s: longer than %zu bytes", key, room - 1);
    if (!terminal_is_harmless(text))
        return error_set(error, ERROR_USAGE, "%s: expected one line of plain text", key);
    memcpy(to, text, size + 1);
    return 0;
}

int noise_take_time(const struct json_value *object, const char *key, struct ptime *time,
                    bool needed, struct error *error)
{
    const struct json_value *value = json_get(object, key);
    const char *text = json_text(value);
    if (!value && !needed)
        return 0;
    if (!text || !ptime_of_iso(text, time))
        return error_set(error, ERROR_USAGE, "%s: expected a time as 2026-03-02T01:14:07Z", key);
    return 0;
}

int noise_take_whole(const struct json_value *object, const char *key, int64_t least, int64_t most,
                     int64_t *to, struct error *error)
{
    const struct json_value *value = json_get(object, key);
    int64_t whole;
    if (!value)
        return 0;
    if (!json_whole(value, &whole) || whole < least || whole > most)
        return error_set(error, ERROR_USAGE, "%s: expected a whole number from %lld to %lld", key,
                         (long long)least, (long long)most);
    *to = whole;
    return 0;
}
