/* What a role that makes threads may ask of the kernel for them: processes may not be made. clone3
 * is refused, so that libc falls back to clone, whose flags can be looked at. */
#ifndef WEIR_ROLE_THREADS_H
#define WEIR_ROLE_THREADS_H

#include <sched.h>

/* What glibc's pthread_create asks of clone(2). */
#define THREAD_FLAGS                                                                               \
    (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |            \
     CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)

#endif
