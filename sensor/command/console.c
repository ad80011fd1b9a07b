/* weir console: who may use it. The file is console.users of the configuration; a sensor reads it
 * when it starts and when it reloads. A password comes from the terminal, twice and unseen, or as
 * one line of standard input where that is none; it is never on a command line, which others see.
 * Thread: the main thread. */
#include "commands.h"
#include "options.h"
#include "words.h"

#include "weir/base/buffer.h"
#include "weir/base/log.h"
#include "weir/bus/console_users.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define PASSWORD_LEAST 10

static const char usage[] =
    "usage: weir console user list   [-c FILE] [--set KEY=VALUE]\n"
    "       weir console user add NAME [--role viewer|analyst] [-c FILE] [--set KEY=VALUE]\n"
    "       weir console user remove NAME [-c FILE] [--set KEY=VALUE]\n"
    "\n"
    "Who may log in to the console (console.users of the configuration): a viewer looks, an "
    "analyst\n"
    "also acknowledges, closes and silences. add asks for the password, or reads it as one line "
    "of\n"
    "standard input; of a user who is there it changes password and role. What is kept is a "
    "scrypt\n"
    "hash. A running sensor knows of a change after weir reload.\n"
    "\n"
    "exit status: 0 done; 1 the file cannot be written; 2 usage or configuration; 3 no such user\n";

/* --- the password ----------------------------------------------------------------------------- */

static bool read_line(const char *prompt, char text[PASSWORD_MAX + 2])
{
    fputs(prompt, stderr);
    bool got = fgets(text, PASSWORD_MAX + 2, stdin) != NULL;
    text[got ? strcspn(text, "\n") : 0] = '\0';
    return got;
}

static struct termios seen; /* the terminal as it was, for whoever interrupts */

/* tcsetattr and raise are safe in a handler (signal-safety(7)). */
static void on_interrupt(int number)
{
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &seen);
    raise(number); /* again, as it would have been: SA_RESETHAND */
}

#define INTERRUPTS 4
static const int interrupts[INTERRUPTS] = {SIGINT, SIGTERM, SIGQUIT, SIGHUP};

static void heed(struct sigaction before[INTERRUPTS])
{
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < INTERRUPTS; i++)
        sigaction(interrupts[i], &action, &before[i]);
}

/* Echo is off while it is typed, and on again however that ends. */
static bool read_unseen(const char *prompt, char text[PASSWORD_MAX + 2])
{
    struct sigaction before[INTERRUPTS];
    struct termios unseen;
    if (tcgetattr(STDIN_FILENO, &seen) != 0)
        return false;
    unseen = seen;
    unseen.c_lflag &= ~(tcflag_t)ECHO;
    heed(before);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &unseen);
    bool got = read_line(prompt, text);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &seen);
    for (size_t i = 0; i < INTERRUPTS; i++)
        sigaction(interrupts[i], &before[i], NULL);
    fputs("\n", stderr);
    return got;
}

/* Unbuffered: else stdio keeps what was typed in memory of its own. */
static int ask(char password[PASSWORD_MAX + 2], struct error *error)
{
    char again[PASSWORD_MAX + 2] = "";
    bool terminal = isatty(STDIN_FILENO);
    setvbuf(stdin, NULL, _IONBF, 0);
    bool got = terminal ? read_unseen("password: ", password) : read_line("", password);
    if (!got)
        return error_set(error, ERROR_USAGE, "expected a password");
    if (strlen(password) < PASSWORD_LEAST || strlen(password) > PASSWORD_MAX)
        return error_set(error, ERROR_USAGE, "expected a password of %d to %d bytes",
                         PASSWORD_LEAST, PASSWORD_MAX);
    bool same = !terminal || (read_unseen("once more: ", again) && strcmp(again, password) == 0);
    explicit_bzero(again, sizeof again);
    return same ? 0 : error_set(error, ERROR_USAGE, "these are two passwords");
}

/* --- verbs ------------------------------------------------------------------------------------ */

struct asked {
    const char *path, *name, *role;
    struct console_users users;
};

static int list(struct asked *asked, struct error *error)
{
    struct buffer out = {0};
    (void)error;
    for (size_t i = 0; i < asked->users.count; i++)
        buffer_text(&out, "%-8s %s\n", console_role_name[asked->users.user[i].role],
                    asked->users.user[i].name);
    buffer_u8(&out, '\0');
    int status = command_print((const char *)out.data);
    buffer_fini(&out);
    return status;
}

static int add(struct asked *asked, struct error *error)
{
    char password[PASSWORD_MAX + 2] = "";
    int role = console_role_find(asked->role ? asked->role : "viewer");
    struct console_user user = {.role = CONSOLE_VIEWER};
    if (role < 0)
        return error_set(error, ERROR_USAGE, "--role %.40s: expected viewer or analyst",
                         asked->role);
    if (strlen(asked->name) >= sizeof user.name)
        return error_set(error, ERROR_USAGE, "%.40s: expected a name of at most %zu letters",
                         asked->name, sizeof user.name - 1);
    memcpy(user.name, asked->name, strlen(asked->name) + 1);
    user.role = (enum console_role)role;
    int failed = console_users_put(&asked->users, &user, error) != 0 || ask(password, error) != 0 ||
                 password_store(password, user.stored, error) != 0 ||
                 console_users_put(&asked->users, &user, error) != 0 ||
                 console_users_write(&asked->users, asked->path, error) != 0;
    explicit_bzero(password, sizeof password);
    return failed ? -1 : EXIT_DONE;
}

static int take_away(struct asked *asked, struct error *error)
{
    if (asked->users.count == 1 && console_users_find(&asked->users, asked->name))
        return error_set(error, ERROR_USAGE,
                         "%.40s: is the last user of %s, and a console without one does not start: "
                         "expected another to be added first",
                         asked->name, asked->path);
    if (!console_users_remove(&asked->users, asked->name))
        return error_set(error, ERROR_INPUT, "%.40s: there is no such user in %s", asked->name,
                         asked->path);
    return console_users_write(&asked->users, asked->path, error) == 0 ? EXIT_DONE : -1;
}

static const struct verb {
    const char *name;
    size_t names;
    int (*run)(struct asked *asked, struct error *error);
} verbs[] = {{"list", 0, list}, {"add", 1, add}, {"remove", 1, take_away}};

static int run(const struct verb *verb, const struct options *options, const char *role,
               struct error *error)
{
    struct asked asked = {.path = options->config.console.users, .role = role};
    if (options->input_count != verb->names)
        return error_set(error, ERROR_USAGE, "console user %s: expected %s (weir console --help)",
                         verb->name, verb->names ? "one name" : "no argument");
    if (!*asked.path)
        return error_set(error, ERROR_USAGE,
                         "console.users: is not set, expected the file that users are kept in");
    asked.name = verb->names ? options->input[0] : NULL;
    int lock = verb->names ? console_users_lock(asked.path, error) : -1;
    if (error->code != ERROR_NONE)
        return -1;
    int status = -1;
    if (access(asked.path, F_OK) != 0 || console_users_read(&asked.users, asked.path, error) == 0)
        status = verb->run(&asked, error);
    console_users_fini(&asked.users);
    if (lock >= 0)
        close(lock);
    return status;
}

int command_console(int argc, char **argv)
{
    struct options options = {.json = false};
    struct error error = {0};
    const char *role = NULL;
    const struct word words[] = {{"--role", &role, NULL}, {NULL, NULL, NULL}};
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return command_print(usage);
    const struct verb *verb = NULL;
    for (size_t i = 0; argc > 2 && strcmp(argv[1], "user") == 0 && i < 3; i++)
        if (strcmp(verbs[i].name, argv[2]) == 0)
            verb = &verbs[i];
    if (!verb) {
        log_error("console: expected user list, user add or user remove (weir console --help)");
        return EXIT_USAGE;
    }
    argc -= 2;
    argv += 2;
    int status = EXIT_DONE;
    if (words_take(words, &argc, argv, &error) == 0 &&
        options_parse(&options, argc, argv, "csh", &error) == 0)
        status = options.help ? command_print(usage) : run(verb, &options, role, &error);
    if (error.code != ERROR_NONE)
        status = command_fail(&error);
    options_fini(&options);
    return status;
}
