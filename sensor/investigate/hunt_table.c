/* What a hunt found, for people: the head, then a line a host. Thread: the main thread. */
#include "hunt_local.h"

#include "hunt_words.h"
#include "phrase.h"

#include "weir/base/buffer.h"
#include "weir/base/device.h"
#include "weir/base/figures.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define PROBLEMS_SHOWN 5
#define PROBES_SHOWN   8
#define LABEL_WIDTH    10
#define HOST_WIDTH     24
#define VERDICT_WIDTH  34
#define DAYS_WIDTH     10
#define ARGUMENTS      6
#define NUMBER_SIZE    24

struct table {
    struct buffer text;
    const struct hunt_result *r;
    enum report_language language;
};

/* --- words ------------------------------------------------------------------------------------ */

/* Texts, then NULL. */
static void say(struct table *t, enum hunt_say what, ...)
{
    const char *argument[ARGUMENTS + 1] = {NULL};
    va_list arguments;
    va_start(arguments, what);
    for (size_t i = 0; i < ARGUMENTS && (argument[i] = va_arg(arguments, const char *)); i++)
        ;
    va_end(arguments);
    phrase_fill(&t->text, hunt_say(what, t->language), argument, phrase_put_plain);
}

static const char *number(size_t value, char text[NUMBER_SIZE])
{
    snprintf(text, NUMBER_SIZE, "%zu", value);
    return text;
}

/* Columns of a terminal: Japanese letters take two, as does what stands between them. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (const unsigned char *at = (const unsigned char *)text; *at; at++)
        if ((*at & 0xc0) != 0x80)
            width += *at >= 0xe3 && *at < 0xf0 ? 2 : 1;
    return width;
}

static void put_cell(struct table *t, const char *text, size_t width)
{
    size_t taken = width_of(text);
    buffer_text(&t->text, "%s%*s", text, (int)(taken < width ? width - taken : 0), "");
}

static void put_label(struct table *t, enum hunt_say what)
{
    put_cell(t, hunt_say(what, t->language), LABEL_WIDTH);
}

static void put_indent(struct table *t)
{
    put_cell(t, "", LABEL_WIDTH);
}

static void end_line(struct table *t)
{
    buffer_text(&t->text, "\n");
}

char *hunt_day_text(int64_t day, char text[32])
{
    ptime_iso((struct ptime){day * NS_PER_DAY}, text, 32);
    text[10] = '\0';
    return text;
}

size_t hunt_verdicts(const struct hunt_result *r, enum hunt_verdict verdict)
{
    size_t count = 0;
    for (size_t i = 0; i < r->host_count; i++)
        count += r->host[i]->judgement.verdict == verdict;
    return count;
}

const char *hunt_probe_name(const struct hunt_probe *probe)
{
    return probe->folder[0]->path;
}

/* --- a host ----------------------------------------------------------------------------------- */

static size_t seen_days(const struct hunt_host *host)
{
    size_t days = 0;
    for (int sight = 0; sight < HUNT_SIGHTS; sight++)
        days += host->basis.seen[sight];
    return days;
}

/* Caller frees. */
static char *volume_text(struct volume volume)
{
    char value[FIGURE_SIZE], low[FIGURE_SIZE], high[FIGURE_SIZE];
    volume = volume_clamped(volume);
    figure_bytes(volume.value, value);
    if (volume.low == volume.value && volume.high == volume.value)
        return xstrdup(value);
    return xasprintf("%s [%s – %s]", value, figure_bytes(volume.low, low),
                     figure_bytes(volume.high, high));
}

static void put_left(struct table *t, const struct hunt_host *host)
{
    const struct incident *incident = host->incident;
    const struct story *story = &incident->story;
    char from[64], to[64], short_id[16], score[NUMBER_SIZE], more[NUMBER_SIZE];
    char *out = volume_text(story->out);
    snprintf(score, sizeof score, "%d", incident->score);
    say(t, HUNT_SAY_LEFT, out,
        story->has_destination ? story->destination.name : hunt_say(HUNT_SAY_SEVERAL, t->language),
        calendar_text(t->r->calendar, story->first, CALENDAR_MINUTE, from, sizeof from),
        calendar_text(t->r->calendar, story->last, CALENDAR_MINUTE, to, sizeof to),
        incident_short(incident->id, short_id), score, NULL);
    free(out);
    if (host->incidents > 1)
        say(t, HUNT_SAY_MORE, number(host->incidents - 1, more), NULL);
}

/* Of the probes whose absence counts against it the one that was absent most. */
static const char *absent_probe(const struct table *t, const struct hunt_host *host)
{
    const struct hunt_probe *most = NULL;
    for (size_t i = 0; i < t->r->probes->count; i++) {
        const struct hunt_probe *probe = &t->r->probes->probe[i];
        if ((host->probes >> i & 1u) != 0 && (!most || probe->absent > most->absent))
            most = probe;
    }
    return most ? hunt_probe_name(most) : "";
}

static void put_no_sign(struct table *t, const struct hunt_host *host)
{
    char own[NUMBER_SIZE], all[NUMBER_SIZE], *out = volume_text(host->out);
    say(t, HUNT_SAY_IN_ALL, out, NULL);
    free(out);
    if (host->basis.own < host->basis.covered)
        say(t, HUNT_SAY_OWN, number(host->basis.own, own), number(host->basis.days, all),
            absent_probe(t, host), NULL);
}

static void put_why(struct table *t, const struct hunt_host *host)
{
    const struct hunt_basis *basis = &host->basis;
    enum hunt_sight sight = host->judgement.sight;
    char a[NUMBER_SIZE], b[NUMBER_SIZE], c[NUMBER_SIZE];
    switch (host->judgement.why) {
    case HUNT_WHY_NOT_SEEN:
        say(t, HUNT_SAY_NOT_SEEN, NULL);
        break;
    case HUNT_WHY_CROWDED:
        say(t, HUNT_SAY_CROWDED, number(basis->crowded, a), NULL);
        break;
    case HUNT_WHY_SHORT:
        say(t, HUNT_SAY_SHORT, NULL);
        break;
    case HUNT_WHY_UNCOVERED:
        say(t, HUNT_SAY_UNCOVERED, number(basis->covered, a), number(basis->days, b), NULL);
        break;
    case HUNT_WHY_FEW_DAYS:
        say(t, HUNT_SAY_FEW_DAYS, number(seen_days(host), a), number(t->r->least, b), NULL);
        break;
    case HUNT_WHY_SIGHT:
        say(t, HUNT_SAY_SIGHT, number(basis->seen[HUNT_COVERED], a), number(t->r->least, b),
            number(basis->seen[sight], c), hunt_say_days(sight, t->language), NULL);
        break;
    case HUNT_WHY_ABSENT:
        say(t, HUNT_SAY_ABSENT, number(basis->own, a), number(basis->days, b),
            absent_probe(t, host), NULL);
        break;
    case HUNT_WHY_NOTHING:
    case HUNT_WHYS:
        break;
    }
}

static void put_host(struct table *t, const struct hunt_host *host)
{
    char text[IP_TEXT_SIZE];
    put_cell(t, host_text(&host->ip, text), HOST_WIDTH);
    buffer_text(&t->text, " ");
    put_cell(t, hunt_verdict_words[host->judgement.verdict][t->language], VERDICT_WIDTH);
    buffer_text(&t->text, " %3zu %s %-3zu  ", seen_days(host), hunt_say(HUNT_SAY_OF, t->language),
                t->r->days->count);
    if (host->judgement.verdict == HUNT_LEFT)
        put_left(t, host);
    else if (host->judgement.verdict == HUNT_CANNOT_SAY)
        put_why(t, host);
    else
        put_no_sign(t, host);
    while (t->text.size > 0 && t->text.data[t->text.size - 1] == ' ')
        t->text.size--;
    end_line(t);
}

/* --- the head --------------------------------------------------------------------------------- */

static void put_sights(struct table *t)
{
    const struct hunt_days *days = t->r->days;
    const char *before = t->language == REPORT_ENGLISH ? "; " : "、";
    char text[32], of[NUMBER_SIZE];
    for (enum hunt_sight sight = HUNT_ONE_SIDED; sight < HUNT_SIGHTS; sight++) {
        size_t count = hunt_days_of(days, sight), first = 0;
        if (count == 0)
            continue;
        while (days->sight[first] != sight)
            first++;
        buffer_text(&t->text, "%s", before);
        say(t, HUNT_SAY_NOT, number(count, of), hunt_say_sight(sight, t->language),
            hunt_day_text(days->first + (int64_t)first, text), NULL);
        before = t->language == REPORT_ENGLISH ? ", " : "、";
    }
}

static void put_span(struct table *t)
{
    const struct hunt_days *days = t->r->days;
    char from[32], to[32], all[NUMBER_SIZE], covered[NUMBER_SIZE];
    put_label(t, HUNT_SAY_HUNT);
    say(t, HUNT_SAY_SPAN, hunt_day_text(days->first, from),
        hunt_day_text(days->first + (int64_t)days->count - 1, to), number(days->count, all),
        number(hunt_days_of(days, HUNT_COVERED), covered), NULL);
    put_sights(t);
    end_line(t);
}

static void put_probe(struct table *t, const struct hunt_probe *probe)
{
    const struct hunt_days *days = t->r->days;
    char of[NUMBER_SIZE], more[NUMBER_SIZE], text[32];
    size_t first = 0;
    say(t, probe->folders > 1 ? HUNT_SAY_PROBE_FOLDERS : HUNT_SAY_PROBE, hunt_probe_name(probe),
        number(probe->days, of), number(probe->folders - 1, more), NULL);
    if (probe->absent > 0) {
        while (!hunt_probe_is_absent(t->r->probes, probe, first))
            first++;
        say(t, HUNT_SAY_PROBE_ABSENT, number(probe->absent, of),
            hunt_day_text(days->first + (int64_t)first, text), NULL);
    }
    end_line(t);
}

/* One alone is the whole. */
static void put_probes(struct table *t)
{
    const struct hunt_probes *probes = t->r->probes;
    char more[NUMBER_SIZE];
    if (probes->count < 2)
        return;
    for (size_t i = 0; i < probes->count && i < PROBES_SHOWN; i++) {
        if (i == 0)
            put_label(t, HUNT_SAY_PROBES);
        else
            put_indent(t);
        put_probe(t, &probes->probe[i]);
    }
    if (probes->count > PROBES_SHOWN) {
        put_indent(t);
        say(t, HUNT_SAY_MORE_PROBES, number(probes->count - PROBES_SHOWN, more), NULL);
        end_line(t);
    }
    if (probes->beyond > 0) {
        put_indent(t);
        say(t, HUNT_SAY_FOLDERS_BEYOND, number(probes->beyond, more), NULL);
        end_line(t);
    }
}

static void put_judged(struct table *t)
{
    char units[NUMBER_SIZE];
    put_label(t, HUNT_SAY_JUDGED);
    say(t, t->r->units == 1 ? HUNT_SAY_ONE_UNIT : HUNT_SAY_UNITS,
        hunt_say(t->r->hindsight ? HUNT_SAY_HINDSIGHT : HUNT_SAY_ONLINE, t->language),
        number(t->r->units, units), NULL);
    end_line(t);
}

static void put_only(struct table *t, enum hunt_say what, const char *asked)
{
    if (!asked)
        return;
    put_label(t, HUNT_SAY_ONLY);
    say(t, what, asked, NULL);
    end_line(t);
}

static void put_problems(struct table *t, size_t damaged)
{
    char more[NUMBER_SIZE];
    size_t shown = 0;
    for (size_t i = 0; i < t->r->input_count && shown < PROBLEMS_SHOWN; i++)
        if (t->r->input[i].problem) {
            put_indent(t);
            buffer_text(&t->text, "%s\n", t->r->input[i].problem);
            shown++;
        }
    if (damaged > shown) {
        put_indent(t);
        say(t, HUNT_SAY_MORE_PROBLEMS, number(damaged - shown, more), NULL);
        end_line(t);
    }
}

static void put_inputs(struct table *t)
{
    const struct hunt_result *r = t->r;
    char count[FIGURE_SIZE], inputs[NUMBER_SIZE], wrong[NUMBER_SIZE];
    uint64_t packets = 0;
    size_t damaged = 0;
    for (size_t i = 0; i < r->input_count; i++) {
        packets = bytes_add(packets, r->input[i].packets);
        damaged += r->input[i].problem != NULL;
    }
    put_label(t, HUNT_SAY_INPUTS);
    say(t, HUNT_SAY_INPUTS_READ, number(r->input_count, inputs), figure_count(packets, count),
        number(damaged, wrong), NULL);
    end_line(t);
    put_problems(t, damaged);
    if (r->flows_cut > 0) {
        put_indent(t);
        say(t, HUNT_SAY_FLOWS_CUT, figure_count(r->flows_cut, count), NULL);
        end_line(t);
    }
}

static void put_hosts(struct table *t)
{
    char all[NUMBER_SIZE], left[NUMBER_SIZE], cannot[NUMBER_SIZE], none[NUMBER_SIZE];
    put_label(t, HUNT_SAY_HOSTS);
    say(t, HUNT_SAY_HOSTS_OF, number(t->r->host_count, all),
        number(hunt_verdicts(t->r, HUNT_LEFT), left),
        number(hunt_verdicts(t->r, HUNT_CANNOT_SAY), cannot),
        number(hunt_verdicts(t->r, HUNT_NO_SIGN), none), NULL);
    end_line(t);
}

static void put_columns(struct table *t)
{
    end_line(t);
    put_cell(t, hunt_say(HUNT_SAY_HOST, t->language), HOST_WIDTH);
    buffer_text(&t->text, " ");
    put_cell(t, hunt_say(HUNT_SAY_VERDICT, t->language), VERDICT_WIDTH);
    buffer_text(&t->text, " ");
    put_cell(t, hunt_say(HUNT_SAY_DAYS_SEEN, t->language), DAYS_WIDTH);
    buffer_text(&t->text, "  %s\n", hunt_say(HUNT_SAY_WHAT, t->language));
}

char *hunt_text(const struct hunt_result *r, enum report_language language)
{
    struct table t = {.r = r, .language = language};
    put_span(&t);
    put_probes(&t);
    put_judged(&t);
    put_only(&t, HUNT_SAY_ONLY_DESTINATION, r->destination);
    put_only(&t, HUNT_SAY_ONLY_PACKETS, r->filter);
    put_inputs(&t);
    put_hosts(&t);
    put_columns(&t);
    for (size_t i = 0; i < r->host_count; i++)
        put_host(&t, r->host[i]);
    buffer_u8(&t.text, 0);
    return (char *)t.text.data;
}
