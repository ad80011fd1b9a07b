/* See weir/investigate/clocks.h. A key that is not known is an error: a deadline that is silently
 * not read is worse than none. */
#include "weir/investigate/clocks.h"

#include "weir/base/buffer.h"
#include "weir/base/yaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COUNT_MAX 3660u /* hours, days or months */

struct reading {
    const char *name;
    struct error *error;
};

static int wrong(const struct reading *r, const struct yaml_node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int wrong(const struct reading *r, const struct yaml_node *node, const char *format, ...)
{
    char what[160];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return error_set(r->error, ERROR_USAGE, "%s:%d:%d: %s", r->name, node->line, node->column,
                     what);
}

/* --- values ----------------------------------------------------------------------------------- */

static int read_plain(const struct reading *r, const struct yaml_node *node, char **text)
{
    if (node->kind != YAML_SCALAR || !*node->text)
        return wrong(r, node, "%.40s: expected a text", node->key);
    *text = xstrdup(node->text);
    return 0;
}

/* One text, or one for each language. */
static int read_text(const struct reading *r, const struct yaml_node *node, struct clock_text *text)
{
    static const char *const language[CLOCKS_LANGUAGES] = {"en", "ja"};
    if (node->kind == YAML_SCALAR) {
        for (size_t i = 0; i < CLOCKS_LANGUAGES; i++)
            if (read_plain(r, node, &text->of[i]) != 0)
                return -1;
        return 0;
    }
    for (const struct yaml_node *at = node->child; at; at = at->next) {
        size_t which = 0;
        while (node->kind == YAML_MAP && which < CLOCKS_LANGUAGES &&
               strcmp(at->key, language[which]) != 0)
            which++;
        if (node->kind != YAML_MAP || which == CLOCKS_LANGUAGES)
            return wrong(r, at, "%.40s: expected a text, or one for each of en and ja", node->key);
        if (read_plain(r, at, &text->of[which]) != 0)
            return -1;
    }
    for (size_t i = 0; i < CLOCKS_LANGUAGES; i++)
        if (!text->of[i] && text->of[1 - i])
            text->of[i] = xstrdup(text->of[1 - i]);
    return text->of[0] ? 0 : wrong(r, node, "%.40s: expected a text", node->key);
}

/* Up to four digits; what follows them, or NULL. */
static const char *read_count(const char *text, unsigned *count)
{
    size_t digits = strspn(text, "0123456789");
    *count = 0;
    if (digits == 0 || digits > 4)
        return NULL;
    for (size_t i = 0; i < digits; i++)
        *count = *count * 10 + (unsigned)(text[i] - '0');
    return text + digits;
}

/* "72 h", "30 d", "1 month", "3-5 d" */
static int read_within(const struct reading *r, const struct yaml_node *node,
                       struct clock_duty *duty)
{
    static const struct {
        const char *word;
        enum clock_unit unit;
    } row[] = {
        {"h", CLOCK_HOURS}, {"d", CLOCK_DAYS}, {"month", CLOCK_MONTHS}, {"months", CLOCK_MONTHS}};
    const char *text = node->kind == YAML_SCALAR ? node->text : "";
    const char *unit = read_count(text, &duty->low);
    duty->high = duty->low;
    if (unit && *unit == '-')
        unit = read_count(unit + 1, &duty->high);
    if (unit)
        unit += strspn(unit, " ");
    for (size_t i = 0; unit && i < sizeof row / sizeof *row; i++)
        if (strcmp(unit, row[i].word) == 0 && duty->low > 0 && duty->low <= duty->high &&
            duty->high <= COUNT_MAX) {
            duty->unit = row[i].unit;
            return 0;
        }
    return wrong(r, node, "within: \"%.30s\", expected N h, N d, N month or N-M d", text);
}

static int read_from(const struct reading *r, const struct yaml_node *node,
                     const struct clock *clock, struct clock_duty *duty)
{
    duty->from = -1;
    if (node->kind == YAML_SCALAR && strcmp(node->text, "awareness") == 0)
        return 0;
    for (size_t i = 0; node->kind == YAML_SCALAR && i < clock->duties; i++)
        if (clock->duty[i].id && strcmp(clock->duty[i].id, node->text) == 0) {
            duty->from = (int)i;
            return 0;
        }
    return wrong(r, node, "from: expected awareness, or the id of a duty above");
}

static int read_days(const struct reading *r, const struct yaml_node *node, struct clock_duty *duty)
{
    duty->inclusive = node->kind == YAML_SCALAR && strcmp(node->text, "inclusive") == 0;
    if (duty->inclusive || (node->kind == YAML_SCALAR && strcmp(node->text, "after") == 0))
        return 0;
    return wrong(r, node, "days: expected after or inclusive");
}

/* --- a duty, a file --------------------------------------------------------------------------- */

static int read_member(const struct reading *r, const struct yaml_node *node,
                       const struct clock *clock, struct clock_duty *duty)
{
    if (strcmp(node->key, "id") == 0)
        return read_plain(r, node, &duty->id);
    if (strcmp(node->key, "what") == 0)
        return read_text(r, node, &duty->what);
    if (strcmp(node->key, "article") == 0)
        return read_text(r, node, &duty->article);
    if (strcmp(node->key, "from") == 0)
        return read_from(r, node, clock, duty);
    if (strcmp(node->key, "within") == 0)
        return read_within(r, node, duty);
    if (strcmp(node->key, "days") == 0)
        return read_days(r, node, duty);
    if (strcmp(node->key, "if") == 0)
        return read_text(r, node, &duty->condition);
    return wrong(r, node,
                 "%.40s: unknown key, expected id, what, article, from, within, days or if",
                 node->key);
}

static int read_duty(const struct reading *r, const struct yaml_node *node, struct clock *clock)
{
    if (clock->duties == CLOCKS_DUTIES)
        return wrong(r, node, "more than %u duties", CLOCKS_DUTIES);
    struct clock_duty *duty = &clock->duty[clock->duties];
    duty->from = -1;
    if (node->kind != YAML_MAP)
        return wrong(r, node, "expected a duty: what, article, within");
    for (const struct yaml_node *at = node->child; at; at = at->next)
        if (read_member(r, at, clock, duty) != 0)
            return -1;
    if (!duty->what.of[0] || !duty->article.of[0] || duty->high == 0)
        return wrong(r, node, "a duty needs what, article and within");
    if (duty->inclusive && duty->unit != CLOCK_DAYS)
        return wrong(r, node, "days: inclusive is for days alone");
    clock->duties++;
    return 0;
}

static int read_top(const struct reading *r, const struct yaml_node *node, struct clock *clock)
{
    if (strcmp(node->key, "name") == 0)
        return read_plain(r, node, &clock->name);
    if (strcmp(node->key, "source") == 0)
        return read_text(r, node, &clock->source);
    if (strcmp(node->key, "authority") == 0)
        return read_text(r, node, &clock->authority);
    if (strcmp(node->key, "note") == 0)
        return read_text(r, node, &clock->note);
    if (strcmp(node->key, "duties") != 0)
        return wrong(r, node,
                     "%.40s: unknown key, expected name, source, authority, note or duties",
                     node->key);
    if (node->kind != YAML_LIST)
        return wrong(r, node, "duties: expected a list");
    for (const struct yaml_node *at = node->child; at; at = at->next)
        if (read_duty(r, at, clock) != 0)
            return -1;
    return 0;
}

static int read_clock(const struct reading *r, const struct yaml_node *root, struct clock *clock)
{
    if (root->kind != YAML_MAP)
        return wrong(r, root, "expected name, source, authority and duties");
    for (const struct yaml_node *at = root->child; at; at = at->next)
        if (read_top(r, at, clock) != 0)
            return -1;
    if (!clock->name || !clock->source.of[0] || !clock->authority.of[0] || clock->duties == 0)
        return wrong(r, root, "a clock needs name, source, authority and duties");
    return 0;
}

static void text_fini(struct clock_text *text)
{
    for (size_t i = 0; i < CLOCKS_LANGUAGES; i++)
        free(text->of[i]);
}

static void clock_fini(struct clock *clock)
{
    free(clock->name);
    text_fini(&clock->source);
    text_fini(&clock->authority);
    text_fini(&clock->note);
    for (size_t i = 0; i < CLOCKS_DUTIES; i++) {
        free(clock->duty[i].id);
        text_fini(&clock->duty[i].what);
        text_fini(&clock->duty[i].article);
        text_fini(&clock->duty[i].condition);
    }
}

void clocks_fini(struct clocks *clocks)
{
    for (size_t i = 0; i < clocks->count; i++)
        clock_fini(&clocks->clock[i]);
    clocks->count = 0;
}

int clocks_parse(struct clocks *clocks, const char *name, const char *text, size_t size,
                 struct error *error)
{
    struct reading r = {name, error};
    if (clocks->count == CLOCKS_MAX)
        return error_set(error, ERROR_USAGE, "%s: more than %u clocks", name, CLOCKS_MAX);
    struct yaml_node *root = yaml_parse(name, text, size, error);
    struct clock *clock = &clocks->clock[clocks->count];
    if (!root)
        return -1;
    memset(clock, 0, sizeof *clock);
    int failed = read_clock(&r, root, clock);
    yaml_node_free(root);
    if (failed)
        clock_fini(clock);
    else
        clocks->count++;
    return failed;
}

int clocks_read(struct clocks *clocks, const char *path, struct error *error)
{
    size_t size;
    char *text = yaml_read_file(path, &size, error);
    int failed = !text || clocks_parse(clocks, path, text, size, error) != 0;
    free(text);
    return failed ? -1 : 0;
}

/* --- when ------------------------------------------------------------------------------------- */

static struct ptime of_local(struct tm *tm)
{
    tm->tm_isdst = -1;
    return (struct ptime){(int64_t)mktime(tm) * NS_PER_S};
}

/* The same day of a later month, or its last one where it has no such day. */
static struct ptime after_months(struct tm tm, unsigned months)
{
    int day = tm.tm_mday;
    tm.tm_mon += (int)months;
    struct tm later = tm;
    struct ptime due = of_local(&later);
    if (later.tm_mday == day)
        return due;
    tm.tm_mon++;
    tm.tm_mday = 0;
    return of_local(&tm);
}

static struct ptime after(struct ptime from, const struct clock_duty *duty, unsigned count)
{
    time_t seconds = (time_t)(from.ns / NS_PER_S);
    struct tm tm;
    if (duty->unit == CLOCK_HOURS)
        return (struct ptime){from.ns + count * NS_PER_HOUR};
    localtime_r(&seconds, &tm);
    if (duty->unit == CLOCK_MONTHS)
        return after_months(tm, count);
    tm.tm_mday += (int)count;
    if (duty->inclusive) { /* the last second of day `count` */
        tm.tm_hour = tm.tm_min = 0;
        tm.tm_sec = -1;
    }
    return of_local(&tm);
}

struct ptime clock_due(const struct clock *clock, size_t duty, struct ptime aware, bool latest)
{
    const struct clock_duty *d = &clock->duty[duty];
    struct ptime from =
        d->from < 0 ? aware : clock_due(clock, (size_t)d->from, aware, true); /* of one above */
    return after(from, d, latest ? d->high : d->low);
}
