/* unix:/path | unix://[[user]:password@]/path | redis://[[user]:password@]host[:port][/db]
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

#define EXPECTED "expected embedded, unix:/path or redis://[[user]:password@]host[:port][/db]"

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

static int parse_host(struct store_url *url, const char *text, size_t size, struct error *error)
{
    const char *host = text, *end = text + size, *colon;
    size_t host_size;
    unsigned port = 6379;
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
    memcpy(url->host, host, host_size);
    url->host[host_size] = '\0';
    url->port = (uint16_t)port;
    return 0;
}

static int parse_redis(struct store_url *url, const char *rest, struct error *error)
{
    const char *at = end_of_secret(rest);
    if (at && parse_secret(url, rest, (size_t)(at - rest), error) != 0)
        return -1;
    const char *host = at ? at + 1 : rest;
    size_t size = strcspn(host, "/?#");
    if (parse_host(url, host, size, error) != 0)
        return -1;
    const char *path = host + size;
    if (*path == '\0' || strcmp(path, "/") == 0)
        return 0;
    if (*path != '/' || parse_number(path + 1, strlen(path + 1), 65535, &url->database) != 0)
        return refuse(url, "after the host only /NUMBER (of the database) may follow", error);
    return 0;
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
    if (after(text, "redis-cluster://") || after(text, "redis-sentinel://"))
        return refuse(url, "not supported yet: name the primary as redis://host:port", error);
    return refuse(url, "not a store (" EXPECTED ")", error);
}

int store_check_url(const char *url, struct error *error)
{
    struct store_url parts;
    return store_url_parse(url, &parts, error);
}
