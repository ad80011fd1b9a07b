/* See people.h. */
#include "people.h"

#include "weir/base/buffer.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>

void people_read(struct people *people)
{
    FILE *file = fopen("/etc/passwd", "re");
    *people = (struct people){.person = xcalloc(PEOPLE_MAX, sizeof *people->person)};
    if (!file)
        return;
    for (const struct passwd *user;
         people->count < PEOPLE_MAX && (user = fgetpwent(file)) != NULL;) {
        struct person *person = &people->person[people->count++];
        person->uid = user->pw_uid;
        snprintf(person->name, sizeof person->name, "%s", user->pw_name);
    }
    fclose(file);
}

void people_fini(struct people *people)
{
    free(people->person);
    *people = (struct people){.person = NULL};
}

char *people_name(const struct people *people, int64_t uid, char text[PEOPLE_NAME])
{
    for (size_t i = 0; uid >= 0 && i < people->count; i++)
        if (people->person[i].uid == uid) {
            snprintf(text, PEOPLE_NAME, "%s", people->person[i].name);
            return text;
        }
    if (uid < 0)
        snprintf(text, PEOPLE_NAME, "?");
    else
        snprintf(text, PEOPLE_NAME, "uid %" PRId64, uid);
    return text;
}

char *people_asks(const struct people *people, const struct api_request *request,
                  char text[PEOPLE_NAME])
{
    if (!request->user)
        return people_name(people, request->uid, text);
    snprintf(text, PEOPLE_NAME, "%s", request->user);
    return text;
}
