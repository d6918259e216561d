#include "mail/trace.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

void
date_format(int64_t wall_ms, char out[DATE_SIZE])
{
	/* Names are ours: strftime's follow the locale. */
	static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu",
		"Fri", "Sat" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	time_t t = (time_t)(wall_ms / 1000);
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL)
		tm = (struct tm){ .tm_mday = 1, .tm_year = 70, .tm_wday = 4 };
	(void)snprintf(out, DATE_SIZE, "%s, %02d %s %04d %02d:%02d:%02d +0000",
	    days[tm.tm_wday % 7], tm.tm_mday, months[tm.tm_mon % 12],
	    (tm.tm_year + 1900) % 10000, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* What a client calls itself stands in a comment's or domain's place: no more
   than letters that can do no harm there. */
static void
write_helo(struct buf *out, struct span helo)
{
	if (span_is_empty(helo)) {
		(void)buf_append_text(out, "unknown");
		return;
	}
	for (size_t i = 0; i < helo.len && i < 255; i++) {
		char c = helo.ptr[i];
		bool fine = ascii_is_alnum(c) || c == '.' || c == '-' ||
			    c == '_' || c == ':' || c == '[' || c == ']';

		(void)buf_append_char(out, fine ? c : '?');
	}
}

void
trace_write_received(struct buf *out, const struct trace *t)
{
	bool v6 = span_find(t->client, ':') < t->client.len;
	char date[DATE_SIZE];

	date_format(t->when, date);
	(void)buf_append_text(out, "Received: ");
	if (!span_is_empty(t->client)) {
		(void)buf_append_text(out, "from ");
		write_helo(out, t->helo);
		(void)buf_printf(out, " ([%s%.*s])\r\n\t", v6 ? "IPv6:" : "",
		    SPAN_ARG(t->client));
	}
	(void)buf_printf(out, "by %.*s (Postern) with %.*s id %.*s",
	    SPAN_ARG(t->hostname), SPAN_ARG(t->protocol), SPAN_ARG(t->qid));
	if (!span_is_empty(t->rcpt))
		(void)buf_printf(out, "\r\n\tfor <%.*s>", SPAN_ARG(t->rcpt));
	if (!span_is_empty(t->cipher))
		(void)buf_printf(out, "\r\n\ttls %.*s (%.*s)",
		    SPAN_ARG(t->cipher), SPAN_ARG(t->tls));
	if (!span_is_empty(t->priority))
		(void)buf_printf(
		    out, "\r\n\tPRIORITY %.*s", SPAN_ARG(t->priority));
	(void)buf_printf(out, ";\r\n\t%s\r\n", date);
}

void
trace_write_date(struct buf *out, int64_t wall_ms)
{
	char date[DATE_SIZE];

	date_format(wall_ms, date);
	(void)buf_printf(out, "Date: %s\r\n", date);
}

void
trace_write_from(struct buf *out, struct span address)
{
	(void)buf_printf(out, "From: <%.*s>\r\n", SPAN_ARG(address));
}

void
trace_write_message_id(
    struct buf *out, struct span qid, uint64_t random, struct span hostname)
{
	(void)buf_printf(out, "Message-ID: <%.*s.%" PRIx64 "@%.*s>\r\n",
	    SPAN_ARG(qid), random, SPAN_ARG(hostname));
}
