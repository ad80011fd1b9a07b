/* What the tests of this room share: a detector of their own, a story and a finding about it. */
#ifndef TESTS_UNIT_ALERT_CASE_H
#define TESTS_UNIT_ALERT_CASE_H

#include "weir/alert/alert.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define CASE_TIME INT64_C(1772413447201000000) /* 2026-03-02T01:04:07.201Z */

static const struct detector case_volume = {.id = "volume.destination",
                                            .name = "More than usual to one destination",
                                            .kind = SUBJECT_DESTINATION,
                                            .tactic = "TA0010",
                                            .technique = "T1567",
                                            .subtechnique = "T1567.002"};
static const struct detector case_content = {.id = "content.personal",
                                             .name = "Personal data in clear text",
                                             .kind = SUBJECT_CONTENT,
                                             .tactic = "TA0010"};
static const struct detector case_blind = {
    .id = "sensor.blind", .name = "The sensor does not see all", .kind = SUBJECT_SENSOR};

static inline struct ip case_ip(const char *text)
{
    struct ip ip;
    int failed = ip_parse(text, &ip);
    assert(!failed);
    (void)failed;
    return ip;
}

/* The TCP example of the Community ID specification: 1:LQU9qZlK+B5F3KDmev6m5PMibrg= */
static inline struct story case_story(void)
{
    struct story story = {.host = case_ip("128.232.110.120"),
                          .remote = case_ip("66.35.250.204"),
                          .remote_port = 80,
                          .destination = {ROLE_CLIENT, DESTINATION_DOMAIN, "example.jp"},
                          .has_destination = true,
                          .first = {CASE_TIME},
                          .last = {CASE_TIME + 60 * NS_PER_S},
                          .out = {5000, 4000, 5500},
                          .in_bytes = 300,
                          .out_packets = 12,
                          .in_packets = 9,
                          .flows_inside = 1,
                          .server_name = "up.example.jp",
                          .flow_count = 1,
                          .flows_total = 1};
    story.service_out[SERVICE_TLS] = (struct volume){5000, 4000, 6000};
    story.flow[0] = (struct alert_flow){
        .key = {story.host, story.remote, 34855, 80, 0, 6, 0, 0},
        .start = {CASE_TIME},
        .out_bytes = 5000,
        .service = SERVICE_TLS,
    };
    return story;
}

static inline struct finding case_finding(const struct detector *detector, double evidence,
                                          int score)
{
    struct finding finding = {.detector = detector,
                              .p = 1e-6,
                              .evidence = evidence,
                              .score = score,
                              .urgency = URGENCY_SHIFT,
                              .reason_count = 1,
                              .needs = 2048,
                              .needs_unit = "byte"};
    finding.reason[0] = (struct reason){.code = detector->id,
                                        .observed = 5000,
                                        .expected = {10, 1200},
                                        .unit = "byte",
                                        .p = 1e-6,
                                        .weight = 1,
                                        .samples = 340,
                                        .text = "largest of 340 host-days"};
    return finding;
}

#endif
