/* The files of an incident's evidence, as the console lists and hands them out: those that are
 * sealed, and what vouches for them. A name is one of a few and never a path. Their packets hold
 * addresses, so where pseudonyms are shown nobody takes them over the network (`weir evidence`
 * does, on the machine). Thread: the engine's. */
#include "evidence_api.h"

#include "weir/base/buffer.h"
#include "weir/engine/noise.h"
#include "weir/investigate/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const vouching[] = {"manifest.json", "manifest.sig"};

static void name_of(unsigned number, char name[EVIDENCE_FILE])
{
    snprintf(name, EVIDENCE_FILE, "packets-%u.pcapng", number);
}

/* Opened: −1 when it is no file of `size` bytes to be read. */
static int open_file(const char *folder, const char *incident, const char *name, uint64_t *size)
{
    struct stat st;
    char *path = xasprintf("%s/evidence/%s/%s", folder, incident, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    free(path);
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        *size = (uint64_t)st.st_size;
        return fd;
    }
    if (fd >= 0)
        close(fd);
    return -1;
}

static bool put_file(struct json *json, const char *folder, const char *incident, const char *name,
                     bool held)
{
    uint64_t size;
    int fd = open_file(folder, incident, name, &size);
    if (fd < 0)
        return false;
    close(fd);
    json_open(json, NULL);
    json_str(json, "name", name);
    json_uint(json, "bytes", size);
    json_bool(json, "held", held);
    json_close(json);
    return true;
}

/* They are numbered from 1 without holes. */
void evidence_api_put_files(struct json *json, const char *folder, const char *incident)
{
    char name[EVIDENCE_FILE];
    bool there = evidence_is_incident(incident) && !evidence_api_is_gone(folder, incident);
    if (!there) {
        json_none(json, "evidence");
        return;
    }
    bool held = evidence_is_held(folder, incident);
    json_list(json, "evidence");
    for (unsigned i = 1; there && i <= KEEPER_FILES; i++) {
        name_of(i, name);
        there = put_file(json, folder, incident, name, held);
    }
    for (size_t i = 0; i < sizeof vouching / sizeof *vouching; i++)
        put_file(json, folder, incident, vouching[i], held);
    json_close(json);
}

/* --- taken ------------------------------------------------------------------------------------ */

static bool is_name(const char *text)
{
    char name[EVIDENCE_FILE];
    for (size_t i = 0; i < sizeof vouching / sizeof *vouching; i++)
        if (strcmp(text, vouching[i]) == 0)
            return true;
    for (unsigned i = 1; i <= KEEPER_FILES; i++) {
        name_of(i, name);
        if (strcmp(text, name) == 0)
            return true;
    }
    return false;
}

/* "file" of the body. */
bool evidence_api_file(const struct api_request *request, char name[EVIDENCE_FILE])
{
    struct error error = {0};
    struct json_value *body = json_parse(request->body, request->body_size, &error);
    const char *text = body ? json_text(json_get(body, "file")) : NULL;
    bool is = text && strlen(text) < EVIDENCE_FILE && is_name(text);
    if (is)
        snprintf(name, EVIDENCE_FILE, "%s", text);
    json_value_free(body);
    return is;
}

/* Who took what is safe in the journal before any of it is handed out. Where it is not, and gets
 * there later, it is told behind it that nothing was. */
static bool note_taken(const struct evidence_api *api, const struct api_request *request,
                       const char *incident, const char *name, struct api_reply *reply)
{
    char *did = xasprintf("took %s of the evidence of", name);
    bool safe = noise_api_act_first(&api->api, request, "evidence.take", incident, did, reply);
    free(did);
    if (safe)
        return true;
    did = xasprintf("was not given %s of the evidence of", name);
    noise_api_act(&api->api, request, "evidence.take", incident, did);
    free(did);
    return false;
}

void evidence_api_take(const struct evidence_api *api, const struct api_request *request,
                       struct api_reply *reply)
{
    char incident[ALERT_ID_SIZE], name[EVIDENCE_FILE];
    uint64_t size;
    if (!api_path_part("/v1/evidence/*/take", request->path, incident, sizeof incident) ||
        !evidence_is_incident(incident)) {
        api_refuse(reply, 404, "that is no incident's id");
        return;
    }
    if (!evidence_api_file(request, name)) {
        api_refuse(reply, 400, "expected {\"file\": packets-N.pcapng or manifest.json or .sig}");
        return;
    }
    if (api->api.pseudonyms) {
        api_refuse(reply, 403,
                   "packets show addresses, and this sensor pseudonyms: weir evidence extract, on "
                   "the sensor");
        return;
    }
    int fd = open_file(api->folder, incident, name, &size);
    if (fd < 0) {
        api_refuse(reply, 404, "there is no such file");
        return;
    }
    if (!note_taken(api, request, incident, name, reply)) {
        close(fd);
        return;
    }
    reply->is_file = true;
    reply->file = fd;
    reply->size = (size_t)size;
    reply->type = "application/octet-stream";
    reply->headers =
        xasprintf("Content-Disposition: attachment; filename=\"%.12s-%s\"\r\n", incident, name);
}
