/* The rows, and what they share: bytes for people, sentences about volumes. */
#ifndef WEIR_DETECT_LOCAL_ROWS_H
#define WEIR_DETECT_LOCAL_ROWS_H

#include "weir/detect/fusion.h"

extern const struct detector detector_volume_host;
extern const struct detector detector_volume_destination;
extern const struct detector detector_volume_served;
extern const struct detector detector_volume_slow;
extern const struct detector detector_staging_upload;
extern const struct detector detector_destination_new;
extern const struct detector detector_destination_rare;
extern const struct detector detector_timing_beacon;
extern const struct detector detector_timing_long;
extern const struct detector detector_ratio_shift;
extern const struct detector detector_ratio_upload;
extern const struct detector detector_content_personal;
extern const struct detector detector_content_settings;
extern const struct detector detector_content_flight;
extern const struct detector detector_content_archive;
extern const struct detector detector_content_pattern;
extern const struct detector detector_tunnel_dns;
extern const struct detector detector_tunnel_icmp;
extern const struct detector detector_tunnel_new;
extern const struct detector detector_protocol_mismatch;
extern const struct detector detector_served_sweep;
extern const struct detector detector_sensor_blind;
extern const struct detector detector_intel_match;
extern const struct detector detector_zone_conduit;
extern const struct detector detector_zone_payload;

/* content.c: what the rows about counted content share. */
/* `low` items → `score`, ten times as many → `score` + `step`, …, 100 at most. */
int content_score(uint64_t items, uint64_t low, int score, int step);
/* One more reason: so many of the class left, of which labels, and what was not seen. */
void content_reason(const struct subject *subject, enum content_class class, const char *code,
                    struct finding *finding);
/* Items of a class with a grave label (counted.h), as far as labels are listed: at least so many.
 */
uint64_t content_grave(const struct counted *counted, enum content_class class);

/* zone_payload.c: a protocol of plants or of surveillance goes where it never belongs, and no
 * conduit says by name that it may. */
bool zone_payload_strays(const struct zoned_flow *zoned);
/* zone_conduit.c: what the rows about zones share. Who opened what to whom, as the first reason of
 * a finding of this score; `why` ends the sentence. */
void zone_tell(const struct zoned_flow *zoned, const char *code, const char *why, int score,
               struct finding *finding);

/* volume_peers.c: of a host that is awaited. */
bool volume_peers_judge(const struct subject *subject, struct finding *finding);

/* sensor.blind of a silence: always true. */
bool judge_silence(const struct silence *silence, struct finding *finding);

/* "0 bytes", "999 bytes", "4.1 kB", "31 MB", "1.2 TB": two figures, decimal units. */
#define BYTES_TEXT_SIZE 16
char *bytes_text(uint64_t bytes, char text[BYTES_TEXT_SIZE]);
#define COUNT_TEXT_SIZE 28
char *count_text(uint64_t count, char text[COUNT_TEXT_SIZE]); /* "76,104" */

/* "90 s", "25 min", "4.5 h". */
#define DURATION_TEXT_SIZE 28
char *duration_text(uint64_t seconds, char text[DURATION_TEXT_SIZE]);

/* ", usually 1.2 MB to 35 MB, the largest of 640 hours about 61 MB"; `things` up to 17 letters. */
#define USUAL_TEXT_SIZE 136
char *usual_text(const struct estimate *estimate, const char *things, char text[USUAL_TEXT_SIZE]);
/* "100 MB left this host in this hour, usually …"; "4 MB went to x.example in this day, usually …".
 */
void sent_text(const struct told_kind *told, bool of_hour, const char *things,
               struct reason *reason);
/* How many hosts beside this one use the pair's destination. */
uint32_t told_others(const struct told_kind *told);
void pair_text(const struct told_kind *told, bool of_hour, const char *verb, struct reason *reason);

#endif
