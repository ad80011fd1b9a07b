/* Profiles that memory has and the store has not.
 *
 * A replay learns in memory (close_alone.c): a profile is written when memory has no room for it
 * any more, and all of them at the end, so that what was learned is in the store. A live engine's
 * are in the store before they are in memory. Thread: the engine's. */
#include "close.h"

static void on_saved(void *context, const struct ip *ip, bool won)
{
    struct engine *engine = context;
    (void)ip;
    (void)won; /* nobody else writes there */
    engine->waiting--;
    if (!engine->finished)
        engine_pump(engine);
}

static bool is_saved(const struct host *host)
{
    return !host->blob || host->saved_hour == host->stored_hour;
}

void save_profile(struct engine *engine, struct host *host, const void *blob, size_t size)
{
    store_put_profile(engine->config.store, &host->ip, host->saved_hour, host->stored_hour, blob,
                      size, NULL, NULL);
    host->saved_hour = host->stored_hour;
}

void save_for_room(struct engine *engine, struct host *host)
{
    if (!engine->config.live && !is_saved(host))
        save_profile(engine, host, host->blob, host->blob_size);
}

/* CLOSE_WINDOW at a time; it is called again after each answer. */
bool save_all(struct engine *engine)
{
    size_t position = 0;
    for (const struct map_entry *e;
         engine->waiting < CLOSE_WINDOW && (e = map_next(&engine->hosts, &position)) != NULL;) {
        struct host *host = e->value;
        if (is_saved(host))
            continue;
        engine->waiting++;
        store_put_profile(engine->config.store, &host->ip, host->saved_hour, host->stored_hour,
                          host->blob, host->blob_size, on_saved, engine);
        host->saved_hour = host->stored_hour;
    }
    return engine->waiting == 0;
}
