/* See ledger.h. Hours (hour_bytes.h; a destination is its number) lie in one file that is mapped
 * once it is whole. They come by hour and are read by host, so a host's wait for each other and are
 * written together, as many as there is room for. It is this process's own, in a private folder:
 * what is read back is what was written. Engine thread. */
#include "weir/baseline/ledger.h"

#include "hour_bytes.h"
#include "varint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define WRITE_BYTES (1u << 20)
#define AHEAD       4 /* hours that are asked for before they are read */
#define LINE_BYTES  64

struct pile { /* a host's hours that wait: the last ones, from `from` on; `at` is where in it */
    struct buffer bytes;
    size_t from;
};

struct ledger {
    char *path;
    int fd;
    struct error error; /* of the file; the first */
    struct buffer waiting;
    uint64_t size; /* what was written and what waits there */
    uint8_t *map;
    struct ledger_host **host;
    struct pile *pile; /* one each */
    size_t hosts, hosts_room, piled_bytes;
    struct map host_index, destination_index; /* → index + 1, as a pointer */
    char **destination;
    size_t destinations, destinations_room;
    int64_t first, last;
    struct ledger_pair *scratch;
    size_t scratch_room;
    struct {
        const struct ledger_host *host; /* NULL: none */
        struct ledger_sheet *sheet;     /* of its hours */
        size_t sheets_room;
        struct ledger_pair *pair; /* of all of them */
        size_t pairs_room;
    } held;
};

struct ledger *ledger_new(const char *path, struct error *error)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        error_set(error, ERROR_RUN, "%s: %s", path, strerror(errno));
        return NULL;
    }
    struct ledger *ledger = xcalloc(1, sizeof *ledger);
    ledger->path = xstrdup(path);
    ledger->fd = fd;
    ledger->first = INT64_MAX;
    ledger->last = INT64_MIN;
    map_init(&ledger->host_index);
    map_init(&ledger->destination_index);
    return ledger;
}

void ledger_free(struct ledger *ledger)
{
    if (!ledger)
        return;
    if (ledger->map)
        munmap(ledger->map, ledger->size);
    close(ledger->fd);
    unlink(ledger->path);
    for (size_t i = 0; i < ledger->hosts; i++) {
        free(ledger->host[i]->hour);
        free(ledger->host[i]);
        buffer_fini(&ledger->pile[i].bytes);
    }
    for (size_t i = 0; i < ledger->destinations; i++)
        free(ledger->destination[i]);
    map_fini(&ledger->host_index, NULL);
    map_fini(&ledger->destination_index, NULL);
    buffer_fini(&ledger->waiting);
    free(ledger->host);
    free(ledger->pile);
    free(ledger->destination);
    free(ledger->scratch);
    ledger_hold_none(ledger);
    free(ledger->path);
    free(ledger);
}

/* --- writing ---------------------------------------------------------------------------------- */

static size_t index_of(const struct map *map, const void *key, size_t size)
{
    return (size_t)(uintptr_t)map_get(map, key, size);
}

static void set_index(struct map *map, const void *key, size_t size, size_t index)
{
    map_put(map, key, size, (void *)(uintptr_t)index); // NOLINT(performance-no-int-to-ptr)
}

static uint32_t destination_index(struct ledger *ledger, const struct map_entry *entry)
{
    size_t index = (size_t)(uintptr_t)map_get_hashed(&ledger->destination_index, entry->key,
                                                     entry->key_size, entry->hash);
    if (index)
        return (uint32_t)(index - 1);
    if (ledger->destinations == ledger->destinations_room) {
        ledger->destinations_room = ledger->destinations_room ? 2 * ledger->destinations_room : 256;
        ledger->destination =
            xrealloc(ledger->destination, ledger->destinations_room * sizeof(char *));
    }
    ledger->destination[ledger->destinations++] = xstrdup((const char *)entry->key);
    set_index(&ledger->destination_index, entry->key, entry->key_size, ledger->destinations);
    return (uint32_t)(ledger->destinations - 1);
}

static size_t host_of(struct ledger *ledger, const struct ip *ip)
{
    size_t index = index_of(&ledger->host_index, ip, sizeof *ip);
    if (index)
        return index - 1;
    if (ledger->hosts == ledger->hosts_room) {
        ledger->hosts_room = ledger->hosts_room ? 2 * ledger->hosts_room : 64;
        ledger->host = xrealloc(ledger->host, ledger->hosts_room * sizeof(struct ledger_host *));
        ledger->pile = xrealloc(ledger->pile, ledger->hosts_room * sizeof *ledger->pile);
    }
    struct ledger_host *host = xcalloc(1, sizeof *host);
    host->ip = *ip;
    ledger->pile[ledger->hosts] = (struct pile){.from = 0};
    ledger->host[ledger->hosts++] = host;
    set_index(&ledger->host_index, ip, sizeof *ip, ledger->hosts);
    return ledger->hosts - 1;
}

static void flush(struct ledger *ledger)
{
    for (size_t at = 0; at < ledger->waiting.size && ledger->error.code == ERROR_NONE;) {
        ssize_t wrote = write(ledger->fd, ledger->waiting.data + at, ledger->waiting.size - at);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            error_set(&ledger->error, ERROR_RUN, "%s: %s", ledger->path,
                      wrote < 0 ? strerror(errno) : "no room");
        at += wrote > 0 ? (size_t)wrote : 0;
    }
    ledger->waiting.size = 0;
}

static void write_pile(struct ledger *ledger, struct pile *pile, struct ledger_host *host)
{
    for (; pile->from < host->count; pile->from++)
        host->hour[pile->from].at = (host->hour[pile->from].at + ledger->size) & (UINT64_MAX >> 1);
    if (pile->bytes.size > 0)
        buffer_put(&ledger->waiting, pile->bytes.data, pile->bytes.size);
    ledger->size += pile->bytes.size;
    buffer_fini(&pile->bytes);
    if (ledger->waiting.size >= WRITE_BYTES)
        flush(ledger);
}

static void write_piles(struct ledger *ledger)
{
    for (size_t i = 0; i < ledger->hosts; i++)
        write_pile(ledger, &ledger->pile[i], ledger->host[i]);
    ledger->piled_bytes = 0;
}

static void put_destination(void *context, struct buffer *out, const struct map_entry *entry)
{
    put_unsigned(out, destination_index(context, entry));
}

static bool reaches(const struct ledger *ledger, int64_t hour)
{
    int64_t first = hour < ledger->first ? hour : ledger->first;
    int64_t last = hour > ledger->last ? hour : ledger->last;
    return last - first < LEDGER_HOURS;
}

void ledger_add(struct ledger *ledger, const struct host_total *total)
{
    if (ledger->error.code != ERROR_NONE)
        return;
    if (!reaches(ledger, total->hour)) {
        error_set(&ledger->error, ERROR_RUN, "it covers more than %d days",
                  (int)(LEDGER_HOURS / 24));
        return;
    }
    size_t index = host_of(ledger, &total->host);
    struct ledger_host *host = ledger->host[index];
    struct pile *pile = &ledger->pile[index];
    if (host->count == host->room) {
        host->room = host->room ? 2 * host->room : 16;
        host->hour = xrealloc(host->hour, host->room * sizeof *host->hour);
    }
    host->hour[host->count++] = (struct ledger_hour){
        .hour = total->hour, .at = pile->bytes.size & (UINT64_MAX >> 1), .others = total->others};
    ledger->first = total->hour < ledger->first ? total->hour : ledger->first;
    ledger->last = total->hour > ledger->last ? total->hour : ledger->last;
    size_t before = pile->bytes.size;
    const struct hour_names names = {.put = put_destination, .context = ledger};
    hour_bytes_put(&pile->bytes, total, &names);
    ledger->piled_bytes += pile->bytes.size - before;
    if (ledger->piled_bytes >= LEDGER_PILED_BYTES)
        write_piles(ledger);
}

int ledger_finish(struct ledger *ledger, struct error *error)
{
    write_piles(ledger);
    flush(ledger);
    if (ledger->error.code == ERROR_NONE && ledger->size > 0) {
        ledger->map = mmap(NULL, ledger->size, PROT_READ, MAP_PRIVATE, ledger->fd, 0);
        if (ledger->map == MAP_FAILED) {
            ledger->map = NULL;
            error_set(&ledger->error, ERROR_RUN, "%s: %s", ledger->path, strerror(errno));
        }
    }
    if (ledger->error.code == ERROR_NONE)
        return 0;
    *error = ledger->error;
    return -1;
}

/* --- reading ---------------------------------------------------------------------------------- */

size_t ledger_hosts(const struct ledger *ledger)
{
    return ledger->hosts;
}

const struct ledger_host *ledger_host(const struct ledger *ledger, size_t index)
{
    return ledger->host[index];
}

size_t ledger_destinations(const struct ledger *ledger)
{
    return ledger->destinations;
}

const char *ledger_destination(const struct ledger *ledger, size_t index)
{
    return ledger->destination[index];
}

void ledger_span(const struct ledger *ledger, int64_t *first, int64_t *last)
{
    *first = ledger->first;
    *last = ledger->last;
}

static struct cursor at_hour(const struct ledger *ledger, const struct ledger_host *host, size_t i)
{
    uint64_t at = host->hour[i].at;
    return cursor_make(ledger->map + at, ledger->size - at);
}

static void skip_numbers(struct cursor *in, uint64_t count)
{
    while (count > 0 && in->at < in->end)
        count -= *in->at++ < 0x80;
}

/* But for its pairs, which follow. */
static struct ledger_sheet take_sheet(struct cursor *in)
{
    struct ledger_sheet sheet = {.out_bytes = take_unsigned(in)};
    sheet.in_bytes = take_unsigned(in);
    sheet.inside_bytes = take_unsigned(in);
    sheet.pairs = take_at_most(in, TOTALS_PAIRS);
    return sheet;
}

static void take_pairs(const struct ledger *ledger, struct cursor in, struct ledger_pair *pair,
                       size_t count)
{
    for (const struct ledger_pair *end = pair + count; pair < end; pair++) {
        pair->destination = (uint32_t)take_at_most(&in, ledger->destinations - 1);
        pair->out_bytes = take_unsigned(&in);
        skip_numbers(&in, 3); /* in, flows, longest; and then the starts */
        skip_numbers(&in, 2 * take_unsigned(&in));
    }
}

static void make_room(struct ledger_pair **pair, size_t *room, size_t needed)
{
    if (needed <= *room)
        return;
    *room = 2 * needed;
    *pair = xrealloc(*pair, *room * sizeof **pair);
}

/* None of it is in the processor's cache, and other hosts' lie between some of them. */
static void ask_for(const struct ledger *ledger, const struct ledger_host *host, size_t i)
{
    if (i >= host->count)
        return;
    __builtin_prefetch(ledger->map + host->hour[i].at);
    __builtin_prefetch(ledger->map + host->hour[i].at + LINE_BYTES);
}

void ledger_hold(struct ledger *ledger, const struct ledger_host *host)
{
    size_t pairs = 0;
    ledger->held.host = NULL;
    if (host->count > ledger->held.sheets_room) {
        ledger->held.sheets_room = host->count;
        ledger->held.sheet =
            xrealloc(ledger->held.sheet, host->count * sizeof(struct ledger_sheet));
    }
    for (size_t i = 0; i < host->count; i++) {
        struct cursor in = at_hour(ledger, host, i);
        ask_for(ledger, host, i + AHEAD);
        struct ledger_sheet *sheet = &ledger->held.sheet[i];
        *sheet = take_sheet(&in);
        if (pairs + sheet->pairs > LEDGER_HELD_PAIRS)
            return;
        make_room(&ledger->held.pair, &ledger->held.pairs_room, pairs + sheet->pairs);
        take_pairs(ledger, in, ledger->held.pair + pairs, sheet->pairs);
        pairs += sheet->pairs;
    }
    for (size_t i = host->count; i-- > 0;) { /* they lie still from here on */
        pairs -= ledger->held.sheet[i].pairs;
        ledger->held.sheet[i].pair = ledger->held.pair + pairs;
    }
    ledger->held.host = host;
}

void ledger_hold_none(struct ledger *ledger)
{
    free(ledger->held.sheet);
    free(ledger->held.pair);
    memset(&ledger->held, 0, sizeof ledger->held);
}

struct ledger_sheet ledger_sheet(struct ledger *ledger, const struct ledger_host *host, size_t i)
{
    if (ledger->held.host == host)
        return ledger->held.sheet[i];
    struct cursor in = at_hour(ledger, host, i);
    struct ledger_sheet sheet = take_sheet(&in);
    make_room(&ledger->scratch, &ledger->scratch_room, sheet.pairs);
    take_pairs(ledger, in, ledger->scratch, sheet.pairs);
    sheet.pair = ledger->scratch;
    return sheet;
}

struct ledger_reading ledger_read(const struct ledger *ledger, const struct ledger_host *host,
                                  size_t i)
{
    struct cursor in = at_hour(ledger, host, i);
    ask_for(ledger, host, i + AHEAD);
    struct ledger_sheet sheet = take_sheet(&in);
    return (struct ledger_reading){in, sheet.out_bytes, sheet.in_bytes, sheet.inside_bytes,
                                   sheet.pairs};
}

bool ledger_read_part(const struct ledger *ledger, struct ledger_reading *reading,
                      struct ledger_part *part)
{
    struct cursor in = reading->in; /* nothing else points to it: it may stay in registers */
    if (reading->pairs == 0)
        return false;
    reading->pairs--;
    part->destination = (uint32_t)take_at_most(&in, ledger->destinations - 1);
    part->out_bytes = take_unsigned(&in);
    part->in_bytes = take_unsigned(&in);
    part->flows = (uint32_t)take_at_most(&in, UINT32_MAX);
    part->longest_s = (uint32_t)take_at_most(&in, UINT32_MAX);
    part->starts = in;
    skip_numbers(&in, 2 * take_unsigned(&in));
    reading->in = in;
    return true;
}

static const char *take_destination(void *context, struct cursor *in)
{
    const struct ledger *ledger = context;
    return ledger->destination[take_at_most(in, ledger->destinations - 1)];
}

struct host_total *ledger_total(struct ledger *ledger, const struct ledger_host *host, size_t i)
{
    const struct hour_names names = {.take = take_destination, .context = ledger};
    struct cursor in = at_hour(ledger, host, i);
    ask_for(ledger, host, i + AHEAD);
    struct host_total *total = host_total_new(&host->ip, host->hour[i].hour);
    hour_bytes_take(&in, total, &names);
    return total;
}
