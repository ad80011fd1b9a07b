/* Stage 4 of the drop: a seccomp allow-list (seccomp(2)), compiled by libseccomp.
 *
 * What is not listed ends the whole process, as does a call of another architecture's numbering
 * (32-bit, x32): an error code would let hostile code try the next one. The filter goes onto all
 * threads at once, or onto none (TSYNC).
 *
 * A sanitizer's build needs calls that no list of ours has, so they stand here, once, and with a
 * rule: none of them reaches a file, a socket or a program. What a report would open (to name
 * functions and lines) is therefore opened before the seal; a fault that is reported by its signal
 * (SEGV) still opens /proc/self/maps, so of that report only the first lines come out.
 * Thread: any. */
#include "weir/capture/sandbox.h"

#include <errno.h>
#include <seccomp.h>
#include <string.h>

#ifdef WEIR_SANITIZED
#include <asm/ioctls.h>
#include <fcntl.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#include <sys/prctl.h>
#include <unistd.h>

static const struct sandbox_call sanitizer_calls[] = {
    /* shadow and quarantine: fixed, unreserved, given back */
    {.name = "mmap"},
    {.name = "munmap"},
    {.name = "mprotect"},
    {.name = "madvise"},
    /* locks and waiting; TSan's own thread sleeps and wakes */
    {.name = "futex"},
    {.name = "sched_yield"},
    {.name = "nanosleep"},
    {.name = "clock_nanosleep"},
    /* a thread that ends: its alternate stack, its bounds */
    {.name = "sigaltstack"},
    {.name = "rt_sigprocmask"},
    {.name = "rt_sigaction"},
    {.name = "prlimit64"},
    {.name = "sched_getaffinity"},
    /* the report: who, coloured or not, which memory can be shown (tried on a pipe), and out */
    {.name = "getpid"},
    {.name = "gettid"},
    {.name = "ioctl", .args = 2, .arg = {{0, 2}, {1, TCGETS}}},
    {.name = "pipe2"},
    {.name = "write"},
    {.name = "close"},
    {.name = "tgkill"},
    {.name = "rt_sigreturn"},
    {.name = "exit"},
    {.name = "exit_group"},
    {.name = "prctl", .args = 1, .arg = {{0, PR_GET_DUMPABLE}}},
};

/* LeakSanitizer asks this at exit. It stops the process by ptrace, which stage 2 has made
 * impossible, and finds its threads through /proc: it would hang or be killed for it. */
// NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): its own name for it
int __lsan_is_turned_off(void)
{
    return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0;
}

/* What UndefinedBehaviorSanitizer calls for a null argument (libubsan; absent under others). */
struct ubsan_place {
    const char *file;
    unsigned line, column;
};
struct ubsan_null_argument {
    struct ubsan_place at, attribute;
    int argument;
};
// NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): its own name for it
void __ubsan_handle_nonnull_arg(struct ubsan_null_argument *fault) __attribute__((weak));

/* UndefinedBehaviorSanitizer reads its options and files at its first report: let it make one that
 * nobody sees. */
static void report_nothing(void)
{
    struct ubsan_null_argument fault = {{"none", 1, 1}, {"none", 1, 1}, 1};
    int kept = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (__ubsan_handle_nonnull_arg && kept >= 0 && nowhere >= 0 &&
        dup2(nowhere, STDERR_FILENO) >= 0) {
        __ubsan_handle_nonnull_arg(&fault);
        dup2(kept, STDERR_FILENO);
    }
    if (kept >= 0)
        close(kept);
    if (nowhere >= 0)
        close(nowhere);
}

/* Naming one place makes the symbolizer open what it will need for any other. */
static void prepare_reports(void)
{
    char place[256];
    __sanitizer_sandbox_on_notify(&(__sanitizer_sandbox_arguments){0});
    __sanitizer_symbolize_pc(__builtin_return_address(0), "%f", place, sizeof place);
    report_nothing();
}
#endif

static int allow(scmp_filter_ctx filter, const struct sandbox_call *calls, size_t count,
                 struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        struct scmp_arg_cmp equal[2] = {{0}};
        int number = seccomp_syscall_resolve_name(calls[i].name);
        if (number < 0)
            continue;
        for (unsigned a = 0; a < calls[i].args && a < 2; a++)
            equal[a] = SCMP_CMP64(calls[i].arg[a].index, SCMP_CMP_EQ, calls[i].arg[a].value);
        uint32_t action = calls[i].refuse ? SCMP_ACT_ERRNO(ENOSYS) : SCMP_ACT_ALLOW;
        int result = seccomp_rule_add_array(filter, action, number, calls[i].args, equal);
        if (result != 0)
            return error_set(error, ERROR_RUN, "sandbox: cannot list %s: %s", calls[i].name,
                             strerror(-result));
    }
    return 0;
}

static int load(scmp_filter_ctx filter, struct error *error)
{
    int result = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (result == 0)
        result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (result == 0)
        result = seccomp_load(filter);
    if (result != 0)
        return error_set(error, ERROR_RUN, "sandbox: seccomp: %s", strerror(-result));
    return 0;
}

int sandbox_seal(const struct sandbox_call *calls, size_t count, struct error *error)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (!filter)
        return error_set(error, ERROR_RUN,
                         "sandbox: seccomp: the kernel cannot end a process by "
                         "it (Linux 4.14 can)");
    int result = allow(filter, calls, count, error);
#ifdef WEIR_SANITIZED
    prepare_reports();
    if (result == 0)
        result =
            allow(filter, sanitizer_calls, sizeof sanitizer_calls / sizeof *sanitizer_calls, error);
#endif
    if (result == 0)
        result = load(filter, error);
    seccomp_release(filter);
    return result;
}
