/* Whose turn it is to close an hour: the list of sensors, the lease, the list of an hour's hosts.
 *
 * One script is said and asked by everybody, so all decisions are taken in one place and at one
 * time, the server's: sensors' clocks may differ. It writes down what the sensor is complete
 * through, looks who is waited for, names the next hour to close (the oldest one behind the last
 * closed hour that has a list of hosts, else the newest that all are complete through) and hands
 * out the lease. A lease of this sensor's own name from an earlier run is taken over at once. Who
 * says to be complete through an hour that is not over by the server's clock (50 min are allowed:
 * hours begin off the clock's in some zones) has a clock that is ahead: it passes nobody over, or
 * the hours it closed would be lost for all.
 * Bounds: STORE_HOURS_KEPT hours are looked for; entries of sensors silent for 30 days go. Thread:
 * the engine's. */
#include "store_link.h"
#include "store_words.h"
#include "weir/base/buffer.h"
#include "weir/base/log.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PAGE     "2000" /* hosts a step of SSCAN */
#define CLOCK_MS 10000  /* a clock that is so wrong is said to be */

/* KEYS: sensors, fleet, closer, the prefix of hours' lists, name, forgets, taken, clocks. ARGV:
 * sensor, complete, token, lease, silent, longest wait (ms), hours kept, instance, its clock (ms),
 * want. The name stays
 * this installation's for so long as it would not be waited for, or is another one's, which is at
 * work (store_link.c).
 */
static const char turn_script[] =
    "if redis.replicate_commands then redis.replicate_commands() end\n"
    "if ARGV[8] ~= '' then\n"
    "  local holder = redis.call('GET', KEYS[5])\n"
    "  if holder and holder ~= ARGV[8] then\n"
    "    return redis.error_reply('NAMESAKE is at work')\n"
    "  end\n"
    "  redis.call('SET', KEYS[5], ARGV[8], 'PX', ARGV[5])\n"
    "end\n"
    "local t = redis.call('TIME')\n"
    "local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"
    "local function parts(text)\n"
    "  local hour, alive, since, run = string.match(text or '', '^(%-?%d*) (%d+) (%d+) (.+)$')\n"
    "  local number = hour == '' and 0 or tonumber(hour)\n"
    "  if number and math.abs(number) < 2500000 then return hour, alive, since, run end\n"
    "end\n"
    "local before, _, since, run = parts(redis.call('HGET', KEYS[1], ARGV[1]))\n"
    "if before ~= ARGV[2] then since = string.format('%.0f', now) end\n"
    "redis.call('HSET', KEYS[1], ARGV[1],\n"
    "  ARGV[2] .. ' ' .. string.format('%.0f', now) .. ' ' .. since .. ' ' .. ARGV[3])\n"
    "redis.call('EXPIRE', KEYS[1], 2592000)\n"
    "local ahead = tonumber(ARGV[9]) - now\n"
    "redis.call('HSET', KEYS[8], ARGV[1], string.format('%.0f', ahead))\n"
    "redis.call('EXPIRE', KEYS[8], 2592000)\n"
    "local own = tonumber(ARGV[2])\n"
    "local least, waited, passed, others = own, 0, 0, 0\n"
    "local over = own and (own + 1) * 3600000 <= now + 3000000\n"
    "local patience = not over or now - since <= tonumber(ARGV[6])\n"
    "local all = redis.call('HGETALL', KEYS[1])\n"
    "for i = 1, #all, 2 do\n"
    "  local theirs, alive = parts(all[i + 1])\n"
    "  if alive and all[i] ~= ARGV[1] and now - alive <= tonumber(ARGV[5]) then\n"
    "    others = others + 1\n"
    "  end\n"
    "  if not alive or now - alive > 2592000000 then\n"
    "    redis.call('HDEL', KEYS[1], all[i])\n"
    "    redis.call('HDEL', KEYS[8], all[i])\n"
    "  elseif own and all[i] ~= ARGV[1] and (theirs == '' or tonumber(theirs) < own) then\n"
    "    if patience and now - alive <= tonumber(ARGV[5]) then\n"
    "      waited = waited + 1\n"
    "      if theirs == '' then least = nil\n"
    "      elseif least then least = math.min(least, tonumber(theirs)) end\n"
    "    else passed = passed + 1 end\n"
    "  end\n"
    "end\n"
    "local closed = redis.call('HGET', KEYS[2], 'closed') or ''\n"
    "local hour, granted = '', 0\n"
    "if ARGV[10] == '1' and least and (closed == '' or tonumber(closed) < least) then\n"
    "  local from = least - tonumber(ARGV[7]) + 1\n"
    "  if closed ~= '' then from = math.max(from, tonumber(closed) + 1) end\n"
    "  for h = from, least do\n"
    "    hour = string.format('%.0f', h)\n"
    "    if redis.call('EXISTS', KEYS[4] .. hour) == 1 then break end\n"
    "  end\n"
    "  local holder = redis.call('GET', KEYS[3])\n"
    "  if not holder or string.match(holder, '^(.*) %-?%d+ %d+$') == ARGV[1] then\n"
    "    redis.call('SET', KEYS[3], ARGV[3], 'PX', ARGV[4])\n"
    "    granted = now\n"
    "  end\n"
    "end\n"
    "return {closed, before or '', hour, granted, waited, passed, run == ARGV[3] and 1 or 0,\n"
    "  tonumber(redis.call('HGET', KEYS[2], 'edits') or '0') or 0,\n"
    "  (redis.call('GET', KEYS[6]) or '0') == (redis.call('HGET', KEYS[7], ARGV[1]) or '0')\n"
    "    and 0 or 1, others, ahead}";

static bool take_turn(const redisReply *reply, struct store_turn *turn)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 11)
        return false;
    for (size_t i = 3; i < 11; i++)
        if (reply->element[i]->type != REDIS_REPLY_INTEGER)
            return false;
    turn->granted = reply->element[3]->integer > 0; /* when: a later lease has a larger number */
    turn->waited = (uint32_t)reply->element[4]->integer;
    turn->passed = (uint32_t)reply->element[5]->integer;
    turn->others = (uint32_t)reply->element[9]->integer;
    turn->edits = (uint64_t)reply->element[7]->integer;
    turn->forgets = reply->element[8]->integer == 1;
    return store_take_hour(reply->element[0], &turn->closed) &&
           store_take_hour(reply->element[1], &turn->before) &&
           store_take_hour(reply->element[2], &turn->hour) &&
           (!turn->granted || turn->hour != STORE_NO_HOUR);
}

/* The entry was last written by this run, unless two sensors have one name, and one installation's
 * state (a copied directory), or none: then each takes the other's totals for its own. */
static void note_namesake(struct store *store, bool own)
{
    if (store->named && !own && !store->namesake)
        log_error("redis at %s: another sensor calls itself \"%s\": give each a sensor.name",
                  store->url.shown, store->sensor);
    store->namesake = store->namesake || (store->named && !own);
    store->named = true;
}

/* Once, until it is right again: which hour bytes belong to, and when it is over, is the clock's.
 * When between sending and this answer the server looked at its own nobody knows: what all of that
 * time would explain is not said. */
static void note_clock(struct store_request *request, int64_t told_ms)
{
    struct store *store = request->store;
    int64_t server_ms = request->hour - told_ms, most_ms = ptime_now().ns / NS_PER_MS - server_ms;
    int64_t least_ms = most_ms - (wtime_now().ns - request->sent.ns) / NS_PER_MS;
    int64_t ahead_ms = least_ms > 0 ? least_ms : most_ms;
    bool wrong = least_ms > CLOCK_MS || most_ms < -CLOCK_MS;
    bool right = least_ms >= -CLOCK_MS && most_ms <= CLOCK_MS;
    if (wrong && !store->clock_wrong)
        log_warn(
            "redis at %s: this sensor's clock is %.1f s %s the server's: its hours end %s than "
            "others'",
            store->url.shown, fabs((double)ahead_ms) / 1e3, ahead_ms > 0 ? "ahead of" : "behind",
            ahead_ms > 0 ? "earlier" : "later");
    store->clock_wrong = wrong || (store->clock_wrong && !right);
}

static bool on_turn(struct store_request *request, const redisReply *reply)
{
    struct store_turn turn;
    if (!take_turn(reply, &turn))
        return false;
    note_namesake(request->store, reply->element[6]->integer == 1);
    note_clock(request, reply->element[10]->integer);
    request->store->others = turn.others;
    if (turn.granted)
        request->store->fence = reply->element[3]->integer;
    if (request->done.turn)
        request->done.turn(request->context, &turn);
    return true;
}

static void send_turn(struct store *store, int64_t complete, bool want,
                      void (*done)(void *context, const struct store_turn *turn), void *context)
{
    char sensors[STORE_KEY_SIZE], fleet[STORE_KEY_SIZE], closer[STORE_KEY_SIZE],
        hours[STORE_KEY_SIZE], name[STORE_KEY_SIZE], forgets[STORE_KEY_SIZE], taken[STORE_KEY_SIZE],
        clocks[STORE_KEY_SIZE];
    struct words words = {.count = 0};
    store_key(store, "sensors", sensors);
    store_key(store, "hour:", hours);
    store_key(store, "forgets", forgets);
    store_key(store, "clocks", clocks);
    words_text(&words, "EVAL");
    words_text(&words, turn_script);
    words_number(&words, 8);
    words_text(&words, sensors);
    words_text(&words, store_fleet_key(store, fleet));
    words_text(&words, store_closer_key(store, closer));
    words_text(&words, hours);
    words_text(&words, store_name_key(store, name));
    words_text(&words, forgets);
    words_text(&words, store_taken_key(store, taken));
    words_text(&words, clocks);
    words_text(&words, store->sensor);
    words_hour(&words, complete);
    words_text(&words, store->token);
    words_number(&words, store->lease_ns / NS_PER_MS);
    words_number(&words, store->silent_ns / NS_PER_MS);
    words_number(&words, store->wait_ns / NS_PER_MS);
    words_number(&words, STORE_HOURS_KEPT);
    words_text(&words, store->instance);
    int64_t clock_ms = ptime_now().ns / NS_PER_MS;
    words_number(&words, clock_ms);
    words_number(&words, want);
    assert(!store->read_only);
    if (complete != store->copied) /* what it is complete through has a second copy */
        store_copy(store);
    store->copied = complete;
    struct store_request *request = store_request_new(store, "EVAL", on_turn, context);
    request->done.turn = done;
    request->hour = clock_ms;
    store_send(request, words.count, words.argv, words.size);
}

void store_ask_turn(struct store *store, int64_t complete, bool want,
                    void (*done)(void *context, const struct store_turn *turn), void *context)
{
    send_turn(store, complete, want, done, context);
}

void store_say_alive(struct store *store, int64_t complete)
{
    send_turn(store, complete, false, NULL, NULL);
}

/* --- the lease -------------------------------------------------------------------------------- */

static const char keep_script[] = "if redis.call('GET', KEYS[1]) == ARGV[1] then\n"
                                  "  return redis.call('PEXPIRE', KEYS[1], ARGV[2])\n"
                                  "end\n"
                                  "return 0";

static bool on_kept(struct store_request *request, const redisReply *reply)
{
    (void)request;
    return reply->type == REDIS_REPLY_INTEGER;
}

void store_keep_lease(struct store *store)
{
    char closer[STORE_KEY_SIZE];
    struct words words = {.count = 0};
    words_text(&words, "EVAL");
    words_text(&words, keep_script);
    words_number(&words, 1);
    words_text(&words, store_closer_key(store, closer));
    words_text(&words, store->token);
    words_number(&words, store->lease_ns / NS_PER_MS);
    store_send(store_request_new(store, "EVAL", on_kept, NULL), words.count, words.argv,
               words.size);
}

/* --- the hosts of an hour --------------------------------------------------------------------- */

static int compare_hosts(const void *a, const void *b)
{
    return ip_compare(a, b);
}

static size_t sort_hosts(struct ip *host, size_t count)
{
    size_t kept = 0;
    if (count > 0)
        qsort(host, count, sizeof *host, compare_hosts);
    for (size_t i = 0; i < count; i++) /* SSCAN may name a member twice */
        if (kept == 0 || ip_compare(&host[kept - 1], &host[i]) != 0)
            host[kept++] = host[i];
    return kept;
}

static void keep_members(struct store_list *list, const redisReply *members)
{
    for (size_t i = 0; i < members->elements; i++) {
        const redisReply *member = members->element[i];
        if (list->count == list->room) {
            list->room = list->room ? 2 * list->room : 256;
            list->host = xrealloc(list->host, list->room * sizeof *list->host);
        }
        if (member->type == REDIS_REPLY_STRING &&
            ip_parse(member->str, &list->host[list->count]) == 0)
            list->count++;
    }
}

static void send_page(struct store *store, struct store_list *list, int64_t hour,
                      const char *cursor);

static bool on_page(struct store_request *request, const redisReply *reply)
{
    struct store_list *list = request->list;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
        reply->element[0]->type != REDIS_REPLY_STRING ||
        reply->element[1]->type != REDIS_REPLY_ARRAY)
        return false;
    keep_members(list, reply->element[1]);
    if (strcmp(reply->element[0]->str, "0") != 0) {
        request->list = NULL;
        send_page(request->store, list, request->hour, reply->element[0]->str);
        return true;
    }
    size_t count = sort_hosts(list->host, list->count);
    struct ip *host = list->host;
    list->host = NULL;
    list->done(list->context, host, count);
    return true;
}

static void send_page(struct store *store, struct store_list *list, int64_t hour,
                      const char *cursor)
{
    char key[STORE_KEY_SIZE];
    const char *argv[5] = {"SSCAN", store_hour_key(store, hour, key), cursor, "COUNT", PAGE};
    size_t size[5];
    for (int i = 0; i < 5; i++)
        size[i] = strlen(argv[i]);
    struct store_request *request = store_request_new(store, "SSCAN", on_page, list->context);
    request->list = list;
    request->hour = hour;
    store_send(request, 5, argv, size);
}

void store_list_hour(struct store *store, int64_t hour,
                     void (*done)(void *context, struct ip *hosts, size_t count), void *context)
{
    struct store_list *list = xcalloc(1, sizeof *list);
    list->done = done;
    list->context = context;
    send_page(store, list, hour, "0");
}

void store_list_free(struct store_list *list)
{
    if (!list)
        return;
    free(list->host);
    free(list);
}
