/* See rules_text.h. */
#include "rules_text.h"

#include "weir/base/buffer.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#define DAY_S 86400

static bool is_over(int64_t last_day)
{
    return last_day < (int64_t)(time(NULL) / DAY_S);
}

static char *text_of(struct buffer *b)
{
    buffer_u8(b, 0);
    return (char *)b->data;
}

static size_t enabled(const struct rules *rules)
{
    size_t count = 0;
    for (size_t i = 0; i < rules->rule_count; i++)
        count += rules->rule[i].enabled;
    return count;
}

/* --- weir check ------------------------------------------------------------------------------ */

static void put_lists(struct buffer *b, const struct rules *rules, const char *before)
{
    for (size_t i = 0; rules->intel && i < intel_lists(rules->intel); i++) {
        const struct intel_list *list = intel_list(rules->intel, i);
        buffer_text(b, "%slist %s: %" PRIu64 " indicators (%" PRIu64 " known already)", before,
                    list->name, list->indicators, list->repeated);
        if (list->other_kinds > 0)
            buffer_text(b, ", %" PRIu64 " of kinds that are not looked for", list->other_kinds);
        if (list->bad_lines > 0)
            buffer_text(b, ", %" PRIu64 " lines not understood, the first is line %" PRIu64,
                        list->bad_lines, list->first_bad);
        buffer_text(b, "\n");
    }
}

static void put_expired(struct buffer *b, const struct rules *rules, const char *before)
{
    for (size_t i = 0; i < rules->exception_count; i++)
        if (is_over(rules->exception[i].last_day))
            buffer_text(b, "%s%s: exception %s ended with %s: it holds nothing back\n", before,
                        rules->exception[i].place, rules->exception[i].name,
                        rules->exception[i].expires);
    for (size_t i = 0; i < rules->trust_count; i++)
        if (is_over(rules->trust[i].last_day))
            buffer_text(b, "%s%s: trust %s ended with %s\n", before, rules->trust[i].place,
                        rules->trust[i].name, rules->trust[i].expires);
}

char *rules_summary(const struct rules *rules)
{
    struct buffer b = {0};
    if (rules) {
        buffer_text(&b, "# %zu rules (%zu enabled), %zu exceptions, %zu trusts\n",
                    rules->rule_count, enabled(rules), rules->exception_count, rules->trust_count);
        put_lists(&b, rules, "# ");
        put_expired(&b, rules, "# ");
    }
    return text_of(&b);
}

/* --- weir rules list ------------------------------------------------------------------------- */

static void put_schedule(struct buffer *b, const struct rule_schedule *schedule)
{
    static const char *const when[] = {"always", "work hours", "off hours", "by its schedule"};
    buffer_text(b, "%s", when[schedule->when]);
}

static void put_exceptions(struct buffer *b, const struct rules *rules, const char *id)
{
    for (size_t i = 0; i < rules->exception_count; i++) {
        const struct rule_exception *exception = &rules->exception[i];
        for (size_t n = 0; n < exception->of_count; n++)
            if (strcmp(exception->of[n], id) == 0)
                buffer_text(b, "    except %s until %s%s: %s\n", exception->name,
                            exception->expires, is_over(exception->last_day) ? " (over)" : "",
                            exception->reason);
    }
}

static void put_rule(struct buffer *b, const struct rules *rules, const struct rule *rule)
{
    const struct detector *detector = &rule->detector;
    buffer_text(b, "%s%s\n    %s\n    score %d, %s, ", detector->id,
                rule->enabled ? "" : " (disabled)", detector->name, rule->score,
                urgency_name[rule->urgency]);
    put_schedule(b, &rule->schedule);
    buffer_text(b, ", at most %u alerts %s%s%s\n    %s\n    %s\n", rule->limit,
                rule->limit_ns == NS_PER_HOUR ? "an hour" : "a day",
                detector->technique ? ", " : "",
                detector->subtechnique ? detector->subtechnique
                : detector->technique  ? detector->technique
                                       : "",
                detector->explains, rule->place);
    put_exceptions(b, rules, detector->id);
}

static void put_detectors(struct buffer *b, const struct rules *rules)
{
    for (size_t i = 0; detectors[i]; i++) {
        buffer_text(b, "%s (built in)\n    %s\n", detectors[i]->id, detectors[i]->name);
        if (rules)
            put_exceptions(b, rules, detectors[i]->id);
    }
}

char *rules_list_text(const struct rules *rules)
{
    struct buffer b = {0};
    for (size_t i = 0; rules && i < rules->rule_count; i++)
        put_rule(&b, rules, &rules->rule[i]);
    put_detectors(&b, rules);
    for (size_t i = 0; rules && i < rules->trust_count; i++)
        buffer_text(&b, "trust %s until %s%s: a p %g times smaller is asked for: %s\n",
                    rules->trust[i].name, rules->trust[i].expires,
                    is_over(rules->trust[i].last_day) ? " (over)" : "", rules->trust[i].bar,
                    rules->trust[i].reason);
    if (rules)
        put_lists(&b, rules, "");
    return text_of(&b);
}

/* --- weir rules fields ----------------------------------------------------------------------- */

char *rules_fields_text(void)
{
    static const char *const type[RULE_TYPES] = {"address", "name", "text", "bytes",
                                                 "count",   "time", "flag"};
    struct buffer b = {0};
    for (int i = 0; i < RULE_FIELD_COUNT; i++) {
        size_t count;
        const char *const *words = rule_field_words((enum rule_field)i, &count);
        buffer_text(&b, "%-22s %-8s %s", rule_field_row[i].name, type[rule_field_row[i].type],
                    rule_field_row[i].what);
        for (size_t n = 0; n < count; n++)
            buffer_text(&b, "%s%s", n ? ", " : " [", words[n]);
        buffer_text(&b, "%s\n", words ? "]" : "");
    }
    return text_of(&b);
}

/* --- weir rules test ------------------------------------------------------------------------- */

static void put_tally(struct buffer *b, const char *id, bool is_enabled,
                      const struct rule_tally *tally)
{
    if (!is_enabled) {
        buffer_text(b, "%-32s disabled\n", id);
        return;
    }
    buffer_text(b,
                "%-32s %" PRIu64 " alerts; %" PRIu64 " records matched, %" PRIu64
                " excepted; %" PRIu64 " stories withheld; %.1f instructions a record\n",
                id, tally->told, tally->matched, tally->excepted, tally->withheld,
                tally->asked ? (double)tally->steps / (double)tally->asked : 0.0);
    for (int i = 0; i < RULE_EXAMPLES && *tally->example[i]; i++)
        buffer_text(b, "    %s\n", tally->example[i]);
}

char *rules_tallies_text(const struct rules *rules, const struct engine *engine)
{
    static const struct rule_tally none;
    struct buffer b = {0};
    for (size_t i = 0; rules && i < rules->rule_count; i++) {
        const char *id = rules->rule[i].detector.id;
        const struct rule_tally *tally = engine_rule(engine, id);
        put_tally(&b, id, rules->rule[i].enabled, tally ? tally : &none);
    }
    const struct rule_tally *lists = engine_rule(engine, "intel.match");
    if (rules && rules->intel)
        put_tally(&b, "intel.match", true, lists ? lists : &none);
    const struct engine_counts *counts = engine_counts_of(engine);
    buffer_text(&b,
                "\nexceptions held back findings %" PRIu64 " times; trust raised the bar %" PRIu64
                " times\n",
                counts->excepted, counts->trusted);
    return text_of(&b);
}
