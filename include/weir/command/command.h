/* The command line: options and wiring, no logic. */
#ifndef WEIR_COMMAND_COMMAND_H
#define WEIR_COMMAND_COMMAND_H

/* Runs the sub-command named by argv[1] and returns the process's exit status:
 * 0 done · 1 could not run · 2 usage, configuration or rules wrong · 3 an input was missing,
 * damaged or unreadable · 10 alerts were raised and --exit-alerts was given. */
int command_main(int argc, char **argv);

#endif
