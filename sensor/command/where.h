/* A condition over the records of the journal, `weir alerts --where`:
 *
 *   any   = all { "or" all }      all = not { "and" not }      not = "not" not | "(" any ")" | one
 *   one   = field "exists" | field operator value | field ["not"] "in" values | field part values
 *   operator = "=" "!=" "<" "<=" ">" ">="       part = "startswith" "endswith" "contains" "under"
 *   values   = value | "(" value { "," value } ")"
 *
 * A field is the dotted path of a key in the record (ECS): `event.severity`, `weir.reasons.code`;
 * where it leads through a list, or to one, any element will do. A value is a word or a text in
 * double quotes (\" and \\ as they are). Against a number it is compared as one; `10.0.0.0/8`
 * holds addresses; anything else is text, letter by letter. Where the field is missing every
 * comparison is false, != and `not in` too; `not (…)` is not. The words are those of weir-rules(5).
 */
#ifndef WEIR_COMMAND_WHERE_H
#define WEIR_COMMAND_WHERE_H

#include "weir/base/error.h"
#include "weir/base/json.h"

#include <stdbool.h>

struct where;
/* NULL and an error, with the column from 1 and what was expected. */
struct where *where_new(const char *text, struct error *error);
void where_free(struct where *where);
bool where_holds(const struct where *where, const struct json_value *record);

#endif
