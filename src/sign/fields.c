/*
 * RFC 6376 5.4.2: a name that stands in h= several times means the last field of
 * that name, then the one above it, and so on. So the header is gone through from
 * its end, and each field that is covered adds its name; names that are added
 * behind all fields mean that there are no more.
 */
#include "sign/fields.h"

#include <stdlib.h>

#include "base/mem.h"
#include "mail/header.h"
#include "relaxed.h"

enum { CANONICAL_MAX = 32 << 20, NAMES_MAX = 1 << 17 };

static const struct {
	struct span name; /* in lower case */
	bool is_shut; /* no more of them may come */
} covered[] = {
	{ { "from", 4 }, true },
	{ { "to", 2 }, true },
	{ { "cc", 2 }, true },
	{ { "subject", 7 }, true },
	{ { "reply-to", 8 }, true },
	{ { "date", 4 }, false },
	{ { "message-id", 10 }, false },
	{ { "mime-version", 12 }, false },
	{ { "content-type", 12 }, false },
	{ { "content-transfer-encoding", 25 }, false },
	{ { "in-reply-to", 11 }, false },
	{ { "references", 10 }, false },
	{ { "sender", 6 }, false },
};

static bool
is_covered(struct span name)
{
	/* Of mailing lists: List-Unsubscribe-Post among them (RFC 8058 4). */
	if (span_starts_nocase(name, SPAN("list-")) && name.len > 5)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(covered); i++)
		if (covered[i].name.len == name.len &&
		    span_equal_nocase(covered[i].name, name))
			return true;
	return false;
}

static void
put_name(struct buf *names, struct span name)
{
	if (buf_len(names) > 0)
		(void)buf_append_char(names, ':');
	for (size_t i = 0; i < name.len; i++)
		(void)buf_append_char(names, ascii_lower(name.ptr[i]));
}

/* A name with a semicolon would end the tag h=; it is no name of the table. */
static bool
is_plain(struct span name)
{
	return span_find(name, ';') == name.len;
}

static bool
put_field(struct fields *f, const struct header_field *field)
{
	put_name(&f->names, field->name);
	relaxed_field(field->raw, &f->canonical);
	return buf_append(&f->canonical, "\r\n", 2);
}

bool
fields_read(struct span header, struct fields *out)
{
	struct header_field *all = mem_alloc((FIELDS_MAX + 1) * sizeof *all);
	struct header_field f;
	size_t n = 0;
	bool has_from = false;

	*out = (struct fields){ .names = { .max = NAMES_MAX },
		.canonical = { .max = CANONICAL_MAX } };
	while (n <= FIELDS_MAX && header_next(&header, &f)) {
		if (!is_covered(f.name) || !is_plain(f.name))
			continue;
		if (!has_from && span_equal_nocase(f.name, SPAN("from"))) {
			out->from = f.value;
			has_from = true;
		}
		all[n++] = f;
	}
	for (size_t i = n; i > 0 && n <= FIELDS_MAX; i--)
		(void)put_field(out, &all[i - 1]);
	free(all);
	for (size_t i = 0; i < ARRAY_LEN(covered); i++)
		if (covered[i].is_shut)
			put_name(&out->names, covered[i].name);
	return has_from && n <= FIELDS_MAX && !buf_is_over(&out->names) &&
	       !buf_is_over(&out->canonical);
}

void
fields_clear(struct fields *f)
{
	buf_clear(&f->names);
	buf_clear(&f->canonical);
	*f = (struct fields){ 0 };
}
