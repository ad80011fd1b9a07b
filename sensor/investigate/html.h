/* Text that strangers may have written, as markup shows it and as nothing else. What a reader would
 * not see (control characters, marks that turn text around, characters without width) stands there
 * by its number: a name cannot be shown as another. Thread: any (pure). */
#ifndef SENSOR_INVESTIGATE_HTML_H
#define SENSOR_INVESTIGATE_HTML_H

#include "weir/base/buffer.h"

/* For an element's text and for an attribute in quotes, in HTML and SVG alike. */
void html_text(struct buffer *out, const char *text);
/* The same, held apart from the direction of what stands around it (not in SVG). */
void html_name(struct buffer *out, const char *text);

#endif
