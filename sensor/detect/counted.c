/* Items of records → distinct counts and labels. Everything depends on the order of records alone.
 * Thread: the engine's. */
#include "weir/detect/counted.h"

#include <string.h>

_Static_assert(CONTENT_CLASSES <= 8, "more_labels has a bit for each");

const char *const counted_member[CONTENT_CLASSES] = {
    "email_addresses", "payment_cards", "bank_accounts", "telephone_numbers",
    "settings",        "flight_items",  "archives",      "pattern_matches"};
const char *const counted_words[CONTENT_CLASSES] = {
    "e-mail addresses", "payment cards", "bank accounts", "telephone numbers",
    "settings",         "flight items",  "archives",      "pattern matches"};
const char *const counted_unit[CONTENT_CLASSES] = {"address", "card", "account", "number",
                                                   "setting", "item", "archive", "match"};

bool counted_any(const struct counted *counted)
{
    for (int class = 0; class < CONTENT_CLASSES; class ++)
        if (counted->of[class].items > 0)
            return true;
    return false;
}

bool counted_has_more(const struct counted *counted, enum content_class class)
{
    return counted->more_labels & (1u << class);
}

void counter_fini(struct counter *counter)
{
    for (int class = 0; class < CONTENT_CLASSES; class ++)
        item_union_free(counter->items[class]);
    *counter = (struct counter){{NULL}};
}

/* --- labels ------------------------------------------------------------------------------------
 */

static void copy_end(char *to, size_t most, const char *from, size_t size)
{
    size_t kept = size < most ? size : most;
    memcpy(to, from + (size - kept), kept);
    to[kept] = '\0';
}

static bool ends_with(const char *text, const char *ending)
{
    size_t length = strlen(text), size = strlen(ending);
    return length >= size && strcmp(text + length - size, ending) == 0;
}

bool counted_is_grave(const struct counted_label *label)
{
    static const char *const secret[] = {"-key",         "-token", "jwt",
                                         "database-url", "shadow", "ldap-bind"};
    if (label->class == CONTENT_ARCHIVE)
        return ends_with(label->text, "-encrypted");
    for (size_t i = 0; label->class == CONTENT_SETTING && i < sizeof secret / sizeof *secret; i++)
        if (ends_with(label->text, secret[i]))
            return true;
    return false;
}

/* Of those that may give way to `label`, the lightest of the class that has most of them; of equals
 * the later one. COUNTED_LABELS: none may. */
static size_t to_replace(const struct counted *counted, const struct counted_label *label)
{
    uint8_t count[CONTENT_CLASSES] = {0};
    size_t victim = COUNTED_LABELS;
    for (size_t i = 0; i < COUNTED_LABELS; i++)
        if (!counted_is_grave(&counted->label[i]))
            count[counted->label[i].class]++;
    for (size_t i = 0; i < COUNTED_LABELS; i++) {
        const struct counted_label *a = &counted->label[i], *b = &counted->label[victim];
        if (counted_is_grave(a))
            continue;
        if (victim == COUNTED_LABELS || count[a->class] > count[b->class] ||
            (a->class == b->class && a->items <= b->items))
            victim = i;
    }
    return victim == COUNTED_LABELS && counted_is_grave(label) ? COUNTED_LABELS - 1 : victim;
}

static bool stands_before(const struct counted_label *a, const struct counted_label *b)
{
    return a->class != b->class ? a->class < b->class : a->items > b->items;
}

/* One label more or heavier: to its place. */
static void place(struct counted *counted, size_t at)
{
    struct counted_label label = counted->label[at];
    for (; at > 0 && stands_before(&label, &counted->label[at - 1]); at--)
        counted->label[at] = counted->label[at - 1];
    for (; at + 1 < counted->label_count && stands_before(&counted->label[at + 1], &label); at++)
        counted->label[at] = counted->label[at + 1];
    counted->label[at] = label;
}

static void count_label(struct counted *counted, uint8_t class, const struct content_item *item)
{
    struct counted_label label = {.items = 1, .class = class};
    size_t at = 0;
    copy_end(label.text, COUNTED_LABEL_MAX, item->label, item->label_size);
    while (at < counted->label_count &&
           (counted->label[at].class != class || strcmp(counted->label[at].text, label.text) != 0))
        at++;
    if (at < counted->label_count) {
        counted->label[at].items++;
    } else {
        if (at < COUNTED_LABELS) {
            counted->label_count++;
        } else {
            at = to_replace(counted, &label);
            uint8_t lost = at < COUNTED_LABELS ? counted->label[at].class : class;
            counted->more_labels |= (uint8_t)(1u << lost);
        }
        if (at == COUNTED_LABELS)
            return;
        counted->label[at] = label;
    }
    place(counted, at);
}

/* --- items -------------------------------------------------------------------------------------
 */

static void keep_samples(struct counted *counted, const struct record_content *record)
{
    for (size_t i = 0; i < record->sample_count && counted->sample_count < COUNTED_SAMPLES; i++) {
        struct counted_sample *sample = &counted->sample[counted->sample_count++];
        size_t size;
        const char *text = record_content_sample(record, i, &size);
        sample->class = record->class;
        copy_end(sample->text, CONTENT_SAMPLE_MAX, text, size);
    }
}

void counter_add(struct counter *counter, struct union_budget *budget, struct counted *counted,
                 const struct record_content *record)
{
    struct item_union **items = &counter->items[record->class];
    if (!*items)
        *items = item_union_new(budget);
    for (size_t i = 0; i < record->hash_count; i++) {
        struct content_item item = record_content_item(record, i);
        if (item_union_add(*items, item.hash))
            count_label(counted, record->class, &item);
    }
    counted->of[record->class] =
        (struct counted_class){item_union_count(*items), item_union_error(*items)};
    keep_samples(counted, record);
}

/* --- packed ------------------------------------------------------------------------------------
 */

void counter_pack(const struct counter *counter, struct buffer *out)
{
    for (int class = 0; class < CONTENT_CLASSES; class ++) {
        buffer_u8(out, counter->items[class] != NULL);
        if (counter->items[class])
            item_union_pack(counter->items[class], out);
    }
}

bool counter_unpack(struct counter *counter, struct union_budget *budget, struct cursor *in)
{
    for (int class = 0; class < CONTENT_CLASSES; class ++) {
        if (cursor_u8(in) == 0)
            continue;
        counter->items[class] = item_union_unpack(budget, in);
        if (!counter->items[class])
            return false;
    }
    return !in->failed;
}
