/* For noise*.c only: how what people wrote is read. Strict: an unknown key, a wrong type, a text
 * that is too long or of several lines is an error that names the key. */
#ifndef SENSOR_ALERT_NOISE_LOCAL_H
#define SENSOR_ALERT_NOISE_LOCAL_H

#include "weir/alert/noise.h"

#define HEX_DIGITS "0123456789abcdef"

/* ERROR_USAGE and −1 unless `object` is one and has no key but these (NULL-terminated). */
int noise_take_object(const struct json_value *object, const char *what, const char *const *known,
                      struct error *error);
/* A missing one that is not `needed` leaves `to` as it is. */
int noise_take_text(const struct json_value *object, const char *key, char *to, size_t room,
                    bool needed, struct error *error);
int noise_take_time(const struct json_value *object, const char *key, struct ptime *time,
                    bool needed, struct error *error);
int noise_take_whole(const struct json_value *object, const char *key, int64_t least, int64_t most,
                     int64_t *to, struct error *error);
int noise_take_scope(const struct json_value *object, struct noise_scope *scope,
                     struct error *error);
/* As noise_put_silence and noise_put_mark wrote them. */
int noise_take_silence(const struct json_value *object, struct noise_silence *silence,
                       struct error *error);
int noise_take_mark(const struct json_value *object, struct noise_mark *mark, struct error *error);

/* In the book, in its place by number; the caller has looked at the bounds. Returns the book's own.
 */
struct noise_silence *noise_put_in(struct noise *noise, const struct noise_silence *silence);
struct noise_mark *noise_mark_make(struct noise *noise, const char *incident, struct error *error);
void noise_drop(struct noise *noise, struct noise_silence *silence);
void noise_unmark(struct noise *noise, const char *incident);
/* Forgets silences that were over long ago by packet and wall clock. */
void noise_sweep(struct noise *noise, struct ptime at, struct ptime packet);
bool noise_is_incident(const char *text); /* an incident's whole id */

#endif
