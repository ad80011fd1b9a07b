/* The engine's own side of weir/engine/noise.h. Engine thread. */
#ifndef SENSOR_ENGINE_NOISE_H
#define SENSOR_ENGINE_NOISE_H

#include "weir/alert/noise.h"

struct engine;

struct engine_noise {
    struct noise *book; /* NULL: none is kept or given */
    char *path;         /* where it is kept; NULL: it is only read */
    bool changed;       /* orders or figures that the file does not have */
};

int noise_open(struct engine *engine, struct error *error);
void noise_fini(struct engine *engine);
/* What the book says of it: `found` must live as long as the alert. */
void noise_tag(const struct engine *engine, struct alert *alert, struct alert_noise *found);
/* Whether a silence holds it back, for what the incidents remember of it. An engine that plays its
 * log again takes the journal's word: the book may have changed since. */
bool noise_covers(const struct engine *engine, const struct alert *alert);
void noise_told(struct engine *engine, const struct alert *alert); /* it was published */
void noise_keep(struct engine *engine); /* writes the file; the journal is synced */

#endif
