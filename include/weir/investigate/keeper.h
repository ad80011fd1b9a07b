/* The keeper: of the packets that capture holds for a while, it keeps those of incidents
 * (docs/evidence.md). It reads the journal as a sink does, with a place of its own, and the files
 * of held packets (weir/record/evidence_ring.h), and writes `folder`/evidence/<incident>/:
 *
 *   incident.json          what it knows of the incident, for itself after a restart
 *   packets-1.pcapng …     sealed: nothing is written to them any more
 *   packets-3.pcapng.part  being written
 *   manifest.json, .sig    of what is sealed; its head is said, to be a record of the journal
 *   hold.json              it is held: nobody removes it
 *
 * An incident's conversations are the pairs of addresses of the flows that its alerts list. All of
 * them that is still held is kept, and all that follows until the incident is closed. Which packets
 * were taken is known by their numbers, so that none is taken twice, whoever died.
 *
 * Bounds: KEEPER_OPEN incidents at once, KEEPER_KEPT in all; KEEPER_PAIRS pairs, KEEPER_FLOWS flows
 * of each; bytes as configured: the lowest scores go first. All of it is counted. Thread: one. */
#ifndef WEIR_INVESTIGATE_KEEPER_H
#define WEIR_INVESTIGATE_KEEPER_H

#include "weir/investigate/evidence.h"

#define KEEPER_OPEN       64u
#define KEEPER_KEPT       1024u
#define KEEPER_FOLDERS    2048u /* with those that leave: until the journal says so */
#define KEEPER_PAIRS      256u
#define KEEPER_FLOWS      1024u
#define KEEPER_WORKERS    16u
#define KEEPER_INTERFACES 16u
#define KEEPER_FILES      256u

struct keeper_config {  /* borrowed */
    const char *folder; /* the state directory */
    const char *sensor, *filter;
    const char *const *word; /* the command line */
    size_t words;
    uint32_t workers; /* 0: evidence is off; what was kept goes in its time, nothing is followed */
    uint32_t segment_bytes, handshake_bytes, snap_length;
    const char *interface[KEEPER_INTERFACES];
    uint32_t interfaces;
    uint64_t incident_bytes, kept_bytes;
    int64_t keep_ns;               /* since it was last written, unless it is held */
    struct evidence_file settings; /* name not used */
    const struct evidence_file *rule_file;
    size_t rule_files;
    /* Something for the journal; said again until it is read there. */
    void (*say)(void *context, const char *action, const char *incident, const char *message);
    void *context;
    int64_t (*now_ns)(void); /* the wall clock: it decides about files; NULL: the system's */
};

struct keeper_counts {
    uint32_t open, kept;
    uint64_t packets, bytes; /* kept on the disk */
    uint64_t missed;         /* packets that were overwritten before they were looked at */
    uint64_t damaged;        /* segments with something that makes no sense */
    uint64_t beyond, beyond_incidents, removed, removed_for_room, failures;
};

struct keeper;
struct keeper *keeper_new(const struct keeper_config *config, struct error *error);
void keeper_free(struct keeper *keeper);
/* What was lost before anybody saw it, since the sensor began: for the manifests. */
void keeper_drops(struct keeper *keeper, uint64_t kernel_drops, uint64_t interface_drops);
/* All that is there to be done now. */
void keeper_round(struct keeper *keeper);
/* The sensor ends: everything is sealed. */
void keeper_seal_all(struct keeper *keeper);
/* All that was sealed is known to be in the journal. */
bool keeper_is_settled(const struct keeper *keeper);
struct keeper_counts keeper_counts_of(const struct keeper *keeper);

/* The file of held packets of this worker. Caller frees. */
char *keeper_held_path(const char *folder, uint32_t worker);

/* --- what people do ----------------------------------------------------------------------------
 */

struct evidence_hold {
    const char *by, *reason;
    struct ptime at;
};
/* The evidence of `incident` in the state directory `folder`. ERROR_INPUT: there is none, or it is
 * held already, or not. */
int evidence_hold(const char *folder, const char *incident, const struct evidence_hold *hold,
                  struct error *error);
int evidence_release(const char *folder, const char *incident, struct error *error);
/* What the journal says of evidence that somebody's right to be forgotten took away. */
extern const char evidence_forgotten[];
bool evidence_is_held(const char *folder, const char *incident);
/* A name of an incident, and nothing that leads elsewhere. */
bool evidence_is_incident(const char *text);

#endif
