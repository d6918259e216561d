/*
 * Everything a peer said is cut and cleaned on its way into the report
 * (peer_lines): a next host may not write header fields or MIME boundaries here.
 */
#include "mail/dsn.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/utf8.h"
#include "mail/header.h"
#include "mail/trace.h"
#include "mail/xtext.h"

enum {
	PEER_TEXT_MAX = WORDS_SAID_MAX,
	HEADER_SHOWN_MAX = 65536,
	FOLD_AT = 72,
	LINE_MOST =
	    600, /* RFC 5322 2.1.1 says 998; a host may stand before it */
	NAME_MOST = 320, /* of a host, and what is like it */
};

/*
 * Printable ASCII, the rest as '?'. Each line after the first, and what is too
 * long for one, begins with `line`; lines are folded at blanks when there is a
 * `fold`, so that a header field keeps to its 78 columns and a URL in a text
 * stays whole.
 */
static void
peer_lines(
    struct buf *out, struct span text, const char *line, const char *fold)
{
	const char *begin = NULL; /* of the next line, when it comes */
	size_t column = 0;

	for (size_t i = 0; i < text.len && i < PEER_TEXT_MAX; i++) {
		char c = text.ptr[i];
		bool is_blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';

		if (c == '\n')
			begin = line;
		else if (is_blank && column >= FOLD_AT && fold != NULL)
			begin = fold;
		else if (column >= LINE_MOST)
			begin = line;
		/* Never a line of blanks alone: it ends a header for some. */
		if (is_blank && (begin != NULL || column == 0 || c == '\r'))
			continue;
		if (begin != NULL && column > 0) {
			(void)buf_append_text(out, begin);
			column = 0;
		}
		begin = NULL;
		(void)buf_append_char(out, is_blank		 ? ' '
					   : c > ' ' && c <= '~' ? c
								 : '?');
		column++;
	}
}

/* On one line, folded nowhere. */
static void
peer_text(struct buf *out, struct span text)
{
	peer_lines(out, span_to(text, NAME_MOST), " ", NULL);
}

/* An address that a client named and we have checked; letters as they are. */
static void
put_address(struct buf *out, const struct dsn *d, struct span address)
{
	if (d->is_utf8)
		(void)buf_append_span(out, address);
	else
		peer_text(out, address);
}

static const struct {
	const char *name, *subject;
} actions[] = {
	[DSN_FAILED] = { "failed", "Your message could not be delivered" },
	[DSN_DELAYED] = { "delayed", "Your message is delayed" },
	[DSN_RELAYED] = { "relayed", "Your message was passed on" },
};

static const char eight_bit[] = "Content-Transfer-Encoding: 8bit\r\n";

static void
write_head(struct buf *out, const struct dsn *d)
{
	char date[DATE_SIZE];

	date_format(d->now, date);
	(void)buf_printf(out,
	    "Date: %s\r\n"
	    "From: Mail delivery <MAILER-DAEMON@%.*s>\r\n"
	    "To: <%.*s>\r\n"
	    "Subject: %s\r\n"
	    "Message-ID: <%.*s.%" PRIx64 "@%.*s>\r\n"
	    "Auto-Submitted: auto-replied\r\n"
	    "MIME-Version: 1.0\r\n"
	    "%s"
	    "Content-Type: multipart/report; report-type=delivery-status;\r\n"
	    "\tboundary=\"postern-%016" PRIx64 "\"\r\n"
	    "\r\n",
	    date, SPAN_ARG(d->hostname), SPAN_ARG(d->sender),
	    actions[d->action].subject, SPAN_ARG(d->report_qid), d->boundary,
	    SPAN_ARG(d->hostname), d->is_8bit || d->is_utf8 ? eight_bit : "",
	    d->boundary);
}

static void
write_boundary(struct buf *out, const struct dsn *d, const char *end)
{
	(void)buf_printf(
	    out, "\r\n--postern-%016" PRIx64 "%s\r\n", d->boundary, end);
}

static void
put_count(struct buf *out, uint64_t n, const char *unit)
{
	(void)buf_printf(out, "%" PRIu64 " %s%s", n, unit, n == 1 ? "" : "s");
}

/* In the largest unit of which there are two or more. */
static void
put_time(struct buf *out, int64_t ms)
{
	static const struct {
		const char *name;
		uint64_t s;
	} units[] = {
		{ "day", 86400 },
		{ "hour", 3600 },
		{ "minute", 60 },
	};
	uint64_t s = ms < 0 ? 0 : (uint64_t)ms / 1000;

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (s < 2 * units[i].s)
			continue;
		put_count(out, s / units[i].s, units[i].name);
		return;
	}
	put_count(out, s, "second");
}

/* How often, since when: what an expired message is asked about first. */
static void
put_tries(struct buf *out, const struct dsn *d, const struct dsn_rcpt *r)
{
	char since[DATE_SIZE], last[DATE_SIZE];

	date_format(d->arrived, since);
	date_format(r->last, last);
	(void)buf_append_text(out, "    ");
	if (r->is_expired) {
		(void)buf_append_text(out, "The message expired after ");
		put_time(out, d->now - d->arrived);
		(void)buf_append_text(out, ".\r\n    ");
	}
	if (r->tries == 0) {
		(void)buf_printf(
		    out, "No attempt was made since %s.\r\n", since);
		return;
	}
	(void)buf_append_text(out, "It was tried ");
	put_count(out, r->tries, "time");
	(void)buf_printf(out, " since %s", since);
	if (r->last != 0)
		(void)buf_printf(out, ",\r\n    the last time on %s", last);
	(void)buf_append_text(out, ".\r\n");
}

static void
put_last_words(struct buf *out, const struct words *w)
{
	(void)buf_append_text(out, "    ");
	if (!span_is_empty(w->host)) {
		peer_text(out, w->host);
		(void)buf_append_text(
		    out, span_is_empty(w->what) ? " said:" : ": ");
	}
	peer_lines(out, w->what, "\r\n    ", NULL);
	if (!span_is_empty(w->what) && !span_is_empty(w->said))
		(void)buf_append_char(out, ':');
	if (!span_is_empty(w->said))
		(void)buf_append_text(out, "\r\n    ");
	peer_lines(out, w->said, "\r\n    ", NULL);
	(void)buf_append_text(out, "\r\n");
}

static void
put_fate(struct buf *out, const struct dsn *d)
{
	size_t expired = 0;

	for (size_t i = 0; i < d->nrcpts; i++)
		expired += d->rcpts[i].is_expired;
	if (d->action == DSN_DELAYED)
		(void)buf_printf(out,
		    "has not been delivered to the recipients below yet. There"
		    " is nothing\r\nyou need to do: it is tried again for"
		    " another %" PRIu32 " h.\r\n",
		    (d->retry_for + 3599) / 3600);
	else if (d->action == DSN_RELAYED && d->is_by)
		(void)buf_append_text(out,
		    "was passed on to the mail hosts of the recipients below."
		    " You are told since\r\nyour message named a time to be"
		    " there by (BY); whether it is kept now lies\r\nwith"
		    " these hosts.\r\n");
	else if (d->action == DSN_RELAYED)
		(void)buf_append_text(out,
		    "was passed on to the mail hosts of the recipients below."
		    " These hosts send\r\nno confirmations, so this is the"
		    " last one that you get.\r\n");
	else if (expired == d->nrcpts)
		(void)buf_append_text(out,
		    "has expired: it could not be delivered to the recipients"
		    " below in the\r\ntime that it had, and will not be tried"
		    " again.\r\n");
	else
		(void)buf_append_text(out,
		    "could not be delivered to the recipients below. It will"
		    " not be tried\r\nagain. If you think that it should have"
		    " arrived, check the address and\r\nwhat the receiving"
		    " host said.\r\n");
}

static void
put_text(struct buf *out, const struct dsn *d)
{
	char date[DATE_SIZE];

	date_format(d->arrived, date);
	(void)buf_printf(out,
	    "This is the mail relay at %.*s.\r\n\r\n"
	    "Your message of %s (our number %.*s)\r\n",
	    SPAN_ARG(d->hostname), date, SPAN_ARG(d->qid));
	if (!span_is_empty(d->subject))
		(void)buf_printf(
		    out, "    Subject: %.*s\r\n", SPAN_ARG(d->subject));
	put_fate(out, d);
	for (size_t i = 0; i < d->nrcpts; i++) {
		const struct dsn_rcpt *r = &d->rcpts[i];

		(void)buf_append_text(out, "\r\n<");
		put_address(out, d, r->address);
		(void)buf_append_text(out, ">:\r\n");
		if (r->is_expired || d->action == DSN_DELAYED)
			put_tries(out, d, r);
		put_last_words(out, &r->words);
	}
}

/* RFC 2045 6.7; the text's line ends are CRLF. */
static void
put_quoted(struct buf *out, struct span text)
{
	size_t column = 0;

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		bool ends = i + 1 < text.len && text.ptr[i + 1] == '\r';
		bool plain =
		    (c > ' ' && c <= '~' && c != '=') || (c == ' ' && !ends);

		if (c == '\r' || c == '\n') {
			(void)buf_append_char(out, (char)c);
			column = 0;
			continue;
		}
		if (column + (plain ? 1 : 3) > 75) {
			(void)buf_append_text(out, "=\r\n");
			column = 0;
		}
		if (plain)
			(void)buf_append_char(out, (char)c);
		else
			(void)buf_printf(out, "=%02X", c);
		column += plain ? 1 : 3;
	}
}

/* Only a subject and addresses can have other letters; then the part is made 7-bit. */
static void
write_words(struct buf *out, const struct dsn *d)
{
	struct buf text = { .max = out->max };

	put_text(&text, d);
	if (span_is_ascii(buf_span(&text))) {
		(void)buf_append_text(
		    out, "Content-Type: text/plain; charset=us-ascii\r\n\r\n");
		(void)buf_append_span(out, buf_span(&text));
	} else {
		(void)buf_append_text(out,
		    "Content-Type: text/plain; charset=utf-8\r\n"
		    "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
		put_quoted(out, buf_span(&text));
	}
	buf_clear(&text);
}

/* RFC 3464 2.3.1: the type of address, and what the xtext means. */
static void
write_original_rcpt(struct buf *out, const struct dsn_rcpt *r)
{
	size_t type = span_find(r->original, ';');
	struct buf address = { .max = out->max };

	if (type == r->original.len)
		return;
	xtext_decode(span_from(r->original, type + 1), &address);
	(void)buf_append_text(out, "Original-Recipient: ");
	peer_text(out, span_to(r->original, type));
	(void)buf_append_text(out, "; ");
	peer_lines(out, buf_span(&address), " ", NULL);
	(void)buf_append_text(out, "\r\n");
	buf_clear(&address);
}

static void
write_rcpt_fields(
    struct buf *out, const struct dsn *d, const struct dsn_rcpt *r)
{
	const struct words *w = &r->words;
	char date[DATE_SIZE];

	(void)buf_append_text(out, "\r\n");
	write_original_rcpt(out, r);
	/* RFC 6533 3: the type says whether there are more letters. */
	(void)buf_printf(out, "Final-Recipient: %s; ",
	    span_is_ascii(r->address) ? "rfc822" : "utf-8");
	put_address(out, d, r->address);
	(void)buf_printf(
	    out, "\r\nAction: %s\r\nStatus: ", actions[d->action].name);
	peer_text(out, w->status);
	if (!span_is_empty(w->host)) {
		(void)buf_append_text(out, "\r\nRemote-MTA: dns; ");
		/* RFC 3464 2.3.5: the name alone. */
		peer_text(out, span_to(w->host, span_find(w->host, ' ')));
	}
	/* RFC 3464 2.3.6: only what an SMTP host said is a code of SMTP. */
	if (span_is_empty(w->said)) {
		(void)buf_append_text(out, "\r\nDiagnostic-Code: x-postern; ");
		peer_lines(out, w->what, "\r\n\t", "\r\n\t");
	} else {
		(void)buf_append_text(out, "\r\nDiagnostic-Code: smtp; ");
		peer_lines(out, w->said, "\r\n\t", "\r\n\t");
	}
	(void)buf_append_text(out, "\r\n");
	if (r->last != 0) {
		date_format(r->last, date);
		(void)buf_printf(out, "Last-Attempt-Date: %s\r\n", date);
	}
	if (d->action == DSN_DELAYED) {
		date_format(d->now + (int64_t)d->retry_for * 1000, date);
		(void)buf_printf(out, "Will-Retry-Until: %s\r\n", date);
	}
}

/* RFC 3464 2.2.1. */
static void
write_envid(struct buf *out, struct span envid)
{
	struct buf text = { .max = out->max };

	if (span_is_empty(envid))
		return;
	xtext_decode(envid, &text);
	(void)buf_append_text(out, "Original-Envelope-Id: ");
	peer_lines(out, buf_span(&text), " ", NULL);
	(void)buf_append_text(out, "\r\n");
	buf_clear(&text);
}

static void
write_status(struct buf *out, const struct dsn *d)
{
	char date[DATE_SIZE];

	date_format(d->arrived, date);
	if (d->is_utf8) /* RFC 6533 4 */
		(void)buf_printf(out,
		    "Content-Type: message/global-delivery-status\r\n%s\r\n",
		    eight_bit);
	else
		(void)buf_append_text(
		    out, "Content-Type: message/delivery-status\r\n\r\n");
	write_envid(out, d->envid);
	(void)buf_printf(out,
	    "Reporting-MTA: dns; %.*s\r\n"
	    "X-Postern-ID: %.*s\r\n"
	    "Arrival-Date: %s\r\n",
	    SPAN_ARG(d->hostname), SPAN_ARG(d->qid), date);
	for (size_t i = 0; i < d->nrcpts; i++)
		write_rcpt_fields(out, d, &d->rcpts[i]);
}

/*
 * 8-bit bytes of a header that nobody announced would make the whole report 8-bit.
 * What was announced is shown whole (RFC 6533 5).
 */
static void
write_header(struct buf *out, const struct dsn *d)
{
	struct span header = d->header;
	bool whole = d->is_utf8 && utf8_is_valid(header);
	struct header_field f;
	size_t shown = 0;

	if (whole)
		(void)buf_printf(out,
		    "Content-Type: message/global-headers\r\n%s\r\n",
		    eight_bit);
	else
		(void)buf_append_text(
		    out, "Content-Type: text/rfc822-headers\r\n\r\n");
	while (shown < HEADER_SHOWN_MAX && header_next(&header, &f)) {
		for (size_t i = 0; i < f.raw.len; i++) {
			char c = f.raw.ptr[i];

			(void)buf_append_char(
			    out, whole || (unsigned char)c < 128 ? c : '?');
		}
		shown += f.raw.len;
	}
}

/* RFC 3461 4.3: all of it when the sender wanted it, else the header. */
static void
write_original(struct buf *out, const struct dsn *d)
{
	if (span_is_empty(d->content)) {
		write_header(out, d);
		return;
	}
	(void)buf_printf(out, "Content-Type: %s\r\n%s\r\n",
	    d->is_utf8 ? "message/global" : "message/rfc822",
	    d->is_8bit || d->is_utf8 ? eight_bit : "");
	(void)buf_append_span(out, d->content);
}

void
dsn_write(struct buf *out, const struct dsn *d)
{
	write_head(out, d);
	(void)buf_append_text(out, "This is a report for people and programs "
				   "(RFC 3464).\r\n");
	write_boundary(out, d, "");
	write_words(out, d);
	write_boundary(out, d, "");
	write_status(out, d);
	write_boundary(out, d, "");
	write_original(out, d);
	write_boundary(out, d, "--");
}
