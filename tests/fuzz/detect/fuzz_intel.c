/* Any bytes as a list of indicators, in the format that the first byte names: refused, or its
 * figures add up and it can be asked. */
#include "weir/detect/intel.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void ask(const struct intel *intel)
{
    struct rule_facts facts = {.day = 0};
    struct intel_match match;
    struct finding finding;
    struct ip ip = ip_from_v4((const uint8_t[]){203, 0, 113, 9});
    rule_facts_address(&facts, FIELD_REMOTE, &ip);
    rule_facts_text(&facts, FIELD_SERVER_NAME, "www.evil.example");
    if (!intel_look(intel, &facts, &match))
        return;
    must(strlen(match.note) < INTEL_NOTE && match.list == intel_list(intel, 0));
    intel_finding(&match, &facts, &finding);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error = {0};
    struct intel_list list = {.name = "fuzz"};
    if (size == 0)
        return 0;
    list.format = (enum intel_format)(data[0] % INTEL_FORMATS);
    struct intel *intel = intel_new();
    int failed = intel_read(intel, &list, "fuzz", (const char *)data + 1, size - 1, &error);
    must((failed != 0) == (error.code == ERROR_USAGE));
    if (!failed) {
        const struct intel_list *read = intel_list(intel, 0);
        must(read->repeated <= read->indicators &&
             (read->bad_lines == 0) == (read->first_bad == 0));
        ask(intel);
    }
    intel_free(intel);
    return 0;
}
