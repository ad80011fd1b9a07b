/* Whether a host or a destination is the one that was asked for. Pure. */
#ifndef SENSOR_INVESTIGATE_REPORT_MATCH_H
#define SENSOR_INVESTIGATE_REPORT_MATCH_H

#include <stdbool.h>

struct report_question;

/* The same address however it is written, an address of the prefix that is asked for, or the same
 * device; with the question's pseudonyms also what is shown by the one that is asked for. */
bool match_host(const struct report_question *question, const char *host);
/* The same name or a name under it; addresses and prefixes where either lies in the other. "" is
 * none. */
bool match_destination(const char *asked, const char *destination);

#endif
