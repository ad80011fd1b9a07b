/* Evidence that is held: hold.json beside it. It is written by the engine, or with no sensor
 * running by the command that holds the state directory's lock; the keeper only looks whether it is
 * there. */
#include "evidence_local.h"

#include "weir/base/address.h"
#include "weir/base/buffer.h"
#include "weir/investigate/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INCIDENT_MAX (16u << 20)

const char evidence_forgotten[] = "evidence removed: a host of it was forgotten";

bool evidence_is_incident(const char *text)
{
    size_t size = strspn(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_");
    return size > 0 && size < ALERT_ID_SIZE && text[size] == '\0';
}

static char *path_of(const char *folder, const char *incident, const char *name)
{
    return xasprintf("%s/evidence/%s%s%s", folder, incident, *name ? "/" : "", name);
}

/* What is there and cannot be read holds too. Opened: the engine may not ask otherwise. */
bool evidence_is_held(const char *folder, const char *incident)
{
    char *path = path_of(folder, incident, "hold.json");
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    bool held = fd >= 0 || errno != ENOENT;
    if (fd >= 0)
        close(fd);
    free(path);
    return held;
}

/* Whose packets they are, from incident.json. */
static int put_hosts(struct json *json, const char *folder, const char *incident,
                     struct error *error)
{
    struct error why = {0};
    size_t size = 0;
    char *path = path_of(folder, incident, "incident.json");
    char *text = evidence_read_file(path, INCIDENT_MAX, &size);
    struct json_value *root = text ? json_parse(text, size, &why) : NULL;
    const struct json_value *hosts = root ? json_get(root, "hosts") : NULL;
    json_list(json, "hosts");
    for (size_t i = 0; hosts && i < json_length(hosts); i++) {
        const char *host = json_text(json_at(hosts, i));
        if (host)
            json_str(json, NULL, host);
    }
    json_close(json);
    if (!root)
        error_set(error, ERROR_INPUT, "there is no evidence of incident %.64s", incident);
    if (root)
        json_value_free(root);
    free(text);
    free(path);
    return root ? 0 : -1;
}

int evidence_hold(const char *folder, const char *incident, const struct evidence_hold *hold,
                  struct error *error)
{
    if (!evidence_is_incident(incident))
        return error_set(error, ERROR_INPUT, "%.64s: is no incident's id", incident);
    if (evidence_is_held(folder, incident))
        return error_set(error, ERROR_INPUT, "the evidence of %.64s is held already", incident);
    struct json *json = json_new();
    json_open(json, NULL);
    json_str(json, "by", hold->by);
    json_str(json, "reason", hold->reason);
    json_time(json, "at", hold->at);
    int failed = put_hosts(json, folder, incident, error);
    json_close(json);
    char *text = json_take_text(json, 0), *path = path_of(folder, incident, "");
    if (!failed)
        failed = evidence_write_whole(path, "hold.json", text, strlen(text), error);
    free(path);
    free(text);
    json_free(json);
    return failed ? -1 : 0;
}

int evidence_release(const char *folder, const char *incident, struct error *error)
{
    if (!evidence_is_incident(incident))
        return error_set(error, ERROR_INPUT, "%.64s: is no incident's id", incident);
    char *path = path_of(folder, incident, "hold.json");
    int failed = unlink(path) == 0 ? 0
                 : errno == ENOENT
                     ? error_set(error, ERROR_INPUT, "the evidence of %.64s is not held", incident)
                     : error_set(error, ERROR_RUN, "%s: %s", path, strerror(errno));
    free(path);
    return failed ? -1 : 0;
}
