/*
 * log: how much is told (facts/fact.h has what), and text of others shown within
 * ours. Safe from every thread.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

#include "base/span.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

void log_set_level(enum log_level level);
/* Whether what is of that level is told. */
bool log_level_is_on(enum log_level level);
const char *log_level_name(enum log_level level);

/*
 * The text in double quotes, control and 8-bit bytes as \xNN, cut at 400
 * bytes. Valid until the eighth call after it in the same thread.
 */
const char *log_quote(struct span text);
const char *log_quote_text(const char *text);

#endif
