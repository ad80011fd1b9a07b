/* Lists of indicators that others keep: addresses, prefixes, domains, JA3 and JA4 fingerprints.
 * Read from three formats: one a line; Zeek's intelligence framework (a #fields line, then columns
 * with tabs between); MISP's CSV export (RFC 4180). What a list holds that is not looked for here
 * is counted, as are lines that make no sense: a feed with one bad line is not thrown away. A list
 * of which nothing is understood is an error.
 *
 * A domain stands for itself and all names below it. Bounds: INTEL_MAX indicators, INTEL_LISTS
 * lists, a list INTEL_TEXT_MAX bytes. Look-up: one for each prefix length there is, one for each
 * label of a name. Read-only once loaded. */
#ifndef WEIR_DETECT_INTEL_H
#define WEIR_DETECT_INTEL_H

#include "weir/base/error.h"
#include "weir/detect/detector.h"
#include "weir/detect/rule_field.h"

#define INTEL_MAX      1000000u /* some 125 bytes each */
#define INTEL_LISTS    64u
#define INTEL_TEXT_MAX (16u << 20)
#define INTEL_NOTE     96 /* bytes of what a list says of an indicator */

enum intel_format { INTEL_LINES, INTEL_ZEEK, INTEL_MISP, INTEL_FORMATS };
extern const char *const intel_format_name[INTEL_FORMATS];

struct intel_list {
    char name[64];
    int score;
    enum urgency urgency;
    enum intel_format format;
    uint64_t indicators, repeated; /* taken; of these, that an earlier list or line had */
    uint64_t other_kinds;          /* URLs, hashes of files, what is not marked for detection */
    uint64_t bad_lines, first_bad; /* not understood; the first one's number */
};

struct intel;
struct intel *intel_new(void);
void intel_free(struct intel *intel);
/* Adds a list; its counts are filled. −1: nothing in it was understood, or there is no room. */
int intel_read(struct intel *intel, const struct intel_list *list, const char *place,
               const char *text, size_t size, struct error *error);
size_t intel_lists(const struct intel *intel);
const struct intel_list *intel_list(const struct intel *intel, size_t index);

/* The first of remote address, server name, DNS question, destination, JA3, JA4 that is listed. */
struct intel_match {
    const char *note; /* what the list says of it, "" */
    const struct intel_list *list;
    enum rule_field field;
    char value[256]; /* what was met */
};
bool intel_look(const struct intel *intel, const struct rule_facts *facts,
                struct intel_match *match);
/* intel.match of it. */
void intel_finding(const struct intel_match *match, const struct rule_facts *facts,
                   struct finding *finding);

#endif
