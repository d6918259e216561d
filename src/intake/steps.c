/*
 * The one table of what is done with a message before it is taken, in its order.
 * A step returns what it needs before the next one may run; or nothing, after it
 * did its part, or refused (draft_refuse()), which ends the stage.
 *
 *   SENDER -> RCPT (each) -> BEGINS -> HEADER -> PIECE (each) -> ENDS: it is in
 *   the spool
 *
 * What costs an account something stands behind what may refuse for nothing.
 */
#include "draft_priv.h"

#include <assert.h>

enum { ANYBODY = DRAFT_SUBMITTED | DRAFT_REPORT | DRAFT_IMPORTED };

static enum draft_need reserve(struct draft *d);
static enum draft_need open_entry(struct draft *d);
static enum draft_need pass(struct draft *d);
static enum draft_need commit(struct draft *d);
static enum draft_need ask_about_added(struct draft *d);

static const struct step {
	enum draft_stage stage;
	unsigned origins; /* whose messages it is for */
	enum draft_need (*run)(struct draft *d);
} steps[] = {
	{ DRAFT_SENDER, DRAFT_SUBMITTED, admit_sender },
	{ DRAFT_SENDER, DRAFT_SUBMITTED, reserve },
	{ DRAFT_RCPT, DRAFT_SUBMITTED, admit_rcpt },
	{ DRAFT_RCPT, DRAFT_SUBMITTED, admit_suppressed },
	{ DRAFT_RCPT, DRAFT_SUBMITTED, reserve },
	{ DRAFT_BEGINS, ANYBODY, open_entry },
	{ DRAFT_HEADER, DRAFT_SUBMITTED, fixup_loop },
	{ DRAFT_HEADER, DRAFT_SUBMITTED, fixup_private },
	{ DRAFT_HEADER, DRAFT_SUBMITTED, fixup_empty },
	{ DRAFT_HEADER, DRAFT_SUBMITTED, fixup_received },
	{ DRAFT_HEADER, DRAFT_SUBMITTED, fixup_authors },
	{ DRAFT_HEADER, DRAFT_SUBMITTED, fixup_date },
	{ DRAFT_HEADER, DRAFT_SUBMITTED, fixup_message_id },
	{ DRAFT_HEADER, DRAFT_SUBMITTED, fixup_from },
	{ DRAFT_HEADER, DRAFT_SUBMITTED, filters_keep },
	{ DRAFT_HEADER, DRAFT_SUBMITTED, note_author },
	{ DRAFT_HEADER, DRAFT_SUBMITTED, hash_begin },
	{ DRAFT_PIECE, DRAFT_SUBMITTED, hash_piece },
	{ DRAFT_PIECE, ANYBODY, pass },
	{ DRAFT_ENDS, DRAFT_SUBMITTED | DRAFT_FILTERED, filters_ask },
	{ DRAFT_ENDS, DRAFT_SUBMITTED | DRAFT_FILTERED, ask_about_added },
	{ DRAFT_ENDS, DRAFT_SUBMITTED | DRAFT_FILTERED, filters_review },
	{ DRAFT_ENDS, DRAFT_SUBMITTED, after_note },
	{ DRAFT_ENDS, DRAFT_SUBMITTED | DRAFT_REPORT, hash_end },
	{ DRAFT_ENDS, ANYBODY | DRAFT_FILTERED, commit },
};

static enum draft_need
reserve(struct draft *d)
{
	(void)d;
	return DRAFT_RESERVE;
}

static enum draft_need
open_entry(struct draft *d)
{
	return d->is_open ? DRAFT_NOTHING : DRAFT_OPEN;
}

static enum draft_need
pass(struct draft *d)
{
	size_t most = d->passed > 0 ? DRAFT_CHUNK : DRAFT_SMALL_MAX;

	if (!d->header_done || buf_len(&d->body) < most)
		return DRAFT_NOTHING;
	d->passed += buf_len(&d->body);
	d->hashed = 0; /* the next piece begins in an empty body */
	return DRAFT_PASS;
}

static enum draft_need
commit(struct draft *d)
{
	if (d->filtered != NULL && d->filtered->is_discarded)
		return DRAFT_NOTHING;
	/* It is stored already as it is to be. */
	if (d->origin == DRAFT_FILTERED && !after_has_changes(d))
		return DRAFT_NOTHING;
	return DRAFT_COMMIT;
}

/* One question at a time: the step comes again until there is none. */
static enum draft_need
ask_about_added(struct draft *d)
{
	enum draft_need need = admit_added(d);

	if (need != DRAFT_NOTHING)
		d->step--;
	return need;
}

static enum draft_need
go_on(struct draft *d)
{
	while (d->step < ARRAY_LEN(steps) && d->refusal == NULL) {
		const struct step *step = &steps[d->step++];

		if (step->stage != d->stage || (step->origins & d->origin) == 0)
			continue;
		d->need = step->run(d);
		if (d->need != DRAFT_NOTHING)
			return d->need;
	}
	return DRAFT_NOTHING;
}

enum draft_need
draft_run(struct draft *d, enum draft_stage stage)
{
	assert(d->need == DRAFT_NOTHING);
	d->stage = stage;
	d->step = 0;
	return go_on(d);
}

enum draft_need
draft_answered(struct draft *d, const char *refusal)
{
	bool is_added = d->need == DRAFT_SUPPRESSED && d->stage == DRAFT_ENDS;

	assert(d->need != DRAFT_NOTHING);
	d->need = DRAFT_NOTHING;
	if (refusal != NULL && is_added)
		admit_leave_out(d, refusal);
	else if (refusal != NULL)
		draft_refuse(d, refusal);
	return go_on(d);
}
