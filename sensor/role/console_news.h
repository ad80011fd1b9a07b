/* What the console tells as it happens: the alerts and the acts of people that the journal has, the
 * latest of which are kept in memory, so that who was away for a moment misses nothing and an
 * incident can be explained without reading the journal. Bounds: NEWS_LINES, NEWS_BYTES; the oldest
 * go. Thread: the engine's. */
#ifndef WEIR_ROLE_CONSOLE_NEWS_H
#define WEIR_ROLE_CONSOLE_NEWS_H

#include "weir/alert/pseudonym.h"
#include "weir/base/buffer.h"
#include "weir/bus/api.h"

#define NEWS_LINES UINT64_C(4096)
#define NEWS_BYTES ((size_t)16 << 20)

struct console_news;
/* `folder`: of the journal, whose latest NEWS_LINES records up to `durable` are read first, and
 * told to nobody: they are no news. Borrowed, as `pseudonyms` is (NULL: none), in whose words
 * everything is kept. */
struct console_news *console_news_new(const char *folder, uint64_t durable,
                                      const struct pseudonyms *pseudonyms);
void console_news_free(struct console_news *news);
/* Reads on, NEWS_TURN records or NEWS_TOLD bytes to tell, and adds to `events` what every stream is
 * to be told. When the journal is more than twice NEWS_LINES ahead it goes on behind the rest;
 * that, records that are damaged or gone, a journal that cannot be opened (once), and that those of
 * before are read now, is an event `gap`. */
#define NEWS_TURN 128
#define NEWS_TOLD ((size_t)128 << 10)
void console_news_read(struct console_news *news, uint64_t until, struct buffer *events);

enum news_kind { NEWS_ALERT, NEWS_ACT };
/* Oldest first. NULL: there are none, and not all. */
struct news_walk {
    uint64_t next;
};
bool console_news_step(const struct console_news *news, struct news_walk *walk,
                       enum news_kind *kind, const char **line, size_t *size);
/* What a stream begins with: "id: …" and all that it has not had. `last`: Last-Event-ID as it was
 * sent; NULL: it asks for the first time, and is told nothing of the past. */
void console_news_begin(const struct console_news *news, const char *last, struct buffer *out);
/* Whether all since the sensor began is there: nothing had to go or was gone, it began at the
 * first, and has read what there is. */
bool console_news_whole(const struct console_news *news);

#endif
