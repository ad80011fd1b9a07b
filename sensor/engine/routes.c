/* See routes.h. Thread: the engine's. */
#include "routes.h"

#include "internal.h"
#include "stories_kept.h"

#include "weir/base/digest.h"
#include "weir/base/pages.h"

#include <string.h>

_Static_assert(sizeof(struct route_ends) == 2 * sizeof(struct ip) + 4, "no padding");
_Static_assert(sizeof(struct route) == 128, "two lines of the cache");

void routes_init(struct routes *routes)
{
    routes->route = pages_calloc(ROUTES, sizeof *routes->route);
}

void routes_fini(struct routes *routes)
{
    pages_free(routes->route, ROUTES, sizeof *routes->route);
    *routes = (struct routes){.made = 0};
}

static struct route_ends ends_of(const struct flow_key *key)
{
    return (struct route_ends){key->orig_ip, key->resp_ip, key->vlan, key->vantage, 1};
}

static bool is_between(const struct route *route, const struct route_ends *ends)
{
    return memcmp(&route->ends, ends, sizeof *ends) == 0;
}

/* The first of its places. */
static struct route *place_of(const struct routes *routes, const struct route_ends *ends)
{
    uint64_t hash = hash64(ends, sizeof *ends, 0);
    return &routes->route[hash % (ROUTES / ROUTE_WAYS) * ROUTE_WAYS];
}

/* --- one that is new -------------------------------------------------------------------------- */

/* What an address is called by is short. */
static void set_names(struct route *route, const struct ip *host,
                      const struct destination *destination)
{
    struct story_key key;
    size_t all = story_make_key(host, destination, &key), size = all - sizeof key.host;
    route->host_hash = map_hash(&key.host, sizeof key.host);
    route->place_hash = map_hash(key.text, size);
    route->story_hash = map_hash(&key, all);
    if (size >= ROUTE_TEXT)
        return;
    memcpy(route->text, key.text, size);
    route->size = (uint8_t)size;
    route->name_at = (uint8_t)(size - strlen(destination->name));
    route->kind = (uint8_t)destination->kind;
}

static void find(struct engine *engine, const struct flow_key *key, struct route *route)
{
    struct way way = way_of(engine->config.inside, key, NULL);
    bool unverified;
    route->scope = (uint8_t)way.scope;
    if (way.scope != SCOPE_OUT && way.scope != SCOPE_IN)
        return;
    struct destination destination = account_destination(engine, &way, "", NULL, &unverified);
    set_names(route, &way.host, &destination);
}

struct route *routes_of(struct engine *engine, const struct flow_key *key)
{
    struct route_ends ends = ends_of(key);
    struct route *next = engine->routes.next, *place;
    if (next && is_between(next, &ends))
        return next;
    place = place_of(&engine->routes, &ends);
    for (size_t i = 0; i < ROUTE_WAYS; i++)
        if (is_between(&place[i], &ends))
            return &place[i];
    memmove(place + 1, place, (ROUTE_WAYS - 1) * sizeof *place);
    *place = (struct route){.ends = ends, .number = ++engine->routes.made};
    find(engine, key, place);
    return place;
}

void routes_prefetch(const struct engine *engine, const struct flow_key *key)
{
    struct route_ends ends = ends_of(key);
    const char *place = (const char *)place_of(&engine->routes, &ends);
    for (size_t at = 0; at < ROUTE_WAYS * sizeof(struct route); at += 64)
        __builtin_prefetch(place + at);
}

void routes_expect(struct engine *engine, struct route *route)
{
    engine->routes.next = route;
}

/* --- one that is known ------------------------------------------------------------------------ */

struct way route_way(const struct route *route, const struct flow_key *key)
{
    return way_by_scope((enum scope)route->scope, key);
}

bool route_leads(const struct engine *engine, const struct route *route,
                 const struct record_flow *record)
{
    return route->size > 0 && record->tunnels == 0 && !engine->config.by_device &&
           (route->scope == SCOPE_IN || record->text_size[TEXT_SERVER_NAME] == 0);
}

void route_destination(const struct route *route, struct destination *destination)
{
    memset(destination, 0, sizeof *destination);
    destination->role = route->scope == SCOPE_IN ? ROLE_SERVED : ROLE_CLIENT;
    destination->kind = (enum destination_kind)route->kind;
    memcpy(destination->name, route->text + route->name_at, (size_t)route->size - route->name_at);
}
