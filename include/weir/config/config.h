/* The configuration: one YAML file and --set, every key with a default, every mistake named with
 * file, line and column. A key is known only when it is honoured. Strings are owned by the config.
 */
#ifndef WEIR_CONFIG_CONFIG_H
#define WEIR_CONFIG_CONFIG_H

#include "weir/base/address.h"
#include "weir/base/calendar.h"
#include "weir/base/error.h"
#include "weir/base/inside.h"
#include "weir/base/yaml.h"
#include "weir/bus/bus.h"
#include "weir/bus/console.h"
#include "weir/decode/packet.h"
#include "weir/detect/rules.h"

#define CONFIG_SINKS        BUS_SINKS /* two of them are the command line's */
#define CONFIG_HOLIDAYS     366
#define CONFIG_INTERFACES   8
#define CONFIG_WORKERS      16
#define CONFIG_PATTERNS     64
#define CONFIG_RULES        32  /* paths or patterns of rule files */
#define CONFIG_PATTERN_NAME 63  /* bytes */
#define CONFIG_PATTERN_TEXT 512 /* bytes */

struct config_interface {
    const char *name;    /* span0 */
    const char *vantage; /* where it looks from; interfaces of one vantage share flows */
};

/* What the operator looks for in clear text. */
struct config_pattern {
    const char *name, *pattern;
    const char *place; /* "FILE:line:column: key", for whoever can tell that it is no expression */
};

/* Where rules are read from. */
struct config_rules {
    const char *path;  /* absolute; of one file, or a pattern as glob(7) has them */
    const char *place; /* "FILE:line:column", for messages */
};

#define CONFIG_STATE_DIR "/var/lib/weir"

/* privacy.access_log: whether it is written down who looks at a host's data. */
enum access_log {
    ACCESS_LOG_OFF,
    ACCESS_LOG_ON,       /* … where it can be; else that is said, and the look goes on */
    ACCESS_LOG_REQUIRED, /* what cannot be written down cannot be looked at */
    ACCESS_LOGS
};
extern const char *const access_log_name[ACCESS_LOGS];

struct config {
    char *sensor_name, *state_dir; /* state_dir "": a temporary folder (replay), CONFIG_STATE_DIR */
    char *user; /* whom the roles become; "": whoever starts us; of root: weir, or nobody */
    char *timezone;
    bool timezone_set;
    int work_start, work_end;
    unsigned work_days;
    const char *holiday[CONFIG_HOLIDAYS];
    size_t holiday_count;
    struct inside inside;
    bool inside_set;
    char *as_database;            /* a MaxMind DB file; "": none */
    struct zones *zones;          /* networks.zones, with their conduits; NULL: none. Owned */
    struct config_rules conduits; /* networks.conduits: where they are read from; NULL: none */
    bool by_device;               /* hosts are devices where one is known, not addresses */
    struct config_interface interface[CONFIG_INTERFACES];
    size_t interface_count;
    uint32_t workers; /* capture processes; 0: a thread of the engine's process */
    uint32_t snaplen, buffer_mib;
    struct decoder_config decoder;
    char *filter;
    struct config_pattern pattern[CONFIG_PATTERNS];
    size_t pattern_count;
    bool content_samples; /* found items are told as they were, a few */
    bool pseudonyms;      /* privacy.pseudonyms: in the place of inside addresses */
    enum access_log access_log;
    char *metrics_listen; /* "ADDRESS:PORT", "": not over TCP */
    struct config_console {
        bool enabled;
        char *listen;             /* "ADDRESS:PORT" */
        char *cert, *key, *users; /* absolute paths, "": none */
        const char *name[CONSOLE_NAMES];
        size_t name_count;
        uint32_t streams;
    } console;
    char *redis_url;
    uint32_t max_hosts;
    uint32_t cache_mib;     /* of hosts' profiles in the engine's memory */
    uint32_t baseline_days; /* privacy.retention_days: after so many without a change */
    uint32_t journal_days;  /* likewise: after so many since it was written */
    uint32_t access_days;   /* likewise: of the access log */
    uint32_t journal_mib;   /* alerts.journal_mib: then the oldest of it goes */
    struct config_evidence {
        bool enabled;
        uint32_t mib, segment_mib; /* of packets that are held, all workers; a part of one's */
        uint32_t handshake_bytes;  /* of clear payload, of each side of a flow */
        uint32_t incident_mib, kept_mib; /* of one incident, of all */
        uint32_t days;                   /* privacy.retention_days: since it was last written */
    } evidence;
    struct detect_config detect;
    bool budget_given; /* detection.alerts_per_100_hosts_per_day was */
    struct sink_settings sink[CONFIG_SINKS];
    size_t sink_count;
    struct config_rules rules_from[CONFIG_RULES];
    size_t rules_count;
    struct rules *rules; /* of them; NULL: none. Owned */
    struct config_bundle {
        char *keys, *folder; /* absolute paths */
    } bundle;
    struct owned { /* every string the config holds */
        struct owned *next;
        char text[];
    } * owned;
};

void config_init(struct config *config); /* the defaults */
void config_fini(struct config *config);
/* `name`: of the file the text came from, for messages. */
int config_read_text(struct config *config, const char *name, const char *text, size_t size,
                     struct error *error);
/* "key=value", as on the command line. */
int config_set(struct config *config, const char *assignment, struct error *error);
/* One more inside prefix (--inside) or interface (-i); the first replaces the default and what the
 * file said. */
int config_add_inside(struct config *config, const char *text, bool first, struct error *error);
int config_add_interface(struct config *config, const char *text, bool first, struct error *error);
/* What is missing after all was read: the default inside networks, and where the interfaces are
 * that some of them are inside at. */
int config_finish(struct config *config, struct error *error);
char *config_text(const struct config *config); /* effective settings as YAML; caller frees */
struct calendar *config_calendar(const struct config *config, struct error *error);
/* The number of the interface's vantage, counted from 0 in the order of first mention. */
uint8_t config_vantage(const struct config *config, size_t interface);
/* Whether each capture worker gets two segments at least. ERROR_USAGE. */
int config_check_evidence(const struct config *config, struct error *error);
/* What the console is made of; borrowed of the config. */
void config_console_settings(const struct config *config, struct console_settings *settings);
/* Whether it can be served; its files are read. ERROR_USAGE. */
int config_check_console(const struct config *config, struct error *error);
/* Whether `rules` names files below this folder, an absolute path, however both are written. */
bool config_rules_name(const struct config *config, const char *folder);
/* The state directory of a sensor that runs. */
const char *config_state_dir(const struct config *config);

#endif
