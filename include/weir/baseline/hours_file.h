/* Closed hours on the disk: what one process saw of the hosts of some days, to be put together with
 * what others saw of other days (ledger.h). The file is this program's own, of the same build on
 * the same machine, and ends in the SHA-256 of all before it: one that was cut or changed is
 * refused whole.
 *
 *   magic; then an hour of a host after the other:
 *   1, ip, hour, out, in, inside, pairs; of each: destination, out, in, flows, longest, starts
 *   0; SHA-256
 *
 * Numbers are varints; a destination is its number, and the first time its name. What the ledger
 * keeps of an hour is kept here, and no more. Thread: any, one at a time. */
#ifndef WEIR_BASELINE_HOURS_FILE_H
#define WEIR_BASELINE_HOURS_FILE_H

#include "weir/base/error.h"
#include "weir/baseline/totals.h"

struct hours_file; /* being written */
/* It has its name only once it is whole and on the disk. NULL: it cannot be made. */
struct hours_file *hours_file_new(const char *path, struct error *error);
/* What the disk does not take is said at the end. */
void hours_file_put(struct hours_file *file, const struct host_total *total);
/* Frees it whatever comes back. −1: it is not there. */
int hours_file_finish(struct hours_file *file, struct error *error);
/* Leaves nothing behind. */
void hours_file_drop(struct hours_file *file);

/* Each hour in the order in which it was put; the total is the callee's. −1: not such a file, or
 * not whole (then some may have been told). */
int hours_file_read(const char *path, void (*put)(void *context, struct host_total *total),
                    void *context, struct error *error);

#endif
