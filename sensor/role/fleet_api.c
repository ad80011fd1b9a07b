/* See fleet_api.h. The store is asked when somebody wants to know, in one step that changes
 * nothing; while it is away nothing is made up. */
#include "fleet_api.h"

#include "weir/base/json.h"
#include "weir/baseline/fleet_view.h"

#include <stdlib.h>
#include <string.h>

#define GIVEN_UP_NS (5 * NS_PER_S) /* by then the api has said that no answer came */

static void put_hours(struct json *json, const struct fleet_view *view)
{
    const struct store_overview *o = view->overview;
    bool known = o->closed != STORE_NO_HOUR;
    if (known)
        json_uint(json, "hours_behind",
                  o->closed < view->due ? (uint64_t)(view->due - o->closed) : 0);
    else
        json_none(json, "hours_behind");
    json_str(json, "closer", o->closer);
}

static char *say(const struct fleet_asked *asked, const struct store_overview *o)
{
    struct fleet_view view = fleet_view_of(asked->calendar, o);
    size_t listed = o->sensors < FLEET_LISTED ? o->sensors : FLEET_LISTED;
    struct json *json = json_new();
    json_open(json, NULL);
    json_time(json, "now", o->now);
    put_hours(json, &view);
    json_list(json, "sensors");
    for (size_t i = 0; i < listed; i++) {
        json_open(json, NULL);
        fleet_json_sensor(json, &view, &o->sensor[i]);
        json_bool(json, "self", strcmp(o->sensor[i].name, asked->sensor) == 0);
        json_close(json);
    }
    json_close(json);
    json_uint(json, "more", o->more + (o->sensors - listed));
    json_close(json);
    char *text = json_take_text(json, 0);
    json_free(json);
    return text;
}

static void on_overview(void *context, const struct store_overview *overview)
{
    struct fleet_asked *asked = context;
    for (size_t i = 0; i < asked->count; i++) {
        struct api_reply reply = {.status = 200, .type = "application/json"};
        reply.body = say(asked, overview);
        api_answer(asked->asker[i].api, asked->asker[i].ticket, &reply);
    }
    asked->count = 0;
}

void fleet_api_list(struct fleet_asked *asked, const struct engine *engine, struct api *api,
                    const struct api_request *request, struct api_reply *reply)
{
    struct wtime now = wtime_now();
    if (asked->count > 0 && now.ns - asked->since.ns > GIVEN_UP_NS)
        asked->count = 0; /* the store went */
    if (asked->count == sizeof asked->asker / sizeof *asked->asker) {
        api_refuse(reply, 503, "too many wait for the store's answer: ask again");
        return;
    }
    if (asked->count == 0) {
        if (!engine_read_fleet(engine, on_overview, asked)) {
            api_refuse(reply, 503, "the store is away: only it knows of the other sensors");
            return;
        }
        asked->since = now;
    }
    asked->asker[asked->count++] = (struct fleet_asker){api, request->ticket};
    reply->later = true;
    reply->late = "the store did not answer";
}
