/* weir top: what hosts send now, on a terminal that is asked anew every few seconds.
 *
 *   the control socket (top_ask.c) → rows (top_page.c) → lines (top_view.c) → a terminal
 *   (top_screen.c), or --once: standard output
 *
 * Thread: the main thread. */
#include "top.h"

#include "api_client.h"
#include "commands.h"
#include "look.h"
#include "options.h"
#include "words.h"

#include "weir/base/buffer.h"
#include "weir/role/pseudonyms.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define EVERY_S     2
#define ONCE_WIDTH  160
#define PAGE_OF_KEY 10 /* rows */

static const char usage[] =
    "usage: weir top [-c FILE] [--set KEY=VALUE] [--every S] [--order ORDER] [--find TEXT] [HOST]\n"
    "       weir top --once | --json [options] [HOST]\n"
    "\n"
    "What inside hosts send in the site's present hour, against what is usual for them, asked\n"
    "anew every few seconds over STATE_DIR/control.sock. HOST: where that one sends.\n"
    "  --every S        seconds between two looks, 1 to 60 (default 2)\n"
    "  --order ORDER    out|rate|in|name\n"
    "  --find TEXT      only hosts with this in their name\n"
    "  --once           one screen as text, without a terminal\n"
    "  --json           the reply as it is, once (docs/api.md)\n"
    "\n"
    "Up, Down, Page keys choose; Enter looks into a host, a destination's incident; Left or\n"
    "Escape back; o order; / find; p pause; q quit.\n"
    "EXPECTED: 5 % to 95 % of such hours of the host. !: above it, and rarer than 1 in 100.\n"
    "\n"
    "exit status: 0 done; 1 no sensor answers, or it knows no such host; 2 usage or "
    "configuration\n";

/* --- the loop --------------------------------------------------------------------------------- */

static void draw(struct top *top)
{
    struct top_view view = {.line = NULL};
    size_t width, height;
    top_screen_size(&width, &height);
    top_view_make(&top->state, width, height, &view);
    top_screen_draw(&view);
    top_view_free(&view);
}

static void look_into(struct top *top)
{
    struct top_state *state = &top->state;
    const struct top_row *row = top_chosen(state);
    if (!row)
        return;
    if (state->screen == TOP_HOSTS) {
        snprintf(top->host, sizeof top->host, "%s", row->name);
        memset(&state->host, 0, sizeof state->host);
        state->chosen[TOP_HOST] = state->first[TOP_HOST] = 0;
        *state->find = '\0';
        state->screen = TOP_HOST;
    } else if (*row->incident || *state->host.host.incident) {
        snprintf(state->incident, sizeof state->incident, "%s",
                 *row->incident ? row->incident : state->host.host.incident);
        state->screen = TOP_INCIDENT;
    }
    top->due.ns = 0;
}

static void go_back(struct top *top)
{
    struct top_state *state = &top->state;
    if (state->screen == TOP_HOSTS)
        return;
    state->screen = state->screen == TOP_INCIDENT ? TOP_HOST : TOP_HOSTS;
    *state->find = '\0';
    top->due.ns = 0;
}

static void move_by(struct top *top, long rows)
{
    struct top_state *state = &top->state;
    if (state->screen == TOP_INCIDENT)
        return;
    size_t *chosen = &state->chosen[state->screen];
    if (rows < 0)
        *chosen -= *chosen < (size_t)-rows ? *chosen : (size_t)-rows;
    else
        *chosen += (size_t)rows; /* the view settles what is beyond the last */
}

/* What names of hosts and destinations are made of; the sensor takes nothing else. */
static void find_key(struct top *top, enum top_key key, int letter)
{
    struct top_state *state = &top->state;
    size_t size = strlen(state->find);
    if (key == TOP_KEY_ENTER || key == TOP_KEY_BACK)
        state->finding = false;
    else if (key == TOP_KEY_ERASE && size > 0)
        state->find[size - 1] = '\0';
    else if (key == TOP_KEY_LETTER && size < TOP_WORD &&
             strchr("0123456789abcdefghijklmnopqrstuvwxyz.:-", letter))
        snprintf(state->find + size, sizeof state->find - size, "%c", letter);
    if (state->screen == TOP_HOSTS)
        top->due.ns = 0;
}

static void letter_key(struct top *top, int letter)
{
    struct top_state *state = &top->state;
    switch (letter) {
    case 'q':
        top->quit = true;
        break;
    case 'o':
        state->order = (enum top_order)((state->order + 1) % TOP_ORDERS);
        top->due.ns = 0;
        break;
    case '/':
        state->finding = state->screen != TOP_INCIDENT;
        break;
    case 'p':
        state->paused = !state->paused;
        top->due.ns = 0;
        break;
    default:
        break;
    }
}

static void take_key(struct top *top, enum top_key key, int letter)
{
    if (top->state.finding) {
        find_key(top, key, letter);
        return;
    }
    switch (key) {
    case TOP_KEY_UP:
        move_by(top, -1);
        break;
    case TOP_KEY_DOWN:
        move_by(top, 1);
        break;
    case TOP_KEY_PAGE_UP:
        move_by(top, -PAGE_OF_KEY);
        break;
    case TOP_KEY_PAGE_DOWN:
        move_by(top, PAGE_OF_KEY);
        break;
    case TOP_KEY_FIRST:
        move_by(top, -TOP_ROWS);
        break;
    case TOP_KEY_LAST:
        move_by(top, TOP_ROWS);
        break;
    case TOP_KEY_ENTER:
        look_into(top);
        break;
    case TOP_KEY_BACK:
        go_back(top);
        break;
    case TOP_KEY_LETTER:
        letter_key(top, letter);
        break;
    case TOP_KEY_NONE:
    case TOP_KEY_ERASE:
    case TOP_KEY_RESIZE:
        break;
    }
}

static int wait_ms(const struct top *top)
{
    int64_t left = (top->due.ns - wtime_now().ns + NS_PER_MS - 1) / NS_PER_MS;
    return top->state.paused ? 1000 : left < 0 ? 0 : (int)left;
}

/* The first look has to succeed: what is wrong is said on an ordinary line. */
static int watch(struct top *top, struct error *error)
{
    int letter;
    if (top_ask(top, error) != 0 || top_screen_open(error) != 0)
        return -1;
    while (!top->quit && !top_screen_is_gone()) {
        struct error later = {0};
        bool asks = top->due.ns == 0 || !top->state.paused;
        if (asks && top->due.ns <= wtime_now().ns)
            top_ask(top, &later);
        draw(top);
        enum top_key key = top_screen_key(wait_ms(top), &letter);
        take_key(top, key, letter);
    }
    top_screen_close();
    return 0;
}

/* --- once ------------------------------------------------------------------------------------- */

static size_t once_width(void)
{
    struct winsize size;
    bool known = isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
    return known && size.ws_col > 0 ? size.ws_col : ONCE_WIDTH;
}

static int print_view(struct top *top, struct error *error)
{
    struct top_view view = {.line = NULL};
    struct buffer text = {0};
    if (top_ask(top, error) != 0)
        return command_fail(error);
    top_view_make(&top->state, once_width(), 0, &view);
    for (size_t i = 0; i < view.count; i++) {
        const char *line = view.line[i].text;
        size_t size = strlen(line);
        while (size > 0 && line[size - 1] == ' ')
            size--;
        buffer_text(&text, "%.*s\n", (int)size, line);
    }
    buffer_u8(&text, 0);
    int status = command_print((const char *)text.data);
    buffer_fini(&text);
    top_view_free(&view);
    return status;
}

static int print_json(const struct top *top, struct error *error)
{
    char *body = top_ask_page(top, error);
    char *text = body ? xasprintf("%s\n", body) : NULL;
    if (text)
        command_make_lines_harmless(text);
    int status = text ? command_print(text) : command_fail(error);
    free(body);
    free(text);
    return status;
}

/* --- the command ------------------------------------------------------------------------------ */

struct words {
    const char *every, *order, *find;
    bool once;
};

static int read_every(const char *text, int64_t *every_ns, struct error *error)
{
    char *end = NULL;
    long seconds = text ? strtol(text, &end, 10) : EVERY_S;
    if (seconds < 1 || seconds > 60 || (text && (end == text || *end)))
        return error_set(error, ERROR_USAGE, "--every %.40s: expected seconds from 1 to 60", text);
    *every_ns = seconds * NS_PER_S;
    return 0;
}

static int read_order(const char *text, enum top_order *order, struct error *error)
{
    for (size_t i = 0; text && i < TOP_ORDERS; i++)
        if (strcmp(text, top_order_name[i]) == 0) {
            *order = (enum top_order)i;
            return 0;
        }
    return text ? error_set(error, ERROR_USAGE, "--order %.40s: expected out, rate, in or name",
                            text)
                : 0;
}

static int read_find(const char *text, char find[TOP_WORD + 1], struct error *error)
{
    static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyz.:-";
    if (text && (strlen(text) > TOP_WORD || strspn(text, letters) != strlen(text)))
        return error_set(error, ERROR_USAGE,
                         "--find %.40s: expected part of an address, at most %d of a-z, 0-9, . : -",
                         text, TOP_WORD);
    snprintf(find, TOP_WORD + 1, "%s", text ? text : "");
    return 0;
}

/* HOST goes into a path as it is. */
static int read_host(struct top *top, const struct options *o, struct error *error)
{
    static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyz.:-";
    const char *host = o->input_count > 0 ? o->input[0] : NULL;
    if (o->input_count > 1 ||
        (host && (!*host || strlen(host) > 60 || strspn(host, letters) != strlen(host))))
        return error_set(error, ERROR_USAGE,
                         "%.80s: expected one host: an address, a device, or a "
                         "pseudonym (weir top --help)",
                         o->input[o->input_count - 1]);
    if (host) {
        snprintf(top->host, sizeof top->host, "%s", host);
        top->state.screen = TOP_HOST;
    }
    return 0;
}

static int show(struct top *top, const struct options *o, bool once, struct error *error)
{
    bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    if (!once && !o->json && !terminal) {
        error_set(error, ERROR_USAGE,
                  "standard input and output are no terminal: --once or --json need none");
        return command_fail(error);
    }
    if (look_note(top->config, "top", *top->host ? top->host : NULL, NULL, error) != 0 ||
        role_pseudonyms_asked(top->config, &top->pseudonyms, error) != 0)
        return command_fail(error);
    top_text_begin();
    top->path = api_socket_path(top->config->state_dir);
    if (o->json)
        return print_json(top, error);
    if (once)
        return print_view(top, error);
    return watch(top, error) == 0 ? EXIT_DONE : command_fail(error);
}

static int run(struct top *top, const struct options *o, const struct words *words,
               struct error *error)
{
    if (read_every(words->every, &top->every_ns, error) != 0 ||
        read_order(words->order, &top->state.order, error) != 0 ||
        read_find(words->find, top->state.find, error) != 0 || read_host(top, o, error) != 0)
        return command_fail(error);
    return show(top, o, words->once, error);
}

int command_top(int argc, char **argv)
{
    struct words given = {NULL, NULL, NULL, false};
    const struct word words[] = {{"--every", &given.every, NULL},
                                 {"--order", &given.order, NULL},
                                 {"--find", &given.find, NULL},
                                 {"--once", NULL, &given.once},
                                 {NULL, NULL, NULL}};
    struct options options = {.json = false};
    struct error error = {0};
    struct top *top = xcalloc(1, sizeof *top);
    int status;
    top->config = &options.config;
    if (words_take(words, &argc, argv, &error) != 0 ||
        options_parse(&options, argc, argv, "csjh", &error) != 0)
        status = command_fail(&error);
    else if (options.help)
        status = command_print(usage);
    else
        status = run(top, &options, &given, &error);
    pseudonyms_free(top->pseudonyms);
    free(top->state.story);
    free(top->path);
    free(top);
    options_fini(&options);
    return status;
}
