/* Names out of credentials and targets, and what becomes of them when a server answers.
 *
 * Bounds: ASKED_NAME_MAX bytes of a name, on the stack; DECODED_MAX of what base64 holds. What is
 * told waits with the other items of the answering side (items.h), and is told once a flow.
 * Thread: the capture thread. */
#include "asked.h"

#include "sextets.h"

#include <string.h>
#include <strings.h>

/* PLAIN has two names of 255 bytes and their NULs before the password (RFC 4616 2); a name that
 * does not end within is none. */
#define DECODED_MAX 512u

static bool is(struct text_span text, const char *word)
{
    return text.size == strlen(word) && strncasecmp(text.at, word, text.size) == 0;
}

/* Up to the first of `separators`, which is stepped over. */
static struct text_span take_until(struct text_span *rest, const char *separators)
{
    size_t size = 0;
    size_t count = strlen(separators);
    while (size < rest->size && !memchr(separators, rest->at[size], count))
        size++;
    struct text_span part = {rest->at, size};
    size += size < rest->size;
    rest->at += size;
    rest->size -= size;
    return part;
}

static void name_set(struct asked_name *name, const char *text, size_t size)
{
    name->size = (uint16_t)(size < ASKED_NAME_MAX ? size : ASKED_NAME_MAX);
    memcpy(name->text, text, name->size);
}

/* --- SASL --------------------------------------------------------------------------------------
 */

static size_t decode(struct text_span text, char *out, size_t room)
{
    return sextets_decode(text_span_trim(text), (uint8_t *)out, room);
}

void asked_base64(struct text_span base64, struct asked_name *account)
{
    account->size = (uint16_t)decode(base64, account->text, ASKED_NAME_MAX);
}

/* authzid NUL authcid NUL password: the second is who logs in. Without its NUL it may be anything,
 * a secret too. */
void asked_plain(struct text_span base64, struct asked_name *account)
{
    char text[DECODED_MAX];
    size_t size = decode(base64, text, sizeof text);
    const char *first = size ? memchr(text, '\0', size) : NULL;
    account->size = 0;
    if (!first)
        return;
    const char *name = first + 1;
    const char *end = memchr(name, '\0', (size_t)(text + size - name));
    if (end)
        name_set(account, name, (size_t)(end - name));
}

/* --- HTTP's credentials ------------------------------------------------------------------------
 */

/* user ":" password. Without its colon it may be anything, a secret too. */
static void basic(struct text_span value, struct asked_name *account)
{
    char text[DECODED_MAX];
    size_t size = decode(value, text, sizeof text);
    const char *end = size ? memchr(text, ':', size) : NULL;
    if (end)
        name_set(account, text, (size_t)(end - text));
}

/* A quoted string's inside, escapes as they stand; a token is taken up to the comma. */
static struct text_span take_value(struct text_span *rest)
{
    *rest = text_span_trim(*rest);
    if (rest->size == 0 || *rest->at != '"')
        return text_span_trim(take_until(rest, ","));
    size_t size = 1;
    while (size < rest->size && rest->at[size] != '"')
        size += rest->at[size] == '\\' && size + 1 < rest->size ? 2 : 1;
    struct text_span value = {rest->at + 1, size - 1};
    rest->at += size;
    rest->size -= size;
    take_until(rest, ",");
    return value;
}

/* username="alice", or username*=UTF-8''al%C3%ADce, which counts as it stands. */
static void digest(struct text_span rest, struct asked_name *account)
{
    while (rest.size) {
        struct text_span name = text_span_trim(take_until(&rest, "="));
        struct text_span value = take_value(&rest);
        if (is(name, "username") || is(name, "username*")) {
            name_set(account, value.at, value.size);
            return;
        }
    }
}

void asked_credentials(struct text_span value, struct asked_name *account)
{
    struct text_span rest = value, scheme = take_until(&rest, " \t");
    account->size = 0;
    if (is(scheme, "basic"))
        basic(rest, account);
    else if (is(scheme, "digest"))
        digest(rest, account);
}

/* --- targets -----------------------------------------------------------------------------------
 */

/* The path of a target in any of its forms, without its query. */
static struct text_span path_of(struct text_span target)
{
    struct text_span path = take_until(&target, "?#");
    if (path.size == 0 || *path.at == '/')
        return path;
    const char *scheme = memmem(path.at, path.size, "://", 3);
    if (!scheme)
        return (struct text_span){path.at, 0};
    struct text_span rest = {scheme + 3, (size_t)(path.at + path.size - (scheme + 3))};
    take_until(&rest, "/");
    return rest;
}

/* All of the path is read: a ".." behind the first two parts may lead out of them, as a server
 * resolves it. */
void asked_project(struct text_span target, struct asked_name *project)
{
    struct text_span rest = path_of(target);
    project->size = 0;
    for (unsigned segments = 0, deeper = 0; rest.size;) {
        size_t before = rest.size;
        struct text_span segment = take_until(&rest, "/");
        bool last = segment.size == before;
        segment = take_until(&segment, ";");
        bool up = is(segment, ".."), nothing = segment.size == 0 || is(segment, ".") || up;
        if (last && segments < 2 && segment.size && !is(segment, "..") &&
            memchr(segment.at, '.', segment.size))
            return;
        if (up && deeper > 0)
            deeper--;
        else if (up && segments > 0) {
            while (project->text[--project->size] != '/')
                ;
            segments--;
        }
        if (nothing)
            continue;
        if (segments == 2) {
            deeper++;
            continue;
        }
        size_t room = ASKED_NAME_MAX - project->size - 1, size = segment.size;
        size = size < room ? size : room;
        project->text[project->size++] = '/';
        memcpy(project->text + project->size, segment.at, size);
        project->size = (uint16_t)(project->size + size);
        segments++;
        if (project->size == ASKED_NAME_MAX)
            return;
    }
}

/* --- hashes ------------------------------------------------------------------------------------
 */

/* Kinds apart: an account and a project may have one name. */
static uint64_t hash_of(const struct side *side, const struct asked_name *name, char kind)
{
    char text[ASKED_NAME_MAX + 1] = {kind};
    if (name->size == 0)
        return 0;
    memcpy(text + 1, name->text, name->size);
    for (size_t i = 1; kind == 'a' && i <= name->size; i++)
        if (text[i] >= 'A' && text[i] <= 'Z')
            text[i] = (char)(text[i] | 0x20);
    uint64_t hash = hash64_keyed(&side->owner->content->config.key, text, name->size + 1u);
    return hash > 1 ? hash : 2;
}

uint64_t asked_account_hash(const struct side *side, const struct asked_name *account)
{
    return hash_of(side, account, 'a');
}

uint64_t asked_project_hash(const struct side *side, const struct asked_name *project)
{
    return hash_of(side, project, 'p');
}

/* --- answers -----------------------------------------------------------------------------------
 */

/* What is told once a flow is known by its hash alone, so an account that is refused, and let in
 * later, has two. */
void asked_tell(struct side *side, enum content_class class, uint64_t hash, const char *protocol)
{
    if (hash == 0)
        return;
    struct finder finder = side_finder(side);
    struct found found = {.class = class,
                          .hash = class == CONTENT_REFUSED ? hash ^ 1 : hash,
                          .label = protocol,
                          .label_size = strlen(protocol)};
    finder.found(finder.context, &found);
}

/* Of other statuses nobody knows whether the server had looked at the name. */
void asked_answered(struct side *side, const struct asked *asked, unsigned status, bool gives)
{
    if (status >= 200 && status < 400)
        asked_tell(side, CONTENT_ACCOUNT, asked->account, "http");
    else if (status == 401 || status == 403)
        asked_tell(side, CONTENT_REFUSED, asked->account, "http");
    if (status >= 200 && status < 300 && gives)
        asked_tell(side, CONTENT_PROJECT, asked->project, "http");
}

/* --- logins by lines ---------------------------------------------------------------------------
 */

enum next { NEXT_NOTHING, NEXT_PLAIN, NEXT_NAME };

void login_named(const struct side *side, struct login *login, struct text_span name)
{
    struct asked_name account;
    name_set(&account, name.at, name.size);
    login->account = asked_account_hash(side, &account);
}

void login_line(const struct side *side, struct login *login, struct text_span line)
{
    struct asked_name account;
    if (login->next == NEXT_NOTHING)
        return;
    if (login->next == NEXT_PLAIN)
        asked_plain(line, &account);
    else
        asked_base64(line, &account);
    login->next = NEXT_NOTHING;
    login->account = asked_account_hash(side, &account);
    login->due = login->account != 0;
}

void login_mechanism(const struct side *side, struct login *login, struct text_span mechanism,
                     struct text_span response)
{
    *login = (struct login){.tag = login->tag};
    if (is(mechanism, "PLAIN"))
        login->next = NEXT_PLAIN;
    else if (is(mechanism, "LOGIN"))
        login->next = NEXT_NAME;
    if (response.size)
        login_line(side, login, response);
}

void login_answered(struct side *side, struct login *login, bool accepted, const char *protocol)
{
    if (login->due)
        asked_tell(side, accepted ? CONTENT_ACCOUNT : CONTENT_REFUSED, login->account, protocol);
    *login = (struct login){0};
}
