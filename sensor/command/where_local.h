/* What a condition is made of. */
#ifndef WEIR_COMMAND_WHERE_LOCAL_H
#define WEIR_COMMAND_WHERE_LOCAL_H

#include "where.h"

#include "weir/base/address.h"

#include <stddef.h>
#include <stdint.h>

#define WHERE_NODES 512  /* of one condition */
#define WHERE_DEPTH 32   /* brackets and nots, one in another */
#define WHERE_TEXT  8192 /* bytes of one condition */

enum where_kind {
    WHERE_AND,
    WHERE_OR,
    WHERE_NOT,
    WHERE_EXISTS,
    WHERE_IN, /* "=" too */
    WHERE_NOT_IN,
    WHERE_LESS,
    WHERE_LESS_EQUAL,
    WHERE_GREATER,
    WHERE_GREATER_EQUAL,
    WHERE_STARTS,
    WHERE_ENDS,
    WHERE_CONTAINS,
    WHERE_UNDER,
    WHERE_KINDS
};

struct where_value {
    char *text;
    bool numeric, whole, network;
    double number;
    int64_t exact; /* whole */
    struct prefix prefix;
};

struct where_node {
    enum where_kind kind;
    size_t left, right; /* AND, OR; NOT: left */
    char *field;        /* its parts, a NUL after each, and one more at the end */
    struct where_value *value;
    size_t values;
};

struct where {
    struct where_node *node;
    size_t nodes, root;
};

#endif
