/* The walls of the courier: what its sinks leave it. For the files of this room only. */
#ifndef WEIR_ROLE_COURIER_WALLS_H
#define WEIR_ROLE_COURIER_WALLS_H

#include "weir/bus/bus.h"

#include <stdbool.h>
#include <stddef.h>

struct courier_reach {
    const char *state;  /* the state directory */
    const char *folder; /* -o, "": none */
    const struct sink_settings *sinks;
    size_t count;
};

/* Do the sinks of this type speak to others over sockets of their own? A type that is not known
 * here does not. */
bool courier_needs_network(const char *type);
bool courier_listens(const char *type); /* for subscribers of its own, on a unix socket */
/* Files by Landlock, then calls by seccomp. Everything of every sink is open; no thread runs yet
 * but the caller's and its sinks'. −1: the courier must not go on. */
int courier_walls_raise(const struct courier_reach *reach, struct error *error);

#endif
