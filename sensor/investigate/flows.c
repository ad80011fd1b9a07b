/* flows.ndjson in (start, key) order.
 *
 * Flows end in another order than they start, so lines go to a temporary file as they come and only
 * an index is kept; at the end the index is sorted and the lines are copied under the final name,
 * which appears whole or not at all. Thread: the engine's. */
#include "weir/investigate/flows.h"

#include "flow_line.h"

#include "weir/base/buffer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct line {
    int64_t start_ns;
    struct flow_key key;
    uint64_t offset;
    uint32_t size;
    uint32_t number; /* of arrival: the last word when start and key are equal */
};

struct flows {
    char *path, *spool_path, *part_path;
    FILE *spool;
    struct json *json;
    struct line *line;
    size_t count, room;
    uint64_t offset;
    int failed; /* errno of the first failed write */
};

struct flows *flows_open(const char *path, struct error *error)
{
    struct flows *flows = xcalloc(1, sizeof *flows);
    flows->path = xstrdup(path);
    flows->spool_path = xasprintf("%s.spool", path);
    flows->part_path = xasprintf("%s.part", path);
    flows->json = json_new();
    flows->spool = fopen(flows->spool_path, "w+be");
    if (flows->spool)
        return flows;
    error_set(error, ERROR_RUN, "%s: %s", flows->spool_path, strerror(errno));
    flows_free(flows);
    return NULL;
}

void flows_add(struct flows *flows, const struct flow_view *view)
{
    const struct record_flow *record = view->record;
    if (record->end == FLOW_OPEN || flows->failed)
        return;
    char *text = flow_line(flows->json, NULL, view);
    size_t size = strlen(text);
    text[size] = '\n';
    if (fwrite(text, 1, size + 1, flows->spool) != size + 1)
        flows->failed = errno ? errno : EIO;
    free(text);
    if (flows->count == flows->room) {
        flows->room = flows->room ? 2 * flows->room : 4096;
        flows->line = xrealloc(flows->line, flows->room * sizeof *flows->line);
    }
    flows->line[flows->count] = (struct line){record->start_ns, record->key, flows->offset,
                                              (uint32_t)size + 1, (uint32_t)flows->count};
    flows->count++;
    flows->offset += size + 1;
}

static int by_start(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    if (x->start_ns != y->start_ns)
        return x->start_ns < y->start_ns ? -1 : 1;
    int keys = memcmp(&x->key, &y->key, sizeof x->key);
    return keys ? keys : x->number < y->number ? -1 : 1;
}

static int copy_line(struct flows *flows, const struct line *line, struct buffer *scratch, FILE *to)
{
    scratch->size = 0;
    if (scratch->room < line->size) {
        scratch->data = xrealloc(scratch->data, line->size);
        scratch->room = line->size;
    }
    if (fseeko(flows->spool, (off_t)line->offset, SEEK_SET) != 0 ||
        fread(scratch->data, 1, line->size, flows->spool) != line->size ||
        fwrite(scratch->data, 1, line->size, to) != line->size)
        return -1;
    return 0;
}

static int copy_sorted(struct flows *flows, FILE *to)
{
    struct buffer scratch = {0};
    int failed = 0;
    if (flows->count > 0) /* else there is no array */
        qsort(flows->line, flows->count, sizeof *flows->line, by_start);
    for (size_t i = 0; i < flows->count && !failed; i++)
        failed = copy_line(flows, &flows->line[i], &scratch, to);
    buffer_fini(&scratch);
    return failed;
}

int flows_finish(struct flows *flows, struct error *error)
{
    if (flows->failed || fflush(flows->spool) != 0)
        return error_set(error, ERROR_RUN, "%s: %s", flows->spool_path,
                         strerror(flows->failed ? flows->failed : errno));
    FILE *to = fopen(flows->part_path, "wbe");
    int failed = !to || copy_sorted(flows, to) != 0;
    if (to && fclose(to) != 0)
        failed = 1;
    if (failed || rename(flows->part_path, flows->path) != 0)
        return error_set(error, ERROR_RUN, "%s: %s", flows->path, strerror(errno));
    return 0;
}

void flows_free(struct flows *flows)
{
    if (!flows)
        return;
    if (flows->spool)
        fclose(flows->spool);
    unlink(flows->spool_path);
    unlink(flows->part_path);
    json_free(flows->json);
    free(flows->line);
    free(flows->path);
    free(flows->spool_path);
    free(flows->part_path);
    free(flows);
}
