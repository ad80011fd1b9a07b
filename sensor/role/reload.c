/* See reload.h. Thread: the main thread. */
#include "reload.h"

#include "weir/base/buffer.h"
#include "weir/role/check.h"

#include <string.h>

static bool same_interfaces(const struct config *a, const struct config *b)
{
    bool same = a->interface_count == b->interface_count;
    for (size_t i = 0; same && i < a->interface_count; i++)
        same = strcmp(a->interface[i].name, b->interface[i].name) == 0 &&
               strcmp(a->interface[i].vantage, b->interface[i].vantage) == 0;
    return same;
}

static bool same_ports(const struct decoder_config *a, const struct decoder_config *b)
{
    bool same = a->port_count == b->port_count;
    for (size_t i = 0; same && i < a->port_count; i++)
        same = a->port[i].port == b->port[i].port && a->port[i].layer == b->port[i].layer;
    return same;
}

static bool same_patterns(const struct config *a, const struct config *b)
{
    bool same = a->pattern_count == b->pattern_count;
    for (size_t i = 0; same && i < a->pattern_count; i++)
        same = strcmp(a->pattern[i].name, b->pattern[i].name) == 0 &&
               strcmp(a->pattern[i].pattern, b->pattern[i].pattern) == 0;
    return same;
}

static bool same_evidence(const struct config_evidence *a, const struct config_evidence *b)
{
    return a->enabled == b->enabled && a->mib == b->mib && a->segment_mib == b->segment_mib &&
           a->handshake_bytes == b->handshake_bytes && a->incident_mib == b->incident_mib &&
           a->kept_mib == b->kept_mib;
}

/* What only a new sensor can change: another folder, other rights, other inputs. */
static void list_fixed(const struct config *a, const struct config *b, struct buffer *names)
{
    const struct {
        const char *key;
        bool changed;
    } row[] = {
        {"sensor.name", strcmp(a->sensor_name, b->sensor_name) != 0},
        {"sensor.state_dir", strcmp(a->state_dir, b->state_dir) != 0},
        {"sensor.user", strcmp(a->user, b->user) != 0},
        {"site.timezone", strcmp(a->timezone, b->timezone) != 0},
        {"networks.identity", a->by_device != b->by_device},
        {"networks.as_database", strcmp(a->as_database, b->as_database) != 0},
        {"redis.url", strcmp(a->redis_url, b->redis_url) != 0},
        {"capture.interfaces", !same_interfaces(a, b)},
        {"capture.workers", a->workers != b->workers},
        {"capture.filter", strcmp(a->filter, b->filter) != 0},
        {"capture.snaplen", a->snaplen != b->snaplen},
        {"capture.buffer_mib", a->buffer_mib != b->buffer_mib},
        {"capture.tunnel_ports", !same_ports(&a->decoder, &b->decoder)},
        {"content.patterns", !same_patterns(a, b)},
        {"evidence", !same_evidence(&a->evidence, &b->evidence)},
        {"privacy.retention_days.evidence", a->evidence.days != b->evidence.days},
        {"metrics.listen", strcmp(a->metrics_listen, b->metrics_listen) != 0},
        {"console.enabled", a->console.enabled != b->console.enabled},
        {"console.listen", strcmp(a->console.listen, b->console.listen) != 0},
        {"privacy.content_samples", a->content_samples != b->content_samples},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        if (row[i].changed)
            buffer_text(names, "%s%s", names->size ? ", " : "", row[i].key);
}

static int check_fixed(const struct reload *next, const struct config *config, struct error *error)
{
    struct buffer names = {0};
    list_fixed(config, &next->config, &names);
    int failed = names.size == 0 ? 0
                                 : error_set(error, ERROR_USAGE,
                                             "%s: only a restart of the sensor can change %.*s",
                                             next->source.path ? next->source.path : "--set",
                                             (int)names.size, (const char *)names.data);
    buffer_fini(&names);
    return failed;
}

int reload_read(struct reload *reload, const struct config_source *source,
                const struct config *config, const char *filter, struct error *error)
{
    *reload = (struct reload){.source = {.path = source->path,
                                         .set = source->set,
                                         .inside = source->inside,
                                         .interface = source->interface}};
    config_init(&reload->config);
    int failed = config_source_read(&reload->source, error);
    if (!failed) {
        config_fini(&reload->config);
        failed = config_load(&reload->config, &reload->source, error) != 0 ||
                 role_check(&reload->config, filter, error) != 0 ||
                 config_check_console(&reload->config, error) != 0 ||
                 check_fixed(reload, config, error) != 0;
    }
    if (failed)
        reload_fini(reload);
    return failed ? -1 : 0;
}

void reload_fini(struct reload *reload)
{
    config_fini(&reload->config);
    config_source_fini(&reload->source);
    *reload = (struct reload){.config = {.owned = NULL}};
}
