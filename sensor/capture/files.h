/* Captures to replay: opened, put in order, read one after the other. */
#ifndef WEIR_SENSOR_CAPTURE_FILES_H
#define WEIR_SENSOR_CAPTURE_FILES_H

#include "brake.h"
#include "weir/capture/source.h"
#include "worker.h"

struct pending_input { /* a source with its first packet already in hand */
    struct source *source;
    struct capture_input *input;
    struct packet_raw first;
    enum source_result got;
};

struct files {
    struct capture_file *file; /* a copy: path and descriptor, -1 when it could not be opened */
    size_t count;
    struct filter *filter;
    struct pending_input *pending;
    size_t pending_count;
    uint64_t closed_bytes; /* read of inputs that are done */
};

/* `input`: one a file, which outlives `files`. Descriptors given in `config` are taken. */
int files_open(struct files *files, const struct capture_config *config,
               struct capture_input *input, struct error *error);
/* Reads the heads and the first packets. */
int files_start(struct files *files, struct capture_input *input, bool digest, struct brake *brake,
                struct error *error);
/* Reads all. The capture thread. */
void files_run(struct files *files, struct worker *worker, struct brake *brake);
void files_close(struct files *files);

#endif
