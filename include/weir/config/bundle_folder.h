/* Where bundles are put, and which one holds:
 *
 *     FOLDER/current              a link to the one that holds: 8-0123456789abcdef
 *     FOLDER/8-0123456789abcdef/  its files; MANIFEST: its first three lines; FORMER: the name of
 *                                 the folder that held before it
 *     FOLDER/new/                 one that is being written
 *     FOLDER/lock                 who changes any of it holds it
 *     FOLDER.new/                 FOLDER, while it is made
 *
 * A bundle is written to `new`, synced, looked at there by whoever wants to, given its name, and
 * holds once the link is replaced, by one rename(2): whenever the machine stops, one holds whole.
 * Whoever may read FOLDER may read what is in it. Thread: any. */
#ifndef WEIR_CONFIG_BUNDLE_FOLDER_H
#define WEIR_CONFIG_BUNDLE_FOLDER_H

#include "weir/config/bundle.h"

struct bundle_folder {
    char *path;
    int lock_fd;
    char *current; /* the name of the folder that holds; NULL: none */
    char *former;  /* … and that held before it, when it is still there; NULL: none */
    bool damaged;  /* `current` leads to what is no bundle */
    struct bundle *holds, *held; /* heads of these; NULL: none */
};

/* Looks. `changes`: it is made when it is not there, and locked. bundle_folder_close whatever comes
 * back. */
int bundle_folder_open(struct bundle_folder *folder, const char *path, bool changes,
                       struct error *error);
void bundle_folder_close(struct bundle_folder *folder);
/* Into `FOLDER/new`, whole and synced. `head`: its three lines. */
int bundle_folder_write(struct bundle_folder *folder, const struct bundle *bundle, const void *head,
                        struct error *error);
void bundle_folder_drop(const struct bundle_folder *folder); /* what bundle_folder_write wrote */
/* What was written holds from now on: what is damaged and holds is exchanged for it. */
int bundle_folder_take(struct bundle_folder *folder, const struct bundle *bundle,
                       struct error *error);
/* The one in FOLDER/NAME does, which must be there; NULL: none. */
int bundle_folder_point(struct bundle_folder *folder, const char *name, struct error *error);
/* Whether the files of the one in FOLDER/NAME, whose head this is, are those that were signed, and
 * no rules stand beside them. ERROR_INPUT: which are not. */
int bundle_folder_whole(const struct bundle_folder *folder, const char *name,
                        const struct bundle *bundle, struct error *error);
/* Whether one of `keys` signed the one in FOLDER/NAME; `*signer`: which. Trust is asked for anew:
 * a key may have been taken away since it was put in. ERROR_USAGE: none did. */
int bundle_folder_trusted(const struct bundle_folder *folder, const char *name,
                          const struct bundle_keys *keys, size_t *signer, struct error *error);
/* What neither holds nor is the former goes. What cannot be removed is in nobody's way. */
void bundle_folder_clean(const struct bundle_folder *folder);
/* FOLDER/NAME; caller frees. */
char *bundle_folder_path(const struct bundle_folder *folder, const char *name);

#endif
