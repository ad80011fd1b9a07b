/* One row a compression: what inflate.c asks of a library. Private to the base room. */
#ifndef WEIR_SENSOR_BASE_INFLATE_ROWS_H
#define WEIR_SENSOR_BASE_INFLATE_ROWS_H

#include "weir/base/inflate.h"

enum member_result { MEMBER_GOES_ON, MEMBER_ENDS, MEMBER_DAMAGED, MEMBER_TOO_LARGE };

struct inflate_row {
    const char *name;
    bool (*recognise)(const uint8_t *head, size_t size); /* NULL: nothing tells it; one member */
    void *(*open)(size_t window_bytes);                  /* NULL: no memory */
    bool (*begin)(void *state);                          /* a member; false: no memory */
    enum member_result (*go_on)(void *state, struct inflate_step *step);
    void (*close)(void *state);
    size_t (*memory_bytes)(const void *state); /* that it holds now; NULL: nobody asks */
};

extern const struct inflate_row inflate_gzip, inflate_zstd, inflate_lz4, inflate_xz,
    inflate_deflate, inflate_brotli;

#endif
