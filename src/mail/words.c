/*
 * The text of words_write() is a head line and the host's lines behind it:
 *
 *   STATUS TAB HOST TAB WHAT LF SAID
 *
 * No field has a TAB, and none but the last an LF; the writer sees to that. A
 * text without LF is an older version's.
 */
#include "mail/words.h"

#include "base/mem.h"

static bool
is_clean(char c)
{
	return (unsigned char)c >= ' ' && c != 0x7f;
}

const char *
stage_name(unsigned stage)
{
	static const char *const names[] = {
		[STAGE_NONE] = "",
		[STAGE_ROUTE] = "looking up the way",
		[STAGE_CONNECT] = "connecting",
		[STAGE_GREETING] = "the greeting",
		[STAGE_EHLO] = "EHLO",
		[STAGE_STARTTLS] = "STARTTLS",
		[STAGE_AUTH] = "AUTH",
		[STAGE_MAIL] = "MAIL",
		[STAGE_RCPT] = "RCPT",
		[STAGE_DATA] = "DATA",
		[STAGE_CONTENT] = "the end of the content",
	};

	return stage < STAGE_COUNT ? names[stage] : "";
}

char *
words_keep(struct span reply)
{
	char *text = mem_alloc(
	    (reply.len < WORDS_SAID_MAX ? reply.len : WORDS_SAID_MAX) + 1);
	size_t n = 0;

	for (size_t i = 0; i < reply.len && n < WORDS_SAID_MAX; i++) {
		char c = reply.ptr[i];

		if (c != '\r')
			text[n++] = is_clean(c) || c == '\n' ? c : ' ';
	}
	while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\n'))
		n--;
	text[n] = '\0';
	return text;
}

/* Control bytes become blanks; `keep` is one that does not. */
static void
put(struct buf *out, struct span text, char keep)
{
	while (!span_is_empty(text)) {
		size_t n = 0;

		while (n < text.len &&
		       (is_clean(text.ptr[n]) || text.ptr[n] == keep))
			n++;
		(void)buf_append(out, text.ptr, n);
		if (n < text.len)
			(void)buf_append_char(out, ' ');
		text = span_from(text, n + 1);
	}
}

void
words_write(struct buf *out, const struct words *w)
{
	(void)buf_reserve(
	    out, w->status.len + w->host.len + w->what.len + w->said.len + 3);
	put(out, w->status, ' ');
	(void)buf_append_char(out, '\t');
	put(out, w->host, ' ');
	(void)buf_append_char(out, '\t');
	put(out, w->what, ' ');
	(void)buf_append_char(out, '\n');
	put(out, w->said, '\n');
}

/* --- reading --- */

/* RFC 3463 section 2, of what is not (yet) delivered. */
static bool
is_status(struct span s)
{
	struct span class = span_cut(&s, '.'), subject = span_cut(&s, '.');
	uint64_t n;

	return (span_equal(class, SPAN("4")) || span_equal(class, SPAN("5"))) &&
	       span_to_u64(subject, 999, &n) && span_to_u64(s, 999, &n);
}

/* "mx.test [192.0.2.1]:25" or "[192.0.2.1]:25", and nothing else. */
static bool
is_host(struct span s)
{
	size_t open = span_find(s, '['), close = span_find(s, ']');
	uint64_t port;

	if (open == s.len || close == s.len || close < open ||
	    (open > 0 && (open == 1 || s.ptr[open - 1] != ' ')))
		return false;
	for (size_t i = 0; i + 1 < open; i++)
		if (!ascii_is_alnum(s.ptr[i]) && s.ptr[i] != '.' &&
		    s.ptr[i] != '-' && s.ptr[i] != '_')
			return false;
	s = span_from(s, close + 1);
	return span_is_empty(s) ||
	       (s.ptr[0] == ':' &&
		   span_to_u64(span_from(s, 1), UINT16_MAX, &port));
}

/* A peer could write " said: " too: only behind a host's name it is ours. */
static struct words
read_older(struct span text)
{
	static const struct span said = { " said: ", 7 };
	struct words w = { .what = text };
	struct span rest = text, status = span_cut(&rest, ' ');

	if (!is_status(status))
		return w;
	w.status = status;
	w.what = rest;
	for (size_t at = 0; at + said.len <= rest.len; at++) {
		if (!span_starts(span_from(rest, at), said))
			continue;
		if (is_host(span_to(rest, at))) {
			w.host = span_to(rest, at);
			w.said = span_from(rest, at + said.len);
			w.what = SPAN("");
		}
		break;
	}
	return w;
}

struct words
words_read(struct span text)
{
	struct words w = { 0 };
	struct span head;

	if (span_find(text, '\n') == text.len)
		return read_older(text);
	head = span_cut(&text, '\n');
	w.said = text;
	w.status = span_cut(&head, '\t');
	w.host = span_cut(&head, '\t');
	w.what = head;
	if (!is_status(w.status))
		w.status = SPAN("");
	return w;
}

/* --- for people --- */

static void
put_lines(struct buf *out, struct span said)
{
	bool first = true;

	while (!span_is_empty(said)) {
		if (!first)
			(void)buf_append_text(out, " / ");
		put(out, span_cut(&said, '\n'), ' ');
		first = false;
	}
}

void
words_join(struct buf *out, const struct words *w)
{
	put(out, w->what, ' ');
	if (!span_is_empty(w->what) && !span_is_empty(w->said))
		(void)buf_append_text(out, ": ");
	put_lines(out, w->said);
}

void
words_say(struct buf *out, const struct words *w)
{
	put(out, w->status, ' ');
	if (!span_is_empty(w->status))
		(void)buf_append_char(out, ' ');
	if (!span_is_empty(w->host)) {
		put(out, w->host, ' ');
		(void)buf_append_text(
		    out, span_is_empty(w->what) ? " said: " : ": ");
	}
	words_join(out, w);
}
