/* How the sensors of a store stand, in one script: what it reads is of one moment, the server's.
 *
 * The reply is [now, closed, edits, closer, forgotten, [hour, hosts, …], [name, complete, silent,
 * since, forgets, ahead, …]]. What is no entry of a sensor's (nor an hour of the store's) is passed
 * over: who asks for a turn removes it (store_close.c). Hours are looked for from the last closed
 * one to the present one, at most STORE_HOURS_KEPT. Thread: the engine's, or a command's main
 * thread. */
#include "weir/baseline/store_overview.h"

#include "store_link.h"
#include "store_words.h"
#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

#define PARTS 6 /* of a sensor */

/* KEYS: sensors, fleet, closer, the prefix of hours' lists, forgotten, forgets, taken, clocks.
 * ARGV: hours kept. Hours are the sites': some begin half an hour off the clock's. */
static const char overview_script[] =
    "local t = redis.call('TIME')\n"
    "local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"
    "local closed = redis.call('HGET', KEYS[2], 'closed') or ''\n"
    "local last = math.floor((now + 3000000) / 3600000)\n"
    "local from, hours, sensors = last - tonumber(ARGV[1]) + 1, {}, {}\n"
    "if tonumber(closed) then from = math.max(from, tonumber(closed) + 1) end\n"
    "for h = from, last do\n"
    "  local hosts = redis.call('SCARD', KEYS[4] .. string.format('%.0f', h))\n"
    "  if hosts > 0 then hours[#hours + 1] = h; hours[#hours + 1] = hosts end\n"
    "end\n"
    "local forgets = redis.call('GET', KEYS[6]) or '0'\n"
    "local all = redis.call('HGETALL', KEYS[1])\n"
    "for i = 1, #all, 2 do\n"
    "  local complete, alive, since = string.match(all[i + 1], '^(%-?%d*) (%d+) (%d+) ')\n"
    "  local hour = complete == '' and 0 or tonumber(complete)\n"
    "  if alive and hour and math.abs(hour) < 2500000 then\n"
    "    local n = #sensors\n"
    "    sensors[n + 1], sensors[n + 2] = all[i], complete\n"
    "    sensors[n + 3] = math.max(0, now - alive)\n"
    "    sensors[n + 4] = math.max(0, now - since)\n"
    "    sensors[n + 5] = (redis.call('HGET', KEYS[7], all[i]) or '0') == forgets and 0 or 1\n"
    "    sensors[n + 6] = redis.call('HGET', KEYS[8], all[i]) or ''\n"
    "  end\n"
    "end\n"
    "return {now, closed, tonumber(redis.call('HGET', KEYS[2], 'edits') or '0') or 0,\n"
    "  string.match(redis.call('GET', KEYS[3]) or '', '^(.*) %-?%d+ %d+$') or '',\n"
    "  redis.call('HLEN', KEYS[5]), hours, sensors}";

static bool is_array(const redisReply *reply, size_t of)
{
    return reply->type == REDIS_REPLY_ARRAY && reply->elements % of == 0;
}

static bool take_whole(const redisReply *reply, uint64_t *whole)
{
    if (reply->type != REDIS_REPLY_INTEGER || reply->integer < 0)
        return false;
    *whole = (uint64_t)reply->integer;
    return true;
}

static bool take_hours(const redisReply *reply, struct store_overview *o, struct store_hour *hour)
{
    if (!is_array(reply, 2) || reply->elements / 2 > STORE_HOURS_KEPT)
        return false;
    for (size_t i = 0; i < reply->elements; i += 2) {
        if (reply->element[i]->type != REDIS_REPLY_INTEGER ||
            !take_whole(reply->element[i + 1], &hour[o->hours].hosts))
            return false;
        hour[o->hours++].hour = reply->element[i]->integer;
    }
    o->hour = hour;
    return true;
}

static int by_name(const void *left, const void *right)
{
    return strcmp(((const struct store_sensor *)left)->name,
                  ((const struct store_sensor *)right)->name);
}

static bool take_sensor(redisReply *const *part, struct store_sensor *sensor)
{
    uint64_t forgets;
    char *end;
    if (part[0]->type != REDIS_REPLY_STRING || !store_take_hour(part[1], &sensor->complete) ||
        !take_whole(part[2], &sensor->silent_ms) || !take_whole(part[3], &sensor->since_ms) ||
        !take_whole(part[4], &forgets) || part[5]->type != REDIS_REPLY_STRING)
        return false;
    sensor->name = part[0]->str;
    sensor->forgets = forgets != 0;
    sensor->ahead_ms = strtoll(part[5]->str, &end, 10);
    sensor->clock_known = end != part[5]->str;
    return true;
}

static bool take_sensors(const redisReply *reply, struct store_overview *o,
                         struct store_sensor *sensor)
{
    if (!is_array(reply, PARTS))
        return false;
    for (size_t i = 0; i < reply->elements; i += PARTS) {
        if (o->sensors == STORE_SENSORS_MAX)
            o->more++;
        else if (!take_sensor(reply->element + i, &sensor[o->sensors++]))
            return false;
    }
    if (o->sensors > 1)
        qsort(sensor, o->sensors, sizeof *sensor, by_name);
    o->sensor = sensor;
    return true;
}

static bool take(const redisReply *reply, struct store_overview *o, struct store_hour *hour,
                 struct store_sensor *sensor)
{
    uint64_t now_ms;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 7 ||
        reply->element[3]->type != REDIS_REPLY_STRING || !take_whole(reply->element[0], &now_ms) ||
        now_ms > INT64_MAX / NS_PER_MS || !store_take_hour(reply->element[1], &o->closed) ||
        !take_whole(reply->element[2], &o->edits) || !take_whole(reply->element[4], &o->forgotten))
        return false;
    o->now.ns = (int64_t)now_ms * NS_PER_MS;
    o->closer = *reply->element[3]->str ? reply->element[3]->str : NULL;
    return take_hours(reply->element[5], o, hour) && take_sensors(reply->element[6], o, sensor);
}

static bool on_overview(struct store_request *request, const redisReply *reply)
{
    struct store_overview overview = {.closed = STORE_NO_HOUR};
    struct store_hour *hour = xcalloc(STORE_HOURS_KEPT, sizeof *hour);
    struct store_sensor *sensor = xcalloc(STORE_SENSORS_MAX, sizeof *sensor);
    bool taken = take(reply, &overview, hour, sensor);
    if (taken)
        request->done.overview(request->context, &overview);
    free(sensor);
    free(hour);
    return taken;
}

void store_read_overview(struct store *store,
                         void (*done)(void *context, const struct store_overview *overview),
                         void *context)
{
    static const char *const name[] = {"sensors", "hour:", "forgotten",
                                       "forgets", "taken", "clocks"};
    char key[6][STORE_KEY_SIZE], fleet[STORE_KEY_SIZE], closer[STORE_KEY_SIZE];
    struct words words = {.count = 0};
    for (int i = 0; i < 6; i++)
        store_key(store, name[i], key[i]);
    words_text(&words, "EVAL");
    words_text(&words, overview_script);
    words_number(&words, 8);
    words_text(&words, key[0]);
    words_text(&words, store_fleet_key(store, fleet));
    words_text(&words, store_closer_key(store, closer));
    for (int i = 1; i < 6; i++)
        words_text(&words, key[i]);
    words_number(&words, STORE_HOURS_KEPT);
    struct store_request *request = store_request_new(store, "EVAL", on_overview, context);
    request->done.overview = done;
    store_send(request, words.count, words.argv, words.size);
}
