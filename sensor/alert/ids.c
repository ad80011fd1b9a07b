/* Ids are hashes of what happened, so that the same capture gives the same ids on any machine, and
 * a reader who is told twice can tell.
 *
 *   incident  SHA-256 of host text, destination key and first packet time in ns, a newline after
 * each alert     SHA-256 of incident id, detector id and raise number, a newline after each
 *
 * Both cut to 128 bits, in hex. No part can hold a newline, so no two stories share a text. What a
 * sensor says of itself has its name in place of a host: several are blind at one time, in one
 * stream. Pure.
 */
#include "ids.h"

#include "weir/base/buffer.h"
#include "weir/base/device.h"
#include "weir/base/digest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ID_BYTES ((ALERT_ID_SIZE - 1) / 2)

bool story_is_sensor(const struct story *story)
{
    static const struct ip none;
    return ip_compare(&story->host, &none) == 0;
}

char *story_key(const struct story *story, char key[DESTINATION_KEY_SIZE])
{
    if (!story_is_sensor(story) && story->has_destination)
        return destination_key(&story->destination, key);
    snprintf(key, DESTINATION_KEY_SIZE, "%s%s%s", story_is_sensor(story) ? "sensor" : "",
             *story->sight ? ":" : "", story->sight);
    return key;
}

static void hash_text(const struct buffer *text, char id[ALERT_ID_SIZE])
{
    uint8_t digest[SHA256_SIZE];
    digest_sha256(text->data, text->size, digest);
    hex_text(digest, ID_BYTES, id);
}

void incident_id(const struct story *story, const char *sensor, char id[ALERT_ID_SIZE])
{
    char host[IP_TEXT_SIZE], key[DESTINATION_KEY_SIZE];
    const char *of =
        story_is_sensor(story) ? (sensor ? sensor : "") : host_text(&story->host, host);
    struct buffer text = {0};
    buffer_text(&text, "%s\n%s\n%" PRId64 "\n", of, story_key(story, key), story->first.ns);
    hash_text(&text, id);
    buffer_fini(&text);
}

void alert_id(const char *incident, const char *detector, uint32_t raise, char id[ALERT_ID_SIZE])
{
    struct buffer text = {0};
    buffer_text(&text, "%s\n%s\n%" PRIu32 "\n", incident, detector, raise);
    hash_text(&text, id);
    buffer_fini(&text);
}

/* With the sensor's name: two sensors' hearts beat at the same times. */
void heartbeat_id(const char *sensor, struct ptime time, char id[ALERT_ID_SIZE])
{
    struct buffer text = {0};
    buffer_text(&text, "heartbeat\n%s\n%" PRId64 "\n", sensor ? sensor : "", time.ns);
    hash_text(&text, id);
    buffer_fini(&text);
}

char *incident_short(const char *incident, char text[16])
{
    snprintf(text, 16, "inc-%.6s", incident);
    return text;
}
