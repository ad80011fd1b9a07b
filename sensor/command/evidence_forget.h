/* What `weir baseline forget` does about packets that a live sensor kept of a host's incidents:
 * STATE_DIR/evidence/INCIDENT/, with manifest.json, and hold.json where it is under hold.
 *
 * Under hold it stays: it is needed for the establishment, exercise or defence of legal claims
 * (GDPR Art. 17(3)(e)), and whoever is forgotten is told what is kept, by whose order and why. What
 * is not under hold goes, whole: packets of an incident cannot be told apart by person. What does
 * not say whose it is stays, and that is said. Bounds: EVIDENCE_FORGET_MAX folders, manifests of 64
 * MiB; what is beyond counts as `unclear`. Thread: the main thread. */
#ifndef WEIR_COMMAND_EVIDENCE_FORGET_H
#define WEIR_COMMAND_EVIDENCE_FORGET_H

#include "weir/base/address.h"
#include "weir/base/error.h"
#include "weir/config/config.h"
#include "weir/record/evidence_ring.h"

#define EVIDENCE_FORGET_MAX 65536 /* folders, files of held packets */

struct evidence_kept { /* under hold, and of this host */
    char *incident, *by, *reason, *at;
};

struct evidence_forget {
    char *folder; /* STATE_DIR/evidence */
    struct evidence_kept *kept;
    size_t kept_count;
    char **gone; /* names of those that go */
    size_t gone_count;
    size_t removed; /* … of them, so far */
    size_t unclear; /* that do not say whose they are, or are too many */
    bool ring;      /* STATE_DIR/evidence-ring is there … */
    bool asked;     /* … and the sensor was asked to overwrite what it holds of it */
    bool emptied;   /* … and has nothing of it any more: */
    struct held_forgotten held;
};

/* Where the journal is that says that it is gone: verify does not miss it then. */
struct evidence_forget_note {
    const struct config *config;
    bool running, /* by the sensor */
        locked;   /* the state directory's lock is the caller's */
};

/* Only looks. A folder that is not there has none. */
void evidence_forget_look(const char *state_dir, const struct ip *host,
                          struct evidence_forget *found);
/* What capture processes hold of it for a while is to be nobody's: the sensor is asked, or with
 * none running it is done here. Before what was kept goes, or an incident that goes on would be
 * kept anew from it. −1 and an error: some may be left. */
int evidence_forget_held(struct evidence_forget *found, const struct evidence_forget_note *note,
                         const struct ip *host, struct error *error);
/* Removes those that go; one that was put under hold meanwhile is kept after all. −1 and an error:
 * some could not be removed, or the journal does not say so. */
int evidence_forget_remove(struct evidence_forget *found, const struct evidence_forget_note *note,
                           struct error *error);
void evidence_forget_fini(struct evidence_forget *found);

#endif
