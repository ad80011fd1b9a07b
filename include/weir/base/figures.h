/* Numbers as people read them. */
#ifndef WEIR_BASE_FIGURES_H
#define WEIR_BASE_FIGURES_H

#include <stdint.h>

#define FIGURE_SIZE 32

const char *figure_bytes(uint64_t bytes, char text[FIGURE_SIZE]); /* "4.31 MB", decimal units */
const char *figure_count(uint64_t count, char text[FIGURE_SIZE]); /* "412,806" */
const char *figure_percent(double part, double whole, char text[FIGURE_SIZE]); /* "0.00 %", "–" */

#endif
