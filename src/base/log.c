#include "base/log.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum {
	QUOTE_MAX = 400,
	QUOTES = 8,
};

static atomic_int level_now = LOG_INFO;

void
log_set_level(enum log_level level)
{
	atomic_store_explicit(&level_now, (int)level, memory_order_relaxed);
}

bool
log_level_is_on(enum log_level level)
{
	return (int)level <=
	       atomic_load_explicit(&level_now, memory_order_relaxed);
}

const char *
log_level_name(enum log_level level)
{
	static const char *const names[] = { "error", "warn", "info", "debug" };

	return names[level];
}

/* Room for one value, until the eighth call after this one. */
static char *
next_room(void)
{
	static _Thread_local char ring[QUOTES][QUOTE_MAX + 8];
	static _Thread_local unsigned next;

	return ring[next++ % QUOTES];
}

const char *
log_quote(struct span text)
{
	char *out = next_room(), *p = out, *end = out + QUOTE_MAX;

	*p++ = '"';
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (end - p < 8) {
			p = stpcpy(p, "...");
			break;
		}
		if (c == '"' || c == '\\') {
			*p++ = '\\';
			*p++ = (char)c;
		} else if (c < 0x20 || c >= 0x7f) {
			p += sprintf(p, "\\x%02x", c);
		} else {
			*p++ = (char)c;
		}
	}
	*p++ = '"';
	*p = '\0';
	return out;
}

const char *
log_quote_text(const char *text)
{
	return log_quote(span_text(text));
}
