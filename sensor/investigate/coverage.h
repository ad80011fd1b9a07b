/* What the sensor did not see, or did not believe, by kind: for the summary's two forms. */
#ifndef WEIR_SENSOR_INVESTIGATE_COVERAGE_H
#define WEIR_SENSOR_INVESTIGATE_COVERAGE_H

#include "weir/base/buffer.h"
#include "weir/base/json.h"
#include "weir/investigate/summary.h"

/* Lines of the section "Coverage"; nothing of what is zero. */
void coverage_text(struct buffer *buffer, const struct summary *summary);
/* Members of `coverage`. */
void coverage_json(struct json *json, const struct summary *summary);
/* "4.31 MB", or "4.31 MB [4.20 MB acknowledged – 5.00 MB at most]" where these differ. */
#define COVERAGE_VOLUME_TEXT 128
const char *coverage_volume(struct volume volume, char text[COVERAGE_VOLUME_TEXT]);
/* Of volumes by service: what left encrypted. */
uint64_t coverage_sealed(const struct volume by_service[SERVICES]);

#endif
