/* hiredis' asynchronous API on base/loop.h: what its own adapters do for other loops.
 *
 * hiredis may free its context, and with it this adapter, inside either handler: then the adapter
 * outlives the handler, and is freed behind it.
 * Thread: the loop's. */
#include "quiet.h"
#include "store_link.h"
#include "weir/base/buffer.h"

#include <stdlib.h>

struct adapter {
    redisAsyncContext *redis;
    struct loop_ref loop;
    struct loop_watch *watch;
    unsigned what;
    bool busy; /* a handler runs */
    bool gone; /* the context was freed meanwhile */
};

static void handle_write(redisAsyncContext *redis)
{
    struct quiet quiet = quiet_begin();
    redisAsyncHandleWrite(redis);
    quiet_end(&quiet);
}

static void on_ready(void *context, unsigned what)
{
    struct adapter *adapter = context;
    adapter->busy = true;
    if (what & LOOP_READ)
        redisAsyncHandleRead(adapter->redis);
    if (!adapter->gone && (what & LOOP_WRITE))
        handle_write(adapter->redis);
    adapter->busy = false;
    if (adapter->gone)
        free(adapter);
}

static void change(struct adapter *adapter, unsigned what)
{
    if (what == adapter->what)
        return;
    adapter->what = what;
    adapter->loop.ops->change(adapter->watch, what);
}

static void add_read(void *data)
{
    struct adapter *adapter = data;
    change(adapter, adapter->what | LOOP_READ);
}

static void del_read(void *data)
{
    struct adapter *adapter = data;
    change(adapter, adapter->what & ~LOOP_READ);
}

static void add_write(void *data)
{
    struct adapter *adapter = data;
    change(adapter, adapter->what | LOOP_WRITE);
}

static void del_write(void *data)
{
    struct adapter *adapter = data;
    change(adapter, adapter->what & ~LOOP_WRITE);
}

static void cleanup(void *data)
{
    struct adapter *adapter = data;
    adapter->loop.ops->drop(adapter->watch);
    adapter->gone = true;
    if (!adapter->busy)
        free(adapter);
}

int store_loop_attach(redisAsyncContext *redis, struct loop_ref loop)
{
    struct adapter *adapter = xcalloc(1, sizeof *adapter);
    *adapter = (struct adapter){.redis = redis, .loop = loop, .what = LOOP_READ | LOOP_WRITE};
    adapter->watch = loop.ops->watch(loop.loop, redis->c.fd, adapter->what, on_ready, adapter);
    if (!adapter->watch) {
        free(adapter);
        return -1;
    }
    redis->ev.data = adapter;
    redis->ev.addRead = add_read;
    redis->ev.delRead = del_read;
    redis->ev.addWrite = add_write;
    redis->ev.delWrite = del_write;
    redis->ev.cleanup = cleanup;
    return 0;
}
