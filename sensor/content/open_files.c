/* Open files: a small array, looked through once a message. Thread: the capture thread. */
#include "open_files.h"

#include "weir/base/buffer.h"

#include <stdlib.h>

struct open_file {
    struct body *body; /* NULL: a free place */
    uint64_t file, next_offset, used_at;
};

struct open_files {
    struct side *side;
    uint64_t uses;
    uint32_t count;
    struct open_file *current; /* NULL: none */
    struct open_file open[FILES_MAX];
};

struct open_files *open_files_new(struct side *side)
{
    struct open_files *files = xcalloc(1, sizeof *files);
    files->side = side;
    return files;
}

static void close_one(struct open_files *files, struct open_file *one)
{
    body_end(one->body);
    one->body = NULL;
    files->count--;
    files->side->owner->content->open_file_count--;
    if (files->current == one)
        files->current = NULL;
}

void open_files_free(struct open_files *files)
{
    if (!files)
        return;
    for (size_t i = 0; i < FILES_MAX; i++)
        if (files->open[i].body)
            close_one(files, &files->open[i]);
    free(files);
}

static struct open_file *find(struct open_files *files, uint64_t file)
{
    for (size_t i = 0; i < FILES_MAX; i++)
        if (files->open[i].body && files->open[i].file == file)
            return &files->open[i];
    return NULL;
}

static struct open_file *unused_for_longest(struct open_files *files)
{
    struct open_file *oldest = NULL;
    for (size_t i = 0; i < FILES_MAX; i++)
        if (files->open[i].body && (!oldest || files->open[i].used_at < oldest->used_at))
            oldest = &files->open[i];
    return oldest;
}

static struct open_file *open_one(struct open_files *files, uint64_t file, uint64_t offset)
{
    static const struct body_said said = {.declared_bytes = BODY_UNDECLARED};
    struct content *content = files->side->owner->content;
    struct open_file *place = files->open;
    if (files->count == FILES_MAX || (files->count && content->open_file_count >= CONTENT_FILES)) {
        close_one(files, unused_for_longest(files));
        content->files_cut++;
    }
    while (place->body)
        place++;
    *place = (struct open_file){.file = file, .next_offset = offset};
    place->body = body_begin(files->side, &said);
    if (offset)
        body_gap(place->body, offset); /* it does not begin where the file does */
    files->count++;
    content->open_file_count++;
    return place;
}

void open_files_at(struct open_files *files, uint64_t file, uint64_t offset)
{
    struct open_file *one = find(files, file);
    if (!one)
        one = open_one(files, file, offset);
    else if (offset != one->next_offset)
        body_gap(one->body, offset > one->next_offset ? offset - one->next_offset : 1);
    one->next_offset = offset;
    one->used_at = ++files->uses;
    files->current = one;
}

void open_files_at_none(struct open_files *files)
{
    files->current = NULL;
}

void open_files_put(struct open_files *files, const uint8_t *data, size_t size)
{
    if (!files->current)
        return;
    body_put(files->current->body, data, size);
    files->current->next_offset += size;
}

void open_files_gap(struct open_files *files, uint64_t bytes)
{
    if (!files->current)
        return;
    body_gap(files->current->body, bytes);
    files->current->next_offset += bytes;
}

void open_files_close(struct open_files *files, uint64_t file)
{
    struct open_file *one = find(files, file);
    if (one)
        close_one(files, one);
}
