/* See report_match.h. */
#include "report_match.h"

#include "weir/alert/pseudonym.h"
#include "weir/base/address.h"
#include "weir/investigate/report.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_shown_as(const struct pseudonyms *pseudonyms, const char *host, const char *asked)
{
    char *shown = pseudonyms_text(pseudonyms, host, strlen(host));
    bool same = strcmp(shown, asked) == 0;
    free(shown);
    return same;
}

bool match_host(const struct report_question *question, const char *host)
{
    const char *asked = question->host;
    struct prefix prefix;
    struct ip ip;
    if (question->pseudonyms && pseudonym_is(asked))
        return is_shown_as(question->pseudonyms, host, asked);
    if (strcasecmp(asked, host) == 0)
        return *host != '\0';
    return ip_parse(host, &ip) == 0 && prefix_parse(asked, &prefix, NULL) == 0 &&
           prefix_has(&prefix, &ip);
}

bool match_destination(const char *asked, const char *destination)
{
    struct prefix one, other;
    size_t long_size = strlen(destination), size = strlen(asked);
    if (long_size == 0 || size == 0)
        return false;
    if (strcasecmp(asked, destination) == 0)
        return true;
    if (prefix_parse(asked, &one, NULL) == 0)
        return prefix_parse(destination, &other, NULL) == 0 &&
               (prefix_has(&one, &other.ip) || prefix_has(&other, &one.ip));
    return long_size > size && destination[long_size - size - 1] == '.' &&
           strcasecmp(destination + long_size - size, asked) == 0;
}
