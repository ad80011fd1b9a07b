/* Hours that nobody closes one by one. What goes by the order of days (hindsight_day.c) goes on
 * when somebody asks for a day, with the hours that the ledger has up to then; those of days that
 * can be told are closed as they come (hindsight_close), with all that the engine knows of them.
 * Engine thread. */
#include "hindsight_local.h"

void hindsight_pass(struct hindsight *hindsight, int64_t hour)
{
    hindsight->passes = true;
    hindsight->passed = hour;
}

void past_catch_up(struct hindsight *hindsight, struct past *past, int64_t hour)
{
    const struct ledger_host *from = past->from;
    for (; past->gone < from->count && from->hour[past->gone].hour <= hour; past->gone++) {
        past_read(hindsight, past, past->gone, &hindsight->hour);
        past_close(hindsight, past, &hindsight->hour,
                   hindsight_civil(hindsight, from->hour[past->gone].hour));
    }
}
