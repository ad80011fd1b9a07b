/* What cannot be taken back is tried in a child: one child a case, which answers by its exit code,
 * or by the signal that ended it. */
#ifndef WEIR_TESTS_CAPTURE_CHILD_H
#define WEIR_TESTS_CAPTURE_CHILD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILD_PATIENCE_S 60

/* In the child: the first expectation that does not hold is said and ends it. */
#define EXPECT(holds) expect(holds, __LINE__, #holds)

static inline void expect(bool holds, int line, const char *words)
{
    if (holds)
        return;
    dprintf(STDERR_FILENO, "line %d does not hold: %s\n", line, words);
    _exit(2);
}

/* A coverage build is not confined (sandbox.h): the whole program is "skipped". */
static inline void child_skip_coverage(void)
{
#ifdef WEIR_COVERAGE
    printf("skipped: a coverage build is not confined\n");
    exit(77);
#endif
}

/* wait(2)'s status of a child that ran `body`; what it wrote on standard error is in `said`, when
 * there is one. */
static inline int child_said(void (*body)(const void *argument), const void *argument, char *said,
                             size_t size)
{
    int pipes[2], status = -1;
    assert_int_equal(pipe(pipes), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(CHILD_PATIENCE_S);
        if (said)
            dup2(pipes[1], STDERR_FILENO);
        close(pipes[0]);
        close(pipes[1]);
        body(argument);
        _exit(0);
    }
    close(pipes[1]);
    size_t have = 0;
    for (ssize_t got; said && have < size - 1; have += (size_t)got)
        if ((got = read(pipes[0], said + have, size - 1 - have)) <= 0)
            break;
    if (said)
        said[have] = '\0';
    close(pipes[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static inline int child(void (*body)(const void *argument), const void *argument)
{
    return child_said(body, argument, NULL, 0);
}

static inline bool ended_by(int status, int signal_number)
{
    return WIFSIGNALED(status) && WTERMSIG(status) == signal_number;
}

#endif
