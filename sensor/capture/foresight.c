/* The rule. The clock of an input is the latest time believed so far. A packet
 *
 *   within an hour of it, either way      is told at its own time
 *   more than an hour behind              is told at the clock: time does not go back
 *   more than an hour ahead               is in doubt: up to seven more are looked at. When one of
 *                                         them is within an hour of the clock, those before it were
 *                                         wrong and are told at the clock. When none is, or the
 *                                         input ends first, time did jump.
 *   without a time                        is told at the clock
 *
 * At the beginning there is no clock. It is the first packet's time, unless most of the first eight
 * (those more than an hour before it) say that this one is ahead: then theirs is.
 *
 * What is told depends on the packets of this input alone, so every worker that reads it, and every
 * way of handing it over (whole, compressed, by a pipe), tells the same. Thread: the caller's. */
#include "foresight.h"

#include "weir/capture/source.h"

#include <stdlib.h>
#include <string.h>

#define KEPT_BYTES 65536u

static bool is_timed(const struct packet_raw *raw)
{
    return raw->time.ns != SOURCE_NO_TIME.ns;
}

/* How far a is after b; times are within ±146 years, so it does not overflow. */
static int64_t ahead(struct ptime a, struct ptime b)
{
    return a.ns - b.ns;
}

static struct foreseen *at(struct foresight *f, size_t i)
{
    return &f->packet[(f->first + i) % FORESIGHT_PACKETS];
}

/* --- the first clock -------------------------------------------------------------------------- */

static size_t count_before(struct foresight *f, struct ptime time)
{
    size_t count = 0;
    for (size_t i = 0; i < f->count; i++)
        count += is_timed(&at(f, i)->raw) && ahead(time, at(f, i)->raw.time) > FORESIGHT_NS;
    return count;
}

/* False: not to be said yet. No packet with a time at all: 1970, like those who know none. */
static bool begin(struct foresight *f)
{
    if (f->count < FORESIGHT_PACKETS && !f->ended)
        return false;
    f->clock = (struct ptime){0};
    for (size_t i = 0; i < f->count; i++) {
        if (!is_timed(&at(f, i)->raw))
            continue;
        f->clock = at(f, i)->raw.time;
        if (2 * count_before(f, f->clock) <= f->count)
            break;
    }
    return true;
}

/* --- the rule --------------------------------------------------------------------------------- */

enum verdict { BELIEVED, DISBELIEVED, UNTIMED, IN_DOUBT };

static bool comes_back(struct foresight *f)
{
    for (size_t i = 1; i < f->count; i++) {
        const struct packet_raw *raw = &at(f, i)->raw;
        int64_t apart = is_timed(raw) ? ahead(raw->time, f->clock) : INT64_MAX;
        if (apart <= FORESIGHT_NS && apart >= -FORESIGHT_NS)
            return true;
    }
    return false;
}

static enum verdict judge(struct foresight *f)
{
    const struct packet_raw *raw = &at(f, 0)->raw;
    if (!is_timed(raw))
        return UNTIMED;
    int64_t apart = ahead(raw->time, f->clock);
    if (apart < -FORESIGHT_NS)
        return DISBELIEVED;
    if (apart <= FORESIGHT_NS)
        return BELIEVED;
    if (comes_back(f))
        return DISBELIEVED;
    return f->count == FORESIGHT_PACKETS || f->ended ? BELIEVED : IN_DOUBT;
}

/* A capture whose every packet is in doubt would never be rid of those that are done. */
static void compact(struct foresight *f)
{
    size_t done = at(f, 0)->at;
    if (done == SIZE_MAX || done < KEPT_BYTES || done < f->bytes.size / 2)
        return;
    memmove(f->bytes.data, f->bytes.data + done, f->bytes.size - done);
    f->bytes.size -= done;
    for (size_t i = 0; i < f->count; i++)
        if (at(f, i)->at != SIZE_MAX)
            at(f, i)->at -= done;
}

/* A packet in doubt waits in our own memory. */
static void keep(struct foresight *f)
{
    struct foreseen *last = at(f, f->count - 1);
    if (last->at != SIZE_MAX)
        return;
    compact(f);
    last->at = f->bytes.size;
    buffer_put(&f->bytes, last->raw.data, last->raw.captured);
}

static void forget(struct foresight *f)
{
    f->bytes.size = 0;
    if (f->bytes.room > KEPT_BYTES)
        buffer_fini(&f->bytes);
}

void foresight_put(struct foresight *f, const struct packet_raw *raw)
{
    if (f->count == 0)
        forget(f);
    f->count++;
    *at(f, f->count - 1) = (struct foreseen){.raw = *raw, .at = SIZE_MAX};
}

bool foresight_take(struct foresight *f, struct packet_raw *raw, bool *disbelieved)
{
    if (f->count == 0)
        return false;
    enum verdict verdict = f->clock.ns == PTIME_MIN.ns && !begin(f) ? IN_DOUBT : judge(f);
    if (verdict == IN_DOUBT) {
        keep(f);
        return false;
    }
    const struct foreseen *packet = at(f, 0);
    *raw = packet->raw;
    if (packet->at != SIZE_MAX)
        raw->data = f->bytes.data + packet->at;
    f->stamp = raw->time;
    if (verdict != BELIEVED)
        raw->time = f->clock;
    if (raw->time.ns > f->clock.ns)
        f->clock = raw->time;
    *disbelieved = verdict == DISBELIEVED;
    f->first = (f->first + 1) % FORESIGHT_PACKETS;
    f->count--;
    return true;
}

bool foresight_pass(struct foresight *f, const struct packet_raw *raw)
{
    if (f->count > 0 || f->clock.ns == PTIME_MIN.ns || !is_timed(raw))
        return false;
    int64_t apart = ahead(raw->time, f->clock);
    if (apart > FORESIGHT_NS || apart < -FORESIGHT_NS)
        return false;
    if (f->bytes.room > 0)
        forget(f);
    f->stamp = raw->time;
    if (apart > 0)
        f->clock = raw->time;
    return true;
}

void foresight_fini(struct foresight *f)
{
    buffer_fini(&f->bytes);
}
