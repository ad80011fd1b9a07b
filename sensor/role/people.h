/* Who a user id is, for a process that will have no files to look it up in: /etc/passwd is read
 * once, before the walls. Users of directories beyond it (LDAP) stay numbers. Bound: PEOPLE_MAX.
 * Thread: one. */
#ifndef WEIR_ROLE_PEOPLE_H
#define WEIR_ROLE_PEOPLE_H

#include "weir/bus/api.h"

#include <stddef.h>
#include <stdint.h>

#define PEOPLE_MAX  4096u
#define PEOPLE_NAME 40

struct people {
    struct person {
        uint32_t uid;
        char name[PEOPLE_NAME];
    } * person;
    size_t count;
};

void people_read(struct people *people);
void people_fini(struct people *people);
/* "alice", "uid 1042", "?" for −1. */
char *people_name(const struct people *people, int64_t uid, char text[PEOPLE_NAME]);
/* Who asks: the console's user, or whose process connected. */
char *people_asks(const struct people *people, const struct api_request *request,
                  char text[PEOPLE_NAME]);

#endif
