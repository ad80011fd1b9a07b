/* See evidence_api.h. */
#include "evidence_api.h"

#include "weir/base/buffer.h"
#include "weir/engine/noise.h"
#include "weir/investigate/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- held and released ------------------------------------------------------------------------ */

struct asked {
    char incident[ALERT_ID_SIZE], stated[48], reason[256], by[NOISE_NAME];
};

/* One line that can be read again. */
static void take_text(const struct json_value *body, const char *key, char *to, size_t room)
{
    const struct json_value *value = body ? json_get(body, key) : NULL;
    const char *text = value ? json_text(value) : NULL;
    snprintf(to, room, "%s", text ? text : "");
    for (; *to; to++)
        if (*to < 0x20 || *to > 0x7e)
            *to = '?';
}

/* Who asks is what the system says; a name that was only stated stands before it. */
static void take_author(const struct evidence_api *api, const struct api_request *request,
                        struct asked *asked)
{
    char name[PEOPLE_NAME];
    people_asks(api->api.people, request, name);
    if (*asked->stated && strcmp(asked->stated, name) != 0)
        snprintf(asked->by, sizeof asked->by, "%s (%.40s)", asked->stated, name);
    else
        snprintf(asked->by, sizeof asked->by, "%.90s", name);
}

static int read_request(const struct evidence_api *api, const struct api_request *request,
                        const char *route, struct asked *asked, struct api_reply *reply)
{
    struct error error = {0};
    memset(asked, 0, sizeof *asked);
    if (!api_path_part(route, request->path, asked->incident, sizeof asked->incident)) {
        api_refuse(reply, 404, "there is nothing of that name");
        return -1;
    }
    struct json_value *body = json_parse(request->body, request->body_size, &error);
    take_text(body, "by", asked->stated, sizeof asked->stated);
    take_text(body, "reason", asked->reason, sizeof asked->reason);
    json_value_free(body);
    if (request->user && *asked->stated) {
        api_refuse(reply, 400, "by: expected none, it is the one who is logged in");
        return -1;
    }
    take_author(api, request, asked);
    return 0;
}

static void answer(struct api_reply *reply, const struct error *error)
{
    if (error->code == ERROR_NONE)
        reply->body = xstrdup("{\"ok\":true}");
    else
        api_refuse(reply, error->code == ERROR_INPUT ? 404 : 409, error->message);
}

static void tell(const struct evidence_api *api, const struct api_request *request,
                 const struct asked *asked, const char *action, const char *did)
{
    char *message = xasprintf("%s %s the evidence of incident %s%s%s", asked->by, did,
                              asked->incident, *asked->reason ? ": " : "", asked->reason);
    engine_noise_act(api->api.engine, &(struct noise_act){.action = action,
                                                          .subject = asked->incident,
                                                          .message = message,
                                                          .by = asked->by,
                                                          .uid = request->uid,
                                                          .at = ptime_now()});
    free(message);
}

void evidence_api_hold(const struct evidence_api *api, const struct api_request *request,
                       struct api_reply *reply)
{
    struct error error = {0};
    struct asked asked;
    if (read_request(api, request, "/v1/evidence/*/hold", &asked, reply) != 0)
        return;
    if (!*asked.reason) {
        api_refuse(reply, 400, "expected {\"by\": who, \"reason\": why}");
        return;
    }
    const struct evidence_hold hold = {asked.by, asked.reason, ptime_now()};
    if (evidence_hold(api->folder, asked.incident, &hold, &error) == 0)
        tell(api, request, &asked, "evidence.hold", "holds");
    answer(reply, &error);
}

void evidence_api_release(const struct evidence_api *api, const struct api_request *request,
                          struct api_reply *reply)
{
    struct error error = {0};
    struct asked asked;
    if (read_request(api, request, "/v1/evidence/*/release", &asked, reply) != 0)
        return;
    if (evidence_release(api->folder, asked.incident, &error) == 0)
        tell(api, request, &asked, "evidence.release", "released");
    answer(reply, &error);
}

/* Opened: see evidence_is_held. */
bool evidence_api_is_gone(const char *folder, const char *incident)
{
    char *path = xasprintf("%s/evidence/%s", folder, incident);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    bool gone = fd < 0 && errno == ENOENT;
    if (fd >= 0)
        close(fd);
    free(path);
    return gone;
}

/* Only of what is gone: nobody else's word that it was removed is in the journal. */
void evidence_api_forgotten(const struct evidence_api *api, const struct api_request *request,
                            struct api_reply *reply)
{
    struct asked asked;
    if (read_request(api, request, "/v1/evidence/*/forgotten", &asked, reply) != 0)
        return;
    if (!evidence_is_incident(asked.incident)) {
        api_refuse(reply, 404, "that is no incident's id");
        return;
    }
    if (!evidence_api_is_gone(api->folder, asked.incident)) {
        api_refuse(reply, 409, "it is still there");
        return;
    }
    engine_noise_act(api->api.engine, &(struct noise_act){.action = "evidence.remove",
                                                          .subject = asked.incident,
                                                          .message = evidence_forgotten,
                                                          .by = asked.by,
                                                          .uid = request->uid,
                                                          .at = ptime_now()});
    reply->body = xstrdup("{\"ok\":true}");
}

/* Whose they were is not in the journal: that would keep what is to be forgotten. */
bool evidence_api_forget(const struct evidence_api *api, const struct api_request *request,
                         struct forget_orders *orders, struct api_reply *reply)
{
    struct error error = {0};
    struct asked asked = {.incident = ""};
    char text[IP_TEXT_SIZE];
    struct json_value *body = json_parse(request->body, request->body_size, &error);
    take_text(body, "by", asked.stated, sizeof asked.stated);
    take_text(body, "host", text, sizeof text);
    json_value_free(body);
    take_author(api, request, &asked);
    if (ip_parse(text, &orders->ip) != 0) {
        api_refuse(reply, 400, "expected {\"host\": an address, \"by\": who}");
        return false;
    }
    char *message = xasprintf(
        "%s asked for the packets of a host to be forgotten that are held for evidence", asked.by);
    const struct ptime now = ptime_now();
    orders->asked_ns = now.ns;
    engine_noise_act(api->api.engine, &(struct noise_act){.action = "evidence.forget",
                                                          .subject = "evidence-ring",
                                                          .message = message,
                                                          .by = asked.by,
                                                          .uid = request->uid,
                                                          .at = now});
    free(message);
    return true;
}

void evidence_api_forgot(const struct evidence_api *api, const struct forgotten_news *news)
{
    char asked[40], *message;
    ptime_iso((struct ptime){news->asked_ns}, asked, sizeof asked);
    const char *why = *news->why ? "; some may be left: " : "";
    message = xasprintf("of the host that was to be forgotten at %s, %" PRIu64
                        " packets held for evidence are overwritten with zeros, and %" PRIu64
                        " segments that could not be read, whoever's they were%s%.199s",
                        asked, news->packets, news->unreadable, why, news->why);
    engine_noise_act(api->api.engine, &(struct noise_act){.action = "evidence.forgotten",
                                                          .subject = "evidence-ring",
                                                          .message = message,
                                                          .by = "weir",
                                                          .uid = -1,
                                                          .at = ptime_now()});
    free(message);
}

/* --- the keeper ------------------------------------------------------------------------------- */

/* What was forgotten while the keeper's word was under way is sealed no more: the journal's last
 * word on it is that it was removed, or it would be missed. */
void evidence_api_said(const struct evidence_api *api, const struct keeper_says *says)
{
    if (strcmp(says->action, "evidence.seal") == 0 &&
        evidence_api_is_gone(api->folder, says->incident))
        return;
    engine_noise_act(api->api.engine, &(struct noise_act){.action = says->action,
                                                          .subject = says->incident,
                                                          .message = says->message,
                                                          .by = "weir",
                                                          .uid = -1,
                                                          .at = ptime_now()});
}

struct status_evidence evidence_api_status(const struct config *config,
                                           const struct keeper_news *keeper,
                                           const struct workers_news *workers)
{
    struct status_evidence status = {.enabled = config->evidence.enabled,
                                     .pid = keeper->pid,
                                     .restarts = keeper->restarts,
                                     .last_death = *keeper->death ? keeper->death : NULL,
                                     .oldest = PTIME_MAX,
                                     .open = keeper->open,
                                     .incidents = keeper->kept,
                                     .packets = keeper->packets,
                                     .bytes = keeper->bytes,
                                     .missed = keeper->missed,
                                     .beyond = keeper->beyond,
                                     .beyond_incidents = keeper->beyond_incidents,
                                     .removed = keeper->removed,
                                     .removed_for_room = keeper->removed_for_room,
                                     .failures = keeper->failures};
    for (size_t i = 0; i < CONFIG_WORKERS && i < config->workers; i++) {
        const struct capture_status *worker = &workers->worker[i].status;
        status.held_packets += worker->held_packets;
        status.held_bytes += worker->held_bytes;
        status.overwritten += worker->held_overwritten;
        if (worker->held_packets > 0 && worker->held_oldest_ns < status.oldest.ns)
            status.oldest.ns = worker->held_oldest_ns;
    }
    return status;
}
