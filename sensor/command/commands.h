/* The sub-commands, one file each. Each returns the process's exit status. */
#ifndef WEIR_COMMAND_COMMANDS_H
#define WEIR_COMMAND_COMMANDS_H

#include "weir/base/error.h"

enum exit_status { EXIT_DONE = 0, EXIT_RUN = 1, EXIT_USAGE = 2, EXIT_INPUT = 3, EXIT_ALERTS = 10 };

int command_alerts(int argc, char **argv);
int command_backtest(int argc, char **argv);
int command_privacy(int argc, char **argv);
int command_run(int argc, char **argv);
int command_replay(int argc, char **argv);
int command_change(int argc, char **argv);
int command_console(int argc, char **argv);
int command_check(int argc, char **argv);
int command_explain(int argc, char **argv);
int command_status(int argc, char **argv);
int command_reload(int argc, char **argv);
int command_rules(int argc, char **argv);
int command_baseline(int argc, char **argv);
int command_digest(int argc, char **argv);
int command_evidence(int argc, char **argv);
int command_fleet(int argc, char **argv);
int command_hunt(int argc, char **argv);
int command_incident(int argc, char **argv);
int command_report(int argc, char **argv);
int command_zones(int argc, char **argv);
int command_silence(int argc, char **argv);
int command_support(int argc, char **argv);
int command_top(int argc, char **argv);
/* Prints the error as one line (an empty message: it was said already) and returns its exit status.
 */
int command_fail(const struct error *error);
/* Writes all of `text` to standard output; false (and the reason on standard error) when it cannot.
 */
int command_print(const char *text);
/* What others wrote, for a terminal: neither a line's end nor anything that a terminal obeys. */
void command_make_harmless(char *text);
/* The same of each line: lines of ours stay lines. */
void command_make_lines_harmless(char *text);

#endif
