/* The site's clock: which hour and day a packet belongs to, and what kind of hour that is.
 * Hours and days are those of `site.timezone`, never of the process's TZ. The zone is set for the
 * whole process (glibc has one zone at a time), so there is one calendar a process; calendar_new
 * sets it, and must be called before other threads start. Reading is for the engine's thread. */
#ifndef WEIR_BASE_CALENDAR_H
#define WEIR_BASE_CALENDAR_H

#include "weir/base/error.h"
#include "weir/base/time.h"

#include <stdbool.h>

enum hour_class { /* the six classes of detection.md */
                  HOUR_WORK_WEEKDAY,
                  HOUR_SHOULDER_WEEKDAY, /* two hours either side of work */
                  HOUR_NIGHT_WEEKDAY,
                  HOUR_WORK_WEEKEND,
                  HOUR_SHOULDER_WEEKEND,
                  HOUR_NIGHT_WEEKEND,
                  HOUR_CLASSES
};

struct calendar_config {
    const char *timezone;        /* IANA name, "UTC" */
    int work_start, work_end;    /* hours [start, end) of the site's day */
    unsigned work_days;          /* bit 0 = Monday … bit 6 = Sunday */
    const char *const *holidays; /* "YYYY-MM-DD", counted as weekend */
    size_t holiday_count;
};

/* One civil hour. `hour` and `day` are ordinals (strictly growing with packet time, no gaps at DST
 * changes in `hour`, which counts UTC hours shifted by the zone's offset in whole minutes). */
struct civil {
    int64_t hour;        /* ordinal of the site's hour, the key of open totals and hour close */
    int64_t day;         /* days since 1970-01-01 in the site's zone */
    struct ptime starts; /* first instant of this hour */
    struct ptime ends;   /* first instant of the next hour */
    int hour_of_day;     /* 0–23 */
    int day_of_week;     /* 0 = Monday */
    int hour_of_week;    /* 0–167 */
    enum hour_class class;
};

struct calendar;

struct calendar *calendar_new(const struct calendar_config *config, struct error *error);
void calendar_free(struct calendar *calendar);
/* Cached by hour: cheap for growing times. */
struct civil calendar_at(struct calendar *calendar, struct ptime time);
/* "Mon 03-02 01:14:07" / "2026-03-02 01:14" / "03-02 01:14" / "01:14:07" in the site's zone, and
 * its abbreviation. */
enum calendar_style {
    CALENDAR_LONG,
    CALENDAR_DATE,
    CALENDAR_MINUTE,
    CALENDAR_CLOCK,
    CALENDAR_ZONE
};
char *calendar_text(struct calendar *calendar, struct ptime time, enum calendar_style style,
                    char *text, size_t size);

#endif
