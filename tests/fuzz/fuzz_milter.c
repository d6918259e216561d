/*
 * What a filter says, to one message: the first byte says how it is cut. Whatever
 * comes, a changed header is one of whole fields, and a new body has line ends of
 * mail.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "mail/header.h"
#include "milter/milter.h"

enum { HEADER_MOST = 4096, BODY_MOST = 8192 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
	struct milter *milter;
	struct buf out, body;
	unsigned pieces;
};

static enum milter_need
step(struct world *w, struct milter_event ev)
{
	enum milter_need need = milter_step(w->milter, &ev, &w->out);

	buf_reset(&w->out);
	return need;
}

/* Does what it needs, until it waits for the filter, or is over. */
static enum milter_need
serve(struct world *w, enum milter_need need)
{
	static const char text[] = "a body\r\n";

	for (;;) {
		struct milter_event ev = { .type = MILTER_WRITTEN };

		switch (need) {
		case MILTER_INPUT:
		case MILTER_OVER: return need;
		case MILTER_ROOM: break;
		case MILTER_BODY:
			ev.type = MILTER_PIECE;
			ev.piece = span_make(
			    text, w->pieces++ < 3 ? sizeof text - 1 : 0);
			break;
		case MILTER_TAKE:
			ev.type = MILTER_TAKEN;
			(void)buf_append_span(
			    &w->body, buf_span(milter_new_body(w->milter)));
			break;
		}
		need = step(w, ev);
	}
}

static void
check_lines(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		assert(text.ptr[i] != '\0');
		if (text.ptr[i] == '\n')
			assert(i > 0 && text.ptr[i - 1] == '\r');
		if (text.ptr[i] == '\r')
			assert(i + 1 < text.len && text.ptr[i + 1] == '\n');
	}
	assert(text.len == 0 || text.ptr[text.len - 1] == '\n');
}

static void
check_text(const char *text)
{
	for (; *text != '\0'; text++)
		assert(*text >= ' ' && *text < 0x7f);
}

static void
check(struct world *w)
{
	const struct milter_outcome *o = milter_outcome(w->milter);
	struct span header, rest;
	struct header_field f;

	if (o->verdict == MILTER_REFUSED) {
		check_text(o->reply);
		assert(o->reply[0] == '4' || o->reply[0] == '5');
	}
	if (o->quarantine != NULL)
		check_text(o->quarantine);
	assert(o->nchanges <= 5);
	if (o->verdict != MILTER_PASSED)
		return;
	if (o->is_header_changed) {
		header = rest = buf_span(milter_new_header(w->milter));
		assert(header.len <= HEADER_MOST);
		check_lines(header);
		while (header_next(&rest, &f))
			;
		assert(span_is_empty(rest));
	}
	if (o->is_body_changed) {
		assert(buf_len(&w->body) <= BODY_MOST + 2);
		check_lines(buf_span(&w->body));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct milter_rcpt rcpts[] = {
		{ { "x@c.test", 8 }, { "NOTIFY=NEVER", 12 } },
		{ { "y@c.test", 8 }, { "", 0 } },
	};
	struct milter_message message = {
		.hostname = SPAN("relay.test"),
		.client = SPAN("192.0.2.1"),
		.helo = SPAN("client.test"),
		.account = SPAN("ann"),
		.qid = SPAN("1abc"),
		.sender = SPAN("ann@b.test"),
		.rcpts = rcpts,
		.nrcpts = 2,
		.header = SPAN("From: <ann@b.test>\r\nSubject: a\r\n b\r\n"
			       "X: 1\r\nX: 2\r\n"),
	};
	struct milter_limits limits = { HEADER_MOST, 998, BODY_MOST, 5 };
	struct world w = { .body.max = 4 * BODY_MOST };
	size_t cut = size > 0 && data[0] > 0 ? data[0] : SIZE_MAX;
	struct span in = span_make((const char *)data, size);
	enum milter_need need;

	in = span_from(in, size > 0 ? 1 : 0);
	w.milter = milter_new(&message, &limits);
	need =
	    serve(&w, step(&w, (struct milter_event){ .type = MILTER_OPENED }));
	while (need == MILTER_INPUT && in.len > 0) {
		struct span some = span_to(in, cut);

		in = span_from(in, some.len);
		need = serve(
		    &w, step(&w, (struct milter_event){
				     .type = MILTER_HEARD, .in = &some }));
	}
	if (need == MILTER_INPUT)
		need = serve(
		    &w, step(&w, (struct milter_event){
				     .type = MILTER_LOST, .why = "the end" }));
	assert(need == MILTER_OVER);
	check(&w);
	milter_free(w.milter);
	buf_clear(&w.out);
	buf_clear(&w.body);
	return 0;
}
