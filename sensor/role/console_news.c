/* See console_news.h. Lines are in a ring by their number in it; `first` is the oldest that is
 * there. An event's id is the journal's sequence number. */
#include "console_news.h"

#include "weir/alert/journal.h"
#include "weir/base/json.h"
#include "weir/base/log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct news_row {
    uint64_t sequence;
    enum news_kind kind;
    char *line;
    size_t size;
};

struct console_news {
    const char *folder;
    const struct pseudonyms *pseudonyms;
    struct journal_reader *reader; /* NULL: not opened yet */
    uint64_t after;                /* where it begins */
    uint64_t before;               /* the last sequence number that is no news */
    uint64_t until;                /* … that there is */
    uint64_t told;                 /* … that was read */
    uint64_t gone;                 /* … that is no longer there */
    bool shut;                     /* it could not be opened, and that was said */
    uint64_t first, next;          /* of the rows */
    size_t bytes;
    struct news_row row[NEWS_LINES];
};

struct console_news *console_news_new(const char *folder, uint64_t durable,
                                      const struct pseudonyms *pseudonyms)
{
    struct console_news *news = xcalloc(1, sizeof *news);
    news->folder = folder;
    news->before = news->until = durable;
    news->after = news->told = news->gone = durable > NEWS_LINES ? durable - NEWS_LINES : 0;
    news->pseudonyms = pseudonyms;
    return news;
}

static struct news_row *row_of(struct console_news *news, uint64_t number)
{
    return &news->row[number % NEWS_LINES];
}

static void miss(struct console_news *news, uint64_t through)
{
    if (through > news->gone)
        news->gone = through;
}

static void drop_first(struct console_news *news)
{
    struct news_row *row = row_of(news, news->first++);
    news->bytes -= row->size;
    miss(news, row->sequence);
    free(row->line);
    *row = (struct news_row){.line = NULL};
}

void console_news_free(struct console_news *news)
{
    if (!news)
        return;
    while (news->first < news->next)
        drop_first(news);
    if (news->reader)
        journal_reader_close(news->reader);
    free(news);
}

/* --- events ----------------------------------------------------------------------------------- */

static void put_state(const struct news_row *row, struct buffer *out)
{
    struct json_value *root = json_parse(row->line, row->size, NULL);
    struct json *json = json_new();
    json_open(json, NULL);
    json_str(json, "incident", json_text(json_find(root, "weir.incident")));
    json_str(json, "action", json_text(json_find(root, "event.action")));
    json_str(json, "message", json_text(json_get(root, "message")));
    json_close(json);
    char *text = json_take_text(json, 0);
    buffer_text(out, "event: state\nid: %" PRIu64 "\ndata: %s\n\n", row->sequence, text);
    free(text);
    json_free(json);
    json_value_free(root);
}

static void put_gap(uint64_t after, struct buffer *out)
{
    buffer_text(out, "event: gap\ndata: {\"after\":%" PRIu64 "}\n\n", after);
}

static void put_event(const struct news_row *row, struct buffer *out)
{
    if (row->kind == NEWS_ACT) {
        put_state(row, out);
        return;
    }
    buffer_text(out, "event: alert\nid: %" PRIu64 "\ndata: ", row->sequence);
    buffer_put(out, row->line, row->size);
    buffer_put(out, "\n\n", 2);
}

void console_news_begin(const struct console_news *news, const char *last, struct buffer *out)
{
    char *end = NULL;
    uint64_t had = last && *last >= '0' && *last <= '9' ? strtoull(last, &end, 10) : 0;
    buffer_text(out, "retry: 2000\n\n");
    if (!end || *end != '\0')
        return;
    size_t at = out->size;
    uint64_t from = news->next;
    bool missed = had < news->gone || (had < news->before && news->told < news->before);
    while (from > news->first && news->row[(from - 1) % NEWS_LINES].sequence > had) {
        at += news->row[(from - 1) % NEWS_LINES].size + 64;
        missed = missed || at > API_STREAM_BYTES; /* the latest that there is room for */
        if (at > API_STREAM_BYTES)
            break;
        from--;
    }
    if (missed)
        put_gap(had, out);
    for (; from < news->next; from++)
        put_event(&news->row[from % NEWS_LINES], out);
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Of a line of ours: what strangers wrote in it has its quotes escaped. */
static bool kind_of(const char *line, size_t size, enum news_kind *kind)
{
    static const char alert[] = "\"kind\":\"alert\"", act[] = "\"kind\":\"event\"";
    bool is_alert = memmem(line, size, alert, sizeof alert - 1) != NULL;
    *kind = is_alert ? NEWS_ALERT : NEWS_ACT;
    return is_alert || memmem(line, size, act, sizeof act - 1) != NULL;
}

/* The row it is kept in. */
static const struct news_row *keep(struct console_news *news, const char *line, size_t size,
                                   uint64_t sequence, enum news_kind kind)
{
    char *own = news->pseudonyms ? pseudonyms_line(news->pseudonyms, line, size) : NULL;
    if (!own) {
        own = xcalloc(1, size + 1);
        memcpy(own, line, size);
    }
    size_t length = strcspn(own, "\n");
    while (news->next > news->first &&
           (news->next - news->first == NEWS_LINES || news->bytes + length > NEWS_BYTES))
        drop_first(news);
    struct news_row *row = row_of(news, news->next++);
    *row = (struct news_row){sequence, kind, own, length};
    news->bytes += length;
    return row;
}

/* More came than there is room for: what would go anyway is not read. */
static void jump(struct console_news *news, uint64_t until, struct buffer *events)
{
    put_gap(news->told, events);
    while (news->first < news->next)
        drop_first(news);
    if (news->reader)
        journal_reader_close(news->reader);
    news->reader = NULL;
    news->after = news->told = news->gone = until - NEWS_LINES;
}

/* Damaged or gone, or not to be read now: which of these, the next record's number says. */
static void meet_trouble(struct console_news *news, const struct error *error,
                         struct buffer *events)
{
    log_warn("console: %s", error->message);
    put_gap(news->told, events);
}

/* Those of before are kept, and told to nobody but who asks what it has missed. */
static void take(struct console_news *news, const char *line, size_t size, struct buffer *events)
{
    enum news_kind kind;
    if (!kind_of(line, size, &kind))
        return;
    const struct news_row *row = keep(news, line, size, news->told, kind);
    if (news->told > news->before)
        put_event(row, events);
}

/* False: there is no more now. Numbers grow by one, so what they leave out is gone for good. */
static bool read_one(struct console_news *news, uint64_t until, struct buffer *events)
{
    struct error error = {0};
    const char *line;
    size_t size;
    uint64_t sequence;
    int got = journal_reader_next(news->reader, until, &line, &size, &sequence, &error);
    if (got == 0)
        return false;
    if (got < 0) {
        meet_trouble(news, &error, events);
        return true;
    }
    bool behind = news->told < news->before;
    if (sequence > news->told + 1) {
        put_gap(news->told, events);
        miss(news, sequence - 1);
    }
    news->told = sequence;
    take(news, line, size, events);
    if (behind && sequence >= news->before) /* who came meanwhile was shown less */
        put_gap(sequence, events);
    return true;
}

static void open_reader(struct console_news *news, struct buffer *events)
{
    struct error error = {0};
    news->reader = journal_reader_open(news->folder, news->after, &error);
    if (!news->reader && !news->shut) {
        log_warn("console: %s", error.message);
        put_gap(news->told, events);
    }
    news->shut = !news->reader;
}

void console_news_read(struct console_news *news, uint64_t until, struct buffer *events)
{
    news->until = until;
    if (until > news->told && until - news->told > 2 * NEWS_LINES)
        jump(news, until, events);
    if (!news->reader)
        open_reader(news, events);
    for (unsigned turn = 0; news->reader && turn < NEWS_TURN && news->told < until &&
                            events->size < NEWS_TOLD && read_one(news, until, events);)
        turn++;
}

/* --- looking ---------------------------------------------------------------------------------- */

bool console_news_step(const struct console_news *news, struct news_walk *walk,
                       enum news_kind *kind, const char **line, size_t *size)
{
    if (!news)
        return false;
    if (walk->next < news->first)
        walk->next = news->first;
    if (walk->next >= news->next)
        return false;
    const struct news_row *row = &news->row[walk->next++ % NEWS_LINES];
    *kind = row->kind;
    *line = row->line;
    *size = row->size;
    return true;
}

bool console_news_whole(const struct console_news *news)
{
    return news && news->gone == 0 && news->told >= news->until;
}
