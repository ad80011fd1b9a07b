/* The hand-over as people read it, a section each, on a terminal or as a page that prints: the same
 * words in the same order, with other marks between them (handover_write.h). Nothing is left out
 * silently: what a section has no room for is counted. Thread: any. */
#include "handover_write.h"

#include "weir/base/figures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *when(const struct writing *w, struct ptime time, char text[32])
{
    return calendar_text(w->handover->config.calendar, time, CALENDAR_MINUTE, text, 32);
}

/* With the year: a hand-over is kept. The calendar has set the zone. */
static const char *whole_time(struct ptime time, char text[32])
{
    time_t seconds = (time_t)(time.ns / NS_PER_S);
    struct tm tm;
    strftime(text, 32, "%Y-%m-%d %H:%M", localtime_r(&seconds, &tm));
    return text;
}

static const char *count_text(uint64_t count, char text[FIGURE_SIZE])
{
    return figure_count(count, text);
}

static void put_more(struct writing *w, uint64_t more)
{
    char text[FIGURE_SIZE];
    if (more == 0)
        return;
    write_item(w);
    WRITE(w, PHRASE_MORE, count_text(more, text));
}

/* --- head ------------------------------------------------------------------------------------- */

static void put_title(struct writing *w)
{
    const struct handover *h = w->handover;
    char from[32], to[32], zone[32];
    calendar_text(h->config.calendar, h->config.to, CALENDAR_ZONE, zone, sizeof zone);
    WRITE(w, PHRASE_TITLE, whole_time(h->config.from, from), whole_time(h->config.to, to), zone,
          h->config.sensor);
}

static void put_head(struct writing *w)
{
    const struct handover *h = w->handover;
    char a[FIGURE_SIZE], b[FIGURE_SIZE], c[FIGURE_SIZE], d[FIGURE_SIZE];
    write_line(w);
    WRITE(w, PHRASE_ALERTS, count_text(h->alerts, a), count_text(h->silenced, b),
          figure_bytes(h->silenced_bytes, c), count_text(h->quiet, d));
    if (!h->config.running) {
        write_line(w);
        WRITE(w, PHRASE_NOT_RUNNING, "");
    }
    for (size_t i = 0; i < h->config.blind_count; i++) {
        write_line(w);
        WRITE(w, PHRASE_BLIND_NOW, h->config.blind[i]);
    }
    if (h->unread > 0) {
        write_line(w);
        WRITE(w, PHRASE_UNREAD, count_text(h->unread, a));
    }
    if (h->told.beyond > 0) {
        write_line(w);
        WRITE(w, PHRASE_BEYOND, count_text(RETOLD_MAX, a), count_text(h->told.beyond, b));
    }
}

/* --- incidents -------------------------------------------------------------------------------- */

static size_t in_section(const struct writing *w, enum handover_section section)
{
    size_t count = 0;
    for (size_t i = 0; i < w->count; i++)
        count += handover_section_of(w->handover, w->incident[i]) == section;
    return count;
}

static const struct noise_mark *mark_of(const struct writing *w,
                                        const struct retold_incident *incident)
{
    const struct noise *book = w->handover->config.book;
    return book ? noise_mark_of(book, incident->id) : NULL;
}

static void put_about(struct writing *w, const struct retold_incident *incident)
{
    char name[16], score[16];
    snprintf(score, sizeof score, " %3d  ", (int)incident->score);
    write_item(w);
    write_strong(w, true);
    write_text(w, word_of_urgency(w->language, incident->urgency));
    write_text(w, score);
    write_text(w, incident_short(incident->id, name));
    write_text(w, "  ");
    write_text(w, incident->host);
    buffer_text(&w->out, "%s", *incident->destination ? " → " : "");
    write_text(w, incident->destination);
    write_text(w, " ");
    for (size_t i = 0; i < incident->rule_count; i++) {
        write_text(w, i ? ", " : " ");
        write_text(w, incident->rule[i]);
    }
    write_strong(w, false);
}

static void put_figures(struct writing *w, const struct retold_incident *incident)
{
    char first[32], last[32], bytes[FIGURE_SIZE], alerts[FIGURE_SIZE], silenced[FIGURE_SIZE];
    write_next(w);
    WRITE(w, PHRASE_WHEN, when(w, incident->first, first), when(w, incident->last, last),
          figure_bytes(incident->out_bytes, bytes), count_text(incident->alerts, alerts));
    if (incident->silenced > 0)
        WRITE(w, PHRASE_SOME_SILENCED, count_text(incident->silenced, silenced));
}

static void put_open(struct writing *w, const struct retold_incident *incident)
{
    const struct noise_mark *mark = mark_of(w, incident);
    char at[32];
    put_about(w, incident);
    put_figures(w, incident);
    if (*incident->text) {
        write_next(w);
        write_text(w, incident->text);
    }
    if (handover_told_nobody(w->handover, incident)) {
        write_next(w);
        WRITE(w, PHRASE_TOLD_NOBODY, incident->silence);
    }
    if (!mark || mark->verdict == VERDICT_NONE || mark->closed.at.ns >= w->handover->config.to.ns)
        return;
    write_next(w);
    WRITE(w, PHRASE_AGAIN, word_of_verdict(w->language, mark->verdict), mark->closed.by,
          when(w, mark->closed.at, at));
}

static void put_word(struct writing *w, const struct noise_word *word)
{
    char at[32];
    if (*word->note)
        WRITE(w, PHRASE_BY_NOTE, word->by, when(w, word->at, at), word->note);
    else
        WRITE(w, PHRASE_BY, word->by, when(w, word->at, at));
}

static void put_acknowledged(struct writing *w, const struct retold_incident *incident)
{
    const struct noise_mark *mark = mark_of(w, incident);
    char quiet[FIGURE_SIZE];
    put_about(w, incident);
    put_figures(w, incident);
    write_next(w);
    put_word(w, &mark->acknowledged);
    if (mark->quiet_alerts > 0)
        WRITE(w, PHRASE_QUIET, count_text(mark->quiet_alerts, quiet));
}

static void put_closed(struct writing *w, const struct retold_incident *incident)
{
    const struct noise_mark *mark = mark_of(w, incident);
    put_about(w, incident);
    put_figures(w, incident);
    write_next(w);
    WRITE(w, PHRASE_VERDICT, word_of_verdict(w->language, mark->verdict));
    put_word(w, &mark->closed);
    if (*mark->ticket)
        WRITE(w, PHRASE_TICKET, mark->ticket);
}

static void put_section(struct writing *w, enum handover_section section, enum phrase title,
                        void (*put)(struct writing *, const struct retold_incident *))
{
    char text[FIGURE_SIZE];
    size_t count = in_section(w, section), shown = 0;
    write_heading(w);
    WRITE(w, title, count_text(count, text));
    for (size_t i = 0; i < w->count && shown < HANDOVER_LIST; i++)
        if (handover_section_of(w->handover, w->incident[i]) == section) {
            put(w, w->incident[i]);
            shown++;
        }
    put_more(w, count - shown);
}

static void put_wholly_silenced(struct writing *w)
{
    char text[FIGURE_SIZE];
    size_t count = in_section(w, SECTION_SILENCED);
    if (count == 0)
        return;
    write_item(w);
    WRITE(w, PHRASE_WHOLLY_SILENCED, count_text(count, text));
}

/* --- silences --------------------------------------------------------------------------------- */

static void put_silence(struct writing *w, const struct noise_silence *silence)
{
    char id[NOISE_ID], scope[512], until[32], alerts[FIGURE_SIZE], bytes[FIGURE_SIZE];
    struct handover_hidden hidden = handover_hidden_of(w->handover, silence);
    write_item(w);
    write_text(w, noise_silence_id(silence, id));
    write_text(w, "  ");
    write_text(w, noise_scope_text(&silence->scope, scope, sizeof scope));
    write_next(w);
    WRITE(w, PHRASE_SILENCE, when(w, silence->expires, until), silence->author, silence->reason);
    if (handover_is_over(w->handover, silence))
        WRITE(w, PHRASE_OVER, count_text(silence->alerts, alerts),
              figure_bytes(silence->out_bytes, bytes));
    else if (handover_ends_soon(w->handover, silence))
        WRITE(w, PHRASE_ENDS_SOON, "");
    write_next(w);
    WRITE(w, PHRASE_HELD_BACK, count_text(hidden.alerts, alerts),
          figure_bytes(hidden.out_bytes, bytes));
}

static void put_silences(struct writing *w)
{
    const struct handover *h = w->handover;
    const struct noise *book = h->config.book;
    size_t count = 0, soon = 0, shown = 0;
    char all[FIGURE_SIZE], few[FIGURE_SIZE];
    for (size_t i = 0; book && i < book->silence_count; i++) {
        if (!handover_lists(h, &book->silence[i]))
            continue;
        count++;
        soon += handover_ends_soon(h, &book->silence[i]);
    }
    write_heading(w);
    WRITE(w, PHRASE_SILENCES, count_text(count, all), count_text(soon, few));
    for (size_t i = 0; book && i < book->silence_count && shown < HANDOVER_LIST; i++)
        if (handover_lists(h, &book->silence[i])) {
            put_silence(w, &book->silence[i]);
            shown++;
        }
    put_more(w, count - shown);
}

/* --- what was not seen, the budget, changes --------------------------------------------------- */

static void put_span(struct writing *w, struct ptime from, struct ptime until)
{
    char text[32];
    write_item(w);
    write_text(w, when(w, from, text));
    buffer_text(&w->out, " – ");
    write_text(w, when(w, until, text));
    write_text(w, "  ");
}

static void put_blind(struct writing *w, const struct retold_incident *incident)
{
    char name[16];
    put_span(w, incident->start, incident->end);
    write_text(w, incident_short(incident->id, name));
    write_text(w, "  ");
    write_text(w, incident->text);
}

static void put_gaps(struct writing *w)
{
    const struct handover *h = w->handover;
    for (size_t i = 0; i < h->gap_count && i < HANDOVER_LIST; i++) {
        put_span(w, h->gap[i].from, h->gap[i].until);
        WRITE(w, PHRASE_NO_BEAT, "");
    }
    put_more(w, (h->gap_count > HANDOVER_LIST ? h->gap_count - HANDOVER_LIST : 0) + h->gaps_more);
    if (h->beat.ns != INT64_MIN)
        return;
    write_item(w);
    WRITE(w, PHRASE_NO_BEAT_AT_ALL, "");
}

static void put_not_seen(struct writing *w)
{
    char text[FIGURE_SIZE];
    size_t count = in_section(w, SECTION_BLIND), shown = 0;
    const struct handover *h = w->handover;
    write_heading(w);
    WRITE(w, PHRASE_BLIND, count_text(count + h->gap_count + h->gaps_more, text));
    for (size_t i = 0; i < w->count && shown < HANDOVER_LIST; i++)
        if (handover_section_of(h, w->incident[i]) == SECTION_BLIND) {
            put_blind(w, w->incident[i]);
            shown++;
        }
    put_more(w, count - shown);
    put_gaps(w);
}

static void put_drift(struct writing *w)
{
    const struct handover_drift *drift = &w->handover->config.drift;
    char rows[FIGURE_SIZE], silent[FIGURE_SIZE];
    size_t shown = 0;
    if (!drift->known)
        return;
    write_heading(w);
    WRITE(w, PHRASE_DRIFT, count_text(drift->rows, rows), count_text(drift->silent, silent));
    for (; shown < HANDOVER_DRIFT && drift->row[shown]; shown++) {
        write_item(w);
        write_text(w, drift->row[shown]);
    }
    put_more(w, drift->rows - shown);
}

static void put_budget(struct writing *w)
{
    char spent[FIGURE_SIZE], nominal[FIGURE_SIZE], hosts[FIGURE_SIZE];
    snprintf(nominal, sizeof nominal, "%.1f", handover_nominal(w->handover));
    write_heading(w);
    WRITE(w, PHRASE_BUDGET, count_text(w->handover->spent, spent), nominal,
          count_text((uint64_t)w->handover->hosts_ready, hosts));
}

static void put_changes(struct writing *w)
{
    const struct handover *h = w->handover;
    size_t kept = handover_acts_kept(h), from = kept > HANDOVER_LIST ? kept - HANDOVER_LIST : 0;
    char text[FIGURE_SIZE], at[32];
    write_heading(w);
    WRITE(w, PHRASE_CHANGES, count_text(h->acts, text));
    put_more(w, h->acts - (kept - from));
    for (size_t i = from; i < kept; i++) {
        const struct handover_act *act = handover_act_at(h, i);
        write_item(w);
        WRITE(w, PHRASE_CHANGE, when(w, act->at, at), act->message,
              word_of_action(w->language, act->action), act->by);
    }
}

static void put_all(struct writing *w)
{
    put_head(w);
    put_section(w, SECTION_OPEN, PHRASE_OPEN, put_open);
    put_wholly_silenced(w);
    put_section(w, SECTION_ACKNOWLEDGED, PHRASE_ACKNOWLEDGED, put_acknowledged);
    put_section(w, SECTION_CLOSED, PHRASE_CLOSED, put_closed);
    put_silences(w);
    put_not_seen(w);
    put_drift(w);
    put_budget(w);
    put_changes(w);
}

static char *end(struct writing *w)
{
    buffer_u8(&w->out, 0);
    free(w->incident);
    return (char *)w->out.data;
}

char *handover_text(const struct handover *handover, enum handover_language language)
{
    struct writing w = {.handover = handover, .language = language};
    w.incident = retold_sorted(&handover->told, &w.count);
    write_line(&w);
    put_title(&w);
    put_all(&w);
    write_close(&w);
    return end(&w);
}

char *handover_page(const struct handover *handover, enum handover_language language)
{
    struct writing w = {.handover = handover, .language = language, .page = true};
    w.incident = retold_sorted(&handover->told, &w.count);
    write_page_begin(&w);
    put_title(&w);
    write_page_body(&w);
    put_all(&w);
    write_page_end(&w);
    return end(&w);
}
