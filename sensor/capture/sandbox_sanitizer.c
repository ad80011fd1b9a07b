/* What a sanitizer's build needs to tell of a fault from inside the sandbox. A build without has
 * nothing of this.
 *
 * The calls are a table of their own, with a rule: none of them opens a file, makes a socket or
 * starts a program. What a report would open (to name functions and lines, to read options) is
 * therefore opened before the first stage. A fault that is told by its signal (SEGV) still opens
 * /proc/self/maps: of that report only the first lines come out.
 * Thread: the role's only one. */
#include "sandbox_sanitizer.h"

#ifdef WEIR_SANITIZED
#include <asm/ioctls.h>
#include <fcntl.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#include <sys/prctl.h>
#include <unistd.h>

const struct sandbox_call sandbox_sanitizer_calls[] = {
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
    {.name = "tgkill", .args = 1, .arg = {{0, SANDBOX_SELF}}},
    {.name = "rt_sigreturn"},
    {.name = "exit"},
    {.name = "exit_group"},
    {.name = "prctl", .args = 1, .arg = {{0, PR_GET_DUMPABLE}}},
};
const size_t sandbox_sanitizer_call_count =
    sizeof sandbox_sanitizer_calls / sizeof *sandbox_sanitizer_calls;

/* LeakSanitizer asks this at exit. It stops the process by ptrace, which stage 2 has made
 * impossible, and finds its threads through /proc: it would hang or be killed for it. */
// NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): its own name for it
int __lsan_is_turned_off(void)
{
    return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0;
}

#ifndef __clang__
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
#endif

void sandbox_prepare_reports(void)
{
#ifndef __clang__    /* its symbolizer is a program of its own, which a role cannot have */
    char place[256]; /* naming one place opens what it takes for any other */
    __sanitizer_sandbox_on_notify(&(__sanitizer_sandbox_arguments){0});
    __sanitizer_symbolize_pc(__builtin_return_address(0), "%f", place, sizeof place);
    report_nothing();
#endif
}
#endif
