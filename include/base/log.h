/*
 * log: one line per fact, `event key=value key="value with spaces"`, as
 * docs/operating.md explains. Where lines go is main's business: it sets a writer
 * once, before there is a second thread. Until then, and in tests, lines are
 * dropped. Safe from every thread.
 *
 * Messages are facts an operator reads: a line about a message carries qid=,
 * one about a connection sid=. Text that came from a peer goes through
 * log_quote() or log_address(), so that keys are always ours.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/span.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* `line` has no line end and is valid during the call only. */
typedef void (*log_writer)(enum log_level level, const char *line, void *arg);

void log_set_writer(log_writer writer, void *arg);
void log_set_level(enum log_level level);
bool log_is_on(enum log_level level);
const char *log_level_name(enum log_level level);

void log_line(enum log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...)                                                          \
	(log_is_on(LOG_INFO) ? log_line(LOG_INFO, __VA_ARGS__) : (void)0)
#define log_debug(...)                                                         \
	(log_is_on(LOG_DEBUG) ? log_line(LOG_DEBUG, __VA_ARGS__) : (void)0)

/*
 * The text in double quotes, control and 8-bit bytes as \xNN, cut at 400
 * bytes. Valid until the eighth call after it in the same thread.
 */
const char *log_quote(struct span text);
/*
 * A mail address in <>; quoted when it holds anything that could be taken for
 * more than that (a blank, a quote, a backslash, what is not ASCII). Valid as
 * above.
 */
const char *log_address(struct span address);
const char *log_quote_text(const char *text);

/*
 * Makes one JSON object of a line as log_line() writes it: its first word is
 * "event", each key=value a member. `stamp` is the time as text.
 */
void log_to_json(
    enum log_level level, const char *stamp, const char *line, struct buf *out);

#endif
