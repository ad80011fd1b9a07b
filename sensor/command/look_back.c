/* Judging what is over in hindsight (weir/baseline/hindsight.h). What is read is judged twice:
 *
 *   read as a live sensor would, judged and nothing told; closed hours go into a ledger, records
 *   onto a tape (weir/record/tape.h)
 *   → less than SESSION_LOOK_BACK_NS of it: what was judged is told, and that is all
 *   → more: from there on only totals are gathered, observers told → the ledger in hindsight → the
 *     tape again, and told by that
 *
 * Where there is no hindsight in the end (an interrupt, no room, a full disk) it is judged again
 * all the same, as a live sensor would. Where there is no tape (no room, a worker that was lost)
 * the inputs are read again; after an interrupt at least as far as it had come.
 *
 * Not with a baseline (there is a past to judge by), not when it is asked to be as a live sensor
 * would, and not when an input cannot be read again, which the summary says. Thread: the main
 * thread. */
#include "session.h"

#include "weir/base/buffer.h"
#include "weir/base/log.h"
#include "weir/record/tape.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* One that is not there is a problem of either reading. */
static bool reads_again(const struct session *s)
{
    struct stat st;
    for (size_t i = 0; i < s->inputs.count; i++)
        if (strcmp(s->inputs.path[i], "-") == 0 ||
            (stat(s->inputs.path[i], &st) == 0 ? !S_ISREG(st.st_mode)
                                               : strstr(s->inputs.path[i], "://") != NULL))
            return false;
    return true;
}

/* Tests ask for one that has no room (role/fault.h has the others). */
static uint64_t most_of_tape(void)
{
#ifdef WEIR_FAULTS
    const char *fault = getenv("WEIR_FAULT");
    if (fault && strcmp(fault, "tape") == 0)
        return 4096;
#endif
    return TAPE_MOST_BYTES;
}

bool look_back_prepare(struct session *s)
{
    const struct session_options *o = &s->options;
    struct error error = {0};
    if (o->online || o->baseline || o->follow || !o->again)
        return false;
    if (!reads_again(s)) {
        s->why_online = "an input cannot be read twice";
        return false;
    }
    char *path = xasprintf("%s/ledger", s->folder);
    s->ledger = ledger_new(path, &error);
    free(path);
    if (!s->ledger) {
        log_warn("no hindsight: %s", error.message);
        s->why_online = "its hours could not be kept";
        return false;
    }
    path = xasprintf("%s/tape", s->folder);
    s->tape = tape_new(path, most_of_tape(), &error); /* else the inputs are read again */
    free(path);
    return true;
}

/* --- the tape --------------------------------------------------------------------------------- */

/* A loss of a worker's is in no record. */
static void finish_tape(struct session *s)
{
    const struct engine_counts *counts = engine_counts_of(s->stack.engine);
    bool whole = s->tape && tape_finish(s->tape) && counts->workers_lost == 0 &&
                 counts->workers_damaged == 0;
    if (whole) {
        s->before = *counts;
        s->observed = engine_observed(s->stack.engine);
        return;
    }
    tape_free(s->tape);
    s->tape = NULL;
}

bool look_back_has_tape(const struct session *s)
{
    return s->again && s->tape;
}

/* Nothing is cut where all of it is judged, and only closed or told. */
void look_back_interrupt(struct session *s)
{
    char until[64] = "its beginning";
    struct tape_progress tape = tape_progress_of(s->tape);
    if (tape.bytes_read == tape.bytes)
        return;
    const struct engine_counts *counts = engine_counts_of(s->stack.engine);
    if (counts->last.ns != INT64_MIN)
        calendar_text(s->stack.calendar, counts->last, CALENDAR_MINUTE, until, sizeof until);
    tape_stop(s->tape);
    error_set(&s->cut, ERROR_INPUT,
              "%.300s: all of it was read, and interrupted when it was judged up to %s",
              s->inputs.path[0], until);
}

void look_back_progress(const struct session *s, struct feed_progress *progress)
{
    feed_progress_of(s->feed, progress);
    if (!look_back_has_tape(s))
        return;
    struct tape_progress tape = tape_progress_of(s->tape);
    const struct engine_counts *counts = engine_counts_of(s->stack.engine);
    progress->bytes_read = tape.bytes_read;
    progress->bytes_total = tape.bytes;
    progress->time_ns = counts->last.ns != INT64_MIN ? counts->last.ns : 0;
}

/* --- the ledger ------------------------------------------------------------------------------- */

void look_back_note(void *context, const struct host_total *total)
{
    const struct session *s = context;
    ledger_add(s->ledger, total);
}

static void make_hindsight(struct session *s)
{
    struct error error = {0};
    uint64_t most_bytes = (uint64_t)s->options.config->cache_mib << 22u;
    if (ledger_finish(s->ledger, &error) != 0) {
        log_warn("no hindsight: %s", error.message);
        s->why_online = "its hours could not be kept";
        return;
    }
    s->hindsight = hindsight_new(s->ledger, s->stack.calendar, most_bytes);
    if (!s->hindsight)
        s->why_online = "its hosts have no room (baseline.cache_mib)";
}

bool look_back_is_due(struct session *s)
{
    const struct engine_counts *counts = engine_counts_of(s->stack.engine);
    if (counts->last.ns == INT64_MIN || counts->last.ns - counts->first.ns <= SESSION_LOOK_BACK_NS)
        return false;
    if (s->interrupted) {
        s->until = counts->last;
        s->why_online = "it was interrupted before its end was known";
    } else {
        make_hindsight(s);
    }
    return true;
}

/* Without a tape an interrupted reading is read again to where it was, and what the rings hold by
 * then. */
void look_back_stop(struct session *s, const struct flow_view *view)
{
    if (!s->again || s->tape || view->record->header.time_ns <= s->until.ns)
        return;
    s->until = PTIME_MAX; /* once */
    feed_interrupt(s->feed);
}

static void keep_digests(struct session *s)
{
    size_t count;
    const struct capture_input *input = feed_inputs(s->feed, &count);
    s->digest = xcalloc(count + 1, sizeof *s->digest);
    for (size_t i = 0; i < count; i++)
        memcpy(s->digest[i], input[i].sha256, SHA256_SIZE);
}

static void compare_digests(struct session *s)
{
    size_t count;
    const struct capture_input *input = feed_inputs(s->feed, &count);
    for (size_t i = 0; i < count && !s->interrupted; i++)
        if (memcmp(s->digest[i], input[i].sha256, SHA256_SIZE) != 0 &&
            s->changed.code == ERROR_NONE)
            error_set(&s->changed, ERROR_INPUT,
                      "%.400s: changed while it was judged: it is read twice (--online reads it "
                      "once)",
                      input[i].path);
}

int look_back(struct session *s)
{
    keep_digests(s);
    finish_tape(s);
    s->again = true;
    session_between_readings(s);
    session_end_reading(s);
    s->fleet = s->hindsight ? hindsight_take_fleet(s->hindsight) : NULL;
    if (!s->observed)
        s->options.again(s->options.context);
    s->journal_folder = xasprintf("%s/again", s->folder);
    if (mkdir(s->journal_folder, 0700) != 0)
        return error_set(&s->error, ERROR_RUN, "%s: %s", s->journal_folder, strerror(errno));
    int failed = session_read(s, false);
    if (!failed)
        compare_digests(s);
    return failed;
}

void look_back_fini(struct session *s)
{
    hindsight_free(s->hindsight);
    ledger_free(s->ledger);
    tape_free(s->tape);
    free(s->digest);
}
