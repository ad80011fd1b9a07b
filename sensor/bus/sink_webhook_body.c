/* Bodies of webhooks.
 *
 * Chats show text that holds names the network said, so nothing in it may be markup there: a host
 * called "<!channel>" must not ring everybody's telephone.
 *   Slack       "mrkdwn": false, and & < > as entities (its own rule for incoming webhooks)
 *   Teams       an Adaptive Card of a RichTextBlock, whose TextRuns are never read as Markdown
 *   Mattermost  a code block, in which nothing is read; ``` inside it becomes '''
 * Pure. */
#include "sink_webhook_body.h"

#include "record_field.h"
#include "weir/base/digest.h"
#include "weir/base/json.h"

#include <stdlib.h>
#include <string.h>

const char *const webhook_bodies[] = {"alert", "slack", "teams", "mattermost", "template", NULL};

/* A member named `key` whose text is a buffer's, written by the JSON writer. */
static void take(struct json *json, struct buffer *out)
{
    char *text = json_take_text(json, 0);
    buffer_put(out, text, strlen(text));
    free(text);
    json_free(json);
}

static void put_slack(struct buffer *out, const struct sink_line *line)
{
    struct buffer text = {0};
    for (size_t i = 0; i < line->size; i++) {
        char c = line->text[i];
        const char *entity = c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : NULL;
        if (entity)
            buffer_put(&text, entity, strlen(entity));
        else
            buffer_u8(&text, (uint8_t)c);
    }
    struct json *json = json_new();
    json_open(json, NULL);
    json_bytes(json, "text", text.data, text.size);
    json_bool(json, "mrkdwn", false);
    json_close(json);
    take(json, out);
    buffer_fini(&text);
}

static void put_text_run(struct json *json, const char *text, size_t size, bool heavy)
{
    json_open(json, NULL);
    json_str(json, "type", "RichTextBlock");
    json_list(json, "inlines");
    json_open(json, NULL);
    json_str(json, "type", "TextRun");
    json_bytes(json, "text", text, size);
    if (heavy)
        json_str(json, "weight", "bolder");
    json_close(json);
    json_close(json);
    json_close(json);
}

static void put_card(struct json *json, const struct sink_line *line)
{
    const char *rule = record_text(line->record, "rule.name");
    json_open(json, "content");
    json_str(json, "$schema", "http://adaptivecards.io/schemas/adaptive-card.json");
    json_str(json, "type", "AdaptiveCard");
    json_str(json, "version", "1.4");
    json_list(json, "body");
    if (rule)
        put_text_run(json, rule, strlen(rule), true);
    put_text_run(json, line->text, line->size, false);
    json_close(json);
    json_close(json);
}

static void put_teams(struct buffer *out, const struct sink_line *line)
{
    struct json *json = json_new();
    json_open(json, NULL);
    json_str(json, "type", "message");
    json_list(json, "attachments");
    json_open(json, NULL);
    json_str(json, "contentType", "application/vnd.microsoft.card.adaptive");
    put_card(json, line);
    json_close(json);
    json_close(json);
    json_close(json);
    take(json, out);
}

static void put_mattermost(struct buffer *out, const struct sink_line *line)
{
    struct buffer text = {0};
    buffer_put(&text, "```\n", 4);
    for (size_t i = 0; i < line->size; i++)
        buffer_u8(&text, line->text[i] == '`' ? (uint8_t)'\'' : (uint8_t)line->text[i]);
    buffer_put(&text, "\n```", 4);
    struct json *json = json_new();
    json_open(json, NULL);
    json_bytes(json, "text", text.data, text.size);
    json_close(json);
    take(json, out);
    buffer_fini(&text);
}

void webhook_body_put(struct buffer *out, enum webhook_body body,
                      const struct webhook_template *template, const struct sink_line *line)
{
    switch (body) {
    case BODY_ALERT:
        buffer_put(out, line->text, line->size);
        break;
    case BODY_SLACK:
        put_slack(out, line);
        break;
    case BODY_TEAMS:
        put_teams(out, line);
        break;
    case BODY_MATTERMOST:
        put_mattermost(out, line);
        break;
    case BODY_TEMPLATE:
        webhook_template_put(out, template, line);
        break;
    }
}

char *webhook_signature(const char *secret, int64_t time_s, const void *body, size_t size)
{
    uint8_t code[SHA256_SIZE];
    char hex[HEX_SIZE(SHA256_SIZE)];
    struct buffer signed_text = {0};
    buffer_text(&signed_text, "%lld.", (long long)time_s);
    buffer_put(&signed_text, body, size);
    digest_hmac_sha256(secret, strlen(secret), signed_text.data, signed_text.size, code);
    buffer_fini(&signed_text);
    return xasprintf("t=%lld,v1=%s", (long long)time_s, hex_text(code, sizeof code, hex));
}
