/* A tunnel as JSON. Any thread: no state. */
#include "weir/alert/tunnel.h"

static void put_end(struct json *json, const char *key, const struct ip *ip, uint16_t port)
{
    char text[IP_TEXT_SIZE];
    json_open(json, key);
    json_str(json, "ip", ip_text(ip, text));
    if (port)
        json_uint(json, "port", port);
    json_close(json);
}

static void put_layers(struct json *json, const struct tunnel *tunnel)
{
    size_t listed = tunnel_listed(tunnel);
    json_list(json, "layers");
    for (size_t i = 0; i < listed; i++) {
        json_open(json, NULL);
        json_str(json, "type", layer_name[tunnel->layer[i]]);
        json_uint(json, "id", tunnel->id[i]);
        json_close(json);
    }
    json_close(json);
    if (tunnel->count > listed)
        json_uint(json, "more", tunnel->count - listed);
}

static bool hop_used(const struct tunnel_hop *hop)
{
    static const struct ip none;
    return ip_compare(&hop->orig_ip, &none) != 0 || ip_compare(&hop->resp_ip, &none) != 0;
}

void tunnel_put(struct json *json, const struct tunnel *tunnel)
{
    put_layers(json, tunnel);
    if (!tunnel_addressed(tunnel))
        return;
    put_end(json, "orig", &tunnel->orig_ip, tunnel->orig_port);
    put_end(json, "resp", &tunnel->resp_ip, tunnel->resp_port);
    if (!hop_used(&tunnel->hop[0]))
        return;
    json_list(json, "hops");
    for (size_t i = 0; i < TUNNEL_HOPS && hop_used(&tunnel->hop[i]); i++) {
        json_open(json, NULL);
        put_end(json, "orig", &tunnel->hop[i].orig_ip, 0);
        put_end(json, "resp", &tunnel->hop[i].resp_ip, 0);
        json_close(json);
    }
    json_close(json);
}
