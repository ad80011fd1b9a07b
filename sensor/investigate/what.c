/* Counted content as words. Pure but for the buffer. */
#include "what.h"

#include "weir/base/figures.h"

#include <stdio.h>

#define LABELS_SHOWN 8 /* of a class */

static void put_error(struct buffer *b, double error, bool gaps)
{
    if (error > 0)
        buffer_text(b, " ±%.1f %%", 100 * error);
    else
        buffer_text(b, gaps ? " or more: some content was not seen" : " (exact)");
}

void what_text(struct buffer *buffer, const struct counted *counted, bool gaps)
{
    bool first = true;
    char count[FIGURE_SIZE];
    for (int class = 0; class < CONTENT_CLASSES; class ++) {
        const struct counted_class *of = &counted->of[class];
        if (of->items == 0)
            continue;
        buffer_text(buffer, "%s%s %s%s", first ? "" : ", ", figure_count(of->items, count),
                    first ? "distinct " : "", counted_words[class]);
        put_error(buffer, of->error, gaps);
        first = false;
    }
}

void what_labels(struct buffer *buffer, const struct counted *counted)
{
    char count[FIGURE_SIZE];
    for (int class = 0; class < CONTENT_CLASSES; class ++) {
        const char *before = NULL;
        size_t told = 0;
        for (size_t i = 0; i < counted->label_count; i++) {
            const struct counted_label *label = &counted->label[i];
            if (label->class != class)
                continue;
            if (!before)
                buffer_text(buffer, "          %s: ", counted_words[class]);
            if (told++ == LABELS_SHOWN)
                break;
            buffer_text(buffer, "%s%s %s", before ? before : "", label->text,
                        figure_count(label->items, count));
            before = ", ";
        }
        if (before)
            buffer_text(buffer, "%s\n",
                        told > LABELS_SHOWN || counted_has_more(counted, class) ? ", …" : "");
    }
}
