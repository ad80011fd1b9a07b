/* See outlet_filter.h. Parsing costs more than everything else an outlet does, so it is left out
 * where nothing can depend on it: a sink that is told all kinds, of any severity, in ECS, only
 * needs to know whether a silence covers the alert, and a line without the word is not covered.
 * Pure. */
#include "outlet_filter.h"

#include <stdlib.h>
#include <string.h>

const struct json_value *told_record(struct told *told)
{
    if (!told->parsed)
        told->record = json_parse(told->text, told->size, NULL);
    told->parsed = true;
    return told->record;
}

void told_fini(struct told *told)
{
    json_value_free(told->record);
    free(told->rendered);
    free(told->hidden);
    *told = (struct told){.text = NULL};
}

static bool is_ecs(const struct line_format *format)
{
    return strcmp(format->name, "ecs") == 0;
}

/* Field names are written without escapes, so that a silenced alert has these bytes in it. */
static bool may_be_silenced(const struct told *told)
{
    static const char word[] = "\"silenced\"";
    return memmem(told->text, told->size, word, sizeof word - 1) != NULL;
}

static bool is(const struct json_value *event, const char *key, const char *text)
{
    const char *have = json_text(json_get(event, key));
    return have && strcmp(have, text) == 0;
}

static enum telling look(struct told *told, const struct sink_settings *settings)
{
    int64_t severity = 0;
    const struct json_value *record = told_record(told);
    const struct json_value *event = json_get(record, "event");
    if (is(event, "kind", "metric"))
        return settings->heartbeat ? TELL : TELL_FILTERED;
    if (is(event, "kind", "event"))
        return settings->audit ? TELL : TELL_FILTERED;
    if (settings->severity_min > 0 &&
        (!json_whole(json_get(event, "severity"), &severity) || severity < settings->severity_min))
        return TELL_FILTERED;
    if (!settings->silenced && json_get(json_get(record, "weir"), "silenced"))
        return TELL_SILENCED;
    return TELL;
}

/* From here on nothing that is made of the line has an inside address. */
static void hide(struct told *told)
{
    json_value_free(told->record);
    told->record = NULL;
    told->parsed = false;
    told->hidden = pseudonyms_line(told->pseudonyms, told->text, told->size);
    told->text = told->hidden;
    told->size = strlen(told->hidden);
}

enum telling told_look(struct told *told, const struct sink_settings *settings,
                       const struct line_format *format)
{
    bool all = settings->heartbeat && settings->audit && settings->severity_min <= 0 &&
               (settings->silenced || !may_be_silenced(told));
    enum telling telling = all ? TELL : look(told, settings);
    if (telling == TELL && told->pseudonyms)
        hide(told);
    if (telling != TELL || is_ecs(format))
        return telling;
    const struct json_value *record = told_record(told);
    if (record)
        told->rendered = format->render(record, told->text, told->size);
    return told->rendered ? TELL : TELL_FORMLESS;
}
