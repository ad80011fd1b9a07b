/* What the keeper's files share. Private to the room. */
#ifndef WEIR_SENSOR_INVESTIGATE_KEEPER_LOCAL_H
#define WEIR_SENSOR_INVESTIGATE_KEEPER_LOCAL_H

#include "evidence_local.h"
#include "weir/alert/journal.h"
#include "weir/base/map.h"
#include "weir/investigate/keeper.h"
#include "weir/record/evidence_ring.h"

#define KEPT_NEAR     64u
#define KEPT_HOSTS    16u
#define KEPT_RULES    16u
#define KEPT_VERDICTS 8u
#define KEPT_LINKS    8u
#define FLOW_ID_SIZE  32

struct kept_pair { /* the smaller address first */
    struct ip a, b;
};

struct kept_flow {
    struct flow_key key; /* unordered */
    struct ptime start, end;
    uint64_t packets, wire_bytes;
};

struct kept_file {
    uint32_t number; /* packets-N.pcapng */
    uint64_t bytes, packets;
    char sha256[HEX_SIZE(SHA256_SIZE)];
};

struct kept_verdict {
    char verdict[16], by[NOISE_NAME], note[NOISE_TEXT], ticket[NOISE_NAME];
    char at[40]; /* as the journal has it */
};

/* An incident's evidence. */
struct kept {
    char id[ALERT_ID_SIZE];
    char host[64], destination[DESTINATION_NAME_SIZE], urgency[16];
    char rule[KEPT_RULES][64];
    size_t rules;
    int score;
    struct ptime first, last; /* of the incident, as its alerts say */
    struct ip hosts[KEPT_HOSTS], near[KEPT_NEAR];
    size_t host_count, near_count;
    char (*id_of_flow)[FLOW_ID_SIZE]; /* community ids of its alerts */
    size_t flow_ids, flow_ids_old;    /* _old: their packets were looked for in what is held */
    struct kept_pair *pair;
    size_t pairs, pairs_old;
    struct kept_flow **flow; /* in the order in which they came */
    size_t flows;
    struct map flow_of;                 /* key → the flow */
    uint64_t next[KEEPER_WORKERS];      /* the number of the first packet not looked at, a worker */
    bool open, leaving, dirty, changed; /* to be saved; to be sealed though no packet came */
    bool reopened;                      /* what came since `next` was not looked at for it */
    bool may_go;                        /* that it leaves is in the journal */
    char leaving_why[200];
    struct ptime
        held_from; /* the oldest packet held when it was first looked for; PTIME_MAX: none */
    uint64_t packets, wire_bytes, bytes; /* all; bytes: of the files that are sealed */
    uint64_t beyond, missed, flows_beyond;
    struct kept_file *file;
    size_t files;
    struct kept_verdict verdict[KEPT_VERDICTS];
    size_t verdicts;
    char head[HEX_SIZE(SHA256_SIZE)], told[HEX_SIZE(SHA256_SIZE)]; /* told: as the journal has it */
    int64_t began_ns, written_ns, part_ns, said_ns,
        failed_ns;          /* wall clock; part_ns: the part's first */
    struct pcapng_out *out; /* the part; NULL: none */
    uint64_t part_packets, part_bytes;
    struct {
        uint8_t interface;
        int link;
    } part_interface[KEEPER_INTERFACES];
    uint32_t part_interfaces;
};

struct keeper_match { /* whose packet is it? */
    struct map pairs, ids, near;
    struct map community; /* flow key → its text, for a while */
};

struct keeper {
    struct keeper_config config;
    char *folder; /* "STATE/evidence" */
    struct sign_key *key;
    struct kept **kept;
    size_t count;
    struct map by_id;
    struct keeper_match match;
    bool match_stale;
    struct evidence_reader *reader[KEEPER_WORKERS];
    struct held_place place[KEEPER_WORKERS];
    uint64_t journal; /* read through this sequence number */
    uint64_t saved;   /* … and so it is on the disk */
    struct journal_reader *journal_reader;
    uint64_t kernel_drops, interface_drops;
    int64_t next_save_ns, next_look_ns;
    uint64_t total_bytes; /* of all that stays */
    int no_room_for;      /* this score and lower ones, found in this round; −1: none */
    struct keeper_counts counts;
};

int64_t keeper_now(const struct keeper *keeper);
char *kept_path(const struct keeper *keeper, const struct kept *kept, const char *name);
struct kept *keeper_get(const struct keeper *keeper, const char *id);
/* Makes the folder. NULL: no room, counted. */
struct kept *keeper_make(struct keeper *keeper, const char *id, int score);
void kept_free(struct kept *kept);

/* keeper_journal.c */
int keeper_journal_open(struct keeper *keeper, struct error *error);
void keeper_journal_read(struct keeper *keeper);
void keeper_journal_line(struct keeper *keeper, const char *line, size_t size);

/* keeper_match.c */
void keeper_match_init(struct keeper_match *match);
void keeper_match_fini(struct keeper_match *match);
void keeper_match_build(struct keeper *keeper);
/* What is held is looked through for what is new of incidents, then for all that came since. */
void keeper_scan(struct keeper *keeper);

/* keeper_write.c: a packet of an incident; the part is sealed. */
void kept_packet(struct keeper *keeper, struct kept *kept, const struct held_packet *packet);
void kept_seal(struct keeper *keeper, struct kept *kept);
bool kept_is_due(const struct keeper *keeper, const struct kept *kept);
/* A copy of it is in the list. */
struct kept_flow *kept_add_flow(struct kept *kept, const struct kept_flow *flow);
/* keeper_manifest.c: the manifest's text, and its head; caller frees. */
char *kept_manifest(const struct keeper *keeper, const struct kept *kept,
                    char head[HEX_SIZE(SHA256_SIZE)]);

/* keeper_state.c: incident.json, keeper.json. */
/* −1: it is as it was on the disk, and is tried again. */
int kept_save(struct keeper *keeper, struct kept *kept);
struct kept *kept_load(const char *text, size_t size); /* NULL: it makes no sense */
int keeper_load(struct keeper *keeper, struct error *error);
void keeper_save(struct keeper *keeper);

/* keeper_room.c: what goes. */
bool keeper_make_place(struct keeper *keeper, int score); /* of KEEPER_KEPT */
/* So many bytes. False: nothing goes, it would not be enough. */
bool keeper_make_room(struct keeper *keeper, int score, uint64_t bytes);
void keeper_retire(struct keeper *keeper);
void keeper_leave(struct keeper *keeper);                 /* says so, and then removes it */
void keeper_finish_removing(const struct keeper *keeper); /* what a dead keeper began to */
/* Somebody else removed it, and said so. One that is still there stays. */
void keeper_forget(struct keeper *keeper, struct kept *kept);

#endif
