/* The sources of a configuration. Packed: counts, then NUL-terminated strings in a fixed order,
 * then the file's text, then the rule files. The bytes only ever cross between two processes of one
 * program. Thread: the main thread.
 */
#include "weir/config/source.h"

#include "files.h"
#include "weir/base/yaml.h"

#include <stdlib.h>
#include <string.h>

void config_source_copy(struct config_source *copy, const struct config_source *source)
{
    *copy = *source;
    copy->packed = NULL;
    config_files_copy(&copy->files, &source->files);
    if (!source->text)
        return;
    copy->text = xcalloc(1, source->text_size + 1);
    memcpy(copy->text, source->text, source->text_size);
}

int config_source_read(struct config_source *source, struct error *error)
{
    if (!source->path)
        return 0;
    free(source->text);
    source->text = yaml_read_file(source->path, &source->text_size, error);
    return source->text ? 0 : -1;
}

int config_load_settings(struct config *config, const struct config_source *source,
                         struct error *error)
{
    config_init(config);
    if (source->text &&
        config_read_text(config, source->path, source->text, source->text_size, error) != 0)
        return -1;
    for (size_t i = 0; i < source->set.count; i++)
        if (config_set(config, source->set.word[i], error) != 0)
            return -1;
    for (size_t i = 0; i < source->inside.count; i++)
        if (config_add_inside(config, source->inside.word[i], i == 0, error) != 0)
            return -1;
    for (size_t i = 0; i < source->interface.count; i++)
        if (config_add_interface(config, source->interface.word[i], i == 0, error) != 0)
            return -1;
    return config_finish(config, error);
}

int config_load(struct config *config, struct config_source *source, struct error *error)
{
    if (config_load_settings(config, source, error) != 0)
        return -1;
    if (source->intel && !source->files.held &&
        config_files_intel(&source->files, source->intel, error) != 0)
        return -1;
    if (config_load_conduits(config, &source->files, error) != 0)
        return -1;
    return config_load_rules(config, &source->files, error);
}

/* --- as bytes -------------------------------------------------------------------------------- */

struct counts {
    uint64_t has_text, text_size, set, inside, interface, files_size;
};

static void put_words(const struct config_words *words, struct buffer *b)
{
    for (size_t i = 0; i < words->count; i++)
        buffer_put(b, words->word[i], strlen(words->word[i]) + 1);
}

void config_source_pack(const struct config_source *source, struct buffer *b)
{
    struct buffer files = {0};
    config_files_pack(&source->files, &files);
    struct counts counts = {source->text != NULL,    source->text ? source->text_size : 0,
                            source->set.count,       source->inside.count,
                            source->interface.count, files.size};
    buffer_put(b, &counts, sizeof counts);
    const char *path = source->path ? source->path : "";
    buffer_put(b, path, strlen(path) + 1);
    put_words(&source->set, b);
    put_words(&source->inside, b);
    put_words(&source->interface, b);
    buffer_put(b, source->text ? source->text : "", counts.text_size);
    buffer_put(b, files.data, files.size);
    buffer_fini(&files);
}

static const char *next_word(const char **at, const char *end)
{
    const char *word = *at, *stop = word < end ? memchr(word, 0, (size_t)(end - word)) : NULL;
    if (!stop)
        return NULL;
    *at = stop + 1;
    return word;
}

static bool take_words(struct config_words *words, uint64_t count, const char **at, const char *end)
{
    if (count > CONFIG_WORDS)
        return false;
    for (words->count = 0; words->count < count; words->count++)
        if (!(words->word[words->count] = next_word(at, end)))
            return false;
    return true;
}

int config_source_unpack(struct config_source *source, const void *data, size_t size,
                         struct error *error)
{
    struct counts counts;
    *source = (struct config_source){.packed = xcalloc(1, size + 1)};
    memcpy(source->packed, data, size);
    const char *at = source->packed + sizeof counts, *end = source->packed + size, *path = NULL;
    if (size >= sizeof counts) {
        memcpy(&counts, data, sizeof counts);
        path = next_word(&at, end);
    }
    if (!path || !take_words(&source->set, counts.set, &at, end) ||
        !take_words(&source->inside, counts.inside, &at, end) ||
        !take_words(&source->interface, counts.interface, &at, end) ||
        counts.text_size > (size_t)(end - at) ||
        (size_t)(end - at) - counts.text_size != counts.files_size ||
        !config_files_unpack(&source->files, at + counts.text_size, counts.files_size))
        return error_set(error, ERROR_RUN, "a configuration of %zu bytes makes no sense", size);
    if (!counts.has_text)
        return 0;
    source->path = path;
    source->text = xcalloc(1, counts.text_size + 1);
    source->text_size = counts.text_size;
    memcpy(source->text, at, counts.text_size);
    return 0;
}

void config_source_fini(struct config_source *source)
{
    free(source->text);
    free(source->packed);
    config_files_fini(&source->files);
    *source = (struct config_source){.path = NULL};
}
