/* weir privacy reveal: the address behind a pseudonym, for who says that he may and why; and weir
 * privacy mask, the other way, for files. Four eyes are organisational: whoever reads the journal's
 * record afterwards is the second pair. Thread: the main thread. */
#include "privacy.h"

#include "commands.h"
#include "look.h"
#include "noise_access.h"
#include "pseudonym_seek.h"

#include "weir/base/buffer.h"
#include "weir/base/device.h"
#include "weir/role/pseudonyms.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATED_MAX 511 /* bytes, as of what people say elsewhere */

static bool is_line(const char *text)
{
    size_t size = 0;
    for (; text[size]; size++)
        if ((unsigned char)text[size] < ' ' || text[size] == 0x7f)
            return false;
    return size <= STATED_MAX;
}

static int check(const struct privacy_asked *asked, struct error *error)
{
    if (!asked->by || !*asked->by)
        return error_set(error, ERROR_USAGE, "privacy reveal: say for whom with --by WHO");
    if (!asked->reason || !*asked->reason)
        return error_set(error, ERROR_USAGE, "privacy reveal: say why with --reason TEXT");
    if (!is_line(asked->by) || !is_line(asked->reason))
        return error_set(error, ERROR_USAGE,
                         "privacy reveal: --by and --reason are one line, of %d bytes at most",
                         STATED_MAX);
    return 0;
}

static int print_found(const struct pseudonym_found *found)
{
    struct buffer out = {0};
    char text[IP_TEXT_SIZE];
    for (size_t i = 0; i < found->count; i++)
        buffer_text(&out, "%s\n", host_text(&found->ip[i], text));
    buffer_u8(&out, 0);
    int status = command_print((const char *)out.data);
    buffer_fini(&out);
    return status;
}

/* Found first, since writing it down may give up the right to look; shown last. */
static int reveal(const struct config *config, const struct pseudonyms *pseudonyms,
                  const char *asked_for, const struct privacy_asked *asked, struct error *error)
{
    struct pseudonym_found found = {.count = 0};
    char name[PSEUDONYM_SIZE];
    struct ip ip;
    bool is_address = ip_parse(asked_for, &ip) == 0;
    if (is_address)
        pseudonym_of(pseudonyms, &ip, name);
    else if (pseudonym_is(asked_for))
        snprintf(name, sizeof name, "%s", asked_for);
    else
        return error_set(error, ERROR_USAGE,
                         "privacy reveal %.60s: expected a pseudonym (host-…) or an address",
                         asked_for);
    if (!is_address)
        pseudonym_seek(config, pseudonyms, name, &found);
    if (!is_address && found.count == 0)
        return error_set(error, ERROR_INPUT, "%s: no address that is known here has it", name);
    if (noise_access_reveal(config, name, asked->by, asked->reason, error) != 0)
        return -1;
    if (!is_address)
        return print_found(&found);
    char *line = xasprintf("%s\n", name);
    int status = command_print(line);
    free(line);
    return status;
}

int privacy_reveal(const struct options *options, const struct privacy_asked *asked,
                   struct error *error)
{
    struct pseudonyms *pseudonyms = NULL;
    int status = -1;
    if (check(asked, error) == 0 && (pseudonyms = role_pseudonyms(&options->config, error)) != NULL)
        status = reveal(&options->config, pseudonyms, options->input[0], asked, error);
    pseudonyms_free(pseudonyms);
    return status < 0 ? command_fail(error) : status;
}

/* --- mask ------------------------------------------------------------------------------------- */

static int mask_file(const struct pseudonyms *pseudonyms, const char *path, struct error *error)
{
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t room = 0;
    ssize_t size;
    int failed = 0;
    if (!file)
        return error_set(error, ERROR_INPUT, "%s: %s", path, strerror(errno));
    while (!failed && (size = getline(&line, &room, file)) > 0) {
        bool ends = line[size - 1] == '\n';
        char *shown = pseudonyms_line(pseudonyms, line, (size_t)size - ends);
        failed = fputs(shown, stdout) < 0 || (ends && fputc('\n', stdout) < 0);
        free(shown);
    }
    if (!failed && ferror(file))
        error_set(error, ERROR_INPUT, "%s: %s", path, strerror(errno));
    free(line);
    fclose(file);
    return failed || error->code != ERROR_NONE ? -1 : 0;
}

int privacy_mask(const struct options *options, const struct privacy_asked *asked,
                 struct error *error)
{
    struct pseudonyms *pseudonyms = role_pseudonyms(&options->config, error);
    int failed = !pseudonyms;
    (void)asked;
    for (size_t i = 0; !failed && i < options->input_count; i++)
        failed = mask_file(pseudonyms, options->input[i], error);
    pseudonyms_free(pseudonyms);
    int status = failed && error->code != ERROR_NONE ? command_fail(error) : EXIT_DONE;
    int printed = command_print("");
    return status ? status : printed;
}
