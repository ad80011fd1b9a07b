/* One line on a terminal's standard error while a long replay runs. Wall time paces it; it decides
 * nothing. Thread: the main thread; reads the capture thread's atomics. */
#include "session.h"

#include <stdatomic.h>

#include <stdio.h>

void progress_show(const struct session *s)
{
    const struct capture_progress *p = capture_progress_of(s->capture);
    uint64_t read = atomic_load_explicit(&p->bytes_read, memory_order_relaxed);
    uint64_t packets = atomic_load_explicit(&p->packets, memory_order_relaxed);
    double elapsed = (double)(wtime_now().ns - s->started.ns) / 1e9;
    char day[64] = "";
    int64_t time_ns = atomic_load_explicit(&p->time_ns, memory_order_relaxed);
    if (time_ns > 0)
        calendar_text(s->calendar, (struct ptime){time_ns}, CALENDAR_MINUTE, day, sizeof day);
    if (p->bytes_total > 0 && read > 0)
        fprintf(stderr, "\r\033[K%3.0f %%  %llu packets  %s  %.0f s left",
                100.0 * (double)read / (double)p->bytes_total, (unsigned long long)packets, day,
                elapsed * ((double)p->bytes_total / (double)read - 1));
    else
        fprintf(stderr, "\r\033[K%llu packets  %s", (unsigned long long)packets, day);
    fflush(stderr);
}

void progress_clear(void)
{
    fputs("\r\033[K", stderr);
    fflush(stderr);
}
