#include "base/log.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum {
	LINE_MAX_LEN = 2048,
	QUOTE_MAX = 400,
	QUOTES = 8,
};

static log_writer writer;
static void *writer_arg;
static atomic_int level_now = LOG_INFO;

void
log_set_writer(log_writer w, void *arg)
{
	writer = w;
	writer_arg = arg;
}

void
log_set_level(enum log_level level)
{
	atomic_store_explicit(&level_now, (int)level, memory_order_relaxed);
}

bool
log_is_on(enum log_level level)
{
	return writer != NULL && (int)level <= atomic_load_explicit(&level_now,
						   memory_order_relaxed);
}

const char *
log_level_name(enum log_level level)
{
	static const char *const names[] = { "error", "warn", "info", "debug" };

	return names[level];
}

void
log_line(enum log_level level, const char *format, ...)
{
	char line[LINE_MAX_LEN];
	va_list ap;

	if (!log_is_on(level))
		return;
	va_start(ap, format);
	(void)vsnprintf(line, sizeof line, format, ap);
	va_end(ap);
	/* A line end inside a value would forge a second fact. */
	for (char *p = line; *p != '\0'; p++)
		if (*p == '\n' || *p == '\r')
			*p = ' ';
	writer(level, line, writer_arg);
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

static bool
is_plain(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (c <= ' ' || c >= 0x7f || c == '"' || c == '\\' ||
		    c == '<' || c == '>')
			return false;
	}
	return text.len < QUOTE_MAX - 8;
}

const char *
log_address(struct span address)
{
	struct buf text = { 0 };
	const char *quoted;
	char *out;

	if (is_plain(address)) {
		out = next_room();
		(void)snprintf(out, QUOTE_MAX + 8, "<%.*s>", SPAN_ARG(address));
		return out;
	}
	(void)buf_append_char(&text, '<');
	(void)buf_append_span(&text, address);
	(void)buf_append_char(&text, '>');
	quoted = log_quote(buf_span(&text));
	buf_clear(&text);
	return quoted;
}

const char *
log_quote_text(const char *text)
{
	return log_quote(span_text(text));
}

/* RFC 8259 7; what is not ASCII is shown as \xNN, as log_quote() does. */
static void
json_char(char c, struct buf *out)
{
	unsigned char byte = (unsigned char)c;

	if (byte < 0x20)
		(void)buf_printf(out, "\\u%04x", byte);
	else if (byte >= 0x7f)
		(void)buf_printf(out, "\\\\x%02x", byte);
	else
		(void)buf_append_char(out, c);
}

/* Letters, digits and what our own keys have; nothing else is a key. */
static void
json_key(const char *key, size_t len, struct buf *out)
{
	(void)buf_append_text(out, ",\"");
	for (size_t i = 0; i < len; i++) {
		bool fine = ascii_is_alnum(key[i]) || key[i] == '_' ||
			    key[i] == '-' || key[i] == '.';

		(void)buf_append_char(out, fine ? key[i] : '?');
	}
	(void)buf_append_text(out, "\":");
}

/* Appends the value at *p as a JSON string and moves behind it. */
static void
json_value(const char **p, struct buf *out)
{
	bool quoted = **p == '"';

	if (quoted)
		(*p)++;
	(void)buf_append_char(out, '"');
	for (; **p != '\0'; (*p)++) {
		if (quoted ? **p == '"' : **p == ' ')
			break;
		if (quoted && **p == '\\' && (*p)[1] == 'x') {
			/* \xNN stays readable: as a backslash and the rest */
			(void)buf_append_text(out, "\\\\");
			continue;
		}
		if (quoted && **p == '\\' && (*p)[1] != '\0') {
			(*p)++;
			(void)buf_append_char(out, '\\');
			(void)buf_append_char(out, **p);
			continue;
		}
		if (**p == '"' || **p == '\\')
			(void)buf_append_char(out, '\\');
		json_char(**p, out);
	}
	if (quoted && **p == '"')
		(*p)++;
	(void)buf_append_char(out, '"');
}

void
log_to_json(
    enum log_level level, const char *stamp, const char *line, struct buf *out)
{
	const char *p = line;

	(void)buf_printf(out,
	    "{\"time\":\"%s\",\"level\":\"%s\",\"event\":", stamp,
	    log_level_name(level));
	json_value(&p, out);
	while (*p != '\0') {
		const char *key;

		while (*p == ' ')
			p++;
		key = p;
		while (*p != '\0' && *p != '=' && *p != ' ')
			p++;
		if (p == key)
			break;
		json_key(key, (size_t)(p - key), out);
		if (*p == '=') {
			p++;
			json_value(&p, out);
		} else {
			(void)buf_append_text(out, "true");
		}
	}
	(void)buf_append_char(out, '}');
}
