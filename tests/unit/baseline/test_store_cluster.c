/* The store in a Redis cluster: whose slot a key is, what an answer of the cluster's may say, every
 * call of the store over three servers, slots that move meanwhile, and a user who may do no more
 * than Weir needs. Skipped (77) where redis-server is not installed. */
#include "../cluster_case.h"
#include "store_case.h"

#include "../../../sensor/baseline/store_slots.h"
#include "weir/base/buffer.h"
#include "weir/base/log.h"
#include "weir/baseline/store_close.h"
#include "weir/baseline/store_overview.h"

#define HOSTS 60
#define HOUR  500000

static struct cluster cluster;

/* --- slots and places --------------------------------------------------------------------------
 */

static uint16_t slot(const char *key)
{
    return slots_of(key, strlen(key));
}

static void test_slots(void **state)
{
    (void)state;
    assert_int_equal(slot("123456789"), 0x31c3 % SLOTS); /* the specification's own check value */
    assert_int_equal(slot("foo"), 12182);
    assert_int_equal(slot("{foo}bar"), slot("foo"));
    assert_int_equal(slot("a{foo}{bar}"), slot("foo"));
    assert_int_not_equal(slot("a{}foo"), slot("foo"));
    assert_int_equal(slot("weir:{10.0.0.1}:open:7"), slot("weir:{10.0.0.1}:profile"));
    assert_int_equal(slots_of("", 0), 0);
    assert_int_equal(slots_of("{foo", 4), slot("{foo"));
}

static void test_redirections(void **state)
{
    (void)state;
    struct slots_place place;
    uint16_t to;
    assert_int_equal(slots_redirect("MOVED 3999 10.0.0.1:6381", &to, &place), SLOTS_MOVED);
    assert_int_equal(to, 3999);
    assert_string_equal(place.address, "10.0.0.1");
    assert_int_equal(place.port, 6381);
    assert_int_equal(slots_redirect("ASK 0 ::1:6381", &to, &place), SLOTS_ASK);
    assert_string_equal(place.address, "::1");
    assert_int_equal(slots_redirect("MOVED 1 :6381", &to, &place), SLOTS_MOVED);
    assert_string_equal(place.address, "");
    assert_int_equal(slots_redirect("ERR no", &to, &place), SLOTS_NO_MOVE);
    static const char *const bad[] = {
        "MOVED ",
        "MOVED 1",
        "MOVED 16384 1.2.3.4:1",
        "MOVED -1 1.2.3.4:1",
        "MOVED 1 1.2.3.4",
        "MOVED 1 db:6379",
        "MOVED 1 1.2.3.4:0",
        "MOVED 1 1.2.3.4:65536",
        "ASK x 1.2.3.4:1",
        "ASK 1 1.2.3.4:1x",
        "ASK 1 1.2.3.4:",
        "MOVED 99999999999 1.2.3.4:1",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(slots_redirect(bad[i], &to, &place), SLOTS_BAD_MOVE);
}

/* --- a client ----------------------------------------------------------------------------------
 */

static const char *url_now;

static void must_open(struct client *client, const char *sensor)
{
    struct store_config config = {.url = url_now, .prefix = CASE_PREFIX, .sensor = sensor};
    *client = (struct client){.ready = 0};
    client_open(client, &config);
    if (client->ready != 1)
        fail_msg("%s", client->error.message);
}

static void settle(struct client *client)
{
    struct wtime began = wtime_now();
    while (client->failed == 0 && store_pending(client->store) > 0) {
        poll_loop_turn(client->loop.loop);
        if (wtime_now().ns - began.ns > 20 * NS_PER_S)
            fail_msg("%zu requests are not answered", store_pending(client->store));
    }
    if (client->failed)
        fail_msg("%s", client->error.message);
}

static void turn_for(struct client *client, int64_t ns)
{
    struct wtime began = wtime_now();
    while (wtime_now().ns - began.ns < ns && store_pending(client->store) > 0)
        poll_loop_turn(client->loop.loop);
}

static struct ip host_at(int i)
{
    char text[32];
    snprintf(text, sizeof text, "10.0.%d.%d", i / 200, 1 + i % 200);
    return client_ip(text);
}

static void put_hour(struct client *client, int64_t hour, uint64_t bytes)
{
    struct destination destination = {ROLE_CLIENT, DESTINATION_DOMAIN, "example.jp"};
    for (int i = 0; i < HOSTS; i++) {
        struct ip ip = host_at(i);
        struct host_total *total = host_total_new(&ip, hour);
        totals_add(total, &destination, (struct volume){bytes, bytes, bytes}, 1, 1);
        store_put_open(client->store, total);
        host_total_free(total);
    }
}

static struct store_turn turn;

static void on_turn(void *context, const struct store_turn *told)
{
    struct client *client = context;
    turn = *told;
    client->answers++;
}

static size_t listed;

static void on_list(void *context, struct ip *hosts, size_t count)
{
    (void)context;
    listed = count;
    free(hosts);
}

static uint64_t gathered_bytes;

static void on_put(void *context, const struct ip *host, enum store_put put)
{
    (void)context;
    (void)host;
    assert_int_equal(put, STORE_PUT);
}

static void on_gathered(void *context, const struct store_gathered *gathered)
{
    struct client *client = context;
    struct store_learned learned = {.host = gathered->host,
                                    .base = gathered->closed,
                                    .edits = gathered->edits,
                                    .hour = HOUR,
                                    .blob = "learned",
                                    .size = 7};
    assert_non_null(gathered->sum);
    gathered_bytes += gathered->sum->out.value;
    host_total_free(gathered->sum);
    store_put_learned(client->store, &learned, on_put, client);
}

static bool hour_closed;

static void on_closed(void *context, enum store_put put)
{
    (void)context;
    hour_closed = put == STORE_PUT;
}

static void close_hour(struct client *client, uint64_t bytes)
{
    store_ask_turn(client->store, HOUR, true, on_turn, client);
    settle(client);
    assert_true(turn.granted);
    assert_int_equal(turn.hour, HOUR);
    store_list_hour(client->store, HOUR, on_list, NULL);
    settle(client);
    assert_int_equal(listed, HOSTS);
    gathered_bytes = 0;
    for (int i = 0; i < HOSTS; i++) {
        struct ip ip = host_at(i);
        store_gather(client->store, &ip, HOUR, STORE_NO_HOUR, 0, on_gathered, client);
    }
    settle(client);
    assert_int_equal(gathered_bytes, HOSTS * bytes);
    store_close_hour(client->store, STORE_NO_HOUR, 0, HOUR, "tables", 6, on_closed, client);
    settle(client);
    assert_true(hour_closed);
    for (int i = 0; i < HOSTS; i++) {
        struct ip ip = host_at(i);
        store_clean_hour(client->store, &ip, HOUR, NULL, NULL);
    }
    settle(client);
}

static size_t profiles;
static bool walked;

static void on_each(void *context, const struct ip *host, const void *blob, size_t size)
{
    (void)context;
    walked = walked || !host;
    if (host) {
        assert_int_equal(size, 7);
        assert_memory_equal(blob, "learned", 7);
        profiles++;
    }
}

static size_t count_profiles(struct client *client)
{
    profiles = 0;
    walked = false;
    store_each_profile(client->store, on_each, NULL);
    settle(client);
    assert_true(walked);
    return profiles;
}

static bool removed;

static void on_removed(void *context, bool done)
{
    (void)context;
    removed = done;
}

static struct store_forgotten forgotten;

static void on_forgotten(void *context, const struct store_forgotten *told)
{
    (void)context;
    forgotten = *told;
}

static void on_audit(void *context, const char *line, size_t size)
{
    size_t *lines = context;
    (void)size;
    *lines += line != NULL;
}

static void on_hold(void *context, const void *why, size_t size)
{
    (void)why;
    *(size_t *)context = size;
}

static void on_cleared(void *context)
{
    *(bool *)context = true;
}

static void on_claimed(void *context, const struct store_claim *claim, enum store_claimed claimed)
{
    (void)claim;
    *(int *)context = (int)claimed;
}

static int claim(struct client *client, const struct ip *host)
{
    int claimed = -1;
    struct store_claim it = {.host = *host, .day = 20000, .destination = 7, .e = 10};
    store_claim(client->store, &it, NS_PER_MIN, on_claimed, &claimed);
    settle(client);
    return claimed;
}

/* Each call of the store once, in the order in which sensors and operators use them. */
static void on_overview(void *context, const struct store_overview *overview)
{
    *(size_t *)context = overview->sensors;
    assert_int_equal(overview->closed, HOUR);
    assert_null(overview->closer);
}

static void on_claim(void *context, const struct store_claim *claim, enum store_claimed claimed)
{
    (void)claim;
    *(int *)context = (int)claimed;
}

static void on_half(void *context, const struct store_half *half, const char *other)
{
    (void)half;
    *(bool *)context = strcmp(other, "one") == 0;
}

/* Who sees the other direction. */
static void ask_of_halves(struct client *one, struct client *other)
{
    struct store_half half = {.host = host_at(1), .flow = 7, .out = true};
    bool found = false;
    store_put_half(one->store, &half, NS_PER_MIN, on_half, &found);
    settle(one);
    assert_false(found);
    half.out = false;
    store_put_half(other->store, &half, NS_PER_MIN, on_half, &found);
    settle(other);
    assert_true(found);
}

/* Who tells, and how all stand. */
static void ask_of_others(struct client *one, struct client *other)
{
    struct store_claim claim = {.host = host_at(1), .day = 1, .e = 5};
    size_t sensors = 0;
    int mine = -1, theirs = -1;
    store_claim(one->store, &claim, NS_PER_MIN, on_claim, &mine);
    settle(one);
    claim.told = true;
    store_claim(one->store, &claim, NS_PER_MIN, on_claim, &mine);
    settle(one);
    claim.told = false;
    store_claim(other->store, &claim, NS_PER_MIN, on_claim, &theirs);
    settle(other);
    assert_int_equal(mine, STORE_CLAIM_MINE);
    assert_int_equal(theirs, STORE_CLAIM_TOLD);
    store_read_overview(other->store, on_overview, &sensors);
    settle(other);
    assert_int_equal(sensors, 2);
}

static void use_all(void)
{
    struct client one, other;
    struct ip held = host_at(0), gone = host_at(1);
    size_t audited = 0, hold = 0;
    must_open(&one, "one");
    must_open(&other, "other");
    put_hour(&one, HOUR, 1000);
    put_hour(&other, HOUR, 500);
    put_hour(&one, HOUR, 1500); /* absolute: only the larger counts */
    store_say_alive(other.store, HOUR);
    settle(&other);
    close_hour(&one, 2000);
    assert_int_equal(count_profiles(&one), HOSTS);
    ask_of_others(&one, &other);
    ask_of_halves(&one, &other);

    store_put_audit(one.store, "{}");
    store_put_hold(one.store, &held, "case 7");
    store_load_hold(one.store, &held, on_hold, &hold);
    settle(&one);
    assert_int_equal(hold, 6);
    store_remove_host(one.store, &held, true, on_removed, NULL);
    settle(&one);
    assert_false(removed);
    store_remove_host(one.store, &gone, true, on_removed, NULL);
    settle(&one);
    assert_true(removed);
    assert_int_equal(count_profiles(&one), HOSTS - 1);
    store_each_audit(one.store, on_audit, &audited);
    settle(&one);
    assert_int_equal(audited, 1);

    put_hour(&other, HOUR + 1, 10); /* of the forgotten host nothing: it has not dropped it yet */
    store_read_forgotten(other.store, on_forgotten, NULL);
    settle(&other);
    assert_int_equal(forgotten.count, 1);
    store_list_hour(other.store, HOUR + 1, on_list, NULL);
    settle(&other);
    assert_int_equal(claim(&other, &gone), STORE_CLAIM_OTHERS); /* nor is anything claimed */
    store_took_forgotten(other.store, forgotten.number);
    settle(&other);
    assert_int_equal(claim(&other, &gone), STORE_CLAIM_MINE);

    bool cleared = false;
    store_clear(one.store, on_cleared, &cleared);
    settle(&one);
    assert_true(cleared);
    assert_int_equal(count_profiles(&one), 0);
    client_close(&one);
    client_close(&other);
}

static void flush(void)
{
    for (int i = 0; i < 3; i++)
        cluster_order(&cluster.node[i], "FLUSHALL");
}

static int keys_at(int node)
{
    char *text = cluster_ask(&cluster.node[node], "DBSIZE");
    int count = atoi(text);
    free(text);
    return count;
}

static void test_all_calls(void **state)
{
    (void)state;
    flush();
    url_now = cluster.url;
    use_all();
    for (int i = 0; i < 3; i++)
        assert_int_equal(keys_at(i), 0);
}

/* --- least rights ------------------------------------------------------------------------------
 */

/* As docs/redis.md has it. */
static void test_least_rights(void **state)
{
    (void)state;
    static char url[400];
    flush();
    for (int i = 0; i < 3; i++)
        cluster_order(
            &cluster.node[i],
            "ACL SETUSER weir on >s3cret resetkeys ~%s:* ~{%s}:* resetchannels -@all +eval "
            "+get +set +hget +hset +hmget +hgetall +hdel +hincrby +hkeys +hlen +hexists "
            "+sadd +scard +srem +sscan +scan +exists +expire +pexpire +persist +del +unlink +type "
            "+incr +rpush +lrange +time +ping +wait +asking +cluster|slots",
            CASE_PREFIX, CASE_PREFIX);
    snprintf(url, sizeof url, "redis-cluster://weir:s3cret@%s", cluster.url + 16);
    url_now = url;
    use_all();
    struct client client = {.ready = 0};
    struct store_config config = {.url = url, .prefix = "other", .sensor = "one"};
    client_open(&client, &config);
    assert_int_equal(client.ready, 0);
    assert_non_null(strstr(client.error.message, "NOPERM"));
    assert_null(strstr(client.error.message, "s3cret"));
    client_close(&client);
}

/* A connection that is opened for a command which waited its turn says its password first. */
static void test_password_first(void **state)
{
    (void)state;
    static char url[200];
    struct client client;
    flush();
    for (int i = 0; i < 3; i++) {
        cluster_order(&cluster.node[i], "ACL SETUSER weir on >s3cret ~* resetchannels +@all");
        cluster_order(&cluster.node[i], "ACL SETUSER default resetkeys");
    }
    for (int i = 0; i < 3; i++) {
        snprintf(url, sizeof url, "redis-cluster://weir:s3cret@127.0.0.1:%d?ports=%d,%d,%d",
                 cluster.node[i].port, cluster.node[0].port, cluster.node[1].port,
                 cluster.node[2].port);
        url_now = url;
        must_open(&client, "one");
        store_say_alive(client.store, HOUR); /* what is behind it waits */
        put_hour(&client, HOUR, 1000);
        store_say_alive(client.store, HOUR);
        put_hour(&client, HOUR, 1100);
        settle(&client);
        client_close(&client);
    }
    for (int i = 0; i < 3; i++)
        cluster_order(&cluster.node[i], "ACL SETUSER default allkeys");
}

/* --- slots that move ---------------------------------------------------------------------------
 */

static int owner_of(uint16_t which)
{
    int owner = which / (CLUSTER_SLOTS / 3);
    while (owner > 0 && which < owner * CLUSTER_SLOTS / 3)
        owner--;
    while (owner < 2 && which >= (owner + 1) * CLUSTER_SLOTS / 3)
        owner++;
    return owner;
}

static void move_keys(int from, int to, unsigned which)
{
    char *keys = cluster_ask(&cluster.node[from], "CLUSTER GETKEYSINSLOT %u 100", which),
         *rest = keys;
    for (char *key; (key = strsep(&rest, "\n")) != NULL;)
        if (*key)
            cluster_order(&cluster.node[from], "MIGRATE 127.0.0.1 %d %s 0 5000",
                          cluster.node[to].port, key);
    free(keys);
}

static void test_slots_move(void **state)
{
    (void)state;
    struct client client;
    struct ip ip = host_at(0);
    flush();
    url_now = cluster.url;
    must_open(&client, "one");
    put_hour(&client, HOUR, 1000);
    settle(&client);
    assert_int_equal(client.failed, 0);
    unsigned which = slot(CASE_PREFIX ":{10.0.0.1}:open:500000");
    int from = owner_of((uint16_t)which), to = (from + 1) % 3;
    cluster_order(&cluster.node[to], "CLUSTER SETSLOT %u IMPORTING %s", which,
                  cluster.node[from].id);
    cluster_order(&cluster.node[from], "CLUSTER SETSLOT %u MIGRATING %s", which,
                  cluster.node[to].id);
    store_put_profile(client.store, &ip, INT64_MIN, 7, "x", 1, NULL,
                      NULL);       /* ASK: it is not there */
    put_hour(&client, HOUR, 1200); /* TRYAGAIN or not, as its keys lie */
    turn_for(&client, 100 * NS_PER_MS);
    move_keys(from, to, which);
    turn_for(&client, 100 * NS_PER_MS);
    assert_int_equal(client.failed, 0);
    for (int i = 0; i < 3; i++)
        cluster_order(&cluster.node[(to + i) % 3], "CLUSTER SETSLOT %u NODE %s", which,
                      cluster.node[to].id);
    store_say_alive(client.store, HOUR);
    put_hour(&client, HOUR, 1300); /* MOVED */
    settle(&client);
    put_hour(&client, HOUR, 1400); /* as the map has it by now */
    settle(&client);
    char *blob = cluster_ask(&cluster.node[to], "HGET %s blob", CASE_PREFIX ":{10.0.0.1}:profile");
    assert_string_equal(blob, "x\n");
    free(blob);
    store_ask_turn(client.store, HOUR, true, on_turn, &client);
    settle(&client);
    gathered_bytes = 0;
    for (int i = 1; i < HOSTS; i++) {
        struct ip other = host_at(i);
        store_gather(client.store, &other, HOUR, STORE_NO_HOUR, 0, on_gathered, &client);
    }
    settle(&client);
    assert_int_equal(gathered_bytes, (HOSTS - 1) * 1400);
    client_close(&client);
    /* Back, for the other tests: first who has it, or its word to the others, which has the later
     * epoch, undoes what they were told. */
    flush();
    for (int i = 0; i < 3; i++)
        cluster_order(&cluster.node[(to + i) % 3], "CLUSTER SETSLOT %u NODE %s", which,
                      cluster.node[from].id);
}

/* --- what is refused ---------------------------------------------------------------------------
 */

static void expect_failure(const char *url, const char *words)
{
    struct client client = {.ready = 0};
    struct store_config config = {.url = url, .prefix = CASE_PREFIX, .sensor = "one"};
    client_open(&client, &config);
    assert_int_equal(client.ready, 0);
    if (!strstr(client.error.message, words))
        fail_msg("\"%s\" does not say \"%s\"", client.error.message, words);
    client_close(&client);
}

static void test_refused(void **state)
{
    (void)state;
    char url[128];
    snprintf(url, sizeof url, "redis-cluster://127.0.0.1:%d", cluster.node[0].port);
    expect_failure(url, "add ?ports=");
    snprintf(url, sizeof url, "redis://127.0.0.1:%d", cluster.node[0].port);
    expect_failure(url, "redis-cluster://");
    expect_failure("redis-cluster://127.0.0.1:1,127.0.0.1:2", "refused");
    expect_failure("redis-sentinel://127.0.0.1:1/main", "refused");
}

/* --- a server that is not there ---------------------------------------------------------------
 */

static int listen_at(int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

/* All slots are the first node's, which `replica` follows. It goes when the test does. */
static pid_t answer_map(int listener, int replica)
{
    char map[256], question[256];
    snprintf(map, sizeof map,
             "*1\r\n*4\r\n:0\r\n:16383\r\n*3\r\n$9\r\n127.0.0.1\r\n:%d\r\n$1\r\na\r\n"
             "*3\r\n$9\r\n127.0.0.1\r\n:%d\r\n$1\r\nb\r\n",
             cluster.node[0].port, replica);
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    int fd = accept(listener, NULL, NULL);
    bool good = read(fd, question, sizeof question) > 0 && write(fd, map, strlen(map)) > 0;
    while (good && read(fd, question, sizeof question) > 0)
        continue;
    _exit(!good);
}

/* It accepts, and never says a word: the map names it as a replica, which nothing is asked of. */
static void test_silent_replica(void **state)
{
    (void)state;
    int port, silent_port, listener = listen_at(&port), silent = listen_at(&silent_port);
    char url[200], byte;
    struct client client = {.ready = 0};
    pid_t pid = answer_map(listener, silent_port);
    snprintf(url, sizeof url, "redis-cluster://127.0.0.1:%d,127.0.0.1:%d?ports=%d,%d,%d,%d,%d",
             silent_port, port, silent_port, port, cluster.node[0].port, cluster.node[1].port,
             cluster.node[2].port);
    url_now = url;
    must_open(&client, "one");
    int asked = accept(silent, NULL, NULL);
    assert_int_equal(fcntl(asked, F_SETFL, O_NONBLOCK), 0);
    struct wtime began = wtime_now();
    while (read(asked, &byte, 1) != 0 && client.failed == 0) {
        poll_loop_turn(client.loop.loop);
        if (wtime_now().ns - began.ns > 20 * NS_PER_S)
            fail_msg("what the replica was asked as a seed is still waited for");
    }
    assert_int_equal(client.failed, 0);
    client_close(&client);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(asked);
    close(silent);
    close(listener);
}

/* Behind walls there are sockets of one family only. */
static void test_other_family(void **state)
{
    (void)state;
    struct client client = {.ready = 0};
    struct store_config config = {.url = cluster.url,
                                  .prefix = CASE_PREFIX,
                                  .sensor = "one",
                                  .address = "127.0.0.1,127.0.0.1,127.0.0.1"};
    client_open(&client, &config);
    assert_int_equal(client.ready, 1);
    client_close(&client);
    for (int i = 0; i < 3; i++)
        cluster_order(&cluster.node[i], "CONFIG SET cluster-announce-ip ::1");
    client_open(&client, &config);
    assert_int_equal(client.ready, 0);
    if (!strstr(client.error.message, "another address family"))
        fail_msg("%s", client.error.message);
    client_close(&client);
}

int main(void)
{
    const struct CMUnitTest pure[] = {cmocka_unit_test(test_slots),
                                      cmocka_unit_test(test_redirections)};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_calls),    cmocka_unit_test(test_slots_move),
        cmocka_unit_test(test_least_rights), cmocka_unit_test(test_password_first),
        cmocka_unit_test(test_refused),      cmocka_unit_test(test_silent_replica),
        cmocka_unit_test(test_other_family)};
    log_set_level(LOG_ERROR_);
    int failed = cmocka_run_group_tests(pure, NULL, NULL);
    if (!has_program("redis-server"))
        return failed ? failed : 77;
    cluster_open(&cluster, 3);
    failed += cmocka_run_group_tests(tests, NULL, NULL);
    cluster_close(&cluster);
    return failed;
}
