/* Replaying. Paths are opened first, while that is allowed; heads are parsed later, where it is
 * safe. Inputs are read in the order of their first packets, whatever the order they were named in.
 * Thread: opened and started by one, read by the capture thread. */
#include "files.h"

#include "weir/base/buffer.h"

#include <stdlib.h>
#include <unistd.h>

#define SHOW_PACKETS 1024

static void close_descriptors(struct files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        if (files->file[i].fd >= 0)
            close(files->file[i].fd);
        files->file[i].fd = -1;
    }
}

int files_open(struct files *files, const struct capture_config *config,
               struct capture_input *input, struct error *error)
{
    bool any = false;
    files->count = config->file_count;
    files->file = xcalloc(files->count, sizeof *files->file);
    files->pending = xcalloc(files->count, sizeof *files->pending);
    for (size_t i = 0; i < files->count; i++) {
        struct capture_file *file = &files->file[i];
        *file = config->files[i];
        input[i] =
            (struct capture_input){.path = file->path, .first = PTIME_MAX, .last = PTIME_MIN};
        if (file->fd < 0)
            file->fd = source_descriptor(file->path, &input[i].error);
        any |= file->fd >= 0;
    }
    if (!any) {
        *error = input[0].error;
        return -1;
    }
    files->filter = filter_new(config->filter, error);
    return files->filter ? 0 : -1;
}

static int by_first_packet(const void *a, const void *b)
{
    const struct pending_input *x = a, *y = b;
    int64_t tx = x->got == SOURCE_PACKET ? x->first.time.ns : INT64_MAX;
    int64_t ty = y->got == SOURCE_PACKET ? y->first.time.ns : INT64_MAX;
    if (tx != ty)
        return tx < ty ? -1 : 1;
    return x->input < y->input ? -1 : 1; /* as named */
}

int files_start(struct files *files, struct capture_input *input, bool digest, struct brake *brake,
                struct error *error)
{
    struct source_options options = {files->filter, brake, digest};
    for (size_t i = 0; i < files->count; i++) {
        struct pending_input *pending = &files->pending[files->pending_count];
        int fd = files->file[i].fd;
        files->file[i].fd = -1; /* source_open takes it */
        if (fd < 0)
            continue;
        pending->source = source_open(input[i].path, fd, &options, &input[i].error);
        if (!pending->source && input[i].error.code != ERROR_INPUT) {
            *error = input[i].error; /* a filter that does not compile is everybody's failure */
            return -1;
        }
        if (!pending->source)
            continue;
        pending->input = &input[i];
        input[i].link = source_link_name(pending->source);
        METER_SET(brake->meter, bytes_total,
                  METER_GET(brake->meter, bytes_total) + source_size(pending->source));
        pending->got = source_next(pending->source, &pending->first, &input[i].error);
        files->pending_count++;
    }
    if (files->pending_count == 0) {
        *error = input[0].error;
        return -1;
    }
    qsort(files->pending, files->pending_count, sizeof *files->pending, by_first_packet);
    return 0;
}

static void show(const struct files *files, const struct worker *worker,
                 const struct source *source)
{
    METER_SET(worker->meter, bytes_read, files->closed_bytes + source_bytes_read(source));
    worker_show(worker);
}

static void one_input(struct files *files, struct pending_input *pending, struct worker *worker,
                      struct brake *brake)
{
    struct packet_raw raw = pending->first;
    enum source_result got = pending->got;
    while (got == SOURCE_PACKET && brake_take(brake)) {
        worker_packet(worker, pending->input, &raw, 0);
        meter_turn(worker->meter);
        if (pending->input->packets % SHOW_PACKETS == 0)
            show(files, worker, pending->source);
        got = source_next(pending->source, &raw, &pending->input->error);
    }
    bool whole = got == SOURCE_END || got == SOURCE_DAMAGED;
    if (!whole)
        error_set(&pending->input->error, ERROR_INPUT, "%s: interrupted after %llu packets",
                  pending->input->path, (unsigned long long)pending->input->packets);
    else
        source_digest(pending->source, pending->input->sha256);
    show(files, worker, pending->source);
    files->closed_bytes += source_bytes_read(pending->source);
    source_free(pending->source);
    pending->source = NULL;
}

void files_run(struct files *files, struct worker *worker, struct brake *brake)
{
    for (size_t i = 0; i < files->pending_count; i++)
        one_input(files, &files->pending[i], worker, brake);
}

void files_close(struct files *files)
{
    close_descriptors(files);
    for (size_t i = 0; i < files->pending_count; i++)
        source_free(files->pending[i].source);
    filter_free(files->filter);
    free(files->pending);
    free(files->file);
    *files = (struct files){.count = 0};
}
