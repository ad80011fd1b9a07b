/* What a sink was configured with, as the sink asks for it. Values were checked when they were
 * read, so a number here is one. Pure, but for reading a secret's file. */
#include "weir/base/buffer.h"
#include "weir/bus/sink.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECRET_MAX 4096u /* bytes of a secret's first line */

#define TIMEOUT_S 30

const struct sink_key *sink_key_get(const struct sink_row *row, const char *name)
{
    for (const struct sink_key *key = row->keys; key && key->name; key++)
        if (strcmp(key->name, name) == 0)
            return key;
    return NULL;
}

void sink_settings_init(struct sink_settings *settings, const struct sink_row *row,
                        const char *name)
{
    static const char *const format[] = {"ecs", "eve", "ocsf", "cef", "text"};
    *settings = (struct sink_settings){.type = row->type,
                                       .name = name,
                                       .format = format[0],
                                       .heartbeat = !row->quiet,
                                       .audit = !row->quiet,
                                       .timeout_s = TIMEOUT_S};
    size_t first = strcspn(row->formats, " ");
    for (size_t i = 0; i < sizeof format / sizeof *format; i++)
        if (strlen(format[i]) == first && strncmp(format[i], row->formats, first) == 0)
            settings->format = format[i];
}

void sink_settings_add(struct sink_settings *settings, const struct sink_key *key,
                       const char *const *value)
{
    assert(settings->count < SINK_SETTINGS);
    settings->setting[settings->count++] = (struct sink_setting){key, value};
}

void sink_settings_file(struct sink_settings *settings, const char *name, const char *const *path)
{
    const struct sink_row *row = sink_row_get("file");
    sink_settings_init(settings, row, name);
    sink_settings_add(settings, sink_key_get(row, "path"), path);
}

/* --- asking ----------------------------------------------------------------------------------- */

const char *const *sink_texts(const struct sink_settings *settings, const char *key)
{
    for (size_t i = 0; i < settings->count; i++)
        if (strcmp(settings->setting[i].key->name, key) == 0)
            return settings->setting[i].value;
    return NULL;
}

const char *sink_text(const struct sink_settings *settings, const char *key)
{
    const char *const *given = sink_texts(settings, key);
    if (given)
        return given[0];
    const struct sink_row *row = sink_row_get(settings->type);
    const struct sink_key *known = row ? sink_key_get(row, key) : NULL;
    return known ? known->fallback : NULL;
}

int64_t sink_number(const struct sink_settings *settings, const char *key)
{
    const char *text = sink_text(settings, key);
    return text ? strtoll(text, NULL, 10) : 0;
}

bool sink_flag(const struct sink_settings *settings, const char *key)
{
    const char *text = sink_text(settings, key);
    return text && strcmp(text, "true") == 0;
}

/* --- secrets ---------------------------------------------------------------------------------- */

/* The first line, without its end. NULL: empty, or too long. */
static char *first_line(FILE *file)
{
    char line[SECRET_MAX + 2];
    char *secret = NULL;
    if (fgets(line, sizeof line, file)) {
        size_t size = strcspn(line, "\r\n");
        line[size] = '\0';
        if (size > 0 && size <= SECRET_MAX)
            secret = xstrdup(line);
    }
    explicit_bzero(line, sizeof line);
    return secret;
}

char *sink_secret(const struct sink_settings *settings, const char *key, struct error *error)
{
    char buffered[BUFSIZ];
    const char *path = sink_text(settings, key);
    if (!path)
        return NULL;
    FILE *file = fopen(path, "re");
    if (!file) {
        error_set(error, ERROR_USAGE, "sink %s: %s: %s: %s", settings->name, key, path,
                  strerror(errno));
        return NULL;
    }
    setvbuf(file, buffered, _IOFBF, sizeof buffered); /* so that it can be wiped */
    char *secret = first_line(file);
    fclose(file);
    explicit_bzero(buffered, sizeof buffered);
    if (!secret)
        error_set(error, ERROR_USAGE,
                  "sink %s: %s: %s: expected a secret of 1 to %u bytes on its first line",
                  settings->name, key, path, SECRET_MAX);
    return secret;
}
