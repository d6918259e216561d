/*
 * parts: an envelope as a line of a dialog: "SENDER [KEY=VALUE ...] RCPT
 * [KEY=VALUE ...] RCPT ...", with the parameters of MAIL and RCPT behind what they
 * are of. Among those of MAIL, "utf8-header" says that the header is more than
 * ASCII.
 */
#ifndef TESTS_LIB_PARTS_H
#define TESTS_LIB_PARTS_H

#include <stdbool.h>

#include "mail/envelope.h"
#include "mail/param.h"

enum { PARTS_RCPTS = 160 };

struct parts {
	struct envelope_parts
	    parts; /* its spans point into the line, or here */
	struct span rcpts[PARTS_RCPTS], attrs[PARTS_RCPTS];
	struct params mail, rcpt[PARTS_RCPTS];
};

static inline bool
parts_read(struct parts *p, struct span line)
{
	struct params *of = &p->mail;

	*p = (struct parts){ 0 };
	p->mail.max_message = UINT64_MAX;
	p->parts.sender = span_cut(&line, ' ');
	while (!span_is_empty(line) && p->parts.nrcpt < PARTS_RCPTS) {
		struct span word = span_cut(&line, ' ');
		size_t eq = span_find(word, '=');

		if (span_equal(word, SPAN("utf8-header"))) {
			p->mail.flags |= ENVELOPE_UTF8_HEADER;
		} else if (span_equal(word, SPAN("SMTPUTF8"))) {
			if (!params_read(
				&p->mail, PARAM_OF_MAIL, word, SPAN("")))
				return false;
		} else if (eq == word.len) {
			of = &p->rcpt[p->parts.nrcpt];
			p->rcpts[p->parts.nrcpt++] = word;
		} else if (!params_read(of,
			       of == &p->mail ? PARAM_OF_MAIL : PARAM_OF_RCPT,
			       span_to(word, eq), span_from(word, eq + 1)))
			return false;
	}
	for (uint32_t i = 0; i < p->parts.nrcpt; i++)
		p->attrs[i] = buf_span(&p->rcpt[i].attrs);
	p->parts.flags |= p->mail.flags;
	p->parts.attrs = buf_span(&p->mail.attrs);
	p->parts.rcpt = p->rcpts;
	p->parts.rcpt_attrs = p->attrs;
	return true;
}

static inline void
parts_clear(struct parts *p)
{
	params_clear(&p->mail);
	for (uint32_t i = 0; i < p->parts.nrcpt; i++)
		params_clear(&p->rcpt[i]);
}

#endif
