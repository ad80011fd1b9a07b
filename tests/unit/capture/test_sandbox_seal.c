/* Stage 4, each case in a child of its own: what is listed works, and anything else ends the whole
 * process by SIGSYS, whichever thread tries and in whichever numbering. */
#include "must.h"

#include "weir/capture/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct sandbox_call list[] = {
    {.name = "read"},
    {.name = "write"},
    {.name = "futex"},
    {.name = "munmap"},
    {.name = "exit"},
    {.name = "exit_group"},
    {.name = "mmap", .args = 1, .arg = {{3, MAP_PRIVATE | MAP_ANONYMOUS}}},
    {.name = "fcntl", .args = 1, .arg = {{1, F_GETFL}}},
    {.name = "fcntl", .args = 1, .arg = {{1, F_GETFD}}},
    {.name = "lseek", .args = 2, .arg = {{1, 0}, {2, SEEK_CUR}}},
    {.name = "lseek", .args = 2, .arg = {{1, 0}, {2, SEEK_CUR}}}, /* twice does no harm */
    {.name = "socket", .args = 3, .arg = {{0, AF_INET}, {1, SOCK_STREAM}, {2, IPPROTO_TCP}}},
    {.name = "shutdown", .args = 1, .arg = {{1, SHUT_RD}}},
    {.name = "shutdown"}, /* and a row without arguments allows any */
    {.name = "tgkill", .args = 1, .arg = {{0, SANDBOX_SELF}}},
    {.name = "getppid", .refuse = true},
    {.name = "no_such_call"},
    {.name = "socketcall"}, /* another architecture's */
};

static void seal(void)
{
    struct error error = {0};
    must(sandbox_seal(list, COUNT(list), &error), &error);
}

/* --- what is allowed ------------------------------------------------------------------------- */

static void allowed(const void *unused)
{
    int pipes[2];
    char back = 0;
    uint32_t word = 1;
    pid_t self = getpid();
    (void)unused;
    EXPECT(pipe(pipes) == 0);
    seal();
    EXPECT(write(pipes[1], "x", 1) == 1 && read(pipes[0], &back, 1) == 1 && back == 'x');
    EXPECT(syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0) == -1 &&
           errno == EAGAIN);
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT(page != MAP_FAILED && munmap(page, 4096) == 0);
    EXPECT(fcntl(pipes[0], F_GETFL) >= 0 && fcntl(pipes[0], F_GETFD) >= 0);
    EXPECT(lseek(pipes[0], 0, SEEK_CUR) == -1 && errno == ESPIPE);
    EXPECT(shutdown(pipes[0], SHUT_WR) == -1 && errno == ENOTSOCK);
    EXPECT(socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) >= 0);
    EXPECT(syscall(SYS_tgkill, self, self, 0) == 0);
    EXPECT(syscall(SYS_getppid) == -1 && errno == ENOSYS); /* refused, and no more */
}

static void test_allowed(void **state)
{
    (void)state;
    assert_int_equal(child(allowed, NULL), 0);
}

/* --- what is not ----------------------------------------------------------------------------- */

struct call {
    const char *name;
    long number, argument[3];
};

static void try_call(const void *argument)
{
    const struct call *call = argument;
    seal();
    syscall(call->number, call->argument[0], call->argument[1], call->argument[2], 0, 0, 0);
}

static const struct call forbidden[] = {
    {"socket", SYS_socket, {AF_INET, SOCK_STREAM, 0}},
    {"another protocol of TCP's kind", SYS_socket, {AF_INET, SOCK_STREAM, 262}}, /* MPTCP */
    {"another family", SYS_socket, {AF_INET6, SOCK_STREAM, IPPROTO_TCP}},
    {"another type", SYS_socket, {AF_INET, SOCK_RAW, IPPROTO_TCP}},
    {"a unix socket", SYS_socket, {AF_UNIX, SOCK_STREAM, 0}},
    {"connect", SYS_connect, {0}},
    {"openat", SYS_openat, {AT_FDCWD, 0, O_RDONLY}},
    {"openat2", SYS_openat2, {AT_FDCWD, 0, 0}},
#ifdef SYS_open
    {"open", SYS_open, {0}},
    {"fork", SYS_fork, {0}},
#endif
    {"execve", SYS_execve, {0}},
    {"execveat", SYS_execveat, {0}},
    {"ptrace", SYS_ptrace, {PTRACE_TRACEME, 0, 0}},
    {"process_vm_writev", SYS_process_vm_writev, {0}},
    {"kill", SYS_kill, {0, 0, 0}},
    {"a signal to another process", SYS_tgkill, {1, 1, 0}},
    {"clone", SYS_clone, {0}},
    {"clone3", SYS_clone3, {0}},
    {"io_uring_setup", SYS_io_uring_setup, {0}},
    {"bpf", SYS_bpf, {0}},
    {"a second filter", SYS_seccomp, {0}},
    {"setuid", SYS_setuid, {0}},
    {"unlink", SYS_unlinkat, {AT_FDCWD, 0, 0}},
    {"no call at all", 100000, {0}},
    {"other arguments of fcntl", SYS_fcntl, {0, F_SETFL, 0}},
    {"the first argument of two", SYS_lseek, {0, 1, SEEK_CUR}},
    {"the second argument of two", SYS_lseek, {0, 0, SEEK_END}},
    {"an argument that is equal in its lower half", SYS_fcntl, {0, F_GETFL | (1L << 32), 0}},
    {"other arguments of prctl", SYS_prctl, {1, SIGKILL, 0}},
};

static void test_forbidden(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(forbidden); i++) {
        int status = child(try_call, &forbidden[i]);
        if (!ended_by(status, SIGSYS))
            fail_msg("%s: status 0x%x, expected SIGSYS", forbidden[i].name, (unsigned)status);
    }
}

static void count_list(const void *unused)
{
    (void)unused;
    struct error error = {0};
    must(sandbox_seal(NULL, 0, &error), &error);
    syscall(SYS_getppid);
}

static void test_empty_list(void **state)
{
    (void)state;
    assert_true(ended_by(child(count_list, NULL), SIGSYS));
}

/* --- other numberings ------------------------------------------------------------------------ */

#ifdef __x86_64__
static void call_x32(const void *unused)
{
    (void)unused;
    seal();
    syscall(0x40000000 | SYS_write, 0, 0, 0);
}

static void call_i386(const void *unused)
{
    long result = 4; /* write there */
    (void)unused;
    seal();
    __asm__ volatile("int $0x80" : "+a"(result) : "b"(-1L), "c"(0L), "d"(0L) : "memory");
}

static void test_numberings(void **state)
{
    (void)state;
    assert_true(ended_by(child(call_x32, NULL), SIGSYS));
    int status = child(call_i386, NULL);
    if (ended_by(status, SIGSEGV))
        print_message("skipped: this kernel has no 32-bit calls\n");
    else
        assert_true(ended_by(status, SIGSYS));
}
#endif

/* --- threads --------------------------------------------------------------------------------- */

struct worker {
    int ready[2], start[2];
};

static void *other_thread(void *argument)
{
    const struct worker *worker = argument;
    char go = 'r';
    if (write(worker->ready[1], &go, 1) == 1 && read(worker->start[0], &go, 1) == 1)
        syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
    return NULL;
}

/* A call that is not listed, in a thread that was there, and at rest, before the seal. */
static void in_other_thread(const void *unused)
{
    struct worker worker;
    pthread_t thread;
    char got;
    (void)unused;
    EXPECT(pipe(worker.ready) == 0 && pipe(worker.start) == 0);
    EXPECT(pthread_create(&thread, NULL, other_thread, &worker) == 0);
    EXPECT(read(worker.ready[0], &got, 1) == 1);
    seal();
    EXPECT(write(worker.start[1], "g", 1) == 1);
    /* Waits for ever should the filter hold for the first thread only. */
    EXPECT(read(worker.ready[0], &got, 1) < 0);
}

static void test_threads(void **state)
{
    (void)state;
    int status = child(in_other_thread, NULL);
    assert_true(ended_by(status, SIGSYS)); /* the process, and not its thread */
}

/* --- sanitizers ------------------------------------------------------------------------------ */

/* All four stages, as a role does. */
static void drop_and_seal(void)
{
    const struct sandbox_user other = {geteuid() == 0, 65534, 65534};
    struct error error = {0};
    must(sandbox_drop_user(&other, &error), &error);
    must(sandbox_drop_capabilities(&error), &error);
    must(sandbox_confine(NULL, 0, SANDBOX_NO_NETWORK, &error), &error);
    seal();
}

static void drop_and_exit(const void *unused)
{
    (void)unused;
    drop_and_seal();
    exit(7); // NOLINT(concurrency-mt-unsafe): the hooks at exit are what is tested
}

/* No leak is looked for there: that would be killed, or hang. */
static void test_exit(void **state)
{
    (void)state;
    int status = child(drop_and_exit, NULL);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
}

#ifdef __SANITIZE_ADDRESS__
static void overrun(const void *unused)
{
    volatile size_t size = 16;
    char *bytes = malloc(size);
    (void)unused;
    drop_and_seal();
    memset(bytes, 0, size + 1);
    _exit(bytes[0] ? 5 : 6);
}

static void overflow(const void *unused)
{
    volatile int most = INT32_MAX;
    (void)unused;
    drop_and_seal();
    volatile int more = most + 1;
    _exit(more ? 5 : 6);
}

static void check_report(void (*fault)(const void *), const char *first, const char *last)
{
    char said[16384];
    int status = child_said(fault, NULL, said, sizeof said);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1); /* the sanitizer's own */
    assert_non_null(strstr(said, first));
    assert_non_null(strstr(said, last));
    assert_non_null(strstr(said, "test_sandbox_seal.c:"));
}

static void test_report(void **state)
{
    (void)state;
    check_report(overrun, "heap-buffer-overflow", "ABORTING");
    check_report(overflow, "runtime error", "signed integer overflow");
}
#endif

int main(void)
{
    child_skip_coverage();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_allowed),    cmocka_unit_test(test_forbidden),
        cmocka_unit_test(test_empty_list),
#ifdef __x86_64__
        cmocka_unit_test(test_numberings),
#endif
        cmocka_unit_test(test_threads),    cmocka_unit_test(test_exit),
#ifdef __SANITIZE_ADDRESS__
        cmocka_unit_test(test_report),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
