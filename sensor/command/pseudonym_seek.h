/* The addresses behind a pseudonym. Nothing of it is stored anywhere: those that Weir knows are
 * tried, in the journal, in the baseline, and at last every IPv4 address of networks.inside.
 * Thread: the main thread. */
#ifndef WEIR_COMMAND_PSEUDONYM_SEEK_H
#define WEIR_COMMAND_PSEUDONYM_SEEK_H

#include "weir/alert/pseudonym.h"
#include "weir/config/config.h"

#define PSEUDONYM_SEEK_MAX 8

struct pseudonym_found {
    struct ip ip[PSEUDONYM_SEEK_MAX]; /* more than one: they share it */
    size_t count;
};

/* In the first of these places that has any. */
void pseudonym_seek(const struct config *config, const struct pseudonyms *pseudonyms,
                    const char *pseudonym, struct pseudonym_found *found);

#endif
