/* See phrase.h. */
#include "phrase.h"

void phrase_put_plain(struct buffer *out, const char *argument)
{
    buffer_text(out, "%s", argument);
}

void phrase_fill(struct buffer *out, const char *phrase, const char *const *arguments,
                 void (*put)(struct buffer *out, const char *argument))
{
    size_t count = 0;
    while (arguments[count])
        count++;
    for (const char *at = phrase; *at;) {
        size_t which = at[0] == '{' && at[1] >= '0' && at[1] <= '9' && at[2] == '}'
                           ? (size_t)(at[1] - '0')
                           : count;
        if (which < count) {
            put(out, arguments[which]);
            at += 3;
        } else {
            buffer_put(out, at++, 1);
        }
    }
}
