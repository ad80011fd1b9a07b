/* See inventory.h. A row a place: whoever stores something new about persons adds one here, and
 * tests/golden/test_live_noise.py holds what a sensor leaves behind against these rows. */
#include "inventory.h"

#include "weir/base/buffer.h"
#include "weir/base/figures.h"
#include "weir/base/json.h"
#include "weir/base/time.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct place {
    const char *name;
    const char *pattern; /* below the state directory, as glob(7) has it; NULL: elsewhere */
    const char *about;   /* whom */
    const char *holds;
    const char *kept; /* %u: `days` */
    size_t days;      /* of struct config, a uint32_t; 0: none */
    const char *removal;
};

static const struct place row[] = {
    {"journal", "journal/*", "users of inside hosts, their correspondents, operators",
     "alerts: addresses, names of destinations, bytes, times, counts of what left (with "
     "privacy.content_samples a few items as they were); heartbeats; who acknowledged, silenced, "
     "changed what",
     "%u days behind a segment's last record, and at most alerts.journal_mib",
     offsetof(struct config, journal_days),
     "whole segments, the oldest first; not by weir baseline forget"},
    {"baseline", "redis/{*,*/*}", "users of inside hosts",
     "of each host: how much it sends in which hours, its destinations, used and served",
     "%u days behind a host's last change; under hold for ever",
     offsetof(struct config, baseline_days), "weir baseline forget HOST, reset HOST"},
    {"checkpoint", "checkpoint.*", "users of inside hosts",
     "open flows, stories and incidents of the last minutes to days; names that answers tied to "
     "addresses",
     "rewritten all the time", 0, "with what it holds: forget takes a host out at once"},
    {"flows", NULL, "users of inside hosts, their correspondents",
     "every flow: addresses, ports, names, bytes, times",
     "only with weir run -o DIR --flows, in DIR; until somebody removes it", 0, "by hand"},
    {"people", "noise.json", "operators; users of inside hosts",
     "silences and verdicts: who, when, why, about which host",
     "until they end, see docs/alerts.md", 0, "weir silence, weir incident"},
    {"people, damaged", "noise.json.damaged", "operators; users of inside hosts",
     "a noise.json that could not be read, set aside", "until somebody removes it", 0, "by hand"},
    {"dead letters", "dead/*", "as the journal", "alerts that a sink refused",
     "until somebody removes them", 0, "by hand"},
    {"crash packets", "crash/*", "users of inside hosts, their correspondents",
     "the last 256 packets of a capture process that died, 512 bytes of each",
     "eight files; the oldest goes", 0, "by hand"},
    {"evidence", "evidence/*/*", "users of inside hosts, their correspondents",
     "packets of incidents, and what they are (docs/evidence.md)",
     "as long as docs/evidence.md says; under hold until it is released", 0,
     "weir baseline forget HOST, what is not under hold"},
    {"evidence under hold", "evidence/*/hold.json", "operators; users of inside hosts",
     "who holds it, since when and why, and whose it is", "until it is released", 0,
     "when it is released"},
    {"live ring", "evidence-ring/*", "users of inside hosts, their correspondents",
     "the last packets that were seen", "until newer ones take their place", 0, "by itself"},
    {"access log", "access*.ndjson", "operators; users of inside hosts",
     "who looked at which host or incident, when (privacy.access_log)",
     "%u days behind a file's last line, and at most 64 files of 16 MiB",
     offsetof(struct config, access_days),
     "whole files, the oldest first; not by weir baseline forget"},
    {"lock of the access log", "access.lock", "nobody", "nothing", "for ever", 0, "by hand"},
    {"key of pseudonyms", "pseudonym.key", "nobody",
     "with it, addresses can be tried against pseudonyms (privacy.pseudonyms)", "for ever", 0,
     "by hand: pseudonyms told before can then not be revealed any more"},
    {"places of sinks", "sink-*.position", "nobody", "how far each sink was told", "for ever", 0,
     "by hand"},
    {"before an upgrade", "before-upgrade/*", "as baseline, people and the keys",
     "what the Weir before had learned, and its keys (the Debian package)",
     "until the next upgrade", 0, "by hand: rm -r; not by weir baseline forget"},
    {"version of this folder", "state.version", "nobody", "a number", "for ever", 0, "by hand"},
    {"names of this sensor", "sensor.id", "nobody", "a random number", "for ever", 0, "by hand"},
    {"what a replay leaves", NULL, "users of inside hosts, their correspondents",
     "alerts.ndjson, summary, report (weir replay -o); packets of incidents (--evidence); filters "
     "over keyed hashes of addresses that left (--items): the key is a public constant, so guesses "
     "can be tried",
     "in the folder that a replay was told to write; until somebody removes it", 0, "by hand"},
    {"key of evidence", "evidence.key", "nobody", "signs manifests (docs/evidence.md)", "for ever",
     0, "by hand"},
    {"key of this site", "site.key", "nobody",
     "the key of all hashes that stand for names and items; with it, guesses can be tried",
     "for ever", 0, "by hand: hashes that were told before can then not be compared any more"},
};

#define ROWS (sizeof row / sizeof *row)

struct found {
    uint64_t files, bytes;
    int64_t oldest_s, newest_s; /* changed; 0: no file */
    bool more;                  /* beyond INVENTORY_FILES */
};

static struct found look(const struct config *config, const struct place *place)
{
    struct found found = {.files = 0};
    if (!place->pattern)
        return found;
    char *pattern = xasprintf("%s/%s", config_state_dir(config), place->pattern);
    glob_t paths;
    struct stat st;
    if (glob(pattern, GLOB_NOSORT | GLOB_BRACE, NULL, &paths) == 0) {
        for (size_t i = 0; i < paths.gl_pathc; i++) {
            if (lstat(paths.gl_pathv[i], &st) != 0 || !S_ISREG(st.st_mode))
                continue;
            if (found.files == INVENTORY_FILES) {
                found.more = true;
                break;
            }
            found.files++;
            found.bytes += (uint64_t)st.st_size;
            if (found.oldest_s == 0 || st.st_mtime < found.oldest_s)
                found.oldest_s = st.st_mtime;
            if (st.st_mtime > found.newest_s)
                found.newest_s = st.st_mtime;
        }
        globfree(&paths);
    }
    free(pattern);
    return found;
}

static char *kept_text(const struct config *config, const struct place *place)
{
    if (place->days == 0)
        return xstrdup(place->kept);
    uint32_t days;
    memcpy(&days, (const char *)config + place->days, sizeof days);
    struct buffer text = {0};
    const char *mark = strstr(place->kept, "%u");
    buffer_text(&text, "%.*s%u%s", (int)(mark - place->kept), place->kept, days, mark + 2);
    buffer_u8(&text, 0);
    return (char *)text.data;
}

static const char *date(int64_t seconds, char text[40])
{
    ptime_iso((struct ptime){seconds * NS_PER_S}, text, 40);
    text[10] = 0;
    return text;
}

/* --- for people ------------------------------------------------------------------------------- */

static void put_found(struct buffer *out, const struct found *found)
{
    char bytes[FIGURE_SIZE], files[FIGURE_SIZE], from[40], to[40];
    if (found->files == 0) {
        buffer_text(out, "  now      nothing\n");
        return;
    }
    buffer_text(out, "  now      %s in %s%s file%s, changed %s", figure_bytes(found->bytes, bytes),
                found->more ? "more than " : "", figure_count(found->files, files),
                found->files == 1 ? "" : "s", date(found->oldest_s, from));
    if (strcmp(from, date(found->newest_s, to)) != 0)
        buffer_text(out, " to %s", to);
    buffer_text(out, "\n");
}

/* NULL: below the state directory. */
static const char *elsewhere_of(const struct config *config, const struct place *place)
{
    if (!place->pattern)
        return "the folder of -o";
    bool own = strcmp(config->redis_url, "embedded") == 0;
    return own || strcmp(place->name, "baseline") != 0 ? NULL : "redis.url, the operator's server";
}

static void put_place(struct buffer *out, const struct config *config, const struct place *place)
{
    char *kept = kept_text(config, place);
    struct found found = look(config, place);
    const char *elsewhere = elsewhere_of(config, place);
    buffer_text(out, "%s\n  where    %s%s%s\n", place->name,
                elsewhere ? elsewhere : config_state_dir(config), elsewhere ? "" : "/",
                elsewhere ? "" : place->pattern);
    buffer_text(out, "  about    %s\n  holds    %s\n  kept     %s\n  goes     %s\n", place->about,
                place->holds, kept, place->removal);
    if (!elsewhere)
        put_found(out, &found);
    free(kept);
}

/* What a sink takes away is its receiver's to keep: said, since it cannot be looked at. */
static void put_sinks(struct buffer *out, const struct config *config)
{
    buffer_text(out, "sinks\n  about    as the journal\n");
    for (size_t i = 0; i < config->sink_count; i++)
        buffer_text(out, "  gets     %s (%s): what it is told is kept by whoever receives it\n",
                    config->sink[i].name, config->sink[i].type);
    if (config->sink_count == 0)
        buffer_text(out, "  gets     none: nothing leaves this machine\n");
}

char *inventory_text(const struct config *config)
{
    struct buffer out = {0};
    for (size_t i = 0; i < ROWS; i++)
        put_place(&out, config, &row[i]);
    put_sinks(&out, config);
    buffer_text(&out, "content samples (privacy.content_samples): %s\n",
                config->content_samples ? "ON: a few found items are told as they were" : "off");
    buffer_text(&out, "pseudonyms (privacy.pseudonyms): %s\n",
                config->pseudonyms ? "on: sinks, reports and lists have no inside addresses"
                                   : "off");
    buffer_text(&out, "access log (privacy.access_log): %s\n", access_log_name[config->access_log]);
    buffer_u8(&out, 0);
    return (char *)out.data;
}

/* --- for programs ----------------------------------------------------------------------------- */

static void put_json(struct json *json, const struct config *config, const struct place *place)
{
    char *kept = kept_text(config, place);
    struct found found = look(config, place);
    json_open(json, NULL);
    json_str(json, "name", place->name);
    json_str(json, "pattern", place->pattern);
    json_str(json, "about", place->about);
    json_str(json, "holds", place->holds);
    json_str(json, "kept", kept);
    json_str(json, "removal", place->removal);
    json_uint(json, "files", found.files);
    json_uint(json, "bytes", found.bytes);
    json_bool(json, "more_files", found.more);
    json_close(json);
    free(kept);
}

char *inventory_json(const struct config *config)
{
    struct json *json = json_new();
    json_open(json, NULL);
    json_str(json, "state_dir", config_state_dir(config));
    json_str(json, "redis", strcmp(config->redis_url, "embedded") == 0 ? "embedded" : "operator's");
    json_bool(json, "content_samples", config->content_samples);
    json_bool(json, "pseudonyms", config->pseudonyms);
    json_str(json, "access_log", access_log_name[config->access_log]);
    json_list(json, "places");
    for (size_t i = 0; i < ROWS; i++)
        put_json(json, config, &row[i]);
    json_close(json);
    json_list(json, "sinks");
    for (size_t i = 0; i < config->sink_count; i++) {
        json_open(json, NULL);
        json_str(json, "name", config->sink[i].name);
        json_str(json, "type", config->sink[i].type);
        json_close(json);
    }
    json_close(json);
    json_close(json);
    char *text = json_take_text(json, 2);
    json_free(json);
    return text;
}
