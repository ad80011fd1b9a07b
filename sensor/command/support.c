/* weir support-bundle: one text file with what somebody needs who is to help, and who must not know
 * the site: versions, the machine, the configuration, the rules' counts, what the running sensor
 * says of itself, and what lies in its state directory by name and size. No alert, no host, no
 * journal; the text goes through support_redact.h as a whole. Every part that cannot be had says
 * why in its place. Thread: the main thread. */
#include "api_client.h"
#include "commands.h"
#include "look.h"
#include "options.h"
#include "output.h"
#include "rules_text.h"
#include "support_redact.h"

#include "weir/base/buffer.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>

#define TIMEOUT_MS 5000
#define DEPTH      3    /* folders below the state directory */
#define FILES      1000 /* of it; more are counted */

static const char usage[] = "usage: weir support-bundle [-c FILE] [--set KEY=VALUE] [-o FILE]\n"
                            "\n"
                            "Writes what somebody needs who is to help, as text: versions, the "
                            "machine, the configuration,\n"
                            "what the running sensor says of itself (status, metrics), files of "
                            "its state by name and size.\n"
                            "Addresses become ip-1, ip-2, …; places of sinks, passwords and "
                            "what other machines answered\n"
                            "become ***; there is no alert, no host and nothing of the journal in "
                            "it. Read it before it is sent.\n"
                            "  -o FILE   there instead of standard output\n"
                            "\n"
                            "exit status: 0 written (what could not be had says so in its place); "
                            "1 it could not be written;\n"
                            "2 usage or configuration\n";

static void head(struct buffer *b, const char *title)
{
    buffer_text(b, "\n===== %s\n", title);
}

/* --- the machine ------------------------------------------------------------------------------ */

static void put_file(struct buffer *b, const char *path, int lines)
{
    char line[512];
    FILE *file = fopen(path, "re");
    if (!file)
        buffer_text(b, "%s: %s\n", path, strerror(errno));
    while (file && lines-- > 0 && fgets(line, sizeof line, file))
        buffer_text(b, "%s", line);
    if (file)
        fclose(file);
}

/* The first line of a file that may not be there. */
static const char *first_line(const char *path, char text[128])
{
    FILE *file = fopen(path, "re");
    text[0] = '\0';
    if (file && !fgets(text, 128, file))
        text[0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    if (file)
        fclose(file);
    return *text ? text : "-";
}

static void put_interface(struct buffer *b, const char *name)
{
    static const char *const of[] = {"operstate",
                                     "speed",
                                     "mtu",
                                     "statistics/rx_packets",
                                     "statistics/rx_dropped",
                                     "statistics/rx_missed_errors"};
    char text[128];
    buffer_text(b, "%s:", name);
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        char *path = xasprintf("/sys/class/net/%s/%s", name, of[i]);
        buffer_text(b, " %s %s", of[i], first_line(path, text));
        free(path);
    }
    buffer_text(b, "\n");
}

static void put_machine(struct buffer *b, const struct config *config)
{
    struct utsname name;
    head(b, "versions and machine");
    buffer_text(b, "weir %s\n", WEIR_VERSION);
    if (uname(&name) == 0)
        buffer_text(b, "%s %s %s %s\n", name.sysname, name.release, name.version, name.machine);
    put_file(b, "/etc/os-release", 2);
    put_file(b, "/proc/meminfo", 3);
    put_file(b, "/proc/loadavg", 1);
    for (size_t i = 0; i < config->interface_count; i++)
        put_interface(b, config->interface[i].name);
}

/* --- the sensor ------------------------------------------------------------------------------- */

static void put_answer(struct buffer *b, const char *socket, const char *target)
{
    struct error error = {0};
    char *body = NULL;
    int status;
    head(b, target);
    if (api_call(socket, "GET", target, TIMEOUT_MS, &status, &body, &error) != 0)
        buffer_text(b, "%s\n", error.message);
    else
        buffer_text(b, "%s%s\n", status == 200 ? "" : "refused: ", body);
    free(body);
}

struct listing {
    struct buffer *b;
    size_t files, more;
};

static void put_folder(struct listing *listing, const char *folder, int depth);

static void put_entry(struct listing *listing, const char *path, int depth)
{
    struct stat st;
    char day[32];
    struct tm tm;
    if (listing->files == FILES) {
        listing->more++;
        return;
    }
    listing->files++;
    if (lstat(path, &st) != 0 || !gmtime_r(&st.st_mtime, &tm)) {
        buffer_text(listing->b, "%s: %s\n", path, strerror(errno));
        return;
    }
    strftime(day, sizeof day, "%Y-%m-%dT%H:%MZ", &tm);
    buffer_text(listing->b, "%06o %u:%u %12" PRId64 " %s %s\n", (unsigned)st.st_mode,
                (unsigned)st.st_uid, (unsigned)st.st_gid, (int64_t)st.st_size, day, path);
    if (S_ISDIR(st.st_mode) && depth > 0)
        put_folder(listing, path, depth - 1);
}

static void put_folder(struct listing *listing, const char *folder, int depth)
{
    struct dirent **entry;
    int count = scandir(folder, &entry, NULL, alphasort);
    if (count < 0)
        buffer_text(listing->b, "%s: %s\n", folder, strerror(errno));
    for (int i = 0; i < count; i++) {
        if (strcmp(entry[i]->d_name, ".") != 0 && strcmp(entry[i]->d_name, "..") != 0) {
            char *path = xasprintf("%s/%s", folder, entry[i]->d_name);
            put_entry(listing, path, depth);
            free(path);
        }
        free(entry[i]);
    }
    if (count >= 0)
        free(entry);
}

static void put_state(struct buffer *b, const struct config *config)
{
    struct listing listing = {.b = b};
    head(b, "state directory");
    put_folder(&listing, config_state_dir(config), DEPTH);
    if (listing.more > 0)
        buffer_text(b, "… and %zu more\n", listing.more);
}

static void put_configuration(struct buffer *b, const struct config *config)
{
    char *text = config_text(config), *rules = rules_summary(config->rules);
    head(b, "configuration");
    buffer_text(b, "%s%s", text, rules);
    free(text);
    free(rules);
}

/* --- the whole -------------------------------------------------------------------------------- */

/* A filter's words with a dot: addresses, which are known by their form, or hosts' names. */
static void hide_filter(struct redaction *redaction, const char *filter)
{
    for (const char *at = filter; *at;) {
        size_t size = strcspn(at, " ()\t\n");
        char *word = xasprintf("%.*s", (int)size, at);
        if (strchr(word, '.'))
            redaction_add_place(redaction, word);
        free(word);
        at += size + (at[size] != '\0');
    }
}

/* Where alerts and what was learned go: these names may stand in any line. */
static void hide_places(struct redaction *redaction, const struct config *config)
{
    static const char *const key[] = {"url", "host", "brokers", "proxy", "helo", "from", "to"};
    redaction_add_place(redaction, config->redis_url);
    hide_filter(redaction, config->filter);
    for (size_t i = 0; i < config->sink_count; i++)
        for (size_t k = 0; k < sizeof key / sizeof *key; k++) {
            const char *const *place = sink_texts(&config->sink[i], key[k]);
            for (; place && *place; place++)
                redaction_add_place(redaction, *place);
        }
}

static char *bundle(const struct config *config)
{
    struct buffer plain = {0}, shown = {0};
    struct redaction redaction;
    char *socket = api_socket_path(config->state_dir);
    put_machine(&plain, config);
    put_configuration(&plain, config);
    put_answer(&plain, socket, "/v1/status");
    put_answer(&plain, socket, "/metrics");
    put_state(&plain, config);
    buffer_u8(&plain, 0);
    free(socket);
    redaction_init(&redaction);
    hide_places(&redaction, config);
    buffer_text(&shown,
                "Weir support bundle. Read it before it is sent: addresses are ip-N; places of "
                "sinks, passwords and what other machines answered ***; other names are as they "
                "are.\n"
                "Beside it helps: journalctl -u weir -n 500\n");
    redact(&redaction, (const char *)plain.data, &shown);
    buffer_u8(&shown, 0);
    redaction_fini(&redaction);
    buffer_fini(&plain);
    return (char *)shown.data;
}

static int run(const struct options *options, struct error *error)
{
    if (look_note(&options->config, "support-bundle", NULL, NULL, error) != 0)
        return command_fail(error);
    char *text = look_hidden(bundle(&options->config));
    int status = EXIT_DONE;
    if (!options->folder)
        status = command_print(text);
    else if (output_write(options->folder, text, error) != 0)
        status = command_fail(error);
    free(text);
    return status;
}

int command_support(int argc, char **argv)
{
    struct options options;
    struct error error = {0};
    int status;
    if (options_parse(&options, argc, argv, "csoh", &error) != 0 ||
        (!options.help && options_no_inputs(&options, argv[0], &error) != 0))
        status = command_fail(&error);
    else if (options.help)
        status = command_print(usage);
    else
        status = run(&options, &error);
    options_fini(&options);
    return status;
}
