/* See heard.h. Pure: no state, no allocation, bounded by the sizes given. Thread: any. */
#include "heard.h"

void heard_text(char *text, size_t size)
{
    text[size - 1] = '\0';
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = ' ';
}

struct error heard_error(const struct error *told)
{
    struct error error = *told;
    heard_text(error.message, sizeof error.message);
    if (error.code <= ERROR_NONE || error.code > ERROR_INPUT)
        error.code = ERROR_RUN;
    return error;
}
