/* The content room's door with nothing behind it: a worker linked with this one only counts. What
 * bench_worker costs with it is what the content room's cost is measured against. */
#include "weir/content/content.h"

#include <stdlib.h>

static int nothing;

struct content *content_new(const struct content_config *config,
                            const struct content_events *events, void *context, struct error *error)
{
    (void)config, (void)events, (void)context, (void)error;
    return (struct content *)&nothing;
}

void content_free(struct content *content)
{
    (void)content;
}

enum evidence content_evidence(struct flow *flow, enum flow_side side, const struct packet *packet)
{
    (void)flow, (void)side, (void)packet;
    return EVIDENCE_NONE;
}

void content_packet(struct content *content, struct flow *flow, enum flow_side side,
                    const struct packet *packet)
{
    (void)content, (void)flow, (void)side, (void)packet;
}

void content_flush(struct content *content, struct flow *flow, struct ptime time)
{
    (void)content, (void)flow, (void)time;
}

void content_progress(struct content *content, struct flow *flow, struct ptime time)
{
    (void)content, (void)flow, (void)time;
}

void content_swapped(struct content *content, struct flow *flow)
{
    (void)content, (void)flow;
}

void content_release(struct content *content, struct flow *flow)
{
    (void)content, (void)flow;
}

struct content_facts content_get_facts(struct flow *flow)
{
    struct content_facts facts = {.service = SERVICE_NONE};
    (void)flow;
    for (int i = 0; i < FLOW_TEXTS; i++)
        facts.text[i] = "";
    return facts;
}

void content_health(const struct content *content, struct health *health)
{
    (void)content, (void)health;
}
