/* Silences, acknowledgements and verdicts at work in an engine: it reads the book (alert/noise.h)
 * at its start, says of each alert what the book says of it, and takes orders of people.
 *
 * A live engine keeps the book in its folder (noise.json). An order is in effect once its record is
 * synced in the journal; the file is written with each checkpoint, and what the journal tells since
 * the last one, orders and alerts, is read back at the next start. A damaged file is set aside
 * (noise.json.damaged) and said, and nothing is silenced: better told too much. A replay only reads
 * one that it is given, and refuses a damaged one. Engine thread. */
#ifndef WEIR_ENGINE_NOISE_H
#define WEIR_ENGINE_NOISE_H

#include "weir/alert/noise.h"

struct engine;

/* `order` without its sensor, packet time and incident, which are the engine's. 0: told in the
 * journal, which is synced, and done. −1: as noise_obey; ERROR_RUN too when the journal, or the
 * file of the first order, cannot be written: nothing has changed, but the journal may get the
 * record: then another follows it there that takes it back, and a silence's number is used up. */
int engine_noise_order(struct engine *engine, const struct noise_order *order,
                       struct noise_outcome *outcome, struct error *error);
/* An act that others did: `act` without its sensor. */
void engine_noise_act(struct engine *engine, const struct noise_act *act);
/* The same of what is only done once the journal has it: 0: it is synced. −1: ERROR_RUN, and the
 * journal may get it yet. */
int engine_noise_act_first(struct engine *engine, const struct noise_act *act, struct error *error);
const struct noise *engine_noise(const struct engine *engine); /* NULL: it keeps none */

#endif
