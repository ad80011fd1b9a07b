/* Hosts whose packets that are held for evidence are to be forgotten: orders of the engine's, that
 * every capture process carries out in its own file, one after the other. One that dies amid it has
 * not answered, and its successor gets the order again; one that is starting gets it when it runs,
 * for until then it writes to pages of the file. An order is kept until all have answered and the
 * engine, which writes it down, was told what came of it. Capture is not believed more than that it
 * answered; its figures are told as they are. Thread: the main thread. */
#include "supervisor.h"

#include "weir/base/log.h"
#include "weir/investigate/keeper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void say_why(struct forget_order *order, const char *why)
{
    if (!*order->came.why)
        snprintf(order->came.why, sizeof order->came.why, "%.199s", why);
}

static void add(struct forget_order *order, const struct held_forgotten *came)
{
    order->came.packets += came->packets;
    order->came.unreadable += came->unreadable;
    if (came->failed)
        say_why(order, strerror(came->failed));
}

static bool is_answered(const struct supervisor *s, const struct forget_order *order)
{
    for (uint32_t i = 0; i < s->posts; i++)
        if (order->waits[i])
            return false;
    return true;
}

/* What is done, in the order in which it was asked for. An engine that makes room for its successor
 * reads no more: the successor is told. */
static void settle(struct supervisor *s)
{
    while (s->forgets > 0 && is_answered(s, s->forget) && !s->reload_sent && !s->courier_agreed) {
        if (!engine_child_tell(s, CONTROL_FORGOTTEN, &s->forget->came, sizeof s->forget->came))
            return; /* later */
        memmove(s->forget, s->forget + 1, --s->forgets * sizeof *s->forget);
    }
}

static void give(struct supervisor *s, uint32_t number)
{
    struct post *post = &s->post[number];
    for (size_t i = 0; i < s->forgets && post->worker.state == WORKER_RUNNING; i++) {
        if (!s->forget[i].waits[number])
            continue;
        if (post->forgetting == 0 && worker_forget(&post->worker, &s->forget[i].orders))
            post->forgetting = s->forget[i].orders.number;
        return;
    }
}

void forgets_tick(struct supervisor *s)
{
    for (uint32_t i = 0; i < s->posts; i++)
        give(s, i);
    settle(s);
}

static void refuse(const struct supervisor *s, const struct forget_orders *orders)
{
    struct forgotten_news news;
    memset(&news, 0, sizeof news);
    news.asked_ns = orders->asked_ns;
    snprintf(news.why, sizeof news.why, "%d others are being forgotten: say it again", FORGETS_MAX);
    engine_child_send(s, CONTROL_FORGOTTEN, &news, sizeof news, NULL, 0);
}

void forgets_take(struct supervisor *s, const struct forget_orders *orders)
{
    if (s->forgets == FORGETS_MAX) {
        refuse(s, orders);
        return;
    }
    struct forget_order *order = &s->forget[s->forgets++];
    memset(order, 0, sizeof *order);
    order->orders = *orders;
    order->orders.number = ++s->last_forget;
    order->came.asked_ns = orders->asked_ns;
    for (uint32_t i = 0; i < s->posts; i++)
        order->waits[i] = s->post[i].held_fd >= 0;
    forgets_tick(s);
}

void forgets_answer(struct supervisor *s, struct post *post, const struct forgotten_answer *answer)
{
    uint32_t number = (uint32_t)(post - s->post);
    if (post->forgetting == 0 || answer->number != post->forgetting)
        return; /* nothing it was asked for */
    post->forgetting = 0;
    for (size_t i = 0; i < s->forgets; i++)
        if (s->forget[i].orders.number == answer->number) {
            s->forget[i].waits[number] = false;
            add(&s->forget[i], &answer->came);
        }
    forgets_tick(s);
}

static void forget_in_file(const struct supervisor *s, uint32_t number, struct forget_order *order)
{
    struct error error = {0};
    struct held_forgotten came = {.packets = 0};
    char *path = keeper_held_path(s->state.folder, number);
    if (evidence_ring_forget_file(path, s->config.evidence.segment_mib << 20, &order->orders.ip,
                                  &came, &error) != 0) {
        log_warn("what is held of a host is not forgotten: %s", error.message);
        say_why(order, error.message);
        came.failed = 0;
    }
    add(order, &came);
    order->waits[number] = false;
    free(path);
}

bool forgets_last(struct supervisor *s)
{
    for (size_t i = 0; i < s->forgets; i++)
        for (uint32_t number = 0; number < s->posts; number++)
            if (s->forget[i].waits[number]) {
                forget_in_file(s, number, &s->forget[i]);
                return false;
            }
    settle(s);
    return true;
}
