/* Stages 1 to 3, each case in a child of its own. What only root can try is skipped by name. */
#include "must.h"

#include "weir/capture/sandbox.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <linux/random.h>
#include <pthread.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#define OTHER 65534u /* nobody, whatever it is called */

static char folder[64];

static bool exists(const char *name)
{
    struct stat st;
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return stat(path, &st) == 0;
}

/* errno of an open beneath the folder, 0 when it opened. */
static int try_open(const char *name, int flags)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, flags | O_CLOEXEC, 0666);
    int cause = fd < 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    return cause;
}

static int make_folder(void **state)
{
    (void)state;
    char name[128];
    snprintf(folder, sizeof folder, "/tmp/weir-sandbox.XXXXXX");
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chmod(folder, 0755), 0);
    snprintf(name, sizeof name, "%s/mine", folder);
    assert_int_equal(mkdir(name, 0755), 0);
    assert_int_equal(try_open("mine/old", O_CREAT | O_WRONLY), 0);
    assert_int_equal(try_open("beside", O_CREAT | O_WRONLY), 0);
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static int remove_folder(void **state)
{
    (void)state;
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void only_root(void)
{
    if (geteuid() == 0)
        return;
    print_message("skipped: it takes root\n");
    skip();
}

/* TSan has a thread of its own, with capabilities of its own: libc ends the process when the
 * threads fare differently in a change of user. */
static void only_one_thread(void)
{
#ifdef __SANITIZE_THREAD__
    print_message("skipped: it takes a process of one thread\n");
    skip();
#endif
}

/* --- 1: the user ----------------------------------------------------------------------------- */

static void test_find_user(void **state)
{
    struct sandbox_user user = {true, 1, 1};
    struct error error = {0};
    (void)state;
    assert_int_equal(sandbox_find_user("", &user, &error), 0);
    assert_false(user.change);
    assert_int_equal(sandbox_find_user("nobody", &user, &error), 0);
    assert_true(user.change && user.uid == OTHER && user.gid != 0);
    assert_int_equal(sandbox_find_user("no-such-user", &user, &error), -1);
    assert_int_equal(error.code, ERROR_USAGE);
    assert_non_null(strstr(error.message, "useradd --system --no-create-home no-such-user"));
    assert_false(user.change);
    error = (struct error){0};
    assert_int_equal(sandbox_find_user("root", &user, &error), -1);
    assert_non_null(strstr(error.message, "is root"));
}

static void become_other(void)
{
    static const struct sandbox_user other = {true, OTHER, OTHER};
    struct error error = {0};
    must(sandbox_drop_user(&other, &error), &error);
}

static void change_user(const void *unused)
{
    static const gid_t groups[] = {4, 20};
    gid_t left[8];
    (void)unused;
    EXPECT(setgroups(2, groups) == 0 && getgroups(8, left) == 2);
    EXPECT(chmod(folder, 0700) == 0);
    become_other();
    EXPECT(getuid() == OTHER && geteuid() == OTHER && getgid() == OTHER && getegid() == OTHER);
    EXPECT(getgroups(8, left) == 0);
    EXPECT(setuid(0) == -1 && seteuid(0) == -1 && setgid(0) == -1 && setegid(0) == -1);
    EXPECT(setgroups(2, groups) == -1);
    EXPECT(prctl(PR_CAPBSET_READ, 0, 0, 0, 0) == 0); /* CAP_CHOWN: first in the bounding set */
    EXPECT(try_open("beside", O_RDONLY) == EACCES);
    become_other(); /* who already is, stays */
}

static void test_change_user(void **state)
{
    (void)state;
    only_root();
    assert_int_equal(child(change_user, NULL), 0);
    assert_int_equal(chmod(folder, 0755), 0);
}

static void change_without_right(const void *unused)
{
    static const struct sandbox_user third = {true, 4321, 4321};
    static const struct sandbox_user stay = {.change = false, .uid = 4321};
    struct error error = {0};
    (void)unused;
    if (geteuid() == 0)
        become_other();
    uid_t before = getuid();
    must(sandbox_drop_user(&stay, &error), &error);
    EXPECT(sandbox_drop_user(&third, &error) == -1);
    EXPECT(strstr(error.message, "only root can"));
    EXPECT(getuid() == before);
}

static void test_change_without_right(void **state)
{
    (void)state;
    assert_int_equal(child(change_without_right, NULL), 0);
}

/* Root that only pretends: its saved user is root still. */
static void change_by_half(const void *unused)
{
    static const struct sandbox_user other = {true, OTHER, OTHER};
    struct error error = {0};
    (void)unused;
    EXPECT(setgroups(0, NULL) == 0 && setresgid(OTHER, OTHER, OTHER) == 0);
    EXPECT(setresuid(OTHER, OTHER, 0) == 0);
    EXPECT(sandbox_drop_user(&other, &error) == -1);
}

static void test_change_by_half(void **state)
{
    (void)state;
    only_root();
    assert_int_equal(child(change_by_half, NULL), 0);
}

/* An ordinary user by its numbers, with the right to become any. */
static void change_with_right(const void *unused)
{
    static const struct sandbox_user other = {true, OTHER, OTHER};
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct set[2];
    struct error error = {0};
    (void)unused;
    EXPECT(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0 && setgroups(0, NULL) == 0);
    EXPECT(setresgid(OTHER, OTHER, OTHER) == 0 && setresuid(OTHER, OTHER, OTHER) == 0);
    EXPECT(syscall(SYS_capget, &header, set) == 0);
    set[0].effective = 1u << CAP_SETUID;
    EXPECT(syscall(SYS_capset, &header, set) == 0);
    EXPECT(sandbox_drop_user(&other, &error) == -1);
    EXPECT(strstr(error.message, "can become root again"));
}

static void test_change_with_right(void **state)
{
    (void)state;
    only_root();
    only_one_thread();
    assert_int_equal(child(change_with_right, NULL), 0);
}

/* --- 2: capabilities ------------------------------------------------------------------------- */

/* A line of /proc/self/status, as a hexadecimal number. */
static unsigned long long status_of(const char *name)
{
    unsigned long long value = ~0ULL;
    char line[256];
    FILE *file = fopen("/proc/self/status", "re");
    EXPECT(file != NULL);
    while (fgets(line, sizeof line, file))
        if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
            value = strtoull(line + strlen(name) + 1, NULL, 16);
    fclose(file);
    return value;
}

static void drop_capabilities(const void *as_root)
{
    struct error error = {0};
    struct rlimit core;
    if (as_root)
        EXPECT(status_of("CapEff") != 0 && status_of("CapBnd") != 0);
    else if (geteuid() == 0)
        become_other();
    must(sandbox_drop_capabilities(&error), &error);
    EXPECT(status_of("CapInh") == 0 && status_of("CapPrm") == 0 && status_of("CapEff") == 0);
    EXPECT(status_of("CapAmb") == 0 && status_of("NoNewPrivs") == 1);
    EXPECT(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
    EXPECT(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0 && core.rlim_max == 0);
    if (!as_root)
        return;
    EXPECT(status_of("CapBnd") == 0);
    EXPECT(setuid(OTHER) == -1 && setgroups(0, NULL) == -1);
}

static void test_capabilities(void **state)
{
    (void)state;
    assert_int_equal(child(drop_capabilities, NULL), 0);
}

static void test_capabilities_of_root(void **state)
{
    (void)state;
    only_root();
    only_one_thread();
    assert_int_equal(child(drop_capabilities, ""), 0);
}

static void *wait_for_ever(void *unused)
{
    pause();
    return unused;
}

/* The drop would not hold for a thread that is there already. */
static void drop_with_threads(const void *unused)
{
    pthread_t thread;
    struct error error = {0};
    (void)unused;
    EXPECT(pthread_create(&thread, NULL, wait_for_ever, NULL) == 0);
    EXPECT(sandbox_drop_capabilities(&error) == -1);
    EXPECT(strstr(error.message, "2 threads"));
}

static void test_threads(void **state)
{
    (void)state;
    only_one_thread();
    assert_int_equal(child(drop_with_threads, NULL), 0);
}

/* --- 3: files, network, processes ------------------------------------------------------------ */

static void need_landlock(long abi)
{
    long have = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (have >= abi)
        return;
    print_message("skipped: it takes Landlock %ld, the kernel has %ld\n", abi, have);
    skip();
}

static void confine(const struct sandbox_path *paths, size_t count, enum sandbox_network network)
{
    struct error error = {0};
    must(sandbox_confine(paths, count, network, &error), &error);
}

static void confine_to_nothing(const void *unused)
{
    char byte;
    int kept = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
    (void)unused;
    confine(NULL, 0, SANDBOX_NO_NETWORK);
    EXPECT(open("/etc/passwd", O_RDONLY) == -1 && errno == EACCES);
    EXPECT(open("/proc/self/status", O_RDONLY) == -1 && errno == EACCES);
    EXPECT(open("/", O_RDONLY | O_DIRECTORY) == -1 && errno == EACCES);
    EXPECT(try_open("mine/old", O_RDONLY) == EACCES);
    EXPECT(try_open("mine/new", O_CREAT | O_WRONLY) == EACCES);
    EXPECT(mkdir("/tmp/weir-none", 0700) == -1 && errno == EACCES);
    EXPECT(execl("/bin/true", "true", (char *)NULL) == -1 && errno == EACCES);
    EXPECT(read(kept, &byte, 1) == 1); /* what was open stays */
}

static void test_no_file(void **state)
{
    (void)state;
    need_landlock(1);
    assert_int_equal(child(confine_to_nothing, NULL), 0);
}

static void read_beneath(const void *unused)
{
    char mine[128], programs[] = "/bin";
    snprintf(mine, sizeof mine, "%s/mine", folder);
    const struct sandbox_path paths[] = {{mine, false}, {programs, false}, {"/etc/passwd", false}};
    (void)unused;
    confine(paths, 3, SANDBOX_NO_NETWORK);
    EXPECT(try_open("mine/old", O_RDONLY) == 0 && try_open("mine", O_RDONLY | O_DIRECTORY) == 0);
    EXPECT(try_open("mine/old", O_WRONLY) == EACCES);
    EXPECT(try_open("mine/new", O_CREAT | O_WRONLY) == EACCES);
    EXPECT(try_open("mine/../beside", O_RDONLY) == EACCES);
    EXPECT(open("/etc/passwd", O_RDONLY) >= 0);
    EXPECT(open("/etc/group", O_RDONLY) == -1 && errno == EACCES);
    EXPECT(execl("/bin/true", "true", (char *)NULL) == -1 && errno == EACCES);
}

static void test_read_beneath(void **state)
{
    (void)state;
    need_landlock(1);
    assert_int_equal(child(read_beneath, NULL), 0);
}

static void bind_socket(const char *path, int expected)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(name.sun_path, sizeof name.sun_path, "%s", path);
    int result = bind(fd, (const struct sockaddr *)&name, sizeof name);
    EXPECT(expected ? result == -1 && errno == expected : result == 0);
}

static void write_beneath(const void *unused)
{
    char mine[128];
    snprintf(mine, sizeof mine, "%s/mine", folder);
    const struct sandbox_path paths[] = {{mine, true}};
    (void)unused;
    EXPECT(chdir(folder) == 0);
    confine(paths, 1, SANDBOX_NO_NETWORK);
    EXPECT(try_open("mine/new", O_CREAT | O_WRONLY) == 0);
    EXPECT(try_open("mine/new", O_TRUNC | O_RDWR) == 0);
    EXPECT(mkdir("mine/sub", 0755) == 0);
    EXPECT(rename("mine/new", "mine/newer") == 0 && rename("mine/newer", "mine/sub/newest") == 0);
    bind_socket("mine/socket", 0);
    EXPECT(unlink("mine/sub/newest") == 0 && rmdir("mine/sub") == 0 && unlink("mine/socket") == 0);
    EXPECT(symlink("/etc/passwd", "mine/link") == -1 && errno == EACCES);
    EXPECT(mkfifo("mine/fifo", 0600) == -1 && errno == EACCES);
    EXPECT(try_open("beside", O_RDONLY) == EACCES && try_open("beside", O_WRONLY) == EACCES);
    EXPECT(try_open("other", O_CREAT | O_WRONLY) == EACCES);
    EXPECT(rename("mine/old", "other") == -1 && exists("mine/old"));
    EXPECT(unlink("beside") == -1 && errno == EACCES && exists("beside"));
    bind_socket("socket", EACCES);
}

static void test_write_beneath(void **state)
{
    (void)state;
    need_landlock(2); /* the first can rename inside one folder only */
    assert_int_equal(child(write_beneath, NULL), 0);
}

static void ask_device(const void *unused)
{
    static const struct sandbox_path paths[] = {{"/dev/urandom", true}};
    int bits = 0;
    (void)unused;
    int before = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    confine(paths, 1, SANDBOX_NO_NETWORK);
    int after = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    EXPECT(ioctl(before, RNDGETENTCNT, &bits) == 0);
    EXPECT(after >= 0 && ioctl(after, RNDGETENTCNT, &bits) == -1 && errno == EACCES);
}

static void test_device(void **state)
{
    (void)state;
    need_landlock(5);
    assert_int_equal(child(ask_device, NULL), 0);
}

static void test_missing_path(void **state)
{
    static const struct sandbox_path paths[] = {{"/no/such/folder", true}};
    struct error error = {0};
    (void)state;
    need_landlock(1);
    assert_int_equal(sandbox_confine(paths, 1, SANDBOX_NETWORK, &error), -1);
    assert_non_null(strstr(error.message, "/no/such/folder: No such file"));
}

/* errno of a connect to a port of this machine at which nobody listens. */
static int try_connect(void)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(1)};
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return connect(fd, (const struct sockaddr *)&name, sizeof name) == 0 ? 0 : errno;
}

static void connect_with(const void *network)
{
    confine(NULL, 0, network ? SANDBOX_NETWORK : SANDBOX_NO_NETWORK);
    EXPECT((try_connect() == EACCES) == !network);
}

static void test_network(void **state)
{
    (void)state;
    need_landlock(4);
    assert_int_equal(child(connect_with, ""), 0);
    assert_int_equal(child(connect_with, NULL), 0);
}

static int try_port(uint16_t port, bool listens)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int result = listens ? bind(fd, (const struct sockaddr *)&name, sizeof name)
                         : connect(fd, (const struct sockaddr *)&name, sizeof name);
    int cause = result == 0 ? 0 : errno;
    close(fd);
    return cause;
}

/* Nobody listens at either: the one is asked, the other is not. */
static void connect_to_one_port(const void *unused)
{
    struct error error = {0};
    const uint16_t port = 1;
    (void)unused;
    must(sandbox_confine_to_ports(NULL, 0, &port, 1, &error), &error);
    EXPECT(try_port(1, false) != EACCES);
    EXPECT(try_port(2, false) == EACCES);
    EXPECT(try_port(1, true) == EACCES); /* to listen there is another matter */
    EXPECT(try_open("beside", O_RDONLY) == EACCES);
}

static void test_one_port(void **state)
{
    (void)state;
    need_landlock(4);
    assert_int_equal(child(connect_to_one_port, NULL), 0);
}

static void signal_outside(const void *unused)
{
    (void)unused;
    EXPECT(kill(getppid(), 0) == 0);
    confine(NULL, 0, SANDBOX_NETWORK);
    EXPECT(kill(getppid(), 0) == -1 && errno == EPERM && kill(getpid(), 0) == 0);
}

static void test_signals(void **state)
{
    (void)state;
    need_landlock(6);
    assert_int_equal(child(signal_outside, NULL), 0);
}

/* A kernel as of 5.12: it is said, and the role goes on. */
static void confine_without_landlock(const void *unused)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    (void)unused;
    EXPECT(filter && seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS),
                                      SCMP_SYS(landlock_create_ruleset), 0) == 0);
    EXPECT(seccomp_load(filter) == 0);
    seccomp_release(filter);
    confine(NULL, 0, SANDBOX_NO_NETWORK);
    EXPECT(try_open("beside", O_RDONLY) == 0);
}

static void test_no_landlock(void **state)
{
    char said[1024];
    (void)state;
    assert_int_equal(child_said(confine_without_landlock, NULL, said, sizeof said), 0);
    assert_non_null(strstr(said, "has no Landlock"));
    assert_null(strchr(strchr(said, '\n') + 1, '\n')); /* one line */
}

/* --- all of them, in order ------------------------------------------------------------------- */

static void all_stages(const void *unused)
{
    static const struct sandbox_user stay = {.change = false};
    static const struct sandbox_call calls[] = {{.name = "exit_group"}, {.name = "write"}};
    struct error error = {0};
    (void)unused;
    if (geteuid() == 0)
        become_other();
    must(sandbox_drop_user(&stay, &error), &error);
    must(sandbox_drop_capabilities(&error), &error);
    confine(NULL, 0, SANDBOX_NO_NETWORK);
    must(sandbox_seal(calls, 2, &error), &error);
}

static void test_all(void **state)
{
    (void)state;
    assert_int_equal(child(all_stages, NULL), 0);
}

int main(void)
{
    child_skip_coverage();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find_user),
        cmocka_unit_test(test_change_user),
        cmocka_unit_test(test_change_without_right),
        cmocka_unit_test(test_change_by_half),
        cmocka_unit_test(test_change_with_right),
        cmocka_unit_test(test_capabilities),
        cmocka_unit_test(test_capabilities_of_root),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_no_file),
        cmocka_unit_test(test_read_beneath),
        cmocka_unit_test(test_write_beneath),
        cmocka_unit_test(test_device),
        cmocka_unit_test(test_missing_path),
        cmocka_unit_test(test_network),
        cmocka_unit_test(test_one_port),
        cmocka_unit_test(test_signals),
        cmocka_unit_test(test_no_landlock),
        cmocka_unit_test(test_all),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
