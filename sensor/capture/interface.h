/* One network interface through libpcap. */
#ifndef WEIR_SENSOR_CAPTURE_INTERFACE_H
#define WEIR_SENSOR_CAPTURE_INTERFACE_H

#include "weir/capture/capture.h"

#include <pcap/pcap.h>

#define INTERFACE_BLOCK_MS 10 /* the kernel hands packets over in blocks, no later than this */

struct interface {
    const char *name;
    uint8_t vantage;
    pcap_t *pcap; /* NULL: not there, or not up, when it was opened */
    int fd;
    struct bpf_program program; /* the filter, for interface_start */
    bool compiled;
    int64_t unit_ns; /* of a time stamp's small part */
    int drops_fd[2]; /* the system's counters of what the card dropped; -1: none */
    uint64_t drops_before;
    uint64_t received, drops, card_drops; /* since it was opened */
    bool up;
};

enum interface_result { INTERFACE_PACKET, INTERFACE_NONE, INTERFACE_GONE };

/* Opens number `i` of `config`, with nothing let through. 0 also when it is down, or absent where
 * that is allowed: then there is no pcap. ERROR_RUN; ERROR_USAGE for the filter. */
int interface_open(struct interface *interface, const struct capture_config *config, size_t i,
                   struct error *error);
/* Lets packets through. */
int interface_start(struct interface *interface, struct error *error);
/* Lets no more packets through; those that the kernel holds are still read. -1: errno. */
int interface_stop(const struct interface *interface);
/* The next packet, without waiting; its bytes are borrowed until the next call. */
enum interface_result interface_next(struct interface *interface, struct packet_raw *raw);
/* Brings counters and `up` up to date. Once a second or so. */
void interface_look(struct interface *interface);
/* The device has gone (one of the same name may have come). */
bool interface_is_gone(const struct interface *interface);
void interface_close(struct interface *interface);

#endif
