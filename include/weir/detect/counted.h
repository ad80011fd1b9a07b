/* What inspection counted in one story, or of one host: of each class how many distinct items, and
 * the labels that most of them have (record.h says what labels are). Labels are kept in a pool for
 * all classes: when it is full the lightest label of the class that has most of them makes room, so
 * that thousands of mail domains cannot drive out the one private key. A grave label gives way to
 * other grave ones alone. A label's figure counts since it is listed: at least so many. Engine
 * thread. */
#ifndef WEIR_DETECT_COUNTED_H
#define WEIR_DETECT_COUNTED_H

#include "weir/detect/union.h"
#include "weir/record/record.h"

#define COUNTED_LABELS    16u
#define COUNTED_LABEL_MAX 47u /* longer ones keep their end */
#define COUNTED_SAMPLES   4u

struct counted_class {
    uint64_t items;
    double error; /* relative standard error; 0: exact */
};

struct counted_label {
    uint64_t items;
    uint8_t class;
    char text[COUNTED_LABEL_MAX + 1];
};

struct counted_sample { /* only where privacy.content_samples asks for them: the first ones */
    uint8_t class;
    char text[CONTENT_SAMPLE_MAX + 1];
};

struct counted {
    struct counted_class of[CONTENT_CLASSES];
    struct counted_label label[COUNTED_LABELS]; /* by class, of one class most items first */
    struct counted_sample sample[COUNTED_SAMPLES];
    uint8_t label_count, sample_count;
    uint8_t more_labels; /* a bit for each class: there were others than those listed */
};

/* Of a class: its member in JSON, what people call many of them, and the unit of reasons. */
extern const char *const counted_member[CONTENT_CLASSES]; /* "email_addresses" */
extern const char *const counted_words[CONTENT_CLASSES];  /* "e-mail addresses" */
extern const char *const counted_unit[CONTENT_CLASSES];   /* "address" */

bool counted_any(const struct counted *counted);
/* Not all labels of the class are listed. */
bool counted_has_more(const struct counted *counted, enum content_class class);
/* What one item of is enough to tell: a secret that opens a door by itself (a key, a token, a URL
 * with its password, a hashed password), an archive that a password protects. Their labels end so.
 */
bool counted_is_grave(const struct counted_label *label);

/* Distinct items of each class; NULL: none yet. Zero it to begin. */
struct counter {
    struct item_union *items[CONTENT_CLASSES];
};
void counter_fini(struct counter *counter);
/* Adds a valid record's items to both. */
void counter_add(struct counter *counter, struct union_budget *budget, struct counted *counted,
                 const struct record_content *record);
void counter_pack(const struct counter *counter, struct buffer *out);
/* Into an empty one. */
bool counter_unpack(struct counter *counter, struct union_budget *budget, struct cursor *in);

#endif
