/* See notify.h.
 *
 * The manager's socket is a path or, after "@", an abstract name. WATCHDOG_USEC is how long silence
 * is taken for life: half of it is kept to, as sd_watchdog_enabled(3) advises. A datagram that the
 * manager has no room for is told again at the next look, so that a full queue loses no state. */
#include "notify.h"

#include "weir/base/log.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* --- where, and how often --------------------------------------------------------------------- */

static bool find_place(struct notify *notify, const char *name)
{
    size_t length = strlen(name);
    if ((*name != '/' && *name != '@') || length < 2 || length >= sizeof notify->place)
        return false;
    memcpy(notify->place, name, length + 1);
    return true;
}

/* A whole number above 0; 0: it is none. */
static int64_t number_of(const char *name)
{
    const char *text = getenv(name);
    char *end = NULL;
    errno = 0;
    long long value = text ? strtoll(text, &end, 10) : 0;
    return text && end != text && !*end && errno == 0 && value > 0 ? value : 0;
}

static void find_rhythm(struct notify *notify)
{
    int64_t us = number_of("WATCHDOG_USEC"), pid = number_of("WATCHDOG_PID");
    if (us > 0 && us < INT64_MAX / NS_PER_US && (pid == 0 || pid == getpid()))
        notify->every_ns = us * NS_PER_US / 2;
}

void notify_open(struct notify *notify)
{
    const char *name = getenv("NOTIFY_SOCKET");
    *notify = (struct notify){.fd = -1};
    if (name && find_place(notify, name))
        notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (name && notify->fd < 0)
        log_warn("NOTIFY_SOCKET is no socket's place: the service manager is told nothing");
    find_rhythm(notify);
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}

void notify_close(struct notify *notify)
{
    if (notify->fd >= 0)
        close(notify->fd);
    notify->fd = -1;
}

/* --- telling ---------------------------------------------------------------------------------- */

static bool tell(const struct notify *notify, const char *text)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t length = strlen(notify->place);
    static_assert(sizeof to.sun_path == NOTIFY_PLACE, "a place is a name of a socket");
    memcpy(to.sun_path, notify->place, length);
    if (to.sun_path[0] == '@')
        to.sun_path[0] = '\0';
    return sendto(notify->fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&to,
                  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) >= 0 ||
           (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR && errno != ENOBUFS);
}

/* A reload's start has its moment with it (Type=notify-reload). */
static bool tell_reload(const struct notify *notify, struct wtime now)
{
    char text[96];
    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%" PRId64 "\nSTATUS=reloading",
             now.ns / NS_PER_US);
    return tell(notify, text);
}

void notify_tick(struct notify *notify, const struct notify_news *news, struct wtime now)
{
    if (notify->fd < 0)
        return;
    if (news->stopping && notify->told != NOTIFY_STOPPING) {
        if (tell(notify, "STOPPING=1\nSTATUS=stopping"))
            notify->told = NOTIFY_STOPPING;
    } else if (!news->stopping && news->reloading && notify->told == NOTIFY_READY) {
        if (tell_reload(notify, now))
            notify->told = NOTIFY_RELOADING;
    } else if (!news->stopping && !news->reloading && news->ready && notify->told != NOTIFY_READY) {
        if (tell(notify, "READY=1\nSTATUS=watching"))
            notify->told = NOTIFY_READY;
    }
    if (notify->every_ns == 0 || now.ns < notify->next.ns)
        return;
    notify->next.ns = now.ns + notify->every_ns;
    tell(notify, "WATCHDOG=1");
}
