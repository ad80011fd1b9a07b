/* The index of indicators: prefixes by length, names by label, fingerprints as they are. What is on
 * several lists is the first one's. Notes are kept once for a run of equal ones. Thread: start-up;
 * looking: any. */
#include "intel_local.h"
#include "rules_local.h"

#include <stdlib.h>
#include <string.h>

#define LEAST_V4_BITS 104u /* a /8: what is wider names no culprit */
#define LEAST_V6_BITS 16u

const char *const intel_format_name[INTEL_FORMATS] = {"lines", "zeek", "misp"};

struct intel_item {
    uint32_t list, note; /* note: where it stands in `notes` */
};

struct intel {
    struct net_table nets;
    struct map names, prints;
    struct intel_item *item; /* the tables' values are its indices, from 1 */
    size_t item_count;
    struct buffer notes;
    struct intel_list list[INTEL_LISTS];
    size_t list_count;
};

struct intel *intel_new(void)
{
    struct intel *intel = xcalloc(1, sizeof *intel);
    net_table_init(&intel->nets);
    map_init(&intel->names);
    map_init(&intel->prints);
    buffer_u8(&intel->notes, 0);
    return intel;
}

void intel_free(struct intel *intel)
{
    if (!intel)
        return;
    net_table_fini(&intel->nets);
    map_fini(&intel->names, NULL);
    map_fini(&intel->prints, NULL);
    buffer_fini(&intel->notes);
    free(intel->item);
    free(intel);
}

size_t intel_lists(const struct intel *intel)
{
    return intel->list_count;
}

const struct intel_list *intel_list(const struct intel *intel, size_t index)
{
    return &intel->list[index];
}

/* --- filling --------------------------------------------------------------------------------- */

void intel_bad_line(struct intel_reading *r)
{
    if (r->list.bad_lines++ == 0)
        r->list.first_bad = r->line;
}

/* Printable ASCII: it comes from elsewhere and is shown. */
void intel_set_note(struct intel_reading *r, const char *text, size_t size)
{
    size_t at = 0;
    for (size_t i = 0; i < size && at + 1 < INTEL_NOTE; i++) {
        bool shown = text[i] >= 0x20 && text[i] < 0x7f;
        r->note[at++] = '?';
        if (shown)
            r->note[at - 1] = text[i];
    }
    r->note[at] = '\0';
}

static uint32_t put_note(struct intel *intel, const char *note)
{
    const struct intel_item *last = intel->item_count ? &intel->item[intel->item_count - 1] : NULL;
    if (!*note)
        return 0;
    if (last && strcmp((const char *)intel->notes.data + last->note, note) == 0)
        return last->note;
    uint32_t at = (uint32_t)intel->notes.size;
    buffer_put(&intel->notes, note, strlen(note) + 1);
    return at;
}

/* The value for a new indicator; NULL: there is no room. */
static void *new_item(struct intel_reading *r)
{
    struct intel *intel = r->intel;
    size_t count = intel->item_count;
    r->full = count == INTEL_MAX;
    if (r->full)
        return NULL;
    if ((count & (count - 1)) == 0) /* grows by doubling */
        intel->item = xrealloc(intel->item, (2 * count + 1) * sizeof *intel->item);
    uint32_t note = put_note(intel, r->note);
    intel->item[intel->item_count++] = (struct intel_item){(uint32_t)intel->list_count, note};
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): a number that a map keeps; nobody follows it */
    return (void *)(uintptr_t)intel->item_count;
}

static void add_text(struct intel_reading *r, struct map *map, const char *text)
{
    r->list.indicators++;
    if (map_get(map, text, strlen(text)))
        r->list.repeated++;
    else {
        void *item = new_item(r);
        if (item)
            map_put(map, text, strlen(text), item);
    }
}

/* Lower case, without spaces around; false: empty, or too long for what is looked for. */
static bool take_text(const char *text, size_t size, char lower[256])
{
    char copy[256];
    while (size > 0 && (*text == ' ' || *text == '\t')) {
        text++;
        size--;
    }
    while (size > 0 && (text[size - 1] == ' ' || text[size - 1] == '\t' || text[size - 1] == '\r'))
        size--;
    if (size == 0 || size >= sizeof copy || memchr(text, 0, size))
        return false;
    memcpy(copy, text, size);
    copy[size] = '\0';
    return rule_lower(copy, lower, 256);
}

static bool try_address(struct intel_reading *r, const char *text)
{
    struct prefix prefix;
    struct error unused = {0};
    if (prefix_parse(text, &prefix, &unused) != 0)
        return false;
    if (prefix.bits < (ip_is_v4(&prefix.ip) ? LEAST_V4_BITS : LEAST_V6_BITS)) {
        intel_bad_line(r);
        return true;
    }
    r->list.indicators++;
    if (net_table_has(&r->intel->nets, &prefix)) {
        r->list.repeated++;
        return true;
    }
    void *item = new_item(r);
    if (item)
        net_table_add(&r->intel->nets, &prefix, item);
    return true;
}

static bool is_hex(const char *text, size_t size)
{
    return strspn(text, "0123456789abcdef") >= size;
}

/* JA3: an MD5. JA4: "t13d1516h2_8daaf6152771_b186095e22b6". */
static bool try_print(struct intel_reading *r, const char *text)
{
    size_t size = strlen(text);
    bool ja3 = size == 32 && is_hex(text, 32);
    bool ja4 = size == 36 && strchr("tqd", text[0]) && text[10] == '_' && text[23] == '_' &&
               is_hex(text + 11, 12) && is_hex(text + 24, 12);
    if (ja3 || ja4)
        add_text(r, &r->intel->prints, text);
    return ja3 || ja4;
}

/* Two labels at least, the last one not a number: a list that names "com" would name the world. */
static bool try_name(struct intel_reading *r, const char *text)
{
    char name[256];
    text += strncmp(text, "*.", 2) == 0 ? 2 : *text == '.';
    size_t size = strlen(text);
    memcpy(name, text, size + 1);
    if (size > 0 && name[size - 1] == '.')
        name[--size] = '\0';
    const char *last = strrchr(name, '.');
    if (!last || last == name || strstr(name, "..") ||
        strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != size ||
        strspn(last + 1, "0123456789") == strlen(last + 1))
        return false;
    add_text(r, &r->intel->names, name);
    return true;
}

static void add(struct intel_reading *r, const char *text, size_t size,
                bool (*const *try_one)(struct intel_reading *r, const char *text))
{
    char lower[256];
    if (take_text(text, size, lower))
        for (; *try_one; try_one++)
            if ((*try_one)(r, lower))
                return;
    intel_bad_line(r);
}

void intel_add_any(struct intel_reading *r, const char *text, size_t size)
{
    add(r, text, size,
        (bool (*const[])(struct intel_reading *, const char *)){try_address, try_print, try_name,
                                                                NULL});
}

void intel_add_address(struct intel_reading *r, const char *text, size_t size)
{
    add(r, text, size, (bool (*const[])(struct intel_reading *, const char *)){try_address, NULL});
}

void intel_add_name(struct intel_reading *r, const char *text, size_t size)
{
    add(r, text, size, (bool (*const[])(struct intel_reading *, const char *)){try_name, NULL});
}

void intel_add_print(struct intel_reading *r, const char *text, size_t size)
{
    add(r, text, size, (bool (*const[])(struct intel_reading *, const char *)){try_print, NULL});
}

int intel_read(struct intel *intel, const struct intel_list *list, const char *place,
               const char *text, size_t size, struct error *error)
{
    static int (*const reader[INTEL_FORMATS])(struct intel_reading *, const char *, const char *,
                                              size_t, struct error *) = {
        intel_read_lines, intel_read_zeek, intel_read_misp};
    struct intel_reading r = {.intel = intel, .list = *list};
    if (intel->list_count == INTEL_LISTS)
        return error_set(error, ERROR_USAGE, "%s: more than %u lists", place, INTEL_LISTS);
    if (size > INTEL_TEXT_MAX)
        return error_set(error, ERROR_USAGE, "%s: larger than 16 MiB", place);
    if (reader[list->format](&r, place, text, size, error) != 0)
        return -1;
    if (r.full)
        return error_set(error, ERROR_USAGE, "%s: all lists together hold more than %u indicators",
                         place, INTEL_MAX);
    if (r.list.indicators == 0 && r.list.bad_lines > 0)
        return error_set(error, ERROR_USAGE,
                         "%s:%llu: nothing in it is understood, expected format %s", place,
                         (unsigned long long)r.list.first_bad, intel_format_name[list->format]);
    intel->list[intel->list_count++] = r.list;
    return 0;
}

/* --- looking --------------------------------------------------------------------------------- */

static bool found(const struct intel *intel, void *value, enum rule_field field,
                  struct intel_match *match)
{
    if (!value)
        return false;
    const struct intel_item *item = &intel->item[(uintptr_t)value - 1];
    match->list = &intel->list[item->list];
    match->note = (const char *)intel->notes.data + item->note;
    match->field = field;
    return true;
}

static void *look_name(const struct intel *intel, const char *lower)
{
    void *value = NULL;
    for (const char *at = lower; at && !value; at = strchr(at, '.')) {
        at += *at == '.';
        value = map_get(&intel->names, at, strlen(at));
    }
    return value;
}

bool intel_look(const struct intel *intel, const struct rule_facts *facts,
                struct intel_match *match)
{
    static const enum rule_field names[] = {FIELD_SERVER_NAME, FIELD_DNS_QUESTION,
                                            FIELD_DESTINATION};
    static const enum rule_field prints[] = {FIELD_JA3, FIELD_JA4};
    const struct rule_fact *remote = &facts->fact[FIELD_REMOTE];
    match->value[0] = '\0';
    if (remote->known &&
        found(intel, net_table_get(&intel->nets, &remote->ip), FIELD_REMOTE, match)) {
        ip_text(&remote->ip, match->value);
        return true;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct rule_fact *fact = &facts->fact[names[i]];
        if (fact->known && rule_lower(fact->text, match->value, sizeof match->value) &&
            found(intel, look_name(intel, match->value), names[i], match))
            return true;
    }
    for (size_t i = 0; i < sizeof prints / sizeof *prints; i++) {
        const struct rule_fact *fact = &facts->fact[prints[i]];
        if (fact->known && rule_lower(fact->text, match->value, sizeof match->value) &&
            found(intel, map_get(&intel->prints, match->value, strlen(match->value)), prints[i],
                  match))
            return true;
    }
    return false;
}
