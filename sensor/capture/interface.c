/* An interface: TPACKET_V3 by way of libpcap, read without waiting.
 *
 * Nothing passes until interface_start: a filter that refuses everything is put in right after
 * activation (what came between the two is refused by libpcap itself while it is in the ring, and
 * read away), then the socket joins its fanout group, and only interface_start puts in the real
 * filter. So two workers never see one packet, and a pair's first packets are not torn apart.
 *
 * After interface_start only these calls are made: poll, getsockopt, getsockname, one setsockopt
 * for the filter (with recv and fcntl around it, by libpcap), ioctl SIOCGIFFLAGS, pread of counters
 * opened before. pcap_stats would open files, so the kernel is asked directly. Nothing is ever
 * sent. Thread: opened and started by one, then the capture thread. */
#include "interface.h"

#include "weir/base/log.h"
#include "weir/capture/fanout.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define SNAPLEN_MAX 262144

/* --- opening --------------------------------------------------------------------------------- */

static bool has_synced_adapter_clock(pcap_t *pcap)
{
    int *types, count = pcap_list_tstamp_types(pcap, &types);
    bool has = false;
    for (int i = 0; i < count; i++)
        has |= types[i] == PCAP_TSTAMP_ADAPTER;
    if (count > 0)
        pcap_free_tstamp_types(types);
    return has;
}

/* Activates a new handle; the result is libpcap's. */
static int activate(struct interface *interface, const struct capture_config *config, bool adapter)
{
    char words[PCAP_ERRBUF_SIZE] = "";
    interface->pcap = pcap_create(interface->name, words);
    if (!interface->pcap)
        return PCAP_ERROR;
    pcap_t *pcap = interface->pcap;
    pcap_set_snaplen(pcap, config->snaplen ? (int)config->snaplen : SNAPLEN_MAX);
    pcap_set_promisc(pcap, config->promiscuous);
    pcap_set_timeout(pcap, INTERFACE_BLOCK_MS);
    if (config->buffer_mib)
        pcap_set_buffer_size(pcap, (int)(config->buffer_mib << 20));
    pcap_set_tstamp_precision(pcap, PCAP_TSTAMP_PRECISION_NANO); /* or it stays micro */
    if (adapter && has_synced_adapter_clock(pcap))
        pcap_set_tstamp_type(pcap, PCAP_TSTAMP_ADAPTER);
    return pcap_activate(pcap);
}

static void list_interfaces(char *text, size_t size)
{
    struct if_nameindex *all = if_nameindex();
    size_t at = 0;
    *text = '\0';
    for (size_t i = 0; all && all[i].if_name && at < size; i++)
        at += (size_t)snprintf(text + at, size - at, "%s%s", i ? ", " : "", all[i].if_name);
    if (all)
        if_freenameindex(all);
}

static int no_such_interface(const struct interface *interface, bool allowed, struct error *error)
{
    char there[256];
    if (allowed) {
        log_warn("interface %s is not there: going on without it", interface->name);
        return 0;
    }
    list_interfaces(there, sizeof there);
    return error_set(error, ERROR_RUN, "interface %s: there is none of this name (there are: %s)",
                     interface->name, there);
}

/* What an activation that failed means. 0: go on without this interface. */
static int explain(const struct interface *interface, int result, bool absent_allowed,
                   struct error *error)
{
    switch (result) {
    case PCAP_ERROR_NO_SUCH_DEVICE:
        return no_such_interface(interface, absent_allowed, error);
    case PCAP_ERROR_IFACE_NOT_UP:
        log_warn("interface %s is down: waiting for it to come up", interface->name);
        return 0;
    case PCAP_ERROR_PERM_DENIED:
    case PCAP_ERROR_PROMISC_PERM_DENIED:
        return error_set(error, ERROR_RUN,
                         "interface %s: no permission to capture, expected root or CAP_NET_RAW "
                         "(systemctl start weir has it)",
                         interface->name);
    default:
        return error_set(error, ERROR_RUN, "interface %s: %s", interface->name,
                         interface->pcap && *pcap_geterr(interface->pcap)
                             ? pcap_geterr(interface->pcap)
                             : pcap_statustostr(result));
    }
}

static void close_pcap(struct interface *interface)
{
    if (interface->pcap)
        pcap_close(interface->pcap);
    interface->pcap = NULL;
    interface->fd = -1;
}

static int put_constant_filter(struct interface *interface, uint32_t kept, struct error *error)
{
    struct bpf_insn instruction = BPF_STMT(BPF_RET | BPF_K, kept);
    struct bpf_program program = {1, &instruction};
    if (pcap_setfilter(interface->pcap, &program) == 0)
        return 0;
    return error_set(error, ERROR_RUN, "interface %s: %s", interface->name,
                     pcap_geterr(interface->pcap));
}

/* With the live handle: only for it does libpcap write programs that find VLAN tags where the
 * kernel keeps them. */
static int compile(struct interface *interface, const char *filter, struct error *error)
{
    if (!filter || !*filter)
        return 0;
    if (pcap_compile(interface->pcap, &interface->program, filter, 1, PCAP_NETMASK_UNKNOWN) != 0)
        return error_set(error, ERROR_USAGE, "filter \"%s\": %s", filter,
                         pcap_geterr(interface->pcap));
    interface->compiled = true;
    return 0;
}

static uint64_t card_drops(const struct interface *interface)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < 2; i++) {
        char text[32] = "";
        if (interface->drops_fd[i] >= 0 &&
            pread(interface->drops_fd[i], text, sizeof text - 1, 0) > 0)
            sum += strtoull(text, NULL, 10);
    }
    return sum;
}

static void open_counters(struct interface *interface)
{
    static const char *const name[2] = {"rx_missed_errors", "rx_fifo_errors"};
    for (size_t i = 0; i < 2; i++) {
        char path[128];
        snprintf(path, sizeof path, "/sys/class/net/%s/statistics/%s", interface->name, name[i]);
        interface->drops_fd[i] = open(path, O_RDONLY | O_CLOEXEC);
    }
    interface->drops_before = card_drops(interface);
}

/* An activated handle made ready, with nothing let through. */
static int prepare(struct interface *interface, const struct capture_config *config, size_t i,
                   struct error *error)
{
    char words[PCAP_ERRBUF_SIZE] = "";
    pcap_t *pcap = interface->pcap;
    if (put_constant_filter(interface, 0, error) != 0)
        return -1;
    if (pcap_setnonblock(pcap, 1, words) != 0)
        return error_set(error, ERROR_RUN, "interface %s: %s", interface->name, words);
    pcap_setdirection(pcap, PCAP_D_INOUT);
    interface->fd = pcap_fileno(pcap);
    interface->unit_ns =
        pcap_get_tstamp_precision(pcap) == PCAP_TSTAMP_PRECISION_NANO ? 1 : NS_PER_US;
    interface->up = true;
    open_counters(interface);
    if (config->workers > 1 && fanout_join(interface->fd, (uint16_t)(config->fanout + i),
                                           config->workers, interface->name, error) != 0)
        return -1;
    return compile(interface, config->filter, error);
}

int interface_open(struct interface *interface, const struct capture_config *config, size_t i,
                   struct error *error)
{
    *interface = (struct interface){.name = config->interfaces[i].name,
                                    .vantage = config->interfaces[i].vantage,
                                    .fd = -1,
                                    .drops_fd = {-1, -1}};
    int result = activate(interface, config, true);
    if (result < 0 && interface->pcap) { /* a card may refuse its own clock */
        close_pcap(interface);
        result = activate(interface, config, false);
    }
    if (result == PCAP_WARNING_PROMISC_NOTSUP)
        log_warn("interface %s has no promiscuous mode: it sees its own traffic only",
                 interface->name);
    if (result >= 0)
        return prepare(interface, config, i, error);
    int failed = explain(interface, result, config->absent_allowed, error);
    close_pcap(interface);
    return failed;
}

/* --- reading --------------------------------------------------------------------------------- */

int interface_start(struct interface *interface, struct error *error)
{
    struct packet_raw raw;
    if (!interface->pcap)
        return 0;
    while (interface_next(interface, &raw) == INTERFACE_PACKET)
        ; /* from before the filter */
    interface_look(interface);
    interface->received = interface->drops = 0;
    if (!interface->compiled)
        return put_constant_filter(interface, SNAPLEN_MAX, error);
    if (pcap_setfilter(interface->pcap, &interface->program) == 0)
        return 0;
    return error_set(error, ERROR_RUN, "interface %s: %s", interface->name,
                     pcap_geterr(interface->pcap));
}

/* Not by libpcap, which would put what is in the blocks already through the new filter too. */
int interface_stop(const struct interface *interface)
{
    struct sock_filter none = BPF_STMT(BPF_RET | BPF_K, 0);
    struct sock_fprog program = {1, &none};
    return setsockopt(interface->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

enum interface_result interface_next(struct interface *interface, struct packet_raw *raw)
{
    struct pcap_pkthdr *header;
    const u_char *data;
    int got = pcap_next_ex(interface->pcap, &header, &data);
    if (got == 0)
        return INTERFACE_NONE;
    if (got != 1)
        return INTERFACE_GONE;
    raw->data = data;
    raw->captured = header->caplen;
    raw->wire_bytes = header->len < header->caplen ? header->caplen : header->len;
    raw->link = pcap_datalink(interface->pcap);
    raw->time.ns = header->ts.tv_sec * NS_PER_S + header->ts.tv_usec * interface->unit_ns;
    return INTERFACE_PACKET;
}

void interface_look(struct interface *interface)
{
    struct tpacket_stats_v3 stats; /* since the last time it was asked */
    struct ifreq request = {.ifr_flags = 0};
    socklen_t size = sizeof stats;
    if (!interface->pcap)
        return;
    if (getsockopt(interface->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size) == 0) {
        interface->received += stats.tp_packets;
        interface->drops += stats.tp_drops;
    }
    interface->card_drops = card_drops(interface) - interface->drops_before;
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", interface->name);
    interface->up = ioctl(interface->fd, SIOCGIFFLAGS, &request) == 0 &&
                    (request.ifr_flags & IFF_UP) && (request.ifr_flags & IFF_RUNNING);
}

bool interface_is_gone(const struct interface *interface)
{
    struct sockaddr_ll address = {.sll_ifindex = 0};
    socklen_t size = sizeof address;
    return !interface->pcap ||
           getsockname(interface->fd, (struct sockaddr *)&address, &size) != 0 ||
           address.sll_ifindex == -1; /* the kernel's way to say so */
}

void interface_close(struct interface *interface)
{
    if (interface->compiled)
        pcap_freecode(&interface->program);
    for (size_t i = 0; i < 2; i++)
        if (interface->drops_fd[i] >= 0)
            close(interface->drops_fd[i]);
    close_pcap(interface);
}
