/* The store's URL, taken apart. Fixed sizes, no allocation. */
#ifndef SENSOR_BASELINE_STORE_URL_H
#define SENSOR_BASELINE_STORE_URL_H

#include "weir/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_URL_MAX 400 /* longer ones are refused: messages quote them */

#define STORE_SEEDS 16 /* servers that a URL names */
#define STORE_PORTS 32 /* ports that it allows, theirs among them */

enum store_kind { STORE_ALONE, STORE_CLUSTER, STORE_SENTINEL };

struct store_url {
    enum store_kind kind;
    bool unix_socket;
    char host[STORE_URL_MAX]; /* unix_socket: the path; of several: the first */
    uint16_t port;
    char seed_host[STORE_URL_MAX + STORE_SEEDS]; /* each with its NUL */
    uint16_t seed_at[STORE_SEEDS], seed_port[STORE_SEEDS];
    size_t seeds; /* at least one unless unix_socket */
    /* Where nodes may be (a cluster), or the primary (sentinels): no walls let others through. */
    uint16_t ports[STORE_PORTS];
    size_t port_count;
    char group[STORE_URL_MAX]; /* the name that sentinels know the primary by */
    unsigned database;
    bool has_user, has_password;
    char user[STORE_URL_MAX], password[STORE_URL_MAX];
    char shown[STORE_URL_MAX]; /* for people: the password is *** */
};

/* −1 and ERROR_USAGE when it makes no sense or names what is not supported, saying what is. */
int store_url_parse(const char *text, struct store_url *url, struct error *error);
static inline const char *store_url_seed(const struct store_url *url, size_t i)
{
    return url->seed_host + url->seed_at[i];
}
bool store_url_allows(const struct store_url *url, uint16_t port);
/* Of servers on TCP: their hosts are addresses, so there is nothing to look up. */
bool store_url_is_address(const struct store_url *url);

#endif
