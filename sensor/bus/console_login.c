/* How a session of the console begins.
 *
 * Every failure is told in the same words and, of a password, takes the same time, whether or not
 * there is such a user: the hash of another one is tried then. Who failed LOCK_FAILURES times from
 * one network waits, by the name as it was typed: a name that nobody has is counted and locked as
 * another one is, so the lock says nothing of who there is. A try is one object: the loop makes it,
 * a thread fills it, and by the pipe the loop has it back. Nothing of a password is kept. */
#include "aside.h"
#include "console_host.h"
#include "console_local.h"

#include "weir/base/buffer.h"
#include "weir/base/json.h"
#include "weir/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOBODY        "?" /* no user's name */
#define TOKEN         "token"
#define LOCK_OF_TOKEN "token" /* no name's: those begin as LOCK_OF_NAME does */
#define LOCK_OF_NAME  "user "

struct
try {
    int done; /* where to say that it is over */
    uint64_t ticket;
    struct ip from;
    char *who;               /* for the lock */
    char user[CONSOLE_NAME]; /* NOBODY: there is no such user */
    char stored[PASSWORD_STORED];
    char password[PASSWORD_MAX + 1];
    bool fits;
};

/* --- replies ---------------------------------------------------------------------------------- */

void console_put_session(const struct console *console, const struct session *session,
                         const char *id, struct api_reply *reply)
{
    struct json *json = json_new();
    json_open(json, NULL);
    json_str(json, "user", session->user);
    json_str(json, "role", console_role_name[session->role]);
    json_str(json, "csrf", session->csrf);
    json_close(json);
    reply->body = json_take_text(json, 0);
    json_free(json);
    if (id)
        reply->headers = xasprintf("Set-Cookie: %s=%s; Path=/; HttpOnly; SameSite=Strict%s\r\n",
                                   console->cookie, id, console->tls ? "; Secure" : "");
}

static void refuse_for(struct api_reply *reply, int64_t wait_ns)
{
    int64_t wait_s = (wait_ns + NS_PER_S - 1) / NS_PER_S;
    char text[96];
    snprintf(text, sizeof text, "too many tries: try again in %" PRId64 " s", wait_s);
    api_refuse(reply, 429, text);
    reply->headers = xasprintf("Retry-After: %" PRId64 "\r\n", wait_s);
}

static void refuse(struct console *console, struct api_reply *reply)
{
    console->counts.failures++;
    api_refuse(reply, 401, "this is not who you are: the user, the password or the token is wrong");
}

/* `who`: for the lock. */
static void settle(struct console *console, const char *who, const char *user,
                   enum console_role role, const struct ip *from, bool fits,
                   struct api_reply *reply)
{
    char id[SECRET_SIZE], text[IP_TEXT_SIZE];
    if (fits) {
        locks_pass(&console->locks, who, from);
        console->counts.logins++;
        const struct session *session =
            sessions_begin(&console->sessions, user, role, wtime_now(), id);
        console_put_session(console, session, id, reply);
        return;
    }
    if (locks_fail(&console->locks, who, from, wtime_now())) {
        console->counts.locked++;
        log_warn("console: too many failures to log in as %s from %s", user, ip_text(from, text));
    }
    refuse(console, reply);
}

/* --- tries ------------------------------------------------------------------------------------ */

static void work(void *context)
{
    struct try *try = context;
    try->fits = password_fits(try->stored, try->password);
    explicit_bzero(try->password, sizeof try->password);
    ssize_t wrote;
    do
        wrote = write(try->done, &try, sizeof try);
    while (wrote < 0 && errno == EINTR);
}

static void finish(struct console *console, struct try *try)
{
    struct api_reply reply = {.status = 200, .type = "application/json"};
    const struct console_user *user = console_users_find(&console->users, try->user);
    console->tries--;
    settle(console, try->who, try->user, user ? user->role : CONSOLE_VIEWER, &try->from,
           user && try->fits, &reply);
    if (console->api)
        api_answer(console->api, try->ticket, &reply);
    else {
        free(reply.body);
        free(reply.headers);
    }
    free(try->who);
    free(try);
}

void console_take_tries(struct console *console, bool wait)
{
    struct pollfd ready = {.fd = console->done[0], .events = POLLIN};
    struct try *try;
    if (wait)
        poll(&ready, 1, -1);
    while (read(console->done[0], &try, sizeof try) == (ssize_t)sizeof try)
        finish(console, try);
}

static struct try *make_try(const struct console *console, const struct api_request *request,
                            const char *name, const char *password)
{
    const struct console_user *user = console_users_find(&console->users, name);
    struct try *try = xcalloc(1, sizeof *try);
    *try = (struct try){.done = console->done[1],
                        .ticket = request->ticket,
                        .from = request->peer,
                        .who = xasprintf(LOCK_OF_NAME "%s", name)};
    snprintf(try->user, sizeof try->user, "%s", user ? user->name : NOBODY);
    snprintf(try->stored, sizeof try->stored, "%s",
             user ? user->stored : console->users.user[0].stored);
    snprintf(try->password, sizeof try->password, "%s", password);
    return try;
}

static void begin_try(struct console *console, const struct api_request *request, const char *name,
                      const char *password, struct api_reply *reply)
{
    struct try *try = make_try(console, request, name, password);
    int64_t wait = locks_wait_ns(&console->locks, try->who, &request->peer, wtime_now());
    if (wait > 0 || console->tries == CONSOLE_TRIES || aside(work, try) != 0) {
        refuse_for(reply, wait > 0 ? wait : NS_PER_S);
        explicit_bzero(try->password, sizeof try->password);
        free(try->who);
        free(try);
        return;
    }
    console->tries++;
    reply->later = true;
}

static void try_token(struct console *console, const struct api_request *request, const char *token,
                      struct api_reply *reply)
{
    if (!*console->token) { /* nobody can guess what there is not: it locks nobody */
        refuse(console, reply);
        return;
    }
    int64_t wait = locks_wait_ns(&console->locks, LOCK_OF_TOKEN, &request->peer, wtime_now());
    if (wait > 0)
        refuse_for(reply, wait);
    else
        settle(console, LOCK_OF_TOKEN, TOKEN, CONSOLE_ANALYST, &request->peer,
               secret_equal(console->token, token), reply);
}

void console_log_in(struct console *console, const struct api_request *request,
                    struct api_reply *reply)
{
    struct json_value *root = json_parse(request->body, request->body_size, NULL);
    const char *user = json_text(json_get(root, "user"));
    const char *password = json_text(json_get(root, "password"));
    const char *token = json_text(json_get(root, "token"));
    if (token && !user && !password)
        try_token(console, request, token, reply);
    else if (!user || !password || strlen(password) > PASSWORD_MAX || token)
        api_refuse(reply, 400, "expected {\"user\",\"password\"} or {\"token\"}");
    else if (console->users.count == 0)
        api_refuse(reply, 401, "this sensor has no users: use the link that it printed");
    else
        begin_try(console, request, user, password, reply);
    json_value_free(root);
}
