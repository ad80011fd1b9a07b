/* Stage 4 of the drop: a seccomp allow-list (seccomp(2)), compiled by libseccomp.
 *
 * What is not listed ends the whole process, as does a call of another architecture's numbering
 * (32-bit, x32): an error code would let hostile code try the next one. The filter goes onto all
 * threads at once, or onto none (TSYNC).
 *
 * A sanitizer's build allows a few more: sandbox_sanitizer.c.
 * Thread: any. */
#include "sandbox_sanitizer.h"

#include "weir/capture/sandbox.h"

#include <errno.h>
#include <seccomp.h>
#include <string.h>
#include <unistd.h>

static uint64_t value_of(uint64_t value)
{
    return value == SANDBOX_SELF ? (uint64_t)getpid() : value;
}

static int allow(scmp_filter_ctx filter, const struct sandbox_call *calls, size_t count,
                 struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        struct scmp_arg_cmp equal[SANDBOX_ARGS] = {{0}};
        int number = seccomp_syscall_resolve_name(calls[i].name);
        if (number < 0)
            continue;
        for (unsigned a = 0; a < calls[i].args && a < SANDBOX_ARGS; a++)
            equal[a] =
                SCMP_CMP64(calls[i].arg[a].index, SCMP_CMP_EQ, value_of(calls[i].arg[a].value));
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
#ifdef WEIR_COVERAGE
    return 0;
#endif
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (!filter)
        return error_set(error, ERROR_RUN,
                         "sandbox: seccomp: the kernel cannot end a process by "
                         "it (Linux 4.14 can)");
    int result = allow(filter, calls, count, error);
#ifdef WEIR_SANITIZED
    if (result == 0)
        result = allow(filter, sandbox_sanitizer_calls, sandbox_sanitizer_call_count, error);
#endif
    if (result == 0)
        result = load(filter, error);
    seccomp_release(filter);
    return result;
}
