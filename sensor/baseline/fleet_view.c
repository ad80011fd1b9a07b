/* See fleet_view.h. */
#include "weir/baseline/fleet_view.h"

#define DUE_NS   (2 * NS_PER_MIN)  /* docs/redis.md: how an hour is closed */
#define CLOCK_NS (50 * NS_PER_MIN) /* hours begin off the clock's in some zones */

const char *const fleet_state_name[FLEET_STATES] = {"at work", "behind", "stuck", "silent"};

uint64_t fleet_hours_behind(const struct fleet_view *view, const struct store_sensor *sensor)
{
    if (sensor->complete == STORE_NO_HOUR || sensor->complete >= view->due)
        return 0;
    return (uint64_t)(view->due - sensor->complete);
}

bool fleet_is_alive(const struct store_sensor *sensor)
{
    return sensor->silent_ms <= STORE_SILENT_NS / NS_PER_MS;
}

bool fleet_is_complete(const struct store_sensor *sensor, int64_t hour)
{
    return sensor->complete != STORE_NO_HOUR && sensor->complete >= hour;
}

/* Somebody is complete through it for so long that hours up to it are closed without the others.
 * One whose clock is ahead closes nothing without them. */
static int64_t waited_through(const struct store_overview *o)
{
    int64_t through = STORE_NO_HOUR, over = (o->now.ns + CLOCK_NS) / NS_PER_HOUR - 1;
    for (size_t i = 0; i < o->sensors; i++) {
        const struct store_sensor *sensor = &o->sensor[i];
        if (fleet_is_alive(sensor) && sensor->complete <= over && sensor->complete > through &&
            sensor->since_ms > STORE_WAIT_NS / NS_PER_MS)
            through = sensor->complete;
    }
    return through;
}

struct fleet_view fleet_view_of(struct calendar *calendar, const struct store_overview *overview)
{
    struct ptime over = {overview->now.ns - DUE_NS};
    return (struct fleet_view){calendar, overview, calendar_at(calendar, over).hour - 1,
                               waited_through(overview)};
}

enum fleet_state fleet_state_of(const struct fleet_view *view, const struct store_sensor *sensor)
{
    if (!fleet_is_alive(sensor))
        return FLEET_SILENT;
    if (fleet_is_complete(sensor, view->due))
        return FLEET_WORKS;
    /* An hour's word is good until the next one is due, and as long again as is waited for. */
    bool late = sensor->since_ms > (NS_PER_HOUR + STORE_WAIT_NS) / NS_PER_MS;
    return late ? FLEET_STUCK : FLEET_BEHIND;
}

void fleet_json_sensor(struct json *json, const struct fleet_view *view,
                       const struct store_sensor *sensor)
{
    json_str(json, "sensor", sensor->name);
    json_str(json, "state", fleet_state_name[fleet_state_of(view, sensor)]);
    json_uint(json, "silent_ms", sensor->silent_ms);
    json_uint(json, "hours_behind", fleet_hours_behind(view, sensor));
    json_uint(json, "since_ms", sensor->since_ms);
    if (sensor->clock_known)
        json_int(json, "clock_ahead_ms", sensor->ahead_ms);
    else
        json_none(json, "clock_ahead_ms");
    json_bool(json, "forgets", sensor->forgets);
}
