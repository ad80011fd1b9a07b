/* What the rows about counted content share. They need no past: what is counted is rare in clear
 * text that leaves, and each says from how many on. Pure. */
#include "rows.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define LABELS_TOLD 3

int content_score(uint64_t items, uint64_t low, int score, int step)
{
    double decades = log10((double)items) - log10((double)low);
    return (int)fmin(100.0, floor(score + step * decades + 1e-9));
}

uint64_t content_grave(const struct counted *counted, enum content_class class)
{
    uint64_t items = 0;
    for (size_t i = 0; i < counted->label_count; i++)
        if (counted->label[i].class == class && counted_is_grave(&counted->label[i]))
            items += counted->label[i].items;
    return items;
}

/* " (example.jp 120, example.com 3, …)": the first ones listed of the class. */
static void labels_text(const struct counted *counted, enum content_class class, char *text,
                        size_t room)
{
    const char *before = " (";
    size_t told = 0, of_class = 0, at = 0;
    text[0] = '\0';
    for (size_t i = 0; i < counted->label_count; i++) {
        const struct counted_label *label = &counted->label[i];
        of_class += label->class == class;
        if (label->class != class || told == LABELS_TOLD)
            continue;
        at += (size_t)snprintf(text + at, room - at, "%s%.40s %llu", before, label->text,
                               (unsigned long long)label->items);
        before = ", ";
        told++;
    }
    if (told > 0)
        snprintf(text + at, room - at, "%s)",
                 of_class > told || counted_has_more(counted, class) ? ", …" : "");
}

static void missed_text(const struct subject *subject, char *text, size_t room)
{
    char gap[BYTES_TEXT_SIZE];
    text[0] = '\0';
    if (subject->gap_bytes > 0)
        snprintf(text, room, "; %s of it were not seen", bytes_text(subject->gap_bytes, gap));
}

void content_reason(const struct subject *subject, enum content_class class, const char *code,
                    struct finding *finding)
{
    const struct counted_class *of = &subject->counted->of[class];
    struct reason *reason = &finding->reason[finding->reason_count++];
    char count[COUNT_TEXT_SIZE], error[24] = "exact", missed[72];
    char labels[224]; /* three of 40 letters and a number each, and what joins them */
    *reason = (struct reason){
        .code = code, .observed = (double)of->items, .unit = counted_unit[class], .weight = 1};
    if (of->error > 0)
        snprintf(error, sizeof error, "\302\261%.1f %%", 100 * of->error);
    missed_text(subject, missed, sizeof missed);
    labels_text(subject->counted, class, labels, sizeof labels);
    int size = snprintf(reason->text, sizeof reason->text, "%s %s (%s) left for %.60s%s",
                        count_text(of->items, count), counted_words[class], error,
                        subject->destination->name, missed);
    if (size > 0 && (size_t)size + strlen(labels) < sizeof reason->text)
        memcpy(reason->text + size, labels, strlen(labels) + 1);
}
