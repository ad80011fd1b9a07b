/* Captures to replay: opened, looked at, merged by packet time. */
#ifndef WEIR_SENSOR_CAPTURE_FILES_H
#define WEIR_SENSOR_CAPTURE_FILES_H

#include "brake.h"
#include "foresight.h"
#include "weir/capture/source.h"
#include "worker.h"

struct lane { /* one input in the merge */
    struct source *source;
    struct capture_input *input;
    size_t index; /* as named */
    struct foresight foresight;
    struct packet_raw raw;  /* in hand … */
    bool has, jumped;       /* … if so; its own time was not believed */
    uint32_t ahead;         /* packets that were announced and not read */
    bool asleep;            /* raw.time is known, the rest is not open */
    bool counted;           /* in `open` */
    enum source_result got; /* how it ended */
    uint64_t bytes_shown, kernel_drops, interface_drops; /* told so far */
};

struct files {
    struct capture_file *file; /* a copy: path and descriptor, -1 when it could not be opened */
    size_t count;
    struct filter *filter;
    char (*link)[SOURCE_LINK]; /* one a file */
    struct lane *lane;
    size_t lanes;
    struct lane **heap; /* the earliest first; as named where times are equal */
    size_t heap_count;
    size_t open, open_packed; /* lanes that are not asleep */
    bool follow;
    int processors; /* from two on a digest has a thread of its own */
    bool over;      /* nothing more is to be read; what is in hand is told */
    struct brake *brake;
    struct worker *worker; /* once it runs */
    uint64_t bytes_read;
};

/* `input`: one a file, which outlives `files`. Descriptors given in `config` are taken. */
int files_open(struct files *files, const struct capture_config *config,
               struct capture_input *input, struct error *error);
/* Reads the heads, and of files among several the first packets. */
int files_start(struct files *files, struct capture_input *input, bool digest, struct brake *brake,
                struct error *error);
/* Reads all. The capture thread. */
void files_run(struct files *files, struct worker *worker, struct brake *brake);
void files_close(struct files *files);

#endif
