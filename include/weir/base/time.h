/* Packet time and wall time are different types, so that they cannot be mixed by accident.
 * Packet time decides everything that is judged; wall time only paces I/O and progress lines. */
#ifndef WEIR_BASE_TIME_H
#define WEIR_BASE_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NS_PER_US   INT64_C(1000)
#define NS_PER_MS   INT64_C(1000000)
#define NS_PER_S    INT64_C(1000000000)
#define NS_PER_MIN  (60 * NS_PER_S)
#define NS_PER_HOUR (3600 * NS_PER_S)
#define NS_PER_DAY  (24 * NS_PER_HOUR)

/* Nanoseconds since 1970-01-01 UTC, as the capture says. PTIME_MAX: "for ever" (end of input). */
struct ptime {
    int64_t ns;
};
#define PTIME_MAX ((struct ptime){INT64_MAX})
#define PTIME_MIN ((struct ptime){INT64_MIN})

/* Nanoseconds of CLOCK_MONOTONIC. */
struct wtime {
    int64_t ns;
};

struct wtime wtime_now(void);
/* CLOCK_REALTIME, by which a live capture's packets are stamped: for what people date and for how
 * long things are kept. Packets are judged by their own times alone. */
struct ptime ptime_now(void);

/* "2026-03-02T01:14:07.201Z", always UTC, milliseconds; `size` ≥ 32. Returns `text`. */
char *ptime_iso(struct ptime time, char *text, size_t size);
/* "1772413447.201000000" (nanoseconds); `size` ≥ 32. Returns `text`. */
char *ptime_seconds(struct ptime time, char *text, size_t size);
/* "2026-03-02T01:14Z", seconds and up to 9 digits of their fraction where there are any: always
 * UTC, RFC 3339 with "Z". False: it is not that, or no such time. */
bool ptime_of_iso(const char *text, struct ptime *time);

#endif
