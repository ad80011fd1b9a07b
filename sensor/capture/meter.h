/* What other threads may see of the capture thread while it runs. It writes, they read, nobody
 * waits; single figures, so two of them may be a moment apart. */
#ifndef WEIR_SENSOR_CAPTURE_METER_H
#define WEIR_SENSOR_CAPTURE_METER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct meter {
    _Atomic uint64_t turns, wire_bytes, bytes_read, bytes_total;
    _Atomic uint64_t kernel_received, kernel_drops, interface_drops;
    _Atomic uint64_t ring_rejected, ring_lost;
    _Atomic int64_t time_ns;
    _Atomic uint32_t parked, interfaces_up, interfaces_gone;
    _Atomic uint64_t held_packets, held_bytes, held_overwritten; /* for evidence */
    _Atomic int64_t held_oldest_ns;
    _Atomic bool waiting, ended;
};

#define METER_SET(meter, name, value)                                                              \
    atomic_store_explicit(&(meter)->name, value, memory_order_relaxed)
#define METER_GET(meter, name) atomic_load_explicit(&(meter)->name, memory_order_relaxed)

/* One turn more; only the capture thread adds. */
static inline void meter_turn(struct meter *meter)
{
    METER_SET(meter, turns, METER_GET(meter, turns) + 1);
}

#endif
