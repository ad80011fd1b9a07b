/* weir replay --evidence: the packets of what was found, out of the inputs read a second time. Main
 * thread. */
#ifndef WEIR_COMMAND_REPLAY_EVIDENCE_H
#define WEIR_COMMAND_REPLAY_EVIDENCE_H

#include "options.h"
#include "session.h"

#include "weir/investigate/evidence.h"

struct replay_evidence {
    bool wanted;          /* --evidence */
    const char *key_path; /* --key, or NULL */
    const char *noise;    /* --noise, or NULL */
    const char **word;    /* the command line as it was; owned, the words are not */
    size_t words;
    struct evidence_set *evidence; /* NULL: not begun */
    struct sign_key *key;
    bool key_is_kept;
    struct evidence_file baseline, noise_file; /* as they were at the beginning; no name: none */
    struct evidence_told told;
};

/* Before anything is taken out of argv. */
void replay_evidence_words(struct replay_evidence *evidence, int argc, char *const *argv);
/* Before anything is judged. Refuses a folder with evidence of an older run when none is wanted. */
int replay_evidence_begin(struct replay_evidence *evidence, const struct options *options,
                          struct error *error);
/* Once all is judged and told, and alerts.ndjson and flows.ndjson are whole; the summary is without
 * a word of it still. ERROR_INPUT: an input is another than it was, which the evidence says. */
int replay_evidence_finish(struct replay_evidence *evidence, const struct options *options,
                           const struct session *session, const struct summary *summary,
                           struct error *error);
void replay_evidence_free(struct replay_evidence *evidence);

#endif
