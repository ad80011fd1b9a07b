/* What Redis says, in words an operator can act on. One line each: the URL without its password,
 * what it means, and the server's own words where they add something. Pure. */
#include "store_link.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define QUOTE_SIZE 120

/* Error replies begin with a code; inside a script, older servers put theirs before it. */
static const struct meaning {
    const char *code, *text;
} meanings[] = {
    {"LOADING", "is still loading its data (LOADING): try again when it is done"},
    {"READONLY", "is a read-only replica (READONLY): name the primary"},
    {"OOM", "is full (OOM): its maxmemory is reached; raise it, or give Weir a server of its own"},
    {"MISCONF", "takes no writes because it cannot save to its own disk (MISCONF): see its log"},
    {"WRONGPASS", "refuses the user or password (WRONGPASS)"},
    {"NOAUTH", "wants a password (NOAUTH): redis://:PASSWORD@host"},
    {"NOPERM", "does not let this user do what Weir needs (NOPERM): allow it the prefix's keys"},
    {"MOVED", "is one node of a cluster (MOVED): name it as redis-cluster://"},
    {"ASK", "is one node of a cluster (ASK): name it as redis-cluster://"},
    {"CROSSSLOT", "is one node of a cluster (CROSSSLOT): name it as redis-cluster://"},
    {"TRYAGAIN", "moves keys for too long (TRYAGAIN): see its slots that are migrating"},
    {"CLUSTERDOWN", "has slots that no server answers for (CLUSTERDOWN)"},
    {"ERR This instance has cluster support disabled", "is no cluster: name it as redis://"},
    {"MASTERDOWN", "is a replica that lost its primary (MASTERDOWN): name the primary"},
    {"NOREPLICAS", "has too few replicas to take writes (NOREPLICAS)"},
    {"BUSY", "is busy with somebody's script (BUSY)"},
    {"DENIED", "is in protected mode and takes no remote client (DENIED)"},
    {"NAMESAKE", "knows another sensor of this name that is at work: give each a sensor.name"},
    {"WRONGTYPE", "holds another program's data under Weir's keys (WRONGTYPE)"},
    {"ERR invalid password", "refuses the password"},
    {"ERR AUTH", "has no password set, but the URL names one"},
    {"ERR Client sent AUTH", "has no password set, but the URL names one"},
    {"ERR DB index", "does not have the database that the URL names"},
    {"ERR invalid DB index", "does not have the database that the URL names"},
    {"ERR max number of clients", "has no connection left for another client (maxclients)"},
    {"ERR unknown command", "lacks a command that Weir needs (Redis 4 or later is expected)"},
};

/* Of these, what refuses writes only. */
static const char *const of_writes[] = {"READONLY", "OOM", "MISCONF", "NOREPLICAS", "NAMESAKE"};

static bool names(const char *text, const char *code)
{
    size_t size = strlen(code);
    for (const char *at = text; (at = strstr(at, code)) != NULL; at++)
        if ((at == text || at[-1] == '-') && (at[size] == ' ' || at[size] == '\0'))
            return true;
    return false;
}

/* The server's words: printable, short. */
static char *quote(const char *text, char quoted[QUOTE_SIZE])
{
    snprintf(quoted, QUOTE_SIZE, "%.*s", QUOTE_SIZE - 1, text);
    for (char *at = quoted; *at; at++)
        if ((unsigned char)*at < 0x20 || (unsigned char)*at >= 0x7f)
            *at = '?';
    return quoted;
}

static const char *meaning_of_reply(const char *text)
{
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++)
        if (names(text, meanings[i].code))
            return meanings[i].text;
    return NULL;
}

static bool is_of_writes(const char *text)
{
    for (size_t i = 0; i < sizeof of_writes / sizeof of_writes[0]; i++)
        if (names(text, of_writes[i]))
            return true;
    return false;
}

bool store_error_reply(const struct store_url *url, const char *text, struct error *error)
{
    char quoted[QUOTE_SIZE];
    const char *meaning = meaning_of_reply(text);
    if (meaning)
        error_set(error, ERROR_RUN, "redis at %s: %s", url->shown, meaning);
    else
        error_set(error, ERROR_RUN, "redis at %s: answers: %s", url->shown, quote(text, quoted));
    return is_of_writes(text);
}

static const char closed[] = "closed the connection";

static const char *meaning_of_system(const struct store_url *url, const char *text)
{
    if (strstr(text, strerror(ENOENT)))
        return "no such socket: is redis-server running, with this unixsocket?";
    if (strstr(text, strerror(ECONNREFUSED)))
        return url->unix_socket ? "connection refused: the socket is there, its server is not"
                                : "connection refused: nothing listens there";
    if (strstr(text, strerror(EACCES)))
        return "permission denied: this user may not use the socket";
    if (strstr(text, strerror(ECONNRESET)) || strstr(text, strerror(EPIPE)))
        return closed;
    return NULL;
}

void store_error_link(const struct store_url *url, int code, const char *text, struct error *error)
{
    char quoted[QUOTE_SIZE];
    const char *shown = url->shown, *meaning;
    if (code == REDIS_ERR_PROTOCOL) {
        error_set(error, ERROR_RUN,
                  "redis at %s: does not speak Redis: is another service there? (%s)", shown,
                  quote(text, quoted));
        return;
    }
    if (code == REDIS_ERR_EOF)
        meaning = closed;
    else if (code == REDIS_ERR_OTHER) /* an error reply to no command, or a name look-up */
        meaning = meaning_of_reply(text);
    else
        meaning = meaning_of_system(url, text);
    error_set(error, ERROR_RUN, "redis at %s: %s", shown, meaning ? meaning : quote(text, quoted));
}
