/*
 * Everything a peer said is quoted, cut and cleaned on its way into the report
 * (peer_text): a next host may not write header fields or MIME boundaries here.
 */
#include "mail/dsn.h"

#include <inttypes.h>
#include <stdio.h>

#include "mail/header.h"
#include "mail/trace.h"

enum { PEER_TEXT_MAX = 800, HEADER_SHOWN_MAX = 65536, FOLD_AT = 72 };

/*
 * On one line, folded at blanks unless `fold` is empty: printable ASCII, the
 * rest as '?'.
 */
static void
peer_text(struct buf *out, struct span text, const char *fold)
{
	size_t column = 0;

	for (size_t i = 0; i < text.len && i < PEER_TEXT_MAX; i++) {
		char c = text.ptr[i];

		if (c == '\r')
			continue;
		if (c == '\n' || c == '\t')
			c = ' ';
		if (c == ' ' && column >= FOLD_AT && fold[0] != '\0') {
			(void)buf_append_text(out, fold);
			column = 0;
			continue;
		}
		(void)buf_append_char(out, c >= ' ' && c <= '~' ? c : '?');
		column++;
	}
}

static const char *
action_name(enum dsn_action a)
{
	return a == DSN_FAILED ? "failed" : "delayed";
}

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
	    "Content-Type: multipart/report; report-type=delivery-status;\r\n"
	    "\tboundary=\"postern-%016" PRIx64 "\"\r\n"
	    "\r\n",
	    date, SPAN_ARG(d->hostname), SPAN_ARG(d->sender),
	    d->action == DSN_FAILED ? "Your message could not be delivered"
				    : "Your message is delayed",
	    SPAN_ARG(d->report_qid), d->boundary, SPAN_ARG(d->hostname),
	    d->boundary);
}

static void
write_boundary(struct buf *out, const struct dsn *d, const char *end)
{
	(void)buf_printf(
	    out, "\r\n--postern-%016" PRIx64 "%s\r\n", d->boundary, end);
}

static void
write_words(struct buf *out, const struct dsn *d)
{
	char date[DATE_SIZE];

	date_format(d->arrived, date);
	(void)buf_append_text(
	    out, "Content-Type: text/plain; charset=us-ascii\r\n\r\n");
	(void)buf_printf(out,
	    "This is the mail relay at %.*s.\r\n\r\n"
	    "Your message of %s (our number %.*s)\r\n",
	    SPAN_ARG(d->hostname), date, SPAN_ARG(d->qid));
	if (d->action == DSN_FAILED)
		(void)buf_append_text(out,
		    "could not be delivered to the recipients below. It will"
		    " not be tried\r\nagain. If you think that it should have"
		    " arrived, check the address and\r\nwhat the receiving"
		    " host said.\r\n");
	else
		(void)buf_printf(out,
		    "has not been delivered to the recipients below yet. There"
		    " is nothing\r\nyou need to do: it is tried again for"
		    " another %" PRIu32 " h.\r\n",
		    (d->retry_for + 3599) / 3600);
	for (size_t i = 0; i < d->nrcpts; i++) {
		const struct dsn_rcpt *r = &d->rcpts[i];

		(void)buf_append_text(out, "\r\n<");
		peer_text(out, r->address, "");
		(void)buf_append_text(out, ">:\r\n    ");
		if (!span_is_empty(r->host)) {
			peer_text(out, r->host, "\r\n    ");
			(void)buf_append_text(out, " said:\r\n    ");
		}
		peer_text(out, r->reply, "\r\n    ");
		(void)buf_append_text(out, "\r\n");
	}
}

static void
write_rcpt_fields(
    struct buf *out, const struct dsn *d, const struct dsn_rcpt *r)
{
	char date[DATE_SIZE];

	(void)buf_append_text(out, "\r\nFinal-Recipient: rfc822; ");
	peer_text(out, r->address, "");
	(void)buf_printf(out, "\r\nAction: %s\r\nStatus: %.*s\r\n",
	    action_name(d->action), SPAN_ARG(r->status));
	if (!span_is_empty(r->host)) {
		(void)buf_append_text(out, "Remote-MTA: dns; ");
		/* RFC 3464 2.3.5: the name alone. */
		peer_text(out, span_to(r->host, span_find(r->host, ' ')), "");
		(void)buf_append_text(out, "\r\nDiagnostic-Code: smtp; ");
	} else {
		(void)buf_append_text(out, "Diagnostic-Code: x-postern; ");
	}
	peer_text(out, r->reply, "\r\n\t");
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

static void
write_status(struct buf *out, const struct dsn *d)
{
	char date[DATE_SIZE];

	date_format(d->arrived, date);
	(void)buf_printf(out,
	    "Content-Type: message/delivery-status\r\n\r\n"
	    "Reporting-MTA: dns; %.*s\r\n"
	    "X-Postern-ID: %.*s\r\n"
	    "Arrival-Date: %s\r\n",
	    SPAN_ARG(d->hostname), SPAN_ARG(d->qid), date);
	for (size_t i = 0; i < d->nrcpts; i++)
		write_rcpt_fields(out, d, &d->rcpts[i]);
}

/* 8-bit bytes of an old header would make the whole report 8-bit. */
static void
write_original(struct buf *out, struct span header)
{
	struct header_field f;
	size_t shown = 0;

	(void)buf_append_text(out, "Content-Type: text/rfc822-headers\r\n\r\n");
	while (shown < HEADER_SHOWN_MAX && header_next(&header, &f)) {
		for (size_t i = 0; i < f.raw.len; i++) {
			char c = f.raw.ptr[i];

			(void)buf_append_char(
			    out, (unsigned char)c < 128 ? c : '?');
		}
		shown += f.raw.len;
	}
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
	write_original(out, d->header);
	write_boundary(out, d, "--");
}
