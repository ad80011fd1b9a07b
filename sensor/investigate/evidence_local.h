/* What the files of evidence share. Private to the room. */
#ifndef WEIR_SENSOR_INVESTIGATE_EVIDENCE_LOCAL_H
#define WEIR_SENSOR_INVESTIGATE_EVIDENCE_LOCAL_H

#include "evidence_flows.h"
#include "pcapng_out.h"
#include "weir/base/json.h"
#include "weir/investigate/evidence.h"

struct kept_capture { /* of one incident */
    const struct incident *incident;
    struct pcapng_out *out; /* NULL: no packet yet */
    struct kept_interface { /* numbers are places */
        size_t input;
        int link;
    } * interface;
    uint32_t interfaces, last; /* last: the one that the packet before had */
    struct ptime latest;       /* of its packets */
    uint64_t packets, wire_bytes, captured_bytes;
    uint32_t flows, first_flow; /* so many of evidence.member, from there */
    uint64_t flows_missing;
    uint8_t sha256[SHA256_SIZE];
    uint64_t bytes;
};

struct evidence_set {
    char *beside, *folder; /* "DIR", "DIR/evidence" */
    struct evidence_flows *flows;
    const struct incident **sorted; /* all, by score; owned, the incidents are the engine's */
    size_t sorted_count;
    struct kept_capture *kept; /* those of them that have traffic, EVIDENCE_INCIDENTS at most */
    uint32_t kept_count;
    uint64_t incidents_beyond;
    struct selection selection;
    struct wanted_flow *wanted; /* of the selection */
    uint32_t *member;           /* flows of the selection, one kept incident's behind the other's */
    const struct summary *summary;
    const struct evidence_input *input;
};

/* Whether it has traffic: the sensor's own have none. */
bool evidence_has_traffic(const struct incident *incident);
/* "volume.host, timing.beacon" */
char *evidence_rules(const struct incident *incident); /* caller frees */
/* evidence_manifest.c: the text of the manifest; caller frees. Results are read here. */
char *evidence_manifest(const struct evidence_set *evidence, const struct evidence_facts *facts,
                        struct evidence_told *told, struct error *error);
/* evidence_file.c: of a folder's files links are refused; what the user names may be one. Nothing
 * but a regular file is read. */
enum evidence_links { LINKS_REFUSED, LINKS_FOLLOWED };
/* SHA-256 and size of a file; −1 and errno. */
int evidence_digest_file(const char *path, enum evidence_links links, uint8_t sha256[SHA256_SIZE],
                         uint64_t *bytes);
/* A folder's file; the text ends with a NUL behind `size`; caller frees. NULL and errno. */
char *evidence_read_file(const char *path, size_t most, size_t *size);
/* Whole or not at all: a temporary name, synced, renamed. */
int evidence_write_whole(const char *folder, const char *name, const void *data, size_t size,
                         struct error *error);
/* "command_line", without the passwords of URLs: it is shown to others. */
void evidence_put_words(struct json *json, const char *const *word, size_t words);
/* What such an errno says of the file. */
const char *evidence_file_problem(int problem);

#endif
