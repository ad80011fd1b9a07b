/* Whether a condition holds; see where.h. `and` and `or` ask no more than they need. Pure; depth is
 * bounded by the parser's (a row of `and`s leans to the left: WHERE_NODES at most). */
#include "where_local.h"

#include <string.h>

/* --- one value against one element ------------------------------------------------------------ */

/* Below, equal, above: −1, 0, 1; 2: they cannot be compared. */
static int order(const struct json_value *element, const struct where_value *value)
{
    const char *text = json_text(element);
    int64_t whole;
    double number;
    if (text) {
        int difference = strcmp(text, value->text);
        return (difference > 0) - (difference < 0);
    }
    if (value->whole && json_whole(element, &whole))
        return (whole > value->exact) - (whole < value->exact);
    if (value->numeric && json_decimal(element, &number))
        return (number > value->number) - (number < value->number);
    return 2;
}

static bool equals(const struct json_value *element, const struct where_value *value)
{
    const char *text = json_text(element);
    bool truth;
    struct ip ip;
    if (json_truth(element, &truth))
        return strcmp(value->text, truth ? "true" : "false") == 0;
    if (text && value->network && ip_parse(text, &ip) == 0)
        return prefix_has(&value->prefix, &ip);
    return order(element, value) == 0;
}

static bool ends(const char *text, const char *with)
{
    size_t size = strlen(text), with_size = strlen(with);
    return size >= with_size && strcmp(text + size - with_size, with) == 0;
}

static bool is_under(const char *name, const char *domain)
{
    size_t size = strlen(name), domain_size = strlen(domain);
    return ends(name, domain) && (size == domain_size || name[size - domain_size - 1] == '.');
}

static bool matches(const struct json_value *element, enum where_kind kind,
                    const struct where_value *value)
{
    const char *text = json_text(element);
    int place;
    switch (kind) {
    case WHERE_IN:
    case WHERE_NOT_IN:
        return equals(element, value);
    case WHERE_LESS:
        return order(element, value) == -1;
    case WHERE_LESS_EQUAL:
        return (place = order(element, value)) == -1 || place == 0;
    case WHERE_GREATER:
        return order(element, value) == 1;
    case WHERE_GREATER_EQUAL:
        return (place = order(element, value)) == 1 || place == 0;
    case WHERE_STARTS:
        return text && strncmp(text, value->text, strlen(value->text)) == 0;
    case WHERE_ENDS:
        return text && ends(text, value->text);
    case WHERE_CONTAINS:
        return text && strstr(text, value->text);
    case WHERE_UNDER:
        return text && is_under(text, value->text);
    default:
        return false;
    }
}

/* --- a field ---------------------------------------------------------------------------------- */

struct found {
    bool any, match; /* it is there; one of its elements is one of the values */
};

static void look_at(const struct json_value *element, const struct where_node *node,
                    struct found *found)
{
    found->any = true;
    for (size_t i = 0; i < node->values && !found->match; i++)
        found->match = matches(element, node->kind, &node->value[i]);
}

/* Lists are looked through, on the way and at its end. Depth: as the record's, which jansson
 * bounds. */
static void look(const struct json_value *at, const char *part, const struct where_node *node,
                 struct found *found)
{
    size_t length = json_length(at);
    if (!at || found->match)
        return;
    for (size_t i = 0; i < length; i++)
        look(json_at(at, i), part, node, found);
    if (length > 0)
        return;
    if (*part)
        look(json_get(at, part), part + strlen(part) + 1, node, found);
    else
        look_at(at, node, found);
}

static bool node_holds(const struct where *where, size_t place, const struct json_value *record)
{
    const struct where_node *node = &where->node[place];
    struct found found = {false, false};
    switch (node->kind) {
    case WHERE_AND:
        return node_holds(where, node->left, record) && node_holds(where, node->right, record);
    case WHERE_OR:
        return node_holds(where, node->left, record) || node_holds(where, node->right, record);
    case WHERE_NOT:
        return !node_holds(where, node->left, record);
    default:
        look(record, node->field, node, &found);
    }
    if (node->kind == WHERE_EXISTS)
        return found.any;
    return node->kind == WHERE_NOT_IN ? found.any && !found.match : found.match;
}

bool where_holds(const struct where *where, const struct json_value *record)
{
    return node_holds(where, where->root, record);
}
