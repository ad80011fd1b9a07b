/* Profiles that memory has and the store has not.
 *
 * A replay learns in memory (close_alone.c): a profile is written when memory has no room for it
 * any more, and, where they are kept (--save-baseline), all of them at the end. A live engine's are
 * in the store before they are in memory. Nobody else writes there: one that is not taken because
 * the store has another fails the replay. Thread: the engine's. */
#include "close.h"

static void on_put(void *context, const struct ip *ip, bool won)
{
    struct engine *engine = context;
    struct error error = {0};
    char text[IP_TEXT_SIZE];
    engine->putting--;
    if (engine->finished)
        return;
    if (!won) {
        error_set(&error, ERROR_RUN,
                  "the store has another profile of %s than was put there: somebody else writes "
                  "to this replay's keys",
                  ip_text(ip, text));
        engine_fail(engine, &error);
        return;
    }
    engine_pump(engine);
}

static bool is_saved(const struct host *host)
{
    return !host->blob || host->saved_hour == host->stored_hour;
}

void save_put(struct engine *engine, const struct ip *ip, int64_t base, int64_t hour,
              const void *blob, size_t size)
{
    engine->putting++;
    store_put_profile(engine->config.store, ip, base, hour, blob, size, on_put, engine);
}

void save_profile(struct engine *engine, struct host *host, const void *blob, size_t size)
{
    save_put(engine, &host->ip, host->saved_hour, host->stored_hour, blob, size);
    host->saved_hour = host->stored_hour;
}

void save_for_room(struct engine *engine, struct host *host)
{
    if (!engine->config.live && !is_saved(host))
        save_profile(engine, host, host->blob, host->blob_size);
}

/* CLOSE_WINDOW at a time; it is called again after each answer, and goes on where it was: nothing
 * is consumed any more, so `hosts` stays as it is. */
bool save_all(struct engine *engine)
{
    const struct map_entry *e;
    while (engine->config.keep_profiles && engine->putting < CLOSE_WINDOW &&
           (e = map_next(&engine->hosts, &engine->save_position)) != NULL)
        save_for_room(engine, e->value);
    return engine->putting == 0;
}
