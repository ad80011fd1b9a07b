/* Sharing live packets out in the kernel: a packet socket joins a fanout group whose members each
 * get the host pairs of their number. Linux packet(7). */
#ifndef WEIR_CAPTURE_FANOUT_H
#define WEIR_CAPTURE_FANOUT_H

#include "weir/base/error.h"

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

#define FANOUT_INSTRUCTIONS 128u

/* The classic BPF program that chooses the member: the host pair's hash modulo `workers`, 0 for
 * what is not IP. Returns its length. */
size_t fanout_program(struct sock_filter program[FANOUT_INSTRUCTIONS], uint32_t workers);
/* The n-th socket to join is member n; one more than `workers` gets nothing, so a successor can
 * join while the socket it takes over from is still there. `name`: the interface, for the error.
 * The interface must be up. */
int fanout_join(int fd, uint16_t group, uint32_t workers, const char *name, struct error *error);

#endif
