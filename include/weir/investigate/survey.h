/* weir check -r, -i: what a capture or an interface shows before anybody configures anything: which
 * networks look inside, which direction is missing, which VLANs there are, where control protocols
 * are spoken. A proposal, judged by people. Engine thread. */
#ifndef WEIR_INVESTIGATE_SURVEY_H
#define WEIR_INVESTIGATE_SURVEY_H

#include "weir/investigate/summary.h"

struct survey;
struct survey *survey_new(void);
void survey_free(struct survey *survey);
void survey_add_flow(struct survey *survey, const struct flow_view *view);
/* Findings and a proposed configuration; caller frees. `live`: the summary's inputs are interfaces.
 * `zone_note` says where its time zone is from; NULL: it was set. */
char *survey_text(const struct survey *survey, const struct summary *summary, bool live,
                  const char *zone_note);

#endif
