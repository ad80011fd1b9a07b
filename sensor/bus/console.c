/* The console's guard; console.h says in which order a request is looked at.
 *
 * A cookie that a client made up is never taken over: a session's id is made here, anew at each
 * login, so there is nothing to fixate. Pages need no session: they hold nothing of the site.
 * Thread: the loop's. */
#include "console_local.h"

#include "console_host.h"

#include "weir/base/buffer.h"
#include "weir/bus/console_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TURN_NS (25 * NS_PER_MS) /* of a quarter second: a tenth of the loop at most */

/* Nothing of anywhere else, no script or style but our files', in nobody's frame. */
#define HEADERS                                                                                    \
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src "   \
    "'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors "      \
    "'none'; require-trusted-types-for 'script'\r\n"                                               \
    "X-Content-Type-Options: nosniff\r\n"                                                          \
    "X-Frame-Options: DENY\r\n"                                                                    \
    "Referrer-Policy: no-referrer\r\n"                                                             \
    "Cross-Origin-Opener-Policy: same-origin\r\n"                                                  \
    "Cross-Origin-Resource-Policy: same-origin\r\n"                                                \
    "Permissions-Policy: camera=(), geolocation=(), microphone=()\r\n"
#define HEADERS_TLS HEADERS "Strict-Transport-Security: max-age=31536000\r\n"

/* --- what it stands on ------------------------------------------------------------------------ */

bool console_has_token(const struct console_settings *settings)
{
    return console_is_loopback(settings->listen) && !*settings->users_file;
}

/* The users, and the certificate; both stay empty where there are none. */
static int read_files(const struct console_settings *settings, struct console_users *users,
                      struct tls_context **tls, struct error *error)
{
    *users = (struct console_users){.user = NULL};
    *tls = NULL;
    if (*settings->users_file && console_users_read(users, settings->users_file, error) != 0)
        return -1;
    if (!*settings->cert_file)
        return *settings->key_file
                   ? error_set(error, ERROR_USAGE, "console.key: expected a console.cert with it")
                   : 0;
    *tls = tls_server_context_new(settings->cert_file,
                                  *settings->key_file ? settings->key_file : NULL, error);
    return *tls ? 0 : -1;
}

static int check_reach(const struct console_settings *settings, const struct console_users *users,
                       struct error *error)
{
    if (*settings->users_file && users->count == 0)
        return error_set(error, ERROR_USAGE,
                         "%s: has no user, expected one (weir console user add)",
                         settings->users_file);
    if (console_is_loopback(settings->listen) || (*settings->cert_file && users->count > 0))
        return 0;
    return error_set(error, ERROR_USAGE,
                     "console.listen: \"%s\" is beyond the loopback: expected console.cert (TLS) "
                     "and console.users with at least one user",
                     settings->listen);
}

int console_check(const struct console_settings *settings, struct error *error)
{
    struct console_users users;
    struct tls_context *tls;
    int failed =
        read_files(settings, &users, &tls, error) != 0 || check_reach(settings, &users, error) != 0;
    console_users_fini(&users);
    tls_context_free(tls);
    return failed ? -1 : 0;
}

/* --- the guard -------------------------------------------------------------------------------- */

static bool is(const char *one, const char *other)
{
    return strcmp(one, other) == 0;
}

static bool give_file(const struct api_request *request, struct api_reply *reply)
{
    const struct console_file *file = console_file_find(request->path);
    const char *had = request->header[API_NONE_MATCH];
    if (!is(request->method, "GET") || !file)
        return false;
    /* looked at anew each time: another version of the program has other files */
    reply->headers = xasprintf("Cache-Control: no-cache\r\nETag: \"%s\"\r\n", file->etag);
    reply->type = file->type;
    if (had && strstr(had, file->etag)) {
        reply->status = 304;
        return true;
    }
    reply->bytes = file->bytes;
    reply->size = file->size;
    return true;
}

static struct session *session_of(struct console *console, const struct api_request *request)
{
    char id[SECRET_SIZE];
    return console_cookie(request->header[API_COOKIE], console->cookie, id, SECRET_SIZE - 1)
               ? sessions_find(&console->sessions, id, wtime_now())
               : NULL;
}

/* Of another page, however the browser was made to ask. */
static bool is_forged(struct console *console, const struct api_request *request,
                      const struct session *session, struct api_reply *reply)
{
    const char *csrf = request->header[API_CSRF];
    if (csrf && secret_equal(session->csrf, csrf))
        return false;
    console->counts.forged++;
    api_refuse(reply, 403, "X-Weir-CSRF: expected the token of this session");
    return true;
}

static void end_session(const struct console *console, struct session *session,
                        struct api_reply *reply)
{
    session_end(session);
    reply->body = xstrdup("{\"ok\":true}");
    reply->headers =
        xasprintf("Set-Cookie: %s=; Path=/; HttpOnly; SameSite=Strict%s; Max-Age=0\r\n",
                  console->cookie, console->tls ? "; Secure" : "");
}

/* Whether whoever has this session may ask this. `reply` is filled where not. */
static bool may_ask(struct console *console, const struct api_request *request,
                    const struct session *session, struct api_reply *reply)
{
    if (!session) {
        api_refuse(reply, 401, "log in first");
        return false;
    }
    if (is(request->method, "GET"))
        return true;
    if (is_forged(console, request, session, reply))
        return false;
    if (session->role == CONSOLE_ANALYST || is(request->path, "/v1/session"))
        return true;
    api_refuse(reply, 403, "a viewer only looks: this takes the role analyst");
    return false;
}

/* A form of another page cannot send this type without asking first (CORS), which nobody answers.
 */
static bool is_json(const struct api_request *request)
{
    const char *type = request->header[API_CONTENT_TYPE];
    return type && strncmp(type, "application/json", 16) == 0;
}

static bool is_from_here(struct console *console, const struct api_request *request,
                         struct api_reply *reply)
{
    const char *host = request->header[API_HOST];
    if (!host || !console_host_is_ours(console->settings, host))
        api_refuse(reply, 421, "Host: this console is not known by that name (console.names)");
    else if (!console_origin_is(request->header[API_ORIGIN], host, console->tls != NULL))
        api_refuse(reply, 403, "Origin: another page asks");
    else
        return true;
    console->counts.strangers++;
    return false;
}

static bool admit(void *context, struct api_request *request, struct api_reply *reply)
{
    struct console *console = context;
    if (!is_from_here(console, request, reply) || give_file(request, reply))
        return false;
    if (request->body_size > 0 && !is_json(request)) {
        api_refuse(reply, 415, "Content-Type: expected application/json");
        return false;
    }
    bool own = is(request->path, "/v1/session");
    if (own && is(request->method, "POST")) {
        if (is_json(request))
            console_log_in(console, request, reply);
        else
            api_refuse(reply, 415, "Content-Type: expected application/json");
        return false;
    }
    struct session *session = session_of(console, request);
    if (!may_ask(console, request, session, reply))
        return false;
    request->user = session->user;
    request->session = session->number;
    if (own && is(request->method, "GET"))
        console_put_session(console, session, NULL, reply);
    else if (own && is(request->method, "DELETE"))
        end_session(console, session, reply);
    else
        return true;
    return false;
}

static bool holds(void *context, uint64_t session)
{
    struct console *console = context;
    return sessions_hold(&console->sessions, session, wtime_now());
}

/* --- life ------------------------------------------------------------------------------------- */

static void name_cookie(struct console *console)
{
    const char *port = strrchr(console->settings->listen, ':');
    snprintf(console->cookie, sizeof console->cookie, "%s" CONSOLE_COOKIE "_%s",
             console->tls ? "__Host-" : "", port ? port + 1 : "");
}

struct console *console_open(const struct console_settings *settings, const char *token,
                             struct error *error)
{
    struct console *console = xcalloc(1, sizeof *console);
    console->settings = settings;
    console->token = console_has_token(settings) ? token : "";
    console->done[0] = console->done[1] = -1;
    if (read_files(settings, &console->users, &console->tls, error) == 0 &&
        check_reach(settings, &console->users, error) == 0) {
        name_cookie(console);
        if (pipe2(console->done, O_CLOEXEC) == 0 &&
            fcntl(console->done[0], F_SETFL, O_NONBLOCK) == 0)
            return console;
        error_set(error, ERROR_RUN, "console: %s", strerror(errno));
    }
    console_close(console);
    return NULL;
}

static void on_done(void *context, unsigned what)
{
    (void)what;
    console_take_tries(context, false);
}

int console_serve(struct console *console, struct loop_ref loop, int listener,
                  const struct api_route *routes, void *context, struct error *error)
{
    console->loop = loop;
    console->guard =
        (struct api_guard){console, admit, holds, console->tls ? HEADERS_TLS : HEADERS};
    const struct api_settings settings = {.tls = console->tls,
                                          .guard = &console->guard,
                                          .streams = console->settings->streams,
                                          .turn_ns = TURN_NS};
    console->api = api_new_with(loop, listener, routes, context, &settings, error);
    if (!console->api)
        return -1;
    console->done_watch = loop.ops->watch(loop.loop, console->done[0], LOOP_READ, on_done, console);
    return console->done_watch ? 0 : error_set(error, ERROR_RUN, "console: cannot be watched");
}

void console_close(struct console *console)
{
    if (!console)
        return;
    api_free(console->api);
    console->api = NULL;
    while (console->tries > 0)
        console_take_tries(console, true);
    if (console->done_watch)
        console->loop.ops->drop(console->done_watch);
    for (size_t i = 0; i < 2; i++)
        if (console->done[i] >= 0)
            close(console->done[i]);
    tls_context_free(console->tls);
    console_users_fini(&console->users);
    free(console);
}

struct api *console_server(const struct console *console)
{
    return console->api;
}

struct console_counts console_counts_of(const struct console *console)
{
    struct console_counts counts = console->counts;
    counts.sessions = sessions_count(&console->sessions, wtime_now());
    counts.crowded = console->sessions.crowded;
    return counts;
}
