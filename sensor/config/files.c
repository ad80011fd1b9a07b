/* Rule files and lists of indicators as texts: read once, handed on as bytes, so that the
 * supervisor that validates them and the engine that goes by them see the same. Bounds:
 * CONFIG_FILES, CONFIG_FILES_BYTES. Thread: the main thread. */
#include "files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void config_files_fini(struct config_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        free(files->file[i].path);
        free(files->file[i].text);
    }
    free(files->file);
    *files = (struct config_files){.file = NULL};
}

/* Takes `text` over. */
/* NOLINTNEXTLINE(readability-non-const-parameter): whoever owns it frees it */
static void add(struct config_files *files, const char *path, char *text, size_t size, bool rules)
{
    files->file = xrealloc(files->file, (files->count + 1) * sizeof *files->file);
    files->file[files->count++] = (struct config_file){xstrdup(path), text, size, rules};
    files->bytes += size;
}

void config_files_add(struct config_files *files, const char *path, struct buffer *text)
{
    size_t size = text->size;
    buffer_u8(text, 0);
    add(files, path, (char *)text->data, size, true);
    *text = (struct buffer){.data = NULL};
}

static char *copy_text(const void *text, size_t size)
{
    char *copy = xcalloc(1, size + 1);
    memcpy(copy, text, size);
    return copy;
}

void config_files_copy(struct config_files *copy, const struct config_files *files)
{
    *copy = (struct config_files){.held = files->held};
    for (size_t i = 0; i < files->count; i++) {
        const struct config_file *file = &files->file[i];
        add(copy, file->path, copy_text(file->text, file->size), file->size, file->rules);
    }
}

const struct config_file *config_files_get(const struct config_files *files, const char *path)
{
    for (size_t i = 0; i < files->count; i++)
        if (strcmp(files->file[i].path, path) == 0)
            return &files->file[i];
    return NULL;
}

/* --- reading --------------------------------------------------------------------------------- */

static char *read_whole(FILE *file, size_t room, size_t *size)
{
    struct buffer text = {0};
    size_t got;
    do {
        buffer_reserve(&text, 65536);
        got = fread(text.data + text.size, 1, 65536, file);
        text.size += got;
    } while (got > 0 && text.size <= room);
    buffer_u8(&text, 0);
    *size = text.size - 1;
    return (char *)text.data;
}

int config_files_read(struct config_files *files, const char *path, bool rules, struct error *error)
{
    size_t size;
    if (files->count == CONFIG_FILES)
        return error_set(error, ERROR_USAGE, "%s: more than %d rule files and lists", path,
                         CONFIG_FILES);
    FILE *file = fopen(path, "rbe");
    char *text = file ? read_whole(file, CONFIG_FILES_BYTES - files->bytes, &size) : NULL;
    bool failed = !file || ferror(file);
    if (failed)
        error_set(error, ERROR_USAGE, "%s: %s", path, strerror(errno));
    else if (files->bytes + size > CONFIG_FILES_BYTES)
        failed = error_set(error, ERROR_USAGE, "%s: rule files and lists are larger than 64 MiB",
                           path) != 0;
    if (file)
        fclose(file);
    if (failed)
        free(text);
    else
        add(files, path, text, size, rules);
    return failed ? -1 : 0;
}

/* --- as bytes -------------------------------------------------------------------------------- */

void config_files_pack(const struct config_files *files, struct buffer *b)
{
    buffer_u8(b, files->held);
    buffer_le32(b, (uint32_t)files->count);
    for (size_t i = 0; i < files->count; i++) {
        const struct config_file *file = &files->file[i];
        buffer_u8(b, file->rules);
        buffer_le32(b, (uint32_t)strlen(file->path));
        buffer_put(b, file->path, strlen(file->path));
        buffer_le64(b, file->size);
        buffer_put(b, file->text, file->size);
    }
}

static bool take_file(struct config_files *files, struct cursor *in)
{
    bool rules = cursor_u8(in) != 0;
    size_t path_size = cursor_le32(in);
    const uint8_t *path = cursor_take(in, path_size);
    size_t size = cursor_le64(in);
    const uint8_t *text = cursor_take(in, size);
    if (!path || !text)
        return false;
    char *name = copy_text(path, path_size);
    add(files, name, copy_text(text, size), size, rules);
    free(name);
    return true;
}

bool config_files_unpack(struct config_files *files, const void *data, size_t size)
{
    struct cursor in = cursor_make(data, size);
    *files = (struct config_files){.held = cursor_u8(&in) != 0};
    uint32_t count = cursor_le32(&in);
    if (count > CONFIG_FILES)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!take_file(files, &in))
            return false;
    return !in.failed && cursor_left(&in) == 0;
}
