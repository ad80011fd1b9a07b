/* Orders: what people want changed, read strictly, done, and told for the audit.
 *
 * The same order comes over the control API or, with no sensor running, from the command that holds
 * the state directory's lock; what becomes of it is the same. Of the console's users the name is
 * known, and another one beside it would only be a lie. Nothing is changed before all of it
 * was found good. Thread: whoever owns the book. */
#include "noise_audit.h"
#include "noise_local.h"

#include "weir/alert/line.h"
#include "weir/base/buffer.h"
#include "weir/base/device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AUTHOR_MAX 47 /* bytes of a stated name; with the peer's it fits NOISE_NAME */

/* Who asks is what the system says; a name that was only stated stands before it. */
struct author {
    char by[NOISE_NAME];
};

/* Names of users can be any bytes, and what is written must be readable again. */
static void make_plain(char *text)
{
    for (; *text; text++)
        if (*text < 0x20 || *text > 0x7e)
            *text = '?';
}

static int take_author(const struct noise_order *order, const struct json_value *body,
                       struct author *author, struct error *error)
{
    char stated[NOISE_TEXT] = "", peer[41];
    snprintf(peer, sizeof peer, "%s", order->peer);
    make_plain(peer);
    if (order->signed_in && json_get(body, "author"))
        return error_set(error, ERROR_USAGE,
                         "author: expected none, it is the one who is logged in (%s)", peer);
    if (noise_take_text(body, "author", stated, sizeof stated, false, error) != 0)
        return -1;
    char *name = line_cut(stated, AUTHOR_MAX); /* a directory's names can be long */
    if (*stated && strcmp(stated, peer) != 0)
        snprintf(author->by, sizeof author->by, "%s (%s)", name, peer);
    else
        snprintf(author->by, sizeof author->by, "%s", *peer ? peer : "?");
    free(name);
    return 0;
}

static struct noise_act act_of(const struct noise_order *order, const char *action,
                               const struct author *author)
{
    return (struct noise_act){.action = action,
                              .by = author->by,
                              .uid = order->uid,
                              .at = order->at,
                              .sensor = order->sensor};
}

/* --- silences --------------------------------------------------------------------------------- */

static int take_end(const struct noise_order *order, const struct json_value *body,
                    struct noise_silence *silence, struct error *error)
{
    int64_t seconds = 0;
    if (!json_get(body, "for_s") == !json_get(body, "expires"))
        return error_set(error, ERROR_USAGE, "expected expires, or for_s: a silence ends");
    silence->expires = PTIME_MIN;
    if (noise_take_time(body, "expires", &silence->expires, false, error) != 0 ||
        noise_take_whole(body, "for_s", 1, NOISE_DAYS * INT64_C(86400), &seconds, error) != 0)
        return -1;
    if (seconds > 0)
        silence->expires.ns = order->at.ns + seconds * NS_PER_S;
    if (silence->expires.ns <= order->at.ns)
        return error_set(error, ERROR_USAGE, "expires: that is over already");
    if (silence->expires.ns - order->at.ns > NOISE_DAYS * NS_PER_DAY)
        return error_set(error, ERROR_USAGE, "expires: a silence lasts %d days at most",
                         NOISE_DAYS);
    return 0;
}

static void tell_silence(const struct noise_order *order, const char *action, const char *did,
                         const struct author *author, const struct noise_silence *silence,
                         const struct noise_change *change, struct noise_outcome *outcome)
{
    char id[NOISE_ID], scope[512], until[32];
    struct noise_act act = act_of(order, action, author);
    char *message = xasprintf("%s %s %s until %s: %s (%s)", author->by, did,
                              noise_scope_text(&silence->scope, scope, sizeof scope),
                              ptime_iso(silence->expires, until, sizeof until), silence->reason,
                              noise_silence_id(silence, id));
    act.subject = id;
    act.message = message;
    outcome->audit = noise_audit_change(&act, change);
    struct json *json = json_new();
    noise_put_silence(json, NULL, silence);
    outcome->reply = json_take_text(json, 0);
    json_free(json);
    free(message);
}

/* A window is its zone's, whole: nothing is learned of any host of it. */
static int check_window(const struct noise_order *order, const struct noise_scope *scope,
                        struct error *error)
{
    bool more = *scope->rule || scope->host_kind != NOISE_ANY_HOST || *scope->destination ||
                *scope->service || *scope->incident || scope->severity_below > 0;
    if (!*scope->zone || more)
        return error_set(error, ERROR_USAGE,
                         "scope: expected the zone of a change window, and nothing else");
    int end = order->zones ? zones_find(order->zones, scope->zone) : 0;
    if (end < 0 || end >= (int)ZONES_MAX)
        return error_set(error, ERROR_USAGE, "zone: there is no \"%s\" in networks.zones",
                         scope->zone);
    return 0;
}

static int add(struct noise *noise, const struct noise_order *order, const struct json_value *body,
               struct noise_outcome *outcome, struct error *error)
{
    static const char *const keys[] = {"reason", "expires", "for_s", "scope",
                                       "author", "ticket",  NULL};
    struct noise_silence silence = {.number = noise->next, .created = order->at, .last = PTIME_MIN};
    struct author author;
    if (noise_take_object(body, "body", keys, error) != 0 ||
        noise_take_text(body, "reason", silence.reason, NOISE_TEXT, true, error) != 0 ||
        noise_take_text(body, "ticket", silence.ticket, NOISE_NAME, false, error) != 0 ||
        take_end(order, body, &silence, error) != 0 ||
        noise_take_scope(json_get(body, "scope"), &silence.scope, error) != 0 ||
        take_author(order, body, &author, error) != 0)
        return -1;
    if (*silence.ticket && check_window(order, &silence.scope, error) != 0)
        return -1;
    snprintf(silence.author, sizeof silence.author, "%s", author.by);
    noise_sweep(noise, order->at, order->packet);
    if (noise->silence_count == NOISE_SILENCES || noise->next == UINT32_MAX)
        return error_set(error, ERROR_RUN, "there are %u silences already: remove one",
                         NOISE_SILENCES);
    noise->next++;
    const struct noise_silence *made = noise_put_in(noise, &silence);
    bool change = *made->ticket;
    tell_silence(order, change ? "change.open" : "silence.add",
                 change ? "opened a change window," : "silenced", &author, made,
                 &(struct noise_change){.after = made}, outcome);
    return 0;
}

/* It is over from now on, and stays listed: what is learned goes by it. */
static void end_change(const struct noise_order *order, const struct author *author,
                       struct noise_silence *change, struct noise_outcome *outcome)
{
    struct noise_silence before = *change;
    if (change->expires.ns > order->at.ns)
        change->expires = order->at;
    tell_silence(order, "change.close", "closed the change window,", author, change,
                 &(struct noise_change){.before = &before, .after = change}, outcome);
}

static int take_away(struct noise *noise, const struct noise_order *order,
                     const struct json_value *body, struct noise_outcome *outcome,
                     struct error *error)
{
    static const char *const keys[] = {"author", NULL};
    struct noise_silence *silence = noise_get(noise, order->target);
    struct author author;
    if (!silence)
        return error_set(error, ERROR_INPUT, "%.40s: there is no such %s", order->target,
                         strncmp(order->target, "chg-", 4) == 0 ? "change window" : "silence");
    if (noise_take_object(body, "body", keys, error) != 0 ||
        take_author(order, body, &author, error) != 0)
        return -1;
    if (*silence->ticket) {
        end_change(order, &author, silence, outcome);
        return 0;
    }
    tell_silence(order, "silence.remove", "removed the silence of", &author, silence,
                 &(struct noise_change){.before = silence}, outcome);
    noise_drop(noise, silence);
    return 0;
}

/* --- incidents -------------------------------------------------------------------------------- */

static void put_about(struct buffer *text, const struct noise_order *order)
{
    char name[16], host[IP_TEXT_SIZE];
    buffer_text(text, "%s", incident_short(order->target, name));
    if (!order->incident)
        return;
    const struct story *story = &order->incident->story;
    if (*story->sight)
        buffer_text(text, " (the sensor: %s)", story->sight);
    else
        buffer_text(text, " (%s%s%s)", host_text(&story->host, host),
                    story->has_destination ? " → " : "",
                    story->has_destination ? story->destination.name : "");
}

static void tell_mark(const struct noise_order *order, const char *action, const char *did,
                      const struct author *author, const struct noise_change *change,
                      const char *note, struct noise_outcome *outcome)
{
    struct buffer message = {0};
    struct noise_act act = act_of(order, action, author);
    buffer_text(&message, "%s %s ", author->by, did);
    put_about(&message, order);
    if (*note)
        buffer_text(&message, ": %s", note);
    buffer_u8(&message, 0);
    act.subject = order->target;
    act.message = (const char *)message.data;
    outcome->audit = noise_audit_change(&act, change);
    struct json *json = json_new();
    noise_put_mark(json, NULL, change->mark_after);
    outcome->reply = json_take_text(json, 0);
    json_free(json);
    buffer_fini(&message);
}

/* What is common: the mark before in `before`, NULL when there was none worth the name. */
static struct noise_mark *open_mark(struct noise *noise, const struct noise_order *order,
                                    struct noise_mark *before, struct error *error)
{
    const struct noise_mark *mark = noise_mark_of(noise, order->target);
    *before = mark ? *mark : (struct noise_mark){.verdict = VERDICT_NONE};
    return noise_mark_make(noise, order->target, error);
}

static struct noise_word word_of(const struct noise_order *order, const struct author *author,
                                 const char *note)
{
    struct noise_word word = {.at = order->at, .packet = order->packet};
    snprintf(word.by, sizeof word.by, "%s", author->by);
    snprintf(word.note, sizeof word.note, "%s", note);
    return word;
}

static int acknowledge(struct noise *noise, const struct noise_order *order,
                       const struct json_value *body, struct noise_outcome *outcome,
                       struct error *error)
{
    static const char *const keys[] = {"note", "author", NULL};
    char note[NOISE_TEXT] = "";
    struct noise_mark before, *mark;
    struct author author;
    if (noise_take_object(body, "body", keys, error) != 0 ||
        noise_take_text(body, "note", note, sizeof note, false, error) != 0 ||
        take_author(order, body, &author, error) != 0 ||
        !(mark = open_mark(noise, order, &before, error)))
        return -1;
    mark->acknowledged = word_of(order, &author, note);
    tell_mark(order, "incident.ack", "acknowledged", &author,
              &(struct noise_change){.mark_before = *before.incident ? &before : NULL,
                                     .mark_after = mark},
              note, outcome);
    return 0;
}

static enum noise_verdict verdict_of(const char *text)
{
    for (int i = VERDICT_BENIGN; i < VERDICTS; i++)
        if (strcmp(noise_verdict_name[i], text) == 0)
            return (enum noise_verdict)i;
    return VERDICT_NONE;
}

static int close_incident(struct noise *noise, const struct noise_order *order,
                          const struct json_value *body, struct noise_outcome *outcome,
                          struct error *error)
{
    static const char *const keys[] = {"verdict", "ticket", "note", "author", NULL};
    char note[NOISE_TEXT] = "", ticket[NOISE_NAME] = "", verdict[16] = "", did[64];
    struct noise_mark before, *mark;
    struct author author;
    if (noise_take_object(body, "body", keys, error) != 0 ||
        noise_take_text(body, "verdict", verdict, sizeof verdict, true, error) != 0 ||
        noise_take_text(body, "ticket", ticket, sizeof ticket, false, error) != 0 ||
        noise_take_text(body, "note", note, sizeof note, false, error) != 0 ||
        take_author(order, body, &author, error) != 0)
        return -1;
    if (verdict_of(verdict) == VERDICT_NONE)
        return error_set(error, ERROR_USAGE, "verdict: expected benign, malicious or unknown");
    mark = open_mark(noise, order, &before, error);
    if (!mark)
        return -1;
    mark->closed = word_of(order, &author, note);
    mark->verdict = verdict_of(verdict);
    snprintf(mark->ticket, sizeof mark->ticket, "%s", ticket);
    snprintf(did, sizeof did, "closed as %s", verdict);
    tell_mark(order, "incident.close", did, &author,
              &(struct noise_change){.mark_before = *before.incident ? &before : NULL,
                                     .mark_after = mark},
              note, outcome);
    return 0;
}

/* As if nothing had been said; what was quiet stays counted in the audit's record. */
static int reopen(struct noise *noise, const struct noise_order *order,
                  const struct json_value *body, struct noise_outcome *outcome, struct error *error)
{
    static const char *const keys[] = {"note", "author", NULL};
    char note[NOISE_TEXT] = "";
    struct noise_mark after = {.verdict = VERDICT_NONE};
    struct author author;
    const struct noise_mark *mark = noise_mark_of(noise, order->target);
    if (!mark)
        return error_set(error, ERROR_INPUT, "%.40s: nobody acknowledged or closed it",
                         order->target);
    if (noise_take_object(body, "body", keys, error) != 0 ||
        noise_take_text(body, "note", note, sizeof note, false, error) != 0 ||
        take_author(order, body, &author, error) != 0)
        return -1;
    snprintf(after.incident, sizeof after.incident, "%s", mark->incident);
    tell_mark(order, "incident.reopen", "reopened", &author,
              &(struct noise_change){.mark_before = mark, .mark_after = &after}, note, outcome);
    noise_unmark(noise, order->target);
    return 0;
}

/* --- all of them ------------------------------------------------------------------------------ */

int noise_obey(struct noise *noise, const struct noise_order *order, struct noise_outcome *outcome,
               struct error *error)
{
    static int (*const obey[])(struct noise *, const struct noise_order *,
                               const struct json_value *, struct noise_outcome *,
                               struct error *) = {[NOISE_ADD] = add,
                                                  [NOISE_REMOVE] = take_away,
                                                  [NOISE_ACKNOWLEDGE] = acknowledge,
                                                  [NOISE_CLOSE] = close_incident,
                                                  [NOISE_REOPEN] = reopen};
    struct error why = {0};
    bool empty = order->body_size == 0;
    *outcome = (struct noise_outcome){.audit = NULL};
    if (order->verb >= NOISE_ACKNOWLEDGE && !noise_is_incident(order->target))
        return error_set(error, ERROR_USAGE, "expected an incident's whole id, %d hex digits",
                         ALERT_ID_SIZE - 1);
    struct json_value *body =
        empty ? json_parse("{}", 2, NULL) : json_parse(order->body, order->body_size, &why);
    if (!body)
        return error_set(error, ERROR_USAGE, "body: %.300s", why.message);
    int failed = obey[order->verb](noise, order, body, outcome, error);
    json_value_free(body);
    return failed;
}

/* As things are: an order that is read back after its own. */
char *noise_refused(const struct noise *noise, const struct noise_order *order)
{
    char id[NOISE_ID];
    bool made = order->verb == NOISE_ADD, silence = made || order->verb == NOISE_REMOVE;
    struct noise_mark none = {.verdict = VERDICT_NONE};
    struct noise_change change = {.before = NULL};
    struct noise_act act = {.action = made      ? "silence.remove"
                                      : silence ? "silence.keep"
                                                : "incident.keep",
                            .message = "Refused, it could not be made safe",
                            .subject = order->target,
                            .by = order->peer,
                            .uid = order->uid,
                            .at = order->at,
                            .sensor = order->sensor};
    if (made) {
        snprintf(id, sizeof id, "sil-%u", noise->next - 1);
        act.subject = id;
    } else if (silence) {
        change.after = noise_get(noise, order->target);
    } else {
        const struct noise_mark *mark = noise_mark_of(noise, order->target);
        snprintf(none.incident, sizeof none.incident, "%s", order->target);
        change.mark_after = mark ? mark : &none;
    }
    return noise_audit_change(&act, &change);
}

void noise_outcome_fini(struct noise_outcome *outcome)
{
    free(outcome->audit);
    free(outcome->reply);
    *outcome = (struct noise_outcome){.audit = NULL};
}
