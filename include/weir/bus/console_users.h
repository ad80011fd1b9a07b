/* Who may use the console: a file of lines "NAME:ROLE:HASH", as `weir console user` writes it; "#"
 * begins a comment. Roles: a viewer looks, an analyst also acts (acknowledges, closes, silences).
 * Bound: CONSOLE_USERS; more, or a line that is none, is refused with its place. Thread: any. */
#ifndef WEIR_BUS_CONSOLE_USERS_H
#define WEIR_BUS_CONSOLE_USERS_H

#include "weir/base/error.h"
#include "weir/base/secret.h"

#include <stddef.h>

#define CONSOLE_USERS 256
#define CONSOLE_NAME  32 /* bytes, with the NUL: a-z A-Z 0-9 . _ - @ */

enum console_role { CONSOLE_VIEWER, CONSOLE_ANALYST, CONSOLE_ROLES };
extern const char *const console_role_name[CONSOLE_ROLES];

struct console_user {
    char name[CONSOLE_NAME];
    enum console_role role;
    char stored[PASSWORD_STORED];
};

struct console_users {
    struct console_user *user;
    size_t count;
};

/* −1 and "FILE:line: what is wrong, what was expected"; `name` is the file's. */
int console_users_parse(struct console_users *users, const char *name, const char *text,
                        size_t size, struct error *error);
int console_users_read(struct console_users *users, const char *path, struct error *error);
/* Nobody else changes a file of users in the folder of `path` until the descriptor is closed. −1:
 * somebody does, or there is no such folder. */
int console_users_lock(const char *path, struct error *error);
/* In the place of what was there, 0600, whole or not at all; who owned the file goes on to, else it
 * is an error. */
int console_users_write(const struct console_users *users, const char *path, struct error *error);
void console_users_fini(struct console_users *users);

struct console_user *console_users_find(const struct console_users *users, const char *name);
/* Adds, or replaces the one of the same name. −1: no name, or too many. */
int console_users_put(struct console_users *users, const struct console_user *user,
                      struct error *error);
bool console_users_remove(struct console_users *users, const char *name);
int console_role_find(const char *name); /* −1: none */

#endif
