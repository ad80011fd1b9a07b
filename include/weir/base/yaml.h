/* A YAML document as a tree that remembers where everything stood, over libyaml's document API.
 * Bounds: 1 MiB of text, 64 levels, 100,000 nodes (keys too); anchors, aliases, tags and a second
 * document are refused. */
#ifndef WEIR_BASE_YAML_H
#define WEIR_BASE_YAML_H

#include "weir/base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_node {
    enum yaml_kind kind;
    int line, column; /* from 1 */
    char *text;       /* YAML_SCALAR: the value; else NULL */
    bool quoted;      /* YAML_SCALAR: written in quotes (so never a number or null) */
    char *key;        /* when the parent is a map */
    int key_line, key_column;
    struct yaml_node *child; /* first child of a list or map, in the file's order */
    struct yaml_node *next;  /* next sibling */
};

/* NULL and an error "FILE:line:column: what" on failure. An empty document is an empty map. */
struct yaml_node *yaml_parse(const char *name, const char *text, size_t size, struct error *error);
/* The text of a file, for yaml_parse (which refuses one that is too large); caller frees. NULL and
 * an error when it cannot be read. */
char *yaml_read_file(const char *path, size_t *size, struct error *error);
/* libyaml exports a yaml_free of its own, and would call ours: the symbol has another name. */
void yaml_node_free(struct yaml_node *node);
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);

#endif
