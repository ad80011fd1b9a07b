/* The keeper: the process that keeps the packets of incidents. It reads the journal and the files
 * of held packets, both by path, and writes below the state directory; what it keeps is traffic, so
 * it parses none of it and speaks to nobody.
 *
 *   1 take the orders: the configuration
 *   2 become another user
 *   3 give up every capability, for good
 *   4 read what it knew, open the journal, the key it signs with
 *   5 give up every file but the state directory (Landlock), and every network
 *   6 give up every call that is not in `calls` below (seccomp)
 *   7 only now look at a packet
 *
 * What it has to say for the journal goes to the supervisor, and on to the engine, which owns the
 * journal; it is said again until it is read there. Told to end, it seals what is open and waits
 * SETTLE_NS for that. Its death costs nothing that is still held. Thread: one, on the loop. */
#include "messages.h"
#include "roles.h"

#include "weir/base/buffer.h"
#include "weir/base/digest.h"
#include "weir/base/log.h"
#include "weir/base/time.h"
#include "weir/bus/event_loop.h"
#include "weir/capture/sandbox.h"
#include "weir/config/source.h"
#include "weir/investigate/keeper.h"
#include "weir/role/role.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#define ROUND_NS  (200 * NS_PER_MS) /* of the ring this much at most waits to be looked at */
#define NEWS_NS   NS_PER_S
#define SETTLE_NS (5 * NS_PER_S) /* told to end */

/* What this role may ask of the kernel once it is sealed, and why. */
static const struct sandbox_call calls[] = {
    /* the loop, the control socket */
    {.name = "epoll_wait"},
    {.name = "epoll_pwait"},
    {.name = "epoll_pwait2"},
    {.name = "epoll_ctl"},
    {.name = "timerfd_settime"},
    {.name = "poll"},
    {.name = "ppoll"},
    {.name = "read"},
    {.name = "write"},
    {.name = "readv"},
    {.name = "writev"},
    {.name = "close"},
    {.name = "fcntl"},
    {.name = "ioctl", .args = 1, .arg = {{1, FIONREAD}}},
    {.name = "recvmsg"},
    {.name = "sendmsg"},
    /* journal, held packets, evidence: within Landlock's walls */
    {.name = "openat"},
    {.name = "newfstatat"},
    {.name = "fstat"},
    {.name = "access"},
    {.name = "faccessat"},
    {.name = "faccessat2"},
    {.name = "getdents64"},
    {.name = "lseek"},
    {.name = "pread64"},
    {.name = "fsync"},
    {.name = "ftruncate"},
    {.name = "rename"},
    {.name = "renameat"},
    {.name = "renameat2"},
    {.name = "unlink"},
    {.name = "unlinkat"},
    {.name = "mkdir"},
    {.name = "mkdirat"},
    {.name = "rmdir"},
    /* memory, time */
    {.name = "mmap"},
    {.name = "munmap"},
    {.name = "mremap"},
    {.name = "mprotect"},
    {.name = "madvise"},
    {.name = "brk"},
    {.name = "futex"},
    {.name = "clock_gettime"},
    {.name = "getrandom"},
    {.name = "sysinfo"}, /* glibc's qsort: how much memory is there? */
    {.name = "getpid"},
    {.name = "gettid"},
    {.name = "rt_sigprocmask"},
    {.name = "rt_sigaction"},
    {.name = "rt_sigreturn"},
    {.name = "restart_syscall"},
    {.name = "tgkill", .args = 1, .arg = {{0, SANDBOX_SELF}}}, /* roles are of one user */
    {.name = "exit"},
    {.name = "exit_group"},
};

struct keeper_role {
    struct keeper_orders orders;
    struct config_source source;
    struct config config;
    struct control_message message; /* the one at hand */
    struct evidence_file *rule_file;
    char **rule_name, *name[KEEPER_INTERFACES]; /* of rule files, of interfaces */
    const char **word;                          /* the command line, in the orders */
    struct keeper *keeper;
    struct loop_ref loop;
    struct loop_watch *control_watch, *round, *news;
    bool leaving, ended;
    struct wtime stop_by;
    struct error error;
};

/* --- 1 orders -------------------------------------------------------------------------------- */

static int map_source(struct keeper_role *role, int fd)
{
    size_t size = role->orders.source_bytes;
    void *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return error_set(&role->error, ERROR_RUN, "keeper: its configuration cannot be read");
    int failed = config_source_unpack(&role->source, bytes, size, &role->error);
    munmap(bytes, size);
    return failed ? -1 : config_load(&role->config, &role->source, &role->error);
}

static int take_orders(struct keeper_role *role)
{
    struct control_message *m = &role->message;
    struct pollfd wait = {.fd = ROLE_CONTROL_FD, .events = POLLIN};
    const struct keeper_orders *orders;
    enum control_result result;
    while ((result = control_receive(ROLE_CONTROL_FD, m)) == CONTROL_AGAIN)
        poll(&wait, 1, -1);
    if (result != CONTROL_OK || m->kind != CONTROL_KEEPER || m->fd_count != 1 ||
        !(orders = control_body(m, sizeof *orders)))
        return error_set(&role->error, ERROR_RUN, "keeper: no orders");
    role->orders = *orders;
    int failed = map_source(role, m->fd[0]);
    control_close_descriptors(m);
    return failed;
}

/* --- 2, 3, 5, 6: the walls ------------------------------------------------------------------- */

static int drop_rights(struct keeper_role *role)
{
    struct sandbox_user user = {role->orders.drop, role->orders.uid, role->orders.gid};
    if (sandbox_drop_user(&user, &role->error) != 0 || sandbox_drop_capabilities(&role->error) != 0)
        return -1;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* two keepers of one folder would each seal */
    return 0;
}

static int raise_walls(struct keeper_role *role)
{
    struct sandbox_path path = {config_state_dir(&role->config), true};
    if (sandbox_confine(&path, 1, SANDBOX_NO_NETWORK, &role->error) != 0)
        return -1;
    return sandbox_seal(calls, sizeof calls / sizeof *calls, &role->error);
}

/* --- 4 what it stands on --------------------------------------------------------------------- */

static void on_say(void *context, const char *action, const char *incident, const char *message)
{
    struct keeper_says says;
    (void)context;
    memset(&says, 0, sizeof says);
    snprintf(says.action, sizeof says.action, "%s", action);
    snprintf(says.incident, sizeof says.incident, "%s", incident);
    snprintf(says.message, sizeof says.message, "%s", message);
    control_send(ROLE_CONTROL_FD, CONTROL_KEEPER_SAYS, &says, sizeof says, NULL, 0);
}

static struct evidence_file file_of(const char *name, const void *data, size_t size)
{
    struct evidence_file file = {.name = name, .bytes = size};
    digest_sha256(data, size, file.sha256);
    return file;
}

/* Names as JSON shows them: they are in the chain. */
static void list_rules(struct keeper_role *role)
{
    const struct config_files *files = &role->source.files;
    role->rule_file = xcalloc(files->count + 1, sizeof *role->rule_file);
    role->rule_name = xcalloc(files->count + 1, sizeof(char *));
    for (size_t i = 0; i < files->count; i++) {
        const struct config_file *file = &files->file[i];
        role->rule_name[i] = evidence_shown_name(file->path);
        role->rule_file[i] = file_of(role->rule_name[i], file->text, file->size);
    }
}

static size_t list_words(struct keeper_role *role)
{
    const char *at = role->orders.command_line, *end = at + sizeof role->orders.command_line;
    size_t count = 0;
    role->word = xcalloc(role->orders.words + 1, sizeof *role->word);
    for (; count < role->orders.words && at < end; at += strnlen(at, (size_t)(end - at)) + 1)
        role->word[count++] = at;
    return count;
}

static int open_keeper(struct keeper_role *role)
{
    const struct config *config = &role->config;
    char *settings = config_text(config);
    size_t words = list_words(role);
    list_rules(role);
    struct keeper_config keeper = {.folder = config_state_dir(config),
                                   .sensor = config->sensor_name,
                                   .word = role->word,
                                   .words = words,
                                   .filter = config->filter,
                                   .workers = config->evidence.enabled ? config->workers : 0,
                                   .segment_bytes = config->evidence.segment_mib << 20,
                                   .handshake_bytes = config->evidence.handshake_bytes,
                                   .snap_length = config->snaplen,
                                   .interfaces = (uint32_t)config->interface_count,
                                   .incident_bytes = (uint64_t)config->evidence.incident_mib << 20,
                                   .kept_bytes = (uint64_t)config->evidence.kept_mib << 20,
                                   .keep_ns = config->evidence.days * NS_PER_DAY,
                                   .settings = file_of(NULL, settings, strlen(settings)),
                                   .rule_file = role->rule_file,
                                   .rule_files = role->source.files.count,
                                   .say = on_say,
                                   .context = role};
    for (size_t i = 0; i < config->interface_count; i++)
        keeper.interface[i] = role->name[i] = evidence_shown_name(config->interface[i].name);
    free(settings);
    role->keeper = keeper_new(&keeper, &role->error);
    return role->keeper ? 0 : -1;
}

/* --- 7 at work ------------------------------------------------------------------------------- */

static void end_soon(struct keeper_role *role)
{
    role->ended = true;
    role->loop.ops->stop(role->loop.loop);
}

static void on_round(void *context)
{
    struct keeper_role *role = context;
    keeper_round(role->keeper);
    if (role->leaving && (keeper_is_settled(role->keeper) || wtime_now().ns > role->stop_by.ns))
        end_soon(role);
}

static void tell_news(const struct keeper_role *role)
{
    struct keeper_news news;
    struct keeper_counts counts = keeper_counts_of(role->keeper);
    memset(&news, 0, sizeof news);
    news.open = counts.open;
    news.kept = counts.kept;
    news.packets = counts.packets;
    news.bytes = counts.bytes;
    news.missed = counts.missed;
    news.beyond = counts.beyond;
    news.beyond_incidents = counts.beyond_incidents;
    news.removed = counts.removed;
    news.removed_for_room = counts.removed_for_room;
    news.failures = counts.failures + counts.damaged;
    control_send(ROLE_CONTROL_FD, CONTROL_KEEPER_NEWS, &news, sizeof news, NULL, 0);
}

static void on_news(void *context)
{
    tell_news(context);
}

static void leave(struct keeper_role *role)
{
    if (role->leaving)
        return;
    role->leaving = true;
    role->stop_by.ns = wtime_now().ns + SETTLE_NS;
    keeper_seal_all(role->keeper);
}

static void take_drops(const struct keeper_role *role, const struct workers_news *news)
{
    uint64_t kernel = 0, interface = 0;
    for (size_t i = 0; i < CONFIG_WORKERS; i++) {
        kernel += news->worker[i].status.kernel_drops;
        interface += news->worker[i].status.interface_drops;
    }
    keeper_drops(role->keeper, kernel, interface);
}

static void on_control(void *context, unsigned what)
{
    struct keeper_role *role = context;
    enum control_result result;
    const void *body;
    (void)what;
    while ((result = control_receive(ROLE_CONTROL_FD, &role->message)) == CONTROL_OK) {
        if (role->message.kind == CONTROL_STOP)
            leave(role);
        else if (role->message.kind == CONTROL_WORKERS &&
                 (body = control_body(&role->message, sizeof(struct workers_news))))
            take_drops(role, body);
        control_close_descriptors(&role->message);
    }
    if (result == CONTROL_CLOSED) {
        role->loop.ops->change(role->control_watch, 0);
        end_soon(role);
    }
}

/* --- from the start to the end --------------------------------------------------------------- */

static int begin(struct keeper_role *role)
{
    digest_prepare();
    if (take_orders(role) != 0 || drop_rights(role) != 0)
        return -1;
    role->loop = event_loop_new(&role->error);
    if (!role->loop.loop || open_keeper(role) != 0 || raise_walls(role) != 0)
        return -1;
    struct loop_ref loop = role->loop;
    control_send(ROLE_CONTROL_FD, CONTROL_READY, NULL, 0, NULL, 0);
    role->control_watch = loop.ops->watch(loop.loop, ROLE_CONTROL_FD, LOOP_READ, on_control, role);
    role->round = loop.ops->timer(loop.loop, ROUND_NS, on_round, role);
    role->news = loop.ops->timer(loop.loop, NEWS_NS, on_news, role);
    return 0;
}

static void close_all(struct keeper_role *role)
{
    struct loop_watch *watch[] = {role->control_watch, role->round, role->news};
    for (size_t i = 0; i < sizeof watch / sizeof *watch; i++)
        if (watch[i])
            role->loop.ops->drop(watch[i]);
    keeper_free(role->keeper);
    if (role->loop.loop)
        event_loop_free(role->loop);
    for (size_t i = 0; role->rule_file && i < role->source.files.count; i++)
        free(role->rule_name[i]);
    free(role->rule_name);
    free(role->rule_file);
    free(role->word);
    for (size_t i = 0; i < KEEPER_INTERFACES; i++)
        free(role->name[i]);
    config_fini(&role->config);
    config_source_fini(&role->source);
}

int keeper_role(void)
{
    static struct keeper_role role; /* messages are large */
    int failed = begin(&role) != 0;
    while (!failed && !role.ended)
        role.loop.ops->run(role.loop.loop);
    struct failure failure = {role.error};
    if (failed)
        control_send(ROLE_CONTROL_FD, CONTROL_FAILED, &failure, sizeof failure, NULL, 0);
    else
        control_send(ROLE_CONTROL_FD, CONTROL_ENDED, NULL, 0, NULL, 0);
    close_all(&role);
    return failed;
}
