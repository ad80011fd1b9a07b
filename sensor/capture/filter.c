/* BPF expressions. Names in them (ports, hosts, protocols) are looked up in files of the system, so
 * they are compiled before the sandbox closes, for each link type that decode/ reads: which one a
 * file has is known only when its head was read inside. An expression that fits some link types
 * only ("ether host" has no sense without Ethernet) is refused where it meets another. Packets
 * of a link type that is not read pass: decode counts them as unread, filter or not.
 * Thread: made by one, then read only. */
#include "filter.h"

#include "weir/base/buffer.h"

#include <stdio.h>
#include <stdlib.h>

#define SNAPLEN 262144

/* Ethernet first: its words are the ones people know. */
static const int links[] = {DLT_EN10MB,   DLT_RAW,          DLT_LINUX_SLL, DLT_LINUX_SLL2,
                            DLT_NULL,     DLT_LOOP,         DLT_IPV4,      DLT_IPV6,
                            DLT_PPP,      DLT_PPP_SERIAL,   DLT_PPP_ETHER, DLT_C_HDLC,
                            DLT_PPP_PPPD, DLT_PPP_WITH_DIR, DLT_MPLS,      DLT_NFLOG,
                            DLT_PFLOG,    DLT_ENC,          DLT_IEEE802_11};
#define LINKS (sizeof links / sizeof *links)

struct filter {
    char *text;
    struct {
        struct bpf_program program;
        bool compiled;
        char words[PCAP_ERRBUF_SIZE]; /* why not */
    } at[LINKS];
};

static bool compile(struct filter *filter, size_t i)
{
    pcap_t *pcap = pcap_open_dead(links[i], SNAPLEN);
    if (!pcap)
        return false;
    filter->at[i].compiled =
        pcap_compile(pcap, &filter->at[i].program, filter->text, 1, PCAP_NETMASK_UNKNOWN) == 0;
    if (!filter->at[i].compiled)
        snprintf(filter->at[i].words, sizeof filter->at[i].words, "%s", pcap_geterr(pcap));
    pcap_close(pcap);
    return filter->at[i].compiled;
}

struct filter *filter_new(const char *text, struct error *error)
{
    struct filter *filter = xcalloc(1, sizeof *filter);
    bool any = false;
    filter->text = xstrdup(text ? text : "");
    if (!*filter->text)
        return filter;
    for (size_t i = 0; i < LINKS; i++)
        any |= compile(filter, i);
    if (any)
        return filter;
    error_set(error, ERROR_USAGE, "filter \"%s\": %s, expected as pcap-filter(7) has it", text,
              filter->at[0].words);
    filter_free(filter);
    return NULL;
}

void filter_free(struct filter *filter)
{
    if (!filter)
        return;
    for (size_t i = 0; i < LINKS; i++)
        if (filter->at[i].compiled)
            pcap_freecode(&filter->at[i].program);
    free(filter->text);
    free(filter);
}

/* Raw IP has three numbers; libpcap compiles for one. */
static int one_of(int link)
{
    return link == 14 || link == 101 ? DLT_RAW : link;
}

int filter_program(const struct filter *filter, int link, const struct bpf_program **program,
                   struct error *error)
{
    size_t i = 0;
    *program = NULL;
    if (!filter || !*filter->text)
        return 0;
    while (i < LINKS && links[i] != one_of(link))
        i++;
    if (i == LINKS)
        return 0;
    if (!filter->at[i].compiled)
        return error_set(error, ERROR_USAGE, "filter \"%s\": %s", filter->text,
                         filter->at[i].words);
    *program = &filter->at[i].program;
    return 0;
}

int filter_apply(const struct filter *filter, pcap_t *pcap, struct error *error)
{
    const struct bpf_program *found;
    if (filter_program(filter, pcap_datalink(pcap), &found, error) != 0)
        return -1;
    if (!found)
        return 0;
    struct bpf_program program = *found; /* libpcap copies it, and says so by no const */
    if (pcap_setfilter(pcap, &program) == 0)
        return 0;
    return error_set(error, ERROR_USAGE, "filter \"%s\": %s", filter->text, pcap_geterr(pcap));
}

int source_check_filter(const char *text, struct error *error)
{
    struct filter *filter = filter_new(text, error);
    filter_free(filter);
    return filter ? 0 : -1;
}
