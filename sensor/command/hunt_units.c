/* Days and units. A unit is so many whole days of the site, and reads every input that reaches into
 * it, looking at its own times alone: an input that lies over an edge is read by both, so that an
 * hour is never cut. Days that no input reaches make no unit. Thread: the main thread. */
#include "hunt.h"

#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

#define DAYS_MAX (INT64_C(20) * 366) /* as the ledger has it */

static bool is_read(const struct hunt_file *file)
{
    return file->begins.ns <= file->ends.ns && !file->found.left_out;
}

static int64_t day_of(const struct hunt *hunt, struct ptime time)
{
    return calendar_at(hunt->calendar, time).day;
}

/* Its first instant in the site's zone. */
static struct ptime day_start(const struct hunt *hunt, int64_t day)
{
    struct civil civil =
        calendar_at(hunt->calendar, (struct ptime){day * NS_PER_DAY - 26 * NS_PER_HOUR});
    while (civil.day < day)
        civil = calendar_at(hunt->calendar, civil.ends);
    return civil.starts;
}

static struct ptime later(struct ptime a, struct ptime b)
{
    return a.ns > b.ns ? a : b;
}

static struct ptime earlier(struct ptime a, struct ptime b)
{
    return a.ns < b.ns ? a : b;
}

/* --- days ------------------------------------------------------------------------------------- */

static void find_span(const struct hunt *hunt, struct ptime *first, struct ptime *last)
{
    *first = PTIME_MAX;
    *last = PTIME_MIN;
    for (size_t i = 0; i < hunt->files.count; i++) {
        const struct hunt_file *file = &hunt->files.file[i];
        if (!is_read(file) || file->ends.ns < hunt->times.since.ns ||
            file->begins.ns >= hunt->times.until.ns)
            continue;
        *first = earlier(*first, later(file->begins, hunt->times.since));
        *last = later(*last, earlier(file->ends, (struct ptime){hunt->times.until.ns - 1}));
    }
}

static bool is_beside(const char *a, const char *b)
{
    const char *x = strrchr(a, '/'), *y = strrchr(b, '/');
    size_t n = x ? (size_t)(x - a) : 0, m = y ? (size_t)(y - b) : 0;
    return n == m && memcmp(a, b, n) == 0;
}

/* The readable one next to it in its folder, by name; NULL: none. */
static const struct hunt_file *neighbour(const struct hunt *hunt, size_t i, bool after)
{
    const struct hunt_file *file = hunt->files.file;
    for (size_t n = i; after ? n + 1 < hunt->files.count : n > 0;) {
        n = after ? n + 1 : n - 1;
        if (!is_beside(file[n].path, file[i].path))
            return NULL;
        if (is_read(&file[n]))
            return &file[n];
    }
    return NULL;
}

/* An input of which nothing could be read has no times: it is of those between the inputs before
 * and after it in its folder, by name, which is how captures are rotated. At the end of a folder it
 * may be of all that is beyond; where names are not in the order of time, of any day. */
static void mark_unread(struct hunt *hunt, size_t i)
{
    const struct hunt_file *before = neighbour(hunt, i, false), *after = neighbour(hunt, i, true);
    int64_t first = hunt->days.first, last = first + (int64_t)hunt->days.count - 1;
    int64_t from = before ? day_of(hunt, before->ends) : first;
    int64_t to = after ? day_of(hunt, after->begins) : last;
    if (from > to) {
        from = first;
        to = last;
    } else if (to - from >= 2) {
        from += before != NULL;
        to -= after != NULL;
    }
    hunt_days_mark(&hunt->days, from, to, HUNT_DAMAGED);
}

/* The folder that it lies in. Caller frees. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return !slash ? xstrdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

static void cover(struct hunt *hunt, const struct hunt_file *file)
{
    int64_t from = day_of(hunt, file->begins), to = day_of(hunt, file->ends);
    char *folder = folder_of(file->path);
    hunt_days_cover(&hunt->days, from, to);
    hunt_probes_add(&hunt->probes, folder, from, to);
    free(folder);
}

static void cover_days(struct hunt *hunt)
{
    for (size_t i = 0; i < hunt->files.count; i++)
        if (is_read(&hunt->files.file[i]))
            cover(hunt, &hunt->files.file[i]);
    hunt_probes_settle(&hunt->probes);
    for (size_t i = 0; i < hunt->files.count; i++) {
        const struct hunt_file *file = &hunt->files.file[i];
        if (!file->found.problem)
            continue;
        if (!is_read(file))
            mark_unread(hunt, i);
        else /* a capture is read up to where it is damaged, a log but for its bad lines */
            hunt_days_mark(&hunt->days,
                           day_of(hunt, file->found.is_log ? file->begins : file->ends),
                           day_of(hunt, file->ends), HUNT_DAMAGED);
    }
}

static int make_days(struct hunt *hunt)
{
    struct ptime first, last;
    find_span(hunt, &first, &last);
    if (first.ns > last.ns)
        return error_set(&hunt->error, ERROR_INPUT,
                         "none of the %zu inputs could be read, or none is of the times asked for",
                         hunt->files.count);
    hunt->span_ns = last.ns - first.ns;
    int64_t from = day_of(hunt, first), count = day_of(hunt, last) - from + 1;
    if (count > DAYS_MAX)
        return error_set(
            &hunt->error, ERROR_USAGE,
            "the inputs cover %lld days, more than %lld: --since and --until say which "
            "are meant",
            (long long)count, (long long)DAYS_MAX);
    hunt_days_init(&hunt->days, from, (size_t)count);
    hunt_probes_init(&hunt->probes, &hunt->days);
    cover_days(hunt);
    return 0;
}

/* --- units ------------------------------------------------------------------------------------ */

static void add_input(struct hunt_unit *unit, const struct hunt_file *file, size_t number)
{
    if ((unit->count & (unit->count - 1)) == 0) { /* a power of two: it is full */
        size_t room = unit->count ? 2 * unit->count : 1;
        unit->path = xrealloc(unit->path, room * sizeof *unit->path);
        unit->input = xrealloc(unit->input, room * sizeof *unit->input);
    }
    unit->path[unit->count] = file->path;
    unit->input[unit->count++] = number;
    unit->bytes += file->size;
}

static struct hunt_unit make_unit(const struct hunt *hunt, int64_t first_day)
{
    struct hunt_unit unit = {.first_day = first_day,
                             .last_day = first_day + (int64_t)hunt->unit_days - 1};
    unit.times =
        (struct capture_times){true, later(day_start(hunt, first_day), hunt->times.since),
                               earlier(day_start(hunt, unit.last_day + 1), hunt->times.until)};
    return unit;
}

static int too_many(struct hunt *hunt, const struct hunt_unit *unit)
{
    char text[32];
    return error_set(&hunt->error, ERROR_USAGE,
                     "%zu inputs reach into the unit of %.10s, more than %d", unit->count,
                     ptime_iso((struct ptime){unit->first_day * NS_PER_DAY}, text, sizeof text),
                     CAPTURE_FILES);
}

static bool reaches(const struct hunt_file *file, const struct hunt_unit *unit)
{
    return is_read(file) && file->begins.ns < unit->times.until.ns &&
           file->ends.ns >= unit->times.since.ns;
}

/* How much units of so many days would read, all together. */
static uint64_t bytes_by(const struct hunt *hunt, int64_t unit_days)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < hunt->files.count; i++) {
        const struct hunt_file *file = &hunt->files.file[i];
        if (!is_read(file))
            continue;
        int64_t from = day_of(hunt, file->begins) - hunt->days.first;
        int64_t to = day_of(hunt, file->ends) - hunt->days.first;
        from = from > 0 ? from : 0;
        to = to < (int64_t)hunt->days.count ? to : (int64_t)hunt->days.count - 1;
        if (from <= to)
            bytes += file->size * (uint64_t)(to / unit_days - from / unit_days + 1);
    }
    return bytes;
}

/* Days by themselves, unless the inputs are longer: units read no more than half as much again as
 * there is, if that can be had. */
static uint32_t find_unit_days(const struct hunt *hunt)
{
    static const uint32_t days[] = {1, 2, 4, 7, 14, HUNT_UNIT_DAYS};
    uint64_t once = bytes_by(hunt, (int64_t)hunt->days.count);
    size_t i = 0;
    while (i + 1 < sizeof days / sizeof *days && bytes_by(hunt, days[i]) > once + once / 2)
        i++;
    return days[i];
}

int hunt_units_make(struct hunt *hunt)
{
    if (make_days(hunt) != 0)
        return -1;
    if (hunt->unit_days == 0)
        hunt->unit_days = find_unit_days(hunt);
    int64_t end = hunt->days.first + (int64_t)hunt->days.count;
    hunt->unit = xcalloc(hunt->days.count, sizeof *hunt->unit);
    for (int64_t day = hunt->days.first; day < end; day += hunt->unit_days) {
        struct hunt_unit unit = make_unit(hunt, day);
        for (size_t i = 0; i < hunt->files.count; i++)
            if (reaches(&hunt->files.file[i], &unit))
                add_input(&unit, &hunt->files.file[i], i);
        if (unit.count == 0)
            continue;
        hunt->unit[hunt->unit_count++] = unit;
        if (unit.count > CAPTURE_FILES)
            return too_many(hunt, &unit);
    }
    return 0;
}

void hunt_units_fini(struct hunt *hunt)
{
    for (size_t i = 0; i < hunt->unit_count; i++) {
        free(hunt->unit[i].path);
        free(hunt->unit[i].input);
    }
    free(hunt->unit);
    hunt_probes_fini(&hunt->probes);
    hunt_days_fini(&hunt->days);
}
