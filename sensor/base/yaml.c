/* A YAML document as a tree with line numbers, over libyaml, in two passes: its events, to refuse
 * by name what a configuration does not need and to hold the bounds (anchors, aliases, tags,
 * several documents, depth, size), then its document. Keys that are not text or given twice are
 * refused too. Thread: the caller's. */
#include "weir/base/yaml.h"

#include "weir/base/buffer.h"
#include "weir/base/map.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define TEXT_MAX  (1u << 20)
#define DEPTH_MAX 64
#define NODES_MAX 100000

struct reading {
    const char *name;
    struct error *error;
    yaml_document_t *document;
};

void yaml_node_free(struct yaml_node *node)
{
    while (node) {
        struct yaml_node *next = node->next;
        yaml_node_free(node->child);
        free(node->text);
        free(node->key);
        free(node);
        node = next;
    }
}

static void refuse(const struct reading *reading, const yaml_mark_t *at, const char *what)
{
    error_set(reading->error, ERROR_USAGE, "%s:%zu:%zu: %s", reading->name, at->line + 1,
              at->column + 1, what);
}

/* --- first pass: events, for what the document no longer shows ------------------------------- */

struct scan {
    size_t depth, nodes, documents;
};

static const char *scan_node(struct scan *scan, const yaml_char_t *anchor, const yaml_char_t *tag)
{
    if (anchor)
        return "anchors are not supported: write it out";
    if (tag)
        return "tags are not supported: quote text, leave numbers bare";
    if (++scan->nodes > NODES_MAX)
        return "too large (at most 100,000 values)";
    return NULL;
}

static const char *scan_start(struct scan *scan, const yaml_char_t *anchor, const yaml_char_t *tag)
{
    if (++scan->depth > DEPTH_MAX)
        return "nested too deeply (at most 64 levels)";
    return scan_node(scan, anchor, tag);
}

static const char *scan_event(struct scan *scan, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return ++scan->documents > 1 ? "a second document, expected one" : NULL;
    case YAML_ALIAS_EVENT:
        return "aliases are not supported: write it out";
    case YAML_SCALAR_EVENT:
        if (memchr(event->data.scalar.value, 0, event->data.scalar.length))
            return "a NUL inside text";
        return scan_node(scan, event->data.scalar.anchor, event->data.scalar.tag);
    case YAML_SEQUENCE_START_EVENT:
        return scan_start(scan, event->data.sequence_start.anchor, event->data.sequence_start.tag);
    case YAML_MAPPING_START_EVENT:
        return scan_start(scan, event->data.mapping_start.anchor, event->data.mapping_start.tag);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        scan->depth--;
        return NULL;
    default:
        return NULL;
    }
}

/* Where the reader stopped at bytes that are not UTF-8 it knows the offset only. */
static yaml_mark_t mark_of_offset(const char *text, size_t size, size_t offset)
{
    yaml_mark_t mark = {.index = offset};
    for (size_t i = 0; i < offset && i < size; i++) {
        mark.column = text[i] == '\n' ? 0 : mark.column + 1;
        mark.line += text[i] == '\n';
    }
    return mark;
}

static void syntax_error(const struct reading *reading, const yaml_parser_t *parser,
                         const char *text, size_t size)
{
    char what[300];
    yaml_mark_t mark = parser->error == YAML_READER_ERROR
                           ? mark_of_offset(text, size, parser->problem_offset)
                           : parser->problem_mark;
    bool tab = mark.index < size && text[mark.index] == '\t';
    snprintf(what, sizeof what, "%s%s%s%s", parser->context ? parser->context : "",
             parser->context ? ", " : "", parser->problem ? parser->problem : "not YAML",
             tab ? ": a tab, expected spaces" : "");
    refuse(reading, &mark, what);
}

/* False, and the error is set, unless this is one document that the second pass may load. */
static bool scan(const struct reading *reading, yaml_parser_t *parser, const char *text,
                 size_t size)
{
    struct scan scan = {0, 0, 0};
    const char *what = NULL;
    for (bool end = false; !end && !what;) {
        yaml_event_t event;
        if (!yaml_parser_parse(parser, &event)) {
            syntax_error(reading, parser, text, size);
            return false;
        }
        what = scan_event(&scan, &event);
        if (what)
            refuse(reading, &event.start_mark, what);
        end = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    return !what;
}

/* --- second pass: the document as our tree; recursion is bounded by the first ---------------- */

static struct yaml_node *read_node(const struct reading *reading, int index);

static bool read_list(const struct reading *reading, const yaml_node_t *from, struct yaml_node *to)
{
    struct yaml_node **end = &to->child;
    for (const yaml_node_item_t *item = from->data.sequence.items.start;
         item < from->data.sequence.items.top; item++) {
        *end = read_node(reading, *item);
        if (!*end)
            return false;
        end = &(*end)->next;
    }
    return true;
}

/* The value of a pair, with its key; NULL when it is refused. */
static struct yaml_node *read_pair(const struct reading *reading, const yaml_node_pair_t *pair,
                                   struct map *keys)
{
    const yaml_node_t *key = yaml_document_get_node(reading->document, pair->key);
    if (key->type != YAML_SCALAR_NODE) {
        refuse(reading, &key->start_mark, "a key must be plain text");
        return NULL;
    }
    const char *name = (const char *)key->data.scalar.value;
    if (map_get(keys, name, key->data.scalar.length)) {
        char what[200];
        snprintf(what, sizeof what, "\"%.100s\" is given twice", name);
        refuse(reading, &key->start_mark, what);
        return NULL;
    }
    struct yaml_node *child = read_node(reading, pair->value);
    if (!child)
        return NULL;
    child->key = xstrdup(name);
    child->key_line = (int)key->start_mark.line + 1;
    child->key_column = (int)key->start_mark.column + 1;
    map_put(keys, name, key->data.scalar.length, child);
    return child;
}

static bool read_map(const struct reading *reading, const yaml_node_t *from, struct yaml_node *to)
{
    struct yaml_node **end = &to->child;
    struct map keys;
    bool ok = true;
    map_init(&keys);
    for (const yaml_node_pair_t *pair = from->data.mapping.pairs.start;
         ok && pair < from->data.mapping.pairs.top; pair++) {
        *end = read_pair(reading, pair, &keys);
        ok = *end != NULL;
        if (ok)
            end = &(*end)->next;
    }
    map_fini(&keys, NULL);
    return ok;
}

static struct yaml_node *read_node(const struct reading *reading, int index)
{
    const yaml_node_t *from = yaml_document_get_node(reading->document, index);
    struct yaml_node *to = xcalloc(1, sizeof *to);
    bool ok = true;
    to->line = (int)from->start_mark.line + 1;
    to->column = (int)from->start_mark.column + 1;
    if (from->type == YAML_SCALAR_NODE) {
        to->kind = YAML_SCALAR;
        to->text = xstrdup((const char *)from->data.scalar.value);
        to->quoted = from->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    } else if (from->type == YAML_SEQUENCE_NODE) {
        to->kind = YAML_LIST;
        ok = read_list(reading, from, to);
    } else {
        to->kind = YAML_MAP;
        ok = read_map(reading, from, to);
    }
    if (ok)
        return to;
    yaml_node_free(to);
    return NULL;
}

static struct yaml_node *empty_map(void)
{
    struct yaml_node *empty = xcalloc(1, sizeof *empty);
    empty->kind = YAML_MAP;
    empty->line = empty->column = 1;
    return empty;
}

static struct yaml_node *read_document(struct reading *reading, yaml_parser_t *parser)
{
    yaml_document_t document;
    struct yaml_node *tree = NULL;
    if (!yaml_parser_load(parser, &document)) {
        error_set(reading->error, ERROR_RUN, "%s: libyaml: %s", reading->name,
                  parser->problem ? parser->problem : "no memory");
        return NULL;
    }
    reading->document = &document;
    const yaml_node_t *root = yaml_document_get_root_node(&document);
    bool empty = !root || (root->type == YAML_SCALAR_NODE && root->data.scalar.length == 0 &&
                           root->data.scalar.style == YAML_PLAIN_SCALAR_STYLE);
    tree = empty ? empty_map() : read_node(reading, (int)(root - document.nodes.start) + 1);
    reading->document = NULL;
    yaml_document_delete(&document);
    return tree;
}

/* --- both passes ----------------------------------------------------------------------------- */

static bool start(yaml_parser_t *parser, const struct reading *reading, const char *text,
                  size_t size)
{
    if (!yaml_parser_initialize(parser)) {
        error_set(reading->error, ERROR_RUN, "%s: libyaml could not start", reading->name);
        return false;
    }
    yaml_parser_set_input_string(parser, (const unsigned char *)text, size);
    return true;
}

struct yaml_node *yaml_parse(const char *name, const char *text, size_t size, struct error *error)
{
    struct reading reading = {name, error, NULL};
    struct yaml_node *tree = NULL;
    yaml_parser_t parser;
    if (size > TEXT_MAX) {
        error_set(error, ERROR_USAGE, "%s: larger than 1 MiB", name);
        return NULL;
    }
    if (!start(&parser, &reading, text, size))
        return NULL;
    bool sound = scan(&reading, &parser, text, size);
    yaml_parser_delete(&parser);
    if (sound && start(&parser, &reading, text, size)) {
        tree = read_document(&reading, &parser);
        yaml_parser_delete(&parser);
    }
    return tree;
}

char *yaml_read_file(const char *path, size_t *size, struct error *error)
{
    FILE *file = fopen(path, "rbe");
    char *text = file ? xcalloc(1, TEXT_MAX + 1) : NULL;
    *size = file ? fread(text, 1, TEXT_MAX + 1, file) : 0;
    if (!file || ferror(file)) {
        error_set(error, ERROR_USAGE, "%s: %s%s", path, strerror(errno),
                  errno == EACCES ? ": only root, its owner and its group may read it (ls -l)"
                                  : "");
        free(text);
        text = NULL;
    }
    if (file)
        fclose(file);
    return text;
}

const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
    for (const struct yaml_node *child = map ? map->child : NULL; child; child = child->next)
        if (child->key && strcmp(child->key, key) == 0)
            return child;
    return NULL;
}
