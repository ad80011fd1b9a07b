/* What `nfdump -o csv` prints: NetFlow and IPFIX. Private to the capture room. */
#ifndef WEIR_SENSOR_CAPTURE_NFDUMP_H
#define WEIR_SENSOR_CAPTURE_NFDUMP_H

#include "connection.h"
#include "log_values.h"

#define NFDUMP_WAITING 32768u /* flows of one direction that wait for the other */

struct nfdump;
struct nfdump *nfdump_new(void);
void nfdump_free(struct nfdump *nfdump);
/* Whether a line names columns. */
bool nfdump_recognise(const char *line, size_t size);
/* A whole line without its end. *any: `connection` is set; it may be one that waited. */
enum log_result nfdump_line(struct nfdump *nfdump, const char *line, size_t size,
                            struct connection *connection, bool *any);
/* Before the next line: one that waits and whose other direction cannot come any more, by the times
 * of the last lines (an exporter tells of a flow at the latest an active time-out behind its end).
 * False: none. */
bool nfdump_due(struct nfdump *nfdump, struct connection *connection);
/* After the last line: one after the other those that wait in vain. False: no more. */
bool nfdump_rest(struct nfdump *nfdump, struct connection *connection);

#endif
