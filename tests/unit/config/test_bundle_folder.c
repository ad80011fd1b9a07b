/* The folder of bundles: one holds whole, whenever it ends. The process that puts one in is ended
 * at each of its steps in turn (every fsync, rename, symlink, unlink, mkdir and fchmod); what is
 * read through `current` afterwards is the old one or the new one, and the same once more does the
 * rest.
 */
#include "weir/config/bundle_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* --- the steps: ours are linked before the library's ------------------------------------------ */

static int steps_left = -1; /* < 0: no end */
static int steps_done;

static void step(void)
{
    steps_done++;
    if (steps_left >= 0 && steps_left-- == 0)
        _exit(9);
}

int fsync(int fd)
{
    step();
    return (int)syscall(SYS_fsync, fd);
}

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
int rename(const char *from, const char *to)
{
    step();
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
int symlink(const char *target, const char *path)
{
    step();
    return (int)syscall(SYS_symlinkat, target, AT_FDCWD, path);
}

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
int unlink(const char *path)
{
    step();
    return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int mkdir(const char *path, mode_t mode)
{
    step();
    return (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

int fchmod(int fd, mode_t mode)
{
    step();
    return (int)syscall(SYS_fchmod, fd, mode);
}

/* --- bundles ---------------------------------------------------------------------------------- */

struct world {
    char top[64], *folder;
    struct sign_key *key;
    struct error error;
};

static int set_up(void **state)
{
    struct world *w = xcalloc(1, sizeof *w);
    snprintf(w->top, sizeof w->top, "/tmp/weir-bundles-XXXXXX");
    assert_non_null(mkdtemp(w->top));
    assert_int_equal(chmod(w->top, 0755), 0);
    w->folder = xasprintf("%s/bundle", w->top);
    w->key = sign_key_new(&w->error);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    char *command = xasprintf("rm -rf '%s'", w->top);
    assert_int_equal(system(command), 0); // NOLINT(cert-env33-c)
    sign_key_free(w->key);
    free(command);
    free(w->folder);
    free(w);
    return 0;
}

struct made {
    struct buffer data;
    struct bundle *bundle;
};

/* Two files that both say which version they are of. */
static struct made make(struct world *w, uint32_t version)
{
    static const char *const name[] = {"a.yaml", "lists/b.txt"};
    struct made made = {.bundle = xcalloc(1, sizeof *made.bundle)};
    char *from = xasprintf("%s/from", w->top), *lists = xasprintf("%s/lists", from);
    char text[SIGN_PUBLIC_B64];
    size_t signer;
    mkdir(from, 0755);
    mkdir(lists, 0755);
    for (size_t i = 0; i < 2; i++) {
        char *path = xasprintf("%s/%s", from, name[i]);
        FILE *file = fopen(path, "we");
        assert_non_null(file);
        fprintf(file, "# %u\n", version);
        fclose(file);
        free(path);
    }
    const struct bundle_making making = {from, "acme", "2026-03-02T00:00:00.000Z", NULL, version};
    assert_int_equal(bundle_pack(&making, w->key, &made.data, &w->error), 0);
    struct bundle_keys keys = {.key = {sign_key_of_text(sign_key_public_text(w->key, text))},
                               .path = {xstrdup("ours")},
                               .count = 1};
    assert_int_equal(
        bundle_read(made.bundle, "x", made.data.data, made.data.size, &keys, &signer, &w->error),
        0);
    bundle_keys_fini(&keys);
    free(lists);
    free(from);
    return made;
}

static void made_fini(struct made *made)
{
    buffer_fini(&made->data);
    free(made->bundle);
}

static int put_in(const char *path, const struct made *made, struct error *error)
{
    struct bundle_folder folder;
    int failed = bundle_folder_open(&folder, path, true, error) != 0 ||
                 bundle_folder_write(&folder, made->bundle, made->data.data, error) != 0 ||
                 bundle_folder_take(&folder, made->bundle, error) != 0;
    if (!failed)
        bundle_folder_clean(&folder);
    bundle_folder_close(&folder);
    return failed ? -1 : 0;
}

/* What a reader finds; 0: nothing at all. Both files are of one version. */
static unsigned version_read(const struct world *w)
{
    static const char *const name[] = {"a.yaml", "lists/b.txt"};
    unsigned found[2] = {0, 0};
    for (size_t i = 0; i < 2; i++) {
        char *path = xasprintf("%s/current/%s", w->folder, name[i]);
        FILE *file = fopen(path, "re");
        if (file) {
            assert_int_equal(fscanf(file, "# %u", &found[i]), 1); // NOLINT(cert-err34-c)
            fclose(file);
        }
        free(path);
    }
    assert_int_equal(found[0], found[1]);
    return found[0];
}

/* --- what is asked ---------------------------------------------------------------------------- */

static void test_one_after_the_other(void **state)
{
    struct world *w = *state;
    struct bundle_folder folder;
    assert_int_equal(bundle_folder_open(&folder, w->folder, false, &w->error), 0);
    assert_null(folder.current); /* it is not there, and only looked at */
    bundle_folder_close(&folder);
    for (uint32_t version = 1; version <= 3; version++) {
        struct made made = make(w, version);
        assert_int_equal(put_in(w->folder, &made, &w->error), 0);
        assert_int_equal(version_read(w), version);
        made_fini(&made);
    }
    assert_int_equal(bundle_folder_open(&folder, w->folder, true, &w->error), 0);
    assert_int_equal(folder.holds->version, 3);
    assert_int_equal(folder.held->version, 2);
    /* Back, and there it has no former: 1 has gone. */
    assert_int_equal(bundle_folder_point(&folder, folder.former, &w->error), 0);
    assert_int_equal(version_read(w), 2);
    assert_null(folder.former);
    /* Nobody else changes it meanwhile. */
    struct bundle_folder other;
    assert_int_equal(bundle_folder_open(&other, w->folder, true, &w->error), -1);
    assert_non_null(strstr(w->error.message, "another one is being installed"));
    bundle_folder_close(&other);
    assert_int_equal(bundle_folder_point(&folder, NULL, &w->error), 0);
    assert_int_equal(version_read(w), 0);
    bundle_folder_close(&folder);
}

static void test_what_is_read_is_for_whom_the_folder_is(void **state)
{
    struct world *w = *state;
    struct stat st;
    struct made made = make(w, 1);
    assert_int_equal(mkdir(w->folder, 0750), 0);
    assert_int_equal(chmod(w->folder, 0750), 0);
    umask(077);
    assert_int_equal(put_in(w->folder, &made, &w->error), 0);
    umask(022);
    char *path = xasprintf("%s/current/lists/b.txt", w->folder);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    path[strlen(path) - strlen("/b.txt")] = '\0';
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0750);
    free(path);
    made_fini(&made);
}

/* Ended at every step in turn: `old` is 0 for the first bundle of all. */
static void end_at_each_step(struct world *w, unsigned old, unsigned new)
{
    struct made made = make(w, new);
    bool whole = false;
    int ends = 0;
    for (int at = 0; !whole; at++) {
        struct error error = {0};
        char *saved = xasprintf("rm -rf '%s.was'; cp -a '%s' '%s.was' 2>/dev/null; true", w->folder,
                                w->folder, w->folder);
        assert_int_equal(system(saved), 0); // NOLINT(cert-env33-c)
        free(saved);
        pid_t child = fork();
        if (child == 0) {
            steps_left = at;
            _exit(put_in(w->folder, &made, &error) == 0 ? 0 : 1);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 1);
        whole = WEXITSTATUS(status) == 0;
        ends += !whole;
        unsigned found = version_read(w);
        if (found != old && found != new)
            fail_msg("step %d: %u is read", at, found);
        struct stat st; /* the sensor's user can read it, or it is not there */
        if (stat(w->folder, &st) == 0)
            assert_int_equal(st.st_mode & 0777, 0755);
        /* The same once more does the rest, unless it holds already. */
        if (found == old)
            assert_int_equal(put_in(w->folder, &made, &error), 0);
        assert_int_equal(version_read(w), new);
        char *back = xasprintf("rm -rf '%s'; mv '%s.was' '%s' 2>/dev/null; true", w->folder,
                               w->folder, w->folder);
        if (!whole)
            assert_int_equal(system(back), 0); // NOLINT(cert-env33-c)
        free(back);
    }
    assert_true(ends > 10);
    made_fini(&made);
}

static void test_whenever_it_ends_one_holds_whole(void **state)
{
    end_at_each_step(*state, 0, 1);
    end_at_each_step(*state, 1, 2);
    end_at_each_step(*state, 2, 3); /* with a former to clean away */
}

/* What lies on the disk is compared; what is not as it was signed is exchanged, and keeps the one
 * before it. */
static void test_what_was_changed(void **state)
{
    static const char *const name[] = {"a.yaml", "lists/b.txt", "c.yaml", "MANIFEST"};
    struct world *w = *state;
    struct made one = make(w, 1), two = make(w, 2);
    assert_int_equal(put_in(w->folder, &one, &w->error), 0);
    assert_int_equal(put_in(w->folder, &two, &w->error), 0);
    for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
        struct bundle_folder folder;
        char *path = xasprintf("%s/current/%s", w->folder, name[i]);
        assert_int_equal(bundle_folder_open(&folder, w->folder, false, &w->error), 0);
        assert_int_equal(bundle_folder_whole(&folder, folder.current, folder.holds, &w->error), 0);
        bundle_folder_close(&folder);
        FILE *file = fopen(path, i < 3 ? "ae" : "we");
        assert_non_null(file);
        fputs("# 2\n", file);
        fclose(file);
        assert_int_equal(bundle_folder_open(&folder, w->folder, false, &w->error), 0);
        assert_true(folder.damaged == (i == 3));
        if (folder.holds)
            assert_int_equal(bundle_folder_whole(&folder, folder.current, folder.holds, &w->error),
                             -1);
        bundle_folder_close(&folder);
        w->error = (struct error){0};
        assert_int_equal(put_in(w->folder, &two, &w->error), 0);
        assert_int_equal(bundle_folder_open(&folder, w->folder, false, &w->error), 0);
        assert_int_equal(folder.held->version, 1);
        bundle_folder_close(&folder);
        free(path);
    }
    made_fini(&one);
    made_fini(&two);
}

static void test_what_is_no_bundle(void **state)
{
    struct world *w = *state;
    struct bundle_folder folder;
    char *path = xasprintf("%s/current", w->folder);
    mkdir(w->folder, 0755);
    assert_int_equal(symlink("/etc", path), 0);
    assert_int_equal(bundle_folder_open(&folder, w->folder, true, &w->error), 0);
    assert_true(folder.damaged && !folder.holds);
    bundle_folder_close(&folder);
    struct made made = make(w, 1);
    assert_int_equal(put_in(w->folder, &made, &w->error), 0);
    assert_int_equal(version_read(w), 1);
    made_fini(&made);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_after_the_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_read_is_for_whom_the_folder_is, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_whenever_it_ends_one_holds_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_was_changed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_no_bundle, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
