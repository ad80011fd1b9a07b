/* The capture process: packets in, records out, behind walls.
 *
 *   1 take the orders, with the ring and the files
 *   2 open what needs rights: interfaces, the filter
 *   3 become another user
 *   4 give up every capability, for good
 *   5 give up every file (Landlock)
 *   6 give up every call that is not in `calls` below (seccomp)
 *   7 only now look at the first byte that came from outside
 *
 * From 6 on this process has no network (its packet sockets only read), no Redis, no file but the
 * descriptors it was given. The main thread answers the control socket and tells each second that
 * it is alive; the capture thread does all packet work. When the parent is gone, so are we.
 *
 * Threads: main, capture's, and of a replay those that hash what it reads (capture/hasher.h); all
 * are made after 6, so they are behind the same walls. */
#include "fault.h"
#include "messages.h"
#include "roles.h"

#include "weir/base/buffer.h"
#include "weir/base/certificate.h"
#include "weir/base/digest.h"
#include "weir/base/log.h"
#include "weir/base/pages.h"
#include "weir/base/quic_keys.h"
#include "weir/capture/sandbox.h"
#include "weir/role/role.h"

#include <fcntl.h>
#include <malloc.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define BEAT_MS 1000
/* What glibc's pthread_create asks of clone(2). */
#define THREAD_FLAGS                                                                               \
    (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |            \
     CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)

/* What this role may ask of the kernel once it is sealed, and why. */
static const struct sandbox_call calls[] = {
    /* packets and files that are open; a line to standard error (more by descriptor, below) */
    {.name = "read"},
    {.name = "write", .args = 1, .arg = {{0, STDERR_FILENO}}},
    {.name = "close"},
    {.name = "lseek"},
    {.name = "fstat"},
    {.name = "msync"}, /* of a host's held packets, zeros must be on the disk */
    {.name = "newfstatat", .args = 1, .arg = {{3, AT_EMPTY_PATH}}}, /* fstat by another name */
    {.name = "poll"},
    {.name = "ppoll"},
    {.name = "pread64"}, /* the interfaces' own drop counters */
    /* the control socket; what libpcap drains when a filter is set */
    {.name = "recvmsg"},
    {.name = "sendmsg", .args = 1, .arg = {{0, ROLE_CONTROL_FD}}}, /* never a packet socket */
    {.name = "recvfrom"},
    /* a packet socket's filter, statistics and errors */
    {.name = "getsockopt"},
    {.name = "setsockopt", .args = 2, .arg = {{1, SOL_SOCKET}, {2, SO_ATTACH_FILTER}}},
    {.name = "setsockopt", .args = 2, .arg = {{1, SOL_SOCKET}, {2, SO_DETACH_FILTER}}},
    /* is the interface still there, and up? */
    {.name = "getsockname"},
    {.name = "ioctl", .args = 1, .arg = {{1, SIOCGIFINDEX}}},
    {.name = "ioctl", .args = 1, .arg = {{1, SIOCGIFFLAGS}}},
    {.name = "fcntl", .args = 1, .arg = {{1, F_GETFL}}},
    /* memory, threads, time */
    {.name = "mmap"},
    {.name = "munmap"},
    {.name = "mremap"},
    {.name = "mprotect"},
    {.name = "madvise"},
    {.name = "brk"},
    {.name = "futex"},
    {.name = "clock_gettime"},
    {.name = "clock_nanosleep"},
    {.name = "getrandom"},
    {.name = "sysinfo"}, /* glibc's qsort: how much memory is there? */
    {.name = "getpid"},
    {.name = "gettid"},
    {.name = "sched_yield"},
    {.name = "set_robust_list"},
    {.name = "rseq"},
    /* one thread more, no process: glibc falls back to clone, whose flags can be looked at */
    {.name = "clone3", .refuse = true},
    {.name = "clone", .args = 1, .arg = {{0, THREAD_FLAGS}}},
    /* the end, also a hard one */
    {.name = "rt_sigprocmask"},
    {.name = "rt_sigaction"},
    {.name = "rt_sigreturn"},
    {.name = "restart_syscall"},
    {.name = "tgkill", .args = 1, .arg = {{0, SANDBOX_SELF}}}, /* roles are of one user */
    {.name = "exit"},
    {.name = "exit_group"},
};

/* By descriptor: a packet socket that is written to sends, and an eventfd whose O_NONBLOCK is taken
 * away holds up the engine, which shares it. Nothing above makes a second number of a descriptor,
 * so a number means what it meant when the filter was made. */
#define DESCRIPTOR_CALLS (CAPTURE_EVENTS + 1 + CONFIG_INTERFACES)

struct role {
    struct capture_orders orders;
    struct capture_file *file;
    size_t file_count;
    struct pattern_words {
        char *name, *pattern;
    } words[CONFIG_PATTERNS];
    struct content_pattern pattern[CONFIG_PATTERNS]; /* the same, borrowed */
    struct capture_interface interface[CONFIG_INTERFACES];
    struct ring_handles ring;
    int recent_fd, pick_fd, held_fd;
    struct capture *capture;
    struct forget_orders forget; /* under way, when `forgetting` */
    bool forgetting;
    struct control_message message; /* the one at hand */
    struct error error;
};

/* --- 1 orders -------------------------------------------------------------------------------- */

/* Waits for the next message of the parent. */
static enum control_result next_message(struct role *role)
{
    struct pollfd wait = {.fd = ROLE_CONTROL_FD, .events = POLLIN};
    enum control_result result;
    while ((result = control_receive(ROLE_CONTROL_FD, &role->message)) == CONTROL_AGAIN)
        poll(&wait, 1, -1);
    return result;
}

static int take_ring(struct role *role)
{
    struct control_message *m = &role->message;
    bool live = role->orders.files == 0, holds = live && role->orders.held_segment_bytes > 0;
    if (m->fd_count != (holds ? 6u : live || role->orders.pick ? 5u : 4u))
        return error_set(&role->error, ERROR_RUN, "capture: %u descriptors", m->fd_count);
    role->ring =
        (struct ring_handles){m->fd[0], m->fd[1], m->fd[2], m->fd[3], role->orders.ring_bytes};
    role->recent_fd = live ? m->fd[4] : -1;
    role->pick_fd = role->orders.pick && !live ? m->fd[4] : -1;
    role->held_fd = holds ? m->fd[5] : -1;
    m->fd_count = 0; /* taken */
    return 0;
}

static int take_file(struct role *role)
{
    const struct input_orders *input;
    struct control_message *m = &role->message;
    if (next_message(role) != CONTROL_OK || m->kind != CONTROL_INPUT || m->fd_count != 1 ||
        !(input = control_body(m, sizeof *input)))
        return error_set(&role->error, ERROR_RUN, "capture: an input was announced and not sent");
    role->file[role->file_count++] = (struct capture_file){xstrdup(input->path), m->fd[0]};
    m->fd_count = 0;
    return 0;
}

static int take_pattern(struct role *role, size_t place)
{
    const struct pattern_orders *orders;
    if (next_message(role) != CONTROL_OK || role->message.kind != CONTROL_PATTERN ||
        !(orders = control_body(&role->message, sizeof *orders)))
        return error_set(&role->error, ERROR_RUN, "capture: a pattern was announced and not sent");
    struct pattern_words *words = &role->words[place];
    *words = (struct pattern_words){xstrdup(orders->name), xstrdup(orders->pattern)};
    role->pattern[place] = (struct content_pattern){words->name, words->pattern};
    return 0;
}

static int take_orders(struct role *role)
{
    const struct capture_orders *orders;
    if (next_message(role) != CONTROL_OK || role->message.kind != CONTROL_CAPTURE ||
        !(orders = control_body(&role->message, sizeof *orders)))
        return error_set(&role->error, ERROR_RUN, "capture: no orders");
    role->orders = *orders;
    if (take_ring(role) != 0)
        return -1;
    for (uint32_t i = 0; i < role->orders.patterns && i < CONFIG_PATTERNS; i++)
        if (take_pattern(role, i) != 0)
            return -1;
    role->file = xcalloc(role->orders.files + 1, sizeof *role->file);
    while (role->file_count < role->orders.files)
        if (take_file(role) != 0)
            return -1;
    return 0;
}

/* --- 2 what needs rights --------------------------------------------------------------------- */

static void free_patterns(struct role *role)
{
    for (size_t i = 0; i < CONFIG_PATTERNS; i++) {
        free(role->words[i].name);
        free(role->words[i].pattern);
    }
}

static int open_capture(struct role *role)
{
    const struct capture_orders *o = &role->orders;
    struct capture_config config = {.files = role->file,
                                    .file_count = role->file_count,
                                    .follow = o->follow,
                                    .times = o->times,
                                    .interfaces = role->interface,
                                    .interface_count = o->interfaces,
                                    .filter = o->filter,
                                    .worker = o->worker,
                                    .workers = o->workers,
                                    .snaplen = o->snaplen,
                                    .buffer_mib = o->buffer_mib,
                                    .promiscuous = true,
                                    .absent_allowed = o->again,
                                    .fanout = o->fanout,
                                    .ring = role->ring,
                                    .blocking = o->files > 0,
                                    .recent_fd = role->recent_fd,
                                    .held_fd = role->held_fd,
                                    .held_segment_bytes =
                                        role->held_fd >= 0 ? o->held_segment_bytes : 0,
                                    .held_handshake_bytes = o->held_handshake_bytes,
                                    .pick = role->pick_fd >= 0,
                                    .pick_fd = role->pick_fd,
                                    .wanted = o->wanted,
                                    .decoder = o->decoder,
                                    .flow = flow_config_default(),
                                    .content = {.stream = stream_config_default(),
                                                .key = o->key,
                                                .bindings = o->bindings,
                                                .samples = o->samples,
                                                .applications = true,
                                                .pattern = role->pattern,
                                                .pattern_count = o->patterns}};
    for (uint32_t i = 0; i < o->interfaces; i++)
        role->interface[i] =
            (struct capture_interface){o->interface[i].name, o->interface[i].vantage};
    role->capture = capture_open(&config, &role->error);
    free_patterns(role);
    return role->capture ? 0 : -1;
}

static void pin(int cpu)
{
    cpu_set_t set;
    if (cpu < 0)
        return;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0)
        log_warn("capture: cannot be pinned to CPU %d: it runs on any", cpu);
}

static void tell_ready(const struct role *role)
{
    int sockets[CONFIG_INTERFACES];
    size_t count = capture_sockets(role->capture, sockets, CONFIG_INTERFACES);
    struct capture_status status;
    capture_status_of(role->capture, &status);
    struct ready_answer answer = {status.interfaces_up, status.interfaces_gone};
    control_send(ROLE_CONTROL_FD, CONTROL_READY, &answer, sizeof answer, sockets, count);
}

/* --- 3 to 6: the walls ----------------------------------------------------------------------- */

static size_t list_calls(const struct role *role, struct sandbox_call list[])
{
    int events[CAPTURE_EVENTS + 1], sockets[CONFIG_INTERFACES];
    size_t event_count = capture_events(role->capture, events);
    events[event_count++] = role->ring.data_event; /* the ring's, by the number it came with */
    size_t socket_count = capture_sockets(role->capture, sockets, CONFIG_INTERFACES);
    size_t count = sizeof calls / sizeof *calls;
    memcpy(list, calls, sizeof calls);
    for (size_t i = 0; i < event_count; i++)
        list[count++] =
            (struct sandbox_call){.name = "write", .args = 1, .arg = {{0, (uint64_t)events[i]}}};
    for (size_t i = 0; i < socket_count; i++) /* libpcap, around a filter */
        list[count++] = (struct sandbox_call){
            .name = "fcntl", .args = 2, .arg = {{0, (uint64_t)sockets[i]}, {1, F_SETFL}}};
    return count;
}

static int raise_walls(struct role *role)
{
    struct sandbox_call list[sizeof calls / sizeof *calls + DESCRIPTOR_CALLS];
    const struct capture_orders *o = &role->orders;
    struct sandbox_user user = {o->drop, o->uid, o->gid};
    if (sandbox_drop_user(&user, &role->error) != 0)
        return -1;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a change of user clears it */
    if (sandbox_drop_capabilities(&role->error) != 0 ||
        sandbox_confine(NULL, 0, SANDBOX_NO_NETWORK, &role->error) != 0)
        return -1;
    return sandbox_seal(list, list_calls(role, list), &role->error);
}

/* --- 7 the work ------------------------------------------------------------------------------ */

static void tell_beat(const struct role *role)
{
    struct beat beat;
    memset(&beat, 0, sizeof beat);
    capture_status_of(role->capture, &beat.status);
    control_send(ROLE_CONTROL_FD, CONTROL_BEAT, &beat, sizeof beat, NULL, 0);
}

static void hold(const struct role *role)
{
    struct held_answer answer = {capture_hold(role->capture)};
    control_send(ROLE_CONTROL_FD, CONTROL_HELD, &answer, sizeof answer, NULL, 0);
}

/* Some of it: the next beat must not wait for a ring of any size. */
static void go_on_forgetting(struct role *role)
{
    struct forgotten_answer answer;
    memset(&answer, 0, sizeof answer);
    answer.number = role->forget.number;
    if (role->forgetting && capture_forget_some(role->capture, &answer.came))
        role->forgetting = control_send(ROLE_CONTROL_FD, CONTROL_FORGOTTEN, &answer, sizeof answer,
                                        NULL, 0) == CONTROL_AGAIN;
}

static void forget(struct role *role, const struct forget_orders *orders)
{
    role->forget = *orders;
    role->forgetting = true;
    capture_forget(role->capture, &orders->ip);
}

/* A parent that is gone has nobody left to tell: the records in the ring are all that counts. */
static void answer(struct role *role)
{
    struct control_message message;
    enum control_result result = control_receive(ROLE_CONTROL_FD, &message);
    if (result == CONTROL_CLOSED)
        _exit(0);
    if (result != CONTROL_OK)
        return;
    const struct finish_orders *finish = control_body(&message, sizeof *finish);
    const struct forget_orders *orders = control_body(&message, sizeof *orders);
    if (message.kind == CONTROL_HOLD)
        hold(role);
    else if (message.kind == CONTROL_FORGET && orders)
        forget(role, orders);
    else if (message.kind == CONTROL_FINISH && finish)
        capture_finish_at(role->capture, finish->packets);
    else if (message.kind == CONTROL_STOP)
        capture_stop(role->capture);
    control_close_descriptors(&message);
}

static void work(struct role *role)
{
    struct pollfd wait[] = {{.fd = ROLE_CONTROL_FD, .events = POLLIN},
                            {.fd = capture_end_event(role->capture), .events = POLLIN}};
    struct wtime next = wtime_now();
    for (;;) {
        struct wtime now = wtime_now();
        if (now.ns >= next.ns) {
            fault_when_due();
            tell_beat(role);
            next.ns = now.ns + BEAT_MS * NS_PER_MS;
        }
        poll(wait, 2, role->forgetting ? 1 : (int)((next.ns - now.ns) / NS_PER_MS) + 1);
        go_on_forgetting(role);
        if (wait[0].revents)
            answer(role);
        if (wait[1].revents)
            return;
    }
}

/* Blocks until the parent has room: what is told here is told once. */
static void tell(enum control_kind kind, const void *body, size_t size)
{
    struct pollfd wait = {.fd = ROLE_CONTROL_FD, .events = POLLOUT};
    while (control_send(ROLE_CONTROL_FD, kind, body, size, NULL, 0) == CONTROL_AGAIN)
        poll(&wait, 1, 100);
}

static void tell_inputs(const struct role *role)
{
    size_t count;
    const struct capture_input *input = capture_inputs(role->capture, &count);
    for (size_t i = 0; i < count; i++) {
        struct input_answer answer;
        memset(&answer, 0, sizeof answer);
        answer = (struct input_answer){.error = input[i].error,
                                       .packets = input[i].packets,
                                       .bytes = input[i].bytes,
                                       .outside = input[i].outside,
                                       .unjoined = input[i].unjoined,
                                       .first_ns = input[i].first.ns,
                                       .last_ns = input[i].last.ns,
                                       .begins_ns = input[i].begins.ns,
                                       .ends_ns = input[i].ends.ns,
                                       .longest_cut = input[i].longest_cut,
                                       .notes = input[i].notes};
        if (input[i].packed)
            strncpy(answer.packed, input[i].packed, sizeof answer.packed - 1);
        if (input[i].link)
            strncpy(answer.link, input[i].link, sizeof answer.link - 1);
        memcpy(answer.sha256, input[i].sha256, SHA256_SIZE);
        tell(CONTROL_INPUT_DONE, &answer, sizeof answer);
    }
}

static int fail(const struct role *role)
{
    struct failure failure = {role->error};
    if (role->capture)
        tell_inputs(role); /* which of them had what problem */
    tell(CONTROL_FAILED, &failure, sizeof failure);
    return 1;
}

static int begin(struct role *role)
{
    if (take_orders(role) != 0)
        return -1;
    fault_prepare(role->orders.worker, role->orders.again, &role->ring, role->recent_fd);
    pin(role->orders.cpu);
    /* The C library opens a file of /proc when a thread's own heap first shrinks, which is behind
     * the walls. One thread allocates here at a time, nearly always: one heap does. */
    mallopt(M_ARENA_MAX, 1);
    /* What is kept of a flow lies in a dozen small blocks: when its turn comes after ten seconds,
     * each is in a page whose address the processor has forgotten. */
    pages_heap();
    digest_prepare();
    certificate_prepare();
    quic_keys_prepare();
    if (open_capture(role) != 0)
        return -1;
    tell_ready(role);
    if (raise_walls(role) != 0)
        return -1;
    enum control_result result = next_message(role);
    if (result != CONTROL_OK || role->message.kind != CONTROL_START)
        return error_set(&role->error, ERROR_RUN, "capture: told to do something else than start");
    fault_before_start();
    return capture_start(role->capture, &role->error);
}

/* Ends by _exit: the kernel takes back what a sealed process could not. */
int capture_role(void)
{
    static struct role role; /* messages are large */
    role.recent_fd = role.pick_fd = role.held_fd = -1;
    if (begin(&role) != 0)
        _exit(fail(&role));
    work(&role);
    capture_join(role.capture);
    tell_beat(&role);
    tell_inputs(&role);
    tell(CONTROL_ENDED, NULL, 0);
    _exit(0);
}
