/* What a subscriber of the unix sink is read of the journal before it is live: by the sink's filter
 * and in its format, from where it said. Bounds: CATCH_BYTES wait for it, DAMAGES of the journal
 * are stepped over. Thread: the bus's. */
#include "outlet_filter.h"
#include "subscriber.h"
#include "weir/alert/journal.h"
#include "weir/base/json.h"

#include <string.h>

#define CATCH_BYTES ((size_t)256 << 10)
#define DAMAGES     64 /* of the journal that one subscriber is led over */

/* Our records begin with their time, in the form that subscriber_parse gives; else it is looked
 * for.
 */
static bool too_old(const struct subscriber *subscriber, struct told *told)
{
    static const char start[] = "{\"@timestamp\":\"";
    const char *time, *since = subscriber->since_iso;
    size_t skip = sizeof start - 1, size = strlen(since);
    if (size == 0)
        return false;
    if (told->size > skip + size && memcmp(told->text, start, skip) == 0 &&
        told->text[skip + size] == '"')
        return memcmp(told->text + skip, since, size) < 0;
    time = json_text(json_get(told_record(told), "@timestamp"));
    return time && strcmp(time, since) < 0;
}

static void catch_line(struct subscriber *subscriber, const struct told_as *as, const char *text,
                       size_t size)
{
    struct told told = {.text = text, .size = size, .pseudonyms = as->pseudonyms};
    if (!too_old(subscriber, &told) && told_look(&told, as->settings, as->format) == TELL) {
        const char *line = told.rendered ? told.rendered : told.text;
        subscriber_put(subscriber, line, told.rendered ? strlen(line) : told.size);
    }
    told_fini(&told);
}

static size_t waiting_bytes(const struct subscriber *subscriber)
{
    return subscriber->out.size - subscriber->sent;
}

static void go_live(struct subscriber *subscriber, uint64_t durable)
{
    subscriber->phase = SUBSCRIBER_LIVE;
    subscriber->after = durable;
    journal_reader_close(subscriber->reader);
    subscriber->reader = NULL;
}

/* A journal that cannot be read ends it like its end. */
bool subscriber_catch_up(struct subscriber *subscriber, const struct told_as *as, unsigned lines)
{
    uint64_t durable = journal_reader_durable(subscriber->reader);
    for (; lines > 0 && waiting_bytes(subscriber) < CATCH_BYTES; lines--) {
        const char *text;
        size_t size;
        uint64_t sequence;
        struct error error = {0};
        int result =
            journal_reader_next(subscriber->reader, durable, &text, &size, &sequence, &error);
        if (result > 0) {
            catch_line(subscriber, as, text, size);
        } else if (result == 0 || ++subscriber->damages > DAMAGES) {
            go_live(subscriber, durable);
            return false;
        }
    }
    return true;
}

bool subscriber_is_hungry(const struct subscriber *subscriber)
{
    return subscriber->phase == SUBSCRIBER_CATCHING && waiting_bytes(subscriber) < CATCH_BYTES;
}
