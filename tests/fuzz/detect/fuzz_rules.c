/* Any two texts as rule files, the second after a NUL, and as the lists they name: refused with its
 * place, or everything in it can be asked. */
#include "weir/detect/rules.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static int fetch(void *context, const char *path, struct rules_file *file, struct error *error)
{
    (void)path;
    (void)error;
    *file = *(const struct rules_file *)context;
    return 0;
}

static void ask(const struct rules *rules)
{
    struct rule_facts facts = {.day = 20000};
    const struct rule_exception *expired;
    rule_facts_text(&facts, FIELD_SERVER_NAME, "example.jp");
    rule_facts_number(&facts, FIELD_OUT_BYTES, 5000000);
    for (size_t i = 0; i < rules->rule_count; i++) {
        must(rules_get(rules, rules->rule[i].detector.id) == &rules->rule[i]);
        must(rules->rule[i].score >= 0 && rules->rule[i].score <= 100);
        rule_matches(rules, &rules->rule[i], &facts, NULL);
        rules_exception(rules, rules->rule[i].detector.id, &facts, &expired);
    }
    must(rules_bar(rules, &facts) >= 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *nul = size ? memchr(text, 0, size) : NULL;
    size_t first = nul ? (size_t)(nul - text) : size;
    struct error error = {0};
    struct rules_file file[2] = {{"a", text, first},
                                 {"b", nul ? nul + 1 : "", nul ? size - first - 1 : 0}};
    if (size > 4096)
        return 0;
    struct rules *rules = rules_load(file, 2, fetch, &file[1], &error);
    must((rules == NULL) == (error.code == ERROR_USAGE));
    if (rules)
        ask(rules);
    else
        must(strncmp(error.message, "a:", 2) == 0 || strncmp(error.message, "b:", 2) == 0);
    rules_free(rules);
    return 0;
}
