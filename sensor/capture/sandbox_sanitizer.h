/* A sanitizer's build in the sandbox: what its reports need. */
#ifndef WEIR_CAPTURE_SANDBOX_SANITIZER_H
#define WEIR_CAPTURE_SANDBOX_SANITIZER_H

#include "weir/capture/sandbox.h"

#ifdef WEIR_SANITIZED
extern const struct sandbox_call sandbox_sanitizer_calls[];
extern const size_t sandbox_sanitizer_call_count;
/* Opens what a report will need; before stage 1, while there still are files to open. */
void sandbox_prepare_reports(void);
#endif

#endif
