/* Any bytes as a pcap, given in pieces of a size that the first byte chooses, to savefile.c and to
 * libpcap: where the form is the usual one and the link type one that is read, both give the same
 * packets, and one says that the file is damaged where the other does. What lies ahead, looked at
 * meanwhile, lies within the bytes. What was read lies still until more is, where that was asked
 * for. */
#include "../../../sensor/capture/savefile.h"

#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bytes {
    const uint8_t *at;
    size_t left, piece;
    bool stays;
    const void *given; /* where the last piece lies, by now somebody else's … */
    size_t count;      /* … and that many bytes before `at` */
};

static void must(bool holds)
{
    if (!holds)
        abort();
}

static ssize_t give(void *context, void *to, size_t size)
{
    struct bytes *bytes = context;
    if (bytes->stays && bytes->count > 0)
        must(memcmp(bytes->given, bytes->at - bytes->count, bytes->count) == 0);
    size_t count = size < bytes->left ? size : bytes->left;
    if (count > bytes->piece)
        count = bytes->piece;
    if (count == 0)
        return 0;
    memcpy(to, bytes->at, count);
    bytes->at += count;
    bytes->left -= count;
    bytes->given = to;
    bytes->count = count;
    return (ssize_t)count;
}

static void look_ahead(struct savefile *savefile)
{
    struct packet_raw raw;
    volatile uint8_t sum = 0;
    for (int i = 0; i < 3 && savefile_ahead(savefile, &raw); i++)
        for (uint32_t at = 0; at < raw.captured; at++)
            sum = (uint8_t)(sum + raw.data[at]);
}

static void compare(const struct packet_raw *raw, const struct pcap_pkthdr *header,
                    const u_char *data)
{
    int64_t seconds = header->ts.tv_sec;
    must(raw->captured == header->caplen && memcmp(raw->data, data, raw->captured) == 0);
    must(raw->wire_bytes == (header->len < header->caplen ? header->caplen : header->len));
    if (seconds >= 0 && seconds <= INT32_MAX && header->ts.tv_usec >= 0) /* versions differ there */
        must(raw->time.ns == seconds * NS_PER_S + header->ts.tv_usec % NS_PER_S);
}

static void read_both(struct savefile *savefile, pcap_t *pcap)
{
    for (;;) {
        struct packet_raw raw;
        struct pcap_pkthdr *header;
        const u_char *data;
        look_ahead(savefile);
        enum savefile_result ours = savefile_next(savefile, &raw);
        int theirs = pcap_next_ex(pcap, &header, &data);
        must((ours == SAVEFILE_PACKET) == (theirs == 1));
        must((ours == SAVEFILE_END) == (theirs == PCAP_ERROR_BREAK));
        if (ours == SAVEFILE_PACKET) {
            compare(&raw, header, data);
            continue;
        }
        must(ours == SAVEFILE_END || *savefile_problem(savefile));
        return;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char words[PCAP_ERRBUF_SIZE];
    uint8_t *copy = malloc(size + 1); /* stdio asks for a buffer that it may write to */
    if (size < 2 || !copy) {
        free(copy);
        return 0;
    }
    memcpy(copy, data + 1, size - 1);
    struct bytes bytes = {.at = data + 1, .left = size - 1, .piece = 1u + data[0]};
    struct savefile *savefile = savefile_new(give, &bytes, 64);
    FILE *file = fmemopen(copy, size - 1, "rb");
    bool usual = savefile_head(savefile) != NULL;
    pcap_t *pcap =
        file ? pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, words)
             : NULL;
    must(!usual || pcap);
    if (usual && decode_reads_link(pcap_datalink(pcap))) {
        bytes.stays = size % 2 == 1;
        bytes.count = 0; /* not of what was read before that */
        savefile_begin(savefile, pcap_datalink(pcap), (uint32_t)pcap_snapshot(pcap), bytes.stays);
        read_both(savefile, pcap);
    }
    if (pcap)
        pcap_close(pcap);
    else if (file)
        fclose(file);
    savefile_free(savefile);
    free(copy);
    return 0;
}
