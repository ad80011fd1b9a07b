/* See zones_text.h. The order is that of zones, then of protocols and ports: the same input gives
 * the same text. Pure. */
#include "zones_text.h"

#include "weir/base/time.h"

#include <stdio.h>

#define TIME_TEXT 32

static char *finish(struct buffer *b)
{
    buffer_u8(b, 0);
    return (char *)b->data;
}

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

/* --- a row ------------------------------------------------------------------------------------ */

static const char *protocol_of(uint8_t service, uint8_t proto, char text[8])
{
    static const struct {
        uint8_t proto;
        const char *name;
    } row[] = {{0, "any"},  {1, "icmp"}, {6, "tcp"},    {17, "udp"},
               {47, "gre"}, {50, "esp"}, {58, "icmp6"}, {132, "sctp"}};
    if (service_name[service])
        return service_name[service];
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        if (row[i].proto == proto)
            return row[i].name;
    snprintf(text, 8, "%u", proto);
    return text;
}

static bool was_written(const struct conduit_seen *row)
{
    return row->writes > 0 || row->writer_count > 0 || row->more_writers;
}

/* A running sensor with privacy.pseudonyms does not say who. */
static bool hides_writers(const struct conduit_seen *row)
{
    return was_written(row) && row->writer_count == 0;
}

/* Of either side, than are kept. */
static bool has_more_functions(const struct conduit_seen *row)
{
    return row->more_functions > 0 || row->more_functions_back > 0;
}

/* Of what is proposed. Where it was seen who opens, that is only what the opener asks for: what the
 * other side says is no plant's habit to be learnt. */
static bool is_proposed(const struct conduit_seen *row, size_t at)
{
    return !row->certain || !row->function[at].back;
}

/* As the flow of it that said most was judged; behind the writers that are known, one that is not.
 * What was asked for is judged function by function: no one flow need have asked for all. */
static struct zone_flow flow_of(const struct conduit_seen *row, size_t writer)
{
    struct zone_flow flow = {.from = row->from,
                             .to = row->to,
                             .proto = row->proto,
                             .service = (enum service)row->service,
                             .resp_port = row->port,
                             .payload_bytes = {row->most_said, 0},
                             .certain = row->certain,
                             .ended = true};
    if (writer < row->writer_count) {
        flow.writes = 1;
        flow.orig = row->writer[writer];
    } else {
        flow.writes = was_written(row);
    }
    return flow;
}

/* A flow of it that asks for this function and nothing else, and writes if that does and something
 * was written; `at` behind all: for none of those that are kept. */
static struct zone_flow asking_for(const struct conduit_seen *row, size_t at, size_t writer)
{
    struct zone_flow flow = flow_of(row, writer);
    flow.writes = was_written(row) && at < row->function_count &&
                  function_writes(flow.service, row->function[at].code);
    if (at < row->function_count)
        function_set_add(&flow.functions, row->function[at].code);
    else
        flow.functions.more = 1;
    return flow;
}

/* Of none of those that write is it listed: who of them asked for it is not known. */
static bool is_new(const struct zones *zones, const struct conduit_seen *row, size_t at, bool *used)
{
    bool new = true;
    for (size_t writer = 0; writer == 0 || writer < row->writer_count; writer++) {
        struct zone_flow flow = asking_for(row, at, writer);
        struct zone_verdict verdict;
        if (!zones_judge(zones, &flow, &verdict))
            return false;
        if (verdict.row >= 0)
            used[verdict.row] = true;
        new = new && (verdict.fault == ZONE_DRIFT || verdict.fault == ZONE_FUNCTION ||
                      verdict.functions > 0);
    }
    return new;
}

static bool has_new_functions(const struct zones *zones, const struct conduit_seen *row, bool *used)
{
    bool any = false;
    for (size_t at = 0; at < row->function_count + has_more_functions(row); at++)
        any |= is_new(zones, row, at, used);
    return any;
}

/* The worst of what is against it: of each that writes, or of it as it is read; else of what is
 * asked for. `used`: of each conduit, whether something went its way, if only more than it allows.
 */
static enum zone_fault fault_of(const struct zones *zones, const struct conduit_seen *row,
                                bool *used)
{
    enum zone_fault worst = ZONE_ALLOWED;
    size_t writers = row->writer_count + row->more_writers;
    for (size_t writer = 0; writer == 0 || writer < writers; writer++) {
        struct zone_flow flow = flow_of(row, writer);
        struct zone_verdict verdict;
        if (!zones_judge(zones, &flow, &verdict))
            continue;
        if (verdict.fault == ZONE_WRITER && hides_writers(row))
            verdict.fault = ZONE_ALLOWED; /* that is not known */
        if (verdict.row >= 0)
            used[verdict.row] = true;
        if (verdict.fault > worst)
            worst = verdict.fault;
    }
    if (has_new_functions(zones, row, used) && worst == ZONE_ALLOWED)
        worst = ZONE_DRIFT;
    return worst;
}

/* --- the proposal ----------------------------------------------------------------------------- */

static void put_writers(struct buffer *b, const struct conduit_seen *row)
{
    char text[IP_TEXT_SIZE];
    if (row->writer_count == 0 || row->more_writers)
        return;
    buffer_text(b, "  writers: [");
    for (size_t i = 0; i < row->writer_count; i++)
        buffer_text(b, "%s\"%s\"", i ? ", " : "", ip_text(&row->writer[i], text));
    buffer_text(b, "]\n");
}

static bool proposes_functions(const struct conduit_seen *row)
{
    for (size_t i = 0; i < row->function_count; i++)
        if (is_proposed(row, i))
            return true;
    return false;
}

/* Codes, and what those are called that have a name. */
static void put_functions(struct buffer *b, const struct conduit_seen *row, bool locked)
{
    char text[8];
    const char *before = " # ", *comma = "";
    enum service service = (enum service)row->service;
    if (row->more_functions || !proposes_functions(row))
        return;
    buffer_text(b, "  functions: [");
    for (size_t i = 0; i < row->function_count; i++)
        if (is_proposed(row, i)) {
            buffer_text(b, "%s%s", comma, function_number(service, row->function[i].code, text));
            comma = ", ";
        }
    buffer_text(b, "]");
    for (size_t i = 0; i < row->function_count; i++) {
        const char *name =
            is_proposed(row, i) ? function_name(service, row->function[i].code) : NULL;
        buffer_text(b, "%s%s", name ? before : "", name ? name : "");
        before = name ? ", " : before;
    }
    buffer_text(b, "\n  functions_state: %s\n",
                zone_state_name[locked ? ZONE_LOCKED : ZONE_OBSERVE]);
}

/* In how many flows each was asked for. */
static void put_functions_seen(struct buffer *b, const struct conduit_seen *row)
{
    char text[8];
    if (row->function_count == 0)
        return;
    buffer_text(b, ", functions: {");
    for (size_t i = 0; i < row->function_count; i++)
        buffer_text(b, "%s%s: %llu", i ? ", " : "",
                    function_number((enum service)row->service, row->function[i].code, text),
                    (unsigned long long)row->function[i].flows);
    buffer_text(b, "}");
}

static void put_seen(struct buffer *b, const struct conduit_seen *row)
{
    char first[TIME_TEXT], last[TIME_TEXT];
    buffer_text(b,
                "  seen: {flows: %llu, once: %s, first: \"%s\", last: \"%s\", reads: %llu, "
                "writes: %llu, bytes: [%llu, %llu]",
                (unsigned long long)row->flows, row->flows <= 1 ? "true" : "false",
                ptime_iso((struct ptime){row->first_ns}, first, sizeof first),
                ptime_iso((struct ptime){row->last_ns}, last, sizeof last),
                (unsigned long long)row->reads, (unsigned long long)row->writes,
                (unsigned long long)row->bytes[SIDE_ORIG],
                (unsigned long long)row->bytes[SIDE_RESP]);
    put_functions_seen(b, row);
    buffer_text(b, "}\n");
}

static const char *outside_note(const struct conduit_seen *row)
{
    if (row->to != ZONE_OUTSIDE && row->from != ZONE_OUTSIDE)
        return NULL;
    return service_is_ot((enum service)row->service)
               ? "a control protocol with the outside: does it belong there?"
               : "with the outside";
}

static const char *writers_note(const struct conduit_seen *row)
{
    if (hides_writers(row))
        return "who writes is hidden by pseudonyms: they are not listed";
    return row->more_writers ? "more than 16 hosts write: they are not listed" : NULL;
}

/* Codes are in `seen`. */
static const char *back_note(const struct conduit_seen *row)
{
    bool any = row->more_functions_back > 0;
    for (size_t i = 0; i < row->function_count; i++)
        any |= row->function[i].back;
    if (!any)
        return NULL;
    if (row->certain && !proposes_functions(row))
        return "only the side that is opened to asked: this row allows any function";
    return row->certain
               ? "the side that is opened to asked, too: what only it asks for is not listed"
               : "both sides asked";
}

/* All that is to be said. */
static void put_note(struct buffer *b, const struct conduit_seen *row)
{
    bool empty = row->flows > 0 && row->empty == row->flows;
    const char *note[] = {
        empty ? "nothing was carried: perhaps only tried" : NULL,
        outside_note(row),
        writers_note(row),
        row->more_functions ? "more than 32 functions were asked for: they are not listed" : NULL,
        back_note(row),
        row->certain ? NULL : "who opened was not seen: is the port the right one?"};
    size_t said = 0;
    for (size_t i = 0; i < sizeof note / sizeof *note; i++)
        if (note[i])
            buffer_text(b, "%s%s", said++ ? "; " : "  note: \"", note[i]);
    if (said > 0)
        buffer_text(b, "\"\n");
}

/* IP protocol 0 is a number like others, and in a conduit it is any: no row can say it. */
static bool is_sayable(const struct conduit_seen *row)
{
    return row->proto != 0 || row->service != SERVICE_NONE;
}

static void put_remark(struct buffer *b, const struct zones *zones, const struct conduit_seen *row)
{
    buffer_text(b, "# %s -> %s IP protocol 0: %llu flow%s; no conduit can name it\n",
                zones_end_name(zones, row->from), zones_end_name(zones, row->to),
                (unsigned long long)row->flows, plural(row->flows));
}

static void put_row(struct buffer *b, const struct zones *zones, const struct conduit_seen *row,
                    bool locked)
{
    char text[8];
    if (!is_sayable(row)) {
        put_remark(b, zones, row);
        return;
    }
    buffer_text(b, "- from: %s\n  to: %s\n  protocol: %s\n", zones_end_name(zones, row->from),
                zones_end_name(zones, row->to), protocol_of(row->service, row->proto, text));
    if (proto_has_ports(row->proto))
        buffer_text(b, "  port: %u\n", row->port);
    buffer_text(b, "  direction: forward\n");
    if (service_is_ot((enum service)row->service)) {
        buffer_text(b, "  access: %s\n", was_written(row) ? "write" : "read");
        put_writers(b, row);
        put_functions(b, row, locked);
    }
    put_seen(b, row);
    put_note(b, row);
    buffer_text(b, "  sign_off: \"\"\n");
}

/* A list that is locked stays so: an observed one beside it would make drift of what it refuses. */
static bool is_beside_locked(const struct zones *zones, const bool *used)
{
    for (size_t i = 0; i < zones->conduit_count; i++)
        if (used[i] && conduit_is_list_locked(&zones->conduit[i]))
            return true;
    return false;
}

char *zones_proposal(const struct zones *zones, const struct conduit_seen *const *seen,
                     size_t count, bool locked)
{
    struct buffer b = {0}, rows = {0};
    size_t allowed = 0;
    for (size_t i = 0; i < count; i++) {
        bool used[CONDUITS_MAX] = {false};
        if (fault_of(zones, seen[i], used) == ZONE_ALLOWED)
            allowed++;
        else
            put_row(&rows, zones, seen[i], locked || is_beside_locked(zones, used));
    }
    buffer_text(&b,
                "# Seen between zones: %zu row%s%s. To be reviewed: what stays is allowed once its "
                "zone is locked.\n",
                count - allowed, plural(count - allowed),
                zones->conduit_count ? " that networks.conduits does not allow" : "");
    if (allowed > 0)
        buffer_text(&b, "# %zu more row%s allowed already.\n", allowed,
                    allowed == 1 ? " is" : "s are");
    buffer_put(&b, rows.data, rows.size);
    buffer_fini(&rows);
    return finish(&b);
}

/* --- drift ------------------------------------------------------------------------------------ */

static const char *const fault_text[ZONE_FAULTS] = {
    [ZONE_DRIFT] = "", /* put_new_functions */
    [ZONE_FUNCTION] = "",
    [ZONE_WRITER] = "a new writer",
    [ZONE_WRITE] = "a write where only reads are allowed",
    [ZONE_OTHER_PROTOCOL] = "another protocol on the conduit's port",
    [ZONE_BACKWARDS] = "opened by the other side",
    [ZONE_NO_CONDUIT] = "no conduit",
};

/* "a new function: 5 (write single coil), 8 (diagnostics)", `before` in front of it. */
static void put_new_functions(struct buffer *b, const struct zones *zones,
                              const struct conduit_seen *row, const char *before)
{
    char text[FUNCTION_TEXT_SIZE];
    bool used[CONDUITS_MAX], any = false;
    for (size_t at = 0; at < row->function_count + has_more_functions(row); at++) {
        if (!is_new(zones, row, at, used))
            continue;
        buffer_text(b, "%s%s", any ? ", " : before, any ? "" : "a new function: ");
        buffer_text(b, "%s",
                    at < row->function_count
                        ? function_text((enum service)row->service, row->function[at].code, text)
                        : "more than the 32 that are kept");
        any = true;
    }
}

static void put_what(struct buffer *b, const struct zones *zones, const struct conduit_seen *row,
                     enum zone_fault fault)
{
    char text[8];
    buffer_text(b, "%s -> %s %s", zones_end_name(zones, row->from), zones_end_name(zones, row->to),
                is_sayable(row) ? protocol_of(row->service, row->proto, text) : "IP protocol 0");
    if (proto_has_ports(row->proto))
        buffer_text(b, " port %u", row->port);
    buffer_text(b, ": %s", fault_text[fault]);
    put_new_functions(b, zones, row, fault <= ZONE_FUNCTION ? "" : ", ");
}

static void put_fault(struct buffer *b, const struct zones *zones, const struct conduit_seen *row,
                      enum zone_fault fault)
{
    char first[TIME_TEXT], last[TIME_TEXT];
    buffer_text(b, "  ");
    put_what(b, zones, row, fault);
    buffer_text(b, "; %llu flow%s, %s to %s\n", (unsigned long long)row->flows, plural(row->flows),
                ptime_iso((struct ptime){row->first_ns}, first, sizeof first),
                ptime_iso((struct ptime){row->last_ns}, last, sizeof last));
}

static void put_conduit(struct buffer *b, const struct zones *zones, const struct conduit *conduit)
{
    char text[8];
    buffer_text(b, "  line %d: %s -> %s %s", conduit->line, zones_end_name(zones, conduit->from),
                zones_end_name(zones, conduit->to),
                protocol_of(conduit->service, conduit->proto, text));
    if (conduit->port_first == conduit->port_last)
        buffer_text(b, " port %u", conduit->port_first);
    else if (conduit->port_first > 0 || conduit->port_last < UINT16_MAX)
        buffer_text(b, " ports %u-%u", conduit->port_first, conduit->port_last);
    buffer_text(b, "\n");
}

static size_t put_new(struct buffer *b, const struct zones *zones,
                      const struct conduit_seen *const *seen, size_t count, bool *used)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        enum zone_fault fault = fault_of(zones, seen[i], used);
        if (fault == ZONE_ALLOWED)
            continue;
        if (found++ == 0)
            buffer_text(b, "Not in the matrix:\n");
        put_fault(b, zones, seen[i], fault);
    }
    return found;
}

char *zones_drift_text(const struct zones *zones, const struct conduit_seen *const *seen,
                       size_t count)
{
    struct buffer b = {0};
    bool used[CONDUITS_MAX] = {false};
    size_t found = put_new(&b, zones, seen, count, used), silent = 0;
    for (size_t i = 0; i < zones->conduit_count; i++) {
        if (used[i])
            continue;
        if (silent++ == 0)
            buffer_text(&b, "Silent (allowed, and nothing of it was seen):\n");
        put_conduit(&b, zones, &zones->conduit[i]);
    }
    buffer_text(&b, "%zu row%s seen, %zu not in the matrix; %zu conduit%s, %zu silent.\n", count,
                plural(count), found, zones->conduit_count, plural(zones->conduit_count), silent);
    return finish(&b);
}

void zones_drift_of(const struct zones *zones, const struct conduit_seen *seen, size_t count,
                    struct zones_drift *drift)
{
    bool used[CONDUITS_MAX] = {false};
    *drift = (struct zones_drift){.silent = zones->conduit_count};
    for (size_t i = 0; i < count; i++) {
        enum zone_fault fault = fault_of(zones, &seen[i], used);
        struct buffer line = {0};
        if (fault == ZONE_ALLOWED || drift->rows++ >= ZONES_DRIFT_NAMED)
            continue;
        put_what(&line, zones, &seen[i], fault);
        drift->row[drift->rows - 1] = finish(&line);
    }
    for (size_t i = 0; i < zones->conduit_count; i++)
        drift->silent -= used[i];
}

/* --- the zones themselves --------------------------------------------------------------------- */

static void put_zone(struct buffer *b, const struct zone *zone)
{
    char level[8], net[PREFIX_TEXT_SIZE];
    buffer_text(b, "%s\n  level %s, %s;", zone->name, zone_level_text(zone->level, level),
                zone_state_name[zone->state]);
    for (size_t i = 0; i < zone->nets.count; i++)
        buffer_text(b, " %s", prefix_text(&zone->nets.item[i], net));
    buffer_text(b, "\n");
}

char *zones_list_text(const struct zones *zones)
{
    struct buffer b = {0};
    size_t unsigned_rows = 0;
    for (size_t i = 0; zones && i < zones->zone_count; i++)
        put_zone(&b, &zones->zone[i]);
    for (size_t i = 0; zones && i < zones->conduit_count; i++)
        unsigned_rows += !zones->conduit[i].signed_off;
    size_t zone_count = zones ? zones->zone_count : 0, rows = zones ? zones->conduit_count : 0;
    buffer_text(&b, "%zu zone%s, %zu conduit%s", zone_count, plural(zone_count), rows,
                plural(rows));
    if (unsigned_rows > 0)
        buffer_text(&b, ", %zu of them not signed off", unsigned_rows);
    buffer_text(&b, ".\n");
    return finish(&b);
}
