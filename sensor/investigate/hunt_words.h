/* The words of a hunt's table in each language, as report_words.h has those of the report; the
 * verdicts' are the report's own. Pure. */
#ifndef SENSOR_INVESTIGATE_HUNT_WORDS_H
#define SENSOR_INVESTIGATE_HUNT_WORDS_H

#include "weir/investigate/hunt.h"

/* "{0}" to "{5}" stand for the arguments. */
enum hunt_say {
    HUNT_SAY_HUNT,
    HUNT_SAY_SPAN,
    HUNT_SAY_NOT,
    HUNT_SAY_PROBES,
    HUNT_SAY_PROBE,
    HUNT_SAY_PROBE_FOLDERS,
    HUNT_SAY_PROBE_ABSENT,
    HUNT_SAY_MORE_PROBES,
    HUNT_SAY_FOLDERS_BEYOND,
    HUNT_SAY_JUDGED,
    HUNT_SAY_HINDSIGHT,
    HUNT_SAY_ONLINE,
    HUNT_SAY_ONE_UNIT,
    HUNT_SAY_UNITS,
    HUNT_SAY_ONLY,
    HUNT_SAY_ONLY_DESTINATION,
    HUNT_SAY_ONLY_PACKETS,
    HUNT_SAY_INPUTS,
    HUNT_SAY_INPUTS_READ,
    HUNT_SAY_MORE_PROBLEMS,
    HUNT_SAY_FLOWS_CUT,
    HUNT_SAY_HOSTS,
    HUNT_SAY_HOSTS_OF,
    HUNT_SAY_HOST,
    HUNT_SAY_VERDICT,
    HUNT_SAY_DAYS_SEEN,
    HUNT_SAY_OF,
    HUNT_SAY_WHAT,
    HUNT_SAY_LEFT,
    HUNT_SAY_SEVERAL,
    HUNT_SAY_MORE,
    HUNT_SAY_IN_ALL,
    HUNT_SAY_OWN,
    HUNT_SAY_NOT_SEEN,
    HUNT_SAY_CROWDED,
    HUNT_SAY_SHORT,
    HUNT_SAY_UNCOVERED,
    HUNT_SAY_FEW_DAYS,
    HUNT_SAY_SIGHT,
    HUNT_SAY_ABSENT,
    HUNT_SAYS
};
const char *hunt_say(enum hunt_say say, enum report_language language);
/* Of days that are not covered: in the head, and of one host's ("days lost packets"). */
const char *hunt_say_sight(enum hunt_sight sight, enum report_language language);
const char *hunt_say_days(enum hunt_sight sight, enum report_language language);

#endif
