/* The index of indicators, for intel*.c only. */
#ifndef WEIR_DETECT_LOCAL_INTEL_H
#define WEIR_DETECT_LOCAL_INTEL_H

#include "net_table.h"
#include "weir/base/buffer.h"
#include "weir/base/map.h"
#include "weir/detect/intel.h"

struct intel_reading {
    struct intel *intel;
    struct intel_list list; /* being filled */
    uint64_t line;
    bool full; /* INTEL_MAX, and more was to come */
    char note[INTEL_NOTE];
};

/* Each adds one indicator, or counts why not. The text need not end with NUL. */
void intel_add_any(struct intel_reading *r, const char *text, size_t size);
void intel_add_address(struct intel_reading *r, const char *text, size_t size);
void intel_add_name(struct intel_reading *r, const char *text, size_t size);
void intel_add_print(struct intel_reading *r, const char *text, size_t size); /* JA3, JA4 */
void intel_bad_line(struct intel_reading *r);
void intel_set_note(struct intel_reading *r, const char *text, size_t size);

/* intel_formats.c: 0, or −1 and an error: it is not that format. */
int intel_read_lines(struct intel_reading *r, const char *place, const char *text, size_t size,
                     struct error *error);
int intel_read_zeek(struct intel_reading *r, const char *place, const char *text, size_t size,
                    struct error *error);
/* intel_misp.c */
int intel_read_misp(struct intel_reading *r, const char *place, const char *text, size_t size,
                    struct error *error);

#endif
