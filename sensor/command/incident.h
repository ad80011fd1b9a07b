/* The parts of `weir incident`: see incident.c. Thread: the main thread. */
#ifndef WEIR_COMMAND_INCIDENT_H
#define WEIR_COMMAND_INCIDENT_H

#include "weir/alert/noise.h"
#include "weir/config/config.h"
#include "weir/investigate/retold.h"

/* incident_exception.c: for a verdict of benign: an exception to be added to the operator's rules,
 * and what it would have held back of what the journal tells. */
int incident_propose(const struct config *config, const struct retold_incident *incident,
                     const struct noise_mark *mark, struct error *error);

#endif
