/* unix:/path | unix://[[user]:password@]/path | redis://[[user]:password@]host[:port][/db]
 * redis-cluster://[[user]:password@]host[:port][,host[:port]]…[?ports=PORT,…]
 * redis-sentinel://[[user]:password@]host[:port][,host[:port]]…/NAME[/db][?ports=PORT,…]
 *
 * The password ends at the last "@", so one that is not percent-encoded is mostly taken as it was
 * meant. Whatever is wrong with a URL, no message shows what stands before that "@" after the
 * user's name. Pure. */
#include "store_url.h"

#include "weir/baseline/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#define EXPECTED                                                                                   \
    "expected embedded, unix:/path, redis://[[user]:password@]host[:port][/db], "                  \
    "redis-cluster://host:port,host:port or redis-sentinel://host,host/NAME"
#define PORT_SENTINEL 26379
#define PORT_REDIS    6379

/* Steps over `prefix`; NULL when `text` does not begin with it. */
static const char *after(const char *text, const char *prefix)
{
    size_t size = strlen(prefix);
    return strncmp(text, prefix, size) == 0 ? text + size : NULL;
}

/* The "@" that ends a password, or NULL. A socket's path may hold one of its own. */
static const char *end_of_secret(const char *authority)
{
    return *authority == '/' ? NULL : strrchr(authority, '@');
}

static void show(const char *text, char shown[STORE_URL_MAX])
{
    const char *scheme = strstr(text, "://");
    const char *secret = scheme ? scheme + 3 : text;
    const char *end = !scheme && after(text, "unix:") ? NULL : end_of_secret(secret);
    if (end) {
        const char *colon = memchr(secret, ':', (size_t)(end - secret));
        if (colon)
            secret = colon + 1;
        snprintf(shown, STORE_URL_MAX, "%.*s***%s", (int)(secret - text), text, end);
    } else {
        snprintf(shown, STORE_URL_MAX, "%s", text);
    }
    for (char *at = shown; *at; at++)
        if ((unsigned char)*at < 0x20 || (unsigned char)*at >= 0x7f)
            *at = '?';
}

static int refuse(const struct store_url *url, const char *why, struct error *error)
{
    return error_set(error, ERROR_USAGE, "redis.url %s: %s", url->shown, why);
}

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c | 0x20) : NULL;
    return at && c >= '0' ? (int)(at - digits) : -1;
}

/* "%40" → "@". False on a bad escape or a NUL. `out` has room for `size` + 1. */
static bool decode(const char *text, size_t size, char *out)
{
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        if (c == '%') {
            int high = i + 2 < size ? hex_digit(text[i + 1]) : -1;
            int low = i + 2 < size ? hex_digit(text[i + 2]) : -1;
            if (high < 0 || low < 0 || (high == 0 && low == 0))
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        }
        *out++ = c;
    }
    *out = '\0';
    return true;
}

/* What stands before the "@". */
static int parse_secret(struct store_url *url, const char *text, size_t size, struct error *error)
{
    const char *colon = memchr(text, ':', size);
    if (!colon)
        return refuse(url, "a password is written redis://:PASSWORD@host", error);
    size_t user = (size_t)(colon - text);
    if (!decode(text, user, url->user) || !decode(colon + 1, size - user - 1, url->password))
        return refuse(url, "a % in the user or password is written %25", error);
    url->has_user = user > 0;
    url->has_password = size - user - 1 > 0;
    return url->has_password ? 0 : refuse(url, "the password is empty", error);
}

static int parse_number(const char *text, size_t size, unsigned max, unsigned *value)
{
    *value = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9' || *value > max / 10)
            return -1;
        *value = *value * 10 + (unsigned)(text[i] - '0');
    }
    return size > 0 && *value <= max ? 0 : -1;
}

static int add_port(struct store_url *url, unsigned port, struct error *error)
{
    if (store_url_allows(url, (uint16_t)port))
        return 0;
    if (url->port_count == STORE_PORTS)
        return refuse(url, "names more than 32 ports", error);
    url->ports[url->port_count++] = (uint16_t)port;
    return 0;
}

static int add_seed(struct store_url *url, const char *host, size_t size, unsigned port,
                    struct error *error)
{
    size_t at = 0;
    if (url->seeds == STORE_SEEDS)
        return refuse(url, "names more than 16 servers", error);
    if (url->seeds > 0)
        at = url->seed_at[url->seeds - 1] + strlen(store_url_seed(url, url->seeds - 1)) + 1;
    memcpy(url->seed_host + at, host, size);
    url->seed_host[at + size] = '\0';
    url->seed_at[url->seeds] = (uint16_t)at;
    url->seed_port[url->seeds++] = (uint16_t)port;
    if (url->seeds == 1) {
        memcpy(url->host, host, size);
        url->host[size] = '\0';
        url->port = (uint16_t)port;
    }
    return url->kind == STORE_SENTINEL ? 0 : add_port(url, port, error);
}

static int parse_host(struct store_url *url, const char *text, size_t size, struct error *error)
{
    const char *host = text, *end = text + size, *colon;
    size_t host_size;
    unsigned port = url->kind == STORE_SENTINEL ? PORT_SENTINEL : PORT_REDIS;
    if (size > 0 && *text == '[') {
        const char *bracket = memchr(text, ']', size);
        if (!bracket)
            return refuse(url, "a [ without its ]", error);
        host = text + 1;
        host_size = (size_t)(bracket - host);
        colon = bracket + 1;
        if (colon < end && *colon != ':')
            return refuse(url, "only :port may follow the ]", error);
    } else {
        colon = memchr(text, ':', size);
        if (colon && memchr(colon + 1, ':', (size_t)(end - colon - 1)))
            return refuse(url, "an IPv6 address is written in brackets, [::1]", error);
        if (!colon)
            colon = end;
        host_size = (size_t)(colon - host);
    }
    if (host_size == 0)
        return refuse(url, "names no host (" EXPECTED ")", error);
    if (colon < end &&
        (parse_number(colon + 1, (size_t)(end - colon - 1), 65535, &port) != 0 || port == 0))
        return refuse(url, "the port is not a number from 1 to 65535", error);
    return add_seed(url, host, host_size, port, error);
}

/* One, or where there may be several, those that commas part. */
static int parse_hosts(struct store_url *url, const char *text, size_t size, struct error *error)
{
    const char *end = text + size;
    for (;;) {
        const char *comma = url->kind == STORE_ALONE || text == end
                                ? NULL
                                : memchr(text, ',', (size_t)(end - text));
        if (parse_host(url, text, (size_t)((comma ? comma : end) - text), error) != 0)
            return -1;
        if (!comma)
            return 0;
        text = comma + 1;
    }
}

/* "?ports=7000,7001" */
static int parse_ports(struct store_url *url, const char *text, struct error *error)
{
    const char *at = after(text, "?ports=");
    unsigned port;
    if (!*text)
        return 0;
    do {
        size_t size = at ? strcspn(at, ",") : 0;
        if (!at || parse_number(at, size, 65535, &port) != 0 || port == 0)
            return refuse(url, "at its end only ?ports=PORT,PORT may follow", error);
        if (add_port(url, port, error) != 0)
            return -1;
        at += size;
    } while (*at++ == ',');
    return 0;
}

static int parse_database(struct store_url *url, const char *text, size_t size, struct error *error)
{
    if (size == 0 || (size == 1 && *text == '/'))
        return 0;
    if (*text != '/' || parse_number(text + 1, size - 1, 65535, &url->database) != 0)
        return refuse(url, "after the host only /NUMBER (of the database) may follow", error);
    return 0;
}

/* "/NAME" of the primary, then a database's number. */
static int parse_group(struct store_url *url, const char *text, size_t size, struct error *error)
{
    size_t name = size > 1 && *text == '/' ? strcspn(text + 1, "/?#") : 0;
    if (name == 0)
        return refuse(url, "names no primary: redis-sentinel://host,host/NAME", error);
    memcpy(url->group, text + 1, name);
    url->group[name] = '\0';
    return parse_database(url, text + 1 + name, size - 1 - name, error);
}

static int parse_redis(struct store_url *url, const char *rest, struct error *error)
{
    const char *at = end_of_secret(rest);
    if (at && parse_secret(url, rest, (size_t)(at - rest), error) != 0)
        return -1;
    const char *host = at ? at + 1 : rest;
    size_t size = strcspn(host, "/?#");
    if (parse_hosts(url, host, size, error) != 0)
        return -1;
    const char *path = host + size;
    size = url->kind == STORE_ALONE ? strlen(path) : strcspn(path, "?");
    if (url->kind == STORE_ALONE)
        return parse_database(url, path, size, error);
    if (url->kind == STORE_CLUSTER && size > 1)
        return refuse(url, "a cluster has no databases to choose from", error);
    if (url->kind == STORE_SENTINEL &&
        (parse_group(url, path, size, error) != 0 || add_port(url, PORT_REDIS, error) != 0))
        return -1;
    return parse_ports(url, path + size, error);
}

static int parse_unix(struct store_url *url, const char *rest, struct error *error)
{
    const char *authority = after(rest, "//");
    const char *path = authority ? strchr(authority, '/') : rest;
    if (authority && *authority != '/') {
        const char *at = end_of_secret(authority);
        if (!at || at[1] != '/')
            return refuse(url, "the socket's path must begin with /", error);
        if (parse_secret(url, authority, (size_t)(at - authority), error) != 0)
            return -1;
        path = at + 1;
    }
    if (!path || *path != '/')
        return refuse(url, "the socket's path must begin with /", error);
    if (strlen(path) >= sizeof((struct sockaddr_un *)NULL)->sun_path)
        return refuse(url, "the socket's path is longer than 107 bytes", error);
    url->unix_socket = true;
    memcpy(url->host, path, strlen(path) + 1);
    return 0;
}

bool store_url_allows(const struct store_url *url, uint16_t port)
{
    for (size_t i = 0; i < url->port_count; i++)
        if (url->ports[i] == port)
            return true;
    return false;
}

int store_url_parse(const char *text, struct store_url *url, struct error *error)
{
    const char *rest;
    *url = (struct store_url){.port = 6379};
    show(text, url->shown);
    if (strlen(text) >= STORE_URL_MAX - 8) {
        show("", url->shown); /* cut, it could end inside a password */
        return refuse(url, "is too long", error);
    }
    if ((rest = after(text, "unix:")) != NULL)
        return parse_unix(url, rest, error);
    if ((rest = after(text, "redis://")) != NULL)
        return parse_redis(url, rest, error);
    if (after(text, "rediss://"))
        return refuse(url,
                      "TLS is not supported (the hiredis this was built with has none): tunnel it "
                      "(stunnel, WireGuard, ssh -L) and give redis://127.0.0.1:PORT",
                      error);
    if ((rest = after(text, "redis-cluster://")) != NULL) {
        url->kind = STORE_CLUSTER;
        return parse_redis(url, rest, error);
    }
    if ((rest = after(text, "redis-sentinel://")) != NULL) {
        url->kind = STORE_SENTINEL;
        return parse_redis(url, rest, error);
    }
    return refuse(url, "not a store (" EXPECTED ")", error);
}

int store_check_url(const char *url, struct error *error)
{
    struct store_url parts;
    return store_url_parse(url, &parts, error);
}
