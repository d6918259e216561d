/*
 * How a message came, as the journal has it for filters that are asked after
 * acceptance, a recipient's parameters, and its content: three parts, each ended by a
 * byte 0xff. What is read is written again as it was read.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "mail/attrs.h"
#include "mail/envelope.h"
#include "src/intake/draft_priv.h"
#include "tests/fuzz/one_conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const bool open_rcpts[3] = { true, false, true };

static const struct conf *
the_conf(void)
{
	return one_conf("hostname = relay.test\n"
			"filter f { socket = \"unix:/x\" when = after }");
}

static struct envelope *
envelope_with(struct span came, struct span rcpt_attrs)
{
	static const struct span rcpts[] = { { "x@c.test", 8 },
		{ "y@c.test", 8 }, { "z@d.test", 8 } };
	struct span attrs_of[] = { rcpt_attrs, { NULL, 0 }, rcpt_attrs };
	struct buf attrs = { .max = ATTRS_MAX };
	struct envelope *env;

	attrs_put(&attrs, ATTR_ENVID, SPAN("id"));
	attrs_put(&attrs, ATTR_CAME, came);
	env = envelope_new(&(struct envelope_parts){ .id = 7,
	    .account = SPAN("ann@b.test"),
	    .sender = SPAN("ann@b.test"),
	    .attrs = buf_span(&attrs),
	    .rcpt = rcpts,
	    .rcpt_attrs = attrs_of,
	    .nrcpt = 3 });
	buf_clear(&attrs);
	return env;
}

/* Borrows the envelope until draft_clear(). */
static struct draft
draft_from(const struct envelope *env)
{
	struct draft d = { .conf = the_conf(), .now = 1 };

	after_begin(&d, env, open_rcpts);
	assert(d.nrcpt == 2 && d.is_open);
	for (uint32_t i = 0; i < d.nrcpt; i++)
		assert(draft_params(&d, i).len <= 1000);
	return d;
}

/* How it came, as it would be kept of what was read. */
static struct buf
note_again(struct draft *d)
{
	struct buf came = { .max = ATTRS_MAX };

	(void)after_note(d);
	(void)buf_append_span(&came, attrs_get(buf_span(&d->attrs), ATTR_CAME));
	assert(!span_is_empty(buf_span(&came)));
	return came;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_make((const char *)data, size);
	struct span came = span_cut(&text, '\xff');
	struct span rcpt_attrs = span_cut(&text, '\xff');
	struct envelope *env;
	struct draft d;
	struct buf first, second;

	if (came.len > 20000 || rcpt_attrs.len > 600)
		return 0;
	env = envelope_with(came, rcpt_attrs);
	d = draft_from(env);
	first = note_again(&d);
	if (after_take_content(&d, NULL, text, true)) {
		/* All of it, and nothing else. */
		assert(buf_len(&d.head) + buf_len(&d.body) == text.len);
		assert(d.behind_header <= text.len);
	}
	draft_clear(&d);
	free(env);
	env = envelope_with(buf_span(&first), rcpt_attrs);
	d = draft_from(env);
	second = note_again(&d);
	assert(span_equal(buf_span(&first), buf_span(&second)));
	draft_clear(&d);
	free(env);
	buf_clear(&first);
	buf_clear(&second);
	return 0;
}
