/* See console_host.h. Thread: any. */
#include "console_host.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define HOST_MAX 256

/* Cuts the port and an IPv6 address's brackets off. False: it is no host. */
static bool cut_host(const char *text, char host[HOST_MAX])
{
    bool six = *text == '[';
    const char *from = text + six;
    size_t size = strcspn(from, six ? "]" : ":");
    const char *behind = from + size + six;
    if (size == 0 || size >= HOST_MAX || (six && from[size] != ']'))
        return false;
    if (*behind && (*behind != ':' || behind[1] == '\0' ||
                    behind[1 + strspn(behind + 1, "0123456789")] != '\0'))
        return false;
    memcpy(host, from, size);
    host[size] = '\0';
    return true;
}

bool console_is_loopback(const char *listen)
{
    char host[HOST_MAX];
    struct ip ip;
    return cut_host(listen, host) && ip_parse(host, &ip) == 0 && ip_is_loopback(&ip);
}

bool console_host_is_ours(const struct console_settings *settings, const char *text)
{
    char host[HOST_MAX];
    struct ip ip;
    bool loopback = console_is_loopback(settings->listen);
    if (!cut_host(text, host))
        return false;
    if (ip_parse(host, &ip) == 0)
        return !loopback || ip_is_loopback(&ip);
    for (size_t i = 0; i < settings->name_count; i++)
        if (strcasecmp(settings->name[i], host) == 0)
            return true;
    return loopback && strcasecmp(host, "localhost") == 0;
}

bool console_origin_is(const char *origin, const char *host, bool tls)
{
    const char *scheme = tls ? "https://" : "http://";
    size_t size = strlen(scheme);
    return !origin ||
           (strncasecmp(origin, scheme, size) == 0 && strcasecmp(origin + size, host) == 0);
}

bool console_cookie(const char *cookies, const char *name, char *value, size_t size)
{
    size_t name_size = strlen(name);
    while (cookies && *cookies) {
        cookies += strspn(cookies, " ;");
        size_t pair = strcspn(cookies, ";");
        if (pair == name_size + 1 + size && memcmp(cookies, name, name_size) == 0 &&
            cookies[name_size] == '=') {
            memcpy(value, cookies + name_size + 1, size);
            value[size] = '\0';
            return true;
        }
        cookies += pair;
    }
    return false;
}
