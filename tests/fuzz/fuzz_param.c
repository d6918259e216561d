/*
 * The parameters of MAIL (first byte even) or RCPT: what is taken is kept so that it
 * is read again as it was, is shown under a known keyword, and is written to a host in
 * one line of printable ASCII. A lowered priority leaves everything else.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "mail/envelope.h"
#include "mail/param.h"
#include "smtp/command.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const int64_t now = INT64_C(1790000000000);

/* What is kept is read from a file as it would be (spool, import). */
static void
read_again(const struct params *p, enum param_place place)
{
	struct params again = { .max_message = p->max_message,
		.flags = p->flags };
	struct span attrs = buf_span(&p->attrs);
	struct param_text text;

	while (params_next(&attrs, &text)) {
		assert(text.keyword != NULL && text.value.len > 0);
		assert(params_read(
		    &again, place, span_text(text.keyword), text.value));
	}
	assert(attrs.len == 0);
	assert(span_equal(buf_span(&again.attrs), buf_span(&p->attrs)));
	params_clear(&again);
}

static void
write_out(const struct params *p, enum param_place place)
{
	struct span to = SPAN("b@b.test"), none = { "", 0 };
	struct span attrs = buf_span(&p->attrs);
	struct envelope_parts parts = { .size = 7,
		.flags = p->flags,
		.nrcpt = 1,
		.account = SPAN("ann"),
		.sender = SPAN("a@b.test"),
		.attrs = place == PARAM_OF_MAIL ? attrs : none,
		.rcpt = &to,
		.rcpt_attrs = place == PARAM_OF_RCPT ? &attrs : &none };
	struct param_sending sending = {
		.extensions = UINT32_MAX, .age = 61, .size = 7
	};
	struct envelope *env = envelope_new(&parts);
	struct buf out = { .max = 1 << 20 };

	params_write_mail(env, &sending, &out);
	params_write_rcpt(env, 0, UINT32_MAX, &out);
	for (size_t i = 0; i < buf_len(&out); i++)
		assert(buf_span(&out).ptr[i] >= ' ' &&
		       buf_span(&out).ptr[i] < 127);
	buf_clear(&out);
	free(env);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct params p = { .max_message = 1 << 20, .now = now };
	enum param_place place;
	struct command_param one;
	struct span rest;
	bool ok = true;
	int more = 0;

	if (size == 0)
		return 0;
	place = (data[0] & 1) != 0 ? PARAM_OF_RCPT : PARAM_OF_MAIL;
	rest = span_make((const char *)data + 1, size - 1);
	while (ok && (more = command_next_param(&rest, &one)) == 1) {
		ok = params_read(&p, place, one.keyword, one.value);
		assert(ok || p.wrong[0] == '5');
	}
	if (ok && more == 0 && buf_len(&p.attrs) <= UINT16_MAX) {
		(void)params_cap_priority(&p, 3);
		read_again(&p, place);
		write_out(&p, place);
	}
	params_clear(&p);
	return 0;
}
