/* What flows say of themselves (protocol.mismatch, tunnel.new).
 *
 * Asked of flows that an inside host opened and that were answered, with each of their records, for
 * what is spoken may become known later; an incident tells it once. Findings join the story of host
 * and destination, which the record was added to before. Thread: the engine's. */
#include "internal.h"

#include <string.h>

static bool is_new_application(struct engine *engine, const struct flow_view *view)
{
    struct recent_keys *known = &engine->tunnelled.applications;
    const char *text = view->text[TEXT_APPLICATION];
    if (*text == '\0')
        return false;
    struct {
        struct ip host;
        uint64_t application;
    } key = {*view->host, hash64(text, strlen(text), 0)};
    uint64_t hash = hash64_keyed(&engine->tunnelled.questions.key, &key, sizeof key);
    if (recent_keys_get(known, hash))
        return false;
    recent_keys_put(known, hash);
    return true;
}

static struct spoken spoken_of(const struct flow_view *view)
{
    const struct record_flow *record = view->record;
    return (struct spoken){.service = (enum service)record->service,
                           .port = view->way.remote_port,
                           .application = view->text[TEXT_APPLICATION],
                           .alpn = view->text[TEXT_ALPN],
                           .names_server = *view->text[TEXT_SERVER_NAME] ||
                                           (record->flags & (FLOW_ECH | FLOW_ESNI)) != 0};
}

/* Most flows speak what their port promises, and nothing that is known by name. */
static bool may_be_told(const struct flow_view *view)
{
    const struct record_flow *record = view->record;
    bool named = *view->text[TEXT_APPLICATION];
    if (!view->accepted || view->scope != SCOPE_OUT || view->way.by_tunnel ||
        !(record->flags & FLOW_ESTABLISHED) || (record->service == SERVICE_NONE && !named))
        return false;
    struct spoken spoken = spoken_of(view);
    struct subject subject = {.kind = SUBJECT_FLOW, .spoken = &spoken};
    return named || judge_may(&subject);
}

bool tunnelled_may_tell(const struct flow_view *view)
{
    const struct record_flow *record = view->record;
    return record->echo[SIDE_ORIG].payloads + record->echo[SIDE_RESP].payloads > 0 ||
           may_be_told(view);
}

static void judge_spoken(struct engine *engine, const struct flow_view *view, struct host *host,
                         struct open_story *open)
{
    hosts_turn(engine, host);
    struct ptime now = {view->record->header.time_ns};
    struct spoken spoken = spoken_of(view);
    spoken.application_is_new = is_new_application(engine, view);
    struct civil civil = calendar_at(engine->config.calendar, now);
    struct subject subject = {.kind = SUBJECT_FLOW,
                              .config = &engine->config.detect,
                              .civil = civil,
                              .host = host->profile,
                              .destination = view->destination,
                              .fleet = engine->fleet,
                              .state = BASELINE_LEARNING,
                              .spoken = &spoken};
    if (host->profile) {
        subject.pair = profile_pair(host->profile, view->destination);
        subject.state = hosts_state_then(engine, host, civil.hour);
    }
    struct finding finding[JUDGE_FINDINGS];
    size_t count = judge(&subject, finding);
    account_tell(engine, open, finding, count, subject.state, host->hours, now);
}

void tunnelled_flow(struct engine *engine, const struct flow_view *view)
{
    tunnelled_connection(engine, view);
    tunnelled_echo(engine, view);
    if (!may_be_told(view))
        return;
    struct host *host = hosts_get(engine, view->host);
    struct open_story *open = stories_find(&engine->stories, view->host, view->destination);
    if (host && open)
        judge_spoken(engine, view, host, open);
}
