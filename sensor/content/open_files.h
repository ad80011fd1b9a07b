/* The open files of one side of a flow, a body each, for protocols that name a file and a place in
 * it with every piece (SMB, NFS).
 *
 * Pieces are inspected in the order in which they come. A piece that does not begin where its
 * file's last one ended is new text behind a gap: nobody knows what lies between them, and what was
 * found is counted by distinct items, so that text read twice counts once. seen_bytes are bytes as
 * they were sent: a place written twice is two times sent.
 *
 * Bounds: FILES_MAX open files a side and CONTENT_FILES of all sides; past either, the one of this
 * side that was not used for longest is closed, counted (files_cut), and counts anew when it goes
 * on. A side may always have one. Thread: the capture thread. */
#ifndef WEIR_SENSOR_CONTENT_OPEN_FILES_H
#define WEIR_SENSOR_CONTENT_OPEN_FILES_H

#include "body.h"

#define FILES_MAX     16u
#define CONTENT_FILES (UINT32_C(1) << 15)

struct open_files;
struct open_files *open_files_new(struct side *side);
void open_files_free(struct open_files *files); /* their bodies end; NULL is nothing */
/* The next bytes are of this file (a hash of its name on the wire), from this place on. */
void open_files_at(struct open_files *files, uint64_t file, uint64_t offset);
void open_files_at_none(struct open_files *files); /* … are no file's, until the next one */
void open_files_put(struct open_files *files, const uint8_t *data, size_t size);
void open_files_gap(struct open_files *files, uint64_t bytes);
void open_files_close(struct open_files *files, uint64_t file);

#endif
