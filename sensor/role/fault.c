/* See fault.h. Thread: the capture process's main thread. */
#include "fault.h"

#ifdef WEIR_FAULTS

#include "weir/base/time.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define FAULT_AFTER_NS (1500 * NS_PER_MS)
#define LATE_MS        2000

static struct {
    void (*act)(void);
    struct ring_handles ring;
    int recent_fd;
    struct wtime due;
    bool late;
} fault;

static void try_open(void)
{
    open("/etc/passwd", O_RDONLY | O_CLOEXEC);
}

static void try_socket(void)
{
    socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static void try_execve(void)
{
    char shell[] = "/bin/sh", *argv[] = {shell, NULL};
    execv(shell, argv);
}

static void try_fork(void)
{
    fork();
}

static void hang(void)
{
    for (;;) /* the main thread: no beat comes any more */
        poll(NULL, 0, -1);
}

static void crash(void)
{
    raise(SIGSEGV);
}

static void fill(int fd, size_t size, uint32_t *state)
{
    uint8_t *area = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (area == MAP_FAILED)
        return;
    for (size_t i = 0; i < size; i++) {
        *state = *state * 1664525u + 1013904223u;
        area[i] = (uint8_t)(*state >> 24u);
    }
    munmap(area, size);
}

/* All the memory it shares and may write, again and again, while the engine is made to look. */
static void scribble(void)
{
    static uint32_t state = 1;
    uint64_t one = 1;
    int64_t end_ns = wtime_now().ns + 3 * NS_PER_S;
    while (wtime_now().ns < end_ns) {
        fill(fault.ring.producer_fd, 4096 + fault.ring.size, &state);
        if (write(fault.ring.data_event, &one, sizeof one) < 0)
            return;
        if (fault.recent_fd >= 0)
            fill(fault.recent_fd, 4096, &state);
    }
}

static const struct {
    const char *name;
    void (*act)(void);
} row[] = {{"open", try_open}, {"socket", try_socket}, {"execve", try_execve}, {"fork", try_fork},
           {"hang", hang},     {"crash", crash},       {"scribble", scribble}};

void fault_prepare(uint32_t worker, bool again, const struct ring_handles *ring, int recent_fd)
{
    const char *asked = getenv("WEIR_FAULT");
    for (size_t i = 0; asked && worker == 0 && !again && i < sizeof row / sizeof *row; i++)
        if (strcmp(asked, row[i].name) == 0)
            fault.act = row[i].act;
    fault.late = asked && worker == 0 && !again && strcmp(asked, "late") == 0;
    fault.ring = *ring;
    fault.recent_fd = recent_fd;
    fault.due.ns = wtime_now().ns + FAULT_AFTER_NS;
}

void fault_before_start(void)
{
    if (fault.late)
        poll(NULL, 0, LATE_MS);
}

void fault_when_due(void)
{
    if (!fault.act || wtime_now().ns < fault.due.ns)
        return;
    void (*act)(void) = fault.act;
    fault.act = NULL;
    act();
}

#else

void fault_prepare(uint32_t worker, bool again, const struct ring_handles *ring, int recent_fd)
{
    (void)worker;
    (void)again;
    (void)ring;
    (void)recent_fd;
}

void fault_before_start(void) {}

void fault_when_due(void) {}

#endif
