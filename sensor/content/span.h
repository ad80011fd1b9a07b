/* Some characters of a line that lives elsewhere; private to the content room. */
#ifndef WEIR_SENSOR_CONTENT_SPAN_H
#define WEIR_SENSOR_CONTENT_SPAN_H

#include <stddef.h>

struct text_span {
    const char *at;
    size_t size;
};

/* Without the blanks around it (RFC 9110 5.6.3: OWS). */
static inline struct text_span text_span_trim(struct text_span text)
{
    while (text.size && (*text.at == ' ' || *text.at == '\t')) {
        text.at++;
        text.size--;
    }
    while (text.size && (text.at[text.size - 1] == ' ' || text.at[text.size - 1] == '\t'))
        text.size--;
    return text;
}

#endif
