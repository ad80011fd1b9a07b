/* What a sink is told, and how it looks: by its settings (sink.h), from a line of the journal. */
#ifndef SENSOR_BUS_OUTLET_FILTER_H
#define SENSOR_BUS_OUTLET_FILTER_H

#include "weir/alert/pseudonym.h"
#include "weir/bus/sink.h"

/* A line on its way. */
struct told {
    const char *text; /* as the journal has it; borrowed. Once it is told: with pseudonyms */
    size_t size;
    const struct pseudonyms *pseudonyms; /* NULL: addresses are told; borrowed */
    char *hidden;                        /* what `text` is then; owned */
    struct json_value *record; /* once something asked for it; owned. NULL: it is no JSON */
    bool parsed;
    char *rendered; /* in the format; owned. NULL: the text itself */
};

enum telling {
    TELL,
    TELL_FILTERED, /* not severe enough, or of a kind that was not asked for */
    TELL_SILENCED, /* a silence covers it */
    TELL_FORMLESS, /* its format has no form for it, or it is no JSON */
};

/* The first three of `told` are filled. */
enum telling told_look(struct told *told, const struct sink_settings *settings,
                       const struct line_format *format);
const struct json_value *told_record(struct told *told); /* parsed now if it was not */
void told_fini(struct told *told);

#endif
