/* The store's URL, taken apart. Fixed sizes, no allocation. */
#ifndef SENSOR_BASELINE_STORE_URL_H
#define SENSOR_BASELINE_STORE_URL_H

#include "weir/base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define STORE_URL_MAX 400 /* longer ones are refused: messages quote them */

struct store_url {
    bool unix_socket;
    char host[STORE_URL_MAX]; /* unix_socket: the path */
    uint16_t port;
    unsigned database;
    bool has_user, has_password;
    char user[STORE_URL_MAX], password[STORE_URL_MAX];
    char shown[STORE_URL_MAX]; /* for people: the password is *** */
};

/* −1 and ERROR_USAGE when it makes no sense or names what is not supported, saying what is. */
int store_url_parse(const char *text, struct store_url *url, struct error *error);
/* Of a server on TCP: its host is an address, so there is nothing to look up. */
bool store_url_is_address(const struct store_url *url);

#endif
