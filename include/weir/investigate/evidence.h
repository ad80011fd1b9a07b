/* Evidence: the packets of incidents, in a folder with a manifest that ties them to what was judged
 * (docs/evidence.md).
 *
 *   evidence_new → evidence_flow… (while it is judged) → evidence_select → evidence_packet… (a
 *   second reading) → evidence_finish
 *
 * Bounds: EVIDENCE_INCIDENTS incidents, WANTED_MAX flows; what is beyond is counted. Engine thread.
 */
#ifndef WEIR_INVESTIGATE_EVIDENCE_H
#define WEIR_INVESTIGATE_EVIDENCE_H

#include "weir/alert/noise.h"
#include "weir/base/sign.h"
#include "weir/investigate/summary.h"
#include "weir/record/picked.h"

#define EVIDENCE_INCIDENTS    1024u
#define EVIDENCE_MANIFEST_MAX (256u << 20) /* bytes that are read of one */

struct evidence_set;
/* In `folder`/evidence, which is made, or emptied of an older one. */
struct evidence_set *evidence_new(const char *folder, struct error *error);
void evidence_free(struct evidence_set *evidence);
void evidence_flow(struct evidence_set *evidence, const struct flow_view *view);

struct evidence_input {  /* of each input of the summary, in its order */
    const char *why_not; /* NULL: it can be read again */
    int64_t bytes;       /* of the file, −1: not known */
    uint64_t kernel_drops, interface_drops;
};

/* Once all is judged. *wanted: borrowed until evidence_free. `input` and `summary` stay valid until
 * then too. */
int evidence_select(struct evidence_set *evidence, const struct summary *summary,
                    const struct evidence_input *input, const struct wanted_flow **wanted,
                    uint32_t *count, struct error *error);
/* `input`: its place in the summary. */
void evidence_packet(struct evidence_set *evidence, const struct picked_packet *packet,
                     size_t input);

struct evidence_file { /* sha256 of what it held */
    const char *name;
    uint64_t bytes;
    uint8_t sha256[SHA256_SIZE];
};
/* Of what the user names; a SHA-256 of zeros: it is no regular file, or cannot be read. */
struct evidence_file evidence_file_of(const char *path);

/* What a regular file of a folder of evidence holds, 256 MiB at most, with a NUL behind it; caller
 * frees. NULL and errno. */
char *evidence_text(const char *path, size_t *size);
/* A file's name as JSON shows it, on one line, without its folders. Caller frees. */
char *evidence_shown_name(const char *path);

struct evidence_facts {      /* borrowed */
    struct ptime made;       /* wall clock */
    const char *sensor;      /* "": no name */
    const char *const *word; /* the command line */
    size_t words;
    const char *filter;            /* NULL or "": none */
    struct evidence_file settings; /* name not used */
    const struct evidence_file *rule_file;
    size_t rule_files;
    const struct evidence_file *baseline, *noise_file; /* that it was judged by; NULL: none */
    const struct noise *noise;                         /* verdicts; NULL: none are known */
    const char *result[4]; /* files beside `evidence`, "alerts.ndjson"; NULL: no more */
    uint64_t unheld;       /* pick_run */
    const struct sign_key *key;
    bool key_is_kept;
};

/* What the summary says of it. */
struct evidence_told {
    char head[HEX_SIZE(SHA256_SIZE)], key_id[HEX_SIZE(SHA256_SIZE)];
    uint64_t files, packets, bytes; /* captures */
    uint64_t incidents_beyond, flows_beyond, flows_missing, unheld;
    size_t inputs_not_read; /* again */
};
/* Writes what is left, the manifest and its signature. */
int evidence_finish(struct evidence_set *evidence, const struct evidence_facts *facts,
                    struct evidence_told *told, struct error *error);

/* --- looked at afterwards ---------------------------------------------------------------------
 */

struct evidence_check {         /* borrowed */
    const char *folder;         /* with the manifest */
    const char *beside;         /* with the results and summary.json; NULL: there are none */
    const char *head;           /* hex; NULL: summary.json's */
    const struct sign_key *key; /* that must have signed; NULL: any */
    bool inputs;                /* are read again too */
    void (*say)(void *context, const char *line); /* without its end */
    void *context;
};
/* How many things do not hold, each said in a line; then one line of what was checked. −1: there is
 * no manifest to check (ERROR_RUN). */
int64_t evidence_verify(const struct evidence_check *check, struct error *error);
/* A manifest's incidents, a line each; caller frees. NULL: it cannot be read. */
char *evidence_list(const char *folder, struct error *error);
/* For the fuzzer: everything about a manifest that needs no other file. */
int64_t evidence_verify_text(const char *text, size_t size);

#endif
