/*
 * What a message asks for, and what is said to a host that offers this or that: every
 * cell of the matrix. Over verified TLS, so that REQUIRETLS may be.
 */
#include "tests/lib/suite.h"

#include <string.h>

#include "base/mem.h"
#include "deliver/attempt.h"
#include "deliver/client.h"
#include "mail/envelope.h"
#include "mail/reason.h"
#include "sched/target.h"
#include "tests/lib/parts.h"

#define LETTER "bj\xc3\xb6rn"
#define DOMAIN "b\xc3\xbc"
#define A_LABEL "xn--b-eha"

enum { NHOSTS = 11 };

/* What each host offers beside PIPELINING. */
static const char *const hosts[NHOSTS] = { "", "SIZE", "8BITMIME",
	"CHUNKING BINARYMIME", "DSN", "SMTPUTF8", "DELIVERBY", "FUTURERELEASE",
	"MT-PRIORITY", "REQUIRETLS",
	"SIZE 8BITMIME CHUNKING BINARYMIME DSN SMTPUTF8 DELIVERBY "
	"FUTURERELEASE MT-PRIORITY REQUIRETLS" };

/*
 * Behind MAIL FROM: and RCPT TO:, and what the content is made into; or the status
 * with which another host is looked for. "": nothing but the addresses.
 */
static const struct {
	const char *name, *asked;
	uint32_t flags; /* that content has, beside what is asked for */
	const char *said[NHOSTS];
} rows[] = {
	{ "nothing", "a@b.test x@c.test", 0,
	    { "", "SIZE=100", "", "", "", "", "", "", "", "", "SIZE=100" } },
	{ "8-bit content", "a@b.test BODY=8BITMIME x@c.test", ENVELOPE_8BIT,
	    { "(7bit)", "SIZE=100 (7bit)", "BODY=8BITMIME", "(7bit)", "(7bit)",
		"(7bit)", "(7bit)", "(7bit)", "(7bit)", "(7bit)",
		"SIZE=100 BODY=8BITMIME" } },
	{ "8-bit content, not announced", "a@b.test x@c.test", ENVELOPE_8BIT,
	    { "(7bit)", "SIZE=100 (7bit)", "BODY=8BITMIME", "(7bit)", "(7bit)",
		"(7bit)", "(7bit)", "(7bit)", "(7bit)", "(7bit)",
		"SIZE=100 BODY=8BITMIME" } },
	{ "binary content", "a@b.test BODY=BINARYMIME x@c.test", 0,
	    { "(7bit)", "SIZE=100 (7bit)", "(8bit)", "BODY=BINARYMIME",
		"(7bit)", "(7bit)", "(7bit)", "(7bit)", "(7bit)", "(7bit)",
		"SIZE=100 BODY=BINARYMIME" } },
	{ "binary content with 8-bit text", "a@b.test BODY=BINARYMIME x@c.test",
	    ENVELOPE_8BIT,
	    { "(7bit)", "SIZE=100 (7bit)", "BODY=8BITMIME (8bit)",
		"BODY=BINARYMIME", "(7bit)", "(7bit)", "(7bit)", "(7bit)",
		"(7bit)", "(7bit)", "SIZE=100 BODY=BINARYMIME" } },
	{ "a recipient with letters", "a@b.test SMTPUTF8 " LETTER "@c.test", 0,
	    { "5.6.7", "5.6.7", "5.6.7", "5.6.7", "5.6.7", "SMTPUTF8", "5.6.7",
		"5.6.7", "5.6.7", "5.6.7", "SIZE=100 SMTPUTF8" } },
	{ "a sender with letters", LETTER "@b.test SMTPUTF8 x@c.test", 0,
	    { "5.6.7", "5.6.7", "5.6.7", "5.6.7", "5.6.7", "SMTPUTF8", "5.6.7",
		"5.6.7", "5.6.7", "5.6.7", "SIZE=100 SMTPUTF8" } },
	{ "a header with letters", "a@b.test SMTPUTF8 utf8-header x@c.test",
	    ENVELOPE_8BIT,
	    { "(7bit)", "SIZE=100 (7bit)", "BODY=8BITMIME (ascii-headers)",
		"(7bit)", "(7bit)", "SMTPUTF8 (7bit)", "(7bit)", "(7bit)",
		"(7bit)", "(7bit)", "SIZE=100 BODY=8BITMIME SMTPUTF8" } },
	/* The domain can be said in ASCII. */
	{ "a domain with letters", "a@b.test SMTPUTF8 x@" DOMAIN ".test", 0,
	    { "<x@" A_LABEL ".test>", "SIZE=100 <x@" A_LABEL ".test>",
		"<x@" A_LABEL ".test>", "<x@" A_LABEL ".test>",
		"<x@" A_LABEL ".test>", "SMTPUTF8", "<x@" A_LABEL ".test>",
		"<x@" A_LABEL ".test>", "<x@" A_LABEL ".test>",
		"<x@" A_LABEL ".test>", "SIZE=100 SMTPUTF8" } },
	{ "reports",
	    "a@b.test RET=HDRS ENVID=e x@c.test NOTIFY=SUCCESS "
	    "ORCPT=rfc822;y@c.test",
	    0,
	    { "", "SIZE=100", "", "",
		"RET=HDRS ENVID=e NOTIFY=SUCCESS ORCPT=rfc822;y@c.test", "", "",
		"", "", "",
		"SIZE=100 RET=HDRS ENVID=e NOTIFY=SUCCESS "
		"ORCPT=rfc822;y@c.test" } },
	{ "a time to be there", "a@b.test BY=100;N x@c.test", 0,
	    { "", "SIZE=100", "", "", "", "", "BY=100;N", "", "", "",
		"SIZE=100 BY=100;N" } },
	/* It was waited for here. */
	{ "a time to leave", "a@b.test HOLDUNTIL=2020-01-01T00:00:00Z x@c.test",
	    0, { "", "SIZE=100", "", "", "", "", "", "", "", "", "SIZE=100" } },
	{ "a priority", "a@b.test MT-PRIORITY=3 x@c.test", 0,
	    { "", "SIZE=100", "", "", "", "", "", "", "MT-PRIORITY=3", "",
		"SIZE=100 MT-PRIORITY=3" } },
	{ "TLS all the way", "a@b.test REQUIRETLS=yes x@c.test", 0,
	    { "5.7.30", "5.7.30", "5.7.30", "5.7.30", "5.7.30", "5.7.30",
		"5.7.30", "5.7.30", "5.7.30", "REQUIRETLS",
		"SIZE=100 REQUIRETLS" } },
	/* Of us, and nobody else's business. */
	{ "an identity", "a@b.test AUTH=<> x@c.test", 0,
	    { "", "SIZE=100", "", "", "", "", "", "", "", "", "SIZE=100" } },
};

static struct client *
greet(const struct target *target, const char *offers)
{
	struct client_options options = { 0 };
	struct client *c = client_new(target, &options);
	struct buf text = { 0 }, out = { 0 };
	struct span in = { "", 0 }, rest = span_text(offers);
	struct client_event ev = { .type = CLIENT_CONNECTED, .in = &in };

	(void)client_step(c, &ev, &out);
	(void)buf_append_text(&text, "220 mx\r\n250-mx\r\n250-PIPELINING\r\n");
	while (!span_is_empty(rest)) {
		struct span word = span_cut(&rest, ' ');

		(void)buf_printf(&text, "250-%.*s\r\n", SPAN_ARG(word));
	}
	(void)buf_append_text(&text, "250 HELP\r\n");
	in = buf_span(&text);
	ev.type = CLIENT_GOT;
	while (in.len > 0 && client_step(c, &ev, &out) == CLIENT_INPUT)
		;
	buf_clear(&text);
	buf_clear(&out);
	return c;
}

/* What stands behind the address, and the address where it is another one. */
static void
take_line(
    struct span *out, const char *verb, const char *address, struct buf *said)
{
	struct span line = span_cut(out, '\n');
	size_t n;

	ck_assert(span_starts(line, span_text(verb)));
	line = span_from(line, strlen(verb));
	n = span_find(line, '>') + 1;
	if (!span_equal(span_to(span_from(line, 1), n - 2), span_text(address)))
		(void)buf_printf(said, " %.*s", SPAN_ARG(span_to(line, n)));
	line = span_from(line, n);
	line.len -= line.len > 0 && line.ptr[line.len - 1] == '\r';
	(void)buf_append_span(said, line);
}

static void
give(struct client *c, const struct envelope *env, struct buf *said)
{
	static const char *const forms[] = { [FORM_AS_IT_IS] = "",
		[FORM_8BIT] = " (8bit)",
		[FORM_ASCII_HEADERS] = " (ascii-headers)",
		[FORM_7BIT] = " (7bit)" };
	static const uint32_t one = 0;
	struct attempt *a = attempt_new(env, NULL, &one, 1);
	struct span none = { "", 0 }, lines;
	struct client_event ev = {
		.type = CLIENT_GIVEN, .in = &none, .attempt = a, .size = 100
	};
	enum client_form form = client_form(c, env);
	struct buf out = { 0 };

	if (client_step(c, &ev, &out) == CLIENT_READY) {
		ck_assert_int_eq(a->rcpts[0].outcome, OUTCOME_ELSEWHERE);
		(void)buf_printf(said, " %.*s",
		    SPAN_ARG(reason_words(a->rcpts[0].reason).status));
	} else {
		lines = buf_span(&out);
		take_line(&lines, "MAIL FROM:", env->sender, said);
		take_line(&lines, "RCPT TO:", env->rcpts[0].address, said);
		(void)buf_append_text(said, forms[form]);
		client_forget(c);
	}
	buf_clear(&out);
	attempt_free(a);
}

static void
check(int row, int host)
{
	struct target *target = target_new();
	struct client *c;
	struct envelope *env;
	struct parts parts;
	struct buf said = { 0 };

	target->hostname = mem_strdup("relay.test");
	target->tls = TARGET_TLS_IMPLICIT;
	target->chunking = true;
	ck_assert(parts_read(&parts, span_text(rows[row].asked)));
	parts.parts.size = 100;
	parts.parts.flags |= rows[row].flags;
	env = envelope_new(&parts.parts);
	c = greet(target, hosts[host]);
	give(c, env, &said);
	ck_assert_msg(span_equal(span_trim(buf_span(&said)),
			  span_text(rows[row].said[host])),
	    "%s, to who offers '%s': it says '%.*s'", rows[row].name,
	    hosts[host], SPAN_ARG(buf_span(&said)));
	buf_clear(&said);
	client_free(c);
	free(env);
	parts_clear(&parts);
	target_unref(target);
}

START_TEST(a_host_hears_what_it_offers_and_nothing_else)
{
	for (int host = 0; host < NHOSTS; host++)
		check(_i, host);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(tc, a_host_hears_what_it_offers_and_nothing_else, 0,
	    ARRAY_LEN(rows));
}

SUITE_MAIN("matrix", fill)
