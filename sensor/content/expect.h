/* Data channels that a control channel has announced: FTP's data connections (RFC 959, 2428) and
 * the ports on which a TFTP transfer goes on (RFC 1350). Who listens where and who will come was
 * said; what passes there is known before its first byte.
 *
 * Bounds: EXPECT_MAX channels, each for EXPECT_NS of packet time; the oldest makes room, which is
 * counted (channels_forgotten). Its bytes are then looked at as anybody's are.
 * Thread: the capture thread. */
#ifndef WEIR_SENSOR_CONTENT_EXPECT_H
#define WEIR_SENSOR_CONTENT_EXPECT_H

#include "body.h"

#define EXPECT_MAX 16384u
/* A server waits as long for its client's connection: vsftpd 60 s, ProFTPD 300 s. Said anew when
 * the transfer itself is announced. */
#define EXPECT_NS (INT64_C(120) * NS_PER_S)

struct protocol;

/* Both hosts are the control channel's own: the worker that sees it sees this channel too. So
 * an address of a third host (FXP) is never believed, nor is one that a translator made wrong. No
 * padding: compared and hashed as bytes. */
struct channel {
    struct ip listener, connector;
    uint16_t port; /* the listener's */
    uint8_t proto, vantage;
};

/* What was agreed upon. */
struct expected {
    const struct protocol *protocol;
    int64_t declared_bytes; /* or BODY_UNDECLARED */
    enum body_coding coding;
    uint32_t block_bytes, window; /* TFTP; 0: not said */
};

struct expectations;
struct expectations *expectations_new(void);
void expectations_free(struct expectations *all);
uint64_t expectations_forgotten(const struct expectations *all);
/* From now on for EXPECT_NS; what was expected of the channel before is replaced. */
void expect_add(struct expectations *all, const struct channel *channel,
                const struct expected *expected, struct ptime now);
/* False: nothing is expected there. */
bool expect_look(struct expectations *expectations, const struct channel *channel, struct ptime now,
                 struct expected *expected);
/* The channel has begun, and is expected no more. */
bool expect_take(struct expectations *expectations, const struct channel *channel, struct ptime now,
                 struct expected *expected);

/* Where `listener`, one side of the flow, will be found by the other side. */
struct channel expect_channel(const struct content_flow *cf, enum flow_side listener, uint8_t proto,
                              uint16_t port);
/* A flow's first payload: when it was expected, a stream has its row from now on. A datagram's row
 * is asked with all others, so that an announcement hides nothing that is something else. */
void expect_begin(struct content_flow *cf);

#endif
