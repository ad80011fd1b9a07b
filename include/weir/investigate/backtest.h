/* What would be told by a proposal that is not told now, and the other way round: the alerts of two
 * runs over the same inputs, compared by their ids, which do not depend on rules (ids.h): the same
 * host, destination, first packet, detector and raise are the same alert. Closing ones are not
 * compared. Why one is gained or lost is said as far as it is known: the rule that is new, gone,
 * disabled or other; the exception that holds it back; else only that something else does.
 *
 * Bounds: BACKTEST_ALERTS alerts a side are compared, BACKTEST_HELD incidents and detectors a side
 * are known to be held back; what is beyond is counted and said; BACKTEST_LISTED of each kind are
 * in the text, all in JSON. Thread: the caller's. */
#ifndef WEIR_INVESTIGATE_BACKTEST_H
#define WEIR_INVESTIGATE_BACKTEST_H

#include "weir/base/calendar.h"
#include "weir/detect/rules.h"
#include "weir/investigate/retold.h"

#define BACKTEST_ALERTS 50000u
#define BACKTEST_HELD   65536u
#define BACKTEST_LISTED 50u

enum backtest_side { BACKTEST_NOW, BACKTEST_PROPOSED, BACKTEST_SIDES };

struct backtest;
/* `rules` of each side outlive it; NULL: none. */
struct backtest *backtest_new(const struct rules *now, const struct rules *proposed);
void backtest_free(struct backtest *backtest);
/* A line of that run's journal; `calendar`: the site's days. */
void backtest_line(struct backtest *backtest, enum backtest_side side, struct calendar *calendar,
                   const char *line, size_t size);
/* Places of that journal that could not be read: with its lines that make no sense. */
void backtest_unread(struct backtest *backtest, enum backtest_side side, uint64_t places);
/* As engine_observer.withheld has it. */
void backtest_withheld(struct backtest *backtest, enum backtest_side side, const char *incident,
                       const char *detector, const struct rule_exception *exception);
/* All lines of both are there. Compares; then, as often as wanted (caller frees): */
void backtest_compare(struct backtest *backtest);
char *backtest_text(const struct backtest *backtest);
char *backtest_json(const struct backtest *backtest);

#endif
