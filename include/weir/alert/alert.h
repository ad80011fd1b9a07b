/* One alert: what a finding says of a story (an incident), with everything a reader needs to act.
 * Self-contained: formatting needs nothing else. Deterministic: ids are hashes of host,
 * destination, first packet time, detector and raise number; no sensor name, no wall time. Engine
 * thread. */
#ifndef WEIR_ALERT_ALERT_H
#define WEIR_ALERT_ALERT_H

#include "weir/base/json.h"
#include "weir/detect/detector.h"

#define ALERT_FLOWS     16 /* the largest are kept; flows_total counts all */
#define ALERT_ADDRESSES 8
#define ALERT_ID_SIZE   33 /* 128 bits in hex */

enum incident_state { INCIDENT_OPEN, INCIDENT_UPDATE, INCIDENT_CLOSE };
extern const char *const incident_state_name[];

struct alert_flow {
    struct flow_key key;
    struct ptime start;
    uint64_t out_bytes;
    enum service service;
    bool outbound; /* the inside side opened it */
};

#define STORY_CLIENTS   8
#define STORY_TEXT_SIZE 48

/* Whom proxies said they asked for (record.h): a claim. When more than STORY_CLIENTS appear, the
 * lightest gives way and its weight is inherited (Metwally, Agrawal, El Abbadi 2005: space-saving),
 * so whoever took more than an eighth of all is there. */
struct claimed_client {
    struct ip ip;
    uint8_t by;         /* enum client_by */
    uint32_t flows;     /* at least so many */
    uint64_t out_bytes; /* of its flows since it is listed: at least so much */
    uint64_t weight;    /* at most so much */
};

/* networks.zones */
struct story_zone {
    char name[ZONE_NAME_SIZE];                     /* "": in none */
    uint8_t level;                                 /* in tenths */
    char from[ZONE_NAME_SIZE], to[ZONE_NAME_SIZE]; /* of who opened, of whom; "": not said */
};

/* What is known of the traffic the alert speaks of. What each flow record changes stands first: it
 * is 5 kB, and stories are many. */
struct story {
    struct ip host;
    struct ptime first, last; /* packets */
    struct volume out;
    uint64_t in_bytes, out_packets, in_packets;
    uint32_t flows_inside, flows_outside; /* by who opened */
    uint64_t flows_total;
    size_t flow_count, client_count; /* of flow, of client */
    uint64_t unverified_out;         /* of `out`: under names that no seen answer bears out */
    uint64_t other_certificate_out;  /* … of servers whose certificate holds other names */
    struct ip remote;                /* this, and the next four: of the largest flow */
    uint16_t remote_port;            /* 0: none */
    bool by_tunnel;       /* host and remote are the ends of `tunnel`, not the flow's own */
    struct tunnel tunnel; /* count 0: it was in none */
    struct ip source;     /* the inside address; `host` but for a device */
    /* Of a device: its addresses in this story, by when they were first seen. */
    struct ip address[ALERT_ADDRESSES];
    uint32_t address_count;
    bool more_addresses; /* … and there were others */
    struct destination destination;
    bool has_destination;                /* false: the host as a whole, or the sensor */
    char sight[SILENCE_NAME_SIZE];       /* the sensor's: what it does not see; "": what it lost */
    struct volume service_out[SERVICES]; /* `out` by service */
    struct counted counted;              /* in what left */
    uint64_t content_gap_bytes; /* at least so much of one flow's content was not inspected */
    char server_name[RECORD_NAME_MAX + 1];
    bool has_ja3;
    uint8_t ja3[16];
    char ja4[STORY_TEXT_SIZE];                   /* these two: of the largest flow; "": not known */
    char application[STORY_TEXT_SIZE];           /* TEXT_APPLICATION */
    struct alert_flow flow[ALERT_FLOWS];         /* by out_bytes, largest first */
    struct claimed_client client[STORY_CLIENTS]; /* by weight, heaviest first */
    uint64_t clients_replaced;                   /* times one gave way: not all are listed */
    struct story_zone zone;                      /* the host's */
    struct story_zone border; /* what the rows about zones speak of; other rows share the story */
};

/* Another host's open incident with the same destination. */
#define ALERT_LINKS 8
struct alert_link {
    struct ip host;
    char incident[ALERT_ID_SIZE];
};

struct alert_noise; /* noise.h */

struct alert {
    char id[ALERT_ID_SIZE];
    char incident[ALERT_ID_SIZE];
    uint32_t raise; /* 0, 1, … of this detector in this incident */
    enum incident_state state;
    struct ptime time; /* packet time at which it was decided */
    struct finding finding;
    struct story story;
    enum baseline_state baseline;
    uint32_t baseline_hours;
    struct alert_link link[ALERT_LINKS]; /* those that were opened first; links_total counts all */
    size_t link_count;
    uint64_t links_total;
    uint64_t new_bytes; /* of story.out: more than the incident's alert before told of */
    bool aloud;         /* an earlier one of this opening of the incident was told unsilenced */
    const struct alert_noise *noise; /* what people said of it; NULL: nothing. Borrowed */
    const char *mode;                /* static: "online" */
    const char *sensor, *ruleset;    /* borrowed from the configuration */
};

/* The zone that it speaks of: the border's, or the host's. */
const struct story_zone *alert_zone(const struct alert *alert);
/* Of the incident that a finding about this story belongs to: hash of host, destination key and
 * first packet; of the sensor's own, of its name in place of a host. NULL: as "". */
void incident_id(const struct story *story, const char *sensor, char id[ALERT_ID_SIZE]);
/* "inc-" and six letters of the incident's id: what people type. */
char *incident_short(const char *incident, char text[16]);

/* The record of it: an ECS line without newline, which is what the journal holds and what
 * every output format (format.h) is made from. Caller frees. */
char *alert_line(struct json *json, const struct alert *alert);

#endif
