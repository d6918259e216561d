#include "mail/param.h"

#include <stdio.h>

#include "mail/attrs.h"
#include "mail/envelope.h"

/* --- extensions --- */

static const struct {
	const char *name;
	uint32_t extension;
	bool has_size; /* its line ends with the largest message */
} extensions[] = {
	{ "SIZE", EXTENSION_SIZE, true },
	{ "8BITMIME", EXTENSION_8BITMIME, false },
};

uint32_t
extension_of(struct span word)
{
	for (size_t i = 0; i < ARRAY_LEN(extensions); i++)
		if (span_equal_nocase(word, span_text(extensions[i].name)))
			return extensions[i].extension;
	return 0;
}

void
extensions_offer(uint64_t max_message, struct buf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(extensions); i++) {
		(void)buf_printf(out, "250-%s", extensions[i].name);
		if (extensions[i].has_size)
			(void)buf_printf(
			    out, " %llu", (unsigned long long)max_message);
		(void)buf_append_text(out, "\r\n");
	}
}

/* --- reading --- */

static bool
refuse(struct params *p, const char *reply)
{
	(void)snprintf(p->wrong, sizeof p->wrong, "%s", reply);
	return false;
}

static bool
read_size(struct params *p, struct span value)
{
	uint64_t size;

	if (!span_to_u64(value, UINT64_MAX, &size))
		return refuse(p, "501 5.5.4 SIZE wants a number");
	if (size <= p->max_message)
		return true;
	(void)snprintf(p->wrong, sizeof p->wrong,
	    "552 5.3.4 Message too big; at most %llu bytes are taken",
	    (unsigned long long)p->max_message);
	return false;
}

static bool
read_body(struct params *p, struct span value)
{
	if (span_equal_nocase(value, SPAN("8BITMIME")))
		p->flags |= ENVELOPE_8BIT;
	else if (!span_equal_nocase(value, SPAN("7BIT")))
		return refuse(p, "501 5.5.4 BODY is 7BIT or 8BITMIME");
	return true;
}

/* RFC 4954 section 5. We do not pass identities on, so it says nothing to us. */
static bool
read_auth(struct params *p, struct span value)
{
	if (span_is_empty(value))
		return refuse(p, "501 5.5.4 AUTH wants an address or <>");
	return true;
}

/* --- writing --- */

static void
write_size(const struct envelope *env, struct buf *out)
{
	(void)buf_printf(out, " SIZE=%llu", (unsigned long long)env->size);
}

static void
write_body(const struct envelope *env, struct buf *out)
{
	if ((env->flags & ENVELOPE_8BIT) != 0)
		(void)buf_append_text(out, " BODY=8BITMIME");
}

/* --- the table --- */

static const struct row {
	const char *keyword;
	enum param_place place;
	uint32_t extension; /* who offers it gets it; 0: nobody does */
	uint16_t tag; /* what it is kept as; 0: it is not, or as a flag */
	bool (*read)(struct params *p, struct span value);
	/* NULL: what is kept, as it is. */
	void (*write)(const struct envelope *env, struct buf *out);
} table[] = {
	{ "SIZE", PARAM_OF_MAIL, EXTENSION_SIZE, 0, read_size, write_size },
	{ "BODY", PARAM_OF_MAIL, EXTENSION_8BITMIME, 0, read_body, write_body },
	{ "AUTH", PARAM_OF_MAIL, 0, 0, read_auth, NULL },
};

static const struct row *
find(enum param_place place, struct span keyword)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].place == place &&
		    span_equal_nocase(keyword, span_text(table[i].keyword)))
			return &table[i];
	return NULL;
}

void
params_clear(struct params *p)
{
	buf_clear(&p->attrs);
	*p = (struct params){ .max_message = p->max_message };
}

bool
params_read(struct params *p, enum param_place place, struct span keyword,
    struct span value)
{
	const struct row *row = find(place, keyword);
	uint32_t bit;

	if (row == NULL)
		return refuse(p, "555 5.5.4 Parameter not recognized");
	bit = 1u << (row - table);
	if ((p->seen & bit) != 0) {
		(void)snprintf(p->wrong, sizeof p->wrong,
		    "501 5.5.4 %s stands there twice", row->keyword);
		return false;
	}
	p->seen |= bit;
	if (!row->read(p, value))
		return false;
	if (row->tag != 0)
		attrs_put(&p->attrs, row->tag, value);
	return true;
}

static void
write_kept(const struct row *row, struct span attrs, struct buf *out)
{
	struct span value = attrs_get(attrs, row->tag);

	if (span_is_empty(value))
		return;
	(void)buf_printf(out, " %s=", row->keyword);
	(void)buf_append_span(out, value);
}

static void
write_all(const struct envelope *env, enum param_place place, struct span attrs,
    uint32_t offered, struct buf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct row *row = &table[i];

		if (row->place != place || (row->extension & offered) == 0)
			continue;
		if (row->write != NULL)
			row->write(env, out);
		else
			write_kept(row, attrs, out);
	}
}

void
params_write_mail(const struct envelope *env, uint32_t offered, struct buf *out)
{
	write_all(env, PARAM_OF_MAIL, envelope_attrs(env), offered, out);
}

void
params_write_rcpt(const struct envelope *env, uint32_t rcpt, uint32_t offered,
    struct buf *out)
{
	write_all(
	    env, PARAM_OF_RCPT, envelope_rcpt_attrs(env, rcpt), offered, out);
}

bool
params_next(struct span *attrs, struct param_text *out)
{
	struct span before = *attrs;
	struct attr a;

	if (!attrs_next(attrs, &a))
		return false;
	*out = (struct param_text){
		.value = a.value,
		.whole = span_to(before, before.len - attrs->len),
	};
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].tag == a.tag)
			out->keyword = table[i].keyword;
	return true;
}
