/* One line on a terminal's standard error while a long replay runs. Wall time paces it; it decides
 * nothing. Thread: the main thread; asks the feed. */
#include "session.h"

#include <stdio.h>

void progress_show(const struct session *s)
{
    struct feed_progress status;
    look_back_progress(s, &status);
    double elapsed = (double)(wtime_now().ns - s->started.ns) / 1e9;
    char day[64] = "";
    if (status.time_ns > 0)
        calendar_text(s->stack.calendar, (struct ptime){status.time_ns}, CALENDAR_MINUTE, day,
                      sizeof day);
    if (status.bytes_total > 0 && status.bytes_read > 0)
        fprintf(stderr, "\r\033[K%3.0f %%  %llu packets  %s  %.0f s left",
                100.0 * (double)status.bytes_read / (double)status.bytes_total,
                (unsigned long long)status.packets, day,
                elapsed * ((double)status.bytes_total / (double)status.bytes_read - 1));
    else
        fprintf(stderr, "\r\033[K%llu packets  %s", (unsigned long long)status.packets, day);
    fflush(stderr);
}

void progress_clear(void)
{
    fputs("\r\033[K", stderr);
    fflush(stderr);
}
