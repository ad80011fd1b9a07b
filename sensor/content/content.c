/* What the bytes of a flow were.
 *
 *   packet ─┬─ TCP ─> stream.c ─> data, gap ─┐
 *           └─ UDP ─> datagram.c ────────────┴─> side.c: stage.c and protocols for what it is,
 *                                                inspect.c for what it holds
 *
 * A flow gets its content_flow with its first payload, a side's state with that side's; both stay
 * small until something is found. The first server name, question and JA3 name
 * the flow; every server name other than the one before it is told as an event. One side's service
 * is the flow's. Nothing here moves a byte counter.
 *
 * Thread: the capture thread; one `struct content` a process, as libnids is process-global. */
#include "weir/content/content.h"

#include "application.h"
#include "expect.h"
#include "flow_content.h"
#include "protocol.h"
#include "search.h"
#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

#define NETBIOS_PORT       137
#define MDNS_PORT          5353
#define EVIDENCE_DATAGRAMS 4u /* of a side; later ones bring nothing new */
#define EVIDENCE_SSH_BYTES 65536u

/* --- what was learnt ---------------------------------------------------------------------------
 */

void content_set_service(struct content_flow *cf, enum service service)
{
    if (cf->service == SERVICE_NONE)
        cf->service = (uint8_t)service;
}

struct facts *content_facts_of(struct content_flow *cf)
{
    if (!cf->facts)
        cf->facts = pool_take(&cf->content->facts_pool);
    return cf->facts;
}

void content_text(struct content_flow *cf, enum flow_text which, const char *text)
{
    char **place = &content_facts_of(cf)->text[which];
    if (!*place && *text)
        *place = xstrdup(text);
}

void content_server_name(struct content_flow *cf, const char *name)
{
    struct content *content = cf->content;
    if (!*name)
        return;
    struct facts *facts = content_facts_of(cf);
    uint64_t hash = hash64(name, strlen(name), 0);
    if (facts->text[TEXT_SERVER_NAME] && hash == facts->last_name)
        return;
    content_text(cf, TEXT_SERVER_NAME, name);
    facts->last_name = hash;
    content->events.server_name(content->context, cf->flow, content->now, name);
}

void content_dns(struct content_flow *cf, const uint8_t *data, size_t size,
                 struct dns_message *message)
{
    struct content *content = cf->content;
    if (message->qtype == 0)
        return;
    content_text(cf, TEXT_QUESTION, message->name);
    do
        content->events.dns(content->context, cf->flow, content->now, message);
    while (dns_next_question(data, size, message));
}

static bool same_client(const struct client_claim *a, const struct client_claim *b)
{
    return ip_compare(&a->ip, &b->ip) == 0;
}

/* The port is the connection's, and says nothing of who: a claim differs by its address. */
void content_client(struct content_flow *cf, const struct client_claim *claim)
{
    if (claim->by == CLIENT_NONE)
        return;
    struct facts *facts = content_facts_of(cf);
    if (facts->client.by == CLIENT_NONE) {
        facts->client = facts->last_client = *claim;
    } else if (!same_client(&facts->last_client, claim)) {
        facts->last_client = *claim;
        facts->client.changes += facts->client.changes < UINT32_MAX;
    }
}

static uint32_t plus(uint32_t count, uint32_t more)
{
    return count > UINT32_MAX - more ? UINT32_MAX : count + more;
}

void content_operations(struct content_flow *cf, uint32_t reads, uint32_t writes,
                        const struct function_set *functions)
{
    if (reads == 0 && writes == 0 && functions->count == 0)
        return;
    struct facts *facts = content_facts_of(cf);
    facts->operations.reads = plus(facts->operations.reads, reads);
    facts->operations.writes = plus(facts->operations.writes, writes);
    if (functions->count == 0)
        return;
    if (!facts->functions)
        facts->functions = xcalloc(1, sizeof *facts->functions);
    function_set_merge(facts->functions, functions);
}

void content_set_protocol(struct content_flow *cf, const struct protocol *protocol)
{
    if (cf->protocol)
        return;
    cf->protocol = protocol;
    content_set_service(cf, protocol->service);
    if (protocol->flow_open)
        cf->state = protocol->flow_open(cf);
}

void content_close_state(struct content_flow *cf)
{
    if (cf->protocol && cf->protocol->flow_close && cf->state)
        cf->protocol->flow_close(cf->state);
    cf->state = NULL;
}

void content_leave_protocol(struct content_flow *cf)
{
    content_close_state(cf);
    cf->protocol = NULL;
}

/* It had been given up: a datagram stands alone, it can be looked at. */
static void look_again(struct content_flow *cf)
{
    active_join(cf);
    if (cf->protocol && cf->protocol->flow_open && !cf->state)
        cf->state = cf->protocol->flow_open(cf);
}

struct flow_key content_key(const struct content_flow *cf)
{
    return *flow_get_key(cf->flow);
}

bool content_has_port(const struct content_flow *cf, uint16_t port)
{
    const struct flow_key *key = flow_get_key(cf->flow);
    return key->orig_port == port || key->resp_port == port;
}

/* --- streams -----------------------------------------------------------------------------------
 */

static struct side *begin_side(struct content_flow *cf, enum flow_side side)
{
    if (!cf->side[SIDE_ORIG] && !cf->side[SIDE_RESP])
        expect_begin(cf);
    return side_of(cf, side, STAGE_PROBE);
}

static void on_data(void *owner, enum flow_side side, const uint8_t *data, size_t size,
                    struct ptime time)
{
    struct content_flow *cf = owner;
    cf->content->now = time;
    if (size && !cf->stopped[side])
        side_take(begin_side(cf, side), data, size);
    if (size)
        application_take(cf, side, data, size);
}

static void on_gap(void *owner, enum flow_side side, uint64_t bytes, struct ptime time)
{
    struct content_flow *cf = owner;
    cf->content->now = time;
    if (!cf->stopped[side])
        side_gap(begin_side(cf, side), bytes);
}

static const struct stream_events stream_events = {on_data, on_gap};

/* --- life --------------------------------------------------------------------------------------
 */

struct content *content_new(const struct content_config *config,
                            const struct content_events *events, void *context, struct error *error)
{
    struct content *content = xcalloc(1, sizeof *content);
    content->config = *config;
    content->events = *events;
    content->context = context;
    pool_init(&content->flow_pool, sizeof(struct content_flow));
    pool_init(&content->side_pool, sizeof(struct side));
    pool_init(&content->facts_pool, sizeof(struct facts));
    pool_init(&content->entropy_pool, sizeof(struct entropy));
    items_shared_init(&content->items, CONTENT_ITEM_SET_BYTES, config->samples);
    content->suffixes = suffixes_new();
    content->inspection = (struct inspection){
        .key = &content->config.key,
        .email = {.suffixes = content->suffixes, .key = &content->config.key},
    };
    content->config.pattern = NULL; /* was the caller's */
    content->inspection.search = search_shared_new(&content->config.key, config->pattern,
                                                   config->pattern_count, true, error);
    content->expectations = expectations_new();
    content->nothing = xcalloc(1, sizeof *content->nothing);
    content->nothing->content = content;
    content->streams = streams_new(&config->stream, &stream_events, error);
    if (content->streams && config->applications)
        content->applications = applications_new(config->unhurried, error);
    if (!content->suffixes)
        error_set(error, ERROR_RUN, "libpsl has no built-in Public Suffix List");
    if (content->streams && !content->applications == !config->applications && content->suffixes &&
        content->inspection.search)
        return content;
    content_free(content);
    return NULL;
}

void content_free(struct content *content)
{
    if (!content)
        return;
    streams_free(content->streams);
    applications_free(content->applications);
    expectations_free(content->expectations);
    free(content->active);
    free(content->rounds);
    free(content->nothing);
    inspection_fini(&content->inspection);
    search_shared_free(content->inspection.search);
    suffixes_free(content->suffixes);
    pool_fini(&content->flow_pool);
    pool_fini(&content->side_pool);
    pool_fini(&content->facts_pool);
    pool_fini(&content->entropy_pool);
    items_shared_fini(&content->items);
    free(content);
}

/* The SYNs are past: what they said of where the bytes begin, the flow knows. */
static struct stream *begin_stream(struct content_flow *cf)
{
    struct stream *stream = stream_new(cf->content->streams, cf);
    uint32_t first;
    for (enum flow_side side = SIDE_ORIG; side < SIDES; side++)
        if (flow_get_first(cf->flow, side, &first))
            stream_begin(stream, side, first);
    return stream;
}

static struct content_flow *flow_content_new(struct content *content, struct flow *flow, bool tcp)
{
    struct content_flow *cf = pool_take(&content->flow_pool);
    cf->content = content;
    cf->flow = flow;
    if (tcp)
        cf->stream = begin_stream(cf);
    *flow_content_slot(flow) = cf;
    active_join(cf);
    return cf;
}

void content_flow_free(struct content_flow *cf)
{
    content_close_state(cf);
    application_drop(cf);
    for (int i = 0; cf->facts && i < FLOW_TEXTS; i++)
        free(cf->facts->text[i]);
    handshake_free(cf);
    if (cf->facts)
        free(cf->facts->functions);
    pool_give(&cf->content->facts_pool, cf->facts);
    free(cf->expected);
    pool_give(&cf->content->flow_pool, cf);
}

void content_release(struct content *content, struct flow *flow)
{
    struct content_flow *cf = *flow_content_slot(flow);
    *flow_content_slot(flow) = NULL;
    if (!cf || cf == content->nothing)
        return;
    active_leave(cf);
    stream_free(cf->stream);
    for (enum flow_side side = SIDE_ORIG; side < SIDES; side++)
        side_free(cf->side[side]);
    content_flow_free(cf);
}

/* --- packets -----------------------------------------------------------------------------------
 */

static void tcp_packet(struct content_flow *cf, enum flow_side side, const struct packet *packet)
{
    if (!cf->stream)
        return;
    stream_packet(cf->stream, side, packet);
    if (cf->stopped[SIDE_ORIG] && cf->stopped[SIDE_RESP]) {
        stream_free(cf->stream); /* not inside its callbacks */
        cf->stream = NULL;
        active_leave(cf);
    }
}

/* Of DNS the ports are asked: multicast DNS and NetBIOS have no client. */
static enum evidence dns_evidence(const struct flow *flow, enum flow_side side,
                                  const struct packet *packet)
{
    if (packet->src_port == MDNS_PORT || packet->dst_port == MDNS_PORT ||
        packet->src_port == NETBIOS_PORT || packet->dst_port == NETBIOS_PORT ||
        flow_get_counts(flow, side).packets > EVIDENCE_DATAGRAMS)
        return EVIDENCE_NONE;
    return evidence_of_dns(packet->payload, packet->payload_captured);
}

enum evidence content_evidence(struct flow *flow, enum flow_side side, const struct packet *packet)
{
    if (packet->payload_captured == 0 || packet->later_fragment)
        return EVIDENCE_NONE;
    if (packet->proto == PROTO_UDP)
        return dns_evidence(flow, side, packet);
    if (packet->proto != PROTO_TCP || (packet->tcp_flags & TCP_RST))
        return EVIDENCE_NONE;
    const struct content_flow *cf = *flow_content_slot(flow);
    enum service service = cf ? (enum service)cf->service : SERVICE_NONE;
    /* The key exchange is over by then: what looks like it is chance. */
    if (service == SERVICE_SSH && flow_get_payload(flow, side) > EVIDENCE_SSH_BYTES)
        return EVIDENCE_NONE;
    return evidence_of_segment(packet->payload, packet->payload_captured, service);
}

static void take_datagram(struct content_flow *cf, enum flow_side side, const struct packet *packet)
{
    datagram_take(cf, side, packet);
    application_take(cf, side, packet->payload, packet->payload_captured);
}

/* Of TCP payload alone begins something: SYNs, ACKs and RSTs, of scans and floods most of all, cost
 * content nothing. So does a FIN, unless its number says that bytes before it were not seen. */
static bool begins_nothing(const struct flow *flow, enum flow_side side,
                           const struct packet *packet)
{
    uint32_t first;
    if (packet->payload_bytes > 0)
        return false;
    if ((packet->tcp_flags & (TCP_FIN | TCP_SYN | TCP_RST)) != TCP_FIN)
        return true;
    return !flow_get_first(flow, side, &first) || packet->seq == first;
}

void content_packet(struct content *content, struct flow *flow, enum flow_side side,
                    const struct packet *packet)
{
    struct content_flow *cf = *flow_content_slot(flow);
    bool tcp = packet->proto == PROTO_TCP;
    if (packet->later_fragment || (!tcp && packet->proto != PROTO_UDP))
        return;
    if (!tcp && packet->payload_captured == 0)
        return;
    if (!cf && tcp && begins_nothing(flow, side, packet))
        return;
    content->now = packet->time;
    if (cf == content->nothing)
        return;
    if (!cf)
        cf = flow_content_new(content, flow, tcp);
    else if (!tcp && cf->place == 0)
        look_again(cf);
    active_touch(cf, packet);
    if (tcp)
        tcp_packet(cf, side, packet);
    else
        take_datagram(cf, side, packet);
}

void content_progress(struct content *content, struct flow *flow, struct ptime time)
{
    struct content_flow *cf = *flow_content_slot(flow);
    content->now = time;
    for (enum flow_side side = SIDE_ORIG; cf && side < SIDES; side++)
        if (cf->side[side])
            side_tell(cf->side[side]);
}

void content_flush(struct content *content, struct flow *flow, struct ptime time)
{
    struct content_flow *cf = *flow_content_slot(flow);
    content->now = time;
    if (!cf)
        return;
    if (cf->stream)
        stream_finish(cf->stream, time);
    for (enum flow_side side = SIDE_ORIG; side < SIDES; side++)
        if (cf->side[side])
            side_end(cf->side[side]);
}

static void swap_facts(struct facts *facts)
{
    struct body_counts body = facts->body[SIDE_ORIG];
    uint16_t entropy = facts->entropy[SIDE_ORIG];
    facts->body[SIDE_ORIG] = facts->body[SIDE_RESP];
    facts->body[SIDE_RESP] = body;
    facts->entropy[SIDE_ORIG] = facts->entropy[SIDE_RESP];
    facts->entropy[SIDE_RESP] = entropy;
}

void content_swapped(struct content *content, struct flow *flow)
{
    struct content_flow *cf = *flow_content_slot(flow);
    (void)content;
    if (!cf)
        return;
    struct side *side = cf->side[SIDE_ORIG];
    bool stopped = cf->stopped[SIDE_ORIG];
    cf->side[SIDE_ORIG] = cf->side[SIDE_RESP];
    cf->side[SIDE_RESP] = side;
    cf->stopped[SIDE_ORIG] = cf->stopped[SIDE_RESP];
    cf->stopped[SIDE_RESP] = stopped;
    if (cf->facts)
        swap_facts(cf->facts);
    application_swap(cf);
    if (cf->stream)
        stream_swap_sides(cf->stream);
}

/* --- what is known -----------------------------------------------------------------------------
 */

struct content_facts content_get_facts(struct flow *flow)
{
    const struct content_flow *cf = *flow_content_slot(flow);
    struct content_facts known = {.service = SERVICE_NONE};
    const struct facts *facts = cf ? cf->facts : NULL;
    for (int i = 0; i < FLOW_TEXTS; i++)
        known.text[i] = facts && facts->text[i] ? facts->text[i] : "";
    if (cf)
        known.service = cf->service;
    if (!facts)
        return known;
    known.ja3 = facts->has_ja3 ? facts->ja3 : NULL;
    known.flags = facts->flags;
    known.operations = facts->operations;
    known.functions = facts->functions;
    known.client = facts->client;
    memcpy(known.entropy, facts->entropy, sizeof known.entropy);
    memcpy(known.body, facts->body, sizeof known.body);
    return known;
}

void content_health(const struct content *content, struct health *health)
{
    streams_health(content->streams, health);
    applications_health(content->applications, health);
    health->parse_malformed += content->malformed;
    health->content_given_up += content->given_up;
    health->content_let_go += content->let_go;
    health->content_beyond += content->beyond;
    health->bodies_damaged += content->bodies_damaged;
    health->bodies_bombs += content->bodies_bombs;
    health->bodies_unread += content->bodies_unread;
    health->patterns_refused += search_refused(content->inspection.search);
    health->files_cut += content->files_cut;
    health->messages_unread += content->messages_unread;
    health->channels_forgotten += expectations_forgotten(content->expectations);
    health->mail_beyond += content->mail_beyond;
    health->asks_forgotten += content->asks_forgotten;
}
