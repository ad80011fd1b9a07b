/* The summary of a replay: for people (text) and for programs (summary.json). It says what left,
 * what could not be judged and why, what could not be seen, and what to look at first. Pure
 * functions of what the run left behind. Engine thread. */
#ifndef WEIR_INVESTIGATE_SUMMARY_H
#define WEIR_INVESTIGATE_SUMMARY_H

#include "weir/base/digest.h"
#include "weir/investigate/hosts.h"

struct evidence_told; /* evidence.h */

struct summary_input {
    const char *path;
    const char *problem; /* NULL: read whole */
    uint64_t packets, bytes;
    uint64_t outside; /* packets of times that were not to be looked at */
    struct ptime first, last;
    uint32_t longest_cut;
    const char *link;
    const char *packed;  /* "gzip", or NULL */
    uint64_t comments;   /* of a pcapng … */
    const char *comment; /* … the first one's beginning; NULL or "": none */
    uint64_t untimed;    /* packets that named no time */
    bool drops_known;    /* its writer counted what it lost */
    bool is_log;         /* packets are what it says there were */
    bool left_out;       /* a log that is not read, in a folder that was named: no problem */
    const char *lacks;   /* what a log of this kind cannot say, or NULL */
    uint64_t connections, notes, unjoined, late, lines_unread;
    uint8_t sha256[SHA256_SIZE];
};

struct summary {
    const struct summary_input *input;
    size_t input_count;
    const struct inside *inside;
    bool inside_guessed; /* nobody set networks.inside */
    struct calendar *calendar;
    const char *timezone;
    const struct engine *engine;
    const struct hosts *hosts;
    struct ptime first, last; /* of what `hosts` was told of */
    int learn_days;
    bool had_baseline; /* --baseline */
    bool hindsight;    /* every day was held against all the others */
    /* Not so, though there was no baseline; NULL: it was asked for, or is too short. */
    const char *why_online;
    int readings; /* of the inputs: 1 where what was read was kept for being judged */
    struct engine_told told;
    bool timed;         /* only some times were looked at: summary_input.outside */
    const char *folder; /* -o, or NULL */
    bool flows;         /* --flows */
    const struct evidence_told *evidence; /* --evidence; NULL: none */
    double duration_s; /* wall time: the only figure that differs between two runs */
};

char *summary_text(const struct summary *summary); /* caller frees */
char *summary_json(const struct summary *summary); /* indented, ends with a newline; caller frees */

#endif
