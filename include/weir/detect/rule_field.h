/* The fields that conditions speak of (weir-rules(5)), and a fact of each. Names are part of the
 * configuration's language: they change only with a note in CHANGELOG. Plain data. Thread: any. */
#ifndef WEIR_DETECT_RULE_FIELD_H
#define WEIR_DETECT_RULE_FIELD_H

#include "weir/base/address.h"

enum rule_type {
    RULE_ADDRESS,
    RULE_NAME,  /* a domain name; `under` asks for it and all below */
    RULE_TEXT,  /* compared without case */
    RULE_BYTES, /* numbers: bytes, a count, nanoseconds, yes or no */
    RULE_COUNT,
    RULE_TIME,
    RULE_FLAG,
    RULE_TYPES
};

/* name, type, what it is, in which unit. What the client alone says is marked CLAIMED: exceptions
 * and trust see such a name only where a seen DNS answer ties it to the address. */
#define RULE_FIELDS(X)                                                                             \
    X(HOST, "host", ADDRESS, "the inside address that was used")                                   \
    X(DEVICE, "device", TEXT, "the inside device, \"aa:bb:cc:dd:ee:ff\", where one is known")      \
    X(ZONE, "zone", TEXT, "the zone of host (networks.zones)")                                     \
    X(REMOTE, "remote", ADDRESS, "the address outside")                                            \
    X(REMOTE_PORT, "remote_port", COUNT, "its port")                                               \
    X(HOST_PORT, "host_port", COUNT, "the inside host's port")                                     \
    X(SERVER_PORT, "server_port", COUNT, "the port of whoever was asked")                          \
    X(PROTOCOL, "protocol", TEXT, "tcp, udp, icmp, icmp6, sctp, or the number")                    \
    X(SERVICE, "service", TEXT, "what the content proved to be: dns, tls, quic, …")                \
    X(APPLICATION, "application", TEXT, "finer than the service: doh, dot, or libndpi's name")     \
    X(DIRECTION, "direction", TEXT, "outbound: the inside host opened; inbound: the outside did")  \
    X(DESTINATION, "destination", NAME,                                                            \
      "what bytes are accounted to: a registrable domain that a seen answer bears out, or a "      \
      "prefix")                                                                                    \
    X(DESTINATION_KIND, "destination_kind", TEXT, "domain, as or prefix")                          \
    X(DESTINATION_AS_NUMBER, "destination_as_number", COUNT,                                       \
      "the autonomous system of remote, by networks.as_database")                                  \
    X(DESTINATION_AS_NAME, "destination_as_name", TEXT, "… its name, where the database has it")   \
    X(DESTINATION_COUNTRY, "destination_country", TEXT,                                            \
      "the country of remote, \"jp\", where networks.as_database has it")                          \
    X(DESTINATION_HOSTS, "destination_hosts", COUNT,                                               \
      "hosts that sent to the destination before this hour, of those that inside hosts open")      \
    X(WIDELY_USED, "widely_used", FLAG, "… they are more than 3, and more than 20 % of all hosts") \
    X(SERVER_NAME, "server_name", NAME, "TLS SNI or HTTP Host: CLAIMED by the client")             \
    X(REGISTRABLE_DOMAIN, "registrable_domain", NAME, "of server_name: CLAIMED by the client")     \
    X(NAME_VERIFIED, "name_verified", FLAG, "a seen DNS answer ties server_name to the address")   \
    X(CERTIFICATE_OTHER, "certificate_other", FLAG, "the server's certificate holds other names")  \
    X(DNS_QUESTION, "dns_question", NAME, "the first DNS question of the flow")                    \
    X(JA3, "ja3", TEXT, "of the client's hello, 32 hexadecimal digits: CLAIMED")                   \
    X(JA4, "ja4", TEXT, "of the client's hello: CLAIMED")                                          \
    X(ALPN, "alpn", TEXT, "what the client offers first: CLAIMED")                                 \
    X(ENCRYPTED, "encrypted", FLAG, "service is TLS, SSH or QUIC")                                 \
    X(ECH, "ech", FLAG, "the client offered an encrypted hello (ECH, ESNI)")                       \
    X(TUNNELLED, "tunnelled", FLAG, "a tunnel around the flow decides that it leaves")             \
    X(VLAN, "vlan", COUNT, "outermost VLAN id, 0: untagged")                                       \
    X(OUT_BYTES, "out_bytes", BYTES, "payload that left in this flow so far")                      \
    X(IN_BYTES, "in_bytes", BYTES, "payload that came in this flow so far")                        \
    X(OUT_IN_RATIO, "out_in_ratio", COUNT,                                                         \
      "out_bytes for each of in_bytes, rounded down; out_bytes, when nothing came in")             \
    X(OUT_BYTES_HOUR, "out_bytes_hour", BYTES, "that left for the destination in this hour")       \
    X(OUT_BYTES_DAY, "out_bytes_day", BYTES, "… in this day of the site, the hour included")       \
    X(OUT_BYTES_STORY, "out_bytes_story", BYTES, "… since the host began to, without 6 h silence") \
    X(HOST_OUT_BYTES_HOUR, "host_out_bytes_hour", BYTES,                                           \
      "that left the host in this hour, in all")                                                   \
    X(HOST_OUT_BYTES_DAY, "host_out_bytes_day", BYTES, "… in this day, in all")                    \
    X(FLOWS_STORY, "flows_story", COUNT, "flows of the story")                                     \
    X(DURATION, "duration", TIME, "of the flow so far")                                            \
    X(MET_BEFORE, "met_before", FLAG, "the host met the destination in an hour before this one")   \
    X(BASELINE, "baseline", TEXT, "of the host: learning, ready, frozen or stale")                 \
    X(HOUR, "hour", COUNT, "of the site's day, 0 to 23")                                           \
    X(WEEKDAY, "weekday", TEXT, "mon, tue, wed, thu, fri, sat or sun")                             \
    X(WORK_HOURS, "work_hours", FLAG, "site.work_hours of site.work_days, no holiday")             \
    X(EMAILS, "emails", COUNT, "distinct e-mail addresses seen leaving in the story, in clear")    \
    X(CARDS, "cards", COUNT, "… payment cards")                                                    \
    X(ACCOUNTS, "accounts", COUNT, "… bank accounts (IBAN)")                                       \
    X(PHONES, "phones", COUNT, "… telephone numbers")                                              \
    X(SETTINGS, "settings", COUNT, "… lines of system settings, keys and tokens")                  \
    X(FLIGHTS, "flights", COUNT, "… flight plans, telegrams and schedule legs")                    \
    X(ARCHIVES, "archives", COUNT, "… archives and documents in containers")                       \
    X(PATTERNS, "patterns", COUNT, "… matches of content.patterns")

enum rule_field {
#define RULE_FIELD_ENUM(id, name, type, what) FIELD_##id,
    RULE_FIELDS(RULE_FIELD_ENUM)
#undef RULE_FIELD_ENUM
        RULE_FIELD_COUNT
};

struct rule_field_row {
    const char *name;
    enum rule_type type;
    const char *what;
};
extern const struct rule_field_row rule_field_row[RULE_FIELD_COUNT];
/* The only values a text can have; NULL: it can have any. */
const char *const *rule_field_words(enum rule_field field, size_t *count);

/* What is known when a rule is asked. Texts are borrowed. */
struct rule_fact {
    bool known;
    union {
        struct ip ip;
        const char *text;
        uint64_t number;
    };
};

struct rule_facts {
    struct rule_fact fact[RULE_FIELD_COUNT];
    int64_t day;         /* of the site, days since 1970-01-01: exceptions expire by it */
    int weekday, minute; /* 0 = Monday; of the day: schedules go by them */
};

/* A text that is NULL or empty is not known. */
void rule_facts_text(struct rule_facts *facts, enum rule_field field, const char *text);
void rule_facts_number(struct rule_facts *facts, enum rule_field field, uint64_t number);
void rule_facts_address(struct rule_facts *facts, enum rule_field field, const struct ip *ip);
/* For exceptions and trust: names that nothing but the client's word bears out are not known. */
void rule_facts_doubt(struct rule_facts *facts);

/* −1: there is none of this name (of `size` bytes). */
int rule_field_find(const char *name, size_t size);
/* The one of `names` that `text` was most likely meant to be; NULL: none is near. */
const char *rule_nearest(const char *text, size_t size, const char *const *names, size_t count);
const char *rule_field_nearest(const char *text, size_t size);

#endif
