/* How `weir silence`, `weir incident` and `weir digest` reach the book of silences and verdicts.
 *
 *   reading           the file in the state directory, and the journal for what it has not counted
 *   changing          a sensor runs: it is asked over the control API
 *                     none runs: the state directory's lock is taken, the file is changed, and the
 *                     journal gets the record, all as the user that the sensor runs as
 *
 * Thread: the main thread. */
#ifndef WEIR_COMMAND_NOISE_ACCESS_H
#define WEIR_COMMAND_NOISE_ACCESS_H

#include "weir/alert/noise.h"
#include "weir/config/config.h"

/* The book as it is now; NULL and an error: the file cannot be read, or is damaged. */
struct noise *noise_access_book(const struct config *config, struct error *error);
/* 0: done, *reply is what is now, as JSON (caller frees). −1 and an error: refused (ERROR_USAGE,
 * ERROR_INPUT: no such), or it could not be done. `body`: JSON without an author; "": none. */
int noise_access_order(const struct config *config, enum noise_verb verb, const char *target,
                       const char *body, char **reply, struct error *error);
/* Writes down, in the access log and in the journal, that `by` is told the address of a pseudonym.
 * −1 and an error: it could not be, and the address must not be shown. */
int noise_access_reveal(const struct config *config, const char *pseudonym, const char *by,
                        const char *reason, struct error *error);
/* A record of what was done, with no sensor running: the caller has the state directory's lock. */
int noise_access_note(const struct config *config, const struct noise_act *act,
                      struct error *error);
/* Who asks, to be stated: behind sudo, or this process's user. */
const char *noise_access_author(void);
/* incident.c: the whole id of "inc-0123ab", by the journal; caller frees. NULL and an error. */
char *incident_whole_id(const struct config *config, const char *name, struct error *error);
/* How far a record's own time may be ahead of when it was written: whoever seeks begins earlier. */
#define CLOCK_SLIP NS_PER_HOUR
/* Every line of the journal that may be of `since` or later (PTIME_MIN: all), and some before it;
 * damage is skipped and counted. −1 and an error: there is no journal. */
int noise_access_each(const struct config *config, struct ptime since,
                      void (*each)(void *context, const char *line, size_t size), void *context,
                      uint64_t *damaged, struct error *error);

/* The same of any journal's folder. */
int noise_access_each_in(const char *folder,
                         void (*each)(void *context, const char *line, size_t size), void *context,
                         uint64_t *damaged, struct error *error);

#endif
