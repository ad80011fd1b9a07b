/* A sensor's state directory, as whoever runs the sensor opens it: made, locked, handed to the user
 * the roles become, with the site's key. Thread: the main thread. */
#ifndef WEIR_ROLE_STATE_H
#define WEIR_ROLE_STATE_H

#include "weir/base/digest.h"
#include "weir/capture/sandbox.h"
#include "weir/config/config.h"

struct state {
    char *folder; /* sensor.state_dir */
    char *redis;  /* of the private server in it; NULL: the operator's is used */
    struct sandbox_user user;
    const char *user_name; /* sensor.user; "" of root: weir, or nobody. Borrowed */
    struct hash_key key;   /* for hashes of found items: made once, kept with what they appear in */
    int lock_fd;
};

#define STATE_INSTANCE_SIZE 33
/* Of what lies in the directory. It grows when an older Weir would misread what a newer one left.
 */
#define STATE_VERSION 1

/* −1 with ERROR_USAGE, and nothing in it touched, when it is of a newer STATE_VERSION: to try again
 * is no help. */
int state_open(struct state *state, const struct config *config, struct error *error);
/* Whom the roles of a sensor become. */
int state_find_user(const struct config *config, struct sandbox_user *user, struct error *error);
/* One more folder for the roles to write to (-o): theirs when it is made here, else as it is. */
int state_make_folder(const struct state *state, const char *path, struct error *error);
/* A folder that is the sensor's own: made, or taken over. */
int state_own_folder(const struct state *state, const char *path, struct error *error);
/* Only the site's key, of a state directory that is there, whoever runs. */
int state_read_key(const struct config *config, struct hash_key *key, struct error *error);
/* What no other state directory has: made once, and kept in it. As text; −1: it cannot be kept. */
int state_instance(const char *folder, char text[STATE_INSTANCE_SIZE], struct error *error);
void state_close(struct state *state);

#endif
