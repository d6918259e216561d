/*
 * Content on its way out. What is in memory leaves at once. What is in a file
 * leaves in pieces, the next one when the host has taken the last:
 *
 *   on_read       the next piece is read, by the pool if it has to wait
 *   on_drained    the host took it
 */
#include "lane_parts_io.h"

#include <errno.h>

#include "deliver/attempt.h"
#include "facts/fact.h"
#include "io/stream.h"
#include "io/work.h"
#include "mail/envelope.h"
#include "mail/qid.h"
#include "piece_io.h"
#include "sign/signature.h"

enum { MS_AN_OCTET = 2 }; /* patience for what leaves at once: 500 a second */

static void on_read(void *arg);
static void on_drained(enum stream_status status, void *arg);
static void send_content(struct lane_io *io);

static void
put_content(struct lane_io *io, struct span piece)
{
	struct buf stuffed = { .max = 3 * PIECE };
	struct span part;

	bool has_no_dots = (io->attempt->env->flags & ENVELOPE_NO_DOTS) != 0 &&
			   io->made == NULL;

	if (io->is_chunk || has_no_dots) {
		io->dot.in_line =
		    piece.len > 0 && piece.ptr[piece.len - 1] != '\n';
		stream_put(io->stream, piece);
		return;
	}
	while (piece.len > 0) {
		part = span_to(piece, PIECE);
		piece = span_from(piece, part.len);
		(void)dot_write(&io->dot, part, &stuffed);
		stream_put(io->stream, buf_span(&stuffed));
		buf_reset(&stuffed);
	}
	buf_clear(&stuffed);
}

/* In the middle of a transaction: the connection is of no use any more. */
static void
put_off_unreadable(struct lane_io *io, const char *why)
{
	struct verdict v =
	    verdict_of_us(STAGE_CONTENT, "4.3.0", span_text(why));

	FACT(CONTENT_UNREADABLE, fact_id("qid", io->attempt->env->id),
	    fact_string("what", why));
	attempt_set_rest(io->attempt, &v);
	lane_break_off(io, "4.3.0", why);
}

static void
send_piece(struct lane_io *io, struct piece *p)
{
	if (p->len <= 0) {
		put_off_unreadable(io, p->err.text);
		return;
	}
	io->reader = p->reader;
	put_content(io, span_make(p->data, (size_t)p->len));
	lane_enter(io, LANE_SENDING);
	lane_set_deadline(io, 0);
	stream_drain(io->stream, on_drained, io);
}

/* What was just written is in memory still: it needs no other thread. */
static void
read_piece(struct lane_io *io)
{
	struct piece *p = piece_new(io, lane_content(io), &io->reader);

	p->reader.now = true;
	piece_read(p);
	if (p->len != -EAGAIN) {
		send_piece(io, p);
		piece_free(p);
		return;
	}
	p->reader.now = false;
	lane_enter(io, LANE_READING);
	io->pool_is_busy = true;
	work_run(io->worker->loop, piece_read, on_read, p);
}

static void
on_read(void *arg)
{
	struct piece *p = arg;
	struct lane_io *io = p->io;

	io->pool_is_busy = false;
	if (io->state == LANE_CLOSING)
		lane_pool_is_done(io);
	else
		send_piece(io, p);
	piece_free(p);
}

static void
finish_content(struct lane_io *io)
{
	struct client_event ev = { .type = CLIENT_SENT };
	struct buf end = { 0 };

	if (!io->is_chunk) {
		(void)dot_write_end(&io->dot, &end);
		stream_put(io->stream, buf_span(&end));
		buf_clear(&end);
	}
	lane_run(io, &ev);
}

static void
send_content(struct lane_io *io)
{
	const struct content *c = lane_content(io);
	struct span pieces[2];
	int n;

	if (!content_is_in_memory(c)) {
		if (io->reader.at < content_size(c))
			read_piece(io);
		else
			finish_content(io);
		return;
	}
	n = content_pieces(c, 0, pieces);
	for (int i = 0; i < n; i++)
		put_content(io, pieces[i]);
	finish_content(io);
	/* It has not left yet when the host's link is slow. */
	if (io->state == LANE_TALKING)
		lane_set_deadline(io, content_size(c) * MS_AN_OCTET);
}

void
lane_start_content(struct lane_io *io, bool is_chunk)
{
	io->is_chunk = is_chunk;
	io->reader = (struct content_reader){ 0 };
	io->dot = (struct dot_writer){ 0 };
	/* Lines of ours, none of which begins with a dot. */
	if (io->signature != NULL)
		stream_put(io->stream, signature_text(io->signature));
	send_content(io);
}

static void
on_drained(enum stream_status status, void *arg)
{
	struct lane_io *io = arg;
	struct client_event ev = { .type = CLIENT_GOT };

	if (status == STREAM_OK)
		send_content(io);
	else if (stream_last_words(io->stream) ||
		 !span_is_empty(stream_input(io->stream)))
		lane_run(io, &ev);
	else
		lane_lost(io, stream_error(io->stream));
}
