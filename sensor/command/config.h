/* The configuration: one YAML file and --set, every key with a default, every mistake named with
 * file, line and column. A key is known only when it is honoured. Strings are owned by the config.
 */
#ifndef WEIR_COMMAND_CONFIG_H
#define WEIR_COMMAND_CONFIG_H

#include "weir/base/address.h"
#include "weir/base/calendar.h"
#include "weir/base/error.h"
#include "weir/base/yaml.h"
#include "weir/bus/bus.h"
#include "weir/detect/detector.h"

#define CONFIG_SINKS    16
#define CONFIG_HOLIDAYS 366

struct config {
    char *sensor_name, *state_dir; /* state_dir "": a temporary folder (replay) */
    char *timezone;
    int work_start, work_end;
    unsigned work_days;
    const char *holiday[CONFIG_HOLIDAYS];
    size_t holiday_count;
    struct prefix_set inside;
    bool inside_set;
    char *filter;
    char *redis_url;
    uint32_t max_hosts;
    struct detect_config detect;
    struct sink_config sink[CONFIG_SINKS];
    size_t sink_count;
    struct owned { /* every string the config holds */
        struct owned *next;
        char text[];
    } * owned;
};

void config_init(struct config *config); /* the defaults */
void config_fini(struct config *config);
int config_read_file(struct config *config, const char *path, struct error *error);
/* "key=value", as on the command line. */
int config_set(struct config *config, const char *assignment, struct error *error);
/* One more inside prefix (--inside); the first replaces the default and what the file said. */
int config_add_inside(struct config *config, const char *text, bool first, struct error *error);
/* What is missing after all was read: the default inside networks. */
void config_finish(struct config *config);
char *config_text(const struct config *config); /* effective settings as YAML; caller frees */
struct calendar *config_calendar(const struct config *config, struct error *error);

#endif
