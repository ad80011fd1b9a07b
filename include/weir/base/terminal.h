/* What others wrote, for a screen or a line of a log: nothing in it ends the line, moves the cursor
 * or turns the direction of reading. Pure. */
#ifndef WEIR_BASE_TERMINAL_H
#define WEIR_BASE_TERMINAL_H

#include <stdbool.h>

bool terminal_is_harmless(const char *text);
/* In place; every byte of such a character becomes "?". The text is UTF-8. */
void terminal_make_harmless(char *text);

#endif
