/* The walls of the courier: what its sinks leave it. For the files of this room only. */
#ifndef WEIR_ROLE_COURIER_WALLS_H
#define WEIR_ROLE_COURIER_WALLS_H

#include "weir/bus/bus.h"
#include "weir/config/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct courier_reach {
    const char *state;  /* the state directory */
    const char *folder; /* -o, "": none */
    const struct sink_settings *sinks;
    size_t count;
};

/* Paths that sinks' settings name; further ones are out of reach. */
#define COURIER_PLACES (CONFIG_SINKS * 8)

struct courier_walls {
    struct courier_place {
        char *path;
        dev_t device;
        ino_t inode; /* 0: it was not there */
    } place[COURIER_PLACES];
    size_t count;
};

/* Do the sinks of this type speak to others over sockets of their own? A type that is not known
 * here does not. */
bool courier_needs_network(const char *type);
bool courier_listens(const char *type); /* for subscribers of its own, on a unix socket */
/* Files by Landlock, then calls by seccomp. Everything of every sink is open; no thread runs yet
 * but the caller's and its sinks'. −1: the courier must not go on. */
int courier_walls_raise(struct courier_walls *walls, const struct courier_reach *reach,
                        struct error *error);
/* A path of a sink's that leads elsewhere now, and so can only be reached by another courier;
 * NULL: none. */
const char *courier_walls_outdated(const struct courier_walls *walls);
void courier_walls_fini(struct courier_walls *walls);

#endif
