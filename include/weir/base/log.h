/* Lines for the operator on standard error: "weir: text". Where that is the journal's
 * (sd-daemon(3): JOURNAL_STREAM), or WEIR_LOG is "priority", it is "<4>engine: text" instead: the
 * level as the journal, syslog and `logger --prio-prefix` read it, and whose word it is.
 * Thread-safe (one write a line). Never used for what the network said: that is counted, and told
 * in records and alerts. */
#ifndef WEIR_BASE_LOG_H
#define WEIR_BASE_LOG_H

enum log_level { LOG_ERROR_, LOG_WARN_, LOG_INFO_, LOG_DEBUG_ };

/* `subject`: which process this is ("engine"). Call it first: a sealed process may not ask any
 * more. */
void log_set_subject(const char *subject);
void log_set_level(enum log_level level); /* default LOG_WARN_; call before threads start */
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
