/* A line of any bytes, about a record of any shape, as syslog and mail send it: one syslog message
 * of bounded size in whole characters whose head holds no control character, and one mail whose
 * headers are its own and whose lines are short. Input: a record, a newline, the line. */
#include "../../../sensor/bus/sink_mail_message.h"
#include "../../../sensor/bus/sink_syslog_frame.h"
#include "../../../sensor/bus/sink_webhook_body.h"

#include <stdlib.h>
#include <string.h>

#define SIZE_MAX_SYSLOG 8192

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool true_of_it)
{
    if (!true_of_it)
        abort();
}

static void check_syslog(const struct sink_line *line)
{
    const struct syslog_frame shape = {16, "box", "weir@32473", true, SIZE_MAX_SYSLOG};
    struct buffer out = {0};
    syslog_frame_put(&out, &shape, line);
    check(out.size <= SIZE_MAX_SYSLOG);
    check(memcmp(out.data, "<13", 3) == 0);
    size_t head = 0;
    for (int spaces = 0; spaces < 6; head++) {
        check(head < out.size && out.data[head] >= ' ' && out.data[head] < 0x7f);
        spaces += out.data[head] == ' ';
    }
    check(memcmp(out.data + head, "[weir@32473 seq=\"1\"", 19) == 0);
    buffer_fini(&out);
}

static void check_mail(const struct sink_line *line)
{
    static const char *const to[] = {"a@example.org", NULL};
    static const char *const names[] = {
        "Date:",           "From:",         "To:",      "Subject:", "Message-ID:",
        "Auto-Submitted:", "MIME-Version:", "Content-", " "};
    const struct mail_head head = {"weir@example.org", to, "[weir]", "tap1", 0};
    struct mail_digest *digest = mail_digest_new();
    struct buffer out = {0};
    check(mail_digest_add(digest, line));
    mail_digest_put(&out, digest, &head);
    const char *at = (const char *)out.data, *end = at + out.size, *line_end;
    bool in_head = true;
    for (; (line_end = memmem(at, (size_t)(end - at), "\r\n", 2)) != NULL; at = line_end + 2) {
        bool known = line_end == at;
        check(line_end - at <= 78);
        in_head = in_head && line_end != at;
        for (size_t i = 0; in_head && !known && i < sizeof names / sizeof *names; i++)
            known = strncmp(at, names[i], strlen(names[i])) == 0;
        check(!in_head || known);
        for (const char *c = at; c < line_end; c++)
            check(*c >= ' ' && *c < 0x7f);
    }
    check(at == end);
    buffer_fini(&out);
    mail_digest_free(digest);
}

static void check_bodies(const struct sink_line *line)
{
    for (enum webhook_body body = BODY_SLACK; body <= BODY_MATTERMOST; body++) {
        struct buffer out = {0};
        webhook_body_put(&out, body, NULL, line);
        struct json_value *root = json_parse((const char *)out.data, out.size, NULL);
        check(root != NULL);
        json_value_free(root);
        buffer_fini(&out);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *newline = memchr(data, '\n', size);
    if (!newline)
        return 0;
    size_t record = (size_t)(newline - data);
    struct json_value *value = json_parse((const char *)data, record, NULL);
    if (!value)
        return 0;
    struct sink_line line = {1, (const char *)newline + 1, size - record - 1, value};
    check_syslog(&line);
    check_mail(&line);
    check_bodies(&line);
    json_value_free(value);
    return 0;
}
