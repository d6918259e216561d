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

/* All of it may be a peer's but the status, which we wrote in front. */
static struct words
read_older(struct span text)
{
	struct words w = { .what = text };
	struct span rest = text, status = span_cut(&rest, ' ');

	if (!is_status(status))
		return w;
	w.status = status;
	w.what = rest;
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
