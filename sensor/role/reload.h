/* A changed configuration, read beside the one that holds: taken whole or refused whole. Thread:
 * the main thread. */
#ifndef WEIR_ROLE_RELOAD_H
#define WEIR_ROLE_RELOAD_H

#include "weir/config/source.h"

struct reload {
    struct config_source source; /* as the one that holds, with the file's text of now */
    struct config config;
};

/* 0: it makes sense, and a running sensor can change to it. −1: one line, and nothing is held. */
int reload_read(struct reload *reload, const struct config_source *source,
                const struct config *config, const char *filter, struct error *error);
void reload_fini(struct reload *reload);

#endif
