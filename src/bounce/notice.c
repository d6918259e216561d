#include "bounce/notice.h"

#include <stdlib.h>

#include "base/mem.h"
#include "facts/fact.h"
#include "intake/draft.h"
#include "intake/intake_io.h"
#include "mail/envelope.h"
#include "mail/qid.h"
#include "mail/trace.h"

enum { NOTICE_MAX = 64 * 1024, SUBJECT_MAX = 200 };

/* One on its way in. */
struct noticing {
	struct draft draft;
	struct intake intake;
	report_cb cb;
	void *arg;
};

static void on_stored(const struct intake_answer *answer, void *arg);

/* Whoever chose an account's name chose no line of a header. */
static void
put_line(struct buf *out, struct span text)
{
	text = span_to(text, SUBJECT_MAX);
	for (size_t i = 0; i < text.len; i++)
		(void)buf_append_char(
		    out, (unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 0x7f
			     ? ' '
			     : text.ptr[i]);
	(void)buf_append_text(out, "\r\n");
}

static void
put_lines(struct buf *out, struct span text)
{
	while (text.len > 0) {
		struct span line = span_cut(&text, '\n');

		(void)buf_append_span(out, line);
		(void)buf_append_text(out, "\r\n");
	}
}

static void
write_notice(struct noticing *n, const struct notice *what)
{
	struct buf *out = &n->draft.body;
	struct qid qid = qid_format(n->draft.id);

	out->max = NOTICE_MAX;
	(void)buf_printf(out,
	    "From: Postern <MAILER-DAEMON@%s>\r\nTo: <%.*s>\r\n",
	    what->hostname, SPAN_ARG(what->to));
	(void)buf_append_text(out, "Subject: ");
	put_line(out, what->subject);
	trace_write_date(out, what->now);
	trace_write_message_id(
	    out, span_text(qid.text), what->random, span_text(what->hostname));
	(void)buf_append_text(out, "Auto-Submitted: auto-generated\r\n"
				   "MIME-Version: 1.0\r\n"
				   "Content-Type: text/plain; charset=utf-8\r\n"
				   "Content-Transfer-Encoding: 8bit\r\n"
				   "\r\n");
	put_lines(out, what->text);
}

static uint32_t
flags_of(const struct notice *what)
{
	uint32_t flags = ENVELOPE_REPORT;

	if (!span_is_ascii(what->text))
		flags |= ENVELOPE_8BIT;
	/* A header of more than ASCII needs hosts that take it (RFC 6532). */
	if (!span_is_ascii(what->to) || !span_is_ascii(what->subject))
		flags |= ENVELOPE_8BIT | ENVELOPE_UTF8 | ENVELOPE_UTF8_HEADER;
	return flags;
}

void
notice_start(const struct notice *what, report_cb cb, void *arg)
{
	struct noticing *n = MEM_NEW(struct noticing);
	struct intake_answer now;

	n->cb = cb;
	n->arg = arg;
	n->draft.origin = DRAFT_REPORT;
	n->draft.now = what->now;
	n->draft.flags = flags_of(what);
	intake_init(&n->intake, what->spool, what->loop, on_stored, n);
	draft_set_written_sender(&n->draft, SPAN(""));
	draft_add_written(&n->draft, what->to, SPAN(""));
	(void)draft_run(&n->draft, DRAFT_BEGINS);
	(void)intake_do(&n->intake, &n->draft, &now); /* at once */
	(void)draft_answered(&n->draft, now.refusal);
	write_notice(n, what);
	draft_note_written(&n->draft);
	(void)draft_run(&n->draft, DRAFT_ENDS);
	(void)intake_do(&n->intake, &n->draft, &now); /* on_stored() */
}

static void
on_stored(const struct intake_answer *answer, void *arg)
{
	struct noticing *n = arg;
	report_cb cb = n->cb;
	void *cb_arg = n->arg;
	char *message_id = n->draft.message_id;

	n->draft.message_id = NULL;
	draft_clear(&n->draft);
	free(n);
	cb(answer->env, message_id == NULL ? "" : message_id, cb_arg);
	free(message_id);
}
