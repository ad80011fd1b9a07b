/* Community ID v1 against the reference flows that come with the shared captures (refflows.tsv,
 * ids by an independent implementation). Skipped where they are not. */
#include "weir/record/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static FILE *open_reference(void)
{
    const char *folder = getenv("WEIR_TEST_PCAPS"), *source = getenv("WEIR_SOURCE");
    char path[4096];
    if (folder)
        snprintf(path, sizeof path, "%s/refflows.tsv", folder);
    else
        snprintf(path, sizeof path, "%s/../shared/pcaps/refflows.tsv", source ? source : ".");
    return fopen(path, "re");
}

/* Columns: file, proto, a, its port, b, its port, VLAN, 5 counts each way, 2 times, the id. */
static bool check_reference(char *line)
{
    char *field[20], text[32], *rest = line;
    for (size_t i = 0; i < 20; i++) {
        field[i] = strsep(&rest, "\t\n");
        if (!field[i])
            return false;
    }
    uint8_t proto = (uint8_t)strtoul(field[1], NULL, 10);
    struct flow_key key = {.proto = proto,
                           .orig_port = (uint16_t)strtoul(field[3], NULL, 10),
                           .resp_port = (uint16_t)strtoul(field[5], NULL, 10)};
    assert_int_equal(ip_parse(field[2], &key.orig_ip), 0);
    assert_int_equal(ip_parse(field[4], &key.resp_ip), 0);
    if (proto == 1 || proto == 58) /* the reference holds type and code */
        icmp_ports(proto, (uint8_t)key.orig_port, (uint8_t)key.resp_port, &key.orig_port,
                   &key.resp_port);
    if (strcmp(flow_key_community_id(&key, text), field[19]) == 0)
        return true;
    print_error("%s %s %s:%s %s:%s: %s, reference %s\n", field[0], field[1], field[2], field[3],
                field[4], field[5], text, field[19]);
    return false;
}

static void test_reference_flows(void **state)
{
    FILE *file = *state;
    char line[4096];
    int flows = 0, wrong = 0;
    while (fgets(line, sizeof line, file)) {
        flows++;
        wrong += !check_reference(line);
    }
    assert_int_equal(wrong, 0);
    assert_true(flows > 1000);
}

int main(void)
{
    FILE *file = open_reference();
    if (!file) {
        puts("skipped: no refflows.tsv (WEIR_TEST_PCAPS)");
        return 77;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test_prestate(test_reference_flows, file)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fclose(file);
    return failed;
}
