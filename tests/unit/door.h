/* What stands between a client and its Redis in a test: a unix socket that lets through, lets
 * nothing through, answers in the server's place, or cuts a connection behind so many bytes. A
 * thread; it drops every connection when it is told to be something else, but for silent. */
#ifndef WEIR_TESTS_DOOR_H
#define WEIR_TESTS_DOOR_H

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum door_mode {
    DOOR_OPEN,
    DOOR_SHUT,   /* closes what comes */
    DOOR_SILENT, /* takes everything, says nothing */
    DOOR_SAYS,   /* `says`, whatever it is told */
    DOOR_SLOW,   /* what the server says takes its time */
    DOOR_ENDS
};

#define DOOR_WAYS 16

struct door {
    char path[96], server[96];
    int listener;
    pthread_t thread;
    _Atomic int mode;
    _Atomic int64_t cut_after; /* bytes of the server's, once; < 0: never */
    _Atomic unsigned came;     /* connections */
    const char *_Atomic says;
    struct {
        int client, server;
    } way[DOOR_WAYS];
};

static inline int door_socket(const char *path, bool listens)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int failed = listens
                     ? bind(fd, (const struct sockaddr *)&address, sizeof address) || listen(fd, 16)
                     : connect(fd, (const struct sockaddr *)&address, sizeof address);
    if (!failed)
        return fd;
    close(fd);
    return -1;
}

static inline void door_drop(struct door *door, size_t i)
{
    if (door->way[i].client >= 0)
        close(door->way[i].client);
    if (door->way[i].server >= 0)
        close(door->way[i].server);
    door->way[i].client = door->way[i].server = -1;
}

static inline void door_take(struct door *door)
{
    int client = accept(door->listener, NULL, NULL);
    for (size_t i = 0; client >= 0 && i < DOOR_WAYS; i++)
        if (door->way[i].client < 0) {
            door->way[i].client = client;
            door->way[i].server = door_socket(door->server, false);
            door->came++;
            return;
        }
    if (client >= 0)
        close(client);
}

/* False: one of them is gone. */
static inline bool door_pass(struct door *door, int from, int to, bool of_server)
{
    static _Thread_local char bytes[65536];
    size_t room = sizeof bytes;
    int64_t left = door->cut_after;
    if (of_server && left >= 0 && (size_t)left < room)
        room = (size_t)left;
    ssize_t got = room > 0 ? recv(from, bytes, room, 0) : 0;
    if (got > 0 && door->mode == DOOR_SLOW && of_server)
        usleep(20 * 1000);
    if (got > 0 && (door->mode == DOOR_OPEN || door->mode == DOOR_SLOW) && to >= 0)
        got = send(to, bytes, (size_t)got, MSG_NOSIGNAL);
    if (of_server && left >= 0)
        door->cut_after = got > 0 ? left - got : -1;
    const char *says = door->says;
    if (got > 0 && door->mode == DOOR_SAYS && !of_server)
        got = send(from, says, strlen(says), MSG_NOSIGNAL);
    return got > 0;
}

static inline void door_turn(struct door *door)
{
    struct pollfd fds[2 * DOOR_WAYS + 1] = {{.fd = door->listener, .events = POLLIN}};
    for (size_t i = 0; i < DOOR_WAYS; i++) {
        fds[2 * i + 1] = (struct pollfd){.fd = door->way[i].client, .events = POLLIN};
        fds[2 * i + 2] = (struct pollfd){.fd = door->way[i].server, .events = POLLIN};
    }
    poll(fds, 2 * DOOR_WAYS + 1, 1);
    for (size_t i = 0; i < DOOR_WAYS; i++) {
        bool good = true;
        if (fds[2 * i + 1].revents)
            good = door_pass(door, door->way[i].client, door->way[i].server, false);
        if (good && fds[2 * i + 2].revents)
            good = door_pass(door, door->way[i].server, door->way[i].client, true);
        if (!good || (door->way[i].client >= 0 && door->mode == DOOR_SHUT))
            door_drop(door, i);
    }
    if (fds[0].revents)
        door_take(door);
}

static inline void *door_run(void *context)
{
    struct door *door = context;
    for (int mode = DOOR_OPEN; mode != DOOR_ENDS;) {
        if (mode != door->mode && door->mode != DOOR_SILENT && door->mode != DOOR_SLOW)
            for (size_t i = 0; i < DOOR_WAYS; i++)
                door_drop(door, i);
        mode = door->mode;
        door_turn(door);
    }
    return NULL;
}

static inline void door_open(struct door *door, const char *folder)
{
    *door = (struct door){.mode = DOOR_OPEN, .cut_after = -1};
    snprintf(door->path, sizeof door->path, "%.80s/door", folder);
    snprintf(door->server, sizeof door->server, "%.80s/redis.sock", folder);
    for (size_t i = 0; i < DOOR_WAYS; i++)
        door->way[i].client = door->way[i].server = -1;
    door->listener = door_socket(door->path, true);
    pthread_create(&door->thread, NULL, door_run, door);
}

static inline void door_close(struct door *door)
{
    door->mode = DOOR_ENDS;
    pthread_join(door->thread, NULL);
    for (size_t i = 0; i < DOOR_WAYS; i++)
        door_drop(door, i);
    close(door->listener);
    unlink(door->path);
}

/* A command to the server itself, in words without blanks. False: it is refused. */
static inline bool door_order(const struct door *door, const char *command)
{
    char line[160], answer[256];
    int fd = door_socket(door->server, false);
    int size = snprintf(line, sizeof line, "%s\r\n", command);
    ssize_t got = -1;
    if (fd >= 0 && send(fd, line, (size_t)size, MSG_NOSIGNAL) == size)
        got = recv(fd, answer, sizeof answer, 0);
    if (fd >= 0)
        close(fd);
    return got > 0 && *answer != '-';
}

#endif
