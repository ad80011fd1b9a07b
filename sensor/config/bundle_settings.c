/* bundle: {keys: …, folder: …}: whose bundles of rules are taken, and where they are put
 * (config/bundle.h). Thread: start-up only. */
#include "config_keys.h"

#include <stdlib.h>

void config_bundle_init(struct config *config)
{
    config->bundle = (struct config_bundle){.keys = config_own(config, "/etc/weir/bundle-keys"),
                                            .folder = config_own(config, "/etc/weir/bundle")};
}

void config_bundle_beside(const struct reading *r)
{
    char *path = config_whole_path(r, "bundle");
    r->config->bundle.folder = config_own(r->config, path);
    free(path);
}

static int read_folder(const struct reading *r, const struct yaml_node *node, char **to)
{
    if (node->kind != YAML_SCALAR || !*node->text)
        return config_refuse(r, node, "a folder");
    char *path = config_whole_path(r, node->text);
    *to = config_own(r->config, path);
    free(path);
    return 0;
}

int config_read_bundle_keys(const struct reading *r, const struct yaml_node *node)
{
    return read_folder(r, node, &r->config->bundle.keys);
}

int config_read_bundle_folder(const struct reading *r, const struct yaml_node *node)
{
    return read_folder(r, node, &r->config->bundle.folder);
}

void config_show_bundle_keys(const struct config *config, struct buffer *b)
{
    config_show_quoted(b, config->bundle.keys);
}

void config_show_bundle_folder(const struct config *config, struct buffer *b)
{
    config_show_quoted(b, config->bundle.folder);
}
