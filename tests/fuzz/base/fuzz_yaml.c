/* Any bytes as YAML: a tree whose invariants hold, or an error that says where. */
#include "weir/base/yaml.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void walk(const struct yaml_node *node, int depth)
{
    must(depth <= 65 && node->line > 0 && node->column > 0);
    must((node->kind == YAML_SCALAR) == (node->text != NULL));
    must(node->kind != YAML_SCALAR || !node->child);
    for (const struct yaml_node *child = node->child; child; child = child->next) {
        must((node->kind == YAML_MAP) == (child->key != NULL));
        must(!child->key || (child->key_line > 0 && yaml_get(node, child->key) == child));
        walk(child, depth + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error = {0};
    if (size > 4096) /* long maps make the walk above quadratic */
        return 0;
    struct yaml_node *tree = yaml_parse("fuzz", (const char *)data, size, &error);
    must((tree == NULL) == (error.code != ERROR_NONE));
    if (tree)
        walk(tree, 1);
    else
        must(strncmp(error.message, "fuzz:", 5) == 0);
    yaml_node_free(tree);
    return 0;
}
