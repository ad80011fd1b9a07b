/* libndpi, for what is left: which flows it is asked about, and with what.
 *
 * A protocol is in a flow's first payloads, and its weight is known later: so the first few are
 * kept, cut, until the flow is named by somebody here or weighs APPLICATION_ASK_BYTES on one side.
 * Then ndpi_port.c shows them to libndpi, in the order they came; the answer is kept as a text.
 *
 * Bounds: APPLICATION_…; past APPLICATION_BYTES a flow is not asked about (applications_unasked).
 * What is named can depend on how a stream was cut into segments: pieces are what is kept.
 * Thread: the capture thread. */
#include "application.h"
#include "ndpi_port.h"
#include "weir/base/buffer.h"
#include "weir/base/fetch.h"
#include "weir/base/log.h"

#include <stdlib.h>
#include <string.h>

#define ENTRY_HEAD   3u /* side, size */
#define SAMPLE_FIRST 256u

_Static_assert(APPLICATION_PAYLOAD_BYTES <= NDPI_PORT_BYTES, "a payload can be shown whole");
_Static_assert((int)SIDE_ORIG == NDPI_PORT_CLIENT && (int)SIDE_RESP == NDPI_PORT_SERVER,
               "sides are passed as they are");

struct applications {
    struct ndpi_port *port;
    struct pool samples; /* those that have their first room */
    uint64_t kept_bytes, asked, named, unasked;
};

struct application_sample {
    uint32_t size, room;
    uint8_t count[SIDES];
    uint8_t data[]; /* side, size (2), bytes; … */
};

/* --- life --------------------------------------------------------------------------------------
 */

struct applications *applications_new(bool later, struct error *error)
{
    struct ndpi_port *port = later ? NULL : ndpi_port_new(error);
    if (!port && !later)
        return NULL;
    struct applications *applications = xcalloc(1, sizeof *applications);
    applications->port = port;
    pool_init(&applications->samples, sizeof(struct application_sample) + SAMPLE_FIRST);
    return applications;
}

void applications_free(struct applications *applications)
{
    if (!applications)
        return;
    ndpi_port_free(applications->port);
    pool_fini(&applications->samples);
    free(applications);
}

void applications_health(const struct applications *applications, struct health *health)
{
    if (!applications)
        return;
    health->applications_asked += applications->asked;
    health->applications_named += applications->named;
    health->applications_unasked += applications->unasked;
}

/* --- what is kept ------------------------------------------------------------------------------
 */

static void free_sample(struct applications *applications, struct application_sample *sample)
{
    if (sample->room == SAMPLE_FIRST)
        pool_give(&applications->samples, sample);
    else
        free(sample);
}

void application_drop(struct content_flow *cf)
{
    struct applications *applications = cf->content->applications;
    cf->application_done = true;
    if (!cf->sample)
        return;
    applications->kept_bytes -= sizeof *cf->sample + cf->sample->room;
    free_sample(applications, cf->sample);
    cf->sample = NULL;
}

/* With more room than the pool's blocks have. */
static struct application_sample *enlarged(struct applications *applications,
                                           struct application_sample *sample, uint32_t room)
{
    size_t had = sample ? sizeof *sample + sample->room : 0;
    struct application_sample *larger = xrealloc(NULL, sizeof *larger + room);
    if (had)
        memcpy(larger, sample, had);
    else
        memset(larger, 0, sizeof *larger);
    if (sample)
        free_sample(applications, sample);
    return larger;
}

/* False: there is no room. */
static bool make_room(struct content_flow *cf, size_t more)
{
    struct applications *applications = cf->content->applications;
    struct application_sample *sample = cf->sample;
    uint32_t size = sample ? sample->size : 0, had = sample ? sample->room : 0;
    uint32_t room = had ? had : SAMPLE_FIRST;
    while (room < size + more)
        room *= 2;
    if (sample && room == had)
        return true;
    size_t grows = room - had + (sample ? 0 : sizeof *sample);
    if (applications->kept_bytes + grows > APPLICATION_BYTES)
        return false;
    applications->kept_bytes += grows;
    cf->sample = room == SAMPLE_FIRST ? pool_take(&applications->samples)
                                      : enlarged(applications, sample, room);
    cf->sample->room = room;
    return true;
}

void application_fetch(const struct content_flow *cf)
{
    if (cf->sample)
        fetch(cf->sample->data + cf->sample->size, 2 * FETCH_LINE);
}

/* False: there was no room. */
static bool keep(struct content_flow *cf, enum flow_side side, const uint8_t *data, size_t size)
{
    if (cf->sample && cf->sample->count[side] == APPLICATION_PAYLOADS)
        return true;
    uint32_t kept = size < APPLICATION_PAYLOAD_BYTES ? (uint32_t)size : APPLICATION_PAYLOAD_BYTES;
    if (!make_room(cf, ENTRY_HEAD + kept))
        return false;
    struct application_sample *sample = cf->sample;
    uint8_t *at = sample->data + sample->size;
    at[0] = (uint8_t)side;
    at[1] = (uint8_t)(kept >> 8);
    at[2] = (uint8_t)kept;
    memcpy(at + ENTRY_HEAD, data, kept);
    sample->size += ENTRY_HEAD + kept;
    sample->count[side]++;
    return true;
}

/* The entry at *at, which steps over it. */
static uint8_t *next_entry(struct application_sample *sample, uint32_t *at, uint32_t *size)
{
    uint8_t *entry = sample->data + *at;
    *size = (uint32_t)entry[1] << 8 | entry[2];
    *at += ENTRY_HEAD + *size;
    return entry;
}

void application_swap(struct content_flow *cf)
{
    struct application_sample *sample = cf->sample;
    uint32_t size;
    if (!sample)
        return;
    uint8_t count = sample->count[SIDE_ORIG];
    sample->count[SIDE_ORIG] = sample->count[SIDE_RESP];
    sample->count[SIDE_RESP] = count;
    for (uint32_t at = 0; at < sample->size;) {
        uint8_t *entry = next_entry(sample, &at, &size);
        entry[0] = entry[0] == SIDE_ORIG ? SIDE_RESP : SIDE_ORIG;
    }
}

/* --- asking ------------------------------------------------------------------------------------
 */

/* Begun late it can fail late: as no memory does, with a line and exit status 1 (ERROR_RUN). Going
 * on would leave every application unnamed where another run names them. */
static struct ndpi_port *port_of(struct applications *a)
{
    struct error error = {ERROR_NONE, ""};
    if (!a->port && !(a->port = ndpi_port_new(&error))) {
        log_error("%s", error.message);
        _Exit(1);
    }
    return a->port;
}

static void ask(struct content_flow *cf)
{
    struct applications *a = cf->content->applications;
    struct flow_key key = content_key(cf);
    struct ndpi_port_flow flow = {.hash = hash64(&key, sizeof key, 0),
                                  .time_ms = (uint64_t)(cf->content->now.ns / NS_PER_MS),
                                  .tcp = key.proto == PROTO_TCP,
                                  .port = {key.orig_port, key.resp_port}};
    char name[RECORD_NAME_MAX + 1];
    uint32_t size;
    struct ndpi_port *port = port_of(a);
    a->asked++;
    ndpi_port_begin(port, &flow);
    for (uint32_t at = 0; at < cf->sample->size;) {
        const uint8_t *entry = next_entry(cf->sample, &at, &size);
        ndpi_port_show(port, entry[0], entry + ENTRY_HEAD, size);
    }
    if (ndpi_port_end(port, name, sizeof name)) {
        content_text(cf, TEXT_APPLICATION, name);
        a->named++;
    }
}

void application_take(struct content_flow *cf, enum flow_side side, const uint8_t *data,
                      size_t size)
{
    if (!cf->content->applications || cf->application_done)
        return;
    if (cf->service != SERVICE_NONE || cf->protocol) {
        application_drop(cf);
        return;
    }
    if (!keep(cf, side, data, size)) {
        cf->content->applications->unasked++;
        application_drop(cf);
        return;
    }
    if (flow_get_payload(cf->flow, SIDE_ORIG) < APPLICATION_ASK_BYTES &&
        flow_get_payload(cf->flow, SIDE_RESP) < APPLICATION_ASK_BYTES)
        return;
    ask(cf);
    application_drop(cf);
}
