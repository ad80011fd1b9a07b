/* The processes of a hunt. Each piece of work is a child by fork: it has what was learnt so far as
 * memory that is shared until somebody writes, reads its inputs as a replay does (session.h, its
 * capture workers behind their walls), leaves one file and ends. Who is killed leaves nothing or
 * all of it. Children end when their parent does (SIGTERM, so that they take their private folders
 * with them), and hold the case's lock until then.
 *
 * The parent waits for signals and for nothing else; wall time paces the progress line and decides
 * nothing. Thread: the main thread. */
#include "hunt.h"

#include "weir/base/buffer.h"
#include "weir/base/figures.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS   500 /* at the children's counters */
#define TELL_S    10  /* a line where there is no terminal … */
#define TELL_STEP 5   /* … or of so many per cent more */

struct child {
    pid_t pid; /* 0: none */
    size_t piece;
};

struct pool {
    uint32_t jobs;
    struct child child[HUNT_JOBS];
    _Atomic uint64_t *read; /* bytes of its piece, one a child; shared with it */
    uint32_t own;           /* in a child: which it is */
    bool quiet, terminal, shown;
    bool ending;                                  /* the children were told to */
    uint64_t bytes_all, bytes_done, bytes_before; /* of all pieces; of those done; found done */
    struct wtime started, told;
    int told_percent;
    size_t done, count; /* pieces of the work at hand */
    const char *name;
};

struct pool *pool_new(uint32_t jobs, bool quiet)
{
    struct pool *pool = xcalloc(1, sizeof *pool);
    size_t size = HUNT_JOBS * sizeof *pool->read;
    void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pool->read = shared == MAP_FAILED ? xcalloc(HUNT_JOBS, sizeof *pool->read) : shared;
    pool->jobs = jobs;
    pool->quiet = quiet;
    pool->terminal = isatty(STDERR_FILENO);
    pool->started = pool->told = wtime_now();
    pool->told_percent = -1;
    return pool;
}

void pool_expect(struct pool *pool, uint64_t bytes)
{
    pool->bytes_all = bytes;
}

void pool_free(struct pool *pool)
{
    free(pool); /* the counters go with the process */
}

void pool_note(struct hunt *hunt, uint64_t bytes_read)
{
    atomic_store_explicit(&hunt->pool->read[hunt->pool->own], bytes_read, memory_order_relaxed);
}

/* --- progress --------------------------------------------------------------------------------- */

static uint64_t bytes_now(const struct pool *pool)
{
    uint64_t bytes = pool->bytes_done;
    for (uint32_t i = 0; i < pool->jobs; i++)
        if (pool->child[i].pid)
            bytes += atomic_load_explicit(&pool->read[i], memory_order_relaxed);
    return bytes;
}

static void put_line(struct pool *pool, uint64_t bytes, int percent, struct wtime now)
{
    double elapsed_s = (double)(now.ns - pool->started.ns) / 1e9;
    double rate = elapsed_s > 0 ? (double)(bytes - pool->bytes_before) / elapsed_s : 0;
    char text[FIGURE_SIZE], left[32] = "";
    if (rate > 0 && bytes < pool->bytes_all)
        snprintf(left, sizeof left, ", %.0f s left", (double)(pool->bytes_all - bytes) / rate);
    fprintf(stderr, "%s%3d %%  %s %zu of %zu, %s/s%s%s",
            pool->terminal ? "\r\033[K" : "weir: ", percent, pool->name, pool->done, pool->count,
            figure_bytes((uint64_t)rate, text), left, pool->terminal ? "" : "\n");
    fflush(stderr);
    pool->shown = pool->terminal;
}

/* On a terminal at each look; else a line every TELL_S or TELL_STEP per cent, whichever is later:
 * a log of a night is read by people. */
static void show(struct pool *pool)
{
    struct wtime now = wtime_now();
    uint64_t bytes = bytes_now(pool);
    int percent = pool->bytes_all ? (int)(100.0 * (double)bytes / (double)pool->bytes_all) : 100;
    percent = percent < 100 ? percent : 100;
    bool due =
        now.ns - pool->told.ns >= TELL_S * NS_PER_S && percent >= pool->told_percent + TELL_STEP;
    if (pool->quiet || (!pool->terminal && !due))
        return;
    put_line(pool, bytes, percent, now);
    pool->told = now;
    pool->told_percent = percent;
}

static void clear_line(struct pool *pool)
{
    if (pool->shown)
        fputs("\r\033[K", stderr);
    pool->shown = false;
}

/* --- children --------------------------------------------------------------------------------- */

static void block(sigset_t *before)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, before);
}

/* A group of its own: an interrupt of the terminal is the parent's to pass on. */
static _Noreturn void be_child(struct hunt *hunt, const struct pool_work *work, uint32_t slot,
                               size_t piece, const sigset_t *before, pid_t parent)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(POOL_INTERRUPTED);
    sigprocmask(SIG_SETMASK, before, NULL);
    hunt->pool->own = slot;
    _exit(work->run(hunt, piece));
}

static int start(struct hunt *hunt, const struct pool_work *work, size_t piece,
                 const sigset_t *before)
{
    struct pool *pool = hunt->pool;
    pid_t parent = getpid();
    uint32_t slot = 0;
    while (pool->child[slot].pid)
        slot++;
    atomic_store_explicit(&pool->read[slot], 0, memory_order_relaxed);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        be_child(hunt, work, slot, piece, before, parent);
    if (pid < 0)
        return error_set(&hunt->error, ERROR_RUN, "cannot start a process: %s", strerror(errno));
    pool->child[slot] = (struct child){pid, piece};
    return 0;
}

static void settle(struct hunt *hunt, const struct pool_work *work, struct child *child, int status)
{
    struct pool *pool = hunt->pool;
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    child->pid = 0;
    if (code == 0) {
        pool->done++;
        pool->bytes_done += work->bytes(hunt, child->piece);
    } else if (hunt->error.code == ERROR_NONE && code < 0)
        error_set(&hunt->error, ERROR_RUN,
                  "%s %zu: its process died (signal %d); begin again, and it goes on", work->name,
                  child->piece + 1, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    else if (hunt->error.code == ERROR_NONE && code == POOL_INTERRUPTED)
        error_set(&hunt->error, ERROR_RUN, "a process was ended; begin again, and it goes on");
    else if (hunt->error.code == ERROR_NONE) { /* it said why */
        enum error_code why = code == 2 ? ERROR_USAGE : code == 3 ? ERROR_INPUT : ERROR_RUN;
        error_set(&hunt->error, why, "%s", "");
    }
}

static uint32_t reap(struct hunt *hunt, const struct pool_work *work)
{
    struct pool *pool = hunt->pool;
    uint32_t left = 0;
    for (uint32_t i = 0; i < pool->jobs; i++) {
        int status;
        struct child *child = &pool->child[i];
        if (child->pid && waitpid(child->pid, &status, WNOHANG) == child->pid)
            settle(hunt, work, child, status);
        left += child->pid != 0;
    }
    return left;
}

static void end_children(struct pool *pool)
{
    pool->ending = true;
    for (uint32_t i = 0; i < pool->jobs; i++)
        if (pool->child[i].pid)
            kill(pool->child[i].pid, SIGTERM);
}

/* Until a child ends, somebody interrupts, or it is time to show. */
static void wait_a_little(struct hunt *hunt)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    const struct timespec most = {0, LOOK_MS * NS_PER_MS};
    int signal = sigtimedwait(&set, NULL, &most);
    if (signal <= 0 || signal == SIGCHLD)
        return;
    if (hunt->error.code == ERROR_NONE)
        error_set(&hunt->error, ERROR_RUN, "interrupted; begin again, and it goes on");
    end_children(hunt->pool);
}

/* --- a piece of work -------------------------------------------------------------------------- */

/* In order; done ones are passed over. */
static void begin_next(struct hunt *hunt, const struct pool_work *work, size_t *next,
                       const sigset_t *before)
{
    struct pool *pool = hunt->pool;
    size_t piece = (*next)++;
    if (work->before && work->before(hunt, piece) != 0)
        return;
    if (!work->is_done(hunt, piece)) {
        start(hunt, work, piece, before);
        return;
    }
    pool->done++;
    pool->bytes_done += work->bytes(hunt, piece);
    pool->bytes_before += work->bytes(hunt, piece);
}

int pool_run(struct hunt *hunt, const struct pool_work *work)
{
    struct pool *pool = hunt->pool;
    sigset_t before;
    size_t next = 0;
    uint32_t busy = 0;
    pool->name = work->name;
    pool->count = work->count;
    pool->done = 0;
    block(&before);
    while (busy > 0 || (next < work->count && hunt->error.code == ERROR_NONE)) {
        if (next < work->count && busy < pool->jobs && hunt->error.code == ERROR_NONE) {
            begin_next(hunt, work, &next, &before);
        } else {
            wait_a_little(hunt);
            show(pool);
        }
        busy = reap(hunt, work);
        if (hunt->error.code != ERROR_NONE && !pool->ending)
            end_children(pool); /* once: told twice they would leave their folders */
    }
    clear_line(pool);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return hunt->error.code == ERROR_NONE ? 0 : -1;
}
