/* Several sensors on one loop and one redis-server, each with a ring, a checkpoint and a connection
 * of its own; and a proxy that lets through so many commands and then cuts the connection, so that
 * a sensor dies behind exactly that one. */
#ifndef WEIR_TESTS_ENGINE_FLEET_RIG_H
#define WEIR_TESTS_ENGINE_FLEET_RIG_H

#include "rig.h"

#include "../../../sensor/engine/close.h"

#include "weir/base/digest.h"

#include <inttypes.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define SENSORS 4
#define HOUR_8  (MONDAY_8 / NS_PER_HOUR)

/* --- the proxy -------------------------------------------------------------------------------- */

struct proxy {
    struct loop_ref loop;
    char url[128], server[256];
    int listener, client, upstream;
    struct loop_watch *accepting, *from_client, *from_server;
    struct buffer bytes; /* of a command that is not whole yet */
    unsigned limit, passed;
};

static inline void proxy_drop(struct proxy *proxy, struct loop_watch **watch, int *fd)
{
    if (*watch)
        proxy->loop.ops->drop(*watch);
    if (*fd >= 0)
        close(*fd);
    *watch = NULL;
    *fd = -1;
}

static inline void proxy_cut(struct proxy *proxy)
{
    proxy_drop(proxy, &proxy->from_client, &proxy->client);
    proxy_drop(proxy, &proxy->from_server, &proxy->upstream);
    proxy->bytes.size = 0;
}

/* The size of the first command in there, 0: it is not whole. */
static inline size_t proxy_command(const struct buffer *bytes)
{
    const char *at = (const char *)bytes->data, *end = at + bytes->size;
    const char *line = bytes->size ? memchr(at, '\n', bytes->size) : NULL;
    if (!line)
        return 0;
    for (long words = strtol(at + 1, NULL, 10); words > 0; words--) {
        const char *word = line + 1;
        line = word < end ? memchr(word, '\n', (size_t)(end - word)) : NULL;
        if (!line)
            return 0;
        line += strtol(word + 1, NULL, 10) + 2;
        if (line >= end)
            return 0;
    }
    return (size_t)(line + 1 - at);
}

/* They come each minute and change nothing (their last word is 0): not worth a test each. */
static inline bool proxy_is_life_sign(const struct buffer *bytes, size_t size)
{
    static const char end[] = "\r\n$1\r\n0\r\n";
    return memcmp(bytes->data + size - strlen(end), end, strlen(end)) == 0;
}

static inline void proxy_from_client(void *context, unsigned what)
{
    struct proxy *proxy = context;
    static char chunk[1 << 16];
    ssize_t got = read(proxy->client, chunk, sizeof chunk);
    (void)what;
    if (got <= 0) {
        proxy_cut(proxy);
        return;
    }
    buffer_put(&proxy->bytes, chunk, (size_t)got);
    for (size_t size; (size = proxy_command(&proxy->bytes)) > 0;) {
        proxy->passed += !proxy_is_life_sign(&proxy->bytes, size);
        if (proxy->passed > proxy->limit) {
            proxy_cut(proxy);
            return;
        }
        assert_int_equal(write(proxy->upstream, proxy->bytes.data, size), size);
        proxy->bytes.size -= size;
        memmove(proxy->bytes.data, proxy->bytes.data + size, proxy->bytes.size);
    }
}

static inline void proxy_from_server(void *context, unsigned what)
{
    struct proxy *proxy = context;
    static char chunk[1 << 16];
    ssize_t got = read(proxy->upstream, chunk, sizeof chunk);
    (void)what;
    if (got <= 0)
        proxy_cut(proxy);
    else
        assert_int_equal(write(proxy->client, chunk, (size_t)got), got);
}

static inline struct sockaddr_un proxy_address(const char *url)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%.100s", url + strlen("unix:"));
    return address;
}

static inline void proxy_accept(void *context, unsigned what)
{
    struct proxy *proxy = context;
    struct sockaddr_un address = proxy_address(proxy->server);
    (void)what;
    proxy->client = accept(proxy->listener, NULL, NULL);
    proxy->upstream = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(proxy->upstream, (struct sockaddr *)&address, sizeof address), 0);
    struct loop_ref loop = proxy->loop;
    proxy->from_client =
        loop.ops->watch(loop.loop, proxy->client, LOOP_READ, proxy_from_client, proxy);
    proxy->from_server =
        loop.ops->watch(loop.loop, proxy->upstream, LOOP_READ, proxy_from_server, proxy);
}

static inline void proxy_open(struct proxy *proxy, struct loop_ref loop, const char *folder,
                              const char *server, unsigned limit)
{
    *proxy =
        (struct proxy){.loop = loop, .listener = -1, .client = -1, .upstream = -1, .limit = limit};
    snprintf(proxy->url, sizeof proxy->url, "unix:%s/proxy.sock", folder);
    snprintf(proxy->server, sizeof proxy->server, "%s", server);
    struct sockaddr_un address = proxy_address(proxy->url);
    unlink(address.sun_path);
    proxy->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(proxy->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(proxy->listener, 1), 0);
    proxy->accepting = loop.ops->watch(loop.loop, proxy->listener, LOOP_READ, proxy_accept, proxy);
}

static inline void proxy_close(struct proxy *proxy)
{
    proxy_cut(proxy);
    proxy_drop(proxy, &proxy->accepting, &proxy->listener);
    buffer_fini(&proxy->bytes);
}

/* --- sensors ---------------------------------------------------------------------------------- */

struct sensor {
    struct fleet_rig *fleet;
    char name[32], vantage[32], folder[96];
    struct ring_handles ring;
    struct ring_producer *producer;
    uint64_t number;
    struct store *store;
    struct store_config reach;
    struct journal *journal;
    struct publisher *publisher;
    struct engine *engine;
    struct error error;
    bool ready;
};

struct fleet_rig {
    char folder[64];
    char url[256];
    struct embedded redis;
    struct loop_ref loop;
    struct calendar *calendar;
    struct suffixes *suffixes;
    struct inside inside;
    struct sensor sensor[SENSORS];
    int sensors;
    int64_t silent_ns, wait_ns, lease_ns;
    bool reaches; /* engines connect themselves, and again when the store was gone */
};

static inline void sensor_ready(void *context)
{
    struct sensor *sensor = context;
    sensor->ready = true;
    sensor->fleet->loop.ops->stop(sensor->fleet->loop.loop);
}

static inline void sensor_failed(void *context, const struct error *error)
{
    struct sensor *sensor = context;
    sensor->error = *error;
    if (sensor->engine)
        engine_fail(sensor->engine, error);
    sensor->fleet->loop.ops->stop(sensor->fleet->loop.loop);
}

static inline void sensor_done(void *context, const struct error *error)
{
    struct sensor *sensor = context;
    if (error)
        sensor->error = *error;
    sensor->fleet->loop.ops->stop(sensor->fleet->loop.loop);
}

static inline void fleet_stop(void *context)
{
    struct fleet_rig *fleet = context;
    fleet->loop.ops->stop(fleet->loop.loop);
}

static inline void fleet_turn(struct fleet_rig *fleet, int64_t ns)
{
    struct loop_watch *timer = fleet->loop.ops->timer(fleet->loop.loop, ns, fleet_stop, fleet);
    fleet->loop.ops->run(fleet->loop.loop);
    fleet->loop.ops->drop(timer);
}

/* What has not come by then never comes. */
static inline void fleet_give_up(struct wtime began, const char *what)
{
    if (wtime_now().ns - began.ns > 60 * NS_PER_S)
        fail_msg("after 60 s: %s", what);
}

/* False: the store went before it was ready. */
static inline bool sensor_open_store(struct sensor *sensor, const char *url)
{
    static const struct store_events events = {sensor_ready, sensor_failed};
    const struct fleet_rig *fleet = sensor->fleet;
    sensor->reach = (struct store_config){.url = url,
                                          .prefix = "weir-test",
                                          .sensor = sensor->name,
                                          .vantage = sensor->vantage,
                                          .silent_ns = fleet->silent_ns,
                                          .wait_ns = fleet->wait_ns,
                                          .lease_ns = fleet->lease_ns};
    sensor->ready = false;
    sensor->error.code = ERROR_NONE;
    if (fleet->reaches)
        return true;
    sensor->store = store_open(&sensor->reach, fleet->loop, &events, sensor, &sensor->error);
    struct wtime began = wtime_now();
    while (!sensor->ready && sensor->error.code == ERROR_NONE) {
        fleet_turn(sensor->fleet, NS_PER_MS);
        fleet_give_up(began, "the store is neither there nor gone");
    }
    return sensor->ready;
}

/* With a checkpoint in its folder, or what is left of one. */
static inline void sensor_start(struct sensor *sensor, const char *url)
{
    struct fleet_rig *fleet = sensor->fleet;
    if (!sensor_open_store(sensor, url ? url : fleet->url))
        return;
    sensor->journal = journal_open(sensor->folder, NULL, &sensor->error);
    assert_non_null(sensor->journal);
    sensor->publisher = publisher_new(fleet->loop, sensor->journal, NULL, NULL);
    struct engine_config config = {.loop = fleet->loop,
                                   .workers = 1,
                                   .folder = sensor->folder,
                                   .live = true,
                                   .store = sensor->store,
                                   .reach = fleet->reaches ? &sensor->reach : NULL,
                                   .publisher = sensor->publisher,
                                   .calendar = fleet->calendar,
                                   .inside = &fleet->inside,
                                   .suffixes = fleet->suffixes,
                                   .detect = detect_config_default(),
                                   .sensor = sensor->name,
                                   .max_hosts = 1000,
                                   .observer = {.done = sensor_done, .context = sensor}};
    sensor->engine = engine_new(&config, &sensor->error);
    assert_non_null(sensor->engine);
    assert_int_equal(engine_attach(sensor->engine, 0, 1, &sensor->ring, &sensor->error), 0);
    engine_begin(sensor->engine, NULL);
}

static inline void sensor_kill(struct sensor *sensor)
{
    engine_free(sensor->engine);
    publisher_free(sensor->publisher);
    journal_close(sensor->journal);
    store_free(sensor->store);
    sensor->engine = NULL;
    sensor->publisher = NULL;
    sensor->journal = NULL;
    sensor->store = NULL;
}

static inline void sensor_push(struct sensor *sensor, union any_record *record)
{
    record->header.number = ++sensor->number;
    assert_int_equal(ring_push(sensor->producer, record, record->header.size), RING_OK);
}

static inline void sensor_push_watermark(struct sensor *sensor, int64_t time_ns)
{
    union any_record record;
    make_watermark(&record, 1, time_ns);
    sensor_push(sensor, &record);
}

static inline void sensor_open(struct fleet_rig *fleet, int i, const char *vantage)
{
    char folder[64];
    struct sensor *sensor = &fleet->sensor[i];
    sensor->fleet = fleet;
    snprintf(sensor->name, sizeof sensor->name, "sensor-%d", i);
    snprintf(sensor->vantage, sizeof sensor->vantage, "%s", vantage ? vantage : sensor->name);
    memcpy(folder, fleet->folder, sizeof folder);
    snprintf(sensor->folder, sizeof sensor->folder, "%.64s/%d", folder, i);
    assert_int_equal(mkdir(sensor->folder, 0700), 0);
    assert_int_equal(ring_create(&sensor->ring, 4u << 20, &sensor->error), 0);
    sensor->producer = ring_producer_open(&sensor->ring, &sensor->error);
    assert_non_null(sensor->producer);
    sensor_push_watermark(sensor, MONDAY_8);
}

/* On a server that is somebody else's. */
static inline struct fleet_rig *fleet_open_at(const char *url, int sensors, const char *vantage)
{
    struct fleet_rig *fleet = xcalloc(1, sizeof *fleet);
    struct error error = {0};
    strcpy(fleet->folder, "/tmp/weir-fleet-XXXXXX");
    assert_non_null(mkdtemp(fleet->folder));
    snprintf(fleet->url, sizeof fleet->url, "%s", url ? url : "");
    struct calendar_config utc = {
        .timezone = "UTC", .work_start = 8, .work_end = 18, .work_days = 31};
    fleet->calendar = calendar_new(&utc, &error);
    fleet->suffixes = suffixes_new();
    fleet->loop = event_loop_new(&error);
    inside_init(&fleet->inside);
    prefix_set_default_inside(&fleet->inside.everywhere);
    fleet->sensors = sensors;
    for (int i = 0; i < sensors; i++)
        sensor_open(fleet, i, vantage);
    return fleet;
}

static inline struct fleet_rig *fleet_open(int sensors, const char *vantage)
{
    struct fleet_rig *fleet = fleet_open_at(NULL, sensors, vantage);
    struct embedded_config redis = {.folder = fleet->folder, .persist = false};
    struct error error = {0};
    if (embedded_start(&fleet->redis, &redis, &error) != 0)
        fail_msg("%s", error.message);
    snprintf(fleet->url, sizeof fleet->url, "%s", fleet->redis.url);
    return fleet;
}

static inline void fleet_close(struct fleet_rig *fleet)
{
    for (int i = 0; i < fleet->sensors; i++) {
        struct sensor *sensor = &fleet->sensor[i];
        sensor_kill(sensor);
        ring_producer_free(sensor->producer);
        ring_destroy(&sensor->ring);
        rig_remove_folder(sensor->folder);
    }
    if (fleet->redis.pid)
        embedded_stop(&fleet->redis);
    event_loop_free(fleet->loop);
    suffixes_free(fleet->suffixes);
    calendar_free(fleet->calendar);
    inside_fini(&fleet->inside);
    rig_remove_folder(fleet->folder);
    free(fleet);
}

/* --- the traffic ------------------------------------------------------------------------------ */

static inline uint64_t mix(uint64_t x)
{
    x = (x + UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xbf58476d1ce4e5b9);
    return x ^ (x >> 29u);
}

static inline void fleet_push(struct fleet_rig *fleet, union any_record *record, int to)
{
    for (int i = 0; i < fleet->sensors; i++)
        if (to < 0 || to % fleet->sensors == i)
            sensor_push(&fleet->sensor[i], record);
}

/* What one that never sends outwards (10.0.0.200) and a host exchange, twice an hour. */
static inline void fleet_push_inside(struct fleet_rig *fleet, int hosts, int hour,
                                     int (*whose)(uint64_t flow))
{
    for (int n = 0; n < 2; n++) {
        uint64_t random = mix((uint64_t)hour * 77777 + (uint64_t)n);
        struct flow_key key = make_flow_key("10.0.0.1", 50000, "10.0.0.200", 445);
        union any_record record;
        key.orig_ip.byte[15] = (uint8_t)(1 + (hour + n) % hosts);
        make_flow(&record, 1, MONDAY_8 + hour * NS_PER_HOUR + (50 + n) * NS_PER_MIN, &key, 500,
                  1 + (random >> 8u) % (1u << (random >> 40u) % 24));
        fleet_push(fleet, &record, whose(random));
    }
}

/* `hours` of it from 8 o'clock on: host h at every second or third hour, a few destinations each,
 * sizes of all orders. Each flow goes to the sensor that `whose` names (−1: to all). */
static inline void fleet_push_hours(struct fleet_rig *fleet, int hosts, int from, int until,
                                    int (*whose)(uint64_t flow))
{
    for (int hour = from; hour < until; hour++) {
        for (int n = 0; n < hosts * 4; n++) {
            uint64_t random = mix((uint64_t)hour * 1000 + (uint64_t)n);
            int64_t time_ns =
                MONDAY_8 + hour * NS_PER_HOUR + 5 * NS_PER_MIN + n * (NS_PER_HOUR / (hosts * 5));
            struct flow_key key = make_flow_key("10.0.0.1", 40000, "198.51.100.1", 443);
            union any_record record;
            key.orig_ip.byte[15] = (uint8_t)(1 + n % hosts);
            key.orig_port = (uint16_t)(40000 + n);
            key.resp_ip.byte[14] = (uint8_t)(random % 7);
            if ((uint64_t)hour % (2 + (uint64_t)n % 3) == 1)
                continue;
            make_flow(&record, 1, time_ns, &key, 1 + (random >> 8u) % (1u << (random >> 40u) % 24),
                      100);
            fleet_push(fleet, &record, whose(random));
        }
        fleet_push_inside(fleet, hosts, hour, whose);
    }
}

/* Everybody's clock is past the end of so many hours, and all of them are closed. */
static inline void fleet_push_clocks(struct fleet_rig *fleet, int hours)
{
    for (int i = 0; i < fleet->sensors; i++)
        sensor_push_watermark(&fleet->sensor[i], MONDAY_8 + hours * NS_PER_HOUR + 3 * NS_PER_MIN);
}

static inline bool sensor_is_through(const struct sensor *sensor, int hours)
{
    return sensor->engine && !sensor->engine->closing && !sensor->engine->cleaning &&
           sensor->engine->fleet_hour >= HOUR_8 + hours - 1;
}

static inline void sensor_run_until(struct sensor *sensor, int hours)
{
    struct wtime began = wtime_now();
    while (sensor->engine && !sensor_is_through(sensor, hours)) {
        fleet_turn(sensor->fleet, 5 * NS_PER_MS);
        if (sensor->error.code != ERROR_NONE)
            fail_msg("%s: %s", sensor->name, sensor->error.message);
        if (wtime_now().ns - began.ns > 60 * NS_PER_S)
            fail_msg("%s is still at hour %" PRId64 " of %" PRId64, sensor->name,
                     sensor->engine->fleet_hour, HOUR_8 + hours - 1);
    }
}

static inline void fleet_run_until(struct fleet_rig *fleet, int hours)
{
    for (int i = 0; i < fleet->sensors; i++)
        sensor_run_until(&fleet->sensor[i], hours);
}

/* Has taken all that was pushed, and every answer of the store that it asked for. */
static inline bool sensor_is_settled(const struct sensor *sensor)
{
    const struct engine *engine = sensor->engine;
    const struct store *store = engine ? engine->config.store : NULL;
    return !engine ||
           (engine->warmed && engine->waiting == 0 && engine->worker[0].number == sensor->number &&
            store && store_pending(store) == 0);
}

static inline void fleet_settle(struct fleet_rig *fleet)
{
    struct wtime began = wtime_now();
    for (int i = 0; i < fleet->sensors; i++)
        while (!sensor_is_settled(&fleet->sensor[i])) {
            fleet_turn(fleet, NS_PER_MS);
            fleet_give_up(began, "a sensor is not at rest");
        }
}

/* --- what the store has ----------------------------------------------------------------------- */

struct dump {
    struct fleet_rig *fleet;
    struct buffer text;
    bool done;
};

static inline void dump_profile(void *context, const struct ip *host, const void *blob, size_t size)
{
    struct dump *dump = context;
    char text[IP_TEXT_SIZE];
    if (!host) {
        dump->done = true;
        fleet_stop(dump->fleet);
        return;
    }
    struct profile *profile = profile_unpack(blob, size, NULL);
    assert_non_null(profile);
    buffer_text(&dump->text, "%s: through %" PRId64 ", %u hours, %zu bytes %016" PRIx64 "\n",
                ip_text(host, text), profile->last_closed_hour - HOUR_8, profile_hours(profile),
                size, hash64(blob, size, 0));
    profile_free(profile);
}

static inline void dump_fleet(void *context, const struct store_fleet *read)
{
    struct dump *dump = context;
    if (!read->blob) {
        buffer_text(&dump->text, "fleet: nothing\n");
        return;
    }
    struct fleet *fleet = fleet_unpack(read->blob, read->size, NULL);
    assert_non_null(fleet);
    buffer_text(&dump->text,
                "fleet: through %" PRId64 ", %u hosts, %zu destinations, %zu bytes %016" PRIx64
                "\n",
                read->closed - HOUR_8, fleet_hosts(fleet), fleet_destinations(fleet), read->size,
                hash64(read->blob, read->size, 0));
    fleet_free(fleet);
}

/* Every profile and the tables, as text. */
static inline char *fleet_dump(struct fleet_rig *fleet)
{
    static const struct store_events events = {sensor_ready, sensor_failed};
    struct sensor reader = {.fleet = fleet};
    struct dump dump = {.fleet = fleet};
    struct store_config config = {
        .url = fleet->url, .prefix = "weir-test", .sensor = "reader", .read_only = true};
    struct store *store = store_open(&config, fleet->loop, &events, &reader, &reader.error);
    struct wtime began = wtime_now();
    while (!reader.ready) {
        fleet_turn(fleet, NS_PER_MS);
        fleet_give_up(began, "no store to read from");
    }
    store_read_fleet(store, dump_fleet, &dump);
    store_each_profile(store, dump_profile, &dump);
    while (!dump.done) {
        fleet_turn(fleet, NS_PER_MS);
        fleet_give_up(began, "the store is not read");
    }
    store_free(store);
    buffer_u8(&dump.text, 0);
    return (char *)dump.text.data;
}

#endif
