/* A filter, compiled once for every link type that is read. */
#ifndef WEIR_SENSOR_CAPTURE_FILTER_H
#define WEIR_SENSOR_CAPTURE_FILTER_H

#include "weir/capture/source.h"

#include <pcap/pcap.h>

/* Lets through only what `filter` does, by the handle's link type. NULL or an empty filter: all. */
int filter_apply(const struct filter *filter, pcap_t *pcap, struct error *error);
/* The program for a link type, borrowed; NULL: everything passes, also because decode reads no such
 * link type and is to say so. −1: it does not compile for it (ERROR_USAGE). */
int filter_program(const struct filter *filter, int link, const struct bpf_program **program,
                   struct error *error);

#endif
