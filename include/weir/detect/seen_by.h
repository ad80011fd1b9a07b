/* A finding that is judged by what several sensors saw says how much each of them did. */
#ifndef WEIR_DETECT_SEEN_BY_H
#define WEIR_DETECT_SEEN_BY_H

#include "weir/detect/detector.h"

/* The last of its reasons, of no weight: `counted` is what the shares come to, by destination and
 * vantage the most of its sensors. Where there is no room for one, the figures alone are there. */
void finding_add_seen(struct finding *finding, const struct seen_by *seen, uint64_t counted);
/* One more reason, of no weight: of so many flows of the host this sensor sees one direction, and
 * another, of this name, the other. */
void finding_add_half(struct finding *finding, uint32_t flows, const char *sensor);

#endif
