/* What the keeper says reaches the journal only of what is there: what was forgotten while its word
 * was under way is not sealed behind its removal. */
#include "../../../sensor/role/evidence_api.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define INCIDENT "0123456789abcdef0123456789abcdef"

static void test_what_is_gone_is_not_sealed(void **state)
{
    (void)state;
    char folder[] = "/tmp/weir-evidence.XXXXXX", path[128];
    const struct keeper_says says = {.action = "evidence.seal", .incident = INCIDENT};
    assert_non_null(mkdtemp(folder));
    const struct evidence_api api = {{NULL, NULL, NULL}, folder};
    snprintf(path, sizeof path, "%s/evidence", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_true(evidence_api_is_gone(folder, INCIDENT));
    evidence_api_said(&api, &says); /* there is no engine: it is not asked */
    snprintf(path, sizeof path, "%s/evidence/%s", folder, INCIDENT);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_false(evidence_api_is_gone(folder, INCIDENT));
    assert_int_equal(rmdir(path), 0);
    assert_true(evidence_api_is_gone(folder, INCIDENT));
    snprintf(path, sizeof path, "%s/evidence", folder);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_what_is_gone_is_not_sealed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
