/* Hindsight: weeks that are over, judged as a whole. Each host-day and pair-day is held against all
 * the other days, before and after, with itself left out, so that a theft that began on the first
 * day is not what is normal and nobody has to know the date.
 *
 * A profile here has what all days of its host taught but one (the day that is judged), and the
 * running sums of that day as they were at that moment; the peers' tables have what all hosts
 * taught but the one that is judged. Everything that is counted weighs the same, whenever it was:
 *
 *   sizes        counted as they were sent: no guard, since a day cannot be its own precedent
 *   location     the median of the sizes that are left, and not a running mean
 *   pairs        the PROFILE_PAIRS that took most in all; known from PAIR_KNOWN_CONTACTS hours of
 *                other days on
 *   shares       of the hours and days from the host's first day to its last
 *   new          what a host met on the first day is as new to it as what it met later: first weeks
 *                of all pairs are counted, and those of the host that is judged left out; of a
 *                server, those of networks that it met within the same week. A client network that
 *                was there in the first week of all and later, too, is no new one
 *   peers' sizes and what is new to others: without this host. Residuals (one of thousands) and
 *                who uses what are with it
 *   evidence     what a host-day adds up to is measured by the days of the other hosts
 *   growth       goes by the order of days and is as a live sensor has it, but for the trend of all
 *
 * The answers are the same in whatever order they are asked for. Bounds: the ledger's; for each
 * host that sent a profile in memory (some 50 kB with 64 destinations of three weeks) and 192 bytes
 * a day and one an hour, of all hosts as much as the caller allows; of HINDSIGHT_MEASURES hosts at
 * a time the measure of the others' days (75 kB each), of HINDSIGHT_APART the peers' tables without
 * it (8 kB each). Engine thread. */
#ifndef WEIR_BASELINE_HINDSIGHT_H
#define WEIR_BASELINE_HINDSIGHT_H

#include "weir/baseline/fleet.h"
#include "weir/baseline/ledger.h"

#define HINDSIGHT_MEASURES 1024
#define HINDSIGHT_APART    256

struct hindsight;
/* Of a ledger that is finished and outlives it, as does the calendar. Takes as long as closing the
 * hours did. NULL: the hosts' profiles and days come to more than `most_bytes`. */
struct hindsight *hindsight_new(struct ledger *ledger, struct calendar *calendar,
                                uint64_t most_bytes);
void hindsight_free(struct hindsight *hindsight); /* the fleet only while it was not taken */
/* The peers. Taken once, by who asks with them; while there is a hindsight it changes them with
 * each host that it turns to. */
struct fleet *hindsight_take_fleet(struct hindsight *hindsight);
/* The host's profile to judge an hour by, until the next call; to be read only. NULL: it never
 * sent.
 */
struct profile *hindsight_profile(struct hindsight *hindsight, const struct ip *host,
                                  const struct civil *civil);
/* The same, whatever day it is without: only to know that there is one. */
struct profile *hindsight_known(struct hindsight *hindsight, const struct ip *host);
/* From here on the peers are those of this host, without it. Before its profile is asked for
 * anything that a fleet belongs to. */
void hindsight_turn(struct hindsight *hindsight, const struct ip *host);
/* Whether, by the budget that the fleet has, anything that needs a past can be told of the host on
 * that day. Where not, its evidence need not be weighed. */
bool hindsight_may_tell(struct hindsight *hindsight, const struct ip *host, int64_t day);
/* Of an hour of the host: nothing is told of it, then or later; its stories may go on until
 * something is, without seven silent hours in between, and need what they had in it; or something
 * may be told of itself. */
enum hindsight_need { HINDSIGHT_NOTHING, HINDSIGHT_STORY, HINDSIGHT_ALL };
enum hindsight_need hindsight_needs(struct hindsight *hindsight, const struct ip *host,
                                    int64_t hour);
/* A number, not 0, that is another one once the budget, and so that answer, may be another. */
uint64_t hindsight_answers(struct hindsight *hindsight);
/* An hour is over: its sums join the day's, and what it showed, where that may be told. In the
 * order of hours. When by the budget that there is nothing can be told of that day nor of a later
 * one, only if `sums`: somebody else asks for them. */
void hindsight_close(struct hindsight *hindsight, const struct host_total *total,
                     const struct civil *civil, bool sums);
/* Instead, through that hour: those of days of which nothing can be told are taken from the ledger,
 * when a later day is asked for. From the first call on only the other days' need hindsight_close,
 * before this is called for their hour. */
void hindsight_pass(struct hindsight *hindsight, int64_t hour);
/* When the host was first seen to send, an hour; INT64_MAX: never. */
int64_t hindsight_since(const struct hindsight *hindsight, const struct ip *host);

#endif
