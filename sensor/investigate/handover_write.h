/* How the hand-over is laid out, as lines for a terminal or as a page: what is opened closes what
 * was open before it. For handover_text.c. Thread: any. */
#ifndef SENSOR_INVESTIGATE_HANDOVER_WRITE_H
#define SENSOR_INVESTIGATE_HANDOVER_WRITE_H

#include "handover_local.h"

struct writing {
    const struct handover *handover;
    enum handover_language language;
    bool page; /* HTML */
    struct buffer out;
    const struct retold_incident **incident;
    size_t count;
    const char *open; /* what ends the line, heading or item that is being written; NULL: none */
    bool listing;     /* page: items stand in a list */
};

void write_line(struct writing *w);    /* of the head */
void write_heading(struct writing *w); /* of a section */
void write_item(struct writing *w);    /* of it */
void write_next(struct writing *w);    /* one more line of the item */
void write_close(struct writing *w);
/* Page: what stands between is what is looked for first. */
void write_strong(struct writing *w, bool begins);
void write_text(struct writing *w, const char *text); /* anybody's */
void write_phrase(struct writing *w, enum phrase phrase, const char *const *arguments);
#define WRITE(w, phrase, ...) write_phrase(w, phrase, (const char *const[]){__VA_ARGS__, NULL})

/* The page around it all. */
void write_page_begin(struct writing *w);
void write_page_body(struct writing *w); /* its title was written */
void write_page_end(struct writing *w);

#endif
