/* Any text as a condition: refused with its place, or it holds exactly when its opposite does not,
 * within as many steps as it has instructions. */
#include "weir/base/buffer.h"
#include "weir/detect/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void put_rule(struct buffer *b, const char *id, const char *before, const uint8_t *data,
                     size_t size, const char *after)
{
    buffer_text(b, "- rule: %s\n  name: N\n  severity: 5\n  condition: \"%s", id, before);
    for (size_t i = 0; i < size; i++)
        buffer_text(b,
                    data[i] < 0x20 || data[i] > 0x7e || data[i] == '"' || data[i] == '\\'
                        ? "\\x%02x"
                        : "%c",
                    data[i]);
    buffer_text(b, "%s\"\n", after);
}

static void make_facts(struct rule_facts *facts, unsigned which)
{
    struct ip ip = ip_from_v4((const uint8_t[]){10, 0, 0, (uint8_t)which});
    *facts =
        (struct rule_facts){.day = 20000 + (int)which, .weekday = (int)which % 7, .minute = 600};
    for (unsigned i = 0; i < RULE_FIELD_COUNT; i++) {
        if ((i + which) % 3 == 0)
            continue;
        if (rule_field_row[i].type == RULE_ADDRESS)
            rule_facts_address(facts, (enum rule_field)i, &ip);
        else if (rule_field_row[i].type <= RULE_TEXT)
            rule_facts_text(facts, (enum rule_field)i, which % 2 ? "www.example.jp" : "tls");
        else
            rule_facts_number(facts, (enum rule_field)i, (uint64_t)which * 1000);
    }
}

static void ask(const struct rules *rules)
{
    for (unsigned which = 0; which < 6; which++) {
        struct rule_facts facts;
        struct finding finding;
        uint64_t steps = 0;
        make_facts(&facts, which);
        bool one = rule_matches(rules, &rules->rule[0], &facts, &steps);
        must(steps <= rules->rule[0].condition.count);
        must(one != rule_matches(rules, &rules->rule[1], &facts, &steps));
        if (one)
            rule_finding(rules, &rules->rule[0], &facts, &finding);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char lists[] = "- {list: l, items: [10.0.0.0/24, tls, 1000]}\n"
                                "- {list: n, items: [example.jp]}\n"
                                "- {macro: m, condition: ech or server_name under n}\n";
    struct error error = {0};
    struct buffer b = {0};
    if (size > 1024 || memchr(data, 0, size))
        return 0;
    buffer_put(&b, lists, strlen(lists));
    put_rule(&b, "r", "", data, size, "");
    put_rule(&b, "s", "not (", data, size, ")");
    struct rules_file file = {"fuzz", (const char *)b.data, b.size};
    struct rules *rules = rules_load(&file, 1, NULL, NULL, &error);
    must((rules == NULL) == (error.code == ERROR_USAGE));
    if (rules)
        ask(rules);
    else
        must(strncmp(error.message, "fuzz:", 5) == 0);
    rules_free(rules);
    buffer_fini(&b);
    return 0;
}
