/* Paths as they are compared: two that lead to one place may be written in many ways. Thread: any.
 */
#ifndef WEIR_BASE_PATH_H
#define WEIR_BASE_PATH_H

/* As it is written, without what says nothing: "//", "/./", "./" at the begin and "/" at the end.
 * ".." stays: behind a link it does not lead back. Caller frees. */
char *path_tidy(const char *path);
/* What it names, when that is a link, and not what it leads to: all above it is resolved, as far as
 * it is there. Absolute when `path` is; caller frees. */
char *path_real(const char *path);
/* The rest of a path that leads below `folder`, however both are written, from its '/' on; NULL: it
 * does not. Where `folder` is a link, what it leads to is not below it. */
const char *path_below(const char *path, const char *folder);

#endif
