/* The envelope as filters change it: all of what one wants, or nothing. */
#include "tests/intake/drafts.h"

#include <string.h>

#include "milter/milter.h"
#include "src/intake/draft_priv.h"
#include "smtp/address.h"

static void
add(const char *text)
{
	struct address a;

	ck_assert_int_eq(address_parse(span_text(text), &a), ADDRESS_OK);
	ck_assert(draft_add_rcpt(&d, &a, SPAN("")));
}

static void
setup(void)
{
	read_conf("hostname = relay.test\n"
		  "limits { recipients = 3 }\n"
		  "filter f { socket = \"unix:/x\" }");
	d = (struct draft){ .origin = DRAFT_SUBMITTED,
		.conf = conf,
		.rcpts.max = (size_t)4 * ADDRESS_WRITTEN_MAX };
	draft_set_written_sender(&d, SPAN("ann@b.test"));
	draft_said(&d, SPAN(""));
	add("x@c.test");
	add("Y@C.test");
}

#define ADD(a)                                                                 \
	{                                                                      \
		MILTER_ADD_RCPT, { a, sizeof(a) - 1 },                         \
		{                                                              \
			"", 0                                                  \
		}                                                              \
	}
#define DELETE(a)                                                              \
	{                                                                      \
		MILTER_DELETE_RCPT, { a, sizeof(a) - 1 },                      \
		{                                                              \
			"", 0                                                  \
		}                                                              \
	}
#define FROM(a)                                                                \
	{                                                                      \
		MILTER_SENDER, { a, sizeof(a) - 1 },                           \
		{                                                              \
			"", 0                                                  \
		}                                                              \
	}

static const struct {
	const char *name;
	size_t n;
	struct milter_change changes[4];
	const char *want; /* NULL: it is wrong */
} cases[] = {
	{ "one more", 1, { ADD("z@d.test") },
	    "ann@b.test: x@c.test Y@C.test z@d.test" },
	{ "one that is there already", 1, { ADD("x@C.TEST") },
	    "ann@b.test: x@c.test Y@C.test" },
	{ "one that was added before", 2, { ADD("z@d.test"), ADD("z@D.test") },
	    NULL },
	{ "one less", 1, { DELETE("x@c.test") }, "ann@b.test: Y@C.test" },
	{ "in another case", 1, { DELETE("y@c.TEST") },
	    "ann@b.test: x@c.test" },
	{ "one that is not there", 1, { DELETE("z@c.test") },
	    "ann@b.test: x@c.test Y@C.test" },
	{ "all of them", 2, { DELETE("x@c.test"), DELETE("y@c.test") },
	    "ann@b.test:" },
	{ "one for another", 2, { DELETE("x@c.test"), ADD("z@d.test") },
	    "ann@b.test: Y@C.test z@d.test" },
	{ "another sender", 1, { FROM("bob@b.test") },
	    "bob@b.test: x@c.test Y@C.test" },
	{ "nobody", 1, { FROM("") }, ": x@c.test Y@C.test" },
	{ "too many", 2, { ADD("z@d.test"), ADD("w@d.test") }, NULL },
	{ "no address", 1, { ADD("z") }, NULL },
	{ "no address at all", 1, { ADD("") }, NULL },
	{ "a line more", 1, { ADD("z@d.test>\r\nRCPT TO:<w@d.test") }, NULL },
	{ "no address to take out", 1, { DELETE("z d") }, NULL },
	{ "no sender", 1, { FROM("bob") }, NULL },
	{ "one is wrong", 2, { DELETE("x@c.test"), ADD("z") }, NULL },
};

START_TEST(an_envelope_is_changed)
{
	struct milter_outcome o = { .changes = cases[_i].changes,
		.nchanges = cases[_i].n };
	const char *wrong = changes_wrong(&d, &o);
	struct buf text = { 0 };

	ck_assert_msg(
	    (wrong == NULL) == (cases[_i].want != NULL), "%s", cases[_i].name);
	if (wrong != NULL)
		return;
	changes_make(&d, &o);
	(void)buf_printf(&text, "%s:", d.sender);
	for (uint32_t i = 0; i < d.nrcpt; i++)
		(void)buf_printf(&text, " %.*s", SPAN_ARG(draft_rcpt(&d, i)));
	ck_assert_msg(span_equal(buf_span(&text), span_text(cases[_i].want)),
	    "%s: %.*s", cases[_i].name, SPAN_ARG(buf_span(&text)));
	ck_assert(d.filtered->is_discarded == (d.nrcpt == 0));
	ck_assert(
	    d.filtered->is_changed == (strcmp(d.sender, "ann@b.test") != 0));
	buf_clear(&text);
}
END_TEST

/* Texts of those that were taken out take room still: no address is cut off. */
START_TEST(there_is_room_for_each)
{
	static const struct milter_change both[] = { DELETE("z@d.test"),
		ADD("z@d.test") };
	struct milter_outcome o = { .changes = both, .nchanges = 2 };
	const char *wrong = NULL;

	for (int i = 0; i < 10000 && wrong == NULL; i++) {
		wrong = changes_wrong(&d, &o);
		if (wrong != NULL)
			break;
		changes_make(&d, &o);
		ck_assert_uint_eq(d.nrcpt, 3);
		ck_assert(span_equal(draft_rcpt(&d, 2), SPAN("z@d.test")));
	}
	ck_assert_ptr_nonnull(wrong);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, an_envelope_is_changed, 0, ARRAY_LEN(cases));
	tcase_add_test(tc, there_is_room_for_each);
}

SUITE_MAIN("changes", fill)
