/*
 * Content for a host that does not take it as it is: read twice in the pool, and
 * made anew in memory, or in a file of the spool without a name.
 *
 *   lane_convert -> (in the pool) convert_all -> on_converted: it is signed, and
 *   leaves; or no host of this kind can have it; or it is put off
 */
#include "lane_parts_io.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "deliver/attempt.h"
#include "facts/fact.h"
#include "io/work.h"
#include "mail/convert.h"
#include "mail/envelope.h"
#include "spool/spool.h"

enum {
	READ = PARTS_ADD_MAX,
	MEMORY_MOST = 1 << 20, /* octets of what is made; more is a file */
};

struct conversion {
	struct lane_io *io; /* borrowed: waits for it */
	struct content *from; /* owned reference */
	enum client_form form;
	struct convert convert;
	enum convert_result result;
	struct buf out; /* owned: what is not in the file yet */
	int fd; /* owned; negative: all is in `out` */
	uint64_t written; /* octets in the file */
	struct err err; /* why it could not be read or written */
	bool is_faulty;
};

static void convert_all(void *arg);
static void on_converted(void *arg);

static const struct {
	enum convert_to to;
	const char *word; /* for the log */
	const char *lacks; /* what the host does not take */
} forms[] = {
	[FORM_8BIT] = { CONVERT_TO_8BIT, "8bit", "binary content" },
	[FORM_ASCII_HEADERS] = { CONVERT_TO_ASCII_HEADERS, "ascii-headers",
	    "header beyond ASCII (SMTPUTF8)" },
	[FORM_7BIT] = { CONVERT_TO_7BIT, "7bit", "8-bit content" },
};

void
lane_convert(struct lane_io *io, enum client_form form)
{
	const struct envelope *env = io->attempt->env;
	struct conversion *cv = MEM_NEW(struct conversion);

	cv->io = io;
	cv->fd = -1;
	cv->from = content_ref(io->attempt->content);
	cv->form = form;
	cv->convert.to = forms[form].to;
	if ((env->flags & ENVELOPE_BINARY) != 0)
		cv->convert.lines_max = CONVERT_LINE_MAX;
	work_run(io->worker->loop, convert_all, on_converted, cv);
}

static void
conversion_free(struct conversion *cv)
{
	content_unref(cv->from);
	convert_clear(&cv->convert);
	buf_clear(&cv->out);
	if (cv->fd >= 0)
		(void)close(cv->fd);
	free(cv);
}

/* --- in the pool --- */

static int
open_file(struct conversion *cv)
{
	struct spool *spool = cv->io->worker->spool;

	if (spool_room(spool, content_size(cv->from) * 2) != SPOOL_OK)
		return err_set(
		    &cv->err, -ENOSPC, "too little space in the spool");
	cv->fd = spool_scratch(spool, &cv->err);
	return cv->fd < 0 ? cv->fd : 0;
}

static int
spill(struct conversion *cv)
{
	int rc = cv->fd < 0 ? open_file(cv) : 0;
	struct span rest = buf_span(&cv->out);

	while (rc == 0 && rest.len > 0) {
		ssize_t n = write(cv->fd, rest.ptr, rest.len);

		if (n >= 0) {
			rest = span_from(rest, (size_t)n);
			cv->written += (uint64_t)n;
		} else if (errno != EINTR) {
			rc = err_errno(&cv->err, "write what is converted");
		}
	}
	buf_reset(&cv->out);
	return rc;
}

/* One walk over all of it. Negative: a fault. */
static int
walk(struct conversion *cv, bool is_writing, char *piece)
{
	struct content_reader reader = { 0 };
	int rc = 0;

	do {
		int64_t n =
		    content_next(&reader, cv->from, piece, READ, &cv->err);
		struct span some = { piece, n > 0 ? (size_t)n : 0 };

		if (n < 0)
			return (int)n;
		cv->result =
		    is_writing
			? convert_write(&cv->convert, some, n == 0, &cv->out)
			: convert_look(&cv->convert, some, n == 0);
		if (buf_len(&cv->out) > MEMORY_MOST ||
		    (cv->fd >= 0 && cv->result == CONVERT_DONE))
			rc = spill(cv);
	} while (rc == 0 && cv->result == CONVERT_MORE);
	return rc;
}

static void
convert_all(void *arg)
{
	struct conversion *cv = arg;
	char *piece = mem_alloc(READ);
	int rc;

	cv->out.max = CONVERT_ROOM + MEMORY_MOST;
	rc = walk(cv, false, piece);
	if (rc == 0 && cv->result == CONVERT_NEEDED)
		rc = walk(cv, true, piece);
	cv->is_faulty = rc < 0;
	free(piece);
}

/* --- what came of it --- */

static struct content *
take_made(struct conversion *cv)
{
	struct buf none = { 0 };
	int fd = cv->fd;

	if (fd < 0)
		return content_new_take(&none, &cv->out);
	cv->fd = -1;
	return content_new_file(fd, 0, cv->written);
}

static void
put_off(struct lane_io *io, const struct conversion *cv)
{
	struct verdict v =
	    verdict_of_us(STAGE_NONE, "4.3.0", span_text(cv->err.text));

	lane_answer_with(io, &v);
}

/* Another host of the domain may take it. */
static void
give_up(struct lane_io *io, const struct conversion *cv)
{
	bool is_address = cv->convert.is_address;
	struct verdict v;
	char what[400];

	(void)snprintf(what, sizeof what,
	    "the host takes no %s, and this message cannot be made into what "
	    "it takes: %s",
	    forms[cv->form].lacks, cv->convert.why);
	v = verdict_of_us(
	    STAGE_NONE, is_address ? "5.6.9" : "5.6.3", span_text(what));
	v.outcome = OUTCOME_ELSEWHERE;
	lane_answer_with(io, &v);
}

static void
on_converted(void *arg)
{
	struct conversion *cv = arg;
	struct lane_io *io = cv->io;

	io->pool_is_busy = false;
	if (io->state == LANE_CLOSING) {
		lane_pool_is_done(io);
	} else if (cv->is_faulty) {
		put_off(io, cv);
	} else if (cv->result == CONVERT_IMPOSSIBLE) {
		give_up(io, cv);
	} else {
		if (cv->result == CONVERT_DONE) {
			io->made = take_made(cv);
			FACT(CONVERTED, fact_id("qid", io->attempt->env->id),
			    fact_string("host", io->attempt->host),
			    fact_word("to", forms[cv->form].word),
			    fact_number("size", content_size(io->made)));
		}
		lane_sign(io);
	}
	conversion_free(cv);
}
