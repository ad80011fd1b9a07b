/* The file of conduits: a list of
 *
 *   - from: supervision        # a zone, inside (in no zone), outside, any
 *     to: control
 *     protocol: modbus         # what the content proves to be, or tcp, udp, icmp, …, any
 *     port: 502                # of whoever is opened to; or "5000-5010"; left out: any
 *     direction: forward       # `from` opens; both: either may
 *     access: read             # or write, which reads too; left out: write
 *     writers: [10.9.1.8]      # who may write; left out: whoever opens
 *     functions: [3, 0x10]     # what may be asked for (record/function.h); left out: anything
 *     functions_state: observe # what else is asked for is drift; left out, locked: not allowed
 *     sign_off: "A. Sato, 2026-11-27"
 *
 * as `weir zones propose` writes it: `seen` and `note` are for people and only looked over. All of
 * it holds or nothing. Start-up only. */
#include "weir/base/yaml.h"
#include "weir/detect/zones.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct loading {
    struct zones *zones;
    const char *name;
    struct error *error;
};

static int refuse(const struct loading *l, const struct yaml_node *node, const char *expected)
{
    const char *what = node->kind == YAML_LIST  ? "a list"
                       : node->kind == YAML_MAP ? "a mapping"
                                                : NULL;
    const char *key = node->key ? node->key : "conduit";
    if (what)
        return error_set(l->error, ERROR_USAGE, "%s:%d:%d: %.40s: is %s, expected %s", l->name,
                         node->line, node->column, key, what, expected);
    return error_set(l->error, ERROR_USAGE, "%s:%d:%d: %.40s: \"%.60s\", expected %s", l->name,
                     node->line, node->column, key, node->text, expected);
}

/* --- one key ---------------------------------------------------------------------------------- */

static int read_end(const struct loading *l, const struct yaml_node *node, uint8_t *end)
{
    int found = node->kind == YAML_SCALAR ? zones_find(l->zones, node->text) : -1;
    if (found < 0)
        return refuse(l, node, "a zone of networks.zones, inside, outside or any");
    *end = (uint8_t)found;
    return 0;
}

static int read_from(const struct loading *l, const struct yaml_node *node, struct conduit *conduit)
{
    return read_end(l, node, &conduit->from);
}

static int read_to(const struct loading *l, const struct yaml_node *node, struct conduit *conduit)
{
    return read_end(l, node, &conduit->to);
}

static const struct {
    const char *name;
    uint8_t proto;
} transport[] = {{"any", 0},  {"icmp", 1}, {"tcp", 6},    {"udp", 17},
                 {"gre", 47}, {"esp", 50}, {"icmp6", 58}, {"sctp", 132}};

static int read_protocol(const struct loading *l, const struct yaml_node *node,
                         struct conduit *conduit)
{
    static const char expected[] = "any, tcp, udp, icmp, icmp6, sctp, gre, esp, a number as 89, or "
                                   "a service as modbus, dns, tls";
    if (node->kind != YAML_SCALAR)
        return refuse(l, node, expected);
    for (size_t i = 0; i < sizeof transport / sizeof *transport; i++)
        if (strcmp(node->text, transport[i].name) == 0) {
            conduit->proto = transport[i].proto;
            return 0;
        }
    for (int i = SERVICE_NONE + 1; i < SERVICES; i++)
        if (strcmp(node->text, service_name[i]) == 0) {
            conduit->service = (uint8_t)i;
            return 0;
        }
    char *end;
    long number = strtol(node->text, &end, 10);
    if (*node->text < '1' || *node->text > '9' || *end || number > 255)
        return refuse(l, node, expected);
    conduit->proto = (uint8_t)number;
    return 0;
}

/* The number at `text`, 0 to 65535, and where it ends; −1: there is none. */
static int port_at(const char *text, const char **end)
{
    size_t digits = strspn(text, "0123456789");
    long number = strtol(text, NULL, 10);
    *end = text + digits;
    return digits == 0 || digits > 5 || number > UINT16_MAX ? -1 : (int)number;
}

static int read_port(const struct loading *l, const struct yaml_node *node, struct conduit *conduit)
{
    static const char expected[] = "a port as 502, or \"5000-5010\"";
    const char *end;
    if (node->kind != YAML_SCALAR)
        return refuse(l, node, expected);
    int first = port_at(node->text, &end), last = first;
    if (first >= 0 && *end == '-')
        last = port_at(end + 1, &end);
    if (first < 0 || last < first || *end)
        return refuse(l, node, expected);
    conduit->port_first = (uint16_t)first;
    conduit->port_last = (uint16_t)last;
    return 0;
}

static int read_word(const struct loading *l, const struct yaml_node *node, const char *no,
                     const char *yes, bool *value)
{
    char expected[40];
    snprintf(expected, sizeof expected, "%s or %s", no, yes);
    *value = node->kind == YAML_SCALAR && strcmp(node->text, yes) == 0;
    if (!*value && (node->kind != YAML_SCALAR || strcmp(node->text, no) != 0))
        return refuse(l, node, expected);
    return 0;
}

static int read_direction(const struct loading *l, const struct yaml_node *node,
                          struct conduit *conduit)
{
    return read_word(l, node, "forward", "both", &conduit->both);
}

static int read_access(const struct loading *l, const struct yaml_node *node,
                       struct conduit *conduit)
{
    bool writes;
    if (read_word(l, node, "read", "write", &writes) != 0)
        return -1;
    conduit->access = writes ? CONDUIT_WRITE : CONDUIT_READ;
    return 0;
}

static int read_writers(const struct loading *l, const struct yaml_node *node,
                        struct conduit *conduit)
{
    if (node->kind != YAML_LIST)
        return refuse(l, node, "a list of addresses");
    if (!node->child)
        return refuse(l, node, "an address; leave it out: whoever opens");
    for (const struct yaml_node *item = node->child; item; item = item->next) {
        if (item->kind != YAML_SCALAR || conduit->writer_count == CONDUIT_WRITERS ||
            ip_parse(item->text, &conduit->writer[conduit->writer_count]) != 0)
            return refuse(l, item, "an address, at most 16 of them");
        conduit->writer_count++;
    }
    return 0;
}

/* A code of 16 bits, as 41 or 0x29; −1: it is none. */
static int code_of(const struct yaml_node *node)
{
    bool hex = node->kind == YAML_SCALAR && strncmp(node->text, "0x", 2) == 0;
    const char *digits = node->kind == YAML_SCALAR ? node->text + (hex ? 2 : 0) : "";
    size_t size = strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789");
    long code = strtol(digits, NULL, hex ? 16 : 10);
    return size == 0 || size > 5 || digits[size] || code > UINT16_MAX ? -1 : (int)code;
}

static int read_functions(const struct loading *l, const struct yaml_node *node,
                          struct conduit *conduit)
{
    if (node->kind != YAML_LIST)
        return refuse(l, node, "a list of function codes");
    if (!node->child)
        return refuse(l, node, "a function code; leave it out: any may be asked for");
    for (const struct yaml_node *item = node->child; item; item = item->next) {
        int code = code_of(item);
        if (code < 0)
            return refuse(l, item, "a function code as 16 or 0x29");
        function_set_add(&conduit->functions, (uint16_t)code);
        if (conduit->functions.more > 0)
            return refuse(l, item, "at most 32 function codes");
    }
    return 0;
}

static int read_functions_state(const struct loading *l, const struct yaml_node *node,
                                struct conduit *conduit)
{
    return read_word(l, node, zone_state_name[ZONE_OBSERVE], zone_state_name[ZONE_LOCKED],
                     &conduit->functions_locked);
}

static int read_sign_off(const struct loading *l, const struct yaml_node *node,
                         struct conduit *conduit)
{
    if (node->kind != YAML_SCALAR)
        return refuse(l, node, "who allows it, and when");
    conduit->signed_off = *node->text != '\0';
    return 0;
}

static int look_over(const struct loading *l, const struct yaml_node *node, struct conduit *conduit)
{
    (void)l;
    (void)node;
    (void)conduit;
    return 0;
}

static const struct {
    const char *name;
    int (*read)(const struct loading *l, const struct yaml_node *node, struct conduit *conduit);
} keys[] = {{"from", read_from},
            {"to", read_to},
            {"protocol", read_protocol},
            {"port", read_port},
            {"direction", read_direction},
            {"access", read_access},
            {"writers", read_writers},
            {"functions", read_functions},
            {"functions_state", read_functions_state},
            {"sign_off", read_sign_off},
            {"seen", look_over},
            {"note", look_over}};

/* --- one conduit ------------------------------------------------------------------------------ */

static int read_key(const struct loading *l, const struct yaml_node *node, struct conduit *conduit)
{
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strcmp(node->key, keys[i].name) == 0)
            return keys[i].read(l, node, conduit);
    return error_set(
        l->error, ERROR_USAGE,
        "%s:%d:%d: unknown key \"%.40s\", expected from, to, protocol, port, "
        "direction, access, writers, functions, functions_state, sign_off, seen or note",
        l->name, node->key_line, node->key_column, node->key);
}

/* A service's protocol, and any, may have ports. */
static int check_port(const struct loading *l, const struct yaml_node *node,
                      const struct conduit *conduit)
{
    const struct yaml_node *port = yaml_get(node, "port");
    if (!port || conduit->proto == 0 || proto_has_ports(conduit->proto))
        return 0;
    return refuse(l, port, "none: this protocol has no ports");
}

/* Only a protocol's requests have functions, and no code beyond its last. */
static int check_functions(const struct loading *l, const struct yaml_node *node,
                           const struct conduit *conduit)
{
    const struct function_set *set = &conduit->functions;
    uint16_t last = function_last((enum service)conduit->service);
    char expected[48];
    const struct yaml_node *state = yaml_get(node, "functions_state");
    if (set->count == 0)
        return state ? refuse(l, state, "none: no functions are listed") : 0;
    if (last == 0)
        return refuse(l, yaml_get(node, "functions"), "none: this protocol has no function codes");
    if (set->code[set->count - 1] <= last)
        return 0;
    snprintf(expected, sizeof expected, "codes of this protocol, up to %u", last);
    return refuse(l, yaml_get(node, "functions"), expected);
}

static int read_conduit(const struct loading *l, const struct yaml_node *node,
                        struct conduit *conduit)
{
    static const char *const needed[] = {"from", "to", "protocol"};
    *conduit = (struct conduit){.port_last = UINT16_MAX,
                                .access = CONDUIT_WRITE,
                                .functions_locked = true,
                                .line = node->line};
    if (node->kind != YAML_MAP)
        return refuse(l, node, "{from: ZONE, to: ZONE, protocol: …}");
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (!yaml_get(node, needed[i]))
            return error_set(l->error, ERROR_USAGE, "%s:%d:%d: a conduit without \"%s\"", l->name,
                             node->line, node->column, needed[i]);
    for (const struct yaml_node *key = node->child; key; key = key->next)
        if (read_key(l, key, conduit) != 0)
            return -1;
    if (conduit->from >= ZONES_MAX && conduit->to >= ZONES_MAX && conduit->from != ZONE_ANY &&
        conduit->to != ZONE_ANY)
        return error_set(l->error, ERROR_USAGE,
                         "%s:%d:%d: neither end is a zone: nothing is judged there", l->name,
                         node->line, node->column);
    return check_port(l, node, conduit) == 0 ? check_functions(l, node, conduit) : -1;
}

/* In the order of the file, for each pair of ends. */
static void link_all(struct zones *zones)
{
    memset(zones->first, 0, sizeof zones->first);
    for (size_t i = zones->conduit_count; i-- > 0;) {
        struct conduit *conduit = &zones->conduit[i];
        conduit->next = zones->first[conduit->from][conduit->to];
        zones->first[conduit->from][conduit->to] = (uint16_t)(i + 1);
    }
}

static int read_all(const struct loading *l, const struct yaml_node *root)
{
    struct zones *zones = l->zones;
    bool empty = root->kind == YAML_MAP && !root->child;
    if (root->kind != YAML_LIST && !empty)
        return refuse(l, root, "a list of conduits");
    size_t count = 0;
    for (const struct yaml_node *node = root->child; node; node = node->next)
        count++;
    if (count > CONDUITS_MAX)
        return error_set(l->error, ERROR_USAGE, "%s: %zu conduits, expected at most %u", l->name,
                         count, CONDUITS_MAX);
    zones->conduit = xcalloc(count + 1, sizeof *zones->conduit);
    for (const struct yaml_node *node = root->child; node; node = node->next)
        if (read_conduit(l, node, &zones->conduit[zones->conduit_count++]) != 0)
            return -1;
    return 0;
}

int zones_load_conduits(struct zones *zones, const char *name, const char *text, size_t size,
                        struct error *error)
{
    struct loading l = {zones, name, error};
    free(zones->conduit);
    zones->conduit = NULL;
    zones->conduit_count = 0;
    struct yaml_node *root = yaml_parse(name, text, size, error);
    int failed = root ? read_all(&l, root) : -1;
    yaml_node_free(root);
    if (failed)
        zones->conduit_count = 0;
    link_all(zones);
    return failed;
}
