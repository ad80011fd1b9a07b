/* The first reading of a hunt: what each input is, whether it can be read to its end, and which
 * times it is of. Nothing is judged: every packet is outside of the times that are looked at. What
 * was found of HUNT_BATCH inputs stands in CASE/hunt/survey-N.json. Thread: the main thread of each
 * process. */
#include "hunt.h"

#include "output.h"
#include "session.h"

#include "weir/base/buffer.h"
#include "weir/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static size_t batch_end(const struct hunt *hunt, size_t batch)
{
    size_t end = (batch + 1) * HUNT_BATCH;
    return end < hunt->files.count ? end : hunt->files.count;
}

static uint64_t batch_bytes(const struct hunt *hunt, size_t batch)
{
    uint64_t bytes = 0;
    for (size_t i = batch * HUNT_BATCH; i < batch_end(hunt, batch); i++)
        bytes += hunt->files.file[i].size;
    return bytes;
}

static bool is_done(const struct hunt *hunt, size_t batch)
{
    char *path = hunt_path(hunt, "survey", batch, "json");
    bool done = access(path, R_OK) == 0;
    free(path);
    return done;
}

/* --- in the process --------------------------------------------------------------------------- */

static void put_log(struct json *json, const struct log_notes *log, uint64_t unjoined)
{
    json_open(json, "log");
    json_uint(json, "kind", log->kind);
    json_uint(json, "connections", log->connections);
    json_uint(json, "notes", log->notes);
    json_uint(json, "unjoined", unjoined);
    json_uint(json, "late", log->late);
    json_uint(json, "unread", log->unread);
    json_close(json);
}

static void put_input(struct json *json, const struct capture_input *input)
{
    char hex[HEX_SIZE(SHA256_SIZE)];
    json_open(json, NULL);
    json_str(json, "problem", input->error.code == ERROR_NONE ? NULL : input->error.message);
    json_uint(json, "packets", input->packets + input->outside);
    json_int(json, "begins_ns", input->begins.ns);
    json_int(json, "ends_ns", input->ends.ns);
    json_str(json, "link", input->link);
    json_str(json, "packed", input->packed);
    json_uint(json, "comments", input->notes.comments);
    json_str(json, "comment", input->notes.comment);
    json_uint(json, "untimed", input->notes.untimed);
    json_bool(json, "drops_known", input->notes.drops_known);
    if (input->notes.is_log)
        put_log(json, &input->notes.log, input->unjoined);
    json_str(json, "sha256", hex_text(input->sha256, SHA256_SIZE, hex));
    json_close(json);
}

static int write_batch(const struct hunt *hunt, size_t batch, const struct capture_input *input,
                       size_t count)
{
    struct error error = {0};
    struct json *json = json_new();
    json_open(json, NULL);
    json_list(json, "inputs");
    for (size_t i = 0; i < count; i++)
        put_input(json, &input[i]);
    json_close(json);
    json_close(json);
    char *text = json_take_text(json, 0), *path = hunt_path(hunt, "survey", batch, "json");
    int failed = output_write(path, text, &error);
    free(text);
    free(path);
    json_free(json);
    return failed ? command_fail(&error) : EXIT_DONE;
}

static void on_progress(void *context, const struct feed_progress *progress)
{
    pool_note(context, progress->bytes_read);
}

static int survey(struct hunt *hunt, size_t batch)
{
    size_t first = batch * HUNT_BATCH, count = batch_end(hunt, batch) - first, found;
    const char **path = xcalloc(count, sizeof *path);
    struct session session;
    for (size_t i = 0; i < count; i++)
        path[i] = hunt->files.file[first + i].path;
    const struct session_options options = {.config = &hunt->options.config,
                                            .inputs = path,
                                            .input_count = count,
                                            .filter = hunt->options.filter,
                                            .times = {true, PTIME_MAX, PTIME_MAX},
                                            .online = true,
                                            .progressed = on_progress,
                                            .context = hunt};
    int failed = session_run(&session, &options);
    const struct capture_input *input = session_inputs(&session, &found);
    int status;
    if (session.interrupted)
        status = POOL_INTERRUPTED;
    else if (found != count || (failed && session.error.code != ERROR_INPUT))
        status = command_fail(&session.error);
    else /* with what is wrong with each of them */
        status = write_batch(hunt, batch, input, count);
    session_free(&session);
    free(path);
    return status;
}

/* --- afterwards ------------------------------------------------------------------------------- */

static char *copy_text(const struct json_value *input, const char *key)
{
    const char *text = json_text(json_get(input, key));
    return text && *text ? xstrdup(text) : NULL;
}

static int64_t number(const struct json_value *input, const char *path)
{
    int64_t value = 0;
    return json_whole(json_find(input, path), &value) ? value : 0;
}

static void take_digest(const struct json_value *input, uint8_t sha256[SHA256_SIZE])
{
    const char *hex = json_text(json_get(input, "sha256"));
    if (!hex || strlen(hex) != (size_t)2 * SHA256_SIZE)
        return;
    for (size_t i = 0; i < SHA256_SIZE; i++) {
        const char two[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        sha256[i] = (uint8_t)strtoul(two, NULL, 16);
    }
}

static void take_log(struct hunt_file *file, const struct json_value *input)
{
    struct summary_input *found = &file->found;
    int64_t kind = number(input, "log.kind");
    found->is_log = true;
    found->lacks = log_kind_lacks(kind >= 0 && kind < LOG_KINDS ? (enum log_kind)kind : LOG_NONE);
    found->connections = (uint64_t)number(input, "log.connections");
    found->notes = (uint64_t)number(input, "log.notes");
    found->late = (uint64_t)number(input, "log.late");
    found->lines_unread = (uint64_t)number(input, "log.unread");
    found->left_out = kind == LOG_OTHER && file->of_folder;
}

static void take_input(struct hunt_file *file, const struct json_value *input)
{
    struct summary_input *found = &file->found;
    bool truth;
    file->problem = copy_text(input, "problem");
    file->link = copy_text(input, "link");
    file->packed = copy_text(input, "packed");
    file->comment = copy_text(input, "comment");
    file->begins.ns = number(input, "begins_ns");
    file->ends.ns = number(input, "ends_ns");
    *found = (struct summary_input){.path = file->path,
                                    .packets = (uint64_t)number(input, "packets"),
                                    .first = file->begins,
                                    .last = file->ends,
                                    .link = file->link,
                                    .packed = file->packed,
                                    .comments = (uint64_t)number(input, "comments"),
                                    .comment = file->comment,
                                    .untimed = (uint64_t)number(input, "untimed")};
    found->drops_known = json_truth(json_get(input, "drops_known"), &truth) && truth;
    if (json_get(input, "log"))
        take_log(file, input);
    found->problem = found->left_out ? NULL : file->problem;
    take_digest(input, found->sha256);
}

static int read_batch(struct hunt *hunt, size_t batch)
{
    char *path = hunt_path(hunt, "survey", batch, "json");
    struct json_value *root = NULL;
    size_t first = batch * HUNT_BATCH, count = batch_end(hunt, batch) - first;
    int failed = hunt_read_json(path, &root, &hunt->error);
    const struct json_value *inputs = json_get(root, "inputs");
    if (!failed && json_length(inputs) != count)
        failed = error_set(&hunt->error, ERROR_RUN, "%s: is not of these inputs (--again)", path);
    for (size_t i = 0; !failed && i < count; i++)
        take_input(&hunt->files.file[first + i], json_at(inputs, i));
    json_value_free(root);
    free(path);
    return failed;
}

int hunt_survey(struct hunt *hunt)
{
    size_t batches = (hunt->files.count + HUNT_BATCH - 1) / HUNT_BATCH;
    const struct pool_work work = {.name = "survey",
                                   .count = batches,
                                   .is_done = is_done,
                                   .bytes = batch_bytes,
                                   .run = survey};
    if (pool_run(hunt, &work) != 0)
        return -1;
    for (size_t batch = 0; batch < batches; batch++)
        if (read_batch(hunt, batch) != 0)
            return -1;
    return 0;
}
