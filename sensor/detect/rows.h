/* The rows, and what they share: bytes for people, the two forms (hour and day) of a volume. */
#ifndef WEIR_DETECT_LOCAL_ROWS_H
#define WEIR_DETECT_LOCAL_ROWS_H

#include "weir/detect/detector.h"

extern const struct detector detector_volume_host;
extern const struct detector detector_volume_destination;
extern const struct detector detector_volume_served;
extern const struct detector detector_destination_new;
extern const struct detector detector_content_personal;
extern const struct detector detector_content_settings;
extern const struct detector detector_content_flight;
extern const struct detector detector_content_archive;
extern const struct detector detector_content_pattern;
extern const struct detector detector_tunnel_dns;
extern const struct detector detector_tunnel_icmp;
extern const struct detector detector_tunnel_new;
extern const struct detector detector_protocol_mismatch;
extern const struct detector detector_sensor_blind;
extern const struct detector detector_intel_match;

/* content.c: what the rows about counted content share. */
/* `low` items → `score`, ten times as many → `score` + `step`, …, 100 at most. */
int content_score(uint64_t items, uint64_t low, int score, int step);
/* One more reason: so many of the class left, of which labels, and what was not seen. */
void content_reason(const struct subject *subject, enum content_class class, const char *code,
                    struct finding *finding);
/* Items of a class with a grave label (counted.h), as far as labels are listed: at least so many.
 */
uint64_t content_grave(const struct counted *counted, enum content_class class);

/* sensor.blind of a silence: always true. */
bool judge_silence(const struct silence *silence, struct finding *finding);

/* Pairs that never reach this much in a day are not looked at by volume. */
#define PAIR_FLOOR_BYTES UINT64_C(65536)

/* "0 bytes", "999 bytes", "4.1 kB", "31 MB", "1.2 TB": two figures, decimal units. */
#define BYTES_TEXT_SIZE 16
char *bytes_text(uint64_t bytes, char text[BYTES_TEXT_SIZE]);
#define COUNT_TEXT_SIZE 28
char *count_text(uint64_t count, char text[COUNT_TEXT_SIZE]); /* "76,104" */

/* A volume looked at by the hour and by the day: the less likely of the two, each already a figure
 * for a day of looks. */
struct forms {
    struct estimate hour, day;
    bool by_hour; /* the hour's is the less likely */
    double p;     /* 2·min(hour.p, day.p), at most 1 */
};
struct forms forms_of(struct estimate hour, double hour_looks, struct estimate day,
                      double day_looks);
struct estimate forms_estimate(const struct forms *forms);
/* Of a known pair: looks are the hours of a day it is met in, and the host's known pairs a day. */
struct forms forms_of_pair(const struct subject *subject, uint64_t bytes);
/* Fills the finding's only reason, text left to the caller: ", usually 1.2–35 MB, the largest of
 * 640 hours about 61 MB" is written to `usual`. */
#define USUAL_TEXT_SIZE 136
struct reason *reason_of(struct finding *finding, const char *code, uint64_t observed,
                         const struct estimate *estimate);
/* ", usually 1.2 MB to 35 MB, the largest of 640 hours about 61 MB"; `things` up to 17 letters. */
#define USUAL_TEXT_SIZE 136
char *usual_text(const struct estimate *estimate, const char *things, char text[USUAL_TEXT_SIZE]);
/* What a known pair's reason says after the verb: "… in this hour, usually …". */
void describe_pair(const struct subject *subject, struct finding *finding, const char *hour_code,
                   const char *day_code, const char *verb);
/* Bytes of a pair that is new: its first week so far, else its day. */
uint64_t new_pair_bytes(const struct subject *subject);

#endif
