/* A disk that is full, a real one: 2 MiB of tmpfs in a name space of this program's own. Skipped
 * where none can be made. */
#include "fake_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define DISK "/tmp/weir-disk" /* nobody else sees what is mounted there */

static void put_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);
    if (fd < 0)
        return;
    ssize_t wrote = write(fd, text, strlen(text));
    (void)wrote;
    close(fd);
}

static bool make_disk(void)
{
    char map[64];
    unsigned uid = getuid(), gid = getgid();
    if (uid != 0 && unshare(CLONE_NEWUSER) != 0)
        return false;
    if (uid != 0) {
        put_text("/proc/self/setgroups", "deny");
        snprintf(map, sizeof map, "0 %u 1", uid);
        put_text("/proc/self/uid_map", map);
        snprintf(map, sizeof map, "0 %u 1", gid);
        put_text("/proc/self/gid_map", map);
    }
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return false;
    return (mkdir(DISK, 0700) == 0 || errno == EEXIST) &&
           mount("weir", DISK, "tmpfs", 0, "size=2m,mode=0700") == 0;
}

/* The last byte too. */
static void fill(void)
{
    static const char block[4096];
    int fd = open(DISK "/ballast", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    while (write(fd, block, sizeof block) > 0)
        ;
    assert_int_equal(errno, ENOSPC);
    close(fd);
}

static bool nothing_behind(void *context)
{
    return case_status(context, 0).behind == 0;
}

static bool out_of_room(void *context)
{
    return strstr(case_status(context, 0).last_error, strerror(ENOSPC)) != NULL;
}

/* The file fills it up in the middle of a line, again and again; at last there is room. */
static void test_a_file(void **state)
{
    struct bus_case c;
    static const char *const path[] = {DISK "/alerts.ndjson", NULL};
    static char line[4096];
    char *pad = xcalloc(1, 1201);
    (void)state;
    case_init(&c);
    sink_settings_file(&c.sink[0], "file", path);
    c.config.count = 1;
    case_open_bus(&c);
    memset(pad, ' ', 1200);
    for (int i = 0; i < 1200; i++) /* 1.5 MiB of 2 */
        case_publish_alert(&c, 50, pad);
    assert_int_equal(publisher_flush(c.publisher, NULL), 0);
    assert_true(case_run(&c, nothing_behind, &c, 20));
    fill();
    for (int i = 0; i < 300; i++)
        case_publish_alert(&c, 50, pad);
    assert_int_equal(publisher_flush(c.publisher, NULL), 0);
    assert_true(case_run(&c, out_of_room, &c, 10));
    case_run(&c, case_never, NULL, 1);
    assert_int_equal(case_status(&c, 0).state, BUS_WAITING);
    assert_int_equal(unlink(DISK "/ballast"), 0);
    assert_true(case_run(&c, nothing_behind, &c, 20));
    FILE *file = fopen(path[0], "r");
    for (int n = 1; n <= 1500; n++) {
        char id[40];
        assert_non_null(fgets(line, sizeof line, file));
        snprintf(id, sizeof id, "\"id\":\"%d\",", n);
        assert_non_null(strstr(line, id));
        assert_non_null(strchr(line, '\n'));
    }
    assert_null(fgets(line, sizeof line, file));
    fclose(file);
    case_fini(&c);
    unlink(path[0]);
    free(pad);
}

static uint64_t kept_place(const struct bus_case *c)
{
    return bus_told(c->folder, c->sink, 1);
}

static bool place_kept(void *context)
{
    return kept_place(context) >= 100;
}

/* Nor can places be kept, or dead letters written: sinks are told all the same, and the place is
 * kept as soon as it can be. */
static void test_the_state_folder(void **state)
{
    struct bus_case c;
    (void)state;
    case_init_in(&c, DISK);
    fakes_init(&c, 1);
    fakes[0].refuses_every = 2;
    case_open_bus(&c);
    case_publish(&c, 100);
    assert_int_equal(publisher_flush(c.publisher, NULL), 0);
    fill();
    assert_true(case_run(&c, nothing_behind, &c, 10));
    while (fakes[0].count > 0 && fakes[0].arrived[fakes[0].count - 1] > 100)
        fakes[0].count--; /* what the journal itself says of the disk */
    fake_expect(&fakes[0], 1, 100, false);
    case_run(&c, case_never, NULL, 2);
    struct bus_status status = case_status(&c, 0);
    assert_in_range(status.refused, 50, 52);
    assert_int_equal(status.lost_letters, status.refused);
    assert_true(status.failures > 0);
    assert_int_equal(status.state, BUS_IDLE);
    assert_non_null(strstr(status.last_error, strerror(ENOSPC)));
    assert_int_equal(kept_place(&c), 0);
    assert_int_equal(unlink(DISK "/ballast"), 0);
    assert_true(case_run(&c, place_kept, &c, 5));
    case_fini(&c);
    fakes_fini();
}

int main(void)
{
    log_set_level(LOG_ERROR_);
    if (!make_disk()) {
        puts("skipped: no name space, or no tmpfs in it");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file),
        cmocka_unit_test(test_the_state_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
