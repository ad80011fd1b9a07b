/* The book as a file: one JSON object, version 1, written anew (temporary, fsync, rename), so that
 * it is the old one or the new one; what came later is in the journal (noise_again.c). It is read
 * as strictly as what people send: what makes no sense is damage, and whoever opens it decides (a
 * sensor sets it aside and silences nothing). Bound: NOISE_FILE_MAX. Thread: whoever owns the book.
 */
#include "noise_local.h"

#include "weir/base/buffer.h"
#include "weir/base/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define VERSION 1

/* --- writing ---------------------------------------------------------------------------------- */

void noise_put_silence(struct json *json, const char *key, const struct noise_silence *silence)
{
    char id[NOISE_ID];
    json_open(json, key);
    json_str(json, "id", noise_silence_id(silence, id));
    json_str(json, "author", silence->author);
    json_str(json, "reason", silence->reason);
    if (*silence->ticket)
        json_str(json, "ticket", silence->ticket);
    json_time(json, "created", silence->created);
    json_time(json, "expires", silence->expires);
    noise_put_scope(json, "scope", &silence->scope);
    json_uint(json, "alerts", silence->alerts);
    json_uint(json, "out_bytes", silence->out_bytes);
    if (silence->last.ns > 0) /* a capture may say any time; what is read back is after 1970 */
        json_time(json, "last", silence->last);
    json_close(json);
}

static void put_word(struct json *json, const struct noise_word *word)
{
    json_str(json, "by", word->by);
    json_time(json, "at", word->at);
    json_time(json, "packet_time", word->packet);
    if (*word->note)
        json_str(json, "note", word->note);
}

void noise_put_mark(struct json *json, const char *key, const struct noise_mark *mark)
{
    json_open(json, key);
    json_str(json, "incident", mark->incident);
    if (*mark->acknowledged.by) {
        json_open(json, "acknowledged");
        put_word(json, &mark->acknowledged);
        json_close(json);
    }
    if (mark->verdict != VERDICT_NONE) {
        json_open(json, "closed");
        put_word(json, &mark->closed);
        json_str(json, "verdict", noise_verdict_name[mark->verdict]);
        if (*mark->ticket)
            json_str(json, "ticket", mark->ticket);
        json_close(json);
    }
    json_uint(json, "quiet_alerts", mark->quiet_alerts);
    json_uint(json, "quiet_bytes", mark->quiet_bytes);
    json_close(json);
}

char *noise_text(const struct noise *noise)
{
    struct json *json = json_new();
    json_open(json, NULL);
    json_int(json, "weir_noise", VERSION);
    json_uint(json, "next", noise->next);
    json_uint(json, "counted", noise->counted);
    json_uint(json, "given_way", noise->given_way);
    json_list(json, "silences");
    for (size_t i = 0; i < noise->silence_count; i++)
        noise_put_silence(json, NULL, &noise->silence[i]);
    json_close(json);
    const struct map_entry **sorted = map_sorted(&noise->marks);
    json_list(json, "incidents");
    for (size_t i = 0; i < noise->marks.count; i++)
        noise_put_mark(json, NULL, sorted[i]->value);
    json_close(json);
    json_close(json);
    free(sorted);
    char *text = json_take_text(json, 0);
    json_free(json);
    return text;
}

static int write_all(int fd, const char *text)
{
    for (size_t left = strlen(text); left > 0;) {
        ssize_t wrote = write(fd, text, left);
        if (wrote < 0 && errno != EINTR)
            return -1;
        text += wrote > 0 ? wrote : 0;
        left -= wrote > 0 ? (size_t)wrote : 0;
    }
    return 0;
}

int noise_write(const struct noise *noise, const char *path, struct error *error)
{
    char *text = noise_text(noise), *temporary = xasprintf("%s.new", path);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    int failed = fd < 0 || write_all(fd, text) != 0 || write_all(fd, "\n") != 0 || fsync(fd) != 0;
    if (fd >= 0 && close(fd) != 0)
        failed = 1;
    if (failed || rename(temporary, path) != 0) {
        failed = error_set(error, ERROR_RUN, "%s: %s", temporary, strerror(errno));
        unlink(temporary);
    } else {
        folder_sync_of(path); /* where that cannot be, nothing is lost by it */
    }
    free(temporary);
    free(text);
    return failed ? -1 : 0;
}

/* --- reading ---------------------------------------------------------------------------------- */

static int take_number(const struct json_value *object, uint32_t *number, struct error *error)
{
    const char *id = json_text(json_get(object, "id"));
    bool named = id && (strncmp(id, "sil-", 4) == 0 || strncmp(id, "chg-", 4) == 0);
    unsigned long value = named && id[4] >= '1' && id[4] <= '9' && strlen(id) <= 14 &&
                                  strspn(id + 4, "0123456789") == strlen(id + 4)
                              ? strtoul(id + 4, NULL, 10)
                              : 0;
    if (value == 0 || value >= UINT32_MAX)
        return error_set(error, ERROR_USAGE, "id: expected sil- and a number");
    *number = (uint32_t)value;
    return 0;
}

static int take_count(const struct json_value *object, const char *key, uint64_t *to,
                      struct error *error)
{
    int64_t value = 0;
    if (noise_take_whole(object, key, 0, INT64_MAX, &value, error) != 0)
        return -1;
    *to = (uint64_t)value;
    return 0;
}

int noise_take_silence(const struct json_value *object, struct noise_silence *silence,
                       struct error *error)
{
    static const char *const keys[] = {"id",      "author", "reason", "created",
                                       "expires", "scope",  "alerts", "out_bytes",
                                       "last",    "ticket", NULL};
    *silence = (struct noise_silence){.last = PTIME_MIN};
    if (noise_take_object(object, "a silence", keys, error) != 0 ||
        take_number(object, &silence->number, error) != 0 ||
        noise_take_text(object, "author", silence->author, NOISE_NAME, true, error) != 0 ||
        noise_take_text(object, "reason", silence->reason, NOISE_TEXT, true, error) != 0 ||
        noise_take_text(object, "ticket", silence->ticket, NOISE_NAME, false, error) != 0 ||
        noise_take_time(object, "created", &silence->created, true, error) != 0 ||
        noise_take_time(object, "expires", &silence->expires, true, error) != 0 ||
        noise_take_scope(json_get(object, "scope"), &silence->scope, error) != 0 ||
        take_count(object, "alerts", &silence->alerts, error) != 0 ||
        take_count(object, "out_bytes", &silence->out_bytes, error) != 0 ||
        noise_take_time(object, "last", &silence->last, false, error) != 0)
        return -1;
    return 0;
}

static int take_silence(struct noise *noise, const struct json_value *object, struct error *error)
{
    struct noise_silence silence;
    if (noise->silence_count == NOISE_SILENCES)
        return error_set(error, ERROR_USAGE, "more than %u silences", NOISE_SILENCES);
    if (noise_take_silence(object, &silence, error) != 0)
        return -1;
    const struct noise_silence *before =
        noise->silence_count ? &noise->silence[noise->silence_count - 1] : NULL;
    if (silence.number >= noise->next || (before && before->number >= silence.number))
        return error_set(error, ERROR_USAGE, "silences out of order");
    noise_put_in(noise, &silence);
    return 0;
}

static const char *const word_keys[] = {"by",      "at",     "packet_time", "note",
                                        "verdict", "ticket", NULL};

static int take_word(const struct json_value *mark, const char *key, struct noise_word *word,
                     struct error *error)
{
    const struct json_value *object = json_get(mark, key);
    if (!object)
        return 0;
    if (noise_take_object(object, key, word_keys, error) != 0 ||
        noise_take_text(object, "by", word->by, NOISE_NAME, true, error) != 0 ||
        noise_take_time(object, "at", &word->at, true, error) != 0 ||
        noise_take_time(object, "packet_time", &word->packet, true, error) != 0)
        return -1;
    return noise_take_text(object, "note", word->note, NOISE_TEXT, false, error);
}

static int take_verdict(const struct json_value *closed, struct noise_mark *mark,
                        struct error *error)
{
    const char *text = json_text(json_get(closed, "verdict"));
    if (!closed)
        return 0;
    for (int i = VERDICT_BENIGN; i < VERDICTS; i++)
        if (text && strcmp(noise_verdict_name[i], text) == 0)
            mark->verdict = (enum noise_verdict)i;
    if (mark->verdict == VERDICT_NONE)
        return error_set(error, ERROR_USAGE, "verdict: expected benign, malicious or unknown");
    return noise_take_text(closed, "ticket", mark->ticket, NOISE_NAME, false, error);
}

int noise_take_mark(const struct json_value *object, struct noise_mark *mark, struct error *error)
{
    static const char *const keys[] = {"incident",     "acknowledged", "closed",
                                       "quiet_alerts", "quiet_bytes",  NULL};
    *mark = (struct noise_mark){.verdict = VERDICT_NONE};
    if (noise_take_object(object, "an incident", keys, error) != 0 ||
        noise_take_text(object, "incident", mark->incident, sizeof mark->incident, true, error) !=
            0)
        return -1;
    if (!noise_is_incident(mark->incident))
        return error_set(error, ERROR_USAGE, "incident: no id");
    if (take_word(object, "acknowledged", &mark->acknowledged, error) != 0 ||
        take_word(object, "closed", &mark->closed, error) != 0 ||
        take_verdict(json_get(object, "closed"), mark, error) != 0 ||
        take_count(object, "quiet_alerts", &mark->quiet_alerts, error) != 0)
        return -1;
    return take_count(object, "quiet_bytes", &mark->quiet_bytes, error);
}

static int take_mark(struct noise *noise, const struct json_value *object, struct error *error)
{
    struct noise_mark mark;
    if (noise->marks.count == NOISE_MARKS)
        return error_set(error, ERROR_USAGE, "more than %u incidents", NOISE_MARKS);
    if (noise_take_mark(object, &mark, error) != 0)
        return -1;
    if (noise_mark_of(noise, mark.incident))
        return error_set(error, ERROR_USAGE, "incident: twice the same");
    *noise_mark_make(noise, mark.incident, error) = mark;
    return 0;
}

static int take_lists(struct noise *noise, const struct json_value *root, struct error *error)
{
    const struct json_value *silences = json_get(root, "silences");
    const struct json_value *incidents = json_get(root, "incidents");
    for (size_t i = 0; i < json_length(silences); i++)
        if (take_silence(noise, json_at(silences, i), error) != 0)
            return -1;
    for (size_t i = 0; i < json_length(incidents); i++)
        if (take_mark(noise, json_at(incidents, i), error) != 0)
            return -1;
    return 0;
}

static int take_all(struct noise *noise, const struct json_value *root, struct error *error)
{
    static const char *const keys[] = {"weir_noise", "next",      "counted", "given_way",
                                       "silences",   "incidents", NULL};
    int64_t version = 0, next = 1;
    if (noise_take_object(root, "the file", keys, error) != 0 ||
        noise_take_whole(root, "weir_noise", VERSION, VERSION, &version, error) != 0 ||
        noise_take_whole(root, "next", 1, UINT32_MAX, &next, error) != 0 ||
        take_count(root, "counted", &noise->counted, error) != 0 ||
        take_count(root, "given_way", &noise->given_way, error) != 0)
        return -1;
    if (version != VERSION)
        return error_set(error, ERROR_USAGE, "weir_noise: expected version %d", VERSION);
    noise->next = (uint32_t)next;
    return take_lists(noise, root, error);
}

struct noise *noise_parse(const char *text, size_t size, struct error *error)
{
    struct error why = {0};
    struct noise *noise = noise_new();
    struct json_value *root = json_parse(text, size, &why);
    int failed = !root || take_all(noise, root, &why) != 0;
    json_value_free(root);
    if (!failed)
        return noise;
    error_set(error, ERROR_INPUT, "damaged: %s", why.message);
    noise_free(noise);
    return NULL;
}

/* NULL and errno; 0 bytes and no text when there is no file. */
static char *read_text(const char *path, size_t *size)
{
    struct stat st;
    char *text = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    *size = 0;
    if (fd < 0)
        return NULL;
    errno = EFBIG;
    if (fstat(fd, &st) == 0 && st.st_size <= (off_t)NOISE_FILE_MAX) {
        text = xcalloc(1, (size_t)st.st_size + 1);
        for (ssize_t got; *size < (size_t)st.st_size; *size += (size_t)got)
            if ((got = read(fd, text + *size, (size_t)st.st_size - *size)) <= 0)
                break;
    }
    close(fd);
    return text;
}

struct noise *noise_read(const char *path, struct error *error)
{
    struct error why = {0};
    size_t size;
    char *text = read_text(path, &size);
    if (!text && errno == ENOENT)
        return noise_new();
    if (!text) {
        error_set(error, ERROR_RUN, "%s: %s", path, strerror(errno));
        return NULL;
    }
    struct noise *noise = noise_parse(text, size, &why);
    if (noise)
        noise->filed = true;
    else
        error_set(error, why.code, "%s: %.400s", path, why.message);
    free(text);
    return noise;
}
