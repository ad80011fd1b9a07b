/* What people did, as a record of the journal: event.kind "event", event.dataset "weir.audit". Its
 * id is the SHA-256 of "audit", the sensor's name, the wall time in ns, the action and the subject,
 * a newline after each, cut to 128 bits. The time is the wall clock's: people act in it, and with
 * no sensor running there is no other. Pure. Thread: any. */
#include "noise_audit.h"

#include "ecs.h"
#include "ids.h"
#include "weir/base/buffer.h"
#include "weir/base/digest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void audit_id(const struct noise_act *act, char id[ALERT_ID_SIZE])
{
    struct buffer text = {0};
    uint8_t digest[SHA256_SIZE];
    buffer_text(&text, "audit\n%s\n%" PRId64 "\n%s\n%s\n", act->sensor, act->at.ns, act->action,
                act->subject ? act->subject : "");
    digest_sha256(text.data, text.size, digest);
    hex_text(digest, (ALERT_ID_SIZE - 1) / 2, id);
    buffer_fini(&text);
}

static void put_event(struct json *json, const struct noise_act *act)
{
    char id[ALERT_ID_SIZE];
    audit_id(act, id);
    json_open(json, "event");
    json_str(json, "kind", "event");
    json_list(json, "category");
    json_str(json, NULL, "configuration");
    json_close(json);
    json_list(json, "type");
    json_str(json, NULL, "change");
    json_close(json);
    json_str(json, "module", "weir");
    json_str(json, "dataset", "weir.audit");
    json_str(json, "id", id);
    json_str(json, "action", act->action);
    json_str(json, "outcome", "success");
    json_close(json);
    json_str(json, "message", act->message);
}

static void put_user(struct json *json, const struct noise_act *act)
{
    char id[24];
    json_open(json, "user");
    json_str(json, "name", act->by);
    if (act->uid >= 0) {
        snprintf(id, sizeof id, "%" PRId64, act->uid);
        json_str(json, "id", id);
    }
    json_close(json);
}

char *noise_audit_change(const struct noise_act *act, const struct noise_change *change)
{
    struct json *json = json_new();
    ecs_open(json, act->at);
    put_event(json, act);
    put_user(json, act);
    ecs_observer(json, act->sensor);
    json_open(json, "weir");
    json_open(json, "audit");
    if (act->subject)
        json_str(json, "subject", act->subject);
    if (change->before)
        noise_put_silence(json, "before", change->before);
    if (change->after)
        noise_put_silence(json, "after", change->after);
    if (change->mark_before)
        noise_put_mark(json, "before", change->mark_before);
    if (change->mark_after)
        noise_put_mark(json, "after", change->mark_after);
    json_close(json);
    json_close(json);
    json_close(json);
    char *line = json_take_text(json, 0);
    json_free(json);
    return line;
}

char *noise_audit(const struct noise_act *act)
{
    return noise_audit_change(act, &(struct noise_change){.before = NULL});
}
